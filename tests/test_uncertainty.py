"""Limits, block sums and calibration of combined errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yaotan import correlation
from yaotan.errors import YaotanError
from yaotan.geodesy import distance
from yaotan.interval import mean_interval
from yaotan.uncertainty import correlated_mean_uncertainty, split_overpass


def scene(seed=0, rows=30, columns=40, step=0.5, months=3):
    rng = np.random.default_rng(seed)
    lat, lon = np.meshgrid(30 + step * np.arange(rows), 100 + step * np.arange(columns), indexing="ij")
    weights = rng.random((months, lat.size)) * np.cos(np.radians(lat.ravel()))
    weights[rng.random(weights.shape) < 0.2] = 0
    return weights / weights.sum(1, keepdims=True), rng.uniform(0.5, 1.5, lat.size), lat.ravel(), lon.ravel()


def double_sum(weights, sigma, lat, lon, length):
    rho = np.exp(-distance(lat[:, None], lon[:, None], lat, lon) / length)
    return np.sqrt(np.einsum("ta,tb,ab->t", weights * sigma, weights * sigma, rho))


def test_equals_the_double_sum():
    args = scene()
    np.testing.assert_allclose(
        correlated_mean_uncertainty(*args, 120e3), double_sum(*args, 120e3), rtol=1e-10
    )


def test_limits():
    weights, sigma, lat, lon = scene()
    independent = np.sqrt(((weights * sigma) ** 2).sum(1))
    full = (weights * sigma).sum(1)
    for small in (0.0, 1.0):
        got = correlated_mean_uncertainty(weights, sigma, lat, lon, small)
        np.testing.assert_allclose(got, independent, rtol=1e-9)
    np.testing.assert_allclose(correlated_mean_uncertainty(weights, sigma, lat, lon, np.inf), full)
    np.testing.assert_allclose(correlated_mean_uncertainty(weights, sigma, lat, lon, 1e13), full, rtol=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.floats(1e3, 1e7), st.floats(1.05, 3.0), st.integers(0, 1000))
def test_grows_with_length_between_the_limits(length, factor, seed):
    args = scene(seed, rows=6, columns=7)
    shorter = correlated_mean_uncertainty(*args, length)
    longer = correlated_mean_uncertainty(*args, length * factor)
    assert (shorter <= longer * (1 + 1e-12)).all()
    assert (correlated_mean_uncertainty(*args, 0) <= shorter * (1 + 1e-12)).all()
    assert (longer <= correlated_mean_uncertainty(*args, np.inf) * (1 + 1e-12)).all()


@pytest.mark.parametrize("step", [0.05, 0.1, 0.5])
@pytest.mark.parametrize("length", [20e3, 50e3, 100e3, 300e3, 1e6])
def test_blocks_agree_with_the_full_sum(monkeypatch, step, length):
    args = scene(1, 40, 40, step, months=2)
    monkeypatch.setattr(correlation, "EXACT_CELLS", 10**9)
    exact = correlated_mean_uncertainty(*args, length)
    monkeypatch.setattr(correlation, "EXACT_CELLS", 400)
    grouped = correlated_mean_uncertainty(*args, length)
    assert (grouped != exact).any()
    np.testing.assert_allclose(grouped, exact, rtol=3e-3)


def test_blocks_across_dateline_and_pole(monkeypatch):
    rng = np.random.default_rng(3)
    lat, lon = rng.uniform(80, 90, 900), rng.uniform(-180, 180, 900)
    lat[:300], lon[:300] = rng.uniform(-5, 5, 300), (rng.uniform(175, 185, 300) + 180) % 360 - 180
    weights = np.full((1, 900), 1 / 900)
    exact = correlated_mean_uncertainty(weights, 1.0, lat, lon, 300e3)
    monkeypatch.setattr(correlation, "EXACT_CELLS", 100)
    grouped = correlated_mean_uncertainty(weights, 1.0, lat, lon, 300e3)
    np.testing.assert_allclose(grouped, exact, rtol=3e-3)


def test_cells_of_weight_zero_do_not_count_and_unknown_sigma_is_said():
    got = correlated_mean_uncertainty([0.5, 0.5, 0.0], [1.0, 1.0, np.nan], [0, 1, 2], [0, 0, 0], 0.0)
    assert got == pytest.approx(np.sqrt(0.5))
    for length in (0.0, 1e5, np.inf):
        assert np.isnan(correlated_mean_uncertainty([0.5, 0.5], [1.0, np.nan], [0, 1], [0, 0], length))
    with pytest.raises(YaotanError, match="correlation length"):
        correlated_mean_uncertainty([1.0], [1.0], [0], [0], -1.0)
    with pytest.raises(YaotanError, match="correlation length"):
        correlated_mean_uncertainty([1.0], [1.0], [0], [0], np.nan)


def coverage(draw, runs=4000, seed=5, **options):
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(runs):
        interval = mean_interval(*draw(rng), **options)
        hits += interval.lower <= 1.0 <= interval.upper
    return hits / runs


def test_interval_covers_at_its_level_when_scatter_rules():
    def draw(rng):
        sigma = np.full(8, 0.3)
        return 1.0 + rng.normal(0, 0.5, 8) + rng.normal(0, 0.3, 8), sigma

    assert coverage(draw) == pytest.approx(0.95, abs=0.012)
    assert coverage(draw, level=0.8) == pytest.approx(0.80, abs=0.025)


def test_interval_is_not_too_narrow_when_measurement_rules():
    def draw(rng):
        return 1.0 + rng.normal(0, 0.4, 5), np.full(5, 0.4)

    got = coverage(draw)
    assert got >= 0.945  # the floor of the stated errors makes it wider, never narrower
    without = coverage(lambda rng: (draw(rng)[0], None))
    assert without == pytest.approx(0.95, abs=0.012)
    assert got >= without


def test_interval_holds_a_systematic_error():
    def draw(rng):
        return 1.0 + rng.normal(0, 0.2) + rng.normal(0, 0.3, 12), np.full(12, 0.1)

    assert coverage(draw, systematic=0.2) == pytest.approx(0.95, abs=0.015)
    assert coverage(draw) < 0.9


def test_interval_of_few_values():
    none = mean_interval([np.nan, np.inf])
    assert (none.count, np.isnan(none.mean), none.excludes_zero) == (0, True, False)
    one = mean_interval([2.0], [0.5])
    assert one.lower == pytest.approx(2 - 1.959964 * 0.5)
    assert one.excludes_zero
    assert mean_interval([2.0]).upper == np.inf
    equal = mean_interval([1.0, 1.0, 1.0], [0.3, 0.3, np.nan])
    assert equal.standard_error == pytest.approx(0.3 / np.sqrt(3))
    with pytest.raises(YaotanError, match="level"):
        mean_interval([1.0, 2.0], level=95)


def test_overpass_error_splits_without_loss():
    rng = np.random.default_rng(3)
    random = rng.uniform(0.1, 1.0, 50)
    overpass = random * rng.uniform(1.0, 3.0, 50)
    own, shared = split_overpass(random, overpass, 0.4)
    np.testing.assert_allclose(np.hypot(own, shared), overpass)
    # r = 0: nothing is shared; r = 1: nothing is the cell's own
    assert (split_overpass(random, random, 0.0)[1] == 0).all()
    assert (split_overpass(random, overpass, 1.0)[0] == 0).all()

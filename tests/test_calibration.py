"""Stated uncertainty against few simulated truths: a sigma wrong by a factor 1.5 is caught."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from truth.ensemble import simulate_months
from yaotan.uncertainty import (
    correlated_mean_uncertainty,
    number_overpasses,
    sampling_uncertainty,
    shared_mean_uncertainty,
)

HOUR = 3.6e12


@pytest.fixture(scope="module")
def areas() -> pd.DataFrame:
    rows = simulate_months(range(12))[0]
    return rows[rows["region"] != "all"]


def inside(error: pd.Series, sigma: pd.Series) -> int:
    return int((np.abs(error) < sigma).sum())


def bounds(n: int) -> tuple[int, int]:
    """Counts inside 1 sigma that a true sigma leaves with probability 0.001 (binomial, 0.683)."""
    return int(binom.ppf(0.0005, n, 0.683)), int(binom.ppf(0.9995, n, 0.683))


@pytest.mark.parametrize("cause", ["measurement", "measurement and sampling"])
def test_regional_sigma_is_true_within_a_factor(areas, cause) -> None:
    error, sigma = areas["measured"], areas["random"]
    if cause != "measurement":
        error, sigma = error + areas["sampled"], np.hypot(sigma, areas["sampling"])
    # 12 months x 7 regions x 3 sensors: 172 expected; 146 to 196 with probability 0.999. A sigma too small
    # by 1.5 has 125 inside, one too wide by 1.5 has 218
    low, high = bounds(len(areas))
    assert len(areas) == 252
    assert low <= inside(error, sigma) <= high
    assert inside(error, sigma / 1.5) < low
    assert inside(error, sigma * 1.5) > high


def test_overpasses_are_told_apart_by_gaps() -> None:
    assert number_overpasses([30 * HOUR, 0, HOUR / 10, HOUR / 5, HOUR]).tolist() == [2, 0, 0, 0, 1]
    assert number_overpasses([]).tolist() == []


def test_cells_of_one_overpass_share_and_others_do_not() -> None:
    rng = np.random.default_rng(1)
    lat, lon, c = 30 + 5 * rng.random(40), 110 + 5 * rng.random(40), rng.random(40) - 0.3
    together = correlated_mean_uncertainty(c, 0.7, lat, lon, 1e5)
    one = [np.zeros(40), np.full(40, HOUR / 20)]
    assert shared_mean_uncertainty(c, 0.7, lat, lon, 1e5, one) == pytest.approx(float(together))
    assert shared_mean_uncertainty(c, 0.7, lat, lon, 1e5) == pytest.approx(float(together))
    alone = [24 * HOUR * np.arange(40)] * 2
    expected = correlated_mean_uncertainty(c, 0.7, lat, lon, 0.0)
    assert shared_mean_uncertainty(c, 0.7, lat, lon, 1e5, alone) == pytest.approx(float(expected))
    # half of the moments shared: half of the correlation
    half = shared_mean_uncertainty(c, 0.7, lat, lon, 1e5, [one[0], alone[0]])
    assert half**2 == pytest.approx((float(together) ** 2 + float(expected) ** 2) / 2)
    assert np.isnan(shared_mean_uncertainty([1.0, 1.0], [0.5, np.nan], [1, 2], [1, 2], 1e5))


def test_sampling_term_holds_for_independent_cells() -> None:
    rng = np.random.default_rng(2)
    lat, lon, c = np.zeros(25), np.arange(25) * 10.0, np.full(25, 0.04)
    noise = 0.5
    made = rng.normal(0, 1.0, (400, 25)) + rng.normal(0, noise, (400, 25))
    found = sampling_uncertainty(made, c[None], noise, noise / 5, lat, lon, 1e5)
    # 1 / sqrt(25) of a field with standard deviation 1; 400 draws know it to 1 %
    assert np.sqrt((found**2).mean()) == pytest.approx(0.2, rel=0.04)
    constant = sampling_uncertainty(np.full(25, 411.3), c, 0.0, 0.0, lat, lon, 1e5)
    assert constant == 0.0
    assert np.isnan(sampling_uncertainty([1.0, 2.0], [1.0, 0.0], 0.1, 0.1, [1, 2], [1, 2], 1e5))
    assert np.isfinite(sampling_uncertainty([1.0, 2.0], [0.5, 0.5], 0.1, 0.1, [1, 2], [1, 2], np.inf))

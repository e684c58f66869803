"""Noise model: compiled filter against matrices, covariances against integrals, estimates against truth."""

from __future__ import annotations

import numpy as np
import pytest

from yaotan.column.trend.curve import Curve, Settings
from yaotan.column.trend.kernel import whiten
from yaotan.column.trend.noise import (
    GROWTH_TIME,
    NOISE_TIMES,
    Errors,
    Noise,
    drift_covariance,
    estimate_noise,
    noise_design,
    rate_covariance,
)


def test_whitening_is_that_of_the_covariance_matrix() -> None:
    random = np.random.default_rng(0)
    year, scale = np.sort(random.uniform(2000, 2006, 40)), random.uniform(0.5, 2, 40)
    columns = random.normal(size=(40, 3))
    lag = np.abs(year[:, None] - year)
    noise = np.outer(scale, scale) * (np.exp(-lag / 0.1) + 0.3 * np.eye(40))
    matrix = noise + 0.7 * drift_covariance(year, year, year[0])
    whitened, half_log = whiten(year, columns, scale, 0.3, 0.1, 0.7, GROWTH_TIME)
    np.testing.assert_allclose(whitened.T @ whitened, columns.T @ np.linalg.solve(matrix, columns), rtol=1e-9)
    assert half_log == pytest.approx(np.linalg.slogdet(matrix)[1] / 2, rel=1e-12)


def test_the_added_level_is_the_integral_of_growth() -> None:
    fine = np.arange(0, 3, 0.01) + 0.005
    growth = np.exp(-np.abs(fine[:, None] - fine) / GROWTH_TIME)
    for first, second in ((0.7, 2.1), (2.1, 0.7), (1.5, 1.5)):
        wanted = growth[fine < first][:, fine < second].sum() * 1e-4
        assert drift_covariance([first], [second], 0.0)[0, 0] == pytest.approx(wanted, rel=1e-3)
        wanted = np.exp(-np.abs(first - fine[fine < second]) / GROWTH_TIME).sum() * 0.01
        assert rate_covariance([first], [second], 0.0)[0, 0] == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize(
    ("white", "correlated", "place"),
    [(0.5, 0.2, 2), (0.2, 0.5, 4)],
    ids=["mostly white", "mostly correlated"],
)
def test_planted_noise_is_found(white: float, correlated: float, place: int) -> None:
    """Mean over 40 series of 20 years; a single one scatters by some 15 per cent."""
    year = 1990 + (np.arange(240) + 0.5) / 12
    curve = Curve(year, Settings())
    variances = np.zeros(NOISE_TIMES.size)
    variances[place] = correlated**2
    planted = Noise(white**2, variances, 0.0).covariance(year)
    lower = np.linalg.cholesky(planted + 0.25 * drift_covariance(year, year, 1985.0))
    total, growth = [], []
    for seed in range(40):
        value = 400 + lower @ np.random.default_rng(seed).standard_normal(240)
        found = estimate_noise(year, value, curve.design(year))
        total.append(found.covariance(year)[0, 0])
        growth.append(found.growth)
    assert np.mean(total) == pytest.approx(white**2 + correlated**2, rel=0.1)
    assert np.mean(growth) == pytest.approx(0.25, rel=0.5)


def test_errors_of_curves_are_those_of_many_draws() -> None:
    """Exact variances of trend, increment and rate against 4,000 draws of the model (3 sigma: 7 per cent)."""
    random = np.random.default_rng(5)
    year = 2000 + (np.arange(96) + 0.5) / 12
    year = year[random.random(96) > 0.1]
    curve = Curve(year, Settings())
    variances = np.zeros(NOISE_TIMES.size)
    variances[4] = 0.2
    errors = Errors(year, Noise(0.1, variances, 0.5))
    turns = np.array([2001.0, 2003.0, 2004.0, 2007.0])
    both = np.concatenate([year, turns])
    level = np.linalg.cholesky(0.5 * drift_covariance(both, both, 1998.0) + 1e-12 * np.eye(both.size))
    draws = level @ random.standard_normal((both.size, 4000))
    noise = np.linalg.cholesky(errors.noise.covariance(year)) @ random.standard_normal((year.size, 4000))
    data, truth = draws[: year.size] + noise, draws[year.size :]
    rows = curve.rows(turns, "trend")
    spread = (rows @ data - truth).std(axis=1)
    stated = np.sqrt(errors.noise_variance(rows) + errors.level_variance(rows, turns))
    np.testing.assert_allclose(spread, stated, rtol=0.07)
    step = rows[2:3] - rows[1:2]
    spread = (step @ data - (truth[2] - truth[1])).std()
    stated = np.sqrt(errors.noise_variance(step) + errors.increment_variance(step, turns[1:2], turns[2:3]))
    assert spread == pytest.approx(float(stated[0]), rel=0.07)


def test_a_series_without_noise_has_none() -> None:
    year = 2000 + np.arange(60) / 12
    curve = Curve(year, Settings())
    found = estimate_noise(year, 400 + 2 * (year - 2000), curve.design(year))
    assert (found.white, found.growth, found.correlated.sum()) == (0.0, 0.0, 0.0)


def test_a_season_that_wanders_does_not_pass_for_noise() -> None:
    year = 2000 + (np.arange(144) + 0.5) / 12
    amplitude = 3 + 0.8 * np.sin(2 * np.pi * year / 6)
    noise = 0.2 * np.random.default_rng(0).standard_normal(144)
    value = 400 + 2 * (year - 2000) + amplitude * np.cos(2 * np.pi * year) + noise
    curve = Curve(year, Settings())
    found = estimate_noise(year, value, noise_design(curve)).covariance(year)[0, 0]
    plain = estimate_noise(year, value, curve.design(year)).covariance(year)[0, 0]
    assert found == pytest.approx(0.04, rel=0.35)
    assert plain > 2 * found

"""Trend tests against scipy, brute force, and series that have memory but no trend."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from scipy.signal import lfilter

from yaotan.column import trend_test
from yaotan.column.trend.kendall import (
    autocorrelation,
    kendall_sum,
    kendall_variance,
    pair_slopes,
    seasonal_kendall,
)
from yaotan.errors import SeriesError

YEARS = pd.period_range("1990", periods=30, freq="Y")
MONTHS = pd.period_range("2005-01", periods=120, freq="M")


def memory(seed: int, size: int, rho: float) -> np.ndarray:
    kicks = np.random.default_rng(seed).standard_normal(size + 200)
    return lfilter([np.sqrt(1 - rho**2)], [1, -rho], kicks)[-size:]


@pytest.mark.parametrize("ties", [False, True])
def test_statistics_are_those_of_scipy(ties: bool) -> None:
    value = memory(0, 40, 0.0) + 0.02 * np.arange(40)
    value = np.round(value, 0 if ties else 9)
    time = np.arange(40.0)
    z = (kendall_sum(value) - np.sign(kendall_sum(value))) / np.sqrt(kendall_variance(value))
    # scipy has no continuity correction
    plain = kendall_sum(value) / np.sqrt(kendall_variance(value))
    assert 2 * stats.norm.sf(abs(plain)) == pytest.approx(
        stats.kendalltau(time, value, method="asymptotic").pvalue
    )
    assert abs(z) < abs(plain)
    assert np.median(pair_slopes(time, value)) == pytest.approx(stats.theilslopes(value, time).slope)


def test_slope_and_interval_are_those_of_scipy_without_memory() -> None:
    value = memory(3, 30, 0.0) + 0.1 * np.arange(30)
    found = trend_test(pd.Series(value, YEARS), resample="year", prewhitening="none")
    wanted = stats.theilslopes(value, np.arange(30.0), alpha=0.95)
    assert float(found["slope"]) == pytest.approx(wanted.slope, rel=1e-3)  # years have 365 or 366 days
    # scipy takes whole ranks, here they are interpolated
    assert float(found["slope_lower"]) == pytest.approx(wanted.low_slope, abs=0.01)
    assert float(found["slope_upper"]) == pytest.approx(wanted.high_slope, abs=0.01)


def test_the_autocorrelation_of_residuals_is_without_bias() -> None:
    time = np.arange(60.0)
    for rho in (0.0, 0.3, 0.6):
        found = []
        for seed in range(600):
            value = memory(seed, 60, rho)
            found.append(autocorrelation(value - np.polyval(np.polyfit(time, value, 1), time)))
        # 1 sigma of the mean: 0.9 / sqrt(60 * 600) = 0.005
        assert np.mean(found) == pytest.approx(rho, abs=0.02)


def test_seasonal_statistics_against_brute_force() -> None:
    random = np.random.default_rng(0)
    table = np.round(random.normal(size=(12, 4)), 1) + 0.1 * np.arange(12)[:, None]
    table[[2, 7], [1, 3]] = np.nan
    time = np.arange(12)[:, None] + np.arange(4) / 4
    total, _, slopes = seasonal_kendall(time, table)
    pairs = [(i, j, s) for s in range(4) for i, j in combinations(range(12), 2)]
    pairs = [(i, j, s) for i, j, s in pairs if np.isfinite(table[[i, j], s]).all()]
    assert total == sum(np.sign(table[j, s] - table[i, s]) for i, j, s in pairs)
    wanted = sorted((table[j, s] - table[i, s]) / (j - i) for i, j, s in pairs)
    np.testing.assert_allclose(slopes, wanted)
    # seasons that repeat one another: the variance of the sum is that of four times one
    same = np.repeat(random.normal(size=(20, 1)), 4, axis=1)
    _, four, _ = seasonal_kendall(np.arange(20)[:, None] + np.zeros(4), same)
    assert four == pytest.approx(16 * kendall_variance(same[:, 0]), rel=1e-6)


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6])
def test_memory_without_trend_is_seldom_called_a_trend(rho: float) -> None:
    """Of 200 monthly series 5 per cent are 10; 3 sqrt(200 0.05 0.95) = 9.2 more are chance."""
    false = {"iterative": 0, "seasonal": 0}
    covered = 0
    month = np.arange(120) % 12
    for seed in range(200):
        value = memory(seed, 120, rho) + 3 * np.sin(2 * np.pi * month / 12)
        value[np.random.default_rng(seed).random(120) < 0.1] = np.nan
        series = pd.Series(value, MONTHS)
        found = trend_test(series)
        false["iterative"] += float(found["p_value"]) < 0.05
        covered += float(found["slope_lower"]) <= 0 <= float(found["slope_upper"])
        false["seasonal"] += float(trend_test(series, seasonal=True)["p_value"]) < 0.05
    assert max(false.values()) <= 19, false
    assert covered >= 200 - 19


def test_without_whitening_memory_looks_like_a_trend() -> None:
    series = [pd.Series(memory(seed, 120, 0.6), MONTHS) for seed in range(100)]
    for prewhitening in ("none", "trend_free"):
        false = sum(float(trend_test(s, prewhitening=prewhitening)["p_value"]) < 0.05 for s in series)
        assert false > 15


def test_a_planted_trend_is_found_by_region() -> None:
    values = np.stack(
        [memory(seed, 120, 0.4) + slope * np.arange(120) / 12 for seed, slope in ((1, 0.5), (2, 0.0))]
    )
    table = xr.Dataset(
        {"xco2": (("region", "time"), values, {"units": "ppm"})},
        {"region": ["rising", "level"], "time": MONTHS.to_timestamp()},
    )
    found = trend_test(table)
    assert found["slope"].attrs["units"] == "ppm year-1"
    assert float(found["p_value"].sel(region="rising")) < 1e-4 < float(found["p_value"].sel(region="level"))
    rising = found.sel(region="rising")
    assert float(rising["slope_lower"]) < 0.5 < float(rising["slope_upper"])
    assert float(rising["kendall_tau"]) > 0.3
    assert found.attrs["method"] == "Mann-Kendall, pre-whitening iterative"


@pytest.mark.parametrize(
    ("series", "options", "words"),
    [
        (pd.Series(np.arange(8.0), YEARS[:8]), {"resample": "year"}, "8 values are left to test"),
        (pd.Series(np.ones(30), YEARS), {"resample": "year"}, "all 30 values are 1"),
        (
            pd.Series(memory(0, 30, 0), YEARS),
            {"resample": "year", "seasonal": True},
            "values within the year",
        ),
        (pd.Series(memory(0, 30, 0), YEARS), {"resample": "decade"}, "resample: 'decade' is unknown"),
        (pd.Series(memory(0, 30, 0), YEARS), {"prewhitening": "yes"}, "'yes' is unknown"),
        (pd.Series(memory(0, 30, 0), YEARS), {"level": 95}, "level is 95"),
    ],
)
def test_bad_input_is_refused(series: pd.Series, options: dict[str, object], words: str) -> None:
    with pytest.raises(SeriesError, match=words):
        trend_test(series, **options)

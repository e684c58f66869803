"""Contrasts and comparisons: the planted difference is found, and the interval holds at its rate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from yaotan.column.comparison import compare_products
from yaotan.column.contrast import contrast, judge_interval
from yaotan.errors import GridError
from yaotan.geodesy import distance

LAT = np.arange(25.5, 41.0)
LON = np.arange(95.5, 117.0)
EAST = np.broadcast_to(LON >= 105, (LAT.size, LON.size))
LENGTH = 200e3


def correlated_noise():
    """Give the Cholesky factor of errors with the correlation that the interval assumes."""
    lat, lon = (axis.ravel() for axis in np.meshgrid(LAT, LON, indexing="ij"))
    gap = distance(lat[:, None], lon[:, None], lat[None, :], lon[None, :])
    return np.linalg.cholesky(np.exp(-gap / LENGTH) + 1e-10 * np.eye(lat.size))


FACTOR = correlated_noise()


def make_grid(seed, *, step=0.0, gradient=0.0, months=6, sigma=0.8, cover=0.6, offset=0.0):
    """Build a monthly grid: east higher by `step`, a north-south `gradient`, correlated errors, gaps."""
    rng = np.random.default_rng(seed)
    shape = (months, LAT.size, LON.size)
    noise = (FACTOR @ rng.standard_normal((LAT.size * LON.size, months))).T.reshape(shape)
    truth = 410 + offset + step * EAST + gradient * (LAT[:, None] - 33) + np.zeros(shape)
    seen = rng.random(shape) < cover
    values = np.where(seen, truth + sigma * noise, np.nan)
    grid = xr.Dataset(
        {
            "xco2": (("time", "lat", "lon"), values, {"units": "ppm"}),
            "xco2_count": (("time", "lat", "lon"), seen.astype(int) * 5),
            "xco2_uncertainty": (("time", "lat", "lon"), np.where(seen, sigma, np.nan)),
            "lat_bnds": (("lat", "nv"), np.stack([LAT - 0.5, LAT + 0.5], -1)),
            "lon_bnds": (("lon", "nv"), np.stack([LON - 0.5, LON + 0.5], -1)),
        },
        {"time": pd.date_range("2020-01-01", periods=months, freq="MS"), "lat": LAT, "lon": LON},
    )
    grid["lat"].attrs["bounds"], grid["lon"].attrs["bounds"] = "lat_bnds", "lon_bnds"
    return grid


def test_planted_step_is_found():
    result = contrast(make_grid(1, step=2.0, sigma=0.2), "xco2", EAST, ~EAST, correlation_length=LENGTH)
    assert result.verdict == "higher"
    assert result.difference == pytest.approx(2.0, abs=0.2)
    assert result.months == 6
    turned = contrast(make_grid(1, step=2.0, sigma=0.2), "xco2", ~EAST, EAST, correlation_length=LENGTH)
    assert turned.verdict == "lower"
    assert turned.difference == pytest.approx(-result.difference)


def test_interval_covers_at_its_rate():
    # 200 independent studies; a 95 % interval that really is 95 % covers at least 180 with
    # probability 0.999 (binomial); one whose sigma is too small by 1.5 covers 80 % and fails
    inside, width = 0, []
    for seed in range(200):
        result = contrast(make_grid(seed, step=0.5), "xco2", EAST, ~EAST, correlation_length=LENGTH)
        inside += result.lower <= 0.5 <= result.upper
        width.append(result.upper - result.lower)
    assert inside >= 180
    # and it is not wide for show: a normal interval from the true scatter would be 2 x 1.96 sd
    means = [
        contrast(make_grid(seed), "xco2", EAST, ~EAST, correlation_length=LENGTH).difference
        for seed in range(60)
    ]
    assert np.median(width) < 2.2 * 2 * 1.96 * np.std(means)


def test_no_difference_is_not_detectable_at_its_rate():
    verdicts = [
        contrast(make_grid(seed), "xco2", EAST, ~EAST, correlation_length=LENGTH).verdict
        for seed in range(100)
    ]
    # 5 expected; more than 12 has probability 0.001
    assert verdicts.count("not_detectable") >= 88


def test_uneven_sampling_along_the_other_axis_does_not_enter():
    grid = make_grid(3, gradient=0.5, sigma=0.05, cover=1.0)
    # the west is seen only in the south, the east everywhere: unmatched, the east would seem higher
    north_west = ~EAST & (LAT[:, None] > 30)
    grid = grid.assign(xco2=grid["xco2"].where(~xr.DataArray(north_west, dims=("lat", "lon"))))
    unmatched = float(grid["xco2"].where(xr.DataArray(EAST, dims=("lat", "lon"))).mean()) - float(
        grid["xco2"].where(~xr.DataArray(EAST, dims=("lat", "lon"))).mean()
    )
    matched = contrast(grid, "xco2", EAST, ~EAST, correlation_length=LENGTH)
    assert unmatched > 1.0
    assert abs(matched.difference) < 0.1


def test_zonal_contrast_matches_columns():
    north = np.broadcast_to((LAT > 33)[:, None], EAST.shape)
    grid = make_grid(4, step=3.0, gradient=0.25, sigma=0.05)
    result = contrast(grid, "xco2", north, ~north, matched="lon", correlation_length=LENGTH)
    assert result.difference == pytest.approx(0.25 * 8, abs=0.1)


def test_unmatched_contrast_of_two_regions():
    north = np.broadcast_to((LAT > 38)[:, None], EAST.shape)
    south = np.broadcast_to((LAT < 28)[:, None], EAST.shape)
    grid = make_grid(9, gradient=0.25, sigma=0.05)
    assert contrast(grid, "xco2", north, south).verdict == "no_data"
    result = contrast(grid, "xco2", north, south, matched=None, correlation_length=LENGTH)
    assert result.difference == pytest.approx(0.25 * (39.5 - 26.5), abs=0.1)


def test_one_side_without_data():
    grid = make_grid(5).assign(xco2=make_grid(5)["xco2"].where(xr.DataArray(EAST, dims=("lat", "lon"))))
    assert contrast(grid, "xco2", EAST, ~EAST).verdict == "no_data"


def test_few_soundings_are_left_out():
    assert contrast(make_grid(6), "xco2", EAST, ~EAST, minimum_count=6).verdict == "no_data"


@pytest.mark.parametrize(
    ("lower", "upper", "verdict"),
    [
        (0.1, 1, "higher"),
        (-1, -0.1, "lower"),
        (-1, 1, "not_detectable"),
        (np.nan, 1, "no_data"),
        (0, 1, "not_detectable"),
    ],
)
def test_verdict(lower, upper, verdict):
    assert judge_interval(lower, upper) == verdict


def test_offset_between_products():
    result = compare_products(
        make_grid(7, offset=1.5, sigma=0.3), make_grid(8, sigma=0.3), "xco2", correlation_length=LENGTH
    )
    assert result["verdict"] == "higher"
    assert result["lower"] < 1.5 < result["upper"]
    assert result["rmsd"] == pytest.approx(np.hypot(1.5, 0.3 * np.sqrt(2)), abs=0.1)


def test_comparison_covers_at_its_rate():
    inside, width = 0, []
    for seed in range(200):
        first, second = make_grid(2 * seed, offset=0.4), make_grid(2 * seed + 1)
        result = compare_products(first, second, "xco2", correlation_length=LENGTH)
        inside += result["lower"] <= 0.4 <= result["upper"]
        width.append(result["upper"] - result["lower"])
    assert inside >= 180
    assert np.median(width) < 1.5


def test_different_grids_are_refused():
    other = make_grid(1).isel(lat=slice(1, None))
    with pytest.raises(GridError):
        compare_products(make_grid(1), other, "xco2")


def test_no_common_month():
    later = make_grid(1).assign_coords(time=pd.date_range("2021-01-01", periods=6, freq="MS"))
    result = compare_products(make_grid(1), later, "xco2")
    assert result["verdict"] == "no_data"
    assert np.isnan(result["rmsd"])


def test_unknown_errors_detect_nothing():
    grid = make_grid(1, step=2.0, months=1)
    grid["xco2_uncertainty"][:] = np.nan
    result = contrast(grid, "xco2", EAST, ~EAST, matched=None)
    assert result.difference > 1.0
    assert (result.lower, result.upper) == (-np.inf, np.inf)
    assert result.verdict == "not_detectable"


def test_cells_of_unknown_error_are_as_uncertain_as_the_others():
    grid = make_grid(1, months=1, cover=1.0)
    whole = contrast(grid, "xco2", EAST, ~EAST, matched=None, correlation_length=0.0)
    grid["xco2_uncertainty"][:, ::2] = np.nan
    part = contrast(grid, "xco2", EAST, ~EAST, matched=None, correlation_length=0.0)
    assert part.upper - part.lower == pytest.approx(whole.upper - whole.lower, rel=0.02)


def test_comparison_does_not_trust_stated_errors_below_the_scatter():
    """Each cell was seen on another day: 3 ppm of scatter that no stated error knows of."""
    a, b = make_grid(1, months=1, sigma=0.01, cover=1.0), make_grid(2, months=1, sigma=0.01, cover=1.0)
    noise = np.random.default_rng(0).normal(0, 3, b["xco2"].shape)
    result = compare_products(a, b.assign(xco2=b["xco2"] + noise), "xco2", correlation_length=0.0)
    sigma = 3 / np.sqrt(LAT.size * LON.size)
    assert result["upper"] - result["lower"] == pytest.approx(2 * 1.96 * sigma, rel=0.15)

"""Series of regions whose coverage changes, against the truth and the plain mean."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from scipy.ndimage import gaussian_filter

from trend_truth import scores
from yaotan import fit_trend, growth, zonal_statistics
from yaotan.column import band_series, region_series
from yaotan.errors import GridError, RegionError, SeriesError

SIDE, YEARS = 10, 8
LAT, LON = 20.5 + np.arange(SIDE), 100.5 + np.arange(SIDE)
BOX = gpd.GeoDataFrame({"region_id": ["box"]}, geometry=[shapely.box(100, 20, 110, 30)], crs=4326)


def make_grid(values: np.ndarray, sigma: np.ndarray | None = None) -> xr.Dataset:
    edges = (
        pd.period_range("2010-01", periods=len(values) + 1, freq="M")
        .to_timestamp()
        .to_numpy("datetime64[ns]")
    )
    grid = xr.Dataset(
        {"xco2": (("time", "lat", "lon"), values, {"units": "ppm"})},
        {
            "time": ("time", edges[:-1], {"bounds": "time_bnds"}),
            "time_bnds": (("time", "bnds"), np.stack([edges[:-1], edges[1:]], axis=1)),
            "lat": LAT,
            "lon": LON,
        },
    )
    if sigma is not None:
        grid["xco2_uncertainty"] = (("time", "lat", "lon"), sigma, {"units": "ppm"})
    return grid


def simulate(seed: int) -> tuple[xr.Dataset, np.ndarray]:
    """A field with gradient, a season larger in the north, weather that differs from month to month.

    Seen more and more in the north, less there in winter, and not at all in three months.
    """
    random = np.random.default_rng(seed)
    steps = 12 * YEARS
    year = 2010 + (np.arange(steps) + 0.5) / 12
    level = 400 + 2.2 * (year - 2010) + np.cumsum(random.normal(0, 0.06, steps))
    north = (LAT - LAT.mean())[None, :, None]
    turn = 2 * np.pi * (year - 0.35)[:, None, None]
    still = 4 * gaussian_filter(random.normal(size=(SIDE, SIDE)), 2) + 0.15 * north[0]
    weather = np.stack([1.5 * gaussian_filter(random.normal(size=(SIDE, SIDE)), 1.5) for _ in range(steps)])
    field = level[:, None, None] + (3 + 0.08 * north) * np.cos(turn) + still + weather
    share = (
        0.45
        + 0.03 * (year - 2014)[:, None, None] * north
        - 0.04 * np.cos(2 * np.pi * year)[:, None, None] * north
    )
    seen = random.random(field.shape) < np.clip(share, 0.03, 0.9)
    seen[random.integers(0, steps, 3)] = False
    sigma = np.where(seen, random.uniform(0.3, 0.8, field.shape), np.nan)
    value = np.where(seen, field + sigma * random.standard_normal(field.shape), np.nan)
    weight = np.cos(np.radians(LAT))[:, None] * np.ones(SIDE)
    return make_grid(value, sigma), (field * weight).sum(axis=(1, 2)) / weight.sum()


def slope(error: np.ndarray) -> float:
    known = np.isfinite(error)
    return float(np.polyfit(np.arange(error.size)[known] / 12, error[known], 1)[0])


@pytest.mark.parametrize("pattern", ["seasonal", "constant"])
def test_changing_coverage_does_not_look_like_growth(pattern: str) -> None:
    ours, plain, z = [], [], []
    for seed in range(12):
        grid, truth = simulate(seed)
        table = region_series(grid, BOX, pattern=pattern)
        error = table["xco2"].values[0] - truth
        ours.append(slope(error))
        plain.append(slope(table["xco2_plain"].values[0] - truth))
        known = np.isfinite(error)
        z += list((error[known] - error[known].mean()) / table["xco2_uncertainty"].values[0][known])
    # the plain mean drifts with the coverage; ours does not (1 sigma of the mean of 12: 0.002 ppm a year)
    assert np.mean(plain) > 0.05
    assert abs(np.mean(ours)) < 0.006
    assert np.std(ours) < np.std(plain) / 3
    # 1,100 months of 12 worlds; noise is independent here, so the correlation length makes intervals wide
    within, within_95, _ = scores(np.array(z))
    assert within > 0.64
    assert within_95 > 0.93


def test_full_coverage_gives_the_plain_mean() -> None:
    random = np.random.default_rng(0)
    values = 400 + random.normal(size=(36, SIDE, SIDE))
    grid = make_grid(values, np.full(values.shape, 0.5))
    part = gpd.GeoDataFrame(
        {"region_id": ["part"]}, geometry=[shapely.box(101.3, 21.4, 107.7, 28.2)], crs=4326
    )
    table, wanted = region_series(grid, part), zonal_statistics(grid, part)
    np.testing.assert_allclose(table["xco2"], wanted["xco2"], atol=0.01)
    np.testing.assert_allclose(table["xco2_plain"], wanted["xco2"], rtol=1e-12)
    np.testing.assert_allclose(table["xco2_coverage"], wanted["xco2_coverage"], rtol=1e-12)
    assert int(table["cells_left_out"][0]) == 0


def test_an_exact_pattern_is_removed_exactly() -> None:
    level = 400 + np.arange(48) / 6
    values = np.broadcast_to(level[:, None, None] + LAT[None, :, None], (48, SIDE, SIDE)).copy()
    values[24:, 5:] = np.nan
    values[:24:2, :2] = np.nan
    values[10] = np.nan
    table = region_series(make_grid(values), BOX, pattern="constant")
    found = table["xco2"].values[0] - level
    assert np.isnan(found[10])
    np.testing.assert_allclose(np.delete(found, 10), found[0], atol=1e-9)
    assert found[0] == pytest.approx(LAT.mean(), abs=0.2)
    assert np.isnan(table["xco2_uncertainty"][0, 10])
    assert float(table["xco2_coverage"][0, 10]) == 0.0


def test_cells_seen_too_rarely_are_left_out_and_counted() -> None:
    values = 400 + np.random.default_rng(0).normal(size=(36, SIDE, SIDE))
    values[3:, 0, :] = np.nan
    table = region_series(make_grid(values), BOX)
    assert (int(table["cells"][0]), int(table["cells_left_out"][0])) == (90, 10)


def test_parts_that_nothing_ties_together_are_refused() -> None:
    values = 400 + np.random.default_rng(0).normal(size=(48, SIDE, SIDE))
    values[:24, :5] = np.nan
    values[24:, 5:] = np.nan
    with pytest.raises(SeriesError, match="nothing ties their levels together"):
        region_series(make_grid(values), BOX, pattern="constant")
    two = pd.concat([BOX, BOX.assign(region_id="south", geometry=[shapely.box(100, 20, 110, 25)])])
    table = region_series(make_grid(values), gpd.GeoDataFrame(two, crs=4326), pattern="constant")
    assert list(json.loads(table.attrs["not_estimated"])) == ["box"]
    assert np.isnan(table["xco2"].sel(region="box")).all()
    assert int(np.isfinite(table["xco2"].sel(region="south")).sum()) == 24


def test_results_do_not_depend_on_chunks_or_direction() -> None:
    grid, _ = simulate(3)
    wanted = region_series(grid, BOX)
    chunked = grid.chunk({"time": 7, "lat": 3, "lon": -1})
    turned = grid.isel(lat=slice(None, None, -1))
    for other in (chunked, turned):
        found = region_series(other, BOX)
        for name in ("xco2", "xco2_uncertainty"):
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-10)


def test_bands_go_on_to_trends() -> None:
    grid, _ = simulate(1)
    table = band_series(grid, [20, 25, 30])
    assert table["region"].values.tolist() == ["20N-25N", "25N-30N"]
    fit = fit_trend(table)
    assert fit["time"].values[0] == np.datetime64("2010-01-16T12:00")
    rates = growth(fit)
    good = rates["growth"].where(rates["flag"] == 0)
    assert float(good.mean()) == pytest.approx(2.2, abs=0.3)
    south = band_series(grid.assign_coords(lat=LAT - 30), [-10, -5, 0])
    assert south["region"].values.tolist() == ["10S-5S", "5S-0"]


def test_bad_input_is_refused() -> None:
    grid, _ = simulate(0)
    with pytest.raises(RegionError, match="rising latitudes"):
        band_series(grid, [30, 20])
    with pytest.raises(GridError, match="the grid has no time"):
        region_series(grid.isel(time=0, drop=True), BOX)
    with pytest.raises(RegionError, match="no region touches the grid"):
        region_series(grid, BOX.assign(geometry=[shapely.box(0, 0, 1, 1)]))
    with pytest.raises(SeriesError, match="'yearly' is unknown"):
        region_series(grid, BOX, pattern="yearly")
    with pytest.raises(SeriesError, match="no cell was seen in 200 periods"):
        region_series(grid, BOX, fewest=200)

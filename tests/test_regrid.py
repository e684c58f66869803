"""Raster to raster: what is conserved, what is missing, what errors become, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import rioxarray
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import yaotan
from yaotan.errors import GridError
from yaotan.geodesy import cell_area
from yaotan.grid.projected import projected_cell_area
from yaotan.grid.regrid import regrid
from yaotan.grid.spec import GridSpec

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84 +units=m"


def field(spec: GridSpec, values: np.ndarray, **attrs: object) -> xr.DataArray:
    coords = spec.coords()
    axes = {name: coords[name].values for name in spec.dims}
    array = xr.DataArray(values, dims=spec.dims, coords=axes, name="v", attrs=attrs)
    return array if spec.is_geographic else array.rio.write_crs(spec.crs)


def bounded(spec: GridSpec, values: np.ndarray) -> xr.Dataset:
    """A dataset has a place for bounds: cells of any width, and single ones."""
    return xr.Dataset({"v": (spec.dims, values)}).assign_coords(spec.coords().coords)


def area(spec: GridSpec) -> np.ndarray:
    return cell_area(spec.lat_edges, spec.lon_edges)


def edges(seed: int, low: float, high: float, count: int) -> np.ndarray:
    inner = np.sort(np.random.default_rng(seed).uniform(low, high, count - 1))
    return np.concatenate([[low], inner, [high]])


@given(st.integers(0, 10_000), st.integers(2, 9), st.integers(2, 9))
@settings(deadline=None, max_examples=40)
def test_totals_and_means_are_conserved_between_any_edges(seed: int, rows: int, columns: int) -> None:
    source = GridSpec(edges(seed, -90, 90, rows), edges(seed + 1, -180, 180, columns))
    target = GridSpec(edges(seed + 2, -90, 90, columns), edges(seed + 3, -180, 180, rows))
    values = np.random.default_rng(seed).uniform(300, 500, source.shape)
    array = bounded(source, values)
    mean = regrid(array, target, quantity="intensive").v.values
    assert (mean * area(target)).sum() == pytest.approx((values * area(source)).sum(), rel=1e-12)
    total = regrid(array, target, quantity="extensive").v.values
    assert total.sum() == pytest.approx(values.sum(), rel=1e-12)
    same = regrid(array, source, quantity="intensive").v.values
    np.testing.assert_allclose(same, values, rtol=1e-12)


def test_a_constant_stays_constant_and_steps_compose() -> None:
    fine, middle, coarse = (GridSpec.regular(step) for step in (2.0, 6.0, 30.0))
    constant = regrid(field(fine, np.full(fine.shape, 413.7)), GridSpec.regular(7.5), quantity="intensive")
    np.testing.assert_allclose(constant, 413.7, rtol=1e-13)
    values = field(fine, np.random.default_rng(1).normal(400, 5, fine.shape))
    direct = regrid(values, coarse, quantity="intensive")
    twice = regrid(regrid(values, middle, quantity="intensive"), coarse, quantity="intensive")
    np.testing.assert_allclose(direct, twice, rtol=1e-13)


def test_rows_are_weighed_by_their_area_on_the_ellipsoid() -> None:
    spec = GridSpec([60.0, 75.0, 90.0], [0.0, 10.0])
    mean = regrid(
        bounded(spec, np.array([[1.0], [0.0]])), GridSpec([60, 90], [0, 10]), quantity="intensive"
    ).v.item()
    lower, upper = cell_area([60, 75, 90], [0, 10])[:, 0]
    assert mean == pytest.approx(lower / (lower + upper), rel=1e-13)
    assert mean != pytest.approx(np.sin(np.radians(75)) / 2, abs=1e-3)


def test_orientation_and_origin_of_longitude_do_not_matter() -> None:
    spec = GridSpec.regular(10.0)
    values = np.random.default_rng(2).normal(0, 1, spec.shape)
    array = field(spec, values)
    target = GridSpec.regular(15.0, (150, -45, -150, 45))
    wanted = regrid(array, target, quantity="intensive").values
    upside = array.isel(lat=slice(None, None, -1))
    rolled = array.roll(lon=18, roll_coords=True)
    rolled = rolled.assign_coords(lon=rolled.lon % 360)
    backwards = array.isel(lon=slice(None, None, -1))
    for other in (upside, rolled, backwards):
        np.testing.assert_allclose(regrid(other, target, quantity="intensive"), wanted, rtol=1e-12)
    falling = GridSpec(target.y_edges[::-1], target.x_edges)
    np.testing.assert_allclose(regrid(array, falling, quantity="intensive"), wanted[::-1], rtol=1e-12)


def test_missing_values_threshold_and_both_ways_to_normalise() -> None:
    spec, target = GridSpec.regular(1.0, (0, -1, 4, 1)), GridSpec.regular(2.0, (0, -1, 4, 1))
    values = np.array([[1.0, np.nan, 5.0, 6.0], [np.nan, np.nan, 7.0, 8.0]])
    array = field(spec, values)
    assert np.isnan(regrid(array, target, quantity="intensive").values).tolist() == [[True, False]]
    covered = regrid(array, target, quantity="intensive", threshold=0.25)
    np.testing.assert_allclose(covered, [[1.0, 6.5]], rtol=1e-12)
    cell = regrid(array, target, quantity="intensive", threshold=0.25, normalise="cell")
    np.testing.assert_allclose(cell, [[0.25, 6.5]], rtol=1e-12)
    total = regrid(array, target, quantity="extensive", threshold=0.0)
    np.testing.assert_allclose(total, [[1.0, 26.0]])
    beyond = regrid(array, GridSpec.regular(2.0, (-2, -1, 4, 1)), quantity="intensive", threshold=0.0)
    assert np.isnan(beyond.values[0, 0])


def test_errors_independent_and_common() -> None:
    spec, target = GridSpec.regular(1.0, (0, 0, 2, 2)), GridSpec.regular(2.0, (0, 0, 2, 2))
    sigma = np.array([[1.0, 2.0], [3.0, 4.0]])
    names = ("xco2", "xco2_uncertainty", "xco2_uncertainty_random", "xco2_count", "xco2_spread", "note")
    grid = xr.Dataset(dict.fromkeys(names, (spec.dims, sigma))).assign_coords(spec.coords().coords)
    out = regrid(grid, target, quantity="intensive")
    a = cell_area([0, 1, 2], [0, 1, 2])
    weight = a / a.sum()
    assert float(out.xco2_uncertainty_random[0, 0]) == pytest.approx(np.sqrt(((weight * sigma) ** 2).sum()))
    assert float(out.xco2_uncertainty[0, 0]) == pytest.approx((weight * sigma).sum())
    assert float(out.xco2_count[0, 0]) == pytest.approx(10.0)
    assert out.attrs["left_out"] == "xco2_spread"
    assert "lat_bnds" in out.coords
    assert float(out.note[0, 0]) == float(out.xco2[0, 0])
    # a finer grid repeats value and error
    fine = regrid(grid, GridSpec.regular(0.5, (0, 0, 2, 2)), quantity="intensive")
    np.testing.assert_allclose(fine.xco2_uncertainty_random[:2, :2], 1.0, rtol=1e-12)


def test_random_error_is_that_of_simulated_noise() -> None:
    spec, target = GridSpec.regular(1.0, (0, 40, 12, 52)), GridSpec.regular(5.0, (1, 41, 11, 51))
    rng = np.random.default_rng(3)
    sigma = rng.uniform(0.5, 2.0, spec.shape)
    noise = (rng.standard_normal((4000, *spec.shape)) * sigma).astype(float)
    many = xr.DataArray(
        noise, dims=("draw", "lat", "lon"), coords={k: spec.coords()[k].values for k in spec.dims}
    )
    got = regrid(many, target, quantity="intensive").std("draw")
    stated = regrid(field(spec, sigma).rename("v_uncertainty_random"), target, quantity="intensive")
    # 4000 draws: relative error of a standard deviation 1.1 %, 4 cells within 4 sigma
    np.testing.assert_allclose(got, stated, rtol=0.045)


def test_classes_as_shares_and_as_majority() -> None:
    spec, target = GridSpec.regular(1.0, (0, -1, 4, 1)), GridSpec.regular(2.0, (0, -1, 4, 1))
    codes = np.array([[11, 11, 0, 21], [12, 21, 0, 11]], dtype=np.uint8)
    raster = field(spec, codes, _FillValue=0)
    shares = regrid(raster, target, quantity="class")
    assert shares.dims == ("class", "lat", "lon")
    assert shares["class"].values.tolist() == [11, 12, 21]
    np.testing.assert_allclose(shares.values[:, 0, 0], [0.5, 0.25, 0.25], rtol=1e-12)
    np.testing.assert_allclose(shares.sum("class"), 1.0, rtol=1e-12)
    best = regrid(raster, target, quantity="class", output="majority")
    assert best.values.tolist() == [[11, 11]]  # 11 and 21 are equal: the smaller code
    blank = regrid(raster, target, quantity="class", output="majority", threshold=0.75)
    assert blank.values.tolist() == [[11, 0]]
    listed = regrid(raster, target, quantity="class", classes=[21])
    np.testing.assert_allclose(listed.values[0, 0], [0.25, 0.5])
    some = regrid(raster, spec, quantity="class", output="majority", classes=[21])
    assert some.values.tolist() == [[0, 0, 0, 21], [0, 21, 0, 0]]  # what is not listed is no 21


UTM = "EPSG:32650"


def land(rows: int, columns: int) -> xr.DataArray:
    """Codes from the north down, some missing, in a projection."""
    codes = np.random.default_rng(6).choice(np.array([0, 11, 21, 64], np.uint8), (rows, columns))
    axes = {"y": 4e6 - 30.0 * np.arange(rows), "x": 5e5 + 30.0 * np.arange(columns)}
    raster = xr.DataArray(codes, dims=("y", "x"), coords=axes, name="land", attrs={"_FillValue": 0})
    return raster.rio.write_crs(UTM)


@pytest.mark.parametrize("output", ["fraction", "majority"])
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("order", [1, -1])
def test_classes_on_the_same_cells_need_no_area(
    monkeypatch: pytest.MonkeyPatch, output: Any, lazy: bool, order: int
) -> None:
    raster = land(7, 6)
    if lazy:
        raster = raster.chunk(y=3)
    whole = GridSpec.like(raster)
    # some rows and columns of the source, and some that lie outside of it
    y = np.concatenate([whole.y_edges[0] + 30.0 * np.arange(2, 0, -1), whole.y_edges[:-2]])
    x = np.concatenate([whole.x_edges[2:], whole.x_edges[-1] + 30.0 * np.arange(1, 3)])
    spec = GridSpec(y[::order], x, whole.crs)
    with monkeypatch.context() as plain:
        plain.setattr("yaotan.grid.transfer.without_areas", lambda transfer: transfer)
        known = regrid(raster, spec, quantity="class", output=output).compute()
    monkeypatch.setattr("yaotan.grid.area.projected_cell_area", None)
    short = regrid(raster, spec, quantity="class", output=output).compute()
    xr.testing.assert_identical(short, known)
    if output == "majority":
        assert (short.values[::order][2:, :4] == raster.values[:5, 2:]).all()


def test_shares_of_larger_cells_are_those_of_true_areas(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = GridSpec([3e6, 3.2e6], [1.2e6, 1.6e6, 2.0e6], UTM)
    codes = bounded(wide, np.array([[1, 2]]))
    worked_out = []

    def count(*given: Any) -> np.ndarray:
        worked_out.append(given)
        return projected_cell_area(*given)

    monkeypatch.setattr("yaotan.grid.area.projected_cell_area", count)
    shares = regrid(codes, GridSpec([3e6, 3.2e6], [1.2e6, 2.0e6], UTM), quantity="class").v.values.ravel()
    west, east = projected_cell_area(UTM, [3e6, 3.2e6], [1.2e6, 1.6e6, 2.0e6])[0]
    np.testing.assert_allclose(shares, np.array([west, east]) / (west + east), rtol=1e-12)
    assert len(worked_out) == 2  # cells of the source once for all classes, those of the target once


def test_lazy_equals_at_once_and_reads_each_block_once() -> None:
    spec, target = GridSpec.regular(0.1, (100, 20, 120, 40)), GridSpec.regular(1.0, (99, 19, 121, 41))
    values = np.random.default_rng(4).normal(400, 3, (3, *spec.shape))
    values[:, 20:30, 40:60] = np.nan
    axes = {name: spec.coords()[name].values for name in spec.dims}
    array = xr.DataArray(values, dims=("time", *spec.dims), coords=axes)
    lazy = array.copy(data=da.from_array(values, chunks=(1, 37, 200)))
    out = regrid(lazy, target, quantity="intensive")
    assert da.core.Array is type(out.data)
    xr.testing.assert_allclose(
        out.compute(scheduler="synchronous"), regrid(array, target, quantity="intensive")
    )


def test_projected_to_geographic_conserves_the_total() -> None:
    spec = GridSpec.regular(20_000.0, (-400_000, 3_000_000, 400_000, 3_600_000), ALBERS)
    values = np.random.default_rng(5).uniform(0, 10, spec.shape)
    target = GridSpec.regular(0.5, (95, 20, 115, 40))
    total = regrid(field(spec, values), target, quantity="extensive", threshold=0.0)
    assert total.dims == ("y", "x")
    assert total.rio.crs.to_epsg() == 4326
    assert float(total.sum()) == pytest.approx(values.sum(), rel=1e-12)
    constant = regrid(field(spec, np.full(spec.shape, 7.0)), target, quantity="intensive")
    np.testing.assert_allclose(constant.values[np.isfinite(constant)], 7.0, rtol=1e-12)
    finer = GridSpec.regular(0.02, (104, 30, 106, 32))
    smooth = spec.coords().x.values[None, :] + 0.5 * spec.coords().y.values[:, None]
    got = regrid(field(spec, smooth), finer, quantity="intensive")
    assert np.isfinite(got.values).all()  # every small target cell is met by a point


def test_same_projection_uses_true_areas() -> None:
    """In UTM far from its meridian the eastern cell is larger than its planar share."""
    spec = GridSpec([3e6, 3.2e6], [1.2e6, 1.6e6, 2.0e6], UTM)
    mean = regrid(
        bounded(spec, np.array([[1.0, 0.0]])),
        GridSpec([3e6, 3.2e6], [1.2e6, 2.0e6], UTM),
        quantity="intensive",
    ).v.item()
    west, east = projected_cell_area(UTM, [3e6, 3.2e6], [1.2e6, 1.6e6, 2.0e6])[0]
    assert mean == pytest.approx(west / (west + east), rel=1e-12)
    assert abs(mean - 0.5) > 0.005


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"quantity": "mean"}, "quantity is 'mean'.*intensive or extensive or class"),
        ({"quantity": "intensive", "threshold": 2}, "threshold is 2"),
        ({"quantity": "class"}, "float64: no classes"),
        ({"quantity": "intensive", "normalise": "area"}, "normalise is 'area'"),
    ],
)
def test_refused(options: dict, words: str) -> None:
    spec = GridSpec.regular(30.0)
    with pytest.raises(GridError, match=words):
        regrid(field(spec, np.zeros(spec.shape)), spec, **options)


def test_nothing_in_common_and_quantity_missing() -> None:
    spec = GridSpec.regular(1.0, (0, 0, 5, 5))
    array = field(spec, np.zeros(spec.shape))
    with pytest.raises(GridError, match="nothing of the target"):
        regrid(array, GridSpec.regular(1.0, (50, 0, 55, 5)), quantity="intensive")
    with pytest.raises(TypeError, match="quantity"):
        regrid(array, spec)
    with pytest.raises(GridError, match="no variable"):
        regrid(
            xr.Dataset({"n": ("t", [1.0])}).assign_coords(spec.coords().coords), spec, quantity="intensive"
        )


def test_a_real_land_cover_map(data_root: Path) -> None:
    """MODIS IGBP of China at 0.05 degree: class areas are those of the map."""
    raster = rioxarray.open_rasterio(data_root / "geo/landcover/mcd12c1_2019_igbp_china.tif")[0]
    target = GridSpec.regular(2.0, (60, 0, 150, 60))
    shares = yaotan.regrid(raster, target, quantity="class", threshold=0.0)
    source = GridSpec.like(raster)
    fill = raster.attrs.get("_FillValue")
    forest = int(shares["class"].values[1])
    truth = (cell_area(source.lat_edges, source.lon_edges) * (raster.values == forest)).sum()
    there = regrid(
        raster.astype(float).where(raster != fill) * 0 + 1,
        target,
        quantity="intensive",
        threshold=0.0,
        normalise="cell",
    )
    got = (shares.sel({"class": forest}) * there * area(target)).sum()
    assert float(got) == pytest.approx(truth, rel=1e-9)

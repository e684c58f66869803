"""Regional statistics against brute force, exactextract itself, known areas and planted errors."""

from __future__ import annotations

import csv

import dask.array as da
import geopandas as gpd
import numpy as np
import pytest
import rioxarray  # noqa: F401
import shapely
import xarray as xr
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import given, settings
from hypothesis import strategies as st

from yaotan import open_regions, zonal_statistics
from yaotan.errors import GridError, RegionError, SchemaError
from yaotan.geodesy import cell_area, distance, polygon_area


def make_grid(lat_edges, lon_edges, values, *, sigma=None, systematic=None, count=None, times=None):
    """A grid as the design describes it, from plain arrays (time, lat, lon) or (lat, lon)."""
    dims = ("time", "lat", "lon")[-np.ndim(values) :]
    lat_edges, lon_edges = np.asarray(lat_edges, float), np.asarray(lon_edges, float)
    grid = xr.Dataset(
        {"lat_bnds": (("lat", "bnds"), np.stack([lat_edges[:-1], lat_edges[1:]], 1)),
         "lon_bnds": (("lon", "bnds"), np.stack([lon_edges[:-1], lon_edges[1:]], 1))},
        coords={
            "lat": ("lat", (lat_edges[:-1] + lat_edges[1:]) / 2, {"bounds": "lat_bnds"}),
            "lon": ("lon", (lon_edges[:-1] + lon_edges[1:]) / 2, {"bounds": "lon_bnds"}),
        },
    )  # fmt: skip
    layers = {
        "": values,
        "_uncertainty_random": sigma,
        "_uncertainty_systematic": systematic,
        "_count": count,
    }
    for ending, layer in layers.items():
        if layer is not None:
            grid["xco2" + ending] = (dims, np.broadcast_to(layer, np.shape(values)), {"units": "ppm"})
    if times is not None:
        grid = grid.assign_coords(time=("time", np.asarray(times, "datetime64[ns]")))
    return grid


def features(*shapes, ids=None, crs="EPSG:4326"):
    ids = ids or [f"r{number}" for number in range(len(shapes))]
    return gpd.GeoDataFrame({"region_id": ids, "name": ids, "name_zh": ids}, geometry=list(shapes), crs=crs)


def world(step=1.0, start=-180.0, seed=0):
    """A global smooth field with gaps, longitudes from ``start``."""
    lat, lon = np.arange(-90, 90 + step / 2, step), start + step * np.arange(round(360 / step) + 1)
    y, x = np.meshgrid((lat[:-1] + lat[1:]) / 2, (lon[:-1] + lon[1:]) / 2, indexing="ij")
    values = 400 + np.sin(np.radians(3 * y)) + np.cos(np.radians(2 * x))
    gap = np.abs(np.sin(np.radians(7 * y)) * np.sin(np.radians(5 * x))) < 0.1
    return lat, lon, np.where(gap, np.nan, values)


BLOB = shapely.Polygon([(100.3, 20.2), (118.7, 23.1), (121.4, 41.9), (109.0, 35.5), (98.2, 44.4)])


@settings(deadline=None, max_examples=25)
@given(st.floats(-1e6, 1e6), st.integers(0, 2**31))
def test_mean_of_a_constant_is_the_constant(constant, seed):
    rng = np.random.default_rng(seed)
    corners = np.column_stack([rng.uniform(100, 120, 8), rng.uniform(20, 40, 8)])
    shape = shapely.MultiPoint(corners).convex_hull
    values = np.full((44, 48), constant)
    values[rng.random(values.shape) < 0.3] = np.nan
    grid = make_grid(np.linspace(19, 41, 45), np.linspace(98, 122, 49), values)
    table = zonal_statistics(grid, features(shape))
    assert table.xco2.item() == constant
    assert table.xco2_spread.item() == 0 or np.isnan(table.xco2_spread.item())
    assert 0 < table.xco2_coverage.item() < 1


def test_against_brute_force_fine_mask():
    lat, lon, values = world(2.0)
    table = zonal_statistics(make_grid(lat, lon, values), features(BLOB))
    fine = 0.02
    y, x = np.arange(20, 45, fine) + fine / 2, np.arange(98, 122, fine) + fine / 2
    inside = shapely.contains_xy(BLOB, *np.meshgrid(x, y))
    area = np.where(inside, cell_area([0, 1], [0, fine]) * 0 + np.cos(np.radians(y))[:, None], 0)
    picked = values[((y + 90) // 2).astype(int)][:, ((x + 180) // 2).astype(int)]
    weight = np.where(np.isfinite(picked), area, 0)
    mean = np.nansum(weight * picked) / weight.sum()
    assert table.xco2.item() == pytest.approx(mean, abs=2e-4)
    assert table.xco2_coverage.item() == pytest.approx(weight.sum() / area.sum(), abs=5e-4)
    spread = np.sqrt(np.nansum(weight * (picked - mean) ** 2) / weight.sum())
    assert table.xco2_spread.item() == pytest.approx(spread, rel=0.02)  # n - 1 form over some 120 cells


def test_equals_exactextract_weighted_mean():
    lat, lon, values = world(0.25)  # rows of this height are not split, so the shares are planar as there
    shapes = [BLOB, shapely.box(-60.3, -33.3, -41.7, 12.1), shapely.Point(20, 50).buffer(7)]
    table = zonal_statistics(make_grid(lat, lon, values), features(*shapes))
    frame = {"xmin": -180, "ymin": -90, "xmax": 180, "ymax": 90}
    source = NumPyRasterSource(values[::-1].copy(), **frame, nodata=np.nan)
    area = NumPyRasterSource(cell_area(lat[::-1], lon), **frame, name="area")
    ops = ["weighted_mean", "count", "weighted_stdev"]
    peer = exact_extract(source, features(*shapes), ops, weights=area, output="pandas")
    np.testing.assert_allclose(table.xco2, peer["weighted_mean"], rtol=1e-9)
    np.testing.assert_allclose(table.xco2_count, peer["count"], rtol=1e-5)
    np.testing.assert_allclose(table.xco2_spread, peer["weighted_stdev"], rtol=0.02)


def test_any_direction_and_convention_of_axes_gives_the_same():
    lat, lon, values = world(1.0)
    shapes = features(BLOB, shapely.box(-10, -5, 15, 30), shapely.box(-179, 60, -160, 70))
    plain = zonal_statistics(make_grid(lat, lon, values), shapes)
    rolled = np.roll(values, -180, axis=1)
    for other in (
        make_grid(lat[::-1], lon, values[::-1]),
        make_grid(lat, lon[::-1], values[:, ::-1]),
        make_grid(lat, lon + 180, rolled),
        make_grid(lat[::-1], lon + 180, rolled[::-1]),
        make_grid(lat, lon, values).drop_vars(["lat_bnds", "lon_bnds"]),
    ):
        table = zonal_statistics(other, shapes)
        for name in table.data_vars:
            np.testing.assert_allclose(table[name], plain[name], rtol=1e-12)
    stacked = make_grid(lat, lon, values)
    wrapped = stacked.assign_coords(lon=("lon", (stacked.lon.values + 540) % 360 - 180, stacked.lon.attrs))
    transposed = zonal_statistics(wrapped.transpose("lon", "lat", "bnds"), shapes)
    np.testing.assert_allclose(transposed.xco2, plain.xco2, rtol=1e-12)


def test_two_halves_combine_to_the_whole():
    lat, lon, values = world(1.0)
    cut = shapely.box(90, 0, 110.37, 50)
    a, b = BLOB.intersection(cut), BLOB.difference(cut)
    grid = make_grid(lat, lon, values, count=np.where(np.isfinite(values), 3, 0))
    t = zonal_statistics(grid, features(BLOB, a, b))
    covered = (t.xco2_coverage * t.area).values
    assert covered[1] + covered[2] == pytest.approx(covered[0], rel=1e-5)
    joined = (covered[1] * t.xco2[1] + covered[2] * t.xco2[2]) / (covered[1] + covered[2])
    assert joined.item() == pytest.approx(t.xco2[0].item(), abs=1e-5)
    assert t.xco2_count[1] + t.xco2_count[2] == pytest.approx(t.xco2_count[0].item(), rel=1e-9)


def test_dateline_region_is_one_region():
    lat, lon, values = world(1.0)
    halves = shapely.MultiPolygon([shapely.box(175.5, -20, 180, -10), shapely.box(-180, -20, -172.25, -10)])
    here = zonal_statistics(make_grid(lat, lon, values), features(halves))
    there = zonal_statistics(
        make_grid(lat, np.arange(0, 361.0), np.roll(values, -180, axis=1)), features(halves)
    )
    regional = zonal_statistics(
        make_grid(lat, np.arange(170, 191.0), np.roll(values, 10, axis=1)[:, :20]), features(halves)
    )
    expected = cell_area([-20, -10], [0, 12.25]).item()
    assert here.area.item() == pytest.approx(expected, rel=1e-9)
    for other in (there, regional):
        np.testing.assert_allclose(other.xco2, here.xco2, rtol=1e-12)
        np.testing.assert_allclose(other.xco2_coverage, here.xco2_coverage, rtol=1e-9)


def test_polar_cap_takes_the_whole_row():
    values = np.broadcast_to(np.arange(18.0)[:, None], (18, 36)).copy()
    grid = make_grid(np.arange(-90, 91, 10), np.arange(-180, 181, 10), values)
    t = zonal_statistics(grid, features(shapely.box(-180, 75, 180, 90)))
    areas = cell_area([75, 80, 90], [0, 1]).ravel()
    assert t.xco2.item() == pytest.approx((16 * areas[0] + 17 * areas[1]) / areas.sum(), rel=1e-12)
    assert t.xco2_coverage.item() == 1.0
    assert t.area.item() == pytest.approx(360 * areas.sum(), rel=1e-9)


def test_half_rows_at_the_poles_and_uneven_axes():
    lat = np.concatenate([[-90, -89], np.arange(-87, 88, 2.0), [89, 90]])
    values = np.random.default_rng(1).normal(400, 1, (lat.size - 1, 180))
    lon = np.arange(-180, 181, 2.0)
    t = zonal_statistics(make_grid(lat, lon, values), features(BLOB, shapely.box(-180, 80, 180, 90)))
    rows = lat[:-1] >= 79
    area = cell_area(lat, lon) * rows[:, None]
    area[lat[:-1] == 79] = cell_area([80, 81], lon)
    assert t.xco2[1].item() == pytest.approx((area * values).sum() / area.sum(), abs=1e-9)
    inner = slice(2, -2)
    even = zonal_statistics(make_grid(lat[inner], lon, values[inner]), features(BLOB))
    assert t.xco2[0].item() == pytest.approx(even.xco2.item(), abs=1e-5)


def test_projected_raster_equals_geographic_answer():
    x, y = np.arange(-2.5e6, 2.5e6, 2e4) + 1e4, np.arange(5.5e6, 1.5e6, -2e4) - 1e4
    crs = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84"
    raster = xr.DataArray(np.ones((y.size, x.size)), coords={"y": y, "x": x}, dims=("y", "x"), name="ndvi")
    lon, lat = _degrees(crs, *np.meshgrid(x, y))
    raster = (raster * (lat + 0.1 * lon)).rename("ndvi").rio.write_crs(crs)
    t = zonal_statistics(raster, features(BLOB))
    edges_y, edges_x = np.arange(19, 46, 0.1), np.arange(97, 123, 0.1)
    fine = (edges_y[:-1, None] + 0.05) + 0.1 * (edges_x[:-1] + 0.05)
    plain = zonal_statistics(make_grid(edges_y, edges_x, fine), features(BLOB))
    assert t.ndvi.item() == pytest.approx(plain.xco2.item(), abs=1e-3)
    assert t.ndvi_coverage.item() == 1.0
    assert "ndvi_uncertainty" not in t
    mercator = features(BLOB).to_crs("EPSG:3857")
    assert zonal_statistics(raster, mercator).ndvi.item() == pytest.approx(t.ndvi.item(), abs=0.3)


def _degrees(crs, x, y):
    import pyproj

    return pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)


def test_antarctica_on_a_polar_grid():
    cap = features(shapely.box(-180, -90, 180, -70))
    x = np.arange(-3e6, 3e6, 1e5) + 5e4
    raster = xr.DataArray(np.full((60, 60), 7.0), coords={"y": x[::-1], "x": x}, dims=("y", "x"), name="ice")
    t = zonal_statistics(raster.rio.write_crs("EPSG:3031"), cap)
    assert t.ice.item() == 7
    assert t.ice_coverage.item() == 1
    covered = t.ice_count.item() * 1e10
    assert covered == pytest.approx(np.pi * 2.2e6**2, rel=0.05)


def test_time_is_kept_and_gaps_are_counted():
    lat, lon, values = world(2.0)
    cube = np.stack([values, values + 1, np.full_like(values, np.nan)])
    times = ["2019-01-01", "2019-02-01", "2019-03-01"]
    grid = make_grid(lat, lon, cube, sigma=0.5, systematic=0.2, count=4, times=times).assign_coords(crs=0)
    t = zonal_statistics(grid, features(BLOB, shapely.box(0, 0, 20, 20)))
    assert t.xco2.dims == ("region", "time")
    np.testing.assert_allclose(t.xco2[:, 1] - t.xco2[:, 0], 1.0, atol=1e-12)
    assert np.isnan(t.xco2[:, 2]).all()
    assert np.isnan(t.xco2_uncertainty[:, 2]).all()
    assert (t.xco2_count[:, 2] == 0).all()
    assert (t.xco2_coverage[:, 2] == 0).all()
    np.testing.assert_allclose(t.xco2_uncertainty_systematic[:, :2], 0.2)
    total = np.hypot(t.xco2_uncertainty_random, t.xco2_uncertainty_systematic)
    np.testing.assert_allclose(t.xco2_uncertainty, total)
    np.testing.assert_array_equal(t.time, np.asarray(times, "datetime64[ns]"))
    assert set(t.coords) == {"region", "region_name", "region_name_zh", "area", "time"}


def test_only_the_windows_of_a_lazy_globe_are_read():
    """A globe of 0.01 degree would take 5 GB: chunks outside the regions may not be asked for."""
    seen = []

    def block(block_info=None):
        seen.append(block_info[None]["array-location"])
        return np.full(block_info[None]["chunk-shape"], 410.0)

    lazy = da.map_blocks(block, chunks=((900,) * 20, (900,) * 40), dtype=float, meta=np.empty((0, 0)))
    lat, lon = np.linspace(-90, 90, 18001), np.linspace(-180, 180, 36001)
    field = xr.DataArray(
        lazy, coords={"lat": (lat[:-1] + lat[1:]) / 2, "lon": (lon[:-1] + lon[1:]) / 2}, dims=("lat", "lon")
    )
    t = zonal_statistics(
        field.rename("xco2"), features(shapely.box(100, 20, 103, 22), shapely.box(-60, -9, -58, -7))
    )
    np.testing.assert_allclose(t.xco2, 410.0)
    assert 2 <= len({str(where) for where in seen}) <= 8


def test_values_do_not_depend_on_chunks_or_company():
    lat, lon, values = world(1.0)
    grid = make_grid(lat, lon, values, sigma=np.abs(np.sin(values)), systematic=0.1, count=2)
    many = features(BLOB, shapely.box(0, 0, 20, 20), shapely.box(5, 5, 30, 12), shapely.box(100, 20, 101, 21))
    reference = zonal_statistics(grid, many)
    for chunks in ({"lat": 7, "lon": 11}, {"lat": 180, "lon": 1}):
        xr.testing.assert_identical(zonal_statistics(grid.chunk(chunks), many), reference)
    for index in range(len(many)):
        alone = zonal_statistics(grid, many.iloc[[index]])
        for name in reference.data_vars:
            assert alone[name].item() == pytest.approx(reference[name][index].item(), rel=1e-13, nan_ok=True)


@pytest.mark.parametrize("length", [0.0, 150e3, np.inf])
def test_uncertainty_is_calibrated_against_planted_correlated_errors(length):
    rng = np.random.default_rng(11)
    lat, lon = np.linspace(30, 40, 11), np.linspace(110, 122, 13)
    y, x = (a.ravel() for a in np.meshgrid(lat[:-1] + 0.5, lon[:-1] + 0.5, indexing="ij"))
    sigma = rng.uniform(0.5, 1.5, y.size)
    away = distance(y[:, None], x[:, None], y, x)
    if length == 0:
        rho = np.eye(y.size)
    else:
        rho = np.exp(-away / length) if np.isfinite(length) else np.ones_like(away)
    root = np.linalg.cholesky(rho + 1e-10 * np.eye(y.size))
    runs = 1500
    errors = (rng.normal(size=(runs, y.size)) @ root.T) * sigma
    errors[:, rng.random(y.size) < 0.2] = np.nan
    systematic = rng.normal(0, 0.3, runs)
    cube = (400 + errors + systematic[:, None]).reshape(runs, 10, 12)
    times = np.datetime64("2000-01-01") + np.arange(runs)
    grid = make_grid(lat, lon, cube, sigma=sigma.reshape(10, 12), systematic=0.3, times=times)
    shape = shapely.Polygon([(110.2, 30.4), (121.6, 31.7), (119.3, 39.8), (112, 38.5)])
    t = zonal_statistics(grid, features(shape), correlation_length=length)
    score = (t.xco2[0] - 400) / t.xco2_uncertainty[0]
    assert score.std().item() == pytest.approx(1.0, abs=0.06)
    assert np.mean(np.abs(score) < 1.96) == pytest.approx(0.95, abs=0.02)


def test_systematic_given_by_the_caller_replaces_the_grids():
    lat, lon, values = world(2.0)
    grid = make_grid(lat, lon, values, sigma=0.5, systematic=0.2)
    for given_as in (0.7, {"xco2": 0.7}):
        t = zonal_statistics(grid, features(BLOB), systematic=given_as)
        assert t.xco2_uncertainty_systematic.item() == 0.7
    with pytest.raises(GridError, match="systematic"):
        zonal_statistics(grid, features(BLOB), systematic=-1)


def test_outside_regions_are_named():
    grid = make_grid(np.arange(20, 41.0), np.arange(100, 121.0), np.full((20, 20), 400.0), sigma=1.0)
    inside, far = shapely.box(105, 25, 110, 30), shapely.box(-60, -10, -50, 0)
    t = zonal_statistics(grid, features(inside, far, ids=["in", "far"]))
    assert t.attrs["outside"] == ["far"]
    assert np.isnan(t.xco2[1])
    assert (t.xco2_count[1], t.xco2_coverage[1]) == (0, 0)
    with pytest.raises(RegionError, match="far") as error:
        zonal_statistics(grid, features(far, ids=["far"]))
    assert "100" in str(error.value)


def test_region_half_off_the_grid_has_half_its_area_covered():
    grid = make_grid(np.arange(20, 41.0), np.arange(100, 121.0), np.full((20, 20), 400.0))
    t = zonal_statistics(grid, features(shapely.box(90, 25, 110, 30)), minimum_coverage=0.4)
    assert t.xco2_coverage.item() == pytest.approx(0.5, abs=1e-3)
    assert t.xco2.item() == 400
    blank = zonal_statistics(grid, features(shapely.box(90, 25, 110, 30)), minimum_coverage=0.6)
    assert np.isnan(blank.xco2.item())
    assert blank.xco2.attrs["below_minimum_coverage"] == 1
    assert blank.xco2_coverage.item() == pytest.approx(0.5, abs=1e-3)


def test_input_is_left_alone_and_bad_input_named():
    grid = make_grid(np.arange(20, 41.0), np.arange(100, 121.0), np.full((20, 20), 400.0))
    shapes = features(shapely.box(105, 25, 110, 30))
    before, same = grid.copy(deep=True), shapes.copy()
    zonal_statistics(grid, shapes)
    xr.testing.assert_identical(grid, before)
    assert shapes.equals(same)
    with pytest.raises(GridError, match="no numeric variable 'xch4'"):
        zonal_statistics(grid, shapes, variables=["xch4"])
    with pytest.raises(SchemaError, match="reference system"):
        zonal_statistics(grid, gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)]))
    with pytest.raises(GridError, match="there twice"):
        zonal_statistics(make_grid([0, 1], np.arange(0, 362.0), np.ones((1, 361))), shapes)
    with pytest.raises(GridError, match="reference system"):
        zonal_statistics(
            xr.DataArray(np.ones((2, 2)), coords={"y": [0, 1], "x": [0, 1]}, dims=("y", "x")), shapes
        )
    with pytest.raises(RegionError, match="not unique"):
        zonal_statistics(grid, features(BLOB, BLOB, ids=["a", "a"]))
    with pytest.raises(GridError, match="overlap or leave gaps"):
        zonal_statistics(grid.isel(lat=[0, 1, 5, 6]), shapes)


def test_raster_nodata_does_not_count():
    values = np.array([[1, 2], [3, -9999]], dtype="int16")
    raster = xr.DataArray(values, coords={"y": [1.5, 0.5], "x": [0.5, 1.5]}, dims=("y", "x"), name="cover")
    raster = raster.rio.write_crs(4326).assign_attrs(_FillValue=-9999)
    t = zonal_statistics(raster, features(shapely.box(0, 0, 2, 2)))
    assert t.cover.item() == pytest.approx(2.0, abs=1e-3)
    assert t.cover_coverage.item() == pytest.approx(0.75, abs=1e-3)


def test_areas_of_the_provinces(data_root, provinces):
    regions = open_regions(provinces)
    with (data_root / "geo" / "cn_provinces.csv").open(encoding="utf-8") as file:
        known = {row["adcode"]: float(row["area_km2_wgs84"]) for row in csv.DictReader(file)}
    area = dict(zip(regions.region_id, polygon_area(regions.geometry.values) / 1e6, strict=True))
    assert len(area) == 34
    for code, value in known.items():
        assert area[code] == pytest.approx(value, rel=1e-4, abs=0.1)
    lat, lon = np.arange(0, 60.1, 0.25), np.arange(70, 140.1, 0.25)
    t = zonal_statistics(make_grid(lat, lon, np.ones((lat.size - 1, lon.size - 1))), regions)
    np.testing.assert_array_equal(t.xco2, 1.0)
    np.testing.assert_array_equal(t.xco2_coverage, 1.0)
    cells = t.xco2_count * 0.25**2 * 12_364  # km2 per square degree at the equator: an upper bound
    assert (cells * 1.01 > t.area / 1e6).all()


def test_an_error_that_is_not_stated_stays_unknown() -> None:
    lat, lon = np.arange(20.5, 24), np.arange(100.5, 104)
    shape, dims = (4, 4), ("lat", "lon")
    grid = xr.Dataset(
        {
            "xco2": (dims, np.linspace(410, 412, 16).reshape(shape), {"units": "ppm"}),
            "xco2_count": (dims, np.ones(shape, int)),
            "xco2_uncertainty": (dims, np.full(shape, np.nan)),
            "xco2_uncertainty_random": (dims, np.full(shape, np.nan)),
            "xco2_uncertainty_overpass": (dims, np.full(shape, np.nan)),
            "xco2_uncertainty_systematic": (dims, np.full(shape, 0.3)),
        },
        {"lat": lat, "lon": lon},
        attrs={"overpass_correlation": 0.5},
    )
    regions = gpd.GeoDataFrame({"region_id": ["a"]}, geometry=[shapely.box(100, 20, 104, 24)], crs=4326)
    table = zonal_statistics(grid, regions)
    assert np.isnan(table["xco2_uncertainty"]).all()
    assert float(table["xco2_uncertainty_systematic"][0]) == pytest.approx(0.3)

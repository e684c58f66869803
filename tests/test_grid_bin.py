"""Gridding: the table of awkward footprints, invariants, weights, uncertainty, joining."""

from __future__ import annotations

import json

import dask.array as da
import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from yaotan import schema
from yaotan.errors import GridError, TooFewSoundingsError
from yaotan.geodesy import cell_area
from yaotan.grid.bin import grid_soundings
from yaotan.grid.coarsen import coarsen_grid
from yaotan.grid.merge import merge_grids
from yaotan.grid.response import SuperGaussian
from yaotan.grid.spec import GridSpec

DEGREE = GridSpec.regular(1.0)
NAN = float("nan")


def soundings(lat_corner, lon_corner, value, *, sigma=0.5, time=None, lat=None, lon=None, **more):
    """The one builder: footprints, values and errors as a soundings table."""
    lat_corner, lon_corner = (
        np.atleast_2d(np.asarray(lat_corner, float)),
        np.atleast_2d(np.asarray(lon_corner, float)),
    )
    n = len(lat_corner)
    time = (
        np.datetime64("2024-06-01T05:00", "ns") + np.arange(n)
        if time is None
        else np.asarray(time, "datetime64[ns]")
    )
    ppm = {"units": "ppm"}
    data = {
        "time": ("sounding", time),
        "latitude": ("sounding", lat_corner.mean(1) if lat is None else np.asarray(lat, float)),
        "longitude": ("sounding", lon_corner.mean(1) if lon is None else np.asarray(lon, float)),
        "latitude_corner": (("sounding", "corner"), lat_corner),
        "longitude_corner": (("sounding", "corner"), lon_corner),
        "quality": ("sounding", np.zeros(n, np.uint8), {"flag_meanings": "good bad"}),
        "xco2": ("sounding", np.broadcast_to(np.asarray(value, float), (n,)).copy(), ppm),
        "xco2_uncertainty": ("sounding", np.broadcast_to(np.asarray(sigma, float), (n,)).copy(), ppm),
    }
    data |= {name: ("sounding", np.asarray(array, float), ppm) for name, array in more.items()}
    return xr.Dataset(data, attrs={"product": "synthetic", "source": "a.nc"})


def points(lat, lon, value, **more):
    table = soundings(np.zeros((len(lat), 4)), np.zeros((len(lat), 4)), value, lat=lat, lon=lon, **more)
    return table.drop_vars(["latitude_corner", "longitude_corner"])


def swarm(n, seed, *, size=1.0, box=(-170, -60, 170, 60)):
    """Random parallelograms of about `size` degrees with values, errors and times over some days."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(box[0], box[2], n), rng.uniform(box[1], box[3], n)
    a, b = rng.uniform(-size, size, (2, n, 2))
    flat = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) < 0.02 * size**2
    a[flat], b[flat] = (size, 0.1), (0.1, size)
    lon = (
        x[:, None]
        + np.stack([-a[:, 0] - b[:, 0], a[:, 0] - b[:, 0], a[:, 0] + b[:, 0], -a[:, 0] + b[:, 0]], 1) / 2
    )
    lat = (
        y[:, None]
        + np.stack([-a[:, 1] - b[:, 1], a[:, 1] - b[:, 1], a[:, 1] + b[:, 1], -a[:, 1] + b[:, 1]], 1) / 2
    )
    lat = np.clip(lat, -90, 90)
    time = np.datetime64("2024-06-01", "ns") + np.sort(rng.integers(0, 3 * 86400, n)) * np.timedelta64(
        10**9, "ns"
    )
    return soundings(lat, lon, rng.normal(415, 2, n), sigma=rng.uniform(0.3, 0.9, n), time=time)


def loaded(table, spec=DEGREE, **options):
    return grid_soundings(table, spec, **options).load()


def cells_of(grid, name="xco2"):
    """{(lat, lon) of the lower corner: weight} of the cells with a value."""
    weight = grid[f"{name}_sum_weight"].isel(time=0)
    south, west = grid["lat_bnds"].values.min(1), grid["lon_bnds"].values[:, 0]
    return {
        (south[j], west[i]): float(weight[j, i]) for j, i in zip(*np.nonzero(weight.values > 0), strict=True)
    }


def rejected(grid):
    return json.loads(grid.attrs["rejected"])["reasons"]


def assert_same(one, other, rtol=1e-12):
    assert set(one.data_vars) == set(other.data_vars)
    for name in one.data_vars:
        a, b = one[name].values, other[name].values
        if a.dtype.kind == "f":
            scale = np.nanmax(np.abs(a)) if np.isfinite(a).any() else 1.0
            # spreads are differences of sums, so they keep the root of the digits
            near = 1e-6 if name.endswith(("_spread", "_standard_error")) else rtol
            np.testing.assert_allclose(a, b, rtol=near, atol=near * scale, err_msg=name)
        else:
            np.testing.assert_array_equal(a, b, err_msg=name)


# name, latitudes, longitudes, expected cells or reason
TABLE = {
    "footprint equals cell": ([10, 10, 11, 11], [20, 21, 21, 20], {(10, 20): 1.0}),
    "over four cells": (
        [9.5, 9.5, 10.5, 10.5],
        [29.5, 30.5, 30.5, 29.5],
        {(9, 29): 0.25, (9, 30): 0.25, (10, 29): 0.25, (10, 30): 0.25},
    ),
    "clockwise": ([10, 11, 11, 10], [40, 40, 41, 41], {(10, 40): 1.0}),
    "bow-tie": ([10, 11, 10, 11], [50, 51, 51, 50], "self_intersecting"),
    "dateline": ([10, 10, 11, 11], [179.5, -179.5, -179.5, 179.5], {(10, -180): 0.5, (10, 179): 0.5}),
    "dateline beyond 180": (
        [20, 20, 21, 21],
        [179.5, 180.5, 180.5, 179.5],
        {(20, -180): 0.5, (20, 179): 0.5},
    ),
    "encloses the north pole": ([89] * 4, [0, 90, 180, -90], {(89, lon): 1.0 for lon in range(-180, 180)}),
    "encloses it clockwise": ([89] * 4, [0, -90, 180, 90], {(89, lon): 1.0 for lon in range(-180, 180)}),
    "encloses the south pole": (
        [-89] * 4,
        [10, 100, -170, -80],
        {(-90, lon): 1.0 for lon in range(-180, 180)},
    ),
    "touches the south pole": ([-90, -90, -89, -89], [10, 11, 11, 10], {(-90, 10): 1.0}),
    "pole corners of any longitude": ([90, 90, 89, 89], [0, 77, 10, 11], {(89, 10): 1.0}),
    "line": ([10.5] * 4, [60.1, 60.9, 60.9, 60.1], "zero_area"),
    "slanted line": ([10.1, 10.3, 10.5, 10.2], [60.1, 60.3, 60.5, 60.2], "zero_area"),
    "point": ([10.5] * 4, [70.5] * 4, "zero_area"),
    "NaN corner": ([10, 10, NAN, 11], [80, 81, 81, 80], "nan_corner"),
    "infinite corner": ([10, 10, 11, 11], [80, 81, np.inf, 80], "nan_corner"),
    "fill value as corner": ([10, 10, -9999.0, 11], [80, 81, 81, 80], "corner_out_of_range"),
    "sliver over ten cells": (
        [30.4, 30.4, 30.6, 30.6],
        [100, 110, 110, 100],
        {(30, 100 + k): 0.2 for k in range(10)},
    ),
    "concave dart": ([40, 41, 40, 40.3], [100, 100.5, 101, 100.5], {(40, 100): 0.35}),
    "triangle with a double corner": ([40, 41, 40, 40], [100, 100.5, 101, 101], {(40, 100): 0.5}),
}


@pytest.mark.parametrize("name", TABLE)
def test_table_of_awkward_footprints(name):
    lat, lon, right = TABLE[name]
    grid = loaded(soundings(lat, lon, 401.0))
    if isinstance(right, str):
        assert rejected(grid) == {right: 1}
        assert cells_of(grid) == {}
        assert np.isnan(grid["xco2"].values).all()
        return
    assert rejected(grid) == {}
    cells = cells_of(grid)
    assert set(cells) == set(right)
    np.testing.assert_allclose([cells[key] for key in right], list(right.values()), rtol=1e-12)
    values = grid["xco2"].values
    np.testing.assert_allclose(values[np.isfinite(values)], 401.0, rtol=1e-13)
    covered = grid["xco2_coverage"].values[grid["xco2_count"].values > 0]
    np.testing.assert_allclose(covered, list(cells.values()), rtol=1e-12)


def test_table_at_once_counts_every_reject_by_reason():
    rows = list(TABLE.values())
    grid = loaded(soundings([row[0] for row in rows], [row[1] for row in rows], 400.0))
    assert rejected(grid) == {
        "self_intersecting": 1,
        "zero_area": 3,
        "nan_corner": 2,
        "corner_out_of_range": 1,
    }


def test_nan_value_drops_the_sounding_of_that_variable_only():
    table = soundings([[10, 10, 11, 11]] * 2, [[20, 21, 21, 20]] * 2, [NAN, 402.0], xch4=[1800.0, NAN])
    grid = loaded(table)
    assert grid["xco2"].sel(lat=10.5, lon=20.5).item() == 402.0
    assert grid["xch4"].sel(lat=10.5, lon=20.5).item() == pytest.approx(1800.0, rel=1e-13)
    assert grid["xco2_count"].max() == grid["xch4_count"].max() == 1
    assert json.loads(grid.attrs["rejected"])["variables"] == {
        "xco2": {"nan_value": 1},
        "xch4": {"nan_value": 1},
    }


def test_nan_soundings_change_nothing_but_the_count():
    table = swarm(60, 1)
    more = xr.concat([table, table.assign(xco2=table["xco2"] * NAN)], "sounding")
    assert_same(loaded(table), loaded(more))
    assert json.loads(loaded(more).attrs["rejected"])["variables"]["xco2"] == {"nan_value": 60}


def test_value_without_uncertainty_is_counted():
    table = soundings([[10, 10, 11, 11]] * 3, [[20, 21, 21, 20]] * 3, 400.0, sigma=[NAN, -1.0, 0.5])
    grid = loaded(table)
    assert json.loads(grid.attrs["rejected"])["variables"]["xco2"] == {"no_uncertainty": 2}
    assert grid["xco2_count"].max() == 1


# invariants


@settings(deadline=None, max_examples=15)
@given(
    st.integers(0, 10**6), st.sampled_from([0.02, 0.5, 3.0]), st.sampled_from(["geographic", "equal_area"])
)
def test_constant_field_and_conserved_area(seed, size, plane):
    table = swarm(20, seed, size=size, box=(-180, -85, 180, 85)).assign(
        xco2=("sounding", np.full(20, 413.7), {"units": "ppm"})
    )
    grid = loaded(table, GridSpec.regular(2.0), plane=plane)
    values = grid["xco2"].values
    np.testing.assert_allclose(values[np.isfinite(values)], 413.7, rtol=1e-13)
    y, lat = grid["lat_bnds"].values, table["latitude_corner"].values
    if plane == "equal_area":
        y, lat = np.sin(np.radians(y)), np.sin(np.radians(lat))
    area = (y[:, 1] - y[:, 0])[:, None] * 2.0
    lon = table["longitude_corner"].values
    dx, dy = lon - lon[:, :1], lat - lat[:, :1]
    own = 0.5 * np.abs((dx * np.roll(dy, -1, 1) - np.roll(dx, -1, 1) * dy).sum(1)).sum()
    total = (grid["xco2_sum_weight"].values[0] * area).sum()
    assert total == pytest.approx(own, rel=1e-12)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from([0.03, 0.7, 4.0]))
def test_shares_are_those_of_exact_polygons(seed, size):
    rng = np.random.default_rng(seed)
    table = swarm(1, seed, size=size)
    lat, lon = table["latitude_corner"].values[0], table["longitude_corner"].values[0]
    if seed % 2:  # pull one corner in: a dart or a kite
        pull = rng.uniform(0.3, 0.8)
        lat[2] += pull * (lat[0] - lat[2])
        lon[2] += pull * (lon[0] - lon[2])
    polygon = shapely.Polygon(np.stack([lon, lat], 1))
    cells = cells_of(loaded(soundings(lat, lon, 400.0), GridSpec.regular(0.5)))
    reference = {}
    for j in range(int((lat.min() + 90) // 0.5), int((lat.max() + 90) // 0.5) + 1):
        for i in range(int((lon.min() + 180) // 0.5), int((lon.max() + 180) // 0.5) + 1):
            box = shapely.box(-180 + 0.5 * i, -90 + 0.5 * j, -179.5 + 0.5 * i, -89.5 + 0.5 * j)
            share = polygon.intersection(box).area / 0.25
            if share > 1e-12:
                reference[(-90 + 0.5 * j, -180 + 0.5 * i)] = share
    assert {key for key, share in cells.items() if share > 1e-11} <= set(reference)
    for key, share in reference.items():
        assert cells.get(key, 0.0) == pytest.approx(share, rel=1e-9, abs=1e-11)


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10**6), st.sampled_from(["area", "footprint", "centre", "response"]))
def test_order_and_chunks_do_not_matter(seed, weight):
    table = swarm(80, seed, size=4.0, box=(0, 0, 12, 12))
    spec = GridSpec.regular(3.0, (-3, -3, 15, 15))
    whole = loaded(table, spec, weight=weight)
    shuffled = table.isel(sounding=np.random.default_rng(seed).permutation(80))
    assert_same(whole, loaded(shuffled, spec, weight=weight))
    # whole overpasses run over the borders of these chunks; the sums are added in the same order
    for size in (7, 33):
        assert_same(whole, loaded(table.chunk(sounding=size), spec, weight=weight), rtol=0)
    assert_same(whole, loaded(shuffled.chunk(sounding=9), spec, weight=weight))


def test_chunks_of_mixed_time_keep_overpasses_together():
    table = swarm(120, 5, size=4.0, box=(0, 0, 6, 6))
    order = np.argsort(np.arange(120) % 4, kind="stable")  # four files, each over all times
    spec = GridSpec.regular(3.0, (-3, -3, 9, 9))
    assert_same(loaded(table, spec), loaded(table.isel(sounding=order).chunk(sounding=30), spec))


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10**6), st.sampled_from([None, "day", "month"]))
def test_halves_merge_to_the_whole(seed, period):
    table = swarm(90, seed, size=3.0, box=(0, 0, 9, 9))
    spec = GridSpec.regular(3.0, (-3, -3, 12, 12))
    # cut between two half hours, so that no overpass is split
    hour = table["time"].values.astype("datetime64[ns]").astype(np.int64) // 1_800_000_000_000
    first = hour <= np.median(hour)
    parts = [table.isel(sounding=np.flatnonzero(mask)) for mask in (first, ~first)]
    merged = merge_grids([grid_soundings(part, spec, period=period, systematic=0.2) for part in parts]).load()
    whole = loaded(table, spec, period=period, systematic=0.2)
    assert_same(whole, merged)
    np.testing.assert_array_equal(whole["time_bnds"], merged["time_bnds"])
    assert merged.attrs["rejected"] == whole.attrs["rejected"]


@settings(deadline=None, max_examples=8)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["area", "footprint"]),
    st.sampled_from(["geographic", "equal_area"]),
)
def test_coarse_from_fine_is_coarse_direct(seed, weight, plane):
    table = swarm(60, seed, size=1.5, box=(2, 50, 10, 76))
    fine = grid_soundings(table, GridSpec.regular(0.5, (0, 48, 12, 80)), weight=weight, plane=plane)
    coarse = coarsen_grid(fine, (8, 4)).load()
    direct = loaded(table, GridSpec.regular((4.0, 2.0), (0, 48, 12, 80)), weight=weight, plane=plane)
    for name in ("xco2", "xco2_sum_weight", "xco2_sum_square", "xco2_sum_uncertainty", "xco2_sum_share"):
        np.testing.assert_allclose(coarse[name], direct[name], rtol=1e-10, atol=1e-12, err_msg=name)
    np.testing.assert_array_equal(coarse["xco2_time_min"], direct["xco2_time_min"])
    np.testing.assert_array_equal(coarse["xco2_time_max"], direct["xco2_time_max"])
    assert (coarse["xco2_count"] >= direct["xco2_count"]).all()
    held = direct["xco2_count"].values > 0
    assert (
        coarse["xco2_uncertainty_random"].values[held]
        <= direct["xco2_uncertainty_random"].values[held] * (1 + 1e-9)
    ).all()
    np.testing.assert_allclose(coarse["xco2_coverage"], direct["xco2_coverage"], atol=0.1)


def test_coarse_is_exact_where_footprints_stay_in_fine_cells():
    rng = np.random.default_rng(3)
    y, x = rng.integers(0, 8, 50) + 0.3, rng.integers(0, 8, 50) + 0.3
    lat = y[:, None] + np.array([0, 0, 0.4, 0.4])
    table = soundings(lat, x[:, None] + np.array([0, 0.4, 0.4, 0]), rng.normal(400, 1, 50))
    coarse = coarsen_grid(grid_soundings(table, GridSpec.regular(1.0, (0, 0, 8, 8))), 4).load()
    direct = loaded(table, GridSpec.regular(4.0, (0, 0, 8, 8)))
    for name in direct.data_vars:
        if not name.endswith(("_mask", "_subcell", "_coverage")):
            close = 1e-6 if "spread" in name or "standard_error" in name else 1e-10
            if direct[name].dtype.kind == "f":
                np.testing.assert_allclose(coarse[name], direct[name], rtol=close, err_msg=name)
    np.testing.assert_array_equal(coarse["xco2_count"], direct["xco2_count"])
    with pytest.raises(GridError, match="divide"):
        coarsen_grid(direct, 3)


# grids


@pytest.mark.parametrize(
    "spec",
    [
        GridSpec.regular(1.0, (0, -90, 360, 90)),
        GridSpec(np.arange(90.0, -91.0, -1.0), np.arange(-180.0, 181.0)),
        GridSpec.regular(1.0, (-340, -90, 20, 90)),
    ],
    ids=["from 0", "falling", "from -340"],
)
def test_other_layouts_hold_the_same_values(spec):
    rows = [row for row in TABLE.values() if not isinstance(row[2], str)]
    table = soundings([row[0] for row in rows], [row[1] for row in rows], np.arange(len(rows)) + 400.0)
    one, other = loaded(table), loaded(table, spec)
    moved = other.assign_coords(lon=(other["lon"] + 180) % 360 - 180).sortby("lon").sortby("lat")
    for name in ("xco2", "xco2_sum_weight", "xco2_count", "xco2_coverage"):
        np.testing.assert_allclose(moved[name], one[name], rtol=1e-11, err_msg=name)


def test_regional_grid_over_the_dateline_and_outside():
    spec = GridSpec.regular(1.0, (170, 0, -170, 20))
    table = soundings(
        [[10, 10, 11, 11], [10, 10, 11, 11], [50, 50, 51, 51]],
        [[179.5, -179.5, -179.5, 179.5], [-175, -174, -174, -175], [0, 1, 1, 0]],
        400.0,
    )
    grid = loaded(table, spec)
    assert cells_of(grid) == {(10, 179): 0.5, (10, 180): 0.5, (10, 185): 1.0}
    assert rejected(grid) == {"outside_grid": 1}


def test_footprint_wider_than_what_is_left_of_the_circle():
    spec = GridSpec.regular(10.0, (10, 0, 350, 10))
    grid = loaded(soundings([0, 0, 10, 10], [-20, 20, 20, -20], 400.0), spec)
    assert cells_of(grid) == {(0, 10): 1.0, (0, 340): 1.0}


def test_uneven_edges():
    spec = GridSpec([0.0, 0.5, 3.0, 3.1], [0.0, 4.0, 4.2, 9.0])
    grid = loaded(soundings([0, 0, 3.1, 3.1], [0, 9, 9, 0], 400.0), spec)
    np.testing.assert_allclose(grid["xco2_sum_weight"], 1.0, rtol=1e-13)


def test_edges_that_only_rounding_separates_make_no_slivers():
    spec = GridSpec.regular(0.1)
    west, south = 20.1, 10.3  # start + step * index differs from these in the last digits
    grid = grid_soundings(soundings([south, south, 10.4, 10.4], [west, 20.2, 20.2, west], 400.0), spec)
    assert grid["xco2_count"].values.sum() == 1


def test_projected_grid():
    spec = GridSpec.regular(50_000.0, (8_000_000, 3_000_000, 9_000_000, 4_000_000), crs="EPSG:6933")
    table = swarm(50, 2, size=0.3, box=(84, 25, 92, 31))
    grid = loaded(table, spec, weight="footprint")
    schema.check_grid(grid)
    assert grid["xco2"].dims == ("time", "y", "x")
    assert grid["xco2_sum_weight"].sum() == pytest.approx(50, rel=1e-12)
    seam = soundings([10, 10, 11, 11], [179.5, -179.5, -179.5, 179.5], 400.0)
    assert rejected(loaded(seam, spec)) == {"nan_corner": 1}


def test_fine_globe_is_not_allocated():
    table = swarm(200, 3, size=0.02)
    grid = grid_soundings(table, GridSpec.regular(0.01), period="day")
    assert grid["xco2"].shape == (3, 18000, 36000)
    assert max(np.prod(block) for block in zip(*grid["xco2"].data.chunks[1:], strict=False)) < 2e6
    k = 17
    near = grid["xco2"].sel(
        lat=slice(table["latitude"][k] - 0.05, table["latitude"][k] + 0.05),
        lon=slice(table["longitude"][k] - 0.05, table["longitude"][k] + 0.05),
    )
    assert np.nanmin(abs(near.values - table["xco2"][k].item())) < 1e-9


def test_tables_grow_for_a_footprint_of_very_many_cells():
    grid = grid_soundings(soundings([89] * 4, [0, 90, 180, -90], 400.0), GridSpec.regular(0.05))
    assert grid["xco2_count"].isel(lat=slice(-20, None)).values.sum() == 20 * 7200


# weights


def test_centre_cells_are_half_open_but_for_the_last():
    spec = GridSpec.regular(1.0, (0, 0, 2, 2))
    table = points([0.0, 1.0, 2.0, 2.0, 2.1], [0.0, 1.0, 2.0, 0.5, 0.5], [1.0, 2.0, 3.0, 4.0, 5.0])
    grid = loaded(table, spec, weight="centre")
    assert grid["xco2_count"].values[0].tolist() == [[1, 0], [1, 2]]
    assert rejected(grid) == {"outside_grid": 1}
    globe = loaded(points([0.5], [180.0], 400.0), weight="centre")
    assert globe["xco2_count"].sel(lat=0.5, lon=-179.5).item() == 1


def test_centre_weight_needs_no_corners_and_says_what_it_does_not_know():
    grid = loaded(points([0.5, NAN], [0.5, 0.5], 400.0), weight="centre")
    assert rejected(grid) == {"nan_centre": 1}
    assert np.isnan(grid["xco2_coverage"].sel(lat=0.5, lon=0.5))
    assert "footprint_area" in grid["xco2_coverage"].attrs["comment"]


def test_soundings_without_corners_name_the_way_out():
    table = points([10.5], [20.5], 400.0)
    for weight in ("area", "footprint", "response"):
        with pytest.raises(GridError, match='weight="centre"'):
            grid_soundings(table, DEGREE, weight=weight)
    grid = loaded(table, footprint_area=3e6)
    share = 3e6 / cell_area([10, 11], [20, 21]).item()
    assert cells_of(grid)[(10, 20)] == pytest.approx(share, rel=1e-12)


def test_nominal_area_saves_degenerate_footprints():
    grid = loaded(soundings([10.5] * 4, [70.5] * 4, 400.0), footprint_area=3e6)
    assert cells_of(grid)[(10, 70)] == pytest.approx(3e6 / cell_area([10, 11], [70, 71]).item(), rel=1e-12)
    assert rejected(grid) == {}


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6))
def test_footprint_weight_counts_each_sounding_once(seed):
    grid = loaded(swarm(30, seed, size=2.0), weight="footprint")
    assert grid["xco2_sum_weight"].sum().item() == pytest.approx(30.0, rel=1e-12)


def test_response_does_not_lose_small_footprints():
    table = swarm(300, 4, size=0.02, box=(0, 0, 20, 20))
    grid = loaded(table, weight="response")
    total = grid["xco2_sum_weight"].sum().item() / 300
    # the integral of exp(-ln2 ((2x)^4 + (2y)^2)) over the plane, less the tails
    assert total == pytest.approx(1.05, abs=0.02)
    assert (grid["xco2_count"] > 0).sum() >= 0.95 * (loaded(table)["xco2_count"] > 0).sum()


def test_sharp_response_is_the_footprint():
    table = swarm(40, 6, size=3.0)
    box = loaded(table, weight="footprint")["xco2_sum_weight"].values
    sharp = loaded(table, weight="response", response=SuperGaussian(across=30, along=30))[
        "xco2_sum_weight"
    ].values
    assert np.abs(sharp - box).max() < 0.05
    assert sharp.sum() == pytest.approx(box.sum(), rel=0.02)


def test_response_at_half_width_and_of_unfit_shapes():
    table = soundings([9.5, 9.5, 10.5, 10.5], [19.5, 20.5, 20.5, 19.5], 400.0)
    weight = loaded(table, GridSpec.regular(0.02, (18, 8, 22, 12)), weight="response")[
        "xco2_sum_weight"
    ].isel(time=0)
    peak = weight.sel(lat=10.01, lon=20.01, method="nearest")
    assert (weight.sel(lat=10.01, lon=20.49, method="nearest") / peak).item() == pytest.approx(0.5, abs=0.06)
    assert (weight.sel(lat=10.49, lon=20.01, method="nearest") / peak).item() == pytest.approx(0.5, abs=0.03)
    cap = soundings([89] * 4, [0, 90, 180, -90], 400.0)
    assert rejected(loaded(cap, weight="response")) == {"unfit_for_response": 1}


@pytest.mark.parametrize("bad", [{"across": 0}, {"along": -1}, {"outer": NAN}, {"tail": 0.7}, {"tail": 0}])
def test_impossible_response(bad):
    with pytest.raises(GridError, match="SuperGaussian"):
        SuperGaussian(**bad)


def test_equal_area_shares_conserve_totals_at_high_latitude():
    table = soundings([78, 78, 82, 82], [10, 14, 14, 10], 400.0)
    spec = GridSpec.regular(2.0, (10, 78, 14, 82))
    flat, true = (
        loaded(table, spec, plane=plane)["xco2_sum_weight"].values for plane in ("geographic", "equal_area")
    )
    np.testing.assert_allclose(flat, 1.0)
    np.testing.assert_allclose(true, 1.0)
    half = loaded(soundings([78, 78, 79, 79], [10, 14, 14, 10], 400.0), spec, plane="equal_area")[
        "xco2_sum_weight"
    ]
    part = cell_area([78, 79], [10, 12]).item() / cell_area([78, 80], [10, 12]).item()
    assert half.values[0, 0, 0] == pytest.approx(part, rel=2e-4)


# uncertainty, spread, coverage


def test_terms_of_the_uncertainty_by_hand():
    rng = np.random.default_rng(8)
    n = 6
    time = np.array(["2024-06-01T05:00"] * 4 + ["2024-06-02T05:00"] * 2, "datetime64[ns]")
    widths = rng.uniform(0.2, 0.9, n)
    lon = 20 + widths[:, None] * np.array([0, 1, 1, 0])
    value, sigma, bias = rng.normal(410, 1, n), rng.uniform(0.2, 1, n), rng.uniform(0.1, 0.4, n)
    table = soundings([[10, 10, 11, 11]] * n, lon, value, sigma=sigma, time=time, bias=bias)
    grid = loaded(table, variables=["xco2"], systematic="bias", overpass_correlation=0.3)
    cell = grid.sel(lat=10.5, lon=20.5).isel(time=0)
    a = widths / widths.sum()
    random = np.sqrt(((a * sigma) ** 2).sum())
    over = (a * sigma)[:4].sum() ** 2 + (a * sigma)[4:].sum() ** 2
    overpass, systematic = np.sqrt(0.7 * random**2 + 0.3 * over), (a * bias).sum()
    mean = (a * value).sum()
    spread = np.sqrt((a * (value - mean) ** 2).sum() / (1 - (a**2).sum()))
    expected = {
        "xco2": mean,
        "xco2_uncertainty_random": random,
        "xco2_uncertainty_overpass": overpass,
        "xco2_uncertainty_systematic": systematic,
        "xco2_uncertainty": np.hypot(overpass, systematic),
        "xco2_spread": spread,
        "xco2_standard_error": spread * np.sqrt((a**2).sum()),
    }
    for name, right in expected.items():
        assert cell[name].item() == pytest.approx(right, rel=1e-10), name
    assert cell["xco2_count"].item() == n
    assert cell["xco2_time_min"].values == time[0]
    assert cell["xco2_time_max"].values == time[-1]


def test_precision_weights():
    table = soundings([[10, 10, 11, 11]] * 2, [[20, 21, 21, 20]] * 2, [400.0, 410.0], sigma=[1.0, 3.0])
    grid = loaded(table, precision_weight=True).sel(lat=10.5, lon=20.5)
    assert grid["xco2"].item() == pytest.approx(401.0, rel=1e-12)
    assert grid["xco2_uncertainty_random"].item() == pytest.approx(np.sqrt(0.9), rel=1e-12)


@pytest.mark.parametrize(
    ("random", "shared", "bias"),
    [(1.0, 0.0, 0.0), (0.7, 0.7, 0.0), (0.0, 1.0, 0.0), (0.5, 0.5, 0.8), (0.6, 0.2, 0.5)],
)
def test_stated_uncertainty_holds_planted_errors(random, shared, bias):
    rng = np.random.default_rng(20240601)
    cells, passes, n = 4000, 3, 5
    lat, lon = np.divmod(np.arange(cells), 80)
    sigma = np.hypot(random, shared) * rng.uniform(0.5, 1.5, (cells, passes, n))
    tuned = sigma / np.hypot(random, shared)
    errors = tuned * (
        random * rng.normal(size=(cells, passes, n)) + shared * rng.normal(size=(cells, passes, 1))
    )
    errors += bias * rng.normal(size=(cells, 1, 1))
    time = np.datetime64("2024-06-01T05:01", "ns") + np.arange(passes) * np.timedelta64(16, "D")
    table = points(
        np.repeat(lat + 0.5, passes * n),
        np.repeat(lon + 0.5, passes * n),
        410.0 + errors.ravel(),
        sigma=sigma.ravel(),
        time=np.broadcast_to(time[None, :, None], errors.shape).ravel(),
    )
    correlation = shared**2 / (random**2 + shared**2)
    grid = loaded(
        table,
        GridSpec.regular(1.0, (0, 0, 80, 50)),
        weight="centre",
        systematic=bias,
        overpass_correlation=correlation,
    )
    z = ((grid["xco2"] - 410.0) / grid["xco2_uncertainty"]).values.ravel()
    # 4000 draws: one standard error of the share is 0.0074, of the spread 0.011
    assert np.mean(np.abs(z) < 1) == pytest.approx(0.6827, abs=0.025)
    assert z.std() == pytest.approx(1.0, abs=0.035)


def test_one_sounding_has_no_spread_but_an_uncertainty():
    grid = loaded(soundings([10, 10, 11, 11], [20, 21, 21, 20], 400.0)).sel(lat=10.5, lon=20.5)
    assert np.isnan(grid["xco2_spread"])
    assert grid["xco2_uncertainty"].item() == pytest.approx(0.5)


def test_coverage_is_of_the_union():
    square = ([10, 10, 10.5, 10.5], [20, 20.5, 20.5, 20])
    beside = ([10.5, 10.5, 11, 11], [20, 20.5, 20.5, 20])
    twice = loaded(soundings([square[0]] * 3, [square[1]] * 3, 400.0))
    apart = loaded(soundings([square[0], beside[0]], [square[1], beside[1]], 400.0))
    assert twice["xco2_coverage"].sel(lat=10.5, lon=20.5).item() == pytest.approx(0.25)
    assert apart["xco2_coverage"].sel(lat=10.5, lon=20.5).item() == pytest.approx(0.5)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6))
def test_coverage_is_near_the_exact_union(seed):
    table = swarm(6, seed, size=0.8, box=(0.2, 0.2, 0.8, 0.8))
    grid = loaded(table, GridSpec.regular(1.0, (0, 0, 1, 1)))
    corners = np.stack([table["longitude_corner"].values, table["latitude_corner"].values], -1)
    union = shapely.union_all(shapely.polygons(corners)).intersection(shapely.box(0, 0, 1, 1)).area
    assert grid["xco2_coverage"].item() == pytest.approx(union, abs=0.12)


def test_missing_uncertainty_is_said():
    table = soundings([10, 10, 11, 11], [20, 21, 21, 20], 400.0).drop_vars("xco2_uncertainty")
    grid = loaded(table)
    assert grid["xco2"].sel(lat=10.5, lon=20.5).item() == 400.0
    assert np.isnan(grid["xco2_uncertainty"]).all()
    assert "xco2_uncertainty" in grid["xco2_uncertainty"].attrs["comment"]
    with pytest.raises(GridError, match="precision_weight"):
        grid_soundings(table, DEGREE, precision_weight=True)


# shape of the result, options, joining


def test_grid_is_of_the_schema_with_cf_attributes():
    grid = grid_soundings(swarm(20, 1), DEGREE, period="month", systematic=0.3)
    schema.check_grid(grid)
    assert all(isinstance(grid[name].data, da.Array) for name in grid.data_vars)
    main = grid["xco2"].attrs
    assert main["units"] == "ppm"
    assert main["standard_name"] == "dry_atmosphere_mole_fraction_of_carbon_dioxide"
    assert main["cell_methods"] == "time: lat: lon: mean"
    assert main["grid_mapping"] == "crs"
    assert all(name in grid for name in main["ancillary_variables"].split())
    assert grid["xco2_sum_square"].attrs["units"] == "ppm2"
    assert grid["time"].attrs["bounds"] == "time_bnds"
    assert grid.attrs["product"] == "synthetic"
    assert grid.attrs["weight"] == "area"
    assert "comment" not in grid["xco2_uncertainty_systematic"].attrs
    assert "zero" in grid_soundings(swarm(5, 1), DEGREE)["xco2_uncertainty_systematic"].attrs["comment"]


def test_input_stays_as_it_was():
    table = swarm(20, 1)
    before = table.copy(deep=True)
    loaded(table, weight="response")
    xr.testing.assert_identical(table, before)


def test_periods_split_the_record_and_count_what_is_outside():
    table = swarm(60, 9)
    days = loaded(table, period="day")
    assert days.sizes["time"] == 3
    assert days["xco2_count"].sum() == loaded(table)["xco2_count"].sum()
    assert rejected(loaded(table, period=[("2024-06-02", "2024-06-02")]))["outside_period"] > 0
    lost = table.assign(time=table["time"].where(table["time"] > np.datetime64("2024-06-02")))
    assert rejected(loaded(lost))["no_time"] > 0


def test_nothing_to_grid():
    table = swarm(3, 1)
    for nothing in (table.isel(sounding=slice(0)), table.assign(time=table["time"].where(False))):
        with pytest.raises(TooFewSoundingsError, match="nothing to grid"):
            grid_soundings(nothing, DEGREE)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weight": "mean"}, "weight is 'mean'"),
        ({"plane": "sphere"}, "plane is 'sphere'"),
        ({"response": SuperGaussian()}, "weight='response'"),
        ({"overpass_correlation": 1.5}, "from 0 to 1"),
        ({"footprint_area": -1.0}, "square metres"),
        ({"variables": ["xch4"]}, "'xch4' is not there"),
        ({"variables": "xco2"}, "a list of names"),
        ({"variables": ["quality"]}, "no arithmetic mean"),
        ({"variables": ["longitude"]}, "no arithmetic mean"),
        ({"systematic": "bias"}, "not in the soundings"),
        ({"systematic": -0.5}, "no uncertainty"),
        ({"systematic": {"xch4": 5.0}}, "not gridded"),
        ({"variables": ["xco2", "latitude"], "systematic": 0.5}, "several variables"),
        ({"period": "fortnight"}, "period"),
    ],
)
def test_impossible_options_say_why(options, words):
    with pytest.raises(GridError, match=words):
        grid_soundings(swarm(3, 1), DEGREE, **options)
    with pytest.raises(GridError, match="GridSpec"):
        grid_soundings(swarm(3, 1), 1.0)


def test_merge_survives_a_file(tmp_path):
    table = swarm(60, 11)
    parts = [table.isel(sounding=slice(0, 25)), table.isel(sounding=slice(25, None))]
    saved = []
    for number, part in enumerate(parts):
        grid = grid_soundings(part, GridSpec.regular(5.0), period="day")
        path = tmp_path / f"{number}.nc"
        grid.to_netcdf(path, engine="h5netcdf")
        saved.append(xr.open_dataset(path, engine="h5netcdf", decode_coords="all"))
    whole = loaded(table, GridSpec.regular(5.0), period="day")
    merged = merge_grids(saved).load()
    np.testing.assert_allclose(merged["xco2"], whole["xco2"], rtol=1e-12)
    np.testing.assert_array_equal(merged["xco2_subcell_mask"], whole["xco2_subcell_mask"])
    np.testing.assert_array_equal(merged["xco2_time_max"], whole["xco2_time_max"])
    schema.check_grid(merged)


def test_grids_that_do_not_fit_are_not_merged():
    table = swarm(10, 1)
    one = grid_soundings(table, DEGREE, period="day")
    others = {
        "cells": grid_soundings(table, GridSpec.regular(2.0), period="day"),
        "period is": grid_soundings(table, DEGREE, period="month"),
        "weight is": grid_soundings(table, DEGREE, period="day", weight="footprint"),
        "holds": grid_soundings(table, DEGREE, period="day", variables=["xco2", "latitude"]),
        "lacks the sums": one.drop_vars("xco2_sum_value"),
    }
    for words, other in others.items():
        with pytest.raises(GridError, match=words):
            merge_grids([one, other])
    lists = [
        grid_soundings(table, DEGREE, period=[pair])
        for pair in (("2024-06-01", "2024-06-02"), ("2024-06-02", "2024-06-03"))
    ]
    with pytest.raises(GridError, match="overlap"):
        merge_grids(lists)


def test_split_overpass_loses_only_the_cross_term():
    table = soundings([[10, 10, 11, 11]] * 2, [[20, 21, 21, 20]] * 2, [400.0, 402.0])
    whole = loaded(table).sel(lat=10.5, lon=20.5)
    parts = [grid_soundings(table.isel(sounding=[k]), DEGREE) for k in (0, 1)]
    merged = merge_grids(parts).load().sel(lat=10.5, lon=20.5)
    for name in ("xco2", "xco2_uncertainty_random", "xco2_spread", "xco2_coverage"):
        assert merged[name].item() == pytest.approx(whole[name].item(), rel=1e-12)
    assert merged["xco2_uncertainty_overpass"].item() < whole["xco2_uncertainty_overpass"].item()

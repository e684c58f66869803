"""Grid specifications and periods."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from yaotan.errors import GridError
from yaotan.geodesy import cell_area
from yaotan.grid.period import make_periods
from yaotan.grid.spec import GridSpec


def test_edges_are_one_multiplication_each():
    spec = GridSpec.regular(0.1)
    assert spec.shape == (1800, 3600)
    assert spec.lon_edges[-1] == 180.0
    np.testing.assert_array_equal(spec.lon_edges[:-1], (-180 + 0.1 * np.arange(3601))[:-1])


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 400), st.floats(0.01, 2.0), st.floats(-180, 0))
def test_bounds_that_hold_whole_cells_are_taken(cells, step, west):
    cells = max(1, min(cells, int(360 / step)))
    spec = GridSpec.regular((1.0, step), (west, 0, west + cells * step, 1))
    assert spec.shape == (1, cells)
    assert spec.lon_edges[-1] == west + cells * step


def test_resolution_pair_is_y_then_x():
    assert GridSpec.regular((2.0, 2.5)).shape == (90, 144)


def test_dateline_bounds():
    spec = GridSpec.regular(1.0, (170, -10, -170, 10))
    assert spec.lon_edges[0] == 170.0
    assert spec.lon_edges[-1] == 190.0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: GridSpec.regular(0.7), "take 89.9 as upper bound"),
        (lambda: GridSpec.regular(-1.0), "above 0"),
        (lambda: GridSpec.regular(0.0), "above 0"),
        (lambda: GridSpec.regular(1.0, (0, 10, 10, 5)), "lower below upper"),
        (lambda: GridSpec.regular(1.0, (0, 80, 10, 95)), "between -90 and 90"),
        (lambda: GridSpec.regular(1.0, (0, 0, 361, 10)), "at most 360"),
        (lambda: GridSpec.regular(1.0, (0, 0, 10)), "cannot be read"),
        (lambda: GridSpec.regular("one"), "cannot be read"),
        (lambda: GridSpec([0, 1, 1], [0, 1]), "monotonic"),
        (lambda: GridSpec([0, 1, np.nan], [0, 1]), "not finite"),
        (lambda: GridSpec([0], [0, 1]), "at least one cell"),
        (lambda: GridSpec([0, 1], [1, 0]), "rising eastward"),
        (lambda: GridSpec.regular(1.0, crs="EPSG:nothing"), "unknown"),
        (lambda: GridSpec.like(xr.DataArray(np.zeros((2, 2)), dims=("a", "b"))), "lat, lon or y, x"),
        (lambda: GridSpec.like(xr.Dataset(coords={"y": [0.0, 1.0], "x": [0.0, 1.0]})), "write_crs"),
        (lambda: GridSpec.like(xr.Dataset(coords={"lat": [0.0], "lon": [0.0, 1.0]})), "no bounds"),
    ],
)
def test_impossible_grids_say_why(make, words):
    with pytest.raises(GridError, match=words):
        make()


def test_like_its_own_coordinates():
    for spec in (
        GridSpec.regular(0.25, (73, 3, 136, 54)),
        GridSpec([60.0, 30.0, 10.0], [0.0, 1.0, 5.0]),
        GridSpec.regular(25_000.0, (0, 0, 100_000, 200_000), crs="EPSG:6933"),
    ):
        assert GridSpec.like(spec.coords()) == spec
        assert hash(GridSpec.like(spec.coords())) == hash(spec)
    assert GridSpec.regular(1.0) != GridSpec.regular(2.0)


def test_like_centres_without_bounds_stops_at_the_poles():
    model = xr.Dataset(coords={"lat": np.linspace(-90, 90, 361), "lon": -180 + 0.625 * np.arange(576)})
    spec = GridSpec.like(model)
    assert spec.lat_edges[0] == -90.0
    assert spec.lat_edges[1] == -89.75
    assert spec.is_full_circle
    falling = GridSpec.like(model.isel(lat=slice(None, None, -1)))
    np.testing.assert_array_equal(falling.lat_edges, spec.lat_edges[::-1])


def test_coordinates_are_cf():
    coords = GridSpec.regular(1.0, (70, 0, 80, 20)).coords()
    assert coords["lat"].attrs["axis"] == "Y"
    assert coords["lon"].attrs == {
        "standard_name": "longitude",
        "long_name": "longitude",
        "units": "degrees_east",
        "axis": "X",
        "bounds": "lon_bnds",
    }
    assert coords["lat_bnds"].values[0].tolist() == [0.0, 1.0]
    assert coords["crs"].attrs["grid_mapping_name"] == "latitude_longitude"
    projected = GridSpec.regular(1e5, (0, 0, 3e5, 2e5), crs="EPSG:6933").coords()
    assert projected["y"].attrs["standard_name"] == "projection_y_coordinate"
    assert projected["x"].attrs["units"] == "m"


def test_row_area_is_that_of_the_cells():
    spec = GridSpec.regular((10.0, 20.0))
    np.testing.assert_allclose(
        spec.row_area() * 20.0, cell_area(spec.lat_edges, spec.lon_edges)[:, 0], rtol=1e-13
    )
    assert GridSpec.regular(1e5, (0, 0, 3e5, 2e5), crs="EPSG:6933").row_area().tolist() == [1e5, 1e5]


FIRST, LAST = np.datetime64("2019-01-31T10:00", "ns"), np.datetime64("2020-02-01T00:00", "ns")


@pytest.mark.parametrize(
    ("rule", "count", "first", "end"),
    [
        (None, 1, "2019-01-31", "2020-02-02"),
        ("day", 367, "2019-01-31", "2020-02-02"),
        ("month", 14, "2019-01-01", "2020-03-01"),
        ("season", 5, "2018-12-01", "2020-03-01"),
        ("year", 2, "2019-01-01", "2021-01-01"),
        ([("2019-02-01", "2019-02-28"), ("2020-01", "2020-01")], 2, "2019-02-01", "2020-02-01"),
    ],
)
def test_periods(rule, count, first, end):
    periods = make_periods(rule, FIRST, LAST)
    assert periods.start.size == count
    assert periods.start[0] == np.datetime64(first)
    assert periods.end[-1] == np.datetime64(end)
    if not isinstance(rule, list):
        np.testing.assert_array_equal(periods.start[1:], periods.end[:-1])


def test_durations_are_counted_from_a_fixed_day():
    early, late = make_periods("8D", FIRST, FIRST), make_periods("P8D", FIRST - np.timedelta64(3, "D"), LAST)
    assert set(early.start) <= set(late.start)
    assert (late.end - late.start == np.timedelta64(8, "D")).all()
    assert early.rule == late.rule


def test_index_is_half_open_and_names_what_is_outside():
    periods = make_periods([("2019-01-01", "2019-01-31"), ("2019-03-01", "2019-03-31")], FIRST, LAST)
    texts = [
        "2018-12-31",
        "2019-01-01",
        "2019-01-31T23:59:59",
        "2019-02-01",
        "2019-03-31",
        "2019-04-01",
        "NaT",
    ]
    times = np.array(texts, "datetime64[ns]").astype(np.int64)
    assert periods.index(times).tolist() == [-1, 0, 0, -1, 1, -1, -2]


@pytest.mark.parametrize(
    "rule", ["week and a half", "-8D", "0D", [], [("2019-02-01", "2019-01-01")], [("x", "y")], [1, 2]]
)
def test_impossible_periods(rule):
    with pytest.raises(GridError, match="period"):
        make_periods(rule, FIRST, LAST)


def test_overlapping_periods_would_count_twice():
    with pytest.raises(GridError, match="overlap"):
        make_periods([("2019-01-01", "2019-02-28"), ("2019-02-01", "2019-03-31")], FIRST, LAST)

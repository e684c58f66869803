"""The footprint holds every sounding, reaches nowhere far beyond, and never crosses dateline or pole."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from yaotan.io.index import footprint
from yaotan.io.index.footprint import STEPS, cover_points
from yaotan.io.stac.extent import bounds_of, join_bounds

PLACES = st.lists(
    st.tuples(st.floats(-90, 90), st.floats(-540, 540, exclude_max=True)), min_size=1, max_size=40
)


def wrapped(longitude):
    return (np.asarray(longitude) + 180) % 360 - 180


@settings(deadline=None, max_examples=100)
@given(PLACES)
def test_holds_every_point_and_little_else(places):
    lat, lon = np.array(places).T
    shape = cover_points(lat, lon)
    assert shape.is_valid
    # rounding of the turn may move a point that lies on the edge of a cell
    assert (shapely.distance(shape, shapely.points(wrapped(lon), lat)) < 1e-9).all()
    west, south, east, north = shape.bounds
    assert west >= -180
    assert east <= 180
    assert south >= -90
    assert north <= 90
    # no more than 40 places: the finest cells do
    assert shape.area <= len(places) * STEPS[0] ** 2 + 1e-9
    for part in shapely.get_parts(shape):
        assert part.exterior.is_ccw


@settings(deadline=None, max_examples=50)
@given(PLACES, st.randoms())
def test_does_not_depend_on_order_or_repeats(places, random):
    lat, lon = np.array(places).T
    mixed = places + places[:5]
    random.shuffle(mixed)
    assert cover_points(*np.array(mixed).T).wkb == cover_points(lat, lon).wkb


def test_many_points_as_few():
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(10, 14, 30_000), rng.uniform(178, 182, 30_000)
    few = np.unique(np.stack([np.floor(lat * 4), np.floor(lon * 4)]), axis=1) / 4 + 0.1
    assert cover_points(lat, lon).wkb == cover_points(*few).wkb


def test_a_swath_stays_a_swath():
    along = np.linspace(-60, 60, 5000)
    shape = cover_points(along, 0.3 * along + 20)
    assert shape.area < 0.03 * 120 * 36 * 10
    assert not shape.covers(shapely.Point(-20, 50))


def test_a_global_day_is_coarse_and_small():
    index = np.arange(50_000) / 50_000
    shape = cover_points(85 * np.sin(index * 2 * np.pi * 14.6), index * 360 * 29)
    assert shapely.get_num_coordinates(shape) < 600
    assert bounds_of(shape)[::2] == (-180.0, 180.0)


@pytest.mark.parametrize("latitude", [-90.0, 90.0, 89.99])
def test_at_a_pole(latitude):
    shape = cover_points([latitude] * 4, [0.0, 90.0, 180.0, -90.0])
    assert shape.is_valid
    assert abs(shape.bounds[1 if latitude < 0 else 3]) == 90.0
    assert shape.geom_type == "MultiPolygon"


def test_what_is_no_place_is_left_out():
    assert cover_points([np.nan, 95.0, 10.0], [0.0, 0.0, np.inf]) is None
    assert cover_points([], []) is None
    assert cover_points([np.nan, 10.0], [0.0, 0.0]).area == STEPS[0] ** 2


def test_corners_on_straight_edges_are_left_out():
    lat, lon = np.meshgrid(np.arange(10, 12, 0.2), np.arange(10, 12, 0.2))
    assert shapely.get_num_coordinates(cover_points(lat, lon)) == 5


@pytest.mark.parametrize(
    ("boxes", "joined"),
    [
        ([(10, 0, 20, 5)], (10, 0, 20, 5)),
        ([(10, 0, 20, 5), (15, -5, 30, 0)], (10, -5, 30, 5)),
        ([(170, 0, 180, 5), (-180, 0, -170, 5)], (170, 0, -170, 5)),
        ([(170, 0, -170, 5), (-160, 0, -150, 5)], (170, 0, -150, 5)),
        ([(-180, -90, 180, 90)], (-180, -90, 180, 90)),
        ([(-180, 0, 0, 1), (0, 0, 180, 1)], (-180, 0, 180, 1)),
        ([(-100, 0, -90, 1), (100, 0, 110, 1)], (100, 0, -90, 1)),
        ([(-80, 0, 90, 1), (100, 0, 110, 1), (-80, 3, 10, 4)], (-80, 0, 110, 4)),
    ],
)
def test_boxes_join_round_the_earth(boxes, joined):
    assert join_bounds(boxes) == joined


@pytest.mark.parametrize("seed", range(5))
def test_scattered_points_cost_little(seed):
    rng = np.random.default_rng(seed)
    lat, lon = rng.uniform(-90, 90, 400), rng.uniform(-180, 180, 400)
    shape = cover_points(lat, lon)
    assert shape.is_valid
    assert shape.covers(shapely.points(lon, lat)).all()
    assert len(shape.wkb) < 16_000


@pytest.mark.parametrize("spread", [0.5, 3.0, 20.0, 90.0])
def test_cells_and_strips_have_one_outline(spread, monkeypatch):
    rng = np.random.default_rng(1)
    lat, lon = rng.uniform(-spread, spread, 300), 170 + rng.uniform(-spread, spread, 300)
    as_cells = cover_points(lat, lon)
    monkeypatch.setattr(footprint, "_FEW", 0)
    assert cover_points(lat, lon).wkb == as_cells.wkb

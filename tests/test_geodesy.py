"""Areas against pyproj's geodesics, distances, longitudes."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from yaotan.errors import GridError
from yaotan.geodesy import AUTHALIC_RADIUS, band_area, cell_area, distance, wrap_longitude
from yaotan.grid.projected import projected_cell_area

GEOD = pyproj.Geod(ellps="WGS84")


def geodesic_area(south: float, north: float, west: float, east: float, pieces: int = 2000) -> float:
    """Area of a cell whose parallels are followed by many short geodesics."""
    lon = np.linspace(west, east, pieces + 1)
    ring_lon = np.concatenate([lon, lon[::-1]])
    ring_lat = np.concatenate([np.full(lon.size, south), np.full(lon.size, north)])
    return abs(GEOD.polygon_area_perimeter(ring_lon, ring_lat)[0])


@pytest.mark.parametrize(
    ("south", "north", "west", "east"),
    [(0, 1, 0, 1), (-10, 10, 100, 120), (39, 41, 115, 118), (89, 90, -180, -170), (-90, -85, 0, 30)],
)
def test_cell_area_equals_geodesic_polygon(south, north, west, east):
    got = cell_area([south, north], [west, east])[0, 0]
    assert got == pytest.approx(geodesic_area(south, north, west, east), rel=2e-8)


def test_whole_ellipsoid_and_authalic_radius():
    area = cell_area(np.linspace(-90, 90, 181), np.linspace(-180, 180, 361))
    assert area.sum() == pytest.approx(510065621724088.4, rel=1e-12)  # known surface of WGS84 [m2]
    assert pytest.approx(6371007.1809, abs=1e-3) == AUTHALIC_RADIUS  # Moritz (2000), GRS80: 6371007.1810


def test_thin_polar_bands_lose_no_digits():
    fine = np.linspace(89.99, 90.0, 1001)
    assert band_area(fine).sum() == pytest.approx(band_area([89.99, 90.0])[0], rel=1e-11)
    # a polar cap of angle t is pi (c t)^2 on its osculating sphere, c the polar radius of curvature
    c = 6378137.0**2 / 6356752.314245
    cap = band_area([90 - 1e-4, 90])[0] * 2 * np.pi
    assert cap == pytest.approx(np.pi * (c * np.radians(1e-4)) ** 2, rel=1e-9)


@settings(deadline=None, max_examples=60)
# the area from north to south once differed in the last digit
@example([0.0, -37.64827097194611, -47.28682074479534], [0.0, 1.0, 2.0])
@given(
    st.lists(st.floats(-90, 90), min_size=3, max_size=8, unique=True),
    st.lists(st.floats(-180, 180), min_size=3, max_size=8, unique=True),
)
def test_area_is_additive_and_independent_of_order(lat, lon):
    lat, lon = np.sort(lat), np.sort(lon)
    area = cell_area(lat, lon)
    assert (area >= 0).all()
    np.testing.assert_allclose(area.sum(), cell_area(lat[[0, -1]], lon[[0, -1]])[0, 0], rtol=1e-12)
    np.testing.assert_array_equal(cell_area(lat[::-1], lon[::-1]), area[::-1, ::-1])
    bounds = np.stack([lat[:-1], lat[1:]], axis=1)
    np.testing.assert_array_equal(cell_area(bounds, lon + 360.0 * 0), area)


@pytest.mark.parametrize(
    ("lat", "lon", "words"),
    [
        ([0, 91], [0, 1], "beyond a pole"),
        ([0, 1, 0.5], [0, 1], "not strictly monotonic"),
        ([0, 1], [0, 361], "degrees wide"),
        ([0, np.nan], [0, 1], "not finite"),
        ([0], [0, 1], "shape"),
    ],
)
def test_impossible_edges_are_refused(lat, lon, words):
    with pytest.raises(GridError, match=words):
        cell_area(lat, lon)


@pytest.mark.parametrize(
    ("crs", "x0", "y0", "cell"),
    [
        ("EPSG:32650", 400_000, 4_400_000, 10_000),
        ("EPSG:3857", 12_900_000, 4_800_000, 25_000),
        ("EPSG:3413", -2_000_000, -800_000, 25_000),
        ("+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84", 1e6, 4e6, 50_000),
    ],
)
def test_projected_area_equals_geodesic_polygon(crs, x0, y0, cell):
    area = projected_cell_area(crs, [y0 + cell, y0], [x0, x0 + cell])[0, 0]
    t = np.linspace(0, 1, 500)
    x = x0 + cell * np.concatenate([t, np.ones(500), t[::-1], np.zeros(500)])
    y = y0 + cell * np.concatenate([np.zeros(500), t, np.ones(500), t[::-1]])
    lon, lat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    assert area == pytest.approx(abs(GEOD.polygon_area_perimeter(lon, lat)[0]), rel=2e-6)


def test_projected_area_in_kilometres_and_geographic():
    metres = projected_cell_area("EPSG:6933", [0, 25_000], [0, 25_000])
    km = "+proj=cea +lat_ts=30 +lon_0=0 +datum=WGS84 +units=km"
    np.testing.assert_allclose(projected_cell_area(km, [0, 25], [0, 25]), metres, rtol=1e-9)
    np.testing.assert_array_equal(projected_cell_area(4326, [3, 4], [1, 2]), cell_area([3, 4], [1, 2]))
    with pytest.raises(GridError, match="unknown"):
        projected_cell_area("no such system", [0, 1], [0, 1])


def test_distance_error_is_within_what_is_said():
    rng = np.random.default_rng(4)
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, (2, 4000)))), rng.uniform(-180, 180, (2, 4000))
    true = GEOD.inv(lon[0], lat[0], lon[1], lat[1])[2]
    got = distance(lat[0], lon[0], lat[1], lon[1])
    assert np.abs(got / true - 1).max() < 0.006
    assert distance(10, 20, 10, 20) == 0
    assert distance(0, 0, 0, 180) == pytest.approx(np.pi * AUTHALIC_RADIUS)


@settings(deadline=None, max_examples=200)
@given(st.floats(-1e5, 1e5))
def test_wrapped_longitude_is_the_same_meridian_in_range(longitude):
    got = wrap_longitude(longitude)
    assert -180 <= got < 180
    assert abs(np.mod(got - longitude + 180, 360) - 180) < 1e-9
    np.testing.assert_array_equal(wrap_longitude(got), got)
    assert np.isnan(wrap_longitude(np.nan))


def test_projected_area_of_small_cells_and_over_the_pole():
    big = projected_cell_area("EPSG:32650", [4_400_000, 4_400_090], [400_000, 400_090])[0, 0]
    small = projected_cell_area("EPSG:32650", 4_400_000 + 30.0 * np.arange(4), 400_000 + 30.0 * np.arange(4))
    assert small.shape == (3, 3)
    assert small.sum() == pytest.approx(big, rel=1e-8)
    around_pole = projected_cell_area("EPSG:3413", [-50_000, 50_000], [-50_000, 50_000])[0, 0]
    quarters = projected_cell_area("EPSG:3413", [-50_000, 0, 50_000], [-50_000, 0, 50_000])
    assert quarters.sum() == pytest.approx(around_pole, rel=1e-7)
    assert np.isnan(projected_cell_area("EPSG:3035", [1e9, 1.1e9], [0, 1e8])).all()

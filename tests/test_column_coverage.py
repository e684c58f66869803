"""Why there is no data: tracks rebuilt from soundings, days and soundings counted by reason."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

from yaotan.catalog.screening import ScreeningRule
from yaotan.column.coverage import count_days, count_losses, crossing_days, soundings_by_region, track_points

REGIONS = gpd.GeoDataFrame(
    {"region_id": ["a", "b"], "geometry": [shapely.box(100, 30, 102, 32), shapely.box(101, 31, 110, 40)]},
    crs="EPSG:4326",
)


def test_overlapping_regions_both_get_the_sounding():
    members = soundings_by_region(np.array([31.5, 30.5, 0.0]), np.array([101.5, 100.5, 0.0]), REGIONS)
    assert [rows.tolist() for rows in members] == [[0, 1], [0]]


def orbit(day, lon, lats, seconds_apart=10.0):
    time = np.datetime64(day, "ns") + (np.arange(len(lats)) * seconds_apart * 1e9).astype("timedelta64[ns]")
    return time, np.asarray(lats, float), np.full(len(lats), float(lon))


def test_cloud_gap_inside_an_orbit_is_still_track():
    # soundings south and north of region a, none in it, 150 s apart
    time, lat, lon = orbit("2020-01-01T05:00", 101.0, [25.0, 35.0], 150.0)
    track = track_points(time, lat, lon)
    assert crossing_days(track, REGIONS.iloc[:1], half_swath=5.0) == [{np.datetime64("2020-01-01", "D")}]


def test_gap_between_orbits_is_not_track():
    time, lat, lon = orbit("2020-01-01T05:00", 101.0, [25.0, 35.0], 3600.0)
    track = track_points(time, lat, lon)
    assert crossing_days(track, REGIONS.iloc[:1], half_swath=5.0) == [set()]


def test_track_is_a_great_circle():
    time, lat, lon = orbit("2020-01-01", 0.0, [0.0, 0.0])
    lon = np.array([179.0, -179.0])
    track = track_points(time, lat, lon)
    assert np.abs(track["latitude"]).max() < 1e-9
    assert (np.abs(track["longitude"]) >= 179.0 - 1e-9).all()


def test_swath_reaches_sideways():
    time, lat, lon = orbit("2020-01-01T05:00", 104.0, np.arange(25.0, 38.0, 0.1))
    track = track_points(time, lat, lon)
    near = crossing_days(track, REGIONS.iloc[:1], half_swath=400.0)
    far = crossing_days(track, REGIONS.iloc[:1], half_swath=5.0)
    assert len(near[0]) == 1
    assert far == [set()]


def test_order_of_soundings_does_not_matter():
    time, lat, lon = orbit("2020-01-01T05:00", 101.0, np.arange(25.0, 38.0, 1.0))
    turned = track_points(time[::-1], lat[::-1], lon[::-1])
    assert track_points(time, lat, lon).equals(turned)


def test_single_sounding_is_a_track_of_one_point():
    time, lat, lon = orbit("2020-01-01T05:00", 101.0, [31.0])
    assert len(track_points(time, lat, lon)) == 1


def test_days_sum_to_the_month():
    day = [np.datetime64(f"2020-02-{d:02d}", "D") for d in (1, 2, 3)]
    table = count_days(
        set(day), [{day[0], day[1]}, set()], [{day[0]}, set()], REGIONS, ("2020-02-01", "2020-02-10")
    )
    a = table[table["region_id"] == "a"].set_index("reason")["count"]
    assert a.to_dict() == {"no_file": 7, "no_track": 1, "no_sounding": 1, "sounded": 1}
    assert (table.groupby("region_id")["count"].sum() == 10).all()


@pytest.fixture
def soundings():
    return xr.Dataset(
        {
            "time": ("sounding", np.full(5, np.datetime64("2020-01-05", "ns"))),
            "latitude": ("sounding", [30.5, 30.6, 30.7, 30.8, 50.0]),
            "longitude": ("sounding", [100.5] * 5),
            "quality": ("sounding", np.array([0, 1, 0, 1, 0], np.uint8)),
            "quality_bits": (
                "sounding",
                np.array([0, 1, 0, 3, 0], np.uint32),
                {
                    "flag_masks": np.array([1, 2], np.uint32),
                    "flag_meanings": "too_rough too_dark",
                },
            ),
            "airmass": ("sounding", [1.0, 1.0, 9.0, 9.0, 1.0]),
        }
    )


def test_losses_by_flag_and_rule(soundings):
    rule = ScreeningRule(name="airmass", variable="airmass", max=3.0, words={})
    table = count_losses(soundings, REGIONS.iloc[:1], [rule])
    counts = table.set_index("reason")["count"].to_dict()
    assert counts == {
        "read": 4,
        "quality_flag": 2,
        "qf:too_rough": 2,
        "qf:too_dark": 1,
        "airmass": 1,
        "kept": 1,
    }
    total = table[table["reason"].isin(["quality_flag", "airmass", "kept"])]["count"].sum()
    assert total == counts["read"]

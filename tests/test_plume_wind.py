"""Effective wind: heights, shares, errors by name, times and places without wind."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from yaotan.catalog.profile import plant_profile, vertical_profiles
from yaotan.errors import CatalogError, YaotanError
from yaotan.plume.source import make_sources
from yaotan.plume.wind import effective_wind

DATA = Path(os.environ.get("YAOTAN_TEST_DATA", "../shared/data")) / "plume"
PLANT = make_sources(["P"], [10.2], [50.1])


def field(*, levels: bool = True) -> xr.Dataset:
    """Wind that grows with height (u = 2 + z / 100 m) and by 1 m/s an hour; ground at 200 m."""
    time = np.datetime64("2020-06-01T08", "ns") + np.arange(5) * np.timedelta64(1, "h")
    axes = {"time": time, "lat": [49.5, 50.0, 50.5], "lon": [9.5, 10.0, 10.5]}
    level = np.array([950.0, 900.0, 850.0])
    height = np.array([350.0, 900.0, 1500.0])
    hour = np.arange(5.0)[:, None, None] * np.ones((5, 3, 3))
    surface = ("time", "lat", "lon")
    data = {}
    for z in (10, 100):
        data[f"wind_u_{z}m"] = (surface, 2.0 + z / 100.0 + hour)
        data[f"wind_v_{z}m"] = (surface, np.zeros_like(hour))
    data["boundary_layer_height"] = (surface, np.full_like(hour, 1000.0))
    data["surface_pressure"] = (surface, np.full_like(hour, 970.0))
    data["surface_geopotential_height"] = (surface, np.full_like(hour, 200.0))
    if levels:
        upright = ("time", "level", "lat", "lon")
        full = hour[:, None] * np.ones((1, 3, 1, 1))
        data["wind_u"] = (upright, 2.0 + (height[:, None, None] - 200.0) / 100.0 + full)
        data["wind_v"] = (upright, np.zeros_like(full))
        data["geopotential_height"] = (upright, height[:, None, None] + np.zeros_like(full))
    return xr.Dataset(
        data, coords={**axes, **({"level": ("level", level, {"units": "hPa"})} if levels else {})}
    )


def test_shares_weigh_the_heights() -> None:
    made = effective_wind(field(), PLANT, "2020-06-01T10:30")["P"]
    mean = 0.08 * 240 + 0.46 * 390 + 0.29 * 590 + 0.17 * 850  # middles of the layers [m]
    assert (made.u, made.v) == pytest.approx((2 + mean / 100 + 2.5, 0.0))
    assert made.direction == pytest.approx(270.0)
    assert made.time == "2020-06-01T10:30:00"
    low = effective_wind(field(), PLANT, "2020-06-01T10:30", choice="100m")["P"]
    assert low.u == pytest.approx(3.0 + 2.5)
    # to 1000 m, density falling with 8000 m: mean height 500 - 1000^2 / (12 x 8000) m
    layer = effective_wind(field(), PLANT, "2020-06-01T10:30", choice="boundary_layer")["P"]
    assert layer.u == pytest.approx(2 + (500 - 1e6 / 96e3) / 100 + 2.5, abs=2e-3)
    pressure = effective_wind(field(), PLANT, "2020-06-01T10:30", choice="925 hPa")["P"]
    assert pressure.u == pytest.approx(2 + (625 - 200) / 100 + 2.5)


def test_error_comes_from_the_spread_of_choices_and_hours() -> None:
    made = effective_wind(field(), PLANT, "2020-06-01T11:00", speed_error=0.7)["P"]
    speeds = [math.hypot(*pair) for pair in made.choices.values()]
    assert set(made.choices) == {"gnfr_a", "boundary_layer", "100m"}
    assert made.uncertainty["wind_speed"] == 0.7
    assert made.uncertainty["wind_height"] == pytest.approx(np.std(speeds, ddof=1))
    # ages 0 to 3 h: the field begins at 08; one m/s an hour
    assert [age for age, _ in made.history] == [0.0, 3600.0, 7200.0, 10800.0]
    assert np.diff([speed for _, speed in made.history]) == pytest.approx([-1.0] * 3)
    assert made.uncertainty["wind_variability"] == pytest.approx(np.std([0, 1, 2, 3], ddof=1))
    assert made.direction_uncertainty == pytest.approx(10.0)


def test_a_plant_has_its_own_profile() -> None:
    profile = plant_profile({"ID_VertProf": "VP", "r0_100": 0.0, "r100_200": 0.5, "r200": 0.5}, source="test")
    made = effective_wind(field(), PLANT, "2020-06-01T10:00", choice="profile", profile=profile)["P"]
    assert made.u == pytest.approx(2 + 200 / 100 + 2)
    assert "profile" in made.choices
    assert made.citation == "test"


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"r0_100": 0.5, "r200_300": 0.5}, "gap"),
        ({"r0_100": 0.5, "r100_200": 0.1}, "sum to 0.6"),
        ({"height": 3.0}, "is no profile"),
    ],
)
def test_a_profile_that_is_none(row: dict[str, float], word: str) -> None:
    with pytest.raises(CatalogError, match=word):
        plant_profile(row, source="test")


@pytest.mark.parametrize(
    ("options", "levels", "word"),
    [
        ({"choice": "guess"}, True, "no choice"),
        ({"choice": "profile"}, True, "give profile"),
        ({"choice": "gnfr_a"}, False, "on levels"),
        ({"choice": "700 hPa"}, True, "a level between"),
        ({"choice": "product"}, True, "soundings"),
    ],
)
def test_what_a_field_cannot_give(options: dict[str, str], levels: bool, word: str) -> None:
    with pytest.raises(YaotanError, match=word):
        effective_wind(field(levels=levels), PLANT, "2020-06-01T10:00", **options)


def test_a_level_below_the_ground_is_refused() -> None:
    ground = field().assign(surface_pressure=lambda d: d.surface_pressure * 0.0 + 930.0)
    with pytest.raises(YaotanError, match="930 hPa"):
        effective_wind(ground, PLANT, "2020-06-01T10:00", choice="940 hPa")


def test_no_wind_beyond_the_field() -> None:
    assert not effective_wind(field(), PLANT, "2020-06-02T10:00")["P"].known
    assert not effective_wind(field(), make_sources(["P"], [40.0], [50.1]), "2020-06-01T10:00")["P"].known


def test_wind_of_a_product_is_that_of_the_nearest_sounding() -> None:
    table = xr.Dataset(
        {
            "latitude": ("sounding", [50.1, 50.2, 53.0]),
            "longitude": ("sounding", [10.21, 10.2, 10.2]),
            "wind_u": ("sounding", [np.nan, 3.0, 9.0]),
            "wind_v": ("sounding", [1.0, 4.0, 9.0]),
        }
    )
    assert effective_wind(table, PLANT, "2020-06-01", choice="product")["P"].speed == pytest.approx(5.0)
    far = make_sources(["P"], [12.0], [50.1])
    assert not effective_wind(table, far, "2020-06-01", choice="product")["P"].known


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the shared data")
def test_matimba() -> None:
    from yaotan.io.wind import open_wind

    plant = make_sources(["M"], [27.61], [-23.67])
    path = DATA / "era5_matimba_20210725.nc"
    made = effective_wind(open_wind(path), plant, "2021-07-25T11:00", choice="100m")["M"]
    raw = xr.open_dataset(path).sel(valid_time="2021-07-25T11").interp(latitude=-23.67, longitude=27.61)
    assert (made.u, made.v) == pytest.approx((float(raw.u100), float(raw.v100)), abs=1e-3)
    assert vertical_profiles()["gnfr_a"].edges[-1] == 990

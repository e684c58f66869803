"""The simulated study: reproducible, its truth right, its errors as stated."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import h5py
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import yaotan
from yaotan.errors import OutputError
from yaotan.geodesy import distance
from yaotan.recipes.plume import quantify_files
from yaotan.simulate import scenery
from yaotan.simulate.error import CORRELATION_LENGTH, OVERPASS_CORRELATION, ErrorModel
from yaotan.simulate.field import PPM_PER_COLUMN, SOURCES, Field, daily_wind, plume
from yaotan.simulate.layout import Retrieval
from yaotan.simulate.orbit import EPOCH, Orbit
from yaotan.simulate.region import region_features
from yaotan.simulate.sensor import SENSORS, observe_day
from yaotan.simulate.study import BOUNDS, make_world
from yaotan.simulate.truth import mean_field, month_days


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return yaotan.simulate_study(tmp_path_factory.mktemp("study") / "demo", seed=3, months=1)


@pytest.fixture(scope="module")
def observed() -> dict[str, list[Retrieval]]:
    days = month_days("2020-03-01", 1)
    world = make_world(3, days)
    found = {}
    for name, sensor in SENSORS.items():
        parts = [observe_day(sensor.drawn(3), world, day) for day in days]
        found[name] = [part for part in parts if part is not None]
    return found


def inside(s: Retrieval) -> np.ndarray:
    west, south, east, north = BOUNDS
    return (s.longitude > west) & (s.longitude < east) & (s.latitude > south) & (s.latitude < north)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_files_and_size(study: Path) -> None:
    folder = study.parent
    names = {path.name for path in folder.iterdir()}
    panel = {"panel.csv", "panel.yaml", "panel_truth.csv"}
    assert names == {"data", "regions.geojson", "study.yaml", "truth.nc"} | panel
    for name in SENSORS:
        assert len(list((folder / "data" / name).iterdir())) >= 28
    assert (
        sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 20e6
    )  # three months: 60e6


def test_same_seed_same_bytes_other_seed_other(study: Path, tmp_path: Path) -> None:
    again = yaotan.simulate_study(tmp_path / "a", seed=3, months=1)
    first = digests(study.parent)
    assert digests(again.parent) == first
    assert yaotan.simulate_study(tmp_path / "a", seed=4, months=1) == again  # ours may be overwritten
    other = digests(again.parent)
    assert other["truth.nc"] != first["truth.nc"]
    assert not set(other.items()) & {item for item in first.items() if item[0].startswith("data/oco2")}


def test_a_day_does_not_depend_on_the_period(observed: dict[str, list[Retrieval]]) -> None:
    days = month_days("2020-03-01", 1)[10:12]
    world = make_world(3, days)
    day = observe_day(SENSORS["oco2"].drawn(3), world, days[1])
    twin = next(s for s in observed["oco2"] if s.time[0].astype("M8[D]") == days[1])
    np.testing.assert_array_equal(day.xgas, twin.xgas)


def test_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("title: mine\n")
    with pytest.raises(OutputError, match="not of a simulated study"):
        yaotan.simulate_study(tmp_path, months=1)
    assert (tmp_path / "study.yaml").read_text() == "title: mine\n"
    with pytest.raises(OutputError, match="is a file"):
        yaotan.simulate_study(tmp_path / "study.yaml", months=1)
    with pytest.raises(OutputError, match="at least 1 month"):
        yaotan.simulate_study(tmp_path / "b", months=0)


def test_study_file_is_a_valid_recipe(study: Path) -> None:
    from yaotan.recipes.study import load_study

    recipe = load_study(study)
    assert recipe.title_in("zh") == "中国东部 XCO2 模拟研究"
    assert recipe.truth == "truth.nc"
    assert [Path(one.path).parent.name for one in recipe.inputs] == list(SENSORS)
    assert yaml.safe_load(study.read_text(encoding="utf-8"))["regions"]["path"] == "regions.geojson"


def test_regions_tile_without_overlap(study: Path) -> None:
    regions = gpd.read_file(study.parent / "regions.geojson")
    assert regions.crs.to_epsg() == 4326
    assert regions.is_valid.all()
    assert regions["region_id"].is_unique
    assert regions["name_zh"].str.endswith("示例区").all()
    assert "MultiPolygon" in set(regions.geom_type)
    union = regions.union_all()
    assert union.area == pytest.approx(sum(shape.area for shape in regions.geometry), rel=1e-9)
    assert shapely.box(*BOUNDS).contains(union)


def test_truth_is_the_area_mean_of_the_field(study: Path) -> None:
    """Recomputed with points drawn inside each region, by another way of averaging."""
    truth = xr.open_dataset(study.parent / "truth.nc")
    regions = gpd.read_file(study.parent / "regions.geojson").set_index("region_id")
    days = month_days("2020-03-01", 1)
    world = make_world(3, days)
    rng = np.random.default_rng(0)
    for region_id in ("north", "south", "east"):
        shape = regions.geometry[region_id]
        west, south, east, north = shape.bounds
        sine = rng.uniform(*np.sin(np.deg2rad([south, north])), 40_000)
        lat, lon = np.rad2deg(np.arcsin(sine)), rng.uniform(west, east, sine.size)
        hit = shapely.contains_xy(shape, lon, lat)
        mean = np.mean([world.field.value(lat[hit], lon[hit], d, world.winds[d]).mean() for d in days])
        assert truth["xco2"].sel(region=region_id).item() == pytest.approx(mean, abs=0.01)
    assert (truth["xco2_uncertainty"] == 0).all()
    assert set(truth["region"].values) == {*regions.index, "all"}


def test_gridded_truth(study: Path) -> None:
    truth = xr.open_dataset(study.parent / "truth.nc")
    days = month_days("2020-03-01", 1)
    world = make_world(3, days)
    lat, lon = truth["lat"].values, truth["lon"].values
    field = truth["xco2_field"].isel(time=0)
    point = mean_field(world, days, lat[[4]], lon[[30]])[0, 0]
    assert field.values[4, 30] == pytest.approx(point, abs=0.05)
    # plumes lift the cell downwind of the largest source above the background
    big = max(SOURCES, key=lambda source: source.rate)
    near = field.sel(lat=big.latitude, lon=big.longitude, method="nearest").item()
    calm = np.mean([world.field.smooth(big.latitude, big.longitude, day) for day in days])
    assert near - calm > 0.1
    assert truth.attrs["bias_oco2"] == SENSORS["oco2"].drawn(3).errors.bias
    assert truth["time"].values[0] == np.datetime64("2020-03-01")


@pytest.mark.parametrize("name", SENSORS)
def test_stated_sigma_is_the_true_one(name: str, observed: dict[str, list[Retrieval]]) -> None:
    world = make_world(3, month_days("2020-03-01", 1))
    bias = SENSORS[name].drawn(3).errors.bias
    scores, spoiled = [], []
    for s in observed[name]:
        day = s.time[len(s) // 2].astype("M8[D]")
        error = s.xgas - world.field.value(s.latitude, s.longitude, day, world.winds[day]) - bias
        scores.append((error / s.uncertainty)[s.quality == 0])
        spoiled.append(error[s.quality == 1])
    # correlated errors: count overpasses, not soundings
    assert np.sqrt(np.mean(np.concatenate(scores) ** 2)) == pytest.approx(1.0, abs=0.12)
    means = np.array([part.mean() for part in scores])
    assert abs(means.mean()) < 4 * means.std() / np.sqrt(means.size)
    if not SENSORS[name].screened:
        assert np.concatenate(spoiled).std() > 3.0


def test_error_correlation_is_as_planted() -> None:
    model = ErrorModel(1.0, 1.0, 0.5)
    rng = np.random.default_rng(5)
    along = np.arange(0.0, 4000.0, 50.0)
    draws = np.stack([model.errors(rng, np.ones(80), along, np.zeros(80, int)) for _ in range(600)])
    matrix = np.cov(draws.T)
    for lag in (1, 2, 4):
        planted = OVERPASS_CORRELATION * np.exp(-50.0 * lag / CORRELATION_LENGTH)
        assert np.mean(np.diag(matrix, lag)) == pytest.approx(planted, abs=0.02)
    assert np.mean(np.diag(matrix)) == pytest.approx(1.0, abs=0.03)
    biases = [model.drawn(np.random.default_rng(k)).bias for k in range(2000)]
    assert np.std(biases) == pytest.approx(0.5, rel=0.08)


def test_flags_and_reasons(observed: dict[str, list[Retrieval]]) -> None:
    for name, parts in observed.items():
        quality = np.concatenate([s.quality for s in parts])
        reasons = np.concatenate([s.reasons for s in parts])
        assert ((reasons != 0) == (quality == 1)).all()
        if SENSORS[name].screened:
            assert (quality == 0).all()
        else:
            assert 0.03 < quality.mean() < 0.4


def test_the_south_is_cloudier(observed: dict[str, list[Retrieval]]) -> None:
    lat = np.concatenate([s.latitude[inside(s)] for s in observed["oco2"]])
    assert (lat > 34).sum() > 1.3 * (lat < 30).sum()
    cloud = scenery.Cloud(1)
    rng = np.random.default_rng(0)
    values = cloud.value(rng.uniform(22, 42, 4000), rng.uniform(104, 124, 4000), rng.uniform(0, 2000, 4000))
    assert (values.mean(), values.std()) == (pytest.approx(0, abs=0.1), pytest.approx(1, abs=0.1))


def test_tracks_go_on_outside_the_region(observed: dict[str, list[Retrieval]]) -> None:
    """Clouds leave gaps, but soundings before and after the region are never more than 600 s apart."""
    seen = 0
    for s in observed["oco2"]:
        for number in np.unique(s.orbit):
            one = s.take(s.orbit == number)
            if not inside(one).any():
                continue
            seen += 1
            assert one.latitude.min() < BOUNDS[1] - 5
            assert one.latitude.max() > BOUNDS[3] + 5
            assert np.diff(one.time).max() < np.timedelta64(600, "s")
    assert seen > 15


def test_sea_only_under_glint(observed: dict[str, list[Retrieval]]) -> None:
    for name, parts in observed.items():
        for s in parts:
            sea = (s.surface == 1) & inside(s)
            assert (s.mode[sea] == 1).all()
            assert SENSORS[name].glint or not sea.any()
            assert (s.solar_zenith < 75).all()


def test_oco2_geometry(study: Path) -> None:
    path = sorted((study.parent / "data" / "oco2").iterdir())[3]
    with h5py.File(path) as file:
        lat, lon = file["vertex_latitude"][:].astype(float), file["vertex_longitude"][:].astype(float)
        assert len(np.unique(file["sounding_id"])) == lat.shape[0]
        assert (np.diff(file["time"]) >= 0).all()
        footprint = file["Sounding/footprint"][:]
        hour = (file["time"][:] / 3600 + file["longitude"][:] / 15) % 24
        middle = (file["latitude"][:] > 22) & (file["latitude"][:] < 42)
    east = (lon - lon[:, :1] + 180) % 360 - 180
    east *= np.cos(np.deg2rad(lat[:, :1])) * 111.2
    north = (lat - lat[:, :1]) * 111.2
    area = 0.5 * np.abs((east * np.roll(north, -1, 1) - np.roll(east, -1, 1) * north).sum(axis=1))
    assert np.median(area) == pytest.approx(2.25 * 1.29, rel=0.05)
    assert set(footprint) <= set(range(1, 9))
    assert (np.abs(hour[middle] - 13.2) < 0.8).all()


@pytest.mark.parametrize("name", SENSORS)
def test_orbits_repeat(name: str) -> None:
    orbit = SENSORS[name].orbit
    after = np.array([-800.0, 0.0, 800.0])
    first, again = orbit.track(7, after), orbit.track(7 + orbit.revolutions, after)
    np.testing.assert_allclose(first, again, atol=1e-6)
    other = orbit.track(8, after)
    assert abs(first[1][1] - other[1][1]) > 5
    seconds, longitude = orbit.node(7)
    local = (seconds / 3600 + longitude / 15) % 24
    assert local == pytest.approx(orbit.node_hour, abs=1e-6)


def test_every_orbit_belongs_to_one_day() -> None:
    orbit = Orbit(233, 16, 98.2, 13.6, True)
    days = EPOCH.astype("M8[D]") + np.arange(16)
    assert [n for day in days for n in orbit.on_day(day)] == list(range(233))


@settings(deadline=None, max_examples=25)
@given(
    rate=st.floats(100, 5000),
    speed=st.floats(2, 12),
    angle=st.floats(0, 6.28),
    along=st.floats(20, 250),
)
def test_plume_carries_its_source(rate: float, speed: float, angle: float, along: float) -> None:
    """The flux through a line across the wind is the rate, wherever the line lies."""
    wind = (speed * np.cos(angle), speed * np.sin(angle))
    across = np.linspace(-200, 200, 4001)
    east = along * np.cos(angle) - across * np.sin(angle)
    north = along * np.sin(angle) + across * np.cos(angle)
    column = plume(east, north, rate, wind) / PPM_PER_COLUMN
    assert np.trapezoid(column, across * 1e3) * speed == pytest.approx(rate, rel=1e-3)
    assert (plume(-east, -north, rate, wind) == 0).all()


def test_field_has_the_planted_contrasts() -> None:
    field = Field(sources=())
    day = np.datetime64("2020-04-24")
    assert field.smooth(32, 120, day) - field.smooth(32, 106, day) > 1.2
    assert field.smooth(40, 112, day) > field.smooth(24, 112, day)
    year = np.arange("2020-01-01", "2021-01-01", dtype="M8[D]")
    flat = replace(field, growth=0.0)
    assert np.ptp(flat.smooth(45, 112, year)) == pytest.approx(2 * field.season, rel=1e-3)
    assert (np.hypot(*daily_wind(0, year).T) >= 2.0 - 1e-12).all()


def test_far_points_are_spaced(observed: dict[str, list[Retrieval]]) -> None:
    s = observed["gosat"][0]
    far = s.take(~inside(s) & (s.latitude < 10))
    assert len(far) > 5
    step = distance(far.latitude[:-1], far.longitude[:-1], far.latitude[1:], far.longitude[1:])
    assert np.median(step) > 4e5


def test_geojson_is_plain(study: Path) -> None:
    content = json.loads((study.parent / "regions.geojson").read_text(encoding="utf-8"))
    assert content == region_features()
    for feature in content["features"]:
        assert set(feature["properties"]) == {"region_id", "name", "name_zh"}


@pytest.mark.parametrize(("name", "systematic"), [("oco2", 0.3), ("gosat", 0.5), ("gmi", 0.7)])
def test_regional_means_agree_with_truth(study: Path, name: str, systematic: float) -> None:
    """The whole way through the public verbs; the bias is planted, so it is taken off before judging."""
    files = sorted((study.parent / "data" / name).iterdir())
    soundings = yaotan.open_soundings(files, region=BOUNDS, period=("2020-03-01", "2020-03-31"))
    grid = yaotan.grid_soundings(
        soundings, yaotan.GridSpec.regular(1.0, BOUNDS), period="month", systematic=systematic
    )
    regions = yaotan.open_regions(study.parent / "regions.geojson")
    table = yaotan.zonal_statistics(grid, regions).squeeze("time").load()
    truth = xr.open_dataset(study.parent / "truth.nc")
    wanted = truth["xco2"].isel(time=0).sel(region=table["region"]).values
    sigma = table["xco2_uncertainty"].values
    assert (table["xco2_count"].values > 0).all()
    assert (np.abs(table["xco2"].values - wanted) < 3 * sigma).all()
    noise = np.sqrt(sigma**2 - table["xco2_uncertainty_systematic"].values ** 2)
    score = (table["xco2"].values - wanted - truth.attrs[f"bias_{name}"]) / noise
    # seven regions; clouds hide part of each, so sampling adds to the noise
    assert 0.1 < np.sqrt(np.mean(score**2)) < 1.8


def test_plants_have_the_emission_that_is_told(study: Path) -> None:
    folder = study.parent / "data" / "plume"
    made = quantify_files(
        [str(folder / "*.nc")],
        sources=folder / "plants.csv",
        wind=folder / "winds.csv",
        gas="xco2",
        mask_gas="no2",
        method=["cross_section", "gaussian"],
    )
    assert made.failures.empty
    found = made.estimates.set_index("source")
    truth = pd.read_csv(folder / "truth.csv").set_index("source")["emission"]
    assert sorted(found.index) == ["A", "B"]
    z = (found["emission"] - truth) / found["emission_uncertainty"]
    # two draws of a normal distribution: beyond 3 with a probability of half a per cent
    assert (z.abs() < 3.0).all(), z

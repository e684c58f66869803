"""Point sources in a study: scenes one by one, bad ones among them, done again where something changed."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import yaotan
from plume_study import REGION
from yaotan.errors import YaotanError
from yaotan.io.tabular import read_parquet, read_table
from yaotan.plume.source import make_sources
from yaotan.recipes.plume import quantify_files
from yaotan.recipes.result import load_results
from yaotan.recipes.run import run
from yaotan.simulate.plume import PlumeSetting, simulate_plume
from yaotan.simulate.sensor import SENSORS, observe_day
from yaotan.simulate.study import make_world, write_day

RATE = 1500.0
STUDY = """\
title: Plants
period: [2020-01-01, 2020-12-31]
regions: {path: regions.geojson}
plumes:
  scenes: scenes/*.nc
  sources: plants.csv
  wind: wind.csv
  gas: xco2
  mask_gas: no2
  methods: [gaussian, light_cross_section]
  views: 2
  annual: {errors: total, detection: oco3}
  observability: {clear_share: 0.2, sensors: [oco2]}
  season: {methods: [emg], half_width: 20000, hours: [-1, 2]}
"""


def make_scene(folder: Path, number: int, *, hidden: bool = False) -> None:
    setting = PlumeSetting(rate=RATE, direction=200.0 + 20.0 * number, size=46, place=(0.5, 0.5))
    scene, _ = simulate_plume(setting, seed=number)
    scene = scene.assign_coords(
        time=np.datetime64("2020-06-01T11:00", "ns") + np.timedelta64(number * 20, "D")
    )
    if hidden:
        scene = scene.assign(xco2=scene.xco2.where(False), no2=scene.no2.where(False))
    yaotan.write(scene, folder / f"s{number}.nc")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("plumes")
    (base / "scenes").mkdir()
    for number in range(6):
        make_scene(base / "scenes", number, hidden=number == 4)
    (base / "scenes" / "bad.nc").write_text("nothing")
    rows = [
        {"source": "P", "time": f"{time}", "wind_speed": 5.0, "wind_direction": 200.0 + 20.0 * number}
        for number, time in enumerate(pd.date_range("2020-06-01T11:00", periods=6, freq="20D"))
        if number != 3
    ]
    pd.DataFrame(rows).to_csv(base / "wind.csv", index=False)
    table = "id,name,lon,lat,diameter,co2_Mt_2018\nP,Plant,14.4,51.8,100,45\nQ,Far,100,10,100,5\n"
    (base / "plants.csv").write_text(table)
    (base / "regions.geojson").write_text(json.dumps(REGION))
    (base / "study.yaml").write_text(STUDY)
    return base / "study.yaml"


@pytest.fixture(scope="module")
def folder(study: Path) -> Path:
    result = run(study)
    assert any("1 of 7 could not be used" in note for note in result.notes)
    few = "emg of Plant: not done, too_few: 4 scenes, 10 are needed (1 no_wind, 1 cloudy)"
    assert any(few in note for note in result.notes)
    return result.folder


def test_estimates(folder: Path) -> None:
    table = read_parquet(folder / "plumes" / "estimates.parquet").set_index("scene")
    assert table.loc["s3.nc", "status"] == "no_wind"
    assert table.loc["s4.nc", "status"] == "cloudy"
    good = table[table["status"] == "estimated"]
    assert len(good) == 4
    assert (np.abs(good["emission"] - RATE) < 3.0 * good["emission_uncertainty"]).all()
    assert set(read_table(folder / "plumes" / "estimates.csv")["scene"]) == set(table.index)
    members = read_parquet(folder / "plumes" / "members.parquet")
    assert len(members) == 2 * len(table)
    failures = read_table(folder / "plumes" / "failures.csv")
    assert failures["scene"].tolist() == ["bad.nc"]
    assert str(folder.parent) not in failures["reason"].iloc[0]


def test_features(folder: Path) -> None:
    plumes = gpd.read_parquet(folder / "plumes" / "plumes.parquet")
    assert set(plumes["scene"]) >= {"s0.nc", "s1.nc", "s2.nc", "s5.nc"}
    assert plumes.crs.to_epsg() == 4326
    lines = gpd.read_parquet(folder / "plumes" / "lines.parquet")
    assert set(lines["kind"]) == {"centre_line", "wind"}


def test_year(folder: Path) -> None:
    annual = read_table(folder / "plumes" / "annual.csv").iloc[0]
    assert annual["status"] == "estimated"
    assert annual["used_count"] == 4
    told = xr.open_dataset(folder / "plumes" / "annual.nc")
    assert told.attrs["errors"] == "total"
    assert 0.9 < float(told["detection_expected"][0]) <= 1.0
    assert abs(annual["emission"] - RATE) < 2.5 * annual["emission_uncertainty"]
    seen = gpd.read_parquet(folder / "plumes" / "observability.parquet")
    assert seen["source"].tolist() == ["P", "Q"]


def test_results_for_the_report(folder: Path) -> None:
    found = load_results(folder).point_sources
    assert found is not None
    assert found.substance == "co2"
    # two of the four with a fit are drawn
    assert len(found.views) == 2
    assert found.facts["left_out"] == 2
    assert found.facts["status"] == {"estimated": 4, "no_wind": 1, "cloudy": 1}
    assert found.facts["outside"] == 6
    # scenes that are averaged as well are counted by themselves
    assert found.facts["season"]["status"] == {"used": 4, "no_wind": 1, "cloudy": 1, "failed": 1}
    assert found.seasons[0][0].attrs["substance"] == "co2"
    assert found.failures["scene"].tolist() == ["bad.nc"]
    assert found.annual["source"].values.tolist() == ["P", "Q"][: found.annual.sizes["source"]]
    (scene, source), view = next(iter(found.views.items()))
    assert source == "P"
    assert view.attrs["kind"] == "image view"
    assert "transect_fit" in view
    assert scene in set(found.estimates["scene"])


def test_provenance_and_catalog(folder: Path) -> None:
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    files = {(row["product"], row["file"]) for row in provenance["inputs"]}
    assert {("scene", "scenes/s0.nc"), ("sources", "plants.csv"), ("wind", "wind.csv")} <= files
    assert (folder / "stac" / "plumes").is_dir()


def test_done_again_only_what_changed(study: Path, folder: Path) -> None:
    assert run(study).executed == []
    make_scene(study.parent / "scenes", 6)
    executed = run(study).executed
    scenes = [name for name in executed if name.startswith("plume-scene-")]
    assert len(scenes) == 1
    assert scenes[0].startswith("plume-scene-s6-")
    assert len([name for name in executed if name.startswith("plume-flux-")]) == 1
    assert {"plume-join", "plume-annual"} <= set(executed)
    assert "plume-observability" not in executed
    # no wind of that time is in the table
    table = read_parquet(folder / "plumes" / "estimates.parquet").set_index("scene")
    assert table.loc["s6.nc", "status"] == "no_wind"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("methods: [gaussian, light_cross_section]", "methods: [magic]", "'magic' is none of"),
        ("gas: xco2", "gas: xco3", "'xco3' is none of"),
        ("sources: plants.csv", "sources: none.csv", "none.csv: does not exist"),
        ("wind: wind.csv", "wind: plants.csv", "no column source, wind_speed"),
        ("scenes: scenes/*.nc", "scenes: nothing/*.nc", "nothing"),
        ("sensors: [oco2]", "sensors: [tropomi]", "emission_nox is missing"),
        (
            "annual: {errors: total, detection: oco3}",
            "annual: {loads: {P: {path: a.csv, time: t, load: l}}}",
            "'Q' has no load",
        ),
        # text to YAML, which wants a dot and a sign
        ("views: 2", "options: {length: 60e3}", "plumes.options: length is .* write 60000 or 6.0e.4"),
        ("views: 2", "options: {ime: {corridor: 15e-1}}", "corridor is .* write 1.5 or 1.5e.0"),
        ("views: 2", "detection: {false_alarm: 1e-2}", "plumes.detection: .* write 0.01 or 1.0e-2"),
        ("views: 2", "options: {lifetime: inf}", "lifetime is 'inf', .* write .inf"),
    ],
)
def test_what_cannot_be_done_is_said_before(study: Path, old: str, new: str, word: str) -> None:
    other = study.with_name("other.yaml")
    other.write_text(STUDY.replace(old, new))
    with pytest.raises(YaotanError, match=word):
        run(other, check=True)


def test_a_granule_of_soundings(tmp_path: Path) -> None:
    day = np.datetime64("2020-03-12")
    soundings = observe_day(SENSORS["oco2"].drawn(3), make_world(3, np.array([day])), day)
    assert soundings is not None
    path = write_day("oco2", tmp_path, soundings, day)
    middle = len(soundings) // 2
    lat, lon = float(soundings.latitude[middle]), float(soundings.longitude[middle])
    # one source 20 km upwind of the track, one on the other side of the earth
    near = make_sources(["A", "B"], [lon - 0.2, lon - 180.0], [lat, -lat])
    pd.DataFrame({"source": ["A"], "wind_speed": [5.0], "wind_direction": [270.0]}).to_csv(
        tmp_path / "wind.csv", index=False
    )
    made = quantify_files(path, sources=near, wind=tmp_path / "wind.csv", gas="xco2")
    assert made.failures.empty, made.failures["reason"].tolist()
    assert made.outside == 1
    row = made.estimates.iloc[0]
    assert row["source"] == "A"
    assert row["scene"].startswith(f"{path.name} 2020-03-12T")
    assert row["status"] in ("estimated", "rejected", "cloudy", "too_few")
    assert made.members["method"].tolist() == ["track_gaussian"]

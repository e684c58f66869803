"""Many scenes of a source in a study: what the direct calls give, resumed, bad scenes, few scenes."""

from __future__ import annotations

import json
import re
import runpy
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import yaotan
from conftest import REPOSITORY
from plume_divergence_truth import PLACE, make_season
from plume_study import REGION
from yaotan.errors import YaotanError
from yaotan.io.image import open_image
from yaotan.io.netcdf import open_estimate
from yaotan.io.tabular import read_table
from yaotan.plume.divergence import flux_divergence
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.emg import emg
from yaotan.plume.mass import column_mass
from yaotan.plume.ratio import co2_from_nox
from yaotan.plume.source import make_sources
from yaotan.plume.travel import travel_curve
from yaotan.recipes.analysis.plume_flux import read_file
from yaotan.recipes.analysis.plume_season import gather
from yaotan.recipes.result import load_results
from yaotan.recipes.run import run
from yaotan.recipes.step import Ledger, Step
from yaotan.recipes.study import load_study
from yaotan.simulate.sensor import SENSORS, observe_day
from yaotan.simulate.study import make_world, write_day

#: NOx as NO2 [kg s-1], its lifetime [s], NOx over NO2 of aged plumes (Beirle et al. 2011)
RATE, LIFETIME, RATIO = 2.0, 7200.0, 1.32
DAYS = 14
STUDY = """\
title: Plants
period: [2020-01-01, 2020-12-31]
regions: {path: regions.geojson}
plumes:
  scenes: scenes/*.nc
  sources: plants.csv
  wind: wind.csv
  gas: no2
  methods: []
  season:
    radius: 32000
    resolution: 4000
    lifetime: 7200
    half_width: 20000
    hours: [-1, 3]
    co2_ratio: {P: {value: 1000, uncertainty: 100, source: stack tests}}
"""


def write_scenes(folder: Path) -> list[EffectiveWind]:
    scenes, winds = make_season(
        7,
        DAYS,
        rate=RATE,
        decay=LIFETIME,
        noise=2e-6,
        slope=0.0,
        size=40,
        sub=2,
        no2=lambda t: RATIO + 0.0 * t,
    )
    for day, scene in enumerate(scenes):
        time = np.datetime64("2020-05-01T11:00", "ns") + np.timedelta64(day, "D")
        yaotan.write(
            scene[["no2", "no2_uncertainty"]].assign_coords(
                latitude=scene.latitude, longitude=scene.longitude, time=time
            ),
            folder / f"s{day:02d}.nc",
        )
    return winds


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("season")
    (base / "scenes").mkdir()
    winds = write_scenes(base / "scenes")
    (base / "scenes" / "s03.nc").write_text("damaged")
    rows = [
        {
            "source": source,
            "time": f"2020-05-{day + 1:02d}T11:00",
            "wind_speed": wind.speed,
            "wind_direction": wind.direction,
        }
        for day, wind in enumerate(winds)
        for source in "PQ"
        if day != 5
    ]
    pd.DataFrame(rows).to_csv(base / "wind.csv", index=False)
    (base / "plants.csv").write_text(f"id,name,lon,lat\nP,Plant,{PLACE[1]},{PLACE[0]}\nQ,Far,100,10\n")
    (base / "regions.geojson").write_text(json.dumps(REGION))
    (base / "study.yaml").write_text(STUDY)
    return base / "study.yaml"


@pytest.fixture(scope="module")
def resumed(study: Path) -> list[str]:
    """Steps of a run that goes on after another one was killed in its seventh scene."""
    done = Ledger.do

    def die(self: Ledger, step: Step) -> object:
        if len([name for name in self.executed if name.startswith("plume-flux-")]) == 6:
            raise KeyboardInterrupt
        return done(self, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "do", die)
        with pytest.raises(KeyboardInterrupt):
            run(study)
    return run(study).executed


@pytest.fixture(scope="module")
def folder(study: Path, resumed: list[str]) -> Path:
    return study.parent / "results"


def direct(study: Path, *, without: set[int]) -> tuple[list[xr.Dataset], list[EffectiveWind]]:
    """Scenes and winds as the functions take them, of the files of the study."""
    table = pd.read_csv(study.parent / "wind.csv")
    scenes, winds = [], []
    for day in range(DAYS):
        if day in without:
            continue
        scenes.append(column_mass(open_image(study.parent / "scenes" / f"s{day:02d}.nc"), variable="no2"))
        row = table[(table["time"] == f"2020-05-{day + 1:02d}T11:00") & (table["source"] == "P")].iloc[0]
        winds.append(
            EffectiveWind.from_direction(
                row["wind_speed"], row["wind_direction"], uncertainty={"wind_speed": 1.0}
            )
        )
    return scenes, winds


def test_a_season_finds_what_was_simulated(folder: Path) -> None:
    table = gpd.read_parquet(folder / "plumes" / "season.parquet")
    assert table.crs.to_epsg() == 4326
    nox = table[table["substance"] == "nox"].set_index("method")
    assert set(nox.index) == {"divergence", "emg"}
    assert nox["status"].tolist() == ["estimated"] * 2
    # twelve noisy scenes: three times the error of noise
    error = (nox["emission"] - RATE).abs()
    assert (error < 3.0 * nox["emission_uncertainty_noise"]).all()
    assert abs(nox.loc["emg", "lifetime"] - LIFETIME) < 2.0 * nox.loc["emg", "lifetime_uncertainty"]
    assert nox["scene_count"].tolist() == [12, 12]
    assert nox["dropped"].tolist() == ["1 no_wind"] * 2
    assert nox["neighbour_count"].tolist() == [0, 0]
    assert str(nox["first"].iloc[0])[:10] == "2020-05-01"
    # 1000 kg of CO2 for a kg of NOx, known to a tenth
    co2 = table[table["substance"] == "co2"].set_index("method")
    assert co2["emission"].tolist() == pytest.approx((1000.0 * nox["emission"]).tolist())
    assert co2["emission_uncertainty_ratio"].tolist() == pytest.approx((100.0 * nox["emission"]).tolist())
    assert len(read_table(folder / "plumes" / "season.csv")) == 4
    assert not any((folder / "plumes").glob("estimates*"))


def test_a_season_is_what_the_functions_give(study: Path, folder: Path) -> None:
    scenes, winds = direct(study, without={3, 5})
    plant = make_sources(["P"], PLACE[1], PLACE[0])
    grid = {"resolution": 4e3, "radius": 32e3}
    flux = flux_divergence(iter(scenes), winds, plant, ratio="constant", decay_time=LIFETIME, **grid)
    decay = emg(iter(scenes), winds, plant, half_width=20e3, hours=(-1.0, 3.0))
    co2 = co2_from_nox(decay, 1000.0, 100.0, source="stack tests")
    curve = travel_curve(scenes, winds, plant, half_width=20e3, hours=(-1.0, 3.0))
    read = xr.open_dataset(folder / "plumes" / "season" / "001_emg.nc")["scene_flux"]
    assert read.values == pytest.approx(curve["flux"].values, rel=1e-11, abs=1e-13, nan_ok=True)
    for expected, name in ((flux, "divergence_nox"), (decay, "emg_nox"), (co2, "emg_co2")):
        found = open_estimate(folder / "plumes" / f"season_{name}.nc")
        # a search ends within its tolerance, from curves that are equal to the last digit
        close = 1e-12 if "divergence" in name else 1e-4
        numbers = [n for n in expected.data_vars if expected[n].dtype.kind == "f" and n in found]
        assert {"emission", "emission_uncertainty_noise", "scene_count"} <= set(numbers)
        for number in numbers:
            assert found[number].values == pytest.approx(expected[number].values, rel=close, nan_ok=True), (
                number
            )
        assert found.attrs["corrections"] == expected.attrs["corrections"]


def test_field_and_curve_are_files(folder: Path) -> None:
    field = xr.open_dataset(folder / "plumes" / "season" / "000_divergence.nc")
    assert field.attrs["substance"] == "nox"
    peak = field["divergence"].isel(source=0).argmax(...)
    assert abs(float(field.x[peak["x"]])) <= 4e3
    curve = xr.open_dataset(folder / "plumes" / "season" / "001_emg.nc")
    assert {"flux", "fit", "scene_flux"} <= set(curve.data_vars)
    assert curve.sizes["scene"] == 12


def test_every_scene_has_a_row(folder: Path) -> None:
    scenes = read_table(folder / "plumes" / "season_scenes.csv")
    damaged = scenes[scenes["status"] == "failed"]
    assert damaged["scene"].tolist() == ["s03.nc"]
    assert str(folder.parent) not in damaged["reason"].iloc[0]
    counted = scenes.groupby(["method", "status"]).size()
    assert counted["emg", "used"] == counted["divergence", "used"] == 12
    assert counted["emg", "no_wind"] == 1
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    facts = provenance["analyses"]["plume-season"]["facts"]
    assert (facts["scenes"], facts["failed"], facts["outside"]) == (14, 1, 13)
    files = {(row["product"], row["file"]) for row in provenance["inputs"]}
    assert {("scene", "scenes/s00.nc"), ("sources", "plants.csv"), ("wind", "wind.csv")} <= files


def test_the_report_has_them(folder: Path) -> None:
    found = load_results(folder).point_sources
    assert found is not None
    assert [one.attrs["method"] for one, drawn in found.seasons if drawn is not None] == ["divergence", "emg"]
    assert len(found.seasons) == 4
    assert found.failures["scene"].tolist() == ["s03.nc"]


def test_a_killed_study_goes_on(study: Path, folder: Path, resumed: list[str], tmp_path: Path) -> None:
    assert len([name for name in resumed if name.startswith("plume-flux-")]) == DAYS - 6
    again = shutil.copytree(folder, tmp_path / "again")
    assert run(study, output=again).executed == []
    # what is estimated from the sums does not read the scenes again
    other = study.with_name("other.yaml")
    other.write_text(STUDY.replace("lifetime: 7200", "lifetime: 14400"))
    executed = run(other, output=again).executed
    assert [name for name in executed if name.startswith("plume-")] == ["plume-season"]


def test_too_few_scenes_are_no_mean(study: Path, tmp_path: Path) -> None:
    other = study.with_name("few.yaml")
    other.write_text(
        STUDY.replace("    radius: 32000", "    period: [2020-05-01, 2020-05-09]\n    radius: 32000")
    )
    result = run(other, output=tmp_path / "out")
    assert any(
        "divergence of Plant: not done, too_few: 7 scenes, 10 are needed (1 no_wind)" in n
        for n in result.notes
    )
    table = read_table(result.folder / "plumes" / "season.csv")
    assert set(table["status"]) == {"too_few"}
    assert table["emission"].isna().all()
    reasons = read_table(result.folder / "plumes" / "season_scenes.csv")["reason"].dropna()
    assert (reasons == "outside the period of the season").sum() == 5
    assert result.report is not None


def wind_field(study: Path) -> xr.Dataset:
    """Wind at two heights that is the same everywhere: 4 m/s from the west at 100 m, 2 m/s at 10 m."""
    axes = {
        "time": np.datetime64("2020-05-01T08", "ns") + np.arange(6) * np.timedelta64(1, "h"),
        "lat": [50.0, 52.0, 54.0],
        "lon": [12.0, 14.0, 16.0],
    }
    names = {"wind_u_100m": 4.0, "wind_v_100m": 0.0, "wind_u_10m": 2.0, "wind_v_10m": 0.0}
    dims = ("time", "lat", "lon")
    return xr.Dataset({name: (dims, np.full((6, 3, 3), value)) for name, value in names.items()}, coords=axes)


def test_the_height_of_the_wind_is_chosen(study: Path) -> None:
    options = load_study(study).plumes
    plant, field = make_sources(["P"], PLACE[1], PLACE[0]), wind_field(study)
    file, period = str(study.parent / "scenes" / "s00.nc"), ("2020-01-01", "2020-12-31")
    for choice, speed in ((None, 4.0), ("10m", 2.0)):
        season = options.season.model_copy(update={"choice": choice})
        found = read_file(file, plant, lambda data: field, options, season, period=period)
        assert found.failures == []
        assert float(found.parts[0]["wind_u"][0]) == pytest.approx(speed)
    unknown = options.season.model_copy(update={"choice": "950 hPa"})
    found = read_file(file, plant, lambda data: field, options, unknown, period=period)
    assert found.parts == []
    assert "950 hPa" in found.failures[0][1]


def test_a_real_image_gives_its_part(study: Path, data_root: Path) -> None:
    """TROPOMI over Matimba, 25 July 2021, with ERA5: little comes with the wind, the plume leaves with it."""
    wind = yaotan.open_wind(data_root / "plume" / "era5_matimba_20210725.nc").load()
    options = load_study(study).plumes
    season = options.season.model_copy(update={"radius": 60e3, "hours": (-1.0, 4.0), "co2_ratio": {}})
    file = str(data_root / "plume" / "tropomi_no2_matimba_20210725.nc")
    plant = make_sources(["M"], 27.61, -23.67)
    found = read_file(file, plant, lambda data: wind, options, season, period=("2021-07-25", "2021-07-25"))
    assert found.failures == []
    piece = found.parts[0].isel(source=0)
    assert piece["emg_status"].item() == piece["divergence_status"].item() == "used"
    flux = piece["travel_flux"].values[0]
    assert abs(np.nanmean(flux[:5])) < 0.3 * np.nanmean(flux[8:])
    # most cells of 4 km hold the middle of a pixel of 5.5 by 3.5 to 5 km
    assert 0.5 < np.isfinite(piece["mass"].values).mean() < 0.9


def test_scenes_of_two_gases_are_no_mean(study: Path) -> None:
    options = load_study(study).plumes
    plant, field = make_sources(["P"], PLACE[1], PLACE[0]), wind_field(study)
    file = str(study.parent / "scenes" / "s00.nc")
    found = read_file(file, plant, lambda data: field, options, options.season, period=("2020-01-01",) * 2)
    assert found.failures == [("s00.nc", "outside the period of the season")]
    period = ("2020-05-01", "2020-05-01")
    piece = read_file(file, plant, lambda data: field, options, options.season, period=period).parts[0]
    with pytest.raises(YaotanError, match="scenes are of no2 and of co2"):
        gather(iter([piece, piece.assign_attrs(plume_substance="co2")]), options.season)


def test_a_track_is_no_image(study: Path, tmp_path: Path) -> None:
    day = np.datetime64("2020-03-12")
    soundings = observe_day(SENSORS["oco2"].drawn(3), make_world(3, np.array([day])), day)
    path = write_day("oco2", tmp_path, soundings, day)
    plant = make_sources(["P"], float(soundings.longitude[0]), float(soundings.latitude[0]))
    options = load_study(study).plumes.model_copy(update={"gas": "xco2"})
    found = read_file(str(path), plant, lambda data: {}, options, options.season, period=("2020-01-01",) * 2)
    assert found.parts == []
    assert "is a track of soundings. Expected: images" in found.failures[0][1]


def test_the_example_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (REPOSITORY / "docs" / "plume_track.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```(\w+) title=[^\n]*\n(.*?)```", page, re.DOTALL))
    code, study = blocks["python"], blocks["yaml"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "season.py").write_text(code, encoding="utf-8")
    runpy.run_path("season.py")
    (tmp_path / "season.yaml").write_text(study, encoding="utf-8")
    result = run(tmp_path / "season.yaml")
    rows = read_table(result.folder / "plumes" / "season.csv")
    assert rows["status"].tolist() == ["estimated"] * 2
    # 1200 kg/s, as the page says
    assert (abs(rows["emission"] - 1200.0) < 2.0 * rows["emission_uncertainty"]).all()


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("  season:", "  season:\n    methods: [magic]", "'magic' is none of divergence, emg"),
        (
            "  methods: []",
            "  methods: [emg]",
            "'emg' takes many scenes of a source: name it under plumes.season",
        ),
        ("radius: 32000", "radius: 12000", "not less than a quarter"),
        ("radius: 32000", "radios: 32000", "radios.*radius"),
        ("    lifetime: 7200\n", "", "the divergence needs its lifetime"),
        ("lifetime: 7200", "lifetime: true", "is no lifetime"),
        ("  gas: no2", "  gas: xco2", "co2_ratio is for gas: no2, and gas is xco2"),
        ("hours: [-1, 3]", "hours: [0, 1]", "fewer than 8 bins"),
        ("co2_ratio: {P:", "co2_ratio: {R:", "'R' is no source"),
        ("source: stack tests", "source: ' '", "co2_ratio.P.source"),
        ("radius: 32000", "choice: 5m", "'5m' is none of gnfr_a"),
        ("radius: 32000", "choice: 100m", "winds of a table are of one height"),
        ("radius: 32000", "nox_ratio: ruhr", "'ruhr' is none of constant"),
        ("radius: 32000", "period: [2020-05-09, 2020-05-01]", "before it starts"),
        ("radius: 32000", "period: [2019-05-09, 2020-05-01]", "is not within that of the study"),
    ],
)
def test_what_cannot_be_done_is_said_before(study: Path, old: str, new: str, word: str) -> None:
    other = study.with_name("wrong.yaml")
    assert old in STUDY
    other.write_text(STUDY.replace(old, new))
    with pytest.raises(YaotanError, match=word):
        run(other, check=True)


def test_without_a_season_methods_cannot_be_empty(study: Path) -> None:
    other = study.with_name("wrong.yaml")
    other.write_text(STUDY[: STUDY.index("  season:")])
    with pytest.raises(YaotanError, match="without a season there is nothing to do"):
        run(other, check=True)

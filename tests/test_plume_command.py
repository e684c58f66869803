"""The commands of point sources: emissions of scenes, annual means, what could be seen."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import yaotan
from yaotan.cli.main import main
from yaotan.io.tabular import read_parquet
from yaotan.simulate.plume import PlumeSetting, simulate_plume


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("plumes")
    for number in range(4):
        setting = PlumeSetting(rate=1500.0, size=46, place=(0.5, 0.5))
        scene = simulate_plume(setting, seed=number)[0].assign_coords(
            time=np.datetime64("2020-03-01T11:00", "ns") + np.timedelta64(60 * number, "D")
        )
        yaotan.write(scene, base / f"s{number}.nc")
    (base / "damaged.nc").write_text("nothing")
    wind = {"source": ["P"], "wind_speed": [5.0], "wind_direction": [245.0]}
    pd.DataFrame(wind).to_csv(base / "wind.csv", index=False)
    (base / "plants.csv").write_text("id,name,x,lat,diameter,co2_Mt_2018\nP,Plant,14.4,51.8,100,47\n")
    return base


def test_scenes_to_a_year(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(base)
    output = tmp_path / "out"
    options = ["--sources", "plants.csv", "--columns", "longitude=x", "--wind", "wind.csv"]
    gases = ["--gas", "xco2", "--mask-gas", "no2", "--method", "gaussian"]
    run(["plume", "s*.nc", "damaged.nc", *options, *gases, "--output", str(output)])
    said = capsys.readouterr()
    assert "5 files: estimated 4" in said.out
    assert "Mt/yr" in said.out
    assert "failed damaged.nc" in said.err
    table = read_parquet(output / "estimates.parquet")
    assert (np.abs(table["emission"] - 1500.0) < 3.0 * table["emission_uncertainty"]).all()
    assert set(gpd.read_parquet(output / "plumes.parquet")["sources"]) == {"P"}
    assert (output / "estimates.nc").is_file()
    run(["plume-annual", str(output / "estimates.parquet"), str(tmp_path / "year.csv")])
    assert "4 overpasses" in capsys.readouterr().out
    year = pd.read_csv(tmp_path / "year.csv").iloc[0]
    assert abs(year["emission"] - 1500.0) < 2.5 * year["emission_uncertainty"]
    # the method counts as one whose bias is not known: 0.14 instead of 0.05
    told = ["--errors", "total", "--detection", "oco3"]
    run(["plume-annual", str(output / "estimates.parquet"), str(tmp_path / "total.nc"), *told])
    total = xr.open_dataset(tmp_path / "total.nc")
    assert total.attrs["errors"] == "total"
    assert float(total["emission_uncertainty_method"][0]) > year["emission_uncertainty_method"]
    assert 0.9 < float(total["detection_expected"][0]) <= 1.0
    with pytest.raises(SystemExit):
        main(["plume-annual", str(output / "estimates.parquet"), "x.csv", "--detection", "tropomi"])
    assert "tropomi sees no2, the emissions are of co2" in capsys.readouterr().err


def test_what_could_be_seen(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "seen.geojson"
    options = ["--clear-share", "0.2", "--sensors", "oco3", "--columns", "longitude=x"]
    run(["plume-observe", str(base / "plants.csv"), str(target), *options])
    assert "oco3: 1 of 1 are likely seen" in capsys.readouterr().out
    assert gpd.read_file(target)["source"].tolist() == ["P"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["plume", "s0.nc", "--wind", "wind.csv"], "sources and wind are needed"),
        (["plume", "s0.nc", "--sources", "plants.csv", "--wind", "wind.csv"], "no column for longitude"),
        (["plume", "s0.nc", "--sources", "p.csv", "--wind", "wind.csv", "--method", "magic"], "'magic'"),
        (
            ["plume", "s0.nc", "--sources", "p.csv", "--wind", "wind.csv", "--method", "divergence,emg"],
            "'divergence,emg' takes many scenes of a source: name it under plumes.season in a study file",
        ),
        (["plume", "damaged.nc", "--sources", "p.csv", "--wind", "wind.csv"], "none of 1 files"),
        (["plume", "s0.nc", "--sources", "p.csv", "--wind", "wind.csv", "--kernel", "x"], "kernel is 'x'"),
        (["plume-observe", "p.csv", "a.csv"], "clear overpasses is needed"),
    ],
)
def test_mistakes_are_one_message(
    base: Path,
    arguments: list[str],
    word: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(base)
    (base / "p.csv").write_text("id,lon,lat\nP,14.4,51.8\n")
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert word in error
    assert "Traceback" not in error


def run(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0

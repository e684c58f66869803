"""Pairs and scores as files, stations from files, and the command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import yaotan
from test_validation import simulate
from yaotan.cli.main import main
from yaotan.column.validation.validation import validate

HEFEI = "tccon/TCCON_Hefei_12-14h_monthly.csv"


def test_pairs_and_scores_are_written(tmp_path: Path) -> None:
    pairs = simulate(0, n=12, sites=2)
    scores = validate(pairs)
    for name, made in (("pairs", pairs), ("scores", scores)):
        yaotan.write(made, tmp_path / f"{name}.nc")
        with xr.open_dataset(tmp_path / f"{name}.nc", engine="h5netcdf") as back:
            for variable in made.data_vars:
                np.testing.assert_array_equal(back[variable], made[variable])
            assert back["station"].values.tolist() == made["station"].values.tolist()
            assert back.attrs["variable"] == "xco2"
        yaotan.write(made, tmp_path / f"{name}.csv")
        yaotan.write(made, tmp_path / f"{name}.parquet")
        for table in (pd.read_csv(tmp_path / f"{name}.csv"), pd.read_parquet(tmp_path / f"{name}.parquet")):
            assert len(table) == made.sizes["pair" if name == "pairs" else "station"]
            assert "station" in table


def test_stations_are_named_by_what_files_say(satellite: Path) -> None:
    files = [
        satellite / HEFEI,
        satellite / "tccon/saga01_tccon.csv",
        satellite / "tccon/hw20230402_20230402.public.qc.nc",
    ]
    stations = yaotan.open_stations([str(path) for path in files])
    assert set(stations) == {"Hefei", "saga01_tccon", "harwell01"}
    assert stations["saga01_tccon"].sizes["sounding"] == 7128


def test_command(satellite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "pairs.csv"
    station = ["--stations", str(satellite / HEFEI)]
    loose = ["--kernel", "none", "--hours", "400", "--box", "10", "20"]
    with pytest.raises(SystemExit) as stop:
        main(["validate", str(satellite / "nies_gosat_swir_l2"), str(target), *station, *loose])
    assert stop.value.code == 0
    said = capsys.readouterr().out
    assert "7 pairs" in said
    assert "Hefei: 7 pairs, bias +" in said
    assert "not_near" in said
    assert len(pd.read_csv(target)) == 7
    scores = pd.read_csv(tmp_path / "pairs_scores.csv")
    assert scores.station.tolist() == ["Hefei", "*"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "no station is given"),
        (["--stations", HEFEI], "co2_prior_profile is missing"),
        (
            ["--stations", HEFEI, "--kernel", "none", "--hours", "400"],
            "needs 3 pairs of a station, given are",
        ),
        (["--stations", HEFEI, "--kernel", "none"], "no pair was found"),
        (["--stations", HEFEI, "--kernel", "some"], "common_prior or smooth or none"),
    ],
)
def test_command_refuses(
    options: list[str], words: str, satellite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(satellite / text) if text == HEFEI else text for text in options]
    with pytest.raises(SystemExit) as stop:
        main(["validate", str(satellite / "nies_gosat_swir_l2"), str(tmp_path / "pairs.csv"), *given])
    assert stop.value.code == 2
    assert words in capsys.readouterr().err

"""A run that was killed goes on where it was; a changed input redoes only what stands on it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from yaotan.recipes.run import run
from yaotan.simulate.layout import (
    Retrieval,
    nies_gosat_name,
    oco2_lite_name,
    write_nies_gosat,
    write_oco2_lite,
)

#: attributes that tell when, not what
DATES = ("date_created", "history")


LAYOUTS = ((oco2_lite_name, write_oco2_lite, 40), (nies_gosat_name, write_nies_gosat, 4000))


def square(south: int) -> list[list[list[int]]]:
    return [[[114, south], [116, south], [116, south + 1], [114, south + 1], [114, south]]]


#: column analyses whose steps go by month, and those that stand on their pieces
ANALYSES = (
    "hotspots: {draws: 39, anywhere: 0.05, minimum: 1, background: {method: regional}}\n"
    "fusion: {own_priors: true, resolution: 1}\nclaims: [{a: south, b: north}]\nanomaly: {}\ntrend: {}\n"
)


def make_study(folder: Path, analyses: str = "") -> Path:
    (folder / "data").mkdir()
    for month in (1, 2, 3):
        day = np.datetime64(f"2020-{month:02d}-15T05:30:00", "ns")
        rng = np.random.default_rng(month)
        for name, write, gap in (
            (oco2_lite_name, write_oco2_lite, 40),
            (nies_gosat_name, write_nies_gosat, 4000),
        ):
            count = 60
            moment = day + (np.arange(count) * gap * 1_000_000).astype("timedelta64[ns]")
            soundings = Retrieval.make(count, time=moment, xgas=rng.normal(412, 1, count))
            write(folder / "data" / name(f"2020-{month:02d}-15"), soundings)
    (folder / "regions.geojson").write_text(
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "properties": {"id": name, "name": name},
                        "geometry": {"type": "Polygon", "coordinates": square(south)},
                    }
                    for name, south in (("south", 29), ("north", 30))
                ],
            }
        )
    )
    study = folder / "study.yaml"
    study.write_text(
        "title: resume\nperiod: [2020-01-01, 2020-03-31]\n"
        "inputs: [{path: data}]\nregions: {path: regions.geojson}\n" + analyses
    )
    return study


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a study that ran without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    run(make_study(folder, ANALYSES))
    return folder


def equal_results(first: Path, second: Path) -> None:
    names = sorted(path.relative_to(first).as_posix() for path in first.rglob("*") if path.is_file())
    names = [name for name in names if not name.startswith(".steps/")]
    assert names == sorted(
        path.relative_to(second).as_posix()
        for path in second.rglob("*")
        if path.is_file() and not path.relative_to(second).as_posix().startswith(".steps/")
    )
    for name in names:
        if name.endswith(".nc"):
            with xr.open_dataset(first / name) as a, xr.open_dataset(second / name) as b:
                kept = [{k: v for k, v in one.attrs.items() if k not in DATES} for one in (a, b)]
                assert str(kept[0]) == str(kept[1])
                assert a.drop_attrs().identical(b.drop_attrs())
                assert {k: v.attrs for k, v in a.variables.items()}.keys() == dict(b.variables).keys()
        elif name.endswith((".csv", ".geojson", ".svg")):
            assert (first / name).read_bytes() == (second / name).read_bytes(), name
    one, other = (json.loads((folder / "provenance.json").read_text()) for folder in (first, second))
    for content in (one, other):
        del content["run"]
        for step in content["steps"].values():
            # hashes of netCDF and Parquet outputs hold their dates; values were compared above
            step["outputs"] = sorted(step["outputs"])
            step["inputs"] = sorted(step["inputs"])
    assert one == other


def test_killed_run_goes_on(tmp_path: Path, whole: Path) -> None:
    folder = tmp_path / "killed"
    folder.mkdir()
    study = make_study(folder, ANALYSES)
    process = subprocess.Popen([sys.executable, "-m", "yaotan", "run", str(study)], stdout=subprocess.DEVNULL)
    first = folder / "results" / ".steps" / "grid-nies_gosat_co2-2020-01.json"
    deadline = time.monotonic() + 120
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert first.exists()
    assert not (folder / "results" / "report.html").exists()
    result = run(study)
    assert "grid-nies_gosat_co2-2020-01" not in result.executed
    assert "report" in result.executed
    equal_results(whole / "results", folder / "results")
    assert run(study).executed == []


def test_changed_file_redoes_its_month(tmp_path: Path) -> None:
    study = make_study(tmp_path, ANALYSES)
    run(study)
    changed = tmp_path / "data" / oco2_lite_name("2020-02-15")
    moment = np.datetime64("2020-02-15T05:30:00", "ns") + np.arange(60).astype("timedelta64[s]")
    write_oco2_lite(changed, Retrieval.make(60, time=moment, xgas=np.full(60, 420.0)))
    executed = run(study).executed
    assert [name for name in executed if name.startswith("grid-")] == ["grid-oco2_lite-2020-02"]
    assert "zonal-nies_gosat_co2" not in executed
    assert {"zonal-oco2_lite", "contrasts", "comparison", "report"} <= set(executed)
    monthly = [name for name in executed if name.startswith(("hotspot-", "boxes-"))]
    assert monthly == ["hotspot-oco2_lite-2020-02", "boxes-oco2_lite-2020-02"]
    assert {"hotspots-oco2_lite", "trend-oco2_lite", "fusion", "claims"} <= set(executed)
    assert not {"hotspots-nies_gosat_co2", "trend-nies_gosat_co2"} & set(executed)


def test_report_follows_what_it_shows_of_the_study(tmp_path: Path) -> None:
    study = make_study(tmp_path)
    run(study)
    study.write_text(
        study.read_text().replace("regions.geojson}", "regions.geojson, source: Survey of 2020}")
    )
    assert run(study).executed == ["report", "stac"]
    assert "Survey of 2020" in (tmp_path / "results" / "report.html").read_text(encoding="utf-8")


def test_output_inside_the_input_folder_is_no_input(tmp_path: Path) -> None:
    study = make_study(tmp_path)
    study.write_text(study.read_text().replace("{path: data}", "{path: .}"))
    run(study)
    assert run(study).executed == []


def test_removed_product_leaves_no_trace(tmp_path: Path) -> None:
    study = make_study(tmp_path)
    run(study)
    for path in (tmp_path / "data").glob("GOSAT*"):
        path.unlink()
    run(study)
    left = [path.name for path in (tmp_path / "results").rglob("*nies*")]
    assert left == []


def test_results_do_not_depend_on_the_place(tmp_path: Path, whole: Path) -> None:
    moved = tmp_path / "folder with spaces"
    shutil.copytree(whole, moved, ignore=shutil.ignore_patterns("results"))
    run(moved / "study.yaml")
    equal_results(whole / "results", moved / "results")

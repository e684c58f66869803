"""Real granules through `yaotan run`, with the provinces of China; values, not only shapes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from yaotan.io.netcdf import open_grid
from yaotan.io.soundings import open_soundings
from yaotan.recipes.run import run


def run_study(folder: Path, provinces: Path, **study: object) -> Path:
    content = {
        "title": "real granules",
        "regions": {"path": str(provinces), "source": "Tianditu"},
        **study,
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return run(path).folder


@pytest.fixture(scope="module")
def nies(tmp_path_factory, satellite, provinces):
    return run_study(
        tmp_path_factory.mktemp("nies"),
        provinces,
        language="zh",
        period=["2018-11-01", "2018-11-30"],
        inputs=[{"path": str(satellite / "nies_gosat_swir_l2")}],
    )


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "columns" / name, dtype={"region_id": str})


def test_nies_days_are_all_there(nies):
    provenance = json.loads((nies / "provenance.json").read_text(encoding="utf-8"))
    counts = provenance["products"]["nies_gosat_co2"]
    assert counts["read"] == 331 + 408 + 314 + 176
    assert counts["kept"] + counts["dropped"]["outside_region"] == counts["read"]
    assert {item["version"] for item in provenance["inputs"]} == {"02.80"}


def test_nies_grid_equals_an_independent_mean(nies, satellite):
    """Cells far larger than the footprints: the mean of centres, weighted by nothing, is nearly the same."""
    grid = open_grid(nies / "columns" / "nies_gosat_co2_201811.nc").load()
    soundings = open_soundings(satellite / "nies_gosat_swir_l2", region=(73, 3, 136, 54)).load()
    whole = grid["xco2_coverage"] > 0
    mine = float(grid["xco2"].where(whole).mean())
    cell = np.floor(soundings["latitude"]) * 1000 + np.floor(soundings["longitude"])
    theirs = float(soundings["xco2"].groupby(cell.rename("cell")).mean().mean())
    assert mine == pytest.approx(theirs, abs=0.5)
    assert 395 < mine < 415


def test_nies_provinces(nies):
    rows = table(nies, "nies_gosat_co2_xco2_regions.csv").set_index("region_id")
    assert len(rows) == 35  # 34 provinces and their union
    assert rows.loc["150000", "name_zh"] == "内蒙古自治区"
    seen = rows[rows["count"] > 1]
    assert seen["value"].between(398, 418).all()
    assert seen["uncertainty"].between(0.1, 2.5).all()
    assert (rows["coverage"] <= 1).all()


def test_nies_losses_sum_to_the_month(nies):
    losses = table(nies, "losses.csv")
    days = losses[losses["unit"] == "day"].groupby("region_id")["count"].sum()
    assert (days == 30).all()
    total = losses[losses["region_id"] == "all"].set_index("reason")["count"]
    assert total["no_file"] == 26
    assert total["read"] == total["kept"] > 100


def test_second_run_does_nothing(nies):
    assert run(nies.parent / "study.yaml").executed == []


def test_acos_days(tmp_path, satellite, provinces):
    folder = run_study(
        tmp_path,
        provinces,
        period=["2009-09-01", "2009-09-30"],
        inputs=[{"path": str(satellite / "acos_lite")}],
    )
    counts = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["products"]["acos_lite"]
    assert counts["read"] == 985 + 1005
    losses = table(folder, "losses.csv")
    total = losses[(losses["region_id"] == "all")].set_index("reason")["count"]
    assert total["read"] == total["kept"] + total["quality_flag"]
    rows = table(folder, "acos_lite_xco2_regions.csv")
    assert rows["value"].dropna().between(376, 391).all()


def test_oco2_granule(tmp_path, satellite, provinces):
    """The sample granule lies over Pennsylvania: no province is reached, the grid is right all the same."""
    folder = run_study(
        tmp_path,
        provinces,
        region=[-80, 38, -76, 44],
        period=["2016-07-01", "2016-07-31"],
        inputs=[{"path": str(satellite / "oco2_lite" / "oco2_LtCO2_160727_B99999r_sampledata.nc4")}],
        grid={"resolution": 0.5},
    )
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    counts = provenance["products"]["oco2_lite"]
    assert (counts["read"], counts["kept"], counts["dropped"]["quality_flag"]) == (979, 721, 258)
    grid = open_grid(folder / "columns" / "oco2_lite_201607.nc").load()
    assert int(grid["xco2_count"].sum()) >= 721
    rows = table(folder, "oco2_lite_xco2_regions.csv")
    assert (rows["count"] == 0).all()
    assert rows["value"].isna().all()
    days = table(folder, "losses.csv")
    assert set(days.loc[days["unit"] == "day", "reason"]) == {"no_file", "no_track"}

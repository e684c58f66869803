"""Real granules through `yaotan run`, with the provinces of China; values, not only shapes."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import h5py
import numpy as np
import pandas as pd
import pytest
import shapely
import yaml

from yaotan.grid.zonal import zonal_statistics
from yaotan.io.netcdf import open_grid
from yaotan.io.region import open_regions
from yaotan.io.soundings import open_soundings
from yaotan.recipes.run import run

OCO2 = "oco2_LtCO2_160727_B99999r_sampledata.nc4"


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
        hotspots={"background": {"method": "regional"}, "distance": 400, "draws": 99},
        validation={
            "stations": str(satellite / "tccon" / "TCCON_Hefei_12-14h_monthly.csv"),
            "kernel": "none",
            "hours": 400,
            "box": [10, 20],
        },
        claims=[{"a": "长三角", "b": "京津冀"}, {"a": 150000, "b": 650000}],
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


def test_nies_key_regions_are_dissolved_from_the_provinces(nies, provinces):
    boundaries = open_regions(provinces)
    members = boundaries[boundaries["region_id"].isin(["310000", "320000", "330000", "340000"])]
    delta = gpd.GeoDataFrame(
        {"region_id": ["delta"]}, geometry=[shapely.union_all(members.geometry.values)], crs=boundaries.crs
    )
    with open_grid(nies / "columns" / "nies_gosat_co2_201811.nc") as grid:
        expected = zonal_statistics(grid, delta, variables=["xco2"], correlation_length=100e3)
    row = table(nies, "nies_gosat_co2_xco2_key_regions.csv").set_index("region_id").loc["yangtze_delta"]
    assert row["value"] == pytest.approx(float(expected["xco2"].values.item()), abs=1e-6)
    assert row["count"] > 0


def test_nies_analyses_are_in_the_page(nies):
    claims = table(nies, "claims.csv")
    # of one month no difference can be told
    assert claims["verdict"].tolist() == ["no_data", "no_data"]
    assert claims["name_a"].tolist()[1] == "Inner Mongolia"
    scores = table(nies, "nies_gosat_co2_xco2_validation.csv").set_index("station")
    pairs = table(nies, "nies_gosat_co2_xco2_validation_pairs.csv")
    assert scores.index.tolist() == ["Hefei", "*"]
    assert scores.loc["Hefei", "bias"] == pytest.approx((pairs["value"] - pairs["reference"]).mean())
    assert len(table(nies, "nies_gosat_co2_xco2_hotspots.csv")) == 1
    page = (nies / "report.html").read_text(encoding="utf-8")
    assert 'id="claims"' in page
    assert 'id="validation"' in page


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


@pytest.fixture(scope="module")
def three(tmp_path_factory, satellite, provinces):
    """Nine years in which three products have seven files; OCO-2's lies over Pennsylvania."""
    return run_study(
        tmp_path_factory.mktemp("three"),
        provinces,
        period=["2009-09-01", "2018-11-30"],
        inputs=[
            {"path": str(satellite / "nies_gosat_swir_l2")},
            {"path": str(satellite / "acos_lite")},
            {"path": str(satellite / "oco2_lite" / OCO2)},
        ],
    )


def test_three_products_in_one_study(three):
    provenance = json.loads((three / "provenance.json").read_text(encoding="utf-8"))
    assert {name: counts["read"] for name, counts in provenance["products"].items()} == {
        "acos_lite": 1990,
        "nies_gosat_co2": 1229,
        "oco2_lite": 979,
    }
    assert provenance["products"]["oco2_lite"]["dropped"]["outside_region"] == 979
    assert not list(three.glob("columns/oco2_lite_*"))
    losses = table(three, "losses.csv")
    days = losses[(losses["unit"] == "day") & (losses["region_id"] == "all")]
    assert (days.groupby("product")["count"].sum() == 3378).all()
    assert "OCO-2" in (three / "report.html").read_text(encoding="utf-8")


def test_oco2_granule(tmp_path, satellite):
    """The same granule with a region where it has data."""
    box = gpd.GeoDataFrame({"id": ["pa"]}, geometry=[shapely.box(-79, 39, -77, 43)], crs="EPSG:4326")
    box.to_file(tmp_path / "box.geojson")
    folder = run_study(
        tmp_path,
        tmp_path / "box.geojson",
        period=["2016-07-01", "2016-07-31"],
        inputs=[{"path": str(satellite / "oco2_lite" / OCO2)}],
        grid={"resolution": 0.5},
    )
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    counts = provenance["products"]["oco2_lite"]
    assert (counts["read"], counts["kept"], counts["dropped"]) == (979, 721, {"quality_flag": 258})
    with h5py.File(satellite / "oco2_lite" / OCO2) as file:
        good = file["xco2_quality_flag"][()] == 0
        plain = float(file["xco2"][()][good].astype(float).mean())
    grid = open_grid(folder / "columns" / "oco2_lite_201607.nc").load()
    weight = grid["xco2_sum_weight"]
    assert float((grid["xco2"] * weight).sum() / weight.sum()) == pytest.approx(plain, abs=0.05)
    rows = table(folder, "oco2_lite_xco2_regions.csv").set_index("region_id")
    assert rows.loc["pa", "value"] == pytest.approx(plain, abs=0.5)

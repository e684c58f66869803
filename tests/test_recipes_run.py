"""Studies of a few soundings: every sounding counts once, and what a study asks is what it gets."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml

from yaotan.errors import RecipeError, YaotanError
from yaotan.io.netcdf import open_grid
from yaotan.recipes import run as run_module
from yaotan.recipes.result import load_results
from yaotan.recipes.run import RunResult, run
from yaotan.simulate.layout import (
    Retrieval,
    gmi_name,
    nies_gosat_name,
    oco2_lite_name,
    write_gmi,
    write_nies_gosat,
    write_oco2_lite,
)


@pytest.fixture(autouse=True)
def no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the report, which takes most of the time of a run; its own tests draw it."""

    def write(context, provenance):
        return context.ledger.write_json(context.folder / "provenance.json", provenance)

    monkeypatch.setattr(run_module, "_report_record", write)


def box(west: float, south: float, east: float, north: float) -> list[list[list[float]]]:
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def write_regions(folder: Path, **boxes: list) -> None:
    features = [
        {
            "type": "Feature",
            "properties": {"id": name, "name": name},
            "geometry": {"type": "MultiPolygon", "coordinates": parts},
        }
        for name, parts in boxes.items()
    ]
    content = {"type": "FeatureCollection", "features": features}
    (folder / "regions.geojson").write_text(json.dumps(content), encoding="utf-8")


def moments(start: str, count: int, step: float) -> np.ndarray:
    return np.datetime64(start, "ns") + (np.arange(count) * step * 1e9).astype("timedelta64[ns]")


class Studio:
    """A study folder with two regions side by side."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "data").mkdir()
        write_regions(path, west=[box(114, 29, 115, 32)], east=[box(115, 29, 117, 32)])
        self.study = {
            "title": "test",
            "period": ["2020-01-01", "2020-01-31"],
            "inputs": [{"path": "data"}],
            "regions": {"path": "regions.geojson"},
        }

    def oco2(self, count: int = 40, *, folder: str = "data", day: str = "2020-01-15", **given) -> Path:
        (self.path / folder).mkdir(exist_ok=True)
        path = self.path / folder / oco2_lite_name(day)
        given.setdefault("time", moments(f"{day}T05:30:00", count, 0.1))
        write_oco2_lite(path, Retrieval.make(count, **given))
        return path

    def run(self, **options) -> RunResult:
        path = self.path / "study.yaml"
        path.write_text(yaml.safe_dump(self.study), encoding="utf-8")
        return run(path, **options)

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.path / "results" / "columns" / name)

    def counts(self, product: str = "oco2_lite") -> dict:
        text = (self.path / "results" / "provenance.json").read_text(encoding="utf-8")
        return json.loads(text)["products"][product]

    def lost(self) -> dict[str, int]:
        """Give the counts of soundings in all regions, by reason."""
        losses = self.table("losses.csv")
        losses = losses[(losses["unit"] == "sounding") & (losses["region_id"] == "all")]
        return losses.groupby("reason")["count"].sum().to_dict()


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


def inside(count: int, *, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"latitude": rng.uniform(29.1, 31.9, count), "longitude": rng.uniform(114.1, 116.9, count)}


def test_a_file_named_by_two_inputs_counts_once(studio: Studio) -> None:
    path = studio.oco2(**inside(40))
    studio.study["inputs"] = [{"path": "data"}, {"path": [str(path)]}]
    studio.run()
    assert studio.counts()["read"] == studio.counts()["kept"] == 40
    assert studio.lost()["read"] == 40


def test_a_sounding_in_two_files_counts_once(studio: Studio) -> None:
    studio.oco2(**inside(40))
    studio.oco2(folder="data/again", **inside(40))
    studio.run()
    assert studio.counts()["read"] == 80
    assert studio.counts()["dropped"] == {"duplicate": 40}
    assert studio.lost()["read"] == studio.lost()["kept"] == 40


def test_losses_follow_the_quality_that_the_study_asks(studio: Studio) -> None:
    quality = np.repeat([0, 1], 20)
    xgas = np.where(np.arange(40) % 10 == 0, np.nan, 410.0)
    studio.oco2(quality=quality, xgas=xgas, **inside(40))
    studio.run()
    good = studio.lost()
    assert {name: good[name] for name in ("read", "quality_flag", "no_value", "kept")} == {
        "read": 40,
        "quality_flag": 20,
        "no_value": 2,
        "kept": 18,
    }
    studio.study["inputs"][0]["quality"] = "all"
    assert "losses-oco2_lite-2020-01" in studio.run().executed
    every = studio.lost()
    assert "quality_flag" not in every
    assert (every["no_value"], every["kept"]) == (4, 36)


def test_a_file_over_the_turn_of_the_month_is_read_once(studio: Studio) -> None:
    studio.study["period"] = ["2020-01-01", "2020-02-29"]
    studio.oco2(day="2020-01-31", time=moments("2020-01-31T23:59:50", 40, 0.5), **inside(40))
    studio.run()
    counts = studio.counts()
    assert (counts["read"], counts["kept"], counts["dropped"]) == (40, 40, {})
    rows = studio.table("losses.csv")
    kept = rows[(rows["reason"] == "kept") & (rows["region_id"] == "all")].set_index("month")["count"]
    assert kept.to_dict() == {"2020-01": 20, "2020-02": 20}


def test_the_last_day_belongs_to_the_period_and_the_next_does_not(studio: Studio) -> None:
    studio.oco2(day="2020-01-31", time=moments("2020-01-31T23:59:50", 40, 0.5), **inside(40))
    studio.run()
    counts = studio.counts()
    assert (counts["read"], counts["kept"]) == (40, 20)
    assert counts["dropped"] == {"outside_period": 20}


def test_files_of_one_name_in_two_folders_stay_apart(studio: Studio, tmp_path_factory) -> None:
    far = tmp_path_factory.mktemp("far")
    for name, count in (("a", 30), ("b", 20)):
        (far / name).mkdir()
        when = moments("2020-01-15T05:30:00" if name == "a" else "2020-01-15T15:30:00", count, 0.1)
        soundings = Retrieval.make(count, time=when, **inside(count))
        write_oco2_lite(far / name / oco2_lite_name("2020-01-15"), soundings)
    studio.study["inputs"] = [{"path": str(far)}]
    studio.run()
    assert studio.counts()["read"] == 50
    provenance = json.loads((studio.path / "results" / "provenance.json").read_text(encoding="utf-8"))
    listed = {item["file"]: item["read"] for item in provenance["inputs"]}
    assert listed == {f"{name}/{oco2_lite_name('2020-01-15')}": n for name, n in (("a", 30), ("b", 20))}


def test_file_that_proves_damaged_when_read_is_skipped_and_listed(studio: Studio) -> None:
    studio.oco2(**inside(40))
    studio.oco2(day="2020-01-16", **inside(40))
    other = studio.oco2(day="2020-02-16", **inside(40))
    studio.study.update(on_error="skip", period=["2020-01-01", "2020-02-29"])
    real = run_module.take_inventory

    def spoil(*arguments, **options):
        found = real(*arguments, **options)
        for path in (studio.path / "data" / oco2_lite_name("2020-01-16"), other):
            path.write_bytes(path.read_bytes()[:5000])
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "take_inventory", spoil)
        result = studio.run()
    names = [f"data/{oco2_lite_name(day)}" for day in ("2020-01-16", "2020-02-16")]
    assert [name for name, _ in result.skipped] == names
    assert all("truncated" in reason for _, reason in result.skipped)
    assert studio.counts()["kept"] == 40


def test_cells_below_the_minimum_count_are_in_no_map_and_are_counted(studio: Studio) -> None:
    where = {"latitude": np.full(6, 30.5), "longitude": np.array([114.5] * 4 + [116.5] * 2)}
    studio.oco2(6, **where)
    studio.study["minimum_count"] = 3
    studio.run()
    assert studio.counts()["sparse_cells"] == {"xco2": 1}
    folder = studio.path / "results"
    with open_grid(folder / "columns" / "oco2_lite_202001.nc") as grid:
        assert int(grid["xco2"].notnull().sum()) == 2  # the file itself keeps everything
    drawn = load_results(folder).columns[0].grid
    assert int(drawn["xco2"].notnull().sum()) == 1
    rows = studio.table("oco2_lite_xco2_regions.csv").set_index("region_id")
    assert rows["value"].notnull().to_dict() == {"west": True, "east": False, "all": True}


def test_a_study_without_contrasts(studio: Studio) -> None:
    studio.oco2(**inside(40))
    studio.study["contrasts"] = {"west_east": None, "zonal": None}
    result = studio.run()
    assert studio.table("contrasts.csv").empty
    assert load_results(result.folder).contrasts.empty


def test_contrasts_over_the_dateline(studio: Studio) -> None:
    """East of 175 W is the far end of a grid that runs from 170 to 190."""
    write_regions(studio.path, pacific=[box(170, 0, 180, 10), box(-180, 0, -170, 10)])
    lon = np.repeat([172.5, 178.5, -178.5, -172.5], 10)
    lat = np.tile([2.5, 5.5], 20)
    xgas = np.where(lon == -172.5, 415.0, 410.0)
    studio.oco2(40, latitude=lat, longitude=lon, xgas=xgas)
    studio.study.update(region=[170, 0, -170, 10], contrasts={"west_east": -175, "zonal": -1})
    result = studio.run()
    row = studio.table("contrasts.csv").iloc[0]
    assert row["difference"] == pytest.approx(5.0, abs=1e-3)
    assert (row["cells_a"], row["cells_b"]) == (2, 6)
    names = list(load_results(result.folder).contrasts["name"])
    assert names == ["East of 175°W minus west of it", "North of 1°S minus south of it"]


@pytest.fixture
def two_gases(studio: Studio) -> Studio:
    """GMI with CO2 and CH4 in January, and CO2 alone in February."""
    for number, day in enumerate(("2020-01-15", "2020-02-15")):
        path = studio.path / "data" / gmi_name(day, 30.0, 115.0, number + 1)
        write_gmi(path, Retrieval.make(40, time=moments(f"{day}T05:30:00", 40, 0.1), **inside(40)))
        if number == 0:
            with h5py.File(path, "r+") as file:
                file["XCH4"] = np.full(40, 1850.0)
                file["XCH4"].attrs["Unit"] = "ppb"
                file["XCH4_Error"] = np.full(40, 9.0)
                file["XCH4_Error"].attrs["Unit"] = "ppb"
    studio.study["period"] = ["2020-01-01", "2020-02-29"]
    return studio


def test_two_columns_of_one_product(two_gases: Studio) -> None:
    two_gases.study["inputs"][0]["systematic"] = {"xco2": 0.5, "xch4": 4.0}
    result = two_gases.run()
    co2, ch4 = (two_gases.table(f"gf5b_gmi_{name}_regions.csv") for name in ("xco2", "xch4"))
    assert co2[co2["region_id"] == "all"]["value"].notnull().tolist() == [True, True]
    assert ch4[ch4["region_id"] == "all"]["value"].notnull().tolist() == [True, False]
    assert ch4["value"].dropna().to_numpy() == pytest.approx(1850.0)
    assert ch4["uncertainty_systematic"].dropna().to_numpy() == pytest.approx(4.0)
    assert co2["uncertainty_systematic"].dropna().to_numpy() == pytest.approx(0.5)
    assert [column.variable for column in load_results(result.folder).columns] == ["xco2", "xch4"]


@pytest.mark.parametrize(
    ("systematic", "words"), [(0.5, "xch4: 0.5"), ({"xco": 0.5}, "names 'xco'.*among xco2, xch4")]
)
def test_systematic_must_say_for_which_column(two_gases: Studio, systematic, words) -> None:
    two_gases.study["inputs"][0]["systematic"] = systematic
    with pytest.raises(RecipeError, match=words):
        two_gases.run(check=True)
    assert not (two_gases.path / "results").exists()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"variable": "clouds", "max": 1}, r"oco2_lite: .*clouds.*airmass"),
        ({"variable": "mode", "in": ["nadr"]}, "nadr.*nadir"),
        ({"variable": "pressure_weight", "max": 1}, "dims"),
    ],
)
def test_check_finds_rules_that_cannot_be_answered(studio: Studio, rule, words) -> None:
    studio.oco2()
    studio.study["inputs"][0]["rules"] = [{"name": "mine", **rule}]
    with pytest.raises(RecipeError, match=words):
        studio.run(check=True)


def test_check_names_the_period_of_the_files(studio: Studio) -> None:
    studio.oco2()
    studio.study["period"] = ["2019-01-01", "2019-12-31"]
    with pytest.raises(YaotanError, match=r"2019-01-01 to 2019-12-31.*2020-01-15 to 2020-01-15"):
        studio.run(check=True)


def test_a_month_in_which_one_product_has_nothing(studio: Studio) -> None:
    studio.study["period"] = ["2020-01-01", "2020-02-29"]
    studio.oco2(**inside(40))
    for day in ("2020-01-15", "2020-02-15"):
        soundings = Retrieval.make(40, time=moments(f"{day}T05:30:00", 40, 4.0), **inside(40))
        write_nies_gosat(studio.path / "data" / nies_gosat_name(day), soundings)
    studio.run()
    rows = studio.table("oco2_lite_xco2_regions.csv")
    assert rows[rows["region_id"] == "all"]["count"].tolist() == [pytest.approx(40, abs=1), 0]
    days = studio.table("losses.csv").query("product == 'oco2_lite' and reason == 'no_file'")
    assert days[days["month"] == "2020-02"]["count"].tolist() == [29, 29, 29]
    assert studio.table("comparison.csv")["months"].tolist() == [1]


def test_outliers_are_counted_as_they_are_gridded(studio: Studio) -> None:
    """The table of losses and the grid agree on who is an outlier among the good ones."""
    rng, count = np.random.default_rng(5), 120
    xco2 = rng.normal(410.0, 0.5, count)
    xco2[[20, 60, 90]] += 12.0
    studio.oco2(
        count,
        **inside(count),
        xgas=xco2,
        uncertainty=np.full(count, 0.5),
        quality=np.where(np.arange(count) % 7 == 1, 1, 0),
    )
    studio.study["inputs"][0]["rules"] = ["no_target", "outlier"]
    studio.run()
    dropped = studio.counts()["screening"]["outlier"]
    assert 3 <= dropped <= 6
    assert studio.lost()["outlier"] == dropped
    assert studio.lost()["kept"] == studio.counts()["kept"]
    words = load_results(studio.path / "results").words["outlier"]
    assert "neighbours" in words["en"]
    # soundings beyond the regions are neighbours too: a wider grid counts anew
    studio.study["region"] = [113, 28, 118, 33]
    assert "losses-oco2_lite-2020-01" in studio.run().executed

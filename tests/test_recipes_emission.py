"""The emissions of a study: one step, its files, its section on the page in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from yaotan.errors import PanelError, YaotanError
from yaotan.recipes.result import load_results
from yaotan.recipes.run import run
from yaotan.simulate.province import simulate_provinces
from yaotan.simulate.region import region_features

STUDY = """title: {{en: Emissions, zh: 排放}}
period: [2018-01-01, 2018-12-31]
region: [104, 22, 124, 42]
regions: {{path: regions.geojson}}
emission: {emission}
"""
GIVEN = "{panel: panel.csv, description: panel.yaml, model: simulated_province, truth: panel_truth.csv}"


def write_study(folder: Path, emission: str = GIVEN, *, years: int = 10) -> Path:
    features = region_features()
    (folder / "regions.geojson").write_text(json.dumps(features), encoding="utf-8")
    names = [tuple(item["properties"].values()) for item in features["features"]]
    simulate_provinces(5, names=names, years=years).write(folder)
    (folder / "study.yaml").write_text(STUDY.format(emission=emission), encoding="utf-8")
    return folder / "study.yaml"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_study(tmp_path_factory.mktemp("emission"))
    run(path)
    return path


def words(study: Path, name: str) -> str:
    page = (study.parent / "results" / name).read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_step_leaves_its_files_and_is_done_once(study: Path) -> None:
    folder = study.parent / "results" / "emission"
    assert {path.name for path in folder.iterdir()} == {
        "estimates.csv", "estimates.parquet", "opinion.csv", "opinion.parquet", "scores.csv", "skill.csv",
        "intervals.csv", "truth.csv", "health.csv", "provinces.csv",
    }  # fmt: skip
    assert run(study).executed == []
    provenance = json.loads((folder.parent / "provenance.json").read_text(encoding="utf-8"))
    used = {item["product"] for item in provenance["inputs"]}
    assert used == {"panel of emissions", "model of emissions"}


def test_the_page_has_map_table_ranking_and_how_it_was_scored(study: Path) -> None:
    results = load_results(study.parent / "results")
    wrong = results.emission.truth[results.emission.truth["falsified"]].iloc[0]
    page = words(study, "report.html")
    for text in (
        "Provincial emissions", "Honest factor", "Second opinion: look here first", "How this was scored",
        "was estimated by a model that never saw it", "The errors sum to", "Intervals of 90 % held in",
        "It stands at rank", "so the truth is known", "23 more regions of the panel have no outline",
    ):  # fmt: skip
        assert text in page, text
    assert f"for {wrong['period']} was falsified on purpose" in page
    chinese = words(study, "report.zh.html")
    for text in ("省级排放", "第二意见：先看这里", "评分方法", "被有意改动", "西部示例区"):
        assert text in chinese, text


def test_a_nowcast_has_its_own_words_and_its_model_is_kept(tmp_path: Path) -> None:
    study = write_study(
        tmp_path, "{panel: panel.csv, description: panel.yaml, question: nowcast, year: 2015}"
    )
    run(study)
    assert (tmp_path / "results" / "emission" / "model" / "card.json").is_file()
    page = words(study, "report.html")
    assert "estimated from reports up to 2 years before it" in page
    assert "configurations were tried, inside the folds" in page
    assert "Emissions by region in 2015" in page
    assert "not asked" in page
    assert "simulated" not in page.split("How this was scored")[1].split("Data and provenance")[0]


def test_gaps_have_their_own_words_and_the_year_of_a_filled_one(tmp_path: Path) -> None:
    study = write_study(tmp_path, "{panel: panel.csv, description: panel.yaml, question: infill, folds: 5}")
    table = pd.read_csv(tmp_path / "panel.csv")
    regions = sorted(table.dropna(subset=["co2"])["region"].unique())[4:7]  # two others report nothing
    table.loc[table["region"].isin(regions) & (table["year"] == 2014), "co2"] = None
    table.to_csv(tmp_path / "panel.csv", index=False)
    run(study)
    one = load_results(tmp_path / "results").emission
    assert one.year == 2014
    filled = one.of_year()[one.of_year()["region"].isin(regions)]
    assert filled["estimate"].notna().all()
    assert filled["reported"].isna().all()
    page = words(study, "report.html")
    for text in ("missing inside the records of regions", "Error in a gap", "Ends of records are no gaps",
                 "2 regions have no estimate: the year is no gap"):  # fmt: skip
        assert text in page, text
    chinese = words(study, "report.zh.html")
    for text in ("空缺年份的误差", "记录两端不算空缺", "2 个区域没有估算"):
        assert text in chinese, text
    skipped = json.loads((tmp_path / "results" / "provenance.json").read_text(encoding="utf-8"))
    reasons = [item["reason"] for item in skipped["analyses"]["emission-assess"]["skipped"]]
    assert any("stand at an end of their record" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("emission", "message"),
    [
        ("{panel: none.csv, description: panel.yaml}", "none.csv is not there"),
        ("{panel: panel.csv, description: panel.yaml, model: nothing}", "no folder of a saved model"),
        ("{panel: panel.csv, description: panel.yaml, year: 1999}", "1999 is no year of the panel"),
        ("{panel: panel.csv, description: panel.yaml, families: [oracle]}", "oracle"),
        ("{panel: panel.csv, description: panel.yaml, question: random}", "question"),
        (
            "{panel: panel.csv, description: panel.yaml, model: simulated_province, families: [ridge]}",
            "give model or families, not both",
        ),
        (
            "{panel: panel.csv, description: panel.yaml, question: nowcast, model: simulated_province}",
            "would be scored on what it knows",
        ),
        ("{panel: panel.csv, description: panel.yaml, truth: panel.yaml}", "emission.truth"),
        ("{panel: panel.csv, description: panel.yaml, colour: red}", "colour"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(tmp_path: Path, emission: str, message: str) -> None:
    with pytest.raises(YaotanError, match=re.escape(message)):
        run(write_study(tmp_path, emission), check=True)
    assert not (tmp_path / "results").exists()


def test_a_panel_of_other_units_is_refused_before_anything_runs(tmp_path: Path) -> None:
    study = write_study(tmp_path)
    text = (tmp_path / "panel.yaml").read_text(encoding="utf-8").replace("unit: km2", "unit: m2")
    (tmp_path / "panel.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(PanelError, match="town is in 'm2' and not in 'km2'"):
        run(study, check=True)

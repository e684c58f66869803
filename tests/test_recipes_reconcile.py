"""Cities, provinces and a nation of a study that add up: files, page, resuming, what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emission_city import write_cities
from test_recipes_emission import words, write_study
from yaotan.errors import YaotanError
from yaotan.recipes.result import load_results
from yaotan.recipes.run import run

PANEL = "panel: panel.csv, description: panel.yaml, families: [ridge], folds: 3, statistic: mean"
CITIES = "cities: {panel: city.csv, description: city.yaml}"
BOTH = f"{{{PANEL}, reconcile: {{{CITIES}, totals: [nation.csv]}}}}"


def write(folder: Path, emission: str = BOTH) -> Path:
    study = write_study(folder, emission, years=4)
    write_cities(folder)
    return study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write(tmp_path_factory.mktemp("reconcile"))
    run(path)
    return path


def test_the_written_table_adds_up_on_every_level(study: Path) -> None:
    folder = study.parent / "results" / "emission"
    nodes = pd.read_csv(folder / "reconciled.csv")
    assert set(nodes["level"]) == {0, 1, 2}
    assert len(nodes) == 4 * (1 + 30 + 87)
    for _, part in nodes.groupby("period"):
        whole = part.set_index("region")["estimate"]
        for name, parts in part[part["parent"].notna()].groupby("parent"):
            assert abs(parts["estimate"].sum() - whole[name]) < 1e-9 * whole[name]
    assert (nodes["estimate"] >= 0).all()
    moved = (nodes["estimate"] - nodes["before"]) / nodes["before_uncertainty"]
    np.testing.assert_allclose(nodes["moved"], moved, rtol=1e-9, atol=1e-9)
    # before stands each level's own estimate, that of cities in the unit of regions, and the nation's
    city = pd.read_csv(folder / "cities" / "estimates.csv").set_index(["region", "period"])["estimate"]
    one = nodes[nodes["level"] == 2].iloc[5]
    assert one["before"] == pytest.approx(city[(one["region"], one["period"])] / 1000.0)
    given = pd.read_csv(study.parent / "nation.csv").set_index("period")["estimate"]
    top = nodes[nodes["level"] == 0].set_index("period")["before"]
    pd.testing.assert_series_equal(top.sort_index(), given, check_names=False)


def test_sure_levels_pull_the_others_towards_the_truth(study: Path) -> None:
    nodes = pd.read_csv(study.parent / "results" / "emission" / "reconciled.csv")
    truth = pd.read_csv(study.parent / "panel_truth.csv").groupby("year")["co2"].sum()
    both = nodes[nodes["level"] == 1].groupby("period")[["before", "estimate"]].sum()
    before, after = (np.abs(np.log(both[name] / truth)).mean() for name in ("before", "estimate"))
    assert after < before
    assert after == pytest.approx(np.log(1.02), abs=0.01)  # the nation is stated 2 % high, with 1 % of sigma


def test_the_page_says_who_moved_and_how_far(study: Path) -> None:
    one = load_results(study.parent / "results").emission
    assert one.nodes is not None
    page = words(study, "report.html")
    for text in (
        "Levels that add up: how far each one moved", "24 of 118 nodes in 2012", "Whole land",
        "were made to add up in 4 years", "they share their errors",
        "the errors of 88 of them sum to", "Means, as totals need them",
    ):  # fmt: skip
        assert text in page, text
    chinese = words(study, "report.zh.html")
    for text in ("各级相加一致", "全国", "使部分之和等于整体", "移动（标准差的倍数）"):
        assert text in chinese, text


def test_a_remainder_redoes_one_step_and_is_named(study: Path) -> None:
    assert run(study).executed == []
    record = json.loads((study.parent / "results" / "provenance.json").read_text(encoding="utf-8"))
    (said,) = record["analyses"]["emission-reconcile"]["skipped"]
    assert said["code"] == "itself"
    assert said["reason"].endswith(": r20")
    files = {item["file"] for item in record["inputs"]}
    assert {"panel.csv", "city.csv", "city.yaml", "nation.csv"} <= files
    text = study.read_text(encoding="utf-8")
    study.write_text(
        text.replace("totals: [nation.csv]", "totals: [nation.csv], rest: [CN]"), encoding="utf-8"
    )
    assert [name for name in run(study).executed if name.startswith("emission")] == ["emission-reconcile"]
    nodes = load_results(study.parent / "results").emission.nodes
    rest = nodes[nodes["region"] == "rest of CN"]
    assert len(rest) == 4
    assert set(rest["origin"]) == {"remainder"}
    assert "rest of Whole land" in words(study, "report.html")
    assert "全国其余部分" in words(study, "report.zh.html")


@pytest.mark.parametrize(
    ("emission", "message"),
    [
        (BOTH.replace("statistic: mean", "statistic: median"), "give statistic: mean"),
        (BOTH.replace("families: [ridge]", "model: simulated_province"), "gives medians"),
        (f"{{{PANEL}, reconcile: {{}}}}", "one level has nothing to add up to"),
        (BOTH.replace("nation.csv", "none.csv"), "none.csv is not there"),
        (BOTH.replace("city.csv", "none.csv"), "none.csv is not there"),
        (BOTH.replace("city.csv, description: city.yaml", "panel.csv, description: panel.yaml"),
         "does not say to which region each belongs"),
        (BOTH.replace("totals: [nation.csv]", "totals: [nation.csv], rest: [CX]"), "such as CN"),
        (BOTH.replace("[nation.csv]", "[panel.csv]"), "has no column period"),
        (BOTH.replace("[nation.csv]", "[nation.csv, other.csv]"), "totals name 2 wholes (CN, EU)"),
        (BOTH.replace("city.yaml", "lost.yaml"), "'x00', the parent of a city, is no region of the panel"),
        (BOTH.replace("totals: [nation.csv]", "hierarchy: tree.csv"), "not in the hierarchy"),
    ],
)  # fmt: skip
def test_levels_that_cannot_add_up_are_refused_before_anything_runs(
    tmp_path: Path, emission: str, message: str
) -> None:
    study = write(tmp_path, emission)
    nation = pd.read_csv(tmp_path / "nation.csv")
    nation.assign(region="EU").to_csv(tmp_path / "other.csv", index=False)
    description = (tmp_path / "city.yaml").read_text(encoding="utf-8")
    (tmp_path / "lost.yaml").write_text(
        description.replace("parent: province}", "parent: lost}"), encoding="utf-8"
    )
    if "lost.yaml" in emission:
        table = pd.read_csv(tmp_path / "city.csv")
        lost = table["province"].replace({"r10": "x00"})
        table.drop(columns="province").assign(lost=lost).to_csv(tmp_path / "city.csv", index=False)
    pd.DataFrame({"region": ["r10-1"], "parent": ["r10"]}).to_csv(tmp_path / "tree.csv", index=False)
    with pytest.raises(YaotanError, match=re.escape(message)):
        run(study, check=True)
    assert not (tmp_path / "results").exists()

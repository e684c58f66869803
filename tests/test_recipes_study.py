"""The study file: every problem named, unknown keys with the nearest known one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from yaotan.errors import RecipeError
from yaotan.recipes.study import Study, load_study

GOOD = """
title: {en: Test, zh: 测试}
period: [2020-01-01, 2020-02-29]
inputs:
  - path: data/*.nc4
regions: {path: regions.geojson}
"""


def write_study(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults(tmp_path):
    study = load_study(write_study(tmp_path, GOOD))
    assert study.grid.resolution == 1.0
    assert study.inputs[0].quality == "good"
    assert study.title_in("zh") == "测试"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("title:", "titel:"), ["titel", "title"]),
        (("regions: {path", "regions: {pth"), ["regions.pth", "path"]),
        (("  - path: data/*.nc4", "  - path: data/*.nc4\n    qualty: good"), ["inputs.0.qualty", "quality"]),
        (
            ("path: data/*.nc4", "path: data/*.nc4\n    rules: [{name: a, varible: b}]"),
            ["varible", "variable"],
        ),
        (("2020-02-29]", "2019-02-28]"), ["before it starts"]),
        (("2020-02-29]", "2020-02-30]"), ["out of range"]),
        (("period: [2020-01-01, 2020-02-29]", ""), ["'period' is missing"]),
        (("{path: regions.geojson}", "{}"), ["either path"]),
        (("period:", "region: [140, 20, 100, 10]\nperiod:"), ["south below north"]),
        (("period:", "grid: {resolution: -1}\nperiod:"), ["grid.resolution", "greater than 0"]),
        (("period:", "fill: {options: {maximum: 2e1}}\nperiod:"), ["fill.options: maximum", "20 or 2.0e+1"]),
        (("period:", "title: twice\nperiod:"), ["twice"]),
        (("title: {en", "title: {fr: x, en"), ["languages other than"]),
        (("title: {en: Test", "title: [en: Test"), ["not valid YAML"]),
    ],
)
def test_problems_are_named(tmp_path, change, words):
    path = write_study(tmp_path, GOOD.replace(*change))
    with pytest.raises(RecipeError) as caught:
        load_study(path)
    for word in [*words, "study.yaml"]:
        assert word in str(caught.value)


def test_every_problem_at_once(tmp_path):
    path = write_study(tmp_path, GOOD.replace("title:", "titel:").replace("inputs:", "input:"))
    with pytest.raises(RecipeError, match=r"titel.*input"):
        load_study(path)


def test_missing_file(tmp_path):
    with pytest.raises(RecipeError, match="cannot be read"):
        load_study(tmp_path / "nothing.yaml")


def test_yaml_cannot_run_code(tmp_path):
    path = write_study(tmp_path, GOOD.replace("{en: Test, zh: 测试}", "!!python/object/apply:os.getcwd []"))
    with pytest.raises(RecipeError, match="not valid YAML"):
        load_study(path)


def blocks() -> list[str]:
    """Give the study file that docs/recipe.md writes out."""
    text = (Path(__file__).parents[1] / "docs" / "recipe.md").read_text(encoding="utf-8")
    return re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)


def test_the_study_file_of_the_documentation_can_be_loaded(tmp_path):
    study = load_study(write_study(tmp_path, "".join(blocks())))
    for name in ("prior", "trend", "anomaly", "fill", "hotspots", "validation", "fusion"):
        assert getattr(study, name) is not None, name
    assert study.claims[0].a == "北京市"
    # what is shown as a default is one
    assert study.hotspots == type(study.hotspots)()
    assert study.trend.model_copy(update={"regions": None}) == type(study.trend)()


def keys(model: type[BaseModel]) -> set[str]:
    """Every key that a model and the models in it allow."""
    found = set(model.model_fields)
    for field in model.model_fields.values():
        kinds = [field.annotation, *get_args(field.annotation)]
        kinds += [deep for kind in kinds for deep in get_args(kind)]
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found |= keys(kind)
    return found


def test_the_documentation_names_every_key():
    text = (Path(__file__).parents[1] / "docs" / "recipe.md").read_text(encoding="utf-8")
    # a rule written out is described in screening.md
    rule = {"words", "among", "in", "min", "max", "variable", "gas", "name", "outlier", "deviations"}
    missing = {key for key in keys(Study) - rule if not re.search(rf"\b{key}\b", text)}
    assert missing == set()

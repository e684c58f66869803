"""A run leaves a valid STAC catalog of its inputs and outputs, and resumes it like any other step."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from stac_validation import validate_tree
from test_resume import make_study
from yaotan.recipes.run import run


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    path = make_study(tmp_path_factory.mktemp("study"))
    run(path)
    return path


@pytest.fixture(scope="module")
def tree(study):
    return validate_tree(study.parent / "results" / "stac")


def test_inputs_and_outputs_are_there(tree):
    assert {one["id"] for one in tree["Collection"]} == {
        "input-oco2_lite",
        "input-nies_gosat_co2",
        "columns",
        "tables",
        "report",
    }
    counts = {}
    for item in tree["Feature"]:
        counts[item["collection"]] = counts.get(item["collection"], 0) + 1
    assert counts["input-oco2_lite"] == counts["input-nies_gosat_co2"] == 3
    assert counts["columns"] == 6


def test_every_file_of_the_run_is_an_asset_with_its_checksum(tree, study):
    results = study.parent / "results"
    linked = {}
    for item in tree["Feature"]:
        place = results / "stac" / item["collection"] / "item"
        for asset in item["assets"].values():
            linked[(place / asset["href"]).resolve()] = asset
    made = {path.resolve() for path in results.rglob("*") if path.is_file()}
    expected = {
        path for path in made if not {".steps", "stac"} & set(path.relative_to(results.resolve()).parts)
    }
    assert expected <= set(linked)
    assert {path.resolve() for path in (study.parent / "data").iterdir()} == set(linked) - expected
    for path, asset in linked.items():
        if path.name == "provenance.json":
            assert "file:checksum" not in asset
            continue
        assert asset["file:size"] == path.stat().st_size
        assert asset["file:checksum"] == "1220" + hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_grid_says_where_it_lies_and_of_what_it_is_made(tree):
    grid = next(item for item in tree["Feature"] if item["id"] == "oco2_lite_202002")
    fields = grid["properties"]
    assert (fields["start_datetime"], fields["end_datetime"]) == (
        "2020-02-01T00:00:00Z",
        "2020-02-29T23:59:59.999999Z",
    )
    rows, columns = fields["proj:shape"]
    step_x, _, west, _, step_y, south = fields["proj:transform"]
    assert (
        [west, south, west + columns * step_x, south + rows * step_y] == fields["proj:bbox"] == grid["bbox"]
    )
    sources = [link["href"] for link in grid["links"] if link["rel"] == "derived_from"]
    assert len(sources) == 1
    assert "oco2_LtCO2_200215" in sources[0]


def test_nothing_is_done_twice_and_what_changed_is(study, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(study.parent, copy)
    assert run(copy / "study.yaml").executed == []
    (copy / "results" / "stac" / "columns" / "item" / "oco2_lite_202002.json").write_text("{}")
    assert run(copy / "study.yaml").executed == ["stac"]
    (copy / "results" / "stac" / "catalog.json").unlink()
    assert run(copy / "study.yaml").executed == ["stac"]
    validate_tree(copy / "results" / "stac")
    removed = sorted((copy / "data").glob("oco2*200315*"))
    for path in removed:
        path.unlink()
    assert {"footprints", "stac"} <= set(run(copy / "study.yaml").executed)
    left = validate_tree(copy / "results" / "stac")
    gone = ("oco2_LtCO2_200315", "oco2_lite_202003")
    assert not [item["id"] for item in left["Feature"] if any(name in item["id"] for name in gone)]


def test_the_catalog_does_not_depend_on_the_place(study, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(study.parent, moved, ignore=shutil.ignore_patterns("results"))
    run(moved / "study.yaml")

    def read(folder: Path) -> dict[str, object]:
        found = {}
        for path in sorted((folder / "results" / "stac").rglob("*.json")):
            text = path.read_text()
            content = json.loads(text)
            for asset in content.get("assets", {}).values():
                # netCDF and Parquet files hold the date of their making
                if not asset["href"].startswith("../../../../data"):
                    asset.pop("file:checksum", None)
                    asset.pop("file:size", None)
            found[path.relative_to(folder).as_posix()] = content
        return found

    assert read(study.parent) == read(moved)

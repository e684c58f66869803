"""Saved models of emissions: equal in a fresh process, schema and files guarded, a card that says it all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import emission_truth
from yaotan.emission.archive import load_model, save_model
from yaotan.emission.evaluation import evaluate
from yaotan.emission.model import ProvincialEmission
from yaotan.emission.packing import CLASSES, PackedModel, pack_model, unpack_model
from yaotan.emission.split import splits
from yaotan.errors import ModelError, PanelError

#: for a process that shares nothing with this one
SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[2])
import emission_truth
from yaotan.emission.archive import load_model
panel = emission_truth.panel()
panel = panel.hidden(panel.table["period"] > 2007)
made = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    model = load_model(folder)
    loaded = set(sys.modules)
    parts = (model.predict_values(panel), *model.predict_bounds(panel, level=0.8))
    assert set(sys.modules) == loaded, sorted(set(sys.modules) - loaded)
    made[folder.name] = [[None if not np.isfinite(v) else v for v in part] for part in parts]
print(json.dumps(made))
"""
OPTIONS = {
    "linear": {"families": ("ridge", "kernel"), "folds": 3},
    "trees": {"families": ("trees",), "folds": 2},
    "boosting": {"families": ("boosting",), "folds": 2},
    "nowcast": {"question": "nowcast", "statistic": "mean"},
    "infill": {"question": "infill"},
}


@pytest.fixture(scope="module")
def panel():
    return emission_truth.panel()


def ridge(panel) -> ProvincialEmission:
    return ProvincialEmission(families=("ridge",), folds=3).fit(panel)


def test_a_fresh_process_predicts_the_same_and_loads_no_more_for_it(tmp_path: Path, panel) -> None:
    known = panel.hidden(panel.table["period"] > 2007)
    models = {name: ProvincialEmission(**options).fit(known) for name, options in OPTIONS.items()}
    for name, model in models.items():
        save_model(model, tmp_path / name, panel=known)
    script = [sys.executable, "-c", SCRIPT, tmp_path, Path(__file__).parent]
    done = subprocess.run(script, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert set(found) == set(models)
    for name, model in models.items():
        wanted = (model.predict_values(known), *model.predict_bounds(known, level=0.8))
        np.testing.assert_array_equal(np.array(found[name], dtype=float), wanted, err_msg=name)


def test_without_lightgbm_the_other_boosting_is_saved(tmp_path: Path, panel, monkeypatch) -> None:
    monkeypatch.setattr("yaotan.emission.candidate.has_lightgbm", lambda: False)
    model = ProvincialEmission(families=("boosting",), folds=2).fit(panel)
    save_model(model, tmp_path / "m")
    assert sorted(path.suffix for path in (tmp_path / "m").iterdir()) == [".json", ".json", ".skops"]
    np.testing.assert_array_equal(
        load_model(tmp_path / "m").predict_values(panel), model.predict_values(panel)
    )


def test_the_card_says_it_all(tmp_path: Path, panel) -> None:
    model = ridge(panel)
    scored = evaluate(model, panel, splits(panel, "no_inventory", folds=3))
    random = evaluate(model, panel, splits(panel, "random", folds=3))
    digest = save_model(
        model, tmp_path / "m", panel=panel, evaluations={"leave province out": scored, "random": random},
        title="a toy", licence="CC0-1.0", limits=("Of simulated provinces only.",),
    )  # fmt: skip
    card = json.loads((tmp_path / "m" / "card.json").read_text(encoding="utf-8"))
    assert card["digest"] == digest
    text = card["card"]
    assert text["title"] == "a toy"
    assert text["licence"] == "CC0-1.0"
    assert text["schema"]["scope"] == "scope 1"
    assert [rule["name"] for rule in text["schema"]["rules"]] == ["people", "lights", "town"]
    assert text["training"]["rows"] == 112
    assert text["training"]["years"] == [2001, 2008]
    assert len(text["training"]["sha256"]) == 64
    assert text["scores"]["leave province out"]["leaky"] is False
    assert text["scores"]["random"]["leaky"] is True
    assert text["scores"]["leave province out"]["metrics"]["wmape"] > 0
    assert text["limits"][-1] == "Of simulated provinces only."
    assert text["seed"] == 0
    assert set(card["software"]) <= {"yaotan", "scikit-learn", "skops"}
    loaded = load_model(tmp_path / "m", digest=digest)
    row = text["estimates"][1]
    table = loaded.predict_table(panel).set_index(["region", "period"])["estimate"]
    assert table[(row["region"], row["period"])] == row["estimate"]
    assert loaded.card_["title"] == "a toy"


def test_a_panel_that_differs_is_refused_after_loading(tmp_path: Path, panel) -> None:
    save_model(ridge(panel), tmp_path / "m")
    model = load_model(tmp_path / "m")
    with pytest.raises(PanelError, match="lights is in 'W' and not in 'nW cm-2 sr-1'"):
        model.predict(panel.with_entry("lights", unit="W"))
    with pytest.raises(PanelError, match="lights is missing"):
        model.predict(panel.select(features=("people", "town")))
    reordered = type(panel)(panel.table, tuple(panel.columns[i] for i in (0, 1, 3, 2, 4)))
    with pytest.raises(PanelError, match="the order is lights, people, town"):
        model.predict_interval(reordered)
    brighter = panel.with_columns({"lights": panel.table["lights"] * 1e3})
    assert len(model.schema_.outside(brighter)) > 100
    assert model.schema_.outside(panel).empty


def test_a_tampered_model_is_refused(tmp_path: Path, panel) -> None:
    digest = save_model(ridge(panel), tmp_path / "m")
    path = tmp_path / "m" / "model.json"
    text = path.read_text()
    path.write_text(text.replace('"smearing_": 1.', '"smearing_": 2.', 1))
    assert path.read_text() != text
    with pytest.raises(ModelError, match=r"model\.json: has changed since it was saved"):
        load_model(tmp_path / "m")
    save_model(ridge(emission_truth.panel(seed=7)), tmp_path / "m")
    with pytest.raises(ModelError, match="is another model"):
        load_model(tmp_path / "m", digest=digest)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"class": "Popen", "fields": {}}, "names the class 'Popen'"),
        ({"class": "Design", "fields": {"run": 1}}, "Design has no field 'run'"),
        ({"estimator": 5}, "is damaged"),
        ({"booster": "booster_9"}, "is damaged"),
        ({"frame": [[1]], "names": ["a", "b"], "index": {"range": 1}}, "is damaged"),
        ({"nothing": 1}, "is damaged"),
    ],
)
def test_a_tree_makes_nothing_that_is_not_named(tree, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        unpack_model(PackedModel(tree))


def test_what_is_no_model_is_refused(tmp_path: Path, panel) -> None:
    with pytest.raises(ModelError, match="is not fitted"):
        save_model(ProvincialEmission(), tmp_path / "m")
    broken = ridge(panel)
    broken.engine_.extra = open
    with pytest.raises(ModelError, match="which cannot be saved"):
        save_model(broken, tmp_path / "m")
    assert not list(tmp_path.iterdir())
    from yaotan.io.model import write_model

    write_model({"line": {"slope": 1.0}}, {}, tmp_path / "line")
    with pytest.raises(ModelError, match="is no model of emissions"):
        load_model(tmp_path / "line")
    write_model(pack_model(broken.calibration_).parts, {}, tmp_path / "part")
    with pytest.raises(ModelError, match="holds a Calibration"):
        load_model(tmp_path / "part")


def test_every_class_of_the_list_is_there() -> None:
    from importlib import import_module

    for name, module in CLASSES.items():
        assert getattr(import_module(module), name).__module__ == module

"""Saved models: equal in a fresh process, refused when changed, atomic, and no type that was not allowed."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from yaotan.errors import ModelError, ModelVersionWarning, OutputError
from yaotan.io.model import CARD, read_model, write_model

TREE = "sklearn.tree._tree.Tree"


def train(seed: int = 0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, 3))
    y = x @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=60)
    return make_pipeline(StandardScaler(), Ridge()).fit(x, y), x, y


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    model, x, _ = train()
    write_model({"line": model, "facts": {"range": x.min(axis=0)}}, {"title": "a line"}, tmp_path / "m")
    return tmp_path / "m"


def test_a_fresh_process_predicts_the_same(tmp_path: Path) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    model, x, y = train()
    forest = ExtraTreesRegressor(5, random_state=0).fit(x, y)
    booster = lightgbm.train({"verbose": -1, "min_data": 5, "num_threads": 1}, lightgbm.Dataset(x, y), 5)
    parts = {"line": model, "forest": forest, "boost": booster, "rows": {"x": x}}
    write_model(parts, {"title": "three models"}, tmp_path / "m", trusted=[TREE])
    code = (
        "import sys, json; from yaotan.io.model import read_model\n"
        f"parts = read_model(sys.argv[1], trusted=[{TREE!r}]).parts; x = parts['rows']['x']\n"
        "print(json.dumps({n: parts[n].predict(x).tolist() for n in ('line', 'forest', 'boost')}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "m"], capture_output=True, text=True, check=True
    )
    for name, values in json.loads(done.stdout).items():
        np.testing.assert_array_equal(values, parts[name].predict(x), err_msg=name)
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [
        "boost.lightgbm.txt", CARD, "forest.skops", "line.skops", "rows.json",
    ]  # fmt: skip


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    part = {
        "float": np.array([[0.1, np.nan], [np.inf, -np.inf]]), "count": np.array([1, 2], dtype="int32"),
        "flag": np.array([True, False]), "text": np.array(["面积", "b"]), "empty": np.zeros((0, 3)),
        "large": np.random.default_rng(0).normal(size=(50, 20)), "big endian": np.arange(100, dtype=">i4"),
        "nested": [{"a": 1.5, "b": None, "c": "x", "d": float("nan")}, True],
    }  # fmt: skip
    write_model({"part": part}, {}, tmp_path / "m")
    back = read_model(tmp_path / "m").parts["part"]
    for name in ("float", "count", "flag", "text", "empty", "large", "big endian"):
        np.testing.assert_array_equal(back[name], part[name])
        assert back[name].dtype == part[name].dtype
    assert back["nested"][0]["a"] == 1.5
    assert np.isnan(back["nested"][0]["d"])
    assert back["nested"][1] is True


@pytest.mark.parametrize("file", ["line.skops", "facts.json"])
def test_one_changed_byte_is_refused(saved: Path, file: str) -> None:
    content = bytearray((saved / file).read_bytes())
    content[len(content) // 2] ^= 1
    (saved / file).write_bytes(bytes(content))
    with pytest.raises(ModelError, match=rf"{file}: has changed since it was saved"):
        read_model(saved)


def test_a_changed_card_is_refused_and_a_remade_folder_is_known_by_its_digest(
    saved: Path, tmp_path: Path
) -> None:
    digest = read_model(saved).digest
    assert read_model(saved, digest=digest).card == {"title": "a line"}
    card = json.loads((saved / CARD).read_text())
    card["card"]["title"] = "a better line"
    (saved / CARD).write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r"card\.json: has changed"):
        read_model(saved)
    write_model({"line": train(1)[0]}, {"title": "a line"}, tmp_path / "other")
    with pytest.raises(ModelError, match="is another model"):
        read_model(tmp_path / "other", digest=digest)


def test_types_that_are_not_allowed_are_refused_at_both_ends(tmp_path: Path) -> None:
    _, x, y = train()
    forest = ExtraTreesRegressor(2, random_state=0).fit(x, y)
    with pytest.raises(ModelError, match=rf"this kind of model does not allow: {TREE}"):
        write_model({"forest": forest}, {}, tmp_path / "m")
    assert not (tmp_path / "m").exists()
    write_model({"forest": forest}, {}, tmp_path / "m", trusted=[TREE])
    with pytest.raises(ModelError, match="are not allowed"):
        read_model(tmp_path / "m")


def test_another_version_warns(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_model(saved)
    real = __import__("importlib.metadata", fromlist=["version"]).version
    monkeypatch.setattr(
        "yaotan.io.model_part.metadata.version", lambda name: "9.9" if name == "scikit-learn" else real(name)
    )
    with pytest.warns(ModelVersionWarning, match=r"scikit-learn .* \(here 9.9\)"):
        read_model(saved)


def test_a_failed_save_leaves_the_old_model(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (saved / "train.py").write_text("# remakes it")
    before = read_model(saved)

    def fail(*_args: object, **_options: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", fail)
        with pytest.raises(OutputError, match="disk is full"):
            write_model({"line": train(1)[0]}, {"title": "new"}, saved)
    assert read_model(saved).digest == before.digest
    write_model({"line": train(1)[0]}, {"title": "new"}, saved)
    assert sorted(path.name for path in saved.iterdir()) == [CARD, "line.skops", "train.py"]
    assert [path.name for path in saved.parent.iterdir()] == ["m"]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(OutputError, match="something that is no model"):
        write_model({"line": {"a": 1}}, {}, tmp_path / "thesis")
    with pytest.raises(ModelError, match="holds no model"):
        read_model(tmp_path / "thesis")


def remake(folder: Path, change) -> None:
    """A card that was changed by someone who hashes it anew."""
    import hashlib

    card = json.loads((folder / CARD).read_text())
    del card["digest"]
    change(card)
    text = json.dumps(card, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    (folder / CARD).write_text(json.dumps({**card, "digest": hashlib.sha256(text).hexdigest()}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: card["parts"]["line"].update(file="../secret"), "names files outside"),
        (lambda card: card["parts"]["line"].update(kind="pickle"), "unknown kind 'pickle'"),
        (lambda card: card.update(format="yaotan model 7"), "of the format 'yaotan model 7'"),
        (lambda card: card["parts"]["line"].pop("sha256"), "is damaged"),
        (lambda card: card.pop("parts"), "is damaged"),
    ],
)
def test_a_hostile_card_is_refused(saved: Path, change, message: str) -> None:
    remake(saved, change)
    with pytest.raises(ModelError, match=message):
        read_model(saved)


def test_a_packed_array_that_says_more_than_it_is_is_refused(tmp_path: Path) -> None:
    from yaotan.io.model_part import decode_part, encode_part

    whole = json.loads(encode_part("a", {"x": np.zeros(1000)}, ()))
    for change in ({"shape": [999]}, {"shape": [1 << 40]}, {"zlib": "AAAA"}):
        content = json.dumps({"x": whole["x"] | change}).encode()
        with pytest.raises(ModelError, match="is damaged"):
            decode_part("a", "arrays", content, ())


def test_an_archive_that_unpacks_to_too_much_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yaotan.io.model_part.LARGEST", 1000)
    with zipfile.ZipFile(saved / "line.skops") as archive:
        assert sum(item.file_size for item in archive.infolist()) > 1000
    with pytest.raises(ModelError, match="would unpack to"):
        read_model(saved)


@pytest.mark.parametrize(
    ("parts", "card", "message"),
    [
        ({"a": {"b": object()}}, {}, r"a\.b: a object has no place"),
        ({"a": {"b": np.array([object()])}}, {}, "an array is of object"),
        ({"a": {1: 2}}, {}, "a key that is no text"),
        ({"a": lambda x: x}, {}, "cannot be written|does not allow"),
        ({"../a": {"b": 1}}, {}, "no names that are file names"),
        ({"card": {"b": 1}}, {}, "no names that are file names"),
        ({}, {}, "no names that are file names"),
        ({"a": {"b": 1}}, {"score": float("nan")}, "the card holds what JSON cannot"),
        ({"a": {"b": 1}}, {"score": np.array([1])}, "the card holds what JSON cannot"),
    ],
)
def test_what_has_no_place_is_refused_by_name(tmp_path: Path, parts, card, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        write_model(parts, card, tmp_path / "m")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["line.skops", "facts.json", CARD])
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(ModelError, match=rf"{name}"):
        read_model(saved)

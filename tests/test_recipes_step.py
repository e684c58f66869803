"""Steps: done when record and output exist; redone when anything they stand on changed."""

from __future__ import annotations

import json

import pytest

from yaotan.recipes import step as step_module
from yaotan.recipes.step import Ledger, Step


@pytest.fixture
def make(tmp_path):
    def build(text="a", inputs=None, parameters=None, name="one"):
        def work():
            path = tmp_path / f"{name}.txt"
            path.write_text(text)
            return [path], {"length": len(text)}

        return Step(name, inputs or {"in": "1"}, parameters or {"p": 1}, work)

    return build


def executed(tmp_path, *steps):
    ledger = Ledger(tmp_path)
    for step in steps:
        ledger.do(step)
    return ledger.executed


def test_second_run_does_nothing(tmp_path, make):
    assert executed(tmp_path, make()) == ["one"]
    assert executed(tmp_path, make()) == []


@pytest.mark.parametrize("change", [{"inputs": {"in": "2"}}, {"parameters": {"p": 2}}])
def test_change_redoes(tmp_path, make, change):
    executed(tmp_path, make())
    assert executed(tmp_path, make(**change)) == ["one"]


def test_only_what_depends_is_redone(tmp_path, make):
    executed(tmp_path, make(), make(name="two"))
    assert executed(tmp_path, make(inputs={"in": "2"}), make(name="two")) == ["one"]


def test_touched_or_lost_output_redoes(tmp_path, make):
    executed(tmp_path, make())
    (tmp_path / "one.txt").write_text("changed by hand")
    assert executed(tmp_path, make()) == ["one"]
    (tmp_path / "one.txt").unlink()
    assert executed(tmp_path, make()) == ["one"]


def test_half_written_record_redoes(tmp_path, make):
    executed(tmp_path, make())
    record = tmp_path / ".steps" / "one.json"
    record.write_text(record.read_text()[:20])
    assert executed(tmp_path, make()) == ["one"]


def test_new_code_redoes(tmp_path, make, monkeypatch):
    executed(tmp_path, make())
    monkeypatch.setattr(step_module, "code_version", lambda: "other")
    assert executed(tmp_path, make()) == ["one"]


def test_failed_work_leaves_no_record(tmp_path, make):
    def fail():
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        executed(tmp_path, Step("one", {}, {}, fail))
    assert not (tmp_path / ".steps" / "one.json").exists()


def test_steps_that_left_the_study_are_forgotten(tmp_path, make):
    executed(tmp_path, make(), make(name="two"))
    ledger = Ledger(tmp_path)
    ledger.do(make())
    ledger.forget_others()
    assert not (tmp_path / "two.txt").exists()
    assert (tmp_path / "one.txt").exists()


def test_record_says_all(tmp_path, make):
    executed(tmp_path, make())
    record = json.loads((tmp_path / ".steps" / "one.json").read_text())
    assert set(record) == {"step", "inputs", "parameters", "code", "outputs", "summary"}
    assert record["summary"] == {"length": 1}

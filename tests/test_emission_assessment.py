"""One assessment of a panel: simulated provinces whose truth is known, the model that comes with yaotan."""

from __future__ import annotations

import json
import runpy
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from yaotan import ProvincialEmission, load_model, save_model
from yaotan.catalog.source import root
from yaotan.cli.main import main
from yaotan.emission import Panel, PanelColumn, assess, find_model, open_panel
from yaotan.emission.archive import training_hash
from yaotan.errors import ModelError, PanelError
from yaotan.simulate.province import FALSIFIED, simulate_provinces


@pytest.fixture(scope="module")
def made():
    return simulate_provinces(3)


@pytest.fixture(scope="module")
def given(made):
    return assess(made.panel(), model=load_model(find_model("simulated_province")))


def test_the_packaged_model_is_small_quiet_and_needs_no_other_package() -> None:
    folder = root("models") / "simulated_province"
    files = {path.name for path in folder.iterdir() if path.is_file()}
    assert files == {"card.json", "domain.json", "model.json", "train.py"}
    assert sum((folder / name).stat().st_size for name in files) < 200_000
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert set(card["software"]) == {"yaotan"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = load_model(folder)
    assert model.card_["scores"]["random rows"]["leaky"] is True
    assert "says nothing of any real one" in " ".join(model.card_["limits"])


def test_its_script_remakes_it() -> None:
    folder = root("models") / "simulated_province"
    old = load_model(folder)
    new, learned = runpy.run_path(str(folder / "train.py"))["fit"]()
    assert training_hash(learned) == old.card_["training"]["sha256"]
    assert new.smearing_ == pytest.approx(old.smearing_, rel=1e-9)
    panel = simulate_provinces(8).panel()
    for mine, theirs in zip(new.predict_bounds(panel), old.predict_bounds(panel), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9)


def test_estimates_come_near_the_known_truth(made, given) -> None:
    table = given.estimates.merge(made.truth.rename(columns={"year": "period"}), on=["region", "period"])
    assert len(table) == 300
    inside = (table["co2"] >= table["lower"]) & (table["co2"] <= table["upper"])
    # 0.18 of a province and 0.03 of a year are what no feature knows: 0.146 is expected, 0.02 its error
    assert 0.09 < np.abs(np.log(table["estimate"] / table["co2"])).mean() < 0.21
    assert 0.8 < inside.mean() <= 1.0
    assert table["held_out"].sum() == table["reported"].notna().sum() == 280
    assert table["inside"].astype(bool).mean() > 0.8
    assert given.unit == "Mt yr-1"


def test_the_falsified_figure_is_where_to_look_first(made, given) -> None:
    wrong = made.truth[made.truth["falsified"]].iloc[0]
    first = given.opinion.iloc[0]
    assert (first["region"], first["period"]) == (wrong["region"], wrong["year"])
    assert first["flagged"]
    assert first["ratio"] == pytest.approx(FALSIFIED, abs=0.06)
    assert {"z_features", "z_past", "z_features_own", "z_past_own"} <= set(given.opinion)


@pytest.fixture(scope="module")
def small() -> Panel:
    return simulate_provinces(4, regions=14, years=6).panel()


def test_a_model_is_trained_where_none_is_given(small) -> None:
    panel = small
    trained = assess(panel, families=("ridge",), folds=3)
    assert trained.evaluation.configurations >= 3
    assert not trained.evaluation.leaky
    # what is estimated of a reported row does not know it: another figure there gives the same estimate
    row = int(np.flatnonzero(panel.table["co2"].notna())[5])
    other = panel.with_columns(
        {"co2": panel.table["co2"].where(panel.table.index != row, panel.table["co2"] * 0.5)}
    )
    again = assess(other, families=("ridge",), folds=3)
    assert again.estimates["estimate"].iloc[row] == pytest.approx(trained.estimates["estimate"].iloc[row])
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(again.opinion, trained.opinion)


def test_whole_zones_are_left_out_where_asked_for(small) -> None:
    zone = small.table["region"].str[-1].where(small.table["region"].str[-1] < "3", "3")
    zoned = small.with_columns({"zone": zone})
    found = assess(zoned, protocol="leave_region_out", families=("ridge",))
    assert found.evaluation.protocol == "leave_region_out"
    assert len(found.evaluation.choices) == zone.nunique() == 4
    assert set(found.tables()["provinces"]["region"]) == set(found.evaluation.predictions["region"])
    with pytest.raises(PanelError, match="no column zone"):
        assess(small, protocol="leave_region_out", families=("ridge",))
    with pytest.raises(PanelError, match="province_forward asks a model of no_inventory"):
        assess(small, question="nowcast", protocol="province_forward")


def test_a_nowcast_is_assessed_too(made) -> None:
    late = made.panel().hidden(made.panel().table["period"] > 2016)
    nowcast = assess(late, question="nowcast")
    assert nowcast.evaluation.protocol == "forward"
    first = nowcast.estimates[nowcast.estimates["period"] < nowcast.evaluation.predictions["period"].min()]
    assert first["reported"].notna().sum() == nowcast.unasked > 0
    assert first["estimate"].isna().all()
    new = nowcast.estimates[nowcast.estimates["period"] > 2016]
    assert not new["held_out"].any()
    assert new["estimate"].notna().sum() == 56
    assert nowcast.estimates["inside"].isna().all()


def test_gaps_are_assessed_and_ends_of_records_are_none(made) -> None:
    panel = made.panel()
    table, regions = panel.table, list(dict.fromkeys(panel.table["region"]))
    gap = table["region"].isin(regions[3:6]) & table["period"].between(2013, 2014)
    late = (table["region"] == regions[7]) & (table["period"] > 2016)
    asked = panel.hidden((gap | late).to_numpy())
    found = assess(asked, question="infill", folds=5)
    assert found.evaluation.protocol == "gaps"
    assert found.model.question == "infill"
    new = found.estimates[gap.to_numpy()].merge(
        made.truth.rename(columns={"year": "period"}), on=["region", "period"]
    )
    assert len(new) == 6
    assert not new["held_out"].any()
    # 0.03 of a year is what the years around do not know, and simulated records grow steadily
    assert np.abs(np.log(new["estimate"] / new["co2"])).mean() < 0.1
    assert ((new["lower"] < new["estimate"]) & (new["estimate"] < new["upper"])).all()
    # a reported figure of an end stands in no gap: giving it back would be no estimate
    ends = found.estimates[found.estimates["reported"].notna() & ~found.estimates["held_out"]]
    assert ends["estimate"].isna().all()
    assert found.unasked == len(ends) >= 2 * 27
    assert found.estimates[late.to_numpy()]["estimate"].isna().all()
    assert found.bare == int(asked.table["co2"].isna().sum()) - 6
    assert {"z_around", "z_around_own"} <= set(found.opinion)


def test_a_gas_from_satellites_is_an_opinion_of_its_own(small) -> None:
    noise = np.exp(np.random.default_rng(0).normal(0, 0.3, len(small)))
    seen = small.with_columns(
        {"no2_enhancement": small.table["lights"] ** 0.8 * noise},
        (PanelColumn("no2_enhancement", "feature", "mol m-2"),),
    )
    found = assess(seen, families=("ridge",), folds=3).opinion
    assert {"z_satellite", "z_satellite_own"} <= set(found)


def test_few_provinces_have_no_second_opinion_and_it_is_said() -> None:
    few = simulate_provinces(1, regions=5, honest=True).panel()
    found = assess(few, model=load_model(find_model("simulated_province")), folds=5)
    assert found.opinion.empty
    assert "5 provinces report, 6 are needed" in found.notes[0]


def test_misuse_is_refused(made) -> None:
    model = load_model(find_model("simulated_province"))
    learned = simulate_provinces(20260, regions=40, honest=True).panel()
    with pytest.raises(ModelError, match="learned from this panel"):
        assess(learned, model=model)
    # nor one that shares a few rows with what it learned from, whatever stands beside them
    some = learned.select(regions=["r03", "r04"], period=(2009, 2010)).table
    mixed = Panel(pd.concat([some.assign(region=some["region"] + " old"), some]), learned.columns)
    with pytest.raises(ModelError, match="4 of its 8 reported rows"):
        assess(mixed, model=model, folds=2)
    with pytest.raises(ModelError, match="the model answers no_inventory"):
        assess(made.panel(), question="nowcast", model=model)
    with pytest.raises(PanelError, match="question 'random' is unknown"):
        assess(made.panel(), question="random")
    early = ProvincialEmission("nowcast").fit(made.panel().select(period=(2009, 2015)))
    with pytest.raises(ModelError, match="would be scored on what it knows"):
        assess(made.panel(), question="nowcast", model=early)
    with pytest.raises(ModelError, match=r"folder with card\.json, or simulated_province"):
        find_model("no_such_model")
    lit = made.panel().with_entry("lights", unit="W")
    with pytest.raises(PanelError, match="lights is in 'W'"):
        assess(lit, model=model)
    other = Panel(made.panel().table, (PanelColumn("co2", "target", "kg s-1"), *made.panel().columns[1:]))
    with pytest.raises(ModelError, match="estimates 'Mt yr-1'"):
        assess(other, model=model)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["emission", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_commands_train_predict_evaluate(tmp_path: Path, capsys) -> None:
    made = simulate_provinces(4, regions=14, years=6)
    made.write(tmp_path)
    said = ("--description", tmp_path / "panel.yaml")
    status, out, _ = run(
        capsys, "train", tmp_path / "panel.csv", tmp_path / "m", *said, "--families", "ridge"
    )
    assert status == 0
    assert "leave_province_out: 72 rows held out" in out
    assert "intervals of 90 % held in" in out
    digest = out.split()[-1]
    target = tmp_path / "estimates.csv"
    status, out, _ = run(
        capsys, "predict", tmp_path / "m", tmp_path / "panel.csv", target, *said, "--digest", digest
    )
    assert status == 0
    table = pd.read_csv(target)
    assert len(table) == 84
    assert {"estimate", "lower", "upper", "factor", "beyond", "dissimilarity", "inside", "unit"} <= set(table)
    status, out, _ = run(
        capsys, "evaluate", tmp_path / "panel.csv", tmp_path / "out", *said, "--model", "simulated_province"
    )
    assert status == 0
    wrong = made.truth[made.truth["falsified"]].iloc[0]
    shown = out.split("look here first")[1].splitlines()[1]
    name = f"Province {int(wrong['region'][1:])}"
    assert shown.split(":")[0].strip() == f"{wrong['region']} {name} {wrong['year']}"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "scores.csv", "skill.csv", "intervals.csv", "estimates.csv", "opinion.csv", "health.csv",
        "provinces.csv",
    }  # fmt: skip
    held_out = pd.read_csv(tmp_path / "out" / "estimates.csv")
    pd.DataFrame({"region": held_out["region"].unique(), "parent": "CN"}).to_csv(
        tmp_path / "tree.csv", index=False
    )
    tables = (tmp_path / "sum.csv", tmp_path / "out" / "estimates.csv")
    status, _, err = run(capsys, "reconcile", *tables, "--hierarchy", tmp_path / "tree.csv")
    assert status == 2
    assert "a sum of medians" in err


def test_predicted_sectors_sum_to_the_estimate(tmp_path: Path, capsys) -> None:
    simulate_provinces(4, regions=14, years=6).write(tmp_path)
    table = pd.read_csv(tmp_path / "panel.csv")
    table["power"] = table["co2"] * np.where(table["plants"] > table["plants"].median(), 0.6, 0.3)
    table.to_csv(tmp_path / "panel.csv", index=False)
    text = (tmp_path / "panel.yaml").read_text(encoding="utf-8")
    text += "  power: {role: part, unit: Mt yr-1, source: test, lag: 2}\n"
    (tmp_path / "panel.yaml").write_text(text, encoding="utf-8")
    model = ProvincialEmission(families=("ridge",), folds=3)
    save_model(model.fit(open_panel(tmp_path / "panel.csv", tmp_path / "panel.yaml")), tmp_path / "m")
    said = ("--description", tmp_path / "panel.yaml")
    status, *_ = run(capsys, "predict", tmp_path / "m", tmp_path / "panel.csv", tmp_path / "e.csv", *said)
    assert status == 0
    made = pd.read_csv(tmp_path / "e.csv")
    np.testing.assert_allclose(made["sector_power"] + made["sector_rest"], made["estimate"], rtol=1e-9)
    assert made["sector_power"].div(made["estimate"]).between(0.3, 0.6).all()


def test_a_model_of_gaps_is_trained_and_gives_known_years_back(tmp_path: Path, capsys) -> None:
    simulate_provinces(4, regions=14, years=8).write(tmp_path)
    table = pd.read_csv(tmp_path / "panel.csv")
    first = sorted(table["region"].unique())[2]
    inside = (table["region"] == first) & table["year"].isin(sorted(table["year"].unique())[3:5])
    table.loc[inside, "co2"] = np.nan
    table.to_csv(tmp_path / "panel.csv", index=False)
    asked = (tmp_path / "panel.csv", "--description", tmp_path / "panel.yaml", "--question", "infill")
    status, out, _ = run(capsys, "train", asked[0], tmp_path / "m", *asked[1:])
    assert status == 0
    assert "infill, gaps:" in out
    target = tmp_path / "filled.csv"
    status, out, _ = run(capsys, "predict", tmp_path / "m", asked[0], target, *asked[1:3])
    assert status == 0
    reported = int(table["co2"].notna().sum())
    assert f"known to the model and given back as they are: {reported} rows" in out
    filled = pd.read_csv(target).set_index(["region", "period"])
    assert filled["known"].sum() == reported
    assert filled.loc[first, "known"].tolist() == [True] * 3 + [False] * 2 + [True] * 3
    status, out, _ = run(capsys, "evaluate", asked[0], tmp_path / "out", *asked[1:])
    assert status == 0
    assert "reported rows without an estimate: " in out
    assert "they stand at an end of their record" in out
    status, _, err = run(capsys, "train", asked[0], tmp_path / "m2", *asked[1:3], "--question", "random")
    assert status == 2
    assert "no_inventory, nowcast, infill" in err


SAID = ("--description", "panel.yaml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("evaluate", "panel.csv", "out"), "no description of the columns"),
        (("predict", "nothing", "panel.csv", "t.csv", *SAID), "no folder of a saved model"),
        (("evaluate", "none.csv", "out", *SAID), "none.csv"),
        (("predict", "simulated_province", "panel.csv", "t.csv", *SAID, "--digest", "0"), "is another model"),
    ],
)  # fmt: skip
def test_commands_say_what_is_wrong(made, tmp_path: Path, capsys, monkeypatch, arguments, message) -> None:
    made.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert message in err
    assert "Traceback" not in err

"""Panels of which nothing can be asked: library, study and command say what is wrong, and where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from test_recipes_emission import write_study
from yaotan.catalog.region import region_catalog
from yaotan.cli.main import main
from yaotan.emission import assess, open_panel
from yaotan.emission.admission import admit_panel
from yaotan.errors import PanelError
from yaotan.recipes.run import run
from yaotan.simulate.province import simulate_provinces

Table = pd.DataFrame


def one_province(table: Table) -> Table:
    return table[table["region"] == table.dropna(subset=["co2"])["region"].iloc[0]]


def few_provinces(table: Table) -> Table:
    return table[table["region"].isin(table.dropna(subset=["co2"])["region"].unique()[:8])]


def constant(table: Table) -> Table:
    return table.assign(co2=table["co2"].where(table["co2"].isna(), 50.0))


def no_target(table: Table) -> Table:
    return table.assign(co2=np.nan)


def empty_feature(table: Table) -> Table:
    return table.assign(town=np.nan)


def negative(table: Table) -> Table:
    return table.assign(co2=table["co2"].where(table.index != 4, -3.0))


def doubled(table: Table) -> Table:
    return pd.concat([table, table.iloc[[3]]])


def unknown_code(table: Table) -> Table:
    names = table["region"].unique()
    codes = [*sorted(region_catalog().provinces)[: len(names) - 1], "990000"]
    return table.assign(region=table["region"].map(dict(zip(names, codes, strict=True))))


def placeholder(table: Table) -> Table:
    row = table.dropna(subset=["co2"]).index[4]
    return table.assign(co2=table["co2"].where(table.index != row, 1.0))


def copied(table: Table) -> Table:
    return table.assign(plants=table["co2"].fillna(1.0) * 2.0)


CASES = {
    one_province: "targets of one region only",
    few_provinces: "8 regions report, which cannot bear an interval of 90 %. Expected: 9 regions or more",
    constant: "all 280 targets are 50. Expected: targets that differ",
    no_target: "no row has a target that may be used. Expected: a figure in some rows",
    empty_feature: "no value of town. Expected: a value in some of them. To do: leave the feature out",
    negative: "column 'co2' is negative: northwest 2013. Expected: a target of 0 or more. To do: mend it",
    doubled: "2 rows share a region and period: northwest 2012. Expected: each region and period once",
    unknown_code: "unknown code: 990000, expected a code of GB/T 2260",
    placeholder: "placeholder: co2 of",
    copied: "leak: plants",
}


@pytest.mark.parametrize(("change", "message"), CASES.items(), ids=[one.__name__ for one in CASES])
def test_it_is_said_by_library_study_and_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[Table], Table], message: str
) -> None:
    study = write_study(tmp_path, "{panel: panel.csv, description: panel.yaml}")
    files = tmp_path / "panel.csv", tmp_path / "panel.yaml"
    change(pd.read_csv(files[0])).to_csv(files[0], index=False)
    with pytest.raises(PanelError) as told:
        assess(open_panel(*files))
    assert message in str(told.value)
    assert told.value.where
    assert told.value.fix
    with pytest.raises(PanelError) as told:
        run(study, check=True)
    assert message in str(told.value)
    assert "panel.csv" in told.value.where
    for arguments in (("evaluate", files[0], tmp_path / "out"), ("train", files[0], tmp_path / "model")):
        if arguments[0] == "train" and change is few_provinces:
            continue  # eight are enough to learn from
        with pytest.raises(SystemExit) as stop:
            main(["emission", *map(str, arguments), "--description", str(files[1]), "--families", "ridge"])
        captured = capsys.readouterr()
        assert stop.value.code == 2
        assert message in captured.err
        assert "Traceback" not in captured.err
        assert not Path(arguments[2]).exists()


def test_a_healthy_panel_is_admitted_with_its_warnings() -> None:
    panel = simulate_provinces(5).panel()
    found = admit_panel(panel, "no_inventory")
    assert set(found["severity"]) <= {"warning", "note"}
    assert "jump" in set(found["finding"])  # the falsified figure
    # what nothing is learned from needs no features that were seen, and no number of regions
    few = panel.select(regions=list(dict.fromkeys(panel.table["region"]))[:5])
    assert admit_panel(few, "no_inventory", folds=2, trained=True) is not None
    with pytest.raises(PanelError, match="leave no year to be estimated"):
        admit_panel(panel, "nowcast", lag=9)


@pytest.mark.parametrize("level", [0.0, 1.0, 1.5, 95.0, float("nan")])
def test_a_level_that_is_no_probability_is_refused(tmp_path: Path, capsys, level: float) -> None:
    made = simulate_provinces(3)
    with pytest.raises(PanelError, match=r"level: a level of .*between 0 and 1"):
        admit_panel(made.panel(), "no_inventory", level=level)
    made.write(tmp_path)
    said = ("--description", tmp_path / "panel.yaml", "--level", level)
    arguments = ("simulated_province", tmp_path / "panel.csv", tmp_path / "out.csv", *said)
    with pytest.raises(SystemExit) as stop:
        main(["emission", "predict", *map(str, arguments)])
    assert stop.value.code == 2
    assert "a probability between 0 and 1" in capsys.readouterr().err


def test_a_scale_without_values_is_no_growth_of_nothing() -> None:
    panel = simulate_provinces(5).panel()
    dark = panel.with_columns({"lights": np.nan})
    with pytest.raises(PanelError, match="no value of lights"):
        assess(dark, question="nowcast")

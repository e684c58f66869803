"""Health of panels: each flaw is planted once and found, the real flaws are found, honest columns pass."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import emission_panel
from yaotan.catalog.boundary import boundary_changes
from yaotan.emission import Panel, PanelColumn, check_panel

COLUMNS = (
    PanelColumn("co2", "target", "Mt yr-1", lag=2),
    PanelColumn("power", "part", "Mt yr-1", lag=2),
    PanelColumn("mark", "flag", "1"),
    PanelColumn("people", "scale", "1"),
    PanelColumn("lights", "feature", "nW cm-2 sr-1"),
)
YEARS = range(2001, 2017)


def healthy(seed: int = 0, regions: int = 12) -> pd.DataFrame:
    """Give a panel with regions of other size, common growth, and honest noise."""
    random = np.random.default_rng(seed)
    places = [(f"r{number:02d}", year) for number in range(regions) for year in YEARS]
    table = pd.DataFrame(places, columns=["region", "period"])
    number = table["region"].str[1:].astype(int).to_numpy()
    size = np.exp(random.normal(0.0, 1.0, regions))[number]
    growth = np.exp(0.06 * (table["period"].to_numpy() - 2001))
    course = np.cumsum(random.normal(0.0, 0.03, (regions, len(YEARS))), axis=1).ravel()
    people = 1e7 * size * np.exp(random.normal(0.0, 0.3, regions))[number] * growth**0.1
    lights = 1e5 * size * np.exp(random.normal(0.0, 0.4, regions))[number] * growth
    lights = lights * np.exp(random.normal(0.0, 0.05, len(table)))
    co2 = 100 * size * growth * np.exp(course)
    return table.assign(co2=co2, power=0.4 * co2, mark="", people=people, lights=lights)


def found(table: pd.DataFrame, *, columns=COLUMNS, severity=("error", "warning")) -> list[tuple]:
    result = check_panel(table, columns)
    rows = result[result["severity"].isin(severity)]
    return [
        (region, None if pd.isna(period) else int(period), column, finding)
        for region, period, column, finding in rows[["region", "period", "column", "finding"]].values
    ]


def test_a_healthy_panel_has_no_finding():
    for seed in range(3):
        assert check_panel(healthy(seed), COLUMNS).empty
    assert check_panel(Panel(healthy(), COLUMNS)).empty


@pytest.mark.parametrize(
    ("row", "column", "value", "expected"),
    [
        (20, "co2", 1e-3, {("r01", 2005, "co2", "placeholder"), ("r01", 2005, "power", "part_above_target")}),
        (20, "co2", -4.0, {("r01", 2005, "co2", "negative"), ("r01", 2005, "co2", "gap")}),
        (20, "co2", np.nan, {("r01", 2005, "co2", "gap")}),
        (20, "people", -1.0, {("r01", 2005, "people", "negative")}),
        (20, "people", 0.0, {("r01", 2005, "people", "zero")}),
        (20, "power", 1e4, {("r01", 2005, "power", "part_above_target")}),
        (20, "lights", 1e7, {("r01", 2005, "lights", "jump"), ("r01", 2006, "lights", "jump")}),
    ],
)
def test_one_planted_flaw_is_found_and_nothing_else(row, column, value, expected):
    table = healthy()
    table.loc[row, column] = value
    result = {item for item in found(table) if item[3] != "changing_set" and item[2] + item[3] != "powerjump"}
    assert result == expected


def test_doubled_rows_are_an_error_and_counted():
    table = pd.concat([healthy(), healthy().iloc[[20, 20]]])
    result = check_panel(table, COLUMNS)
    assert result.loc[0, ["region", "period", "finding", "severity", "value"]].tolist() == [
        "r01", 2005, "duplicate", "error", 3.0,
    ]  # fmt: skip
    assert len(result) == 1


def test_a_placeholder_that_is_marked_is_a_note():
    table = healthy()
    table.loc[20, ["co2", "power"]] = 1e-3
    table.loc[20, "mark"] = "placeholder"
    assert ("r01", 2005, "co2", "placeholder") not in found(table)
    assert ("r01", 2005, "co2", "placeholder") in found(table, severity=("note",))
    assert ("r01", 2005, "co2", "flagged") in found(table, severity=("note",))


def test_gaps_repeats_constants_and_missing_columns():
    table = healthy().drop(index=20)
    assert ("r01", 2005, "", "gap") in found(table)
    table = healthy()
    table.loc[20:23, "people"] = table.loc[20, "people"]
    assert found(table) == [("r01", 2005, "people", "repeated")]
    assert ("*", None, "lights", "constant") in found(healthy().assign(lights=1.0))
    assert ("*", None, "lights", "all_missing") in found(healthy().assign(lights=np.nan))
    table = healthy()
    table.loc[table["region"] == "r03", "co2"] = np.nan
    assert found(table) == []
    assert ("r03", None, "co2", "no_target") in found(table, severity=("note",))


def test_a_set_of_regions_that_changes_is_said():
    table = healthy()
    table.loc[(table["period"] > 2010) & (table["region"] >= "r08"), "co2"] = np.nan
    assert found(table) == [("*", 2011, "co2", "changing_set")]


def test_tonnes_taken_for_megatonnes_and_strange_codes():
    table = healthy()
    table[["co2", "power"]] *= 1e6
    large = [item for item in found(table) if item[3] == "too_large"]
    assert [item[1] for item in large] == list(YEARS)
    codes = [f"{code}0000" for code in (11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33)]
    names = dict(zip(sorted(set(table["region"])), [*codes, "990000"], strict=True))
    table = healthy().assign(region=lambda t: t["region"].map(names))
    assert found(table) == [("990000", None, "", "unknown_code")]
    table["parent"] = table["region"]
    table.loc[table["region"] == "990000", "region"] = "130100"
    table.loc[table["region"] == "130100", "parent"] = "110000"
    assert found(table) == [("130100", None, "", "other_parent")]


LEAKS = {
    "copy": lambda t, r: 3.0 * t["co2"] + 7.0,
    "noisy": lambda t, r: t["co2"] * np.exp(r.normal(0.0, 0.1, len(t))),
    "logarithm": lambda t, r: np.log(t["co2"]),
    "reciprocal": lambda t, r: 1.0 / t["co2"],
    "per_person": lambda t, r: t["co2"] / t["people"],
    "year_before": lambda t, r: t.groupby("region")["co2"].shift(1),
    "mean_of_region": lambda t, r: t.groupby("region")["co2"].transform("mean"),
    "change": lambda t, r: t.groupby("region")["co2"].pct_change(),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_planted_column_made_from_the_target_is_caught(name):
    table = healthy()
    table["planted"] = LEAKS[name](table, np.random.default_rng(1))
    columns = (*COLUMNS, PanelColumn("planted", "feature", "1"))
    assert ("*", None, "planted", "leak") in found(table, columns=columns)
    declared = (*COLUMNS, PanelColumn("planted", "feature", "1", derived_from_target=True))
    assert ("*", None, "planted", "leak") not in found(table, columns=declared)
    assert ("*", None, "planted", "derived") in found(table, columns=declared, severity=("note",))


def test_too_small_a_panel_says_that_copies_are_not_looked_for():
    table = healthy(regions=2)
    rows = check_panel(table[table["period"] < 2004], COLUMNS)
    assert set(rows.loc[rows["finding"] == "leak_unchecked", "column"]) == {"people", "lights"}


def test_merged_places_are_known():
    laiwu, chaohu = boundary_changes()["laiwu"], boundary_changes()["chaohu"]
    assert (laiwu.code, laiwu.year, laiwu.others) == ("371200", 2019, ("370100",))
    assert (chaohu.code, chaohu.year, len(chaohu.others)) == ("341400", 2011, 3)
    table = healthy()
    names = {"r00": "371200", "r01": "370100", "r02": "340100", "r03": "500000", "r04": "341400"}
    table["region"] = table["region"].replace(names)
    assert set(found(table)) == {("340100", 2011, "", "boundary"), ("341400", 2011, "", "gone")}
    later = table.assign(period=table["period"] + 10)
    assert ("371200", 2019, "", "gone") in found(later)
    assert ("370100", 2019, "", "boundary") in found(later)
    assert ("500000", 1997, "", "boundary") in found(table.assign(period=table["period"] - 10))


def test_flaws_of_the_real_provinces(data_root):
    panel = emission_panel.province_panel(data_root)
    result = check_panel(panel)
    assert (result["severity"] != "error").all()
    marked = result[result["finding"] == "placeholder"]
    assert list(zip(marked["region"], marked["period"], strict=True)) == [
        ("460000", 2002),
        ("640000", 2001),
        ("640000", 2002),
    ]
    # unmarked they are errors; a county map of CO2 spread from lights, taken for honest, is caught
    blind = panel.with_columns({"target_flag": ""}).with_entry(
        "chen2020_ntl_co2_mt", derived_from_target=False
    )
    errors = check_panel(blind).query("severity == 'error'")
    assert errors["finding"].tolist() == ["leak"] + ["placeholder"] * 3
    assert errors["column"].iloc[0] == "chen2020_ntl_co2_mt"


def test_flaws_of_the_real_cities(data_root):
    result = check_panel(emission_panel.city_panel(data_root))
    assert set(result.loc[result["finding"] == "boundary", "region"]) == {
        "340100", "340200", "340500", "370100",
    }  # fmt: skip
    assert not (result["finding"] == "leak").any()
    assert {"gap", "changing_set", "no_target", "jump", "placeholder"} <= set(result["finding"])

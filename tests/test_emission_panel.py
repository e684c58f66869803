"""The panel: what it refuses, what it gives, and what no model may see."""

from __future__ import annotations

from dataclasses import MISSING, fields

import numpy as np
import pandas as pd
import pytest

from yaotan.emission import Panel, PanelColumn
from yaotan.errors import PanelError, UnitsError
from yaotan.io.panel import ColumnEntry

COLUMNS = (
    PanelColumn("co2", "target", "Mt yr-1", scope="scope 1", lag=2),
    PanelColumn("steel", "part", "Mt yr-1", lag=2),
    PanelColumn("mark", "flag", "1"),
    PanelColumn("people", "scale", "1", lag=1),
    PanelColumn("lights", "feature", "nW cm-2 sr-1"),
    PanelColumn("copy", "feature", "Mt yr-1", derived_from_target=True),
)


def table() -> pd.DataFrame:
    frame = pd.DataFrame(
        [(r, y) for r in ("b", "a") for y in (2003, 2001, 2002)], columns=["region", "period"]
    )
    number = np.arange(len(frame), dtype=float)
    return frame.assign(
        zone="north",
        co2=[30.0, 10.0, 1.0, 60.0, 40.0, np.nan],
        steel=number,
        mark=[None, "", "placeholder", None, None, None],
        people=1e6 + number,
        lights=number,
        copy=number,
    )


@pytest.fixture
def panel() -> Panel:
    return Panel(table(), COLUMNS)


def test_rows_are_sorted_and_keys_come_first(panel):
    assert list(panel.table.columns[:3]) == ["region", "period", "zone"]
    assert panel.table["region"].tolist() == ["a"] * 3 + ["b"] * 3
    assert panel.table["period"].tolist() == [2001, 2002, 2003] * 2
    assert panel.table.index.tolist() == list(range(6))
    assert panel.table["co2"].tolist()[3:] == [10.0, 1.0, 30.0]


def test_the_table_given_is_not_edited_and_none_is_shared(panel):
    given = table()
    made = Panel(given, COLUMNS)
    made.table.loc[0, "people"] = -1.0
    pd.testing.assert_frame_equal(given, table())
    changed = panel.select(period=(2001, 2002))
    changed.table.loc[:, "people"] = 0.0
    assert (panel.table["people"] > 0).all()


def test_a_flagged_row_and_a_row_without_target_are_not_observed(panel):
    assert panel.has_target.tolist() == [True, False, True, True, False, True]
    assert len(panel.observed()) == 4
    counts = panel.missing().set_index("column")
    assert counts.loc["co2", ["present", "absent", "flagged"]].tolist() == [4, 1, 1]


def test_features_hold_nothing_that_tells_the_target(panel):
    assert panel.features == ("people", "lights")
    assert panel.scales == ("people",)
    assert panel.parts == ("steel",)
    for name, why in (("copy", "derived"), ("co2", "target"), ("steel", "part"), ("mark", "flag")):
        with pytest.raises(PanelError, match=why):
            panel.matrix([name])
        with pytest.raises(PanelError, match=why):
            panel.select(features=["lights", name])
    assert panel.select(features=["lights"]).features == ("lights",)


def test_one_megatonne_a_year_of_365_25_days_in_estimates(panel):
    assert panel.rates()[0] == pytest.approx(40e9 / (365.25 * 86400), rel=1e-12)


def test_hidden_rows_keep_nothing_of_the_target(panel):
    hidden = panel.hidden(panel.group == "a")
    rows = hidden.table["region"] == "a"
    assert hidden.table.loc[rows, ["co2", "steel", "copy"]].isna().all().all()
    assert hidden.table.loc[~rows, "co2"].notna().all()
    assert hidden.table["lights"].notna().all()
    assert panel.table["copy"].notna().all()


def test_what_was_known_in_a_year(panel):
    known = panel.known_in(2003).table.set_index(["region", "period"])
    assert known.loc[("b", 2001), "co2"] == 10.0
    assert np.isnan(known.loc[("b", 2002), "co2"])
    assert known.loc[("b", 2002), "people"] > 0
    assert np.isnan(known.loc[("b", 2003), "people"])
    assert known["lights"].notna().all()


def test_cities_are_grouped_by_their_province():
    frame = table().assign(parent=lambda t: "p" + t["region"])
    assert Panel(frame, COLUMNS).level == "parent"
    assert set(Panel(frame, COLUMNS).group) == {"pa", "pb"}
    assert Panel(table(), COLUMNS).level == "region"


def test_columns_and_facts_can_be_added(panel):
    wider = panel.with_columns({"npp": np.arange(6.0)}, [PanelColumn("npp", "feature", "g m-2 yr-1")])
    assert wider.features == ("people", "lights", "npp")
    assert panel.with_entry("lights", derived_from_target=True).features == ("people",)
    with pytest.raises(PanelError, match="undeclared columns: npp"):
        panel.with_columns({"npp": np.arange(6.0)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: pd.concat([t, t.head(1)]), "2 rows share a region and period: b 2003"),
        (lambda t: t.drop(columns="people"), "lacks the column people"),
        (lambda t: t.assign(other=1.0), "undeclared columns: other"),
        (lambda t: t.assign(co2=-1.0), "'co2' is negative: b 2003"),
        (lambda t: t.assign(lights="many"), "'lights' holds what is no finite number"),
        (lambda t: t.assign(lights=np.inf), "'lights' holds what is no finite number"),
        (lambda t: t.assign(period=2001.5), "no whole year"),
        (lambda t: t.assign(region=None), "no region"),
        (lambda t: t.assign(zone=None), "zone is missing"),
    ],
)
def test_bad_tables_are_refused(change, message):
    with pytest.raises(PanelError, match=message):
        Panel(change(table()), COLUMNS)


@pytest.mark.parametrize(
    ("entry", "error", "message"),
    [
        ({"role": "label"}, PanelError, "role 'label' is unknown"),
        ({"name": "region"}, PanelError, "kept for a key"),
        ({"lag": -1}, PanelError, "lag is -1"),
        ({"role": "target", "unit": "ppm"}, UnitsError, "cannot be turned into 'kg s-1'"),
        ({"unit": "furlongz"}, UnitsError, "unknown"),
    ],
)
def test_bad_entries_are_refused(entry, error, message):
    with pytest.raises(error, match=message):
        PanelColumn(**{"name": "x", "role": "feature", "unit": "1"} | entry)


def test_two_targets_and_no_target_are_said():
    with pytest.raises(PanelError, match="2 columns have role target"):
        Panel(table(), (*COLUMNS[:1], PanelColumn("steel", "target", "Mt yr-1"), *COLUMNS[2:]))
    bare = Panel(table()[["region", "period", "people"]], (COLUMNS[3],))
    with pytest.raises(PanelError, match="no target"):
        _ = bare.target


def test_unknown_names_are_said(panel):
    with pytest.raises(PanelError, match="no column 'height'"):
        panel.matrix(["height"])
    with pytest.raises(PanelError, match="not in the panel: z"):
        panel.select(regions=["a", "z"])
    with pytest.raises(PanelError, match="truth values for 6 rows"):
        panel.select([True])


def test_a_description_has_the_parts_of_a_column() -> None:
    """What YAML may say of a column is what a column has, with the same defaults."""
    said = {name: part for name, part in ColumnEntry.model_fields.items() if name != "stored_as"}
    held = {part.name: part for part in fields(PanelColumn) if part.name != "name"}
    assert said.keys() == held.keys()
    for name, part in held.items():
        assert said[name].is_required() == (part.default is MISSING)
        assert said[name].is_required() or said[name].default == part.default

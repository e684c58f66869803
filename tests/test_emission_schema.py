"""A frozen schema: what differs is refused in one message, what lies beyond the range is listed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from yaotan.emission import Panel, PanelColumn
from yaotan.emission.schema import FeatureSchema, freeze_schema
from yaotan.errors import ModelError, PanelError

COLUMNS = (
    PanelColumn("co2", "target", "Mt yr-1", scope="scope 1"),
    PanelColumn("population", "scale", "1"),
    PanelColumn("lights", "scale", "nW cm-2 sr-1"),
    PanelColumn("urban", "feature", "km2"),
)


def make_panel(columns=COLUMNS, **changes) -> Panel:
    table = pd.DataFrame({
        "region": ["a", "a", "b", "b"], "period": [2001, 2002] * 2, "co2": [10.0, 11.0, 50.0, np.nan],
        "population": [1e6, 1.1e6, 5e6, 5.2e6], "lights": [5.0, 6.0, 40.0, 41.0],
        "urban": [9.0, 10.0, 80.0, 81.0],
    }).assign(**changes)  # fmt: skip
    return Panel(table[["region", "period", *(c.name for c in columns)]], tuple(columns))


@pytest.fixture
def schema() -> FeatureSchema:
    return freeze_schema(make_panel(), transforms={"urban": "log"})


def test_the_same_columns_pass_without_a_target(schema: FeatureSchema) -> None:
    schema.check(make_panel())
    schema.check(make_panel(COLUMNS[1:]))
    extra = PanelColumn("no2", "feature", "mol m-2")
    schema.check(make_panel((*COLUMNS[:2], extra, *COLUMNS[2:]), no2=1.0))
    schema.check(make_panel((*COLUMNS[:3], PanelColumn("urban", "feature", "km^2"))))
    assert schema.rules[2].transform == "log"
    assert (schema.rules[0].lowest, schema.rules[0].highest) == (1e6, 5.2e6)


@pytest.mark.parametrize(
    ("columns", "changes", "message"),
    [
        (COLUMNS[:3], {}, "urban is missing"),
        (
            (*COLUMNS[:3], PanelColumn("urban_km2", "feature", "km2")),
            {"urban_km2": 1.0},
            r"renamed urban_km2\?",
        ),
        (
            (COLUMNS[0], COLUMNS[2], COLUMNS[1], COLUMNS[3]),
            {},
            "the order is lights, population, urban and not",
        ),
        ((*COLUMNS[:3], PanelColumn("urban", "feature", "m2")), {}, "urban is in 'm2' and not in 'km2'"),
        ((*COLUMNS[:3], PanelColumn("urban", "feature", "K")), {}, "urban is in 'K' and not in 'km2'"),
        ((*COLUMNS[:3], PanelColumn("urban", "part", "kg s-1")), {}, "urban has role part"),
        (
            (*COLUMNS[:3], PanelColumn("urban", "feature", "km2", derived_from_target=True)),
            {},
            "derived from the target",
        ),
        (COLUMNS, {"urban": np.nan}, "urban has no value at all"),
    ],
)
def test_what_differs_is_refused(schema: FeatureSchema, columns, changes, message: str) -> None:
    with pytest.raises(PanelError, match=message):
        schema.check(make_panel(columns, **changes))


def test_all_differences_stand_in_one_message(schema: FeatureSchema) -> None:
    columns = (PanelColumn("lights", "scale", "W"), PanelColumn("population", "scale", "1"))
    with pytest.raises(PanelError) as caught:
        schema.check(make_panel(columns))
    for part in ("urban is missing", "lights is in 'W'", "the order is lights, population"):
        assert part in str(caught.value)


def test_rows_beyond_the_range_are_listed(schema: FeatureSchema) -> None:
    table = schema.outside(make_panel(urban=[9.0, 5.0, 81.0, 200.0], lights=[5.0, np.nan, 40.0, 41.0]))
    assert table[["region", "period", "feature"]].values.tolist() == [
        ["a", 2002, "lights"], ["a", 2002, "urban"], ["b", 2002, "urban"],
    ]  # fmt: skip
    assert np.isnan(table["value"].iloc[0])
    assert table[["value", "lowest", "highest"]].iloc[2].tolist() == [200.0, 9.0, 81.0]
    assert schema.outside(make_panel()).empty


def test_gaps_that_the_model_knew_are_no_finding() -> None:
    schema = freeze_schema(make_panel(urban=[9.0, np.nan, 80.0, 81.0]))
    assert schema.outside(make_panel(urban=[np.nan, 9.0, 80.0, 81.0])).empty
    schema.check(make_panel(urban=np.nan))


def test_the_card_holds_it_all(schema: FeatureSchema) -> None:
    import json

    card = json.loads(json.dumps(schema.to_card()))
    assert FeatureSchema.from_card(card) == schema
    assert card["target_unit"] == "Mt yr-1"
    for broken in ({}, {"rules": [{"colour": 1}]}, card | {"rules": None}):
        with pytest.raises(ModelError, match="schema is damaged"):
            FeatureSchema.from_card(broken)


def test_a_panel_without_features_has_no_schema() -> None:
    with pytest.raises(PanelError, match="no feature"):
        freeze_schema(make_panel(COLUMNS[:1]))
    assert freeze_schema(make_panel(), ("urban", "population")).names == ("population", "urban")

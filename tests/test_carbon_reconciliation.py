"""Reconciliation: parts that sum to the gap, whatever the order."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from yaotan.carbon.reconciliation import reconcile_stock, shapley, waterfall
from yaotan.errors import SchemaError

COLUMNS = ["area", "definition", "depth", "fraction", "biomass", "soil"]
numbers = st.floats(0.1, 10.0)
rows = st.fixed_dictionaries(dict.fromkeys(COLUMNS, numbers))


def account(values: list[dict[str, float]]) -> pd.DataFrame:
    return pd.DataFrame(values).assign(**{"class": [f"c{number}" for number in range(len(values))]})


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.lists(rows, min_size=1, max_size=3), st.lists(rows, min_size=1, max_size=3))
def test_parts_sum_to_the_gap_and_turn_their_sign_round(ours, theirs) -> None:
    one, two = account(ours).drop(columns="definition"), account(theirs)
    split = reconcile_stock(one, two)
    totals = [(t.area * (t.biomass * t.fraction + t.soil * t.depth)).sum() for t in (one, two)]
    gap = totals[1] - totals[0]
    assert split.attrs["gap"] == pytest.approx(gap, rel=1e-9, abs=1e-9)
    assert float(split.contribution.sum()) == pytest.approx(gap, rel=1e-9, abs=1e-9)
    steps = waterfall(split)
    assert steps["end"].iloc[-2] == pytest.approx(totals[1])
    np.testing.assert_allclose(steps["start"].iloc[2:-1], steps["end"].iloc[1:-2])


def test_the_mean_over_all_orders() -> None:
    ours, theirs = {"a": 2.0, "b": 3.0, "c": 5.0}, {"a": 1.0, "b": 7.0, "c": 4.0}

    def value(group):
        return np.array(np.prod([(theirs if name in group else ours)[name] for name in ours]))

    mean = dict.fromkeys(ours, 0.0)
    orders = list(itertools.permutations(ours))
    for order in orders:
        there: set[str] = set()
        for name in order:
            mean[name] += float(value(there | {name}) - value(there)) / len(orders)
            there.add(name)
    got = shapley(lambda group: value(set(group)), list(ours))
    assert {name: float(part) for name, part in got.items()} == pytest.approx(mean)


def test_one_difference_is_the_whole_gap() -> None:
    base = account(
        [{"area": 2.0, "definition": 1.0, "depth": 1.0, "fraction": 0.47, "biomass": 9.0, "soil": 8.0}]
    )
    for column, expected in (
        ("fraction", "fraction"),
        ("soil", "soil"),
        ("depth", "depth"),
        ("area", "area"),
    ):
        changed = base.assign(**{column: base[column] * 1.5})
        parts = reconcile_stock(base, changed).contribution.sum("class").to_series()
        assert parts.drop(expected).abs().max() < 1e-9
        assert parts[expected] > 0


def test_a_wider_definition_on_the_same_map() -> None:
    """Their forest takes in half as much again of our map: k = 1.5, and their area is 1.5 x ours."""
    ours = pd.DataFrame({"class": ["forest"], "area": [2.0], "soil": [10.0]})
    theirs = pd.DataFrame({"class": ["forest"], "area": [3.0], "definition": [1.5], "soil": [10.0]})
    parts = reconcile_stock(ours, theirs).contribution.sum("class").to_series()
    assert parts["definition"] == pytest.approx(10.0)
    assert abs(parts["area"]) < 1e-9


def test_what_they_do_not_say_is_not_told_apart() -> None:
    ours = pd.DataFrame(
        {"class": ["a", "b"], "area": [2.0, 1.0], "biomass": [10.0, 1.0], "fraction": [0.5, 0.5]}
    )
    theirs = pd.DataFrame({"class": ["a"], "area": [2.0], "biomass": [12.0]})
    split = reconcile_stock(ours, theirs, uncertainty=(3.0, 4.0))
    assert split.attrs["not_separated"] == "fraction"
    assert split.attrs["gap_uncertainty"] == 5.0
    parts = split.contribution.to_series()
    assert parts["b", "area"] == pytest.approx(-0.5)  # a class that they lack
    assert parts["a", "biomass"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="area"), "no column area"),
        (lambda t: t.assign(soil=np.nan), "soil of 'c0' in ours is missing"),
        (lambda t: pd.concat([t, t]), "twice"),
        (lambda t: t.assign(**{"class": "other"}), "no class in common"),
    ],
)
def test_refused(change, words) -> None:
    table = account([dict.fromkeys(COLUMNS, 1.0)])
    with pytest.raises(SchemaError, match=words):
        reconcile_stock(change(table), table)

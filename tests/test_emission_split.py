"""Splits: each question has its folds, and a fold in which a model could see its answer is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from emission_truth import panel
from yaotan import evaluate
from yaotan.emission import PanelColumn, splits
from yaotan.emission.baseline import PerScale
from yaotan.emission.split import Fold, Splits
from yaotan.errors import PanelError


@pytest.fixture(scope="module")
def made():
    return panel()


@pytest.mark.parametrize("protocol", ["leave_province_out", "leave_region_out"])
def test_what_is_left_out_is_left_out_whole_and_estimated_once(made, protocol):
    folds = splits(made, "no_inventory", protocol=protocol, folds=5)
    unit = made.table["zone" if protocol == "leave_region_out" else "region"]
    for fold in folds:
        assert not set(unit.iloc[fold.train]) & set(unit.iloc[fold.test])
        assert len(fold.train) + len(fold.test) == len(made)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(made)))
    assert not folds.leaky


def test_cities_of_a_province_leave_together(made):
    parents = made.with_columns({"parent": made.table["region"].str[:2]})
    for fold in splits(parents, "no_inventory", folds=2):
        assert not set(parents.group.iloc[fold.train]) & set(parents.group.iloc[fold.test])


@pytest.mark.parametrize(("lag", "first"), [(2, 2006), (3, 2007)])
def test_a_nowcast_learns_from_what_is_known(made, lag, first):
    folds = splits(made, "nowcast", lag=lag)
    years = made.table["period"].to_numpy()
    assert [fold.year for fold in folds] == list(range(first, 2009))
    for fold in folds:
        assert set(years[fold.test]) == {fold.year}
        assert years[fold.train].max() == fold.year - lag
        assert years[fold.train].min() == 2001


def test_province_forward_keeps_the_province_and_the_lag_out(made):
    years, regions = made.table["period"].to_numpy(), made.table["region"].to_numpy()
    folds = splits(made, "nowcast", protocol="province_forward", folds=4)
    for fold in folds:
        assert years[fold.train].max() <= fold.year - 2
        assert not set(regions[fold.train]) & set(regions[fold.test])
    assert sum(len(fold.test) for fold in folds) == (years >= 2006).sum()


def test_gaps_lie_between_known_years(made):
    years, regions = made.table["period"].to_numpy(), made.table["region"].to_numpy()
    for fold in splits(made, "infill", folds=3):
        for row in fold.test:
            known = years[fold.train][regions[fold.train] == regions[row]]
            assert known.min() < years[row] < known.max()


def test_a_random_split_is_labelled(made):
    assert splits(made, "random").leaky


def test_a_random_split_under_another_name_is_caught(made):
    drawn = splits(made, "random", folds=5)
    posing = replace(drawn, question="no_inventory", protocol="leave_province_out")
    with pytest.raises(PanelError, match="is learned from and estimated"):
        evaluate(PerScale("people"), made, posing)


@pytest.mark.parametrize(
    ("question", "protocol", "fold", "match"),
    [
        ("nowcast", "forward", Fold(np.arange(6), np.array([7]), "x", 2008), "targets of 2008|not known"),
        ("nowcast", "forward", Fold(np.arange(6), np.array([7]), "x"), "estimates one year"),
        ("infill", "gaps", Fold(np.arange(6), np.array([5]), "x"), "learned from and estimated"),
        ("infill", "gaps", Fold(np.arange(6), np.array([999]), "x"), "not among"),
        ("infill", "gaps", Fold(np.arange(6), np.array([], int), "x"), "0 to estimate"),
    ],
)
def test_folds_made_by_hand_are_checked(made, question, protocol, fold, match):
    rows = fold if "targets" not in match else Fold(np.arange(7), np.array([7]), "x", 2008)
    with pytest.raises(PanelError, match=match):
        Splits(question, protocol, (rows,)).check(made)


def test_flagged_rows_and_rows_without_target_are_in_no_fold(made):
    marks = np.where(np.arange(len(made)) < 4, "placeholder", "")
    flagged = made.with_columns({"mark": marks}, [PanelColumn("mark", "flag", "1")]).hidden([10])
    used = np.concatenate([fold.test for fold in splits(flagged, "no_inventory", folds=4)])
    assert not set(used) & {0, 1, 2, 3, 10}
    assert len(used) == len(made) - 5


@pytest.mark.parametrize(
    ("change", "arguments", "match"),
    [
        (lambda p: p, {"question": "future"}, "'future' is unknown"),
        (lambda p: p, {"question": "nowcast", "protocol": "gaps"}, "no protocol 'gaps'"),
        (lambda p: p.select(regions=["p01"]), {"question": "no_inventory"}, "only 1 region"),
        (lambda p: p.select(period=(2001, 2003)), {"question": "nowcast"}, "leave no year"),
        (lambda p: p.select(period=(2001, 2002)), {"question": "infill"}, "three years"),
        (lambda p: p.hidden(np.arange(len(p))), {"question": "random"}, "no row has a target"),
    ],
)
def test_what_cannot_be_split_says_so(made, change, arguments, match):
    with pytest.raises(PanelError, match=match):
        splits(change(made), **arguments)


def test_a_zone_must_be_there(made):
    bare = type(made)(made.table.drop(columns="zone"), made.columns)
    with pytest.raises(PanelError, match="no column zone"):
        splits(bare, "no_inventory", protocol="leave_region_out")

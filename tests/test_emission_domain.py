"""Area of applicability: the index of the paper by hand, planted cases inside and outside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from yaotan.emission.domain import Domain, upper_whisker
from yaotan.errors import PanelError


def test_the_index_by_hand() -> None:
    """Four points on a line, spread 1, two folds: distances as anybody can count them."""
    rows = pd.DataFrame({"a": [0.0, 1.0, 3.0, 4.0]})
    domain = Domain().fit(rows, folds=[1, 1, 2, 2])
    sd = np.std([0.0, 1.0, 3.0, 4.0], ddof=1)
    # pairs: 1 3 4 2 3 1, mean 14/6; to the other fold: 3 2 2 3
    assert domain.mean_distance_ == pytest.approx(14 / 6 / sd)
    np.testing.assert_allclose(domain.training_, np.array([3.0, 2.0, 2.0, 3.0]) * 6 / 14)
    assert domain.threshold_ == pytest.approx(18 / 14)
    seen = domain.assess(pd.DataFrame({"a": [3.5, 6.9, 7.1]}))
    np.testing.assert_allclose(seen.dissimilarity, np.array([0.5, 2.9, 3.1]) * 6 / 14)
    assert seen.inside.tolist() == [True, True, False]


def test_whisker_has_the_hinges_of_a_box_plot() -> None:
    """R's boxplot.stats(c(1:9, 20)): hinges 3 and 8, whisker to 9; c(1:9, 15.5) keeps 15.5."""
    assert upper_whisker(np.array([*range(1, 10), 20.0])) == 9.0
    assert upper_whisker(np.array([*range(1, 10), 15.5])) == 15.5
    assert upper_whisker(np.array([2.0])) == 2.0


@pytest.fixture(scope="module")
def planted():
    """Thirty provinces of eight years on a sheet of five features, two of which matter."""
    rng = np.random.default_rng(4)
    centre = np.repeat(rng.normal(size=(30, 5)), 8, axis=0)
    rows = pd.DataFrame(centre + 0.1 * rng.normal(size=centre.shape), columns=list("abcde"))
    fold = np.repeat(np.arange(30), 8)
    return rows, fold, pd.Series({"a": 1.0, "b": 1.0, "c": 0.0, "d": 0.0, "e": -0.2})


def test_planted_rows_are_inside_and_outside(planted) -> None:
    rows, fold, importance = planted
    domain = Domain().fit(rows, folds=fold, importance=importance)
    near = rows.sample(50, random_state=0) + 0.02
    assert domain.assess(near).inside.all()
    far = near.assign(b=near["b"] + 6.0)
    seen = domain.assess(far)
    assert not seen.inside.any()
    assert set(seen.reason) == {"beyond the threshold"}
    assert (seen.farthest == "b").mean() > 0.9
    # what the model does not use does not take a row out
    assert domain.assess(near.assign(d=1e6, e=-1e6)).inside.all()
    assert not Domain().fit(rows, folds=fold).assess(near.assign(d=1e6)).inside.any()


def test_random_folds_make_the_area_narrow(planted) -> None:
    """A row whose own province stands in another fold seems near: the threshold is that of a memory."""
    rows, fold, importance = planted
    honest = Domain().fit(rows, folds=fold, importance=importance)
    random = Domain().fit(rows, folds=np.arange(len(rows)) % 5, importance=importance)
    assert random.threshold_ < 0.5 * honest.threshold_


def test_the_error_grows_across_the_threshold(planted) -> None:
    """Nearest neighbour on a curved field: outside the area it errs more than validation said."""
    rows, fold, importance = planted
    rng = np.random.default_rng(0)

    def field(table: pd.DataFrame) -> np.ndarray:
        return np.sin(table["a"].to_numpy()) + table["b"].to_numpy() ** 2

    new = pd.DataFrame(rng.normal(scale=2.5, size=(600, 5)), columns=list("abcde"))
    domain = Domain().fit(rows, folds=fold, importance=importance)
    seen = domain.assess(new)
    points, others = new[["a", "b"]].to_numpy(), rows[["a", "b"]].to_numpy()
    nearest = ((points[:, None] - others[None]) ** 2).sum(-1).argmin(1)
    error = np.abs(field(rows)[nearest] - field(new))
    assert 0.2 < seen.inside.mean() < 0.8
    assert np.median(error[~seen.inside]) > 3 * np.median(error[seen.inside])


def test_blocks_give_what_one_piece_gives(planted, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, fold, importance = planted
    whole = Domain().fit(rows, folds=fold, importance=importance)
    monkeypatch.setattr("yaotan.emission.domain._BLOCK", 7)
    parts = Domain().fit(rows, folds=fold, importance=importance)
    np.testing.assert_allclose(parts.training_, whole.training_, rtol=1e-12)
    pd.testing.assert_frame_equal(parts.assess(rows), whole.assess(rows))


def test_gaps_are_said(planted) -> None:
    rows, fold, _ = planted
    gappy = rows.copy()
    gappy.loc[:15, "c"] = np.nan
    domain = Domain().fit(gappy, folds=fold)
    assert domain.left_out_ == 16
    seen = domain.assess(gappy)
    assert set(seen.reason[:16]) == {"a value is missing"}
    assert not seen.inside[:16].any()
    assert np.isnan(seen.dissimilarity[:16]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folds": [1] * 240}, "fewer than two folds"),
        ({"folds": [1, 2]}, "2 folds for 240 rows"),
        ({"importance": pd.Series({"a": 1.0})}, "no importance is given for b, c, d, e"),
        ({"importance": pd.Series(dict.fromkeys("abcde", -1.0))}, "no importance is above 0"),
        ({"constant": True}, "no column varies"),
        ({"empty": True}, "leave out c, which has no value"),
    ],
)
def test_bad_input_is_named(planted, change, message: str) -> None:
    rows, fold, _ = planted
    rows = rows * 0 if change.get("constant") else rows
    rows = rows.assign(c=np.nan) if change.get("empty") else rows
    with pytest.raises(PanelError, match=message):
        Domain().fit(rows, folds=change.get("folds", fold), importance=change.get("importance"))


def test_unfitted_and_missing_columns_are_refused(planted) -> None:
    rows, fold, _ = planted
    with pytest.raises(PanelError, match="is not fitted"):
        Domain().assess(rows)
    with pytest.raises(PanelError, match="columns are missing: e"):
        Domain().fit(rows, folds=fold).assess(rows[list("abcd")])

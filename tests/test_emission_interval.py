"""Grouped conformal intervals: they cover provinces not seen, and say where they cannot."""

from __future__ import annotations

import numpy as np
import pytest

from emission_truth import panel
from yaotan import ProvincialEmission, evaluate
from yaotan.emission import splits
from yaotan.emission.interval import GroupedConformal, is_largest, label_rows, least_units
from yaotan.errors import PanelError


def residuals(rng: np.random.Generator, provinces: int, years: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Nine tenths of the variance belong to the province, as in real panels."""
    own, free = rng.normal(0, 0.3, provinces), rng.normal(0, 0.1, (provinces, years))
    return (own[:, None] + free).ravel(), np.repeat(np.arange(provinces), years)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_a_province_not_seen_is_covered(level):
    rng = np.random.default_rng(5)
    hits = []
    for _ in range(60):
        r, group = residuals(rng, 31)
        known = group > 0
        width = GroupedConformal().fit(r[known], group[known]).half_width(level)[0]
        hits.append((np.abs(r[~known]) <= width).mean())
    assert np.mean(hits) == pytest.approx(level, abs=0.09)


def test_random_rows_as_units_would_be_too_narrow():
    """What grouping is for: pooled rows of few provinces take the errors of those seen for all."""
    rng = np.random.default_rng(5)
    r, group = residuals(rng, 12, 40)
    grouped = GroupedConformal().fit(r, group)
    assert grouped.units() == 12
    pooled = GroupedConformal().fit(r, np.arange(len(r)))
    assert pooled.units() == 480
    assert grouped.half_width(0.9)[0] > pooled.half_width(0.9)[0]


def test_widths_follow_the_difficulty():
    rng = np.random.default_rng(2)
    sigma = np.repeat(np.where(np.arange(40) < 20, 1.0, 3.0), 5)
    made = GroupedConformal().fit(sigma * rng.normal(0, 0.1, 200), np.repeat(np.arange(40), 5), sigma=sigma)
    easy, hard = made.half_width(0.9, sigma=[1.0, 3.0])
    assert hard == pytest.approx(3 * easy)


def test_classes_have_widths_of_their_own_and_a_small_one_is_refused():
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(40), 4)
    label = np.where(group < 25, "north", np.where(group < 36, "south", "islands"))
    spread = np.where(label == "south", 0.4, 0.1)
    made = GroupedConformal().fit(spread * rng.normal(size=160), group, label=label)
    north, south, islands = made.half_width(0.9, label=["north", "south", "islands"])
    assert south > 2 * north
    assert np.isinf(islands)  # 4 provinces, 9 are needed
    assert np.isinf(made.half_width(0.95, label=["south"])[0])  # 11 provinces, 19 are needed
    with pytest.raises(PanelError, match=r"class islands.*4 provinces cannot bear an interval of 90 %"):
        made.check(0.9, label)
    made.check(0.9, ["north", "south"])
    with pytest.raises(PanelError, match="class west: 0 provinces"):
        made.check(0.9, ["west"])


def test_the_number_of_units_decides_what_can_be_promised():
    # ceil((n + 1) level) <= n: 9 units bear 90 %, 19 bear 95 %, and of 30 the 95 % bound is the largest error
    assert [least_units(level) for level in (0.5, 0.8, 0.9, 0.95)] == [1, 4, 9, 19]
    r = np.linspace(0.1, 3.0, 30)
    made = GroupedConformal().fit(r, np.arange(30))
    assert made.half_width(0.95)[0] == pytest.approx(r[-1])
    assert made.half_width(0.9)[0] == pytest.approx(r[27])  # the 28th smallest: ceil(31 x 0.9)
    few = GroupedConformal().fit(np.arange(1.0, 20.0), np.arange(19))
    assert few.half_width(0.9)[0] == pytest.approx(18.0)  # 20 x 0.9, though not in binary
    assert is_largest(30, 0.95)
    assert not is_largest(30, 0.9)


def test_scores_with_a_sign_may_narrow_a_band():
    made = GroupedConformal().fit(np.full(20, -0.2), np.arange(20), signed=True)
    assert made.half_width(0.9)[0] == pytest.approx(-0.2)


def test_the_order_of_rows_does_not_matter_for_single_rows():
    r = np.random.default_rng(1).normal(size=25)
    one = GroupedConformal().fit(r, np.arange(25)).half_width(0.8)
    other = GroupedConformal().fit(r[::-1], np.arange(25)[::-1]).half_width(0.8)
    np.testing.assert_allclose(one, other)


def test_predicted_intervals_say_when_they_rest_on_the_largest_error():
    made = panel(regions=20, years=4)
    model = ProvincialEmission(families=("ridge",)).fit(made)
    table = model.predict_interval(made, 0.95)
    assert table["largest"].all()
    assert not model.predict_interval(made, 0.8)["largest"].any()
    assert ((table["lower"] < table["estimate"]) & (table["estimate"] < table["upper"])).all()
    np.testing.assert_allclose(table["factor"], table["upper"] / table["estimate"])


def test_a_level_that_the_provinces_cannot_bear_is_refused():
    made = panel(regions=8, years=4)
    model = ProvincialEmission(families=("ridge",)).fit(made)
    with pytest.raises(PanelError, match="8 provinces cannot bear an interval of 90 %"):
        model.predict_interval(made)
    low, high = model.predict_bounds(made, level=0.9)
    assert (low == 0).all()
    assert np.isinf(high).all()


def test_classes_by_text_and_by_a_known_size():
    made = panel(regions=3, years=1).table
    assert label_rows(made, "zone").tolist() == ["z0", "z1", "z2"]
    bounds = tuple(sorted(made["people"])[1:])
    assert sorted(label_rows(made, ("people", bounds))) == ["people 0", "people 1", "people 2"]
    assert label_rows(made).tolist() == ["all"] * 3
    with pytest.raises(PanelError, match="no column 'gold'"):
        label_rows(made, "gold")


def test_a_model_with_classes_gives_each_its_factor_and_refuses_a_small_one():
    made = panel(regions=30, years=3)
    model = ProvincialEmission(families=("ridge",), interval="conformal", classes=("people", (4e7,)))
    model.fit(made)
    factors = model.predict_interval(made, 0.8)["factor"].round(9).groupby(made.table["people"] >= 4e7)
    assert (factors.nunique() == 1).all()
    assert factors.first().nunique() == 2
    two = made.select(made.table["zone"] != "z2")
    small = ProvincialEmission(families=("ridge",), interval="conformal", classes="zone").fit(two)
    with pytest.raises(PanelError, match="class z2: 0 provinces"):
        small.predict_interval(made, 0.8)


@pytest.mark.parametrize("interval", ["conformal", "normalised", "cqr"])
def test_each_kind_of_interval_covers_provinces_not_seen(interval):
    made = panel(regions=36, years=3)
    model = ProvincialEmission(families=("ridge",), interval=interval, level=0.8, folds=3)
    found = evaluate(model, made, splits(made, "no_inventory", folds=3), baselines={}, levels=(0.8,))
    row = found.intervals.iloc[0]
    assert row["holds"], row
    assert row["factor"] < 2.5


def test_a_band_is_of_one_level_and_one_question():
    made = panel(regions=12, years=3)
    band = ProvincialEmission(families=("ridge",), interval="cqr", level=0.8, folds=2).fit(made)
    with pytest.raises(PanelError, match="made for 80 %, not for 90 %"):
        band.predict_interval(made, 0.9)
    with pytest.raises(PanelError, match="no_inventory alone"):
        ProvincialEmission("nowcast", interval="cqr").fit(panel(regions=3, years=6))

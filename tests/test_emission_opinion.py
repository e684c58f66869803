"""Second opinion: falsified figures are found at the stated rate, honest ones flagged at the stated rate."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from yaotan.emission.opinion import second_opinion
from yaotan.emission.opinion_error import smallest_variance
from yaotan.errors import PanelError

REGIONS = [f"P{number:02d}" for number in range(31)]


def simulate(seed: int, years: int = 6, false: dict[tuple[str, int], float] | None = None):
    """Reports of 31 provinces; lights err by 0.35 for good and 0.08 by year, the lag model by 0.10."""
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product([REGIONS, range(2011, 2011 + years)], names=["region", "period"])
    table = keys.to_frame(index=False).assign(group=lambda t: t["region"])
    truth = np.exp(np.repeat(rng.normal(5.0, 0.8, 31), years))
    lasting = np.repeat(rng.normal(0, 0.35, 31), years)
    wrong = np.array([(false or {}).get((r, y), 1.0) for r, y in keys])
    table["observed"] = truth * wrong
    lights = table.assign(model=truth * np.exp(0.2 + lasting + rng.normal(0, 0.08, len(truth))))
    lag = table.assign(model=truth * np.exp(rng.normal(0, 0.10, len(truth))))
    return {"lights": lights, "lag": lag}


def flag(table: pd.DataFrame, region: str, period: int) -> bool:
    return bool(table.set_index(["region", "period"]).loc[(region, period), "flagged"])


def test_a_falsified_figure_is_found_at_the_stated_rate_and_honest_ones_are_not() -> None:
    sharp = second_opinion(simulate(0))
    findable = float(sharp["findable"].median())
    assert 1.1 < findable < 1.6
    found, honest = [], []
    for seed in range(9):
        rng = np.random.default_rng(100 + seed)
        picked = rng.choice(REGIONS, 3, replace=False)
        wrong = {(region, 2016): findable ** rng.choice([-1, 1]) for region in picked}
        table = second_opinion(simulate(seed, false=wrong))
        found += [flag(table, *key) for key in wrong]
        honest.append(table[~table.region.isin(picked)]["flagged"].mean())
        assert set(table.region[:6]) & set(picked)
    # stated: nine in ten. Of 27 at least 20 are found in 99.8 per cent of all such experiments
    assert sum(found) >= 20
    assert np.mean(honest) == pytest.approx(0.05, abs=0.015)


def test_a_small_wrong_is_not_found_and_the_table_says_so() -> None:
    table = second_opinion(simulate(3, false={("P07", 2016): 1.03}))
    row = table.set_index(["region", "period"]).loc[("P07", 2016)]
    assert row["findable"] > 1.1
    assert not row["flagged"]


def test_one_province_cannot_hide_itself_in_the_scale() -> None:
    """Wrong by 50 in all years: the scale of its own z comes from the others, theirs grows by it."""
    wrong = {("P03", year): 50.0 for year in range(2011, 2017)}
    clean = second_opinion({"lights": simulate(1)["lights"]}, own=False)
    table = second_opinion({"lights": simulate(1, false=wrong)["lights"]}, own=False)
    mine = table[table.region == "P03"]
    assert mine["flagged"].all()
    assert set(table.region[:6]) == {"P03"}
    np.testing.assert_allclose(mine["factor"], clean[clean.region == "P03"]["factor"], rtol=1e-9)
    np.testing.assert_allclose(
        mine["ratio"].max() / clean[clean.region == "P03"]["ratio"].max(), 50, rtol=1e-6
    )


def test_a_wrong_of_all_years_is_seen_by_the_level_and_not_by_the_own_departure() -> None:
    wrong = {("P03", year): 5.0 for year in range(2011, 2017)}
    table = second_opinion({"lights": simulate(2, false=wrong)["lights"]})
    mine = table[table.region == "P03"]
    assert (mine["z_lights"] > 3).all()
    assert (mine["z_lights_own"].abs() < 3.5).all()


def test_z_by_hand() -> None:
    """Errors of the others: mean 0, mean square 0.04 over 6 provinces; the figure is off by ln 2."""
    errors = np.array([0.2, -0.2, 0.2, -0.2, 0.2, -0.2])
    table = pd.DataFrame({
        "region": [*"abcdef", "x"], "period": 2016, "group": [*"abcdef", "x"],
        "observed": [*(100 * np.exp(errors)), 200.0], "model": 100.0,
    })  # fmt: skip
    row = second_opinion({"lights": table}).set_index("region").loc["x"]
    sigma = np.sqrt(0.04 * 6 / 5 * 7 / 6)
    assert row["z"] == pytest.approx(np.log(2) / sigma)
    assert row["expected"] == pytest.approx(100.0)
    # Student's t, 5 degrees of freedom, 95 per cent (any table): 2.5706
    assert row["factor"] == pytest.approx(np.exp(2.5706 * sigma), rel=1e-4)
    assert row["upper"] == pytest.approx(100 * row["factor"])


def test_opinions_that_know_less_are_weighed_less() -> None:
    np.testing.assert_allclose(smallest_variance(np.diag([1.0, 4.0, 4.0])), [2 / 3, 1 / 6, 1 / 6])
    # strongly correlated and worse: the best linear weight would be negative, here it is none
    np.testing.assert_allclose(smallest_variance(np.array([[1.0, 1.9], [1.9, 4.0]])), [1.0, 0.0])
    rng = np.random.default_rng(0)
    for _ in range(20):
        half = rng.normal(size=(4, 4))
        covariance = half @ half.T + 0.1 * np.eye(4)
        weight = smallest_variance(covariance)
        others = rng.dirichlet(np.ones(4), 300)
        assert (
            weight @ covariance @ weight <= np.einsum("ij,jk,ik->i", others, covariance, others).min() + 1e-12
        )


def test_rows_that_cannot_be_judged_are_named_and_come_last() -> None:
    opinions = simulate(5)
    for table in opinions.values():
        table.loc[0, "observed"] = 0.0
        table.loc[7, "observed"] = np.nan
        table.loc[13, "model"] = np.nan
    opinions["lag"] = opinions["lag"].drop(index=20)
    found = second_opinion(opinions)
    last = found.tail(3).set_index(["region", "period"])["reason"].to_dict()
    assert last == {
        ("P00", 2011): "the figure is not above 0",
        ("P01", 2012): "no figure is reported",
        ("P02", 2012): "no opinion has an estimate",
    }
    assert len(found) == len(opinions["lights"])
    assert found.attrs["judged"] == len(found) - 3
    assert found.attrs["expected_by_chance"] == pytest.approx(0.05 * found.attrs["judged"])
    assert found.set_index(["region", "period"]).loc[("P03", 2013), "opinions"] == 2


def test_other_figures_can_be_judged() -> None:
    opinions = simulate(6)
    reported = opinions["lag"][["region", "period"]].assign(reported=opinions["lag"]["observed"])
    reported.loc[(reported.region == "P04") & (reported.period == 2016), "reported"] *= 2
    found = second_opinion(opinions, reported=reported)
    assert (found.region[0], found.period[0]) == ("P04", 2016)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: {}, "no opinion"),
        (lambda o: {"lag": o["lag"].drop(columns="group")}, "'lag' has no column group"),
        (lambda o: {"lag": SimpleNamespace(leaky=True, predictions=o["lag"])}, "leaky folds"),
        (lambda o: {"lag": pd.concat([o["lag"], o["lag"][:1]])}, "two estimates of one figure"),
        (lambda o: {**o, "lights": o["lights"].assign(observed=1.0)}, "another figure for P00 2011"),
        (lambda o: {"lag": o["lag"][o["lag"].region < "P03"]}, "2 other provinces have an estimate"),
    ],
)
def test_bad_input_is_named(change, message: str) -> None:
    with pytest.raises(PanelError, match=message):
        second_opinion(change(simulate(0)))


def test_the_level_must_be_one() -> None:
    with pytest.raises(PanelError, match="level is 95"):
        second_opinion(simulate(0), level=95)

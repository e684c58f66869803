"""ProvincialEmission: what it learns, what it refuses, and that nothing of a test row reaches it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.preprocessing import StandardScaler

from emission_truth import COLUMNS, panel, table
from yaotan import ProvincialEmission, evaluate
from yaotan.emission import Panel, PanelColumn, splits
from yaotan.emission.candidate import FAMILIES, Configuration, Learner, configurations, make_sample
from yaotan.emission.ensemble import predict_members
from yaotan.emission.transform import Design
from yaotan.errors import PanelError

QUICK = ("ridge", "kernel")


@pytest.fixture(scope="module")
def made():
    return panel()


@pytest.fixture(scope="module")
def fitted(made):
    return ProvincialEmission(families=QUICK).fit(made)


def test_it_is_a_scikit_learn_estimator(made, fitted):
    copied = clone(fitted)
    assert copied.get_params() == fitted.get_params()
    assert not hasattr(copied, "engine_")
    assert copied.set_params(seed=3).seed == 3
    assert ProvincialEmission(families=("ridge",)).fit(made).chosen_ == "ridge per people"


def test_it_finds_the_law_of_the_panel(made):
    found = evaluate(ProvincialEmission(families=QUICK), made, splits(made, "no_inventory", folds=4))
    assert found.metrics.loc["model", "log_rmse"] < 0.3
    against = found.skill.set_index(["against", "measure"])
    assert against.loc[("loglinear_people", "rmse"), "verdict"] == "better"
    assert found.configurations == 12
    assert len(found.predictions) == len(made)


def test_estimates_are_kg_per_second_and_say_how_they_came_about(made, fitted):
    estimate = fitted.predict(made)
    one = fitted.predict_table(made).iloc[0]
    # 1 Mt a year of 365.25 days is 31.688 kg s-1
    assert float(estimate["emission"][0, 0]) == pytest.approx(one["estimate"] * 31.6881, rel=1e-5)
    assert (estimate["emission_uncertainty"] > 0).all()
    assert estimate.attrs["scope"] == "scope 1"
    assert "no_inventory" in estimate.attrs["method"]


def test_the_mean_is_the_median_times_smearing(made, fitted):
    mean = ProvincialEmission(families=QUICK, statistic="mean").fit(made)
    np.testing.assert_allclose(
        mean.predict_values(made), fitted.predict_values(made) * mean.smearing_, rtol=1e-12
    )
    assert mean.smearing_ > 1.0


def test_every_family_fits_and_an_average_of_all_is_tried(made):
    model = ProvincialEmission(folds=2).fit(made.select(period=(2005, 2006)))
    assert FAMILIES in list(model.engine_.scores_.index)
    assert np.isfinite(model.predict_values(made)).all()


def test_more_light_never_lowers_boosting(made):
    boosting = Configuration("boosting", (("leaves", 6.0), ("rounds", 40.0)))
    design = Design("people").fit(made)
    model = Learner(boosting, ("lights",)).fit(make_sample(made, design), design)
    brighter = made.with_columns({"lights": made.table["lights"] * 1.5})
    risen = model.predict(design.transform(brighter)) - model.predict(design.transform(made))
    assert (risen >= -1e-9).all()
    assert (risen > 0.01).any()


def test_a_row_of_weight_two_counts_as_two(made):
    """Of one row in each region, so that the average of the logarithm can be worked out by hand."""
    one = made.select(period=(2001, 2001))
    heavy = np.where(one.table["region"] == "p05", 1e6, 1.0)
    weighed = one.with_columns({"weight": heavy}, [PanelColumn("weight", "weight", "1")])
    design = Design("people").fit(one)
    learner = Learner(Configuration("ridge", (("alpha", 1e12),))).fit(make_sample(weighed, design), design)
    rate = (one.values() / one.table["people"])[one.table["region"] == "p05"].item()
    np.testing.assert_allclose(np.exp(learner.predict(design.transform(one))), rate, rtol=1e-3)
    hollow = weighed.with_columns({"weight": np.where(heavy > 1, np.nan, 1.0)})
    with pytest.raises(PanelError, match="weight is missing"):
        ProvincialEmission(families=("ridge",)).fit(hollow)


def test_members_that_share_their_work_give_what_each_would(made, monkeypatch):
    monkeypatch.setattr("yaotan.emission.ensemble._BLOCK", 50)  # 112 rows: the last block is not full
    members = [Learner(one, ("lights",)) for one in configurations(FAMILIES) if one.family != "ridge"] + [
        Learner(one) for one in configurations(("ridge",))
    ]
    design = Design("people").fit(made)
    half = made.select(period=(2001, 2004))
    fitted = [one.fit(make_sample(made, design), design) for one in members]
    # one that knows other rows and standardises by them shares nothing
    fitted.append(Learner(members[0].configuration).fit(make_sample(half, design), design))
    numbers = design.transform(made)
    alone, found = [one.predict(numbers) for one in fitted], predict_members(fitted, numbers)
    np.testing.assert_allclose(found, alone, rtol=1e-12)
    monkeypatch.setattr("yaotan.emission.ensemble._MANY", 1)  # side by side
    np.testing.assert_array_equal(predict_members(fitted, numbers), found)


def test_missing_values_are_learned_as_such(made):
    gaps = made.table["town"].where(made.table["region"] > "p03")
    model = ProvincialEmission(families=("ridge",)).fit(made.with_columns({"town": gaps}))
    assert "town missing" in model.engine_.design_.names_
    assert np.isfinite(model.predict_values(made.with_columns({"town": gaps}))).all()


def test_a_year_without_known_past_is_not_invented(made):
    model = ProvincialEmission("nowcast").fit(made.select(made.table["region"] != "p00"))
    values = model.predict_values(made)
    assert np.isnan(values[made.table["region"] == "p00"]).all()
    assert np.isfinite(values[made.table["region"] != "p00"]).all()


def test_a_nowcast_follows_a_steady_trend():
    steady = panel(noise=0.0, years=12)
    found = evaluate(ProvincialEmission("nowcast"), steady, splits(steady, "nowcast", first=2010))
    against = found.skill.set_index(["against", "measure"])
    assert against.loc[("persistence", "rmse"), "skill"] > 0.5
    assert found.metrics.loc["model", "sign_hits"] > 0.9
    assert found.metrics.loc["persistence", "sign_hits"] == 0.0


def test_gaps_are_filled_between_known_years(made):
    found = evaluate(ProvincialEmission("infill"), made, splits(made, "infill", folds=3))
    assert found.metrics.loc["model", "wmape"] < 0.05


def hidden_answer(panel_: Panel) -> Panel:
    """The same panel with every target of the last two years a hundredfold."""
    late = panel_.table["period"] >= panel_.table["period"].max() - 1
    return panel_.with_columns(
        {n: panel_.table[n].where(~late, panel_.table[n] * 100) for n in ("co2", "power")}
    )


def test_a_nowcast_does_not_change_with_what_is_not_known_yet(made):
    last = splits(made, "nowcast", first=2008)
    one = evaluate(ProvincialEmission("nowcast"), made, last).predictions["model"]
    other = evaluate(ProvincialEmission("nowcast"), hidden_answer(made), last).predictions["model"]
    np.testing.assert_array_equal(one, other)


def test_an_estimate_does_not_change_with_the_answer(made):
    """Scalers, imputation, choice, smearing: were any fitted before the split, the answer would move it."""
    folds = splits(made, "no_inventory", folds=3)
    one = evaluate(ProvincialEmission(families=QUICK), made, folds).predictions
    lone = one[one["region"] == "p00"]
    rows = made.table["region"] == "p00"
    lied = made.with_columns({"co2": made.table["co2"].where(~rows, made.table["co2"] * 50)})
    other = evaluate(ProvincialEmission(families=QUICK), lied, folds).predictions
    np.testing.assert_array_equal(lone["model"], other[other["region"] == "p00"]["model"])
    np.testing.assert_array_equal(lone["upper_90"], other[other["region"] == "p00"]["upper_90"])


def test_a_model_is_shown_its_fold_and_nothing_of_the_answer(made):
    class Peeking(ProvincialEmission):
        def fit(self, panel, y=None):
            assert set(panel.table["region"]) < set(made.table["region"])
            assert panel.has_target.all()
            return super().fit(panel)

        def predict_values(self, panel):
            unknown = ~panel.has_target
            assert unknown.any()
            assert panel.table.loc[unknown, ["co2", "power"]].isna().all().all()
            return super().predict_values(panel)

    evaluate(Peeking(families=("ridge",)), made, splits(made, "no_inventory", folds=2))


def test_a_scaler_fitted_before_the_split_is_caught(made):
    """It crosses the door without what it has learned; the model has to fit it to the fold."""

    class Scaled(BaseEstimator):
        def __init__(self, scaler):
            self.scaler = scaler

        def fit(self, panel):
            assert not hasattr(self.scaler, "mean_"), "the scaler has seen rows of other folds"
            self.scaler_ = clone(self.scaler).fit(panel.matrix())
            means.append(self.scaler_.mean_[0])
            return self

        def predict_values(self, panel):
            return np.exp(4.0 + self.scaler_.transform(panel.matrix())[:, 0])

    means: list[float] = []
    scaler = StandardScaler().fit(made.matrix())
    evaluate(Scaled(scaler), made, splits(made, "no_inventory", folds=3))
    assert len(set(means)) == 3
    assert scaler.mean_[0] not in means


def test_a_column_made_from_the_target_is_no_feature(made):
    derived = PanelColumn("copy", "feature", "Mt yr-1", derived_from_target=True)
    planted = made.with_columns({"copy": made.table["co2"] * 1.01}, [derived])
    model = ProvincialEmission(families=("ridge",)).fit(planted)
    assert not any("copy" in name for name in model.engine_.design_.names_)
    with pytest.raises(PanelError, match="derived from the target"):
        ProvincialEmission(families=("ridge",), features=("copy", "people")).fit(planted)


def changed(name: str, value: object) -> Panel:
    return Panel(table().assign(**{name: value}), COLUMNS)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: panel().select(regions=["p01"]), "one region only: p01"),
        (lambda: changed("co2", 5.0), "targets are 5"),
        (lambda: changed("town", np.nan), "no value of town"),
        (lambda: changed("co2", -1.0), "negative"),
        (
            lambda: Panel(pd.concat([table(), table().head(1)]), COLUMNS),
            "share a region and period: p00",
        ),
        (
            lambda: changed("co2", np.where(np.arange(112) == 3, 0.0, 1.0 + np.arange(112))),
            "are 0, the first",
        ),
        (lambda: panel().hidden(np.arange(112)), "no row has a target"),
    ],
)
def test_bad_input_is_refused_by_what_is_wrong(make, match):
    with pytest.raises(PanelError, match=match):
        ProvincialEmission(families=("ridge",)).fit(make())


def test_the_scale_is_chosen_by_provinces_left_out_whatever_its_place(made):
    """Emission per head follows lights; emission per light does not follow heads as well."""
    turned = Panel(made.table, tuple(made.column(n) for n in ("lights", "co2", "power", "people", "town")))
    assert turned.scales == ("lights", "people")
    assert ProvincialEmission(families=("ridge",)).fit(turned).engine_.design_.scale == "people"
    dark = made.with_columns({"people": 0.0})
    assert ProvincialEmission(families=("ridge",)).fit(dark).engine_.design_.scale == "lights"
    with pytest.raises(PanelError, match="people is missing or 0"):
        ProvincialEmission(families=("ridge",), scale="people").fit(dark)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"question": "tomorrow"}, "question 'tomorrow'"),
        ({"statistic": "mode"}, "statistic 'mode'"),
        ({"families": ("forest",)}, "family 'forest'"),
        ({"scale": "gold"}, "'gold' is no feature"),
        ({"features": ("people", "gold")}, "no column 'gold'"),
    ],
)
def test_unknown_words_are_refused(made, arguments, match):
    with pytest.raises(PanelError, match=match):
        ProvincialEmission(**arguments).fit(made)


def test_a_panel_of_other_columns_or_units_is_refused(made, fitted):
    with pytest.raises(PanelError, match="town is missing"):
        fitted.predict(made.select(features=["people", "lights"]))
    with pytest.raises(PanelError, match="town is in 'ha'"):
        fitted.predict(made.with_entry("town", unit="ha"))


def test_too_few_years_for_a_nowcast(made):
    with pytest.raises(PanelError, match="hold no nowcast"):
        ProvincialEmission("nowcast").fit(made.select(period=(2001, 2003)))

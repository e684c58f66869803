"""Explanations: the planted driver is found with its group, parts sum, curves follow the planted law."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

import emission_truth
from yaotan.emission import Panel, PanelColumn
from yaotan.emission.contribution import contributions
from yaotan.emission.explanation import (
    accumulated_effect,
    fit_folds,
    group_features,
    permutation_importance,
)
from yaotan.emission.model import ProvincialEmission
from yaotan.emission.split import splits
from yaotan.errors import PanelError

COLUMNS = (
    PanelColumn("co2", "target", "Mt yr-1"),
    PanelColumn("people", "scale", "1"),
    PanelColumn("lights", "scale", "1"),
    PanelColumn("copy", "feature", "km2"),
    PanelColumn("rain", "feature", "mm"),
)


@dataclass
class Line:
    """Least squares of logarithms: a model whose every answer is known."""

    names: tuple[str, ...] = ("people", "lights", "copy", "rain")
    coefficients_: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def _x(self, panel: Panel) -> np.ndarray:
        return np.c_[np.ones(len(panel)), np.log(panel.matrix(self.names).to_numpy())]

    def fit(self, panel: Panel) -> Line:
        self.coefficients_ = np.linalg.lstsq(self._x(panel), np.log(panel.values()))[0]
        return self

    def predict_values(self, panel: Panel) -> np.ndarray:
        return np.exp(self._x(panel) @ self.coefficients_)


@pytest.fixture(scope="module")
def planted() -> Panel:
    """CO2 = people^0.4 x lights^0.6; `copy` follows lights, rain has nothing to do with it."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        [(f"p{n:02}", y) for n in range(24) for y in range(2001, 2004)], columns=["region", "period"]
    )
    size, bright = (np.repeat(rng.normal(0, s, 24), 3) for s in (0.4, 1.0))
    rows["people"] = 1e7 * np.exp(size)
    rows["lights"] = 1e5 * np.exp(bright + rng.normal(0, 0.05, 72))
    rows["copy"] = rows["lights"] ** 0.9 * np.exp(rng.normal(0, 0.1, 72))
    rows["rain"] = np.exp(rng.normal(6, 0.3, 72))
    rows["co2"] = 1e-4 * rows["people"] ** 0.4 * rows["lights"] ** 0.6 * np.exp(rng.normal(0, 0.01, 72))
    return Panel(rows, COLUMNS)


@pytest.fixture(scope="module")
def folds(planted: Panel):
    return fit_folds(Line(), planted, splits(planted, "no_inventory", folds=6))


def test_features_that_stand_in_for_each_other_are_one_group(planted: Panel) -> None:
    assert group_features(planted) == {
        "people": ("people",),
        "lights + copy": ("lights", "copy"),
        "rain": ("rain",),
    }
    assert len(group_features(planted, threshold=0.9999)) == 4
    # a - b - c: all three, though a and c alone would not do
    rng = np.random.default_rng(1)
    a = rng.normal(size=500)
    chain = pd.DataFrame({"a": a, "b": a + 0.4 * rng.normal(size=500)})
    chain["c"] = chain["b"] + 0.4 * rng.normal(size=500)
    chain = chain.assign(region=[f"r{n}" for n in range(500)], period=2001)
    panel = Panel(chain, tuple(PanelColumn(name, "feature", "K") for name in "abc"))
    assert abs(np.corrcoef(chain["a"], chain["c"])[0, 1]) < 0.9
    assert list(group_features(panel)) == ["a + b + c"]


def test_the_planted_driver_is_found_on_held_out_folds(folds) -> None:
    table = permutation_importance(folds, repeats=3)
    assert table["group"].tolist() == ["lights + copy", "people", "rain"]
    importance = table.set_index("group")["importance"]
    assert importance["lights + copy"] > 0.3
    assert 0.1 < importance["people"] < importance["lights + copy"]
    assert abs(importance["rain"]) < 0.01
    assert table["folds_positive"][:2].tolist() == [1.0, 1.0]
    assert table[["rank_lowest", "rank_highest"]].values[2].tolist() == [3, 3]
    assert table.attrs["meaning"] == "association"
    assert table.attrs["wmape"] < 0.02


def test_one_by_one_a_twin_hides_what_the_group_shows(folds) -> None:
    alone = permutation_importance(folds, groups={"copy": ("copy",), "lights + copy": ("lights", "copy")})
    importance = alone.set_index("group")["importance"]
    assert importance["copy"] < 0.2 * importance["lights + copy"]


def test_the_curve_of_a_power_law_is_its_exponent(folds) -> None:
    for feature, power in (("people", 0.4), ("rain", 0.0)):
        curve = accumulated_effect(folds, feature)
        slope = np.polyfit(np.log(curve["value"]), curve["effect"], 1)[0]
        assert slope == pytest.approx(power, abs=0.02)
        assert (curve["highest"] - curve["lowest"]).max() < 0.1
    # lights carry 0.6 together with their copy: moving lights alone gives the part the fit gave them
    own = np.mean([fold.model.coefficients_[2] for fold in folds])
    curve = accumulated_effect(folds, "lights")
    assert np.polyfit(np.log(curve["value"]), curve["effect"], 1)[0] == pytest.approx(own, abs=0.02)
    assert curve.attrs == {"feature": "lights", "unit": "1", "meaning": "association"}
    assert curve["rows"].sum() == 72


def test_accumulated_effects_do_not_mix_correlated_features() -> None:
    """f = x1 with x2 nearly x1: a marginal plot gives x2 the slope of x1, the accumulated effect gives 0."""
    rng = np.random.default_rng(2)
    x = rng.uniform(1, 2, 200)
    table = pd.DataFrame({
        "region": [f"r{n}" for n in range(200)], "period": 2001, "one": x,
        "two": x + rng.normal(0, 0.01, 200), "co2": np.exp(x),
    })  # fmt: skip
    panel = Panel(table, (PanelColumn("co2", "target", "Mt yr-1"), PanelColumn("one", "feature", "1"),
                          PanelColumn("two", "feature", "1")))  # fmt: skip

    class First(Line):
        def fit(self, panel: Panel) -> First:
            return self

        def predict_values(self, panel: Panel) -> np.ndarray:
            return np.exp(panel.matrix(["one"])["one"].to_numpy())

    folds = fit_folds(First(), panel, splits(panel, "no_inventory", folds=2))
    np.testing.assert_allclose(accumulated_effect(folds, "two")["effect"], 0.0, atol=1e-12)
    curve = accumulated_effect(folds, "one")
    assert np.polyfit(curve["value"], curve["effect"], 1)[0] == pytest.approx(1.0)


def test_parts_sum_to_the_estimate_exactly() -> None:
    panel = emission_truth.panel()
    families = ("ridge",)
    model = ProvincialEmission(families=families).fit(panel)
    parts = contributions(model, panel)
    np.testing.assert_allclose(np.exp(parts["total"]), model.predict_values(panel), rtol=1e-10)
    numbers = parts.drop(columns=["region", "period", "total"]).sum(axis=1)
    np.testing.assert_allclose(numbers, parts["total"], rtol=1e-12)
    assert "people, offset" in parts
    assert parts.attrs["meaning"] == "association"
    # of the ridge the term of a feature is a line in it
    shown = parts["lights / people"].to_numpy()
    ratio = np.log(panel.table["lights"] / panel.table["people"])
    assert abs(np.corrcoef(shown, ratio)[0, 1]) == pytest.approx(1.0)


def test_parts_of_trees_sum_too() -> None:
    pytest.importorskip("lightgbm")
    panel = emission_truth.panel()
    model = ProvincialEmission(families=("boosting",), folds=3).fit(panel)
    parts = contributions(model, panel)
    np.testing.assert_allclose(np.exp(parts["total"]), model.predict_values(panel), rtol=1e-8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"families": ("kernel",), "folds": 3}, "kernel .* is no sum over features"),
        ({"question": "nowcast"}, "no parts by"),
    ],
)
def test_what_is_no_sum_is_refused(options, message: str) -> None:
    panel = emission_truth.panel()
    with pytest.raises(PanelError, match=message):
        contributions(ProvincialEmission(**options).fit(panel), panel)


def test_bad_input_is_named(planted: Panel, folds) -> None:
    with pytest.raises(PanelError, match="random folds say what a model remembers"):
        fit_folds(Line(), planted, splits(planted, "random"))
    with pytest.raises(PanelError, match="there is no fold"):
        permutation_importance(())
    with pytest.raises(PanelError, match="no column 'wind'"):
        permutation_importance(folds, groups={"wind": ("wind",)})
    with pytest.raises(PanelError, match="no column 'wind'"):
        accumulated_effect(folds, "wind")
    flat = Panel(planted.table.assign(rain=5.0), COLUMNS)
    with pytest.raises(PanelError, match="rain has fewer than two values"):
        accumulated_effect(fit_folds(Line(("people",)), flat, splits(flat, "no_inventory")), "rain")

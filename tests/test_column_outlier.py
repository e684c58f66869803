"""Robust outliers along the track: what is found, what is spared, and on what the answer does not depend."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import yaotan
from yaotan.catalog.product import load_products
from yaotan.catalog.screening import OutlierTest, ScreeningRule, find_rules, general_rules
from yaotan.column.outlier import find_outliers
from yaotan.column.screening import judge, screen
from yaotan.errors import RecipeError

TEST = OutlierTest(deviations=3, seconds=60)


def track(count: int, step: float = 1.0, start: str = "2020-01-01T05:00") -> np.ndarray:
    return np.datetime64(start, "ns") + (np.arange(count) * step * 1e9).astype("timedelta64[ns]")


def test_normal_errors_lose_three_in_a_thousand() -> None:
    values = np.random.default_rng(1).normal(400.0, 1.0, 40_000)
    outlying, unjudged = find_outliers(values, track(values.size), TEST)
    assert not unjudged.any()
    # 2 Phi(-3) = 0.0027, and somewhat more because scale and median are of 61 values
    assert 0.0025 < outlying.mean() < 0.006


def test_planted_outliers_are_found_on_a_slope() -> None:
    """A gradient along the track is no reason; a value ten sigma off is."""
    rng = np.random.default_rng(2)
    values = 400.0 + 0.01 * np.arange(3000) + rng.normal(0.0, 0.5, 3000)
    planted = rng.choice(3000, 60, replace=False)
    values[planted] += rng.choice([-5.0, 5.0], 60)
    outlying, _ = find_outliers(values, track(3000), TEST)
    assert outlying[planted].all()
    assert np.delete(outlying, planted).mean() < 0.006


def test_stated_errors_spare_a_value() -> None:
    """Among smooth neighbours a value within k of its own sigma is no outlier."""
    values = np.full(50, 400.0)
    values[25] = 402.0
    assert find_outliers(values, track(50), TEST, sigma=np.full(50, 0.1))[0].nonzero()[0].tolist() == [25]
    assert not find_outliers(values, track(50), TEST, sigma=np.full(50, 0.7))[0].any()


def test_neighbours_are_of_one_overpass_and_file() -> None:
    """Half of an overpass at 400, half of the next, 20 minutes on, at 410: no outliers."""
    time = np.concatenate([track(8), track(8, start="2020-01-01T05:20")])
    values = np.repeat([400.0, 410.0], 8) + np.tile([0.1, -0.1], 8)
    assert not find_outliers(values, time, OutlierTest(deviations=3, seconds=3600))[0].any()
    both = np.tile(track(8), 2)
    assert not find_outliers(values, both, TEST, granule=np.repeat([0, 1], 8))[0].any()
    assert find_outliers(values, both, TEST, granule=np.zeros(16))[1].sum() == 0


def test_too_few_neighbours_are_not_judged() -> None:
    values = np.array([400.0, 401.0, 500.0, np.nan])
    outlying, unjudged = find_outliers(values, track(4), TEST)
    assert not outlying.any()
    assert unjudged.all()
    assert find_outliers([], np.array([], "datetime64[ns]"), TEST)[0].shape == (0,)


@given(st.integers(0, 1000), st.floats(-50, 50), st.floats(0.1, 20))
@settings(deadline=None, max_examples=40)
def test_order_offset_and_scale_do_not_matter(seed: int, offset: float, factor: float) -> None:
    rng = np.random.default_rng(seed)
    count = 60
    values, time = rng.standard_t(2, count).round(6), track(count)
    values[rng.integers(0, count, 3)] = np.nan
    wanted = find_outliers(values, time, TEST)[0]
    order = rng.permutation(count)
    shuffled = find_outliers(values[order], time[order], TEST)[0]
    assert (shuffled == wanted[order]).all()
    # away from ties, which rounding may turn over
    assert (find_outliers(offset + factor * values, time, TEST)[0] != wanted).sum() <= 1


def test_only_those_still_there_are_neighbours() -> None:
    """Bad soundings, screened before, do not make the good ones outliers."""
    values = np.where(np.arange(60) % 3 == 0, 400.0 + 0.05 * np.sin(np.arange(60.0)), 430.0)
    soundings = xr.Dataset(
        {
            "xco2": ("sounding", values),
            "time": ("sounding", track(60)),
            "airmass": ("sounding", np.where(values > 420, 5.0, 2.0)),
        },
        attrs={"product": "oco2_lite"},
    )
    rule = find_rules(["outlier"], load_products()["oco2_lite"])[0]
    assert judge(soundings, rule)[0].sum() == 20  # the few good ones stand out
    kept = screen(soundings, ["airmass", "outlier"])
    assert kept.sizes["sounding"] == 20
    assert json.loads(kept.attrs["screening"])[1] == {
        "rule": "outlier",
        "failed": 0,
        "dropped": 0,
        "not_judged": 0,
    }


def test_rules_by_name() -> None:
    products = load_products()
    assert [rule.variable for rule in find_rules(["outlier"], products["oco2_lite"])] == ["xco2"]
    several = find_rules(["outlier"], products["tccon_ggg2020"])
    assert [rule.name for rule in several][:2] == ["outlier_xco2", "outlier_xch4"]
    own = ScreeningRule(name="airmass", variable="airmass", max=2.0, words={})
    assert find_rules([own], None) == [own]
    assert find_rules(["zenith"], products["oco2_lite"])[0].max == 70
    with pytest.raises(RecipeError, match=r"no screening rule 'cloudy'.*airmass"):
        find_rules(["cloudy"], products["oco2_lite"])
    with pytest.raises(RecipeError, match="name no product"):
        find_rules(["outlier"], None)


def test_every_general_rule_has_words_and_numbers_a_source() -> None:
    for rule in general_rules().values():
        assert set(rule.words) == {"en", "zh"}
        assert rule.source or (rule.min is rule.max is rule.outlier is None)


def test_on_a_real_day(satellite: Path) -> None:
    """A GOSAT day: counts sum, and a doubled value is found."""
    path = satellite / "acos_lite" / "acos_LtCO2_090901_v205205_B9213A_200310212449s.nc4"
    soundings = yaotan.open_soundings(path).load()
    rules = ["airmass", "outlier"]
    kept = screen(soundings, rules)
    entries = json.loads(kept.attrs["screening"])
    assert sum(entry["dropped"] for entry in entries) == soundings.sizes["sounding"] - kept.sizes["sounding"]
    assert 0 < entries[1]["dropped"] < 0.05 * soundings.sizes["sounding"]
    judged = np.flatnonzero(~find_outliers(kept.xco2, kept.time, general_rules()["outlier"].outlier)[1])
    spoiled = kept.copy()
    spoiled["xco2"] = kept.xco2.where(np.arange(kept.sizes["sounding"]) != judged[3], 450.0)
    assert json.loads(screen(spoiled, ["outlier"]).attrs["screening"])[0]["failed"] >= 1
    assert 450.0 not in screen(spoiled, ["outlier"]).xco2

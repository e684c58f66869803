"""Screening: what goes is counted under the rule that took it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from yaotan.catalog.screening import ScreeningRule
from yaotan.column.screening import screen
from yaotan.errors import RecipeError


def rule(name, variable, low=None, high=None, allowed=None):
    return ScreeningRule(name=name, variable=variable, min=low, max=high, among=allowed, words={})


def table(airmass, mode=None):
    data = {"airmass": ("sounding", np.asarray(airmass, float))}
    if mode is not None:
        data["mode"] = ("sounding", np.asarray(mode, np.uint8))
    return xr.Dataset(data)


def test_counts_by_rule():
    soundings = table([1, 2, 3, np.nan, 5], [0, 1, 0, 1, 2])
    kept = screen(soundings, [rule("thick", "airmass", high=2.5), rule("mode", "mode", allowed=[0, 1])])
    assert kept.sizes["sounding"] == 3
    assert json.loads(kept.attrs["screening"]) == [
        {"rule": "thick", "failed": 2, "dropped": 2, "not_judged": 1},
        {"rule": "mode", "failed": 1, "dropped": 0, "not_judged": 0},
    ]
    assert "screening" not in soundings.attrs


@given(
    st.lists(st.floats(0, 10) | st.just(float("nan")), max_size=30),
    st.floats(0, 10),
    st.floats(0, 10),
)
@settings(deadline=None, max_examples=60)
def test_dropped_and_kept_sum_to_all(values, low, high):
    soundings = table(values)
    rules = [rule("low", "airmass", low=low), rule("high", "airmass", high=high)]
    kept = screen(soundings, rules)
    dropped = sum(entry["dropped"] for entry in json.loads(kept.attrs["screening"]))
    assert dropped + kept.sizes["sounding"] == len(values)
    backwards = screen(soundings, rules[::-1])
    assert kept.equals(backwards)


def test_unknown_variable_is_named():
    with pytest.raises(RecipeError, match=r"'clouds'.*airmass"):
        screen(table([1.0]), [rule("clear", "clouds", high=0.1)])


def test_laziness_is_kept():
    soundings = table([1, 2, 3]).assign(xco2=("sounding", np.arange(3.0))).chunk(sounding=1)
    kept = screen(soundings, [rule("thick", "airmass", high=2)])
    assert kept["xco2"].chunks is not None

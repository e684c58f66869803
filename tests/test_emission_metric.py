"""Scores against values worked out by hand, and the bootstrap against what it must show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from yaotan.emission import score, score_intervals, skill
from yaotan.emission.metric import (
    coverage_by_group,
    crps,
    exact_interval,
    interval_score,
    probability_transform,
    score_change,
)
from yaotan.errors import YaotanError


def test_scores_of_three_values():
    made = score([100.0, 200.0, 300.0], [110.0, 180.0, 300.0])
    assert made["r2"] == pytest.approx(1 - 500 / 20000)
    assert made["rmse"] == pytest.approx(np.sqrt(500 / 3))
    assert made["mae"] == pytest.approx(10.0)
    assert made["mape"] == pytest.approx((0.1 + 0.1) / 3)
    assert made["median_ape"] == pytest.approx(0.1)
    assert made["wmape"] == pytest.approx(0.05)
    assert made["bias_of_total"] == pytest.approx(-10 / 600)
    assert made["rank_correlation"] == pytest.approx(1.0)
    assert made["log_rmse"] == pytest.approx(np.sqrt((np.log(1.1) ** 2 + np.log(0.9) ** 2) / 3))


def test_a_zero_has_no_relative_error_and_is_counted():
    made = score([0.0, 100.0], [5.0, 110.0])
    assert made["mape"] == pytest.approx(0.1)
    assert (made["n"], made["n_ape"]) == (2, 1)


def test_equal_values_have_no_r2():
    assert np.isnan(score([5.0, 5.0], [4.0, 6.0])["r2"])


@pytest.mark.parametrize("wrong", [([1.0], [np.nan]), ([1.0, 2.0], [1.0]), ([], [])])
def test_missing_or_unequal_values_are_refused(wrong):
    with pytest.raises(YaotanError):
        score(*wrong)


def test_change_counts_signs_against_the_majority():
    made = score_change([10.0] * 4, [11.0, 12.0, 13.0, 9.0], [12.0, 9.0, 10.0, 8.0])
    assert made["sign_hits"] == 0.5  # up hit, down for up, no change, down hit
    assert made["sign_majority"] == 0.75
    copied = score_change([10.0] * 3, [11.0, 12.0, 9.0], [10.0] * 3)
    assert copied["sign_hits"] == 0.0
    assert copied["change_r2"] < 0


def test_interval_score_punishes_what_lies_outside():
    made = interval_score([5.0, 1.0, 9.0], [2.0] * 3, [8.0] * 3, level=0.9)
    np.testing.assert_allclose(made, [6.0, 6.0 + 20.0, 6.0 + 20.0])


def test_exact_interval_of_tables():
    # Clopper and Pearson 1934: 10 of 20, two-sided 95 %: 0.272 to 0.728; none of 10: upper end 0.308
    assert exact_interval(10, 20, level=0.95) == pytest.approx((0.272, 0.728), abs=5e-4)
    assert exact_interval(0, 10, level=0.95) == pytest.approx((0.0, 0.3085), abs=5e-4)
    assert exact_interval(10, 10)[1] == 1.0


def test_crps_of_a_normal_law():
    # Gneiting and Raftery 2007, equation 5: at the mean of N(0, 1) it is (sqrt(2) - 1) / sqrt(pi) = 0.2337
    draws = np.random.default_rng(0).normal(size=(1, 20000))
    assert crps([0.0], draws)[0] == pytest.approx(0.2337, abs=0.005)
    assert crps([3.0], [[1.0]])[0] == 2.0


def test_probability_transform_is_uniform_for_the_right_law():
    rng = np.random.default_rng(0)
    made = probability_transform(rng.normal(size=500), rng.normal(size=(500, 400)))
    assert abs(np.sort(made) - np.linspace(0, 1, 500)).max() < 0.06


def test_coverage_counts_a_province_once():
    share, hits, trials = coverage_by_group([True] * 9 + [False], ["a"] * 9 + ["b"])
    assert (share, hits, trials) == (0.5, 1, 2)


def test_intervals_that_are_too_narrow_do_not_hold():
    n = 30
    table = pd.DataFrame({"observed": np.ones(n), "group": [f"p{k}" for k in range(n)]})
    table["lower_90"] = np.where(np.arange(n) < 12, 0.5, 1.5)
    table["upper_90"] = table["lower_90"] * 4
    made = score_intervals(table, (0.5, 0.9)).iloc[0]
    assert made["coverage"] == 0.4
    assert not made["holds"]
    assert made["factor"] == pytest.approx(2.0)


def test_an_interval_without_end_is_counted_and_not_averaged():
    table = pd.DataFrame({"observed": [1.0, 1.0], "group": ["a", "b"]})
    table["lower_90"], table["upper_90"] = [0.5, 0.0], [2.0, np.inf]
    made = score_intervals(table, (0.9,)).iloc[0]
    assert made["unbounded"] == 1
    assert made["width"] == pytest.approx(1.5)


def provinces(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(30), 16)
    return rng.lognormal(5, 0.7, 30)[group], group, rng.normal(0, 0.3, 30)[group]


def test_skill_of_a_smaller_error_is_shown_and_of_equal_ones_is_not():
    truth, group, error = provinces(3)
    half = skill(truth, truth * (1 + error / 2), truth * (1 + error), group)
    assert half.value == pytest.approx(0.5)
    assert half.verdict == "better"
    other = np.random.default_rng(9).normal(0, 0.3, 30)[group]
    assert skill(truth, truth * (1 + other), truth * (1 + error), group).verdict == "not shown to be better"


def test_provinces_and_not_rows_are_drawn():
    truth, group, error = provinces(3)
    other = np.random.default_rng(9).normal(0, 0.3, 30)[group]
    by_province = skill(truth, truth * (1 + other), truth * (1 + error), group)
    by_row = skill(truth, truth * (1 + other), truth * (1 + error), np.arange(len(truth)))
    assert by_province.upper - by_province.lower > 2.5 * (by_row.upper - by_row.lower)


def test_one_province_shows_nothing():
    made = skill([1.0, 2.0], [1.0, 2.0], [2.0, 3.0], ["a", "a"])
    assert (made.value, made.lower, made.verdict) == (1.0, -np.inf, "not shown to be better")
    with pytest.raises(YaotanError, match="measure"):
        skill([1.0], [1.0], [1.0], ["a"], measure="r2")

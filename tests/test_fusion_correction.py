"""A planted bias is learned, taken off with an honest uncertainty, and not extrapolated."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fusion_truth import OFFSET, PAIRING, SLOPE, bias, two_satellites
from yaotan import BiasCorrection
from yaotan.column.fusion.robust import fit_huber
from yaotan.errors import SchemaError, SeriesError, TooFewSoundingsError, UnitsError, YaotanError


def learner(**options: object) -> BiasCorrection:
    return BiasCorrection(**{"predictors": ["airmass"], "pairing": PAIRING, **options})


def test_the_planted_bias_is_learned_in_spite_of_outliers() -> None:
    first, second = two_satellites(1)
    before = first.copy(deep=True)
    fitted = learner().fit(first, second)
    assert fitted.count_ == 480
    assert float(fitted.coefficients_.estimate.sel(term="airmass")) == pytest.approx(SLOPE, abs=0.15)
    corrected = fitted.transform(first)
    wrong = corrected.xco2_correction.values - bias(first.airmass)
    assert np.nanmax(np.abs(wrong)) < 0.3  # the mean of all pairs, outliers included, is 0.3 off alone
    assert fitted.residual_scatter_ == pytest.approx(np.hypot(0.5, 0.4), rel=0.15)
    assert first.identical(before)
    np.testing.assert_allclose(corrected.xco2 + corrected.xco2_correction, first.xco2)


def test_scores_are_of_pairs_that_the_fit_had_not_seen() -> None:
    first, second = two_satellites(2, outliers=0.0)
    fitted = learner().fit(first, second)
    scores = fitted.scores_
    assert scores.fold.values.tolist() == [f"2020-{month:02d}" for month in range(1, 13)]
    assert int(scores["count"].sum()) == 480
    expected = np.sqrt(OFFSET**2 + SLOPE**2 / 3 + 0.5**2 + 0.4**2)
    assert scores.attrs["rms_before"] == pytest.approx(expected, rel=0.1)
    assert scores.attrs["rms_after"] == pytest.approx(np.hypot(0.5, 0.4), rel=0.1)
    useless = learner(predictors=["airmass", "latitude", "season", "surface"]).fit(first, second)
    inside = float((useless.pairs_.residual**2).mean()) ** 0.5
    assert useless.scores_.attrs["rms_after"] > inside  # what is fitted to noise costs on other months


def test_outside_the_range_nothing_is_claimed() -> None:
    first, second = two_satellites(3)
    fitted = learner(predictors=["airmass", "season"]).fit(first, second)
    other = first.copy(deep=True)
    other["airmass"][:3] = [4.5, np.nan, 3.0]
    other["xco2"][3] = np.nan
    made = fitted.transform(other)
    assert made.xco2_correction_status.values[:5].tolist() == [3, 2, 0, 1, 0]
    assert np.isnan(made.xco2.values[[0, 1, 3]]).all()
    counts = json.loads(made.attrs["bias_correction"])["counts"]
    assert (counts["outside_range"], counts["missing_predictor"], counts["missing_value"]) == (1, 1, 1)
    with pytest.raises(YaotanError, match="1 of 480 soundings are outside"):
        learner(outside="raise").fit(first, second).transform(other)
    winter = first.time.dt.month.values <= 6
    half = learner(predictors=["season"]).fit(first.isel(sounding=winter), second)
    assert (half.transform(first).xco2_correction_status.values[~winter] == 3).all()


def test_surface_is_the_share_of_water() -> None:
    first, second = two_satellites(4, outliers=0.0)
    first["xco2"] = first.xco2 + 2.0 * first.surface
    first["surface"][0] = 255
    fitted = learner(predictors=["airmass", "surface"]).fit(first, second)
    assert float(fitted.coefficients_.estimate.sel(term="surface")) == pytest.approx(2.0, abs=0.25)
    assert fitted.lost_ == {"missing_predictor": 1}
    assert fitted.count_ == 479


def share_inside(seeds: range, sigmas: float = 1.0) -> float:
    inside = []
    for seed in seeds:
        first, second = two_satellites(seed, days=60, outliers=0.0)
        made = learner().fit(first, second).transform(first)
        wrong = np.abs(made.xco2_correction.values - bias(first.airmass))
        inside.append((wrong < sigmas * made.xco2_correction_uncertainty.values).mean())
    return float(np.mean(inside))


def test_stated_uncertainty_holds_the_truth() -> None:
    assert 0.5 < share_inside(range(100, 130)) < 0.85  # 30 seeds; tests/truth has the close one


def test_clusters_count_as_one() -> None:
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(40), 25)
    value = rng.normal(0, 1, 40)[group]
    shared = fit_huber(np.ones((1000, 1)), value, group).covariance[0, 0] ** 0.5
    assert shared == pytest.approx(value.std() / 40**0.5, rel=0.2)


def test_what_cannot_be_learned_is_refused() -> None:
    first, second = two_satellites(6, days=12)
    few = first.isel(sounding=slice(0, 15))
    with pytest.raises(TooFewSoundingsError, match=r"15 pairs.*Expected: 30 or more for 2 terms"):
        learner().fit(few, second)
    many = ["airmass", "latitude", "season"]
    with pytest.raises(TooFewSoundingsError, match=r"48 pairs.*Expected: 60 or more for 6 terms"):
        learner(predictors=many).fit(first, second)
    january = first.isel(sounding=slice(0, 40))
    with pytest.raises(SeriesError, match="all pairs are of one month"):
        learner().fit(january, second)
    assert learner(folds="day").fit(january, second).scores_.sizes["fold"] == 10
    with pytest.raises(SchemaError, match="cannot tell constant, airmass apart"):
        learner().fit(first.assign(airmass=first.airmass * 0 + 3.0), second)
    with pytest.raises(SchemaError, match="no predictor 'albedo'"):
        learner(predictors=["albedo"]).fit(first, second)
    with pytest.raises(YaotanError, match="call fit first"):
        learner().transform(first)
    with pytest.raises(YaotanError, match="folds is 'year'"):
        learner(folds="year").fit(first, second)


def test_mixed_units_and_priors_are_refused() -> None:
    first, second = two_satellites(7, days=30)
    fitted = learner().fit(first, second)
    wrong = first.copy()
    wrong["xco2"] = (wrong.xco2 * 1e-6).assign_attrs(units="1")
    with pytest.raises(UnitsError, match="xco2 is in '1'"):
        fitted.transform(wrong)
    with pytest.raises(SchemaError, match="the prior is 'SECM'"):
        fitted.transform(first.assign_attrs(prior="SECM"))

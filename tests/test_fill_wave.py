"""Correlations in time that swing below zero."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fill_truth import plant
from yaotan.column import MeanModel
from yaotan.column.fill.covariance import ProductSum
from yaotan.column.fill.refinement import refine_model
from yaotan.errors import YaotanError

#: below zero from 3.9 to 11.8 days, least -0.24
WAVE = ProductSum(0.0, 0.0, 1.5, 0.0, 2000e3, 8.0, "exponential", "exponential", 0.4)


def test_correlation_in_time_is_the_damped_cosine():
    lag = np.array([-8.0, 0.0, 3.0, 8.0, 30.0])
    wanted = np.exp(-np.abs(lag) / 8.0) * np.cos(0.4 * lag)
    np.testing.assert_allclose(WAVE.in_time(lag), wanted, rtol=1e-14)
    assert WAVE.in_time(8.0) < -0.2
    np.testing.assert_allclose(WAVE.covariance(np.array(2e5), lag), 1.5 * np.exp(-0.1) * wanted)
    assert WAVE.time_scale == 2.5
    with pytest.raises(YaotanError, match="time_wave is"):
        ProductSum(0.0, 0.0, 1.0, 0.0, 1e5, 1.0, time_wave=-1.0)


@pytest.mark.parametrize("family", ["exponential", "matern32", "spherical"])
def test_it_is_a_covariance(family):
    rng = np.random.default_rng(0)
    place, days = rng.normal(0, 1e6, (300, 3)), rng.uniform(0, 60, 300)
    apart = np.linalg.norm(place[:, None] - place, axis=-1)
    for wave in (0.2, 1.0, 4.0):
        model = ProductSum(0.1, 0.5, 1.0, 0.0, 5e5, 6.0, "matern32", family, wave)
        assert np.linalg.eigvalsh(model.covariance(apart, days[:, None] - days)).min() > -1e-9


def refined(model, seed):
    known = plant(seed, model, tracks=200, along=6, targets=1, days=200.0).observations
    residual = MeanModel(1, 1, 0).fit(known).residual(known)
    start = ProductSum(0.0, 0.0, 1.2, 0.1, 1500e3, 10.0)
    return refine_model(
        known, residual, start, families=[("exponential", "exponential")], wave=True, error_length=100e3,
        track_share=0.25, seed=0,
    )  # fmt: skip


def test_planted_wave_is_found_and_none_where_there_is_none():
    found, diagnostics = refined(WAVE, 1)
    assert found.time_wave == pytest.approx(0.4, rel=0.2)
    assert found.in_time(8.0) == pytest.approx(WAVE.in_time(8.0), abs=0.15)
    assert (
        diagnostics["scores"]["exponential exponential wave"]
        > diagnostics["scores"]["exponential exponential"]
    )
    assert refined(replace(WAVE, time_wave=0.0), 1)[0].time_wave == 0.0

"""Empirical modes on fields of low rank whose modes are known."""

from __future__ import annotations

import numpy as np
import pytest

from fill_truth import START, moment, plant
from yaotan import GridSpec
from yaotan.column import MeanModel, cross_validate
from yaotan.column.fill.covariance import ProductSum
from yaotan.column.fill.dineof import Dineof
from yaotan.column.fill.fade import assume_fade, measure_fade
from yaotan.column.fill.mode import iterate, modes_of, time_filter
from yaotan.column.fill.mode_number import choose_number, learn_modes, withhold
from yaotan.column.fill.observation import Observations
from yaotan.errors import TooFewSoundingsError, YaotanError

FLAT = MeanModel(0, 0, 0)


def low_rank(seed, cells=60, steps=120, rank=3, noise=0.0):
    rng = np.random.default_rng(seed)
    pattern = np.linalg.qr(rng.normal(size=(cells, rank)))[0]
    size = np.sqrt(cells) * np.array([1.5, 1.0, 0.7])[:rank]
    course = rng.normal(size=(rank, steps)) * size[:, None]
    truth = pattern @ course
    value = truth + noise * rng.normal(size=truth.shape)
    value[rng.random(truth.shape) < 0.6] = np.nan
    return truth, value


def planted(seed, tracks=400, along=20, days=800.0, sigma=0.3):
    """Two waves with courses of their own, seen along tracks; errors half common along a track."""
    rng = np.random.default_rng(seed)
    begin = np.sort(rng.uniform(0.0, days, tracks))
    lat = np.sort(rng.uniform(20, 40, (tracks, along)), axis=1)
    lon = (rng.uniform(100, 130, tracks)[:, None] - 0.25 * (lat - 30)).ravel()
    day = (begin[:, None] + (lat - 20) * 1e-4).ravel()
    lat = lat.ravel()
    spread = np.full(lat.size, sigma)
    common = np.repeat(rng.normal(size=tracks), along)
    error = spread * np.sqrt(0.5) * (common + rng.normal(size=lat.size))
    return Observations(
        lat, lon, moment(day), field(lat, lon, day) + error, spread, np.sqrt(0.5) * spread,
        np.repeat(np.arange(tracks), along), np.ones(lat.size, np.int64), "xco2", "ppm",
    )  # fmt: skip


def field(lat, lon, day):
    first = np.sin(2 * np.pi * day / 150.0) * np.cos(np.radians(6.0 * (lon - 115)))
    second = np.cos(2 * np.pi * day / 230.0) * np.sin(np.radians(9.0 * (lat - 30)))
    return 400.0 + 1.5 * first + 1.2 * second


@pytest.fixture(scope="module")
def fitted():
    return Dineof(FLAT, cell=4.0, step=10.0, withheld=0.1, folds=8).fit(planted(1))


def test_planted_field_of_low_rank_is_recovered():
    truth, value = low_rank(1)
    known = np.isfinite(value)
    found = iterate(np.where(known, value, 0.0), known, 3, None)
    assert found.converged
    gap = ~known
    assert np.sqrt(((found.value - truth)[gap] ** 2).mean()) < 0.05 * truth.std()
    np.testing.assert_array_equal(found.value[known], value[known])
    np.testing.assert_allclose(found.pattern.T @ found.pattern, np.eye(3), atol=1e-10)


@pytest.mark.parametrize("shape", [(60, 120), (120, 60)])
def test_number_of_modes_is_found_and_withheld_error_is_the_true_error(shape):
    truth, value = low_rank(2, *shape, noise=0.3)
    out = withhold(np.isfinite(value), np.arange(shape[0]) // 3, 0.1, 30, 0)
    assert 0.1 <= out.sum() / np.isfinite(value).sum() < 0.12
    errors, best = choose_number(value, out, 10, None)
    assert best.singular.size == int(np.argmin(errors)) == 3
    gap = ~np.isfinite(value)
    true = np.sqrt(((best.value - truth)[gap] ** 2).mean())
    # what is withheld has an error of its own
    assert errors[3] == pytest.approx(np.hypot(true, 0.3), rel=0.08)


def test_withheld_entries_are_whole_blocks_and_seeded():
    known = np.isfinite(low_rank(3)[1])
    block = np.arange(60) // 4
    out = withhold(known, block, 0.05, 30, 1)
    for number in range(15):
        rows = block == number
        some = out[rows].any(axis=0)
        np.testing.assert_array_equal(out[rows][:, some], known[rows][:, some])
    np.testing.assert_array_equal(out, withhold(known, block, 0.05, 30, 1))
    assert (out != withhold(known, block, 0.05, 30, 2)).any()


def test_filter_in_time_damps_quick_changes():
    smoothing = time_filter(40, 2.0)
    np.testing.assert_allclose(smoothing @ np.ones(40), 1.0)
    wave = np.cos(np.pi * (np.arange(40) + 0.5) * 10 / 40)
    np.testing.assert_allclose(smoothing @ wave, wave / (1 + 16 * np.sin(np.pi * 10 / 80) ** 2))
    assert time_filter(40, 0.0) is None
    truth, value = low_rank(4, rank=1)
    slow = np.cumsum(truth[0])[None] * np.ones((60, 1)) / 10
    value = np.where(np.isfinite(value), slow + np.random.default_rng(0).normal(0, 1, value.shape), np.nan)
    known = np.isfinite(value)
    error = [
        np.sqrt(((iterate(np.where(known, value, 0.0), known, 2, one).value - slow)[~known] ** 2).mean())
        for one in (None, time_filter(120, 1.0))
    ]
    assert error[1] < error[0]


def test_modes_of_a_planted_field_and_its_stated_errors(fitted):
    assert fitted.number_ == 2
    rng = np.random.default_rng(5)
    lat, lon, day = rng.uniform(21, 39, 4000), rng.uniform(101, 129, 4000), rng.uniform(5, 795, 4000)
    value, sigma = fitted.predict_at(lat, lon, moment(day))
    error = field(lat, lon, day) - value
    assert np.sqrt((error**2).mean()) < 0.35 * field(lat, lon, day).std()
    # right on the whole, though the same everywhere: too wide inside, too narrow at the rim
    assert 0.4 < ((error / sigma) ** 2).mean() < 1.6
    assert 0.92 < (np.abs(error / sigma) < 1.959964).mean() < 0.995


def test_stated_errors_hold_on_fields_of_modes():
    inside = []
    for seed in range(8):
        rng = np.random.default_rng(seed + 100)
        truth, value = low_rank(seed)
        truth = truth + 0.4 * rng.normal(size=truth.shape)
        error = rng.uniform(0.1, 0.5, truth.shape)
        seen = np.where(np.isfinite(value), truth + error * rng.normal(size=truth.shape), np.nan)
        found = learn_modes(
            seen, error**2, np.arange(60) // 3, modes=None, most=8, part=0.1, smoothing=None, seed=0
        )
        modes = modes_of(found.filled, seen.shape, found.rest)
        assert modes.variance.size == 3
        amplitude, covariance = modes.amplitudes(seen, error**2)
        spread = np.einsum("ck,skl,cl->cs", modes.pattern, covariance, modes.pattern) + modes.rest
        z = np.abs(truth - modes.pattern @ amplitude.T) / np.sqrt(spread)
        inside.append([(z[np.isnan(value)] < quantile).mean() for quantile in (0.994458, 1.959964)])
    assert np.mean(inside, axis=0) == pytest.approx([0.68, 0.95], abs=0.04)


def test_left_out_error_is_that_of_field_and_measurement(fitted):
    table = cross_validate(fitted, scheme="block").table
    truth = field(table["latitude"], table["longitude"], (table["time"] - START) / np.timedelta64(1, "D"))
    wrong = np.sqrt(((table["predicted"] - truth) ** 2).mean())
    residual = np.sqrt((table["residual"] ** 2).mean())
    assert np.sqrt(residual**2 - 0.3**2) == pytest.approx(wrong, rel=0.1)
    z = (table["residual"] / table["sigma"]).abs()
    assert 0.60 < (z < 0.994458).mean() < 0.80


def test_map_says_what_was_left_out_of_the_matrix(fitted):
    filled = fitted.predict(GridSpec.regular(2.0, (96, 16, 132, 44)), "month")
    assert filled.attrs["method"] == "DINEOF, 2 modes, cells of 4 degrees, steps of 10 days"
    assert filled.attrs["dineof_times_left_out"] + filled.attrs["dineof_times"] == 80
    filled = filled.compute()
    assert np.isfinite(filled["xco2"]).all()
    # far from the cells of the matrix the field is the mean, and not known
    outside = filled["xco2_uncertainty"].isel(lat=0, lon=0).values
    inside = filled["xco2_uncertainty"].sel(lat=31, lon=115).values
    assert np.median(outside) > 3.0 * np.median(inside)
    moments = fitted.predict(GridSpec.regular(2.0, (110, 26, 116, 32)), ["2018-05-01"]).compute()
    lat, lon = np.meshgrid(moments["lat"], moments["lon"], indexing="ij")
    value, sigma = fitted.predict_at(lat, lon, np.datetime64("2018-05-01"))
    np.testing.assert_allclose(moments["xco2"].values.ravel(), value, rtol=1e-12)
    np.testing.assert_allclose(moments["xco2_uncertainty"].values.ravel(), sigma, rtol=1e-9)


def test_conditioning_on_the_same_observations_changes_nothing(fitted):
    place = np.array([30.0]), np.array([110.0]), np.datetime64("2018-05-01")
    again = fitted.condition(fitted.observations_)
    np.testing.assert_array_equal(again.predict_at(*place), fitted.predict_at(*place))
    before = fitted.observations_.take(fitted.observations_.time < np.datetime64("2019-01-01"))
    less = fitted.condition(before)
    late = np.array([30.0]), np.array([110.0]), np.datetime64("2018-12-31")
    assert np.isfinite(less.predict_at(*late)).all()


def test_what_cannot_be_filled_is_refused():
    table = planted(1, tracks=60)
    one = table.take(table.days < table.days.min() + 40.0)
    with pytest.raises(TooFewSoundingsError, match=r"at least 5 times with data of xco2, given are 1"):
        Dineof(FLAT, step=60.0).fit(one.take(np.arange(len(one))))
    with pytest.raises(TooFewSoundingsError, match=r"at least 50 observations .* given are 10"):
        Dineof(FLAT).fit(table.take(np.arange(10)))
    with pytest.raises(TooFewSoundingsError, match=r"no cell of 0\.25 degrees has data in 60 per cent of"):
        Dineof(FLAT, cell=0.25, step=10.0, coverage=0.6).fit(table)
    with pytest.raises(YaotanError, match="outside the data's period"):
        Dineof(FLAT, cell=5.0, step=40.0).fit(table).predict_at([30.0], [100.0], np.datetime64("2035-01-01"))
    for wrong in ({"cell": 0.0}, {"coverage": 1.0}, {"most": 0}, {"folds": 1}, {"time_filter": -1.0}):
        with pytest.raises(YaotanError, match=next(iter(wrong))):
            Dineof(**wrong)


def test_how_the_rest_fades_is_measured():
    """A field without modes, whose correlation in time is planted: a month keeps what the formula says."""
    model = ProductSum(0.0, 0.0, 1.2, 0.0, 900e3, 3.0)
    made = plant(4, model, tracks=220, along=6, targets=1, days=250.0)
    filler = Dineof(MeanModel(1, 1, 0), cell=6.0, step=12.0, modes=0).fit(made.observations)
    lag = np.array([1.0, 3.0, 6.0, 12.0])
    found = filler.fade_.covariance(0.0, lag) / filler.fade_.sill
    np.testing.assert_allclose(found, np.exp(-lag / 3.0), atol=0.12)
    filled = filler.predict(
        GridSpec.regular(6.0, (90, 26, 102, 38)), [("2018-03-01", "2018-03-30")]
    ).compute()
    # the mean of e^(-u / a) over pairs of moments of a period T, x = a / T
    x = 3.0 / 30.0
    kept = 2.0 * x * (1.0 - x * (1.0 - np.exp(-1.0 / x)))
    np.testing.assert_allclose(filled["xco2_uncertainty"] ** 2, filler.modes_.rest * kept, rtol=0.35)
    # one overpass tells nothing of lags
    one = planted(1, tracks=1, along=60)
    assert measure_fade(one, one.value - 400.0, 10.0, 0) is None
    assert assume_fade(10.0).time_range == 2.5

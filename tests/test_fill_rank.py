"""Kriging of fixed rank against dense algebra, and on fields of its own model."""

from __future__ import annotations

import numpy as np
import pytest

from fill_truth import START, moment, plant_rank
from yaotan import GridSpec
from yaotan.column import MeanModel, cross_validate
from yaotan.column.fill.basis import make_basis
from yaotan.column.fill.covariance import ProductSum
from yaotan.column.fill.fixed_rank import FixedRankKriging
from yaotan.errors import TooFewSoundingsError, YaotanError
from yaotan.geodesy import sphere_point

REGION = ((35.0, 105.0), (15.0, 25.0))


@pytest.fixture(scope="module")
def planted():
    return plant_rank(2, tracks=40, along=8, days=90.0)


@pytest.fixture(scope="module")
def fitted(planted):
    return FixedRankKriging(MeanModel(1, 1, 0), functions=40, levels=2, step=20.0, folds=8).fit(
        planted.observations
    )


class Dense:
    """All matrices written out: covariance of coefficients at all nodes, functions, errors."""

    def __init__(self, filler):
        self.filler, known = filler, filler.observations_
        variance, carry = filler.model_.by_function(filler.basis_)
        lag = np.abs(np.subtract.outer(np.arange(filler.nodes_.number), np.arange(filler.nodes_.number)))
        size = filler.basis_.size
        self.prior = np.zeros((filler.nodes_.number * size,) * 2)
        for j in range(size):
            self.prior[j::size, j::size] = variance[j] * carry[j] ** lag
        place = sphere_point(known.latitude, known.longitude)
        apart = np.linalg.norm(place[:, None] - place, axis=-1)
        same = known.overpass[:, None] == known.overpass
        model, late = filler.model_, np.abs(known.days[:, None] - known.days)
        errors = np.outer(known.shared, known.shared) * np.exp(-apart / filler.error_length)
        errors += model.fine * np.exp(-apart / model.fine_range - late / model.fine_time)
        errors *= same
        np.fill_diagonal(errors, known.sigma**2 + model.fine)
        self.h, self.x = self.rows(known.latitude, known.longitude, known.days)
        self.inverse = np.linalg.inv(self.h @ self.prior @ self.h.T + errors)
        self.normal = np.linalg.inv(self.x.T @ self.inverse @ self.x)
        departure = known.value - filler.mean_.reference
        self.beta = self.normal @ self.x.T @ self.inverse @ departure
        self.left = departure - self.x @ self.beta

    def rows(self, lat, lon, days):
        filler = self.filler
        one = filler.basis_.rows(sphere_point(lat, lon)).toarray()
        out = np.zeros((days.size, filler.nodes_.number, filler.basis_.size))
        place = (days - filler.nodes_.start) / filler.nodes_.step
        node = np.floor(place).astype(int)
        for i, (n, a) in enumerate(zip(node, place - node, strict=True)):
            out[i, n] += (1 - a) * one[i]
            out[i, n + 1] += a * one[i]
        return out.reshape(days.size, -1), filler.mean_.design(lat, lon, days)

    def predict(self, h, x):
        gain = h @ self.prior @ self.h.T @ self.inverse
        lever = x - gain @ self.x
        covariance = h @ self.prior @ h.T - gain @ self.h @ self.prior @ h.T + lever @ self.normal @ lever.T
        return self.filler.mean_.reference + x @ self.beta + gain @ self.left, covariance


def test_levels_have_equal_variance_everywhere():
    basis = make_basis(*REGION, functions=150, levels=3)
    assert 130 <= basis.size <= 150
    np.testing.assert_allclose(basis.spacing[:-1] / basis.spacing[1:], 2.0, rtol=0.03)
    rng = np.random.default_rng(0)
    rows = basis.rows(sphere_point(rng.uniform(20, 50, 500), rng.uniform(80, 130, 500))).toarray()
    for level in range(3):
        np.testing.assert_allclose((rows[:, basis.level == level] ** 2).sum(axis=1), 1.0)
    # a bisquare function: 1 in its centre before scaling, 0 from 1.5 distances on
    at = basis.centre[-1]
    apart = np.linalg.norm(basis.centre - at, axis=1) / basis.radius
    plain = np.where(apart < 1.0, (1.0 - apart**2) ** 2, 0.0)
    fine = basis.level == 2
    np.testing.assert_allclose(
        basis.rows(at[None]).toarray()[0, fine], plain[fine] / np.sqrt((plain[fine] ** 2).sum()), atol=1e-12
    )
    far = basis.rows(sphere_point(np.array([-40.0]), np.array([0.0])))
    assert basis.unreached(far).all()
    assert not basis.unreached(basis.rows(at[None])).any()


def test_functions_across_the_dateline_and_on_the_globe():
    basis = make_basis((0.0, 180.0), (10.0, 15.0), functions=100, levels=2)
    rows = basis.rows(sphere_point(np.zeros(3), np.array([170.0, 180.0, -170.0])))
    assert not basis.unreached(rows).any()
    globe = make_basis((0.0, 0.0), (90.0, 180.0), functions=400, levels=3)
    lat, lon = np.meshgrid(np.linspace(-90, 90, 37), np.linspace(-180, 180, 73))
    assert not globe.unreached(globe.rows(sphere_point(lat.ravel(), lon.ravel()))).any()
    with pytest.raises(YaotanError, match="3 functions do not cover the region at 3 levels"):
        make_basis((0.0, 0.0), (90.0, 180.0), functions=3, levels=3)


def test_prediction_is_that_of_dense_algebra(fitted):
    dense = Dense(fitted)
    np.testing.assert_allclose(fitted.mean_.coefficients, dense.beta, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(fitted.mean_.covariance, dense.normal, rtol=1e-8)
    rng = np.random.default_rng(1)
    lat, lon, days = rng.uniform(20, 50, 60), rng.uniform(80, 130, 60), rng.uniform(0, 90, 60)
    time = moment(days)
    value, sigma = fitted.predict_at(lat, lon, time)
    known = days + (START - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")
    wanted, covariance = dense.predict(*dense.rows(lat, lon, known))
    np.testing.assert_allclose(value, wanted, atol=1e-8)
    np.testing.assert_allclose(sigma**2, np.diagonal(covariance) + fitted.model_.fine, rtol=1e-8)


def test_means_over_periods_and_cells_are_those_of_dense_algebra(fitted):
    spec = GridSpec.regular(4.0, (100, 30, 108, 38))
    filled = fitted.predict(spec, [("2018-01", "2018-02")]).compute()
    dense = Dense(fitted)
    number, quarter = 60, 4.0 / np.sqrt(12.0)
    first = float((np.datetime64("2018-01-01") - np.datetime64("1970-01-01")).astype(int))
    days = first + 59.0 * (np.arange(number) + 0.5) / number
    h, x = [], []
    for lat in filled["lat"].values:
        for lon in filled["lon"].values:
            nodes = [
                dense.rows(np.full(number, lat + a * quarter), np.full(number, lon + b * quarter), days)
                for a in (-1, 1)
                for b in (-1, 1)
            ]
            h.append(np.mean([one[0].mean(axis=0) for one in nodes], axis=0))
            x.append(dense.filler.mean_.design([lat], [lon], [days.mean()])[0])
    wanted, covariance = dense.predict(np.array(h), np.array(x))
    # 60 midpoints of the period here, some fewer there
    np.testing.assert_allclose(filled["xco2"].values.ravel(), wanted, atol=5e-3)
    share = filled["xco2_uncertainty"].values.ravel() ** 2 - np.diagonal(covariance)
    # the fine part decays in a quarter of a step, and over the cell in its range
    part = fitted.model_.fine_time / 59.0
    over_time = 2.0 * part * (1.0 - part * (1.0 - np.exp(-1.0 / part)))
    place = sphere_point(
        34.0 + quarter * np.array([-1, -1, 1, 1]), 104.0 + quarter * np.array([-1, 1, -1, 1])
    )
    apart = np.linalg.norm(place[:, None] - place, axis=-1)
    over_cell = np.exp(-apart / fitted.model_.fine_range).mean()
    np.testing.assert_allclose(share, fitted.model_.fine * over_time * over_cell, rtol=0.1)


def test_likelihood_is_that_of_dense_algebra(fitted, planted):
    dense = Dense(fitted)
    _, logarithm = np.linalg.slogdet(dense.inverse)
    wanted = 0.5 * (logarithm + np.linalg.slogdet(dense.normal)[1] - dense.left @ dense.inverse @ dense.left)
    assert fitted.diagnostics_["log_likelihood"] == pytest.approx(wanted, rel=1e-9)
    assert fitted.diagnostics_["converged"]


def test_leaving_out_is_conditioning_on_the_rest(fitted, planted):
    known = planted.observations
    value, sigma = fitted.leave_out(known.overpass[:, None])
    fold = known.overpass % 8 == 3
    other = fitted.condition(known.take(~fold))
    wanted = other.predict_at(known.latitude[fold], known.longitude[fold], known.time[fold])
    np.testing.assert_allclose([value[fold], sigma[fold]], wanted, rtol=1e-9)
    by_one, by_block = (cross_validate(fitted, scheme=scheme) for scheme in ("observation", "block"))
    assert by_one.rmse < by_block.rmse


def test_map_does_not_depend_on_blocks_and_begins_before_the_data(fitted, monkeypatch):
    spec = GridSpec.regular(2.0, (90, 22, 110, 34))
    whole = fitted.predict(spec, "month", region=(90, 22, 100, 34))
    assert whole["xco2"].chunks is not None
    assert whole.attrs["covariance_converged"] == "yes"
    monkeypatch.setattr("yaotan.column.fill.block._BLOCK", 25)
    parts = fitted.predict(spec, "month", region=(90, 22, 100, 34)).compute()
    np.testing.assert_allclose(parts["xco2"], whole["xco2"], rtol=1e-13)
    assert (parts["xco2_measured"].values[..., 5:] == 2).all()


def test_periods_may_reach_beyond_the_data(fitted):
    spec = GridSpec.regular(10.0, (90, 20, 120, 50))
    filled = fitted.predict(spec, [("2018-02-15", "2018-03-14"), ("2018-03-30", "2018-04-26")])
    spread = filled["xco2_uncertainty"].mean(("lat", "lon")).values
    # seen for two of its days only
    assert spread[1] > 1.2 * spread[0]


def test_draws_have_mean_and_scatter_of_the_prediction(fitted):
    spec, times = GridSpec.regular(6.0, (90, 20, 114, 50)), ["2018-02-01", "2018-02-20"]
    drawn = fitted.simulate(spec, times, draws=500, seed=1)["xco2"]
    filled = fitted.predict(spec, times).compute()
    z = (drawn.mean("draw") - filled["xco2"]) / filled["xco2_uncertainty"] * np.sqrt(500)
    assert 0.6 < float(z.std()) < 1.5
    ratio = drawn.std("draw") / filled["xco2_uncertainty"]
    assert float(ratio.mean()) == pytest.approx(1.0, abs=0.04)
    free = fitted.simulate(spec, times, draws=500, seed=1, conditional=False)["xco2"]
    model = np.sqrt(fitted.model_.sill)
    assert float(free.std("draw").mean()) == pytest.approx(model, rel=0.15)
    again = fitted.simulate(spec, times, draws=2, seed=1)["xco2"]
    np.testing.assert_array_equal(again, fitted.simulate(spec, times, draws=2, seed=1)["xco2"])


def test_variances_are_found_and_stated_errors_hold():
    errors, found = [], []
    for seed in range(4):
        made = plant_rank(seed, tracks=70, along=10, days=160.0)
        filler = FixedRankKriging(MeanModel(1, 1, 0), functions=60, levels=2, step=16.0).fit(
            made.observations
        )
        value, sigma = filler.predict_at(made.latitude, made.longitude, made.time)
        errors.append((made.truth - value) / sigma)
        found.append(filler.model_.sill)
    z = np.concatenate(errors)
    assert 0.62 < (np.abs(z) < 0.994458).mean() < 0.74
    assert 0.92 < (np.abs(z) < 1.959964).mean() < 0.98
    assert np.mean(found) == pytest.approx(2.0, rel=0.25)


def test_coefficients_that_change_their_sign_from_node_to_node_are_found():
    made = plant_rank(3, tracks=160, along=8, targets=1, days=320.0, carry=(0.8, -0.5))
    found = FixedRankKriging(MeanModel(1, 1, 0), functions=60, levels=2).fit(made.observations).model_
    assert found.carry[0] == pytest.approx(0.8, abs=0.15)
    assert found.carry[1] == pytest.approx(-0.5, abs=0.15)


def test_correlation_of_the_fine_part_in_time_is_measured():
    """It goes through zero after 3.1 days, is least, -0.35, after 5.3, and above zero again from 9.4 on."""
    fade = ProductSum(0.0, 0.0, 1.5, 0.0, 800e3, 6.0, time_wave=0.5)
    made = plant_rank(5, tracks=220, along=6, targets=1, days=320.0, fade=fade)
    filler = FixedRankKriging(MeanModel(1, 1, 0), functions=60, levels=2).fit(made.observations)
    assert filler.diagnostics_["fine_pairs"] > 300
    lag = np.linspace(1.0, 12.0, 12)
    found = filler.model_.fine_model.in_time(lag)
    # where overpasses count as independent, the functions take some of it
    assert np.abs(found - np.exp(-lag / 6.0) * np.cos(0.5 * lag)).max() < 0.25
    assert found.min() < -0.1
    # without pairs of overpasses it is assumed
    few = plant_rank(5, tracks=40, along=8, targets=1, days=90.0)
    filler = FixedRankKriging(MeanModel(1, 1, 0), functions=40, levels=2, step=20.0).fit(few.observations)
    assert filler.diagnostics_["fine_pairs"] < 300
    assert (filler.model_.fine_time, filler.model_.fine_wave) == (5.0, 0.0)


def test_what_cannot_be_filled_is_refused(planted, fitted):
    few = planted.observations.take(np.arange(30))
    with pytest.raises(TooFewSoundingsError, match=r"400 functions needs at least 400 .* given are 30"):
        FixedRankKriging(MeanModel(1, 1, 0)).fit(few)
    with pytest.raises(YaotanError, match="outside the data's period"):
        fitted.predict(GridSpec.regular(5.0, (90, 20, 110, 35)), ["2025-01-01"])
    for wrong in ({"step": 0.0}, {"error_length": -1.0}, {"support": "x"}, {"folds": 1}):
        with pytest.raises(YaotanError, match=next(iter(wrong))):
            FixedRankKriging(**wrong)


def test_input_is_not_edited(planted):
    before = planted.observations.value.copy()
    FixedRankKriging(MeanModel(1, 1, 0), functions=10, levels=1, step=60.0).fit(planted.observations)
    np.testing.assert_array_equal(planted.observations.value, before)

"""A field that is livelier at some latitudes and in some seasons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fill_truth import plant, plant_scaled, planted_scale
from yaotan import Dineof, FixedRankKriging, GridSpec, SpaceTimeKriging
from yaotan.column import MeanModel, cross_validate
from yaotan.column.fill.covariance import ProductSum
from yaotan.column.fill.scale import FittedScale, Frame, ScaleForm
from yaotan.column.fill.scaling import choose_form, learn_scale
from yaotan.errors import YaotanError

#: no error is common to an overpass and correlations are short, so that a small field tells its scale
MODEL = ProductSum(0.0, 0.0, 1.0, 0.0, 300e3, 4.0, "matern32", "matern32")
MEAN = MeanModel(1, 1, 1)
#: the families are known, and the variogram is enough
PLAIN = {"space_family": "matern32", "time_family": "matern32", "refine": False}


@pytest.fixture(scope="module")
def planted():
    return plant_scaled(3, MODEL)


@pytest.fixture(scope="module")
def kriged(planted):
    return SpaceTimeKriging(MEAN, **PLAIN).fit(planted.observations)


def test_planted_scale_is_found(planted):
    known = planted.observations
    learned = learn_scale(known, MEAN, "seasonal")
    assert learned.scale.form.latitude >= 1
    assert learned.scale.form.harmonics >= 1
    ratio = learned.scale.at(known.latitude, known.days) / planted_scale(known.latitude, known.time)
    # the same to within a factor; a tenth is what 240 tracks can tell
    assert np.log(ratio).std() < 0.1
    assert (learned.scale.at(known.latitude, known.days) ** 2).mean() == pytest.approx(1.0, abs=1e-6)
    assert max(learned.gains.values()) > 50.0


def test_field_without_a_scale_gets_none():
    made = plant(5, MODEL, tracks=200, along=6, targets=1, days=1100.0)
    learned = learn_scale(made.observations, MEAN, "seasonal")
    assert learned.scale is None
    assert learned.gains[""] == 0.0
    # a short record is not asked about seasons
    short = plant(5, MODEL, tracks=200, along=6, targets=1, days=500.0).observations
    assert not any("harmonic" in name for name in learn_scale(short, MEAN, "seasonal").gains)


def test_outliers_do_not_make_a_scale():
    made = plant(5, MODEL, tracks=200, along=6, targets=1, days=1100.0)
    value = made.observations.value.copy()
    south = np.flatnonzero(made.observations.latitude < 30.0)
    value[south[::40]] += np.where(np.arange(south[::40].size) % 2, 10.0, -10.0)
    spoilt = replace(made.observations, value=value)
    scale = learn_scale(spoilt, MEAN, "seasonal").scale
    assert scale is None or np.ptp(np.log(scale.at(np.array([20.0, 50.0]), 17900.0))) < 0.5


def test_form_with_fewest_terms_is_taken_that_is_no_worse():
    losses = np.array([[2.0, 2.0, 2.0, 2.0], [1.0, 1.1, 0.9, 1.0], [0.9, 1.2, 0.8, 1.0]])
    assert choose_form(losses) == 1
    assert choose_form(losses - [[0.0], [0.0], [0.5]]) == 2
    assert choose_form(losses[:, :1]) == 0


def scale_of(**options):
    frame = Frame.of(np.array([-60.0, 60.0]))
    given = {"form": ScaleForm(1, 1, True), "coefficients": np.array([0.2, 0.1, 0.3, -0.05, 0.4])}
    return FittedScale(**(given | {"frame": frame, "constant": -0.1, "centre": 400.0} | options))


def test_scale_is_the_written_formula_and_stays_beyond_the_data():
    scale, day = scale_of(), 18000.0
    x, angle = np.sin(np.radians(20.0)) / np.sin(np.radians(60.0)), 2 * np.pi * day / 365.25
    wave, cross = 0.1 * np.sin(angle) + 0.3 * np.cos(angle), -0.05 * np.sin(angle) + 0.4 * np.cos(angle)
    wanted = np.exp(-0.1 + 0.2 * x + wave + x * cross)
    np.testing.assert_allclose(scale.at(20.0, day), wanted, rtol=1e-12)
    np.testing.assert_allclose(scale.at(85.0, day), scale.at(60.0, day), rtol=1e-12)
    days = day + np.linspace(-200.0, 200.0, 100_001)
    np.testing.assert_allclose(
        scale.average(np.array([20.0]), day, 200.0), scale.at(20.0, days).mean(), rtol=1e-3
    )
    np.testing.assert_allclose(scale.average(np.array([20.0]), day, 0.0), wanted, rtol=1e-12)


def test_bands_hold_every_cell_once_and_one_course():
    scale, half = scale_of(), 100.0
    lat, _ = np.meshgrid(np.linspace(-80.0, 80.0, 41), np.zeros(3), indexing="ij")
    wanted = np.random.default_rng(0).random(lat.shape) < 0.7
    days = 18000.0 + np.linspace(-half, half, 41)
    total = np.zeros(lat.shape, int)
    for band, where in scale.bands(lat, wanted, half):
        total += band
        course = scale.at(lat[band][:, None], days)
        course = course / course.mean(axis=1, keepdims=True)
        one = scale.course(where)(days)
        assert np.abs(course / (one / one.mean()) - 1.0).max() < 0.12
    np.testing.assert_array_equal(total, wanted)
    # nothing crossed, or a moment: one band
    assert len(list(scale.bands(lat, wanted, 0.0))) == 1
    plain = scale_of(form=ScaleForm(1, 1), coefficients=np.array([0.2, 0.1, 0.3]))
    assert len(list(plain.bands(lat, wanted, half))) == 1


def test_stated_error_follows_the_scale(planted, kriged):
    value, sigma = kriged.predict_at(planted.latitude, planted.longitude, planted.time)
    z = (planted.truth - value) / sigma
    scale = planted_scale(planted.latitude, planted.time)
    quiet, lively = scale < np.quantile(scale, 0.3), scale > np.quantile(scale, 0.7)
    for some in (quiet, lively):
        assert 61.0 < 100.0 * (np.abs(z[some]) < 0.994458).mean() < 76.0
    other = SpaceTimeKriging(MEAN, scale="constant", **PLAIN).fit(planted.observations)
    value, sigma = other.predict_at(planted.latitude, planted.longitude, planted.time)
    z = (planted.truth - value) / sigma
    # what one variance for all gives
    assert (np.abs(z[quiet]) < 0.994458).mean() - (np.abs(z[lively]) < 0.994458).mean() > 0.2


def given_scale(observations, form, **options):
    """Kriging with a model and a scale that are given."""
    coefficients = np.array([0.3, 0.1, 0.3, 0.2, -0.2])[: len(form.names)]
    filler = SpaceTimeKriging(MEAN, model=replace(MODEL, time_range=20.0), **options).fit(observations)
    filler.scale_ = FittedScale(form, Frame.of(observations.latitude), coefficients, 0.0, 400.0)
    filler.mean_ = MEAN.fit(filler.scale_.divide(observations))
    return filler.condition(observations)


def test_mean_over_a_period_is_that_of_its_moments(planted):
    """Simple kriging from all observations is linear: what it says of days has the mean of the year."""
    few = planted.observations.take(np.arange(0, len(planted.observations), 6))
    filler = given_scale(few, ScaleForm(1, 1, True), ordinary=False, minimum=len(few), maximum=len(few))
    filled = filler.predict(GridSpec.regular(1.0, (104, 25, 105, 45)), [("2019-01", "2019-12")]).compute()
    days = np.arange("2019-01-02", "2020-01-01", 3, dtype="datetime64[D]").astype("datetime64[ns]")
    for lat, found in zip(filled["lat"].values[::4], filled["xco2"].values.ravel()[::4], strict=True):
        daily = filler.predict_at(lat, 104.5, days + np.timedelta64(12, "h"))[0]
        # bands of latitude take one course to within 5 per cent; without the course it is 0.04 at most
        assert found == pytest.approx(daily.mean(), abs=0.01)


@pytest.mark.parametrize("form", [ScaleForm(1, 1), ScaleForm(1, 1, True)])
def test_draws_have_mean_and_scatter_of_the_prediction(planted, form):
    """A scale that is given; a crossed one splits the map into bands."""
    filler = given_scale(planted.observations, form)
    spec, times = GridSpec.regular(5.0, (90, 20, 110, 50)), ["2019-01-10", "2019-07-01"]
    for asked in (times, [("2019-01", "2019-02")]):
        filled = filler.predict(spec, asked).compute()
        drawn = filler.simulate(spec, asked, draws=400, seed=1)["xco2"]
        z = (drawn.mean("draw") - filled["xco2"]) / filled["xco2_uncertainty"] * 20.0
        assert 0.5 < float(z.std()) < 1.6
        assert float((drawn.std("draw") / filled["xco2_uncertainty"]).mean()) == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize(
    "filler",
    [
        FixedRankKriging(MEAN, functions=60, levels=2, step=10.0, folds=4),
        Dineof(MEAN, cell=6.0, step=20.0, folds=4),
    ],
)
def test_every_filler_is_that_of_divided_observations(planted, filler):
    """Dividing by hand, filling with a constant scale and multiplying back is the same, but for the mean."""
    fitted = filler.fit(planted.observations)
    assert fitted.scale_ is not None
    score = cross_validate(fitted, scheme="overpass")
    table = score.table
    scale = planted_scale(table["latitude"].to_numpy(), table["time"].to_numpy())
    z = (table["residual"] / table["sigma"]).to_numpy()
    for some in (scale < np.quantile(scale, 0.3), scale > np.quantile(scale, 0.7)):
        assert 0.6 < (np.abs(z[some]) < 0.994458).mean() < 0.78
    filled = fitted.predict(GridSpec.regular(5.0, (90, 20, 110, 50)), ["2019-01-10", "2019-07-01"]).compute()
    spread = filled["xco2_uncertainty"].mean(("lat", "lon"))
    assert 1.5 < float(spread[0] / spread[1]) < 2.5
    assert "harmonic 1" in filled.attrs["scale_terms"]


def test_another_scale_is_refused(planted):
    for make in (SpaceTimeKriging, FixedRankKriging, Dineof):
        with pytest.raises(YaotanError, match="scale is 'x'"):
            make(scale="x")
    assert SpaceTimeKriging(MEAN, model=MODEL).fit(planted.observations).scale_ is None

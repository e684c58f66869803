"""Observations of a gap filler, its mean, its grid, and leaving out."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from yaotan import GridSpec, grid_soundings
from yaotan.column.fill.crossvalidation import cross_validate, leave_out_by_folds
from yaotan.column.fill.extraction import gather
from yaotan.column.fill.layout import build_filled
from yaotan.column.fill.mean import MeanModel
from yaotan.column.fill.observation import days_of
from yaotan.column.fill.step import centres, resolve_times, wanted_cells
from yaotan.errors import SchemaError, TooFewSoundingsError, UnitsError, YaotanError
from yaotan.schema import check_grid


def soundings(time, lat, lon, value, sigma=0.5, units="ppm", variable="xco2", **more):
    n = len(lat)
    dims = ("sounding",)
    data = {
        "time": (dims, np.asarray(time, "datetime64[ns]")),
        "latitude": (dims, np.asarray(lat, float)),
        "longitude": (dims, np.asarray(lon, float)),
        "quality": (dims, np.zeros(n, np.uint8)),
        variable: (dims, np.asarray(value, float), {"units": units}),
        f"{variable}_uncertainty": (dims, np.broadcast_to(np.asarray(sigma, float), n), {"units": units}),
    }
    return xr.Dataset(data | {name: (dims, np.asarray(values)) for name, values in more.items()})


def scattered(seed=0, n=400, days=730, west=75.0, east=135.0):
    rng = np.random.default_rng(seed)
    time = np.datetime64("2018-01-01") + (np.sort(rng.uniform(0, days, n)) * 86400e9).astype("m8[ns]")
    return time, rng.uniform(15, 55, n), rng.uniform(west, east, n), rng


def test_what_cannot_be_used_is_counted_once():
    time = np.datetime64("2019-01-01", "ns") + np.arange(6).astype("m8[D]")
    table = soundings(time, [10, 91, 10, 10, 10, 10], [0.0] * 6, [1, 1, np.nan, 1, 1, 1])
    table["quality"][3] = 1
    table["xco2_uncertainty"] = table["xco2_uncertainty"].copy(data=[0.5, 0.5, 0.5, 0.5, np.nan, 0.5])
    found = gather(table)
    assert len(found) == 2
    assert found.lost == {"no_geolocation": 1, "no_value": 1, "quality": 1, "no_uncertainty": 1}


def test_means_along_a_track_and_their_errors():
    # two overpasses, 4 and 2 soundings, within 10 s each; u = 1, r = 0.5
    first = np.datetime64("2019-01-01T05:00:01", "ns")
    time = first + np.array([0, 1, 2, 3, 86400, 86401]).astype("m8[s]")
    table = soundings(time, [30, 30.1, 30.2, 30.3, 31, 31.1], [179.9, 179.9, -179.9, -179.9, 0, 0],
                      [1, 2, 3, 4, 7, 9], 1.0)  # fmt: skip
    found = gather(table, average="10s")
    assert found.count.tolist() == [4, 2]
    assert found.value.tolist() == [2.5, 8.0]
    np.testing.assert_allclose(found.latitude, [30.15, 31.05], atol=1e-4)
    np.testing.assert_allclose(abs(found.longitude), [180.0, 0.0], atol=1e-3)
    # (1 - r) / n + r
    np.testing.assert_allclose(found.sigma**2, [0.5 / 4 + 0.5, 0.5 / 2 + 0.5])
    np.testing.assert_allclose(found.shared**2, [0.5, 0.5])
    assert found.overpass.tolist() == [0, 1]
    cells = gather(table, average=0.5)
    assert cells.count.tolist() == [2, 2, 2]


def test_cells_of_a_grid_bring_their_terms():
    first = np.datetime64("2019-01-05T05:00", "ns")
    time = first + np.array([0, 1, 2, 5 * 86400]).astype("m8[s]")
    table = soundings(time, [30.2, 30.4, 30.6, 33.5], [110.5] * 4, [1.0, 2.0, 3.0, 9.0], 1.0)
    spec = GridSpec.regular(1.0, (108, 28, 114, 36))
    grid = grid_soundings(table, spec, period="month", weight="centre", systematic=0.3)
    found = gather(grid)
    assert found.value.tolist() == [2.0, 9.0]
    assert found.latitude.tolist() == [30.5, 33.5]
    np.testing.assert_allclose(found.sigma**2, [0.5 / 3 + 0.5, 1.0])
    np.testing.assert_allclose(found.shared**2, [0.5, 0.5])
    assert found.systematic == pytest.approx(0.3)
    assert found.count.tolist() == [3, 1]
    # the middle of the first and the last sounding, not of the month
    assert found.time[0] == first + np.timedelta64(1, "s")
    assert found.overpass.tolist() == [0, 1]


def test_mixed_units_and_missing_errors_are_refused():
    time, lat, lon, _ = scattered(n=10)
    good = soundings(time, lat, lon, np.ones(10))
    wrong = soundings(time, lat, lon, np.ones(10), units="1")
    with pytest.raises(UnitsError, match="xco2 is in '1'"):
        gather([good, wrong])
    mixed = soundings(time, lat, lon, np.ones(10))
    mixed["xco2_uncertainty"].attrs["units"] = "1"
    with pytest.raises(UnitsError, match="xco2_uncertainty in '1'"):
        gather(mixed)
    with pytest.raises(UnitsError, match="mix variable xch4 and xco2"):
        gather([good, soundings(time, lat, lon, np.ones(10), units="ppb", variable="xch4")])
    with pytest.raises(SchemaError, match="xco2_uncertainty is missing"):
        gather(good.drop_vars("xco2_uncertainty"))
    with pytest.raises(TooFewSoundingsError, match="no_value 10"):
        gather(soundings(time, lat, lon, np.full(10, np.nan)))


def test_several_satellites_keep_their_overpasses():
    time, lat, lon, _ = scattered(n=20)
    a, b = soundings(time, lat, lon, np.ones(20)), soundings(time, lat, lon, np.zeros(20))
    found = gather([a, b])
    assert (np.diff(found.time) >= np.timedelta64(0)).all()
    ones = set(found.overpass[found.value == 1])
    assert not ones & set(found.overpass[found.value == 0])


def test_mean_gives_planted_coefficients_back():
    time, lat, lon, _ = scattered()
    t = days_of(time)
    planted = 400 + 0.05 * (lat - 35) - 0.02 * (lon - 100) + 2.5 * (t - t.mean()) / 365.25
    planted += 3 * np.sin(2 * np.pi * t / 365.25) + 0.7 * np.cos(4 * np.pi * t / 365.25)
    found = MeanModel(space=1, time=1, harmonics=2).fit(gather(soundings(time, lat, lon, planted)))
    np.testing.assert_allclose(found.value(lat, lon, t), planted, atol=1e-8)
    # elsewhere too
    np.testing.assert_allclose(
        found.value([35.0], [100.0], [t.mean()]),
        400 + 3 * np.sin(2 * np.pi * t.mean() / 365.25) + 0.7 * np.cos(4 * np.pi * t.mean() / 365.25),
        atol=1e-8,
    )


def test_generalised_fit_is_the_textbook_one():
    time, lat, lon, rng = scattered(n=60)
    table = gather(soundings(time, lat, lon, rng.normal(400, 2, 60)))
    root = rng.normal(size=(60, 60))
    sigma = root @ root.T + 60 * np.eye(60)
    found = MeanModel(space=1, time=1, harmonics=1).fit(table, precision=lambda m: np.linalg.solve(sigma, m))
    x = found.design(lat, lon, table.days)
    covariance = np.linalg.inv(x.T @ np.linalg.solve(sigma, x))
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-8)
    expected = covariance @ x.T @ np.linalg.solve(sigma, table.value - found.reference)
    np.testing.assert_allclose(found.coefficients, expected, rtol=1e-8, atol=1e-10)


def test_mean_of_the_globe_is_continuous_at_the_dateline():
    time, lat, lon, rng = scattered(west=-180.0, east=180.0)
    table = gather(soundings(time, lat, lon, rng.normal(400, 2, lat.size)))
    found = MeanModel(space=2, time=1, harmonics=1).fit(table)
    assert len(found.coefficients) == 9 + 1 + 2
    a, b = (found.value([20.0], [x], [17600.0]) for x in (179.999999, -179.999999))
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_mean_that_cannot_be_told_is_refused():
    time, lat, lon, _ = scattered(days=4)
    table = gather(soundings(time, lat, lon, np.ones(lat.size)))
    with pytest.raises(YaotanError, match="4 days of data cannot tell a season from a trend"):
        MeanModel(harmonics=1).fit(table)
    with pytest.raises(TooFewSoundingsError, match="needs at least 12 observations of xco2, given are 5"):
        MeanModel(harmonics=0).fit(table.take(np.arange(5)))
    line = gather(soundings(time, lat, 100 + lat, np.ones(lat.size)))
    with pytest.raises(YaotanError, match="tell these terms of the mean apart: latitude, longitude"):
        MeanModel(harmonics=0).fit(line)
    one = gather(soundings(time, np.full(lat.size, 30.0), lon, np.ones(lat.size)))
    with pytest.raises(TooFewSoundingsError, match="say nothing of these terms of the mean: latitude"):
        MeanModel(harmonics=0).fit(one)


def test_bands_have_means_of_their_own():
    time, lat, lon, _ = scattered()
    value = np.where(lat < 35, 400.0, 410.0)
    model = MeanModel(space=0, time=0, harmonics=0, bands=(0.0, 35.0, 60.0))
    found = model.fit(gather(soundings(time, lat, lon, value)))
    np.testing.assert_allclose(found.value([34.9, 35.0], [100, 100], [17600] * 2), [400, 410])
    with pytest.raises(YaotanError, match="not all in a band"):
        found.value([61.0], [100.0], [17600.0])


def test_times_outside_the_data_are_refused():
    period = np.datetime64("2019-01-05T03:00", "ns"), np.datetime64("2019-03-02T03:00", "ns")
    assert len(resolve_times("month", period)) == 3
    assert resolve_times("month", period).moment is None
    moments = resolve_times(["2019-01-05", "2019-01-25"], period)
    assert moments.start[1] == moments.end[0] == np.datetime64("2019-01-15")
    with pytest.raises(YaotanError, match=r"1 of 2 times lie outside .* the first at 2019-03-03"):
        resolve_times(["2019-01-06", "2019-03-03"], period)
    with pytest.raises(YaotanError, match="outside the data's period"):
        resolve_times([("2018-11", "2018-11")], period)


@pytest.mark.parametrize("flip", [False, True])
def test_filled_grid_is_a_grid_and_says_what_was_measured(flip):
    time = np.array(["2019-01-05", "2019-02-05"], "datetime64[ns]")
    table = gather(soundings(time, [30.0, 32.0], [-179.5, 179.5], [1.0, 2.0]))
    spec = GridSpec([32.0, 31.0, 30.0] if flip else [30.0, 31.0, 32.0], [179.0, 180.0, 181.0])
    steps = resolve_times("month", table.period)
    wanted = wanted_cells(spec, (-180, 29, -179, 33))
    assert wanted.tolist() == [[False, True]] * 2
    values = np.zeros((2, 2, 2))
    filled = check_grid(build_filled(spec, steps, values, values, table, method="test"))
    flags = filled["xco2_measured"].values
    rows = flags[:, ::-1] if flip else flags
    # half-open cells, but the northernmost edge belongs to the last row
    assert rows.tolist() == [[[0, 1], [0, 0]], [[0, 0], [1, 0]]]
    left = build_filled(spec, steps, values, values, table, method="test", wanted=wanted)
    assert (left["xco2_measured"].values[:, :, 0] == 2).all()
    assert filled.attrs["kind"] == "interpolated"
    assert filled["xco2_measured"].attrs["flag_meanings"] == "filled measured left_out"


def test_centres_of_a_projected_grid():
    spec = GridSpec.regular(100e3, (-1e5, -1e5, 1e5, 1e5), crs="+proj=laea +lat_0=35 +lon_0=105")
    lat, lon = centres(spec)
    np.testing.assert_allclose([lat.mean(), lon.mean()], [35.0, 105.0], atol=0.01)


class Nearest:
    """A filler that gives the mean of what is left."""

    def __init__(self, table):
        self.observations_ = table

    def leave_out(self, labels):
        def predict(kept, wanted):
            return np.full(len(wanted), kept.value.mean()), np.full(len(wanted), 1.0)

        return leave_out_by_folds(predict, self.observations_, labels, folds=50)


def test_leaving_out_an_overpass_leaves_out_all_of_it():
    # three overpasses of constant value: the rest tells nothing of the one that is left out
    day = np.datetime64("2019-01-01T05:00", "ns")
    time = np.concatenate([day + np.timedelta64(k, "D") + np.arange(5).astype("m8[s]") for k in range(3)])
    value = np.repeat([0.0, 3.0, 6.0], 5)
    table = gather(soundings(time, np.tile(np.arange(5) * 0.1, 3), np.repeat([0.0, 1.0, 2.0], 5), value, 0.0))
    by_overpass = cross_validate(Nearest(table), scheme="overpass")
    assert by_overpass.table["predicted"].tolist() == [4.5] * 5 + [3.0] * 5 + [1.5] * 5
    by_one = cross_validate(Nearest(table), scheme="observation")
    np.testing.assert_allclose(by_one.table["predicted"][:5], 45 / 14)
    assert by_one.rmse < by_overpass.rmse
    # all three lie in one block of 16 days and 10 degrees
    with pytest.raises(TooFewSoundingsError, match="no observation can be predicted"):
        cross_validate(Nearest(table), scheme="block", block_degrees=10.0)
    # blocks of a day and 10 degrees are the overpasses
    same = cross_validate(Nearest(table), scheme="block", block_degrees=10.0, block_days=1.0)
    np.testing.assert_allclose(same.table["predicted"], by_overpass.table["predicted"])
    # residuals -4.5, 0, 4.5 with 1 sigma of 1
    assert by_overpass.coverage_68 == by_overpass.coverage_95 == pytest.approx(1 / 3)
    assert by_overpass.bias == 0.0
    assert by_overpass.rmse == pytest.approx(np.sqrt(2 / 3) * 4.5)


def test_unknown_scheme():
    with pytest.raises(YaotanError, match="scheme is 'random'"):
        cross_validate(Nearest(None), scheme="random")

"""A year of a changing field in small: what tests/truth does with twenty."""

from __future__ import annotations

import numpy as np
import pytest

from fill_trial import Score, at_months, at_points, baseline_of, by_blocks, record_of, table_of
from yaotan import SpaceTimeKriging
from yaotan.column import MeanModel
from yaotan.column.fill.extraction import gather
from yaotan.simulate.record import simulate_record

SEED, DAYS = 4, 400


@pytest.fixture(scope="module")
def record():
    return record_of(SEED, DAYS)


@pytest.fixture(scope="module")
def filler(record):
    families = {"space_family": "matern32", "time_family": "matern32"}
    return SpaceTimeKriging(MeanModel(1, 1, 2), **families).fit(record.soundings)


def test_record_is_what_it_says(record):
    table = gather(record.soundings)
    truth = record.field.smooth(table.latitude, table.longitude, table.time)
    z = (table.value - truth) / table.sigma
    assert z.mean() == pytest.approx(0.0, abs=0.05)
    assert z.std() == pytest.approx(1.0, abs=0.03)
    # neighbours on a track share errors, tracks do not
    same = (np.diff(table.overpass) == 0) & (np.diff(table.days) * 86400 < 12.0)
    assert 0.15 < np.corrcoef(z[:-1][same], z[1:][same])[0, 1] < 0.4
    assert (
        abs(np.corrcoef(z[:-1][np.diff(table.overpass) != 0], z[1:][np.diff(table.overpass) != 0])[0, 1])
        < 0.1
    )
    again = simulate_record(SEED, days=5).soundings
    first = record.soundings.isel(sounding=slice(0, again.sizes["sounding"]))
    np.testing.assert_array_equal(again["xco2"], first["xco2"])


def test_weather_is_not_stationary(record):
    lat, lon = np.full(4000, 45.0), np.full(4000, 110.0)
    day = np.datetime64("2019-01-01") + np.arange(4000)
    north = record.field._weather(lat, lon, np.arange(4000.0))
    south = record.field._weather(lat - 25.0, lon, np.arange(4000.0))
    assert north.std() > 1.4 * south.std()
    month = day.astype("datetime64[M]").astype(int) % 12
    days = (day - np.datetime64("2020-01-01")).astype(float)
    seasonal = record.field._weather(lat, lon, days)
    assert seasonal[month == 0].std() > 1.4 * seasonal[month == 6].std()


def test_monthly_truth_is_the_mean_over_its_days(record):
    lat, lon = np.array([30.0, 40.0]), np.array([100.0, 110.0])
    days = np.arange("2019-02-01", "2019-03-01", dtype="datetime64[D]")
    wanted = np.mean([record.field.smooth(lat, lon, day) for day in days], axis=0)
    np.testing.assert_allclose(record.monthly_truth(lat, lon, np.datetime64("2019-02")), wanted)


def test_kriging_beats_spatial_kriging_month_by_month(filler):
    assert by_blocks(filler).rmse < 0.9 * baseline_of(SEED, DAYS).rmse


def test_stated_error_covers_a_field_of_another_kind(filler, record):
    for score in (
        by_blocks(filler),
        at_points(filler, record, 4000),
    ):
        assert 58.0 < score.coverage_68 < 78.0
        assert 88.0 < score.coverage_95 < 98.0
    monthly = at_months(filler, record, ["2019-04", "2019-09"])
    assert monthly.rmse < 0.5


def test_table_has_a_row_for_every_score():
    score = Score.of(np.array([1.0, -2.0, 0.5]), np.ones(3))
    text = table_of({("kriging", "blocks"): score, "points": score})
    assert text.splitlines()[1].split() == ["kriging,", "blocks", "1.323", "33.333", "66.667"]
    assert text.splitlines()[2].split()[0] == "points"

"""What a sensor could see of a plant: against simulated noise, limits, and bad input."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from yaotan.catalog.sensor import plume_sensors
from yaotan.errors import CatalogError, YaotanError
from yaotan.plume.observability import (
    THRESHOLD,
    detection_law,
    detection_probability,
    expected_uncertainty,
    noise_mass,
    observability,
    signal_to_noise,
)
from yaotan.plume.observable import observable_map, observable_sources
from yaotan.plume.source import make_sources

PLANTS = make_sources(["big", "small"], [14.5, 14.5], [51.8, 0.0]).assign(
    emission_co2=[800.0, 20.0], emission_nox=[0.6, 0.015]
)


def test_one_number_holds_rate_wind_pixel_and_noise() -> None:
    assert float(observability(500.0, 5.0, 2000.0, 0.01)) == pytest.approx(5.0)
    twice = signal_to_noise(1000.0, 5.0, 2000.0, 0.01) / signal_to_noise(500.0, 5.0, 2000.0, 0.01)
    assert float(twice) == pytest.approx(2.0)


def test_signal_to_noise_is_that_of_the_best_linear_estimate() -> None:
    # a plume of class C (wind of 5 m/s), averaged over pixels of 2 km, as a sum over pixels
    pixel, noise, rate, speed = 2000.0, 0.0107, 500.0, 5.0
    fine = 10
    x = (np.arange(50 * fine) + 0.5) * pixel / fine
    y = (np.arange(-40 * fine, 40 * fine) + 0.5) * pixel / fine
    spread = 104.0 * (x / 1e3) ** 0.894
    model = np.exp(-0.5 * (y[:, None] / spread) ** 2) / (math.sqrt(2 * math.pi) * spread * speed)
    pixels = model.reshape(80, fine, 50, fine).mean(axis=(1, 3))
    truth = rate * math.sqrt(float((pixels**2).sum())) / noise
    assert float(signal_to_noise(rate, speed, pixel, noise)) == pytest.approx(truth, rel=0.08)


def test_probability_of_detection_is_the_rate_of_detections() -> None:
    rng = np.random.default_rng(0)
    for snr in (0.0, 2.0, 4.0):
        rate = float((snr + rng.normal(size=20000) > THRESHOLD).mean())
        assert float(detection_probability(snr)) == pytest.approx(rate, abs=0.012)
    error = expected_uncertainty([np.inf, 10.0, 2.0], 8.0)
    assert np.all(np.diff(error) > 0)
    assert error[0] == pytest.approx(math.sqrt(0.125**2 + 0.08**2 + 0.089**2), rel=1e-3)


def test_the_table_of_plants_and_sensors() -> None:
    table = observable_sources(PLANTS, clear_share=0.2).set_index(["source", "sensor"])
    assert len(table) == 8
    assert table.crs.to_epsg() == 4326
    big, small = table.loc["big"], table.loc["small"]
    assert (big["detection"] > small["detection"]).all()
    # a sounder with gaps cannot integrate a plume
    assert big.loc["gf5b", "good_share"] == 0.0
    assert np.isnan(big.loc["gf5b", "visits"])
    # 233 tracks in 16 days are 106 km apart at 51.8 N: 22.8 cycles of 35 km of plume
    assert big.loc["oco2", "visits"] == pytest.approx(22.83 * 35.0 / 106.3, rel=0.01)
    assert small.loc["oco2", "visits"] < big.loc["oco2", "visits"]
    assert big.loc["tropomi", "good_visits"] == pytest.approx(365.0 * 0.2 * big.loc["tropomi", "good_share"])


def test_overpasses_until_a_year_is_known() -> None:
    table = observable_sources(PLANTS, clear_share=0.2, sensors=["tropomi", "gf5b"], wind_speed=8.0)
    row = table.set_index(["source", "sensor"]).loc[("big", "tropomi")]
    # n overpasses of variance v about a mean, and 10 per cent that all of them share: (v / n + 0.01) = 0.2^2
    variance = row["needed_visits"] * (0.2**2 - 0.08**2 - 0.06**2)
    assert math.sqrt(0.12**2 + 0.2**2) < math.sqrt(variance) < 0.4
    assert row["annual_error"] == pytest.approx(
        math.sqrt(variance / (365.0 * 0.2) + 0.08**2 + 0.06**2), rel=0.01
    )
    point = table.set_index(["source", "sensor"]).loc[("big", "gf5b")]
    assert math.isinf(point["needed_visits"])
    assert math.isnan(point["annual_error"])
    strict = observable_sources(PLANTS, clear_share=0.2, sensors=["tropomi"], goal=0.09)
    assert np.isinf(strict["needed_visits"]).all()


def test_a_map_has_one_point_for_each_plant(tmp_path: Path) -> None:
    import geopandas as gpd

    from yaotan import write

    table = observable_sources(PLANTS, clear_share=0.2)
    shown = observable_map(table)
    assert shown["source"].tolist() == ["big", "small"]
    assert shown["seen_by"].tolist()[0] == "oco2,oco3,tropomi"
    assert shown["seen_count"].tolist()[0] == 3
    big = table.set_index(["source", "sensor"]).loc["big"]
    assert shown["good_visits_tropomi"][0] == big.loc["tropomi", "good_visits"]
    read = gpd.read_file(write(shown, tmp_path / "plants.geojson"))
    assert read.geometry.x.round(2).tolist() == [14.5, 14.5]
    with pytest.raises(YaotanError, match="column source is missing"):
        observable_map(shown.drop(columns="source"))


def test_noise_of_a_sensor_as_mass() -> None:
    # 0.85 ppm x 1.55 % of a kilogram for each ppm at 1000 hPa
    assert noise_mass(plume_sensors()["oco2"]) == pytest.approx(0.85 * 0.015494, rel=1e-3)
    assert noise_mass(plume_sensors()["tropomi"]) == pytest.approx(1.03e-5 * 46.0055e-3 * 1.32, rel=1e-3)


def test_bad_input_is_refused() -> None:
    with pytest.raises(YaotanError, match="clear_share is 20"):
        observable_sources(PLANTS, clear_share=20.0)
    with pytest.raises(CatalogError, match="'envisat' is no sensor"):
        observable_sources(PLANTS, clear_share=0.2, sensors=["envisat"])
    with pytest.raises(YaotanError, match="emission_nox is missing"):
        observable_sources(PLANTS.drop(columns="emission_nox"), clear_share=0.2)


def test_the_law_of_a_sensor_is_that_of_the_table() -> None:
    rate = float(PLANTS["emission_co2"].iloc[0])
    for sensor in ("oco2", "oco3", "gf5b"):
        row = observable_sources(PLANTS.iloc[:1], clear_share=0.2, sensors=[sensor]).iloc[0]
        law = detection_law(sensor, "co2")
        mean = law(np.full(1, rate), np.full(1, 5.0))
        assert mean[0] == pytest.approx(float(detection_probability(row["signal_to_noise"])), rel=1e-6)
        # the mean over Rayleigh winds of 5 m s-1, calm ones lost
        speeds = 5.0 * np.sqrt(-4.0 / np.pi * np.log(1.0 - (np.arange(200) + 0.5) / 200.0))
        assert law(np.full(200, rate), speeds).mean() == pytest.approx(row["detection"], rel=1e-6)
    law = detection_law("oco2", "co2")
    assert law(np.array([500.0, 500.0]), np.array([0.9, np.nan])).tolist()[0] == 0.0
    assert np.isnan(law(np.array([500.0, np.nan]), np.array([np.nan, 5.0]))).all()
    # of 1.32 kg of NOx 1 kg is NO2: the same plume, the same odds
    one, speed = np.array([0.01]), np.array([5.0])
    nox, no2 = detection_law("tropomi", "nox"), detection_law("tropomi", "no2")
    assert no2(one, speed)[0] == pytest.approx(nox(1.32 * one, speed)[0], rel=1e-6)
    assert 0.05 < no2(one, speed)[0] < 0.95


def test_a_law_of_the_wrong_sensor_is_refused() -> None:
    with pytest.raises(CatalogError, match="'envisat' is no sensor"):
        detection_law("envisat", "co2")
    with pytest.raises(YaotanError, match="tropomi sees no2, the emissions are of co2"):
        detection_law("tropomi", "co2")

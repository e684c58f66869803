"""Shapes of plume work: sources, effective wind, estimate, methods by name."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import xarray as xr

from yaotan.errors import SchemaError, YaotanError
from yaotan.plume import method as registry
from yaotan.plume.effective import NO_WIND, EffectiveWind
from yaotan.plume.estimate import (
    NoEstimateError,
    PlumeResult,
    check_plume_estimate,
    make_estimate,
    meanings,
)
from yaotan.plume.method import estimate_point_source
from yaotan.plume.source import check_sources, make_sources

TWO = make_sources(["A", "B"], [14.45, 14.36], [51.84, 51.53], name=["Jänschwalde", "Schwarze Pumpe"])
WIND = EffectiveWind.from_direction(5.0, 245.0, uncertainty={"wind_speed": 0.3, "wind_height": 0.4})


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"source": ["A", "A"]}, "comes twice"),
        ({"latitude": [51.0, 95.0]}, "no place"),
        ({"latitude": [51.0, np.nan]}, "no place"),
        ({"kind": "volcano"}, "no kind"),
        ({"diameter": 0.0}, "diameter"),
    ],
)
def test_a_wrong_source_is_refused(change: dict[str, object], word: str) -> None:
    given = {"source": ["A", "B"], "longitude": [1.0, 2.0], "latitude": [51.0, 52.0], **change}
    with pytest.raises(SchemaError, match=word):
        make_sources(**given)


def test_sources_in_another_system_are_refused() -> None:
    with pytest.raises(SchemaError, match="WGS84"):
        check_sources(TWO.to_crs(32633))
    with pytest.raises(SchemaError, match="no point"):
        check_sources(TWO.set_geometry(TWO.to_crs(32633).buffer(9e3).to_crs(4326)))


@pytest.mark.parametrize(
    ("direction", "u", "v"),
    [(0.0, 0, -5), (90.0, -5, 0), (180.0, 0, 5), (270.0, 5, 0), (225.0, 3.5355, 3.5355)],
)
def test_wind_blows_from_its_direction(direction: float, u: float, v: float) -> None:
    wind = EffectiveWind.from_direction(5.0, direction)
    assert (wind.u, wind.v) == pytest.approx((u, v), abs=1e-4)
    assert wind.direction == pytest.approx(direction)
    turned = wind.rotated(30.0)
    assert (turned.direction - direction) % 360.0 == pytest.approx(30.0)
    assert turned.speed == pytest.approx(5.0)


def test_wind_of_masks_says_rule_and_source() -> None:
    with pytest.raises(YaotanError, match="mask_rule and citation"):
        EffectiveWind(1.0, 0.0, length="mask_area")
    with pytest.raises(YaotanError, match="length"):
        EffectiveWind(1.0, 0.0, length="radius")  # type: ignore[arg-type]
    with pytest.raises(YaotanError, match="uncertainty"):
        EffectiveWind(1.0, 0.0, uncertainty={"wind_speed": math.nan})
    assert pytest.approx(0.5) == WIND.speed_uncertainty


def test_estimate_holds_terms_flags_and_record() -> None:
    found = PlumeResult(
        500.0, {"noise": 30.0, "wind_speed": 40.0}, cautions=["overlap", "low_wind"], wind=WIND
    )
    none = PlumeResult(status="cloudy", reason="3 of 60 pixels have a value", wind=WIND)
    made = make_estimate([found, none], TWO, method="ime", substance="co2", corrections=["water_vapour"])
    assert made.emission_uncertainty.values == pytest.approx([50.0, np.nan], nan_ok=True)
    assert made.emission_uncertainty_wind_speed.values == pytest.approx([40.0, np.nan], nan_ok=True)
    assert meanings(made) == (["estimated", "cloudy"], [["low_wind", "overlap"], []])
    assert json.loads(made.attrs["corrections"]) == ["water_vapour"]
    assert json.loads(made.attrs["wind"])[0]["direction"] == pytest.approx(245.0)
    assert made.source_name.values.tolist() == ["Jänschwalde", "Schwarze Pumpe"]


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (PlumeResult(500.0, {}), "no uncertainty"),
        (PlumeResult(500.0, {"luck": 1.0}), "no term"),
        (PlumeResult(500.0, {"noise": 1.0}, status="cloudy"), "contradict"),
        (PlumeResult(), "contradict"),
        (PlumeResult(status="lost"), "no status"),
        (PlumeResult(1.0, {"noise": 1.0}, cautions=["windy"]), "no caution"),
    ],
)
def test_a_contradiction_is_refused(result: PlumeResult, word: str) -> None:
    with pytest.raises(SchemaError, match=word):
        make_estimate([result], TWO.iloc[:1], method="ime", substance="co2")


def test_terms_must_sum_to_the_uncertainty() -> None:
    made = make_estimate([PlumeResult(5.0, {"noise": 3.0})], TWO.iloc[:1], method="ime", substance="co2")
    with pytest.raises(SchemaError, match="sum"):
        check_plume_estimate(made.assign(emission_uncertainty=made.emission_uncertainty * 1.1))


def by_name(data: xr.Dataset, source: object, wind: EffectiveWind, *, answer: str = "value") -> PlumeResult:
    """Stand in for a method: what it answers depends on an option."""
    if answer == "none":
        raise NoEstimateError("cloudy", "nothing to see")
    if answer == "wrong":
        raise YaotanError("no xco2_mass")
    return PlumeResult(-3.0, {"noise": 5.0})


@pytest.fixture
def methods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.METHODS, "stand_in", (__name__, "by_name"))


@pytest.mark.usefixtures("methods")
def test_verb_flags_what_it_cannot_estimate() -> None:
    data = xr.Dataset(attrs={"plume_substance": "co2", "product": "x"})
    calm = WIND.scaled(0.9 / 5.0)
    made = estimate_point_source(data, TWO, {"A": WIND}, method="stand_in")
    assert meanings(made) == (["estimated", "no_wind"], [["negative"], []])
    assert meanings(estimate_point_source(data, TWO, calm, method="stand_in"))[0] == ["low_wind"] * 2
    assert meanings(estimate_point_source(data, TWO, NO_WIND, method="stand_in"))[0] == ["no_wind"] * 2
    light = estimate_point_source(data, TWO.iloc[:1], WIND.scaled(0.3), method="stand_in")
    assert meanings(light)[1] == [["low_wind", "negative"]]
    assert (
        meanings(estimate_point_source(data, TWO, WIND, method="stand_in", answer="none"))[0]
        == ["cloudy"] * 2
    )


@pytest.mark.usefixtures("methods")
def test_one_bad_scene_stops_no_batch() -> None:
    data = xr.Dataset(attrs={"plume_substance": "co2"})
    with pytest.raises(YaotanError, match="no xco2_mass"):
        estimate_point_source(data, TWO, WIND, method="stand_in", answer="wrong")
    made = estimate_point_source(data, TWO, WIND, method="stand_in", answer="wrong", on_error="flag")
    assert meanings(made)[0] == ["failed", "failed"]
    assert "no xco2_mass" in str(made.reason.values[0])
    with pytest.raises(YaotanError, match="no method"):
        estimate_point_source(data, TWO, WIND, method="guess")

"""Methods of many scenes: divergence, mean plume by travel time; NO2 to NOx to CO2."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import xarray as xr
from pyproj import Geod

from plume_divergence_truth import PLACE, make_scene, make_season
from yaotan.catalog.nox import nox_ratios
from yaotan.errors import CatalogError, YaotanError
from yaotan.plume.decay import emg_shape
from yaotan.plume.divergence import fit_mean_flux, flux_divergence
from yaotan.plume.effective import NO_WIND, EffectiveWind
from yaotan.plume.emg import emg, fit_travel, fitted_curve
from yaotan.plume.estimate import PlumeResult, make_estimate, meanings
from yaotan.plume.meanflux import mean_flux
from yaotan.plume.ratio import co2_from_nox, nox_from_no2
from yaotan.plume.source import make_sources
from yaotan.plume.travel import travel_curve

SOURCE = make_sources(["P"], PLACE[1], PLACE[0])
SMALL = {"size": 60, "sub": 2}


def test_divergence_returns_the_emission_and_streams() -> None:
    scenes, winds = make_season(0, **SMALL)
    made = flux_divergence(iter(scenes), winds, SOURCE, radius=48e3)
    assert float(made.emission[0]) == pytest.approx(
        500.0, abs=2.5 * float(made.emission_uncertainty_noise[0])
    )
    # white noise of 0.7 ppm in 24 scenes: 6 per cent (40 seasons gave a standard deviation of 5.6)
    assert 22.0 < float(made.emission_uncertainty_noise[0]) < 36.0
    assert meanings(made)[0] == ["estimated"]


def test_a_mean_flux_is_a_field_that_can_be_drawn() -> None:
    scenes, winds = make_season(4, noise=0.01, **SMALL)
    field = mean_flux(iter(scenes), winds, SOURCE, radius=48e3)
    assert field.divergence.dims == ("source", "y", "x")
    inner = field.isel(source=0, x=slice(1, -1), y=slice(1, -1))
    # Gauss: the divergence of the whole field is what flows out of it
    assert float(inner.divergence.sum()) * 4000.0**2 == pytest.approx(500.0, rel=0.05)
    peak = inner.divergence.argmax(...)
    assert abs(float(inner.x[peak["x"]])) + abs(float(inner.y[peak["y"]])) <= 8000.0
    away = Geod(ellps="WGS84").inv(
        PLACE[1], PLACE[0], *(float(inner[n][0, 0]) for n in ("longitude", "latitude"))
    )
    assert away[2] == pytest.approx(44e3 * math.sqrt(2.0), rel=1e-6)
    made, whole = fit_mean_flux(field, SOURCE), flux_divergence(scenes, winds, SOURCE, radius=48e3)
    assert made.identical(whole)
    with pytest.raises(YaotanError, match="field is of P"):
        fit_mean_flux(field, make_sources(["Q"], PLACE[1], PLACE[0]))


def test_divergence_without_noise_is_exact_at_any_place() -> None:
    place = (65.0, 179.9)
    scenes, winds = make_season(1, noise=0.01, place=place, **SMALL)
    made = flux_divergence(scenes, winds, make_sources(["P"], place[1], place[0]), radius=48e3)
    assert float(made.emission[0]) == pytest.approx(500.0, rel=0.02)


def test_divergence_with_decay_and_with_mountains() -> None:
    scenes, winds = make_season(2, noise=0.01, decay=7200.0, **SMALL)
    made = flux_divergence(scenes, winds, SOURCE, radius=48e3, decay_time=7200.0)
    assert float(made.emission[0]) == pytest.approx(500.0, rel=0.05)
    assert float(made.emission_uncertainty_chemistry[0]) > 0.0
    # a column of constant concentration over rising ground thins out: V u . grad z / H is no source
    axis = np.arange(-2.0, 2.01, 0.1)
    flat = xr.DataArray(
        np.zeros((axis.size, axis.size)), {"lat": axis + 51.8, "lon": axis + 14.4}, ("lat", "lon")
    )
    level = flux_divergence(scenes, winds, SOURCE, radius=48e3, decay_time=7200.0, terrain=flat)
    assert float(level.emission[0]) == pytest.approx(float(made.emission[0]), rel=1e-9)
    hill = flat + 500.0 * np.exp(-((flat.lat - 51.8) ** 2 + (flat.lon - 14.4) ** 2) / 0.1)
    other = flux_divergence(scenes, winds, SOURCE, radius=48e3, decay_time=7200.0, terrain=hill)
    assert float(other.emission[0]) != pytest.approx(float(made.emission[0]), rel=1e-3)


def test_bad_scenes_are_counted_and_few_are_no_mean() -> None:
    scenes, winds = make_season(3, 12, **SMALL)
    winds[0], winds[1] = NO_WIND, EffectiveWind(0.3, 0.0)
    scenes[2] = scenes[2].assign(xco2=scenes[2].xco2 * np.nan)
    made = flux_divergence(scenes, winds, SOURCE, radius=48e3)
    assert json.loads(made.attrs["dropped"]) == {"P": {"no_wind": 1, "low_wind": 1, "cloudy": 1}}
    assert meanings(made)[0] == ["too_few"]
    assert "1 no_wind" in str(made.reason.values[0])
    with pytest.raises(YaotanError, match="12 scenes and 13 winds"):
        flux_divergence(scenes, [*winds, winds[5]], SOURCE, radius=48e3)
    with pytest.raises(YaotanError, match="quarter"):
        flux_divergence(scenes, winds, SOURCE, resolution=20e3, radius=48e3)


def test_emg_returns_emission_and_lifetime() -> None:
    scenes, winds = make_season(0, 16, noise=0.02, decay=7200.0, rate=1000.0, sub=2)
    made = emg(iter(scenes), winds, SOURCE, ratio=None, hours=(-1.0, 4.0))
    assert float(made.emission[0]) == pytest.approx(1000.0, rel=0.04)
    assert float(made.lifetime[0]) == pytest.approx(7200.0, rel=0.06)
    assert made.attrs["substance"] == "co2"
    curve = travel_curve(scenes, winds, SOURCE, hours=(-1.0, 4.0))
    assert fit_travel(curve, SOURCE, ratio=None).identical(made)
    drawn = fitted_curve(curve, made, ratio=None)
    # an hour after the stack, of 1000 kg/s with a lifetime of two: exp(-1/2)
    late = drawn.sel(travel_time=3600.0, method="nearest")
    truth = 1000.0 * math.exp(-float(late.travel_time) / 7200.0)
    assert float(late.flux) == pytest.approx(truth, rel=0.05)
    assert float(late.fit - made.offset[0]) == pytest.approx(truth, rel=0.05)
    assert 0.0 < float(late.flux_uncertainty) < 100.0
    with pytest.raises(YaotanError, match="not of emg"):
        fitted_curve(curve, made.assign_attrs(method="ime"))
    calm = emg(scenes, [EffectiveWind(1.5, 0.0)] * 16, SOURCE, ratio=None)
    assert meanings(calm)[0] == ["too_few"]
    assert json.loads(calm.attrs["dropped"]) == {"low_wind": 16}
    with pytest.raises(CatalogError, match="'ruhr' is no ratio"):
        emg(scenes, winds, SOURCE, ratio="ruhr")


def aged(time: np.ndarray) -> np.ndarray:
    """Jänschwalde of Meier et al. 2024: NOx over NO2 by time [s]."""
    return 1.6 * np.exp(-time / 1638.0) + 1.31


def test_no2_is_turned_into_nox_by_the_age_of_each_pixel() -> None:
    scenes, winds = make_season(5, 24, rate=1.0, noise=2e-8, slope=0.0, no2=aged, pixel=1500.0, **SMALL)
    grid = {"resolution": 3e3, "radius": 36e3}
    made = flux_divergence(scenes, winds, SOURCE, ratio="jaenschwalde", **grid)
    assert made.attrs["substance"] == "nox"
    assert "no2_to_nox: jaenschwalde" in made.attrs["corrections"]
    assert float(made.emission[0]) == pytest.approx(1.0, rel=0.05)
    # error of the ratio: 17 per cent
    assert float(made.emission_uncertainty_chemistry[0]) == pytest.approx(0.17 * float(made.emission[0]))
    # one factor for the aged plume, 1.32, where the stack has 2.91: less than half
    plain = flux_divergence(scenes, winds, SOURCE, **grid)
    constant = flux_divergence(scenes, winds, SOURCE, ratio="constant", **grid)
    assert plain.attrs["substance"] == "no2"
    assert float(plain.emission[0]) < 0.6
    after = nox_from_no2(plain)
    for name in ("emission", "emission_uncertainty", "emission_uncertainty_chemistry"):
        assert float(constant[name][0]) == pytest.approx(float(after[name][0]), rel=1e-3), name
    with pytest.raises(YaotanError, match="scenes are of co2"):
        mean_flux(*make_season(0, 1, **SMALL), SOURCE, ratio="constant")


def test_emg_shape_has_its_limits() -> None:
    t = np.linspace(-2e4, 2e5, 200001)
    assert np.trapezoid(emg_shape(t, 7200.0, 100.0, 900.0), t) == pytest.approx(7200.0, rel=1e-4)
    assert np.isfinite(emg_shape([-1e6, 1e6], 900.0, 0.0, 3600.0)).all()


def test_ratios_of_nox_as_published() -> None:
    # Meier et al. 2024: constants of the four plants
    for name, start, end in (
        ("belchatow", 5.46, 1.66),
        ("jaenschwalde", 2.91, 1.31),
        ("lipetsk", 5.56, 1.36),
    ):
        assert nox_ratios()[name].at([0.0, 1e6]) == pytest.approx([start, end])
    assert float(nox_ratios()["matimba"].at(744.0)) == pytest.approx(1.90 + 6.1 / math.e)


def test_no2_becomes_nox_becomes_co2() -> None:
    none = PlumeResult(status="cloudy", reason="clouds")
    two = make_sources(["A", "B"], [1.0, 2.0], [50.0, 50.0])
    no2 = make_estimate(
        [PlumeResult(1.0, {"noise": 0.1}), none], two, method="cross_section", substance="no2"
    )
    nox = nox_from_no2(no2)
    assert float(nox.emission[0]) == pytest.approx(1.32)
    assert float(nox.emission_uncertainty[0]) == pytest.approx(math.hypot(0.132, 0.18 * 1.32))
    assert np.isnan(nox.emission.values[1])
    co2 = co2_from_nox(nox, 1000.0, 100.0, source="stack tests")
    assert co2.attrs["substance"] == "co2"
    assert "stack tests" in co2.attrs["corrections"]
    assert float(co2.emission_uncertainty_ratio[0]) == pytest.approx(132.0)
    assert no2.attrs["substance"] == "no2"
    with pytest.raises(YaotanError, match="age of the plume"):
        nox_from_no2(no2, "matimba")
    with pytest.raises(YaotanError, match="is of co2"):
        nox_from_no2(co2)
    with pytest.raises(YaotanError, match="is of no2"):
        co2_from_nox(no2, 1.0, 0.1, source="x")
    with pytest.raises(YaotanError, match="no source"):
        co2_from_nox(nox, 1.0, 0.1, source=" ")


def test_a_scene_of_the_maker_holds_the_mass_of_its_plume() -> None:
    scene = make_scene(0, 5.0, 270.0, noise=0.0, slope=0.0)
    mass = float(((scene.xco2 - 400.0) * scene.xco2_mass_factor).sum()) * 2000.0**2
    length = float(2000.0 * 80 / 2)
    assert mass == pytest.approx(500.0 * length / 5.0, rel=0.03)

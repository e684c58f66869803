"""Trials of plume methods on images that the error budget was not fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from plume_second_truth import MAKERS
from yaotan.plume.detection import detect_plumes
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.mass import column_mass
from yaotan.plume.method import estimate_point_source
from yaotan.plume.sharing import shared_work
from yaotan.plume.source import make_sources
from yaotan.simulate.plume import PlumeSetting

#: method -> options
CASES: dict[str, dict[str, Any]] = {
    "cross_section": {},
    "cross_section no2": {"shape_from": "no2"},
    "gaussian": {},
    "ime": {},
    "light_cross_section": {},
}


@dataclass(frozen=True)
class Trial:
    """One estimate: method, error and stated sigma over the truth, cautions."""

    method: str
    error: float
    sigma: float
    status: int
    caution: int
    terms: dict[str, float]


def draw_setting(rng: np.random.Generator, **change: Any) -> PlumeSetting:
    """A plume in turbulent wind, an emission that varies, clouds, and a background with structure."""
    drawn: dict[str, Any] = {
        "rate": float(np.exp(rng.uniform(np.log(300.0), np.log(1500.0)))),
        "speed": float(rng.uniform(3.0, 9.0)),
        "direction": float(rng.uniform(0.0, 360.0)),
        "noise": float(rng.uniform(0.5, 1.0)),
        "spread": float(rng.uniform(70.0, 180.0)),
        "turbulence": float(rng.uniform(0.05, 0.25)),
        "rate_variation": 0.1,
        "structure": float(rng.uniform(0.1, 0.4)),
        "cloud": float(rng.uniform(0.0, 0.3)),
        "place": (0.5, 0.5),
        "size": 90,
    }
    return PlumeSetting(**{**drawn, **change})


def run_trials(
    seeds: range, cases: dict[str, dict[str, Any]] = CASES, *, maker: str = "waves", **change: Any
) -> list[Trial]:
    """Run methods on one image for each seed; the wind given to them has an error of 1 m/s and 10 degrees."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        setting = draw_setting(rng, **change)
        scene, truth = MAKERS[maker](setting, seed + 10_000)
        source = make_sources(["P"], [setting.longitude], [setting.latitude], diameter=100.0)
        wind = EffectiveWind.from_direction(
            truth.speed + rng.normal(0.0, 1.0),
            truth.direction + rng.normal(0.0, 10.0),
            uncertainty={"wind_speed": 1.0},
            direction_uncertainty=10.0,
        )
        massed = column_mass(scene, variable="xco2", water_vapour=False, gravity=False)
        detected = detect_plumes(massed, source, variable="no2")
        with shared_work():
            for name, options in cases.items():
                made = estimate_point_source(detected, source, wind, method=name.split()[0], **options)
                found.append(_trial(name, made, truth.rate))
    return found


def _trial(name: str, made: xr.Dataset, rate: float) -> Trial:
    """Errors of one estimate over the truth."""
    terms = [str(term) for term in made if str(term).startswith("emission_uncertainty_")]
    return Trial(
        name,
        float(made.emission[0]) / rate - 1.0,
        float(made.emission_uncertainty[0]) / rate,
        int(made.status[0]),
        int(made.caution[0]),
        {term.removeprefix("emission_uncertainty_"): float(made[term][0]) / rate for term in terms},
    )


def score(trials: list[Trial]) -> dict[str, float]:
    """Coverage at 1 and 2 sigma, bias, RMSE, mean sigma, interval score of 68 per cent, deciles of z."""
    error = np.array([t.error for t in trials if np.isfinite(t.error)])
    sigma = np.array([t.sigma for t in trials if np.isfinite(t.error)])
    z = np.abs(error) / sigma
    beyond = np.maximum(np.abs(error) - sigma, 0.0)
    return {
        "n": float(error.size),
        "none": float(len(trials) - error.size),
        "bias": float(error.mean()),
        "median": float(np.median(error)),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "sigma": float(sigma.mean()),
        "one": float(np.mean(z < 1.0)),
        "two": float(np.mean(z < 2.0)),
        "interval_score": float(np.mean(2.0 * sigma + 2.0 / 0.3173 * beyond)),
        **{f"decile_{k}": float(np.quantile(z, k / 10.0)) for k in range(1, 10)},
    }

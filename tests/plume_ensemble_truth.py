"""Trials of the ensemble of plume methods on images with known truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from plume_truth import Trial, draw_setting
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.scene import quantify
from yaotan.plume.source import make_sources
from yaotan.simulate.plume import simulate_plume


def run_ensembles(
    seeds: range, methods: list[str] | None = None, **change: Any
) -> tuple[list[Trial], np.ndarray]:
    """Run the ensemble on one image for each seed, as `plume_truth.run_trials` does its methods.

    Returns
    -------
    list of Trial
        Of the ensemble.
    numpy.ndarray
        Chance of the disagreement of the methods.
    """
    found, chances = [], []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        setting = draw_setting(rng, **change)
        scene, truth = simulate_plume(setting, seed + 10_000)
        source = make_sources(["P"], [setting.longitude], [setting.latitude], diameter=100.0)
        wind = EffectiveWind.from_direction(
            truth.speed + rng.normal(0.0, 1.0),
            truth.direction + rng.normal(0.0, 10.0),
            uncertainty={"wind_speed": 1.0},
            direction_uncertainty=10.0,
        )
        made = quantify(
            scene,
            source,
            wind,
            variable="xco2",
            mask_variable="no2",
            methods=methods,
            mass={"water_vapour": False, "gravity": False},
            views=False,
        ).estimate
        terms = [str(name) for name in made if str(name).startswith("emission_uncertainty_")]
        found.append(
            Trial(
                "ensemble",
                float(made.emission[0]) / truth.rate - 1.0,
                float(made.emission_uncertainty[0]) / truth.rate,
                int(made.status[0]),
                int(made.caution[0]),
                {name[21:]: float(made[name][0]) / truth.rate for name in terms},
            )
        )
        chances.append(float(made.chi_square_probability[0]))
    return found, np.array(chances)

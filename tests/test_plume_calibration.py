"""Stated errors on turbulent plumes: the fewest images that still catch a sigma wrong by a factor of 1.5."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from plume_truth import CASES, run_trials
from yaotan.plume.placebo import placebo_densities

#: images of the second maker, each given to one method in turn: errors are independent, counts binomial
IMAGES = 90


def test_stated_error_of_turbulent_plumes() -> None:
    found = []
    for k, name in enumerate(CASES):
        seeds = range(k, IMAGES, len(CASES))
        found += run_trials(seeds, {name: CASES[name]}, maker="second", size=60, pixel=3000.0)
    held = [trial for trial in found if np.isfinite(trial.error)]
    count = len(held)
    assert count >= IMAGES - 4
    z = np.abs([trial.error / trial.sigma for trial in held])
    # Normal errors are within 1 sigma in 68.3 %, within 1.5 in 86.6 %. Of 90 images at most 71 are within 1
    # (by chance more in 1 %) and at least 69 within 1.5 (fewer in 0.5 %; binomial). A sigma 1.5 times too
    # large has more than 71 within 1 in 97 % (94 % with the tails of docs/plume.md: 85.5 % within 1.5); one
    # 1.5 times too small has fewer than 69 within 1.5 in 95 %. The share within 1 alone would see 85 %.
    assert (z < 1.0).sum() <= binom.ppf(0.99, count, 0.683), np.sort(z)
    assert (z < 1.5).sum() >= binom.ppf(0.005, count, 0.866), np.sort(z)
    assert abs(np.median([trial.error for trial in held])) < 0.2


def test_a_meandering_plume_keeps_the_width_that_its_no2_has() -> None:
    # Images on which the shape of NO2 stays too narrow: of the first two where a smooth field takes what the
    # Gaussian misses (-61 and -68 per cent), of the others where lines of their own density let the far
    # plume go (-52 and -45 per cent).
    case = {"cross_section no2": CASES["cross_section no2"]}
    found = [run_trials(range(seed, seed + 1), case)[0] for seed in (7004, 7025, 7081, 7120)]
    assert min(trial.error for trial in found) > -0.25
    assert sum(abs(trial.error) < 2.0 * trial.sigma for trial in found) == 4


def test_background_with_structure_is_seen_beside_the_plume() -> None:
    from dataclasses import replace

    from plume_truth import draw_setting
    from yaotan.plume.detection import detect_plumes
    from yaotan.plume.effective import EffectiveWind
    from yaotan.plume.mass import column_mass
    from yaotan.plume.model import fit_plume
    from yaotan.plume.preparation import prepare
    from yaotan.plume.source import make_sources
    from yaotan.simulate.plume import simulate_plume

    spread = {}
    setting = draw_setting(
        np.random.default_rng(1), rate=900.0, speed=5.0, turbulence=1e-6, structure=0.0, cloud=0.0, noise=0.5
    )
    for structure in (0.0, 0.4):
        scene, _ = simulate_plume(replace(setting, structure=structure), 4)
        source = make_sources(["P"], [setting.longitude], [setting.latitude])
        massed = column_mass(scene, variable="xco2", water_vapour=False)
        wind = EffectiveWind.from_direction(5.0, setting.direction, direction_uncertainty=5.0)
        scenery = prepare(detect_plumes(massed, source, variable="no2"), source, wind, order=2)
        model = fit_plume(scenery.layout)
        beside = placebo_densities(model, np.ones(1))
        assert beside.size >= 4
        spread[structure] = float(np.sqrt(np.mean(beside**2)))
    assert spread[0.4] > 1.5 * spread[0.0]

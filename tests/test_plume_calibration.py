"""Stated errors on turbulent plumes: the fewest images that still catch a sigma far too small."""

from __future__ import annotations

import numpy as np

from plume_truth import run_trials, score
from yaotan.plume.placebo import placebo_densities


def test_stated_error_of_turbulent_plumes() -> None:
    found = run_trials(range(24), {"gaussian": {}}, size=60, pixel=3000.0)
    scored = score(found)
    # 68 % of 24 are 16; binomial: fewer than 10 or all 24 have a chance below 1 % if the rate is 0.6 to 0.75.
    # With a sigma 1.5 times too small the rate is 0.49, with one too large 0.86.
    inside = round(scored["one"] * scored["n"])
    assert 10 <= inside <= 23, scored
    assert abs(scored["median"]) < 0.25, scored


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

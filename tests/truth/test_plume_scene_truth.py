"""Long: crossings, seasons of scenes and simulated years against what is true of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from plume_annual_truth import simulate_year
from plume_divergence_truth import PLACE, make_season
from plume_track_truth import ModelColumns
from yaotan.plume.annual import annual_emission
from yaotan.plume.divergence import flux_divergence
from yaotan.plume.emg import emg
from yaotan.plume.estimate import NoEstimateError
from yaotan.plume.source import make_sources
from yaotan.plume.track import track_gaussian

pytestmark = pytest.mark.truth
SOURCE = make_sources(["P"], PLACE[1], PLACE[0])


def test_crossings_of_model_columns_are_covered(data_root: Path) -> None:
    columns = ModelColumns(data_root / "plume")
    rng = np.random.default_rng(2026)
    error, sigma, refused = [], [], 0
    for seed in range(400):
        angle, distance = float(rng.uniform(10.0, 170.0)), float(rng.uniform(3e3, 60e3))
        wind = columns.wind(rng)
        try:
            found = track_gaussian(columns.cross(distance, angle, seed), columns.source(), wind)
        except NoEstimateError:
            refused += 1
            continue
        error.append(found.emission / columns.emission - 1.0)
        sigma.append(found.uncertainty / columns.emission)
    z = np.abs(np.array(error)) / np.array(sigma)
    # one hour of one model: its wind grew by 16 to 30 per cent on the way, the same in every draw
    assert 0.60 <= (z < 1.0).mean() <= 0.82
    assert (z < 2.0).mean() >= 0.92
    assert np.mean(sigma) <= 1.5 * np.sqrt(np.mean(np.square(error)))
    assert refused < 0.35 * 400


def test_seasons_of_scenes_are_unbiased_and_covered() -> None:
    error, sigma = [], []
    for seed in range(40):
        made = flux_divergence(*make_season(seed), SOURCE)
        error.append(float(made.emission[0]) / 500.0 - 1.0)
        sigma.append(float(made.emission_uncertainty_noise[0]) / 500.0)
    mean, spread = np.mean(error), np.std(error, ddof=1) / np.sqrt(len(error))
    assert abs(mean) + 1.96 * spread <= 0.04
    inside = int((np.abs(error) < sigma).sum())
    assert binom.ppf(0.005, 40, 0.68) <= inside <= binom.ppf(0.995, 40, 0.72)


def test_lifetimes_and_emissions_of_mean_plumes() -> None:
    found = [
        emg(*make_season(seed, decay=7200.0, rate=1000.0, sub=2), SOURCE, ratio=None) for seed in range(20)
    ]
    rate = np.array([float(f.emission[0]) for f in found])
    tau = np.array([float(f.lifetime[0]) for f in found])
    assert abs(np.median(rate) / 1000.0 - 1.0) < 0.06
    assert abs(np.median(tau) / 7200.0 - 1.0) < 0.12
    z = (rate - 1000.0) / np.array([float(f.emission_uncertainty[0]) for f in found])
    assert (np.abs(z) < 2.0).sum() >= binom.ppf(0.005, 20, 0.95)


@pytest.mark.parametrize("count", [12, 24, 40])
def test_simulated_years_are_covered(count: int) -> None:
    years = 120
    error, sigma, inside = [], [], 0
    for seed in range(years):
        made, profile, truth = simulate_year(seed, count=count)
        year = annual_emission(made, profile)
        error.append(float(year.emission[0]) / truth - 1.0)
        sigma.append(float(year.emission_uncertainty[0]) / truth)
        inside += float(year.emission_lower[0]) < truth < float(year.emission_upper[0])
    within = int((np.abs(error) < np.array(sigma)).sum())
    assert binom.ppf(0.005, years, 0.63) <= within <= binom.ppf(0.995, years, 0.75)
    assert inside >= binom.ppf(0.005, years, 0.95)

"""Long: crossings, seasons of scenes and simulated years against what is true of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from plume_divergence_truth import PLACE, make_season
from plume_track_truth import ModelColumns, TurbulentColumns, cross_often, crossing_table
from plume_year import YearSetting, simulate_plant
from yaotan.plume.annual import annual_emission
from yaotan.plume.divergence import flux_divergence
from yaotan.plume.emg import emg
from yaotan.plume.source import make_sources

pytestmark = pytest.mark.truth
SOURCE = make_sources(["P"], PLACE[1], PLACE[0])


def test_crossings_of_model_columns_are_covered(data_root: Path) -> None:
    rows = cross_often(ModelColumns(data_root / "plume"), range(600))
    scored = crossing_table(rows).loc["all"]
    # one hour of one model: its wind grew by 16 to 30 per cent on the way, the same in every draw
    assert 0.60 <= scored["one"] <= 0.84, scored
    assert scored["two"] >= 0.92, scored
    assert scored["sigma"] <= 1.5 * scored["rmse"], scored
    assert scored["refused"] < 0.35, scored
    near = rows[(rows.status == "estimated") & (rows.distance < 35e3)]
    assert abs(near.error.median()) < 0.12


def test_crossings_of_plumes_that_meander_are_covered() -> None:
    rows = pd.concat([cross_often(TurbulentColumns(k), range(4 * k, 4 * k + 4)) for k in range(150)])
    scored = crossing_table(rows).loc["all"]
    # four crossings of a plume share its hour: the binomial bounds are those of 150 to 500
    assert 0.56 <= scored["one"] <= 0.78, scored
    assert scored["two"] >= 0.87, scored
    assert abs(scored["median"]) < 0.2, scored


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


@pytest.mark.parametrize("pixel", [1500.0, 5000.0])
def test_seasons_of_no2_with_a_ratio_by_age(pixel: float) -> None:
    grid = {"resolution": 3e3, "radius": 36e3} if pixel < 3e3 else {"resolution": 5e3, "radius": 60e3}
    maker = {"pixel": pixel, "size": 60 if pixel < 3e3 else 40, "sub": 4, "slope": 0.0, "noise": 1e-5}
    found = []
    for seed in range(100, 120):
        # Jänschwalde of Meier et al. 2024
        scenes, winds = make_season(
            seed, rate=1.0, decay=14400.0, no2=lambda t: 1.6 * np.exp(-t / 1638.0) + 1.31, **maker
        )
        made = flux_divergence(scenes, winds, SOURCE, ratio="jaenschwalde", decay_time=14400.0, **grid)
        found.append(float(made.emission[0]))
    assert abs(np.mean(found) - 1.0) < 0.03
    assert np.std(found) < 0.04


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


#: settings of simulated years, and what the analyst is told
YEARS = {
    "terms": {},
    "total": {"totals": True, "method_shared": 0.14},
    "negative": {"negative": True},
    "few": {"visit_days": 8.0},
    "calm": {"outages": 0.0, "weather": 0.0, "wild": 0.0},
}


@pytest.mark.parametrize("case", YEARS)
def test_simulated_years_are_covered(case: str) -> None:
    setting = YearSetting(**YEARS[case])
    error, sigma, inside = [], [], 0
    for seed in range(300):
        made, profile, truth = simulate_plant(seed, setting)
        year = annual_emission(made, profile, errors="total" if setting.totals else "terms")
        if not np.isfinite(year.emission[0]):
            continue
        error.append(float(year.emission[0]) / truth - 1.0)
        sigma.append(float(year.emission_uncertainty[0]) / truth)
        inside += float(year.emission_lower[0]) < truth < float(year.emission_upper[0])
    years = len(error)
    within = int((np.abs(error) < np.array(sigma)).sum())
    # with a visit in eight days one year in nine has fewer than four valid overpasses
    assert years >= 240
    assert binom.ppf(0.005, years, 0.63) <= within <= binom.ppf(0.995, years, 0.75)
    assert inside >= binom.ppf(0.005, years, 0.95)

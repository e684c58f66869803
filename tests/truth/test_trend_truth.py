"""Planted growth and season against stated uncertainty, 2,000 monthly, 400 weekly series (``make truth``)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trend_truth import plant, scores
from yaotan import fit_trend, growth
from yaotan.column import seasonal_cycle

pytestmark = pytest.mark.truth
SERIES = 2000


def collect(seeds: range, *, weekly: bool) -> pd.DataFrame:
    """Errors over stated 1 sigma of all trusted years."""
    rows = []
    for seed in seeds:
        planted = plant(seed, weekly=weekly)
        fit = fit_trend(planted.series)
        for name, table in (("filter", growth(fit)), ("endpoint", growth(fit, method="endpoint"))):
            good = table.isel(year=np.flatnonzero(table["flag"].values == 0))
            error = good["growth"].values - planted.growth(good["year"].values)
            rows += [(name, z) for z in error / good["growth_uncertainty"].values]
        cycle = seasonal_cycle(fit)
        for year in cycle["year"].values[cycle["flag"].values == 0]:
            one, (amplitude, day) = cycle.sel(year=year), planted.seasonal(int(year))
            rows.append(("amplitude", float((one["amplitude"] - amplitude) / one["amplitude_uncertainty"])))
            shift = (float(one["phase_day"]) - day + 182.5) % 365 - 182.5
            rows.append(("phase", shift / float(one["phase_day_uncertainty"])))
    return pd.DataFrame(rows, columns=["what", "z"])


def test_planted_growth_and_season_of_monthly_series() -> None:
    """Growth (filter, endpoint), amplitude and phase pooled, and each by itself."""
    table = collect(range(SERIES), weekly=False)
    found = {what: scores(part["z"]) for what, part in table.groupby("what")}
    pooled = scores(table["z"])
    # 2,000 independent series alone: 3 sqrt(0.68 0.32 / 2000) = 0.031, 3 sqrt(0.95 0.05 / 2000) = 0.015
    assert 0.65 <= pooled[0] <= 0.71, found
    assert 0.935 <= pooled[1] <= 0.965, found
    for what, score in found.items():
        assert 0.65 <= score[0] <= 0.73, (what, found)
        assert 0.935 <= score[1] <= 0.97, (what, found)


def test_weekly_samples_are_stated_carefully() -> None:
    """Seasons and growth that change otherwise than assumed pass for noise: too wide, never too narrow."""
    table = collect(range(SERIES // 5), weekly=True)
    for what, part in table.groupby("what"):
        score = scores(part["z"])
        assert 0.65 <= score[0] <= 0.79, (what, score)
        assert 0.935 <= score[1] <= 0.985, (what, score)

"""Planted growth and season against stated uncertainty, 2,000 series of each kind (``make truth``)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trend_truth import plant, scores
from yaotan import fit_trend, growth, seasonal_cycle

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


@pytest.mark.parametrize("weekly", [False, True], ids=["monthly", "weekly"])
def test_planted_growth_and_season_lie_within_the_stated_uncertainty(weekly: bool) -> None:
    table = collect(range(SERIES), weekly=weekly)
    found = {what: (*scores(part["z"]), len(part)) for what, part in table.groupby("what")}
    # n of 2,000 independent series alone: 3 sqrt(0.68 0.32 / 2000) = 0.031, 3 sqrt(0.95 0.05 / 2000) = 0.015
    for what in ("filter", "endpoint", "amplitude", "phase"):
        assert 0.65 <= found[what][0] <= 0.71, found
        assert 0.935 <= found[what][1] <= 0.965, found

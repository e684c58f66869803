"""Small simulated panels for the tests of emission models."""

from __future__ import annotations

import numpy as np
import pandas as pd

from yaotan.emission import Panel, PanelColumn

COLUMNS = (
    PanelColumn("co2", "target", "Mt yr-1", scope="scope 1", lag=2),
    PanelColumn("power", "part", "Mt yr-1", lag=2),
    PanelColumn("people", "scale", "1"),
    PanelColumn("lights", "scale", "nW cm-2 sr-1"),
    PanelColumn("town", "feature", "km2"),
)


def table(regions: int = 14, years: int = 8, *, noise: float = 0.15, seed: int = 1) -> pd.DataFrame:
    """Emissions per head that follow lights per head, with an error of each province and a common trend."""
    rng = np.random.default_rng(seed)
    rows = [(f"p{n:02}", f"z{n % 3}", year) for n in range(regions) for year in range(2001, 2001 + years)]
    made = pd.DataFrame(rows, columns=["region", "zone", "period"])

    def own(sigma: float) -> np.ndarray:
        return np.repeat(rng.normal(0.0, sigma, regions), years)

    since = made["period"].to_numpy() - 2001.0
    bright, size = own(0.6), own(0.7)
    made["people"] = 4e7 * np.exp(size + 0.005 * since)
    made["lights"] = 0.02 * made["people"] * np.exp(bright + 0.05 * since)
    made["town"] = 1e-4 * made["people"] * np.exp(0.5 * bright + own(0.2))
    made["co2"] = 6e-6 * made["people"] * np.exp(0.7 * bright + 0.06 * since + own(noise))
    made["co2"] *= np.exp(rng.normal(0.0, 0.02, len(made)))
    made["power"] = made["co2"] * np.repeat(rng.uniform(0.3, 0.6, regions), years)
    return made


def panel(regions: int = 14, years: int = 8, *, noise: float = 0.15, seed: int = 1) -> Panel:
    """The same as a panel."""
    return Panel(table(regions, years, noise=noise, seed=seed), COLUMNS)

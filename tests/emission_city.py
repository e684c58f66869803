"""Simulated cities of simulated provinces: shares of all that the province has, with noise of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

DESCRIPTION = """title: Simulated cities
keys: {region: region, period: year, region_name: name, region_name_zh: name_zh, parent: province}
columns:
  co2: {role: target, unit: Gg yr-1, scope: simulated, source: test, lag: 2}
  population: {role: scale, unit: "1", source: test}
  lights: {role: scale, unit: nW cm-2 sr-1, source: test}
  town: {role: feature, unit: km2, source: test}
  plants: {role: feature, unit: MW, source: test}
"""
SHARES = (0.5, 0.3, 0.2)
MUNICIPALITY = "r20"


def write_cities(folder: Path, seed: int = 9) -> pd.DataFrame:
    """Write ``city.csv`` and ``city.yaml`` beside the ``panel.csv`` of provinces, and a nation's total.

    The target of cities is in Gg a year; that of the nation, ``nation.csv``, is the sum of the true emissions
    of all provinces, 2 % high, in Mt a year with 1 sigma of 1 %.
    """
    provinces, truth = (pd.read_csv(folder / name) for name in ("panel.csv", "panel_truth.csv"))
    rng = np.random.default_rng(seed)
    parts = []
    for number, share in enumerate(SHARES, start=1):
        city = provinces.copy()
        city["province"], city["region"] = city["region"], city["region"] + f"-{number}"
        city["name"], city["name_zh"] = city["name"] + f" {number}", city["name_zh"] + f"{number}"
        city["co2"] *= 1000.0 * share * rng.lognormal(0.0, 0.05, len(city))
        for name in ("population", "lights", "town", "plants"):
            city[name] *= share * rng.lognormal(0.0, 0.1, len(city))
        parts.append(city)
    cities = pd.concat(parts, ignore_index=True)
    # one province is a municipality: one city that is the province itself
    own = cities["province"] == MUNICIPALITY
    cities = cities[~own | (cities["region"] == f"{MUNICIPALITY}-1")].replace(
        {"region": {f"{MUNICIPALITY}-1": MUNICIPALITY}}
    )
    cities.to_csv(folder / "city.csv", index=False)
    (folder / "city.yaml").write_text(DESCRIPTION, encoding="utf-8")
    total = truth.groupby("year")["co2"].sum().mul(1.02).reset_index()
    nation = total.rename(columns={"year": "period", "co2": "estimate"})
    nation = nation.assign(
        region="CN", region_name="Whole land", region_name_zh="全国", unit="Mt yr-1",
        uncertainty=0.01 * nation["estimate"],
    )  # fmt: skip
    nation.to_csv(folder / "nation.csv", index=False)
    return cities

"""Regional emissions for the report's tests: simulated provinces, judged by the model that comes along."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd

from yaotan import load_model
from yaotan.emission import Panel, assess, balance_levels, find_model
from yaotan.report.provincial import EmissionResult
from yaotan.simulate.province import simulate_provinces


@cache
def _judge(seed: int, names: tuple[tuple[str, str, str], ...], regions: int, question: str):
    made = simulate_provinces(seed, names=names, regions=regions, years=8)
    model = load_model(find_model("simulated_province")) if question == "no_inventory" else None
    panel: Panel = made.panel()
    return made, panel, assess(panel, question=question, model=model)


def make_emission(
    shapes: gpd.GeoDataFrame, *, seed: int = 2, regions: int = 24, question: str = "no_inventory"
) -> EmissionResult:
    """Emissions of the study's regions and of others without outline; with few, no second opinion."""
    columns = [shapes[name].astype(str) for name in ("region_id", "name", "name_zh")]
    names = tuple(zip(*columns, strict=True))[:regions]
    made, panel, found = _judge(seed, names, regions, question)
    tables = found.tables()
    truth = made.truth.rename(columns={"year": "period", "co2": "truth"})
    facts = {
        "question": question, "protocol": found.evaluation.protocol, "folds": len(found.evaluation.choices),
        "lag": 2, "year": int(panel.table["period"].max()), "years": [2009, 2016], "unit": found.unit,
        "scope": "simulated", "level": found.level, "statistic": "median",
        "configurations": found.evaluation.configurations, "regions": regions,
        "reporting": int(panel.observed().table["region"].nunique()),
        "model": "simulated provinces" if question == "no_inventory" else "",
        "opinion": {key: float(value) for key, value in found.opinion.attrs.items()},
    }  # fmt: skip
    estimates = found.estimates.astype({"inside": object}).where(found.estimates.notna(), np.nan)
    nodes, years = _add_up(found.estimates)
    return EmissionResult(
        estimates, tables["scores"], tables["skill"], tables["intervals"],
        tables.get("opinion", pd.DataFrame()), truth, facts, nodes, years,
    )  # fmt: skip


def _add_up(estimates: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Regions under a nation whose total is stated 5 % high, to 1 %, with a remainder."""
    names = ["region", "region_name", "region_name_zh", "period", "estimate", "uncertainty"]
    rows = estimates.dropna(subset=["estimate"])[names]
    total = rows.groupby("period", as_index=False)["estimate"].sum()
    total["estimate"] *= 1.05
    nation = total.assign(region="CN", region_name="Nation", region_name_zh="全国",
                          uncertainty=0.01 * total["estimate"])  # fmt: skip
    tree = dict.fromkeys([*rows["region"].unique(), "rest of CN"], "CN")
    made = balance_levels(pd.concat([nation, rows]), tree, unit="Mt yr-1")
    return made.nodes, made.years

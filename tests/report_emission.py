"""Regional emissions for the report's tests: simulated provinces, judged by the model that comes along."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd

from yaotan import load_model
from yaotan.emission import Panel, assess, find_model
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
    return EmissionResult(
        estimates, tables["scores"], tables["skill"], tables["intervals"],
        tables.get("opinion", pd.DataFrame()), truth, facts,
    )  # fmt: skip

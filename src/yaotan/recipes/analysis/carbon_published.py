"""Published totals beside ours, and why they differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.carbon.reconciliation import FACTORS, reconcile_stock, waterfall
from yaotan.carbon.stock import carbon_stock
from yaotan.errors import RecipeError
from yaotan.io.tabular import read_table
from yaotan.io.write import write
from yaotan.recipes.analysis.carbon_source import CarbonSources
from yaotan.recipes.carbon_option import PublishedOptions
from yaotan.recipes.step import Made, Step
from yaotan.units import convert


def published_step(sources: CarbonSources) -> Step:
    """Make the step that reconciles ours with published totals.

    Outputs ``carbon/waterfall.csv`` and ``.parquet``: steps of every published total, by ``title``.
    """
    folder, options = sources.context.folder / "carbon", sources.options

    def work() -> Made:
        folder.mkdir(parents=True, exist_ok=True)
        tables, facts = [], {}
        for number, one in enumerate(options.published):
            split = reconcile(sources, one, number)
            tables.append(waterfall(split).assign(title=one.title))
            facts[one.title] = {
                "gap": split.attrs["gap"],
                "not_separated": split.attrs["not_separated"],
                "gap_uncertainty": split.attrs.get("gap_uncertainty"),
                "year": one.year or options.years[-1],
            }
        table = pd.concat(tables, ignore_index=True)
        table = table[["title", *(name for name in table if name != "title")]]
        paths = [write(table, folder / f"waterfall{suffix}") for suffix in (".csv", ".parquet")]
        return paths, {"facts": facts}

    chosen = sources.parameters("change", "patches", "maps")
    return Step("carbon-published", sources.digests(), chosen, work)


def read_published(sources: CarbonSources, one: PublishedOptions, number: int) -> pd.DataFrame:
    """Read a published account in m2 and kg m-2, with the codes of ours that each class stands for.

    Raises
    ------
    RecipeError
        A column is missing, or a code is none of the legend, or in two classes.
    """
    where = f"carbon.published.{number}"
    path = sources.paths(one.path, f"published.{number}.path")[0]
    table = read_table(path)
    for name in ("class", "codes", "area"):
        if name not in table:
            raise RecipeError(f"has no column {name}", where=path, expected="class, codes, area, ...")
    try:
        codes = [[int(code) for code in str(text).split()] for text in table["codes"]]
    except ValueError as error:
        raise RecipeError(f"codes are no whole numbers ({error})", where=path, expected="1 2 3") from error
    every = [code for group in codes for code in group]
    doubled = sorted({code for code in every if every.count(code) > 1})
    if doubled:
        raise RecipeError(f"code {doubled[0]} stands for two classes", where=path, expected="each code once")
    out = table[["class", "area", *(name for name in FACTORS if name in table and name != "area")]].copy()
    out["area"] = convert(out["area"].to_numpy(float), one.area_units, "m2", where=where)
    for name in ("biomass", "soil"):
        if name in out:
            out[name] = convert(out[name].to_numpy(float), one.density_units, "kg m-2", where=where)
    out["codes"] = pd.Series(codes, index=out.index, dtype=object)
    return out


def reconcile(sources: CarbonSources, one: PublishedOptions, number: int) -> xr.Dataset:
    """Split the gap between a published total and ours, over all regions and the classes that it names."""
    place = sources.options.years.index(one.year or sources.options.years[-1])
    theirs = read_published(sources, one, number)
    ours, total_sd = _ours(sources, place, theirs, one.fraction)
    uncertainty = None
    if one.sd is not None and np.isfinite(total_sd):
        uncertainty = (total_sd, float(convert(one.sd, one.sd_units, "kg", where="carbon.published.sd")))
    return reconcile_stock(ours, theirs.drop(columns="codes"), uncertainty=uncertainty)


def _ours(
    sources: CarbonSources, place: int, theirs: pd.DataFrame, fraction: float | None
) -> tuple[pd.DataFrame, float]:
    """Account of ours by the classes of theirs, of all regions together: area, biomass and soil; and 1 sigma.

    The sigma is that of all land, so it is missing where the published classes leave some of it out.
    """
    land, pools = sources.land_of(place), sources.pools
    there = [*(pools.pools if pools is not None else ()), *sources.options.rasters]
    offered = [str(pool) for pool in sources.options.accounted or dict.fromkeys(there)]
    groups = {"biomass": [p for p in offered if p != "c_soil"], "soil": [p for p in offered if p == "c_soil"]}
    rows = pd.DataFrame({"class": theirs["class"]})
    how: dict[str, Any] = {"zones": sources.zones, "uncertainty": "propagation", **sources.how(place)}
    whole = carbon_stock(land, pools, accounted=offered, **how).isel(region=-1)
    named = {code for codes in theirs["codes"] for code in codes}
    left = [int(code) for code in whole["class"].values[whole["class_area"] > 0] if int(code) not in named]
    spread = np.nan if left else float(whole["stock_uncertainty"])
    for name, chosen in groups.items():
        if not chosen:
            continue
        made = carbon_stock(land, pools, accounted=chosen, **how).isel(region=-1)
        area, stock = (
            np.array([made[key].to_series().reindex(codes).fillna(0.0).sum() for codes in theirs["codes"]])
            for key in ("class_area", "class_stock")
        )
        rows["area"] = area
        rows[name] = np.divide(stock, area, out=np.zeros(len(area)), where=area > 0)
    if fraction is not None:
        rows["biomass"] = rows["biomass"] / fraction
        rows["fraction"] = fraction
    return rows, spread

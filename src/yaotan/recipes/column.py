"""Steps from granules to monthly grids, and the count of what was lost on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.catalog.screening import find_rules
from yaotan.column.coverage import (
    COLUMNS,
    count_days,
    count_losses,
    crossing_days,
    soundings_by_region,
    track_points,
)
from yaotan.errors import NotAGranuleError
from yaotan.grid.bin import grid_soundings
from yaotan.io.bound import Box
from yaotan.io.tabular import read_table
from yaotan.io.write import write
from yaotan.recipes.context import Context, Month
from yaotan.recipes.inventory import Granule
from yaotan.recipes.opening import (
    CORNERS,
    by_file,
    digests_of,
    needed,
    open_month,
    open_screened,
    opening_parameters,
    product_text,
    rule_parameters,
    text_of,
)
from yaotan.recipes.prior import apply_prior, prior_parameters, prior_variables
from yaotan.recipes.step import Step


def grid_step(context: Context, product: str, month: Month, granules: Sequence[Granule]) -> Step:
    """Make the step that grids one product and month.

    Parameters
    ----------
    context : Context
        Facts of the run.
    product : str
        Product name.
    month : Month
        Which month.
    granules : sequence of Granule
        Files that may hold soundings of the month.

    Returns
    -------
    Step
        Output ``columns/<product>_<YYYYMM>.nc``, or none when nothing was left; its summary says why.
    """
    options, grid = granules[0].options, context.study.grid
    target = context.folder / "columns" / f"{product}_{month.name.replace('-', '')}.nc"

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        kept, summary = open_screened(context, month, granules, also=CORNERS)
        if kept is None:
            return [], summary
        gridded = grid_soundings(
            kept,
            context.spec,
            period="month",
            weight=grid.weight,
            overpass_correlation=grid.overpass_correlation,
            systematic=_known(options.systematic, kept),
        )
        write(gridded, target)
        return [target], {**summary, "rejected": json.loads(gridded.attrs["rejected"])}

    return Step(
        f"grid-{product}-{month.name}",
        digests_of(granules),
        {
            **opening_parameters(context, month, granules),
            "grid": grid.model_dump(),
            "systematic": options.systematic,
        },
        work,
    )


def _known(systematic: float | dict[str, float] | None, soundings: xr.Dataset) -> Any:
    """Leave out columns that the files of this month do not have."""
    if isinstance(systematic, dict):
        return {name: value for name, value in systematic.items() if name in soundings}
    return systematic


def _days(time: np.ndarray) -> set[np.datetime64]:
    return set(np.unique(np.asarray(time).astype("datetime64[D]")))


def loss_step(context: Context, product: str, month: Month, granules: Sequence[Granule]) -> Step:
    """Make the step that counts, for one product and month, why regions have no data.

    Parameters
    ----------
    context : Context
        Facts of the run.
    product : str
        Product name.
    month : Month
        Which month.
    granules : sequence of Granule
        Files that may hold soundings of the month; at least one.

    Returns
    -------
    Step
        Output ``.steps/losses/<product>_<YYYYMM>.csv``, which `join_losses_step` joins.
    """
    rules = find_rules(granules[0].options.rules, granules[0].entry)
    target = context.folder / ".steps" / "losses" / f"{product}_{month.name.replace('-', '')}.csv"
    regions, entry = context.regions_and_union, granules[0].entry
    half_swath, options = entry.swath_km / 2, granules[0].options

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        covered: set[np.datetime64] = set()
        crossed: list[set[np.datetime64]] = [set() for _ in range(len(regions))]
        sounded: list[set[np.datetime64]] = [set() for _ in range(len(regions))]
        tables = [pd.DataFrame(columns=list(COLUMNS))]
        # opened together, so that a sounding in two files counts once
        try:
            whole = open_month(context, month, granules, quality="all")
        except NotAGranuleError:  # the step that grids says why
            if context.study.on_error == "raise":
                raise
            whole = xr.Dataset()
        profiles = prior_variables(context, whole, product)
        wanted = needed(entry, rules, [*entry.gases, "quality_bits", *profiles])
        for loaded in by_file(whole, wanted):
            every, first = apply_prior(context, loaded, product)
            time, lat, lon = (every[name].values for name in ("time", "latitude", "longitude"))
            covered |= _days(time)
            for near, days in zip(
                crossed,
                crossing_days(track_points(time, lat, lon), regions, half_swath=half_swath),
                strict=True,
            ):
                near |= days
            members = soundings_by_region(lat, lon, regions)
            for seen, rows in zip(sounded, members, strict=True):
                seen |= _days(time[rows])
            # an outlier is one among all that are gridded, not among those of the regions only
            reached = np.flatnonzero(Box(*context.reach).holds(lat, lon))
            inside = np.unique(np.concatenate([*members, reached]))
            if inside.size:
                part = every.isel(sounding=inside)
                tables.append(count_losses(part, regions, [*first, *rules], quality=options.quality))
        counts = pd.concat(tables).groupby(list(COLUMNS[:-1]))["count"].sum().reset_index()
        by_day = count_days(covered, crossed, sounded, regions, (month.first, month.last))
        write(pd.concat([by_day, counts]).assign(product=product), target)
        return [target], {"days_with_file": len(covered)}

    return Step(
        f"losses-{product}-{month.name}",
        {**digests_of(granules), "regions": context.regions_digest},
        {
            "period": [month.first, month.last],
            "swath_km": 2 * half_swath,
            "quality": options.quality,
            "rules": rule_parameters(rules),
            "aliases": text_of(options.aliases),
            **product_text(granules[0]),
            "on_error": context.study.on_error,
            **prior_parameters(context, product),
        },
        work,
    )


def join_losses_step(context: Context, pieces: Mapping[str, str]) -> Step:
    """Make the step that joins the counts of all products and months, those without any file included.

    Parameters
    ----------
    context : Context
        Facts of the run.
    pieces : mapping
        Path of each piece, relative to the output folder, to its content hash.

    Returns
    -------
    Step
        Output ``columns/losses.csv``.
    """
    target = context.folder / "columns" / "losses.csv"
    regions = context.regions_and_union
    nowhere: list[set[np.datetime64]] = [set() for _ in regions.index]

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        tables = [read_table(context.folder / name) for name in sorted(pieces)]
        for product in context.inventory.products():
            for month in context.months:
                if not context.granules(product, month):
                    days = count_days(set(), nowhere, nowhere, regions, (month.first, month.last))
                    tables.append(days.assign(product=product))
        return [write(pd.concat(tables, ignore_index=True), target)], {}

    return Step(
        "losses",
        {**pieces, "regions": context.regions_digest},
        {"products": context.inventory.products(), "period": context.study.period},
        work,
    )

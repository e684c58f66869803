"""Steps from granules to monthly grids, and the count of what was lost on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

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
from yaotan.recipes.context import Context
from yaotan.recipes.opening import CORNERS, MonthFiles, by_file, needed
from yaotan.recipes.prior import apply_prior, prior_variables
from yaotan.recipes.step import Made, Step


def grid_step(files: MonthFiles) -> Step:
    """Make the step that grids one product and month.

    Output ``columns/<product>_<YYYYMM>.nc``, or none when nothing was left; its summary says why.
    """
    options, grid = files.options, files.context.study.grid
    target = files.path("columns", ".nc")

    def work() -> Made:
        kept, summary = files.open(also=CORNERS)
        if kept is None:
            return [], summary
        gridded = grid_soundings(
            kept,
            files.context.spec,
            period="month",
            weight=grid.weight,
            overpass_correlation=grid.overpass_correlation,
            systematic=_known(options.systematic, kept),
        )
        write(gridded, target)
        return [target], {**summary, "rejected": json.loads(gridded.attrs["rejected"])}

    return files.step("grid", work, {"grid": grid.model_dump(), "systematic": options.systematic})


def _known(systematic: float | dict[str, float] | None, soundings: xr.Dataset) -> Any:
    """Leave out columns that the files of this month do not have."""
    if isinstance(systematic, dict):
        return {name: value for name, value in systematic.items() if name in soundings}
    return systematic


def _days(time: np.ndarray) -> set[np.datetime64]:
    return set(np.unique(np.asarray(time).astype("datetime64[D]")))


def loss_step(files: MonthFiles) -> Step:
    """Make the step that counts, for one product and month, why regions have no data.

    Output ``.steps/losses/<product>_<YYYYMM>.csv``, which `join_losses_step` joins.
    """
    context, swath = files.context, files.entry.swath_km
    target = files.path(".steps/losses", ".csv")

    def work() -> Made:
        table, days = count_month(files, swath / 2)
        return [write(table.assign(product=files.product), target)], {"days_with_file": days}

    return files.step("losses", work, {"swath_km": swath}, {"regions": context.regions_digest})


def count_month(files: MonthFiles, half_swath: float) -> tuple[pd.DataFrame, int]:
    """Count what regions lost in one month, by sounding and by day; and the days that have a file."""
    context, regions = files.context, files.context.regions_and_union
    covered: set[np.datetime64] = set()
    crossed: list[set[np.datetime64]] = [set() for _ in range(len(regions))]
    sounded: list[set[np.datetime64]] = [set() for _ in range(len(regions))]
    tables = [pd.DataFrame(columns=list(COLUMNS))]
    # opened together, so that a sounding in two files counts once
    try:
        whole = files.open_all(quality="all")
    except NotAGranuleError:  # the step that grids says why
        if context.study.on_error == "raise":
            raise
        whole = xr.Dataset()
    profiles = prior_variables(context, whole, files.product)
    wanted = needed(files.entry, files.rules, [*files.entry.gases, "quality_bits", *profiles])
    for loaded in by_file(whole, wanted):
        every, first = apply_prior(context, loaded, files.product)
        time, lat, lon = (every[name].values for name in ("time", "latitude", "longitude"))
        covered |= _days(time)
        tracks = crossing_days(track_points(time, lat, lon), regions, half_swath=half_swath)
        members = soundings_by_region(lat, lon, regions)
        for number, (days, rows) in enumerate(zip(tracks, members, strict=True)):
            crossed[number] |= days
            sounded[number] |= _days(time[rows])
        # an outlier is one among all that are gridded, not among those of the regions only
        reached = np.flatnonzero(Box(*context.reach).holds(lat, lon))
        inside = np.unique(np.concatenate([*members, reached]))
        if inside.size:
            part = every.isel(sounding=inside)
            rules = [*first, *files.rules]
            tables.append(count_losses(part, regions, rules, quality=files.options.quality))
    counts = pd.concat(tables).groupby(list(COLUMNS[:-1]))["count"].sum().reset_index()
    span = files.month.first, files.month.last
    by_day = count_days(covered, crossed, sounded, regions, span)
    return pd.concat([by_day, counts]), len(covered)


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

    def work() -> Made:
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

"""Hot spots of the monthly enhancement: steps by month, their persistence, results read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.column.background.background import background
from yaotan.column.background.enhancement import enhancement
from yaotan.column.hotspot.hotspot import ALONE, FLAGS, UNMEASURED, hot_spots
from yaotan.column.hotspot.persistence import persistence
from yaotan.errors import SeriesError, TooFewSoundingsError
from yaotan.grid.bin import grid_soundings
from yaotan.io.digest import sha256
from yaotan.io.netcdf import open_grid
from yaotan.io.write import write
from yaotan.recipes.analysis.finished import Finished, read_rows
from yaotan.recipes.context import Context
from yaotan.recipes.monthly import hide_sparse, join_months
from yaotan.recipes.opening import CORNERS, MonthFiles
from yaotan.recipes.product import MonthRecords
from yaotan.recipes.step import Made, Step
from yaotan.report.analysis import HotspotResult
from yaotan.schema import column_variables

#: what a file of hot spots keeps of the gridded enhancement
_KEPT: Final = ("", "_uncertainty", "_count")
_MONTHS: Final = ("time", "cells", "hot", "cold", "anywhere", "reason")


def hotspot_step(files: MonthFiles) -> Step:
    """Make the step that looks for hot spots in one product and month.

    Outputs ``.steps/hotspots/<product>_<variable>_<YYYYMM>.nc``, which `join_hotspots_step` joins. The
    summary says, by variable, what became of the month.
    """
    context, study, options = files.context, files.context.study, files.context.study.hotspots
    assert options is not None
    model = options.background.model

    def work() -> Made:
        # a model is seen with the kernels of the soundings
        kept, _ = files.open(also=None if model else (*CORNERS, "wind_u", "wind_v"))
        paths: list[Path] = []
        months: dict[str, dict[str, Any]] = {}
        if kept is None:
            return paths, {"months": months}
        for variable in column_variables(kept):
            try:
                field = grid_enhancement(context, kept, variable)
            except TooFewSoundingsError as error:
                months[variable] = {"cells": 0, "hot": 0, "cold": 0, "reason": error.what}
                continue
            found, months[variable] = judge(context, field, f"{variable}_enhancement")
            paths.append(write(found, files.path(".steps/hotspots", ".nc", variable)))
        return paths, {"months": months}

    parameters = {
        **options.model_dump(exclude={"products"}),
        "grid": study.grid.model_dump(),
        "minimum_count": study.minimum_count,
    }
    inputs = {"model": sha256(context.base / model)} if model else {}
    return files.step("hotspot", work, parameters, inputs)


def grid_enhancement(context: Context, soundings: xr.Dataset, variable: str) -> xr.Dataset:
    """Grid what the soundings of a month have above their background."""
    study, options = context.study, context.study.hotspots
    assert options is not None
    file = options.background.model
    model = None if file is None else open_grid(context.base / file)
    level = background(soundings, variable=variable, model=model, **options.background.as_options())
    table = enhancement(soundings, background=level, variable=variable)
    gridded = grid_soundings(
        table,
        context.spec,
        variables=[f"{variable}_enhancement"],
        period="month",
        weight=study.grid.weight,
        overpass_correlation=study.grid.overpass_correlation,
    )
    return hide_sparse(gridded, f"{variable}_enhancement", study.minimum_count).load()


def judge(context: Context, field: xr.Dataset, name: str) -> tuple[xr.Dataset, dict[str, Any]]:
    """Flag the cells of one month; one with too few cells is not judged, which is said."""
    options = context.study.hotspots
    assert options is not None
    kept = field[[*(name + ending for ending in _KEPT), *_bounds(field)]]
    try:
        found = hot_spots(
            field,
            variable=name,
            distance=options.distance * 1e3,
            fdr=options.fdr,
            anywhere=options.anywhere,
            minimum=options.minimum,
            draws=options.draws,
            seed=options.seed,
        )
    except TooFewSoundingsError as error:
        measured, dims = field[name].notnull(), field[name].dims
        blank = (dims, np.full(measured.shape, np.nan), {"units": "1"})
        found = xr.Dataset(
            {
                "hotspot": (dims, np.where(measured, ALONE, UNMEASURED).astype(np.uint8), _flags()),
                f"{name}_gstar": blank,
                f"{name}_gstar_q": blank,
                "hotspot_count": (dims, np.zeros(measured.shape, np.int32), {"units": "1"}),
            }
        )
        cells = int(measured.sum())
        return kept.assign(found), {"cells": cells, "hot": 0, "cold": 0, "reason": error.what}
    summary = json.loads(found.attrs["hotspot"])[0]
    # of a field without any cell nothing but their number is told
    told = {"hot": 0, "cold": 0, "reason": "" if summary["cells"] else "no measured cell", **summary}
    return kept.assign(found.data_vars).assign_attrs(found.attrs), told


def _flags() -> dict[str, Any]:
    return {"flag_values": np.arange(len(FLAGS), dtype=np.uint8), "flag_meanings": " ".join(FLAGS)}


def _bounds(grid: xr.Dataset) -> list[str]:
    return [str(name) for name in grid.variables if str(name).endswith("_bnds") or name == "crs"]


def join_hotspots_step(months: MonthRecords) -> Step:
    """Make the step that joins the months of a product and counts how often each cell is hot.

    Outputs ``columns/<product>_<variable>_hotspots.nc``, ``_hotspots.csv`` (a row for each month) and, of
    three months or more, ``_persistence.nc``.
    """
    told = months.told("months")

    def work() -> Made:
        paths: list[Path] = []
        made: list[str] = []
        skipped = []
        options: dict[str, Any] = {}
        for variable in dict.fromkeys(name for month in told.values() for name in month):
            rows = [
                {"time": pd.Timestamp(f"{name}-01"), **month[variable]}
                for name, month in told.items()
                if variable in month
            ]
            table = pd.DataFrame(rows)
            table = table[[*dict.fromkeys([*(c for c in _MONTHS if c in table), *table.columns])]]
            stem = months.stem(variable, "hotspots")
            paths.append(write(table, Path(f"{stem}.csv")))
            files = months.files(variable)
            if not files:
                reasons = ", ".join(dict.fromkeys(str(row["reason"]) for row in rows))
                skipped.append({"variable": variable, "code": "too_few", "reason": reasons})
                continue
            grids = [open_grid(file) for file in files]
            options = next((json.loads(g.attrs["options"]) for g in grids if "options" in g.attrs), options)
            whole = join_months(grids)
            paths.append(write(whole, Path(f"{stem}.nc")))
            made.append(variable)
            try:
                share = persistence(whole[["hotspot"]].load())
            except SeriesError:  # a matter of how many months the study has, which the page says
                share = None
            if share is not None:
                keep = {name: whole[name] for name in _bounds(whole) if name != "time_bnds"}
                share = share.assign(keep).assign_attrs(title=f"How often {variable} is a hot spot")
                paths.append(write(share, Path(f"{months.stem(variable, 'persistence')}.nc")))
            for grid in grids:
                grid.close()
        return paths, {"variables": made, "options": options, "skipped": skipped}

    return months.step("hotspots", work, {"months": told})


def load_hotspots(finished: Finished) -> tuple[HotspotResult, ...]:
    """Read the hot spots of a finished run."""
    found = []
    for product, files, summary in finished.steps("hotspots"):
        for variable in summary["variables"]:
            stem = f"{product}_{variable}"
            with open_grid(files[f"{stem}_hotspots.nc"]) as grid:
                drawn = grid.load()
            share = None
            if f"{stem}_persistence.nc" in files:
                with open_grid(files[f"{stem}_persistence.nc"]) as grid:
                    share = grid.load()
            months = read_rows(files[f"{stem}_hotspots.csv"])
            # a column without any text is read as numbers
            months = months.assign(reason=months["reason"].astype(object).where(months["reason"].notna(), ""))
            head = finished.head(product, variable, ending="_enhancement")
            found.append(
                HotspotResult(
                    **head,
                    grid=drawn,
                    persistence=share,
                    months=months if "anywhere" in months else months.assign(anywhere=np.nan),
                    options=summary["options"],
                )
            )
    return tuple(found)

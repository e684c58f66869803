"""Several products made one: averages by box and month, their fusion, results read back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.catalog.gas import gases
from yaotan.column.fusion.box import average, place
from yaotan.column.fusion.combination import BoxRule, fuse_averages
from yaotan.errors import TooFewSoundingsError
from yaotan.grid.spec import GridSpec
from yaotan.io.netcdf import open_grid
from yaotan.io.tabular import read_parquet
from yaotan.io.write import write
from yaotan.recipes.analysis.finished import Finished, read_rows
from yaotan.recipes.analysis.skip import skip
from yaotan.recipes.context import Context
from yaotan.recipes.opening import MonthFiles
from yaotan.recipes.prior import prior_name
from yaotan.recipes.product import MonthRecords
from yaotan.recipes.step import Made, Step
from yaotan.report.analysis import FusionResult
from yaotan.schema import column_variables


def fusion_products(context: Context) -> list[str]:
    """List the products that a study fuses, in its order."""
    options = context.study.fusion
    assert options is not None
    return options.products or context.inventory.products()


def fusion_spec(context: Context) -> GridSpec:
    """Give the boxes: the area of the study, on multiples of the resolution."""
    options = context.study.fusion
    assert options is not None
    step = options.resolution
    west, south, east, north = context.bounds
    west, south = (np.floor(np.round(value / step, 6)) * step for value in (west, south))
    east, north = (np.ceil(np.round(value / step, 6)) * step for value in (east, north))
    if east - west >= 360.0:
        west, east = -180.0, 180.0
    return GridSpec.regular(step, (float(west), float(max(south, -90)), float(east), float(min(north, 90))))


def box_step(files: MonthFiles) -> Step:
    """Make the step that averages one product and month in boxes.

    Outputs ``.steps/boxes/<product>_<variable>_<YYYYMM>.parquet``, which `fusion_step` fuses; the summary
    counts, by variable, what could not be used.
    """
    spec, correlation = fusion_spec(files.context), files.context.study.grid.overpass_correlation

    def work() -> Made:
        kept, _ = files.open()
        paths: list[Path] = []
        lost: dict[str, Any] = {}
        if kept is None:
            return paths, {"lost": lost}
        for variable in column_variables(kept):
            found = place(kept, variable, spec)
            lost[variable] = found.lost
            if found.row.size:
                table = average(found, correlation).reset_index()
                paths.append(write(table, files.path(".steps/boxes", ".parquet", variable)))
        return paths, {"lost": lost}

    edges = [spec.y_edges.tolist(), spec.x_edges.tolist()]
    return files.step("boxes", work, {"edges": edges, "overpass_correlation": correlation})


def fusion_step(context: Context, boxes: Mapping[str, MonthRecords]) -> Step:
    """Make the step that fuses all products of each column.

    Outputs ``columns/fused_<variable>.nc`` and ``fused_<variable>.csv`` (a row for each product). A column
    that fewer than two products have is left out; one without a common box is said in the summary.

    Parameters
    ----------
    context : Context
        Facts of the run.
    boxes : mapping
        Product to the records of `box_step`.
    """
    options, spec = context.study.fusion, fusion_spec(context)
    assert options is not None
    products = fusion_products(context)

    def work() -> Made:
        paths: list[Path] = []
        made, skipped = [], []
        for variable in gases():
            averages = {product: _read(months, variable) for product, months in boxes.items()}
            averages = {product: table for product, table in averages.items() if table is not None}
            if len(averages) < 2:
                continue
            keep = [products.index(product) for product in averages]
            relation = options.correlation and np.array(options.correlation)[np.ix_(keep, keep)]
            given = options.model_dump(exclude={"products", "resolution", "own_priors", "correlation"})
            try:
                grid = fuse_averages(averages, spec, variable, BoxRule(correlation=relation, **given))
            except TooFewSoundingsError as error:
                skipped.append(skip(variable, error))
                continue
            if context.study.prior is not None:
                grid = grid.assign_attrs(prior=prior_name(context))
            stem = context.folder / "columns" / f"fused_{variable}"
            paths.append(write(grid, Path(f"{stem}.nc")))
            paths.append(write(summarise(grid, variable, averages, boxes), Path(f"{stem}.csv")))
            made.append({"variable": variable, "products": list(averages), "excess": grid.attrs["excess"]})
        return paths, {"made": made, "skipped": skipped}

    outputs = {path: digest for months in boxes.values() for path, digest in months.outputs.items()}
    return Step("fusion", outputs, {**options.model_dump(), "order": products}, work)


def _read(months: MonthRecords, variable: str) -> Any:
    """Read the averages of one product and variable, all months; None when there are none."""
    parts = [read_parquet(file) for file in months.files(variable)]
    return pd.concat(parts).set_index(["month", "cell"]).sort_index() if parts else None


def summarise(
    grid: xr.Dataset,
    variable: str,
    averages: Mapping[str, pd.DataFrame],
    boxes: Mapping[str, MonthRecords],
) -> pd.DataFrame:
    """Say of each product how much of it is in the fused field, how it differs from it, and what was lost."""
    fused = grid[variable]
    rows = []
    for number, product in enumerate(averages):
        own = grid[f"{variable}_average"].isel(product=number)
        there = own.notnull() & fused.notnull()
        number_of_boxes = int(there.sum())
        if f"{variable}_choice" in grid:
            share = float((grid[f"{variable}_choice"] == number).sum()) / max(int(fused.notnull().sum()), 1)
        else:
            share = float(grid[f"{variable}_weight"].isel(product=number).where(there).mean())
        lost: Counter[str] = Counter()
        for month in boxes[product].told("lost").values():
            lost.update(month.get(variable, {}))
        lost.update(json.loads(grid.attrs["lost"]).get(product, {}))
        rows.append(
            {
                "product": product,
                "boxes": number_of_boxes,
                "months": int(there.any([dim for dim in there.dims if dim != "time"]).sum()),
                "share": share,
                "bias": float((own - fused).where(there).mean()) if number_of_boxes else np.nan,
                "lost": json.dumps(dict(sorted(lost.items()))),
            }
        )
    return pd.DataFrame(rows)


def load_fused(finished: Finished) -> tuple[FusionResult, ...]:
    """Read the fused fields of a finished run."""
    step = finished.step("fusion")
    found = []
    for made in step[1]["made"] if step is not None else []:
        variable, files = made["variable"], step[0] if step is not None else {}
        with open_grid(files[f"fused_{variable}.nc"]) as opened:
            grid = opened.load()
        outcome = read_rows(files[f"fused_{variable}.csv"])
        found.append(
            FusionResult(
                variable=variable,
                units=gases()[variable].units,
                grid=grid,
                method=str(grid.attrs["method"]),
                products=tuple(made["products"]),
                outcome=outcome.assign(title=outcome["product"].map(finished.titles)),
            )
        )
    return tuple(found)

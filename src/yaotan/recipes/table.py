"""Steps from monthly grids to tables: regions, contrasts, products against each other, truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from itertools import combinations
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from yaotan.column.comparison import compare_products
from yaotan.column.contrast import Contrast, contrast
from yaotan.grid.zonal import zonal_statistics
from yaotan.io.write import write
from yaotan.recipes.context import Context, digest_regions
from yaotan.recipes.monthly import hide_sparse, write_table
from yaotan.recipes.product import ProductGrids, all_digests
from yaotan.recipes.step import Made, Step
from yaotan.schema import column_variables

#: value columns of the regional table, in order; the prefix is the variable's name in the estimate
VALUES = {
    "value": "",
    "uncertainty": "_uncertainty",
    "uncertainty_random": "_uncertainty_random",
    "uncertainty_sampling": "_uncertainty_sampling",
    "uncertainty_systematic": "_uncertainty_systematic",
    "spread": "_spread",
    "count": "_count",
    "coverage": "_coverage",
}

#: columns of the table of contrasts, which a study without any leaves empty
CONTRAST_COLUMNS = ["kind", "side_a", "side_b", "product", "variable"]
CONTRAST_COLUMNS += [field.name for field in fields(Contrast)]


def regional_table(estimate: xr.Dataset, variable: str, months: list[str]) -> pd.DataFrame:
    """Turn an estimate into a long table with a row for every region and month of the period.

    Parameters
    ----------
    estimate : xarray.Dataset
        As `zonal_statistics` gives it, dims ``(region, time)``.
    variable : str
        Column variable.
    months : list of str
        ``YYYY-MM``; months without a grid get rows with count 0 and no value.

    Returns
    -------
    pandas.DataFrame
        region_id, name, name_zh, time (first day of the month), the columns `VALUES`, ``change`` and
        ``change_uncertainty`` against the same month a year before (errors taken as independent, the
        systematic term as common to both).
    """
    rows = []
    time = pd.PeriodIndex([f"{month}" for month in months], freq="M").to_timestamp()
    stamps = pd.DatetimeIndex(estimate["time"].values).to_period("M").to_timestamp()
    for number in range(estimate.sizes["region"]):
        one = estimate.isel(region=number)
        part = pd.DataFrame(
            {name: one[variable + suffix].values for name, suffix in VALUES.items()}, index=stamps
        )
        part = part.reindex(time).rename_axis("time").reset_index()
        part["count"] = part["count"].fillna(0.0).round(2)
        part["coverage"] = part["coverage"].fillna(0.0)
        before = part.shift(12)
        part["change"] = part["value"] - before["value"]
        # a single cell has no sampling term; then the others have to do
        own = [
            np.hypot(year["uncertainty_random"], year["uncertainty_sampling"].fillna(0))
            for year in (part, before)
        ]
        part["change_uncertainty"] = np.hypot(*own)
        part.insert(0, "name_zh", str(one["region_name_zh"].values))
        part.insert(0, "name", str(one["region_name"].values))
        part.insert(0, "region_id", str(one["region"].values))
        rows.append(part)
    return pd.concat(rows, ignore_index=True)


def zonal_step(given: ProductGrids, *, key_regions: gpd.GeoDataFrame | None = None) -> Step:
    """Make the step that averages one product's grids over the regions.

    Outputs ``columns/<product>_<variable>_regions.csv`` (or ``_key_regions.csv``) and ``.parquet``.

    Parameters
    ----------
    given : ProductGrids
        The grids.
    key_regions : geopandas.GeoDataFrame, optional
        Key regions that the study names, to be averaged over instead of its own.
    """
    context, study = given.context, given.context.study
    own = key_regions is None
    regions = context.regions_and_union if key_regions is None else key_regions

    def work() -> Made:
        grid = given.open()
        paths: list[Path] = []
        sparse = {}
        for variable in column_variables(grid):
            count = grid[f"{variable}_count"]
            sparse[variable] = int(((count > 0) & (count < study.minimum_count)).sum())
            estimate = zonal_statistics(
                hide_sparse(grid, variable, study.minimum_count),
                regions,
                variables=[variable],
                correlation_length=study.correlation_length * 1e3,
            )
            table = regional_table(estimate, variable, [month.name for month in context.months])
            table.insert(0, "units", grid[variable].attrs["units"])
            table.insert(0, "variable", variable)
            table.insert(0, "product", given.product)
            paths += write_table(table, given.stem(variable, "regions" if own else "key_regions"))
        return paths, {"sparse_cells": sparse}

    inputs = {"regions": digest_regions(regions)}
    return given.step("zonal" if own else "key_regions", work, given.averaging, inputs)


def _inside(grid: xr.Dataset, regions: gpd.GeoDataFrame) -> np.ndarray:
    """Tell which cell centres lie in any of the regions."""
    lat, lon = np.meshgrid(grid["lat"].values, grid["lon"].values, indexing="ij")
    union = shapely.union_all(regions.geometry.values)
    shapely.prepare(union)
    return np.asarray(shapely.contains_xy(union, ((lon + 180) % 360) - 180, lat))


def _sides(context: Context, grid: xr.Dataset) -> list[dict[str, Any]]:
    """List the contrasts of the study as pairs of masks."""
    options, regions = context.study.contrasts, context.regions
    inside = _inside(grid, regions)
    lat, lon = np.meshgrid(grid["lat"].values, grid["lon"].values, indexing="ij")
    found: list[dict[str, Any]] = []
    if options.west_east is not None:
        # a grid over the dateline counts on beyond 180
        west_edge = float(lon.min())
        east = lon >= west_edge + (options.west_east - west_edge) % 360
        found.append(
            {
                "kind": "west_east",
                "a": "east",
                "b": "west",
                "masks": (inside & east, inside & ~east),
                "matched": "lat",
            }
        )
    if options.zonal is not None:
        north = lat >= options.zonal
        found.append(
            {
                "kind": "zonal",
                "a": "north",
                "b": "south",
                "masks": (inside & north, inside & ~north),
                "matched": "lon",
            }
        )
    for first, second in options.regions:
        masks = tuple(_inside(grid, regions[regions["region_id"] == one]) for one in (first, second))
        found.append({"kind": "regions", "a": first, "b": second, "masks": masks, "matched": None})
    return found


def contrast_step(context: Context, products: Mapping[str, ProductGrids]) -> Step:
    """Make the step that states west-east, zonal and regional contrasts with their intervals.

    Output ``columns/contrasts.csv``.
    """
    study = context.study

    def work() -> Made:
        rows = []
        for product, given in products.items():
            grid = given.open()
            for side in _sides(context, grid):
                for variable in column_variables(grid):
                    result = contrast(
                        grid,
                        variable,
                        *side["masks"],
                        matched=side["matched"],
                        correlation_length=study.correlation_length * 1e3,
                        minimum_count=study.minimum_count,
                        level=study.contrasts.level,
                    )
                    head = {"kind": side["kind"], "side_a": side["a"], "side_b": side["b"]}
                    rows.append({**head, "product": product, "variable": variable, **result.as_row()})
        table = pd.DataFrame(rows, columns=CONTRAST_COLUMNS)
        return [write(table, context.folder / "columns" / "contrasts.csv")], {}

    return Step(
        "contrasts",
        {**all_digests(products), "regions": context.regions_digest},
        {**study.contrasts.model_dump(), "length": study.correlation_length, "count": study.minimum_count},
        work,
    )


def comparison_step(context: Context, products: Mapping[str, ProductGrids]) -> Step:
    """Make the step that compares every pair of products that share a variable.

    Output ``columns/comparison.csv``.
    """
    study = context.study
    columns = ["variable", "product_a", "product_b", "difference", "lower", "upper"]
    columns += ["rmsd", "correlation", "cells", "months", "verdict"]

    def work() -> Made:
        opened = {product: given.open() for product, given in products.items()}
        rows = []
        for first, second in combinations(sorted(opened), 2):
            shared = set(column_variables(opened[first])) & set(column_variables(opened[second]))
            for variable in sorted(shared):
                result = compare_products(
                    opened[first],
                    opened[second],
                    variable,
                    correlation_length=study.correlation_length * 1e3,
                    minimum_count=study.minimum_count,
                    level=study.contrasts.level,
                )
                rows.append({"variable": variable, "product_a": first, "product_b": second, **result})
        table = pd.DataFrame(rows, columns=columns)
        return [write(table, context.folder / "columns" / "comparison.csv")], {}

    return Step(
        "comparison",
        all_digests(products),
        {"length": study.correlation_length, "count": study.minimum_count, "level": study.contrasts.level},
        work,
    )

"""Cells of a grid as observations."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from yaotan.column.fill.observation import Floats, Observations, kept_attributes
from yaotan.column.fill.step import centres
from yaotan.errors import SchemaError
from yaotan.geodesy import wrap_longitude
from yaotan.grid.axes import axes_of
from yaotan.grid.spec import GridSpec
from yaotan.io.row_set import screen_rows
from yaotan.schema import FIELD_KINDS
from yaotan.uncertainty import number_overpasses, split_overpass


def table_of_cells(grid: xr.Dataset, variable: str, r: float) -> Observations:
    """Give the cells of a grid that have a value as observations (see `extraction.gather`)."""
    if grid.attrs.get("kind") in FIELD_KINDS:
        raise SchemaError(
            f"the grid is a field of kind {grid.attrs['kind']!r}: it has no gaps, and its cells are no "
            "measurements",
            expected="gridded soundings",
        )
    axes = axes_of(grid)
    dims = ("time", axes.y_dim, axes.x_dim)
    if "time" not in grid.dims and "time" in grid.coords:
        grid = grid.expand_dims("time")
    if "time" not in grid.dims:
        raise SchemaError("the grid has no time", expected="dimension time with time_bnds")

    def layer(suffix: str) -> Any:
        array = grid[variable + suffix]
        return np.asarray(array.transpose(*dims).values) if array.ndim == 3 else None

    value = layer("")
    spread = {name: layer(name) for name in _needed(grid, variable)}
    sigma = spread.get("_uncertainty_overpass", spread["_uncertainty"])
    good, lost = screen_rows({"no_value": ~np.isfinite(value), "no_uncertainty": ~(sigma >= 0.0)})
    # a cell without soundings is no loss
    lost.pop("no_value", None)
    step, row, column = np.nonzero(good)
    sigma = sigma[good].astype(float)
    random = spread["_uncertainty_random"][good] if "_uncertainty_random" in spread else sigma
    _, shared = split_overpass(random, sigma, r)
    lat, lon = _centres(grid, axes.y_dim, axes.x_dim)
    start, moment = _moments(grid, spread, good, step)
    systematic = spread.get("_uncertainty_systematic")
    table = Observations(
        latitude=lat[row, column],
        longitude=wrap_longitude(lon[row, column]),
        time=moment,
        value=value[good].astype(float),
        sigma=sigma,
        shared=shared,
        overpass=number_overpasses(start.astype(np.int64)) if start.size else np.zeros(0, np.intp),
        count=spread["_count"][good].astype(np.int64) if "_count" in spread else np.ones(step.size, np.int64),
        variable=variable,
        units=str(grid[variable].attrs["units"]),
        systematic=0.0 if systematic is None else float(np.nan_to_num(np.nanmedian(systematic[good]))),
        lost=lost,
        attrs=kept_attributes(grid.attrs),
    )
    return table.take(np.argsort(table.time, kind="stable"))


def _needed(grid: xr.Dataset, variable: str) -> list[str]:
    suffixes = (
        "_uncertainty",
        "_uncertainty_overpass",
        "_uncertainty_random",
        "_uncertainty_systematic",
        "_count",
        "_time_min",
        "_time_max",
    )
    return [suffix for suffix in suffixes if variable + suffix in grid]


def _centres(grid: xr.Dataset, y_dim: str, x_dim: str) -> tuple[Floats, Floats]:
    """Latitude and longitude of the cells as they are stored ``(ny, nx)`` [degrees]."""
    y, x = grid[y_dim].values.astype(float), grid[x_dim].values.astype(float)
    if y_dim != "y":
        lat, lon = np.meshgrid(y, x, indexing="ij")
        return lat, lon
    return centres(GridSpec.like(grid))


def _moments(grid: xr.Dataset, layers: dict[str, Any], good: Any, step: Any) -> tuple[Any, Any]:
    """First moment of each cell, which names its overpass, and the middle of its first and last."""
    if "_time_min" in layers and "_time_max" in layers:
        first, last = (layers[name][good].astype("datetime64[ns]") for name in ("_time_min", "_time_max"))
        if not (np.isnat(first).any() or np.isnat(last).any()):
            return first, first + (last - first) // 2
    starts = grid["time"].values.astype("datetime64[ns]")
    name = grid["time"].attrs.get("bounds", "time_bnds")
    if name in grid.variables:
        low, high = np.moveaxis(grid[name].values.astype("datetime64[ns]"), -1, 0)
        middle = low + (high - low) // 2
    else:
        middle = starts
    return middle[step], middle[step]

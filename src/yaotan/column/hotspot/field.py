"""A field of a grid as flat arrays, with its noise and its null fields."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr

from yaotan.column.hotspot.correlation import Floats
from yaotan.errors import GridError, SchemaError, UnitsError, YaotanError

#: fewest null fields: of 39 one is beyond a two-sided 5 %
FEWEST_MEMBERS: Final = 39


def choose_field(grid: xr.Dataset, variable: str | None) -> str:
    """Name the field: the one asked for, the one with an uncertainty, or the only one."""
    fit = [
        str(n)
        for n, a in grid.data_vars.items()
        if {"lat", "lon"} <= set(a.dims) or {"y", "x"} <= set(a.dims)
    ]
    fit = [name for name in fit if grid[name].dtype.kind == "f"]
    stated = [name for name in fit if f"{name}_uncertainty" in fit]
    if variable is None:
        few = stated if len(stated) == 1 else fit
        variable = few[0] if len(few) == 1 else None
    if variable is None or variable not in fit:
        raise SchemaError(
            f"{variable or 'the field'} is not told by the grid",
            where="variable",
            expected=f"one of {', '.join(fit)}",
        )
    units = grid[variable].attrs.get("units")
    other = (
        grid[f"{variable}_uncertainty"].attrs.get("units", units)
        if f"{variable}_uncertainty" in grid
        else units
    )
    if other != units:
        raise UnitsError(f"{variable} is in {units!r}, its uncertainty in {other!r}", expected="one unit")
    return variable


def take_field(grid: xr.Dataset, name: str) -> tuple[Floats, Floats, Floats]:
    """Values ``(time, cell)`` and places ``(cell,)``."""
    array = grid[name]
    pair = ("lat", "lon") if "lat" in array.dims else ("y", "x")
    more = set(array.dims) - {*pair, "time"}
    if more or "lat" not in grid.coords or "lon" not in grid.coords:
        raise GridError(
            f"{name} has dims {array.dims}",
            where="hot_spots",
            expected="(time,) lat, lon, or y, x with lat and lon",
        )
    axes = xr.broadcast(grid["lat"], grid["lon"])
    lat, lon = (axis.transpose(*pair).values.ravel().astype(float) for axis in axes)
    values = array.transpose(..., *pair).values.astype(float)
    return values.reshape(-1, lat.size), lat, lon


def relative_noise(grid: xr.Dataset, name: str, field: Floats) -> Floats:
    """Relative noise variance of each cell: by the uncertainty, where it is stated for all of a time."""
    sigma = grid.get(f"{name}_uncertainty_random", grid.get(f"{name}_uncertainty"))
    if sigma is None:
        return np.ones_like(field)
    pair = ("lat", "lon") if "lat" in sigma.dims else ("y", "x")
    square = np.broadcast_to(sigma.transpose(..., *pair).values.reshape(-1, field.shape[1]) ** 2, field.shape)
    measured = np.isfinite(field)
    whole = (np.isfinite(square) & (square > 0) | ~measured).all(axis=1, keepdims=True)
    return np.asarray(np.where(whole, square, 1.0))


def take_members(null: str | xr.DataArray, field: Floats) -> Any:
    """Null fields ``(member, time, cell)``, or None where they are to be made."""
    if isinstance(null, str):
        if null not in ("correlated", "independent"):
            raise YaotanError(
                f"null is {null!r}", where="hot_spots", expected="correlated, independent or fields"
            )
        return None
    if "member" not in null.dims or null.sizes["member"] < FEWEST_MEMBERS:
        raise YaotanError(
            f"the null has dims {dict(null.sizes)}",
            where="hot_spots",
            expected=f"member, at least {FEWEST_MEMBERS} of them",
        )
    pair = ("lat", "lon") if "lat" in null.dims else ("y", "x")
    values = null.transpose("member", ..., *pair).values.astype(float)
    if values[0].size != field.size:
        raise GridError(
            f"the null has dims {dict(null.sizes)}", where="hot_spots", expected="those of the field"
        )
    return values.reshape(values.shape[0], *field.shape)

"""One value of a profile at a pressure or a height."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from yaotan.errors import GridError

_VERTICAL: Final = ("level", "layer", "edge")


def vertical_dim(array: xr.DataArray) -> str | None:
    """Give the vertical dim of a field, if it has one.

    Raises
    ------
    GridError
        It has dims besides time, one vertical and two horizontal ones.
    """
    found = [dim for dim in _VERTICAL if dim in array.dims]
    known = {"time", "lat", "lon", "latitude", "longitude", "y", "x", "sounding", *found}
    if len(found) > 1 or not set(array.dims) <= known:
        raise GridError(
            f"{array.name} has dims {array.dims}",
            where="sample_grid",
            expected="time, one of level, layer, edge, and the horizontal pair",
            fix="choose one entry of the others with .isel or .sel",
        )
    return found[0] if found else None


def at_height(sampled: xr.Dataset, pressure: ArrayLike | None, height: ArrayLike | None) -> xr.Dataset:
    """Interpolate sampled values on levels to one pressure [hPa] or height [m] for each sounding."""
    if pressure is not None and height is not None:
        raise GridError("pressure and height are both given", where="sample_grid", expected="one of them")
    for name, array in sampled.data_vars.items():
        if {"layer", "edge"} & set(array.dims):
            raise GridError(
                f"{name} is on {array.dims[-1]}s: means of layers have no value at one height",
                where="sample_grid",
                fix="take the whole profile, or variables on levels",
            )
    if pressure is not None:
        axis = _pressure_of(sampled)
    else:
        if "geopotential_height" not in sampled or "level" not in sampled["geopotential_height"].dims:
            raise GridError(
                "heights are asked for, but there is no geopotential_height on levels",
                where="sample_grid",
                fix="open the wind with its geopotential, or give pressure=",
            )
        axis = sampled["geopotential_height"]
    goal = xr.DataArray(np.asarray(height if pressure is None else pressure, float))
    goal = goal.rename({goal.dims[0]: "sounding"}) if goal.ndim else goal
    made = {}
    for name, array in sampled.data_vars.items():
        if "level" in array.dims and "sounding" in array.dims:
            made[name] = xr.apply_ufunc(
                _interpolate,
                array,
                axis.variable,
                goal.variable,
                input_core_dims=[["level"], ["level"], []],
                dask="parallelized",
                output_dtypes=[float],
            ).assign_attrs(array.attrs)
        elif "level" not in array.dims:
            made[name] = array
    return xr.Dataset(made, attrs=sampled.attrs)


def _pressure_of(sampled: xr.Dataset) -> xr.DataArray:
    for name in ("pressure_level", "level"):
        if name in sampled.variables and sampled[name].attrs.get("units") == "hPa":
            return sampled[name]
    raise GridError(
        "a pressure is asked for, but there is none on levels [hPa]",
        where="sample_grid",
        expected="a coordinate level in hPa, or pressure_level",
    )


def _interpolate(values: Any, axis: Any, wanted: Any) -> Any:
    """Interpolate along the last axis, which may rise or fall; NaN beyond its ends."""
    axis, values = np.broadcast_arrays(axis, values)
    goal = np.broadcast_to(np.asarray(wanted, float), axis.shape[:-1])[..., None]
    low, high = np.minimum(axis[..., :-1], axis[..., 1:]), np.maximum(axis[..., :-1], axis[..., 1:])
    inside = (goal >= low) & (goal <= high)
    place = inside.argmax(axis=-1)[..., None]
    one, two = (np.take_along_axis(axis, place + k, -1) for k in (0, 1))
    first, second = (np.take_along_axis(values, place + k, -1) for k in (0, 1))
    share = (goal - one) / np.where(two == one, 1.0, two - one)
    made = np.where(share == 0.0, first, np.where(share == 1.0, second, first + share * (second - first)))
    return np.where(inside.any(axis=-1), made[..., 0], np.nan)

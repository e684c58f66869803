"""One file of winds on a latitude-longitude grid: found by name, put on axes in one order, lazily."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.rule import FillRule
from yaotan.catalog.wind import WindSource, WindVariable
from yaotan.errors import NotAGranuleError, SchemaError, UnitsError
from yaotan.io.bound import Box, Polygons
from yaotan.io.field import Window, decode, decode_time, make_window, read_numbers
from yaotan.io.wind_version import WindAxesFound, merge_versions, read_state
from yaotan.units import conversion

#: grids of GRIB messages on which eastward and northward are along the axes
_GEOGRAPHIC: Final = ("regular_ll", "regular_gg")


@dataclass(frozen=True)
class WindRequest:
    """What is wanted of each file."""

    source: WindSource
    area: Box | Polygons | None = None
    variables: tuple[str, ...] | None = None
    margin: int = 1


@dataclass(frozen=True)
class WindPiece:
    """What one file gives: canonical variables on its own times."""

    path: str
    dataset: xr.Dataset
    #: per time, 0 final or 1 preliminary
    state: NDArray[np.uint8]
    notes: dict[str, Any] = field(default_factory=dict)


def holds_wind(raw: xr.Dataset, source: WindSource) -> bool:
    """Tell whether a raw file has variables of a source on a grid of latitude and longitude."""
    names = {native for variable in source.variables.values() for native in variable.names}
    grids = [array for name, array in raw.variables.items() if name in names and array.ndim >= 2]
    places = {*source.axes.latitude, *source.axes.longitude}
    return bool(grids) and (bool(places & {str(name) for name in raw.variables}) or "rlat" in raw.dims)


def read_piece(raw: xr.Dataset, path: str, request: WindRequest) -> WindPiece:
    """Bring one raw file to canonical names, axes and units.

    Parameters
    ----------
    raw : xarray.Dataset
        As `yaotan.io.field.open_raw` gives it, or a data set of cfgrib.
    path : str
        For messages.
    request : WindRequest
        Source, region and variables.

    Returns
    -------
    WindPiece
        Dims ``(time[, level], lat, lon)``, lazy.

    Raises
    ------
    NotAGranuleError
        None of the source's variables is there.
    SchemaError
        A rotated or projected grid, an ensemble, a wind without level, times given twice.
    UnitsError
        A unit or a time cannot be read.
    """
    axes = _find_axes(raw, path, request.source)
    window = make_window(
        read_numbers(raw[axes.latitude].variable),
        read_numbers(raw[axes.longitude].variable),
        request.area,
        margin=request.margin,
        where=path,
    )
    time = _read_time(raw, axes, path)
    found = _find_variables(raw, axes, path, request)
    if not found:
        return WindPiece(path, xr.Dataset(), np.empty(0, np.uint8))
    fields: dict[str, xr.Variable] = {}
    notes: dict[str, Any] = {"repeated_columns": window.repeated_columns} if window.repeated_columns else {}
    level, level_order = _read_level(raw, axes, path)
    order = np.argsort(time, kind="stable")
    for name, native in found.items():
        rule = request.source.variables[name]
        array = _place(raw[native].variable, raw, axes, window, path, request.source, rule)
        if rule.on_levels:
            array = array.isel(level=level_order)
        fields[name] = xr.Variable(array.dims, array.data, _describe(rule, native)).isel(time=order)
    coords: dict[str, Any] = {"time": time[order], "lat": window.latitude, "lon": window.longitude}
    if any("level" in array.dims for array in fields.values()):
        coords["level"] = level
    state = read_state(raw, axes, path, request.source, next(iter(found.values())), time.size)[order]
    return WindPiece(path, xr.Dataset(fields, coords=coords), state, notes)


def _find_axes(raw: xr.Dataset, path: str, source: WindSource) -> WindAxesFound:
    def first(names: Sequence[str]) -> str | None:
        return next((name for name in names if name in raw.variables or name in raw.dims), None)

    latitude, longitude = first(source.axes.latitude), first(source.axes.longitude)
    _refuse_projection(raw, path, latitude)
    if latitude is None or longitude is None or latitude not in raw.variables:
        raise NotAGranuleError(
            "has no axes of latitude and longitude", where=path, expected=" or ".join(source.axes.latitude)
        )
    named = {role: first(getattr(source.axes, role)) for role in ("time", "level", "member", "version")}
    return WindAxesFound(latitude=latitude, longitude=longitude, **named)


def _refuse_projection(raw: xr.Dataset, path: str, latitude: str | None) -> None:
    names = {str(a.attrs["GRIB_gridType"]) for a in raw.variables.values() if "GRIB_gridType" in a.attrs}
    names -= set(_GEOGRAPHIC)
    for array in raw.variables.values():
        names |= {str(array.attrs["grid_mapping_name"])} if "grid_mapping_name" in array.attrs else set()
    names -= {"latitude_longitude"}
    if {"rlat", "rlon"} <= {str(dim) for dim in raw.dims}:
        names.add("rotated_latitude_longitude")
    if not names and latitude is not None and latitude in raw.variables and raw[latitude].ndim > 1:
        names.add("latitude and longitude in two dimensions")
    if names:
        raise SchemaError(
            f"the grid is {', '.join(sorted(names))}: its winds do not lie along the axes",
            where=path,
            expected="a regular grid of latitude and longitude",
            fix="turn and regrid the winds first (cdo rotuvb, cdo remapbil), or get ERA5 on its regular grid",
        )


def _read_time(raw: xr.Dataset, axes: WindAxesFound, path: str) -> NDArray[Any]:
    if axes.time is None or axes.time not in raw.variables:
        raise SchemaError("has no time", where=path, expected="a coordinate time or valid_time")
    variable = raw[axes.time].variable
    if variable.ndim > 1:
        raise SchemaError(
            f"time has the dimensions {variable.dims}", where=path, fix="write one forecast step per file"
        )
    try:
        time = np.atleast_1d(decode_time(np.asarray(variable.values), variable.attrs, where=path))
    except UnitsError as error:
        raise UnitsError(error.what, where=path, expected=error.expected) from error
    if np.isnat(time).any():
        raise SchemaError(f"{int(np.isnat(time).sum())} times are missing", where=path)
    again = time.size - np.unique(time).size
    if again:
        raise SchemaError(
            f"{again} times are there twice", where=path, fix="remove them (cdo mergetime, or get it again)"
        )
    return time


def _read_level(
    raw: xr.Dataset, axes: WindAxesFound, path: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Give pressure [hPa] from the ground up, and the order that makes it so."""
    if axes.level is None or axes.level not in raw.variables:
        return np.empty(0), np.empty(0, np.int64)
    variable = raw[axes.level].variable
    given = str(variable.attrs.get("units") or "").strip()
    given = {"millibars": "hPa", "mb": "hPa", "mbar": "hPa"}.get(given, given)
    if not given:
        given = "Pa" if axes.level == "isobaricInPa" else "hPa"
    try:
        scale, offset = conversion(given, "hPa")
    except UnitsError as error:
        raise UnitsError(
            f"levels are not pressures ({error.what})",
            where=path,
            expected="levels in hPa",
            fix="get pressure levels; model levels are not read",
        ) from error
    level = np.atleast_1d(read_numbers(variable)) * scale + offset
    if not (level > 0).all() or np.unique(level).size != level.size:
        raise SchemaError("a level is not positive or is there twice", where=path)
    order = np.argsort(-level, kind="stable")
    return level[order], order


def _find_variables(raw: xr.Dataset, axes: WindAxesFound, path: str, request: WindRequest) -> dict[str, str]:
    """Match canonical names with those of the file; a wind needs both components."""
    source, found = request.source, {}
    on_levels = {native for rule in source.variables.values() if rule.on_levels for native in rule.names}
    flat = {native for rule in source.variables.values() for native in rule.names} - on_levels
    for name, rule in source.variables.items():
        if request.variables is not None and name not in request.variables:
            continue
        for native in rule.names:
            if native not in raw.variables or not {axes.latitude, axes.longitude} <= set(raw[native].dims):
                continue
            levels = axes.level is not None and axes.level in raw[native].dims
            single = not levels and native not in flat and _one_level(raw, axes)
            if (levels or single) == rule.on_levels:
                found[name] = native
                break
            if rule.on_levels and rule.partner is not None:
                raise SchemaError(
                    f"{native} has no level",
                    where=path,
                    expected=f"a level axis ({', '.join(source.axes.level)})",
                    fix=f"download {source.archive_of(name)} again in the present format, "
                    "which keeps a single level",
                )
    return found


def _one_level(raw: xr.Dataset, axes: WindAxesFound) -> bool:
    return axes.level is not None and axes.level in raw.variables and raw[axes.level].size == 1


def _place(
    variable: xr.Variable,
    raw: xr.Dataset,
    axes: WindAxesFound,
    window: Window,
    path: str,
    source: WindSource,
    rule: WindVariable,
) -> xr.Variable:
    """Cut the window, settle ensemble and version axes, and decode; dims (time[, level], lat, lon)."""
    name = rule.long_name
    if axes.member is not None and axes.member in variable.dims:
        if variable.sizes[axes.member] > 1:
            raise SchemaError(
                f"{name} has {variable.sizes[axes.member]} ensemble members",
                where=path,
                fix="choose one member, or the reanalysis itself (product_type: reanalysis)",
            )
        variable = variable.isel({axes.member: 0})
    cut = window.cut(variable, axes.latitude, axes.longitude)
    given = str(variable.attrs.get("units") or "")
    array = decode(cut, FillRule(), units=(given, rule.native_units or rule.units), where=path)
    if rule.divide != 1.0:
        array = xr.Variable(array.dims, array.data / rule.divide)
    if axes.version is not None and axes.version in array.dims:
        array = merge_versions(array, raw, axes.version, path, source)
    renamed = {axes.latitude: "lat", axes.longitude: "lon"}
    if axes.time is not None and raw[axes.time].ndim == 1:
        renamed[str(raw[axes.time].dims[0])] = "time"
    if axes.level is not None:
        renamed[axes.level] = "level"
    array = xr.Variable([renamed.get(str(dim), str(dim)) for dim in array.dims], array.data)
    wanted = ("time", "level", "lat", "lon") if rule.on_levels else ("time", "lat", "lon")
    for dim in wanted[:-2]:
        if dim not in array.dims:
            array = xr.Variable((dim, *array.dims), array.data[None])
    extra = [str(dim) for dim in array.dims if dim not in wanted]
    if extra:
        raise SchemaError(f"{name} has the dimension(s) {', '.join(extra)}", where=path)
    return array.transpose(*wanted)


def _describe(rule: WindVariable, native: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "units": rule.units,
        "standard_name": rule.standard_name,
        "long_name": rule.long_name,
        "native_name": native,
    }
    if rule.height is not None:
        attributes["height"] = rule.height
        attributes["height_units"] = "m above ground"
    return attributes

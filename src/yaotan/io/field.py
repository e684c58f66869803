"""Gridded variables of netCDF-3, netCDF-4 and HDF5 files: lazy, decoded, on axes in one order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.rule import FillRule
from yaotan.errors import NotAGranuleError, SchemaError, UnitsError
from yaotan.geodesy import wrap_longitude
from yaotan.io.bound import Box, Polygons
from yaotan.io.decode import to_float
from yaotan.io.filetype import check_head
from yaotan.io.moment import parse_epoch
from yaotan.units import convert

#: size of one lazy block [values]
_BLOCK: Final = 4_000_000
#: what netCDF writes where nothing was written, when a variable declares no fill (netcdf.h, NC_FILL_*)
_DEFAULT_FILL: Final = {"f": 9.969209968386869e36, "i4": -2147483647, "i2": -32767}
_CALENDARS: Final = ("standard", "gregorian", "proleptic_gregorian")


def open_raw(path: str, group: str | None = None) -> xr.Dataset:
    """Open one group of a file as stored: nothing is decoded, nothing is read.

    Parameters
    ----------
    path : str
        netCDF-3, netCDF-4 or HDF5 file.
    group : str, optional
        Path of a group; the root without it.

    Returns
    -------
    xarray.Dataset
        Raw variables; dimensions of plain HDF5 files have made-up names.

    Raises
    ------
    NotAGranuleError
        Not such a file, or damaged.
    """
    engine = "scipy" if check_head(Path(path)) == "netCDF-3" else "h5netcdf"
    options: dict[str, Any] = {} if engine == "scipy" else {"phony_dims": "access"}
    if group:
        options["group"] = group
    try:
        return xr.open_dataset(path, engine=engine, decode_cf=False, cache=False, **options)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise NotAGranuleError(
            f"cannot be opened ({error})", where=path, fix="get the file again from the archive"
        ) from error


def decode(
    variable: xr.Variable, fill: FillRule, *, units: tuple[str, str] | None, where: str
) -> xr.Variable:
    """Make a raw variable one of float64 values in a wanted unit, lazily.

    Parameters
    ----------
    variable : xarray.Variable
        As `open_raw` gives it, perhaps already cut.
    fill : FillRule
        What marks missing values, beside the default fill of netCDF where a variable declares none.
    units : (str, str), optional
        Given and wanted unit.
    where : str
        For messages.

    Returns
    -------
    xarray.Variable
        dask-backed, NaN where missing, no attributes.

    Raises
    ------
    UnitsError
        The unit cannot be turned into the wanted one.
    """
    attributes = dict(variable.attrs)
    kind = variable.dtype.kind + (str(variable.dtype.itemsize) if variable.dtype.kind == "i" else "")
    declared = any(name in attributes for name in fill.attributes)
    constants = fill.constants
    if not declared and kind in _DEFAULT_FILL:
        constants = (*constants, _DEFAULT_FILL[kind])
    rule = FillRule(attributes=fill.attributes, constants=constants)
    lazy = variable if hasattr(variable.data, "dask") else variable.chunk(_blocks(variable))
    data = lazy.data.map_blocks(to_float, attributes, rule, dtype=np.float64)
    if units is not None:
        data = convert(data, *units, where=where)
    return xr.Variable(variable.dims, data)


def _blocks(variable: xr.Variable) -> dict[Any, int]:
    """Blocks along the first axis, whole numbers of the chunks that are stored."""
    if variable.ndim == 0 or variable.size <= _BLOCK:
        return dict(variable.sizes)
    blocks, budget = dict(variable.sizes), float(_BLOCK)
    stored = variable.encoding.get("chunksizes") or (1,) * variable.ndim
    sizes = list(variable.sizes.items())
    for place in range(len(sizes)):
        dim, size = sizes[place]
        rest = int(np.prod([n for _, n in sizes[place + 1 :]], dtype=np.int64))
        step = max(1, min(int(stored[place]) if place < len(stored) else 1, size))
        if rest <= budget:
            blocks[dim] = min(size, max(step, int(budget // max(rest, 1)) // step * step))
            break
        blocks[dim], budget = step, max(budget / step, 1.0)
    return blocks


def read_numbers(variable: xr.Variable, fill: FillRule | None = None) -> NDArray[np.float64]:
    """Read and decode a small variable, such as an axis, at once."""
    return to_float(np.asarray(variable.values), variable.attrs, fill or FillRule())


def decode_time(values: NDArray[Any], attributes: Mapping[str, Any], *, where: str) -> NDArray[Any]:
    """Turn numbers since an epoch into UTC.

    Parameters
    ----------
    values : numpy.ndarray
        As stored, or datetime64.
    attributes : mapping
        With ``units`` and perhaps ``calendar``.
    where : str
        For messages.

    Returns
    -------
    numpy.ndarray
        datetime64[ns], exact for integers, to a millisecond for floats.

    Raises
    ------
    UnitsError
        No time unit, an epoch that 64-bit nanoseconds do not reach, or another calendar.
    """
    if values.dtype.kind == "M":
        return values.astype("datetime64[ns]")
    calendar = str(attributes.get("calendar", "standard")).lower()
    if calendar not in _CALENDARS:
        raise UnitsError(f"time runs in the calendar {calendar}", where=where, expected=", ".join(_CALENDARS))
    units = str(attributes.get("units", ""))
    step, start = parse_epoch(units)
    year = int(units.split("since")[1].strip()[:4].split("-")[0])
    if not 1700 <= year <= 2200:
        raise UnitsError(f"time counts from the year {year}", where=where, expected="an epoch after 1700")
    if values.dtype.kind in "iu":
        return (values.astype(np.int64) * step + start).astype("datetime64[ns]")
    finite = np.isfinite(values)
    milliseconds = np.round(np.where(finite, values, 0.0).astype(np.float64) * (step / 1e6)).astype(np.int64)
    moments = (milliseconds * 1_000_000 + start).astype("datetime64[ns]")
    return np.where(finite, moments, np.datetime64("NaT", "ns"))


@dataclass(frozen=True)
class Window:
    """Which rows and columns of a stored grid are wanted, and where they lie: both axes rise."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    repeated_columns: int = 0

    def cut(self, variable: xr.Variable, row_dim: str, column_dim: str) -> xr.Variable:
        """Take the window out of a variable, in rising order, without reading it."""
        return variable.isel({row_dim: whole_slice(self.rows), column_dim: whole_slice(self.columns)})


def whole_slice(index: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """Give a slice where an index is one block, either way: slices of lazy arrays are cheaper than lists."""
    if index.size < 2:
        return slice(int(index[0]), int(index[0]) + 1) if index.size else slice(0, 0)
    steps = np.diff(index)
    if not (steps == steps[0]).all() or abs(int(steps[0])) != 1:
        return index
    stop = int(index[-1]) + int(steps[0])
    return slice(int(index[0]), None if stop < 0 else stop, int(steps[0]))


def make_window(
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
    area: Box | Polygons | None,
    *,
    margin: int,
    where: str,
) -> Window:
    """Put two axes in order (south to north, -180 to 180) and choose what a region needs.

    Parameters
    ----------
    latitude, longitude : numpy.ndarray
        Axes as stored [degrees], in any direction and convention.
    area : Box or Polygons, optional
        Region; cells whose centre lies in it are kept, in a rectangle of whole rows and columns.
    margin : int
        Further rows and columns around it.
    where : str
        For messages.

    Returns
    -------
    Window
        Rows and columns; a column given twice (0 and 360 degrees) is taken once and counted.

    Raises
    ------
    SchemaError
        An axis is not finite, leaves the globe or repeats a value; or nothing lies in the region.
    """
    for name, axis in (("latitude", latitude), ("longitude", longitude)):
        if axis.ndim != 1 or not axis.size or not np.isfinite(axis).all():
            raise SchemaError(f"{name} is no axis of finite numbers", where=where)
    if np.abs(latitude).max() > 90.0 + 1e-3 or np.unique(latitude).size != latitude.size:
        raise SchemaError("latitude repeats a value or leaves the globe", where=where, expected="-90 to 90")
    rows = np.argsort(latitude, kind="stable")
    wrapped = wrap_longitude(longitude)
    columns = np.argsort(wrapped, kind="stable")
    again = np.concatenate([[False], np.diff(wrapped[columns]) < 1e-6])
    repeated, columns = int(again.sum()), columns[~again]
    if repeated > 1:
        raise SchemaError(f"longitude repeats {repeated} values", where=where, expected="each place once")
    lat, lon = latitude[rows], wrapped[columns]
    if area is not None:
        inside = np.asarray(area.holds(*np.meshgrid(lat, lon, indexing="ij")))
        if not inside.any():
            raise SchemaError(
                f"no cell lies in the region (the file reaches from {lon[0]:g} to {lon[-1]:g} east, "
                f"{lat[0]:g} to {lat[-1]:g} north)",
                where=where,
                fix="get data of the region, or change region=",
            )
        row_keep = _block(np.asarray(inside.any(axis=1)), margin, turn=False)
        column_keep = _block(np.asarray(inside.any(axis=0)), margin, turn=_closed(lon))
        lon = lon[column_keep % lon.size] + 360.0 * (column_keep // lon.size)
        rows, columns, lat = rows[row_keep], columns[column_keep % columns.size], lat[row_keep]
    return Window(rows.astype(np.int64), columns.astype(np.int64), lat, lon, repeated)


def _closed(longitude: NDArray[np.float64]) -> bool:
    """Tell whether the axis goes round the globe."""
    if longitude.size < 3:
        return False
    return bool(longitude[0] + 360.0 - longitude[-1] < 1.5 * np.diff(longitude).max())


def _block(keep: NDArray[np.bool_], margin: int, *, turn: bool) -> NDArray[np.int64]:
    """Give the shortest block of neighbours that holds all that is kept, and a margin.

    On an axis that goes round the globe (`turn`) the block may pass an end: its index is then negative, or
    goes on beyond the size.
    """
    index = np.flatnonzero(keep)
    first, last = int(index[0]), int(index[-1])
    if not turn:
        return np.arange(max(0, first - margin), min(keep.size, last + margin + 1))
    gaps = np.diff(np.append(index, first + keep.size))
    widest = int(gaps.argmax())
    if gaps[widest] > gaps[-1]:
        first, last = int(index[widest + 1]), int(index[widest]) + keep.size
    if last - first + 1 + 2 * margin >= keep.size:
        return np.arange(keep.size)
    return np.arange(first - margin, last + margin + 1)

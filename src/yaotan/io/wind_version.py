"""Final and preliminary data (ERA5 and ERA5T) in one file: one value each, and which of the two it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.rule import FillRule
from yaotan.catalog.wind import WindSource
from yaotan.errors import SchemaError
from yaotan.io.field import decode

FINAL, PRELIMINARY = 0, 1


@dataclass(frozen=True)
class WindAxesFound:
    """Names of the axes in one file; None where it has none."""

    time: str | None
    level: str | None
    latitude: str
    longitude: str
    member: str | None
    version: str | None


def _versions(raw: xr.Dataset, name: str, path: str, source: WindSource) -> tuple[int, int | None]:
    """Give the places of the final and the preliminary data on the version axis."""
    labels = [_label(value) for value in np.atleast_1d(raw[name].values)] if name in raw.variables else []
    late = [place for place, label in enumerate(labels) if label in source.preliminary]
    final = [place for place in range(len(labels)) if place not in late]
    if len(final) != 1 or len(late) > 1:
        raise SchemaError(
            f"the axis {name} has the values {', '.join(labels) or 'unknown'}",
            where=path,
            expected=f"one version, and at most one of {', '.join(source.preliminary)}",
        )
    return final[0], late[0] if late else None


def merge_versions(
    array: xr.Variable, raw: xr.Dataset, name: str, path: str, source: WindSource
) -> xr.Variable:
    """Take the final value, and the preliminary one where there is no final yet."""
    if array.sizes[name] == 1:
        return array.isel({name: 0})
    final, late = _versions(raw, name, path, source)
    first = array.isel({name: final})
    if late is None:
        return first
    second = array.isel({name: late})
    return xr.Variable(first.dims, da.where(da.isfinite(first.data), first.data, second.data))


def read_state(
    raw: xr.Dataset, axes: WindAxesFound, path: str, source: WindSource, native: str, times: int
) -> NDArray[np.uint8]:
    """Tell for each time whether it is final or preliminary, from labels or from one cell of one variable."""
    state = np.full(times, FINAL, np.uint8)
    if axes.version is None or axes.version not in raw.variables:
        return state
    labels = raw[axes.version]
    if axes.version not in raw[native].dims or labels.size == 1:
        text = np.array([_label(value) for value in np.atleast_1d(labels.values).ravel()])
        late = np.isin(text, source.preliminary)
        if late.size not in (1, times):
            raise SchemaError(f"{axes.version} has {late.size} values for {times} times", where=path)
        return np.where(late, PRELIMINARY, state).astype(np.uint8)
    final, late_place = _versions(raw, axes.version, path, source)
    if late_place is None:
        return state
    point = raw[native].variable.isel({axes.version: final, axes.latitude: 0, axes.longitude: 0})
    values = decode(point, FillRule(), units=None, where=path)
    time_dim = str(raw[axes.time].dims[0]) if axes.time and raw[axes.time].ndim else None
    others = [dim for dim in values.dims if dim != time_dim]
    known = np.atleast_1d(np.isfinite(values.values).any(axis=tuple(map(values.dims.index, others))))
    return np.where(known, FINAL, PRELIMINARY).astype(np.uint8)


def _label(value: Any) -> str:
    """Write a version as the catalog does; numbers come as 5, 5.0 or text."""
    if isinstance(value, bytes):
        return value.decode("ascii", "replace").strip("\x00 ")
    return str(int(value)) if isinstance(value, int | float | np.number) else str(value).strip()

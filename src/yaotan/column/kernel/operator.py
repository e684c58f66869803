"""What turns a profile into the column that an instrument reports: weights, kernel, prior, pressures."""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr

from yaotan.catalog.gas import gases
from yaotan.column.kernel.profile import PRESSURE, Kind, vertical_kind
from yaotan.errors import SchemaError
from yaotan.schema import column_variables


@dataclass(frozen=True)
class Operator:
    """Pressures, pressure weights, kernel and prior profile of each sounding; all may be lazy.

    ``pressure`` is ``(sounding, level)`` or, for layers, ``(sounding, edge)`` [hPa]; the others are
    ``(sounding, level | layer)``, the prior in the unit of the column.
    """

    column: str
    gas: str
    units: str
    kind: Kind
    pressure: xr.DataArray
    weight: xr.DataArray
    kernel: xr.DataArray
    prior: xr.DataArray


def find_column(soundings: xr.Dataset, column: str | None) -> str:
    """Give the column variable asked for, or the only one there is.

    Raises
    ------
    SchemaError
        It is not there, or there are several and none is named.
    """
    there = column_variables(soundings)
    where = str(soundings.attrs.get("product", "soundings"))
    if column is None:
        if len(there) != 1:
            raise SchemaError(
                f"there are {len(there)} column variables ({', '.join(there) or 'none'})",
                where=where,
                expected="one, or its name",
                fix="name it: column=...",
            )
        return there[0]
    if column not in there:
        raise SchemaError(f"has no column {column!r}", where=where, expected=f"one of {', '.join(there)}")
    return column


def operator_of(soundings: xr.Dataset, column: str | None = None) -> Operator:
    """Take what stands between a profile and the column from a table of soundings.

    Parameters
    ----------
    soundings : xarray.Dataset
        Soundings table.
    column : str, optional
        Column variable; default: the only one.

    Returns
    -------
    Operator

    Raises
    ------
    SchemaError
        Says which of kernel, prior profile, pressure weights and pressures the product does not have, or
        that levels and layers are mixed.
    """
    column = find_column(soundings, column)
    gas = gases()[column].gas
    where = str(soundings.attrs.get("product", "soundings"))
    names = ("pressure_weight", f"{column}_averaging_kernel", f"{gas}_prior_profile")
    missing = [name for name in names if name not in soundings]
    if not ({pressure for _, pressure in PRESSURE.values()} & set(soundings.variables)):
        missing.append("pressure_level or pressure_edge")
    if missing:
        raise SchemaError(
            f"{column}: {', '.join(missing)} missing",
            where=where,
            expected="pressure weights, averaging kernel, prior profile and pressures of every sounding",
            fix="use a product (or all variables of it) that has them; or compare without kernels, said so",
        )
    weight, kernel, prior = (soundings[name] for name in names)
    kinds = {name: vertical_kind(soundings, soundings[name], where) for name in names}
    if len(set(kinds.values())) != 1:
        raise SchemaError(f"levels and layers are mixed: {kinds}", where=where, expected="one vertical kind")
    kind = kinds[names[0]]
    units = gases()[column].units
    for array in (soundings[column], prior):
        if array.attrs.get("units", units) != units:
            raise SchemaError(f"{array.name} is in {array.attrs['units']!r}", where=where, expected=units)
    pressure = soundings[PRESSURE[kind][1]]
    return Operator(column, gas, units, kind, pressure, weight, kernel, prior)

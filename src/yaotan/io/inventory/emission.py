"""The one shape that every inventory is read into: an estimate of emissions by region and year."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from yaotan.catalog.inventory import Inventory
from yaotan.constants import MOLAR_MASS_CARBON, MOLAR_MASS_CO2
from yaotan.errors import SchemaError
from yaotan.schema import check_estimate
from yaotan.units import conversion

if TYPE_CHECKING:
    import pandas as pd

#: unit of emissions in estimates
RATE: Final = "kg s-1"
#: columns that may divide the emission of a region and time
PARTS: Final = ("sector", "fuel")


@dataclass(frozen=True)
class Reading:
    """What was read of one file or several.

    Parameters
    ----------
    total : pandas.DataFrame
        ``region``, ``time``, ``value`` [the inventory's unit], optionally ``region_name`` and
        ``region_kind`` (country, sum of others, remainder).
    part : pandas.DataFrame, optional
        ``region``, ``time``, ``sector`` and/or ``fuel``, ``value``.
    notes : dict
        What was left out or set aside, by reason.
    """

    total: pd.DataFrame
    part: pd.DataFrame | None = None
    notes: dict[str, Any] = field(default_factory=dict)


def make_inventory(
    reading: Reading, inventory: Inventory, name: str, paths: Sequence[Path], unit: str | None = None
) -> xr.Dataset:
    """Turn what was read into an estimate.

    Parameters
    ----------
    reading : Reading
        Values in the unit of the inventory.
    inventory : Inventory
        Its catalog entry.
    name : str
        Its name.
    paths : sequence of pathlib.Path
        Files.
    unit : str, optional
        Where a file states another unit than the entry.

    Returns
    -------
    xarray.Dataset
        ``emission`` (region, time) and, where the source divides it, ``emission_part`` (region, time and
        sector, fuel or both), in kg s-1; ``emission_uncertainty`` is missing, as the sources state none by
        region.

    Raises
    ------
    SchemaError
        A region and time stand in two rows.
    """
    scale = conversion(unit or inventory.unit, RATE)[0]
    if inventory.carbon:
        scale *= MOLAR_MASS_CO2 / MOLAR_MASS_CARBON
    where = ", ".join(path.name for path in paths)
    data = {"emission": _cube(reading.total, (), scale, where)}
    if reading.part is not None:
        parts = tuple(column for column in PARTS if column in reading.part)
        data["emission_part"] = _cube(reading.part, parts, scale, where)
    result = xr.Dataset(data)
    result["emission_uncertainty"] = xr.full_like(result["emission"], np.nan)
    for variable in result.data_vars.values():
        variable.attrs["units"] = RATE
    result["emission_uncertainty"].attrs["comment"] = "the source states none for a region"
    first = reading.total.drop_duplicates("region").set_index("region")
    for label in ("region_name", "region_kind"):
        if label in first:
            named = first.loc[result["region"].values, label].to_numpy(object)
            result = result.assign_coords({label: ("region", named)})
    result.attrs = {
        "substance": inventory.substance,
        "scope": inventory.scope,
        "product": name,
        "title": inventory.title["en"],
        "source": where,
        "references": "; ".join(inventory.references),
        "licence": inventory.licence,
        "method": "inventory",
        "reading": json.dumps(reading.notes, ensure_ascii=False),
    }
    return check_estimate(result)


def _cube(table: pd.DataFrame, parts: tuple[str, ...], scale: float, where: str) -> xr.DataArray:
    keys = ["region", "time", *parts]
    doubled = table[table.duplicated(keys, keep=False)]
    if len(doubled):
        first = ", ".join(str(doubled.iloc[0][key]) for key in keys)
        raise SchemaError(
            f"{len(doubled)} rows share a place: {first}", where=where, expected="each region and year once"
        )
    series = table.set_index(keys)["value"].astype(float) * scale
    array: xr.DataArray = series.to_xarray()
    return array.assign_coords(region=array["region"].astype(object)).transpose(*keys)


def year_start(year: Any) -> np.datetime64:
    """Give the start of a year, as the time of an estimate.

    Examples
    --------
    >>> str(year_start(2016.0))
    '2016-01-01T00:00:00.000000000'
    """
    return np.datetime64(f"{int(year):04d}-01-01", "ns")

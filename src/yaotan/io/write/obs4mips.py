"""Level-3 files as users of the Obs4MIPs column products expect them: mole fractions, fill 1e20."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from yaotan.catalog import gases
from yaotan.errors import OutputError
from yaotan.io.write.dataset import cf_dataset
from yaotan.io.write.format import Options
from yaotan.io.write.netcdf import save_netcdf
from yaotan.schema import column_variables
from yaotan.units import conversion

#: fill value of the Obs4MIPs column products
FILL: Final = np.float32(1e20)
#: their suffix -> ours
_SUFFIX: Final = {"": "", "_nobs": "_count", "_stderr": "_uncertainty", "_stddev": "_spread"}
#: ISO 8601 resolution -> frequency of the Obs4MIPs vocabulary
_FREQUENCY: Final = {"P1M": "mon", "P1Y": "yr", "P1DT0H0M0S": "day"}


def write_obs4mips(grid: xr.Dataset, path: Path, options: Options) -> None:
    """Write one column of a grid in the manner of XCO2_OBS4MIPS.

    Values become mole fractions (unit 1, float32), with number of soundings, standard error and standard
    deviation; time is the middle of each period in days since 1990-01-01.

    Parameters
    ----------
    grid : xarray.Dataset
        Dims ``(time, lat, lon)`` with bounds.
    path : pathlib.Path
        New file.
    options : Options
        `variable` names the column where the grid holds several.

    Raises
    ------
    OutputError
        The grid has no time, or is not on latitude and longitude, or the column has to be named.
    """
    name = column_of(grid, options)
    if tuple(grid[name].dims) != ("time", "lat", "lon") or "time_bnds" not in grid.variables:
        raise OutputError(
            f"obs4mips cannot hold a grid with dims {grid[name].dims}",
            expected="dims time, lat, lon and the bounds time_bnds, lat_bnds, lon_bnds",
        )
    wanted = {name + ours: name + theirs for theirs, ours in _SUFFIX.items() if name + ours in grid}
    keep = [
        *wanted,
        *(bounds for bounds in ("time_bnds", "lat_bnds", "lon_bnds") if bounds in grid.variables),
    ]
    part = grid.drop_vars([other for other in grid.variables if other not in (*keep, *grid.dims)])
    start, end = (part["time_bnds"].values[:, side] for side in (0, 1))
    part = part.assign_coords(time=("time", start + (end - start) / 2, part["time"].attrs))
    scaled = {ours: _mole_fraction(part[ours], ours, name) for ours in wanted}
    dataset = cf_dataset(part.assign(scaled), options).rename(wanted)
    for theirs in wanted.values():
        dataset[theirs].encoding |= {"_FillValue": FILL}
    dataset[name].attrs["ancillary_variables"] = " ".join(other for other in wanted.values() if other != name)
    dataset.attrs |= _attributes(dataset, name, options)
    save_netcdf(dataset, path, options.compression)


def column_of(grid: xr.Dataset, options: Options) -> str:
    """Name the variable that is meant: the one asked for, or the only column.

    Parameters
    ----------
    grid : xarray.Dataset
        With column variables such as ``xco2``.
    options : Options
        `variable` may name one.

    Returns
    -------
    str
        A variable of the grid.

    Raises
    ------
    OutputError
        The variable is absent, or there are several and none is named.
    """
    present = column_variables(grid)
    if options.variable is not None:
        if options.variable not in grid.data_vars:
            raise OutputError(
                f"the grid has no variable {options.variable!r}", expected=", ".join(map(str, grid.data_vars))
            )
        return options.variable
    if len(present) != 1:
        listed = ", ".join(map(str, grid.data_vars))
        raise OutputError(
            "this format holds one variable", where=options.name, expected=f"variable= one of {listed}"
        )
    return present[0]


def _mole_fraction(array: xr.DataArray, ours: str, name: str) -> xr.DataArray:
    if ours.endswith("_count"):
        # no soundings is 0, not missing; float32 holds whole numbers to 16.7 million
        new = array.astype("float32")
        new.attrs = array.attrs | {"units": "1"}
        return new
    scale, offset = conversion(str(array.attrs.get("units", gases()[name].units)), "1")
    new = (array * scale + offset).astype("float32")
    new.attrs = array.attrs | {"units": "1"}
    return new


def _attributes(dataset: xr.Dataset, name: str, options: Options) -> dict[str, Any]:
    resolution = str(dataset.attrs.get("time_coverage_resolution", ""))
    own = {
        "activity_id": "obs4MIPs",
        "product": "observations",
        "realm": "atmos",
        "variable_id": name,
        "frequency": _FREQUENCY.get(resolution, resolution or "unknown"),
        "grid_label": "gn",
        "creation_date": options.date,
    }
    # same content and date give the same identifier, so a repeated run compares equal
    text = repr(sorted((str(key), str(value)) for key, value in (own | dataset.attrs).items()))
    own["tracking_id"] = f"uuid:{uuid.uuid5(uuid.NAMESPACE_URL, text)}"
    return own | {key: str(value) for key, value in (options.attributes or {}).items() if key in own}

"""Grids and tables that this package wrote, read back."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from yaotan.errors import NotAGranuleError, SchemaError
from yaotan.schema import check_grid
from yaotan.typing import PathLike


def open_grid(path: PathLike) -> xr.Dataset:
    """Open a grid written by `write`, lazily.

    Parameters
    ----------
    path : path-like
        CF netCDF file.

    Returns
    -------
    xarray.Dataset
        Grid with dims ``(time,) lat, lon`` or ``(time,) y, x``; values are read when computed.

    Raises
    ------
    NotAGranuleError
        The file is missing or is not netCDF-4.
    SchemaError
        The file is not a grid.
    """
    path = Path(path)
    try:
        grid = xr.open_dataset(path, engine="h5netcdf", chunks={})
    except (OSError, ValueError) as error:
        raise NotAGranuleError(
            f"cannot be opened as a grid ({error})", where=path, expected="a netCDF-4 file written by yaotan"
        ) from error
    try:
        return check_grid(grid)
    except SchemaError as error:
        grid.close()
        raise SchemaError(error.what, where=path, expected=error.expected) from error

"""Grids and estimates that this package wrote, read back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import xarray as xr

from yaotan.errors import NotAGranuleError, SchemaError
from yaotan.io.wide import unpack
from yaotan.schema import check_estimate, check_grid
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
    return _open(Path(path), "grid", check_grid)


def open_estimate(path: PathLike) -> xr.Dataset:
    """Open an estimate written by `write`, lazily.

    Parameters
    ----------
    path : path-like
        CF netCDF file.

    Returns
    -------
    xarray.Dataset
        Estimate with dim ``region``, ``source`` or ``class`` (and ``time``).

    Raises
    ------
    NotAGranuleError
        The file is missing or is not netCDF-4.
    SchemaError
        The file is not an estimate.
    """
    return _open(Path(path), "estimate", check_estimate)


def _open(path: Path, noun: str, check: Callable[[xr.Dataset], xr.Dataset]) -> xr.Dataset:
    try:
        dataset = xr.open_dataset(path, engine="h5netcdf", chunks={})
    except (OSError, ValueError) as error:
        raise NotAGranuleError(
            f"cannot be opened as {noun} ({error})", where=path, expected="a netCDF-4 file written by yaotan"
        ) from error
    try:
        return check(unpack(dataset))
    except SchemaError as error:
        dataset.close()
        raise SchemaError(error.what, where=path, expected=error.expected) from error

"""GRIB files of winds, by the optional package cfgrib."""

from __future__ import annotations

import warnings
from pathlib import Path

# ecCodes' wheel brings a PROJ of its own: a process that loads it before that of pyproj crashes at its end
import pyproj  # noqa: F401
import xarray as xr

from yaotan.errors import NotAGranuleError, SchemaError
from yaotan.optional import require


def is_grib(path: str) -> bool:
    """Tell by the first bytes."""
    try:
        with Path(path).open("rb") as stream:
            return stream.read(4) == b"GRIB"
    except OSError:
        return False


def open_grib(path: str) -> list[xr.Dataset]:
    """Open a GRIB file as data sets of one kind of level each, as if they were separate files.

    Parameters
    ----------
    path : str
        GRIB 1 or 2.

    Returns
    -------
    list of xarray.Dataset
        Lazy; dims ``valid_time``, ``isobaricInhPa``, ``latitude``, ``longitude``. No index file is left
        beside the data.

    Raises
    ------
    MissingDependencyError
        cfgrib or ecCodes is not installed.
    NotAGranuleError
        The file is damaged or holds no message.
    SchemaError
        Times and forecast steps both vary.
    """
    cfgrib = require("cfgrib")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of cfgrib's own use of xarray
            found = cfgrib.open_datasets(path, backend_kwargs={"indexpath": ""})
    except Exception as error:  # ecCodes and cfgrib have no common parent for their errors
        raise NotAGranuleError(
            f"cannot be read as GRIB ({error})", where=path, fix="get the file again from the archive"
        ) from error
    if not found:
        raise NotAGranuleError("holds no GRIB message that could be read", where=path)
    return [_on_valid_time(dataset, path) for dataset in found]


def _on_valid_time(dataset: xr.Dataset, path: str) -> xr.Dataset:
    """Put the data on the time for which they hold."""
    moving = [name for name in ("time", "step") if name in dataset.dims]
    if len(moving) == 2 and dataset.sizes["step"] == 1:
        dataset, moving = dataset.isel(step=0), ["time"]
    if len(moving) == 2:
        raise SchemaError(
            f"{dataset.sizes['time']} times and {dataset.sizes['step']} forecast steps",
            where=path,
            fix="write one of the two per file (grib_copy), or take the analysis",
        )
    if "valid_time" not in dataset.variables:
        raise NotAGranuleError("does not say for which time it holds", where=path)
    if moving:
        valid = dataset["valid_time"].variable
        dataset = dataset.drop_vars(["time", "step", "valid_time"], errors="ignore")
        dataset = dataset.rename({moving[0]: "valid_time"})
        return dataset.assign_coords(valid_time=("valid_time", valid.values))
    return dataset.drop_vars(["time", "step"], errors="ignore")

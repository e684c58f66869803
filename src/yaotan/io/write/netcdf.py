"""CF netCDF-4 and Zarr, streamed chunk by chunk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import xarray as xr

from yaotan.io.write.convention import is_lazy
from yaotan.io.write.dataset import cf_dataset
from yaotan.io.write.format import Options
from yaotan.optional import require

#: most values in one stored chunk: 8 MiB of float64
_CHUNK_VALUES: Final = 1 << 20


def chunk_shape(variable: xr.Variable) -> tuple[int, ...]:
    """Choose the stored chunk of a variable: that of its dask array, halved until it is small enough.

    Examples
    --------
    >>> import numpy as np
    >>> chunk_shape(xr.Variable(("y", "x"), np.zeros((1800, 3600))))
    (900, 900)
    """
    chunks = variable.chunks
    shape = [max(sizes) for sizes in chunks] if chunks else list(variable.shape)
    while _product(shape) > _CHUNK_VALUES:
        longest = shape.index(max(shape))
        shape[longest] = -(-shape[longest] // 2)
    return tuple(max(1, size) for size in shape)


def _product(shape: list[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


def save_netcdf(dataset: xr.Dataset, path: Path, compression: int) -> None:
    """Store a dataset whose variables carry their encoding; lazy values go chunk by chunk.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `cf_dataset`.
    path : pathlib.Path
        New file.
    compression : int
        Deflate level, 0 for none.
    """
    for variable in dataset.variables.values():
        if variable.ndim and variable.size and variable.dtype.kind in "fiuMm":
            variable.encoding["chunksizes"] = chunk_shape(variable)
            if compression:
                variable.encoding |= {"zlib": True, "complevel": compression, "shuffle": True}
    dataset.to_netcdf(path, engine="h5netcdf", format="NETCDF4")


def write_netcdf(obj: xr.Dataset | xr.DataArray, path: Path, options: Options) -> None:
    """Write soundings, a grid, a raster or an estimate as CF-1.8 / ACDD-1.3 netCDF-4.

    Parameters
    ----------
    obj : xarray.Dataset or xarray.DataArray
        Already checked.
    path : pathlib.Path
        New file.
    options : Options
        Attributes, date and compression.
    """
    save_netcdf(cf_dataset(obj, options), path, options.compression)


def write_zarr(obj: xr.Dataset | xr.DataArray, path: Path, options: Options) -> None:
    """Write the same content as a Zarr store (format 2, which every reader knows; consolidated).

    Parameters
    ----------
    obj : xarray.Dataset or xarray.DataArray
        Already checked.
    path : pathlib.Path
        New folder.
    options : Options
        Attributes and date.

    Raises
    ------
    MissingDependencyError
        The package zarr is not installed.
    """
    require("zarr")
    dataset = cf_dataset(obj, options)
    for variable in dataset.variables.values():
        if variable.ndim and variable.size:
            variable.encoding["chunks"] = chunk_shape(variable)
    lazy = [name for name, variable in dataset.variables.items() if is_lazy(variable)]
    # a store chunk may be written by one task only
    for name in lazy:
        dataset[name] = dataset[name].chunk(
            dict(zip(dataset[name].dims, chunk_shape(dataset[name].variable), strict=True))
        )
    dataset.to_zarr(path, mode="w", consolidated=True, zarr_format=2)

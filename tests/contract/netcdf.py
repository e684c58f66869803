"""Write a tiny netCDF or HDF5 file from a list of datasets: path, values, dims, attributes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import netCDF4
import numpy as np

#: path (groups by "/"), values in the stored dtype, dimension names, attributes
Item = tuple[str, Any, tuple[str, ...], dict[str, Any]]


def write_netcdf(
    path: Path, items: list[Item], attributes: dict[str, Any] | None = None, *, format: str = "NETCDF4"
) -> None:
    """Write netCDF. ``_FillValue`` among the attributes is declared; NaN is stored as it is."""
    with netCDF4.Dataset(path, "w", format=format) as root:
        root.setncatts(attributes or {})
        for name, values, dims, own in items:
            group_path, _, leaf = name.rpartition("/")
            group = root.createGroup(group_path) if group_path else root
            values = np.asarray(values)
            for dim, size in zip(dims, values.shape, strict=True):
                if not _has_dim(group, dim):
                    (root.groups[group_path.split("/")[0]] if group_path else root).createDimension(dim, size)
            own = dict(own)
            text = values.dtype.kind in "OU"
            kind: Any = str if text else values.dtype
            variable = group.createVariable(leaf, kind, dims, fill_value=own.pop("_FillValue", None))
            variable.set_auto_maskandscale(False)
            variable.setncatts(own)
            variable[...] = values.astype(object) if text else values


def _has_dim(group: Any, name: str) -> bool:
    while group is not None:
        if name in group.dimensions:
            return True
        group = group.parent
    return False


def write_hdf5(path: Path, items: list[Item], attributes: dict[str, Any] | None = None) -> None:
    """Write plain HDF5 without dimension scales; dims are ignored."""
    with h5py.File(path, "w") as root:
        root.attrs.update(attributes or {})
        for name, values, _, own in items:
            dataset = root.create_dataset(name, data=values)
            for key, value in own.items():
                dataset.attrs[key] = value


def store(values: Any, dtype: str, fill: float | int | None = None) -> Any:
    """Cast to the stored dtype, NaN to the product's fill."""
    values = np.asarray(values, dtype=np.float64)
    if fill is not None:
        values = np.where(np.isfinite(values), values, fill)
    return values.astype(dtype)

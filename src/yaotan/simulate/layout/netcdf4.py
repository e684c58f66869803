"""Enough of netCDF-4 on HDF5 to write files as the Lite products are: dimension scales, no _FillValue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

#: HDF5 fill values that netCDF sets when a program asks for none; unlike `missing_value` they mean nothing.
_DEFAULT_FILL: Final[dict[str, float]] = {
    "f4": 9.969209968386869e36,
    "f8": 9.969209968386869e36,
    "i1": -127,
    "i2": -32767,
    "i4": -2147483647,
    "u1": 255,
    "u4": 4294967295,
    "u8": 18446744073709551614,
}


@dataclass(frozen=True)
class Row:
    """One variable of a layout table: path, dtype, unit, `missing_value`, long_name, extra dimensions."""

    path: str
    dtype: str
    units: str
    missing: float | None
    long_name: str
    extra: tuple[str, ...] = ()


def text(value: str) -> NDArray[Any]:
    """Make a string attribute as these files have it: an array of one variable-length string."""
    return np.array([value], dtype=object)


def put_text(target: h5py.HLObject, name: str, value: str) -> None:
    """Write a string attribute as an array of one variable-length string."""
    target.attrs.create(name, text(value), dtype=h5py.string_dtype())


def filled(values: NDArray[Any], dtype: str, missing: float | None) -> NDArray[Any]:
    """Cast to the dtype of the file; NaN and negative integers become `missing`."""
    values = np.asarray(values)
    if values.dtype.kind == "f":
        absent = np.isnan(values)
    elif dtype[0] in "iu" and values.dtype.kind == "i":
        absent = values < 0
    else:
        absent = np.zeros(values.shape, bool)
    if missing is None or not absent.any():
        return values.astype(dtype)
    return np.where(absent, np.asarray(missing).astype(dtype), np.where(absent, 0, values).astype(dtype))


class Netcdf4File:
    """An HDF5 file being written with netCDF-4's conventions for dimensions."""

    def __init__(self, file: h5py.File, *, deflate: int = 0) -> None:
        self.file, self.deflate = file, deflate
        self._scales: dict[str, h5py.Dataset] = {}

    def dimension(self, name: str, size: int) -> None:
        """Define a dimension that has no coordinate variable."""
        scale = self.file.create_dataset(name, (size,), ">f4")
        scale.make_scale(f"This is a netCDF dimension but not a netCDF variable. {size:>9d}")
        self._number(name, scale)

    def coordinate(self, row: Row, values: NDArray[Any]) -> None:
        """Write a variable that is its own dimension."""
        scale = self._dataset(row, values)
        scale.make_scale(row.path)
        self._number(row.path, scale)

    def names(self, row: Row, values: list[str]) -> None:
        """Write a dimension whose variable holds variable-length strings."""
        scale = self.file.create_dataset(row.path, data=values, dtype=h5py.string_dtype())
        self._describe(scale, row)
        scale.attrs.create("missing_value", text("Missing"), dtype=h5py.string_dtype())
        scale.make_scale(row.path)
        self._number(row.path, scale)

    def variable(self, row: Row, values: NDArray[Any], dims: tuple[str, ...]) -> h5py.Dataset:
        """Write one variable of a table and attach its dimensions."""
        dataset = self._dataset(row, values)
        for axis, name in enumerate(dims):
            dataset.dims[axis].attach_scale(self._scales[name])
        return dataset

    def _number(self, name: str, scale: h5py.Dataset) -> None:
        scale.attrs["_Netcdf4Dimid"] = np.int32(len(self._scales))
        self._scales[name] = scale

    def _dataset(self, row: Row, values: NDArray[Any]) -> h5py.Dataset:
        options: dict[str, Any] = {}
        if row.dtype in _DEFAULT_FILL:
            values = filled(values, row.dtype, row.missing)
            options["fillvalue"] = np.asarray(_DEFAULT_FILL[row.dtype]).astype(row.dtype)
        if self.deflate and values.size > 64:
            options |= {"compression": "gzip", "compression_opts": self.deflate, "shuffle": True}
            options["chunks"] = (min(values.shape[0], 20_000), *values.shape[1:])
        dataset = self.file.create_dataset(row.path, data=values, **options)
        self._describe(dataset, row)
        if row.missing is not None and row.dtype in _DEFAULT_FILL:
            # file_index and path declare -1 as i1 although they are unsigned
            kind = "i1" if row.missing < 0 and row.dtype[0] == "u" else row.dtype
            dataset.attrs["missing_value"] = np.array([row.missing]).astype(kind)
        return dataset

    def _describe(self, dataset: h5py.Dataset, row: Row) -> None:
        if row.units:
            put_text(dataset, "units", row.units)
        if row.long_name:
            put_text(dataset, "long_name", row.long_name)

"""netCDF-3 with 64-bit offsets, streamed: the header first, then the values block by block."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import OutputError
from yaotan.io.write.convention import plain_attributes

#: stored type -> its number (netCDF classic format specification, "nc_type")
_TYPES: Final = {"int8": 1, "bytes8": 2, "int16": 3, "int32": 4, "float32": 5, "float64": 6}
_DIMENSIONS, _VARIABLES, _ATTRIBUTES = 10, 11, 12
#: most bytes of one variable, and most values along one dimension
_VARIABLE_LIMIT: Final = 2**32 - 4
_LENGTH_LIMIT: Final = 2**31 - 4


def save_classic(dataset: xr.Dataset, path: Path) -> None:
    """Store a dataset as netCDF-3, 64-bit offset format; lazy values go block by block.

    Parameters
    ----------
    dataset : xarray.Dataset
        Variables of type int8, int16, int32, float32, float64 or bytes; every dimension is fixed, none is
        empty (a length of 0 means an unlimited dimension in this format). Bytes of n letters get one more
        dimension, ``string_n``.
    path : pathlib.Path
        New file.

    Raises
    ------
    OutputError
        A type has no form in netCDF-3, a dimension is empty, or a variable needs 4 GiB or more.

    Notes
    -----
    Header and layout follow the "NetCDF Classic Format Specification" of Unidata (the variant CDF-2):
    big-endian, names and values padded to four bytes, data of a variable in one piece.
    """
    variables = {str(name): _lettered(variable) for name, variable in dataset.variables.items()}
    sizes: dict[str, int] = {}
    for name, variable in variables.items():
        _check(name, variable)
        sizes |= {str(dim): size for dim, size in variable.sizes.items()}
    offsets = dict.fromkeys(variables, 0)
    start = len(_header(sizes, variables, dataset.attrs, offsets))
    for name, variable in variables.items():
        offsets[name], start = start, start + _padded(_bytes_of(variable))
    with path.open("wb") as file:
        file.write(_header(sizes, variables, dataset.attrs, offsets))
        file.truncate(start)
        file.flush()
        sinks = {name: _Sink(file.fileno(), offsets[name], variables[name]) for name in variables}
        lazy = [name for name, variable in variables.items() if hasattr(variable.data, "dask")]
        for name in variables.keys() - set(lazy):
            sinks[name][(slice(None),) * variables[name].ndim] = variables[name].values
        if lazy:  # one graph for all: what several variables are made from is read once
            targets: Any = [sinks[name] for name in lazy]
            da.store([variables[name].data for name in lazy], targets, lock=False)


class _Sink:
    """Place of one variable in the file, to which blocks are written (from several threads)."""

    def __init__(self, handle: int, offset: int, variable: xr.Variable) -> None:
        self.handle, self.offset = handle, offset
        self.shape, self.dtype = variable.shape, variable.dtype.newbyteorder(">")

    def __setitem__(self, index: tuple[slice, ...], block: Any) -> None:
        values = np.ascontiguousarray(np.asarray(block).astype(self.dtype))
        spans = [range(*part.indices(size)) for part, size in zip(index, self.shape, strict=True)]
        partial = [place for place, span in enumerate(spans) if len(span) < self.shape[place]]
        deepest = partial[-1] if partial else 0  # pieces from here on are in one row in the file
        strides = [math.prod(self.shape[place + 1 :]) for place in range(len(self.shape))]
        for place in product(*(range(len(span)) for span in spans[:deepest])):
            first = sum(span[0] * step for span, step in zip(spans, strides, strict=True) if span)
            first += sum(n * step for n, step in zip(place, strides, strict=False))
            self._write(values[place], first * self.dtype.itemsize)

    def _write(self, piece: NDArray[Any], place: int) -> None:
        data = memoryview(piece.tobytes())
        while data:
            written = os.pwrite(self.handle, data, self.offset + place)
            data, place = data[written:], place + written


def _lettered(variable: xr.Variable) -> xr.Variable:
    """Turn bytes of n letters into letters along one more dimension."""
    if variable.dtype.kind != "S":
        return variable
    size = variable.dtype.itemsize
    data = variable.data

    def split(block: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(block).view("S1").reshape((*block.shape, size))

    if hasattr(data, "dask"):
        letters = data.map_blocks(split, dtype="S1", chunks=(*data.chunks, (size,)), new_axis=data.ndim)
    else:
        letters = split(np.asarray(data))
    return xr.Variable((*variable.dims, f"string_{size}"), letters, variable.attrs)


def _check(name: str, variable: xr.Variable) -> None:
    if variable.dtype.name not in _TYPES:
        raise OutputError(
            f"{name} is of type {variable.dtype}, which netCDF-3 has not", expected=", ".join(_TYPES)
        )
    empty = [str(dim) for dim, size in variable.sizes.items() if not 0 < size <= _LENGTH_LIMIT]
    if empty:
        raise OutputError(
            f"{name} has {variable.sizes[empty[0]]} values along {empty[0]}",
            expected=f"1 to {_LENGTH_LIMIT}: netCDF-3 keeps length 0 for an unlimited dimension",
        )
    if _bytes_of(variable) > _VARIABLE_LIMIT:
        raise OutputError(
            f"{name} needs {_bytes_of(variable) / 2**30:.1f} GiB, and netCDF-3 holds 4 GiB in a variable",
            fix="write fewer soundings or cells to a file",
        )


def _bytes_of(variable: xr.Variable) -> int:
    return math.prod(variable.shape) * variable.dtype.itemsize


def _padded(size: int) -> int:
    return -(-size // 4) * 4


def _header(
    sizes: Mapping[str, int],
    variables: Mapping[str, xr.Variable],
    attributes: Mapping[Any, Any],
    offsets: Mapping[str, int],
) -> bytes:
    numbers = {dim: number for number, dim in enumerate(sizes)}
    parts = [b"CDF\x02", struct.pack(">i", 0)]  # no records
    parts.append(_list(_DIMENSIONS, [_text(dim) + struct.pack(">i", size) for dim, size in sizes.items()]))
    parts.append(_attributes(attributes))
    entries = []
    for name, variable in variables.items():
        dims = [numbers[str(dim)] for dim in variable.dims]
        entries.append(
            _text(name)
            + struct.pack(f">i{len(dims)}i", len(dims), *dims)
            + _attributes(variable.attrs)
            + struct.pack(">iIq", _TYPES[variable.dtype.name], _padded(_bytes_of(variable)), offsets[name])
        )
    parts.append(_list(_VARIABLES, entries))
    return b"".join(parts)


def _list(tag: int, entries: Iterable[bytes]) -> bytes:
    made = list(entries)
    return struct.pack(">ii", tag if made else 0, len(made)) + b"".join(made)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">i", len(data)) + data.ljust(_padded(len(data)), b"\0")


def _attributes(attributes: Mapping[Any, Any]) -> bytes:
    return _list(_ATTRIBUTES, [_text(name) + _value(v) for name, v in plain_attributes(attributes).items()])


def _value(value: Any) -> bytes:
    """Encode the value of an attribute: text, or numbers in their own type or the next one that exists."""
    if isinstance(value, str):
        return struct.pack(">i", _TYPES["bytes8"]) + _text(value)
    numbers = np.atleast_1d(np.asarray(value))
    if numbers.dtype.name not in _TYPES:
        small = numbers.dtype.kind in "iu" and (np.abs(numbers.astype(float)) < 2**31).all()
        numbers = numbers.astype("int32" if small else "float64")
    data = numbers.astype(numbers.dtype.newbyteorder(">")).tobytes()
    head = struct.pack(">ii", _TYPES[numbers.dtype.name], numbers.size)
    return head + data.ljust(_padded(len(data)), b"\0")

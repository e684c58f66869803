"""64-bit unsigned integers in CF-1.8, which has no such type: digits for identifiers, words for bit masks."""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

#: attribute that says how the values are kept
KEPT_AS: Final = "kept_as"
DIGITS: Final = "digits of a 64-bit unsigned integer"
#: attributes of bits -> names under which text may carry them (CF keeps flag_masks for numbers)
_RENAMED: Final = {"flag_masks": "bit_masks", "flag_meanings": "bit_meanings"}
WORDS: Final = "two 32-bit words of a 64-bit unsigned integer, low word first"


def _to_digits(values: NDArray[np.uint64]) -> NDArray[np.bytes_]:
    return np.asarray(values).astype("U20").astype("S20")


def _to_words(values: NDArray[np.uint64]) -> NDArray[np.int32]:
    # little-endian on every machine, so that the low word comes first in the file
    words = np.ascontiguousarray(values, "<u8")[..., None].view("<i4").astype(np.int32)
    return np.moveaxis(words, -1, 0)  # CF wants dimensions that are not time or space on the left


def _to_integers(words: NDArray[np.int32]) -> NDArray[np.uint64]:
    last = np.moveaxis(words, 0, -1)
    return np.ascontiguousarray(last, "<i4").view("<u8")[..., 0].astype(np.uint64)


def pack(variable: xr.Variable) -> xr.Variable:
    """Turn a uint64 variable into one that CF-1.8 can hold, without loss and without loading it.

    Parameters
    ----------
    variable : xarray.Variable
        dtype uint64. One dimension becomes digits (``flag_masks`` and ``flag_meanings`` of bits become
        the texts ``bit_masks`` and ``bit_meanings``), more become words.

    Returns
    -------
    xarray.Variable
        Text of digits with the same dimension, or int32 with one more dimension, ``word``.

    Examples
    --------
    >>> pack(xr.Variable("sounding", np.array([2**63], "uint64"))).values
    array([b'9223372036854775808'], dtype='|S20')
    """
    data, lazy = variable.data, hasattr(variable.data, "dask")
    if variable.ndim == 1:
        made = data.map_blocks(_to_digits, dtype="S20") if lazy else _to_digits(data)
        attrs = {_RENAMED.get(str(key), str(key)): value for key, value in variable.attrs.items()}
        if "bit_masks" in attrs:
            attrs["bit_masks"] = " ".join(str(mask) for mask in np.atleast_1d(attrs["bit_masks"]))
        return xr.Variable(variable.dims, made, {**attrs, KEPT_AS: DIGITS})
    if lazy:
        made = data.map_blocks(_to_words, dtype=np.int32, chunks=((2,), *data.chunks), new_axis=0)
    else:
        made = _to_words(data)
    return xr.Variable(("word", *variable.dims), made, {**variable.attrs, KEPT_AS: WORDS})


def unpack(dataset: xr.Dataset) -> xr.Dataset:
    """Restore the uint64 variables of a file that `pack` had a part in.

    Parameters
    ----------
    dataset : xarray.Dataset
        As read from the file.

    Returns
    -------
    xarray.Dataset
        New object, lazy where it was; others variables are untouched.
    """
    restored = {}
    for name, variable in dataset.variables.items():
        kept = variable.attrs.get(KEPT_AS)
        if kept is None:
            continue
        attrs = {key: value for key, value in variable.attrs.items() if key != KEPT_AS}
        if kept == DIGITS:
            before = {new: old for old, new in _RENAMED.items()}
            attrs = {before.get(key, key): value for key, value in attrs.items()}
            if "flag_masks" in attrs:
                attrs["flag_masks"] = np.array(attrs["flag_masks"].split(), dtype=np.uint64)
            restored[name] = xr.Variable(variable.dims, variable.data.astype("U20").astype(np.uint64), attrs)
            continue
        data = variable.data
        if hasattr(data, "dask"):
            data = data.rechunk({0: -1}).map_blocks(_to_integers, dtype=np.uint64, drop_axis=0)
        else:
            data = _to_integers(variable.values)
        restored[name] = xr.Variable(variable.dims[1:], data, attrs)
    return dataset.assign(restored) if restored else dataset

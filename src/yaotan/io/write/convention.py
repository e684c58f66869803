"""What CF and netCDF can store: types of values, attribute values, units of time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import Any, Final

import numpy as np
import xarray as xr

from yaotan.errors import OutputError
from yaotan.io.wide import pack

#: CF-1.8 knows no unsigned and no 64-bit integers (they came with CF-1.9): stored as the next wider type
_STORED: Final = {
    "uint8": "int16",
    "uint16": "int32",
    "uint32": "int32",
    "int64": "int32",
    "float16": "float32",
    "bool": "int8",
}


def plain_attributes(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Turn attribute values into what netCDF can hold: text, numbers and rows of numbers.

    Parameters
    ----------
    attributes : mapping
        None is left out (it says that nothing is known); truth values become text, dates ISO text,
        other mappings and lists JSON text.

    Returns
    -------
    dict
        Sorted as given.

    Examples
    --------
    >>> plain_attributes({"a": None, "b": True, "c": {"rule": 3}})
    {'b': 'true', 'c': '{"rule": 3}'}
    """
    plain: dict[str, Any] = {}
    for name, value in attributes.items():
        if value is None:
            continue
        if isinstance(value, (bool, np.bool_)):
            value = str(bool(value)).lower()
        elif isinstance(value, (date, datetime)):
            value = value.isoformat()
        elif isinstance(value, (list, tuple)) and value and all(isinstance(v, (int, float)) for v in value):
            value = np.asarray(value)
        elif not isinstance(value, (str, int, float, np.generic, np.ndarray)):
            value = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
        plain[str(name)] = value
    return plain


def is_lazy(variable: xr.Variable | xr.DataArray) -> bool:
    """Say whether the values are a dask array, still to be computed.

    Examples
    --------
    >>> is_lazy(xr.Variable("x", [1.0]))
    False
    """
    return hasattr(variable.data, "dask")


def _narrow(values: np.ndarray, dtype: str, name: str) -> np.ndarray:
    limits = np.iinfo(dtype)
    if values.size and (values.max() > limits.max or values.min() < limits.min):
        raise OutputError(
            f"{name} holds integers from {values.min()} to {values.max()}",
            expected=f"values that fit {dtype}, the widest integer of CF-1.8",
            fix="write it as float64, or leave the variable out",
        )
    return values.astype(dtype)


def stored(variable: xr.Variable, name: str) -> xr.Variable:
    """Give a variable the type in which CF-1.8 can store it, without loading it.

    Parameters
    ----------
    variable : xarray.Variable
        Any. 64-bit unsigned integers are packed (see `yaotan.io.wide`).
    name : str
        For the error.

    Returns
    -------
    xarray.Variable
        New object with clean encoding; flag values and fill have the variable's new type.

    Raises
    ------
    OutputError
        When computed: an integer does not fit.
    """
    new = pack(variable) if variable.dtype == np.uint64 else variable.copy(deep=False)
    new.attrs, new.encoding = plain_attributes(new.attrs), {}
    fill = new.attrs.pop("_FillValue", variable.encoding.get("_FillValue"))
    new.attrs.pop("missing_value", None)
    dtype = _STORED.get(str(variable.dtype))
    if variable.dtype == bool:
        new.attrs |= {"flag_values": np.array([0, 1]), "flag_meanings": "false true"}
        new = new.astype("int8")
    elif dtype and variable.dtype.kind in "iu":
        data = variable.data
        narrow = partial(_narrow, dtype=dtype, name=name)
        new.data = data.map_blocks(narrow, dtype=dtype) if is_lazy(new) else narrow(np.asarray(data))
    elif dtype:
        new = new.astype(dtype)
    if new.dtype.kind in "iu":
        for key in ("flag_values", "flag_masks", "valid_min", "valid_max", "valid_range"):
            if key in new.attrs:
                new.attrs[key] = np.asarray(new.attrs[key]).astype(new.dtype)
        if fill is not None and not (isinstance(fill, float) and np.isnan(fill)):
            new.encoding["_FillValue"] = new.dtype.type(fill)
    return new


def encode_time(dataset: xr.Dataset, epoch: str) -> None:
    """Set explicit units, calendar and type of every time in a dataset (in place: the dataset is ours).

    Parameters
    ----------
    dataset : xarray.Dataset
        Made by this package's writers, never the user's own.
    epoch : str
        Such as ``"days since 1990-01-01"``. float64 seconds since a day near the data keep every
        nanosecond for 104 days; days keep 1 microsecond for a century.
    """
    unit, _, start = epoch.partition(" since ")
    step = np.timedelta64(1, "D" if unit == "days" else "s")
    bounds = {variable.attrs.get("bounds") for variable in dataset.variables.values()}
    for name, variable in dataset.variables.items():
        for key in ("units", "calendar", "dtype") if variable.dtype.kind in "mM" else ():
            variable.attrs.pop(key, None)
        if variable.dtype.kind == "M" and name in bounds:
            # CF: bounds carry no units of their own, so they are numbers before xarray sees them
            variable.data = (variable.data - np.datetime64(start, "ns")) / step
            variable.encoding = {"_FillValue": None}
        elif variable.dtype.kind == "M":
            fill = None if name in dataset.coords else np.nan
            variable.encoding = {
                "units": epoch,
                "calendar": "standard",
                "dtype": "float64",
                "_FillValue": fill,
            }
        elif variable.dtype.kind == "m":
            variable.encoding = {"units": "seconds", "dtype": "float64", "_FillValue": np.nan}

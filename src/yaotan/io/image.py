"""Images in the names of this package: scenes that `write` wrote, simulated ones, cut-outs of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd
import xarray as xr

from yaotan.catalog import gases
from yaotan.errors import NotAGranuleError, SchemaError
from yaotan.io.wide import unpack
from yaotan.schema import SOUNDING_VARIABLES, check_scene, gas_variable
from yaotan.typing import PathLike
from yaotan.units import convert

#: names of others for places of pixels
_NAMES: Final = {
    "lat": "latitude",
    "lon": "longitude",
    "lat_corners": "latitude_corner",
    "lon_corners": "longitude_corner",
}
#: what is no part of soundings and belongs to an image of plumes: name -> unit
_FURTHER: Final = {"total_column_water_vapour": "kg m-2", "cloud_fraction": "1"}
#: attributes of a file that may hold the time of the image
_TIMES: Final = ("time", "time_coverage_start")


def is_image(path: PathLike) -> bool:
    """Say whether a file holds an image in the names of this package: dims ``y, x``, places, a column.

    Examples
    --------
    >>> is_image("no_such_file.nc")
    False
    """
    try:
        with h5py.File(path) as held:
            names = {_NAMES.get(name, name) for name in held}
            if not {"y", "x", "latitude", "longitude"} <= names:
                return False
            shape = {held["y"].size, held["x"].size}
            columns = [name for name in gases() if name in names and set(held[name].shape) == shape]
            return bool(columns)
    except (OSError, ValueError, KeyError, AttributeError):
        return False


def open_image(path: PathLike) -> xr.Dataset:
    """Open an image whose variables have the names of a scene.

    Parameters
    ----------
    path : path-like
        netCDF-4 file with the dims ``y, x``: ``latitude``, ``longitude`` (or ``lat``, ``lon``), their corners
        (dim ``corner``), columns (``xco2``, ``no2`` ...) with ``_uncertainty``, ``surface_pressure`` and what
        else a scene has, in any unit of their kind; ``time`` as a variable or as an attribute of the file.

    Returns
    -------
    xarray.Dataset
        Scene in the package's units. Variables of other names are left out; ``attrs["left_out"]`` counts
        them.

    Raises
    ------
    NotAGranuleError
        The file is missing, damaged, or holds no such image.
    SchemaError
        A variable has other dims than a scene's.
    UnitsError
        A unit is missing or of another kind.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import yaotan
    >>> image = xr.Dataset(
    ...     {"no2": (("y", "x"), [[2.0]], {"units": "umol m-2"})},
    ...     coords={"lat": (("y", "x"), [[52.0]]), "lon": (("y", "x"), [[14.0]])},
    ...     attrs={"time": "2020-06-01T11:00:00Z"},
    ... )
    >>> with TemporaryDirectory() as folder:
    ...     image.to_netcdf(Path(folder) / "a.nc", engine="h5netcdf")
    ...     scene = open_image(Path(folder) / "a.nc")
    >>> float(scene.no2[0, 0].round(9)), scene.no2.units, str(scene.time.values)[:16]
    (2e-06, 'mol m-2', '2020-06-01T11:00')
    """
    if not Path(path).is_file():
        raise NotAGranuleError("does not exist", where=path)
    if not is_image(path):
        raise NotAGranuleError(
            "holds no image in the names of this package",
            where=path,
            expected=f"dims y, x; latitude, longitude; one of {', '.join(gases())}",
            fix="use open_scene for a product",
        )
    with xr.open_dataset(path, engine="h5netcdf") as file:
        held = unpack(file.load())
    held = held.rename({name: new for name, new in _NAMES.items() if name in held.variables})
    variables: dict[str, Any] = {}
    for name in map(str, held.variables):
        if name in ("y", "x"):
            continue
        rule = SOUNDING_VARIABLES.get(name) or gas_variable(name)
        if rule is None and name not in _FURTHER:
            continue
        units = _FURTHER.get(name) or (rule.units if rule else None)
        variables[name] = _in_units(held[name], name, units, rule.dtype if rule else "float64", path)
    if "time" not in variables:
        variables["time"] = ((), _time_of(held, path))
    scene = xr.Dataset(variables, attrs=dict(held.attrs))
    scene.attrs.setdefault("product", "image")
    scene.attrs["left_out"] = len(held.variables) - len(variables)
    places = ("time", "latitude", "longitude", "latitude_corner", "longitude_corner")
    scene = scene.set_coords([name for name in places if name in scene])
    try:
        return check_scene(scene)
    except SchemaError as error:
        raise SchemaError(error.what, where=path, expected=error.expected) from error


def _in_units(array: xr.DataArray, name: str, units: str | None, dtype: str, path: PathLike) -> xr.Variable:
    values = array.values
    attrs = {key: value for key, value in array.attrs.items() if key != "units"}
    if units is not None:
        given = array.attrs.get("units")
        if given is None and units.startswith("degree"):
            given = units
        values = convert(np.asarray(values, float), given, units, where=f"{path}: {name}")
        attrs["units"] = units
    if dtype and dtype != "datetime64[ns]":
        values = np.asarray(values).astype(dtype)
    elif dtype:
        values = values.astype("datetime64[ns]")
    return xr.Variable(array.dims, values, attrs)


def _time_of(held: xr.Dataset, path: PathLike) -> np.datetime64:
    for name in _TIMES:
        text = held.attrs.get(name)
        if isinstance(text, str):
            try:
                stamp = pd.Timestamp(text)
            except ValueError:
                continue
            stamp = stamp.tz_convert("UTC").tz_localize(None) if stamp.tzinfo else stamp
            return np.datetime64(stamp, "ns")
    raise SchemaError(
        "the image has no time",
        where=path,
        expected=f"a variable time, or an attribute {' or '.join(_TIMES)}",
    )

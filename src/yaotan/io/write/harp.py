"""HARP-1.0 products: soundings along time, grids along time, latitude and longitude, in netCDF-3."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import LeftOutWarning, OutputError
from yaotan.io.wide import pack
from yaotan.io.write.classic import save_classic
from yaotan.io.write.convention import stored
from yaotan.io.write.format import Options
from yaotan.io.write.harp_name import DIMS, WHOLE, Target, grid_targets, harp_units, sounding_targets
from yaotan.schema import FLAG_FILL, QUALITY

#: HARP counts time from here
_EPOCH: Final = np.datetime64("2000-01-01", "ns")
_SECONDS: Final = "seconds since 2000-01-01"
_LIMITS: Final = {"latitude": (-90.0, 90.0), "longitude": (-180.0, 180.0)}
#: value of an int32 or int8 that means "not known", below the least valid one
_UNKNOWN: Final = -1
#: attributes that go along (HARP passes over what it does not know)
_KEPT: Final = ("comment", "bias_corrected")


def write_harp(obj: xr.Dataset, path: Path, options: Options) -> None:
    """Write soundings or a grid as a product of the HARP data format conventions.

    Parameters
    ----------
    obj : xarray.Dataset
        Soundings, or a grid on latitude and longitude; already checked.
    path : pathlib.Path
        New file: netCDF-3 with 64-bit offsets, which every build of HARP reads.
    options : Options
        `attributes` and the date; `name` becomes ``source_product`` unless the soundings bring an ``index``
        into a product of their own.

    Raises
    ------
    OutputError
        The grid is projected; nothing is in the table (HARP has no empty product); nothing has a HARP name.

    Warns
    -----
    LeftOutWarning
        Once, with the variables that have no HARP name. The attribute ``comment`` of the file names them too.

    Notes
    -----
    A ``sounding_id`` is kept as text of digits, for HARP has no 64-bit integers; HARP's averages drop text.
    Weights of levels (``pressure_weight``) are left out although HARP would take any name: its regridding
    would interpolate them as if they were a property of the air.
    """
    made = _soundings(obj) if options.noun == "soundings" else _grid(obj)
    used = {variable.attrs.pop("from") for variable in made.values()} | {"time"}
    used |= {
        str(obj[axis].attrs.get("bounds", "")) for axis in ("time", "lat", "lon") if axis in obj.variables
    }
    left = sorted(str(name) for name in obj.variables if name not in used)
    dataset = xr.Dataset(made, attrs=_attributes(obj, made, left, options))
    if left:
        warnings.warn(
            f"HARP has no name for {', '.join(left)}: left out of {options.name}",
            LeftOutWarning,
            stacklevel=3,
        )
    save_classic(dataset, path)


def _soundings(obj: xr.Dataset) -> dict[str, xr.Variable]:
    count = obj.sizes["sounding"]
    if not count:
        raise OutputError("there is no sounding, and HARP has no empty product", fix="write netcdf instead")
    made = {"datetime": _moments(obj["time"].variable, "time", "time of the measurement (UTC)")}
    taken = {"datetime"}
    for ours, target in sounding_targets().items():
        if ours in obj and target.name not in taken:
            made[target.name] = _named(obj[ours].variable, ours, target)
            taken.add(target.name)
    if "pressure_edge" in obj:
        made["pressure_bounds"] = _intervals(obj["pressure_edge"].variable)
    for name in WHOLE:
        if name in obj:
            made[name] = _whole(obj[name].variable, name, name.replace("_", " "))
    if "index" not in made:
        attrs = {"description": "zero-based index of the sample within the source product", "from": "time"}
        made["index"] = xr.Variable("time", np.arange(count, dtype="int32"), attrs)
    made["validity"] = _validity(obj["quality"].variable)
    if "sounding_id" in obj:
        words = "identifier of the sounding in the product it comes from"
        digits = pack(obj["sounding_id"].variable).data
        made["sounding_id"] = xr.Variable("time", digits, {"description": words, "from": "sounding_id"})
    return made


def _grid(obj: xr.Dataset) -> dict[str, xr.Variable]:
    if "lat" not in obj.dims:
        raise OutputError(
            "HARP has no projected grids",
            expected="dims (time,) lat, lon",
            fix="grid on latitude and longitude",
        )
    made: dict[str, xr.Variable] = {}
    if "time" in obj.dims:
        made |= _periods(obj)
    for axis, word, units in (("lat", "latitude", "degree_north"), ("lon", "longitude", "degree_east")):
        edges = str(obj[axis].attrs["bounds"])
        attrs = {"description": f"{word} of the centre of the cell", "units": units, "from": axis}
        made[word] = xr.Variable(word, obj[axis].values, attrs)
        attrs = {"description": f"edges of the cell in {word}", "units": units, "from": edges}
        made[f"{word}_bounds"] = xr.Variable((word, "independent_2"), obj[edges].values, attrs)
    found = [(ours, target) for ours, target in grid_targets().items() if _is_field(obj, ours)]
    if not found:
        raise OutputError(
            "no variable of the grid has a HARP name",
            expected=", ".join(name for name, target in grid_targets().items() if "_" not in name),
        )
    for ours, target in found:
        if ours.endswith("_count"):
            made[target.name] = _whole(_where_known(obj, ours).variable, ours, target.description)
        else:
            words = str(obj[ours].attrs.get("long_name", target.description))
            field = _where_known(obj, ours) if ours.endswith("_sum_weight") else obj[ours]
            made[target.name] = _named(field.variable, ours, Target(target.name, words))
    return made


def _where_known(obj: xr.Dataset, ours: str) -> xr.DataArray:
    """Give a count or weight, 0 where the cell has no value: HARP's averages take it that the two agree."""
    value = obj[ours.removesuffix("_count").removesuffix("_sum_weight")]
    return xr.where(value.isnull(), 0, obj[ours], keep_attrs=False).assign_attrs(obj[ours].attrs)


def _is_field(obj: xr.Dataset, name: str) -> bool:
    return name in obj and obj[name].dims in (("lat", "lon"), ("time", "lat", "lon"))


def _periods(obj: xr.Dataset) -> dict[str, xr.Variable]:
    """Give the middle, start and stop of each period; the time itself where it has no bounds."""
    time, bounds = obj["time"], str(obj["time"].attrs.get("bounds", "time_bnds"))
    if bounds not in obj.variables:
        return {"datetime": _moments(time.variable, "time", "time of the field (UTC)")}
    start, stop = (obj[bounds].values[:, side] for side in (0, 1))
    parts = {"datetime": start + (stop - start) / 2, "datetime_start": start, "datetime_stop": stop}
    words = {"datetime": "middle", "datetime_start": "start", "datetime_stop": "end"}
    return {
        name: _moments(xr.Variable("time", values), bounds, f"{words[name]} of the period (UTC)")
        for name, values in parts.items()
    }


def _moments(variable: xr.Variable, ours: str, words: str) -> xr.Variable:
    def seconds(block: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray((block - _EPOCH) / np.timedelta64(1, "s"), dtype="float64")

    attrs = {"description": words, "units": _SECONDS, "from": ours}
    return xr.Variable("time", _each(variable, seconds, "float64"), attrs)


def _named(variable: xr.Variable, ours: str, target: Target) -> xr.Variable:
    variable = stored(variable, ours)
    dims = [DIMS.get(str(dim), str(dim)) for dim in variable.dims]
    attrs: dict[str, Any] = {"description": target.description}
    attrs["units"] = harp_units(str(variable.attrs.get("units", "1")))
    if target.name in _LIMITS:
        attrs["valid_min"], attrs["valid_max"] = np.array(_LIMITS[target.name], dtype=variable.dtype)
    attrs |= {key: variable.attrs[key] for key in _KEPT if key in variable.attrs}
    return xr.Variable(dims, variable.data, {**attrs, "from": ours})


def _intervals(variable: xr.Variable) -> xr.Variable:
    data = variable.data
    stack = da.stack if hasattr(data, "dask") else np.stack
    pairs = stack([data[:, :-1], data[:, 1:]], axis=-1)
    attrs = {"description": "pressure at the edges of each layer", "units": str(variable.attrs["units"])}
    return xr.Variable(("time", "vertical", "independent_2"), pairs, {**attrs, "from": "pressure_edge"})


def _whole(variable: xr.Variable, ours: str, words: str) -> xr.Variable:
    def narrow(block: NDArray[Any]) -> NDArray[np.int32]:
        known = np.isfinite(block) if block.dtype.kind == "f" else np.ones(block.shape, dtype=bool)
        if (np.abs(np.where(known, block, 0)) > np.iinfo("int32").max).any():
            raise OutputError(f"{ours} holds numbers beyond 32 bits", fix="leave the variable out")
        return np.where(known, block, _UNKNOWN).astype("int32")

    dims = [DIMS.get(str(dim), str(dim)) for dim in variable.dims]
    attrs = {"description": words, "valid_min": np.int32(0), "from": ours}
    return xr.Variable(dims, _each(variable, narrow, "int32"), attrs)


def _validity(variable: xr.Variable) -> xr.Variable:
    def narrow(block: NDArray[Any]) -> NDArray[np.int8]:
        return np.where(block == FLAG_FILL, _UNKNOWN, block).astype("int8")

    codes = np.array(list(QUALITY.values()), dtype="int8")
    attrs = {
        "description": ", ".join(f"{code}: {word}" for word, code in QUALITY.items())
        + " (quality of the sounding)",
        "flag_meanings": " ".join(QUALITY),
        "flag_values": codes,
        "valid_min": codes.min(),
        "valid_max": codes.max(),
        "from": "quality",
    }
    return xr.Variable("time", _each(variable, narrow, "int8"), attrs)


def _each(variable: xr.Variable, change: Callable[[NDArray[Any]], NDArray[Any]], dtype: str) -> Any:
    data = variable.data
    return data.map_blocks(change, dtype=dtype) if hasattr(data, "dask") else change(np.asarray(data))


def _attributes(
    obj: xr.Dataset, made: dict[str, xr.Variable], left: list[str], options: Options
) -> dict[str, Any]:
    own = dict(obj.attrs) | dict(options.attributes or {})
    version = metadata.version("yaotan")
    comment = [str(own.get("comment", ""))]
    if left:
        comment.append(f"Left out, for HARP has no name for them: {', '.join(left)}.")
    history = [str(own.get("history", "")), f"{options.date} [yaotan-{version}] written as HARP product"]
    # HARP tells samples by source_product and index: of a product read from HARP they stay what they were
    kept = "index" in obj and str(own.get("source_product", "")) and ";" not in str(own["source_product"])
    attributes = {
        **own,
        "Conventions": "HARP-1.0",
        "source_product": str(own["source_product"]) if kept else options.name,
        "history": "\n".join(part for part in history if part),
        **_span(made),
    }
    if any(comment):
        attributes["comment"] = " ".join(part for part in comment if part)
    return attributes


def _span(made: dict[str, xr.Variable]) -> dict[str, float]:
    """First and last time in days since 2000-01-01, by which harpcollocate finds a product."""
    if "datetime" not in made:
        return {}
    first = made.get("datetime_start", made["datetime"])
    last = made.get("datetime_stop", made["datetime"])
    both = xr.Dataset({"first": first.min(), "last": last.max()}).compute()
    return {
        f"datetime_{word}": float(both[name]) / 86400.0
        for word, name in (("start", "first"), ("stop", "last"))
        if np.isfinite(float(both[name]))
    }

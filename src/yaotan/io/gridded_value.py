"""Values of one file of a gridded product: cut, decoded, put in one order of dimensions, lazily."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.gas import gases
from yaotan.catalog.grid import GridProduct, GridVariable
from yaotan.errors import SchemaError, UnitsError
from yaotan.io.field import Window, decode, open_raw
from yaotan.io.gridded_flux import to_carbon

#: order of dimensions in a grid
_ORDER: Final = ("time", "layer", "level", "edge", "lat", "lon")
#: pressure at which hybrid coefficients are ordered [hPa]
_GROUND: Final = 1013.25
_STAND_IN: Final = (
    "the file keeps no count by cell: the sum of weights stands in, which is the number of soundings if they "
    "are points and the sum of the parts of the cell that they cover if they have footprints"
)


@dataclass(frozen=True)
class GriddedFile:
    """One file: its axes as read, and which window of it is wanted."""

    path: str
    product: GridProduct
    window: Window
    #: rows and columns as stored
    shape: tuple[int, int]
    #: paths of latitude and longitude
    places: tuple[str, str]
    time: NDArray[Any] | None
    bounds: NDArray[Any] | None
    time_path: str | None
    shapes: dict[str, tuple[int, ...]]


def read_variables(file: GriddedFile, names: list[str]) -> dict[str, xr.Variable]:
    """Read the wanted variables of a file that has them, each with its uncertainty and count.

    Parameters
    ----------
    file : GriddedFile
        Axes and window.
    names : list of str
        Canonical names.

    Returns
    -------
    dict
        Name to lazy variable with dims among time, layer, edge, lat, lon.
    """
    falling = _surface_first(file)
    fields: dict[str, xr.Variable] = {}
    for name in names:
        made = _make(file, name, falling)
        if made is None:
            continue
        fields[name] = made
        if name in gases():
            fields |= _beside(file, name, made, falling)
    return fields


def _make(file: GriddedFile, name: str, falling: bool) -> xr.Variable | None:
    rule = file.product.variables[name]
    parts = [_make(file, part, falling) for part in (*rule.sum, *rule.hybrid)]
    if rule.paths:
        path = _first(file, rule.paths)
        made = None if path is None else _read(file, path, name, falling)
    elif any(part is None for part in parts):
        made = None
    elif rule.sum:
        made = parts[0]
        for part in parts[1:]:
            made = made + part  # type: ignore[operator]
    else:
        a, b, ground = parts
        made = _in_order(a + b * ground)  # type: ignore[operator]
    return None if made is None else _described(made, file, name)


def _first(file: GriddedFile, paths: tuple[str, ...]) -> str | None:
    return next((path.strip("/") for path in paths if path.strip("/") in file.shapes), None)


def _described(variable: xr.Variable, file: GriddedFile, name: str) -> xr.Variable:
    rule, product = file.product.variables[name], file.product
    gas = gases().get(name)
    attributes: dict[str, Any] = {"units": product.wanted_units(name)}
    standard_name = rule.standard_name or (gas.standard_name if gas else None)
    if standard_name:
        attributes["standard_name"] = standard_name
    attributes["long_name"] = rule.long_name or (gas.name["en"] if gas else name)
    if rule.flux:
        attributes |= {"positive": "to_atmosphere", "substance": "C"}
    if "layer" in variable.dims or "level" in variable.dims:
        attributes["vertical_kind"] = "layer" if "layer" in variable.dims else "level"
    if gas is not None:
        attributes["ancillary_variables"] = f"{name}_uncertainty {name}_count"
    return xr.Variable(variable.dims, variable.data, attributes)


def _beside(file: GriddedFile, name: str, value: xr.Variable, falling: bool) -> dict[str, xr.Variable]:
    """Give count, weight and uncertainty of a column variable, as far as the product has them."""
    rule, made = file.product.variables[name], {}
    weight = _first(file, rule.weight)
    if weight is not None:
        made[f"{name}_weight"] = _read(file, weight, name, falling, units=("1", "1"))
        made[f"{name}_weight"].attrs = {"units": "1", "long_name": "sum of weights of the cell"}
    path = _first(file, rule.count) or weight
    count = None
    if path is not None:
        count = _read(file, path, name, falling, units=("1", "1"))
        # a cell without value and without count was seen by no sounding
        empty = da.isnan(count.data) & da.isnan(value.data)
        count = xr.Variable(count.dims, da.where(empty, 0.0, count.data))
        made[f"{name}_count"] = count.copy(deep=False)
        made[f"{name}_count"].attrs = {"units": "1", "long_name": "number of soundings in the cell"}
        if path == weight:
            made[f"{name}_count"].attrs["comment"] = _STAND_IN
    sigma = _uncertainty(file, name, count, value, falling)
    if sigma is not None:
        made[f"{name}_uncertainty"] = sigma
    return made


def _uncertainty(
    file: GriddedFile, name: str, count: xr.Variable | None, value: xr.Variable, falling: bool
) -> xr.Variable | None:
    """Give the stated uncertainty, else the standard error, else (where the entry allows it) no number."""
    rule = file.product.variables[name]
    stated, spread = _first(file, rule.uncertainty), _first(file, rule.standard_error_of)
    attributes = {"units": file.product.wanted_units(name)}
    if stated is not None:
        sigma = _read(file, stated, name, falling)
        attributes["long_name"] = f"1 sigma of {name} as the product states it"
        return xr.Variable(sigma.dims, sigma.data, attributes)
    if spread is not None and count is not None:
        deviation = _read(file, spread, name, falling)
        enough = count.data >= 2
        error = da.where(enough, deviation.data / da.sqrt(da.where(enough, count.data, 1.0)), np.nan)
        attributes["long_name"] = f"standard error of {name}: spread over the root of the count"
        attributes["comment"] = "the product states no uncertainty; unknown below two soundings"
        return xr.Variable(deviation.dims, error, attributes)
    if not rule.may_lack_uncertainty:
        return None
    attributes["long_name"] = f"1 sigma of {name}"
    attributes["comment"] = "the file holds no uncertainty: no number is known"
    return xr.Variable(value.dims, da.full_like(value.data, np.nan), attributes)


def _read(
    file: GriddedFile, path: str, name: str, falling: bool, *, units: tuple[str, str] | None = None
) -> xr.Variable:
    """Read one dataset: dimensions named, window cut, decoded, converted, ground first."""
    group, _, leaf = path.rpartition("/")
    raw = open_raw(file.path, group or None)[leaf].variable
    raw = _named(raw, file, path)
    cut = raw
    if {"lat", "lon"} <= set(raw.dims):
        cut = file.window.cut(raw, "lat", "lon")
    rule, product = file.product.variables[name], file.product
    where = f"{file.path}: {path}"
    if units is not None:
        made = decode(cut, product.fill, units=units, where=where)
    else:
        given = _given_units(raw, rule, product)
        if rule.flux:
            plain = decode(cut, product.fill, units=None, where=where)
            made = to_carbon(plain, given, product, file.bounds, where=where)
        else:
            made = decode(cut, product.fill, units=(given, product.wanted_units(name)), where=where)
        if name in gases() and path == _first(file, rule.paths):
            _check_plausible(made, name, given, where)
    if file.time is not None and "time" not in made.dims and "lat" in made.dims:
        made = xr.Variable(("time", *made.dims), made.data[None])
    for dim in ("layer", "level", "edge"):
        if dim in made.dims and not falling:
            made = made.isel({dim: slice(None, None, -1)})
    return _in_order(made)


def _in_order(variable: xr.Variable) -> xr.Variable:
    return variable.transpose(*[dim for dim in _ORDER if dim in variable.dims])


def _given_units(raw: xr.Variable, rule: GridVariable, product: GridProduct) -> str:
    if rule.ignore_stated_units and rule.units is not None:
        return rule.units
    for name in product.units_attributes:
        text = raw.attrs.get(name)
        text = text.decode() if isinstance(text, bytes) else text
        if isinstance(text, str) and text.strip():
            return text.strip()
    return rule.units or ""


def _named(raw: xr.Variable, file: GriddedFile, path: str) -> xr.Variable:
    """Give the dimensions of a variable their names: by name where the file has names, else by size."""
    axes, product = {}, file.product
    layered = "layer" if product.axes.edge else "level"
    roles = (
        ("lat", file.places[0], product.axes.latitude),
        ("lon", file.places[1], product.axes.longitude),
        ("time", file.time_path or "", product.axes.time),
        (layered, "", product.axes.level),
        ("edge", "", product.axes.edge),
    )
    for role, own, others in roles:
        names = {own.rpartition("/")[2], *(other.rpartition("/")[2] for other in others)}
        found = [dim for dim in raw.dims if str(dim) in names]
        if found:
            axes[found[0]] = role
    left = [dim for dim in raw.dims if dim not in axes]
    for role, size in (("lon", file.shape[1]), ("lat", file.shape[0])):  # rows come before columns
        place = next((dim for dim in reversed(left) if raw.sizes[dim] == size), None)
        if role not in axes.values() and place is not None and raw.ndim >= 2:
            axes[place] = role
            left.remove(place)
    if (
        file.time is not None
        and "time" not in axes.values()
        and left
        and raw.sizes[left[0]] == file.time.size
    ):
        axes[left.pop(0)] = "time"
    raw = raw.isel({dim: 0 for dim in left if raw.sizes[dim] == 1})
    more = [str(dim) for dim in left if dim in raw.dims]
    wrong = [
        role
        for role, size in (("lat", file.shape[0]), ("lon", file.shape[1]))
        if role in axes.values() and raw.sizes[next(d for d, r in axes.items() if r == role)] != size
    ]
    if more or wrong:
        raise SchemaError(
            f"{path} has dimensions that are not understood: {', '.join(more + wrong)}",
            where=file.path,
            expected="time, level, latitude, longitude",
        )
    return xr.Variable([axes[dim] for dim in raw.dims], raw._data, raw.attrs, raw.encoding, fastpath=True)


def _surface_first(file: GriddedFile) -> bool:
    """Tell from the pressures of one column whether the ground comes first; without them, as declared."""
    product = file.product
    rule = product.variables.get("pressure_edge")
    if rule is not None and rule.paths and (path := _first(file, rule.paths)) is not None:
        edges = _read(file, path, "pressure_edge", True)
        column = edges.isel({dim: 0 for dim in edges.dims if dim != "edge"}).values
    elif rule is not None and rule.hybrid and all(_known(file, part) for part in rule.hybrid[:2]):
        a, b = (_make(file, part, True) for part in rule.hybrid[:2])
        assert a is not None
        assert b is not None
        column = a.values + b.values * _GROUND
    else:
        return product.order == "surface_first"
    if not np.isfinite(column).all() or not (np.diff(column) != 0).all():
        return product.order == "surface_first"
    return bool(column[0] > column[-1])


def _known(file: GriddedFile, name: str) -> bool:
    return _first(file, file.product.variables[name].paths) is not None


def _check_plausible(variable: xr.Variable, name: str, given: str, where: str) -> None:
    """Look at one row of values: a unit that is stated wrongly shows by its size."""
    low, high = gases()[name].plausible
    for row in (variable.sizes["lat"] // 2, 0, variable.sizes["lat"] - 1):
        place = {dim: row if dim == "lat" else 0 for dim in variable.dims if dim != "lon"}
        sample = variable.isel(place).values
        sample = sample[np.isfinite(sample)]
        if sample.size:
            break
    if sample.size and not low <= float(np.median(sample)) <= high:
        raise UnitsError(
            f"values like {float(np.median(sample)):.4g} {gases()[name].units} are impossible "
            f"(stated unit: {given!r})",
            where=where,
            expected=f"{low:g} to {high:g} {gases()[name].units}",
            fix="state the true unit in a YAML file of your own: units: and ignore_stated_units: true",
        )

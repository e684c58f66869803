"""Profiles of a gas on pressure: given by the user, taken from a table or from a field, or computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from yaotan.catalog.gas import gases
from yaotan.errors import SchemaError
from yaotan.units import convert

Kind = Literal["level", "layer"]
#: vertical dimension of values -> dimension of their pressure, and its variable
PRESSURE: Final = {"level": ("level", "pressure_level"), "layer": ("edge", "pressure_edge")}
#: (time, latitude, longitude, pressure [hPa] (n, k)) -> mole fraction (n, k) in the unit of the gas
Climatology: TypeAlias = Callable[[Any, Any, Any, Any], Any]


@dataclass(frozen=True)
class Profile:
    """Dry-air mole fractions on pressure, one profile for all soundings or one for each.

    Attributes
    ----------
    values : array_like
        ``(k,)`` or ``(sounding, k)``; an `xarray.DataArray` may be lazy.
    pressure : array_like
        Of the levels ``(k,)`` or ``(sounding, k)``, or of the edges of the layers, one more [hPa]; monotonic.
    kind : {"level", "layer"}
        Point values on levels (linear in pressure between them), or means of layers.
    units : str
        Unit of the values.
    name : str
        Where they come from; goes into the attributes of what is made with them.

    Examples
    --------
    >>> Profile([400.0, 395.0], [1000.0, 0.0], "level", "ppm", "two levels").kind
    'level'
    """

    values: Any
    pressure: Any
    kind: Kind
    units: str
    name: str = "profile"

    def __post_init__(self) -> None:
        if self.kind not in PRESSURE:
            raise SchemaError(
                f"vertical kind is {self.kind!r}",
                where=f"profile {self.name!r}",
                expected="level (point values) or layer (means between edges)",
            )
        given, wanted = np.shape(self.pressure)[-1], np.shape(self.values)[-1] + (self.kind == "layer")
        if given != wanted or wanted < 2:
            raise SchemaError(
                f"{np.shape(self.values)[-1]} values on {self.kind}s have {given} pressures",
                where=f"profile {self.name!r}",
                expected="as many pressures as levels (two at least), or one more than layers",
            )

    def arrays(self, units: str) -> tuple[xr.DataArray, xr.DataArray]:
        """Give values in a unit, and pressures, on dims of their own."""
        values = _array(self.values, "profile_value")
        pressure = _array(self.pressure, "profile_pressure")
        values = values.copy(data=convert(values.data, self.units, units, where=f"profile {self.name!r}"))
        return values, pressure


def _array(given: ArrayLike | xr.DataArray, dim: str) -> xr.DataArray:
    data = given.data if isinstance(given, xr.DataArray) else np.asarray(given, float)
    return xr.DataArray(data, dims=("sounding", dim)[-data.ndim :])


def table_profile(table: xr.Dataset, gas: str, *, rows: Any = None) -> Profile:
    """Take the profile of a gas from a table of soundings or from a field sampled at soundings.

    Parameters
    ----------
    table : xarray.Dataset
        Holds ``<gas>_prior_profile`` or ``<gas>`` with dim ``level`` or ``layer``, and the pressure of it.
    gas : str
        Such as ``co2``.
    rows : array_like of int, optional
        Rows of the table to take, one for each sounding that the profile is for.

    Returns
    -------
    Profile

    Raises
    ------
    SchemaError
        There is no profile or no pressure, or it has another vertical kind than it says.
    """
    where = str(table.attrs.get("product", table.attrs.get("title", "prior")))
    name = next(
        (n for n in (f"{gas}_prior_profile", gas) if n in table and {*PRESSURE} & {*table[n].dims}), None
    )
    if name is None:
        raise SchemaError(
            f"there is no profile of {gas}",
            where=where,
            expected=f"{gas}_prior_profile or {gas} with a dimension level or layer",
        )
    values = table[name]
    kind = vertical_kind(table, values, where)
    pressure = table[PRESSURE[kind][1]]
    if rows is not None:
        values, pressure = (
            array.isel(sounding=rows) if "sounding" in array.dims else array for array in (values, pressure)
        )
    return Profile(values, pressure, kind, str(values.attrs.get("units", "")), where)


def vertical_kind(table: xr.Dataset, values: xr.DataArray, where: str) -> Kind:
    """Tell whether values lie on levels or layers; refuse a mixture or a missing pressure."""
    kinds = [kind for kind in PRESSURE if kind in values.dims]
    said = values.attrs.get("vertical_kind", table.attrs.get("vertical_kind"))
    if len(kinds) != 1 or (said is not None and said != kinds[0]):
        raise SchemaError(
            f"{values.name} has dims {values.dims} and vertical_kind {said!r}",
            where=where,
            expected="level or layer, and one vertical kind in one dataset",
        )
    kind: Kind = "level" if kinds[0] == "level" else "layer"
    dim, name = PRESSURE[kind]
    if name not in table or dim not in table[name].dims:
        raise SchemaError(
            f"{name} is missing", where=where, expected=f"{name} [hPa] for values on {kind}s, dim {dim}"
        )
    return kind


def computed_profile(
    function: Climatology, soundings: xr.Dataset, pressure: xr.DataArray, column: str
) -> Profile:
    """Evaluate a climatology at soundings, on their own levels, or on edges and middles of their layers."""
    levels = pressure.rename({pressure.dims[-1]: "profile_pressure"})
    if pressure.dims[-1] == "edge":
        levels = xr.apply_ufunc(
            _with_middles,
            levels,
            input_core_dims=[["profile_pressure"]],
            output_core_dims=[["point"]],
            dask="parallelized",
            output_dtypes=[float],
            dask_gufunc_kwargs={"output_sizes": {"point": 2 * levels.sizes["profile_pressure"] - 1}},
        ).rename(point="profile_pressure")
    values = xr.apply_ufunc(
        function,
        *(soundings[name].variable for name in ("time", "latitude", "longitude")),
        levels.variable,
        input_core_dims=[[], [], [], ["profile_pressure"]],
        output_core_dims=[["profile_pressure"]],
        dask="parallelized",
        output_dtypes=[float],
    )
    name = getattr(function, "__name__", "climatology")
    return Profile(xr.DataArray(values), levels, "level", gases()[column].units, name)


def _with_middles(edges: Any) -> Any:
    points = np.empty((*edges.shape[:-1], 2 * edges.shape[-1] - 1))
    points[..., ::2] = edges
    points[..., 1::2] = (edges[..., :-1] + edges[..., 1:]) / 2.0
    return points

"""The six nouns: what each data shape must hold, and the only validators of it.

Soundings, scene, grid, raster, features and estimate are described once here; every layer checks with
`check_soundings` and its like and with nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from yaotan.catalog.gas import gases
from yaotan.errors import SchemaError

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr


@dataclass(frozen=True)
class Variable:
    """One variable of the soundings table: dtype, unit and dimensions."""

    dtype: str
    units: str | None
    dims: tuple[str, ...] = ("sounding",)
    standard_name: str | None = None


S, L, Y, E, C = "sounding", "level", "layer", "edge", "corner"

#: Every fixed name; gas variables follow the pattern of `gas_variable`.
SOUNDING_VARIABLES: Final[dict[str, Variable]] = {
    "time": Variable("datetime64[ns]", None, standard_name="time"),
    "latitude": Variable("float64", "degrees_north", standard_name="latitude"),
    "longitude": Variable("float64", "degrees_east", standard_name="longitude"),
    "latitude_corner": Variable("float64", "degrees_north", (S, C)),
    "longitude_corner": Variable("float64", "degrees_east", (S, C)),
    "pressure_level": Variable("float64", "hPa", (S, L), "air_pressure"),
    "pressure_edge": Variable("float64", "hPa", (S, E), "air_pressure"),
    "altitude_level": Variable("float64", "m", (S, L), "altitude"),
    "pressure_weight": Variable("float64", "1", (S, L)),
    "quality": Variable("uint8", None, standard_name="quality_flag"),
    "quality_native": Variable("", None),
    "surface": Variable("uint8", None),
    "mode": Variable("uint8", None),
    "solar_zenith_angle": Variable("float64", "degree", standard_name="solar_zenith_angle"),
    "sensor_zenith_angle": Variable("float64", "degree", standard_name="sensor_zenith_angle"),
    "surface_pressure": Variable("float64", "hPa", standard_name="surface_air_pressure"),
    "surface_altitude": Variable("float64", "m", standard_name="surface_altitude"),
    "sampling_altitude": Variable("float64", "m", standard_name="altitude"),  # of an inlet, above sea level
    "sampling_height": Variable("float64", "m", standard_name="height"),  # of an inlet, above the ground
    "wind_u": Variable("float64", "m s-1", standard_name="eastward_wind"),
    "wind_v": Variable("float64", "m s-1", standard_name="northward_wind"),
    "airmass": Variable("float64", "1"),
    "aerosol_optical_depth": Variable("float64", "1"),
    "sounding_id": Variable("uint64", None),
}
REQUIRED_SOUNDING: Final = ("time", "latitude", "longitude", "quality")
SURFACE: Final = {"land": 0, "water": 1, "mixed": 2}
MODE: Final = {"nadir": 0, "glint": 1, "target": 2, "transition": 3, "area_map": 4}
QUALITY: Final = {"good": 0, "bad": 1}
#: fill of the two flag variables when a product does not say
FLAG_FILL: Final = 255
#: values of the attribute `kind` of grids that hold fields rather than gridded soundings
FIELD_KINDS: Final = ("model", "interpolated")


def gas_variable(name: str) -> Variable | None:
    """Return the rule for ``xco2``, ``xco2_uncertainty``, ``co2_prior_profile`` and their like.

    Examples
    --------
    >>> gas_variable("xch4_prior").units
    'ppb'
    >>> gas_variable("wind_u") is None
    True
    """
    for column, entry in gases().items():
        if name == column:
            return Variable("float64", entry.units, (S,), entry.standard_name)
        if name in (f"{column}_uncertainty", f"{column}_prior", f"{column}_raw"):
            return Variable("float64", entry.units)
        if name == f"{column}_averaging_kernel":
            return Variable("float64", "1", (S, L))
        if name == f"{entry.gas}_prior_profile":
            return Variable("float64", entry.units, (S, L))
    return None


def column_variables(soundings: xr.Dataset) -> list[str]:
    """List the column variables that a dataset holds, in the catalog's order."""
    return [name for name in gases() if name in soundings]


def _fail(noun: str, what: str, expected: str = "") -> None:
    raise SchemaError(what, where=f"{noun} check", expected=expected)


def _check_variable(name: str, array: Any, rule: Variable, noun: str = "soundings") -> None:
    over = rule.dims if noun == "soundings" else ("y", "x", *rule.dims[1:])
    dims = tuple(dim for dim in array.dims if dim != "time")
    allowed = {over, tuple(Y if dim == L else dim for dim in over)}
    if noun == "scene" and name == "time":
        allowed |= {(), ("y",)}
    if dims not in allowed:
        _fail(noun, f"{name} has dims {array.dims}", f"dims {' or '.join(map(str, sorted(allowed)))}")
    if rule.dtype and array.dtype != np.dtype(rule.dtype):
        _fail(noun, f"{name} is {array.dtype}", rule.dtype)
    if rule.units is not None and array.attrs.get("units") != rule.units:
        _fail(noun, f"{name} has units {array.attrs.get('units')!r}", f"units {rule.units!r}")


def _check_variables(dataset: xr.Dataset, noun: str) -> None:
    for key, array in dataset.variables.items():
        rule = SOUNDING_VARIABLES.get(str(key)) or gas_variable(str(key))
        if rule is not None:
            _check_variable(str(key), array, rule, noun)
    for name in ("quality", "surface", "mode"):
        if name in dataset and "flag_meanings" not in dataset[name].attrs:
            _fail(noun, f"{name} has no attribute flag_meanings", "CF flag_values and flag_meanings")
    if "level" in dataset.dims and "layer" in dataset.dims:
        _fail(noun, "has both 'level' and 'layer'", "one vertical kind in one dataset")


def check_soundings(soundings: xr.Dataset) -> xr.Dataset:
    """Check that a dataset is a soundings table.

    Names, dims, dtypes, units, flag meanings and longitude range are checked; lazy values are not loaded.

    Parameters
    ----------
    soundings : xarray.Dataset
        To be checked.

    Returns
    -------
    xarray.Dataset
        The same object.

    Raises
    ------
    SchemaError
        Says which variable breaks which rule.
    """
    if "sounding" not in soundings.dims:
        _fail("soundings", f"dimension 'sounding' is missing (dims: {list(soundings.dims)})")
    for name in REQUIRED_SOUNDING:
        if name not in soundings.variables:
            _fail("soundings", f"variable {name!r} is missing", ", ".join(REQUIRED_SOUNDING))
    if not column_variables(soundings):
        _fail("soundings", "no column variable is present", f"one of {', '.join(gases())}")
    _check_variables(soundings, "soundings")
    return soundings


def check_scene(scene: xr.Dataset) -> xr.Dataset:
    """Check that a dataset is a scene: an image with dims ``y, x`` and the place of each pixel.

    It holds a column variable, or a spectrum (dim ``band``). Variables have the names, units and dtypes of
    soundings, over ``y, x`` in place of ``sounding``; ``time`` may be one for all or one for each ``y``.

    Parameters
    ----------
    scene : xarray.Dataset
        To be checked; lazy values are not loaded.

    Returns
    -------
    xarray.Dataset
        The same object.

    Raises
    ------
    SchemaError
        Says which variable breaks which rule.
    """
    if not {"y", "x"} <= set(scene.dims):
        _fail("scene", f"dims are {list(scene.dims)}", "y, x")
    for name in ("latitude", "longitude"):
        if name not in scene.variables:
            _fail("scene", f"variable {name!r} is missing", "latitude and longitude of each pixel")
    if "band" not in scene.dims and not column_variables(scene):
        _fail(
            "scene", "holds neither a column variable nor a spectrum", f"one of {', '.join(gases())}, or band"
        )
    _check_variables(scene, "scene")
    return scene


def check_grid(grid: xr.Dataset) -> xr.Dataset:
    """Check that a dataset is a grid: dims ``(time,) lat, lon`` or ``(time,) y, x``, CF bounds, sums.

    Column variables need ``_count`` and ``_uncertainty``, unless the attribute ``kind`` of the grid says
    ``model`` or ``interpolated``.

    Parameters
    ----------
    grid : xarray.Dataset
        To be checked.

    Returns
    -------
    xarray.Dataset
        The same object.

    Raises
    ------
    SchemaError
        Says what is missing.
    """
    pair = next((p for p in (("lat", "lon"), ("y", "x")) if set(p) <= set(grid.dims)), None)
    if pair is None:
        _fail("grid", f"dims are {list(grid.dims)}", "(time,) lat, lon or (time,) y, x")
        raise AssertionError
    for dim in pair:
        bounds = grid[dim].attrs.get("bounds")
        if bounds not in grid.variables:
            _fail("grid", f"{dim} has no bounds variable", f"attribute bounds and a variable {dim}_bnds")
    # fields of a model or an interpolation fill every cell: nobody counted soundings there
    if grid.attrs.get("kind") in FIELD_KINDS:
        return grid
    for name in column_variables(grid):
        for suffix in ("_count", "_uncertainty"):
            if name + suffix not in grid:
                _fail(
                    "grid", f"{name + suffix} is missing", f"{name} with {name}_count and {name}_uncertainty"
                )
    return grid


def check_estimate(estimate: xr.Dataset) -> xr.Dataset:
    """Check that a dataset is an estimate: dim ``region``, ``source`` or ``class``, uncertainty beside value.

    Regional means of a field (attribute ``kind`` is ``model`` or ``interpolated``) may have no uncertainty,
    where the field has none.

    Parameters
    ----------
    estimate : xarray.Dataset
        To be checked.

    Returns
    -------
    xarray.Dataset
        The same object.

    Raises
    ------
    SchemaError
        Says what is missing.
    """
    if not {"region", "source", "class"} & set(estimate.dims):
        _fail("estimate", f"dims are {list(estimate.dims)}", "one of region, source, class")
    if estimate.attrs.get("kind") in FIELD_KINDS:
        return estimate
    for name in (*column_variables(estimate), "emission", "stock", "flux"):
        if name in estimate and f"{name}_uncertainty" not in estimate:
            _fail("estimate", f"{name}_uncertainty is missing")
    return estimate


def check_features(features: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Check that a table is a set of features: geometry column and CRS.

    Parameters
    ----------
    features : geopandas.GeoDataFrame
        To be checked.

    Returns
    -------
    geopandas.GeoDataFrame
        The same object.

    Raises
    ------
    SchemaError
        Says what is missing.
    """
    if getattr(features, "geometry", None) is None:
        _fail("features", f"is a {type(features).__name__}", "a geopandas.GeoDataFrame")
    if features.crs is None:
        _fail("features", "has no coordinate reference system", "a GeoDataFrame with .crs")
    return features


def check_raster(raster: xr.DataArray) -> xr.DataArray:
    """Check that an array is a raster: dims ``y, x`` and a CRS known to rioxarray.

    Parameters
    ----------
    raster : xarray.DataArray
        To be checked.

    Returns
    -------
    xarray.DataArray
        The same object.

    Raises
    ------
    SchemaError
        Says what is missing.
    """
    import rioxarray  # noqa: F401  (registers the accessor; heavy, so late)

    if tuple(raster.dims[-2:]) != ("y", "x"):
        _fail("raster", f"dims are {raster.dims}", "y, x")
    if raster.rio.crs is None:
        _fail("raster", "has no coordinate reference system", "raster.rio.write_crs(...)")
    return raster

"""From a noun to a dataset that follows CF-1.8: axes, bounds, grid mapping, links between variables."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyproj
import xarray as xr

from yaotan.catalog import gases
from yaotan.io.write.convention import encode_time, stored
from yaotan.io.write.discovery import global_attributes
from yaotan.io.write.format import Options
from yaotan.schema import SOUNDING_VARIABLES, column_variables, gas_variable

#: suffix of a companion of a column variable -> (standard name, long name)
COMPANION: Final = {
    "_count": ("number_of_observations", "number of soundings"),
    "_uncertainty": (None, "1-sigma uncertainty, all terms"),
    "_uncertainty_random": (None, "1-sigma uncertainty, independent errors"),
    "_uncertainty_overpass": (None, "1-sigma uncertainty, errors correlated within an overpass"),
    "_uncertainty_systematic": (None, "1-sigma uncertainty, fully correlated errors"),
    "_uncertainty_sampling": (None, "1-sigma uncertainty, part of the area and time without soundings"),
    "_spread": (None, "standard deviation of the soundings in the cell"),
    "_standard_error": (None, "spread divided by the root of the effective number of soundings"),
    "_coverage": (None, "share of the area that soundings cover"),
}
_AXES: Final = {
    "lat": {"standard_name": "latitude", "units": "degrees_north", "axis": "Y", "long_name": "latitude"},
    "lon": {"standard_name": "longitude", "units": "degrees_east", "axis": "X", "long_name": "longitude"},
    "x": {"standard_name": "projection_x_coordinate", "units": "m", "axis": "X", "long_name": "easting"},
    "y": {"standard_name": "projection_y_coordinate", "units": "m", "axis": "Y", "long_name": "northing"},
    "time": {"standard_name": "time", "axis": "T", "long_name": "time"},
}
_GRID_MAPPINGS: Final = ("crs", "spatial_ref")


def cf_dataset(obj: xr.Dataset | xr.DataArray, options: Options) -> xr.Dataset:
    """Turn a noun into the dataset that netCDF and Zarr files hold.

    Parameters
    ----------
    obj : xarray.Dataset or xarray.DataArray
        Soundings, grid, raster or estimate, already checked.
    options : Options
        Attributes and date of the file.

    Returns
    -------
    xarray.Dataset
        New, still lazy, with explicit encoding of every variable.
    """
    source = obj if isinstance(obj, xr.Dataset) else _as_dataset(obj)
    variables = {str(name): stored(variable, str(name)) for name, variable in source.variables.items()}
    dataset = xr.Dataset(
        {name: variable for name, variable in variables.items() if name not in source.coords},
        coords={name: variable for name, variable in variables.items() if name in source.coords},
        attrs=source.attrs,
    )
    if options.noun in ("grid", "raster"):
        dataset = _map_grid(dataset, source)
    elif options.noun in ("soundings", "scene"):
        dataset = _link_soundings(dataset)
    elif options.noun == "estimate":
        dataset = _label_instances(dataset)
    # lines and pixels of an image are no axes of a projection
    plane = {"y", "x"} if options.noun in ("scene", "view") else set()
    for name in (_AXES.keys() - plane) & dataset.variables.keys():
        attrs = dataset.variables[name].attrs
        dataset.variables[name].attrs = _AXES[name] | attrs
    _describe_companions(dataset)
    _link_bounds(dataset)
    _describe_rest(dataset)
    dataset = dataset.reset_coords(_not_coordinates(dataset))
    dataset.attrs = global_attributes(dataset, options)
    encode_time(dataset, _epoch(dataset, options.noun))
    _set_fill(dataset)
    return dataset


def _as_dataset(raster: xr.DataArray) -> xr.Dataset:
    name = str(raster.name or "raster")
    return (
        raster.rename(name)
        .to_dataset()
        .assign_attrs({k: v for k, v in raster.attrs.items() if k == "source"})
    )


def _map_grid(dataset: xr.Dataset, source: xr.Dataset) -> xr.Dataset:
    """Name the coordinate system of every gridded variable."""
    mapping = next((name for name in _GRID_MAPPINGS if name in dataset.variables), None)
    if mapping is None:
        mapping = "crs"
        crs = pyproj.CRS.from_epsg(4326) if "lat" in dataset.dims else source.rio.crs
        dataset["crs"] = ((), np.int32(0), pyproj.CRS.from_user_input(crs).to_cf())
    wkt = dataset[mapping].attrs.get("crs_wkt")
    pair = ("lat", "lon") if "lat" in dataset.dims else ("y", "x")
    if pair == ("y", "x") and wkt and pyproj.CRS.from_wkt(wkt).is_geographic:
        for dim, like in (("y", "lat"), ("x", "lon")):
            dataset[dim].attrs = _AXES[like] | dataset[dim].attrs
    for variable in dataset.data_vars.values():
        if set(pair) <= set(variable.dims):
            variable.encoding.pop("grid_mapping", None)
            variable.attrs["grid_mapping"] = mapping
    return dataset


def _link_soundings(dataset: xr.Dataset) -> xr.Dataset:
    """Make time and place auxiliary coordinates, corners their bounds; add standard names."""
    for name, variable in dataset.variables.items():
        rule = SOUNDING_VARIABLES.get(str(name)) or gas_variable(str(name))
        if rule is not None and rule.standard_name:
            variable.attrs.setdefault("standard_name", rule.standard_name)
    for name in ("latitude", "longitude"):
        if f"{name}_corner" in dataset:
            dataset[name].attrs["bounds"] = f"{name}_corner"
    return dataset.set_coords(["time", "latitude", "longitude"])


def _label_instances(dataset: xr.Dataset) -> xr.Dataset:
    """Rename text along a dim of the same name to ``<dim>_id``: CF coordinate variables are numbers."""
    for dim in ("region", "source", "class"):
        if dim in dataset.variables and dataset[dim].dtype.kind not in "iuf":
            label = f"{dim}_id" if f"{dim}_id" not in dataset.variables else f"{dim}_label"
            dataset = dataset.reset_index(dim).rename_vars({dim: label}).set_coords(label)
    return dataset


def _describe_rest(dataset: xr.Dataset) -> None:
    """Give every variable a name for people; bounds and grid mappings need none."""
    bounds = {variable.attrs.get("bounds") for variable in dataset.variables.values()}
    for name, variable in dataset.variables.items():
        if (
            name not in (*_GRID_MAPPINGS, *bounds)
            and not {"long_name", "standard_name"} & variable.attrs.keys()
        ):
            variable.attrs["long_name"] = str(name).replace("_", " ")


def _describe_companions(dataset: xr.Dataset) -> None:
    """Link a column to its count, uncertainty and spread, and say what each of them is."""
    for name in column_variables(dataset):
        attrs, entry = dataset[name].attrs, gases()[name]
        attrs.setdefault("units", entry.units)
        attrs.setdefault("coverage_content_type", "physicalMeasurement")
        attrs.setdefault("long_name", entry.name["en"])
        if entry.standard_name:
            attrs.setdefault("standard_name", entry.standard_name)
        present = [suffix for suffix in COMPANION if name + suffix in dataset]
        for suffix in present:
            name_of_its_own, text = COMPANION[suffix]
            other = dataset[name + suffix].attrs
            other.setdefault("coverage_content_type", "qualityInformation")
            other.setdefault("long_name", f"{entry.name['en']}: {text}")
            other.setdefault("units", "1" if suffix in ("_count", "_coverage") else attrs["units"])
            if name_of_its_own:
                other.setdefault("standard_name", name_of_its_own)
            elif suffix == "_uncertainty" and entry.standard_name:
                other.setdefault("standard_name", f"{entry.standard_name} standard_error")
        if present:
            attrs["ancillary_variables"] = " ".join(name + suffix for suffix in present)
        cells = [str(dim) for dim in dataset[name].dims if dim in ("time", "lat", "lon", "y", "x")]
        if len(cells) > 1:
            attrs.setdefault("cell_methods", " ".join(f"{dim}:" for dim in cells) + " mean")


def _link_bounds(dataset: xr.Dataset) -> None:
    """Bounds take units and type from their coordinate: attributes of their own are left out."""
    for name, variable in dataset.variables.items():
        bounds = variable.attrs.get("bounds")
        if bounds is None and f"{name}_bnds" in dataset.variables:
            bounds = variable.attrs["bounds"] = f"{name}_bnds"
        if bounds in dataset.variables:
            dataset.variables[bounds].attrs = {}


def _not_coordinates(dataset: xr.Dataset) -> list[str]:
    bounds = {variable.attrs.get("bounds") for variable in dataset.variables.values()}
    return [str(name) for name in dataset.coords if name in bounds or name in _GRID_MAPPINGS]


def _epoch(dataset: xr.Dataset, noun: str) -> str:
    if noun not in ("soundings", "pairs", "scene") or "time" not in dataset or dataset["time"].size == 0:
        return "days since 1990-01-01"
    first = dataset["time"].min().values.astype("datetime64[D]")
    return f"seconds since {np.datetime64('1990-01-01') if np.isnat(first) else first}"


def _set_fill(dataset: xr.Dataset) -> None:
    """Declare NaN as fill of floats; coordinates and bounds may have none."""
    bounds = {variable.attrs.get("bounds") for variable in dataset.variables.values()}
    for name, variable in dataset.variables.items():
        if variable.dtype.kind == "f":
            exempt = name in dataset.dims or name in bounds or variable.ndim == 0
            variable.encoding["_FillValue"] = None if exempt else variable.dtype.type(np.nan)

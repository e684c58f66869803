"""Tables: CSV, Parquet and GeoParquet, GeoJSON, GeoPackage."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from yaotan.errors import OutputError
from yaotan.io.write.format import Options

#: companions of a value that become columns of the long table
_PARTS: Final = (
    "uncertainty",
    "lower",
    "upper",
    "uncertainty_random",
    "uncertainty_overpass",
    "uncertainty_systematic",
    "uncertainty_sampling",
    "uncertainty_density",
    "uncertainty_common",
    "uncertainty_fraction",
    "uncertainty_root_shoot",
    "uncertainty_raster",
    "uncertainty_growth",
    "uncertainty_loss",
    "uncertainty_organic",
    "uncertainty_product",
    "uncertainty_area",
    "spread",
    "standard_error",
    "count",
    "coverage",
)


def long_table(estimate: xr.Dataset) -> pd.DataFrame:
    """Turn an estimate into one row per region (source, class), time and variable.

    Parameters
    ----------
    estimate : xarray.Dataset
        With ``<v>`` and its companions ``<v>_uncertainty``, ``<v>_count`` ...

    Returns
    -------
    pandas.DataFrame
        The estimate's dims and coordinates, then ``variable``, ``units``, ``value`` and one column per
        companion; a companion that a variable lacks is missing (NaN) in its rows.

    Examples
    --------
    >>> estimate = xr.Dataset(
    ...     {"xco2": ("region", [421.5], {"units": "ppm"}), "xco2_uncertainty": ("region", [0.4])},
    ...     coords={"region": ["CN-14"]},
    ... )
    >>> long_table(estimate)
      region variable units  value  uncertainty
    0  CN-14     xco2   ppm  421.5          0.4
    """
    names = [str(name) for name in estimate.data_vars]
    companions = {f"{name}_{part}" for name in names for part in _PARTS}
    bounds = {estimate[name].attrs.get("bounds") for name in estimate.variables}
    dims = [str(dim) for dim in estimate.dims if any(dim in estimate[name].dims for name in names)]
    blocks = []
    for name in names:
        array = estimate[name]
        if name in companions or name in bounds or not set(array.dims) & {"region", "source", "class"}:
            continue
        columns = {"value": array} | {
            part: estimate[f"{name}_{part}"] for part in _PARTS if f"{name}_{part}" in estimate
        }
        kept = {str(c): v for c, v in estimate.coords.items() if set(v.dims) <= set(array.dims)}
        frame = xr.Dataset(columns, coords=kept).to_dataframe(dim_order=list(array.dims)).reset_index()
        frame.insert(0, "variable", name)
        frame.insert(1, "units", str(array.attrs.get("units", "")))
        blocks.append(frame)
    if not blocks:
        raise OutputError("the estimate holds no variable by region, source or class")
    table = pd.concat(blocks, ignore_index=True)
    for dim in dims:
        # a year stays a whole number beside variables that have none
        if dim in table and estimate[dim].dtype.kind in "iu":
            table[dim] = table[dim].astype("Int64")
    if "count" in table and (table["count"].dropna() % 1 == 0).all():
        # a whole count stays a whole number beside variables that have none; at borders of regions it may
        # be a part of one
        table["count"] = table["count"].astype("Int64")
    parts = ["value", *(part for part in _PARTS if part in table)]
    labels = [c for c in table if c not in (*parts, "variable", "units", *dims) and c not in bounds]
    return table[[*(d for d in dims if d in table), *labels, "variable", "units", *parts]]


def sounding_table(soundings: xr.Dataset) -> pd.DataFrame:
    """Turn soundings into one row each; corners and levels become numbered columns.

    Examples
    --------
    >>> soundings = xr.Dataset({"latitude_corner": (("sounding", "corner"), [[1.0, 2.0]])})
    >>> list(sounding_table(soundings))
    ['latitude_corner_0', 'latitude_corner_1']
    """
    columns: dict[str, Any] = {}
    for name, variable in soundings.variables.items():
        if not variable.dims or variable.dims[0] != "sounding":
            continue
        values = np.asarray(variable.values)
        if values.ndim == 1:
            columns[str(name)] = values
        else:
            flat = values.reshape(len(values), math.prod(values.shape[1:]))
            columns |= {f"{name}_{index}": flat[:, index] for index in range(flat.shape[1])}
    return pd.DataFrame(columns)


def _table(obj: Any, options: Options) -> pd.DataFrame:
    if options.noun == "estimate":
        return long_table(obj)
    if options.noun == "soundings":
        return sounding_table(obj)
    if options.noun == "pairs":
        return (
            obj[[n for n, a in obj.variables.items() if a.dims]]
            .to_dataframe()
            .reset_index(drop="pair" in obj.dims)
        )
    if options.noun == "features":
        return pd.DataFrame(obj.drop(columns=obj.geometry.name)).assign(wkt=obj.geometry.to_wkt())
    return obj


def write_csv(obj: Any, path: Path, options: Options) -> None:
    """Write a table as CSV: comma, one header line, ISO times, empty for missing, shortest exact numbers.

    Parameters
    ----------
    obj : xarray.Dataset, geopandas.GeoDataFrame or pandas.DataFrame
        Already checked. Geometry becomes the column ``wkt``.
    path : pathlib.Path
        New file.
    options : Options
        `encoding` of the text.
    """
    table = _table(obj, options)
    named = table.index.name is not None or table.index.nlevels > 1
    table.to_csv(path, index=named, encoding=options.encoding, lineterminator="\n")


def write_parquet(obj: Any, path: Path, options: Options) -> None:
    """Write a table as Parquet (zstd).

    Parameters
    ----------
    obj : xarray.Dataset or pandas.DataFrame
        Already checked.
    path : pathlib.Path
        New file.
    options : Options
        Not used further.
    """
    _table(obj, options).to_parquet(path, engine="pyarrow", compression="zstd")


def write_geoparquet(obj: Any, path: Path, options: Options) -> None:
    """Write features, soundings (as points) or an estimate with its regions' shapes as GeoParquet.

    Parameters
    ----------
    obj : geopandas.GeoDataFrame or xarray.Dataset
        Already checked.
    path : pathlib.Path
        New file.
    options : Options
        `geometry` holds the shapes of an estimate.

    Raises
    ------
    OutputError
        An estimate without `geometry`, or with regions that `geometry` lacks.
    """
    if options.noun == "soundings":
        table = sounding_table(obj)
        points = gpd.points_from_xy(table["longitude"], table["latitude"])
        features = gpd.GeoDataFrame(table, geometry=points, crs="EPSG:4326")
    elif options.noun == "estimate":
        features = _with_geometry(long_table(obj), options)
    else:
        features = obj
    features.to_parquet(path, compression="zstd", schema_version="1.1.0")


def _with_geometry(table: pd.DataFrame, options: Options) -> gpd.GeoDataFrame:
    shapes = options.geometry
    key = next((name for name in ("region", "source", "class") if name in table), "region")
    if shapes is None:
        raise OutputError(
            "an estimate has no geometry of its own",
            where=options.name,
            fix="give geometry= the features, or write .csv or format='parquet'",
        )
    ids = f"{key}_id" if f"{key}_id" in shapes else key if key in shapes else None
    index = shapes.set_index(ids) if ids else shapes
    absent = sorted(set(table[key].astype(str)) - set(index.index.astype(str)))
    if absent:
        raise OutputError(
            f"geometry has no shape for {', '.join(absent[:5])}",
            where=options.name,
            expected=f"a column {key}_id, or an index, with the ids of the estimate",
        )
    lookup = dict(zip(index.index.astype(str), index.geometry, strict=True))
    return gpd.GeoDataFrame(table, geometry=[lookup[str(value)] for value in table[key]], crs=shapes.crs)


def write_geojson(obj: gpd.GeoDataFrame, path: Path, options: Options) -> None:
    """Write features as GeoJSON (RFC 7946: longitude and latitude in WGS84).

    Parameters
    ----------
    obj : geopandas.GeoDataFrame
        Already checked; another CRS is transformed.
    path : pathlib.Path
        New file.
    options : Options
        `name` gives the layer's name.
    """
    # without a layer name GDAL would write the temporary file's
    layer = options.name.partition(".")[0]
    obj.to_crs("EPSG:4326").to_file(path, driver="GeoJSON", engine="pyogrio", layer=layer, RFC7946="YES")


def write_gpkg(obj: gpd.GeoDataFrame, path: Path, options: Options) -> None:
    """Write features as GeoPackage, in their own CRS.

    Parameters
    ----------
    obj : geopandas.GeoDataFrame
        Already checked.
    path : pathlib.Path
        New file.
    options : Options
        `name` gives the layer's name.
    """
    layer = options.name.partition(".")[0]
    obj.to_file(path, driver="GPKG", engine="pyogrio", layer=layer)

"""Which noun goes into which format: one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import xarray as xr

from yaotan.errors import OutputError
from yaotan.schema import (
    check_estimate,
    check_features,
    check_grid,
    check_raster,
    check_scene,
    check_soundings,
)

#: noun -> formats it can be written as
FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "soundings": ("netcdf", "harp", "zarr", "geoparquet", "parquet", "csv"),
    "scene": ("netcdf",),
    "grid": ("netcdf", "obs4mips", "harp", "zarr", "cog"),
    "raster": ("netcdf", "zarr", "cog"),
    "features": ("geoparquet", "geojson", "gpkg", "csv"),
    "estimate": ("netcdf", "zarr", "geoparquet", "parquet", "csv"),
    # not a noun that crosses modules, but what `collocate` and `validate` give
    "pairs": ("netcdf", "parquet", "csv"),
    "table": ("parquet", "csv"),
    # what draws a source (`yaotan.plume.view`)
    "view": ("netcdf",),
}

#: attribute ``kind`` of a view
VIEWS: Final = ("image view", "track view", "mean flux", "travel curve", "scene flux")

#: suffix -> format meant when none is named
SUFFIX: Final = {
    ".nc": "netcdf",
    ".nc4": "netcdf",
    ".zarr": "zarr",
    ".tif": "cog",
    ".tiff": "cog",
    ".parquet": "parquet",
    ".geoparquet": "geoparquet",
    ".csv": "csv",
    ".geojson": "geojson",
    ".gpkg": "gpkg",
}


@dataclass(frozen=True)
class Options:
    """What a user may ask for beside the object and the path (see `yaotan.io.write.write`)."""

    noun: str
    name: str
    created: datetime
    variable: str | None = None
    geometry: gpd.GeoDataFrame | None = None
    attributes: Mapping[str, Any] | None = None
    encoding: str = "utf-8"
    compression: int = 4

    @property
    def date(self) -> str:
        """Time of creation as ISO 8601 text in UTC."""
        return self.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_LIST: Final = "; ".join(f"{noun}: {', '.join(names)}" for noun, names in FORMATS.items())


def noun_of(obj: Any) -> str:
    """Say which noun an object is, and check it.

    Parameters
    ----------
    obj : object
        Anything that a user hands to `write`.

    Returns
    -------
    str
        A key of `FORMATS`; a plain ``pandas.DataFrame`` is a ``"table"``.

    Raises
    ------
    OutputError
        The object is none of them.
    SchemaError
        It looks like one but breaks its rules.

    Examples
    --------
    >>> noun_of(pd.DataFrame({"a": [1]}))
    'table'
    """
    if isinstance(obj, gpd.GeoDataFrame):
        check_features(obj)
        return "features"
    if isinstance(obj, pd.DataFrame):
        return "table"
    if isinstance(obj, xr.DataArray) and tuple(obj.dims[-2:]) == ("y", "x"):
        check_raster(obj)
        return "raster"
    if isinstance(obj, xr.Dataset):
        dims = set(obj.dims)
        if obj.attrs.get("kind") in VIEWS:
            return "view"
        if "sounding" in dims:
            check_soundings(obj)
            return "soundings"
        if dims & {"region", "source", "class"}:
            check_estimate(obj)
            return "estimate"
        if dims in ({"pair"}, {"station"}):
            return "pairs"
        if {"y", "x"} <= dims and "latitude" in obj.variables:
            check_scene(obj)
            return "scene"
        if {"lat", "lon"} <= dims or {"y", "x"} <= dims:
            check_grid(obj)
            return "grid"
    shown = f"{type(obj).__name__} with dims {list(obj.dims)}" if hasattr(obj, "dims") else type(obj).__name__
    raise OutputError(f"a {shown} cannot be written", expected=_LIST)


def format_of(noun: str, path: Path, wanted: str | None, *, has_geometry: bool) -> str:
    """Choose the format by name or by suffix, and check that the noun can be written so.

    Parameters
    ----------
    noun : str
        From `noun_of`.
    path : pathlib.Path
        Its suffix decides when `wanted` is None.
    wanted : str or None
        A format's name.
    has_geometry : bool
        Whether ``.parquet`` means GeoParquet.

    Returns
    -------
    str
        A format of `FORMATS`.

    Raises
    ------
    OutputError
        Lists what is possible for this noun.

    Examples
    --------
    >>> format_of("grid", Path("a.tif"), None, has_geometry=False)
    'cog'
    """
    possible = FORMATS[noun]
    suffixes = ", ".join(suffix for suffix, name in SUFFIX.items() if name in possible)
    expected = f"for {noun}: {', '.join(possible)} (by suffix: {suffixes})"
    chosen = wanted or SUFFIX.get(path.suffix.lower())
    if chosen is None:
        raise OutputError(
            f"the suffix {path.suffix!r} names no format", where=path, expected=expected, fix="name format="
        )
    if chosen == "parquet" and wanted is None and has_geometry:
        chosen = "geoparquet"
    if chosen not in possible:
        known = {name for names in FORMATS.values() for name in names}
        what = f"{noun} cannot be written as {chosen}" if chosen in known else f"unknown format {chosen!r}"
        raise OutputError(what, where=path, expected=expected)
    return chosen

"""Aliases for the six nouns and for common argument forms (see ``yaotan.schema``)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

    Soundings: TypeAlias = xr.Dataset
    Grid: TypeAlias = xr.Dataset
    Raster: TypeAlias = xr.DataArray
    Estimate: TypeAlias = xr.Dataset
    Features: TypeAlias = gpd.GeoDataFrame
    #: (west, south, east, north) in degrees, west > east crosses the dateline; or polygons.
    Region: TypeAlias = tuple[float, float, float, float] | gpd.GeoDataFrame

PathLike: TypeAlias = str | os.PathLike[str]
Paths: TypeAlias = PathLike | Sequence[PathLike]
#: Pair of ISO dates, both included.
Period: TypeAlias = tuple[str, str]

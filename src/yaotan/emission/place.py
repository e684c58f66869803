"""Where a region lies, as features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely
import xarray as xr

from yaotan.emission.feature import make_feature
from yaotan.errors import PanelError
from yaotan.io.inventory.emission import year_start

if TYPE_CHECKING:
    import geopandas as gpd

#: names of the two features
AXES: Final = ("latitude", "longitude")


def place_feature(regions: gpd.GeoDataFrame, years: Sequence[int]) -> xr.Dataset:
    """Give latitude and longitude of a point inside each region, the same in every year.

    What is in no other column (coal, cold, kinds of industry) often goes on across borders: with its place a
    model of cities can follow the neighbours of a city in other provinces.

    Parameters
    ----------
    regions : geopandas.GeoDataFrame
        With ``region_id``, as `yaotan.open_regions` gives them.
    years : sequence of int
        Years wanted.

    Returns
    -------
    xarray.Dataset
        As `grid_feature`: ``latitude`` and ``longitude`` [degree, WGS84]. Coverage is 1, uncertainty 0.

    Raises
    ------
    PanelError
        No year, or the regions lie on both sides of the dateline.

    Notes
    -----
    A place knows nothing of emissions: it lets a model remember those around it. It helps as far as regions
    that were learned from surround the one that is asked for, and misleads beyond them
    (`yaotan.emission.Domain`): score with ``leave_region_out`` what is to be used for a whole part of a
    country.

    Examples
    --------
    >>> import geopandas as gpd
    >>> square = shapely.box(110, 30, 112, 32)
    >>> regions = gpd.GeoDataFrame({"region_id": ["a"]}, geometry=[square], crs=4326)
    >>> made = place_feature(regions, [2019, 2020])
    >>> made.latitude.values.tolist(), made.longitude.attrs["units"]
    ([[31.0, 31.0]], 'degree')
    """
    if not len(years):
        raise PanelError("no year is asked for", where="place_feature")
    shapes = regions.to_crs("EPSG:4326").geometry.values
    points = shapely.get_coordinates(shapely.point_on_surface(shapes))
    west, east = points[:, 0].min(), points[:, 0].max()
    if east - west > 180.0:
        raise PanelError(
            f"longitudes run from {west:.1f} to {east:.1f}",
            where="place_feature",
            expected="regions on one side of the dateline, so that near longitudes are near places",
            fix="give the two sides to models of their own, or leave the place out",
        )
    coords = {
        "region": regions["region_id"].astype(str).to_numpy(object),
        "time": [year_start(year) for year in years],
    }
    merged = xr.Dataset()
    for name, values in zip(AXES, (points[:, 1], points[:, 0]), strict=True):
        value = xr.DataArray(np.tile(values[:, None], len(years)), coords, ("region", "time"))
        facts = {
            "units": "degree",
            "role": "feature",
            "source": str(regions.attrs.get("source", "")),
            "description": f"{name} of a point inside the region",
        }
        merged = merged.merge(make_feature(name, value, 1.0, 0.0, facts))
    return merged

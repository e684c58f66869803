"""Capacity of power plants by region and year."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from yaotan.catalog.inventory import plant_catalog
from yaotan.emission.feature import make_feature
from yaotan.errors import PanelError
from yaotan.io.inventory.emission import year_start

if TYPE_CHECKING:
    import geopandas as gpd


def capacity_feature(
    plants: gpd.GeoDataFrame,
    regions: gpd.GeoDataFrame,
    years: Sequence[int],
    *,
    fuels: Sequence[str] = ("coal", "gas", "oil"),
    name: str = "capacity",
    buffer: float = 0.0,
    lag: int = 0,
) -> xr.Dataset:
    r"""Give the capacity of power plants by region and year.

    Parameters
    ----------
    plants : geopandas.GeoDataFrame
        As `yaotan.io.open_power_plants` gives them: ``fuel``, ``capacity`` [MW], ``status``,
        ``start``, ``end``.
    regions : geopandas.GeoDataFrame
        With ``region_id``.
    years : sequence of int
        Years wanted.
    fuels : sequence of str
        Fuels that count.
    name : str
        Name of the feature.
    buffer : float
        Plants outside of every region count for the nearest one within this distance [m]: on coasts many
        plants lie off the outline.
    lag : int
        Years until the list is known; trackers are renewed within a year.

    Returns
    -------
    xarray.Dataset
        As `grid_feature`, in MW. A plant runs in the years from its start to its end (that one included). One
        without a start counts in every year, and the uncertainty is that of a capacity that is or is not
        there, :math:`\Delta / \sqrt{12}` of the sum of such plants. Coverage is the share of plants in the
        region whose capacity is known (1 where there is no plant). Attribute ``counted``: plants by what
        became of them.

    Raises
    ------
    PanelError
        The list holds no capacity at all, or no such fuel.
    """
    chosen = plants[plants["fuel"].isin(list(fuels))]
    if chosen.empty or chosen["capacity"].isna().all():
        what = f"no plant of {', '.join(fuels)}" if chosen.empty else "no capacity is known"
        raise PanelError(what, where="plants", expected=", ".join(sorted(set(plants["fuel"]))))
    running = {"", *plant_catalog().running}
    stopped = ~chosen["status"].str.casefold().isin(running) & chosen["end"].isna()
    region = _places(chosen, regions, buffer)
    used = (region >= 0) & ~stopped.to_numpy()
    size = chosen["capacity"].to_numpy(float)
    start, end = chosen["start"].to_numpy(float), chosen["end"].to_numpy(float)
    shape = (len(regions), len(years))
    total, unsure, share = np.zeros(shape), np.zeros(shape), np.ones(shape)
    for column, year in enumerate(years):
        runs = used & ~(start > year) & ~(end < year)
        for number in np.unique(region[runs]):
            here = runs & (region == number)
            total[number, column] = np.nansum(size[here])
            unsure[number, column] = np.nansum(size[here & np.isnan(start)])
            share[number, column] = np.isfinite(size[here]).mean()
    coords = {
        "region": regions["region_id"].astype(str).to_numpy(object),
        "time": [year_start(year) for year in years],
    }
    value, spread, coverage = (
        xr.DataArray(array, coords, ("region", "time")) for array in (total, unsure / np.sqrt(12.0), share)
    )
    facts = {
        "units": "MW",
        "role": "feature",
        "lag": lag,
        "source": str(plants.attrs.get("product", "")),
        "description": f"capacity of {', '.join(fuels)}",
    }
    result = make_feature(name, value.where(coverage > 0), coverage, spread, facts)
    result.attrs["counted"] = json.dumps(
        {
            "other fuel": len(plants) - len(chosen),
            "not running, end unknown": int(stopped.sum()),
            "outside of every region": int(((region < 0) & ~stopped.to_numpy()).sum()),
            "without start": int((used & np.isnan(start)).sum()),
            "without capacity": int((used & np.isnan(size)).sum()),
            "counted": int(used.sum()),
        }
    )
    return result


def _places(plants: gpd.GeoDataFrame, regions: gpd.GeoDataFrame, buffer: float) -> Any:
    """Number of the region of each plant, -1 for none; near ones in an equidistant sense of metres."""
    import shapely

    from yaotan.geodesy import distance

    shapes = regions.to_crs("EPSG:4326").geometry.values
    points = plants.to_crs("EPSG:4326").geometry.values
    tree = shapely.STRtree(shapes)
    found = np.full(len(points), -1)
    point, shape = tree.query(points, predicate="intersects")
    found[point[::-1]] = shape[::-1]
    if buffer > 0:
        for number in np.flatnonzero(found < 0):
            nearest = tree.nearest(points[number])
            ends = shapely.get_coordinates(shapely.shortest_line(points[number], shapes[nearest]))
            if distance(ends[0, 1], ends[0, 0], ends[1, 1], ends[1, 0]) <= buffer:
                found[number] = nearest
    return found

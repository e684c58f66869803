"""Maps of carbon for the page: means over the pixels of large cells, from exact areas."""

from __future__ import annotations

import math
import warnings
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr

from yaotan.carbon.change.change import stock_change
from yaotan.carbon.land import transition_matrix
from yaotan.carbon.pool import PoolTable
from yaotan.carbon.stock import carbon_stock
from yaotan.errors import RegionError

#: code of cells that belong to no region
OUTSIDE = 0


def place_on_earth(raster: Any, crs: Any, **how: Any) -> Any:
    """Give a raster or grid its reference system, without words on what CF attributes cannot say of it.

    The well-known text that is written beside them has all of it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*lost in conversion to CF", category=UserWarning)
        return raster.rio.write_crs(crs, **how)


def cell_raster(land: xr.DataArray, cells: int) -> xr.DataArray:
    """Number the cells of a lattice whose cells are whole pixels of a raster.

    Parameters
    ----------
    land : xarray.DataArray
        Land classes.
    cells : int
        About how many there may be.

    Returns
    -------
    xarray.DataArray
        int32, from 1, in the reference system of `land`; the last row and column may reach beyond it.

    Examples
    --------
    >>> import rioxarray
    >>> axes = {"y": [3.5, 2.5, 1.5, 0.5], "x": [0.5, 1.5, 2.5, 3.5]}
    >>> land = xr.DataArray(np.ones((4, 4), "uint8"), coords=axes, dims=("y", "x")).rio.write_crs("EPSG:6933")
    >>> cell_raster(land, 4).values.tolist(), cell_raster(land, 4).x.values.tolist()
    ([[1, 2], [3, 4]], [1.0, 3.0])
    """
    rows, columns = land.shape
    side = max(1, math.ceil(math.sqrt(rows * columns / cells)))
    size = {"y": -(-rows // side), "x": -(-columns // side)}
    coords, steps = {}, {}
    for dim, count in size.items():
        place = land[dim].values.astype(float)
        step = float(place[-1] - place[0]) / (len(place) - 1) if len(place) > 1 else 1.0
        steps[f"{dim}_step"] = step * side
        coords[dim] = place[0] + step * ((side - 1) / 2 + side * np.arange(count))
    codes = np.arange(1, size["y"] * size["x"] + 1, dtype=np.int32).reshape(size["y"], size["x"])
    made = xr.DataArray(
        codes, coords=coords, dims=("y", "x"), attrs={"_FillValue": np.int32(OUTSIDE), **steps}
    )
    return place_on_earth(made, land.rio.crs)


def cells_of_regions(
    cells: xr.DataArray, regions: gpd.GeoDataFrame | None, pools: PoolTable | None, zones: Any
) -> tuple[xr.DataArray, dict[str, str] | None]:
    """Leave out cells that no region touches; where densities differ by zone, find the zone of each cell.

    Parameters
    ----------
    cells : xarray.DataArray
        Of `cell_raster`.
    regions : geopandas.GeoDataFrame or None
        None: no cell is left out.
    pools : PoolTable or None
        Whose zones matter.
    zones : mapping of str to str, optional
        Region -> zone.

    Returns
    -------
    cells : xarray.DataArray
        With `OUTSIDE` in cells that are left out.
    zones : dict or None
        Cell -> zone of the region that its middle lies in; a cell without one is left out. None where
        densities hold everywhere.

    Raises
    ------
    RegionError
        Densities differ by zone, and there is no region to tell zones by.
    """
    zoned = pools is not None and bool(pools.zones)
    if regions is None:
        if zoned:
            raise RegionError(
                "densities differ by zone, but there are no regions", fix="carbon.regions: true"
            )
        return cells, None
    shapes = regions.to_crs(cells.rio.crs)
    x, y = (side.ravel() for side in np.meshgrid(cells["x"].values, cells["y"].values))
    half_x, half_y = (abs(float(step)) / 2 for step in (_step(cells, "x"), _step(cells, "y")))
    tree = shapely.STRtree(shapes.geometry.values)
    places = shapely.points(x, y) if zoned else shapely.box(x - half_x, y - half_y, x + half_x, y + half_y)
    touching, found = tree.query(places, predicate="intersects")
    kept, flat = np.full(cells.size, OUTSIDE, dtype=np.int32), cells.values.ravel()
    if not zoned or pools is None:
        kept[touching] = flat[touching]
        return cells.copy(data=kept.reshape(cells.shape)), None
    named: dict[str, str] = {}
    for place, row in zip(
        touching[::-1].tolist(), found[::-1].tolist(), strict=True
    ):  # the first region wins
        region = str(shapes["region_id"].iloc[row])
        zone = (zones or {}).get(region, region)
        if zone in pools.zones:
            kept[place] = flat[place]
            named[str(flat[place])] = zone
    return cells.copy(data=kept.reshape(cells.shape)), named


def _step(cells: xr.DataArray, dim: str) -> float:
    place = cells[dim].values
    return float(place[1] - place[0]) if len(place) > 1 else float(cells.attrs[f"{dim}_step"])


def map_stock(
    land: xr.DataArray,
    cells: xr.DataArray,
    *,
    pools: PoolTable | None,
    rasters: Any,
    zones: dict[str, str] | None,
    accounted: Any,
) -> tuple[xr.DataArray, xr.DataArray]:
    """Map the mean density of carbon, and the class with most area, of every cell.

    Returns
    -------
    density : xarray.DataArray
        float32 [kg m-2] of carbon, over the land of the cell that has a class; NaN: there is none.
    classes : xarray.DataArray
        int32 codes; -1: there is none.
    """
    made = carbon_stock(
        land,
        pools,
        regions=cells,
        rasters=rasters,
        zones=zones,
        accounted=accounted,
        uncertainty="propagation",
    )
    ids, keep = _cells_of(made)
    density = _paint(cells, ids, made["stock_density"].values[keep])
    area = made["class_area"].transpose("region", "class").values[keep]
    most = made["class"].values[area.argmax(axis=1)]
    there = area.sum(axis=1) > 0
    classes = _paint(cells, ids[there], most[there])
    classes = classes.fillna(-1).astype(np.int32)
    density = density.astype(np.float32).rename("stock_density")
    density.attrs = {"units": "kg m-2", "quantity": "carbon", "substance": "carbon"}
    density.attrs["long_name"] = "mean carbon density of the land of the cell"
    classes = classes.rename("land_class")
    classes.attrs = {
        "scheme": land.attrs["scheme"],
        "quantity": "land_class",
        "units": "1",
        "_FillValue": np.int32(-1),
        "long_name": "class with most area in the cell",
    }
    return place_on_earth(density, cells.rio.crs), place_on_earth(classes, cells.rio.crs)


def map_change(before: xr.DataArray, after: xr.DataArray, cells: xr.DataArray, **given: Any) -> xr.DataArray:
    """Map the change of the carbon stock of every cell, over its land that is valid at both dates.

    Returns
    -------
    xarray.DataArray
        float32 [kg m-2] of carbon over the whole period, positive: the land gained.
    """
    if given["rasters"] or given["zones"] is not None:
        made = stock_change(before, after, regions=cells, uncertainty="propagation", **given)
        ids, keep = _cells_of(made)
        area = made["transition_area"].sum(("before", "after")).values[keep]
        total = made["stock_change"].values[keep]
    else:
        ids, area, total = _by_transition(transition_matrix(before, after, regions=cells), given)
    there = area > 0
    value = total[there] / area[there]
    change = _paint(cells, ids[there], value).astype(np.float32).rename("stock_change")
    change.attrs = {"units": "kg m-2", "quantity": "carbon_change", "substance": "carbon"}
    change.attrs["long_name"] = "change of carbon per area, positive is a gain of land"
    return place_on_earth(change, cells.rio.crs)


def _by_transition(pairs: xr.Dataset, given: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give codes, areas and changes of cells.

    Where densities hold everywhere, a transition does per area in every cell what it does in all of them
    together, so the change is worked out once.
    """
    whole = pairs.isel(region=[0]).copy(deep=True)
    for name in pairs.data_vars:
        whole[name].values[0] = pairs[name].values.sum(axis=0)
    made = stock_change(whole, None, uncertainty="propagation", **given).isel(region=-1)
    area, change = (made[name].values for name in ("transition_area", "transition_change"))
    per_area = np.divide(change, area, out=np.zeros_like(area), where=area > 0)
    held = pairs["area"].transpose("region", "before", "after").values
    ids = np.array([int(name) for name in pairs["region"].values])
    return ids, held.sum(axis=(1, 2)), (held * per_area).sum(axis=(1, 2))


def _cells_of(made: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Codes of cells, and which regions of a result they are (the last may be all together)."""
    names = [str(name) for name in made["region"].values]
    keep = np.array([name != "*" for name in names])
    return np.array([int(name) for name in names if name != "*"]), keep


def _paint(cells: xr.DataArray, ids: np.ndarray, values: np.ndarray) -> xr.DataArray:
    out = np.full(int(max(cells.values.max(), ids.max(initial=0))) + 1, np.nan)
    out[ids] = values
    out[OUTSIDE] = np.nan
    return cells.copy(data=np.zeros(cells.shape)).astype(float).copy(data=out[cells.values])

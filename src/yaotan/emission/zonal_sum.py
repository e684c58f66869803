"""Sums of what cells hold (people, lights) over regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from yaotan.errors import RegionError
from yaotan.geodesy import polygon_area
from yaotan.grid.axes import axes_of
from yaotan.grid.coverage import region_cells
from yaotan.schema import check_features

if TYPE_CHECKING:
    import geopandas as gpd


def zonal_sum(
    values: xr.DataArray, regions: gpd.GeoDataFrame, uncertainty: xr.DataArray | None = None
) -> xr.Dataset:
    """Add up the values of cells over regions, cells at borders by the share of their area.

    Parameters
    ----------
    values : xarray.DataArray
        Dims (time, lat, lon) or (time, y, x); an amount in each cell, evenly spread in it.
    regions : geopandas.GeoDataFrame
        With ``region_id``.
    uncertainty : xarray.DataArray, optional
        1 sigma of each cell, independent of the others.

    Returns
    -------
    xarray.Dataset
        Dims (region, time): the sum (missing where no cell has a value), ``_coverage``, and ``_uncertainty``
        where one is given. Only the windows around the regions are read.

    Raises
    ------
    RegionError
        Every region lies outside the data.
    """
    axes = axes_of(values)
    areas = polygon_area(check_features(regions).to_crs("EPSG:4326").geometry.values)
    cells = region_cells(axes, regions)
    if all(found.row.size == 0 for found in cells):
        raise RegionError("no region touches the data", expected="regions inside the grid")
    shape = (len(regions), values.sizes["time"])
    total, coverage, variance = np.full(shape, np.nan), np.zeros(shape), np.full(shape, np.nan)
    for number, found in enumerate(cells):
        if found.row.size == 0:
            continue
        top, bottom, left, right = found.window
        rows, columns = axes.stored(slice(top, bottom), slice(left, right))
        place = (slice(None), found.row - top, found.column - left)

        def read(array: xr.DataArray, rows: slice = rows, columns: slice = columns) -> np.ndarray:
            block = array.isel({axes.y_dim: rows, axes.x_dim: columns})
            block = block.transpose("time", axes.y_dim, axes.x_dim)
            data = np.asarray(block.values, float)
            return data[:, :: -1 if axes.y_flipped else 1, :: -1 if axes.x_flipped else 1]

        data = read(values)[place]
        held = np.isfinite(data)
        total[number] = np.where(held.any(1), np.where(held, data * found.fraction, 0.0).sum(1), np.nan)
        coverage[number] = (held * (found.fraction * found.area)).sum(1) / areas[number]
        if uncertainty is not None:
            spread = (read(uncertainty)[place] * found.fraction) ** 2
            variance[number] = np.where(held, spread, 0.0).sum(1)
    name = str(values.name)
    coords = {"region": regions["region_id"].astype(str).to_numpy(object), "time": values["time"].values}
    table = xr.Dataset(
        {
            name: (("region", "time"), total),
            f"{name}_coverage": (("region", "time"), np.minimum(coverage, 1.0)),
        },
        coords=coords,
    )
    if uncertainty is not None:
        table[f"{name}_uncertainty"] = (("region", "time"), np.sqrt(variance))
    return table

"""Predictors of plots, read out of rasters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from yaotan.errors import SchemaError
from yaotan.schema import check_raster


def sample_predictors(
    rasters: xr.Dataset | Mapping[str, xr.DataArray], longitude: ArrayLike, latitude: ArrayLike
) -> pd.DataFrame:
    """Give the value of the pixel that each plot lies in, raster by raster.

    Parameters
    ----------
    rasters : xarray.Dataset or mapping of str to xarray.DataArray
        Dims ``y, x``, a CRS known to rioxarray; each may be on a grid of its own.
    longitude, latitude : array_like
        ``(n,)`` places of plots, WGS84 [degrees].

    Returns
    -------
    pandas.DataFrame
        One row for each plot, one column for each raster; missing outside of a raster and where it has no
        value.

    Raises
    ------
    SchemaError
        There is no raster, one has no CRS or is not on a regular grid, or no plot lies in it.

    Notes
    -----
    A plot is smaller than most pixels, and its place is known to tens of metres: neither is mended here, both
    are part of the errors that `BiomassModel` learns.

    Examples
    --------
    >>> import rioxarray
    >>> axes = {"y": [31.5, 30.5], "x": [110.5, 111.5]}
    >>> height = xr.DataArray([[1.0, 2.0], [3.0, 4.0]], coords=axes, dims=("y", "x"))
    >>> height = height.rio.write_crs("EPSG:4326")
    >>> sample_predictors({"height": height}, [110.2, 111.9, 120.0], [31.9, 30.1, 31.0])["height"].tolist()
    [1.0, 4.0, nan]
    """
    from pyproj import Transformer

    lon, lat = np.asarray(longitude, float), np.asarray(latitude, float)
    names = [str(name) for name in (rasters.data_vars if isinstance(rasters, xr.Dataset) else rasters)]
    if not names:
        raise SchemaError("there is no raster", where="sample_predictors", expected="one for each predictor")
    columns = {}
    for name in names:
        raster = check_raster(rasters[name])
        x, y = Transformer.from_crs("EPSG:4326", raster.rio.crs, always_xy=True).transform(lon, lat)
        column, row = _cell(raster, "x", x, name), _cell(raster, "y", y, name)
        inside = (column >= 0) & (column < raster.sizes["x"]) & (row >= 0) & (row < raster.sizes["y"])
        if not inside.any():
            raise SchemaError(
                f"no plot lies in the raster {name}", where="sample_predictors",
                expected="places in degrees, and a raster around them",
                fix="check the order of longitude and latitude",
            )  # fmt: skip
        values = np.full(lon.size, np.nan)
        places = {"y": xr.DataArray(row[inside], dims="plot"), "x": xr.DataArray(column[inside], dims="plot")}
        found = np.asarray(raster.isel(places).values, dtype=float)
        fill = raster.rio.nodata
        values[inside] = found if fill is None else np.where(found == fill, np.nan, found)
        columns[name] = values
    return pd.DataFrame(columns)


def _cell(raster: xr.DataArray, axis: str, at: np.ndarray, name: str) -> np.ndarray:
    """Number of the pixel along an axis; -1 where the place is not finite."""
    centre = raster[axis].values.astype(float)
    if centre.size < 2:
        raise SchemaError(f"the raster {name} has one pixel along {axis}", where="sample_predictors")
    step = (centre[-1] - centre[0]) / (centre.size - 1)
    if np.abs(np.diff(centre) - step).max() > 1e-3 * abs(step):
        raise SchemaError(f"the raster {name} is not regular along {axis}", where="sample_predictors")
    place = np.floor((at - centre[0]) / step + 0.5)
    return np.where(np.isfinite(place), place, -1).astype(np.int64)

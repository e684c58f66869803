"""The verbs of land: areas of classes, and what became of what."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from yaotan.carbon.histogram import check_histogram, is_pair
from yaotan.carbon.overlay import land_histogram
from yaotan.carbon.weight import Method
from yaotan.errors import SchemaError

#: ways of writing a transition matrix as a table
_FORMS = ("long", "matrix")


def class_area(
    landuse: xr.DataArray,
    *,
    regions: gpd.GeoDataFrame | xr.DataArray | None = None,
    densities: Mapping[str, xr.DataArray] | None = None,
    squares: bool = False,
    area: Method = "exact",
    workers: int | None = None,
) -> xr.Dataset:
    """Area of each land class, by region.

    Parameters
    ----------
    landuse : xarray.DataArray
        Land classes of one date, as `yaotan.open_raster` gives them.
    regions : geopandas.GeoDataFrame or xarray.DataArray, optional
        Polygons with ``region_id`` (exact share of every pixel), or a raster of region codes.
    densities : mapping of str to xarray.DataArray, optional
        Rasters (biomass, soil carbon) of which area x value is summed by class; any lattice.
    squares : bool
        Whether area x value^2 is summed too.
    area : {"exact", "planar"}
        On the WGS84 ellipsoid; or in the plane of the projection, only to match others.
    workers : int, optional
        Threads, by default two at most.

    Returns
    -------
    xarray.Dataset
        Land histogram with dims ``(region, class)``: ``area`` [m2], ``count`` of pixels,
        ``<density>_sum``, ``<density>_area``; `yaotan.write` makes a table of it.

    Raises
    ------
    SchemaError, GridError, RegionError
        As `yaotan.carbon.overlay.land_histogram`.

    Notes
    -----
    Latitude and longitude: exact area between parallels and meridians. Projections: the plane times the
    local areal scale (error below 1e-8 for pixels up to 500 m). Counting pixels is biased where a map is: see
    `adjusted_area`.

    Examples
    --------
    >>> import numpy as np, rioxarray
    >>> axes = {"y": [30.5, 29.5], "x": [110.5, 111.5]}
    >>> codes = xr.DataArray(np.array([[2, 2], [1, 255]], dtype="uint8"), coords=axes, dims=("y", "x"))
    >>> land = codes.assign_attrs(scheme="clcd", _FillValue=255).rio.write_crs("EPSG:4326")
    >>> table = class_area(land)
    >>> table.class_name.values.tolist(), (table.area[0] / 1e6).round(0).values.tolist()
    (['Cropland', 'Forest'], [10748.0, 21285.0])
    """
    return land_histogram(
        landuse, regions=regions, densities=densities, squares=squares, area=area, workers=workers
    )


def transition_matrix(
    before: xr.DataArray,
    after: xr.DataArray,
    *,
    regions: gpd.GeoDataFrame | xr.DataArray | None = None,
    densities: Mapping[str, xr.DataArray] | None = None,
    squares: bool = False,
    area: Method = "exact",
    workers: int | None = None,
) -> xr.Dataset:
    """Area that went from each class to each class between two dates, by region.

    Parameters
    ----------
    before, after : xarray.DataArray
        Land classes of one scheme at two dates; lattices may differ (exact shares of the common pieces).
    regions, densities, squares, area, workers
        As in `class_area`.

    Returns
    -------
    xarray.Dataset
        Land histogram with dims ``(region, before, after)``: ``area`` [m2] of land valid at both dates,
        ``count``, and ``area_before_only``, ``area_after_only`` of land valid at one date only.

    Raises
    ------
    SchemaError, GridError, RegionError
        As `yaotan.carbon.overlay.land_histogram`: other schemes, nothing valid at both dates, ...

    Notes
    -----
    The difference of two totals is not the change where the masks differ: it holds the land of one date
    only. Errors of the two maps look like change, mostly along borders of classes.

    Examples
    --------
    >>> import numpy as np, rioxarray
    >>> axes = {"y": [1500.0, 500.0], "x": [500.0, 1500.0]}
    >>> def land(codes):
    ...     made = xr.DataArray(np.array(codes, dtype="uint8"), coords=axes, dims=("y", "x"))
    ...     return made.assign_attrs(scheme="clcd").rio.write_crs("EPSG:6933")
    >>> pairs = transition_matrix(land([[1, 1], [2, 2]]), land([[1, 2], [2, 0]]))
    >>> (pairs.area[0] / 1e6).round(6).values.tolist(), float(pairs.area_before_only.sum() / 1e6)
    ([[1.0, 1.0], [0.0, 1.0]], 1.0...)
    """
    return land_histogram(
        before, after, regions=regions, densities=densities, squares=squares, area=area, workers=workers
    )


def transition_table(pairs: xr.Dataset, *, form: str = "long", language: str = "en") -> pd.DataFrame:
    """Write a transition matrix as a table for people, in km2.

    Parameters
    ----------
    pairs : xarray.Dataset
        Of `transition_matrix`.
    form : {"long", "matrix"}
        One row for each pair that occurs, largest first; or one row for each class before and one column for
        each class after, with totals and the land of one date only.
    language : {"en", "zh"}
        Of the names of classes.

    Returns
    -------
    pandas.DataFrame
        In km2; for several regions with the column ``region``.

    Raises
    ------
    SchemaError
        The histogram is of one date, or the form is unknown.

    Examples
    --------
    >>> from yaotan.carbon.histogram import make_histogram
    >>> rows = pd.DataFrame({"before": [1, 1], "after": [1, 2], "area": [3e6, 1e6]})
    >>> transition_table(make_histogram(rows, scheme="clcd"), form="matrix").columns.tolist()
    ['region', 'before', 'Cropland', 'Forest', 'valid before only', 'total']
    """
    check_histogram(pairs)
    if not is_pair(pairs) or form not in _FORMS:
        raise SchemaError(
            f"form={form!r} of dims {list(pairs.dims)}", where="transition table", expected=f"{_FORMS}"
        )
    ending = "_zh" if language == "zh" else ""
    names = [str(name) for name in pairs[f"before_name{ending}"].values]
    tables = [_one_region(pairs.isel(region=number), names, form) for number in range(pairs.sizes["region"])]
    return pd.concat(tables, ignore_index=True)


def _one_region(pairs: xr.Dataset, names: list[str], form: str) -> pd.DataFrame:
    area = pd.DataFrame(pairs["area"].values / 1e6, index=names, columns=names)
    region = str(pairs["region"].values)
    if form == "long":
        table = pd.DataFrame(
            {
                "before": np.repeat(names, len(names)),
                "after": np.tile(names, len(names)),
                "area_km2": pairs["area"].values.ravel() / 1e6,
            }
        )
        table = table[table["area_km2"] > 0].sort_values("area_km2", ascending=False)
        table.insert(0, "region", region)
        return table
    before = pairs["area_before_only"].values / 1e6
    after = pairs["area_after_only"].values / 1e6
    area["valid before only"] = before
    area["total"] = area.sum(axis=1)
    area.loc["valid after only"] = [*after, float("nan"), after.sum()]
    area.loc["total"] = area.sum(axis=0)
    table = area.rename_axis("before").reset_index()
    table.insert(0, "region", region)
    return table

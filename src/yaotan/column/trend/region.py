"""Series of regions and latitude bands from grids whose coverage changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, Literal

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.trend.level import estimate_level
from yaotan.column.trend.moment import decimal_year
from yaotan.column.trend.series import choose_variable
from yaotan.column.trend.yearly import choose
from yaotan.errors import GridError, RegionError, SeriesError
from yaotan.geodesy import polygon_area
from yaotan.grid.axes import Axes, axes_of
from yaotan.grid.coverage import Cells, region_cells
from yaotan.grid.regional import layers_of
from yaotan.schema import check_features

Pattern = Literal["seasonal", "constant"]
_TEXTS: Final = {
    "": "level of the region, cells as if seen in each period",
    "_uncertainty": "1 sigma, all terms together",
    "_uncertainty_random": "1 sigma from the stated errors of the cells",
    "_uncertainty_sampling": "1 sigma from the scatter of cells about the model",
    "_uncertainty_systematic": "1 sigma common to all cells",
    "_count": "soundings of the cells, by cover share",
    "_coverage": "share of the region's area with data",
    "_plain": "plain area-weighted mean of the cells seen",
}


def region_series(
    grid: xr.Dataset,
    regions: gpd.GeoDataFrame,
    *,
    variable: str | None = None,
    pattern: Pattern = "seasonal",
    fewest: int = 6,
    correlation_length: float = 100e3,
) -> xr.Dataset:
    r"""Series of regions that does not follow changes of what is seen.

    A plain mean over the cells of a month (`zonal_statistics`) moves when cells with a high level come or go:
    with a gradient of 2 ppm over the region, a change of orbit or of the cloud season looks like growth. Here
    the cells of all periods are fitted at once,

    .. math:: v_{tc} = b_t + p_c(\mathrm{season}) + e_{tc},

    with weights of area over variance, and the level b of each period is what the whole region would show,
    since the pattern p has mean 0 over the region.

    Parameters
    ----------
    grid : xarray.Dataset
        Grid with dims ``(time, lat, lon)`` or ``(time, y, x)``.
    regions : geopandas.GeoDataFrame
        As `open_regions` returns.
    variable : str, optional
        Column variable; needed where the grid has several.
    pattern : {"seasonal", "constant"}
        Whether the pattern of cells may change with the season (constant, cosine and sine of the year; the
        latter two are held towards 0 with the weight of one period), or is the same throughout.
    fewest : int
        Periods in which a cell must have been seen. Others take no part and are counted.
    correlation_length : float
        E-folding length of the errors, and of the departures from the model, of two cells [m].

    Returns
    -------
    xarray.Dataset
        Regional table with dims ``(region, time)`` for `fit_trend`: ``v``, ``v_uncertainty`` with ``_random``
        (stated errors), ``_sampling`` (scatter of the cells about the model) and ``_systematic``,
        ``v_count``, ``v_coverage``, ``v_plain`` (mean of the cells seen, to compare). Coordinates ``cells``,
        ``cells_left_out``. ``attrs["not_estimated"]`` says why a region is NaN throughout.

    Raises
    ------
    GridError
        The variable is missing or has other dimensions, or the grid has no time.
    RegionError
        No region touches the grid.
    SeriesError
        No region can be estimated, or an unknown pattern.

    Notes
    -----
    The region means its cells that were ever seen often enough; a part never seen is not in it. A pattern
    that shifts from year to year (not with the season) goes into the scatter and so into the uncertainty.
    Where the satellite left one part for good before it saw the other, nothing ties the two together: refused
    by region.

    Examples
    --------
    >>> lat, lon = np.arange(0.5, 4), np.arange(0.5, 4)
    >>> time = np.arange("2010-01", "2014-01", dtype="datetime64[M]").astype("datetime64[ns]")
    >>> field = 400.0 + np.arange(48.0)[:, None, None] / 6 + lat[None, :, None] + 0 * lon
    >>> field[24:, 2:] = np.nan  # the north is lost after two years
    >>> grid = xr.Dataset({"xco2": (("time", "lat", "lon"), field)}, {"time": time, "lat": lat, "lon": lon})
    >>> square = gpd.GeoDataFrame({"region_id": ["a"]}, geometry=[shapely.box(0, 0, 4, 4)], crs=4326)
    >>> table = region_series(grid, square)
    >>> [round(float(table[name][0, -1] - table[name][0, 0]), 1) for name in ("xco2", "xco2_plain")]
    [7.8, 6.8]
    """
    choose(pattern, ("seasonal", "constant"), "pattern")
    regions = check_features(regions)
    axes = axes_of(grid)
    name = _variable(grid, axes, variable)
    layers = {
        role: layer
        for role, layer in layers_of(grid, axes, name).items()
        if role in ("value", "sigma", "systematic", "count")
    }
    cells = region_cells(axes, regions)
    if all(found.row.size == 0 for found in cells):
        raise RegionError("no region touches the grid", expected=f"regions inside {axes.extent}")
    basis = _basis(decimal_year(_middles(grid)), pattern)
    table = _frame(grid, regions, cells)
    area = polygon_area(regions.to_crs("EPSG:4326").geometry.values)
    levels, refused, sizes = [], {}, []
    for number, found in enumerate(cells):
        try:
            one, fitted = estimate_level(
                layers, axes, found, basis, fewest, correlation_length, float(area[number])
            )
            sizes.append((int(fitted.kept.sum()), int((~fitted.kept).sum())))
        except SeriesError as error:
            refused[str(table["region"].values[number])] = error.what
            one = dict.fromkeys(_TEXTS, np.full(len(basis), np.nan))
            sizes.append((0, found.row.size))
        levels.append(one)
    if len(refused) == len(cells):
        raise SeriesError(f"no region can be estimated; the first: {next(iter(refused.values()))}")
    units = str(grid[name].attrs.get("units", "1"))
    for ending, text in _TEXTS.items():
        plain = ending in ("_count", "_coverage")
        attrs = {"units": "1" if plain else units, "long_name": f"{name}: {text}"}
        table[name + ending] = (("region", "time"), np.stack([one[ending] for one in levels]), attrs)
    table = table.assign_coords(
        cells=("region", np.array([kept for kept, _ in sizes]), {"long_name": "cells that take part"}),
        cells_left_out=("region", np.array([out for _, out in sizes]), {"long_name": "cells left out"}),
    )
    table.attrs = {
        "method": f"additive fit of cells and periods, {pattern} pattern",
        "fewest": fewest,
        "correlation_length": float(correlation_length),
        "not_estimated": json.dumps(refused),
        "regions_source": str(regions.attrs.get("source", "")),
    }
    return table


def _basis(year: NDArray[np.float64], pattern: Pattern) -> NDArray[np.float64]:
    """Give the functions of time that the pattern of the cells is made of ``(t, q)``."""
    if pattern == "constant":
        return np.ones((year.size, 1))
    turn = 2.0 * np.pi * year
    return np.stack([np.ones_like(turn), np.cos(turn), np.sin(turn)], axis=1)


def band_series(
    grid: xr.Dataset,
    edges: Sequence[float],
    *,
    variable: str | None = None,
    pattern: Pattern = "seasonal",
    fewest: int = 6,
    correlation_length: float = 100e3,
) -> xr.Dataset:
    """Series of latitude bands that does not follow changes of what is seen.

    Parameters
    ----------
    grid : xarray.Dataset
        Grid in latitude and longitude with time.
    edges : sequence of float
        Rising latitudes [degrees]: n edges make n - 1 bands over all longitudes of the grid.
    variable, pattern, fewest, correlation_length
        As in `region_series`.

    Returns
    -------
    xarray.Dataset
        As `region_series`; ids such as ``20N-40N``.

    Raises
    ------
    GridError, RegionError, SeriesError
        As `region_series`; edges that do not rise, or beyond a pole; a projected grid.

    Examples
    --------
    >>> lat, lon = np.arange(0.5, 4), np.arange(0.5, 4)
    >>> time = np.arange("2010-01", "2014-01", dtype="datetime64[M]").astype("datetime64[ns]")
    >>> field = np.full((48, 4, 4), 400.0) + np.arange(48.0)[:, None, None]
    >>> grid = xr.Dataset({"xco2": (("time", "lat", "lon"), field)}, {"time": time, "lat": lat, "lon": lon})
    >>> band_series(grid, [0, 2, 4]).region.values.tolist()
    ['0-2N', '2N-4N']
    """
    north = np.asarray(edges, float)
    if north.ndim != 1 or north.size < 2 or not (np.diff(north) > 0).all() or np.abs(north).max() > 90.0:
        raise RegionError(f"edges are {list(edges)}", expected="two or more rising latitudes from -90 to 90")
    axes = axes_of(grid)
    if axes.crs is not None:
        raise GridError("the grid is projected", expected="latitude and longitude", fix="use region_series")
    west, _, east, _ = axes.extent
    boxes = [shapely.box(west, low, east, high) for low, high in pairwise(north)]
    names = [f"{_latitude(low)}-{_latitude(high)}" for low, high in pairwise(north)]
    bands = gpd.GeoDataFrame({"region_id": names, "name": names, "name_zh": names}, geometry=boxes, crs=4326)
    return region_series(
        grid,
        bands,
        variable=variable,
        pattern=pattern,
        fewest=fewest,
        correlation_length=correlation_length,
    )


def _latitude(value: float) -> str:
    return f"{abs(value):g}" + ("" if value == 0 else "N" if value > 0 else "S")


def _variable(grid: xr.Dataset, axes: Axes, variable: str | None) -> str:
    if "time" not in grid.dims:
        raise GridError("the grid has no time", expected="dims (time, lat, lon) or (time, y, x)")
    name = choose_variable(grid, variable, "time")
    extra = set(grid[name].dims) ^ {"time", axes.y_dim, axes.x_dim}
    if extra:
        raise GridError(f"{name} has dims {grid[name].dims}", expected=f"time, {axes.y_dim}, {axes.x_dim}")
    return name


def _middles(grid: xr.Dataset) -> NDArray[np.datetime64]:
    time = grid["time"].values.astype("datetime64[ns]")
    bounds = grid["time"].attrs.get("bounds", "time_bnds")
    if bounds not in grid.variables:
        return time
    edges = grid[bounds].values.astype("datetime64[ns]")
    return np.asarray(edges[:, 0] + (edges[:, 1] - edges[:, 0]) // 2)


def _frame(grid: xr.Dataset, regions: gpd.GeoDataFrame, cells: list[Cells]) -> xr.Dataset:
    texts = {
        column: [str(value) for value in regions[column]]
        for column in ("region_id", "name", "name_zh")
        if column in regions.columns
    }
    ids = texts.get("region_id", [str(index) for index in regions.index])
    if len(set(ids)) != len(ids):
        raise RegionError("region_id is not unique", expected="one row per region")
    coords: dict[str, Any] = {
        "region": ("region", np.array(ids, dtype=object), {"long_name": "region id"}),
        "region_name": ("region", np.array(texts.get("name", ids), dtype=object)),
        "region_name_zh": ("region", np.array(texts.get("name_zh", ids), dtype=object)),
        "time": grid["time"].variable,
    }
    bounds = grid["time"].attrs.get("bounds", "time_bnds")
    if bounds in grid.variables:
        coords[bounds] = grid[bounds].variable
    return xr.Dataset(coords=coords)

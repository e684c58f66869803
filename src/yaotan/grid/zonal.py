"""Regional means of a grid or raster: exact cover share times true cell area, uncertainty by term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import GridError, RegionError
from yaotan.geodesy import polygon_area
from yaotan.grid.axes import Axes, axes_of
from yaotan.grid.coverage import region_cells
from yaotan.grid.regional import Errors, average, group_windows, layers_of
from yaotan.schema import check_features, column_variables


def zonal_statistics(
    grid_or_raster: xr.Dataset | xr.DataArray,
    regions: gpd.GeoDataFrame,
    *,
    variables: Sequence[str] | None = None,
    correlation_length: float = 100e3,
    systematic: float | Mapping[str, float] | None = None,
    minimum_coverage: float = 0.0,
) -> xr.Dataset:
    r"""Mean, spread, count, covered share and uncertainty of a grid or raster over regions.

    With cover share f of cell a by the region (exact, exactextract), true cell area A (WGS84) and
    :math:`c_a = f_a A_a / \sum f A` over the cells that have a value:

    .. math:: \bar y = \sum c_a y_a, \quad
              s^2 = \frac{\sum c_a (y_a - \bar y)^2}{1 - \sum c_a^2}, \quad
              u_r^2 = \sum_{ab} c_a c_b u_a u_b f_{ab} e^{-d_{ab} / L}, \quad u_s = \sum c_a b_a

    and total uncertainty the root of the sum of the squares of all terms. The error u of a cell is
    ``v_uncertainty_overpass`` where the grid has it, else ``v_uncertainty_random``, else ``v_uncertainty``; b
    is ``v_uncertainty_systematic``. In a grid of soundings only the part of u that an overpass shares goes on
    to other cells, and only to those seen by the same overpass (f, `uncertainty.shared_mean_uncertainty`);
    else f = 1. Cells without a value take no part in the mean; that a grid of soundings knows some cells at
    some moments only is in ``v_uncertainty_sampling`` (`uncertainty.sampling_uncertainty`). See
    docs/uncertainty.md.

    Parameters
    ----------
    grid_or_raster : xarray.Dataset or xarray.DataArray
        Grid (lat, lon in any direction and convention, or y, x with a CRS), or raster with a CRS. Only the
        windows around the regions are read.
    regions : geopandas.GeoDataFrame
        As `open_regions` returns: ``region_id``, ``name``, ``name_zh``; other columns are not needed.
    variables : sequence of str, optional
        Wanted variables of a grid; its column variables (``xco2`` ...) without it, or every numeric variable
        on the grid where it has none.
    correlation_length : float
        E-folding length of the correlation between the errors of two cells [m]; 0: independent, ``inf``:
        fully correlated. The default of 100 km is a usual choice for column retrievals, not a measured
        figure of any product: vary it.
    systematic : float or mapping, optional
        1-sigma error common to all cells, in the unit of the variable (or per variable), instead of the
        grid's ``v_uncertainty_systematic``.
    minimum_coverage : float
        Regions and times with a smaller covered share get NaN as mean, spread and uncertainty;
        the attribute ``below_minimum_coverage`` of the mean counts them.

    Returns
    -------
    xarray.Dataset
        Dims ``(region[, time])``; coordinates ``region`` (id), ``region_name``, ``region_name_zh``, ``area``
        [m2]; for each variable ``v``, ``v_spread``, ``v_count`` (soundings of the cells, each cell by its
        cover share; cells with a value, where the data have no count), ``v_coverage``, and where the data
        have an error ``v_uncertainty``, ``v_uncertainty_random``, ``v_uncertainty_systematic``, of a grid of
        soundings ``v_uncertainty_sampling``. The spread and the sampling term of a single cell are NaN.
        ``attrs["outside"]`` lists regions outside the data: NaN with count 0.

    Raises
    ------
    RegionError
        Every region lies outside the data, or a region cannot be brought to the CRS of the grid.
    GridError
        A variable is missing or has other dimensions, or the axes cannot be understood.
    SchemaError
        ``regions`` is no table of polygons with a CRS.

    Examples
    --------
    >>> import shapely
    >>> lat, lon = np.arange(20.5, 40), np.arange(100.5, 120)
    >>> field = xr.DataArray(np.full((20, 20), 410.0), coords={"lat": lat, "lon": lon}, name="xco2")
    >>> region = gpd.GeoDataFrame({"region_id": ["a"]}, geometry=[shapely.box(110, 30, 115.5, 33)], crs=4326)
    >>> table = zonal_statistics(field, region)
    >>> float(table.xco2[0].round(9)), float(table.xco2_count[0].round(9))
    (410.0, 16.5)
    """
    data = _as_dataset(grid_or_raster)
    regions = _named(check_features(regions))
    axes = axes_of(data)
    names = _wanted(data, axes, variables)
    if not 0.0 <= minimum_coverage <= 1.0:
        raise GridError(f"minimum_coverage is {minimum_coverage!r}", expected="a share from 0 to 1")
    cells = region_cells(axes, regions)
    outside = [str(i) for i, found in zip(regions["region_id"], cells, strict=True) if found.row.size == 0]
    if len(outside) == len(regions):
        raise RegionError(
            f"no region touches the data: {', '.join(outside[:5])}" + (" ..." if len(outside) > 5 else ""),
            expected=f"regions inside {_rounded(axes.extent)} (west, south, east, north)",
            fix="check the reference system of the region file and the bounds of the grid",
        )
    area = polygon_area(regions.to_crs("EPSG:4326").geometry.values)
    table = _frame(data, regions, area)
    windows = group_windows(cells)
    for name in names:
        layers = layers_of(data, axes, name)
        errors = Errors(
            float(correlation_length),
            _own(systematic, name),
            data.attrs.get("overpass_correlation"),
            name + "_uncertainty_overpass" in data,
        )
        results = average(layers, axes, cells, windows, area, errors)
        table = table.assign(_labelled(results, data[name], minimum_coverage, "time" in table.coords))
    table.attrs.update(
        outside=outside,
        correlation_length=float(correlation_length),
        minimum_coverage=float(minimum_coverage),
        regions_source=str(regions.attrs.get("source", "")),
        method="exact cover share (exactextract) times cell area on the WGS84 ellipsoid",
    )
    if "kind" in data.attrs:  # fields of a model may state no error: the table says so
        table.attrs["kind"] = data.attrs["kind"]
    return table


def _rounded(extent: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(round(edge, 4) for edge in extent)


def _own(systematic: float | Mapping[str, float] | None, name: str) -> float | None:
    value = systematic.get(name) if isinstance(systematic, Mapping) else systematic
    if value is not None and not value >= 0.0:
        raise GridError(f"systematic is {value!r} for {name}", expected="a 1-sigma error of 0 or more")
    return None if value is None else float(value)


def _as_dataset(data: xr.Dataset | xr.DataArray) -> xr.Dataset:
    """Turn a raster into a dataset of one variable, its nodata value into NaN."""
    if isinstance(data, xr.Dataset):
        return data
    name = str(data.name or "value")
    fill = data.attrs.get("_FillValue")
    if "band" in data.dims and data.sizes["band"] == 1:
        data = data.isel(band=0, drop=True)
    if fill is not None and np.isfinite(fill):
        data = data.where(data != fill).assign_attrs(data.attrs)
    return data.to_dataset(name=name, promote_attrs=False)


def _named(regions: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give the columns that the table needs; without region_id the index is the id."""
    identifiers = regions["region_id"] if "region_id" in regions.columns else regions.index
    texts = [str(identifier) for identifier in identifiers]
    if len(texts) == 0 or len(set(texts)) != len(texts):
        raise RegionError(
            "there is no region" if not texts else "region_id is not unique", expected="one row per region"
        )
    kept = {"region_id": texts}
    for column in ("name", "name_zh"):
        kept[column] = [str(value) for value in regions[column]] if column in regions.columns else texts
    named = gpd.GeoDataFrame(kept, geometry=regions.geometry.values, crs=regions.crs)
    named.attrs.update(regions.attrs)
    return named


def _wanted(data: xr.Dataset, axes: Axes, variables: Sequence[str] | None) -> list[str]:
    """List the variables to average, and refuse those that are missing or of other dimensions."""
    fields = [
        str(name)
        for name, array in data.data_vars.items()
        if {axes.y_dim, axes.x_dim} <= set(array.dims) and array.dtype.kind in "fiub"
    ]
    names = list(variables) if variables is not None else column_variables(data) or fields
    for name in names:
        if name not in data or name not in fields:
            raise GridError(
                f"there is no numeric variable {name!r} on {axes.y_dim}, {axes.x_dim}",
                expected=f"one of {', '.join(fields)}",
            )
        extra = set(data[name].dims) - {axes.y_dim, axes.x_dim, "time"}
        if extra:
            raise GridError(
                f"{name} has the dimension(s) {', '.join(map(str, extra))}", expected="time at most"
            )
    if not names:
        raise GridError("no numeric variable lies on the grid", expected="at least one")
    return names


_LONG: Final = {
    "": "area-weighted mean",
    "_spread": "area-weighted standard deviation between cells",
    "_count": "count, cells at the border by their cover share",
    "_coverage": "share of the region's area with data",
    "_uncertainty": "1 sigma, all terms together",
    "_uncertainty_random": "1 sigma from errors of cells with correlation along overpasses",
    "_uncertainty_sampling": "1 sigma because only some cells were seen, at some moments",
    "_uncertainty_systematic": "1 sigma common to all cells (0 where the data state none)",
}


def _labelled(
    results: dict[str, NDArray[np.float64]], source: xr.DataArray, minimum_coverage: float, timed: bool
) -> dict[str, xr.DataArray]:
    """Name the results of a variable, blank what is covered too little, and count that."""
    name, units = str(source.name), source.attrs.get("units", "1")
    covered = results["_coverage"]
    below = (covered < minimum_coverage) & (covered > 0.0)
    labelled = {}
    for ending, long_name in _LONG.items():
        if ending not in results:
            continue
        plain = ending in ("_count", "_coverage")
        values = results[ending] if plain else np.where(below, np.nan, results[ending])
        attrs = {"units": "1" if plain else units, "long_name": f"{name}: {long_name}"}
        if ending == "":
            attrs |= {k: v for k, v in source.attrs.items() if k in ("standard_name", "units")}
            attrs["below_minimum_coverage"] = int(below.sum())
            attrs["ancillary_variables"] = " ".join(name + other for other in results if other)
        array = values if timed else values[:, 0]
        labelled[name + ending] = xr.DataArray(array, dims=("region", "time")[: array.ndim], attrs=attrs)
    return labelled


def _frame(data: xr.Dataset, regions: gpd.GeoDataFrame, area: NDArray[np.float64]) -> xr.Dataset:
    """Make the empty table with its coordinates."""
    table = xr.Dataset(
        coords={
            "region": ("region", regions["region_id"].to_numpy(dtype=object), {"long_name": "region id"}),
            "region_name": ("region", regions["name"].to_numpy(dtype=object), {"long_name": "region name"}),
            "region_name_zh": (
                "region",
                regions["name_zh"].to_numpy(dtype=object),
                {"long_name": "Chinese name"},
            ),
            "area": ("region", area, {"units": "m2", "long_name": "area on the WGS84 ellipsoid"}),
        }
    )
    if "time" in data.dims:
        table = table.assign_coords(time=data["time"].variable)
        bounds = data["time"].attrs.get("bounds", "time_bnds")
        if bounds in data.variables:
            table = table.assign_coords({bounds: data[bounds].variable})
    return table

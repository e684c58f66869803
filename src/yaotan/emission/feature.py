"""Features of regions by year, from grids and class areas; each with coverage and uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import xarray as xr

from yaotan.emission.panel_column import LEARNABLE
from yaotan.errors import PanelError
from yaotan.units import check_unit

if TYPE_CHECKING:
    import geopandas as gpd

#: endings of the companions of a feature
COMPANIONS: Final = ("coverage", "uncertainty")
#: attributes of a feature that a panel takes over
FACTS: Final = ("role", "source", "version", "lag", "description")


def grid_feature(
    grid: xr.Dataset | xr.DataArray,
    regions: gpd.GeoDataFrame,
    variable: str | None = None,
    *,
    name: str | None = None,
    quantity: Literal["mean", "sum"] = "mean",
    role: str = "feature",
    lag: int = 0,
    source: str = "",
    minimum_coverage: float = 0.0,
    correlation_length: float = 100e3,
) -> xr.Dataset:
    r"""Give one feature of regions by year from a grid or raster.

    Parameters
    ----------
    grid : xarray.Dataset or xarray.DataArray
        Column, enhancement, NO2, lights, NPP, population, meteorology ...: dims (time,) lat, lon or y, x. Of
        monthly or daily grids the times of a year are averaged; a grid without time has `time` as a scalar
        coordinate.
    regions : geopandas.GeoDataFrame
        With ``region_id``.
    variable : str, optional
        Of a dataset; needed where it holds several.
    name : str, optional
        Name of the feature; the variable's by default.
    quantity : {"mean", "sum"}
        Area-weighted mean of the covered part (`yaotan.zonal_statistics`), for what is per area or a state;
        or sum of the values of cells, shared by area at borders, for counts per cell (people, lights summed).
        A sum of a region that is covered in part is of that part: it is not scaled up.
    role : {"feature", "scale"}
        See `PanelColumn`.
    lag : int
        Years until a value is known.
    source : str, optional
        By default the attribute ``product`` or ``title``, or the sources of the grid.
    minimum_coverage : float
        Covered share of region and year below which the value is missing (its coverage is still given).
    correlation_length : float
        As `yaotan.zonal_statistics`.

    Returns
    -------
    xarray.Dataset
        Dims (region, time: start of the year): the feature, ``<name>_coverage`` (share of the region's area
        and of the year's times with a value), ``<name>_uncertainty`` (1 sigma; missing where the grid states
        no error). Attributes hold unit, role, source, lag.

    Raises
    ------
    PanelError
        The role cannot be learned from, the variable is not named, or the grid has no time.
    GridError, RegionError, UnitsError
        As `yaotan.zonal_statistics`; an unknown unit.

    Notes
    -----
    Of n times of a year, random and sampling errors are taken as independent and systematic ones as common:

    .. math:: u^2 = \frac{1}{n^2} \sum_t (u_{r,t}^2 + u_{s,t}^2) + \Big(\frac{1}{n} \sum_t u_{b,t}\Big)^2

    A year seen in summer only is the mean of summer: the coverage tells how much of the year was seen, not
    which season. It is against the times that the grid has in that year.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> lights = xr.DataArray(np.ones((2, 4, 4)), dims=("time", "lat", "lon"), name="lights", coords={
    ...     "time": np.array(["2019-01-01", "2020-01-01"], "datetime64[ns]"), "lat": np.arange(30.5, 34),
    ...     "lon": np.arange(110.5, 114)}, attrs={"units": "1"})
    >>> region = gpd.GeoDataFrame({"region_id": ["a"]}, geometry=[shapely.box(110, 30, 112, 32)], crs=4326)
    >>> feature = grid_feature(lights, region, quantity="sum", role="scale")
    >>> feature.lights.values.round(6).tolist(), feature.lights_coverage.values.round(6).tolist()
    ([[4.0, 4.0]], [[1.0, 1.0]])
    """
    if role not in LEARNABLE:
        raise PanelError(f"role is {role!r}", where="grid_feature", expected=", ".join(LEARNABLE))
    data, chosen = _dataset(grid, variable)
    units = check_unit(str(data[chosen].attrs.get("units", "")))
    if quantity == "mean":
        from yaotan.grid.zonal import zonal_statistics

        table = zonal_statistics(data, regions, variables=[chosen], correlation_length=correlation_length)
    elif quantity == "sum":
        from yaotan.emission.zonal_sum import zonal_sum

        table = zonal_sum(data[chosen], regions, data.get(f"{chosen}_uncertainty"))
    else:
        raise PanelError(f"quantity is {quantity!r}", where="grid_feature", expected="mean or sum")
    value, coverage, uncertainty = _yearly(table, chosen)
    value = value.where(coverage >= max(minimum_coverage, 1e-12))
    origin = source or str(
        data.attrs.get("product") or data.attrs.get("title") or data.attrs.get("source", "")
    )
    facts = {
        "units": units,
        "role": role,
        "lag": lag,
        "source": origin,
        "version": str(data.attrs.get("product_version", "")),
        "description": f"{quantity} of {chosen}",
    }
    return make_feature(name or chosen, value, coverage, uncertainty, facts)


def make_feature(
    name: str, value: xr.DataArray, coverage: Any, uncertainty: Any, facts: Mapping[str, Any]
) -> xr.Dataset:
    """Put a feature and its companions together.

    Parameters
    ----------
    name : str
        Of the feature.
    value : xarray.DataArray
        Dims (region, time).
    coverage, uncertainty : xarray.DataArray or float
        Of the same dims; NaN for an uncertainty that nobody knows.
    facts : mapping
        ``units`` and any of `FACTS`.

    Returns
    -------
    xarray.Dataset
        As `grid_feature`.
    """
    value = value.transpose("region", "time")
    result = xr.Dataset({name: value})
    result[f"{name}_coverage"] = xr.zeros_like(value, float) + coverage
    result[f"{name}_uncertainty"] = xr.zeros_like(value, float) + uncertainty
    result[name].attrs = {"units": facts["units"]} | {k: facts[k] for k in FACTS if k in facts}
    result[f"{name}_coverage"].attrs = {"units": "1", "role": "feature", "description": f"coverage of {name}"}
    result[f"{name}_uncertainty"].attrs = {
        "units": facts["units"], "role": "feature", "description": f"1 sigma of {name}",
    }  # fmt: skip
    kept = [label for label in ("region_name", "region_name_zh") if label in value.coords]
    return result.drop_vars([c for c in result.coords if c not in ("region", "time", *kept)])


def _dataset(grid: xr.Dataset | xr.DataArray, variable: str | None) -> tuple[xr.Dataset, str]:
    if isinstance(grid, xr.DataArray):
        chosen = variable or str(grid.name or "value")
        data = grid.to_dataset(name=chosen, promote_attrs=False).assign_attrs(grid.attrs)
    else:
        data, chosen = grid, variable or ""
        fields = [str(key) for key in grid.data_vars if not str(key).endswith("_bnds")]
        if not chosen and len(fields) == 1:
            chosen = fields[0]
        if chosen not in grid:
            raise PanelError(
                f"variable {chosen!r} is not in the grid", where="grid_feature", expected=", ".join(fields)
            )
    if "time" not in data.coords:
        raise PanelError("the grid has no time", where="grid_feature", fix="grid.assign_coords(time=...)")
    if "time" not in data.dims:
        kept = [str(key) for key in (chosen, f"{chosen}_uncertainty") if key in data]
        data = data.drop_vars(kept).assign({key: data[key].expand_dims("time") for key in kept})
    return data, chosen


def _yearly(table: xr.Dataset, name: str) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Mean of the times of each year, share of them and of the area that has a value, and 1 sigma."""
    start = table["time"].values.astype("datetime64[Y]").astype("datetime64[ns]")
    table = table.assign_coords(time=start)
    held = table[name].notnull()
    value = table[name].groupby("time").mean()
    coverage = table[f"{name}_coverage"].fillna(0.0).groupby("time").mean()
    count = held.groupby("time").sum()
    part = {
        ending: table.get(f"{name}_uncertainty_{ending}") for ending in ("random", "sampling", "systematic")
    }
    if part["random"] is None:
        part["random"] = table.get(f"{name}_uncertainty")
    if part["random"] is None:
        return value, coverage, value * np.nan
    spread = part["random"] ** 2
    if part["sampling"] is not None:
        spread = spread + part["sampling"].fillna(0.0) ** 2
    # a time without an error among those with a value leaves the error of the year unknown
    variance = spread.where(held, 0.0).groupby("time").sum(skipna=False) / count**2
    if part["systematic"] is not None:
        common = part["systematic"].where(held, 0.0).groupby("time").sum(skipna=False) / count
        variance = variance + common**2
    return value, coverage, (variance**0.5).where(count > 0)


def class_feature(
    areas: Mapping[int, xr.Dataset],
    groups: Mapping[str, Sequence[int]],
    *,
    lag: int = 0,
    source: str = "",
) -> xr.Dataset:
    """Give the area of groups of land classes by region and year.

    Parameters
    ----------
    areas : mapping of int to xarray.Dataset
        Year to land histogram of `yaotan.carbon.class_area` with regions, dims (region, class).
    groups : mapping of str to sequence of int
        Name of a feature to the codes that it adds up, such as ``{"urban_km2": [13]}``.
    lag : int
        Years until a map is known.
    source : str, optional
        Of the maps.

    Returns
    -------
    xarray.Dataset
        As `grid_feature`, in km2. A map says of each region whether it has a class there, not how much of it:
        coverage is 1 or 0.

    Raises
    ------
    PanelError
        A group is empty, or no histogram holds one of its codes.

    Notes
    -----
    Areas of a map are pixel counts: where a map confuses classes they are biased, and that error is not
    known here (`yaotan.carbon.adjusted_area`); the uncertainty is missing.
    """
    from yaotan.io.inventory.emission import year_start

    times = xr.Variable("time", [year_start(year) for year in areas])
    stacked = xr.concat([table["area"] for table in areas.values()], times, join="outer")
    whole = stacked.sum("class", min_count=1)
    merged = xr.Dataset()
    for name, codes in groups.items():
        missing = [code for code in codes if code not in stacked["class"].values]
        if not codes or missing:
            raise PanelError(f"{name}: no class {missing or codes}", where="class_feature")
        value = stacked.sel({"class": list(codes)}).sum("class") / 1e6
        facts = {"units": "km2", "role": "feature", "lag": lag, "source": source}
        feature = make_feature(name, value.where(whole > 0), (whole > 0).astype(float), np.nan, facts)
        merged = merged.merge(feature)
    return merged

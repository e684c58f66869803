"""Carbon stock of land: densities of classes, rasters, or both, times exact areas, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.carbon.accounting import (
    Variables,
    account,
    add_spread,
    describe,
    per_area,
    present_in,
    refuse_mixed,
    region_coords,
    zones_of,
)
from yaotan.carbon.budget.confusion import read_confusion
from yaotan.carbon.budget.model import DensityModel, make_model, raster_entry, table_entry
from yaotan.carbon.budget.propagation import Method, Spread, Uncertainty, Weights, propagate
from yaotan.carbon.histogram import is_pair
from yaotan.carbon.intake import take_land
from yaotan.carbon.pool import Pools, as_pools
from yaotan.carbon.raster_pool import RasterPool, raster_sums
from yaotan.carbon.weight import Method as AreaMethod
from yaotan.errors import SchemaError

if TYPE_CHECKING:
    import geopandas as gpd


def carbon_stock(
    landuse: xr.Dataset | xr.DataArray,
    pools: Pools | None = None,
    *,
    regions: gpd.GeoDataFrame | xr.DataArray | None = None,
    rasters: Mapping[str, RasterPool] | None = None,
    accounted: Sequence[str] | None = None,
    zones: Mapping[str, str] | None = None,
    confusion: pd.DataFrame | None = None,
    uncertainty: Method = "monte_carlo",
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
    class_correlation: float = 0.0,
    area: AreaMethod = "exact",
) -> xr.Dataset:
    r"""Carbon stock by class, pool and region, and of all together.

    .. math:: S = \sum_{c} \sum_{p} A_c D_{cp}

    (IPCC 2006, vol. 4, eq. 2.1 to 2.3), for pools of rasters with the sum of area x density in place of
    A D. Each density is one parameter: its error is the same on all land of the class, so it does not average
    out. See docs/carbon.md.

    Parameters
    ----------
    landuse : xarray.DataArray or xarray.Dataset
        Raster of land classes (`yaotan.open_raster`), or a land histogram of one date
        (`yaotan.carbon.histogram`).
    pools : PoolTable, pandas.DataFrame or path-like, optional
        Densities by class (`yaotan.carbon.pool.open_pools`); not needed where rasters give every pool.
    regions : geopandas.GeoDataFrame or xarray.DataArray, optional
        Polygons or raster of regions, with a raster of land classes.
    rasters : mapping of str to RasterPool, optional
        Pool -> where its density comes from instead.
    accounted : sequence of str, optional
        Pools to account for; default: all that `pools` and `rasters` offer.
    zones : mapping of str to str, optional
        Region -> zone of the pool table; default: the region of the same name.
    confusion : pandas.DataFrame, optional
        Counts of reference points, rows mapped class, columns true class: areas are adjusted with it, and its
        error joins the budget. It is taken to hold in all regions alike. Not with pools that rasters give
        for some classes only; sums of rasters are not adjusted.
    uncertainty : {"monte_carlo", "propagation"}
        Approach 2 or 1.
    draws, seed : int
        Realisations of Approach 2, and their seed.
    level : float
        Probability of the intervals.
    class_correlation : float
        Correlation of density errors between classes, 0 to 1.
    area : {"exact", "planar"}
        Of rasters: on the ellipsoid, or in the plane of the projection, only to match others.

    Returns
    -------
    xarray.Dataset
        An estimate, dims ``region``, ``class``, ``pool``: ``stock`` (region) [kg of carbon], ``class_stock``
        (region, class), ``pool_stock`` (region, pool), ``stock_density`` (region) [kg m-2], each with
        ``_uncertainty`` (1 sigma), ``_lower``, ``_upper``; ``stock_uncertainty_<term>``; ``class_area`` [m2].
        The region ``"*"`` is all regions together, where there are several. Parameters whose uncertainty
        nobody states are listed in ``attrs["uncertainty_not_included"]``.

    Raises
    ------
    SchemaError
        A class that is there is absent from the pool table, or blank; schemes, editions or depths differ; a
        raster does not cover the land; the histogram is of two dates.

    Notes
    -----
    It cannot know whether a class of the map is what the densities were measured in, nor errors that all
    densities share, unless ``common`` in the table or `class_correlation` says so.

    Examples
    --------
    >>> from yaotan.carbon.histogram import make_histogram
    >>> from yaotan.carbon.pool import open_pools
    >>> land = make_histogram(pd.DataFrame({"class": [1, 2], "area": [4e9, 6e9]}), scheme="own")
    >>> table = pd.DataFrame({"class": [1, 2], "pool": "c_above", "value": [60, 2], "sd": [6, 1]})
    >>> stock = carbon_stock(land, open_pools(table, scheme="own", units="t ha-1"), uncertainty="propagation")
    >>> float(stock.stock[0]) / 1e9, round(float(stock.stock_uncertainty[0]) / 1e9, 2)  # Tg
    (25.2, 2.47)
    """
    options = Uncertainty(uncertainty, draws, seed, level, class_correlation)
    table = as_pools(pools)
    land, sources = take_land(landuse, None, rasters or {}, regions, area)
    if is_pair(land):
        raise SchemaError(
            "the histogram is of two dates", where="carbon_stock", expected="one date",
            fix="stock_change, or carbon.marginal.one_date(histogram, 'before')",
        )  # fmt: skip
    chosen = account(land, table, sources, accounted)
    areas = land["area"].transpose("region", "class").values
    zone = zones_of(land, table, zones)
    codes = [int(code) for code in land["class"].values]
    names = [str(name) for name in land["class_name"].values]
    entries, weights, bare = [], [], {}
    for pool in chosen:
        source = sources.get(pool)
        served = np.array([source is not None and source.serves(code) for code in codes])
        if table is not None and not served.all():
            entries.append(table_entry(table, pool, present_in(zone, areas > 0, ~served), codes, names))
            weights.append(areas * ~served)
        if source is not None and served.any():
            entries.append(raster_entry(pool, source, zone, codes))
            sums, bare[pool] = raster_sums(land, pool, source, served, ("region", "class"))
            weights.append(sums)
    model = make_model(codes, zone, entries, correlation=class_correlation)
    checked = None
    if confusion is not None:
        refuse_mixed(model)
        checked = read_confusion(confusion, land["class"].values, areas.sum(0))
    spreads = propagate(model, Weights(np.stack(weights, axis=-1), zone), options, checked)
    out = _estimate(land, model, spreads, areas if checked is None else areas @ checked.share)
    return out.assign_attrs(
        describe(model, table, sources, options, land),
        area="mapped" if checked is None else "adjusted by the confusion matrix",
        area_without_value="; ".join(f"{pool}: {value:.6g} m2" for pool, value in bare.items() if value > 0),
    )


def _estimate(
    landuse: xr.Dataset, model: DensityModel, spreads: dict[str, Spread], area: np.ndarray
) -> xr.Dataset:
    several = landuse.sizes["region"] > 1
    keep = slice(None) if several else slice(0, 1)
    coords = region_coords(landuse, several)
    coords |= {name: ("class", landuse[name].values) for name in ("class", "class_name", "class_name_zh")}
    coords["pool"] = ("pool", np.array(model.labels, dtype=object))
    areas = np.vstack([area, area.sum(axis=0)])[keep]
    out: Variables = {"class_area": (("region", "class"), areas, {"units": "m2", "long_name": "area"})}
    kinds = {"total": ("stock", ()), "class": ("class_stock", ("class",)), "pool": ("pool_stock", ("pool",))}
    for kind, (name, dims) in kinds.items():
        add_spread(out, name, ("region", *dims), spreads[kind], keep, "kg", "carbon stock")
    per_area(out, "stock", "stock_density", areas.sum(axis=1), "kg m-2")
    return xr.Dataset(out, coords=coords)

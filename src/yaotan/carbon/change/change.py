"""Change of carbon stocks between two dates, by class, pool, transition and region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd
import xarray as xr

from yaotan.carbon.accounting import (
    account,
    describe,
    zones_of,
)
from yaotan.carbon.budget.propagation import Method, Uncertainty, Weights, propagate
from yaotan.carbon.change.flow import Growth, Loss, OrganicSoil, WoodProducts
from yaotan.carbon.change.part import (
    Assumption,
    Land,
    flow_parts,
    part_model,
    pool_parts,
)
from yaotan.carbon.change.result import add_committed, change_estimate
from yaotan.carbon.change.sampled import area_terms, sample_pairs
from yaotan.carbon.histogram import is_pair
from yaotan.carbon.intake import take_land
from yaotan.carbon.pool import Pools, PoolTable, as_pools, check_one
from yaotan.carbon.raster_pool import RasterPool
from yaotan.carbon.soil import EDITIONS, Edition, realised
from yaotan.carbon.weight import Method as AreaMethod
from yaotan.errors import SchemaError

if TYPE_CHECKING:
    import geopandas as gpd

ChangeMethod = Literal["stock_difference", "gain_loss"]

METHODS: Final = ("stock_difference", "gain_loss")


def stock_change(
    before: xr.Dataset | xr.DataArray,
    after: xr.DataArray | None = None,
    pools: Pools | None = None,
    *,
    period: tuple[int, int],
    method: ChangeMethod = "stock_difference",
    edition: Edition | None = None,
    regions: gpd.GeoDataFrame | xr.DataArray | None = None,
    rasters: Mapping[str, tuple[RasterPool, RasterPool]] | None = None,
    accounted: Sequence[str] | None = None,
    zones: Mapping[str, str] | None = None,
    soil_years: float = 20.0,
    dead_years: float = 20.0,
    conversion: Literal["uniform", "start", "end"] = "uniform",
    organic: Mapping[int, OrganicSoil] | None = None,
    growth: Mapping[int, Growth] | None = None,
    losses: Sequence[Loss] = (),
    products: Sequence[WoodProducts] = (),
    confusion: pd.DataFrame | None = None,
    uncertainty: Method = "monte_carlo",
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
    class_correlation: float = 0.0,
    area: AreaMethod = "exact",
) -> xr.Dataset:
    r"""Change of carbon stocks between two dates, on land that is valid at both.

    Stock difference (IPCC 2006, vol. 4, eq. 2.5): :math:`\sum_{ba} A_{ba} (D_a - D_b)` over pairs of classes.
    Gain-loss (eq. 2.4): growth of land that keeps its class and of land that became it, less removals and
    disturbance; land that changed class loses the biomass of the old one, and has that of the new one, or
    nothing yet where `growth` lets the new one grow. In both, soils move in a line to the new density over
    `soil_years` (eq. 2.25), dead matter builds up over `dead_years` and is lost at once (eq. 2.23). Two maps
    do not say when land changed: `conversion` does. See docs/carbon.md.

    Parameters
    ----------
    before : xarray.DataArray or xarray.Dataset
        Raster of land classes at the first date (`yaotan.open_raster`), or a land histogram of two dates.
    after : xarray.DataArray, optional
        Raster of the second date, in the same scheme; on another grid pixels are shared out exactly.
    pools : PoolTable, pandas.DataFrame or path-like, optional
        Densities by class. Those of tier 1 soils: `yaotan.carbon.soil.soil_pools`.
    period : (int, int)
        Years of the two dates.
    method : {"stock_difference", "gain_loss"}
        Which of the two.
    edition : {"ipcc2006", "ipcc2019"}, optional
        Edition that the pools must be of, where it matters.
    regions, area
        As in `carbon_stock`.
    rasters : mapping of str to (RasterPool, RasterPool), optional
        Pools that come from rasters of the two dates. Rasters of one name share their error, others do not.
    accounted, zones, uncertainty, draws, seed, level, class_correlation
        As in `carbon_stock`.
    confusion : pandas.DataFrame, optional
        Counts of reference points of **pairs** of classes, rows mapped, columns true, labels
        ``before * 1000 + after`` (`yaotan.carbon.accuracy.pair_classes`): areas of transitions are adjusted
        with it, and its error joins the budget, to first order. Not with rasters of two dates.
    soil_years, dead_years : float
        Length of the transitions; 0: at once.
    conversion : {"uniform", "start", "end"}
        When land changed between the dates.
    organic : mapping of int to OrganicSoil, optional
        Drained organic soil of classes (as they are at the second date), in place of their mineral soil.
    growth, losses, products
        Of the gain-loss method only: growth by class, `Loss` of biomass, harvested wood products.

    Returns
    -------
    xarray.Dataset
        An estimate, dims ``region``, ``class``, ``pool``, ``before``, ``after``: ``stock_change`` (region)
        [kg of carbon over the period; positive: the land gained], ``class_change``, ``pool_change``,
        ``transition_change`` (region, before, after; uncertainty to first order, without area), ``flux``
        (region) [kg m-2 s-1, positive to land], each with ``_uncertainty``, ``_lower``, ``_upper``;
        ``soil_committed`` (region) [kg]: change of soil and dead matter that is still to come;
        ``transition_area``, ``area_before_only``, ``area_after_only`` [m2]. Region ``"*"``: all together.

    Raises
    ------
    SchemaError
        Dates in the wrong order, another edition than asked for, parts of the gain-loss method with the other
        one, no land valid at both dates, and what `carbon_stock` raises.

    Notes
    -----
    It cannot see change within a class, unless rasters or growth tell of it; nor land that changed twice.

    Examples
    --------
    >>> from yaotan.carbon.histogram import make_histogram
    >>> from yaotan.carbon.pool import open_pools
    >>> rows = pd.DataFrame({"before": [1, 1, 2], "after": [1, 2, 2], "area": [4e9, 1e9, 2e9]})
    >>> table = pd.DataFrame({"class": [1, 2], "pool": "c_above", "value": [60, 2], "sd": [6, 1]})
    >>> pools = open_pools(table, scheme="own", units="t ha-1")
    >>> change = stock_change(make_histogram(rows, scheme="own"), pools=pools, period=(2010, 2020),
    ...     uncertainty="propagation")
    >>> [round(float(change[name][0]) / 1e9, 2) for name in ("stock_change", "stock_change_uncertainty")]
    [-5.8, 0.61]
    """
    options = Uncertainty(uncertainty, draws, seed, level, class_correlation)
    table = as_pools(pools)
    landuse, sources = _take(before, after, rasters or {}, regions, area, period)
    _check(landuse, method, edition, table, sources, confusion, growth, losses, products)
    first = {pool: pair[0] for pool, pair in sources.items()}
    chosen = account(landuse, table, first, accounted)
    land, sampled = _land(landuse, zones_of(landuse, table, zones), period), None
    mapped = land
    if confusion is not None:
        land, sampled = sample_pairs(land, confusion)
    assumption = Assumption(soil_years, dead_years, conversion)
    realised(soil_years, land.span, conversion)
    parts = pool_parts(
        land, chosen, table, sources, assumption, growing=tuple(growth or ()), organic=organic
    ) + flow_parts(land, assumption, growth=growth, losses=losses, organic=organic, products=products)
    model, values = part_model(land, parts, class_correlation)
    areas = None if sampled is None else area_terms(mapped, parts, model, sampled)
    spreads = propagate(model, Weights(values, land.zone), options, areas=areas)
    out = change_estimate(land, parts, model, spreads, options)
    later = pool_parts(land, chosen, table, sources, Assumption(0.0, 0.0, conversion), organic=organic)
    add_committed(out, land, parts, later)
    return out.assign_attrs(
        describe(model, table, first, options, landuse),
        method=method,
        period=f"{period[0]} to {period[1]}",
        soil_years=soil_years,
        dead_years=dead_years,
        conversion=_CONVERSION[conversion],
        tier=_tier(table, sources),
        area="mapped" if sampled is None else "adjusted by a sample of pairs",
        positive="to_land",
    )


def _take(
    before: xr.Dataset | xr.DataArray,
    after: xr.DataArray | None,
    rasters: Mapping[str, tuple[RasterPool, RasterPool]],
    regions: gpd.GeoDataFrame | xr.DataArray | None,
    area: AreaMethod,
    period: tuple[int, int],
) -> tuple[xr.Dataset, dict[str, tuple[RasterPool, RasterPool]]]:
    """Give the histogram of pairs, and the raster pools of both dates."""
    check_period(period)
    if isinstance(before, xr.DataArray) and after is None:
        raise SchemaError("there is no raster of the second date", where="stock_change", expected="after=")
    flat = {f"{pool} {date}": one for pool, pair in rasters.items() for date, one in enumerate(pair)}
    landuse, named = take_land(before, after, flat, regions, area)
    return landuse, {pool: (named[f"{pool} 0"], named[f"{pool} 1"]) for pool in rasters}


def check_period(period: tuple[float, float]) -> None:
    """Refuse dates in the wrong order.

    Raises
    ------
    SchemaError
        The second is not later.
    """
    if not period[1] > period[0]:
        raise SchemaError(
            f"the dates are in the wrong order: {period[0]} before {period[1]}", where="stock_change",
            expected="period=(first, second), the second later", fix="turn the dates (and maps) round",
        )  # fmt: skip


_CONVERSION: Final = {
    "uniform": "land changed evenly between the dates",
    "start": "all land changed at the first date",
    "end": "all land changed at the second date",
}


def _tier(table: PoolTable | None, sources: Mapping[str, Any]) -> str:
    """Tier 1: tables of the guidelines; 2: tables of one's own; 3: rasters measured at both dates."""
    return "3" if sources else "1" if table is not None and table.edition in EDITIONS else "2"


def _check(
    landuse: xr.Dataset,
    method: str,
    edition: str | None,
    table: PoolTable | None,
    sources: Mapping[str, Any],
    confusion: Any,
    growth: Any,
    losses: Sequence[Loss],
    products: Sequence[WoodProducts],
) -> None:
    where = "stock_change"
    if not is_pair(landuse):
        raise SchemaError(
            "the histogram is of one date", where=where, expected="pairs of classes at two dates"
        )
    if method not in METHODS:
        raise SchemaError(f"method={method!r}", where=where, expected=" or ".join(METHODS))
    only = {"growth": growth, "losses": losses, "products": products}
    if method == "stock_difference" and any(only.values()):
        named = next(name for name, value in only.items() if value)
        raise SchemaError(
            f"{named} is given with the stock-difference method", where=where,
            expected="method='gain_loss': the difference of stocks already holds growth and harvest",
        )  # fmt: skip
    if method == "gain_loss" and not growth:
        raise SchemaError(
            "the gain-loss method has no growth", where=where, expected="growth={class: Growth}"
        )
    if edition is not None and edition not in EDITIONS:
        raise SchemaError(f"edition={edition!r}", where=where, expected=" or ".join(EDITIONS))
    if edition is not None and table is not None:
        check_one("editions", {edition, table.edition} - {""}, "edition= and the pool table")
    if sources and confusion is not None:
        raise SchemaError(
            "rasters of two dates and a confusion matrix are given", where=where,
            expected="one of them: which pixels are in doubt is not known, so sums of rasters cannot follow",
        )  # fmt: skip
    if not float(landuse["area"].sum()) > 0.0:
        raise SchemaError(
            "no land is valid at both dates", where=where, expected="maps that overlap",
            fix="check extents, CRS and nodata of the two maps",
        )  # fmt: skip


def _land(landuse: xr.Dataset, zone: tuple[str, ...], period: tuple[int, int]) -> Land:
    return Land(
        landuse,
        landuse["area"].transpose("region", "before", "after").values,
        tuple(int(code) for code in landuse["before"].values),
        tuple(str(name) for name in landuse["before_name"].values),
        zone,
        float(period[1] - period[0]),
    )

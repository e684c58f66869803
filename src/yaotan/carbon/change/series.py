"""Changes of carbon year by year from maps of many dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
import xarray as xr

from yaotan.carbon.accounting import Variables, account, add_spread, describe, region_coords, zones_of
from yaotan.carbon.budget.model import DensityModel
from yaotan.carbon.budget.parameter import Floats
from yaotan.carbon.budget.propagation import Method, Spread, Uncertainty, Weights, propagate
from yaotan.carbon.change.change import check_period
from yaotan.carbon.change.part import Assumption, Land, part_model, pool_parts
from yaotan.carbon.histogram import check_histogram
from yaotan.carbon.intake import take_land
from yaotan.carbon.pool import Pools, PoolTable, as_pools
from yaotan.carbon.soil import realised
from yaotan.carbon.weight import Method as AreaMethod
from yaotan.errors import SchemaError

if TYPE_CHECKING:
    import geopandas as gpd


@dataclass(frozen=True)
class _Step:
    """What land that changed between two maps changes in all: weights ``(region, class, pool)``."""

    first: int
    span: float
    model: DensityModel
    weights: Floats
    zone: tuple[str, ...]
    landuse: xr.Dataset


def stock_series(
    landuse: Mapping[int, xr.DataArray] | Mapping[tuple[int, int], xr.Dataset],
    pools: Pools,
    *,
    regions: gpd.GeoDataFrame | xr.DataArray | None = None,
    accounted: Sequence[str] | None = None,
    zones: Mapping[str, str] | None = None,
    soil_years: float = 20.0,
    conversion: Literal["uniform", "start", "end"] = "uniform",
    uncertainty: Method = "propagation",
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
    class_correlation: float = 0.0,
    area: AreaMethod = "exact",
) -> xr.Dataset:
    r"""Yearly change of carbon from land-use maps of many dates.

    Biomass and dead matter of land that changed between two maps change in the years between them (evenly,
    or in the first or last year); soils begin to move then, and go on into later intervals until
    `soil_years` are over: the change of a year sums what every earlier interval still gives. Land that
    changes again before its soil has come to rest is taken to go on from the density of its class.

    Parameters
    ----------
    landuse : mapping
        Year -> raster of land classes; or (year, later year) -> land histogram of the two.
    pools : PoolTable, pandas.DataFrame or path-like
        Densities by class.
    regions, accounted, zones, soil_years, conversion, draws, seed, level, class_correlation, area
        As in `stock_change`.
    uncertainty : {"propagation", "monte_carlo"}
        As in `stock_change`; the Monte Carlo is run for every year.

    Returns
    -------
    xarray.Dataset
        An estimate, dims ``region``, ``year``: ``stock_change`` [kg of carbon in the year that begins],
        ``cumulative_change`` [kg since the first map] with ``_uncertainty``, ``_lower``, ``_upper``. The
        errors of years are not independent: only the cumulative change has that of a sum.

    Raises
    ------
    SchemaError
        Fewer than two dates, gaps or overlaps between intervals, intervals of other regions or classes, and
        what `stock_change` raises.

    Examples
    --------
    >>> import pandas as pd
    >>> from yaotan.carbon.histogram import make_histogram
    >>> from yaotan.carbon.pool import open_pools
    >>> rows = pd.DataFrame({"before": [1, 1], "after": [1, 2], "area": [4e9, 1e9]})
    >>> table = pd.DataFrame({"class": [1, 2], "pool": "c_above", "value": [60, 10], "sd": [6, 1]})
    >>> pools = open_pools(table, scheme="own", units="t ha-1")
    >>> series = stock_series({(2000, 2002): make_histogram(rows, scheme="own")}, pools)
    >>> series.stock_change[0].values.tolist()
    [-2500000000.0, -2500000000.0]
    """
    options = Uncertainty(uncertainty, draws, seed, level, class_correlation)
    table = as_pools(pools)
    pairs = _pairs(landuse, regions, area)
    steps = [
        _step(years, pair, table, accounted, zones, conversion, class_correlation) for years, pair in pairs
    ]
    _check_alike(steps)
    years = list(range(steps[0].first, int(steps[-1].first + steps[-1].span)))
    yearly = [
        sum((_of_year(step, year, soil_years, conversion) for step in steps), np.zeros_like(steps[0].weights))
        for year in years
    ]
    out: Variables = {}
    several = len(steps[0].zone) > 1
    keep = slice(None) if several else slice(0, 1)
    for name, weights in (("stock_change", yearly), ("cumulative_change", list(np.cumsum(yearly, axis=0)))):
        _add_years(out, name, steps[0], weights, options, keep)
    coords = region_coords(steps[0].landuse, several) | {"year": np.array(years)}
    facts = describe(steps[0].model, table, {}, options, steps[0].landuse)
    return xr.Dataset(out, coords=coords, attrs=facts | {"soil_years": soil_years, "conversion": conversion})


def _pairs(
    landuse: Mapping[int, xr.DataArray] | Mapping[tuple[int, int], xr.Dataset],
    regions: gpd.GeoDataFrame | xr.DataArray | None,
    area: AreaMethod,
) -> list[tuple[tuple[int, int], xr.Dataset]]:
    where = "stock_series"
    intervals = {key: value for key, value in landuse.items() if isinstance(key, tuple)}
    if intervals:
        if regions is not None or len(intervals) < len(landuse):
            raise SchemaError(
                "regions or rasters come with histograms", where=where, expected="one of the two"
            )
        ordered = sorted(intervals)
        for (_, end), (start, _) in pairwise(ordered):
            if start != end:
                raise SchemaError(f"no interval leads from {end} to {start}", where=where, expected="no gaps")
        return [(key, check_histogram(intervals[key])) for key in ordered]  # type: ignore[arg-type]
    maps = {year: value for year, value in landuse.items() if not isinstance(year, tuple)}
    dates = sorted(maps)
    if len(dates) < 2:
        raise SchemaError(f"there are {len(dates)} date(s)", where=where, expected="two or more")
    out = []
    for one, two in pairwise(dates):
        histogram, _ = take_land(maps[one], maps[two], {}, regions, area)  # type: ignore[arg-type]
        out.append(((one, two), histogram))
    return out


def _step(
    years: tuple[int, int],
    pair: xr.Dataset,
    table: PoolTable | None,
    accounted: Sequence[str] | None,
    zones: Mapping[str, str] | None,
    conversion: str,
    correlation: float,
) -> _Step:
    check_period(years)
    chosen = account(pair, table, {}, accounted)
    zone = zones_of(pair, table, zones)
    land = Land(
        pair, pair["area"].transpose("region", "before", "after").values,
        tuple(int(code) for code in pair["before"].values), tuple(map(str, pair["before_name"].values)),
        zone, float(years[1] - years[0]),
    )  # fmt: skip
    parts = pool_parts(land, chosen, table, {}, Assumption(0.0, 0.0, "start"))
    model, weights = part_model(land, parts, correlation)
    return _Step(years[0], land.span, model, weights, zone, pair)


def _check_alike(steps: Sequence[_Step]) -> None:
    for step in steps[1:]:
        same = step.model.codes == steps[0].model.codes and step.zone == steps[0].zone
        if not same or step.landuse["region"].values.tolist() != steps[0].landuse["region"].values.tolist():
            raise SchemaError(
                f"the interval from {step.first} has other classes or regions than the first",
                where="stock_series", expected="the same of all",
                fix="name classes without area in every table of areas",
            )  # fmt: skip


def _of_year(step: _Step, year: int, soil_years: float, conversion: str) -> Floats:
    """Weights of one year: the share of the step that falls in it, of soils and of all else."""
    since = float(year - step.first)
    if since < 0:
        return np.zeros_like(step.weights)
    share = np.array([
        realised(years, step.span, conversion, since + 1.0) - realised(years, step.span, conversion, since)
        for years in (soil_years if label == "c_soil" else 0.0 for label in step.model.labels)
    ])  # fmt: skip
    if since == 0 and conversion == "start":  # what is at once at the start is over at moment 0
        share = share + np.array([
            realised(0.0, step.span, conversion, 0.0) if years == 0.0 else 0.0
            for years in (soil_years if label == "c_soil" else 0.0 for label in step.model.labels)
        ])  # fmt: skip
    return np.asarray(step.weights * share)


def _add_years(
    out: Variables, name: str, step: _Step, weights: Sequence[Floats], options: Uncertainty, keep: slice
) -> None:
    spreads = [propagate(step.model, Weights(w, step.zone), options)["total"] for w in weights]
    terms = {term: np.stack([s.terms[term] for s in spreads], axis=1) for term in spreads[0].terms}
    merged = Spread(
        np.stack([s.value for s in spreads], axis=1), np.stack([s.sd for s in spreads], axis=1),
        np.stack([s.lower for s in spreads], axis=1), np.stack([s.upper for s in spreads], axis=1), terms,
    )  # fmt: skip
    add_spread(out, name, ("region", "year"), merged, keep, "kg", "change of carbon stock")

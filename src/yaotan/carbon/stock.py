"""Carbon stock of land: densities of classes, rasters, or both, times exact areas, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.carbon.budget.confusion import read_confusion
from yaotan.carbon.budget.model import DensityModel, make_model
from yaotan.carbon.budget.propagation import Method, Spread, Uncertainty, Weights, propagate
from yaotan.carbon.histogram import check_histogram, is_pair
from yaotan.carbon.pool import EVERYWHERE, POOLS, Pools, PoolTable, as_pools, check_one, choose_pools
from yaotan.carbon.raster_pool import RasterPool, raster_sums
from yaotan.errors import SchemaError

#: id and names of all regions together
WHOLE = ("*", "whole area", "全区")


def carbon_stock(
    landuse: xr.Dataset,
    pools: Pools | None = None,
    *,
    rasters: Mapping[str, RasterPool] | None = None,
    accounted: Sequence[str] | None = None,
    zones: Mapping[str, str] | None = None,
    confusion: pd.DataFrame | None = None,
    method: Method = "monte_carlo",
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
    class_correlation: float = 0.0,
) -> xr.Dataset:
    r"""Carbon stock by class, pool and region, and of all together.

    .. math:: S = \sum_{c} \sum_{p} A_c D_{cp}

    (IPCC 2006, vol. 4, eq. 2.1 to 2.3), for pools of rasters with the sum of area x density in place of
    A D. Each density is one parameter: its error is the same on all land of the class, so it does not average
    out. See docs/carbon.md.

    Parameters
    ----------
    landuse : xarray.Dataset
        Land histogram of one date (`yaotan.carbon.histogram`).
    pools : PoolTable, pandas.DataFrame or path-like, optional
        Densities by class (`yaotan.carbon.pool.open_pools`); not needed where rasters give every pool.
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
    method : {"monte_carlo", "propagation"}
        Approach 2 or 1.
    draws, seed : int
        Realisations of Approach 2, and their seed.
    level : float
        Probability of the intervals.
    class_correlation : float
        Correlation of density errors between classes, 0 to 1.

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
    >>> stock = carbon_stock(land, open_pools(table, scheme="own", units="t ha-1"), method="propagation")
    >>> float(stock.stock[0]) / 1e9, round(float(stock.stock_uncertainty[0]) / 1e9, 2)  # Tg
    (25.2, 2.47)
    """
    check_histogram(landuse)
    if is_pair(landuse):
        raise SchemaError(
            "the histogram is of two dates", where="carbon_stock", expected="one date",
            fix="stock_change, or carbon.marginal.one_date(histogram, 'before')",
        )  # fmt: skip
    options = Uncertainty(method, draws, seed, level, class_correlation)
    table, sources = as_pools(pools), dict(rasters or {})
    area = landuse["area"].transpose("region", "class").values
    model = build_model(landuse, "class", area > 0, table, sources, accounted, zones, options)
    zone = zones_of(landuse, table, zones)
    raster = np.zeros((*area.shape, len(model.pools)))
    bare = {}
    for p, pool in enumerate(model.pools):
        if pool in sources and not model.tabled[:, p].all():
            raster[:, :, p], bare[pool] = raster_sums(
                landuse, pool, sources[pool], ~model.tabled[:, p], ("region", "class")
            )
    checked = None
    if confusion is not None:
        refuse_mixed(model)
        checked = read_confusion(confusion, landuse["class"].values, area.sum(0))
    weights = Weights(area, np.ones(len(model.pools)), raster, zone)
    spreads = propagate(model, weights, options, checked)
    out = _estimate(landuse, model, spreads, area if checked is None else area @ checked.share)
    return out.assign_attrs(
        describe(model, table, sources, options, landuse),
        area="mapped" if checked is None else "adjusted by the confusion matrix",
        area_without_value="; ".join(f"{pool}: {value:.6g} m2" for pool, value in bare.items() if value > 0),
    )


def build_model(
    landuse: xr.Dataset,
    dim: str,
    present: np.ndarray,
    table: PoolTable | None,
    sources: Mapping[str, RasterPool],
    accounted: Sequence[str] | None,
    zones: Mapping[str, str] | None,
    options: Uncertainty,
) -> DensityModel:
    """Check that land, pools and rasters go together, and make the model of their densities.

    Parameters
    ----------
    landuse : xarray.Dataset
        Land histogram.
    dim : str
        Its dimension of classes.
    present : numpy.ndarray
        Boolean ``(region, class)``.
    table, sources, accounted, zones, options
        As in `carbon_stock`.

    Returns
    -------
    DensityModel
        Of the accounted pools.

    Raises
    ------
    SchemaError
        As `carbon_stock`.
    """
    strange = sorted(set(sources) - set(POOLS))
    if strange:
        raise SchemaError(f"rasters name {strange[0]!r}", expected=f"pools: {', '.join(POOLS)}")
    if table is not None and table.scheme != landuse.attrs["scheme"]:
        raise SchemaError(
            f"the land use is of scheme {landuse.attrs['scheme']}, the pool table of {table.scheme}",
            where="carbon", expected="the same scheme: the codes mean other classes",
            fix="recode the one by a crosswalk, or take a table of its scheme",
        )  # fmt: skip
    offered = [p for p in POOLS if p in sources or (table is not None and p in table.pools)]
    chosen = choose_pools(accounted, offered)
    if "c_soil" in chosen and "c_soil" in sources:
        if sources["c_soil"].depth is None:
            raise SchemaError("the raster of c_soil has no depth", where="RasterPool", expected="depth= [m]")
        served = table.depth if table is not None and sources["c_soil"].classes is not None else None
        check_one("soil depths [m]", {sources["c_soil"].depth, served} - {None}, "c_soil")
    zone = zones_of(landuse, table, zones)
    there = {
        name: np.asarray(present[[z == name for z in zone]].any(axis=0)) for name in dict.fromkeys(zone)
    }  # fmt: skip
    codes = [int(code) for code in landuse[dim].values]
    names = [str(name) for name in landuse[f"{dim}_name"].values]
    used = {pool: source for pool, source in sources.items() if pool in chosen}
    return make_model(codes, names, there, chosen, table, used, correlation=options.correlation)


def zones_of(
    landuse: xr.Dataset, table: PoolTable | None, zones: Mapping[str, str] | None
) -> tuple[str, ...]:
    """Give the zone of each region of a histogram; without zones in the table it is one for all.

    Raises
    ------
    SchemaError
        A region has no zone, or one that the table lacks.
    """
    regions = [str(region) for region in landuse["region"].values]
    known = table.zones if table is not None else ()
    if not known:
        if zones:
            raise SchemaError("the pool table has no column zone", where="zones", fix="leave zones= out")
        return (EVERYWHERE,) * len(regions)
    found = tuple((zones or {}).get(region, region if zones is None else "") for region in regions)
    general = table is not None and (table.frame["zone"] == EVERYWHERE).any()
    for region, zone in zip(regions, found, strict=True):
        if zone not in known and not (general and zones is None):
            raise SchemaError(
                f"region {region} has zone {zone!r}, which the pool table lacks", where="zones",
                expected=f"one of {', '.join(known)}", fix="zones={region: zone}",
            )  # fmt: skip
    return tuple(zone if zone in known else EVERYWHERE for zone in found)


def refuse_mixed(model: DensityModel) -> None:
    """Refuse a confusion matrix where a raster serves some classes of a pool only.

    Raises
    ------
    SchemaError
        A pool is partly tabled.
    """
    partly = [p for k, p in enumerate(model.pools) if 0 < model.tabled[:, k].sum() < len(model.codes)]
    if partly:
        raise SchemaError(
            f"{partly[0]} comes from a raster for some classes and from the table for others",
            where="confusion", expected="a pool that is one of both throughout",
            fix="leave the confusion matrix out, or give the raster for all classes",
        )  # fmt: skip


def describe(
    model: DensityModel,
    table: PoolTable | None,
    sources: Mapping[str, RasterPool],
    options: Uncertainty,
    landuse: xr.Dataset,
) -> dict[str, Any]:
    """Give the attributes that say how a stock or change was made."""
    depth = table.depth if table is not None else None
    if "c_soil" in sources:
        depth = sources["c_soil"].depth
    origin = sorted(set(table.frame["source"]) - {""}) if table is not None else []
    how = f"{options.draws} draws, seed {options.seed}" if options.method == "monte_carlo" else "first order"
    return {
        "substance": "C",
        "scheme": landuse.attrs["scheme"],
        "pools": ", ".join(model.pools),
        "from_rasters": ", ".join(p for p in model.pools if p in sources),
        "edition": table.edition if table is not None else "",
        "soil_depth": "" if depth is None or "c_soil" not in model.pools else f"{depth:g} m",
        "sources": "; ".join(origin),
        "method": options.method,
        "method_detail": how,
        "level": options.level,
        "class_correlation": options.correlation,
        "uncertainty_not_included": "; ".join(model.parameters.unknown),
    }


def _estimate(landuse: xr.Dataset, model: DensityModel, spreads: dict[str, Spread], area: Any) -> xr.Dataset:
    several = landuse.sizes["region"] > 1
    keep = slice(None) if several else slice(0, 1)
    out = xr.Dataset(coords=region_coords(landuse, several))
    for name in ("class", "class_name", "class_name_zh"):
        out = out.assign_coords({name: ("class", landuse[name].values)})
    out = out.assign_coords(pool=("pool", np.array(model.pools, dtype=object)))
    areas = np.vstack([area, area.sum(axis=0)])[keep]
    out["class_area"] = (("region", "class"), areas, {"units": "m2", "long_name": "area"})
    kinds = {"total": ("stock", ()), "class": ("class_stock", ("class",)), "pool": ("pool_stock", ("pool",))}
    for kind, (name, dims) in kinds.items():
        add_spread(out, name, ("region", *dims), spreads[kind], keep, "kg", "carbon stock")
    whole = out["class_area"].sum("class").values
    for suffix in ("", "_uncertainty", "_lower", "_upper"):
        per = np.divide(out[f"stock{suffix}"].values, whole, out=np.full_like(whole, np.nan), where=whole > 0)
        out[f"stock_density{suffix}"] = ("region", per, {"units": "kg m-2", "substance": "C"})
    return out


def region_coords(landuse: xr.Dataset, several: bool) -> dict[str, Any]:
    """Coordinates of the regions of a histogram; where there are several, ``"*"`` is all of them together."""
    coords = {}
    for name, whole in zip(("region", "region_name", "region_name_zh"), WHOLE, strict=True):
        values = [*landuse[name].values, *([whole] if several else [])]
        coords[name] = ("region", np.array(values, dtype=object))
    return coords


def add_spread(
    out: xr.Dataset, name: str, dims: tuple[str, ...], spread: Spread, keep: slice, units: str, title: str
) -> None:
    """Add a value with its uncertainty, interval and (along region alone) terms to a new dataset.

    Where no parameter has a known uncertainty, the uncertainty is missing, not 0.
    """
    facts = {"units": units, "substance": "C"}
    nothing = not any(term.any() for term in spread.terms.values()) and bool(np.any(spread.value != 0))
    out[name] = (dims, spread.value[keep], {**facts, "long_name": title})
    for suffix, values in (("uncertainty", spread.sd), ("lower", spread.lower), ("upper", spread.upper)):
        filled = np.full_like(values, np.nan) if nothing else values
        out[f"{name}_{suffix}"] = (dims, filled[keep], facts)
    if dims == ("region",):
        for term, values in spread.terms.items():
            out[f"{name}_uncertainty_{term}"] = (dims, values[keep], facts)

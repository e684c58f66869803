"""What stocks and changes share: land, pools and rasters that go together, and how results are laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import xarray as xr

from yaotan.carbon.budget.model import DensityModel
from yaotan.carbon.budget.propagation import Spread, Uncertainty
from yaotan.carbon.pool import EVERYWHERE, POOLS, PoolTable, check_one, choose_pools
from yaotan.carbon.raster_pool import RasterPool
from yaotan.errors import SchemaError

#: name -> dims, values, attributes
Variables: TypeAlias = dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]]

#: id and names of all regions together
WHOLE = ("*", "whole area", "全区")


def account(
    landuse: xr.Dataset,
    table: PoolTable | None,
    sources: Mapping[str, RasterPool],
    accounted: Sequence[str] | None,
) -> tuple[str, ...]:
    """Check that land, pools and rasters go together, and choose the pools.

    Parameters
    ----------
    landuse : xarray.Dataset
        Land histogram.
    table : PoolTable or None
        Densities.
    sources : mapping of str to RasterPool
        Pools of rasters.
    accounted : sequence of str, optional
        Pools asked for.

    Returns
    -------
    tuple of str
        Pools in the usual order.

    Raises
    ------
    SchemaError
        Schemes or depths differ, a raster of soil has no depth, a pool has no density.
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
    for pool in chosen:
        source = sources.get(pool)
        if (source is None or source.classes is not None) and (table is None or pool not in table.pools):
            raise SchemaError(
                f"the raster of {pool} serves some classes only, and no table serves the others",
                where="pools", expected="a pool table with it, or classes=None",
            )  # fmt: skip
    return chosen


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
    general = table is not None and bool((table.frame["zone"] == EVERYWHERE).any())
    for region, zone in zip(regions, found, strict=True):
        if zone not in known and not (general and zones is None):
            raise SchemaError(
                f"region {region} has zone {zone!r}, which the pool table lacks", where="zones",
                expected=f"one of {', '.join(known)}", fix="zones={region: zone}",
            )  # fmt: skip
    return tuple(zone if zone in known else EVERYWHERE for zone in found)


def present_in(zone: Sequence[str], there: np.ndarray, kept: np.ndarray) -> dict[str, np.ndarray]:
    """Give zone -> boolean ``(class,)``: classes of `kept` that some region of the zone has.

    Parameters
    ----------
    zone : sequence of str
        Of each region.
    there : numpy.ndarray
        Boolean ``(region, class)``.
    kept : numpy.ndarray
        Boolean ``(class,)``.
    """
    marks = np.array(zone, dtype=object)
    return {name: np.asarray(there[marks == name].any(axis=0) & kept) for name in dict.fromkeys(zone)}


def refuse_mixed(model: DensityModel) -> None:
    """Refuse a confusion matrix where a raster serves some classes of a pool only.

    Raises
    ------
    SchemaError
        A pool is partly tabled.
    """
    for label in model.labels:
        if len({entry.by_area for entry in model.entries if entry.label == label}) > 1:
            raise SchemaError(
                f"{label} comes from a raster for some classes and from the table for others",
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
    depth = sources["c_soil"].depth if "c_soil" in sources else table.depth if table is not None else None
    origin = sorted(set(table.frame["source"]) - {""}) if table is not None else []
    how = f"{options.draws} draws, seed {options.seed}" if options.method == "monte_carlo" else "first order"
    return {
        "substance": "C",
        "scheme": landuse.attrs["scheme"],
        "pools": ", ".join(model.labels),
        "from_rasters": ", ".join(p for p in model.labels if p in sources),
        "edition": table.edition if table is not None else "",
        "soil_depth": "" if depth is None or "c_soil" not in model.labels else f"{depth:g} m",
        "sources": "; ".join(origin),
        "uncertainty_method": f"{options.method}, {how}",
        "level": options.level,
        "class_correlation": options.correlation,
        "uncertainty_not_included": "; ".join(model.parameters.unknown),
    }


def region_coords(landuse: xr.Dataset, several: bool) -> dict[str, Any]:
    """Coordinates of the regions of a histogram; where there are several, ``"*"`` is all of them together."""
    coords = {}
    for name, whole in zip(("region", "region_name", "region_name_zh"), WHOLE, strict=True):
        values = [*landuse[name].values, *([whole] if several else [])]
        coords[name] = ("region", np.array(values, dtype=object))
    return coords


def add_spread(
    out: Variables, name: str, dims: tuple[str, ...], spread: Spread, keep: slice, units: str, title: str
) -> None:
    """Add a value with its uncertainty, interval and (along region alone) terms to the variables of a result.

    Where no parameter has a known uncertainty, the uncertainty is missing, not 0.
    """
    facts = {"units": units, "substance": "C"}
    nothing = not any(term.any() for term in spread.terms.values()) and bool(np.any(spread.value != 0))
    out[name] = (dims, spread.value[keep], {**facts, "long_name": title})
    shown = {"uncertainty": spread.sd, "lower": spread.lower, "upper": spread.upper}
    if dims == ("region",):
        shown |= {f"uncertainty_{term}": values for term, values in spread.terms.items()}
    for suffix, values in shown.items():
        filled = np.full_like(values, np.nan) if nothing else values
        out[f"{name}_{suffix}"] = (dims, filled[keep], dict(facts))


def per_area(out: Variables, name: str, made: str, area: np.ndarray, units: str, factor: float = 1.0) -> None:
    """Add `name` and its companions per area (times a factor) as `made`; NaN where there is no land."""
    for suffix in ("", "_uncertainty", "_lower", "_upper"):
        empty = np.full(area.shape, np.nan)
        values = np.divide(out[f"{name}{suffix}"][1] * factor, area, out=empty, where=area > 0)
        out[f"{made}{suffix}"] = (("region",), values, {"units": units, "substance": "C"})

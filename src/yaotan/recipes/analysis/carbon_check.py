"""What can be known to be wrong with the carbon part of a study before any pixel is counted."""

from __future__ import annotations

import xarray as xr

from yaotan.carbon.class_layer import ClassLayer
from yaotan.carbon.pool import check_one, choose_pools
from yaotan.errors import RecipeError, YaotanError
from yaotan.recipes.analysis.carbon_published import read_published
from yaotan.recipes.analysis.carbon_source import CarbonSources
from yaotan.recipes.context import Context


def check_carbon(context: Context) -> None:
    """Refuse a carbon part whose files, legends or classes cannot go together.

    Every raster and table is opened, and a sample of its values is looked at.

    Parameters
    ----------
    context : Context
        Facts of the run.

    Raises
    ------
    RecipeError
        A file is not there; the study names regions or classes that are not; the message names the key.
    YaotanError
        A raster or table cannot be used (scheme, unit, nodata, editions, depths), as its reader says.
    """
    options = context.study.carbon
    if options is None:
        return
    sources = CarbonSources(context, options)
    lands = [sources.land(number) for number in range(len(options.landuse))]
    schemes = [str(land.attrs["scheme"]) for land in lands]
    check_one("schemes of the land use", schemes, "carbon.landuse")
    pools = sources.pools
    if pools is not None and pools.scheme != schemes[0]:
        raise RecipeError(
            f"the maps are of {schemes[0]}, the table of pools is of {pools.scheme}",
            where="carbon.pools.path",
            expected="the same scheme: the codes mean other classes",
        )
    edition = options.change.edition
    if edition is not None and pools is not None:
        check_one("editions", {edition, pools.edition} - {""}, "carbon.change.edition and the table of pools")
    _check_rasters(sources)
    offered = dict.fromkeys([*(pools.pools if pools is not None else ()), *options.rasters])
    choose_pools(options.accounted, [str(pool) for pool in offered])
    _check_codes(sources, lands[0])
    _check_places(context, sources)
    for number in (*range(len(lands)), None):
        _ = sources.confusion(number)
    for number, one in enumerate(options.published):
        read_published(sources, one, number)


def _check_rasters(sources: CarbonSources) -> None:
    for number in range(len(sources.options.landuse)):
        for pool, raster in sources.rasters(number).items():
            known = raster.depth or raster.density.attrs.get("depth_cm")  # type: ignore[union-attr]
            if pool == "c_soil" and known is None:
                raise RecipeError(
                    "the raster has no depth",
                    where="carbon.rasters.c_soil",
                    expected="depth_cm: [0, 100], or the depth it has",
                )


def _check_codes(sources: CarbonSources, land: xr.DataArray) -> None:
    """Refuse classes that the legend does not have."""
    known = set(ClassLayer(land).codes.tolist())
    named = {f"rasters.{pool}.classes": how.classes or [] for pool, how in sources.options.rasters.items()}
    change = sources.options.change
    named["change.growth"] = [one.code for one in change.growth]
    named["change.losses"] = [one.code for one in change.losses]
    for key, codes in named.items():
        strange = [code for code in codes if code not in known]
        if strange:
            raise RecipeError(
                f"{strange[0]} is no class of {land.attrs['scheme']}",
                where=f"carbon.{key}",
                expected=f"among {', '.join(str(code) for code in sorted(known))}",
            )


def _check_places(context: Context, sources: CarbonSources) -> None:
    """Refuse zones of regions that are not there, and losses in them."""
    known = [str(name) for name in context.regions["region_id"]] if sources.options.regions else ["*"]
    zones = sources.zones or {}
    named = [(name, "pools.zones") for name in zones]
    named += [(one.region, "change.losses") for one in sources.options.change.losses if one.region]
    for name, key in named:
        if name not in known:
            raise RecipeError(
                f"{name!r} is not a region of the study",
                where=f"carbon.{key}",
                expected=f"among {', '.join(known)}",
            )
    try:
        _ = sources.flows()
    except YaotanError as error:
        raise RecipeError(error.what, where="carbon.change", expected=error.expected) from error

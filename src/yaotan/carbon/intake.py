"""Land use as given, histogram or rasters, made a histogram with the sums that pools of rasters need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import xarray as xr

from yaotan.carbon.histogram import check_histogram
from yaotan.carbon.raster_pool import RasterPool
from yaotan.carbon.weight import Method
from yaotan.errors import SchemaError

if TYPE_CHECKING:
    import geopandas as gpd


def take_land(
    landuse: xr.Dataset | xr.DataArray,
    after: xr.DataArray | None,
    sources: Mapping[str, RasterPool],
    regions: gpd.GeoDataFrame | xr.DataArray | None,
    area: Method,
) -> tuple[xr.Dataset, dict[str, RasterPool]]:
    """Give the land histogram, and raster pools that name sums in it.

    Parameters
    ----------
    landuse : xarray.Dataset or xarray.DataArray
        Histogram, or raster of classes.
    after : xarray.DataArray, optional
        Raster of the second date.
    sources : mapping of str to RasterPool
        Any key -> raster pool, whose density may be a raster.
    regions, area
        As `yaotan.carbon.overlay.land_histogram`; with a histogram there must be no regions.

    Returns
    -------
    histogram : xarray.Dataset
        Checked.
    sources : dict
        The same keys; every density is a name of sums in the histogram, depths are filled in.

    Raises
    ------
    SchemaError
        Regions or rasters come with a histogram that was made without them; a raster says another substance
        than its pool.
    """
    if isinstance(landuse, xr.Dataset):
        given = [key for key, source in sources.items() if not isinstance(source.density, str)]
        if regions is not None or after is not None or given:
            what = "regions" if regions is not None else "a second raster" if after is not None else "rasters"
            raise SchemaError(
                f"{what} come with a land histogram", where="landuse",
                expected="rasters of classes; or a histogram that was made with regions and densities",
            )  # fmt: skip
        return check_histogram(landuse), dict(sources)
    from yaotan.carbon.overlay import land_histogram  # compiled code, needed for rasters only

    densities: dict[str, xr.DataArray] = {}
    named: dict[str, RasterPool] = {}
    for key, source in sources.items():
        if isinstance(source.density, str):
            raise SchemaError(
                f"{source.density!r} names sums of a histogram, and the land use is a raster", where=key,
                expected="RasterPool(raster)",
            )  # fmt: skip
        checked = _declared(key, source)
        name = next((n for n, raster in densities.items() if raster is source.density), None)
        name = name or f"density_{len(densities)}_{source.name}".replace(" ", "_")
        densities[name] = source.density
        named[key] = replace(checked, density=name, error=source.error or source.name)
    histogram = land_histogram(landuse, after, regions=regions, densities=densities, area=area)
    return histogram, named


def _declared(key: str, source: RasterPool) -> RasterPool:
    """Compare a pool with what its raster says of itself."""
    attributes: Mapping[str, Any] = source.density.attrs if isinstance(source.density, xr.DataArray) else {}
    substance = attributes.get("substance")
    if substance is not None and substance != source.content:
        raise SchemaError(
            f"the raster {source.name} holds {substance}, its pool {source.content}", where=key,
            expected="the same", fix=f"RasterPool(content={substance!r}, ...)",
        )  # fmt: skip
    depth = attributes.get("depth_cm")
    if depth is None:
        return source
    top, bottom = (float(end) / 100.0 for end in depth)
    if source.depth is not None and (top != 0.0 or abs(source.depth - bottom) > 1e-6):
        raise SchemaError(
            f"the raster {source.name} is of {top:g} to {bottom:g} m, its pool of 0 to {source.depth:g} m",
            where=key, expected="the same depth",
        )  # fmt: skip
    return replace(source, depth=bottom) if top == 0.0 else source

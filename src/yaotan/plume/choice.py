"""What a scene brings for each source: distance, time, and the winds that an ensemble takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from yaotan.errors import YaotanError
from yaotan.geodesy import distance
from yaotan.plume.effective import NO_WIND
from yaotan.plume.method import Winds
from yaotan.plume.wind import effective_wind

if TYPE_CHECKING:
    import geopandas as gpd

#: winds of an ensemble, those of them that the field has; the first is the one drawn
WINDS: Final = ("gnfr_a", "boundary_layer", "100m")
#: a source farther from every pixel of an image, or every sounding of a track, is outside [m]
FAR_IMAGE, FAR_TRACK = 30e3, 150e3
#: name of a wind that was given as it is
GIVEN: Final = "given"


def nearest(data: xr.Dataset, sources: gpd.GeoDataFrame) -> dict[str, Any]:
    """Distance of each source to the nearest pixel or sounding [m], and the time there (UTC; NaT: none)."""
    lat, lon = data["latitude"].values.ravel(), data["longitude"].values.ravel()
    place = data["latitude"].dims
    times = None
    if "time" in data.variables:
        times = data["time"].broadcast_like(data["latitude"]).transpose(*place).values.ravel()
        times = times.astype("datetime64[ns]")
    away = np.full(len(sources), np.inf)
    when = np.full(len(sources), np.datetime64("NaT"), "datetime64[ns]")
    for number, point in enumerate(sources.geometry):
        far = distance(point.y, point.x, lat, lon)
        if not np.isfinite(far).any():
            continue
        away[number] = np.nanmin(far)
        if times is not None:
            # a pixel at the rim may have a place and no time
            timed = np.where(np.isnat(times), np.nan, far)
            if np.isfinite(timed).any():
                when[number] = times[int(np.nanargmin(timed))]
    return {"distance": away, "time": when}


def choose_winds(
    wind: xr.Dataset | Winds,
    sources: gpd.GeoDataFrame,
    times: Any,
    choices: Sequence[str] | None,
    options: Mapping[str, Any],
) -> dict[str, Winds]:
    """Winds by name of the choice; of a field those that it has, unless choices are named.

    Raises
    ------
    YaotanError
        A named choice is unknown or cannot be had; no choice can be had.
    """
    if not isinstance(wind, xr.Dataset):
        if choices is not None:
            raise YaotanError(
                "a wind is given as it is, and choices beside it", where="winds", fix="give the wind field"
            )
        return {GIVEN: wind}
    if np.isnat(times).all():
        return {(choices or WINDS)[0]: NO_WIND}
    if "sounding" in wind.dims:
        return {"product": effective_wind(wind, sources, times, choice="product", **options)}
    # a source without a time gets no wind: any time stands in for it here, and its wind is taken away below
    stand_in = np.where(np.isnat(times), times[~np.isnat(times)][0], times)
    found: dict[str, Winds] = {}
    lacking = []
    for choice in choices or WINDS:
        try:
            made = effective_wind(wind, sources, stand_in, choice=choice, **options)
        except YaotanError as error:
            if choices is not None:
                raise
            lacking.append(str(error))
            continue
        known = zip(sources["source"], np.isnat(times), strict=True)
        found[choice] = {name: NO_WIND if none else made[name] for name, none in known}
    if not found:
        raise YaotanError(f"the field has no wind of a plume: {lacking[0]}", where="choose_winds")
    return found

"""Parts of images and of granules of soundings that lie around sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from yaotan.errors import SchemaError
from yaotan.geodesy import distance
from yaotan.plane import earth_point
from yaotan.plume.choice import FAR_IMAGE
from yaotan.plume.source import check_sources

if TYPE_CHECKING:
    import geopandas as gpd

#: half size of the part of an image around a source: plume and background beside it [m]
AROUND: Final = 200e3
#: soundings of a track farther from the source than this take no part [m]
ALONG: Final = 160e3
#: soundings of one overpass follow one another within this time
PAUSE: Final = np.timedelta64(10, "m")


def cut_images(scene: xr.Dataset, sources: gpd.GeoDataFrame) -> Iterator[tuple[xr.Dataset, gpd.GeoDataFrame]]:
    """Cut an image to the lines around its sources; sources near one another share a part.

    Parameters
    ----------
    scene : xarray.Dataset
        Dims ``y, x``; may be lazy: only places are read of what lies elsewhere.
    sources : geopandas.GeoDataFrame
        Table of `make_sources`.

    Yields
    ------
    scene : xarray.Dataset
        Lines (and pixels) within `AROUND` of the sources of the part.
    sources : geopandas.GeoDataFrame
        Those of the part. Sources outside the image are in no part.

    Raises
    ------
    SchemaError
        The data are no image.
    """
    check_sources(sources)
    if not {"y", "x"} <= set(scene.dims):
        raise SchemaError(f"dims are {list(scene.dims)}", where="cut_images", expected="y, x")
    lat, lon = scene["latitude"].transpose("y", "x").values, scene["longitude"].transpose("y", "x").values
    windows = []
    for place in _within(lat, lon, sources, FAR_IMAGE):
        point = sources.geometry.iloc[place]
        near = distance(point.y, point.x, lat, lon) <= AROUND
        rows, columns = (np.flatnonzero(near.any(axis=axis)) for axis in (1, 0))
        windows.append([rows[0], rows[-1] + 1, columns[0], columns[-1] + 1, [place]])
    for first, last, left, right, places in _joined(windows):
        part = scene.isel(y=slice(first, last), x=slice(left, right))
        yield part, sources.iloc[sorted(places)].reset_index(drop=True)


def _within(lat: Any, lon: Any, sources: gpd.GeoDataFrame, reach: float) -> list[int]:
    """Rows of the sources with a pixel or sounding within a distance [m]; a list may hold thousands."""
    from scipy.spatial import cKDTree

    placed = np.isfinite(lat) & np.isfinite(lon)
    if not placed.any():
        return []
    tree = cKDTree(earth_point(lat[placed], lon[placed]))
    points = earth_point(sources.geometry.y.to_numpy(), sources.geometry.x.to_numpy())
    away, _ = tree.query(points, distance_upper_bound=reach)
    return [int(place) for place in np.flatnonzero(np.isfinite(away))]


def _joined(windows: list[list[Any]]) -> list[list[Any]]:
    """Join windows whose lines overlap."""
    made: list[list[Any]] = []
    for window in sorted(windows, key=lambda one: (one[0], one[1])):
        if made and window[0] < made[-1][1]:
            last = made[-1]
            last[1], last[2], last[3] = (
                max(last[1], window[1]),
                min(last[2], window[2]),
                max(last[3], window[3]),
            )
            last[4] += window[4]
        else:
            made.append(list(window))
    return made


def cut_tracks(
    soundings: xr.Dataset, sources: gpd.GeoDataFrame
) -> Iterator[tuple[xr.Dataset, gpd.GeoDataFrame]]:
    """Cut soundings to the overpasses near each source.

    Parameters
    ----------
    soundings : xarray.Dataset
        Dim ``sounding`` with ``time``, ``latitude``, ``longitude``; may be lazy.
    sources : geopandas.GeoDataFrame
        Table of `make_sources`.

    Yields
    ------
    soundings : xarray.Dataset
        Those of one overpass within `ALONG` of one source, in order of time.
    sources : geopandas.GeoDataFrame
        The one source. A source without an overpass comes in no part.

    Raises
    ------
    SchemaError
        The data are no soundings.
    """
    check_sources(sources)
    if "sounding" not in soundings.dims:
        raise SchemaError(f"dims are {list(soundings.dims)}", where="cut_tracks", expected="sounding")
    lat, lon, time = (soundings[name].values for name in ("latitude", "longitude", "time"))
    for place in _within(lat, lon, sources, ALONG):
        point = sources.geometry.iloc[place]
        away = distance(point.y, point.x, lat, lon)
        near = np.flatnonzero(np.nan_to_num(away, nan=np.inf) <= ALONG)
        near = near[~np.isnat(time[near])]
        if near.size == 0:
            continue
        near = near[np.argsort(time[near], kind="stable")]
        breaks = np.flatnonzero(np.diff(time[near]) > PAUSE) + 1
        for one in np.split(near, breaks):
            yield soundings.isel(sounding=one), sources.iloc[place : place + 1].reset_index(drop=True)

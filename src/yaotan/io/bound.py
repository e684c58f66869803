"""Where and when: the arguments `region` and `period` read and checked once, before any file is opened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import RegionError, YaotanError
from yaotan.io.footprint import wrap

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Span:
    """A period, the end not included, as nanoseconds of UTC."""

    start: np.datetime64
    end: np.datetime64


def parse_period(period: Sequence[Any] | None) -> Span | None:
    """Read a pair of dates, both included to the resolution in which they are written.

    Parameters
    ----------
    period : pair, optional
        ISO texts (``"2018-11"`` means the whole month), dates, or datetimes in UTC.

    Returns
    -------
    Span or None
        None when no period is given.

    Raises
    ------
    YaotanError
        Not a pair of dates, or end before start.

    Examples
    --------
    >>> parse_period(("2018-11-02", "2018-11-03")).end
    np.datetime64('2018-11-04T00:00:00.000000000')
    """
    if period is None:
        return None
    expected = "a pair of ISO dates such as ('2018-11-01', '2018-11-30')"
    if isinstance(period, str) or len(period) != 2:
        raise YaotanError(f"period {period!r} is not a pair", where="period", expected=expected)
    try:
        start, end = (_to_datetime(item) for item in period)
    except (ValueError, TypeError) as error:
        raise YaotanError(f"cannot be read ({error})", where="period", expected=expected) from error
    span = Span(start.astype("datetime64[ns]"), (end + 1).astype("datetime64[ns]"))
    if span.end <= span.start:
        raise YaotanError(f"ends ({period[1]}) before it starts ({period[0]})", where="period")
    return span


def _to_datetime(item: Any) -> Any:
    if isinstance(item, dt.date) and not isinstance(item, dt.datetime):
        return np.datetime64(item, "D")
    moment = np.datetime64(item.rstrip("Z") if isinstance(item, str) else item)
    if np.isnat(moment):
        raise ValueError(f"{item!r} is no date")
    return moment


@dataclass(frozen=True)
class Box:
    """West, south, east, north in degrees; west > east crosses the dateline."""

    west: float
    south: float
    east: float
    north: float

    def touches(self, latitude: NDArray[Any], longitude: NDArray[Any]) -> Mask:
        """Tell which pixels, given by their corners (n, 4), have a bounding box that meets this one."""
        south, north, west, east = span_corners(latitude, longitude)
        meets = (south <= self.north) & (north >= self.south)
        width = self.east - self.west if self.east > self.west else self.east - self.west + 360.0
        near = [(west <= self.west + width + turn) & (east >= self.west + turn) for turn in (-360, 0, 360)]
        return meets & np.logical_or.reduce(near)

    def holds(self, latitude: NDArray[Any], longitude: NDArray[Any]) -> Mask:
        """Tell which points lie inside or on the edge."""
        inside = (latitude >= self.south) & (latitude <= self.north)
        if self.east - self.west >= 360.0:
            return inside
        west, east = (_wrap_one(value) for value in (self.west, self.east))
        if east == -180.0 and self.east > self.west:
            east = 180.0
        if west <= east:
            return inside & (longitude >= west) & (longitude <= east)
        return inside & ((longitude >= west) | (longitude <= east))


def span_corners(latitude: NDArray[Any], longitude: NDArray[Any]) -> tuple[NDArray[np.float64], ...]:
    """Bounding boxes of pixels.

    Parameters
    ----------
    latitude, longitude : numpy.ndarray
        Corners, shape (n, 4) [degrees].

    Returns
    -------
    south, north, west, east : numpy.ndarray
        Shape (n,); west <= east, which may lie beyond 180. All longitudes where the corners, which run
        around the pixel, run around a pole; NaN where a corner is missing.

    Examples
    --------
    >>> import numpy as np
    >>> span_corners(np.array([[0.0, 0, 1, 1]]), np.array([[179.0, -179.0, -179.0, 179.0]]))[2:]
    (array([179.]), array([181.]))
    """
    side = wrap(longitude - longitude[:, :1])
    west, east = longitude[:, 0] + side.min(axis=1), longitude[:, 0] + side.max(axis=1)
    polar = np.abs(wrap(np.roll(longitude, -1, axis=1) - longitude).sum(axis=1)) > 180.0
    west, east = np.where(polar, -180.0, west), np.where(polar, 180.0, east)
    south, north = latitude.min(axis=1), latitude.max(axis=1)
    # the pole itself lies within such a pixel, not at a corner
    north = np.where(polar & (north > 0), 90.0, north)
    south = np.where(polar & (south < 0), -90.0, south)
    return south, north, west, east


def _wrap_one(value: float) -> float:
    return float(wrap(np.array([value]))[0])


@dataclass(frozen=True)
class Polygons:
    """Area of one or more polygons in degrees."""

    geometry: Any

    def touches(self, latitude: NDArray[Any], longitude: NDArray[Any]) -> Mask:
        """Tell which pixels, given by their corners (n, 4), share a point with the area."""
        import shapely

        south, north, west, east = span_corners(latitude, longitude)
        polar = np.flatnonzero(east - west >= 360.0)
        result = np.zeros(south.shape, dtype=bool)
        left, low, right, high = self.geometry.bounds
        for turn in (-360.0, 0.0, 360.0):
            near = (west + turn <= right) & (east + turn >= left) & (south <= high) & (north >= low) & ~result
            rows = np.flatnonzero(near)
            if not rows.size:
                continue
            unrolled = longitude[rows, :1] + wrap(longitude[rows] - longitude[rows, :1]) + turn
            shapes = shapely.convex_hull(
                shapely.linestrings(np.stack([unrolled, latitude[rows]], axis=-1))  # however they run
            )
            wide = np.isin(rows, polar)
            shapes[wide] = shapely.box(-180.0, south[rows[wide]], 180.0, north[rows[wide]])
            result[rows] = shapely.intersects(self.geometry, shapes)
        return result

    def holds(self, latitude: NDArray[Any], longitude: NDArray[Any]) -> Mask:
        """Tell which points lie inside or on the edge, for polygons on either side of the dateline too."""
        import shapely

        west, south, east, north = self.geometry.bounds
        result = np.zeros(latitude.shape, dtype=bool)
        for turn in (-360.0, 0.0, 360.0):
            near = (longitude + turn >= west) & (longitude + turn <= east)
            near &= (latitude >= south) & (latitude <= north) & ~result
            if near.any():
                result[near] = shapely.intersects_xy(self.geometry, longitude[near] + turn, latitude[near])
        return result


def parse_region(region: Any) -> Box | Polygons | None:
    """Read a region argument.

    Parameters
    ----------
    region : tuple of 4 floats or geopandas.GeoDataFrame, optional
        (west, south, east, north) in degrees, or polygons with a coordinate reference system.

    Returns
    -------
    Box, Polygons or None
        None when no region is given.

    Raises
    ------
    RegionError
        Not four finite numbers in order, or polygons without reference system.
    """
    if region is None:
        return None
    if hasattr(region, "geometry"):
        return _from_features(region)
    try:
        west, south, east, north = (float(value) for value in region)
    except (TypeError, ValueError) as error:
        raise RegionError(
            f"{region!r} is no region",
            where="region",
            expected="(west, south, east, north) or a GeoDataFrame",
        ) from error
    if not (-90 <= south < north <= 90 and -180 <= west <= 360 and -180 <= east <= 360 and west != east):
        raise RegionError(
            f"({west:g}, {south:g}, {east:g}, {north:g}) is no region",
            where="region",
            expected="(west, south, east, north) in degrees, south < north, longitudes from -180 to 360",
        )
    return Box(west, south, east, north)


def _from_features(features: Any) -> Polygons:
    import shapely

    if features.crs is None:
        raise RegionError(
            "the polygons have no coordinate reference system", where="region", fix="set .crs before use"
        )
    geometry = features.to_crs(4326).geometry
    if geometry.is_empty.all():
        raise RegionError("the polygons are empty", where="region")
    merged = shapely.make_valid(geometry.union_all())
    shapely.prepare(merged)
    return Polygons(merged)

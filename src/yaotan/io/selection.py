"""Which soundings to keep: by geolocation, period, region, quality and value, each loss counted once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import RegionError, YaotanError
from yaotan.io.container import open_container
from yaotan.io.footprint import wrap
from yaotan.io.granule import Granule
from yaotan.schema import QUALITY

Mask = NDArray[np.bool_]
QualityChoice = Literal["good", "all", "bad"]


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


def _wrap_one(value: float) -> float:
    return float(wrap(np.array([value]))[0])


@dataclass(frozen=True)
class Polygons:
    """Area of one or more polygons in degrees."""

    geometry: Any

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


@dataclass
class Selection:
    """Rows kept from one granule in order of time, and what was lost, by reason."""

    granule: Granule
    rows: NDArray[np.uint32]
    dropped: dict[str, int]
    flags: dict[str, int]
    first: np.datetime64
    last: np.datetime64

    @property
    def kept(self) -> int:
        """Number of soundings kept."""
        return int(self.rows.size)


def select_rows(
    granule: Granule, *, region: Box | Polygons | None, span: Span | None, quality: QualityChoice
) -> Selection:
    """Decide row by row what to keep, reading no more than time, position, quality and the column.

    Parameters
    ----------
    granule : Granule
        The file.
    region, span : Box, Polygons, Span or None
        Where and when.
    quality : {"good", "all", "bad"}
        Which soundings of the product's flag. With "good", soundings without any column value go too.

    Returns
    -------
    Selection
        Each lost sounding is counted under the first reason that applies, in the order no_geolocation,
        outside_period, outside_region, quality_flag, no_value; rows are sorted by time (stable).
    """
    dropped: dict[str, int] = {}
    flags: dict[str, int] = {}
    with open_container(granule.path) as container:
        time, lat, lon, flag = (
            granule.read_from(container, name) for name in ("time", "latitude", "longitude", "quality")
        )
        keep = np.ones(granule.count, dtype=bool)

        def lose(reason: str, bad: Mask) -> None:
            nonlocal keep
            number = int((keep & bad).sum())
            if number:
                dropped[reason] = number
            keep &= ~bad

        lose("no_geolocation", ~((np.abs(lat) <= 90) & np.isfinite(lon)) | np.isnat(time))
        if span is not None:
            lose("outside_period", ~((time >= span.start) & (time < span.end)))
        if region is not None:
            lose("outside_region", ~region.holds(lat, lon))
        if quality != "all":
            if quality == "good":
                flags = _count_flags(granule, container, keep & (flag != QUALITY["good"]))
            lose("quality_flag", flag != QUALITY[quality])
        if quality == "good":
            gases = [name for name in granule.product.gases if name in granule.sources]
            empty = [np.isnan(granule.read_from(container, name)) for name in gases]
            lose("no_value", np.logical_and.reduce(empty) if empty else np.zeros_like(keep))
    rows = np.flatnonzero(keep).astype(np.uint32)
    moments = time[rows]
    if rows.size > 1 and (np.diff(moments) < np.timedelta64(0)).any():
        order = np.argsort(moments, kind="stable")
        rows, moments = rows[order], moments[order]
    none = np.datetime64("NaT", "ns")
    first, last = (moments[0], moments[-1]) if rows.size else (none, none)
    return Selection(granule, rows, dropped, flags, first, last)


def _count_flags(granule: Granule, container: Any, lost: Mask) -> dict[str, int]:
    """Count the product's own reasons among the soundings that its flag takes; one may have several."""
    if not granule.bits:
        return {}
    bits = granule.read_from(container, "quality_bits")[lost]
    counts = {
        f"qf:{name}": int(((bits >> np.uint64(place)) & np.uint64(1)).sum())
        for place, name in enumerate(granule.bits[:64])
    }
    return {name: number for name, number in counts.items() if number}


def drop_duplicates(selections: list[Selection]) -> None:
    """Keep one of soundings that occur twice, within a file or in files that overlap in time.

    Parameters
    ----------
    selections : list of Selection
        Changed in place: rows and counts (reason ``duplicate``). The sounding of the newest product
        version stays; within one version that of the file that comes first.

    Notes
    -----
    Two soundings are one when their sounding ids are equal (where the product has ids), else when time,
    latitude and longitude are equal.
    """
    for cluster in _overlapping(selections):
        ranked = sorted(cluster, key=lambda item: _version_key(item.granule.version), reverse=True)
        keys = [_sounding_keys(item) for item in ranked]
        every = np.concatenate(keys)
        _, first = np.unique(every, return_index=True)
        if first.size == every.size:
            continue
        single = np.zeros(every.size, dtype=bool)
        single[first] = True
        for item, part in zip(ranked, np.split(single, np.cumsum([len(k) for k in keys])[:-1]), strict=True):
            lost = int((~part).sum())
            if lost:
                item.dropped["duplicate"] = lost
                item.rows = item.rows[part]


def _overlapping(selections: list[Selection]) -> list[list[Selection]]:
    clusters: list[list[Selection]] = []
    end = None
    for item in sorted((s for s in selections if s.kept), key=lambda s: s.first):
        if end is None or item.first > end:
            clusters.append([])
            end = item.last
        clusters[-1].append(item)
        end = max(end, item.last)
    return clusters


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _sounding_keys(item: Selection) -> NDArray[Any]:
    granule, rows = item.granule, item.rows
    with open_container(granule.path) as container:
        if "sounding_id" in granule.sources:
            numbers = granule.read_from(container, "sounding_id", rows)
            if (numbers > 0).all():
                return numbers
        time, lat, lon = (granule.read_from(container, n, rows) for n in ("time", "latitude", "longitude"))
    keys = np.empty(rows.size, dtype=[("time", "i8"), ("lat", "f8"), ("lon", "f8")])
    keys["time"], keys["lat"], keys["lon"] = time.astype(np.int64), lat, lon
    return keys

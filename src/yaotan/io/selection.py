"""Which soundings to keep: by geolocation, period, region, quality and value, each loss counted once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import NotAGranuleError
from yaotan.io.bound import Box, Mask, Polygons, Span
from yaotan.io.container import Container, open_container
from yaotan.io.decode import to_float, to_text
from yaotan.io.granule import Granule
from yaotan.io.row_set import RowSet, screen_rows
from yaotan.schema import QUALITY

QualityChoice = Literal["good", "all", "bad"]


@dataclass
class Selection:
    """Rows kept from one granule in order of time, and what was lost, by reason."""

    granule: Granule
    rows: RowSet
    dropped: dict[str, int]
    flags: dict[str, int]
    first: np.datetime64
    last: np.datetime64

    @property
    def kept(self) -> int:
        """Number of soundings kept."""
        return self.rows.count


def select_rows(
    granule: Granule,
    container: Container,
    *,
    region: Box | Polygons | None,
    span: Span | None,
    quality: QualityChoice,
) -> Selection:
    """Decide row by row what to keep, reading no more than time, position, quality and the column.

    Parameters
    ----------
    granule : Granule
        The file.
    container : Container
        The same, open.
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
    require_flag(granule, quality)
    placed = _has_places(granule)
    if region is not None and not placed:
        raise NotAGranuleError(
            f"{granule.product.product} files hold no position: no region can be cut out",
            where=granule.path,
            fix="open it without region=, and join positions by sounding_id",
        )
    time, lat, lon, flag = (
        granule.read_from(container, name) for name in ("time", "latitude", "longitude", "quality")
    )
    if granule.count and np.isnat(time).all():
        raise NotAGranuleError(
            f"no time can be read: {', '.join(rule.path for rule in granule.times)} hold none that is valid",
            where=granule.path,
            fix="get the file again from the archive, or cut it with another service",
        )
    bad = {"no_geolocation": (placed & ~((np.abs(lat) <= 90) & np.isfinite(lon))) | np.isnat(time)}
    if span is not None:
        bad["outside_period"] = ~((time >= span.start) & (time < span.end))
    if region is not None:
        bad["outside_region"] = ~region.holds(lat, lon)
    flags: dict[str, int] = {}
    if quality != "all":
        if quality == "good":
            flags = _count_flags(granule, container, screen_rows(bad)[0] & (flag != QUALITY["good"]))
        bad["quality_flag"] = flag != QUALITY[quality]
    if quality == "good":
        gases = [name for name in granule.product.gases if name in granule.sources]
        if gases:
            empty = [np.isnan(granule.read_from(container, name)) for name in gases]
            bad["no_value"] = np.logical_and.reduce(empty)
    keep, dropped = screen_rows(bad)
    rows = np.flatnonzero(keep)
    moments = time[rows]
    if rows.size > 1 and (np.diff(moments) < np.timedelta64(0)).any():
        order = np.argsort(moments, kind="stable")
        rows, moments = rows[order], moments[order]
    none = np.datetime64("NaT", "ns")
    first, last = (moments[0], moments[-1]) if rows.size else (none, none)
    return Selection(granule, RowSet.of(rows), dropped, flags, first, last)


def _has_places(granule: Granule) -> bool:
    """Tell a product that holds positions from one whose catalog entry says that they are missing."""
    place = granule.sources.get("latitude")
    return place is None or place.value is None or not np.isnan(place.value)


def require_flag(granule: Granule, quality: QualityChoice) -> None:
    """Refuse to tell good soundings from bad ones where the product's flag is missing from the file."""
    if quality != "all" and granule.unflagged:
        raise NotAGranuleError(
            f"quality flag {granule.unflagged} is missing: which soundings are {quality} cannot be told",
            where=granule.path,
            fix='use the original file, or open it with quality="all"',
        )


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


def check_gases(selections: list[Selection]) -> None:
    """Refuse files of one product that hold one gas here and another there.

    Such products (C3S, ESA-CCI) give each gas in a file of its own with a flag of its own: in one table the
    same sounding would stand twice, and one of the two would go as a duplicate. Products that tell samples of
    one time and place apart (``distinct_by``) may.

    Raises
    ------
    NotAGranuleError
        Two files have no gas in common.
    """
    held: dict[frozenset[str], str] = {}
    for item in selections:
        gases = frozenset(n for n in item.granule.product.gases if n in item.granule.sources)
        if item.kept and gases and not item.granule.product.distinct_by:
            held.setdefault(gases, item.granule.path)
    for gases, path in held.items():
        for others, other in held.items():
            if not gases & others:
                raise NotAGranuleError(
                    f"holds {', '.join(sorted(gases))}, and {other} holds {', '.join(sorted(others))}",
                    where=path,
                    expected="files of one gas",
                    fix="open the gases apart, for example with a pattern of file names such as '*CH4*.nc'",
                )


def drop_duplicates(selections: list[Selection]) -> None:
    """Keep one of soundings that occur twice, within a file or in files that overlap in time.

    Parameters
    ----------
    selections : list of Selection
        Changed in place: rows and counts (reason ``duplicate``). The sounding of the newest product
        version stays; within one version that of the file that comes first.

    Notes
    -----
    Two soundings are one when their sounding ids are equal, where every sounding that could be meant has
    one, else when time, latitude and longitude are equal, and for products that say so (``distinct_by``)
    what else tells them apart, such as the height of an inlet.
    """
    for cluster in _overlapping(selections):
        ranked = sorted(cluster, key=lambda item: _version_key(item.granule.version), reverse=True)
        keys = _sounding_keys(ranked)
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
                item.rows = RowSet.of(item.rows.array()[part])


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
    return tuple(int(part) for part in re.split(r"[.-]", version) if part.isdigit())


def _sounding_keys(cluster: list[Selection]) -> list[NDArray[Any]]:
    """Give what tells soundings apart: ids if every sounding of every file has one, else time and place."""
    ids: list[NDArray[Any]] = []
    for item in cluster:
        if "sounding_id" not in item.granule.sources or item.granule.product.distinct_by:
            break
        ids.append(item.granule.read("sounding_id", item.rows.array()))
        if (ids[-1] == 0).any():
            break
    else:
        return ids
    return [_moments_and_places(item) for item in cluster]


def _moments_and_places(item: Selection) -> NDArray[Any]:
    granule, rows = item.granule, item.rows.array()
    with open_container(granule.path) as container:
        time, lat, lon = (granule.read_from(container, n, rows) for n in ("time", "latitude", "longitude"))
        more = [_distinct(granule, container, name, rows) for name in granule.product.distinct_by]
    # files of two gases may hold samples of one time and place
    gases = sum(1 << k for k, n in enumerate(granule.product.gases) if n in granule.sources and more)
    fields = [("time", "i8"), ("lat", "f8"), ("lon", "f8"), ("gases", "i8")]
    keys = np.empty(rows.size, dtype=[*fields, *((n, "i8") for n in granule.product.distinct_by)])
    keys["time"], keys["lat"], keys["lon"], keys["gases"] = time.astype(np.int64), lat, lon, gases
    for name, values in zip(granule.product.distinct_by, more, strict=True):
        keys[name] = values
    return keys


def _distinct(granule: Granule, container: Container, name: str, rows: NDArray[Any]) -> NDArray[np.int64]:
    """Give what tells soundings of one time and place apart, as whole numbers that are equal when it is."""
    if name in granule.sources:
        values = granule.read_from(container, name, rows)
    elif name in container:
        raw = granule.frame.read(container, name, rows)
        try:  # "08" in one file and 8 in another are the same minute
            values = to_float(raw, container.attributes_of(name), granule.product.fill)
        except NotAGranuleError:
            import pandas as pd  # late: only tables of text tell by text

            return pd.util.hash_array(to_text(raw).astype(object), categorize=False).view(np.int64)
    else:
        return np.zeros(rows.size, dtype=np.int64)
    return (np.nan_to_num(values, nan=-np.inf) + 0.0).view(np.int64)  # + 0.0: no -0.0

"""Soundings that may have a partner: read in blocks, so that a year of granules streams."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.validation.option import Options
from yaotan.column.validation.station import Station
from yaotan.errors import SchemaError
from yaotan.geodesy import AUTHALIC_RADIUS, distance, sphere_point
from yaotan.io.row_set import screen_rows

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]

#: Soundings looked at together where the table is not in chunks of its own.
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Candidates:
    """Soundings as flat arrays; ``row`` is the number in the table, ``carried`` has a column a name."""

    row: Ints
    latitude: Floats
    longitude: Floats
    time: NDArray[np.int64]
    value: Floats
    sigma: Floats
    temperature: Floats
    altitude: Floats
    carried: Floats

    def take(self, rows: Any) -> Candidates:
        """Give some of them (mask or numbers)."""
        return Candidates(*(array[rows] for array in vars(self).values()))

    def __len__(self) -> int:
        return self.row.size


def read_blocks(soundings: xr.Dataset, column: str, options: Options) -> Any:
    """Read place, time and value of usable soundings by blocks; count the others by reason."""
    extra = {
        "sigma": f"{column}_uncertainty",
        "temperature": options.temperature or "",
        "altitude": "surface_altitude" if options.altitude is not None else "",
        "quality": "quality",
    }
    _check_names(soundings, extra, options)
    held = (name for name in extra.values() if name in soundings)
    names = list(dict.fromkeys(["time", "latitude", "longitude", column, *held, *options.carry]))
    for start, stop in _blocks(soundings[column]):
        block = soundings[names].isel(sounding=slice(start, stop)).compute()
        blank = np.full(stop - start, np.nan)
        part = {k: block[n].values.astype(float) if n in block else blank for k, n in extra.items()}
        moment = block["time"].values.astype("datetime64[ns]")
        carried = np.array([block[name].values for name in options.carry], float)
        found = Candidates(
            np.arange(start, stop),
            block["latitude"].values.astype(float),
            block["longitude"].values.astype(float),
            moment.astype(np.int64),
            block[column].values.astype(float),
            part["sigma"],
            part["temperature"],
            part["altitude"],
            carried.reshape(-1, stop - start).T,
        )
        placed = np.isfinite(found.latitude) & np.isfinite(found.longitude) & ~np.isnat(moment)
        keep, lost = screen_rows(
            {
                "bad_quality": part["quality"] > 0,
                "no_value": ~np.isfinite(found.value),
                "no_place_or_time": ~placed,
            }
        )
        yield found.take(keep), Counter(lost)


def _check_names(soundings: xr.Dataset, extra: dict[str, str], options: Options) -> None:
    """Refuse soundings that lack what an option needs of each of them."""
    where = str(soundings.attrs.get("product", "soundings"))
    for key, needed in (("temperature", options.temperature), ("altitude", options.altitude)):
        if needed is not None and extra[key] not in soundings:
            raise SchemaError(
                f"{extra[key]} is missing",
                where=where,
                expected=f"{extra[key]} of every sounding for {key}=",
            )
    for name in options.carry:
        if name not in soundings or soundings[name].dims != ("sounding",):
            raise SchemaError(
                f"{name} cannot be carried to the pairs",
                where=where,
                expected="a variable with one number for each sounding",
            )


def _blocks(array: xr.DataArray) -> list[tuple[int, int]]:
    sizes = array.chunks[0] if array.chunks else None
    if sizes is None:
        return [(a, min(a + _BLOCK, array.size)) for a in range(0, array.size, _BLOCK)]
    ends = np.cumsum([0, *sizes])
    blocks, start = [], 0
    for end in ends[1:]:  # several small granules in one block
        if end - start >= _BLOCK or end == ends[-1]:
            blocks.append((int(start), int(end)))
            start = end
    return blocks


def find_near(
    soundings: xr.Dataset, column: str, stations: list[Station], options: Options
) -> tuple[list[Candidates], Counter[str]]:
    """Find the soundings near each station; the others are counted by reason.

    Returns
    -------
    list of Candidates
        One for each station.
    Counter
        Reason -> soundings: ``bad_quality``, ``no_value``, ``no_place_or_time``, ``not_near``,
        ``altitude_differs`` (near a station, but too high or low for every one it is near).
    """
    parts: list[list[Candidates]] = [[] for _ in stations]
    lost = Counter[str]()
    for block, gone in read_blocks(soundings, column, options):
        lost.update(gone)
        near, used = np.zeros(len(block), bool), np.zeros(len(block), bool)
        # rows in order of latitude: each station looks at its band alone
        order = np.argsort(block.latitude, kind="stable")
        band = block.latitude[order]
        points = sphere_point(block.latitude, block.longitude) if options.is_round else None
        for place, station in enumerate(stations):
            reach = options.reach_of_latitude
            first, last = np.searchsorted(band, [station.latitude - reach, station.latitude + reach + 1e-12])
            rows = order[first:last]
            rows = rows[_is_near(block, rows, station, options, points)]
            near[rows] = True
            if options.altitude is not None:
                rows = rows[np.abs(block.altitude[rows] - station.altitude) <= options.altitude]
            used[rows] = True
            parts[place].append(block.take(np.sort(rows)))
        lost["not_near"] += int((~near).sum())
        lost["altitude_differs"] += int((near & ~used).sum())
    joined = [
        Candidates(*(np.concatenate([getattr(p, name) for p in part]) for name in vars(part[0])))
        for part in parts
    ]
    return joined, lost


def _is_near(block: Candidates, rows: Ints, station: Station, options: Options, points: Any) -> Any:
    if options.is_round:
        chord = 2.0 * AUTHALIC_RADIUS * np.sin(options.radius / (2.0 * AUTHALIC_RADIUS))
        gap = points[rows] - sphere_point(station.latitude, station.longitude)
        return (gap**2).sum(axis=1) <= chord**2
    east = np.abs(np.mod(block.longitude[rows] - station.longitude + 180.0, 360.0) - 180.0)
    return east <= options.half_box[1]


def from_station(found: Candidates, station: Station) -> Floats:
    """Distance of soundings from a station [m]."""
    return distance(found.latitude, found.longitude, station.latitude, station.longitude)

"""Ground stations: which tables are of one, and what a station measured around a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import SchemaError
from yaotan.geodesy import distance
from yaotan.io.row_set import screen_rows

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]

#: Places closer than this are one station [m]: files round coordinates to 0.01 degree, and instruments of one
#: site stand some hundred metres apart.
_SAME_PLACE: Final = 3000.0


@dataclass(frozen=True)
class Station:
    """Measurements of one place, in order of time.

    ``rows`` are their numbers in ``table``; ``lost`` counts what could not be used, by reason.
    """

    name: str
    latitude: float
    longitude: float
    altitude: float
    table: xr.Dataset
    rows: Ints
    time: NDArray[np.int64]
    value: Floats
    sigma: Floats
    temperature: Floats
    lost: dict[str, int] = field(default_factory=dict)

    def window(self, moment: int, half: int) -> Ints:
        """Give the measurements (places in ``time``) within half a window [ns] of a moment."""
        first, last = np.searchsorted(self.time, [moment - half, moment + half + 1])
        return np.arange(first, last)

    def nearest(self, moments: Any) -> Ints:
        """Give the rows of the table nearest in time to each moment."""
        after = np.clip(np.searchsorted(self.time, moments), 1, max(self.time.size - 1, 1))
        before = after - 1
        if self.time.size == 1:
            return np.repeat(self.rows[:1], len(moments))
        later = np.abs(self.time[after] - moments) < np.abs(moments - self.time[before])
        return self.rows[np.where(later, after, before)]


def is_station(table: xr.Dataset) -> bool:
    """Tell whether a table says that it was measured from the ground."""
    return "ground" in str(table.attrs.get("platform", "")).lower()


def make_stations(
    given: xr.Dataset | Mapping[str, xr.Dataset], column: str, temperature: str | None = None
) -> list[Station]:
    """Part tables by place into stations.

    Parameters
    ----------
    given : xarray.Dataset or mapping
        Soundings tables of ground stations; the keys of a mapping are names. A table of several places is
        parted; its stations are named by the attribute ``site`` (of a table of one place) or by coordinates.
    column : str
        Column variable.
    temperature : str, optional
        Variable with the temperature that the pairing needs.

    Returns
    -------
    list of Station
        In the order given.

    Raises
    ------
    SchemaError
        A table has no such column or another unit than the others.
    """
    stations: list[Station] = []
    tables = [("", given)] if isinstance(given, xr.Dataset) else list(given.items())
    for key, table in tables:
        where = str(key or table.attrs.get("product", "stations"))
        for name in (column, *([temperature] if temperature else [])):
            if name not in table:
                raise SchemaError(f"has no {name!r}", where=where, expected=f"{name} of every station")
        columns = _columns(table, column, temperature)
        groups = _places(columns["latitude"], columns["longitude"])
        for rows in groups:
            north, east = (float(np.median(columns[n][rows])) for n in ("latitude", "longitude"))
            name = (key or table.attrs.get("site", "")) if len(groups) == 1 else ""
            label = str(name) or f"{abs(north):.2f}{'NS'[north < 0]} {abs(east):.2f}{'EW'[east < 0]}"
            stations.append(_station(label, (north, east), table, columns, rows))
    names = [station.name for station in stations]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise SchemaError(
            f"two stations are called {', '.join(double)}", fix="give a mapping of names to tables"
        )
    return stations


def _columns(table: xr.Dataset, column: str, temperature: str | None) -> dict[str, Any]:
    blank = np.full(table.sizes["sounding"], np.nan)
    names = {
        "value": column,
        "sigma": f"{column}_uncertainty",
        "altitude": "surface_altitude",
        "temperature": temperature or "",
        "quality": "quality",
        "latitude": "latitude",
        "longitude": "longitude",
    }
    columns = {k: table[n].values.astype(float) if n in table else blank for k, n in names.items()}
    return {**columns, "time": table["time"].values.astype("datetime64[ns]")}


def _places(lat: Floats, lon: Floats) -> list[Ints]:
    """Part rows into places; a row of unknown place is in none."""
    rest = np.flatnonzero(np.isfinite(lat) & np.isfinite(lon))
    groups = []
    while rest.size:
        near = distance(lat[rest[0]], lon[rest[0]], lat[rest], lon[rest]) <= _SAME_PLACE
        groups.append(rest[near])
        rest = rest[~near]
    return groups


def _station(
    name: str, place: tuple[float, float], table: xr.Dataset, columns: dict[str, Any], rows: Ints
) -> Station:
    keep, lost = screen_rows(
        {
            "no_time": np.isnat(columns["time"][rows]),
            "bad_quality": columns["quality"][rows] > 0,
            "no_value": ~np.isfinite(columns["value"][rows]),
        }
    )
    rows = rows[keep]
    time = columns["time"][rows].astype(np.int64)
    order = np.argsort(time, kind="stable")
    rows, time = rows[order], time[order]
    altitude = columns["altitude"][rows]
    height = float(np.median(altitude)) if np.isfinite(altitude).all() and rows.size else np.nan
    value, sigma, temperature = (columns[key][rows] for key in ("value", "sigma", "temperature"))
    return Station(name, *place, height, table, rows, time, value, sigma, temperature, lost)

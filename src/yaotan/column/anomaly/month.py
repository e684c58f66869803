"""Monthly values on axes of year, calendar month and place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.anomaly.climatology import Floats, Mask
from yaotan.column.trend.moment import decimal_year, place_times
from yaotan.column.trend.series import choose_variable
from yaotan.errors import SeriesError, UnitsError, YaotanError


@dataclass(frozen=True)
class Calendar:
    """Values by year and calendar month.

    Attributes
    ----------
    name, units : str
        The variable.
    dims : tuple of str
        Of the data, time first.
    value, variance : numpy.ndarray
        ``(year, month, place)``; NaN where missing, or nothing is stated.
    moment : numpy.ndarray
        ``(year, month)`` decimal years of the middles of months.
    first : numpy.datetime64
        First year [Y].
    row, column : numpy.ndarray
        ``(time,)`` year and month of each time of the data.
    """

    name: str
    units: str
    dims: tuple[str, ...]
    value: Floats
    variance: Floats
    moment: Floats
    first: np.datetime64
    row: NDArray[np.intp]
    column: NDArray[np.intp]

    def at_times(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """``(year, month, place)`` as ``(time, place)``."""
        return values[self.row, self.column]


def read_calendar(data: xr.Dataset, variable: str | None) -> Calendar:
    """Bring a monthly grid or regional table on axes of year and month.

    Parameters
    ----------
    data : xarray.Dataset
        Dim ``time`` and any others.
    variable : str or None
        Which variable.

    Returns
    -------
    Calendar
        Values that are not finite are NaN.

    Raises
    ------
    SeriesError
        No such variable, no time, times missing, or two values in one calendar month.
    UnitsError
        Value and uncertainty in different units.
    """
    name = choose_variable(data, variable, "time")
    dims = ("time", *(str(dim) for dim in data[name].dims if dim != "time"))
    time = data["time"].values.astype("datetime64[ns]")
    if np.isnat(time).any():
        raise SeriesError(f"{int(np.isnat(time).sum())} of {time.size} times are missing", where="anomaly")
    bounds = data["time"].attrs.get("bounds", "time_bnds")
    edges = data[bounds].values.astype("datetime64[ns]") if bounds in data.variables else None
    month = place_times(time, edges, None)[0].astype("datetime64[M]").astype(np.int64)
    number, count = np.unique(month, return_counts=True)
    if (count > 1).any():
        doubled = np.datetime64(int(number[count > 1][0]), "M")
        raise SeriesError(
            f"{int((count > 1).sum())} months have several values, the first {doubled}",
            where="anomaly",
            expected="a monthly grid or table",
            fix="grid with period='month'",
        )
    first = np.datetime64(int(month.min() // 12), "Y")
    row, column = (month // 12 - month.min() // 12).astype(np.intp), (month % 12).astype(np.intp)
    years = int(row.max()) + 1
    start = (first.astype("datetime64[M]") + np.arange(12 * years)).astype("datetime64[ns]")
    end = (first.astype("datetime64[M]") + 1 + np.arange(12 * years)).astype("datetime64[ns]")
    units = str(data[name].attrs.get("units", ""))
    sizes = (years, 12, int(np.prod([data.sizes[dim] for dim in dims[1:]], dtype=int)))
    value, variance = np.full((2, *sizes), np.nan)
    given = data[name].transpose(*dims).values.astype(float).reshape(time.size, -1)
    value[row, column] = np.where(np.isfinite(given), given, np.nan)
    for part in _terms(data, name):
        other = str(data[part].attrs.get("units", units))
        if other != units:
            raise UnitsError(f"{name} is in {units!r}, {part} in {other!r}", expected="one unit")
        square = data[part].broadcast_like(data[name]).transpose(*dims).values.astype(float) ** 2
        square = square.reshape(time.size, -1)
        variance[row, column] = np.where(
            np.isfinite(square), np.nan_to_num(variance[row, column]) + square, variance[row, column]
        )
    moment = decimal_year(start + (end - start) // 2).reshape(years, 12)
    return Calendar(name, units, dims, value, variance, moment, first, row, column)


def _terms(data: xr.Dataset, name: str) -> list[str]:
    """Name the stated errors that differ from month to month: not what all months share."""
    for endings in (("_overpass",), ("_random", "_sampling"), ("",)):
        found = [f"{name}_uncertainty{e}" for e in endings if f"{name}_uncertainty{e}" in data]
        if found:
            return found
    return []


def base_period(calendar: Calendar, base: tuple[str, str] | None) -> tuple[Mask, str]:
    """Which ``(year, month)`` are of the base period, and its first and last month in words.

    Raises
    ------
    YaotanError
        The period cannot be read, ends before it begins, or holds none of the data.
    """
    month = calendar.first.astype("datetime64[M]") + np.arange(calendar.moment.size)
    if base is None:
        held = calendar.first.astype("datetime64[M]") + calendar.row * 12 + calendar.column
        low, high = held.min(), held.max()
    else:
        try:
            start, end = (str(day) for day in base)
            low = np.datetime64(start, "M")
            # a bare year ends with its December
            high = np.datetime64(f"{end}-12" if len(end) == 4 else end, "M")
        except (ValueError, TypeError) as error:
            raise YaotanError(
                f"base is {base!r}", where="anomaly", expected="two ISO dates, as ('2015-01', '2022-12')"
            ) from error
        if low > high:
            raise YaotanError(f"the base period {base!r} ends before it begins", where="anomaly")
    inside = (month >= low) & (month <= high)
    if not inside.any():
        raise YaotanError(
            f"the base period {low} to {high} holds none of the data, {month[0]} to {month[-1]}",
            where="anomaly",
            expected="years of the data",
        )
    return inside.reshape(calendar.moment.shape), f"{low} to {high}"

"""Moments of a series: decimal years, and where in its period a value stands."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from yaotan.errors import GridError, SeriesError
from yaotan.grid.period import make_periods

#: days of a year in the cut-offs of the filters (ccgcrv counts 80 and 667 days by years of 365 days)
FILTER_YEAR: Final = 365.0
AS_GIVEN: Final = "as given"


def decimal_year(times: ArrayLike) -> NDArray[np.float64]:
    """Give times as year and elapsed part of that year, so that 1 January 00:00 is a whole number.

    Parameters
    ----------
    times : array_like
        ``(n,)`` datetime64.

    Returns
    -------
    numpy.ndarray
        ``(n,)``; NaN for no time.

    Examples
    --------
    >>> decimal_year(np.array(["2019-01-01", "2020-07-02"], "datetime64[ns]")).tolist()
    [2019.0, 2020.5]
    """
    moment = np.asarray(times, "datetime64[ns]")
    years = moment.astype("datetime64[Y]")
    start, end = years.astype("datetime64[ns]"), (years + 1).astype("datetime64[ns]")
    missing = np.isnat(moment)
    elapsed = np.where(missing, 0, (moment - start).astype(np.int64))
    length = np.where(missing, 1, (end - start).astype(np.int64))
    number = np.where(missing, 0, years.astype(np.int64)) + 1970
    return np.where(missing, np.nan, number + elapsed / length)


def calendar_time(years: ArrayLike) -> NDArray[np.datetime64]:
    """Give decimal years as datetime64[ns], rounded to seconds: the inverse of `decimal_year`.

    Examples
    --------
    >>> calendar_time([2020.5]).astype(str).tolist()
    ['2020-07-02T00:00:00.000000000']
    """
    value = np.asarray(years, float)
    whole = np.floor(value)
    year = (whole.astype(np.int64) - 1970).astype("datetime64[Y]")
    start, end = year.astype("datetime64[s]"), (year + 1).astype("datetime64[s]")
    elapsed = np.rint((value - whole) * (end - start).astype(np.int64)).astype("timedelta64[s]")
    return (start + elapsed).astype("datetime64[ns]")


def place_times(
    times: NDArray[np.datetime64], bounds: NDArray[np.datetime64] | None, period: str | None
) -> tuple[NDArray[np.datetime64], str]:
    """Move times to the middle of the period that each value is a mean of.

    Parameters
    ----------
    times : numpy.ndarray
        ``(n,)`` datetime64[ns].
    bounds : numpy.ndarray or None
        ``(n, 2)`` start and end where the data have them.
    period : str or None
        ``"day"``, ``"month"``, ``"season"``, ``"year"`` or a duration: the calendar period that holds the
        time; ``"instant"``: times as they are. None: by bounds; else calendar months where every time is
        the first moment of one, as periods of this package are labelled; else as they are.

    Returns
    -------
    times : numpy.ndarray
        ``(n,)`` datetime64[ns].
    placement : str
        What was done, for people.

    Raises
    ------
    SeriesError
        The period is unknown.
    """
    if period == "instant":
        return times, AS_GIVEN
    if period is None and bounds is not None:
        return bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) // 2, "middle of the bounds of each time"
    if period is None:
        known = times[~np.isnat(times)]
        if known.size < 2 or (known != known.astype("datetime64[M]")).any():
            return times, AS_GIVEN
        return _middles(times, "month"), "middle of calendar months: every time is the first moment of one"
    return _middles(times, period), f"middle of the {period} that holds each time"


def _middles(times: NDArray[np.datetime64], period: str) -> NDArray[np.datetime64]:
    known = ~np.isnat(times)
    if not known.any():
        return times
    try:
        periods = make_periods(period, times[known].min(), times[known].max())
    except GridError as error:
        raise SeriesError(
            error.what, where="period", expected=f"{error.expected} or 'instant'", fix=error.fix
        ) from error
    place = periods.index(times[known].astype(np.int64))
    moved: Any = times.copy()
    moved[known] = periods.start[place] + (periods.end[place] - periods.start[place]) // 2
    return np.asarray(moved, "datetime64[ns]")


def period_middles(index: pd.PeriodIndex) -> NDArray[np.datetime64]:
    """Give the middle of each period of a pandas index.

    Examples
    --------
    >>> period_middles(pd.period_range("2019-01", periods=1, freq="M")).astype(str).tolist()
    ['2019-01-16T12:00:00.000000000']
    """
    start = index.to_timestamp(how="start").to_numpy("datetime64[ns]")
    end = (index + 1).to_timestamp(how="start").to_numpy("datetime64[ns]")
    return np.asarray(start + (end - start) // 2, "datetime64[ns]")

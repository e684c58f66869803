"""Cells in time: half-open intervals from a word, a duration or a list, and which of them holds a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yaotan.errors import GridError

#: None, "day", "month", "season", "year", a duration such as "8D", or pairs of (start, end).
PeriodRule: TypeAlias = str | Sequence[tuple[Any, Any]] | None

#: Word -> pandas frequency of calendar periods. Seasons are DJF, MAM, JJA, SON.
_CALENDAR: Final = {"day": "D", "month": "M", "season": "Q-NOV", "year": "Y"}
#: Durations are counted from here, so that grids of different files fit together.
_ANCHOR: Final = pd.Timestamp("1970-01-01")
_NAT: Final = np.iinfo(np.int64).min
NO_TIME: Final = -2
OUTSIDE: Final = -1


@dataclass(frozen=True)
class Periods:
    """Half-open intervals in rising order.

    Parameters
    ----------
    start, end : numpy.ndarray
        ``(n,)`` datetime64[ns].
    rule : str
        The word or duration that made them; ``"all"`` or ``"list"``.
    """

    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    rule: str

    def index(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the interval of each time [ns]; -1 outside all, -2 for no time."""
        start, end = self.start.astype(np.int64), self.end.astype(np.int64)
        place = np.searchsorted(start, times, side="right") - 1
        inside = (place >= 0) & (times < end[place])
        return np.where(times == _NAT, NO_TIME, np.where(inside, place, OUTSIDE)).astype(np.int64)


def _list_of(pairs: Sequence[tuple[Any, Any]]) -> Periods:
    try:
        intervals = sorted((_start_of(a), _end_of(b)) for a, b in pairs)
    except (TypeError, ValueError) as error:
        raise GridError(
            f"cannot be read ({error})", where="period", expected="pairs of (start, end)"
        ) from error
    if not intervals or any(a >= b for a, b in intervals):
        raise GridError(
            "holds an interval that ends before it starts", where="period", expected="start < end"
        )
    if any(first[1] > second[0] for first, second in pairwise(intervals)):
        raise GridError(
            "intervals overlap, so a sounding would count twice",
            where="period",
            fix="grid overlapping intervals in calls of their own",
        )
    start, end = np.array([[a.to_datetime64(), b.to_datetime64()] for a, b in intervals], "datetime64[ns]").T
    return Periods(start, end, "list")


def _start_of(value: Any) -> pd.Timestamp:
    return pd.Period(value).start_time if isinstance(value, str) else pd.Timestamp(value)


def _end_of(value: Any) -> pd.Timestamp:
    # a text such as "2019-01" or "2019-01-31" names a whole month or day, and the end is included
    return (pd.Period(value) + 1).start_time if isinstance(value, str) else pd.Timestamp(value)


def make_periods(rule: PeriodRule, first: np.datetime64, last: np.datetime64) -> Periods:
    """Make the intervals that hold all times from `first` to `last`.

    Parameters
    ----------
    rule : None, str or sequence of pairs
        None: one interval of whole days. ``"day"``, ``"month"``, ``"season"`` (DJF, MAM, JJA, SON) or
        ``"year"``: calendar. A fixed duration such as ``"8D"``, ``"P8D"`` or ``"12h"``: counted from
        1970-01-01. Pairs (start, end): a text names a whole day, month or year, whose end is included;
        datetimes are half-open.
    first, last : numpy.datetime64
        Earliest and latest time.

    Returns
    -------
    Periods
        Consecutive intervals (those of a list may have gaps).

    Raises
    ------
    GridError
        The rule is unknown, empty, not positive, or its intervals overlap.

    Examples
    --------
    >>> times = np.datetime64("2019-01-31T10:00"), np.datetime64("2019-02-01T10:00")
    >>> make_periods("month", *times).start.astype("datetime64[D]").tolist()
    [datetime.date(2019, 1, 1), datetime.date(2019, 2, 1)]
    """
    if rule is not None and not isinstance(rule, str):
        return _list_of(rule)
    begin, finish = pd.Timestamp(first), pd.Timestamp(last)
    if rule is None:
        start = np.array([begin.normalize().to_datetime64()], "datetime64[ns]")
        end = np.array([(finish.normalize() + pd.Timedelta(1, "D")).to_datetime64()], "datetime64[ns]")
        return Periods(start, end, "all")
    if rule in _CALENDAR:
        steps = pd.period_range(begin.to_period(_CALENDAR[rule]), finish.to_period(_CALENDAR[rule]))
        edges = np.append(steps.to_timestamp(), (steps[-1:] + 1).to_timestamp()).astype("datetime64[ns]")
        return Periods(edges[:-1], edges[1:], rule)
    try:
        step = pd.Timedelta(rule)
    except ValueError as error:
        raise GridError(
            f"{rule!r} is unknown",
            where="period",
            expected=f'None, {", ".join(_CALENDAR)}, a fixed duration such as "8D", or (start, end) pairs',
        ) from error
    if not step > pd.Timedelta(0):
        raise GridError(f"{rule!r} is not positive", where="period", expected='a duration such as "8D"')
    low, high = (begin - _ANCHOR) // step, (finish - _ANCHOR) // step
    edges = np.datetime64(_ANCHOR, "ns") + step.to_timedelta64() * np.arange(low, high + 2)
    return Periods(edges[:-1], edges[1:], step.isoformat())

"""Whether a series is long and full enough, and averages of one that is too dense."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yaotan.column.trend.curve import Settings
from yaotan.column.trend.moment import FILTER_YEAR, calendar_time
from yaotan.column.trend.series import Series
from yaotan.errors import SeriesError

Floats = NDArray[np.float64]
#: shortest series that has a growth rate [years]
SHORTEST: Final = 2.0
#: more values than this are averaged first: errors need a matrix of this side
_MOST: Final = 1500
#: moments closer than this count as equal [years]: a minute
_MINUTE: Final = 2e-6


def spacing(year: Floats) -> float:
    """Give the usual distance between values [years], their median."""
    return float(np.median(np.diff(year)))


def check_length(year: Floats, value: Floats, settings: Settings, label: str) -> None:
    """Refuse a series that is too short, too thin or constant.

    Parameters
    ----------
    year, value : numpy.ndarray
        ``(n,)``, no value missing.
    settings : Settings
        What is to be fitted.
    label : str
        The region, for the message.

    Raises
    ------
    SeriesError
        Says what is needed and what is given.
    """
    # a mean over a period stands for all of it: 24 months are two years
    span = float(year[-1] - year[0]) + spacing(year) if year.size > 1 else 0.0
    if span < SHORTEST - 0.01:
        raise SeriesError(
            f"the series is {span:.2f} years long",
            where=label,
            expected=f"at least {SHORTEST:g} years, for a growth rate that is not a season",
            fix="add years; compare the same months of two years for a first look",
        )
    needed = 2 * settings.parameters
    if year.size < needed:
        raise SeriesError(
            f"the series has {year.size} values",
            where=label,
            expected=f"at least {needed}, twice the coefficients of the function",
            fix="use fewer harmonics (harmonics=2), or a longer series",
        )
    if float(value.min()) == float(value.max()):
        raise SeriesError(
            f"all {value.size} values are {value[0]:g}",
            where=label,
            expected="a series that changes",
            fix="check the column: a constant is a fill value or a repeated read",
        )


def average_series(series: Series, days: float | None) -> Series:
    """Average a series over equal spans of days.

    Parameters
    ----------
    series : Series
        To be averaged where it is too dense, or where `days` says so.
    days : float or None
        Span; None: the fewest whole days that leave at most 1500 values, and no change where there are no
        more.

    Returns
    -------
    Series
        Plain means at the mean moment; stated errors of the values taken as independent. The note
        ``averaged_days`` says the span, 0 where nothing was averaged.

    Raises
    ------
    SeriesError
        The span is not positive.
    """
    if days is not None and not days > 0.0:
        raise SeriesError(f"average is {days:g} days", expected="more than 0")
    year = series.year
    if days is None:
        if year.size <= _MOST:
            return replace(series, notes=series.notes | {"averaged_days": 0.0})
        days = max(1.0, float(np.ceil((year[-1] - year[0]) * FILTER_YEAR / _MOST)))
    bins = np.floor((year - np.floor(year[0]) + _MINUTE) * FILTER_YEAR / days).astype(np.int64)
    _, label = np.unique(bins, return_inverse=True)
    groups = int(label.max()) + 1

    def total(values: Floats) -> Floats:
        rows = [np.bincount(label, weights=row, minlength=groups) for row in values]
        return np.stack(rows)

    known = np.isfinite(series.value)
    count = total(known.astype(float))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = total(np.where(known, series.value, 0.0)) / count
        sigma = None
        if series.sigma is not None:
            stated = known & np.isfinite(series.sigma)
            square = total(np.where(stated, series.sigma, 0.0) ** 2)
            # values without a stated error count like the others of their span
            sigma = np.sqrt(square / total(stated.astype(float)) / count)
    moment = np.bincount(label, weights=year, minlength=groups) / np.bincount(label, minlength=groups)
    return replace(
        series,
        time=calendar_time(moment),
        value=value,
        sigma=sigma,
        notes=series.notes | {"averaged_days": float(days)},
    )

"""Temporal profiles of emission: factors of mean 1 by month, weekday and hour, or a load of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.errors import CatalogError

Array = NDArray[np.float64]

#: lengths of the three tables
_LENGTH: Final = {"months": 12, "weekdays": 7, "hours": 24}
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class EmissionProfile(Protocol):
    """What turns the emission of an hour into that of a year: a factor of mean 1, and a name to print."""

    # read only: profiles are frozen
    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def source(self) -> str:
        """Where it comes from."""
        ...

    def factor(self, times: ArrayLike) -> Array:
        """Emission at UTC times over its annual mean; NaN where it is not known."""
        ...


@dataclass(frozen=True)
class TemporalProfile:
    """Factors by month, day of the week and local hour.

    Parameters
    ----------
    name, source : str
        What it is, and where it comes from.
    months : tuple of float
        January to December, mean 1.
    weekdays : tuple of float
        Monday to Sunday, mean 1.
    hours : tuple of float
        The hours 0 to 23 of local standard time, mean 1.
    utc_offset : float
        Local standard time less UTC [h].

    Raises
    ------
    CatalogError
        A table has another length, a value below 0, or a mean that differs from 1 by more than 1 per cent.

    Examples
    --------
    >>> low, high = 24 / 25, 48 / 25
    >>> day = TemporalProfile("double at noon", "made up", hours=(*[low] * 12, high, *[low] * 11))
    >>> day.factor(["2015-03-04T12:30", "2015-03-04T13:30"]).round(2).tolist()
    [1.92, 0.96]
    """

    name: str
    source: str
    months: tuple[float, ...] = (1.0,) * 12
    weekdays: tuple[float, ...] = (1.0,) * 7
    hours: tuple[float, ...] = (1.0,) * 24
    utc_offset: float = 0.0

    def __post_init__(self) -> None:
        for key, length in _LENGTH.items():
            values = np.asarray(getattr(self, key), float)
            if values.shape != (length,) or not (values >= 0.0).all() or abs(values.mean() - 1.0) > 0.01:
                raise CatalogError(
                    f"{key} are {values.size} values of mean {values.mean():.3f}",
                    where=self.name,
                    expected=f"{length} factors, 0 or more, of mean 1",
                )

    def factor(self, times: ArrayLike) -> Array:
        """Emission at UTC times over its annual mean, ``(n,)``; NaN where a time is missing."""
        moment = np.asarray(times, "datetime64[s]")
        known = ~np.isnat(moment)
        local = np.where(known, moment, np.datetime64(0, "s")) + np.timedelta64(
            round(self.utc_offset * 3600), "s"
        )
        day = local.astype("datetime64[D]")
        month = local.astype("datetime64[M]").astype(int) % 12
        # 1 January 1970 was a Thursday
        weekday = (day.astype(int) + 3) % 7
        hour = ((local - day) // np.timedelta64(1, "h")).astype(int)
        parts = zip((self.months, self.weekdays, self.hours), (month, weekday, hour), strict=True)
        return np.where(known, np.prod([np.asarray(table)[index] for table, index in parts], axis=0), np.nan)


@dataclass(frozen=True)
class LoadProfile:
    """An hourly load of one's own (generation, heat input, stack monitor), as factor of its mean.

    Parameters
    ----------
    name, source : str
        What it is, and where it comes from.
    times : numpy.ndarray
        ``(n,)`` start of each hour, UTC, rising.
    load : numpy.ndarray
        ``(n,)`` any unit, 0 or more; NaN where it is not known.

    Raises
    ------
    CatalogError
        Times do not rise, a load is negative, or the mean is not above 0.

    Examples
    --------
    >>> hours = np.arange("2015-01-01", "2015-01-02", dtype="datetime64[h]")
    >>> load = LoadProfile("unit 1", "operator", hours, np.arange(24.0))
    >>> load.factor(["2015-01-01T23:20"]).tolist()
    [2.0]
    """

    name: str
    source: str
    times: NDArray[np.datetime64]
    load: Array

    def __post_init__(self) -> None:
        steps = np.diff(self.times)
        if (
            self.times.size < 2
            or self.times.shape != self.load.shape
            or not (steps > np.timedelta64(0)).all()
        ):
            raise CatalogError("times do not rise", where=self.name, expected="one load for each hour")
        if (self.load < 0.0).any() or not np.nanmean(self.load) > 0.0:
            raise CatalogError("a load is negative, or all are 0", where=self.name)

    def factor(self, times: ArrayLike) -> Array:
        """Load at UTC times over the mean of the table, ``(n,)``; NaN outside the table and in its gaps."""
        moment = np.asarray(times, self.times.dtype)
        place = np.searchsorted(self.times, moment, side="right") - 1
        step = np.median(np.diff(self.times))
        index = np.clip(place, 0, self.times.size - 1)
        inside = ~np.isnat(moment) & (place >= 0) & (moment - self.times[index] < step)
        return np.where(inside, self.load[index] / np.nanmean(self.load), np.nan)


def profile_from_tables(
    name: str,
    source: str,
    month: Mapping[str, Any] | None = None,
    week: Mapping[str, Any] | None = None,
    hour: Mapping[str, Any] | None = None,
    *,
    utc_offset: float = 0.0,
) -> TemporalProfile:
    """Make a profile of one row each of the three tables of the CoCO2 catalogue (Guevara et al. 2024).

    Parameters
    ----------
    name, source : str
        As in `TemporalProfile`.
    month, week, hour : mapping, optional
        Rows with the keys Jan ... Dec, Monday ... Sunday, H0 ... H23 (doi:10.5194/essd-16-337-2024).
    utc_offset : float
        Local standard time less UTC [h]. The tables are of local time: in nearly all countries the hour of
        least emission is 1 to 4, whatever the longitude.

    Returns
    -------
    TemporalProfile
        Factors divided by their mean, which the tables round.

    Raises
    ------
    CatalogError
        A key is missing.

    Examples
    --------
    >>> week = dict(zip(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    ...                 [1.1, 1.1, 1.1, 1.1, 1.1, 0.8, 0.7]))
    >>> profile_from_tables("x", "y", week=week).weekdays[6]
    0.7
    """
    rows = (
        ("months", month, _MONTHS),
        ("weekdays", week, _DAYS),
        ("hours", hour, [f"H{h}" for h in range(24)]),
    )
    tables = {key: _scaled(name, row, names) for key, row, names in rows if row is not None}
    return TemporalProfile(name, source, utc_offset=utc_offset, **tables)


def _scaled(name: str, row: Mapping[str, Any], names: Sequence[str]) -> tuple[float, ...]:
    missing = [key for key in names if key not in row]
    if missing:
        raise CatalogError(f"{missing[0]} is missing", where=name, expected=", ".join(names))
    values = np.array([float(row[key]) for key in names])
    return tuple((values / values.mean()).tolist())

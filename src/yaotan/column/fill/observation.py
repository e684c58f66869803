"""Observations for a gap filler: flat arrays with errors by term."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.constants import DAY
from yaotan.errors import TooFewSoundingsError

if TYPE_CHECKING:
    from yaotan.column.fill.scale import FittedScale

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

#: Arrays of the table, one entry an observation.
COLUMNS: Final = ("latitude", "longitude", "time", "value", "sigma", "shared", "overpass", "count")

#: Nanoseconds of a day.
_DAY_NS: Final = DAY * 1e9
#: Attributes of the data that a filled map carries on.
_KEPT: Final = ("product", "product_version", "platform", "instrument", "references", "licence")


@dataclass(frozen=True)
class Observations:
    """Flat table of observations of one variable, in order of time.

    Attributes
    ----------
    latitude, longitude : numpy.ndarray
        ``(n,)`` [degrees].
    time : numpy.ndarray
        ``(n,)`` datetime64[ns].
    value : numpy.ndarray
        ``(n,)``.
    sigma : numpy.ndarray
        ``(n,)`` 1 sigma of the random error of each value, all of it.
    shared : numpy.ndarray
        ``(n,)`` that part of `sigma` which other observations of the same overpass share (their squares do
        not add up over the overpass).
    overpass : numpy.ndarray
        ``(n,)`` number of the overpass; unique over all data.
    count : numpy.ndarray
        ``(n,)`` soundings behind each observation.
    systematic : float
        1 sigma of an error common to all observations; no method can reduce it.
    variable, units : str
        Name and unit of the values.
    lost : dict
        Reason -> number of soundings or cells that could not be used.
    attrs : dict
        Attributes of the data for the products made from them.
    scale : FittedScale or None
        What values (less its centre) and errors have been divided by; None: nothing.
    """

    latitude: Floats
    longitude: Floats
    time: NDArray[np.datetime64]
    value: Floats
    sigma: Floats
    shared: Floats
    overpass: NDArray[np.intp]
    count: NDArray[np.int64]
    variable: str
    units: str
    systematic: float = 0.0
    lost: dict[str, int] = field(default_factory=dict)
    attrs: dict[str, Any] = field(default_factory=dict)
    scale: FittedScale | None = None

    def __len__(self) -> int:
        return self.value.size

    @property
    def days(self) -> Floats:
        """Time in days since 1970-01-01."""
        return days_of(self.time)

    @property
    def period(self) -> tuple[np.datetime64, np.datetime64]:
        """First and last moment."""
        return self.time.min(), self.time.max()

    def take(self, rows: ArrayLike) -> Observations:
        """Give the observations of some rows (numbers or a mask)."""
        index = np.asarray(rows)
        index = np.flatnonzero(index) if index.dtype == bool else index
        return replace(self, **{name: getattr(self, name)[index] for name in COLUMNS})

    def sample(self, most: int, seed: int) -> Observations:
        """Give itself, or a seeded sample where there are more than `most`; in order of time."""
        if len(self) <= most:
            return self
        return self.take(np.sort(np.random.default_rng(seed).choice(len(self), most, replace=False)))

    def sample_overpasses(self, most: int, seed: int) -> Observations:
        """Give itself, or a seeded sample of whole overpasses where there are more than `most`."""
        if len(self) <= most:
            return self
        _, track, size = np.unique(self.overpass, return_inverse=True, return_counts=True)
        order = np.random.default_rng(seed).permutation(size.size)
        kept = np.zeros(size.size, bool)
        kept[order] = np.cumsum(size[order]) <= most
        # one overpass may hold too many by itself (cells of a dense grid)
        return self.take(kept[track]) if kept.any() else self.sample(most, seed)

    def need(self, number: int, method: str) -> Observations:
        """Give itself, or refuse when there are fewer than a method needs."""
        if len(self) < number:
            words = ", ".join(f"{reason} {count}" for reason, count in sorted(self.lost.items()))
            raise TooFewSoundingsError(
                f"{method} needs at least {number} observations of {self.variable}, given are {len(self)}"
                + (f" (lost: {words})" if words else ""),
                fix="give a longer period or a wider region, relax the screening, or choose a simpler model",
            )
        return self


def days_of(time: ArrayLike) -> Floats:
    """Turn moments into days since 1970-01-01.

    Examples
    --------
    >>> float(days_of(np.datetime64("1970-01-02T12:00")))
    1.5
    """
    return np.asarray(np.asarray(time).astype("datetime64[ns]").astype(np.int64) / _DAY_NS)


def kept_attributes(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Give those attributes of data that a filled map carries on."""
    return {key: attrs[key] for key in _KEPT if key in attrs}

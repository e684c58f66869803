"""Which rows are kept and why others are lost; rows held small: a year of granules has tens of millions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class RowSet:
    """Row numbers of one file in an order of their own.

    A run of neighbours is kept as its ends, rising rows as one bit a row of the file, others as they are.

    Parameters
    ----------
    count : int
        Number of rows.
    held : tuple of int or numpy.ndarray
        (first, stop), bits (uint8) or row numbers (uint32).
    """

    count: int
    held: tuple[int, int] | NDArray[Any]

    @classmethod
    def of(cls, rows: NDArray[Any]) -> RowSet:
        """Hold row numbers in the smallest way.

        Examples
        --------
        >>> RowSet.of(np.arange(3, 8)).held
        (3, 8)
        >>> RowSet.of(np.array([0, 2, 5, 6])).held
        array([166], dtype=uint8)
        """
        if not rows.size:
            return cls(0, (0, 0))
        if not (np.diff(rows.astype(np.int64)) > 0).all():
            return cls(rows.size, rows.astype(np.uint32))
        first, last = int(rows[0]), int(rows[-1])
        if last - first + 1 == rows.size:
            return cls(rows.size, (first, last + 1))
        mask = np.zeros(last + 1, bool)
        mask[rows] = True
        bits = np.packbits(mask)
        return cls(rows.size, bits if bits.nbytes < 4 * rows.size else rows.astype(np.uint32))

    def array(self, start: int = 0, stop: int | None = None) -> NDArray[np.int64]:
        """Give the row numbers, or a part of them.

        Examples
        --------
        >>> RowSet.of(np.array([0, 2, 5, 6])).array(1, 3)
        array([2, 5])
        """
        stop = self.count if stop is None else stop
        if isinstance(self.held, tuple):
            return np.arange(self.held[0] + start, self.held[0] + stop, dtype=np.int64)
        rows = np.flatnonzero(np.unpackbits(self.held)) if self.held.dtype == np.uint8 else self.held
        return np.asarray(rows[start:stop]).astype(np.int64)

    def __dask_tokenize__(self) -> tuple[int, Any]:
        return self.count, self.held


def screen_rows(bad: Mapping[str, NDArray[np.bool_]]) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Tell which rows stay, and count the others once, under the first reason that applies.

    Parameters
    ----------
    bad : mapping of str to numpy.ndarray of bool
        Reason to the rows ``(n,)`` that it takes, in the order in which reasons count; at least one.

    Returns
    -------
    keep : numpy.ndarray of bool
        ``(n,)``.
    lost : dict
        Reason to number of rows, of the reasons that took any.

    Examples
    --------
    >>> bad = {"no_value": np.array([True, False, False]), "quality": np.array([True, True, False])}
    >>> screen_rows(bad)
    (array([False, False,  True]), {'no_value': 1, 'quality': 1})
    """
    keep = np.ones_like(next(iter(bad.values())))
    lost = {}
    for reason, mask in bad.items():
        number = int((mask & keep).sum())
        if number:
            lost[reason] = number
        keep &= ~mask
    return keep, lost

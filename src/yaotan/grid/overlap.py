"""How much of each source cell lies in each target cell, axis by axis: sparse matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.geodesy import band_area

Floats = NDArray[np.float64]

#: Overlaps below this share of the narrower cell are rounding of edges, not overlaps.
_SLIVER: Final = 1e-9


def overlap_lengths(source: Floats, target: Floats, *, period: float | None = None) -> Any:
    """Give the common length of every target and source cell of one axis.

    Parameters
    ----------
    source, target : numpy.ndarray
        ``(n, 2)`` and ``(m, 2)`` bounds that rise, cells side by side.
    period : float, optional
        Length after which the axis repeats (360 for longitudes).

    Returns
    -------
    scipy.sparse.csr_array
        ``(m, n)`` in the unit of the bounds.

    Examples
    --------
    >>> import numpy as np
    >>> fine, coarse = np.array([[0.0, 1.0], [1.0, 2.0]]), np.array([[0.5, 2.5]])
    >>> overlap_lengths(fine, coarse).toarray().tolist()
    [[0.5, 1.0]]
    """
    return _overlap(source, target, period, lambda low, high: high - low)


def overlap_bands(source: Floats, target: Floats) -> Any:
    """Give the area per radian of longitude that every target and source band of latitude share [m2 rad-1].

    Parameters
    ----------
    source, target : numpy.ndarray
        ``(n, 2)`` and ``(m, 2)`` latitude bounds that rise [degrees].

    Returns
    -------
    scipy.sparse.csr_array
        ``(m, n)``, exact on the WGS84 ellipsoid.
    """
    return _overlap(source, target, None, lambda low, high: band_area(np.stack([low, high], axis=1)))


def _overlap(
    source: Floats, target: Floats, period: float | None, measure: Callable[[Floats, Floats], Floats]
) -> Any:
    import scipy.sparse  # late: heavy

    shifts = (0.0,)
    if period is not None:
        turns = np.floor((target[0, 0] - source[0, 0]) / period)
        shifts = tuple(period * (turns + k) for k in (-1.0, 0.0, 1.0, 2.0))
    rows, columns, sizes = [], [], []
    for shift in shifts:
        first = np.searchsorted(source[:, 1] + shift, target[:, 0], side="right")
        last = np.searchsorted(source[:, 0] + shift, target[:, 1], side="left")
        number = np.maximum(last - first, 0)
        row = np.repeat(np.arange(len(target)), number)
        column = np.arange(row.size) - np.repeat(np.cumsum(number) - number, number) + first[row]
        low = np.maximum(source[column, 0] + shift, target[row, 0])
        high = np.minimum(source[column, 1] + shift, target[row, 1])
        narrower = np.minimum(np.diff(source[column])[:, 0], np.diff(target[row])[:, 0])
        real = high - low > _SLIVER * narrower
        rows.append(row[real])
        columns.append(column[real])
        sizes.append(measure(low[real], high[real]) if real.any() else np.empty(0))
    entries = (np.concatenate(sizes), (np.concatenate(rows), np.concatenate(columns)))
    return scipy.sparse.coo_array(entries, shape=(len(target), len(source))).tocsr()

"""Robust outliers along the track: soundings that stand out from their neighbours of the same overpass."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from yaotan.catalog.screening import OutlierTest
from yaotan.uncertainty import PASS_GAP

#: median absolute deviation of a normal distribution times this is its standard deviation: 1 / z(3/4).
#: Leys et al. 2013, doi:10.1016/j.jesp.2013.03.013
SCALE: Final = 1.4826


def find_outliers(
    values: ArrayLike,
    time: ArrayLike,
    test: OutlierTest,
    *,
    sigma: ArrayLike | None = None,
    granule: ArrayLike | None = None,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    r"""Find values far from the median of their neighbours in time (Hampel's test).

    Neighbours are the soundings of the same granule and overpass within half the window before and after.
    With their median :math:`m_i` and :math:`r_i = |x_i - m_i|`, a value is an outlier when

    .. math:: r_i > k \max(1.4826\, \mathrm{med}_j\, r_j,\; u_i)

    so that a value within k of its own stated errors never counts as one, however smooth its neighbours are.

    Parameters
    ----------
    values : array_like
        ``(n,)``; missing ones are NaN and are nobody's neighbours.
    time : array_like
        ``(n,)`` datetime64, in any order.
    test : OutlierTest
        k (``deviations``), length of the window, least number of neighbours.
    sigma : array_like, optional
        ``(n,)`` stated 1-sigma errors, in the unit of the values.
    granule : array_like, optional
        ``(n,)`` number of the file: overpasses are not joined across files, so that the answer does not
        depend on which files are opened together.

    Returns
    -------
    outlying : numpy.ndarray of bool
        ``(n,)``.
    unjudged : numpy.ndarray of bool
        ``(n,)`` true where a value is missing or has too few neighbours.

    Notes
    -----
    A plume or a front is an outlier too: not for studies of sources. A normal distribution loses 0.3 % at
    k = 3.

    Examples
    --------
    >>> time = np.datetime64("2020-01-01") + np.arange(9) * np.timedelta64(1, "s")
    >>> values = [400.0, 400.4, 399.7, 400.1, 420.0, 399.9, 400.2, 399.8, 400.3]
    >>> find_outliers(values, time, OutlierTest(deviations=3, seconds=60))[0].nonzero()[0]
    array([4])
    """
    x = np.asarray(values, float)
    moment = np.asarray(time).astype("datetime64[ns]").astype(np.int64)
    file = np.zeros(x.size, np.int64) if granule is None else np.asarray(granule).astype(np.int64)
    finite = np.isfinite(x)
    outlying, unjudged = np.zeros(x.size, bool), ~finite
    rows = np.flatnonzero(finite)
    rows = rows[np.lexsort((moment[rows], file[rows]))]
    if not rows.size:
        return outlying, unjudged
    axis = _part_overpasses(moment[rows], file[rows], test.seconds)
    median = _rolling_median(x[rows], axis, test)
    distance = np.abs(x[rows] - median)
    scale = SCALE * _rolling_median(distance, axis, test)
    if sigma is not None:
        scale = np.fmax(scale, np.asarray(sigma, float)[rows])
    outlying[rows] = distance > test.deviations * scale  # false where there is no median
    unjudged[rows] = ~np.isfinite(scale) | ~np.isfinite(median)
    return outlying & ~unjudged, unjudged


def _part_overpasses(
    moment: NDArray[np.int64], file: NDArray[np.int64], seconds: float
) -> NDArray[np.datetime64]:
    """Give sorted times [ns] with overpasses pushed so far apart that no window reaches over two."""
    number = np.concatenate(
        [[0], np.cumsum((np.diff(file) != 0) | (np.diff(moment) > PASS_GAP) | (np.diff(moment) < 0))]
    )
    first = np.searchsorted(number, number)  # index at which each overpass begins
    start = moment[first]
    length = np.append(np.flatnonzero(np.diff(number)), moment.size - 1)
    spans = (moment - start)[length]
    offset = np.concatenate([[0], np.cumsum(spans + int(2e9 * seconds))[:-1]])
    return (moment - start + offset[number]).astype("datetime64[ns]")


def _rolling_median(
    values: NDArray[np.float64], axis: NDArray[np.datetime64], test: OutlierTest
) -> NDArray[np.float64]:
    series = pd.Series(values, index=pd.DatetimeIndex(axis))
    window = pd.Timedelta(seconds=test.seconds)
    rolled = series.rolling(window, center=True, min_periods=test.minimum, closed="both")
    return rolled.median().to_numpy()

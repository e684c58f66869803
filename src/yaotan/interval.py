"""Intervals for means of repeated or weighted values."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from yaotan.errors import YaotanError


@dataclass(frozen=True)
class Interval:
    """Mean with its interval: value, lower, upper, 1-sigma standard error, degrees of freedom, count."""

    mean: float
    lower: float
    upper: float
    standard_error: float
    freedom: float
    count: int

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference of zero lies outside the interval."""
        return self.lower > 0.0 or self.upper < 0.0


def mean_interval(
    values: ArrayLike, sigma: ArrayLike | None = None, *, systematic: float = 0.0, level: float = 0.95
) -> Interval:
    r"""Interval for the mean of repeated values, such as monthly differences of two regions.

    Rule: the plain mean (weights by sigma would let a few good months decide). Its squared standard error is
    the scatter between the values, :math:`s^2 / n`, which already contains measurement errors that are
    independent from value to value; where it is smaller than what the stated errors alone give,
    :math:`\sum \sigma_i^2 / n^2`, that floor is taken, so that a lucky run of equal values does not make a
    narrow interval. Student's t with n - 1 degrees of freedom. A systematic error common to all values is
    added in quadrature to the half-width, times the normal quantile. One value: the interval rests on its
    sigma alone (normal quantile); without sigma it is infinite.

    Parameters
    ----------
    values : array_like
        ``(n,)``; values that are not finite are left out.
    sigma : array_like, optional
        1-sigma measurement errors of the values, independent of one another.
    systematic : float
        1-sigma error common to all values.
    level : float
        Probability of the interval.

    Returns
    -------
    Interval
        With count 0 and NaN for mean and bounds when no value is finite.

    Raises
    ------
    YaotanError
        The level is not between 0 and 1.

    Notes
    -----
    Values are taken as independent of one another: trends, seasons and serial correlation must be out.

    Examples
    --------
    >>> interval = mean_interval([1.0, 2.0, 3.0, 2.0])
    >>> round(interval.mean, 2), round(interval.lower, 2), round(interval.upper, 2)
    (2.0, 0.7, 3.3)
    """
    from scipy.special import ndtri, stdtrit

    if not 0.0 < level < 1.0:
        raise YaotanError(f"level is {level!r}", expected="a probability between 0 and 1, such as 0.95")
    x = np.asarray(values, dtype=float).ravel()
    errors = np.full(x.shape, np.nan) if sigma is None else np.broadcast_to(np.asarray(sigma, float), x.shape)
    finite = np.isfinite(x)
    x, errors = x[finite], errors[finite]
    n = x.size
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, math.nan, 0.0, 0)
    mean = float(x.mean())
    known = errors[np.isfinite(errors)]
    # months whose sigma is unknown are taken to be as uncertain as the others
    stated = float(np.sqrt((known**2).mean() / n)) if known.size else 0.0
    quantile = float(ndtri(0.5 + level / 2.0))
    if n == 1:
        error = stated if known.size else math.inf
        half = math.hypot(quantile * error, quantile * systematic)
        return Interval(mean, mean - half, mean + half, error, 0.0, 1)
    error = max(float(x.std(ddof=1)) / math.sqrt(n), stated)
    half = math.hypot(float(stdtrit(n - 1, 0.5 + level / 2.0)) * error, quantile * systematic)
    return Interval(mean, mean - half, mean + half, error, float(n - 1), n)

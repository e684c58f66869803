"""Means of soundings of one overpass, and of the spectra around a moment."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


def group_mean(values: Floats, group: Any, size: int) -> Floats:
    """Give the mean of each group ``(size,)``, about a reference so that no digits are lost.

    Examples
    --------
    >>> group_mean(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1]), 2).tolist()
    [2.0, 5.0]
    """
    if not values.size:
        return np.full(size, np.nan)
    zero = values[0]
    count = np.bincount(group, minlength=size)
    total = np.bincount(group, weights=values - zero, minlength=size)
    return zero + np.divide(total, count, out=np.full(size, np.nan), where=count > 0)


def group_spread(values: Floats, group: Any, size: int) -> Floats:
    """Give the standard deviation of each group (n - 1); NaN for fewer than two."""
    count = np.bincount(group, minlength=size)
    square = np.bincount(
        group, weights=(values - group_mean(values, group, size)[group]) ** 2, minlength=size
    )
    return np.sqrt(np.divide(square, count - 1, out=np.full(size, np.nan), where=count > 1))


def group_sigma(sigma: Floats, group: Any, size: int, correlation: float) -> Floats:
    r"""Give 1 sigma of each group's mean: :math:`(1 - r) \sum (u/n)^2 + r (\sum u/n)^2` under the root.

    Examples
    --------
    >>> group_sigma(np.array([1.0, 1.0]), np.array([0, 0]), 1, 0.5).round(3).tolist()
    [0.866]
    """
    count = np.maximum(np.bincount(group, minlength=size), 1)
    square = np.bincount(group, weights=sigma**2, minlength=size) / count**2
    linear = np.bincount(group, weights=sigma, minlength=size) / count
    return np.sqrt((1.0 - correlation) * square + correlation * linear**2)


def mean_longitude(lon: Floats, group: Any, size: int) -> Floats:
    """Give the mean longitude of each group, right over the dateline."""
    if not lon.size:
        return np.full(size, np.nan)
    first = np.zeros(size)
    first[group[::-1]] = lon[::-1]
    turned = np.mod(lon - first[group] + 180.0, 360.0) - 180.0
    return np.mod(first + group_mean(turned, group, size) + 180.0, 360.0) - 180.0

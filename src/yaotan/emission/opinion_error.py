"""Errors of opinions as the other provinces show them, and the weights that make the best of several."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.emission.covariance import LEAST, shrunk_correlation

if TYPE_CHECKING:
    import pandas as pd

Array: TypeAlias = NDArray[np.float64]
#: fewer other provinces give no scale for the errors of an opinion
LEAST_PROVINCES: Final = 5


class ErrorPool:
    """Residuals of all rows, and what the other provinces say of the errors; each is worked out once.

    Parameters
    ----------
    table : pandas.DataFrame
        ``group`` and ``period`` of each row.
    residual : numpy.ndarray, shape (row, opinion)
        Logarithms; NaN where an opinion has no estimate.
    """

    def __init__(self, table: pd.DataFrame, residual: Array) -> None:
        self.table, self.residual = table, residual
        names, self.group = np.unique(table["group"].to_numpy().astype(str), return_inverse=True)
        self.year, self.groups = table["period"].to_numpy(), len(names)
        self._known: dict[tuple[Any, ...], tuple[Array, Array, int]] = {}
        self._correlation: dict[tuple[Any, ...], Array] = {}

    def errors(self, row: int, there: NDArray[np.intp]) -> tuple[Array, Array, int]:
        """Mean and standard deviation of the errors in the other provinces, and how many these are."""
        key = (self.group[row], *there)
        if key not in self._known:
            self._known[key] = self._find_errors(self.group != self.group[row], there)
        return self._known[key]

    def _find_errors(self, others: NDArray[np.bool_], there: NDArray[np.intp]) -> tuple[Array, Array, int]:
        residual, place = self.residual[others][:, there], self.group[others]
        known = np.isfinite(residual)
        count = self._sum(known, place)
        provinces = int((count > 0).sum(axis=0).min())
        if provinces < LEAST_PROVINCES:
            return np.zeros(len(there)), np.ones(len(there)), provinces
        # each province counts once, however many years it has
        centre = _mean_of_provinces(self._sum(np.where(known, residual, 0.0), place), count)
        square = self._sum(np.where(known, (residual - centre) ** 2, 0.0), place)
        # n / (n - 1): the mean is estimated as well; 1 + 1 / n: and so is what is taken off the figure
        variance = _mean_of_provinces(square, count) * (provinces + 1) / (provinces - 1)
        return centre, np.sqrt(np.maximum(variance, np.finfo(float).tiny)), provinces

    def _sum(self, values: NDArray[Any], place: NDArray[np.intp]) -> Array:
        sums = [np.bincount(place, column, self.groups) for column in values.T.astype(float)]
        return np.stack(sums, axis=1)

    def correlation(self, row: int, there: NDArray[np.intp]) -> Array:
        """Correlation of the opinions' errors in the other provinces in the same year, shrunk."""
        key = (self.group[row], self.year[row], *there)
        if key not in self._correlation:
            rows = (self.group != self.group[row]) & (self.year == self.year[row])
            found = self.residual[rows][:, there]
            found = found[np.isfinite(found).all(axis=1)]
            made = np.eye(len(there))
            if len(there) > 1 and len(found) >= LEAST and (found.std(axis=0) > 0).all():
                made, _ = shrunk_correlation(found)
            self._correlation[key] = made
        return self._correlation[key]


def _mean_of_provinces(sums: Array, count: Array) -> Array:
    each = np.divide(sums, count, out=np.full(sums.shape, np.nan), where=count > 0)
    return np.asarray(np.nanmean(each, axis=0))


def smallest_variance(covariance: Array) -> Array:
    """Weights that sum to 1, none below 0, of the mean with the smallest variance.

    Parameters
    ----------
    covariance : numpy.ndarray, shape (n, n)
        Symmetric, positive definite; n of a few.

    Returns
    -------
    numpy.ndarray, shape (n,)
        Exact: every set of members is tried.

    Examples
    --------
    >>> smallest_variance(np.diag([1.0, 4.0])).tolist()
    [0.8, 0.2]
    """
    n = len(covariance)
    best, least = np.full(n, 1.0 / n), np.inf
    for size in range(1, n + 1):
        for members in combinations(range(n), size):
            chosen = np.ix_(members, members)
            try:
                raw = np.linalg.solve(covariance[chosen], np.ones(size))
            except np.linalg.LinAlgError:
                continue
            if (raw < 0).any() or raw.sum() <= 0:
                continue
            if 1.0 / raw.sum() < least:
                least, best = 1.0 / raw.sum(), np.zeros(n)
                best[list(members)] = raw / raw.sum()
    return best

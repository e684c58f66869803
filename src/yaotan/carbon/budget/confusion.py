"""What a confusion matrix says of areas: which land a mapped class really is, and how sure that is."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from yaotan.carbon.budget.parameter import Floats
from yaotan.errors import SchemaError


@dataclass(frozen=True)
class Confusion:
    r"""Shares of true classes in mapped classes, from counts of a stratified reference sample.

    Of the n_i sample points in mapped class i, n_ij are truly j. The share is
    :math:`p_{ij} = n_{ij} / n_i`, and the area of j is :math:`\sum_i A_i p_{ij}` (Olofsson et al. 2013,
    Remote Sens. Environ. 129, 122, eq. 2, doi:10.1016/j.rse.2012.10.031). Rows are independent; within a row
    the shares have the covariance of a multinomial,
    :math:`(p_{ij} \delta_{jk} - p_{ij} p_{ik}) / (n_i - 1)` (eq. 3 there).

    Attributes
    ----------
    codes : numpy.ndarray
        Class codes ``(class,)``, of rows (mapped) and columns (true).
    share : numpy.ndarray
        ``(class, class)``; a class without reference points has share 1 of itself.
    count : numpy.ndarray
        n_i; 0 where nothing was sampled.
    """

    codes: np.ndarray
    share: Floats
    count: Floats

    def covariance(self, row: int) -> Floats:
        """Covariance of the shares of one mapped class ``(class, class)``; 0 where there is no sample."""
        p, n = self.share[row], self.count[row]
        if n < 2:
            return np.zeros((p.size, p.size))
        return np.asarray((np.diag(p) - np.outer(p, p)) / (n - 1.0))

    def draw(self, count: int, seed: int, salt: str = "") -> Floats:
        """Draw shares ``(count, class, class)`` from Dirichlet distributions of the same mean and covariance.

        A row of shares p with n points has the Dirichlet parameters (n - 2) p, whose covariance is the one
        above; with fewer than 4 points it is drawn as with 4.
        """
        size = self.codes.size
        out = np.tile(self.share, (count, 1, 1))
        for row in range(size):
            there = self.share[row] > 0.0
            if self.count[row] < 2 or there.sum() < 2:
                continue
            name = f"confusion{salt} {self.codes[row]}"
            random = np.random.default_rng([seed, zlib.crc32(name.encode())])
            alpha = max(self.count[row], 4.0) - 2.0
            out[:, row, there] = random.dirichlet(alpha * self.share[row][there], size=count)
        return out


def read_confusion(matrix: Any, codes: np.ndarray, mapped: Floats) -> Confusion:
    """Bring a confusion matrix to the classes of a histogram.

    Parameters
    ----------
    matrix : pandas.DataFrame
        Counts of reference points: rows mapped class, columns true class, labels class codes.
    codes : numpy.ndarray
        Class codes of the histogram.
    mapped : numpy.ndarray
        Mapped area of each class, over all regions.

    Returns
    -------
    Confusion
        In the order of `codes`.

    Raises
    ------
    SchemaError
        The matrix is none, has classes that the histogram lacks, negative or broken counts, or a mapped class
        of the histogram has no reference point.

    Examples
    --------
    >>> matrix = pd.DataFrame([[45, 5], [10, 40]], index=[1, 2], columns=[1, 2])
    >>> read_confusion(matrix, np.array([1, 2]), np.array([6e9, 4e9])).share.tolist()
    [[0.9, 0.1], [0.2, 0.8]]
    """
    where = "confusion matrix"
    if not isinstance(matrix, pd.DataFrame):
        raise SchemaError(
            f"is a {type(matrix).__name__}", where=where, expected="a pandas.DataFrame of counts"
        )
    table = matrix.rename(index=int, columns=int).astype(float)
    counts = table.to_numpy()
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise SchemaError("holds a negative or missing count", where=where, expected="numbers of points")
    if table.index.has_duplicates or table.columns.has_duplicates:
        raise SchemaError("names a class twice", where=where)
    met = {int(c) for c, seen in zip(table.columns, np.asarray(counts.any(axis=0)), strict=True) if seen}
    foreign = sorted((set(table.index) | met) - set(codes.tolist()))
    if foreign:
        raise SchemaError(
            f"has class {foreign[0]}, which the land use has not", where=where,
            expected=f"classes {', '.join(map(str, codes))}", fix="histogram with all classes of the legend",
        )  # fmt: skip
    square = table.reindex(index=codes, columns=codes).fillna(0.0).to_numpy()
    total = square.sum(axis=1)
    bare = (total == 0.0) & (mapped > 0.0)
    if bare.any():
        raise SchemaError(
            f"has no reference point in mapped class {codes[bare][0]}", where=where,
            expected="a row with points for every class of the map",
        )  # fmt: skip
    share = np.where(total[:, None] > 0, square / np.maximum(total, 1.0)[:, None], np.eye(codes.size))
    return Confusion(np.asarray(codes), share, total)

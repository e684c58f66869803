"""How errors combine: spatially correlated means, effective counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.correlation import correlated_variance
from yaotan.errors import YaotanError


def correlated_mean_uncertainty(
    weights: ArrayLike, sigma: ArrayLike, lat: ArrayLike, lon: ArrayLike, length: float
) -> NDArray[np.float64]:
    r"""1-sigma uncertainty of weighted means whose errors are correlated in space.

    .. math:: u^2 = \sum_{ab} c_a c_b u_a u_b \rho(d_{ab}), \quad \rho(d) = e^{-d / L}

    Up to 3000 cells the sum is done in full. Beyond, cells are gathered in blocks of at most a quarter of
    the length (a sixteenth where that gives few enough blocks); correlation between blocks is that of their
    centres, inside a block that of the mean distance of two points of a square; blocks more than 12 lengths
    apart in latitude count as independent. The relative error of that is below 0.3 per cent (a test compares
    with the full sum).

    Parameters
    ----------
    weights : array_like
        ``(..., n)`` weights of the means, usually with sum 1; a cell of weight 0 does not count, whatever its
        sigma. They are used as given, not normalised.
    sigma : array_like
        ``(..., n)`` 1-sigma errors, broadcast against weights.
    lat, lon : array_like
        ``(n,)`` cell centres [degrees].
    length : float
        Correlation length L [m]; 0: independent errors, ``inf``: fully correlated errors.

    Returns
    -------
    numpy.ndarray
        ``(...)`` in the unit of sigma; NaN where a cell that counts has no finite sigma.

    Raises
    ------
    YaotanError
        The length is negative or NaN.

    Examples
    --------
    >>> where = [30.0, 30.0], [110.0, 111.0]
    >>> [float(correlated_mean_uncertainty([0.5, 0.5], 1.0, *where, length).round(3))
    ...  for length in (0.0, 100e3, np.inf)]
    [0.707, 0.831, 1.0]
    """
    if not length >= 0.0:
        raise YaotanError(f"the correlation length is {length!r}", expected="metres, 0 or more")
    c, u = np.broadcast_arrays(np.asarray(weights, float), np.asarray(sigma, float))
    share = np.where(c == 0.0, 0.0, c * u)
    if length == 0.0:
        return np.sqrt((share**2).sum(axis=-1))
    if math.isinf(length):
        return np.abs(share.sum(axis=-1))
    place = np.broadcast_arrays(np.asarray(lat, float), np.asarray(lon, float))
    flat = share.reshape(-1, share.shape[-1])
    counts = (flat != 0.0).any(axis=0)
    variance = correlated_variance(flat[:, counts], place[0][counts], place[1][counts], float(length))
    return np.sqrt(np.maximum(variance, 0.0)).reshape(share.shape[:-1])


def split_overpass(
    random: ArrayLike, overpass: ArrayLike, correlation: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Split the error of a cell into a part of its own and a part that neighbours on the track share.

    With the correlation r between soundings of one overpass, the error of a cell's mean is
    :math:`u^2 = (1 - r) \sum (a u)^2 + r \sum_o (\sum_{i \in o} a u)^2`. The first term is noise that no
    other cell knows of; only the second goes on beyond the cell.

    Parameters
    ----------
    random : array_like
        sqrt of the sum of (a u)^2, the error of the mean were all soundings independent.
    overpass : array_like
        u above; NaN where a cell is empty.
    correlation : float
        r, from 0 to 1.

    Returns
    -------
    independent, shared : numpy.ndarray
        1 sigma each; their squares sum to the square of `overpass`.

    Examples
    --------
    >>> own, shared = split_overpass([1.0], [1.0], 0.5)
    >>> own.round(3).tolist(), shared.round(3).tolist()
    ([0.707], [0.707])
    """
    total = np.asarray(overpass, float) ** 2
    own = np.minimum((1.0 - correlation) * np.asarray(random, float) ** 2, total)
    return np.sqrt(own), np.sqrt(total - own)


#: Soundings further apart in time than this [ns] are of different overpasses: a daylight half orbit has no
#: such gap, and the next orbit follows more than an hour later.
PASS_GAP: Final = 900_000_000_000


def number_overpasses(moments: ArrayLike) -> NDArray[np.intp]:
    """Number the overpasses that moments belong to, in order of time.

    Parameters
    ----------
    moments : array_like
        ``(n,)`` [ns]; two moments are of one overpass where no gap of more than 15 minutes lies between.

    Returns
    -------
    numpy.ndarray
        ``(n,)``, from 0.

    Examples
    --------
    >>> number_overpasses([0, 6e12, 1e11]).tolist()
    [0, 1, 0]
    """
    when = np.asarray(moments, float)
    order = np.argsort(when, kind="stable")
    number = np.empty(when.size, np.intp)
    number[order] = np.cumsum(np.diff(when[order], prepend=when[order[:1]]) > PASS_GAP)
    return number


def shared_mean_uncertainty(
    weights: ArrayLike,
    sigma: ArrayLike,
    lat: ArrayLike,
    lon: ArrayLike,
    length: float,
    moments: Sequence[ArrayLike] = (),
) -> float:
    r"""Give 1 sigma of one weighted mean of cells whose errors are shared along overpasses.

    As `correlated_mean_uncertainty`, but two cells share errors only as far as they were seen by the same
    overpasses:

    .. math:: u^2 = \sum_{ab} c_a c_b u_a u_b f_{ab} e^{-d_{ab} / L}

    f is the part of the given moments (first and last sounding of a cell) that are of one overpass: 1 where
    both are, 1/2 for one of the two. Overpasses between the first and the last are not known to a grid; where
    soundings of a cell come from more than two, f is an estimate.

    Parameters
    ----------
    weights, sigma, lat, lon : array_like
        ``(n,)``, as in `correlated_mean_uncertainty`; weights may be negative (a difference of means).
    length : float
        Correlation length along an overpass [m].
    moments : sequence of array_like
        Each ``(n,)`` [ns]; empty: all cells count as seen by one overpass.

    Returns
    -------
    float
        In the unit of sigma; NaN where a cell that counts has no finite sigma.

    Examples
    --------
    >>> where = [30.0, 30.0], [110.0, 110.5]
    >>> day = 8.64e13
    >>> together = shared_mean_uncertainty([0.5, 0.5], 1.0, *where, 1e5, [[0.0, 1e9]] * 2)
    >>> apart = shared_mean_uncertainty([0.5, 0.5], 1.0, *where, 1e5, [[0.0, day]] * 2)
    >>> round(together, 2), round(apart, 2)
    (0.9, 0.71)
    """
    c, u, north, east = np.broadcast_arrays(
        *(np.asarray(array, float) for array in (weights, sigma, lat, lon))
    )
    counts = c != 0.0
    c, u, north, east = c[counts], u[counts], north[counts], east[counts]
    if c.size == 0:
        return 0.0
    if not moments or length == 0.0:
        return float(correlated_mean_uncertainty(c, u, north, east, length))
    variance = 0.0
    for moment in moments:
        number = number_overpasses(np.asarray(moment, float)[counts])
        for one in range(int(number.max()) + 1):
            rows = number == one
            variance += float(
                correlated_mean_uncertainty(c[rows], u[rows], north[rows], east[rows], length) ** 2
            )
    return math.sqrt(variance / len(moments))


def sampling_uncertainty(
    values: ArrayLike,
    weights: ArrayLike,
    sigma: ArrayLike,
    random: ArrayLike,
    lat: ArrayLike,
    lon: ArrayLike,
    length: float,
) -> NDArray[np.float64]:
    r"""Give 1 sigma of means because cells were seen at a few moments and other cells not at all.

    The scatter of the cells beyond their errors, :math:`V = (\sum c (y - \bar y)^2 - \sum c u^2 + u_r^2) /
    \max(1 - K, 1/2)` and not below 0, is what the field differs by from cell to cell and from visit to visit;
    :math:`K = \sum_{ab} c_a c_b e^{-d_{ab} / L}` of it stays in the mean.

    Parameters
    ----------
    values : array_like
        ``(..., n)``; cells of weight 0 do not count.
    weights : array_like
        ``(..., n)`` with sum 1.
    sigma : array_like
        ``(..., n)`` 1-sigma error of each value.
    random : array_like
        ``(...)`` 1-sigma error of the mean that follows from them.
    lat, lon : array_like
        ``(n,)`` cell centres [degrees].
    length : float
        Correlation length of the field [m].

    Returns
    -------
    numpy.ndarray
        ``(...)``; NaN for fewer than two cells: one cell says nothing about others.

    Notes
    -----
    No factor for the share of the region that is covered: a cell counts as covered after one sounding in the
    month. Where errors are larger than the differences of the field the estimate is too large on average,
    since it cannot fall below 0. A lasting difference between what is seen and what is not (clear sky, hidden
    valleys) is not in it. A region smaller than L shows too little of the scatter; the bound 1/2 keeps the
    estimate from growing without limit there.

    Examples
    --------
    >>> spot = [30.0, 30.0, 30.0], [100.0, 110.0, 120.0]
    >>> float(sampling_uncertainty([1.0, 2.0, 3.0], [1 / 3] * 3, 0.0, 0.0, *spot, 100e3).round(3))
    0.577
    """
    y, c, u = np.broadcast_arrays(*(np.asarray(array, float) for array in (values, weights, sigma)))
    counts = c != 0.0
    y, u = np.where(counts, y, 0.0), np.where(counts, u, 0.0)
    kept = correlated_mean_uncertainty(c, 1.0, lat, lon, length) ** 2
    # about a reference, so that squares lose no digits
    y = np.where(counts, y - y.max(axis=-1, keepdims=True), 0.0)
    scatter = (c * (y - (c * y).sum(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    known = scatter - (c * u**2).sum(axis=-1) + np.asarray(random, float) ** 2
    excess = np.maximum(known, 0.0) / np.maximum(1.0 - kept, 0.5)
    return np.where(counts.sum(axis=-1) < 2, np.nan, np.sqrt(excess * kept))

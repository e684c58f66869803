"""Averages of several products made one: median or best linear estimate, with their uncertainty."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Floats: TypeAlias = NDArray[np.float64]

#: Draws for the uncertainty of a median: its 1 sigma is good to 1 / sqrt(2 n) = 1.1 %.
DRAWS: Final = 4000
_BLOCK: Final = 64


def estimate_excess(value: Floats, sigma: Floats, correlation: Floats) -> float:
    r"""Give the scatter between products that their stated errors do not explain.

    The tau for which the scatter of the averages about their mean is what it should be,

    .. math:: \sum_b \sum_k (m_{bk} - \bar m_b)^2 = \sum_b \mathrm{tr}(P C_b), \quad
              C_{b,kl} = R_{kl} v_{bk} v_{bl}, \quad v^2 = u^2 + \tau^2, \quad P = 1 - 11^T / K_b

    (the moment estimator of random-effects meta-analysis, DerSimonian and Laird 1986,
    doi:10.1016/0197-2456(86)90046-2, unweighted, over all boxes, with correlations); 0 where the stated
    errors explain it.

    Parameters
    ----------
    value, sigma : numpy.ndarray
        ``(box, product)``; NaN where a product has no average.
    correlation : numpy.ndarray
        ``(product, product)`` of the errors of the averages.
    """
    known = np.isfinite(value)
    count = known.sum(axis=1)
    several = count > 1
    if not several.any():
        return 0.0
    known, count = known[several], count[several]
    value, sigma = np.where(known, value[several], 0.0), np.where(known, sigma[several], 0.0)
    mean = value.sum(axis=1, keepdims=True) / count[:, None]
    seen = float((np.where(known, value - mean, 0.0) ** 2).sum())

    def expected(tau: float) -> float:
        v = np.where(known, np.sqrt(sigma**2 + tau**2), 0.0)
        return float(((v**2).sum(axis=1) - np.einsum("bk,kl,bl->b", v, correlation, v) / count).sum())

    if seen <= expected(0.0):
        return 0.0
    high = np.sqrt(seen) + 1e-12
    while expected(high) < seen:
        high *= 2.0
    return float(brentq(lambda tau: expected(tau) - seen, 0.0, high))


def best_linear(value: Floats, sigma: Floats, correlation: Floats) -> tuple[Floats, Floats, Floats]:
    r"""Give the best linear unbiased estimate of each box, its 1 sigma and the weights.

    .. math:: w = \frac{C^{-1} 1}{1^T C^{-1} 1}, \qquad u^2 = \frac{1}{1^T C^{-1} 1}

    Weights may be negative where errors are highly correlated and unequal.

    Examples
    --------
    >>> mean, u, w = best_linear(np.array([[0.0, 3.0]]), np.array([[1.0, 2.0]]), np.eye(2))
    >>> mean.round(2).tolist(), u.round(3).tolist(), w.round(2).tolist()
    ([0.6], [0.894], [[0.8, 0.2]])
    """
    boxes, products = value.shape
    mean, error, weight = np.full(boxes, np.nan), np.full(boxes, np.nan), np.full((boxes, products), np.nan)
    for box in range(boxes):
        there = np.flatnonzero(np.isfinite(value[box]))
        if not there.size:
            continue
        v = sigma[box, there]
        solved = np.linalg.solve(correlation[np.ix_(there, there)] * np.outer(v, v), np.ones(there.size))
        weight[box, there] = solved / solved.sum()
        mean[box] = weight[box, there] @ value[box, there]
        error[box] = solved.sum() ** -0.5
    return mean, error, weight


def choose_median(value: Floats, sigma: Floats) -> NDArray[np.intp]:
    """Give the number of the product whose average is the median of each box; -1 where there is none.

    Of an even number, the one of the two in the middle with the smaller 1 sigma (the first of equal ones).

    Examples
    --------
    >>> value = np.array([[3.0, 1.0, 2.0], [3.0, 1.0, np.nan]])
    >>> choose_median(value, np.array([[1.0, 1.0, 1.0], [2.0, 1.0, np.nan]])).tolist()
    [2, 1]
    """
    count = np.isfinite(value).sum(axis=-1)
    order = np.argsort(value, axis=-1, kind="stable")  # NaN last
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    pick = [
        np.take_along_axis(order, k[..., None], -1)[..., 0]
        for k in (low, np.minimum(high, np.maximum(count - 1, 0)))
    ]
    u = [np.take_along_axis(sigma, p[..., None], -1)[..., 0] for p in pick]
    lower = (u[0] < u[1]) | ((u[0] == u[1]) & (pick[0] <= pick[1]))
    return np.where(count > 0, np.where(lower, pick[0], pick[1]), -1)


def median_uncertainty(value: Floats, sigma: Floats, correlation: Floats, seed: int) -> Floats:
    """Give 1 sigma of the median of each box: errors of all products are drawn, and one is chosen again."""
    draws = np.random.default_rng(seed).standard_normal((DRAWS // 2, value.shape[1]))
    draws = np.concatenate([draws, -draws]) @ np.linalg.cholesky(correlation).T
    error = np.full(len(value), np.nan)
    for start in range(0, len(value), _BLOCK):
        u = np.where(np.isfinite(value), sigma, np.nan)[start : start + _BLOCK, None, :]
        drawn = draws * u
        chosen = choose_median(drawn, np.broadcast_to(u, drawn.shape))
        taken = np.take_along_axis(drawn, np.maximum(chosen, 0)[..., None], -1)[..., 0]
        error[start : start + _BLOCK] = np.sqrt((taken**2).mean(axis=-1))
    return error

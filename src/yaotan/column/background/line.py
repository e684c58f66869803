"""Robust straight lines and polynomials."""

from __future__ import annotations

from typing import Final

import numpy as np

from yaotan.column.background.sample import Floats, Indices, robust_spread

#: Tuning constant of Huber's weights: 95 % efficiency at the normal distribution (Huber and Ronchetti 2009,
#: Robust Statistics, section 1.3 and 4.5).
_HUBER: Final = 1.345
_ROUNDS: Final = 20
#: rounds end when no fitted value moves by more than this part of the spread
_CLOSE: Final = 1e-4


def fit_robust(design: Floats, values: Floats) -> tuple[Floats, Floats, float]:
    """Coefficients by Huber's weights, those weights, and the robust spread of the residuals.

    Parameters
    ----------
    design : numpy.ndarray
        ``(n, k)``, of full rank.
    values : numpy.ndarray
        ``(n,)``.

    Returns
    -------
    coefficient : numpy.ndarray
        ``(k,)``.
    weight : numpy.ndarray
        ``(n,)`` from 0 to 1.
    spread : float
        In the unit of the values.

    Examples
    --------
    >>> x = np.arange(50.0)
    >>> y = 2 + 0.5 * x + 0.1 * np.cos(7 * x)
    >>> y[20] += 100
    >>> fit_robust(np.stack([np.ones(50), x], 1), y)[0].round(1)
    array([2. , 0.5])
    """
    weight: Floats = np.ones(values.size)
    coefficient: Floats = np.zeros(design.shape[1])
    spread = 0.0
    for _ in range(_ROUNDS):
        weighted = design * weight[:, None]
        new = np.linalg.solve(weighted.T @ design, weighted.T @ values)
        residual = values - design @ new
        spread = robust_spread(residual)
        # the fitted values, not the coefficients, have the unit of the spread
        done = float(np.abs(design @ (new - coefficient)).max()) <= _CLOSE * spread
        coefficient = np.asarray(new, float)
        if done or spread == 0.0:
            break
        weight = np.minimum(1.0, _HUBER * spread / np.maximum(np.abs(residual), 1e-300))
    return coefficient, weight, spread


def prediction_error(
    design: Floats, weight: Floats, residual: Floats, block: Indices, where: Floats
) -> Floats:
    r"""1 sigma of a robust fit at places, errors that hang together within blocks.

    .. math:: V = \frac{G}{G - k}\, H^{-1} \Big(\sum_g s_g s_g^T\Big) H^{-1}, \quad
              s_g = \sum_{i \in g} w_i r_i d_i, \quad H = \sum_{i: w_i = 1} d_i d_i^T

    Parameters
    ----------
    design, weight, residual, block : numpy.ndarray
        ``(n, k)`` and ``(n,)``.
    where : numpy.ndarray
        ``(m, k)`` rows of the design at which the fit is used.

    Returns
    -------
    numpy.ndarray
        ``(m,)``; NaN where there are not more blocks than coefficients.
    """
    number = np.unique(block, return_inverse=True)[1]
    groups, terms = int(number.max()) + 1, design.shape[1]
    if groups <= terms:
        return np.full(where.shape[0], np.nan)
    score = design * (weight * residual)[:, None]
    sums = np.stack([np.bincount(number, weights=column) for column in score.T], axis=1)
    # the derivative of Huber's function is 1 where it has not begun to draw in, and 0 beyond
    inverse = np.linalg.pinv((design * (weight == 1.0)[:, None]).T @ design)
    cover = inverse @ (sums.T @ sums) @ inverse * groups / (groups - terms)
    return np.sqrt(np.maximum(((where @ cover) * where).sum(axis=1), 0.0))

"""A mean of few, bad values: MM-estimate of an annual level with a smooth season, and its covariance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: bisquare constant of 95 per cent efficiency for normal errors: Maronna, Martin and Yohai (2006), Robust
#: statistics, table 2.4
TUNING: Final = 4.685
#: median absolute deviation of a normal distribution, inverse
_MAD: Final = 1.4826


@dataclass(frozen=True)
class LevelFit:
    """Level and season of values.

    Parameters
    ----------
    level, level_uncertainty : float
        Mean over a whole period of the basis, and its standard error.
    season : numpy.ndarray
        Coefficients of the basis, in parts of the level.
    weight : numpy.ndarray
        ``(n,)`` weight of each value, 0 for outliers and 1 for what lies near.
    inflation : float
        Scatter of the values over their stated errors (1 or more).
    freedom : float
        Values that count, less parameters.
    """

    level: float
    level_uncertainty: float
    season: Array
    weight: Array
    inflation: float
    freedom: float


def weighted_median(values: ArrayLike, weights: ArrayLike) -> float:
    """Give the value at which half of the weight lies on each side.

    Examples
    --------
    >>> weighted_median([1.0, 2.0, 10.0], [1.0, 1.0, 1.0])
    2.0
    """
    y, w = np.asarray(values, float), np.asarray(weights, float)
    order = np.argsort(y, kind="stable")
    sums = np.cumsum(w[order])
    half = sums[-1] / 2.0
    first = int(np.searchsorted(sums, half * (1 - 1e-12)))
    if math.isclose(sums[first], half) and first + 1 < y.size:
        return float((y[order[first]] + y[order[first + 1]]) / 2.0)
    return float(y[order[first]])


def fit_level(
    values: ArrayLike,
    absolute: ArrayLike,
    relative: ArrayLike,
    basis: ArrayLike,
    spread: ArrayLike,
    weights: ArrayLike = 1.0,
) -> LevelFit:
    r"""Fit ``y = L (1 + B c)`` where some of the values are wild.

    Start at the weighted median, scale from the median absolute deviation, then reweighting with the bisquare
    (MM-estimate: Yohai 1987, Ann. Stat. 15, 642). The error of a value belongs to what is expected there and
    not to what was seen, :math:`s_i^2 = n_i^2 + (r_i L)^2`: with the relative error of the value itself the
    small values would be the precise ones and the mean too low. The scatter may be larger than stated, never
    smaller. The season has a normal prior, so that few values in one half of the year do not invent one.

    Parameters
    ----------
    values : array_like
        ``(n,)``.
    absolute, relative : array_like
        ``(n,)`` stated errors: in the unit of the values, and as part of what is expected.
    basis : array_like
        ``(n, k)`` periodic functions of mean 0.
    spread : array_like
        ``(k,)`` prior standard deviation of each coefficient, in parts of the level.
    weights : array_like
        ``(n,)`` of the values (probability of being seen, strata), beside their errors.

    Returns
    -------
    LevelFit
        Standard error by the sandwich form, with what the prior leaves open.

    Notes
    -----
    Fewer than about a third of the values may be wild on one side. Values are taken as independent.

    Examples
    --------
    >>> fit = fit_level([9.0, 10.0, 11.0, 10.5, 400.0], 0.0, 0.1, np.zeros((5, 1)), [0.1])
    >>> round(fit.level), float(fit.weight[-1])
    (10, 0.0)
    """
    y, n, r, w = np.broadcast_arrays(*(np.asarray(v, float) for v in (values, absolute, relative, weights)))
    b = np.asarray(basis, float).reshape(y.size, -1)
    w = w / w.mean()
    level = weighted_median(y, w)
    design = np.column_stack([np.ones(y.size), b])
    coefficient = np.concatenate([[level], np.zeros(b.shape[1])])
    base = _scale(n, r, level, y)
    inflation = max(1.0, _MAD * weighted_median(np.abs(y - level) / base, w))
    prior = np.zeros(1 + b.shape[1])
    robust, hessian = np.ones(y.size), np.eye(prior.size)
    for _ in range(100):
        scale = inflation * _scale(n, r, coefficient[0], y)
        prior[1:] = 1.0 / np.maximum((np.asarray(spread, float) * coefficient[0]) ** 2, 1e-300)
        robust = _bisquare((y - design @ coefficient) / scale)
        precision = w * robust / scale**2
        hessian = design.T @ (design * precision[:, None]) + np.diag(prior)
        new = np.linalg.solve(hessian, design.T @ (precision * y))
        done = np.allclose(new, coefficient, rtol=1e-8, atol=1e-10 * abs(level))
        coefficient = new
        if done:
            break
    count = float(w.sum() ** 2 / (w**2).sum()) * float((robust > 0).mean())
    freedom = max(count - 1.0 - _spent(design, w * robust / scale**2, prior), 1.0)
    residual = (y - design @ coefficient) / scale
    bread = np.linalg.inv(design.T @ (design * (w * _slope(residual) / scale**2)[:, None]) + np.diag(prior))
    meat = design.T @ (design * (w * robust * residual / scale)[:, None] ** 2) * count / freedom
    floor = design.T @ (design * (w * robust / scale)[:, None] ** 2) / inflation**2
    variance = max(float((bread @ part @ bread)[0, 0]) for part in (meat, floor))
    variance += float((bread @ np.diag(prior) @ bread)[0, 0])
    season = coefficient[1:] / coefficient[0] if coefficient[0] else np.zeros(b.shape[1])
    return LevelFit(float(coefficient[0]), math.sqrt(variance), season, robust, inflation, freedom)


def _scale(absolute: Array, relative: Array, level: float, y: Array) -> Array:
    """Expected error; never nothing, so that equal values do not end in a division by zero."""
    tiny = 1e-9 * max(float(np.abs(y).max()), 1e-30)
    return np.sqrt(absolute**2 + (relative * level) ** 2 + tiny**2)


def _bisquare(z: Array) -> Array:
    return np.where(np.abs(z) < TUNING, (1.0 - (z / TUNING) ** 2) ** 2, 0.0)


def _slope(z: Array) -> Array:
    """Derivative of the bisquare's influence, its mean for all: no row gets a negative one."""
    inside = np.abs(z) < TUNING
    slope = np.where(inside, (1.0 - (z / TUNING) ** 2) * (1.0 - 5.0 * (z / TUNING) ** 2), 0.0)
    return np.full(z.shape, max(float(slope.mean()), 0.1))


def _spent(design: Array, precision: Array, prior: Array) -> float:
    """Parameters that the data, not the prior, decide on, beyond the level."""
    data = design.T @ (design * precision[:, None])
    return float(np.trace(np.linalg.solve(data + np.diag(prior), data))) - 1.0

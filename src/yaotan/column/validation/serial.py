r"""Regressions whose errors are correlated in time, at uneven times.

The error of a pair is noise of its own plus a part that fades with time, :math:`\varphi e^{-|t| / \tau}`.
Both numbers are poorly known from some tens of pairs, so none is chosen: each of a table of values counts
with its restricted likelihood, and what follows is their mean, so that not knowing them widens the interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.compiled import compiled

Floats: TypeAlias = NDArray[np.float64]

#: Values tried: e-folding time [days] and share of the variance that is correlated. Equal weight for each,
#: and a quarter of all for errors that are independent.
_TIMES: Final = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
_SHARES: Final = (0.25, 0.5, 0.75, 0.95)
_INDEPENDENT: Final = 0.25


@compiled
def _whiten(days: Any, group: Any, columns: Any, share: float, scale: float, out: Any) -> float:
    """Kalman filter of each column: innovations over their sigma; returns the log determinant."""
    width = columns.shape[1]
    state = np.zeros(width)
    variance, total = share, 0.0
    for i in range(days.size):
        if i == 0 or group[i] != group[i - 1]:
            state[:] = 0.0
            variance = share
        else:
            fade = np.exp(-(days[i] - days[i - 1]) / scale)
            state *= fade
            variance = fade * fade * variance + share * (1.0 - fade * fade)
        spread = variance + (1.0 - share)
        root = np.sqrt(spread)
        gain = variance / spread
        total += np.log(spread)
        for j in range(width):
            innovation = columns[i, j] - state[j]
            out[i, j] = innovation / root
            state[j] += gain * innovation
        variance -= gain * variance
    return total


@compiled
def _pair_sum(days: Any, scale: float) -> float:
    """Sum of exp(-|t_i - t_j| / scale) over pairs i < j of one group."""
    total, running = 0.0, 0.0
    for i in range(1, days.size):
        running = (running + 1.0) * np.exp(-(days[i] - days[i - 1]) / scale)
        total += running
    return total


@dataclass(frozen=True)
class SerialFit:
    """Coefficients with their 1 sigma, degrees of freedom, and the weights of the error models tried."""

    coefficient: Floats
    sigma: Floats
    freedom: float
    scatter: float
    weights: tuple[tuple[float, float, float], ...]

    @property
    def time(self) -> float:
        """Mean over the models of share times e-folding time [days]."""
        return float(sum(weight * share * scale for scale, share, weight in self.weights))


def fit_serial(days: Floats, values: Floats, design: Floats, group: Any = None) -> SerialFit:
    r"""Regress values on a design, their errors correlated in time within groups.

    Parameters
    ----------
    days : numpy.ndarray
        ``(n,)``, in order within each group.
    values : numpy.ndarray
        ``(n,)``.
    design : numpy.ndarray
        ``(n, p)`` of full rank, p < n.
    group : array_like of int, optional
        ``(n,)``; groups are independent of one another and lie in blocks.

    Returns
    -------
    SerialFit

    Examples
    --------
    >>> days = np.arange(6.0) * 100
    >>> fit = fit_serial(days, np.array([1.0, 3, 2, 3, 1, 2]), np.ones((6, 1)))
    >>> round(float(fit.coefficient[0]), 1)
    2.0
    """
    group = np.zeros(days.size, np.intp) if group is None else np.asarray(group)
    columns = np.ascontiguousarray(np.column_stack([values, design]))
    size, width = design.shape
    out = np.empty_like(columns)
    found = []
    for scale, share, prior in _models():
        determinant = _whiten(days, group, columns, share, scale, out)
        q, r = np.linalg.qr(out[:, 1:])
        target = q.T @ out[:, 0]
        coefficient = np.linalg.solve(r, target)
        rest = float(((out[:, 0] - q @ target) ** 2).sum())
        rest = max(rest, 1e-30)
        inverse = np.linalg.inv(r)
        likelihood = -0.5 * (
            determinant + 2.0 * np.log(np.abs(np.diag(r))).sum() + (size - width) * np.log(rest)
        )
        variance = rest / (size - width)
        found.append(
            (likelihood, prior, coefficient, variance * (inverse**2).sum(axis=1), variance, scale, share)
        )
    top = max(entry[0] for entry in found)
    weight = np.array([entry[1] * np.exp(entry[0] - top) for entry in found])
    weight /= weight.sum()
    coefficients = np.array([entry[2] for entry in found])
    mean = weight @ coefficients
    square = weight @ np.array([entry[3] for entry in found]) + weight @ (coefficients - mean) ** 2
    scatter = float(np.sqrt(weight @ np.array([entry[4] for entry in found])))
    models = tuple((entry[5], entry[6], float(w)) for entry, w in zip(found, weight, strict=True))
    return SerialFit(mean, np.sqrt(square), float(size - width), scatter, models)


def _models() -> list[tuple[float, float, float]]:
    each = (1.0 - _INDEPENDENT) / (len(_TIMES) * len(_SHARES))
    return [(1.0, 0.0, _INDEPENDENT), *((time, share, each) for time in _TIMES for share in _SHARES)]


def effective_counts(days: Floats, fit: SerialFit) -> tuple[float, float]:
    r"""Give the counts of independent values that would tell as much about the mean, and about the variance.

    :math:`n^2 / \sum_{ij} \rho_{ij}` and :math:`n^2 / \sum_{ij} \rho_{ij}^2`, their inverses averaged
    over the models of a fit.
    """
    size = days.size
    mean = square = 0.0
    for scale, share, weight in fit.weights:
        mean += weight * (size + 2.0 * share * (_pair_sum(days, scale) if share else 0.0)) / size**2
        square += (
            weight * (size + 2.0 * share**2 * (_pair_sum(days, scale / 2.0) if share else 0.0)) / size**2
        )
    return 1.0 / mean, 1.0 / square

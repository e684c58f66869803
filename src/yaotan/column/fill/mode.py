"""Empirical modes of a matrix with gaps, and what observations say of their amplitudes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import eigh

from yaotan.column.fill.observation import Floats, Mask

#: Iterations of one number of modes, at most, and relative change of the gaps that ends them.
_ITERATIONS: Final = 300
_CHANGE: Final = 1e-3


@dataclass(frozen=True)
class Modes:
    """Modes ``(cells, k)``, orthonormal, variance of their amplitudes ``(k,)``, variance not resolved."""

    pattern: Floats
    variance: Floats
    rest: float

    def amplitudes(self, value: Floats, error: Floats) -> tuple[Floats, Floats]:
        r"""Estimate the amplitudes of every step from its known entries by optimal interpolation.

        .. math:: C_t = \left(\Lambda^{-1} + U_o^T R^{-1} U_o\right)^{-1}, \quad
                  a_t = C_t U_o^T R^{-1} y_t, \quad R = \mathrm{diag}(u^2 + \nu^2)

        Parameters
        ----------
        value, error : numpy.ndarray
            ``(cells, steps)``; NaN in gaps; error variances.

        Returns
        -------
        amplitude, covariance : numpy.ndarray
            ``(steps, k)``, ``(steps, k, k)``.
        """
        number, steps = self.variance.size, value.shape[1]
        amplitude, covariance = np.zeros((steps, number)), np.zeros((steps, number, number))
        prior = np.diag(1.0 / self.variance)
        for step in range(steps):
            known = np.isfinite(value[:, step])
            pattern = self.pattern[known]
            weighted = pattern / (error[known, step] + self.rest)[:, None]
            covariance[step] = np.linalg.inv(prior + weighted.T @ pattern)
            amplitude[step] = covariance[step] @ (weighted.T @ value[known, step])
        return amplitude, covariance


@dataclass(frozen=True)
class Filled:
    """Matrix whose gaps hold what so many modes say of them, and how that went."""

    value: Floats
    pattern: Floats
    singular: Floats
    iterations: int
    converged: bool


def time_filter(number: int, length: float) -> Floats | None:
    r"""Give the Laplacian filter of the covariance in time, :math:`(1 + \ell^2 L)^{-1}`; length in steps.

    Its response to a wave of period P steps is :math:`1 / (1 + 4 \ell^2 \sin^2(\pi / P))`: what the explicit
    diffusion of Alvera-Azcarate et al. (2009) tends to, in one stable step.
    """
    if not length > 0.0:
        return None
    laplacian = 2.0 * np.eye(number) - np.eye(number, k=1) - np.eye(number, k=-1)
    laplacian[0, 0] = laplacian[-1, -1] = 1.0
    return np.asarray(np.linalg.inv(np.eye(number) + length**2 * laplacian))


def iterate(start: Floats, known: Mask, number: int, smoothing: Floats | None) -> Filled:
    """Put what `number` modes say into the gaps until it stays (Beckers and Rixen 2003).

    Parameters
    ----------
    start : numpy.ndarray
        ``(cells, steps)`` without NaN: known entries, and first values of the gaps.
    known : numpy.ndarray of bool
        Entries that stay.
    number : int
        Modes.
    smoothing : numpy.ndarray or None
        Filter of the covariance in time.

    Returns
    -------
    Filled
    """
    value, gap = start.copy(), ~known
    scale = float(value[known].std()) or 1.0
    pattern, singular, change, count = _decompose(value, number, smoothing)[:2] + (np.inf, 0)
    while change >= _CHANGE and count < _ITERATIONS and gap.any():
        count += 1
        pattern, singular, rebuilt = _decompose(value, number, smoothing)
        change = float(np.sqrt(((rebuilt[gap] - value[gap]) ** 2).mean())) / scale
        value[gap] = rebuilt[gap]
    return Filled(value, pattern, singular, count, bool(change < _CHANGE or not gap.any()))


def _decompose(value: Floats, number: int, smoothing: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Give the first modes ``(cells, k)``, singular values, and the matrix that they make."""
    cells, steps = value.shape
    if smoothing is None and cells <= steps:
        size, pattern = eigh(value @ value.T, subset_by_index=(cells - number, cells - 1))
        return pattern, np.sqrt(np.maximum(size, 0.0)), pattern @ (pattern.T @ value)
    covariance = value.T @ value
    if smoothing is not None:
        covariance = smoothing @ covariance @ smoothing.T
    _, course = eigh(covariance, subset_by_index=(steps - number, steps - 1))
    carried = value @ course
    pattern, singular, _ = np.linalg.svd(carried, full_matrices=False)
    return pattern, singular, carried @ course.T


def iterate_known(value: Floats, number: int, smoothing: Floats | None) -> Filled | None:
    """Fill a matrix whose gaps are NaN, beginning with zeros; None for no modes."""
    known = np.isfinite(value)
    return iterate(np.where(known, value, 0.0), known, number, smoothing) if number else None


def modes_of(found: Filled | None, shape: tuple[int, int], rest: float) -> Modes:
    """Give the modes of a filled matrix with the variance of their amplitudes (none: no modes)."""
    if found is None:
        return Modes(np.zeros((shape[0], 0)), np.zeros(0), rest)
    return Modes(found.pattern, np.maximum(found.singular**2 / shape[1], 1e-12 * rest), rest)

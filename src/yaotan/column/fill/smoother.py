"""Coefficients at all nodes given all observations: a smoother for an autoregression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lapack

from yaotan.column.fill.information import Information
from yaotan.column.fill.observation import Floats


@dataclass(frozen=True)
class Smoothed:
    r"""Distribution of the coefficients at the nodes given the observations.

    Attributes
    ----------
    mean : numpy.ndarray
        ``(w, r, 1 + p)``: :math:`J^{-1} H^T D^{-1} [z, X]`, J the precision of all coefficients.
    covariance : numpy.ndarray
        ``(w, r, r)`` of the coefficients of each node.
    gain : numpy.ndarray
        ``(w - 1, r, r)``: the covariance with those of the next node is ``-gain[w] @ covariance[w + 1]``.
    logarithm : float
        :math:`\log |J| - \log |J_0|`, :math:`J_0` without observations.
    """

    mean: Floats
    covariance: Floats
    gain: Floats
    logarithm: float

    def between(self, node: int) -> Floats:
        """Covariance of the coefficients of a node with those of the next one."""
        return np.asarray(-self.gain[node] @ self.covariance[node + 1])

    def combine(self, weights: Floats) -> tuple[Floats, Floats]:
        """Mean ``(r, 1 + p)`` and covariance ``(r, r)`` of a weighted sum over the nodes."""
        used = np.flatnonzero(weights)
        mean = np.einsum("w,wrk->rk", weights[used], self.mean[used])
        last = int(used[-1])
        # covariance of each node with the sum of the later ones, from the last one back
        later = weights[last] * self.covariance[last]
        total = weights[last] * later
        for node in range(last - 1, int(used[0]) - 1, -1):
            later = -self.gain[node] @ later
            total += weights[node] * (later + later.T)
            own = weights[node] * self.covariance[node]
            total += weights[node] * own
            later = later + own
        return mean, total


def smooth(information: Information, variance: Floats, carry: Floats) -> Smoothed:
    r"""Give mean and covariance of the coefficients at all nodes.

    The precision of all coefficients, :math:`J = J_0 + H^T D^{-1} H`, is block tridiagonal. It is factorised
    from the first node to the last (the filter), its inverse is found on the blocks that are needed from the
    last to the first (the smoother); by the identity of Sherman, Morrison and Woodbury this is the field
    given n observations at the cost of w matrices of r x r (Cressie and Johannesson 2008).

    Parameters
    ----------
    information : Information
        Of the observations.
    variance, carry : numpy.ndarray
        ``(r,)``: variance of each coefficient, correlation from node to node.

    Returns
    -------
    Smoothed
    """
    number, size = information.diagonal.shape[:2]
    new = 1.0 / (variance * (1.0 - carry**2))
    own = np.tile(new * (1.0 + carry**2), (number, 1))
    own[0], own[-1] = new, new
    diagonal = np.arange(size)
    covariance, gain = np.empty_like(information.diagonal), np.empty_like(information.cross)
    mean = information.right.copy()
    # of J_0: every node but the first is new given the one before
    logarithm = float(np.log(variance).sum() - (number - 1) * np.log(new).sum())
    correction: Any = 0.0
    for node in range(number):
        matrix = information.diagonal[node] - correction
        matrix[diagonal, diagonal] += own[node]
        factor = cho_factor(matrix, lower=True, check_finite=False)
        logarithm += 2.0 * float(np.log(np.diagonal(factor[0])).sum())
        covariance[node] = _inverse(factor[0])
        if node == number - 1:
            break
        off = information.cross[node].copy()
        off[diagonal, diagonal] -= new * carry
        gain[node] = cho_solve(factor, off, check_finite=False)
        correction = off.T @ gain[node]
        mean[node + 1] -= gain[node].T @ mean[node]
    mean[-1] = covariance[-1] @ mean[-1]
    for node in range(number - 2, -1, -1):
        mean[node] = covariance[node] @ mean[node] - gain[node] @ mean[node + 1]
        covariance[node] += gain[node] @ covariance[node + 1] @ gain[node].T
    return Smoothed(mean, covariance, gain, logarithm)


def _inverse(factor: Floats) -> Floats:
    """Inverse of a matrix from its lower Cholesky factor."""
    inverse, _ = lapack.dpotri(factor, lower=1)
    return np.asarray(np.tril(inverse) + np.tril(inverse, -1).T)

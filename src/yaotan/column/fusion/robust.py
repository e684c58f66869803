"""Robust linear regression whose errors come in clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.column.outlier import SCALE

Floats: TypeAlias = NDArray[np.float64]

#: Residuals beyond so many scales lose weight: 95 % efficiency for normal errors (Huber 1981, Robust
#: Statistics; the value that statsmodels and R's MASS::rlm have as their default).
TUNING: Final = 1.345
_STEPS: Final = 50


@dataclass(frozen=True)
class Fit:
    """Coefficients, their covariance, residuals, and the weight that each row kept."""

    coefficients: Floats
    covariance: Floats
    residual: Floats
    weight: Floats

    def predict(self, rows: Floats) -> Floats:
        """Give the fitted value at rows of terms."""
        return rows @ self.coefficients

    def predict_sigma(self, rows: Floats) -> Floats:
        """Give 1 sigma of the fitted value, from the coefficients alone."""
        return np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", rows, self.covariance, rows), 0.0))


def fit_huber(rows: Floats, values: Floats, cluster: Any) -> Fit:
    r"""Fit by Huber's M-estimator, iteratively reweighted, with a covariance that clusters do not spoil.

    .. math:: w_i = \min(1, k s / |r_i|), \quad s = 1.4826\, \mathrm{med} |r_i - \mathrm{med}\, r|, \quad
              V = c\, H^{-1} \Big(\sum_g g_g g_g^T\Big) H^{-1}, \quad
              g_g = \sum_{i \in g} x_i w_i r_i, \quad H = \sum_{|r_i| < k s} x_i x_i^T

    with c = G (n - 1) / ((G - 1)(n - p)) for G clusters, n rows and p terms: errors within a cluster may be
    correlated in any way. Of few clusters (below about 20) V is too small by chance as often as too large.

    Parameters
    ----------
    rows : numpy.ndarray
        ``(n, p)`` terms, of full rank.
    values : numpy.ndarray
        ``(n,)``.
    cluster : array_like
        ``(n,)`` label; at least two differ.
    """
    weight = np.ones(values.size)
    for _ in range(_STEPS):
        root = np.sqrt(weight)
        found: Floats = np.linalg.lstsq(rows * root[:, None], values * root, rcond=None)[0].astype(float)
        residual = values - rows @ found
        scale = SCALE * float(np.median(np.abs(residual - np.median(residual))))
        size = np.abs(residual)
        new = np.minimum(1.0, np.divide(TUNING * scale, size, out=np.ones_like(size), where=size > 0.0))
        if scale == 0.0 or np.allclose(new, weight, rtol=0.0, atol=1e-6):
            break
        weight = new
    inside = rows * (weight >= 1.0)[:, None]
    hessian = np.linalg.pinv(inside.T @ rows)
    _, group = np.unique(np.asarray(cluster), return_inverse=True)
    scores = np.zeros((int(group.max()) + 1, rows.shape[1]))
    np.add.at(scores, group, rows * (weight * residual)[:, None])
    n, p, g = values.size, rows.shape[1], len(scores)
    small = g * (n - 1) / max((g - 1) * (n - p), 1)
    covariance = small * hessian @ (scores.T @ scores) @ hessian
    return Fit(found, covariance, residual, weight)

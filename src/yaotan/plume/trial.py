"""Straight line and area for one covariance of the errors, for many trial shapes of a peak at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: parameters of the straight line and the area
_LINEAR: Final = 3


@dataclass(frozen=True)
class Trial:
    """What one covariance gives for every centre and width."""

    log_weight: Array
    area: Array
    variance: Array
    line: Array
    residual: Array
    gain: Array
    count: int


def covariance_root(error: Array, gap: Array, share: float, length: float) -> tuple[Array, float]:
    """Cholesky root of the correlation, and half the logarithm of the covariance's determinant."""
    from scipy.linalg import cholesky

    count = error.size
    correlation = share * np.exp(-gap / length) + (1.0 - share) * np.eye(count)
    root = cholesky(correlation, lower=True, check_finite=False)
    return root, float(np.log(np.diag(root)).sum() + np.log(error).sum())


def try_covariance(right: Array, covariance: tuple[Array, float]) -> Trial:
    """Fit each shape; `right` holds line (2), values (1) and shapes, over the errors, in its columns."""
    from scipy.linalg import solve_triangular

    root, log_root = covariance
    count = len(right)
    white = solve_triangular(root, right, lower=True, check_finite=False)
    q, r = np.linalg.qr(white[:, :2])
    rest = white[:, 2:] - q @ (q.T @ white[:, 2:])
    data, shape = rest[:, 0], rest[:, 1:]
    norm = np.maximum((shape**2).sum(axis=0), 1e-300)
    area = data @ shape / norm
    total = float(data @ data)
    residual = np.maximum(total - area**2 * norm, 1e-12 * total + 1e-300)
    log_weight = (
        -log_root - float(np.log(np.abs(np.diag(r))).sum()) - 0.5 * (count - _LINEAR) * np.log(residual)
    )
    # the posterior of the area is Student's t: its variance is freedom / (freedom - 2) that of a normal
    scale = residual / (count - _LINEAR)
    variance = scale / norm * (count - _LINEAR) / (count - _LINEAR - 2.0)
    both = np.linalg.solve(r, q.T @ np.column_stack([white[:, 2:3] - white[:, 3:] * area]))
    gain = count * np.log(max(total, 1e-300) / residual)
    return Trial(log_weight, area, variance, both, scale, gain, count)

"""Level of a region over time from cells that come and go: one pattern of cells, one level a period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: passes that fit, then estimate the scatter that weights the next
_PASSES: Final = 3
#: an eigenvalue of the periods' equations below this part of the largest leaves a level open
_OPEN: Final = 1e-9


@dataclass(frozen=True)
class Additive:
    """Result for one region.

    ``level`` ``(t,)`` mean over the kept cells as if each were seen in each period (NaN for periods without
    data); ``share`` ``(t, c)`` of each cell in its period; ``inflation`` ``(t,)`` by which the variance of a
    period's mean grows because the pattern is an estimate; ``scatter`` standard deviation of cells about the
    model beyond their errors; ``kept`` ``(c,)`` cells with enough periods; ``connected``: whether overlapping
    cells tie all periods together.
    """

    level: Floats
    share: Floats
    inflation: Floats
    scatter: float
    kept: NDArray[np.bool_]
    connected: bool


def fit_additive(
    value: Floats, sigma: Floats | None, area: Floats, basis: Floats, fewest: int
) -> Additive | None:
    r"""Fit :math:`v_{tc} = b_t + \phi_t \cdot \beta_c + e_{tc}` by weighted least squares.

    Weights are area over (scatter squared + sigma squared). The pattern has mean 0 over the area of all kept
    cells, so b_t is the mean of the whole region whichever cells are seen. Cells are eliminated; what is
    solved has one row a period. All terms of the pattern but the constant are held to 0 with the weight of
    one period.

    Parameters
    ----------
    value, sigma : numpy.ndarray
        ``(t, c)`` with NaN for what was not seen; sigma 1 sigma, or None.
    area : numpy.ndarray
        ``(c,)`` of each cell in the region.
    basis : numpy.ndarray
        ``(t, q)``, the first column 1: how the pattern may change with the season.
    fewest : int
        Periods that a cell needs.

    Returns
    -------
    Additive or None
        None where no cell has enough periods.
    """
    kept = np.isfinite(value).sum(axis=0) >= fewest
    if not kept.any():
        return None
    seen = np.isfinite(value) & kept
    held = seen.any(axis=1)
    weight_of_area = area / area[kept].mean()
    error = np.zeros_like(value) if sigma is None else np.where(np.isfinite(sigma), sigma, np.nan)
    if sigma is not None:
        known = error[seen & np.isfinite(error)]
        typical = float(np.sqrt((known**2).mean())) if known.size else 0.0
        error = np.where(np.isfinite(error), error, typical)
    reference = float(np.median(value[seen]))
    data = np.where(seen, value - reference, 0.0)
    scatter = 0.0
    variance = np.ones_like(value)
    for _ in range(_PASSES):
        weight = np.where(seen, weight_of_area / variance, 0.0)
        level, pattern, matrix = _solve(data, weight, basis, held)
        left = np.where(seen, data - level[:, None] - basis @ pattern.T, 0.0)
        freedom = seen.sum() - held.sum() - kept.sum() * basis.shape[1]
        if freedom <= 0:
            break
        square = float((left**2).sum()) / freedom - float((error[seen] ** 2).mean())
        floor = 0.01 * float((left**2).sum()) / freedom
        scatter = float(np.sqrt(max(square, floor)))
        if scatter == 0.0:
            break
        variance = scatter**2 + error**2
    share_of_area = np.where(kept, area, 0.0) / area[kept].sum()
    level = level + basis @ (share_of_area @ pattern) + reference
    total = weight.sum(axis=1)
    share = np.divide(weight, total[:, None], out=np.zeros_like(weight), where=total[:, None] > 0.0)
    inflation, connected = _inflation(matrix, basis[held], total[held])
    whole = np.full(held.size, np.nan)
    whole[held] = inflation
    return Additive(np.where(held, level, np.nan), share, whole, scatter, kept, connected)


def _solve(
    data: Floats, weight: Floats, basis: Floats, held: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """Give level ``(t,)``, pattern ``(c, q)`` and the matrix of the periods' equations."""
    terms = basis.shape[1]
    products = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    own = (weight.T @ products).reshape(-1, terms, terms)
    count = (weight > 0.0).sum(axis=0)
    usual = weight.sum(axis=0) / np.maximum(count, 1)
    for term in range(1, terms):
        own[:, term, term] += usual
    own[count == 0] = np.eye(terms)
    inverse = np.linalg.inv(own)
    cross = weight[:, :, None] * basis[:, None, :]
    gain = (cross[:, :, None, :] @ inverse)[:, :, 0, :].reshape(len(weight), -1)
    matrix = np.diag(weight.sum(axis=1)) - gain @ cross.reshape(len(weight), -1).T
    moment = (weight * data).T @ basis
    right = (weight * data).sum(axis=1) - gain @ moment.ravel()
    level = np.zeros(len(data))
    part = matrix[np.ix_(held, held)]
    level[held] = np.linalg.lstsq(part, right[held], rcond=_OPEN)[0]
    pattern = (inverse @ (moment - (weight * level[:, None]).T @ basis)[:, :, None])[:, :, 0]
    return level, pattern, part


def _inflation(matrix: Floats, basis: Floats, total: Floats) -> tuple[Floats, bool]:
    """Variance of each period's level, apart from a level and a season common to all, over 1 / its weight."""
    size = np.abs(np.linalg.eigvalsh(matrix))
    connected = int((size < _OPEN * size.max()).sum()) <= 1
    orthogonal, _ = np.linalg.qr(basis)
    flat = np.eye(len(matrix)) - orthogonal @ orthogonal.T
    covariance = flat @ np.linalg.pinv(matrix, rcond=_OPEN, hermitian=True) @ flat
    return np.maximum(np.diag(covariance) * total, 1.0), connected

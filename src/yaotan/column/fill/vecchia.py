"""Many observations at once: precision matrix and draws of the model by a chain of small systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill import chain, kernel
from yaotan.column.fill.covariance import ProductSum
from yaotan.column.fill.observation import Floats

#: Predecessors that each observation is conditioned on.
PREDECESSORS: Final = 30
#: Candidates asked of the tree for each predecessor: half of those near are later in a random order.
_CANDIDATES: Final = 3


@dataclass(frozen=True)
class Chain:
    r"""Approximation of a Gaussian field by a chain (Vecchia 1988).

    The joint density is written as a product of conditional ones, and in each of them only the nearest of
    the earlier observations are kept; in a random order these lie at all distances. The result is the density
    of some Gaussian field, whose covariance is close to the wanted one.

    Attributes
    ----------
    order : numpy.ndarray
        ``(n,)`` observations in the order of the chain.
    rows, counts, weights, spread : numpy.ndarray
        Predecessors (numbers in the chain), weights, conditional standard deviation.

    References
    ----------
    Vecchia, A. V. (1988). Estimation and model identification for continuous spatial processes. Journal of
    the Royal Statistical Society B 50, 297-312.
    """

    order: NDArray[np.int64]
    rows: NDArray[np.int64]
    counts: NDArray[np.int64]
    weights: Floats
    spread: Floats

    def precision(self, data: Floats) -> Floats:
        r"""Give :math:`\Sigma^{-1} M` of a matrix ``(n, k)``, in the order of the observations."""
        parts = (self.rows, self.counts, self.weights, self.spread)
        ordered, back = np.ascontiguousarray(data[self.order], float), np.zeros(data.shape)
        white = np.empty_like(ordered)
        chain.whiten(*parts, ordered, white)
        chain.whiten_transposed(*parts, white, back)
        out = np.empty_like(back)
        out[self.order] = back
        return out

    def draw(self, rng: np.random.Generator, draws: int) -> Floats:
        """Draw the field ``(n, draws)``, in the order of the observations."""
        noise = rng.standard_normal((self.order.size, draws))
        chain.draw(self.rows, self.counts, self.weights, self.spread, noise)
        out = np.empty_like(noise)
        out[self.order] = noise
        return out


def make_chain(
    place: Floats,
    days: Floats,
    model: ProductSum,
    *,
    own: Floats,
    shared: Floats,
    overpass: NDArray[np.intp],
    length: float,
    seed: int = 0,
    predecessors: int = PREDECESSORS,
) -> Chain:
    """Make the chain of observations with errors (all zero: of the field itself).

    Parameters
    ----------
    place, days : numpy.ndarray
        ``(n, 3)`` [m], ``(n,)``.
    model : ProductSum
        Covariance.
    own, shared, overpass, length
        Errors as in `yaotan.column.fill.kernel.fill_covariance`.
    seed : int
        Of the order.
    predecessors : int
        More of them make the approximation better and slower.

    Returns
    -------
    Chain
    """
    scale = np.array([model.space_range] * 3 + [model.time_range])
    order = np.random.default_rng(seed).permutation(days.size)
    rows, counts = earlier_rows(np.column_stack([place, days])[order] / scale, predecessors)
    weights, spread = np.zeros(rows.shape), np.zeros(order.size)
    kernel.condition(
        rows, counts, np.ascontiguousarray(place[order]), days[order], own[order], shared[order],
        overpass[order].astype(np.int64), length, model.parameters(), weights, spread,
    )  # fmt: skip
    return Chain(order, rows, counts, weights, spread)


def earlier_rows(points: Floats, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find near predecessors of each point: numbers ``(n, most)`` and how many ``(n,)``.

    Trees of growing parts of the chain are asked, so that a tree holds at most twice as many points as may be
    taken from it.
    """
    from scipy.spatial import cKDTree

    size = len(points)
    rows, counts = np.zeros((size, most), np.int64), np.zeros(size, np.int64)
    begin, end = 0, min(size, 2 * most)
    while begin < size:
        asked = end if begin == 0 else min(end, _CANDIDATES * most + 1)
        near = cKDTree(points[:end]).query(points[begin:end], k=asked)[1].reshape(end - begin, -1)
        chain.keep_earlier(near.astype(np.int64), begin, most, rows, counts)
        begin, end = end, min(size, 2 * end)
    return rows, counts

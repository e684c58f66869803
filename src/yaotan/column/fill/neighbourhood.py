"""Which observations a target is kriged from: the nearest in the metric of the covariance."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill.covariance import ProductSum
from yaotan.column.fill.observation import Floats
from yaotan.column.fill.selection import select

Rows = NDArray[np.int64]

#: Candidates asked of the tree, in parts of the maximum.
_CANDIDATES: Final = 1.5
#: Times at which a long period is searched, at most.
_MOMENTS: Final = 8


class Neighbourhood:
    r"""Observations in the metric :math:`\sqrt{(h / a_s)^2 + (u / a_t)^2}`, a the ranges of the model.

    Of the candidates, nearest first, at most ``track_share`` of the maximum are taken of one overpass, so
    that one dense track leaves room for others; where that leaves fewer than the minimum, further candidates
    are looked for; at last what was passed over fills the neighbourhood up to the maximum.

    Parameters
    ----------
    place, days, overpass : numpy.ndarray
        ``(n, 3)`` [m], ``(n,)``, ``(n,)`` of the observations.
    model : ProductSum
        Its ranges.
    minimum, maximum : int
        Observations of one neighbourhood.
    track_share : float
        1: no balance.
    """

    def __init__(
        self,
        place: Floats,
        days: Floats,
        overpass: NDArray[np.intp],
        model: ProductSum,
        *,
        minimum: int,
        maximum: int,
        track_share: float,
    ) -> None:
        from scipy.spatial import cKDTree

        self.place, self.days = place, days
        # numbers without gaps, so that counts by overpass are a short array
        self.overpass = np.unique(overpass, return_inverse=True)[1].astype(np.int64)
        self.scale = np.array([model.space_range] * 3 + [model.time_range])
        self.tree = cKDTree(np.column_stack([place, days]) / self.scale)
        self.minimum, self.maximum = min(minimum, days.size), min(maximum, days.size)
        self.cap = max(1, math.ceil(track_share * self.maximum))

    def search(
        self,
        place: Floats,
        days: Floats,
        *,
        half: float = 0.0,
        labels: NDArray[np.intp] | None = None,
        bars: NDArray[np.intp] | None = None,
    ) -> tuple[Rows, Rows]:
        """Find the neighbours of targets.

        Parameters
        ----------
        place, days : numpy.ndarray
            ``(m, 3)`` [m] and ``(m,)``.
        half : float
            Half of the period over which the target is a mean [days]; it is searched at several times.
        labels, bars : numpy.ndarray, optional
            ``(n, k)`` labels of the observations and ``(m, k)`` those that each target bars, column by
            column. Without `bars` the targets are the observations, and each bars its own labels.

        Returns
        -------
        rows, counts : numpy.ndarray
            ``(m, maximum)`` and ``(m,)``; rows beyond the count are meaningless.
        """
        targets, size = days.size, self.days.size
        moments = int(np.clip(math.ceil(half / self.scale[3]), 1, _MOMENTS))
        offsets = half * (2.0 * np.arange(moments) + 1.0 - moments) / moments
        rows, counts = np.zeros((targets, self.maximum), np.int64), np.zeros(targets, np.int64)
        wanted = np.arange(targets)
        asked = min(size, math.ceil(_CANDIDATES * self.maximum / moments) + 1)
        known = np.zeros((0, 0), np.int64) if labels is None else labels.astype(np.int64)
        barred = known if bars is None else bars.astype(np.int64)
        while wanted.size:
            found = [
                self.tree.query(
                    np.column_stack([place[wanted], days[wanted] + offset]) / self.scale, k=asked
                )[1]
                for offset in offsets
            ]
            candidates = np.concatenate([part.reshape(wanted.size, -1) for part in found], axis=1)
            short = np.zeros(wanted.size, bool)
            select(
                candidates.astype(np.int64), wanted, place, days, half, self.place, self.days, self.overpass,
                self.scale, known, barred, self.minimum, self.maximum, self.cap, rows, counts, short,
            )  # fmt: skip
            if asked == size:
                break
            wanted = wanted[short]
            asked = min(size, 4 * asked)
        return rows, counts

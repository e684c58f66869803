"""Compiled sum over pairs of observations for the empirical variogram."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yaotan.compiled import compiled


@compiled
def count_pairs(
    first: Any, end: Any, place: Any, days: Any, residual: Any, own: Any, shared: Any, overpass: Any,
    length: float, far: Any, late: Any, sums: Any,
) -> None:  # fmt: skip
    """Add pairs to classes: number, distance, lag, half squared difference, root of it, half error variance.

    Pairs of one place and moment are left out: they tell of errors only.
    """
    longest = far[-1] * far[-1]
    for a in range(first.size):
        i = first[a]
        for j in range(i + 1, end[i]):
            square = 0.0
            for k in range(3):
                square += (place[i, k] - place[j, k]) ** 2
            if square > longest:
                continue
            distance, lag = math.sqrt(square), days[j] - days[i]
            if distance == 0.0 and lag == 0.0:
                continue
            row = min(np.searchsorted(far, distance, side="right") - 1, far.size - 2)
            column = min(np.searchsorted(late, lag, side="right") - 1, late.size - 2)
            error = 0.5 * (own[i] + own[j])
            if length > 0.0 and overpass[i] == overpass[j]:
                error -= shared[i] * shared[j] * math.exp(-distance / length)
            difference = abs(residual[i] - residual[j])
            cell = sums[row, column]
            cell[0] += 1.0
            cell[1] += distance
            cell[2] += lag
            cell[3] += 0.5 * difference * difference
            cell[4] += math.sqrt(difference)
            cell[5] += error

"""Compiled choice of neighbours among candidates."""

from __future__ import annotations

from typing import Any

import numpy as np

from yaotan.compiled import compiled


@compiled
def select(
    candidates: Any, wanted: Any, place: Any, days: Any, half: float, known_place: Any, known_days: Any,
    overpass: Any, scale: Any, labels: Any, bars: Any, minimum: int, maximum: int, cap: int, rows: Any,
    counts: Any, short: Any,
) -> None:  # fmt: skip
    """Choose for each wanted target; ``short`` tells which of them should see more candidates.

    Parameters
    ----------
    candidates : (w, c) int64
        Numbers of observations, possibly several times.
    wanted : (w,)
        Targets.
    place, days, half
        Targets, and half of their period.
    known_place, known_days, overpass
        Observations.
    scale : (4,)
        Ranges.
    labels, bars : (n, k) int64, (m, k) int64
        Empty, or labels of the observations and those that each target bars, column by column.
    minimum, maximum, cap : int
        Numbers of observations: least, most, most of one overpass in the first pass.
    rows, counts, short
        Results.
    """
    seen = np.full(known_days.size, -1, np.int64)
    stamp = np.full(overpass.max() + 1, -1, np.int64)
    taken = np.zeros(overpass.max() + 1, np.int64)
    width = candidates.shape[1]
    distance, number = np.empty(width), np.empty(width, np.int64)
    skipped = np.empty(width, np.int64)
    for w in range(wanted.size):
        m = wanted[w]
        n = 0
        for c in range(width):
            q = candidates[w, c]
            if seen[q] == w:
                continue
            seen[q] = w
            barred = False
            for k in range(labels.shape[1]):
                barred |= labels[q, k] == bars[m, k]
            if barred:
                continue
            late = max(abs(known_days[q] - days[m]) - half, 0.0) / scale[3]
            square = late * late
            for k in range(3):
                square += ((known_place[q, k] - place[m, k]) / scale[k]) ** 2
            distance[n], number[n] = square, q
            n += 1
        order = np.argsort(distance[:n], kind="mergesort")
        count, left = 0, 0
        for c in order:
            if count == maximum:
                break
            q = number[c]
            track = overpass[q]
            if stamp[track] != w:
                stamp[track], taken[track] = w, 0
            if taken[track] >= cap:
                skipped[left] = q
                left += 1
                continue
            taken[track] += 1
            rows[m, count] = q
            count += 1
        short[w] = count < minimum or (labels.shape[1] > 0 and count + left < maximum)
        for c in range(left):
            if count == maximum:
                break
            rows[m, count] = skipped[c]
            count += 1
        counts[m] = count

"""Compiled loops over a chain of observations, each given some of those before it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yaotan.column.fill.kernel import compiled, factorise, fill_covariance, substitute_back


@compiled
def keep_earlier(candidates: Any, first: int, most: int, rows: Any, counts: Any) -> None:
    """Keep of each target's candidates (nearest first) those with a smaller number than its own."""
    for w in range(candidates.shape[0]):
        m, n = first + w, 0
        for c in range(candidates.shape[1]):
            if candidates[w, c] < m and n < most:
                rows[m, n] = candidates[w, c]
                n += 1
        counts[m] = n


@compiled
def condition(
    rows: Any, counts: Any, place: Any, days: Any, own: Any, shared: Any, overpass: Any, length: float,
    model: Any, weights: Any, spread: Any,
) -> None:  # fmt: skip
    """Weights of each observation's predecessors, and its standard deviation given them.

    ``weights`` ``(n, k)``, ``spread`` ``(n,)``; 0 for an observation that its predecessors give already.
    """
    most = rows.shape[1] + 1
    a, work, bits = np.empty((most, most)), np.empty((5, 2 * most)), np.empty(2 * most, np.int64)
    chosen, solved = np.empty(most, np.int64), np.empty(most)
    for m in range(rows.shape[0]):
        n = counts[m]
        for i in range(n):
            chosen[i] = rows[m, i]
        chosen[n] = m
        fill_covariance(chosen, n + 1, place, days, own, shared, overpass, length, model, a, work, bits)
        for i in range(n + 1):
            work[0, n + 1 + i] = a[i, i]
        factorise(a, n + 1, work[0])
        spread[m] = a[n, n]
        for i in range(n):
            solved[i] = a[n, i]
        if spread[m] == 0.0:
            # the factor has lost the row: solve for the weights anew
            fill_covariance(chosen, n + 1, place, days, own, shared, overpass, length, model, a, work, bits)
            _weights_of_last(a, n, solved, work)
        substitute_back(a, n, solved)
        for i in range(n):
            weights[m, i] = solved[i]


@compiled
def _weights_of_last(a: Any, n: int, solved: Any, work: Any) -> None:
    for i in range(n):
        solved[i] = a[n, i]
        work[0, n + i] = a[i, i]
    factorise(a, n, work[0])
    for i in range(n):
        if a[i, i] == 0.0:
            solved[i] = 0.0
            continue
        solved[i] /= a[i, i]
        for k in range(i + 1, n):
            solved[k] -= a[k, i] * solved[i]


@compiled
def score(
    rows: Any, counts: Any, targets: Any, place: Any, days: Any, own: Any, shared: Any, overpass: Any,
    length: float, model: Any, residual: Any, out: Any,
) -> None:  # fmt: skip
    """Log density of each target observation given its neighbours ``rows``, less a constant: ``(m,)``."""
    most = rows.shape[1] + 1
    a, work, bits = np.empty((most, most)), np.empty((5, 2 * most)), np.empty(2 * most, np.int64)
    chosen, white = np.empty(most, np.int64), np.empty(most)
    for m in range(targets.size):
        n = counts[m]
        for i in range(n):
            chosen[i] = rows[m, i]
        chosen[n] = targets[m]
        fill_covariance(chosen, n + 1, place, days, own, shared, overpass, length, model, a, work, bits)
        for i in range(n + 1):
            work[0, n + 1 + i] = a[i, i]
        factorise(a, n + 1, work[0])
        for i in range(n + 1):
            value = residual[chosen[i]]
            for j in range(i):
                value -= a[i, j] * white[j]
            white[i] = value / a[i, i] if a[i, i] > 0.0 else 0.0
        # an observation that others give exactly tells nothing of the model
        out[m] = -math.log(a[n, n]) - 0.5 * white[n] * white[n] if a[n, n] > 0.0 else 0.0


@compiled
def draw(rows: Any, counts: Any, weights: Any, spread: Any, noise: Any) -> None:
    """Turn white noise ``(n, r)`` into draws of the chain, in place."""
    for m in range(rows.shape[0]):
        for c in range(noise.shape[1]):
            value = spread[m] * noise[m, c]
            for i in range(counts[m]):
                value += weights[m, i] * noise[rows[m, i], c]
            noise[m, c] = value


@compiled
def whiten(rows: Any, counts: Any, weights: Any, spread: Any, data: Any, out: Any) -> None:
    """Give ``(data_m - sum weights data_rows) / spread``; 0 for redundant observations."""
    for m in range(rows.shape[0]):
        for c in range(data.shape[1]):
            value = data[m, c]
            for i in range(counts[m]):
                value -= weights[m, i] * data[rows[m, i], c]
            out[m, c] = value / spread[m] if spread[m] > 0.0 else 0.0


@compiled
def whiten_transposed(rows: Any, counts: Any, weights: Any, spread: Any, data: Any, out: Any) -> None:
    """Apply the transposed of `whiten`; ``out`` begins as zeros."""
    for m in range(rows.shape[0]):
        if not spread[m] > 0.0:
            continue
        for c in range(data.shape[1]):
            value = data[m, c] / spread[m]
            out[m, c] += value
            for i in range(counts[m]):
                out[rows[m, i], c] -= weights[m, i] * value


@compiled
def error_rows(overpass: Any, most: int, rows: Any, counts: Any) -> None:
    """List for each observation, in order of time, the last ones of its overpass."""
    last = np.full((overpass.max() + 1, most), -1, np.int64)
    held = np.zeros(overpass.max() + 1, np.int64)
    for m in range(overpass.size):
        track = overpass[m]
        n = min(held[track], most)
        for i in range(n):
            rows[m, i] = last[track, (held[track] - 1 - i) % most]
        counts[m] = n
        last[track, held[track] % most] = m
        held[track] += 1

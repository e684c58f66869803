"""Compiled loops over a chain of observations whose weights are known."""

from __future__ import annotations

from typing import Any

import numpy as np

from yaotan.compiled import compiled


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

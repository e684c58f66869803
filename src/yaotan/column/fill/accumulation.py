"""Compiled loops over observations: basis functions, and what observations say of their coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from yaotan.column.fill.kernel import compiled


@compiled
def evaluate(place: Any, centre: Any, radius: Any, level: Any, number: Any, value: Any, count: Any) -> None:
    """List the functions that reach each point, scaled by level (`yaotan.column.fill.basis.Basis`)."""
    for i in range(place.shape[0]):
        size, first, total = 0, 0, 0.0
        for j in range(radius.size):
            if j > 0 and level[j] != level[j - 1]:
                for c in range(first, size):
                    value[i, c] /= np.sqrt(total)
                first, total = size, 0.0
            x = place[i, 0] - centre[j, 0]
            y = place[i, 1] - centre[j, 1]
            z = place[i, 2] - centre[j, 2]
            part = (x * x + y * y + z * z) / (radius[j] * radius[j])
            if part < 1.0:
                number[i, size] = j
                value[i, size] = (1.0 - part) * (1.0 - part)
                total += value[i, size] * value[i, size]
                size += 1
        for c in range(first, size):
            value[i, c] /= np.sqrt(total)
        count[i] = size


@compiled
def accumulate(
    pointer: Any, number: Any, value: Any, along: Any, rows: Any, counts: Any, weights: Any, spread: Any,
    columns: Any, block: Any, right: Any, gram: Any,
) -> float:  # fmt: skip
    """Add what the observations of one interval between two nodes say of the coefficients at both.

    Each observation is taken less what its predecessors on the track say of its error, so that the rest is
    independent of them.

    Parameters
    ----------
    pointer, number, value
        Sparse rows of the functions at the observations.
    along : (n,)
        Part of the interval that has passed.
    rows, counts, weights, spread
        Predecessors, their weights, and the standard deviation that is left.
    columns : (n, k)
        Values and terms of the mean.
    block : (3, r, r)
        Result: first with first node (lower triangle), second with second, first with second.
    right : (2, r, k)
        Result: the functions at both nodes with the columns.
    gram : (k, k)
        Result: the columns with one another.

    Returns
    -------
    float
        Logarithm of the determinant of the covariance of the errors.
    """
    functions, width = block.shape[1], columns.shape[1]
    stamp = np.full(functions, -1, np.int64)
    touched = np.empty(functions, np.int64)
    early, late, line = np.empty(functions), np.empty(functions), np.empty(width)
    logarithm = 0.0
    for i in range(along.size):
        if not spread[i] > 0.0:
            continue
        size = 0
        line[:] = 0.0
        for j in range(counts[i] + 1):
            q = i if j == 0 else rows[i, j - 1]
            factor = 1.0 if j == 0 else -weights[i, j - 1]
            for c in range(pointer[q], pointer[q + 1]):
                f = number[c]
                if stamp[f] != i:
                    stamp[f] = i
                    touched[size] = f
                    size += 1
                    early[f], late[f] = 0.0, 0.0
                early[f] += factor * value[c] * (1.0 - along[q])
                late[f] += factor * value[c] * along[q]
            for k in range(width):
                line[k] += factor * columns[q, k]
        precision = 1.0 / (spread[i] * spread[i])
        logarithm -= np.log(precision)
        for a in range(size):
            f = touched[a]
            first, second = precision * early[f], precision * late[f]
            for b in range(size):
                g = touched[b]
                if g <= f:
                    block[0, f, g] += first * early[g]
                    block[1, f, g] += second * late[g]
                block[2, f, g] += first * late[g]
            for k in range(width):
                right[0, f, k] += first * line[k]
                right[1, f, k] += second * line[k]
        for k in range(width):
            for m in range(width):
                gram[k, m] += precision * line[k] * line[m]
    return logarithm

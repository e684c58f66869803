"""Compiled loop over targets: one small system of kriging equations each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yaotan.column.fill.kernel import (
    JOINT,
    MICRO,
    SPACE,
    SPACE_FAMILY,
    SPACE_RANGE,
    TIME,
    compiled,
    correlate,
    factorise,
    fill_covariance,
    substitute,
    substitute_back,
)


@compiled
def krige(
    rows: Any, counts: Any, soon: Any, soon_self: Any, nodes: Any, exact: Any,
    place: Any, days: Any, own: Any, shared: Any, overpass: Any, length: float, model: Any,
    data: Any, design: Any, design_at: Any, mean_error: Any, ordinary: bool,
    value: Any, variance: Any,
) -> int:  # fmt: skip
    """Krige each target from its own neighbours.

    Parameters
    ----------
    rows, counts : (m, k) int64, (m,) int64
        Neighbours of each target, and how many there are.
    soon, soon_self : (m, k), (m,)
        Correlation in time of target and neighbour, and of the target with itself (below 1 for a mean over a
        period).
    nodes : (m, q, 3)
        Points whose mean the target is [m].
    exact : (m,) bool
        Whether micro-scale variance belongs to the target (a point, not the mean of a cell).
    place, days, own, shared, overpass, length, model
        As in `fill_covariance`; `own` is the whole error variance.
    data : (n, r)
        Residuals of the observations, r sets of them.
    design, design_at, mean_error : (n, p), (m, p), (p, p)
        Terms of the mean at observations and targets, and the covariance of its coefficients.
    ordinary : bool
        Whether a local mean is estimated with each target.
    value, variance : (m, r), (m,)
        Results.

    Returns
    -------
    int
        Redundant observations met.
    """
    most, sets, terms = rows.shape[1], data.shape[1], design.shape[1]
    a = np.empty((most, most))
    work, bits = np.empty((5, 2 * most)), np.empty(2 * most, np.int64)
    right = np.empty((most, 2 + sets))
    weight, lag = np.empty(most), np.empty(terms)
    points = nodes.shape[1]
    redundant = 0
    for m in range(rows.shape[0]):
        n = counts[m]
        total = _self_covariance(nodes[m], points, soon_self[m], exact[m], model, work, bits)
        if n == 0:
            variance[m] = total
            for c in range(sets):
                value[m, c] = 0.0
            if ordinary:
                variance[m] = np.nan
                value[m, :] = np.nan
            continue
        fill_covariance(
            rows[m], n, place, days, own, shared, overpass, length, model, a, work, bits
        )  # fmt: skip
        for i in range(n):
            work[0, n + i] = a[i, i]
        redundant += factorise(a, n, work[0])
        _target_covariance(rows[m], n, soon[m], nodes[m], points, exact[m], place, model, right, work, bits)
        for i in range(n):
            right[i, 1] = 1.0
            for c in range(sets):
                right[i, 2 + c] = data[rows[m, i], c]
        substitute(a, n, right, 2 + sets)
        known, level, spread = 0.0, 0.0, 0.0
        for i in range(n):
            known += right[i, 0] * right[i, 0]
            level += right[i, 0] * right[i, 1]
            spread += right[i, 1] * right[i, 1]
        lift = (1.0 - level) / spread if ordinary else 0.0
        for i in range(n):
            weight[i] = right[i, 0] + lift * right[i, 1]
        for c in range(sets):
            s = 0.0
            for i in range(n):
                s += weight[i] * right[i, 2 + c]
            value[m, c] = s
        error = total - known + lift * (1.0 - level)
        if terms:
            substitute_back(a, n, weight)
            error += _mean_variance(rows[m], n, weight, design, design_at[m], mean_error, lag)
        variance[m] = error
    return redundant


@compiled
def _mean_variance(rows: Any, n: int, weight: Any, design: Any, at: Any, error: Any, lag: Any) -> float:
    """Variance that the uncertain mean adds: of what of the target's terms the neighbours do not carry."""
    terms = at.size
    for p in range(terms):
        lag[p] = at[p]
    for i in range(n):
        for p in range(terms):
            lag[p] -= weight[i] * design[rows[i], p]
    s = 0.0
    for p in range(terms):
        for q in range(terms):
            s += lag[p] * error[p, q] * lag[q]
    return s


@compiled
def _self_covariance(
    nodes: Any, points: int, soon: float, exact: bool, model: Any, work: Any, bits: Any
) -> float:
    near = 1.0
    if points > 1:
        far, out = work[0], work[1]
        total = 0.0
        for i in range(points):
            for j in range(points):
                s = 0.0
                for k in range(3):
                    s += (nodes[i, k] - nodes[j, k]) ** 2
                far[j] = math.sqrt(s) / model[SPACE_RANGE]
            correlate(far, points, int(model[SPACE_FAMILY]), out, bits)
            for j in range(points):
                total += out[j]
        near = total / (points * points)
    micro = model[MICRO] if exact else 0.0
    return model[SPACE] * near + (model[TIME] + model[JOINT] * near) * soon + micro


@compiled
def _target_covariance(
    rows: Any, n: int, soon: Any, nodes: Any, points: int, exact: bool, place: Any, model: Any, right: Any,
    work: Any, bits: Any,
) -> None:  # fmt: skip
    """Covariance of the target with its neighbours, into the first column of ``right``."""
    far, out, near = work[0], work[1], work[2]
    here = False
    for j in range(n):
        near[j] = 0.0
        right[j, 0] = 0.0
    for p in range(points):
        x, y, z = nodes[p, 0], nodes[p, 1], nodes[p, 2]
        for j in range(n):
            q = rows[j]
            dx, dy, dz = place[q, 0] - x, place[q, 1] - y, place[q, 2] - z
            far[j] = math.sqrt(dx * dx + dy * dy + dz * dz)
        if exact:
            for j in range(n):
                here |= (far[j] == 0.0) & (soon[j] == 1.0)
                if far[j] == 0.0 and soon[j] == 1.0:
                    right[j, 0] = model[MICRO]
        for j in range(n):
            far[j] /= model[SPACE_RANGE]
        correlate(far, n, int(model[SPACE_FAMILY]), out, bits)
        for j in range(n):
            near[j] += out[j]
    for j in range(n):
        s = near[j] / points
        right[j, 0] += model[SPACE] * s + (model[TIME] + model[JOINT] * s) * soon[j]

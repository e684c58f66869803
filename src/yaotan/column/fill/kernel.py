"""Compiled loops of kriging: covariances of a neighbourhood, Cholesky factor, weights and variance.

A neighbourhood has some tens of observations and a map tens of thousands of cells, so what counts is the cost
of one small dense system. Inner loops run over contiguous memory without reductions, which lets the compiler
use vector instructions without giving up IEEE arithmetic; the exponential is written out for the same reason
(no vector mathematics library is needed).

All functions that call one another stand in this one file (why: `yaotan.compiled`).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from yaotan.compiled import compiled

#: families of correlation functions, all valid in three dimensions
EXPONENTIAL: Final = 0
MATERN32: Final = 1
SPHERICAL: Final = 2

#: places of the parameters of a model in its array
SPACE, TIME, JOINT, MICRO, SPACE_RANGE, TIME_RANGE, TIME_WAVE, SPACE_FAMILY, TIME_FAMILY = range(9)

#: a pivot below this part of its diagonal belongs to an observation that the others give already
REDUNDANT: Final = 1e-11
_LN2_HIGH: Final = 6.93147180369123816490e-01
_LN2_LOW: Final = 1.90821492927058770002e-10
_LOG2E: Final = 1.44269504088896338700
_SQRT3: Final = math.sqrt(3.0)


@compiled
def exp_minus(x: Any, n: int, out: Any, bits: Any) -> None:
    """Give exp(-x) of ``x[:n]`` (not negative), relative error below 4e-16; ``bits`` is scratch (int64)."""
    power = bits.view(np.float64)
    for i in range(n):
        y = -min(x[i], 708.0)
        k = np.rint(y * _LOG2E)
        r = (y - k * _LN2_HIGH) - k * _LN2_LOW
        p = 1.0 / 6227020800.0
        p = p * r + 1.0 / 479001600.0
        p = p * r + 1.0 / 39916800.0
        p = p * r + 1.0 / 3628800.0
        p = p * r + 1.0 / 362880.0
        p = p * r + 1.0 / 40320.0
        p = p * r + 1.0 / 5040.0
        p = p * r + 1.0 / 720.0
        p = p * r + 1.0 / 120.0
        p = p * r + 1.0 / 24.0
        p = p * r + 1.0 / 6.0
        p = p * r + 0.5
        p = p * r + 1.0
        out[i] = p * r + 1.0
        bits[i] = (np.int64(k) + 1023) << 52
    for i in range(n):
        out[i] *= power[i]


@compiled
def correlate(x: Any, n: int, family: int, out: Any, bits: Any) -> None:
    """Give the correlation at distances ``x[:n]`` in ranges; ``x`` may be changed."""
    if family == SPHERICAL:
        for i in range(n):
            u = min(x[i], 1.0)
            out[i] = 1.0 - u * (1.5 - 0.5 * u * u)
        return
    if family == MATERN32:
        for i in range(n):
            x[i] *= _SQRT3
        exp_minus(x, n, out, bits)
        for i in range(n):
            out[i] *= 1.0 + x[i]
        return
    exp_minus(x, n, out, bits)


@compiled
def factorise(a: Any, n: int, column: Any) -> int:
    """Replace the lower triangle of ``a`` by its Cholesky factor; number of redundant rows, made neutral.

    A redundant row (see `REDUNDANT`) gets a unit diagonal and zeros: every solution is then as if the
    observation were not there, provided its entries of the right-hand sides are taken as zero (`substitute`).
    """
    redundant = 0
    for k in range(n):
        pivot = a[k, k]
        if not pivot > REDUNDANT * column[n + k]:
            redundant += 1
            for j in range(k):
                a[k, j] = 0.0
            for i in range(k + 1, n):
                a[i, k] = 0.0
            a[k, k] = 0.0
            continue
        root = math.sqrt(pivot)
        a[k, k] = root
        inverse = 1.0 / root
        for i in range(k + 1, n):
            f = a[i, k] * inverse
            a[i, k] = f
            column[i] = f
        for i in range(k + 1, n):
            f = column[i]
            for j in range(k + 1, i + 1):
                a[i, j] -= f * column[j]
    return redundant


@compiled
def substitute(a: Any, n: int, b: Any, columns: int) -> None:
    """Solve ``L y = b`` for ``columns`` right-hand sides ``b[:n]`` in place."""
    for i in range(n):
        if a[i, i] == 0.0:
            for c in range(columns):
                b[i, c] = 0.0
            continue
        inverse = 1.0 / a[i, i]
        for c in range(columns):
            b[i, c] *= inverse
        for k in range(i + 1, n):
            f = a[k, i]
            for c in range(columns):
                b[k, c] -= f * b[i, c]


@compiled
def substitute_back(a: Any, n: int, x: Any) -> None:
    """Solve ``L^T x = y`` for one right-hand side in place."""
    for i in range(n - 1, -1, -1):
        if a[i, i] == 0.0:
            x[i] = 0.0
            continue
        x[i] /= a[i, i]
        f = x[i]
        for k in range(i):
            x[k] -= a[i, k] * f


@compiled
def fill_covariance(
    rows: Any, n: int, place: Any, days: Any, own: Any, shared: Any, overpass: Any, length: float,
    model: Any, a: Any, work: Any, bits: Any,
) -> None:  # fmt: skip
    """Covariance of the observations ``rows[:n]`` with their errors, lower triangle.

    The field's part is ``A s + B t + D s t`` with correlations s in space and t in time; micro-scale variance
    is common to observations of the very same place and moment; errors of one overpass share
    ``shared_i shared_j exp(-h / length)``.
    """
    far, late, near, soon, loss = work[0], work[1], work[2], work[3], work[4]
    even, odd, wave = work[5], work[6], model[TIME_WAVE]
    if wave > 0.0:
        # the cosine of a difference from those of its parts: some of them instead of one for each pair
        for i in range(n):
            phase = wave * (days[rows[i]] - days[rows[0]])
            even[i], odd[i] = math.cos(phase), math.sin(phase)
    for i in range(n):
        r = rows[i]
        x, y, z, t = place[r, 0], place[r, 1], place[r, 2], days[r]
        for j in range(i):
            q = rows[j]
            dx, dy, dz = place[q, 0] - x, place[q, 1] - y, place[q, 2] - z
            far[j] = math.sqrt(dx * dx + dy * dy + dz * dz)
            late[j] = abs(days[q] - t)
        common = False
        if length > 0.0 and shared[r] > 0.0:
            for j in range(i):
                q = rows[j]
                loss[j] = 0.0
                if overpass[q] == overpass[r]:
                    loss[j] = shared[q] * shared[r] * math.exp(-far[j] / length)
                    common = True
        same = False
        for j in range(i):
            same |= (far[j] == 0.0) & (late[j] == 0.0)
        for j in range(i):
            far[j] /= model[SPACE_RANGE]
            late[j] /= model[TIME_RANGE]
        if same:
            for j in range(i):
                a[i, j] = model[MICRO] if far[j] == 0.0 and late[j] == 0.0 else 0.0
        else:
            for j in range(i):
                a[i, j] = 0.0
        correlate(far, i, int(model[SPACE_FAMILY]), near, bits)
        correlate(late, i, int(model[TIME_FAMILY]), soon, bits)
        if wave > 0.0:
            for j in range(i):
                soon[j] *= even[i] * even[j] + odd[i] * odd[j]
        for j in range(i):
            a[i, j] += model[SPACE] * near[j] + (model[TIME] + model[JOINT] * near[j]) * soon[j]
        if common:
            for j in range(i):
                a[i, j] += loss[j]
        a[i, i] = model[SPACE] + model[TIME] + model[JOINT] + model[MICRO] + own[r]


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
    # two arrays in one, and room for the nodes of a cell
    room = max(2 * most, nodes.shape[1])
    work, bits = np.empty((7, room)), np.empty(room, np.int64)
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


@compiled
def condition(
    rows: Any, counts: Any, place: Any, days: Any, own: Any, shared: Any, overpass: Any, length: float,
    model: Any, weights: Any, spread: Any,
) -> None:  # fmt: skip
    """Weights of each observation's predecessors, and its standard deviation given them.

    ``weights`` ``(n, k)``, ``spread`` ``(n,)``; 0 for an observation that its predecessors give already.
    """
    most = rows.shape[1] + 1
    a, work, bits = np.empty((most, most)), np.empty((7, 2 * most)), np.empty(2 * most, np.int64)
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
    a, work, bits = np.empty((most, most)), np.empty((7, 2 * most)), np.empty(2 * most, np.int64)
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

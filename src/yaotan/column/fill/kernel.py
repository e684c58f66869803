"""Compiled loops of kriging: covariances of a neighbourhood, Cholesky factor, weights and variance.

A neighbourhood has some tens of observations and a map tens of thousands of cells, so what counts is the cost
of one small dense system. Inner loops run over contiguous memory without reductions, which lets the compiler
use vector instructions without giving up IEEE arithmetic; the exponential is written out for the same reason
(no vector mathematics library is needed).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numba
import numpy as np

#: families of correlation functions, all valid in three dimensions
EXPONENTIAL: Final = 0
MATERN32: Final = 1
SPHERICAL: Final = 2

#: places of the parameters of a model in its array
SPACE, TIME, JOINT, MICRO, SPACE_RANGE, TIME_RANGE, SPACE_FAMILY, TIME_FAMILY = range(8)

#: a pivot below this part of its diagonal belongs to an observation that the others give already
REDUNDANT: Final = 1e-11
_LN2_HIGH: Final = 6.93147180369123816490e-01
_LN2_LOW: Final = 1.90821492927058770002e-10
_LOG2E: Final = 1.44269504088896338700
_SQRT3: Final = math.sqrt(3.0)


def compiled(function: Callable[..., Any]) -> Any:
    """Compile without the lock of the interpreter; the machine code is kept in numba's file cache."""
    compiler: Any = numba.njit
    return compiler(error_model="numpy", nogil=True, cache=True)(function)


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
        for j in range(i):
            a[i, j] += model[SPACE] * near[j] + (model[TIME] + model[JOINT] * near[j]) * soon[j]
        if common:
            for j in range(i):
                a[i, j] += loss[j]
        a[i, i] = model[SPACE] + model[TIME] + model[JOINT] + model[MICRO] + own[r]

"""Profiles to other vertical grids, conserving partial columns: the compiled loops.

A profile is a row of slabs in pressure, each linear from its bottom to its top: layer means are slabs of one
value, point values on levels the slabs between neighbours. So one loop over the common parts of source and
target slabs integrates both exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yaotan.compiled import compiled

Floats = NDArray[np.float64]


@compiled
def _integrate(edges: Any, bottom: Any, top: Any, target: Any, total: Any, moment: Any) -> float:
    """Integrals over each target slab of x (`total`) and of x times the share of its bottom (`moment`).

    Pressures fall. Returns the part of the target's range that the source does not reach; there its end
    value counts.
    """
    last = bottom.size - 1
    slab = 0
    outside = 0.0
    for k in range(target.size - 1):
        low, high = target[k], target[k + 1]
        total[k] = 0.0
        moment[k] = 0.0
        here = low
        while here > high:
            if here > edges[0]:
                stop = max(edges[0], high)
                first = bottom[0]
                second = first
                outside += here - stop
            elif here <= edges[last + 1]:
                stop = high
                first = top[last]
                second = first
                outside += here - stop
            else:
                while edges[slab + 1] >= here:
                    slab += 1
                stop = max(edges[slab + 1], high)
                slope = (top[slab] - bottom[slab]) / (edges[slab] - edges[slab + 1])
                first = bottom[slab] + slope * (edges[slab] - here)
                second = bottom[slab] + slope * (edges[slab] - stop)
            width = here - stop
            share, end = (here - high) / (low - high), (stop - high) / (low - high)
            total[k] += width * (first + second) / 2.0
            moment[k] += (
                width * (2.0 * first * share + first * end + second * share + 2.0 * second * end) / 6.0
            )
            here = stop
    return outside / (target[0] - target[target.size - 1])


@compiled
def _project(target: Any, total: Any, moment: Any, work: Any, out: Any) -> None:
    """Find the values on levels whose piecewise linear profile has the same hat-weighted partial columns."""
    count = target.size
    # tridiagonal system of the hat functions: (D[k-1] + D[k]) / 3 on the diagonal, D[k] / 6 beside it
    for k in range(count):
        below = target[k - 1] - target[k] if k > 0 else 0.0
        above = target[k] - target[k + 1] if k < count - 1 else 0.0
        right = (total[k - 1] - moment[k - 1] if k > 0 else 0.0) + (moment[k] if k < count - 1 else 0.0)
        diagonal = (below + above) / 3.0
        if k > 0:
            factor = below / 6.0
            diagonal -= factor * work[k - 1]
            right -= factor * out[k - 1]
        work[k] = above / 6.0 / diagonal
        out[k] = right / diagonal
    for k in range(count - 2, -1, -1):
        out[k] -= work[k] * out[k + 1]


@compiled
def _falls(pressure: Any) -> bool:
    fine = True
    for k in range(pressure.size - 1):
        fine &= pressure[k] > pressure[k + 1]
    return fine


@compiled
def _rebin(edges: Any, bottom: Any, top: Any, target: Any, on_levels: bool, out: Any, outside: Any) -> None:
    slabs = target.shape[1] - 1
    total, moment, work = np.empty(slabs), np.empty(slabs), np.empty(slabs + 1)
    for i in range(out.shape[0]):
        e = edges[i if edges.shape[0] > 1 else 0]
        b = bottom[i if bottom.shape[0] > 1 else 0]
        t = top[i if top.shape[0] > 1 else 0]
        p = target[i if target.shape[0] > 1 else 0]
        if not (_falls(e) and _falls(p)):
            outside[i] = np.nan
            out[i] = np.nan
            continue
        outside[i] = _integrate(e, b, t, p, total, moment)
        if on_levels:
            _project(p, total, moment, work, out[i])
        else:
            for k in range(slabs):
                out[i, k] = total[k] / (p[k] - p[k + 1])


def rebin(
    values: Floats, pressure: Floats, kind: str, target: Floats, target_kind: str
) -> tuple[Floats, Floats]:
    r"""Bring profiles to another vertical grid, conserving partial columns in pressure.

    The source is constant in each layer, or linear in pressure between levels. Onto layers: the mean of each
    layer, :math:`\int x\,dp / \Delta p`. Onto levels: the values :math:`y_l` whose piecewise linear profile
    has the same partial columns under every hat function :math:`\phi_l` of the levels,
    :math:`\sum_m y_m \int \phi_l \phi_m dp = \int \phi_l x\,dp`. The hat functions add up to 1, so that the
    column is conserved too; a profile that is linear between the target's levels comes back unchanged.

    Parameters
    ----------
    values : numpy.ndarray
        ``(n, k)`` or ``(1, k)``, index 0 at the ground.
    pressure : numpy.ndarray
        Of the levels ``(n, k)``, or of the edges of layers ``(n, k + 1)`` [any unit], falling; or one row.
    kind : {"level", "layer"}
        What the values are.
    target : numpy.ndarray
        Levels ``(n, m)`` or edges ``(n, m + 1)`` of the new grid, same unit; or one row.
    target_kind : {"level", "layer"}
        What is wanted.

    Returns
    -------
    values : numpy.ndarray
        ``(n, m)``; NaN where a pressure is missing or does not fall.
    outside : numpy.ndarray
        ``(n,)`` share of the target's pressure range that the source does not reach; its end value is taken
        there. NaN where values are.

    Notes
    -----
    Onto levels a jump (layers much thicker than the levels are apart) makes waves of up to 14 per cent of the
    jump: they carry no partial column.

    Examples
    --------
    >>> layers, edges = np.array([[400.0, 390.0]]), np.array([[1000.0, 500.0, 0.0]])
    >>> rebin(layers, edges, "layer", np.array([[1000.0, 250.0, 0.0]]), "layer")[0].round(3).tolist()
    [[396.667, 390.0]]
    """
    x = np.atleast_2d(np.asarray(values, float))
    p, goal = np.atleast_2d(np.asarray(pressure, float)), np.atleast_2d(np.asarray(target, float))
    rows = max(len(x), len(p), len(goal))
    bottom, top = (x[:, :-1], x[:, 1:]) if kind == "level" else (x, x)
    out = np.empty((rows, goal.shape[1] - (target_kind == "layer")))
    outside = np.empty(rows)
    arrays = [np.ascontiguousarray(array) for array in (p, bottom, top, goal)]
    _rebin(*arrays, target_kind == "level", out, outside)
    return out, outside

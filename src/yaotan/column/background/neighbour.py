"""Backgrounds from neighbours of the same overpass: clean track around, and the sector upwind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from yaotan.column.background.estimate import NO_WIND, Estimate
from yaotan.column.background.line import fit_robust
from yaotan.column.background.sample import Floats, Indices, Sample, median_error, robust_spread
from yaotan.geodesy import AUTHALIC_RADIUS, distance, sphere_point

#: soundings whose neighbours are sought at once (bounds the memory)
_AT_ONCE = 2000
#: soundings from which the error of lines is told
_FEWEST = 30


def along_track(sample: Sample, *, near: float, far: float, minimum: int) -> Estimate:
    """Robust straight line in time through the soundings `near` to `far` metres away, read at the sounding.

    Soundings of one second and a tenth of a degree share one line, read at each of them. Both sides are
    needed: a line is not drawn on beyond its data.
    """
    estimate = Estimate.empty(sample)
    absorbed = np.full(sample.value.size, np.nan)
    for rows in _overpasses(sample):
        rows, heads = _footholds(sample, rows)
        tails = np.append(heads[1:], rows.size)
        rings = _within(sample, rows, rows[heads], near, far)
        for start, stop, (head, found) in zip(heads, tails, rings, strict=True):
            t = (sample.time[found] - sample.time[head]) * 1e-9
            if min((t < 0).sum(), (t > 0).sum()) * 2 < minimum:
                continue
            own = rows[start:stop]
            design = np.stack([np.ones(t.size), t], axis=1)
            coefficient, weight, spread = fit_robust(design, sample.value[found])
            where = np.stack([np.ones(own.size), (sample.time[own] - sample.time[head]) * 1e-9], axis=1)
            inverse = np.linalg.inv((design * weight[:, None]).T @ design)
            error = spread * np.sqrt(((where @ inverse) * where).sum(axis=1))
            estimate.put(own, where @ coefficient, error, spread, found.size)
            absorbed[own] = spread**2 * float(((design @ inverse) * design).sum(axis=1).mean())
    estimate.error[:] *= np.sqrt(_line_factor(sample, estimate, absorbed))
    return estimate


def _line_factor(sample: Sample, estimate: Estimate, absorbed: Floats) -> float:
    """Variance of lines at the sounding over what independent errors would give; at least 1.

    A sounding differs from its line by its own error and by that of the line; soundings of the ring by their
    own error less what the line has taken up of it. So the scatter at the sounding has, beyond that in the
    ring, the variance of the line at the sounding and its mean variance over the ring (`absorbed`, as of
    independent errors). Where errors are correlated, both are larger by the same factor. All overpasses are
    pooled; fewer than 30 soundings tell nothing.
    """
    good = np.flatnonzero(np.isfinite(estimate.level))
    if good.size < _FEWEST:
        return np.nan
    whole = robust_spread(sample.value[good] - estimate.level[good]) ** 2
    naive = float(np.median(estimate.error[good] ** 2) + np.median(absorbed[good]))
    more = whole - float(np.median(estimate.spread[good] ** 2))
    return max(1.0, more / naive) if naive > 0 else 1.0


def upwind(
    sample: Sample, wind: tuple[Floats, Floats], *, near: float, far: float, width: float, minimum: int
) -> Estimate:
    """Median of the soundings in a sector of `width` degrees upwind, `near` to `far` metres away."""
    estimate = Estimate.empty(sample)
    u, v = wind
    known = np.isfinite(u) & np.isfinite(v) & (np.hypot(u, v) > 0)
    estimate.status[sample.usable & ~known] = NO_WIND
    for rows in _overpasses(sample):
        for own, found in _within(sample, rows, rows[known[rows]], near, far):
            east = np.radians(np.mod(sample.lon[found] - sample.lon[own] + 180.0, 360.0) - 180.0)
            east = east * np.cos(np.radians(sample.lat[own]))
            north = np.radians(sample.lat[found] - sample.lat[own])
            along = -(east * u[own] + north * v[own])  # the wind blows from there
            angle = np.degrees(
                np.arccos(np.clip(along / np.hypot(east, north) / np.hypot(u[own], v[own]), -1, 1))
            )
            part = found[angle <= width / 2]
            if part.size >= minimum:
                values = sample.value[part]
                error = median_error(values, sample.block[part])
                estimate.put(own, np.median(values), error, robust_spread(values), part.size)
    return estimate


def _overpasses(sample: Sample) -> list[Indices]:
    rows = np.flatnonzero(sample.usable)
    order = np.argsort(sample.overpass[rows], kind="stable")
    rows = rows[order]
    return [part for part in np.split(rows, np.flatnonzero(np.diff(sample.overpass[rows])) + 1) if part.size]


def _footholds(sample: Sample, rows: Indices) -> tuple[Indices, Indices]:
    """Sort soundings into groups of one second and one tenth of a degree; the first of each group."""
    key = np.stack(
        [
            (sample.time[rows] - sample.time[rows].min()) // 1_000_000_000,
            np.floor(sample.lat[rows] * 10.0).astype(np.int64),
            np.floor(sample.lon[rows] * 10.0).astype(np.int64),
        ]
    )
    order = np.lexsort((sample.time[rows], *key[::-1]))
    heads = np.append(True, (np.diff(key[:, order], axis=1) != 0).any(axis=0)).nonzero()[0]
    return rows[order], heads


def _within(
    sample: Sample, rows: Indices, heads: Indices, near: float, far: float
) -> Iterator[tuple[np.intp, Indices]]:
    """Rows of an overpass within a ring around each of some of them."""
    from scipy.spatial import cKDTree

    tree = cKDTree(sphere_point(sample.lat[rows], sample.lon[rows]))
    chord = 2.0 * AUTHALIC_RADIUS * np.sin(min(far / (2.0 * AUTHALIC_RADIUS), np.pi / 2))
    for start in range(0, heads.size, _AT_ONCE):
        part = heads[start : start + _AT_ONCE]
        lists = tree.query_ball_point(
            sphere_point(sample.lat[part], sample.lon[part]), chord, return_sorted=True
        )
        for head, found in zip(part, lists, strict=True):
            index = rows[np.asarray(found, np.intp)]
            apart = distance(sample.lat[head], sample.lon[head], sample.lat[index], sample.lon[index])
            yield head, index[apart >= near]

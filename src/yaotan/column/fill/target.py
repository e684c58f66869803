"""What is kriged: points, or means over cells and periods, as nodes in space and correlations in time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill.mean import FittedMean
from yaotan.column.fill.observation import Floats
from yaotan.column.fill.step import Steps
from yaotan.geodesy import sphere_point
from yaotan.grid.spec import GridSpec

Support: TypeAlias = Literal["cell", "point"]
#: How lively the field is as a function of days since 1970-01-01, to within a factor.
Course: TypeAlias = Callable[[Floats], Floats]

#: Half side of a cell, in ranges, from which on its mean is taken over four points.
_WIDE: Final = 0.05
#: Midpoints of a period: so many in one range, so many at most and at least.
_PER_RANGE, _MOST, _LEAST = 6, 60, 4
#: Step by which terms of the mean are averaged over a period [days].
_MEAN_STEP: Final = 10.0
#: Gauss-Legendre points of order 2 on (-1, 1).
_GAUSS: Final = 1.0 / math.sqrt(3.0)


@dataclass(frozen=True)
class Moments:
    """Times whose weighted mean a target is.

    Attributes
    ----------
    days : numpy.ndarray
        ``(q,)`` days since 1970-01-01.
    middle, half : float
        Middle and half of the period [days].
    weights : numpy.ndarray
        ``(q,)``, sum 1: the course of the scale over the period (equal where there is none).
    """

    days: Floats
    middle: float
    half: float
    weights: Floats

    @classmethod
    def of(
        cls, steps: Steps, number: int, time_range: float, course: Course | None = None, most: int = _MOST
    ) -> Moments:
        """Give the midpoints of equal parts of one step, close enough for the covariance."""
        middle, half = steps.span(number)
        if not half > 0.0:
            return cls(np.array([middle]), middle, half, np.ones(1))
        parts = int(np.clip(math.ceil(2.0 * _PER_RANGE * half / time_range), _LEAST, most))
        days = middle - half + 2.0 * half * (np.arange(parts) + 0.5) / parts
        return cls(days, middle, half, np.full(parts, 1.0 / parts)).weigh(course)

    def weigh(self, course: Course | None) -> Moments:
        """Give the same times with weights that follow the scale over the period."""
        if course is None:
            return self
        size = course(self.days)
        return replace(self, weights=size / size.sum())

    def correlate(self, days: Floats, fade: Callable[[Floats], Floats]) -> Floats:
        """Mean correlation in time of the target with observations at ``days``; `fade`: that at a lag."""
        found, back = np.unique(days, return_inverse=True)
        return np.asarray((fade(found[:, None] - self.days) @ self.weights)[back].reshape(days.shape))

    def correlate_self(self, fade: Callable[[Floats], Floats]) -> float:
        """Mean correlation in time of the target with itself."""
        return float(self.weights @ fade(self.days[:, None] - self.days) @ self.weights)


def cell_nodes(
    spec: GridSpec, rows: slice, wanted: NDArray[np.bool_], support: Support, space_range: float
) -> Floats:
    """Points whose mean each wanted cell of some rows is: ``(m, q, 3)`` [m], q = 1 or 4.

    Four where the cells are wide against ``space_range`` [m], the range of the field's correlation.
    """
    y, x = (
        0.5 * (edges[:-1] + edges[1:]) for edges in (spec.y_edges[rows.start : rows.stop + 1], spec.x_edges)
    )
    half_y = 0.5 * np.abs(np.diff(spec.y_edges[rows.start : rows.stop + 1]))
    half_x = 0.5 * np.diff(spec.x_edges)
    row, column = np.nonzero(wanted)
    centre = _points(spec, y[row], x[column])
    if support == "point" or row.size == 0:
        return centre[:, None]
    corner = _points(spec, (y + half_y)[row], (x + half_x)[column])
    if np.linalg.norm(corner - centre, axis=1).max() / math.sqrt(2.0) < _WIDE * space_range:
        return centre[:, None]
    signs = [(a * _GAUSS, b * _GAUSS) for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
    parts = [_points(spec, (y + a * half_y)[row], (x + b * half_x)[column]) for a, b in signs]
    return np.stack(parts, axis=1)


def _points(spec: GridSpec, y: Floats, x: Floats) -> Floats:
    if spec.is_geographic:
        return sphere_point(y, x)
    import pyproj

    to_degrees = pyproj.Transformer.from_crs(spec.pyproj_crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(x, y)
    return sphere_point(lat, lon)


def mean_terms(mean: FittedMean, latitude: Floats, longitude: Floats, moments: Moments) -> Floats:
    """Terms of the mean at targets, averaged over the moments, in parts of the mean scale: ``(m, p)``."""
    parts = int(np.clip(math.ceil(2.0 * moments.half / _MEAN_STEP), 3, _MOST)) if moments.half else 1
    total: Any = 0.0
    for number in range(parts):
        day = moments.middle + moments.half * (2.0 * number + 1.0 - parts) / parts
        total = total + mean.frame.design(latitude, longitude, np.full(latitude.size, day))
    if mean.scale is None:
        return np.asarray(total / parts)
    return np.asarray(total / parts / mean.scale.average(latitude, moments.middle, moments.half)[:, None])

"""What is kriged: points, or means over cells and periods, as nodes in space and correlations in time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill.covariance import Family, correlation
from yaotan.column.fill.mean import FittedMean
from yaotan.column.fill.observation import Floats, days_of
from yaotan.column.fill.step import Steps
from yaotan.geodesy import sphere_point
from yaotan.grid.spec import GridSpec

Support: TypeAlias = Literal["cell", "point"]

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
    """Times whose mean a target is: ``days`` ``(q,)``, their middle and half of the period [days]."""

    days: Floats
    middle: float
    half: float

    @classmethod
    def of(cls, steps: Steps, number: int, time_range: float, most: int = _MOST) -> Moments:
        """Give the midpoints of equal parts of one step, close enough for the covariance."""
        middle = float(days_of(steps.middle[number]))
        if steps.moment is not None:
            return cls(np.array([middle]), middle, 0.0)
        start, end = float(days_of(steps.start[number])), float(days_of(steps.end[number]))
        parts = int(np.clip(math.ceil(_PER_RANGE * (end - start) / time_range), _LEAST, most))
        return cls(start + (end - start) * (np.arange(parts) + 0.5) / parts, middle, (end - start) / 2.0)

    def correlate(self, days: Floats, family: Family, time_range: float) -> Floats:
        """Mean correlation in time of the target with observations at ``days``."""
        found, back = np.unique(days, return_inverse=True)
        lag = np.abs(found[:, None] - self.days) / time_range
        return np.asarray(correlation(lag, family).mean(axis=1)[back].reshape(days.shape))

    def correlate_self(self, family: Family, time_range: float) -> float:
        """Mean correlation in time of the target with itself."""
        lag = np.abs(self.days[:, None] - self.days) / time_range
        return float(correlation(lag, family).mean())


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
    """Terms of the mean at targets, averaged over the moments: ``(m, p)``."""
    parts = int(np.clip(math.ceil(2.0 * moments.half / _MEAN_STEP), 3, _MOST)) if moments.half else 1
    total: Any = 0.0
    for number in range(parts):
        day = moments.middle + moments.half * (2.0 * number + 1.0 - parts) / parts
        total = total + mean.design(latitude, longitude, np.full(latitude.size, day))
    return np.asarray(total / parts)

"""Areas of the cells of either grid, and their bounds, whatever the reference system."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yaotan.geodesy import cell_area
from yaotan.grid.axes import Axes
from yaotan.grid.projected import projected_cell_area
from yaotan.grid.spec import GridSpec

Floats = NDArray[np.float64]


def rising(edges: Floats) -> Floats:
    """Give bounds ``(n, 2)`` that rise, from edges ``(n + 1,)`` in either direction."""
    edges = edges if edges[0] < edges[-1] else edges[::-1]
    return np.stack([edges[:-1], edges[1:]], axis=1)


def source_area(source: Axes, rows: slice) -> Floats:
    """Area of the cells of some (rising) rows ``(rows, columns)`` [m2]."""
    y, x = source.y_bounds[rows], source.x_bounds
    return cell_area(y, x) if source.crs is None else projected_cell_area(source.crs, y, x)


def target_area(spec: GridSpec, target: slice) -> Floats:
    """Area of the cells of some rows, in the order of the grid, ``(rows, columns)`` [m2]."""
    y, x = rising(spec.y_edges), rising(spec.x_edges)
    order = slice(None) if spec.y_edges[0] < spec.y_edges[-1] else slice(None, None, -1)
    y = y[order][target]
    return cell_area(y, x) if spec.is_geographic else projected_cell_area(spec.crs, y, x)

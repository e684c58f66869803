"""Sums over common areas where both grids have one coordinate reference system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from yaotan.grid import area
from yaotan.grid.area import Floats, rising
from yaotan.grid.axes import Axes
from yaotan.grid.overlap import overlap_bands, overlap_lengths
from yaotan.grid.spec import GridSpec


@dataclass(frozen=True)
class Separable:
    """Both grids have one coordinate reference system: overlaps are products of those of the axes.

    On the ellipsoid rows are measured by area and columns by angle, so that the product is the true common
    area. On a projected plane it is the planar share of the source cell times its true area (the areal scale
    of the projection is taken as constant within a source cell).
    """

    source: Axes
    target: GridSpec

    @cached_property
    def rows(self) -> Any:
        """Overlap of rows ``(target, source)``: m2 per radian, or the share of the source row."""
        bounds = rising(self.target.y_edges)
        if self.source.crs is None:
            matrix = overlap_bands(self.source.y_bounds, bounds)
        else:
            matrix = _shares(overlap_lengths(self.source.y_bounds, bounds), self.source.y_bounds)
        return matrix if self.target.y_edges[0] < self.target.y_edges[-1] else matrix[::-1]

    @cached_property
    def columns(self) -> Any:
        """Overlap of columns ``(target, source)``: radians, or the share of the source column."""
        bounds = rising(self.target.x_edges)
        if self.source.crs is None:
            return overlap_lengths(self.source.x_bounds, bounds, period=360.0) * (np.pi / 180.0)
        return _shares(overlap_lengths(self.source.x_bounds, bounds), self.source.x_bounds)

    @property
    def meets(self) -> bool:
        """See `Transfer`."""
        return bool(self.rows.nnz and self.columns.nnz)

    def windows(self, size: int) -> Iterator[tuple[slice, slice]]:
        """See `Transfer`."""
        cells = self.source.shape[0] * self.source.shape[1]
        step = max(1, round(self.target.shape[0] * size / cells))
        for start in range(0, self.target.shape[0], step):
            target = slice(start, min(start + step, self.target.shape[0]))
            used = self.rows.indices[self.rows.indptr[start] : self.rows.indptr[target.stop]]
            yield target, slice(int(used.min()), int(used.max()) + 1) if used.size else slice(0, 0)

    def window(self, rows: slice, target: slice) -> SeparableWindow:
        """See `Transfer`."""
        return SeparableWindow(self, rows, target)

    def source_area(self, rows: slice) -> Floats:
        """Area of the source cells of some rows [m2]."""
        return area.source_area(self.source, rows)

    def target_area(self, target: slice) -> Floats:
        """See `Transfer`."""
        return area.target_area(self.target, target)


@dataclass(frozen=True)
class Matched(Separable):
    """Cells of which each is one of the other grid or meets none, where no area counts: each is 1.

    True areas of a projected grid take some microseconds a cell, and a class needs none of them here.
    """

    def source_area(self, rows: slice) -> Floats:
        """Count each cell as 1."""
        return np.ones((rows.stop - rows.start, self.source.shape[1]))

    def target_area(self, target: slice) -> Floats:
        """Count each cell as 1."""
        return np.ones((target.stop - target.start, self.target.shape[1]))


@dataclass(frozen=True)
class SeparableWindow:
    """See `Window`: two sparse products, rows first."""

    transfer: Separable
    rows: slice
    target: slice

    @cached_property
    def source_area(self) -> Floats:
        """See `Window`."""
        return self.transfer.source_area(self.rows)

    def sums(self, values: Floats, power: int = 1) -> Floats:
        """See `Window`."""
        across, matrix = self.transfer.columns, _cut(self.transfer.rows, self.target, self.rows)
        if power != 1:
            across, matrix = across.power(power), matrix.power(power)
        if self.transfer.source.crs is not None:
            values = values * self.source_area**power
        return np.asarray((across @ (matrix @ values).T).T)


def _cut(matrix: Any, target: slice, rows: slice) -> Any:
    """Cut rows and columns out; the columns hold all entries of the rows. Slicing twice costs more."""
    import scipy.sparse  # late: heavy

    first, last = matrix.indptr[target.start], matrix.indptr[target.stop]
    pointers = matrix.indptr[target.start : target.stop + 1] - first
    entries = (matrix.data[first:last], matrix.indices[first:last] - rows.start, pointers)
    shape = (target.stop - target.start, rows.stop - rows.start)
    return scipy.sparse.csr_array(entries, shape=shape)


def _shares(lengths: Any, source: Floats) -> Any:
    return (lengths / np.diff(source)[:, 0]).tocsr()


def without_areas(transfer: Separable) -> Separable:
    """Give the short way where every target cell is one source cell or meets none, to the last digit."""
    if transfer.source.crs is None:
        return transfer
    pairs = (
        (transfer.rows, transfer.source.y_bounds, transfer.target.y_edges),
        (transfer.columns, transfer.source.x_bounds, transfer.target.x_edges),
    )
    if all(_one_to_one(matrix, bounds, edges) for matrix, bounds, edges in pairs):
        return Matched(transfer.source, transfer.target)
    return transfer


def _one_to_one(matrix: Any, source: Floats, edges: Floats) -> bool:
    """Whether each target interval is the one source interval that it overlaps."""
    target, met = np.stack([edges[:-1], edges[1:]], axis=1), np.diff(matrix.indptr)
    if met.max() > 1:
        return False
    return bool((np.sort(target[met == 1], axis=1) == source[matrix.indices]).all())

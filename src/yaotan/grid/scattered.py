"""Sums over common areas where the grids have different coordinate reference systems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from yaotan.grid import area
from yaotan.grid.area import Floats, rising
from yaotan.grid.axes import Axes
from yaotan.grid.edges import cells_of
from yaotan.grid.spec import GridSpec


@dataclass(frozen=True)
class Scattered:
    """Grids of different reference systems: source cells are parted into points that fall into target cells.

    A cell is parted into s x s points of equal area, with s so large that their distance is at most an
    eighth of a target cell (2 to 64). Totals are conserved exactly; how a cell is shared between two targets
    is right to about one in 2 s.
    """

    source: Axes
    target: GridSpec

    @cached_property
    def parts(self) -> int:
        """Points along each side of a source cell."""
        middle = len(self.source.y_bounds) // 2
        source = float(np.nanmedian(area.source_area(self.source, slice(middle, middle + 1))))
        rows = self.target.shape[0] // 2
        target = float(np.nanmedian(self.target_area(slice(rows, rows + 1))))
        return int(np.clip(np.ceil(8.0 * np.sqrt(source / target)), 2, 64))

    @cached_property
    def _transformer(self) -> Any:
        system = self.source.crs or pyproj.CRS.from_epsg(4326)
        return pyproj.Transformer.from_crs(system, self.target.pyproj_crs, always_xy=True)

    @property
    def meets(self) -> bool:
        """See `Transfer`; told by the middles of the cells of both, thinned to some thousand."""
        y, x = (bounds.mean(axis=1) for bounds in (self.source.y_bounds, self.source.x_bounds))
        row, column = self._places(*self._transformer.transform(*_thinned(y, x)))
        if ((row >= 0) & (column >= 0)).any():
            return True
        y, x = (rising(edges).mean(axis=1) for edges in (self.target.y_edges, self.target.x_edges))
        xs, ys = self._transformer.transform(*_thinned(y, x), direction="INVERSE")
        west, south, east, north = self.source.extent
        turn = 360.0 if self.source.crs is None else np.inf
        inside = (np.mod(xs - west, turn) <= east - west) & (ys >= south) & (ys <= north)
        return bool(inside.any())

    def windows(self, size: int) -> Iterator[tuple[slice, slice]]:
        """See `Transfer`."""
        count, width = self.source.shape
        step = max(1, size // (width * self.parts**2))
        for start in range(0, count, step):
            yield slice(0, self.target.shape[0]), slice(start, min(start + step, count))

    def window(self, rows: slice, target: slice) -> ScatteredWindow:
        """See `Transfer`."""
        return ScatteredWindow(self, rows)

    def shares(self, rows: slice) -> Any:
        """Share of each source cell of some rows in each target cell ``(targets, sources)``."""
        import scipy.sparse  # late: heavy

        x, y = self._points(rows)
        row, column = self._places(x, y)
        inside = (row >= 0) & (column >= 0)
        source = np.repeat(np.arange(x.size // self.parts**2), self.parts**2)
        cell = row * self.target.shape[1] + column
        entries = np.full(int(inside.sum()), 1.0 / self.parts**2), (cell[inside], source[inside])
        shape = (int(np.prod(self.target.shape)), x.size // self.parts**2)
        return scipy.sparse.coo_array(entries, shape=shape).tocsr()

    def _places(self, x: Floats, y: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of the target in which points of its system lie; -1 outside."""
        if self.target.is_geographic:
            west = self.target.x_edges[0]
            x = np.mod(np.where(np.isfinite(x), x, np.nan) - west, 360.0) + west
        return cells_of(self.target.y_edges, y), cells_of(self.target.x_edges, x)

    def _points(self, rows: slice) -> tuple[Floats, Floats]:
        """Points of all cells of some rows in the target's system, cell by cell."""
        inner = (np.arange(self.parts) + 0.5) / self.parts
        y, x = (
            bounds[:, :1] + np.diff(bounds) * inner
            for bounds in (self.source.y_bounds[rows], self.source.x_bounds)
        )
        shape = (len(y), len(x), self.parts, self.parts)
        xs = np.broadcast_to(x[None, :, None, :], shape).ravel()
        ys = np.broadcast_to(y[:, None, :, None], shape).ravel()
        placed: tuple[Floats, Floats] = self._transformer.transform(xs, ys)
        return placed

    def target_area(self, target: slice) -> Floats:
        """See `Transfer`."""
        return area.target_area(self.target, target)


@dataclass(frozen=True)
class ScatteredWindow:
    """See `Window`: the target is the whole one."""

    transfer: Scattered
    rows: slice

    @cached_property
    def source_area(self) -> Floats:
        """See `Window`."""
        return area.source_area(self.transfer.source, self.rows)

    @cached_property
    def shares(self) -> Any:
        """See `Scattered.shares`."""
        return self.transfer.shares(self.rows)

    def sums(self, values: Floats, power: int = 1) -> Floats:
        """See `Window`."""
        shares = self.shares.power(power) if power != 1 else self.shares
        amount = np.nan_to_num(values * self.source_area**power)  # no area: outside the projection
        return np.asarray(shares @ amount.ravel()).reshape(self.transfer.target.shape)


def _thinned(y: Floats, x: Floats) -> tuple[Floats, Floats]:
    xs, ys = np.meshgrid(x[:: max(1, x.size // 64)], y[:: max(1, y.size // 64)])
    return xs.ravel(), ys.ravel()

"""From the cells of one grid to those of another: sums over common areas, in blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyproj
from numpy.typing import NDArray

from yaotan.geodesy import cell_area
from yaotan.grid.axes import Axes
from yaotan.grid.overlap import overlap_bands, overlap_lengths
from yaotan.grid.projected import projected_cell_area
from yaotan.grid.spec import GridSpec

Floats = NDArray[np.float64]


class Window(Protocol):
    """Some rows of the source and the rows of the target that they add to."""

    @property
    def source_area(self) -> Floats:
        """Area of the source cells [m2]; worked out once."""

    def sums(self, values: Floats, power: int = 1) -> Floats:
        """Sum over source cells of value times (common area) to a power, in each target cell."""


class Transfer(Protocol):
    """What `yaotan.grid.regrid` asks of a way from one grid to another."""

    @property
    def source(self) -> Axes:
        """Cells that give."""

    @property
    def target(self) -> GridSpec:
        """Cells that take."""

    @property
    def meets(self) -> bool:
        """Whether the two have anything in common."""

    def windows(self, size: int) -> Iterator[tuple[slice, slice]]:
        """Part the work: rows of the target, and (rising) rows of the source that add to them.

        A window has about `size` source values. What one target window gets from several source windows is
        to be added up.
        """

    def window(self, rows: slice, target: slice) -> Window:
        """Give what is needed of one window."""

    def target_area(self, target: slice) -> Floats:
        """Area of the target cells of some rows [m2]."""


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
        bounds = _rising(self.target.y_edges)
        if self.source.crs is None:
            matrix = overlap_bands(self.source.y_bounds, bounds)
        else:
            matrix = _shares(overlap_lengths(self.source.y_bounds, bounds), self.source.y_bounds)
        return matrix if self.target.y_edges[0] < self.target.y_edges[-1] else matrix[::-1]

    @cached_property
    def columns(self) -> Any:
        """Overlap of columns ``(target, source)``: radians, or the share of the source column."""
        bounds = _rising(self.target.x_edges)
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
        return _source_area(self.source, rows)

    def target_area(self, target: slice) -> Floats:
        """See `Transfer`."""
        return _target_area(self.target, target)


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


def _rising(edges: Floats) -> Floats:
    edges = edges if edges[0] < edges[-1] else edges[::-1]
    return np.stack([edges[:-1], edges[1:]], axis=1)


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
        source = float(np.nanmedian(_source_area(self.source, slice(middle, middle + 1))))
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
        y, x = (_rising(edges).mean(axis=1) for edges in (self.target.y_edges, self.target.x_edges))
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
        return _place(y, self.target.y_edges), _place(x, self.target.x_edges)

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
        return _target_area(self.target, target)


@dataclass(frozen=True)
class ScatteredWindow:
    """See `Window`: the target is the whole one."""

    transfer: Scattered
    rows: slice

    @cached_property
    def source_area(self) -> Floats:
        """See `Window`."""
        return _source_area(self.transfer.source, self.rows)

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


def _place(values: Floats, edges: Floats) -> NDArray[np.intp]:
    """Number of the cell that each value lies in; -1 outside and where there is no value."""
    falling = edges[0] > edges[-1]
    rising = edges[::-1] if falling else edges
    place = np.searchsorted(rising, values, side="right") - 1
    place = np.where(values == rising[-1], edges.size - 2, place)
    outside = ~((place >= 0) & (place < edges.size - 1) & np.isfinite(values))
    return np.where(outside, -1, edges.size - 2 - place if falling else place)


def _source_area(source: Axes, rows: slice) -> Floats:
    y, x = source.y_bounds[rows], source.x_bounds
    return cell_area(y, x) if source.crs is None else projected_cell_area(source.crs, y, x)


def _target_area(spec: GridSpec, target: slice) -> Floats:
    y, x = _rising(spec.y_edges), _rising(spec.x_edges)
    order = slice(None) if spec.y_edges[0] < spec.y_edges[-1] else slice(None, None, -1)
    y = y[order][target]
    return cell_area(y, x) if spec.is_geographic else projected_cell_area(spec.crs, y, x)


def make_transfer(source: Axes, target: GridSpec) -> Transfer:
    """Choose the way: exact overlaps where both grids have one reference system, else points."""
    system = source.crs
    same = target.is_geographic if system is None else bool(target.pyproj_crs == system)
    return Separable(source, target) if same else Scattered(source, target)


def without_areas(transfer: Transfer) -> Transfer:
    """Give the short way where every target cell is one source cell or meets none, to the last digit."""
    if not isinstance(transfer, Separable) or transfer.source.crs is None:
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

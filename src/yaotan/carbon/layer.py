"""A raster as the overlay reads it: blocks for windows of pieces, whatever its lattice or CRS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import dask
import numpy as np
import pyproj
import xarray as xr
from numpy.typing import NDArray

from yaotan.carbon.lattice import Axis, Lattice, Pieces, lattice_of
from yaotan.errors import GridError
from yaotan.geodesy import AUTHALIC_RADIUS

#: displacement below which coordinates of two reference systems are the same [pixels]
_SAME: Final = 0.01
#: pieces, and metres, between points at which coordinates are transformed exactly
_STRIDE: Final = 16
_POINT: Final = 2_000.0


@dataclass(frozen=True)
class Window:
    """Pieces of rows and columns that are worked on at once."""

    rows: slice
    columns: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


class Layer:
    """A raster beside the first one.

    Parameters
    ----------
    raster : xarray.DataArray
        Dims ``y, x``.
    first : Lattice, optional
        Of the first raster; None: this is the first.
    """

    def __init__(self, raster: xr.DataArray, first: Lattice | None = None) -> None:
        self.raster, self.lattice = raster, lattice_of(raster)
        self.first = first or self.lattice
        self.turn: pyproj.Transformer | None = None
        if first is not None and not _same_place(self.lattice, first):
            self.turn = pyproj.Transformer.from_crs(first.crs, self.lattice.crs, always_xy=True)
        self.axes = _beside(self.lattice, self.first) if self.turn is None else None

    def split(self) -> int:
        """Parts that a pixel of the first raster is cut to, so that shares of classes are found by points."""
        if self.turn is None:
            return 1
        return int(np.clip(np.ceil(2.0 * pixel_size(self.first) / pixel_size(self.lattice)), 1, 8))

    def reach(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ends of the raster along y and x, in the reference system of the first."""
        if self.axes is not None:
            return ((self.axes[0].start, self.axes[0].stop), (self.axes[1].start, self.axes[1].stop))
        own, back = (
            self.lattice,
            pyproj.Transformer.from_crs(self.lattice.crs, self.first.crs, always_xy=True),
        )
        west, east = sorted((own.x.start, own.x.stop))
        south, north = sorted((own.y.start, own.y.stop))
        left, bottom, right, top = back.transform_bounds(west, south, east, north, densify_pts=41)
        if not np.isfinite([left, bottom, right, top]).all():
            raise GridError(
                "reaches beyond what the reference system of the first raster can show",
                where=self.name,
                fix="open it with region=, or warp it first",
            )
        return (bottom, top), (left, right)

    @property
    def name(self) -> str:
        """For messages."""
        return str(self.raster.attrs.get("source") or self.raster.name or "raster")

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Values of a block of its own rows and columns."""
        data = self.raster.data[rows, columns]
        if dask.is_dask_collection(data):
            data = data.compute(scheduler="synchronous")
        return np.asarray(data)

    def locate(
        self, window: Window, rows: Pieces, columns: Pieces, number: int
    ) -> tuple[slice, slice, Any, Any] | None:
        """Find the block that a window needs, and the place of every piece in it.

        Returns
        -------
        tuple or None
            Rows and columns of the block; row and column of each piece inside it: two vectors, or two
            matrices where reference systems differ (-1: no pixel), or None and None where pieces are the
            pixels of the block. None: no piece has a pixel.
        """
        if self.turn is None:
            of_rows, of_columns = rows.index[number], columns.index[number]
            assert of_rows is not None
            assert of_columns is not None
            i, j = of_rows[window.rows], of_columns[window.columns]
        else:
            i, j = self._scattered(window, rows, columns)
        found = (i >= 0) & (j >= 0) if self.turn is not None else None
        if not (found.any() if found is not None else (i >= 0).any() and (j >= 0).any()):
            return None
        part = tuple(slice(int(k[k >= 0].min()), int(k.max()) + 1) for k in (i, j))
        block_rows, block_columns = part
        i, j = np.where(i >= 0, i - block_rows.start, -1), np.where(j >= 0, j - block_columns.start, -1)
        whole = self.turn is None and all(
            len(k) == p.stop - p.start and bool((k == np.arange(len(k))).all())
            for k, p in ((i, block_rows), (j, block_columns))
        )
        return (block_rows, block_columns, None, None) if whole else (block_rows, block_columns, i, j)

    def _scattered(self, window: Window, rows: Pieces, columns: Pieces) -> tuple[Any, Any]:
        """Row and column of the pixel that the middle of each piece lies in."""
        assert self.turn is not None
        first = self.first
        y, x = _middle(first.y, rows, window.rows), _middle(first.x, columns, window.columns)
        stride = int(np.clip(_POINT // pixel_size(first), 1, _STRIDE))
        p, q = _nodes(len(y), stride), _nodes(len(x), stride)
        far_x, far_y = self.turn.transform(*np.meshgrid(x[q], y[p]))
        if self.lattice.crs.is_geographic:
            west = min(self.lattice.x.start, self.lattice.x.stop)
            middle = np.median(far_x[np.isfinite(far_x)]) if np.isfinite(far_x).any() else 0.0
            far_x = middle + np.mod(far_x - middle + 180.0, 360.0) - 180.0
            out_x = west + np.mod(_between(far_x, p, q, len(y), len(x)) - west, 360.0)
        else:
            out_x = _between(far_x, p, q, len(y), len(x))
        out_y = _between(far_y, p, q, len(y), len(x))
        return _pixel(out_y, self.lattice.y), _pixel(out_x, self.lattice.x)


def gather(values: NDArray[Any], i: Any, j: Any, missing: Any) -> NDArray[Any]:
    """Value of every piece of a window, from a block and the places in it that `Layer.locate` gives.

    Parameters
    ----------
    values : numpy.ndarray
        Of the block.
    i, j : numpy.ndarray or None
        Row and column of each piece: vectors, or matrices, -1 for none; None: all of the block.
    missing : Any
        What pieces without a pixel get.

    Returns
    -------
    numpy.ndarray
        One value a piece.

    Examples
    --------
    >>> gather(np.array([[5, 6]]), np.array([0, -1]), np.array([1, 0]), 9).tolist()
    [[6, 5], [9, 9]]
    """
    if i is None:
        return values
    if i.ndim == 1:
        out = values[i[:, None], j[None, :]]
        out[i < 0, :] = missing
        out[:, j < 0] = missing
        return out
    out = values[i, j]
    out[(i < 0) | (j < 0)] = missing
    return out


def _middle(axis: Axis, pieces: Pieces, part: slice) -> NDArray[np.float64]:
    edges = axis.start + axis.step * pieces.edges[part.start : part.stop + 1]
    return np.asarray((edges[:-1] + edges[1:]) / 2)


def _nodes(count: int, stride: int) -> NDArray[np.int64]:
    return np.unique(np.append(np.arange(0, count, stride), count - 1))


def _between(
    values: NDArray[np.float64], p: NDArray[np.int64], q: NDArray[np.int64], rows: int, columns: int
) -> NDArray[np.float64]:
    """Bilinear interpolation from nodes to all rows and columns; not finite stays so."""
    along = np.empty((len(p), columns))
    for k, line in enumerate(values):
        along[k] = np.interp(np.arange(columns), q, line)
    i = np.clip(np.searchsorted(p, np.arange(rows), side="right") - 1, 0, max(len(p) - 2, 0))
    after = np.minimum(i + 1, len(p) - 1)
    step = np.maximum(p[after] - p[i], 1)
    f = ((np.arange(rows) - p[i]) / step)[:, None]
    with np.errstate(invalid="ignore"):
        return np.asarray(along[i] * (1.0 - f) + along[after] * f)


def _pixel(values: NDArray[np.float64], axis: Axis) -> NDArray[np.int64]:
    place = (values - axis.start) / axis.step
    with np.errstate(invalid="ignore"):
        inside = (place >= 0) & (place < axis.size)
    return np.where(inside, np.floor(np.where(inside, place, 0.0)), -1).astype(np.int64)


def _same_place(one: Lattice, other: Lattice) -> bool:
    """Whether coordinates of the two mean the same places, to a hundredth of a pixel."""
    if one.crs.equals(other.crs, ignore_axis_order=True):
        return True
    if one.crs.is_geographic != other.crs.is_geographic:
        return False
    turn = pyproj.Transformer.from_crs(one.crs, other.crs, always_xy=True)
    x, y = np.linspace(one.x.start, one.x.stop, 5), np.linspace(one.y.start, one.y.stop, 5)
    x, y = (a.ravel() for a in np.meshgrid(x, y))
    moved_x, moved_y = turn.transform(x, y)
    if not np.isfinite(moved_x).all():
        return False
    off_x, off_y = np.abs(moved_x - x) / abs(one.x.step), np.abs(moved_y - y) / abs(one.y.step)
    return bool(max(off_x.max(), off_y.max()) < _SAME)


def _beside(own: Lattice, first: Lattice) -> tuple[Axis, Axis]:
    """Axes of a raster in the turn of longitude of the first."""
    if not own.crs.is_geographic or own is first:
        return own.y, own.x
    middle = [(a.start + a.stop) / 2 for a in (own.x, first.x)]
    turns = round((middle[1] - middle[0]) / 360.0)
    x = Axis(own.x.start + 360.0 * turns, own.x.step, own.x.size)
    ends = [x.start, x.stop, first.x.start, first.x.stop]
    if max(ends) - min(ends) > 360.0 + abs(x.step):
        raise GridError(
            f"longitudes run from {own.x.start:g} to {own.x.stop:g}, of the first raster from "
            f"{first.x.start:g} to {first.x.stop:g}",
            expected="one convention of longitude",
            fix="open both with region=, or roll one to the longitudes of the other",
        )
    return own.y, x


def pixel_size(lattice: Lattice) -> float:
    """Root of the area of a pixel in the middle, about [m].

    Examples
    --------
    >>> lattice = Lattice(Axis(0.5, -1.0, 1), Axis(0.0, 1.0, 1), pyproj.CRS("EPSG:4326"))
    >>> round(pixel_size(lattice) / 1e3)
    111
    """
    if lattice.crs.is_geographic:
        middle = np.radians(np.clip((lattice.y.start + lattice.y.stop) / 2, -89.0, 89.0))
        side = np.radians(1.0) * AUTHALIC_RADIUS
        return float(side * np.sqrt(abs(lattice.x.step * lattice.y.step) * np.cos(middle)))
    unit = float(lattice.crs.axis_info[0].unit_conversion_factor) if lattice.crs.axis_info else 1.0
    return float(unit * np.sqrt(abs(lattice.x.step * lattice.y.step)))

"""The pixels of a raster as an even lattice, and the common pieces of several lattices along an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyproj
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import GridError
from yaotan.schema import check_raster

#: departure from even steps that rounding explains [pixels]
_EVEN: Final = 1e-3
#: edges of two rasters closer than this are one [pixels of the first raster]
_SAME: Final = 1e-6


@dataclass(frozen=True)
class Axis:
    """Edges ``start + step * i``, i = 0 ... size; the step has a sign."""

    start: float
    step: float
    size: int

    @property
    def stop(self) -> float:
        """Last edge."""
        return self.start + self.step * self.size


@dataclass(frozen=True)
class Lattice:
    """Rows and columns of a raster, and its reference system."""

    y: Axis
    x: Axis
    crs: pyproj.CRS

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.y.size, self.x.size


@dataclass(frozen=True)
class Pieces:
    """Common pieces of several rasters along an axis, in the order of the first raster's pixels.

    ``edges`` ``(n + 1,)`` are in pixels of the first raster (its own edges are whole numbers). ``index[k]``
    ``(n,)`` is the pixel of raster k that a piece lies in, -1 where it has none; None where it is not of one
    reference system with the first.
    """

    edges: NDArray[np.float64]
    index: tuple[NDArray[np.int64] | None, ...]

    def __len__(self) -> int:
        return len(self.edges) - 1

    def coordinates(self, axis: Axis) -> NDArray[np.float64]:
        """Edges in the unit of the reference system."""
        return axis.start + axis.step * self.edges


def lattice_of(raster: xr.DataArray) -> Lattice:
    """Read the lattice of a raster from its coordinates.

    Parameters
    ----------
    raster : xarray.DataArray
        Dims ``y, x``, evenly spaced, with a CRS; two pixels or more along each axis.

    Returns
    -------
    Lattice

    Raises
    ------
    GridError
        The spacing is uneven, or there is but one row or column.
    SchemaError
        It is no raster.

    Examples
    --------
    >>> import rioxarray
    >>> raster = xr.DataArray(np.zeros((2, 2)), coords={"y": [1.5, 0.5], "x": [0.5, 1.5]}, dims=("y", "x"))
    >>> lattice_of(raster.rio.write_crs("EPSG:4326")).y
    Axis(start=2.0, step=-1.0, size=2)
    """
    check_raster(raster)
    if raster.ndim != 2:
        raise GridError(f"a raster has dims {raster.dims}", expected="y, x", fix="select one band or time")
    y, x = (_axis(np.asarray(raster[dim].values, dtype=float), dim, _name(raster)) for dim in ("y", "x"))
    crs = pyproj.CRS.from_user_input(raster.rio.crs)
    if crs.is_geographic and max(abs(y.start), abs(y.stop)) > 90 + abs(y.step) / 2:
        raise GridError(f"rows reach beyond a pole ({y.start:g} to {y.stop:g})", where=_name(raster))
    return Lattice(y, x, crs)


def _name(raster: xr.DataArray) -> str:
    return str(raster.attrs.get("source") or raster.name or "raster")


def _axis(values: NDArray[np.float64], dim: str, where: str) -> Axis:
    if values.size < 2:
        raise GridError(f"{dim} has {values.size} value(s)", where=where, expected="two pixels or more")
    step = (values[-1] - values[0]) / (values.size - 1)
    if step == 0 or np.abs(np.diff(values) / step - 1).max() > _EVEN:
        raise GridError(f"{dim} is not evenly spaced", where=where, fix="regrid it to an even lattice")
    return Axis(float(values[0] - step / 2), float(step), values.size)


def common_pieces(axes: list[Axis | None], reach: list[tuple[float, float]], split: int) -> Pieces:
    """Cut an axis at every edge of every raster.

    Parameters
    ----------
    axes : list of Axis or None
        The first is the one that others are expressed in; None for a raster of another reference system.
    reach : list of (float, float)
        Ends of what has to be covered, in the unit of the reference system.
    split : int
        Number of equal parts that every pixel of the first raster is cut to as well.

    Returns
    -------
    Pieces

    Examples
    --------
    >>> pieces = common_pieces([Axis(0.0, 1.0, 2), Axis(0.5, 1.0, 2)], [(0.0, 2.5)], 1)
    >>> pieces.edges.tolist(), pieces.index[1].tolist()
    ([0.0, 0.5, 1.0, 1.5, 2.0, 2.5], [-1, 0, 0, 1, 1])
    """
    first = axes[0]
    assert first is not None
    ends = [(value - first.start) / first.step for pair in reach for value in pair]
    low, high = _snap(np.array([min(ends), max(ends)]))
    cuts = [np.arange(np.floor(low), np.ceil(high) + 1), np.array([low, high])]
    if split > 1:
        cuts.append(np.arange(np.floor(low) * split, np.ceil(high) * split + 1) / split)
    for axis in axes[1:]:
        if axis is not None:
            own = axis.start + axis.step * np.arange(axis.size + 1)
            cuts.append(_snap((own - first.start) / first.step))
    edges = np.unique(np.concatenate(cuts))
    edges = edges[(edges >= low) & (edges <= high)]
    # an edge within rounding of the one before it is that one
    edges = edges[np.concatenate([[True], np.diff(edges) > _SAME])]
    middle = (edges[:-1] + edges[1:]) / 2
    index = tuple(None if axis is None else _index(axis, first, middle) for axis in axes)
    return Pieces(edges, index)


def _snap(edges: NDArray[Any]) -> NDArray[np.float64]:
    whole = np.round(edges)
    return np.where(np.abs(edges - whole) < _SAME, whole, edges)


def _index(axis: Axis, first: Axis, middle: NDArray[np.float64]) -> NDArray[np.int64]:
    place = middle if axis is first else (first.start + first.step * middle - axis.start) / axis.step
    index = np.floor(place).astype(np.int64)
    index[(index < 0) | (index >= axis.size)] = -1
    return index

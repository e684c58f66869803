"""Where points lie among the cells and times of a grid: neighbours and weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyproj
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import GridError
from yaotan.grid.axes import Axes, axes_of

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True)
class Cells:
    """Two rows and two columns for each point (as stored), the share of the second, and whether inside."""

    rows: tuple[Ints, Ints]
    columns: tuple[Ints, Ints]
    row_share: Floats
    column_share: Floats
    inside: NDArray[np.bool_]

    def take(self, values: Any, points: Ints) -> Floats:
        """Interpolate a field ``(..., y, x)`` at some points: ``(points, ...)``; NaN where a cell is."""
        total: Any = 0.0
        for i, row in enumerate(self.rows):
            part = self.row_share[points] if i else 1.0 - self.row_share[points]
            for j, column in enumerate(self.columns):
                weight = part * (self.column_share[points] if j else 1.0 - self.column_share[points])
                corner = values[..., row[points], column[points]]
                # a cell of no weight may be missing
                total = total + np.where(weight == 0.0, 0.0, weight * corner)
        return np.moveaxis(np.asarray(total, float), -1, 0)


def find_cells(grid: xr.Dataset, lat: Floats, lon: Floats, method: str) -> Cells:
    """Find the cells around points.

    Parameters
    ----------
    grid : xarray.Dataset
        Dims ``lat, lon`` or ``y, x`` with a CRS.
    lat, lon : numpy.ndarray
        ``(n,)`` [degrees]; any turn of longitude.
    method : {"linear", "nearest"}
        "nearest": the cell that holds the point, with weight 1.

    Returns
    -------
    Cells
    """
    axes = axes_of(grid)
    if axes.crs is None:
        x, y = lon, lat
    else:
        x, y = pyproj.Transformer.from_crs("EPSG:4326", axes.crs, always_xy=True).transform(lon, lat)
    first, last = axes.x_bounds[0, 0], axes.x_bounds[-1, 1]
    if axes.crs is None:
        x = first + np.mod(x - first, 360.0)
        # a point on the last edge of a regional grid is inside, not a turn away
        x = np.where(x - 360.0 >= first - 1e-9, x - 360.0, x) if last - first < 360.0 - 1e-6 else x
    ring = axes.crs is None and last - first > 360.0 - 1e-6
    with np.errstate(invalid="ignore"):
        inside = (y >= axes.y_bounds[0, 0]) & (y <= axes.y_bounds[-1, 1]) & (x >= first) & (x <= last)
    rows, row_share = _neighbours(_centres(grid, axes, "y"), axes.y_bounds, y, method, None)
    columns, share = _neighbours(_centres(grid, axes, "x"), axes.x_bounds, x, method, 360.0 if ring else None)
    return Cells(
        tuple(_stored(index, axes.shape[0], axes.y_flipped) for index in rows),  # type: ignore[arg-type]
        tuple(_stored(index, axes.shape[1], axes.x_flipped) for index in columns),  # type: ignore[arg-type]
        row_share,
        share,
        inside,
    )


def _centres(grid: xr.Dataset, axes: Axes, which: str) -> Floats:
    """Centres as the file says, in the order and turn of the bounds (a row at the pole is at its edge)."""
    name, bounds, flipped = (
        (axes.y_dim, axes.y_bounds, axes.y_flipped)
        if which == "y"
        else (axes.x_dim, axes.x_bounds, axes.x_flipped)
    )
    centre = grid[name].values.astype(float)
    centre = centre[::-1] if flipped else centre
    if which == "x" and axes.crs is None:
        centre = bounds[:, 0] + np.mod(centre - bounds[:, 0] + 1e-9, 360.0) - 1e-9
    return centre


def _stored(index: Ints, size: int, flipped: bool) -> Ints:
    return size - 1 - index if flipped else index


def _neighbours(
    centre: Floats, bounds: Floats, x: Any, method: str, period: float | None
) -> tuple[tuple[Ints, Ints], Floats]:
    """Give the centres before and after each point, and the share of the second."""
    size = centre.size
    x = np.where(np.isfinite(x), x, centre[0])
    if method == "nearest":
        index = np.clip(np.searchsorted(bounds[:, 0], x, side="right") - 1, 0, size - 1)
        return (index, index), np.zeros(x.shape)
    after = np.searchsorted(centre, x, side="right")
    before = after - 1
    if period is None:
        before, after = np.clip(before, 0, size - 1), np.clip(after, 0, size - 1)
        low, high = centre[before], centre[after]
    else:
        low = np.where(before < 0, centre[-1] - period, centre[before])
        high = np.where(after >= size, centre[0] + period, centre[after % size])
        before, after = before % size, after % size
    width = np.where(high > low, high - low, 1.0)
    return (before, after), np.where(high > low, (x - low) / width, 0.0)


@dataclass(frozen=True)
class TimeAxis:
    """Moments at which fields stand [ns], in order; ``order`` gives their index as stored."""

    moments: NDArray[np.int64]
    order: Ints
    first: int
    last: int

    def find(self, time: Any, method: str) -> tuple[Ints, Floats, NDArray[np.bool_]]:
        """Give the step before each time, how far it is to the next (0 to 1), and whether it is covered."""
        now = time.astype("datetime64[ns]").astype(np.int64)
        within = (now >= self.first) & (now <= self.last) & ~np.isnat(time)
        size = self.moments.size
        step = np.clip(np.searchsorted(self.moments, now, side="right") - 1, 0, max(size - 2, 0))
        later = self.moments[np.minimum(step + 1, size - 1)]
        width = np.maximum(later - self.moments[step], 1)
        share = np.clip((now - self.moments[step]) / width, 0.0, 1.0)
        if size == 1:
            share = np.zeros(share.shape)
        if method == "nearest":
            step, share = step + (share > 0.5), np.zeros(share.shape)
        return step, share, within


def time_axis(grid: xr.Dataset) -> TimeAxis | None:
    """Read the times of a grid: the middle of ``time_bnds`` where they are, else ``time`` itself.

    Raises
    ------
    GridError
        A time is there twice, or is missing.
    """
    if "time" not in grid.dims:
        return None
    moments = grid["time"].values.astype("datetime64[ns]").astype(np.int64)
    first, last = moments.min(), moments.max()
    name = grid["time"].attrs.get("bounds", "time_bnds")
    if name in grid.variables:
        bounds = np.sort(grid[name].values.astype("datetime64[ns]").astype(np.int64), axis=1)
        moments = bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) // 2
        first, last = bounds.min(), bounds.max()
    order = np.argsort(moments, kind="stable")
    if np.isnat(grid["time"].values).any() or not (np.diff(moments[order]) > 0).all():
        raise GridError("a time is missing or there twice", where="time", expected="each time once")
    return TimeAxis(moments[order], order, int(first), int(last))

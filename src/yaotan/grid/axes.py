"""The cells of any grid or raster, read from its coordinates, bounds and coordinate reference system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyproj
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import GridError
from yaotan.grid.edges import crs_of

#: Departure from even spacing, in cells, that rounding of coordinates explains (float64, float32).
_EVEN: Final = {"float64": 1e-6, "float32": 2e-2}


@dataclass(frozen=True)
class Axes:
    """Cells of a grid or raster: bounds that rise, and how to get back to the stored order.

    ``y_bounds`` ``(n, 2)`` and ``x_bounds`` ``(m, 2)`` rise; ``y_flipped``, ``x_flipped`` say that the data
    run the other way; ``even`` that the spacing is even; ``crs`` is None for latitude and longitude.
    """

    y_dim: str
    x_dim: str
    y_bounds: NDArray[np.float64]
    x_bounds: NDArray[np.float64]
    y_flipped: bool
    x_flipped: bool
    even: bool
    crs: pyproj.CRS | None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.y_bounds), len(self.x_bounds)

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """West, south, east, north in the unit of the axes."""
        return (
            float(self.x_bounds[0, 0]),
            float(self.y_bounds[0, 0]),
            float(self.x_bounds[-1, 1]),
            float(self.y_bounds[-1, 1]),
        )

    def stored(self, rows: slice, columns: slice) -> tuple[slice, slice]:
        """Turn a window of rising rows and columns into slices of the data as stored."""
        return _mirrored(rows, self.shape[0], self.y_flipped), _mirrored(
            columns, self.shape[1], self.x_flipped
        )


def _mirrored(window: slice, size: int, flipped: bool) -> slice:
    return slice(size - window.stop, size - window.start) if flipped else window


def axes_of(data: xr.Dataset | xr.DataArray) -> Axes:
    """Read the cells of a grid (lat, lon or y, x) or raster (y, x) from its coordinates, bounds and CRS.

    Parameters
    ----------
    data : xarray.Dataset or xarray.DataArray
        Longitudes may run from -180 or from 0, across the dateline, in any direction. Bounds are taken where
        the coordinate names them, else cells are centred between neighbours.

    Returns
    -------
    Axes

    Raises
    ------
    GridError
        No pair of axes, axes not monotonic, more than 360 degrees of longitude, or y, x without a CRS.
    """
    pair = next(
        (p for p in (("lat", "lon"), ("latitude", "longitude"), ("y", "x")) if set(p) <= set(data.dims)), None
    )
    if pair is None:
        raise GridError(f"dims are {list(data.dims)}", expected="lat, lon or y, x among the dimensions")
    crs = _crs_of(data) if pair == ("y", "x") else None
    if crs is not None and crs.is_geographic:
        crs = None
    y, y_flipped, y_even = _bounds(data, pair[0], None)
    x, x_flipped, x_even = _bounds(data, pair[1], 360.0 if crs is None else None)
    if crs is None:
        if np.abs(y).max() > 90.0 + 1e-3:
            raise GridError(f"{pair[0]} reaches {np.abs(y).max():g} degrees", expected="-90 to 90")
        y = np.clip(y, -90.0, 90.0)
        if x[-1, 1] - x[0, 0] > 360.0 + 1e-6 * 360.0:
            raise GridError(
                f"{pair[1]} spans {x[-1, 1] - x[0, 0]:g} degrees: some places are there twice",
                expected="at most 360 degrees",
                fix="drop the repeated column(s)",
            )
    even = y_even and x_even and bool(np.allclose(np.diff(y, axis=1), np.diff(y[:1], axis=1), rtol=1e-3))
    return Axes(pair[0], pair[1], y, x, y_flipped, x_flipped, even, crs)


def _crs_of(data: xr.Dataset | xr.DataArray) -> pyproj.CRS:
    import rioxarray  # noqa: F401  (registers the accessor)

    crs = data.rio.crs  # by the grid mapping that the variables name
    return pyproj.CRS.from_user_input(crs_of(data, ("y", "x")) if crs is None else crs)


def _bounds(
    data: xr.Dataset | xr.DataArray, dim: str, period: float | None
) -> tuple[NDArray[np.float64], bool, bool]:
    """Give rising bounds ``(n, 2)``, whether they were turned over, and whether the spacing is even."""
    coordinate = data[dim]
    centre = coordinate.values.astype(float)
    name = coordinate.attrs.get("bounds", coordinate.encoding.get("bounds"))
    if name in data.coords or (isinstance(data, xr.Dataset) and name in data):
        bounds = np.sort(np.asarray(data[name].values, dtype=float).reshape(-1, 2), axis=1)
        if period is not None:
            # a cell whose edges are wrapped apart (179.5, -179.5) is one cell, not the rest of the globe
            wrapped = (centre <= bounds[:, 0]) | (centre >= bounds[:, 1])
            bounds[wrapped] = bounds[wrapped][:, ::-1] + [0.0, 360.0]
            step = np.diff(bounds[:, 0])
            if not ((step > 0).all() or (step < 0).all()):  # else a cell may be wider than half a turn
                bounds = np.unwrap(bounds[:, 0], period=period)[:, None] + (bounds - bounds[:, :1])
    elif centre.size < 2:
        raise GridError(f"{dim} has one value and no bounds", fix=f"add a variable {dim}_bnds")
    else:
        if period is not None:
            centre = np.unwrap(centre, period=period)
        middle = (centre[:-1] + centre[1:]) / 2.0
        edges = np.concatenate([[2 * centre[0] - middle[0]], middle, [2 * centre[-1] - middle[-1]]])
        bounds = np.sort(np.stack([edges[:-1], edges[1:]], axis=1), axis=1)
    flipped = bool(len(bounds) > 1 and bounds[1, 0] < bounds[0, 0])
    bounds = bounds[::-1] if flipped else bounds
    gap = np.abs(bounds[1:, 0] - bounds[:-1, 1])
    width = bounds[:, 1] - bounds[:, 0]
    if not (width > 0).all() or (gap > 1e-3 * width.min()).any():
        raise GridError(f"the cells of {dim} overlap or leave gaps", expected="cells side by side")
    tolerance = _EVEN.get(str(coordinate.dtype), 1e-6)
    mean = (bounds[-1, 1] - bounds[0, 0]) / len(bounds)
    even = bool(
        (np.abs(bounds[:, 0] - (bounds[0, 0] + mean * np.arange(len(bounds)))) < tolerance * mean).all()
    )
    return bounds, flipped, even

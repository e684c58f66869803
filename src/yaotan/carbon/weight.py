"""True area of pieces of pixels: ellipsoidal bands, or the local areal scale of a projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pyproj
from numpy.typing import NDArray

from yaotan.carbon.lattice import Lattice, Pieces
from yaotan.errors import GridError
from yaotan.geodesy import band_area
from yaotan.grid.projected import projected_cell_area

Method = Literal["exact", "planar"]
#: side of the cells whose mean scale is taken, and distance between nodes of the mesh [m]
_CELL: Final = 5_000.0
_MESH: Final = 20_000.0
#: greatest number of nodes along an axis (a continental raster); the scale is smooth
_NODES: Final = 400
#: a projection whose scale is nowhere further from 1 is equal-area (CGCS2000 against WGS84 is 1e-9)
_EQUAL: Final = 1e-8
#: greatest distance between points at which the scale is taken [m]
_POINT: Final = 500.0
#: greatest number of pieces between two such points
_STRIDE: Final = 16


@dataclass(frozen=True)
class Weights:
    """Area of piece (i, j) is ``row[i] * column[j]``, times the areal scale where there is one [m2].

    ``uniform`` says that all columns are as wide as one another.
    """

    row: NDArray[np.float64]
    column: NDArray[np.float64]
    uniform: bool
    scale: Any = None
    y: NDArray[np.float64] | None = None
    x: NDArray[np.float64] | None = None

    def scale_points(self, rows: slice, columns: slice, pixel: float) -> tuple[NDArray[np.float64], int]:
        """Scale at the corners of pieces, every so many pieces, and that number.

        Between the points it is linear: with points h apart its relative error is below (h / R)^2 / 6 for the
        projections in use, 1e-9 at 500 m.
        """
        assert self.y is not None
        assert self.x is not None
        stride = int(np.clip(_POINT // pixel, 1, _STRIDE))
        y, x = (
            _every(self.y[rows.start : rows.stop + 1], stride),
            _every(self.x[columns.start : columns.stop + 1], stride),
        )
        return self.scale(y, x), stride


def _every(edges: NDArray[np.float64], stride: int) -> NDArray[np.float64]:
    """Every n-th edge, and as many beyond the last as make the last step whole."""
    count = -(-(len(edges) - 1) // stride) + 1
    index = np.arange(count) * stride
    whole = index < len(edges)
    last, step = edges[-1], (edges[-1] - edges[0]) / (len(edges) - 1)
    return np.where(whole, edges[np.minimum(index, len(edges) - 1)], last + step * (index - len(edges) + 1))


def make_weights(lattice: Lattice, rows: Pieces, columns: Pieces, method: Method) -> Weights:
    """Prepare the areas of pieces.

    Parameters
    ----------
    lattice : Lattice
        Of the first raster, whose reference system counts.
    rows, columns : Pieces
        Along its axes.
    method : {"exact", "planar"}
        On the ellipsoid; or side times side in the plane of a projection, only to match others.

    Returns
    -------
    Weights

    Raises
    ------
    GridError
        Planar areas of degrees are asked for, or the projection has no answer in the whole raster.
    """
    y, x = rows.coordinates(lattice.y), columns.coordinates(lattice.x)
    wide = np.abs(np.diff(x))
    uniform = bool(np.ptp(np.diff(columns.edges)) < 1e-9)
    if lattice.crs.is_geographic:
        if method == "planar":
            raise GridError(
                "planar areas of degrees are no areas",
                expected="area='exact' for latitude and longitude",
                fix="leave area= out",
            )
        return Weights(band_area(np.clip(y, -90.0, 90.0)), np.radians(wide), uniform)
    unit = float(lattice.crs.axis_info[0].unit_conversion_factor) if lattice.crs.axis_info else 1.0
    tall, wide = np.abs(np.diff(y)) * unit, wide * unit
    if method == "planar":
        return Weights(tall, wide, uniform)
    scale = _areal_scale(lattice.crs, y, x, unit)
    return Weights(tall, wide, uniform, scale, y, x)


def _areal_scale(crs: pyproj.CRS, y: NDArray[np.float64], x: NDArray[np.float64], unit: float) -> Any:
    """True area per planar area as a smooth function of place, None for an equal-area projection.

    The mean scale of cells of 5 and of 10 km (`projected_cell_area`, on the WGS84 ellipsoid whatever the
    datum) gives the scale at their centre by Richardson's extrapolation; between nodes 20 km apart (400 along
    an axis at most) it is a bicubic spline.
    """
    from scipy.interpolate import RectBivariateSpline

    down, along = _nodes(y, unit), _nodes(x, unit)
    means = [_mean_scale(crs, down, along, _CELL * factor / unit, unit) for factor in (1.0, 2.0)]
    values = (4.0 * means[0] - means[1]) / 3.0
    known = np.isfinite(values)
    if not known.any():
        raise GridError(f"the projection {crs.name!r} has no answer in the whole raster", fix="check its CRS")
    if np.abs(values[known] - 1.0).max() < _EQUAL:
        return None
    if not known.all():  # beyond the edge of the world: no pixel of land lies there
        from scipy.ndimage import distance_transform_edt

        nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
        values = values[tuple(nearest)]
    spline = RectBivariateSpline(down, along, values, kx=3, ky=3, s=0)

    def scale(rows: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
        found = spline(np.sort(rows), np.sort(columns))
        turned = found[:: -1 if rows[0] > rows[-1] else 1, :: -1 if columns[0] > columns[-1] else 1]
        return np.ascontiguousarray(turned)

    return scale


def _nodes(values: NDArray[np.float64], unit: float) -> NDArray[np.float64]:
    low, high = values.min(), values.max()
    count = int(np.clip(np.ceil((high - low) * unit / _MESH), 4, _NODES))
    margin = (high - low) / count
    return np.linspace(low - margin, high + margin, count + 3)


def _mean_scale(
    crs: pyproj.CRS, y: NDArray[np.float64], x: NDArray[np.float64], side: float, unit: float
) -> NDArray[np.float64]:
    around = np.array([-side / 2, side / 2])
    area = projected_cell_area(crs, y[:, None] + around, x[:, None] + around)
    return area / (side * unit) ** 2

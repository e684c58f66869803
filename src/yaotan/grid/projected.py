"""True areas of the cells of a projected grid."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.constants import WGS84_A, WGS84_E2
from yaotan.errors import GridError
from yaotan.geodesy import cell_area, edge_pairs

#: Smallest extent over which the areal scale of a projection is taken [m].
_STENCIL: Final = 5000.0

#: Cells whose areal scale is worked out at once (bounds the memory).
_BLOCK: Final = 100_000


def projected_cell_area(crs: Any, y_edges: ArrayLike, x_edges: ArrayLike) -> NDArray[np.float64]:
    """True area of the cells of a projected grid, on the WGS84 ellipsoid.

    The position r on the ellipsoid (geocentric, so that poles and the dateline are nothing special) is
    interpolated by a biquadratic through 3 x 3 points, and ``|dr/dx x dr/dy|`` is integrated by 2 x 2
    Gauss-Legendre points. Below 100 km the relative error is below 1e-6; cells below 5 km take the areal
    scale of the 5 km around their centre, which keeps the rounding of inverse projections out.

    Parameters
    ----------
    crs : Any
        Whatever `pyproj.CRS.from_user_input` takes. A geographic CRS is passed on to `cell_area`.
    y_edges, x_edges : array_like
        Edges or bounds in the unit of the CRS.

    Returns
    -------
    numpy.ndarray
        ``(n, m)`` [m2]; NaN where a cell reaches beyond the domain of the projection.

    Raises
    ------
    GridError
        The CRS cannot be understood, or edges are not monotonic.

    Examples
    --------
    >>> float(projected_cell_area("EPSG:6933", [0, 1000], [0, 1000])[0, 0].round(-1))
    1000000.0
    """
    import pyproj  # late: bare imports of bottom modules stay light

    try:
        system = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise GridError(f"the coordinate reference system {crs!r} is unknown ({error})") from error
    if system.is_geographic:
        return cell_area(y_edges, x_edges)
    unit = float(system.axis_info[0].unit_conversion_factor) if system.axis_info else 1.0
    ys, xs = edge_pairs(y_edges, "y_edges"), edge_pairs(x_edges, "x_edges")
    inverse = pyproj.Transformer.from_crs(system, "EPSG:4326", always_xy=True)
    rows = max(1, _BLOCK // len(xs))
    scale = [
        _inverse_areal_scale(inverse, ys[start : start + rows], xs, _STENCIL / unit)
        for start in range(0, len(ys), rows)
    ]
    return np.concatenate(scale) * np.abs(np.outer(ys[:, 1] - ys[:, 0], xs[:, 1] - xs[:, 0]))


def _stencil(pairs: NDArray[np.float64], least: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Three points per cell (low, centre, high), at least ``least`` apart, and half their extent."""
    half = np.maximum(np.abs(pairs[:, 1] - pairs[:, 0]), least) / 2.0
    return pairs.mean(axis=1)[:, None] + half[:, None] * np.array([-1.0, 0.0, 1.0]), half


def _inverse_areal_scale(
    inverse: Any, ys: NDArray[np.float64], xs: NDArray[np.float64], least: float
) -> NDArray[np.float64]:
    """Mean true area per planar area of each cell ``(n, m)``, in m2 per squared unit of the CRS."""
    (y, half_y), (x, half_x) = _stencil(ys, least), _stencil(xs, least)
    lon, lat = inverse.transform(*np.meshgrid(x.ravel(), y.ravel()))
    phi, lam = np.radians(lat), np.radians(lon)
    with np.errstate(invalid="ignore"):  # infinite where the inverse projection has no answer
        normal = WGS84_A / np.sqrt(1.0 - WGS84_E2 * np.sin(phi) ** 2)
        flat = normal * np.cos(phi)
        place = np.stack(
            [flat * np.cos(lam), flat * np.sin(lam), normal * (1.0 - WGS84_E2) * np.sin(phi)], -1
        )
        place = place.reshape(len(y), 3, len(x), 3, 3)
        total = np.zeros((len(y), len(x)))
        for t_y in (-1.0, 1.0):
            for t_x in (-1.0, 1.0):
                value_y, slope_y = _quadratic(t_y / math.sqrt(3.0))
                value_x, slope_x = _quadratic(t_x / math.sqrt(3.0))
                along_y = np.einsum("iajbc,a,b->ijc", place, slope_y, value_x) / half_y[:, None, None]
                along_x = np.einsum("iajbc,a,b->ijc", place, value_y, slope_x) / half_x[None, :, None]
                total += 0.25 * np.linalg.norm(np.cross(along_x, along_y), axis=-1)
    return np.where(np.isfinite(total), total, np.nan)


def _quadratic(t: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lagrange weights of the nodes -1, 0, 1 for the value and the derivative at t."""
    value = np.array([t * (t - 1.0) / 2.0, 1.0 - t * t, t * (t + 1.0) / 2.0])
    return value, np.array([t - 0.5, -2.0 * t, t + 0.5])

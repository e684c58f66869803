"""Areas, distances and longitudes on the WGS84 ellipsoid: the one place that computes them."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.constants import WGS84_A, WGS84_F
from yaotan.errors import GridError

_E2: Final = WGS84_F * (2.0 - WGS84_F)
_E: Final = math.sqrt(_E2)
_B2: Final = WGS84_A**2 * (1.0 - _E2)

#: Radius of the sphere with the surface of the WGS84 ellipsoid [m]: Snyder (1987), eq. 3-13.
AUTHALIC_RADIUS: Final = math.sqrt(_B2 / 2.0 * (1.0 / (1.0 - _E2) + math.atanh(_E) / _E))

#: Rounding that edges built as start + step * index may carry beyond a pole or a full turn [degrees].
_SLACK: Final = 1e-6

#: Smallest extent over which the areal scale of a projection is taken [m].
_STENCIL: Final = 5000.0

#: Cells whose areal scale is worked out at once (bounds the memory).
_BLOCK: Final = 100_000


def _pairs(edges: ArrayLike, name: str) -> NDArray[np.float64]:
    """Give ``(n, 2)`` lower and upper bounds of cells from edges ``(n + 1,)`` or bounds ``(n, 2)``."""
    values = np.asarray(edges, dtype=float)
    if values.ndim == 1 and values.size >= 2:
        values = np.stack([values[:-1], values[1:]], axis=1)
    if values.ndim != 2 or values.shape[1] != 2:
        raise GridError(f"{name} has shape {np.shape(edges)}", expected="edges (n + 1,) or bounds (n, 2)")
    if not np.isfinite(values).all():
        raise GridError(f"{name} holds a value that is not finite", expected="finite edges")
    step = values[:, 1] - values[:, 0]
    if not ((step > 0).all() or (step < 0).all()):
        raise GridError(f"{name} is not strictly monotonic", expected="edges that all rise or all fall")
    return values


def band_area(lat_edges: ArrayLike) -> NDArray[np.float64]:
    """Area of latitude bands per radian of longitude on the WGS84 ellipsoid.

    With ``s = sin(lat)`` the area from the equator is ``b^2 / 2 (s / (1 - e^2 s^2) + atanh(e s) / e)``
    (Snyder 1987, USGS Professional Paper 1395, eq. 3-12). The difference of two edges is taken in closed
    form, so that thin bands near a pole lose no digits.

    Parameters
    ----------
    lat_edges : array_like
        Geodetic latitude edges ``(n + 1,)`` or bounds ``(n, 2)`` [degrees], rising or falling.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` [m2 rad-1], positive.

    Raises
    ------
    GridError
        Edges beyond a pole, not monotonic or not finite.

    Examples
    --------
    >>> float(band_area([-90, 90])[0] * 2 * np.pi / 1e12)
    510.065621724...
    """
    pairs = _pairs(lat_edges, "lat_edges")
    if np.abs(pairs).max() > 90.0 + _SLACK:
        raise GridError(
            f"latitude edge {pairs.flat[np.abs(pairs).argmax()]:g} lies beyond a pole",
            expected="edges between -90 and 90 degrees",
        )
    low, high = np.radians(np.clip(pairs, -90.0, 90.0)).T
    s1, s2 = np.sin(low), np.sin(high)
    ds = 2.0 * np.cos((low + high) / 2.0) * np.sin((high - low) / 2.0)
    rational = ds * (1.0 + _E2 * s1 * s2) / ((1.0 - _E2 * s1**2) * (1.0 - _E2 * s2**2))
    logarithm = np.arctanh(_E * ds / (1.0 - _E2 * s1 * s2)) / _E
    return np.abs(_B2 / 2.0 * (rational + logarithm))


def cell_area(lat_edges: ArrayLike, lon_edges: ArrayLike) -> NDArray[np.float64]:
    """Area of the cells of a latitude-longitude grid, exact on the WGS84 ellipsoid.

    Parameters
    ----------
    lat_edges : array_like
        Edges ``(n + 1,)`` or bounds ``(n, 2)`` [degrees], rising or falling.
    lon_edges : array_like
        Edges ``(m + 1,)`` or bounds ``(m, 2)`` [degrees], rising or falling, unwrapped (170, 180, 190, not
        170, 180, -170).

    Returns
    -------
    numpy.ndarray
        ``(n, m)`` [m2].

    Raises
    ------
    GridError
        Edges beyond a pole, not monotonic, not finite, or a cell wider than 360 degrees.

    Examples
    --------
    >>> cell_area([0, 1], [0, 1, 3]).round(-6) / 1e6
    array([[12308., 24617.]])
    """
    pairs = _pairs(lon_edges, "lon_edges")
    width = np.abs(pairs[:, 1] - pairs[:, 0])
    if width.max() > 360.0 + _SLACK:
        raise GridError(f"a cell is {width.max():g} degrees wide", expected="at most 360 degrees")
    return np.outer(band_area(lat_edges), np.radians(width))


def polygon_area(geometry: Any) -> NDArray[np.float64]:
    """Area of polygons on the WGS84 ellipsoid, their edges straight in longitude and latitude.

    The edges are cut to pieces of 0.1 degree and mapped to the cylindrical equal-area plane (longitude,
    authalic function of `band_area`), in which planar area is true area; the error is of the order 1e-7.

    Parameters
    ----------
    geometry : shapely geometry or array_like of them
        [degrees]; not across the dateline in a jump (see `yaotan.io.region.open_regions`).

    Returns
    -------
    numpy.ndarray
        [m2], shape of the input.

    Examples
    --------
    >>> import shapely
    >>> float(polygon_area(shapely.box(0, 0, 1, 1)).round(-6) / 1e6)
    12308.0
    """
    import shapely

    return np.asarray(shapely.area(equal_area_plane(geometry)))


def equal_area_plane(geometry: Any) -> Any:
    """Map polygons to the plane (longitude [rad], authalic northing [m2 rad-1]), where planar area is true.

    Parameters
    ----------
    geometry : shapely geometry or array_like of them
        [degrees]; edges are cut to pieces of at most 0.1 degree first.

    Returns
    -------
    shapely geometry or numpy.ndarray
        Planar area in m2; a parallel stays a horizontal line, a meridian a vertical one.

    Examples
    --------
    >>> import shapely
    >>> west, south, east, north = equal_area_plane(shapely.box(0, 0, 180, 90)).bounds
    >>> bool(np.isclose((east - west) * (north - south), 4 * np.pi * AUTHALIC_RADIUS**2 / 4))
    True
    """
    import shapely

    def place(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack([np.radians(xy[:, 0]), authalic_northing(xy[:, 1])])

    return shapely.transform(shapely.segmentize(geometry, 0.1), place)


def authalic_northing(latitude: ArrayLike) -> NDArray[np.float64]:
    """Area between the equator and a latitude per radian of longitude, negative in the south [m2 rad-1].

    Snyder (1987), eq. 3-12. For narrow bands take `band_area`, which does not lose digits.

    Examples
    --------
    >>> float(authalic_northing(90.0) * 4 * np.pi / 1e12)
    510.065621724...
    """
    s = np.sin(np.radians(np.asarray(latitude, dtype=float)))
    return np.asarray(_B2 / 2.0 * (s / (1.0 - _E2 * s**2) + np.arctanh(_E * s) / _E))


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
    ys, xs = _pairs(y_edges, "y_edges"), _pairs(x_edges, "x_edges")
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
        normal = WGS84_A / np.sqrt(1.0 - _E2 * np.sin(phi) ** 2)
        flat = normal * np.cos(phi)
        place = np.stack([flat * np.cos(lam), flat * np.sin(lam), normal * (1.0 - _E2) * np.sin(phi)], -1)
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


def distance(
    latitude_1: ArrayLike, longitude_1: ArrayLike, latitude_2: ArrayLike, longitude_2: ArrayLike
) -> NDArray[np.float64]:
    """Great-circle distance on the authalic sphere (haversine form).

    Against geodesics of the ellipsoid the relative error stays below 0.6 per cent (largest along a meridian
    at the equator, and at the poles); enough for error correlation and neighbour search, not for surveying.

    Parameters
    ----------
    latitude_1, longitude_1, latitude_2, longitude_2 : array_like
        Points [degrees]; broadcast against one another.

    Returns
    -------
    numpy.ndarray
        [m].

    Examples
    --------
    >>> round(float(distance(0, 179.5, 0, -179.5)) / 1e3, 1)
    111.2
    """
    phi_1, phi_2 = np.radians(np.asarray(latitude_1, float)), np.radians(np.asarray(latitude_2, float))
    half_lon = np.radians(np.asarray(longitude_2, float) - np.asarray(longitude_1, float)) / 2.0
    h = np.sin((phi_2 - phi_1) / 2.0) ** 2 + np.cos(phi_1) * np.cos(phi_2) * np.sin(half_lon) ** 2
    return np.asarray(2.0 * AUTHALIC_RADIUS * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0))))


def wrap_longitude(longitude: ArrayLike) -> NDArray[np.float64]:
    """Bring longitudes into [-180, 180).

    Parameters
    ----------
    longitude : array_like
        [degrees], any turn; NaN stays NaN.

    Returns
    -------
    numpy.ndarray
        Same shape.

    Examples
    --------
    >>> wrap_longitude([180.0, 359.5, -180.0, 12.5])
    array([-180. ,   -0.5, -180. ,   12.5])
    """
    values = np.asarray(longitude, dtype=float)
    inside = (values >= -180.0) & (values < 180.0)
    wrapped = np.mod(values + 180.0, 360.0) - 180.0
    # mod of a tiny negative number rounds up to 360 itself
    wrapped = np.where(wrapped >= 180.0, -180.0, wrapped)
    return np.where(inside, values, wrapped)

"""Areas, distances and longitudes on the WGS84 ellipsoid: the one place that computes them."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.constants import WGS84_A, WGS84_E2
from yaotan.errors import GridError

_E: Final = math.sqrt(WGS84_E2)
_B2: Final = WGS84_A**2 * (1.0 - WGS84_E2)

#: Radius of the sphere with the surface of the WGS84 ellipsoid [m]: Snyder (1987), eq. 3-13.
AUTHALIC_RADIUS: Final = math.sqrt(_B2 / 2.0 * (1.0 / (1.0 - WGS84_E2) + math.atanh(_E) / _E))

#: Rounding that edges built as start + step * index may carry beyond a pole or a full turn [degrees].
_SLACK: Final = 1e-6


def edge_pairs(edges: ArrayLike, name: str) -> NDArray[np.float64]:
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
    pairs = edge_pairs(lat_edges, "lat_edges")
    if np.abs(pairs).max() > 90.0 + _SLACK:
        raise GridError(
            f"latitude edge {pairs.flat[np.abs(pairs).argmax()]:g} lies beyond a pole",
            expected="edges between -90 and 90 degrees",
        )
    # from south to north whatever the order given: the closed form is not symmetric in the last digit
    clipped = np.sort(np.clip(pairs, -90.0, 90.0), axis=1)
    low, high = np.radians(clipped).T
    s1, s2 = np.sin(low), np.sin(high)
    # the height in degrees is exact; of two angles in radians it would carry the rounding of both, which is
    # 1e-11 of a band of 30 m
    half = np.radians((clipped[:, 1] - clipped[:, 0]) / 2.0)
    ds = 2.0 * np.cos((low + high) / 2.0) * np.sin(half)
    rational = ds * (1.0 + WGS84_E2 * s1 * s2) / ((1.0 - WGS84_E2 * s1**2) * (1.0 - WGS84_E2 * s2**2))
    logarithm = np.arctanh(_E * ds / (1.0 - WGS84_E2 * s1 * s2)) / _E
    return _B2 / 2.0 * (rational + logarithm)


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
    pairs = edge_pairs(lon_edges, "lon_edges")
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
    return np.asarray(_B2 / 2.0 * (s / (1.0 - WGS84_E2 * s**2) + np.arctanh(_E * s) / _E))


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


def sphere_point(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.float64]:
    """Points on the authalic sphere in space, for distances through the sphere (chords).

    Covariance functions that are valid in three dimensions stay valid on the sphere with chords, not with
    great-circle distances.

    Parameters
    ----------
    latitude, longitude : array_like
        [degrees]; broadcast against one another.

    Returns
    -------
    numpy.ndarray
        ``(..., 3)`` [m].

    Examples
    --------
    >>> a, b = sphere_point([0.0, 0.0], [0.0, 180.0])
    >>> bool(np.isclose(np.linalg.norm(a - b), 2.0 * AUTHALIC_RADIUS))
    True
    """
    phi, lam = np.radians(np.asarray(latitude, float)), np.radians(np.asarray(longitude, float))
    unit = np.stack(
        np.broadcast_arrays(np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)), axis=-1
    )
    return np.asarray(AUTHALIC_RADIUS * unit)


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

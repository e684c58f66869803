"""The plane around a place: distances in metres eastward and northward, on the WGS84 ellipsoid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.constants import WGS84_A, WGS84_E2
from yaotan.geodesy import AUTHALIC_RADIUS


def earth_point(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.float64]:
    """Points on the WGS84 ellipsoid in space (geocentric, x to the meridian of Greenwich).

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
    >>> earth_point(0.0, 90.0).round(0)
    array([      0., 6378137.,       0.])
    """
    phi, lam = np.broadcast_arrays(
        np.radians(np.asarray(latitude, float)), np.radians(np.asarray(longitude, float))
    )
    radius, height = _meridian(phi)
    return np.stack([radius * np.cos(lam), radius * np.sin(lam), height], -1)


def _meridian(phi: Any) -> tuple[Any, Any]:
    """Distance from the axis and height above the plane of the equator of points on the ellipsoid [m]."""
    sine = np.sin(phi)
    normal = WGS84_A / np.sqrt(1.0 - WGS84_E2 * sine**2)
    return normal * np.cos(phi), normal * (1.0 - WGS84_E2) * sine


def local_plane(
    latitude: ArrayLike, longitude: ArrayLike, origin_latitude: float, origin_longitude: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eastward and northward distance from a place, by distance and true azimuth (azimuthal equidistant).

    The distance is the chord through the ellipsoid, stretched to the arc of a sphere; the azimuth that of the
    normal section. Within 300 km both agree with geodesics to 1e-5 of the distance. Distances between two
    other points are stretched by up to d^2 / (6 R^2): 2e-4 at 200 km. Dateline and poles are no borders.

    Parameters
    ----------
    latitude, longitude : array_like
        [degrees].
    origin_latitude, origin_longitude : float
        The place [degrees].

    Returns
    -------
    east, north : numpy.ndarray
        [m].

    Examples
    --------
    >>> east, north = local_plane([0.0, 1.0], [-179.5, 180.0], 0.0, 179.5)
    >>> east.round(-2), north.round(-2)
    (array([111300.,  55700.]), array([     0., 110600.]))
    """
    phi, lam = np.broadcast_arrays(
        np.radians(np.asarray(latitude, float)),
        np.radians(np.asarray(longitude, float) - origin_longitude),
    )
    # from the axis and above the equator; the meridian of the place is that of the first coordinate
    (radius, height), (radius0, height0) = _meridian(phi), _meridian(np.radians(origin_latitude))
    east = radius * np.sin(lam)
    outward, upward = radius * np.cos(lam) - radius0, height - height0
    at = math.radians(origin_latitude)
    north = upward * math.cos(at) - outward * math.sin(at)
    chord2 = east**2 + outward**2 + upward**2
    arc = np.sqrt(chord2) * (1.0 + chord2 / (24.0 * AUTHALIC_RADIUS**2))
    flat = np.hypot(east, north)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.where(flat > 0.0, arc / flat, 1.0)
    return east * scale, north * scale

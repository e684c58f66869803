"""Corners of footprints: as stored, from a ring of points, or from the size of the instrument's spot."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: WGS84 ellipsoid: semi-major axis [m] and squared eccentricity (NGA.STND.0036)
_AXIS: Final = 6378137.0
_E2: Final = 6.69437999014e-3
#: beyond this latitude a square is laid out by geodesics, since meridians converge within it
_POLAR: Final = 85.0


def wrap(longitude: Floats) -> Floats:
    """Bring longitudes into [-180, 180).

    Examples
    --------
    >>> import numpy as np
    >>> wrap(np.array([180.0, -190.0, 10.0]))
    array([-180.,  170.,   10.])
    """
    outside = (longitude >= 180.0) | (longitude < -180.0)
    # in-range values stay as they are, bit for bit
    return np.where(outside, (longitude + 180.0) % 360.0 - 180.0, longitude)


def square_corners(latitude: Floats, longitude: Floats, diameter_km: float) -> tuple[Floats, Floats]:
    """Corners of a square that has the area of a circular footprint, sides along the compass.

    Parameters
    ----------
    latitude, longitude : numpy.ndarray
        Centres [degrees].
    diameter_km : float
        Diameter of the circle [km].

    Returns
    -------
    latitude, longitude : numpy.ndarray
        Shape (n, 4): south-west, south-east, north-east, north-west.

    Notes
    -----
    Half side ``s = d sqrt(pi) / 4``; ``dlat = s / M`` and ``dlon = s / (N cos lat)`` with the radii of
    curvature M (meridian) and N (prime vertical) of the WGS84 ellipsoid. Beyond 85 degrees the corners
    are placed along geodesics at 45, 135, 225 and 315 degrees instead.
    """
    half = diameter_km * 1000.0 * np.sqrt(np.pi) / 4.0
    sine = np.sin(np.deg2rad(latitude))
    bend = 1.0 - _E2 * sine**2
    prime = _AXIS / np.sqrt(bend)
    meridian = _AXIS * (1.0 - _E2) / bend**1.5
    dlat = np.rad2deg(half / meridian)
    # rounding at the pole itself is harmless: those rows are replaced below
    cosine = np.maximum(np.cos(np.deg2rad(latitude)), 1e-6)
    dlon = np.rad2deg(half / (prime * cosine))
    lat = latitude[:, None] + dlat[:, None] * np.array([-1.0, -1.0, 1.0, 1.0])
    lon = longitude[:, None] + dlon[:, None] * np.array([-1.0, 1.0, 1.0, -1.0])
    polar = np.abs(latitude) > _POLAR
    if polar.any():
        lat[polar], lon[polar] = _geodesic_square(latitude[polar], longitude[polar], half)
    return lat, wrap(lon)


def _geodesic_square(latitude: Floats, longitude: Floats, half: float) -> tuple[Floats, Floats]:
    from pyproj import Geod  # late: only polar soundings need it

    azimuth = np.array([225.0, 135.0, 45.0, 315.0])
    shape = (latitude.size, 4)
    lon, lat, _ = Geod(ellps="WGS84").fwd(
        np.repeat(longitude, 4),
        np.repeat(latitude, 4),
        np.tile(azimuth, latitude.size),
        np.full(latitude.size * 4, half * np.sqrt(2.0)),
    )
    return np.reshape(lat, shape), np.reshape(lon, shape)


def _shoelace(x: Floats, y: Floats) -> Floats:
    return 0.5 * np.abs(np.sum(x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y, axis=1))


def ring_corners(latitude: Floats, longitude: Floats) -> tuple[Floats, Floats]:
    """Quadrilateral with the area and the centre of a ring of footprint points.

    Parameters
    ----------
    latitude, longitude : numpy.ndarray
        Shape (n, points), the points in order around the ring, not closed; a multiple of 4.

    Returns
    -------
    latitude, longitude : numpy.ndarray
        Shape (n, 4). The four points at 45, 135, 225 and 315 degrees from the first one, moved away from
        the centre until the quadrilateral has the area of the ring's polygon. NaN where a point is.

    Notes
    -----
    Longitudes may wrap within a ring. Areas are compared in longitude and latitude: their ratio, which
    is all that is used, does not change with the scale of either axis.
    """
    points = latitude.shape[1]
    reference = longitude[:, :1]
    lon = reference + wrap(longitude - reference)
    centre_lat, centre_lon = latitude.mean(axis=1, keepdims=True), lon.mean(axis=1, keepdims=True)
    y, x = latitude - centre_lat, lon - centre_lon
    steps = (np.arange(4) * points) // 4 + points // 8
    # where 45 degrees falls between two points, their middle is taken
    after = steps if points % 8 == 0 else steps + 1
    corner_y, corner_x = (y[:, steps] + y[:, after]) / 2, (x[:, steps] + x[:, after]) / 2
    area = _shoelace(corner_x, corner_y)
    scale = np.sqrt(_shoelace(x, y) / np.where(area > 0, area, np.nan))[:, None]
    return centre_lat + scale * corner_y, wrap(centre_lon + scale * corner_x)

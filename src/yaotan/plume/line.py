"""A track beside a source: where its plume crosses, at which angle, how far from the stack."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.errors import TooFewSoundingsError
from yaotan.plane import local_plane

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TrackLine:
    """Soundings of one overpass as a line in the plane that touches the ellipsoid at the source.

    Parameters
    ----------
    along, across : numpy.ndarray
        ``(n,)`` place of the soundings along the line and to its left [m]; along is 0 at the foot of the
        perpendicular from the source.
    east, north : float
        Direction of the line, a unit vector.
    offset : float
        Place of the source to the left of the line [m].
    """

    along: Array
    across: Array
    east: float
    north: float
    offset: float

    def crossing(self, u: float, v: float) -> Crossing:
        """Give where the plume of a straight wind meets the line.

        Parameters
        ----------
        u, v : float
            Wind, where the air goes to [m s-1].

        Examples
        --------
        >>> line = TrackLine(np.zeros(1), np.zeros(1), 0.0, 1.0, 20e3)
        >>> meets = line.crossing(5.0, 0.0)
        >>> float(meets.distance), meets.sine
        (20000.0, 1.0)
        """
        speed = math.hypot(u, v)
        left = (self.east * v - self.north * u) / speed
        with_line = (self.east * u + self.north * v) / speed
        distance = -self.offset / left if left else math.inf
        return Crossing(with_line * distance, distance, abs(left), with_line / left if left else math.inf)

    def shifted(self, meets: Crossing) -> Array:
        """Give the place along the line of soundings moved onto it with the wind [m]."""
        return self.along - self.across * meets.cotangent


@dataclass(frozen=True)
class Crossing:
    """Where a plume meets a line.

    Parameters
    ----------
    along : float
        Place on the line [m].
    distance : float
        Way of the air from the source [m]; negative where the line lies upwind.
    sine : float
        Sine of the angle between wind and line, 0 to 1.
    cotangent : float
        Way along the line for one metre to its left.
    """

    along: float
    distance: float
    sine: float
    cotangent: float


def make_line(latitude: ArrayLike, longitude: ArrayLike, source: tuple[float, float]) -> TrackLine:
    """Lay a line through the soundings of an overpass.

    Parameters
    ----------
    latitude, longitude : array_like
        ``(n,)`` [degrees].
    source : tuple of float
        Latitude and longitude of the source [degrees].

    Returns
    -------
    TrackLine
        Its direction is that in which the soundings are spread most; it points north, or east.

    Raises
    ------
    TooFewSoundingsError
        Fewer than two places.

    Notes
    -----
    Over the 300 km that matter here a ground track bends by less than a kilometre from a straight line.

    Examples
    --------
    >>> line = make_line([50.0, 50.5, 51.0], [10.0, 10.0, 10.0], (50.5, 10.2))
    >>> round(line.offset), round(line.north, 3)
    (-14190, 1.0)
    """
    east, north = local_plane(latitude, longitude, *source)
    good = np.isfinite(east)
    if good.sum() < 2:
        raise TooFewSoundingsError(f"{int(good.sum())} places", where="track", expected="two or more")
    centre = float(east[good].mean()), float(north[good].mean())
    spread = np.stack([east[good] - centre[0], north[good] - centre[1]])
    axis = np.linalg.eigh(spread @ spread.T)[1][:, -1]
    axis = axis * (1.0 if axis[1] > 1e-9 or (abs(axis[1]) <= 1e-9 and axis[0] > 0) else -1.0)
    x, y = float(axis[0]), float(axis[1])
    # to the left of (x, y) is (-y, x)
    level = -centre[0] * y + centre[1] * x
    return TrackLine(east * x + north * y, -east * y + north * x - level, x, y, -level)

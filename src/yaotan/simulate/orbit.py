"""Ground tracks of sun-synchronous satellites: where a sensor looks, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.constants import DAY
from yaotan.geodesy import wrap_longitude

#: length of one degree of a great circle [km]
KM_PER_DEGREE: Final = 111.2
#: orbit 0 crosses the equator in daylight at this moment
EPOCH: Final = np.datetime64("2019-01-01T00:00:00", "s")


@dataclass(frozen=True)
class Orbit:
    """A circular sun-synchronous orbit that repeats its ground track.

    In a frame that turns with the mean sun the node stands still, so the longitude of a crossing follows
    from the time of day, and along the orbit longitude falls by 360 degrees a day besides the motion
    in the orbital plane: ``lat = asin(sin i sin u)``,
    ``lon = node + atan2(cos i sin u, cos u) - 360 s / day``.

    Attributes
    ----------
    revolutions, days : int
        Repeat cycle.
    inclination : float
        [degree].
    node_hour : float
        Local mean solar time of the crossing in daylight [h].
    ascending : bool
        Whether daylight crossings go north.
    """

    revolutions: int
    days: int
    inclination: float
    node_hour: float
    ascending: bool

    @property
    def period(self) -> float:
        """Time of one revolution [s]."""
        return self.days * DAY / self.revolutions

    @property
    def speed(self) -> float:
        """Speed of the point on the ground, without the turning of the Earth [km s-1]."""
        return 360.0 * KM_PER_DEGREE / self.period

    def on_day(self, day: np.datetime64) -> Iterator[int]:
        """Count off the orbits whose daylight crossing of the equator falls on a UTC day."""
        start = (day.astype("datetime64[s]") - EPOCH).astype(np.int64)
        first = int(np.ceil(start / self.period))
        yield from range(first, int(np.ceil((start + DAY) / self.period)))

    def node(self, number: int) -> tuple[float, float]:
        """Give seconds since `EPOCH` and longitude of a daylight crossing of the equator."""
        seconds = number * self.period
        hours = seconds % DAY / 3600.0
        return seconds, float(wrap_longitude((self.node_hour - hours) * 15.0))

    def track(self, number: int, after: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Give latitude and longitude [degrees], `after` seconds from the crossing of the equator.

        Examples
        --------
        >>> orbit = Orbit(233, 16, 98.2, 13.6, True)
        >>> latitude, _ = orbit.track(0, np.array([0.0, 500.0]))
        >>> latitude.round(1)
        array([ 0., 30.])
        """
        tilt, angle = np.deg2rad(self.inclination), 2.0 * np.pi * after / self.period
        latitude = np.rad2deg(np.arcsin(np.sin(tilt) * np.sin(angle)))
        drift = np.rad2deg(np.arctan2(np.cos(tilt) * np.sin(angle), np.cos(angle)))
        longitude = self.node(number)[1] + drift - 360.0 * after / DAY
        return latitude * (1.0 if self.ascending else -1.0), wrap_longitude(longitude)

    def footprints(
        self, number: int, after: NDArray[Any], across: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Give latitude, longitude and heading [degrees] of points beside the track.

        Parameters
        ----------
        number : int
            Orbit.
        after : ndarray
            Seconds from the crossing of the equator, shape (frames,).
        across : ndarray
            Distance to the right of the track [km], shape (points,).

        Returns
        -------
        tuple of ndarray
            Shapes (frames, points), (frames, points), (frames,).
        """
        latitude, longitude = self.track(number, after)
        ahead_lat, ahead_lon = self.track(number, after + 1.0)
        east = wrap_longitude(ahead_lon - longitude) * np.cos(np.deg2rad(latitude))
        heading = np.rad2deg(np.arctan2(east, ahead_lat - latitude))
        return *beside(latitude[:, None], longitude[:, None], heading[:, None], 0.0, across[None, :]), heading


def beside(
    latitude: NDArray[Any], longitude: NDArray[Any], heading: NDArray[Any], ahead: Any, right: Any
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Move points by distances [km] along and to the right of a heading (plane approximation)."""
    turn = np.deg2rad(heading)
    north = ahead * np.cos(turn) - right * np.sin(turn)
    east = ahead * np.sin(turn) + right * np.cos(turn)
    stretch = np.maximum(np.cos(np.deg2rad(latitude)), 0.05)
    return latitude + north / KM_PER_DEGREE, wrap_longitude(longitude + east / (KM_PER_DEGREE * stretch))


def solar_zenith(time: NDArray[Any], latitude: NDArray[Any], longitude: NDArray[Any]) -> NDArray[np.float64]:
    """Give the solar zenith angle [degree] from declination and mean solar time (good to about 1 degree).

    Examples
    --------
    >>> noon = np.array(["2020-03-20T12:00"], "datetime64[s]")
    >>> solar_zenith(noon, np.array([30.0]), np.array([0.0])).round(0)
    array([31.])
    """
    seconds = time.astype("datetime64[s]").astype(np.int64)
    day_of_year = (time.astype("datetime64[D]") - time.astype("datetime64[Y]")).astype(np.int64)
    # declination of a circular orbit: 23.44 degrees, northern solstice on day 172
    declination = np.deg2rad(23.44 * np.cos(2.0 * np.pi * (day_of_year - 172) / 365.25))
    hour_angle = np.deg2rad(seconds % int(DAY) / 240.0 - 180.0 + longitude)
    phi = np.deg2rad(latitude)
    cosine = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour_angle)
    return np.asarray(np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0))))

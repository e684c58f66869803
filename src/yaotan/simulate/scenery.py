"""What a satellite meets over the made-up east of China: cloud, coast, terrain."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from yaotan.simulate.orbit import KM_PER_DEGREE

#: coast as longitude over latitude [degrees]; east of it is sea. Drawn by hand, coarse.
_COAST_LATITUDE: Final = (18.0, 21.0, 22.6, 24.5, 28.9, 31.2, 34.8, 36.2, 37.1, 37.7, 39.0, 40.5, 45.0, 60.0)
_COAST_LONGITUDE: Final = (
    109.0, 110.5, 114.2, 118.4, 121.4, 122.0, 119.9, 121.0, 122.2, 119.3, 118.3, 121.5, 131.0, 140.0,
)  # fmt: skip
#: share of the sky that is clear, by latitude: the south is the cloudier part
_CLEAR_LATITUDE: Final = (22.0, 28.0, 34.0, 42.0)
_CLEAR_SHARE: Final = (0.14, 0.20, 0.34, 0.46)
_WAVES: Final = 24


class Cloud:
    """A smooth random field of waves (500 to 2000 km long) that drift by day; high means cloudy.

    Values at any place and time are close to standard normal.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 12])
        length = rng.uniform(500.0, 2000.0, _WAVES)
        angle = rng.uniform(0.0, 2.0 * np.pi, _WAVES)
        number = 2.0 * np.pi / length
        self._east, self._north = number * np.cos(angle), number * np.sin(angle)
        # weather moves east at about 10 m/s; each wave has its own pace, so patterns also change
        self._pace = self._east * 36.0 + rng.normal(0.0, 0.12, _WAVES)
        self._phase = rng.uniform(0.0, 2.0 * np.pi, _WAVES)

    def value(
        self, latitude: NDArray[Any], longitude: NDArray[Any], hours: NDArray[Any]
    ) -> NDArray[np.float64]:
        """Give the field at points [degrees] and times [h]."""
        east = (longitude - 113.0) * KM_PER_DEGREE * 0.85
        north = (latitude - 32.0) * KM_PER_DEGREE
        total = np.zeros(np.broadcast(latitude, longitude, hours).shape)
        for k in range(_WAVES):
            angle = self._east[k] * east + self._north[k] * north - self._pace[k] * hours + self._phase[k]
            total += np.cos(angle)
        return np.asarray(total * np.sqrt(2.0 / _WAVES))


def clear_limit(latitude: NDArray[Any], factor: float = 1.0) -> NDArray[np.float64]:
    """Give the value of a standard normal cloud field below which the sky is clear."""
    return np.asarray(ndtri(factor * np.interp(latitude, _CLEAR_LATITUDE, _CLEAR_SHARE)))


def is_sea(latitude: NDArray[Any], longitude: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell sea from land; known between 100 and 140 degrees east only, all else is called land."""
    coast = np.interp(latitude, _COAST_LATITUDE, _COAST_LONGITUDE)
    return np.asarray((longitude > coast) & (longitude < 140.0) & (latitude > 0.0))


def altitude(latitude: NDArray[Any], longitude: NDArray[Any]) -> NDArray[np.float64]:
    """Give the height of the ground [m]: uplands in the west and north-west, sea level at sea."""
    rise = 1.0 / (1.0 + np.exp((longitude - 110.0) / 1.2))
    hills = 120.0 * (1.0 + np.sin(latitude * 1.7) * np.cos(longitude * 1.3))
    land = 40.0 + 1250.0 * rise + hills
    return np.where(is_sea(latitude, longitude), 0.0, land)


def surface_pressure(height: NDArray[Any]) -> NDArray[np.float64]:
    """Give the pressure [hPa] at a height [m], scale height 8 km under 1013 hPa."""
    return np.asarray(1013.0 * np.exp(-height / 8000.0))

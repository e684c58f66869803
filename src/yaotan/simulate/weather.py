"""A true field that no gap filler assumes: its scatter changes with place and season, and it drifts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.constants import YEAR_DAYS
from yaotan.simulate.field import Field
from yaotan.simulate.orbit import KM_PER_DEGREE

_START: Final = np.datetime64("2020-01-01", "D")
#: waves of one bank
_WAVES: Final = 60
#: shortest and longest wave [km] and quickest and slowest change [days] of three banks: weather of the east
#: and of the west, and what lasts from months to a year (fluxes, circulation)
_BANKS: Final = (
    ((500.0, 2500.0), (4.0, 25.0)),
    ((1500.0, 6000.0), (10.0, 60.0)),
    ((1000.0, 6000.0), (60.0, 500.0)),
)
#: size of the third bank in parts of the first two
_LASTING: Final = 0.4


@dataclass(frozen=True)
class WeatherField(Field):
    """Field with weather: no trend, covariance or season of simple form describes it.

    On the smooth parts of `Field`, whose growth speeds up, there are a swing of several years, a season with
    two peaks of unequal width whose size changes from year to year and whose phase from west to east, and
    banks of drifting waves: short and quick ones in the east, long and slow ones in the west, twice as strong
    in winter as in summer and stronger in the north, and some that last for months. Its correlations are
    those of waves (they swing below zero), it is carried eastward, and it is not stationary.

    Parameters
    ----------
    seed : int
        Of the waves.
    scatter : float
        Typical size of the weather [ppm].
    speed_up : float
        Increase of the growth [ppm yr-2].
    swing : float
        Size of the swing of several years [ppm].
    """

    seed: int = 0
    scatter: float = 1.0
    speed_up: float = 0.03
    swing: float = 0.5
    sources: tuple[Any, ...] = field(default=())

    @cached_property
    def _banks(self) -> list[tuple[NDArray[np.float64], ...]]:
        """Wave numbers east and north [rad km-1], pace [rad d-1] and phase, of each bank."""
        banks: list[tuple[NDArray[np.float64], ...]] = []
        for number, (lengths, periods) in enumerate(_BANKS):
            rng = np.random.default_rng([self.seed, 21, number])
            length = np.exp(rng.uniform(math.log(lengths[0]), math.log(lengths[1]), _WAVES))
            angle = rng.uniform(0.0, 2.0 * np.pi, _WAVES)
            period = np.exp(rng.uniform(math.log(periods[0]), math.log(periods[1]), _WAVES))
            wave = 2.0 * np.pi / length
            east, north = wave * np.cos(angle), wave * np.sin(angle)
            # half of the change is drift to the east, half is each wave's own
            pace = (
                2.0 * np.pi / period * np.where(rng.random(_WAVES) < 0.5, np.sign(east), rng.choice([-1, 1]))
            )
            banks.append((east, north, pace, rng.uniform(0.0, 2.0 * np.pi, _WAVES)))
        return banks

    def smooth(self, latitude: Any, longitude: Any, day: Any) -> NDArray[np.float64]:
        """Give the field without plumes; arguments broadcast, `day` is datetime64."""
        days = (np.asarray(day).astype("datetime64[D]") - _START).astype(np.float64)
        lat, lon, days = np.broadcast_arrays(np.asarray(latitude, float), np.asarray(longitude, float), days)
        years = days / YEAR_DAYS
        total = self.background + self.growth * years + self.speed_up * years**2 / 2.0
        total = total + self.swing * np.sin(2.0 * np.pi * years / 3.7 + self.seed)
        total += self._season(lat, lon, years)
        total += self.north * (lat - 32.0)
        total += self.east * np.tanh((lon - self.east_centre) / self.east_width)
        return np.asarray(total + self._weather(lat, lon, days))

    def _season(self, lat: NDArray[Any], lon: NDArray[Any], years: NDArray[Any]) -> NDArray[np.float64]:
        size = self.season * np.minimum(np.clip(lat, 0.0, 60.0) / 45.0, 1.2)
        size = size * (1.0 + 0.15 * np.sin(2.0 * np.pi * years / 2.3))
        phase = 2.0 * np.pi * (years - self.season_peak / YEAR_DAYS) + 0.01 * (lon - self.east_centre)
        return np.asarray(
            size * (np.cos(phase) + 0.35 * np.cos(2.0 * phase + 0.8) + 0.1 * np.cos(3.0 * phase))
        )

    def _weather(self, lat: NDArray[Any], lon: NDArray[Any], days: NDArray[Any]) -> NDArray[np.float64]:
        x = (lon - 105.0) * KM_PER_DEGREE * np.cos(np.deg2rad(36.0))
        y = (lat - 36.0) * KM_PER_DEGREE
        in_east = 1.0 / (1.0 + np.exp(-(lon - 106.0) / 4.0))
        parts = []
        for east, north, pace, phase in self._banks:
            total = np.zeros(x.shape)
            for k in range(_WAVES):
                total += np.cos(east[k] * x + north[k] * y - pace[k] * days + phase[k])
            parts.append(total * np.sqrt(2.0 / _WAVES))
        winter = 1.0 + np.cos(2.0 * np.pi * (days - 15.0) / YEAR_DAYS) / 3.0
        size = self.scatter * winter * np.clip(0.6 + 0.4 * (lat - 20.0) / 20.0, 0.4, 1.3)
        # weights whose squares sum to 1, so that the scatter does not dip where the banks meet
        passing = np.sqrt(in_east) * parts[0] + np.sqrt(1.0 - in_east) * parts[1]
        return np.asarray(size * (passing + _LASTING * parts[2]))

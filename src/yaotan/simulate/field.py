"""The true XCO2 of a simulated study: background, growth, season, gradients and plumes of planted sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.constants import YEAR_DAYS
from yaotan.simulate.orbit import KM_PER_DEGREE

_START: Final = np.datetime64("2020-01-01", "D")
#: ppm for one kg m-2 of CO2 in a column of dry air under 1000 hPa: 1e6 g M_air / (M_CO2 p)
PPM_PER_COLUMN: Final = 1e6 * 9.81 * (28.9644 / 44.0095) / 1.0e5
#: plumes are followed this far downwind [km]
PLUME_LENGTH: Final = 350.0


@dataclass(frozen=True)
class Source:
    """A planted emitter: name, place [degrees] and rate [kg s-1 of CO2]."""

    name: str
    latitude: float
    longitude: float
    rate: float


#: made-up emitters; 1000 kg/s is 31.6 Mt a year
SOURCES: Final = (
    Source("Source A", 38.3, 115.6, 1500.0),
    Source("Source B", 36.0, 113.2, 1000.0),
    Source("Source C", 32.0, 119.4, 1800.0),
    Source("Source D", 30.4, 114.4, 900.0),
    Source("Source E", 23.6, 113.3, 1200.0),
    Source("Source F", 38.6, 108.9, 800.0),
)


@dataclass(frozen=True)
class Field:
    """True column-averaged dry mole fraction of CO2 [ppm] as a function of place and UTC day.

    ``x = background + growth y + season(lat) cos(2 pi (d - peak) / year) + north (lat - 32)
    + east tanh((lon - 112) / 5) + plumes``, y years since 2020-01-01, d day of the year. A plume is a
    Gaussian across the wind of its day, ``Q / (sqrt(2 pi) s U) exp(-c2 / 2 s2)`` [kg m-2] with
    ``s2 = 5 km2 + (156 m (a / km)^0.894)2``: the city-sized source and the spread of a slightly unstable
    day (a along, c across the wind).

    References
    ----------
    Krings et al. (2011), Atmos. Meas. Tech. 4, 1735 (column plume, spread after Masters 1998, class B).
    """

    background: float = 412.0
    growth: float = 2.4
    season: float = 2.5
    season_peak: float = 115.0
    north: float = 0.06
    east: float = 0.8
    east_centre: float = 112.0
    east_width: float = 5.0
    sources: tuple[Source, ...] = SOURCES

    def smooth(self, latitude: Any, longitude: Any, day: Any) -> NDArray[np.float64]:
        """Give the field without plumes; arguments broadcast, `day` is datetime64."""
        days = (np.asarray(day).astype("datetime64[D]") - _START).astype(np.float64)
        latitude = np.clip(latitude, 0.0, 60.0)
        season = self.season * np.minimum(latitude / 45.0, 1.0)
        return np.asarray(
            self.background
            + self.growth * days / YEAR_DAYS
            + season * np.cos(2.0 * np.pi * (days - self.season_peak) / YEAR_DAYS)
            + self.north * (latitude - 32.0)
            + self.east * np.tanh((np.asarray(longitude) - self.east_centre) / self.east_width)
        )

    def plumes(
        self, latitude: NDArray[Any], longitude: NDArray[Any], wind: tuple[float, float]
    ) -> NDArray[np.float64]:
        """Give the enhancement by all sources [ppm] under one wind (u, v) [m s-1]."""
        total = np.zeros(np.broadcast(latitude, longitude).shape)
        latitude, longitude = np.broadcast_arrays(latitude, longitude)
        for source in self.sources:
            stretch = np.cos(np.deg2rad(source.latitude))
            east = (longitude - source.longitude) * KM_PER_DEGREE * stretch
            north = (latitude - source.latitude) * KM_PER_DEGREE
            near = np.flatnonzero((np.hypot(east, north) < PLUME_LENGTH).ravel())
            total.ravel()[near] += plume(east.ravel()[near], north.ravel()[near], source.rate, wind)
        return total

    def value(
        self, latitude: NDArray[Any], longitude: NDArray[Any], day: np.datetime64, wind: tuple[float, float]
    ) -> NDArray[np.float64]:
        """Give the whole field [ppm] at points on one day."""
        return self.smooth(latitude, longitude, day) + self.plumes(latitude, longitude, wind)


def plume(
    east: NDArray[Any], north: NDArray[Any], rate: float, wind: tuple[float, float]
) -> NDArray[np.float64]:
    """Give the enhancement [ppm] at distances [km] from one source of `rate` [kg s-1].

    Examples
    --------
    >>> plume(np.array([30.0, -30.0]), np.zeros(2), 1000.0, (4.0, 0.0)).round(2)
    array([1.08, 0.  ])
    """
    speed = float(np.hypot(*wind))
    along = (east * wind[0] + north * wind[1]) / speed
    across = (north * wind[0] - east * wind[1]) / speed
    downwind = along > 0.0
    spread = np.hypot(5.0, 0.156 * np.where(downwind, along, 0.0) ** 0.894)
    column = rate / (np.sqrt(2.0 * np.pi) * spread * 1e3 * speed) * np.exp(-0.5 * (across / spread) ** 2)
    return np.where(downwind, column * PPM_PER_COLUMN, 0.0)


def daily_wind(seed: int, days: NDArray[Any]) -> NDArray[np.float64]:
    """Give one wind (u, v) [m s-1] a UTC day, each depending on its day and the day before.

    A day's wind is the same whatever period it is asked for in.

    Examples
    --------
    >>> month = np.arange("2020-03-01", "2020-03-04", dtype="datetime64[D]")
    >>> bool((daily_wind(1, month)[1:] == daily_wind(1, month[1:])).all())
    True
    """
    numbers = days.astype("datetime64[D]").astype(np.int64)
    kicks = np.array([[_kick(seed, number - back) for back in (0, 1)] for number in numbers]).reshape(
        -1, 2, 2
    )
    wind = np.array([2.5, 0.5]) + 2.2 * (0.8 * kicks[:, 0] + 0.6 * kicks[:, 1])
    speed = np.hypot(wind[:, 0], wind[:, 1])
    # below 2 m/s the plume formula has no meaning
    return np.asarray(wind * np.maximum(2.0 / np.maximum(speed, 1e-6), 1.0)[:, None])


def _kick(seed: int, number: int) -> NDArray[np.float64]:
    return np.random.default_rng([seed, 11, number]).standard_normal(2)

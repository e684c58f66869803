"""Years of soundings over one region, without files: what a gap filler is tried on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.simulate.error import ErrorModel
from yaotan.simulate.field import daily_wind
from yaotan.simulate.layout import Retrieval
from yaotan.simulate.scenery import Cloud
from yaotan.simulate.sensor import SENSORS, Sensor, World, observe_day
from yaotan.simulate.weather import WeatherField

#: west, south, east, north: China and its surroundings [degrees]
CHINA: Final = (74.0, 18.0, 134.0, 53.0)
#: time between soundings, each standing for the mean over such a piece of the track [s]
_STEP: Final = 10.0
#: length over which the moving average of the common error runs [km], and its part of the variance
_RUN: Final = 160.0
_COMMON: Final = 0.4


@dataclass(frozen=True)
class RoughError(ErrorModel):
    """Errors of no simple form: the common part is a moving average along the track, the rest has long tails.

    The correlation of the common part falls in a straight line to zero over 160 km; the rest is Student's t
    with 6 degrees of freedom. The 1 sigma of their sum is the stated one.
    """

    def errors(
        self, rng: np.random.Generator, uncertainty: NDArray[Any], along: NDArray[Any], lane: NDArray[Any]
    ) -> NDArray[np.float64]:
        """Draw the errors of one overpass [ppm]."""
        cells = np.arange(along.min(initial=0.0) - _RUN, along.max(initial=0.0) + 5.0, 5.0)
        width = round(_RUN / 5.0)
        sums = np.cumsum(np.append(0.0, rng.standard_normal(cells.size + width)))
        common = (sums[width:] - sums[:-width])[: cells.size] / np.sqrt(width)
        shared = common[np.clip(np.searchsorted(cells, along) - 1, 0, cells.size - 1)]
        own = rng.standard_t(6, uncertainty.size) / np.sqrt(1.5)
        return np.asarray(self.bias + uncertainty * (np.sqrt(_COMMON) * shared + np.sqrt(1 - _COMMON) * own))


@dataclass(frozen=True)
class Record:
    """Soundings (``xco2``, ``xco2_uncertainty``; good ones only) and the field they were taken of."""

    soundings: xr.Dataset
    field: WeatherField

    def monthly_truth(
        self, latitude: NDArray[Any], longitude: NDArray[Any], month: np.datetime64
    ) -> NDArray[np.float64]:
        """Mean of the true field over the days of a month at points ``(n,)`` [ppm]."""
        first = month.astype("datetime64[M]")
        days = np.arange(first.astype("datetime64[D]"), (first + 1).astype("datetime64[D]"))
        return self.field.smooth(latitude[:, None], longitude[:, None], days).mean(axis=1)


def simulate_record(
    seed: int,
    *,
    start: str = "2019-01-01",
    days: int = 7305,
    bounds: tuple[float, float, float, float] = CHINA,
    errors: ErrorModel = RoughError(0.4, 0.8, 0.0),
) -> Record:
    """Simulate a record along the track of OCO-2: orbits, clouds, correlated errors, a changing field.

    Parameters
    ----------
    seed : int
        Of field, clouds and errors.
    start : str
        First day, 2019-01-01 or later (orbits are counted from there).
    days : int
        Length; the default is twenty years.
    bounds : tuple of float
        West, south, east, north [degrees].
    errors : ErrorModel
        What the stated uncertainty means; the bias is zero.

    Returns
    -------
    Record
        One sounding for ten seconds of clear track, land and (every other orbit) sea.

    Examples
    --------
    >>> record = simulate_record(1, days=10)
    >>> sorted(record.soundings.data_vars)
    ['latitude', 'longitude', 'quality', 'time', 'xco2', 'xco2_uncertainty']
    """
    field = WeatherField(seed=seed)
    span = np.datetime64(start, "D") + np.arange(days)
    winds = dict(zip(span, [(float(u), float(v)) for u, v in daily_wind(seed, span)], strict=True))
    world = World(field, Cloud(seed), winds, bounds, seed)
    sensor = replace(SENSORS["oco2"], step=_STEP, across=(0.0,), clear=0.6, texture=0.3, errors=errors)
    parts = [_cut(sensor, world, day) for day in span]
    whole = Retrieval.join([part for part in parts if part is not None and len(part)])
    dims, ppm = ("sounding",), {"units": "ppm"}
    return Record(
        xr.Dataset(
            {
                "time": (dims, whole.time.astype("datetime64[ns]")),
                "latitude": (dims, whole.latitude),
                "longitude": (dims, whole.longitude),
                "quality": (dims, np.zeros(len(whole), np.uint8)),
                "xco2": (dims, whole.xgas, ppm),
                "xco2_uncertainty": (dims, whole.uncertainty, ppm),
            }
        ),
        field,
    )


def _cut(sensor: Sensor, world: World, day: np.datetime64) -> Retrieval | None:
    """Good soundings of one day inside the bounds."""
    made = observe_day(sensor, world, day)
    if made is None:
        return None
    west, south, east, north = world.bounds
    inside = (made.longitude >= west) & (made.longitude < east)
    inside &= (made.latitude >= south) & (made.latitude < north)
    return made.take(inside & (made.quality == 0))

"""Series with planted growth and season, whose errors are not those that the fit assumes.

Assumed: Gaussian white noise of one size, Gaussian noise with exponential correlation, growth that changes
like an Ornstein-Uhlenbeck process, a season that is constant or changes linearly. Planted: heavy tails
(Student's t with 5 degrees of freedom), noise that is larger in winter, stated errors that are too small,
AR(1) noise, growth that swings with a period of 3.6 years (as with El Nino), a season whose amplitude grows
and wanders, months or weeks that are missing more often in winter and more and more over the years, and
whole gaps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.signal import lfilter

#: steps of the truth per year
FINE = 120
START = 2006


@dataclass(frozen=True)
class Planted:
    """A series with stated errors, and the truth on a fine axis of decimal years."""

    series: xr.Dataset
    year: np.ndarray
    trend: np.ndarray
    season: np.ndarray

    def growth(self, years: np.ndarray) -> np.ndarray:
        """True growth of calendar years."""
        level = np.interp([years, years + 1], self.year, self.trend)
        return level[1] - level[0]

    def seasonal(self, year: int) -> tuple[float, float]:
        """True amplitude and day of the maximum of the yearly wave of one year."""
        inside = (self.year >= year) & (self.year < year + 1)
        part = self.season[inside]
        wave = np.mean(part * np.exp(-2j * np.pi * self.year[inside]))
        return float(np.ptp(part)), float(-np.angle(wave) / (2 * np.pi) % 1 * 365)


def swing(random: np.random.Generator, size: int, period: float, memory: float) -> np.ndarray:
    """Oscillation of unit variance with random phase and amplitude, on the fine axis."""
    damped, turn = np.exp(-1 / (memory * FINE)), 2 * np.pi / (period * FINE)
    first, second = 2 * damped * np.cos(turn), -(damped**2)
    long = lfilter([1], [1, -first, -second], random.standard_normal(size + 20 * FINE))[-size:]
    return long * np.sqrt((1 + second) * ((1 - second) ** 2 - first**2) / (1 - second))


def plant(seed: int, *, years: int = 10, weekly: bool = False) -> Planted:
    """Make a series of monthly means, or of samples about a week apart."""
    random = np.random.default_rng(seed)
    fine = START + np.arange(years * FINE + 1) / FINE
    rate = random.uniform(1.8, 2.6) + 0.02 * random.standard_normal() * (fine - fine.mean())
    rate += random.uniform(0.2, 0.5) * swing(random, fine.size, 3.6, 2.0)
    trend = 390 + np.concatenate([[0], np.cumsum((rate[1:] + rate[:-1]) / 2 / FINE)])
    amplitude = random.uniform(2, 4) + 0.02 * (fine - START) + 0.15 * swing(random, fine.size, 5.0, 2.0)
    season = amplitude * np.cos(2 * np.pi * (fine - 0.35)) + 0.3 * amplitude * np.cos(
        4 * np.pi * (fine - 0.1)
    )
    season += 0.2 * np.sin(6 * np.pi * fine)
    if weekly:
        at = START + np.sort(random.uniform(0, years, 52 * years))
        at = at[np.append(True, np.diff(at) > 2 / 365)]
    else:
        at = START + (np.arange(12 * years) + 0.5) / 12
    winter = 0.5 + 0.5 * np.cos(2 * np.pi * at)
    # correlation of neighbouring months 0.2 to 0.6
    time = (1 / 12) / -np.log(random.uniform(0.2, 0.6))
    kept = np.exp(-np.diff(at) / time)
    noise = np.empty(at.size)
    kicks = random.standard_normal(at.size)
    noise[0] = kicks[0]
    for step, share in enumerate(kept):
        noise[step + 1] = share * noise[step] + np.sqrt(1 - share**2) * kicks[step + 1]
    white = random.standard_t(5, at.size) / np.sqrt(5 / 3)
    part = random.uniform(0.3, 0.7)
    size = random.uniform(0.3, 0.8) * np.sqrt(0.7 + 0.6 * winter)
    value = np.interp(at, fine, trend + season) + size * (np.sqrt(1 - part) * noise + np.sqrt(part) * white)
    missing = 0.05 + 0.15 * winter * (at - START) / years
    seen = random.random(at.size) > missing
    for gap in random.uniform(START + 1, START + years - 1, 2):
        seen &= np.abs(at - gap) > random.uniform(2, 6) / 52
    # decimal years of the calendar
    whole = np.floor(at).astype(int)
    begin = np.array([f"{y}-01-01" for y in whole], "datetime64[ns]")
    length = np.array([f"{y + 1}-01-01" for y in whole], "datetime64[ns]") - begin
    moment = begin + ((at - whole) * length.astype(np.int64)).astype(np.int64).astype("timedelta64[ns]")
    # stated errors know the winter, by 10 per cent each, and are all too small
    stated = 0.7 * size * np.exp(0.1 * random.standard_normal(at.size))
    series = xr.Dataset(
        {
            "xco2": ("time", value[seen], {"units": "ppm"}),
            "xco2_uncertainty": ("time", stated[seen], {"units": "ppm"}),
        },
        {"time": moment[seen]},
    )
    return Planted(series, fine, trend, season)


def scores(z: np.ndarray) -> tuple[float, float, float]:
    """Shares within 1 and 1.96 sigma, root mean square."""
    size = np.abs(np.asarray(z, float))
    return float((size < 1).mean()), float((size < 1.96).mean()), float(np.sqrt((size**2).mean()))

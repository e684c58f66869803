"""Simulated years of a plant: hours with season, week, weather and outages; clouds, wind, detection, errors.

Written without the year with truth: sizes are those of the budget in docs/plume.md and of the catalogues that
are named beside them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from plume_annual_truth import one_dataset
from yaotan.catalog.temporal import TemporalProfile
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import PlumeResult

HOURS = np.arange("2015-01-01", "2016-01-01", dtype="datetime64[h]").astype("datetime64[s]")
PHASE = 2.0 * np.pi * np.arange(HOURS.size) / HOURS.size


@dataclass(frozen=True)
class YearSetting:
    """What a simulated year holds; each component can be switched off by a zero.

    Parameters
    ----------
    wind_shared, method_shared : float
        Relative errors that all overpasses share: height of the wind (5 to 10 per cent) and method.
    wind_error : float
        Of each overpass [m s-1].
    noise : float
        Of the flux, for one m/s of wind [kg s-1]: 0.7 ppm in pixels of 2 km give 6, background and clouds
        three times that.
    correlation : float
        Of the noise of the flux with that of the detection, which are made of the same pixels.
    wild : float
        Largest share of wild values of a plant; always too large.
    hour_error, month_error : float
        Relative error of the analyst's profile (CoCO2: hours differ by 0.06 between profiles).
    weather : float
        Standard deviation of the load from day to day, with a memory of a week.
    outages : float
        Mean number of outages of 5 to 30 days that take 20 to 60 per cent.
    turbulence : float
        Relative error of one overpass.
    negative : bool
        Whether values below zero are given.
    totals : bool
        Whether only the total error is stated.
    visit_days : float
        Days between visits.
    """

    wind_shared: float = 0.08
    method_shared: float = 0.05
    wind_error: float = 1.0
    noise: float = 18.0
    correlation: float = 0.7
    wild: float = 0.15
    hour_error: float = 0.06
    month_error: float = 0.08
    weather: float = 0.15
    outages: float = 1.5
    turbulence: float = 0.1
    negative: bool = False
    totals: bool = False
    visit_days: float = 4.0


def _load(setting: YearSetting, rng: np.random.Generator) -> tuple[np.ndarray, TemporalProfile]:
    """Hourly emission (any unit) and the profile that an analyst would take."""
    harmonics = rng.normal(0.0, [0.164, 0.164, 0.112, 0.112])
    waves = np.stack([np.cos(PHASE), np.sin(PHASE), np.cos(2 * PHASE), np.sin(2 * PHASE)])
    season = np.maximum(1.0 + harmonics @ waves, 0.2)
    hours = 1.0 + rng.normal(0.12, 0.06) * np.cos(2 * np.pi * (np.arange(24) - rng.uniform(9, 19)) / 24)
    weekend = 1.0 - rng.uniform(0.0, 0.2)
    day_of_week = (np.arange(365) + 3) % 7  # 1 January 2015 was a Thursday
    weekly = np.where(day_of_week >= 5, weekend, 1.0)
    memory = math.exp(-1.0 / 7.0)
    noise = rng.normal(size=365)
    for day in range(1, 365):
        noise[day] = memory * noise[day - 1] + math.sqrt(1.0 - memory**2) * noise[day]
    daily = np.exp(setting.weather * noise) * weekly
    for _ in range(rng.poisson(setting.outages)):
        start, length = int(rng.integers(0, 365)), int(rng.integers(5, 31))
        daily[start : start + length] *= 1.0 - rng.uniform(0.2, 0.6)
    load = season * np.repeat(daily, 24) * hours[np.arange(HOURS.size) % 24]
    month = HOURS.astype("datetime64[M]").astype(int) % 12
    months = np.array([season[month == m].mean() for m in range(12)])
    months = months * np.exp(rng.normal(0.0, setting.month_error, 12))
    near = np.abs(np.arange(24) - 11) < 4
    guess = hours * np.exp(rng.normal(0.0, setting.hour_error)) ** near
    week = np.array([1.0] * 5 + [weekend] * 2)
    tables = [tuple(part / part.mean()) for part in (months, week, guess)]
    return load, TemporalProfile("guess", "simulated", *tables)


def simulate_plant(
    seed: int, setting: YearSetting | None = None, *, rate: float | None = None
) -> tuple[xr.Dataset, TemporalProfile, float]:
    """Overpasses of one year, the profile that an analyst has, and the true mean of the year [kg s-1]."""
    setting = setting or YearSetting()
    rng = np.random.default_rng(seed)
    load, profile = _load(setting, rng)
    mean = float(np.exp(rng.uniform(math.log(120.0), math.log(1300.0)))) if rate is None else rate
    hourly = load / load.mean() * mean
    shared = (1.0 + rng.normal(0.0, setting.wind_shared)) * (1.0 + rng.normal(0.0, setting.method_shared))
    wild = rng.uniform(0.0, setting.wild)
    results = []
    for day in np.arange(rng.uniform(0, setting.visit_days), 365, setting.visit_days).astype(int):
        hour = day * 24 + 11
        when = np.datetime64(HOURS[hour], "ns")
        # clear skies are commoner in summer: one visit in ten to one in three
        clear = rng.uniform() < 0.22 - 0.12 * math.cos(PHASE[hour])
        speed = float(rng.rayleigh(5.0 * math.sqrt(2.0 / math.pi)))
        seen = speed + float(rng.normal(0.0, setting.wind_error))
        one = _overpass(setting, rng, hourly[hour] * shared, speed, seen, wild)
        wind = EffectiveWind(max(seen, 0.01), 0.0)
        if not clear:
            results.append(PlumeResult(status="cloudy", reason="cloud", wind=wind, time=when))
        elif isinstance(one, str):
            results.append(PlumeResult(status=one, reason=one, wind=wind, time=when))
        else:
            results.append(PlumeResult(one[0], one[1], wind=wind, time=when))
    return one_dataset(results, ["P"] * len(results)), profile, mean


def _overpass(
    setting: YearSetting, rng: np.random.Generator, true: float, speed: float, seen: float, wild: float
) -> str | tuple[float, dict[str, float]]:
    """Estimate and its terms, or why there is none."""
    noise = setting.noise * speed * math.exp(rng.normal(0.0, 0.5))
    first, second = rng.normal(size=2)
    bad, size = rng.uniform() < wild, math.exp(rng.uniform(1.0, 4.0))
    stirred = 1.0 + rng.normal(0.0, setting.turbulence)
    if seen < 1.0 or speed < 1.0:
        return "low_wind"
    if not setting.negative and 1.3 * true / noise + first < 2.326:
        return "not_detected"
    error = setting.correlation * first + math.sqrt(1.0 - setting.correlation**2) * second
    value = (true * stirred + noise * error) * seen / speed * (size if bad else 1.0)
    if value <= 0.0 and not setting.negative:
        return "no_fit"
    stated = noise * math.exp(rng.normal(0.0, 0.2))
    terms = {"noise": stated, "wind_speed": abs(value) * setting.wind_error / seen}
    terms["turbulence"] = 0.1 * abs(value)
    if setting.totals:
        terms = {"wind_speed": math.sqrt(sum(t**2 for t in terms.values()))}
    return value, terms

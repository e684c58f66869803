"""Season of each year: how large, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.trend.bootstrap import Uncertainty, draw_blocks, draw_noise
from yaotan.column.trend.curve import Floats
from yaotan.column.trend.fit import Fitted, fitted_series
from yaotan.column.trend.moment import FILTER_YEAR
from yaotan.column.trend.yearly import GAP, YEAR_FLAGS, choose, whole_years, yearly_table
from yaotan.errors import SeriesError

_DAYS: Final = 365
#: draws of noise that tell how far a day moves
_SHIFTED: Final = 200
_COLUMNS: Final = {
    "amplitude": "largest minus smallest value of the season, corrected for noise",
    "maximum_day": "day of the year of the maximum",
    "minimum_day": "day of the year of the minimum",
    "harmonic_amplitude": "largest minus smallest value of the yearly wave",
    "phase_day": "day of the year of the maximum of the yearly wave",
}


def seasonal_cycle(fit: xr.Dataset, *, uncertainty: Uncertainty = "model", seed: int = 0) -> xr.Dataset:
    r"""Amplitude and phase of the season in each calendar year.

    Parameters
    ----------
    fit : xarray.Dataset
        From `fit_trend`.
    uncertainty : {"model", "bootstrap"}
        As in `growth`.
    seed : int
        Of the resampling.

    Returns
    -------
    xarray.Dataset
        Dims ``([region,] year)``, each with ``_uncertainty`` (1 sigma): ``amplitude`` [unit of the series],
        maximum minus minimum of the season curve; ``maximum_day``, ``minimum_day`` [days since 1 January
        00:00]; ``harmonic_amplitude``, ``phase_day``: twice the amplitude, and the day of the maximum, of the
        yearly wave in the season of the year; ``amplitude_noise``: what was subtracted from the amplitude;
        ``flag`` as in `growth` (end: within half a short cut-off; gap: a gap longer than the short cut-off in
        the year).

    Raises
    ------
    SeriesError
        No calendar year lies inside the series.

    Notes
    -----
    A maximum looks for noise: the amplitude of season and noise is larger than that of the season. By how
    much, 200 draws of the noise upon the season tell; it is subtracted. The 1 sigma of a day is the root mean
    square of its shifts in these draws: a season with a flat top, or two peaks of nearly equal height, has a
    day that moves by weeks. ``phase_day`` is the steadier measure.

    Examples
    --------
    >>> import pandas as pd
    >>> from yaotan.column.trend.fit import fit_trend
    >>> months = pd.period_range("2010-01", periods=120, freq="M")
    >>> year = (np.arange(120) + 0.5) / 12
    >>> fit = fit_trend(pd.Series(390 + 2 * year + 3 * np.sin(2 * np.pi * year), months))
    >>> cycle = seasonal_cycle(fit).sel(year=2014)
    >>> round(float(cycle.amplitude), 1)
    6.0
    """
    choose(uncertainty, ("model", "bootstrap"), "uncertainty")
    results = []
    for one in fitted_series(fit):
        years = whole_years(one)
        draw = draw_noise if uncertainty == "model" else draw_blocks
        draws = draw(one, seed)
        season = one.curve.evaluator(np.column_stack([one.value, draws[:, :_SHIFTED]]), "season")
        rows = [
            _one_year(one, int(year), season, None if uncertainty == "model" else draws) for year in years
        ]
        names = [name + ending for name in _COLUMNS for ending in ("", "_uncertainty")] + ["amplitude_noise"]
        columns = {name: np.array([row[name] for row in rows]) for name in names}
        results.append((one, years, columns, _flags(one, years.astype(float))))
    if not any(years.size for _, years, _, _ in results):
        raise SeriesError(
            "no calendar year lies inside the series",
            expected="data from 1 January of a year to 1 January of the next",
        )
    described: dict[str, dict[str, Any]] = {}
    for name, text in _COLUMNS.items():
        units = "days" if name.endswith("_day") else fit.attrs["units"] or "1"
        described[name] = {"units": units, "long_name": text}
        described[f"{name}_uncertainty"] = {"units": units, "long_name": f"1 sigma of {name}"}
    described["amplitude_noise"] = {
        "units": fit.attrs["units"] or "1",
        "long_name": "what noise adds to the amplitude, already subtracted",
    }
    table = yearly_table(fit, results, described)
    table.attrs["uncertainty"] = uncertainty
    return table


def _one_year(
    one: Fitted, year: int, curves: Callable[[Floats], Floats], draws: Floats | None
) -> dict[str, float]:
    """Find extremes and yearly wave of the season in one year."""
    first, last = one.reach
    at = np.clip(year + (np.arange(_DAYS) + 0.5) / _DAYS, first, last)
    both = curves(at)
    season, moved = both[:, 0], both[:, :1] + both[:, 1:]
    top, bottom = int(season.argmax()), int(season.argmin())
    ends = at[[top, bottom]]
    level = one.curve.rows(ends, "season")
    turn = 2.0 * np.pi * at
    wave = one.curve.rows(at, "season", combine=2.0 / _DAYS * np.stack([np.cos(turn), np.sin(turn)]))
    cosine, sine = wave @ one.value
    size = float(np.hypot(cosine, sine))
    outward = (cosine * wave[0] + sine * wave[1]) / max(size, 1e-300)
    around = (cosine * wave[1] - sine * wave[0]) / max(size, 1e-300) ** 2
    rows = np.stack([level[0] - level[1], 2.0 * outward, around * _DAYS / (2.0 * np.pi)])
    variance = one.errors.noise_variance(rows)
    if draws is not None:
        variance = (rows @ draws).var(axis=1)
    variance = variance + one.errors.leaked_variance(rows)
    lifted = float((np.ptp(moved, axis=0) - np.ptp(season)).mean())
    sigma = np.sqrt(variance)
    days = [_scatter(moved.argmax(axis=0) - top), _scatter(moved.argmin(axis=0) - bottom)]
    return {
        "amplitude": float(season[top] - season[bottom]) - lifted,
        "amplitude_uncertainty": float(sigma[0]),
        "amplitude_noise": lifted,
        "maximum_day": _day(at[top], year),
        "maximum_day_uncertainty": days[0],
        "minimum_day": _day(at[bottom], year),
        "minimum_day_uncertainty": days[1],
        "harmonic_amplitude": 2.0 * size,
        "harmonic_amplitude_uncertainty": float(sigma[1]),
        "phase_day": float(np.arctan2(sine, cosine) / (2.0 * np.pi) % 1.0) * _DAYS,
        "phase_day_uncertainty": float(sigma[2]),
    }


def _scatter(shift: NDArray[np.int64]) -> float:
    """Root mean square of shifts by days, over the turn of the year where that is shorter."""
    near = (shift + _DAYS // 2) % _DAYS - _DAYS // 2
    return float(np.sqrt((near.astype(float) ** 2).mean()))


def _day(at: float, year: int) -> float:
    return float(at - year) * _DAYS


def _flags(one: Fitted, years: Floats) -> np.ndarray:
    short = one.curve.settings.short / FILTER_YEAR
    flag = np.zeros(years.size, np.uint8)
    for place in np.flatnonzero(np.diff(one.year) > short):
        flag[(years + 1 > one.year[place]) & (years < one.year[place + 1])] = GAP
    at_end = (years < one.year[0] + short / 2.0) | (years + 1 > one.year[-1] - short / 2.0)
    flag[at_end] = YEAR_FLAGS["end"]
    return flag

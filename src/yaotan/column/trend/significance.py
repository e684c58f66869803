"""Can a trend be told from chance? Theil-Sen slope and Mann-Kendall test of a series with memory."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import xarray as xr

from yaotan.column.trend.kendall import (
    Floats,
    kendall_sum,
    kendall_variance,
    pair_slopes,
    seasonal_kendall,
    whiten_iteratively,
    whiten_trend_free,
)
from yaotan.column.trend.moment import calendar_time, decimal_year
from yaotan.column.trend.series import Series, read_series
from yaotan.column.trend.table import rate_units
from yaotan.column.trend.yearly import choose
from yaotan.errors import GridError, SeriesError
from yaotan.grid.period import make_periods

Prewhitening = Literal["iterative", "trend_free", "none"]
#: fewest values that the normal approximation of S is used for
_FEWEST: Final = 10
_TEXTS: Final = {
    "slope": "Theil-Sen slope",
    "slope_lower": "lower end of the interval of the slope",
    "slope_upper": "upper end of the interval of the slope",
    "p_value": "two-sided probability of such a trend by chance",
    "z_score": "Mann-Kendall statistic in standard deviations",
    "kendall_tau": "pairs that rise minus pairs that fall, as share of all pairs",
    "autocorrelation": "lag-1 autocorrelation that was taken out",
    "steps": "values that were tested",
}


def trend_test(
    series: Any,
    *,
    variable: str | None = None,
    period: str | None = None,
    resample: str = "month",
    prewhitening: Prewhitening = "iterative",
    seasonal: bool = False,
    level: float = 0.95,
) -> xr.Dataset:
    r"""Theil-Sen slope with interval, and Mann-Kendall test against chance.

    Values are averaged by calendar month (or `resample`), the mean season (by least squares together with a
    straight line) is taken off, and the autocorrelation is taken out, since a series with memory drifts by
    itself: without that, 5 per cent become 20 or 40. S counts the pairs that rise minus those that fall; its
    variance counts ties. The interval holds the slopes of ranks :math:`(N \mp z \sqrt{\mathrm{var} S}) / 2`
    of the N pairs (Sen 1968, doi:10.1080/01621459.1968.10480934).

    Parameters
    ----------
    series : xarray.DataArray, xarray.Dataset or pandas.Series
        As in `fit_trend`.
    variable, period : str, optional
        As in `fit_trend`.
    resample : str
        ``"month"``, ``"season"``, ``"year"`` or a duration.
    prewhitening : {"iterative", "trend_free", "none"}
        ``"iterative"`` (Wang and Swail 2001): slope and autocorrelation in turn, the whitened series is
        tested; it keeps its level: the variance of S also holds that season and autocorrelation are estimates
        (docs/trend.md). ``"trend_free"`` (Yue et al. 2002, doi:10.1002/hyp.1095): the trend is taken off
        before and added after; it finds more trends, and too many where there is none. ``"none"``.
    seasonal : bool
        Kendall's test by season (Hirsch and Slack 1984): only the same months are compared, no season is
        taken off, and the covariance between the months takes the place of the pre-whitening. For ten years
        or more.
    level : float
        Probability of the interval.

    Returns
    -------
    xarray.Dataset
        Dims ``([region])``: ``slope``, ``slope_lower``, ``slope_upper`` [unit per year], ``p_value``,
        ``z_score``, ``kendall_tau``, ``autocorrelation``, ``steps``.

    Raises
    ------
    SeriesError
        Fewer than ten values, all equal, or as in `fit_trend`.

    Notes
    -----
    A trend here is a steady rise or fall over the whole period: a growing gas has one without any test. The
    test tells something for growth rates, amplitudes, anomalies, differences of regions, emissions.

    Examples
    --------
    >>> import pandas as pd
    >>> years = pd.period_range("2000", "2019", freq="Y")
    >>> chance = np.random.default_rng(1).normal(0.0, 0.2, 20)
    >>> found = trend_test(pd.Series(1.8 + 0.05 * np.arange(20) + chance, years), resample="year")
    >>> round(float(found.slope), 2), bool(found.p_value < 0.05)
    (0.04, True)
    """
    choose(prewhitening, ("iterative", "trend_free", "none"), "prewhitening")
    if not 0.0 < level < 1.0:
        raise SeriesError(f"level is {level!r}", expected="a probability between 0 and 1, such as 0.95")
    read = read_series(series, variable=variable, period=period)
    time, season, values = _resample(read, resample)
    if seasonal and season.max() == 0:
        raise SeriesError(
            "a seasonal test needs values within the year", fix="resample='month', or seasonal=False"
        )
    rows: list[dict[str, float]] = []
    for number, value in enumerate(values):
        if np.isfinite(value).sum() < _FEWEST and read.regions is not None:
            rows.append(dict.fromkeys(_TEXTS, np.nan))
            continue
        _check(value, read.label(number))
        rows.append(
            _test_seasonal(time, season, value, level)
            if seasonal
            else _test_whitened(time, season, value, prewhitening, level)
        )
    if all(np.isnan(row["slope"]) for row in rows):
        _check(values[0], read.label(0))
    return _table(read, rows, resample, prewhitening, seasonal, level)


def _resample(read: Series, rule: str) -> tuple[Floats, np.ndarray, Floats]:
    """Give equal steps: decimal years, season of each step, means ``(regions, steps)``."""
    try:
        periods = make_periods(rule, read.time[0], read.time[-1])
    except GridError as error:
        raise SeriesError(error.what, where="resample", expected=error.expected) from error
    place = periods.index(read.time.astype(np.int64))
    steps = periods.start.size
    known = np.isfinite(read.value)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.stack(
            [
                np.bincount(place[k], weights=row[k], minlength=steps)
                / np.bincount(place[k], minlength=steps)
                for row, k in zip(read.value, known, strict=True)
            ]
        )
    middle = decimal_year(periods.start + (periods.end - periods.start) // 2)
    per_year = {"day": 365, "month": 12, "season": 4, "year": 1}.get(rule)
    if per_year is None:
        step = float(np.median((periods.end - periods.start).astype(np.int64))) / 8.64e13
        per_year = max(1, round(365.0 / step))
    season = np.minimum((middle % 1.0 * per_year).astype(np.int64), per_year - 1)
    return middle, season, values


def _check(value: Floats, label: str) -> None:
    known = value[np.isfinite(value)]
    if known.size < _FEWEST:
        raise SeriesError(
            f"{known.size} values are left to test", where=label, expected=f"at least {_FEWEST}"
        )
    if known.min() == known.max():
        raise SeriesError(
            f"all {known.size} values are {known[0]:g}", where=label, expected="a series that changes"
        )


def _deseasonalised(time: Floats, season: np.ndarray, value: Floats) -> tuple[Floats, int]:
    """Take off the mean season found together with a straight line; give how many seasons that were."""
    known = np.isfinite(value)
    held = np.unique(season[known])
    if held.size < 2:
        return value, 1
    dummies = (season[:, None] == held[None, :]).astype(float)
    design = np.column_stack([dummies, time - time.mean()])
    coefficients = np.linalg.lstsq(design[known], value[known], rcond=None)[0]
    pattern = coefficients[:-1] - coefficients[:-1].mean()
    return np.where(known, value - dummies @ pattern, np.nan), held.size


def _test_whitened(
    time: Floats, season: np.ndarray, value: Floats, prewhitening: Prewhitening, level: float
) -> dict[str, float]:
    plain, seasons = _deseasonalised(time, season, value)
    known = np.isfinite(plain)
    when, white, taken = time[known], plain[known], 0.0
    # the season took part of the scatter with it, but none of the uncertainty of the slope
    factor = known.sum() / max(known.sum() - seasons + 1.0, 1.0)
    if prewhitening == "iterative":
        when, white, taken = whiten_iteratively(time, plain)
        # the autocorrelation r is known to (1 - r^2) / n only; S / (1 - r) has that much more variance
        factor *= 1.0 + (1.0 + taken) / (1.0 - taken) / white.size
    elif prewhitening == "trend_free":
        when, white, taken = whiten_trend_free(time, plain)
    slopes = pair_slopes(when, white)
    total = white.size * (white.size - 1) / 2.0
    return _judged(kendall_sum(white), factor * kendall_variance(white), slopes, total, level) | {
        "autocorrelation": taken,
        "steps": float(white.size),
    }


def _test_seasonal(time: Floats, season: np.ndarray, value: Floats, level: float) -> dict[str, float]:
    year = np.floor(time).astype(np.int64)
    table = np.full((year.max() - year.min() + 1, season.max() + 1), np.nan)
    when = np.full(table.shape, np.nan)
    table[year - year.min(), season], when[year - year.min(), season] = value, time
    total_sum, variance, slopes = seasonal_kendall(when, table)
    return _judged(total_sum, variance, slopes, float(slopes.size), level) | {
        "autocorrelation": np.nan,
        "steps": float(np.isfinite(value).sum()),
    }


def _judged(
    total_sum: float, variance: float, slopes: Floats, pairs: float, level: float
) -> dict[str, float]:
    from scipy.special import ndtr, ndtri

    deviation = float(np.sqrt(max(variance, 0.0)))
    # continuity: S moves in steps of two
    z = float(np.sign(total_sum) * max(abs(total_sum) - 1.0, 0.0) / deviation) if deviation > 0.0 else 0.0
    reach = float(ndtri(0.5 + level / 2.0)) * deviation
    rank = np.arange(1, slopes.size + 1)
    lower, upper = np.interp([(slopes.size - reach) / 2.0, (slopes.size + reach) / 2.0 + 1.0], rank, slopes)
    return {
        "slope": float(np.median(slopes)),
        "slope_lower": float(lower),
        "slope_upper": float(upper),
        "p_value": float(2.0 * ndtr(-abs(z))),
        "z_score": z,
        "kendall_tau": total_sum / pairs,
    }


def _table(
    read: Series, rows: list[dict[str, float]], resample: str, prewhitening: str, seasonal: bool, level: float
) -> xr.Dataset:
    dims: tuple[str, ...] = () if read.regions is None else ("region",)
    data = {}
    for name, text in _TEXTS.items():
        values = np.array([row[name] for row in rows])
        units = rate_units(read.units) if name.startswith("slope") else "1"
        data[name] = (dims, values if dims else values[0], {"units": units, "long_name": text})
    table = xr.Dataset(data, {} if read.regions is None else read.regions.coords)
    table.attrs = {
        "title": f"Trend test of {read.name}",
        "variable": read.name,
        "units": read.units,
        "method": "seasonal Kendall" if seasonal else f"Mann-Kendall, pre-whitening {prewhitening}",
        "resample": resample,
        "level": level,
        "time_placement": str(read.notes.get("time_placement", "")),
        "period_start": str(calendar_time(read.year[:1])[0])[:10],
        "period_end": str(calendar_time(read.year[-1:])[0])[:10],
    }
    return table

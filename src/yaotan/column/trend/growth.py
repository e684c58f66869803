"""Growth rate of each calendar year, from the filtered trend or from the turns of the year."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.trend.bootstrap import Uncertainty, draw_blocks
from yaotan.column.trend.curve import Floats
from yaotan.column.trend.fit import Fitted, fitted_series
from yaotan.column.trend.moment import FILTER_YEAR, calendar_time
from yaotan.column.trend.table import rate_units
from yaotan.column.trend.yearly import GAP, YEAR_FLAGS, choose, whole_years, yearly_table
from yaotan.errors import SeriesError

Method = Literal["filter", "endpoint"]
#: months around 1 January whose mean is the level at that moment (NOAA GML)
_MONTHS: Final = (11, 12, 1, 2)


def growth(
    fit: xr.Dataset,
    *,
    method: Method = "filter",
    uncertainty: Uncertainty = "model",
    seed: int = 0,
) -> xr.Dataset:
    """Growth of each calendar year with its uncertainty.

    Parameters
    ----------
    fit : xarray.Dataset
        From `fit_trend`.
    method : {"filter", "endpoint"}
        ``"filter"``: trend at the next 1 January minus trend at 1 January. ``"endpoint"``: the same of the
        mean level of November, December, January and February around each 1 January, every value corrected
        for the fitted harmonics and along the fitted polynomial to 1 January, months weighted equally. The
        latter is NOAA's definition of the annual growth at Mauna Loa; it follows every year by itself, but
        all noise of the four months stays in it.
    uncertainty : {"model", "bootstrap"}
        Noise from the model of the fit, or from 500 block resamplings of the residuals: a lower
        bound.
    seed : int
        Of the resampling.

    Returns
    -------
    xarray.Dataset
        Dims ``([region,] year)``: ``growth`` [unit per year], ``growth_uncertainty`` (1 sigma),
        ``growth_uncertainty_random`` (of it, noise; the rest is growth that the method cannot follow),
        ``flag``: 0 good, 1 end (filter: the year reaches within half a long cut-off of an end), 2 gap
        (filter: a gap of more than a quarter of the cut-off in the year or that near it; endpoint: a month of
        the four is missing), 3 no estimate (NaN).

    Raises
    ------
    SeriesError
        No calendar year lies inside the series, or an unknown method.

    Notes
    -----
    Definition of NOAA: "the average of the most recent November-February months, corrected for the average
    seasonal cycle, as the trend value for January 1" minus the same a year before
    (gml.noaa.gov/ccgg/trends/gr). Neighbouring years share the level between them: their errors are
    correlated at about -1/2, so the mean of several years is better known than independent errors would give.
    Use the difference of levels there.

    Examples
    --------
    >>> from yaotan.column.trend.fit import fit_trend
    >>> months = pd.period_range("2010-01", periods=120, freq="M")
    >>> year = (np.arange(120) + 0.5) / 12
    >>> fit = fit_trend(pd.Series(390 + 2 * year + 3 * np.sin(2 * np.pi * year), months))
    >>> rate = growth(fit, method="endpoint")
    >>> round(float(rate.growth.sel(year=2014)), 1), int(rate.flag.sel(year=2010))
    (2.0, 3)
    """
    choose(method, ("filter", "endpoint"), "method")
    choose(uncertainty, ("model", "bootstrap"), "uncertainty")
    results = []
    for one in fitted_series(fit):
        years = whole_years(one)
        rows, flag = _filtered(one, years) if method == "filter" else _turns(one, years)
        start = years.astype(float)
        noise = one.errors.noise_variance(rows)
        if uncertainty == "bootstrap":
            noise = (rows @ draw_blocks(one, seed)).var(axis=1)
        missed = one.errors.increment_variance(rows, start, start + 1.0)
        lost = flag == YEAR_FLAGS["no_estimate"]
        columns = {
            "growth": rows @ one.value,
            "growth_uncertainty": np.sqrt(noise + missed),
            "growth_uncertainty_random": np.sqrt(noise),
        }
        results.append((one, years, {k: np.where(lost, np.nan, v) for k, v in columns.items()}, flag))
    if not any(years.size for _, years, _, _ in results):
        raise SeriesError(
            "no calendar year lies inside the series",
            expected="data from 1 January of a year to 1 January of the next",
        )
    units = rate_units(fit.attrs["units"])
    described: dict[str, dict[str, Any]] = {
        "growth": {"units": units, "long_name": f"growth of {fit.attrs['variable']} in the year"},
        "growth_uncertainty": {"units": units, "long_name": "1 sigma: noise and what the method misses"},
        "growth_uncertainty_random": {"units": units, "long_name": "1 sigma from noise"},
    }
    table = yearly_table(fit, results, described)
    table.attrs |= {"method": method, "uncertainty": uncertainty}
    if uncertainty == "bootstrap":
        table.attrs["seed"] = seed
    return table


def _filtered(one: Fitted, years: NDArray[np.int64]) -> tuple[Floats, NDArray[np.uint8]]:
    """Rows of the increments of the trend, and flags."""
    turns = np.append(years, years[-1] + 1).astype(float) if years.size else np.empty(0)
    levels = one.curve.rows(turns, "trend") if years.size else np.empty((1, one.year.size))
    half = one.curve.settings.long / FILTER_YEAR / 2.0
    flag = np.zeros(years.size, np.uint8)
    for place in np.flatnonzero(np.diff(one.year) > half / 2.0):
        near = (years + 1 + half / 2.0 > one.year[place]) & (years - half / 2.0 < one.year[place + 1])
        flag[near] = GAP
    at_end = (years < one.year[0] + half) | (years + 1 > one.year[-1] - half)
    flag[at_end] = YEAR_FLAGS["end"]
    return np.diff(levels, axis=0), flag


def _turns(one: Fitted, years: NDArray[np.int64]) -> tuple[Floats, NDArray[np.uint8]]:
    """Rows of the differences between levels around 1 January, and flags."""
    calendar = pd.DatetimeIndex(calendar_time(one.year))
    month, winter = calendar.month.to_numpy(), calendar.year.to_numpy() + (calendar.month.to_numpy() > 6)
    design = one.curve.design(one.year)
    levels = np.zeros((years.size + 1, one.year.size))
    found = np.zeros((years.size + 1, 2), int)
    for number, turn in enumerate(np.append(years, years[-1:] + 1)):
        home = one.curve.design(np.array([float(turn)]))[0]
        home[one.curve.settings.terms :] = 0.0
        means = []
        for wanted in _MONTHS:
            members = np.flatnonzero((month == wanted) & (winter == turn))
            if members.size:
                row = (home - design[members].mean(axis=0)) @ one.curve.fit_rows
                row[members] += 1.0 / members.size
                means.append(row)
                found[number, int(wanted < 6)] += 1
        if means:
            levels[number] = np.mean(means, axis=0)
    usable, full = found.min(axis=1) > 0, found.sum(axis=1) == len(_MONTHS)
    flag = np.where(full[1:] & full[:-1], 0, GAP).astype(np.uint8)
    flag[~(usable[1:] & usable[:-1])] = YEAR_FLAGS["no_estimate"]
    return np.diff(levels, axis=0), flag

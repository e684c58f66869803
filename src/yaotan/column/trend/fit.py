"""Trend and season of a series after Thoning et al. (1989): function, filters, growth, their uncertainty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.trend.curve import Curve, Floats, Settings
from yaotan.column.trend.moment import FILTER_YEAR, decimal_year
from yaotan.column.trend.noise import Errors, Noise, estimate_noise, noise_design
from yaotan.column.trend.sample import average_series, check_length, spacing
from yaotan.column.trend.series import Series, read_series, region_coordinates
from yaotan.column.trend.table import CURVES, TRUST, empty_fit, fit_attributes
from yaotan.errors import SeriesError


@dataclass(frozen=True)
class Fitted:
    """One series of a fit, made anew from it: which region, its values, its curves as rows, its errors."""

    number: int
    label: str
    year: Floats
    value: Floats
    curve: Curve
    errors: Errors

    @property
    def reach(self) -> tuple[float, float]:
        """First and last moment that the values stand for: half a usual spacing beyond the first and last."""
        # a little more than half: mid-January is 15.5 days after its start, months are 30.4 days apart
        half = 0.55 * spacing(self.year)
        return float(self.year[0]) - half, float(self.year[-1]) + half


def fit_trend(
    series: Any,
    *,
    variable: str | None = None,
    period: str | None = None,
    terms: int = 3,
    harmonics: int = 4,
    short: float = 80.0,
    long: float = 667.0,
    step: float | None = None,
    average: float | None = None,
    weighted: bool = False,
) -> xr.Dataset:
    r"""Fit trend and season of one or more time series.

    A polynomial and harmonics of the year are fitted by least squares; their residuals are interpolated to
    equal steps and filtered twice with :math:`H(f) = 2^{-(f / f_c)^6}`:

    .. math:: f(t) = \sum_{i<k} a_i t^i + \sum_{j \le n} b_j \sin 2 \pi j t + c_j \cos 2 \pi j t

    smooth = f + short-term filtered residuals; trend = polynomial + long-term filtered residuals; season =
    smooth - trend; growth = d trend / dt.

    Parameters
    ----------
    series : xarray.DataArray, xarray.Dataset or pandas.Series
        ``([region,] time)``: a regional table (`zonal_statistics`, `region_series`, `band_series`), an array,
        a pandas series by date or period, or soundings of one station at any times. Missing values are gaps.
    variable : str, optional
        Which variable of a dataset; needed where it has several.
    period : str, optional
        Values are means over the calendar ``"day"``, ``"month"``, ``"season"``, ``"year"`` or duration that
        holds their time, and stand at its middle; ``"instant"``: at their time. Default: the middle of
        ``time_bnds``; else of the month where every time is the first moment of one, or a product says that
        it gives monthly means; else at their time.
    terms, harmonics : int
        Polynomial terms k (3: a quadratic) and harmonics n.
    short, long : float
        Cut-offs of the filters [days]; a year of 365 days, f_c = 365 / cut-off per year.
    step : float, optional
        Step of the filters [days]; the median spacing of the values without it.
    average : float, optional
        Values are first averaged over spans of so many days. Without it, only series of more than 1500 values
        are, over the fewest whole days that leave at most 1500.
    weighted : bool
        Whether the fit of the function weights values by their stated uncertainty. In the noise model stated
        uncertainty always sets how much noisier one value is than another (at most by a factor of 2 from the
        root mean square), never how noisy the series is.

    Returns
    -------
    xarray.Dataset
        Dims ``([region,] time)``: ``value``, ``function``, ``smooth``, ``trend``, ``season`` [unit of the
        series], ``growth`` [unit per year], each with ``_uncertainty`` (1 sigma), ``trust`` (flag: trusted,
        end, gap); dims ``([region,] term)``: ``coefficient`` with ``_uncertainty``; the noise model
        (``noise_white``, ``noise_correlated``, ``growth_variability``). ``attrs["not_fitted"]`` lists regions
        without a fit.

    Raises
    ------
    SeriesError
        Shorter than two years, too few values, all equal, no value; times unsorted, doubled or missing.
    UnitsError
        Value and uncertainty have different units.

    Notes
    -----
    The uncertainty holds noise and what the filters miss (`noise.estimate_noise`, docs/trend.md). It does not
    hold errors that last (a drift of the instrument), nor that other places would have been seen.
    Reference: Thoning et al. 1989, doi:10.1029/JD094iD06p08549.

    Examples
    --------
    >>> import pandas as pd
    >>> months = pd.period_range("2010-01", periods=120, freq="M")
    >>> year = (np.arange(120) + 0.5) / 12
    >>> fit = fit_trend(pd.Series(390 + 2 * year + 3 * np.sin(2 * np.pi * year), months, name="co2"))
    >>> round(float(fit.growth[60]), 1), round(float(fit.season.max()), 1)
    (2.0, 2.9)
    """
    settings = Settings(int(terms), int(harmonics), float(short), float(long), step)
    _check_settings(settings)
    read = average_series(read_series(series, variable=variable, period=period), average)
    count = len(read.value)
    parts, refused = [], {}
    for number in range(count):
        try:
            parts.append(_fit_one(read, number, settings, weighted))
        except SeriesError as error:
            if read.regions is None:
                raise
            refused[str(read.regions["region"].values[number])] = str(error)
            parts.append(empty_fit(read, number, settings))
    if len(refused) == count:
        raise SeriesError(f"none of {count} regions can be fitted; the first: {next(iter(refused.values()))}")
    fit = xr.concat(parts, "region") if read.regions is not None else parts[0]
    if read.regions is not None:
        fit = fit.assign_coords({str(k): v for k, v in read.regions.coords.items()})
    fit.attrs = fit_attributes(read, settings, weighted) | {"not_fitted": json.dumps(refused)}
    return fit


def fitted_series(fit: xr.Dataset) -> Iterator[Fitted]:
    """Give the series of a fit one by one, with curves as rows and errors made anew.

    Parameters
    ----------
    fit : xarray.Dataset
        From `fit_trend`, or read back from a file.

    Yields
    ------
    Fitted
        Regions that could not be fitted are passed over.

    Raises
    ------
    SeriesError
        The dataset is no fit.
    """
    if "trend" not in fit or "long_cutoff" not in fit.attrs:
        raise SeriesError("the dataset is no fit", expected="what fit_trend returns")
    settings = _settings(fit)
    year = decimal_year(fit["time"].values)
    labels = region_coordinates(fit)["region"].values if "region" in fit.dims else [""]
    for number in range(fit.sizes.get("region", 1)):
        one = fit.isel(region=number) if "region" in fit.dims else fit
        value = one["value"].values.astype(float)
        if not np.isfinite(one["noise_white"].values):
            continue
        known = np.isfinite(value)
        scale = _scale(one["value_uncertainty"].values, known) if "value_uncertainty" in fit else None
        noise = Noise(
            float(one["noise_white"]) ** 2,
            one["noise_correlated"].values.astype(float) ** 2,
            float(one["growth_variability"]) ** 2,
        )
        weight = scale**-2.0 if scale is not None and _true(fit.attrs["weighted"]) else None
        yield Fitted(
            number,
            str(labels[number]),
            year[known],
            value[known],
            Curve(year[known], settings, weight),
            Errors(year[known], noise, scale),
        )


def _true(value: Any) -> bool:
    return value in (True, "true")


def _settings(fit: xr.Dataset) -> Settings:
    attrs = fit.attrs
    step = attrs.get("step")
    return Settings(
        int(attrs["terms"]),
        int(attrs["harmonics"]),
        float(attrs["short_cutoff"]),
        float(attrs["long_cutoff"]),
        None if step is None else float(step),
    )


def _check_settings(settings: Settings) -> None:
    if settings.terms < 1 or settings.harmonics < 0:
        raise SeriesError(
            f"terms={settings.terms}, harmonics={settings.harmonics}", expected="at least 1 term, 0 harmonics"
        )
    if not 0.0 < settings.short < settings.long or (settings.step is not None and not settings.step > 0.0):
        raise SeriesError(
            f"cut-offs {settings.short:g} and {settings.long:g} days, step {settings.step}",
            expected="0 < short < long, step above 0",
        )


def _scale(sigma: NDArray[Any], known: NDArray[np.bool_]) -> Floats | None:
    """Relative stated errors of the known values; a missing one is as the others.

    Kept within a factor of 2 of their root mean square: a stated error of nearly 0 makes no value exact.
    """
    stated = sigma.astype(float)[known]
    usable = np.isfinite(stated) & (stated > 0.0)
    if not usable.any():
        return None
    typical = np.sqrt(np.mean(stated[usable] ** 2))
    return np.clip(np.where(usable, stated, typical) / typical, 0.5, 2.0)


def _fit_one(read: Series, number: int, settings: Settings, weighted: bool) -> xr.Dataset:
    """Fit one series and lay its curves on the times of the table."""
    known = np.isfinite(read.value[number])
    year, value = read.year[known], read.value[number][known]
    check_length(year, value, settings, read.label(number))
    scale = None if read.sigma is None else _scale(read.sigma[number], known)
    if weighted and scale is None:
        raise SeriesError(
            f"{read.name} states no uncertainty to weight by",
            where=read.label(number),
            expected=f"a variable {read.name}_uncertainty",
            fix="leave weighted out",
        )
    curve = Curve(year, settings, scale**-2.0 if weighted and scale is not None else None)
    noise = estimate_noise(year, value, noise_design(curve), scale)
    errors = Errors(year, noise, scale)
    inside = (read.year >= year[0]) & (read.year <= year[-1])
    at = read.year[inside]
    columns: dict[str, Floats] = {}
    for kind in CURVES:
        rows = curve.rows(at, kind)  # type: ignore[arg-type]
        columns[kind] = rows @ value
        columns[f"{kind}_uncertainty"] = np.sqrt(_variance(kind, rows, at, errors))
    table = empty_fit(read, number, settings)
    for name, column in columns.items():
        table[name].values[inside] = column
    table["trust"].values[:] = _trust(read.year, year, settings)
    table["coefficient"].values[:] = curve.fit_rows @ value
    table["coefficient_uncertainty"].values[:] = np.sqrt(errors.noise_variance(curve.fit_rows))
    table["origin"].values = np.asarray(curve.origin)
    table["noise_white"].values = np.asarray(np.sqrt(noise.white))
    table["noise_correlated"].values[:] = np.sqrt(noise.correlated)
    table["growth_variability"].values = np.asarray(np.sqrt(noise.growth))
    return table


def _variance(kind: str, rows: Floats, at: Floats, errors: Errors) -> Floats:
    noise = errors.noise_variance(rows)
    if kind in ("smooth", "trend"):
        return noise + errors.level_variance(rows, at)
    if kind == "growth":
        return noise + errors.rate_variance(rows, at)
    return noise + errors.leaked_variance(rows) if kind == "season" else noise


def _trust(at: Floats, year: Floats, settings: Settings) -> NDArray[np.uint8]:
    """Flag times within half a long cut-off of an end, and times in gaps longer than the short cut-off."""
    half = settings.long / FILTER_YEAR / 2.0
    flag = np.full(at.size, TRUST["trusted"], np.uint8)
    wide = np.flatnonzero(np.diff(year) > settings.short / FILTER_YEAR)
    for place in wide:
        flag[(at > year[place]) & (at < year[place + 1])] = TRUST["gap"]
    flag[(at < year[0] + half) | (at > year[-1] - half)] = TRUST["end"]
    return flag

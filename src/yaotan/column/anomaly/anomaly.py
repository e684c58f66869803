"""`anomaly`: months against the same calendar month of other years, in units of its interannual spread."""

from __future__ import annotations

import json
from typing import Any, Final, Literal

import numpy as np
import xarray as xr

from yaotan.column.anomaly.climatology import Expected, expect
from yaotan.column.anomaly.month import Calendar, base_period, read_calendar
from yaotan.column.trend.table import rate_units
from yaotan.errors import SeriesError, YaotanError

#: meaning of the values of ``<v>_anomaly_verdict``
VERDICTS: Final = ("usual", "high", "low", "too_few_years", "not_measured")
USUAL, HIGH, LOW, TOO_FEW, UNMEASURED = range(5)
#: Fewest years besides the one judged. Student's t at 5 %, with the error of a mean of n years, asks for
#: 15.6, 5.0, 3.6, 3.0, 2.8 spreads with n = 2, 3, 4, 5, 6: with fewer than 5 hardly anything can be told.
MIN_YEARS: Final = 5
#: Years of the base period from which growth has a curvature. Where growth rises by a every year, a straight
#: line through T years is a T^2 / 12 off at its ends: 0.3 ppm in 10 years for the 0.037 ppm per year of CO2
#: from 2000 to 2020 (least squares of NOAA's annual growth at Mauna Loa, co2_gr_mlo.csv of 14 March 2025).
CURVED: Final = 10


def anomaly(
    data: xr.Dataset,
    *,
    variable: str | None = None,
    base: tuple[str, str] | None = None,
    growth: Literal["fit", "none"] = "fit",
    terms: int | None = None,
    min_years: int = MIN_YEARS,
    level: float = 0.05,
) -> xr.Dataset:
    r"""Judge each month against the same calendar month of the other years.

    .. math:: \Delta = x - c, \quad z = \Delta / s, \quad
              t = \Delta / \sqrt{s^2 (1 + w) + \max(0, u^2 - \bar{u^2})}

    with c what the other years of the base period let expect, s their interannual spread about it and w the
    variance of c in units of s^2; t is judged by Student's distribution. The year judged is never in its own
    climatology. With ``growth="none"`` c is the mean of n years, w = 1 / n and t has n - 1 degrees of
    freedom. With "fit" growth is taken out with c, from all months of the other years; its error, which grows
    with the persistence of departures, is in w and in the degrees of freedom (`climatology.expect`).

    The scatter of years holds errors of retrieval; what the month judged has more of them (u, stated) than
    the years on average is added.

    Parameters
    ----------
    data : xarray.Dataset
        Monthly grid, or regional table of `zonal_statistics` or `region_series`: dim ``time`` and others.
        Every cell or region is judged by itself.
    variable : str, optional
        Needed where there are several.
    base : tuple of str, optional
        First and last month of the years that make the climatology, as ``("2015-01", "2022-12")``; all data
        without it. Months outside are judged too.
    growth : {"fit", "none"}
        Whether the growth is taken out. With "none" the growth of a gas is in both: anomalies run from low to
        high through the record, and the spread hides what is none of it.
    terms : int, optional
        Terms of the polynomial of growth: 2 a straight line, 3 with a curvature. Default 3 for a base period
        of 10 years or more, else 2.
    min_years : int
        Fewest other years of a calendar month.
    level : float
        Of the two-sided test of each month.

    Returns
    -------
    xarray.Dataset
        Dims as the data: ``<v>_anomaly``, ``<v>_anomaly_uncertainty`` (1 sigma of the departure of a usual
        year, the root above), ``<v>_anomaly_climatology`` (c), ``<v>_anomaly_spread`` (s), with "fit"
        ``<v>_anomaly_growth``; ``<v>_anomaly_z``, ``<v>_anomaly_p`` (two-sided), ``<v>_anomaly_years`` (n),
        ``<v>_anomaly_verdict`` (uint8 flag: usual, high, low, too_few_years, not_measured). Attributes of
        ``<v>_anomaly``: ``base``, ``growth``, ``terms``, ``min_years``, ``level``, ``counted`` (JSON, months
        by verdict), ``by_chance`` (months that would be high or low by chance alone).

    Raises
    ------
    SeriesError
        No calendar month reaches `min_years`; not monthly; no such variable or time.
    UnitsError
        Value and uncertainty in different units.
    YaotanError
        An option is out of range or unknown, or the base period holds none of the data.

    Notes
    -----
    Changes of growth from year to year (El Nino) are anomalies, those that a polynomial follows are not; the
    filtered trend of `fit_trend` is not used, since it follows an anomaly of more than a year. One of twenty
    usual months is high or low by chance at 5 %, and neighbouring months and cells share it. The mean of a
    region over the cells seen moves with what is seen: take `region_series` where coverage changes.
    Departures are taken as normal. Where they last so long that so few years do not tell their spread, the
    verdict is too_few_years too.

    Examples
    --------
    >>> time = np.arange("2010-01", "2020-01", dtype="datetime64[M]").astype("datetime64[ns]")
    >>> year = np.arange(120) / 12
    >>> usual = 390 + 2.3 * year + 3 * np.sin(2 * np.pi * year)
    >>> series = usual + np.random.default_rng(1).normal(0, 0.4, 120)
    >>> series[100] += 3.0
    >>> found = anomaly(xr.Dataset({"xco2": ("time", series, {"units": "ppm"})}, {"time": time}))
    >>> float(found.xco2_anomaly[100].round(1)), int(found.xco2_anomaly_verdict[100])
    (2.7, 1)
    >>> found.xco2_anomaly_growth[60].round(1).item(), int(found.xco2_anomaly_years[60])
    (2.3, 9)
    """
    calendar = read_calendar(data, variable)
    inside, words = base_period(calendar, base)
    held = int((inside & np.isfinite(calendar.value).any(axis=2)).any(axis=1).sum())
    terms = 1 if growth == "none" else terms or (3 if held >= CURVED else 2)
    _check(growth, terms, min_years, level)
    expected = expect(calendar.value, calendar.variance, inside, calendar.moment, terms)
    most = int(expected.years.max(initial=0))
    if most < min_years:
        raise SeriesError(
            f"no calendar month of {calendar.name} has more than {most} other years in the base period",
            where="anomaly",
            expected=f"at least {min_years} (min_years), that is {min_years + 1} years with the one judged",
            fix="give a longer record or base period; with fewer years hardly any anomaly can be told",
        )
    told = {"base": words, "growth": growth, "terms": terms, "min_years": min_years, "level": level}
    return _assemble(data, calendar, _judge(calendar, expected, min_years, level), expected, told)


def _check(growth: str, terms: int, min_years: int, level: float) -> None:
    rules = {
        "growth": (growth, growth in ("fit", "none"), "fit or none"),
        "terms": (terms, 2 <= terms <= 4 or growth == "none", "2, 3 or 4"),
        "min_years": (min_years, min_years >= terms + 1, f"{terms + 1} or more: one more than terms"),
        "level": (level, 0 < level < 1, "between 0 and 1"),
    }
    for name, (value, fine, expected) in rules.items():
        if not fine:
            raise YaotanError(f"{name} is {value!r}", where="anomaly", expected=expected)


def _judge(calendar: Calendar, expected: Expected, min_years: int, level: float) -> dict[str, Any]:
    """Anomaly, its spread, scores and verdict, each ``(year, month, place)``."""
    from scipy.stats import t as student

    measured = np.isfinite(calendar.value)
    able = measured & (expected.years >= min_years) & np.isfinite(expected.spread) & (expected.spread > 0)
    more = np.nan_to_num(np.maximum(0.0, calendar.variance - expected.noise))
    excess = np.where(able, calendar.value - expected.value, np.nan)
    spread = np.where(able, expected.spread, np.nan)
    usual = np.sqrt(spread**2 * (1.0 + expected.widening) + more)
    p = 2.0 * student.sf(np.abs(excess / usual), expected.freedom)
    verdict = np.where(measured, TOO_FEW, UNMEASURED).astype(np.uint8)
    verdict[able] = USUAL
    clear = able & (p <= level)
    verdict[clear & (excess > 0)], verdict[clear & (excess < 0)] = HIGH, LOW
    z = excess / spread
    return {"": excess, "_uncertainty": usual, "_spread": spread, "_z": z, "_p": p, "_verdict": verdict}


def _assemble(
    data: xr.Dataset, calendar: Calendar, judged: dict[str, Any], expected: Expected, told: dict[str, Any]
) -> xr.Dataset:
    name, shape = f"{calendar.name}_anomaly", [data.sizes[dim] for dim in calendar.dims]
    able = np.isfinite(judged[""])
    parts = {
        **judged,
        "_climatology": np.where(able, expected.value, np.nan),
        "_years": expected.years.astype(np.int32),
    }
    if told["growth"] == "fit":
        parts["_growth"] = np.where(able, expected.growth, np.nan)
    flags = {"flag_values": np.arange(len(VERDICTS), dtype=np.uint8), "flag_meanings": " ".join(VERDICTS)}
    numbers = np.bincount(calendar.at_times(judged["_verdict"]).ravel(), minlength=len(VERDICTS)).tolist()
    counted = {word: number for word, number in zip(VERDICTS, numbers, strict=True) if number}
    chance = round(told["level"] * sum(numbers[:TOO_FEW]), 1)
    texts: dict[str, tuple[str, dict[str, Any]]] = {
        "": ("departure from the same calendar month of other years", {}),
        "_uncertainty": ("1 sigma of the departure of a usual year", {}),
        "_climatology": ("what other years let expect", {}),
        "_spread": ("interannual spread, 1 sigma", {}),
        "_growth": ("growth taken out", {"units": rate_units(calendar.units)}),
        "_z": ("departure in interannual spreads", {"units": "1"}),
        "_p": ("two-sided probability of so large a departure in a usual year", {"units": "1"}),
        "_years": ("other years of the calendar month", {"units": "1"}),
        "_verdict": ("verdict", flags),
    }
    out = {}
    for ending, values in parts.items():
        text, attrs = texts[ending]
        own = {} if ending == "_verdict" else {"units": calendar.units or "1"}
        about = {**told, "counted": json.dumps(counted), "by_chance": chance} if not ending else {}
        words = {**own, **attrs, **about, "long_name": f"{calendar.name}: {text}"}
        out[name + ending] = (calendar.dims, calendar.at_times(values).reshape(shape), words)
    bounds = {str(key): data[key] for key in data.data_vars if str(key).endswith("_bnds")}
    found = xr.Dataset({**out, **bounds}, coords=data.coords).transpose(*data[calendar.name].dims, ...)
    keys = ("product", "platform", "references", "licence", "crs", "Conventions")
    return found.assign_attrs({key: data.attrs[key] for key in keys if key in data.attrs})

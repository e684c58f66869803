"""The dataset that a fit is given as: names, units, flags, attributes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr

from yaotan.column.trend.curve import Settings
from yaotan.column.trend.moment import FILTER_YEAR
from yaotan.column.trend.noise import NOISE_TIMES
from yaotan.column.trend.series import Series

REFERENCE: Final = (
    "Thoning et al. 1989, doi:10.1029/JD094iD06p08549; NOAA GML, Curve Fitting Methods Applied to "
    "Time Series (gml.noaa.gov/ccgg/mbl/crvfit)"
)
#: times that the curves are not to be trusted at: near an end, or in a gap
TRUST: Final = {"trusted": 0, "end": 1, "gap": 2}
CURVES: Final = {
    "function": "polynomial and harmonics",
    "smooth": "function and short-term filtered residuals",
    "trend": "polynomial and long-term filtered residuals",
    "season": "smooth curve minus trend",
    "growth": "derivative of the trend",
}


def rate_units(units: str) -> str:
    """Give the unit of a change by the year.

    Examples
    --------
    >>> rate_units("ppm")
    'ppm year-1'
    """
    return f"{units} year-1" if units and units != "1" else "year-1"


def empty_fit(read: Series, number: int, settings: Settings) -> xr.Dataset:
    """Make the table of one series, everything missing but its values.

    Parameters
    ----------
    read : Series
        Values of all regions.
    number : int
        Which region.
    settings : Settings
        Of the fit.

    Returns
    -------
    xarray.Dataset
        As `fit_trend` describes it, without dim ``region``.
    """
    units, rate = {"units": read.units or "1"}, {"units": rate_units(read.units)}
    data: dict[str, Any] = {}

    def add(name: str, dims: tuple[str, ...], values: Any, unit: dict[str, str], text: str) -> None:
        data[name] = (dims, values, unit | {"long_name": text})

    add("value", ("time",), read.value[number].copy(), units, f"{read.name} as given")
    if read.sigma is not None:
        add("value_uncertainty", ("time",), read.sigma[number].copy(), units, "stated 1 sigma")
    size = read.time.size
    for kind, text in CURVES.items():
        unit = rate if kind == "growth" else units
        add(kind, ("time",), np.full(size, np.nan), unit, f"{read.name}: {text}")
        add(f"{kind}_uncertainty", ("time",), np.full(size, np.nan), unit, f"1 sigma of {kind}")
    flags = {"flag_values": np.array(list(TRUST.values()), np.uint8), "flag_meanings": " ".join(TRUST)}
    data["trust"] = (
        ("time",),
        np.full(size, TRUST["gap"], np.uint8),
        flags | {"long_name": "whether the curves can be trusted"},
    )
    terms = settings.parameters
    plain = {"units": "1"}
    add("coefficient", ("term",), np.full(terms, np.nan), plain, "coefficients of the function")
    add("coefficient_uncertainty", ("term",), np.full(terms, np.nan), plain, "1 sigma from noise")
    add("origin", (), np.nan, plain, "decimal year from which the polynomial counts")
    add("noise_white", (), np.nan, units, "standard deviation of white noise")
    correlated = np.full(NOISE_TIMES.size, np.nan)
    add("noise_correlated", ("noise_time",), correlated, units, "standard deviations by correlation time")
    add("growth_variability", (), np.nan, rate, "standard deviation of year-to-year changes of growth")
    coords: dict[str, Any] = {
        "time": ("time", read.time, {"long_name": "time that each value stands for"}),
        "term": ("term", np.array(settings.names, dtype=object), {"long_name": "term of the function"}),
        "noise_time": ("noise_time", NOISE_TIMES * FILTER_YEAR, {"units": "days"}),
    }
    return xr.Dataset(data, coords)


def fit_attributes(read: Series, settings: Settings, weighted: bool) -> dict[str, Any]:
    """Say what was fitted, and how: `fitted_series` makes the curves anew from it."""
    attrs = {
        "title": f"Trend and season of {read.name}",
        "variable": read.name,
        "units": read.units,
        "method": "polynomial and harmonics by least squares, residuals filtered (ccgcrv)",
        "terms": settings.terms,
        "harmonics": settings.harmonics,
        "short_cutoff": settings.short,
        "long_cutoff": settings.long,
        "weighted": weighted,
        "references": REFERENCE,
    }
    if settings.step is not None:
        attrs["step"] = settings.step
    return attrs | read.notes

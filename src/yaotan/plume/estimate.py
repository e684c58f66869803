"""The one shape of every emission from a plume: constructor and checker."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from yaotan.errors import SchemaError
from yaotan.plume.effective import EffectiveWind
from yaotan.schema import check_estimate

if TYPE_CHECKING:
    import geopandas as gpd

#: why there is an emission or none, in the order of the flag values of ``status``
STATUS: Final = (
    "estimated",
    "no_wind",  # no wind for the place and time
    "low_wind",  # below the speed at which a steady plume means anything
    "outside",  # the source lies outside the image, or none of its plume is in it
    "cloudy",  # too few pixels or soundings of the plume have a value
    "not_detected",  # no plume was found, and the method needs one
    "too_few",  # not enough lines, pixels or scenes for the method
    "no_fit",  # the fit did not converge
    "rejected",  # a physical check failed (angle, width, background on one side only); see ``reason``
    "failed",  # the data are not what the method takes; see ``reason``
)
#: an emission with one of these is to be read with care; bits of ``caution``
CAUTION: Final = (
    "low_wind",  # below 2 m s-1
    "negative",  # emission below zero: noise, or a wrong background; never cut, an average would be biased
    "overlap",  # the plume of another source lies over this one
    "gap",  # the core of the plume is missing over part of its way
    "short",  # the plume leaves the image, or ends, close to the source
    "at_bound",  # the fit stopped at a bound of a parameter
    "not_detected",  # the method needs no detection, and there was none
    "many_terms_unknown",  # an uncertainty term could not be had
)
#: terms of the uncertainty, independent of one another; ``emission_uncertainty_<term>``
TERMS: Final[dict[str, str]] = {
    "noise": "noise of the columns, with its correlation",
    "background": "background of the columns",
    "column": "air mass, water, kernel and other factors of the mass",
    "wind_speed": "speed of the wind",
    "wind_direction": "direction of the wind",
    "wind_height": "height of the wind and rise of the plume",
    "wind_variability": "wind along the way of the plume other than at the source",
    "dispersion": "width of the plume",
    "turbulence": "turbulence: one plume is not the mean plume",
    "mask": "extent and length of the plume",
    "chemistry": "decay, and the share of NO2 in NOx",
    "ratio": "ratio of two gases",
    "sampling": "hours and days without an overpass",
    "profile": "profile in time of the emission",
    "method": "disagreement of methods",
}
#: wind below which no emission is given, and below which it carries a caution [m s-1]
CALM, LOW_WIND = 1.0, 2.0


@dataclass(frozen=True)
class PlumeResult:
    """What a method found for one source; `make_estimate` turns a list of them into the estimate.

    Parameters
    ----------
    emission : float
        [kg s-1]; NaN unless the status is "estimated".
    terms : mapping of str to float
        Standard error by term [kg s-1], keys of `TERMS`.
    status : str
        One of `STATUS`.
    cautions : sequence of str
        Of `CAUTION`.
    reason : str
        One sentence where there is no emission.
    wind : EffectiveWind, optional
        The wind that was used.
    time : numpy.datetime64, optional
        Of the plume, UTC.
    details : mapping of str to (float, str)
        Further numbers with their unit: name -> (value, unit).
    fit : object, optional
        What was fitted, for those who draw it: `PlumeModel` of images, `PeakFit` of tracks. No part of the
        estimate.
    """

    emission: float = math.nan
    terms: Mapping[str, float] = field(default_factory=dict)
    status: str = "estimated"
    cautions: Sequence[str] = ()
    reason: str = ""
    wind: EffectiveWind | None = None
    time: np.datetime64 | None = None
    details: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    fit: Any = field(default=None, repr=False, compare=False)

    @property
    def uncertainty(self) -> float:
        """All terms together [kg s-1], NaN without an emission."""
        if not math.isfinite(self.emission):
            return math.nan
        return math.sqrt(sum(sigma**2 for sigma in self.terms.values()))


class NoEstimateError(Exception):
    """Raised inside a method where no emission can be given: becomes a status, never reaches the user."""

    def __init__(self, status: str, reason: str) -> None:
        if status not in STATUS[1:]:
            raise SchemaError(f"{status!r} is no status", expected=", ".join(STATUS[1:]))
        super().__init__(reason)
        self.status, self.reason = status, reason


def make_estimate(
    results: Sequence[PlumeResult],
    sources: gpd.GeoDataFrame,
    *,
    method: str,
    substance: str,
    corrections: Sequence[str] = (),
    provenance: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Make an estimate of what a method found.

    Parameters
    ----------
    results : sequence of PlumeResult
        One for each row of `sources`.
    sources : geopandas.GeoDataFrame
        Table of `make_sources`.
    method : str
        Name in the registry.
    substance : str
        Gas, as in ``catalogs/gases.yaml``: "co2", "ch4", "no2" (NOx as NO2 is "nox").
    corrections : sequence of str
        What was applied to the columns, by name ("water_vapour", "gravity", "kernel", "no2_to_nox").
    provenance : mapping, optional
        Product, files, wind source ...
    options : mapping, optional
        Options of the method that were used.

    Returns
    -------
    xarray.Dataset
        Dim ``source`` with coordinates ``source``, ``source_name``, ``longitude``, ``latitude``, ``time``;
        ``emission`` [kg s-1], ``emission_uncertainty`` (1 sigma), its terms
        ``emission_uncertainty_<term>`` (their squares sum to it), ``status`` and ``caution`` (CF flags),
        ``reason``, ``wind_speed``, ``wind_direction``, further numbers of the method. Attributes ``method``,
        ``corrections``, ``options``, ``wind``, ``provenance`` (JSON).

    Raises
    ------
    SchemaError
        A status, caution or term is unknown, or an emission has no uncertainty.

    Examples
    --------
    >>> from yaotan.plume.source import make_sources
    >>> found = PlumeResult(500.0, {"noise": 30.0, "wind_speed": 40.0})
    >>> made = make_estimate([found], make_sources(["JV"], 14.45, 51.84), method="ime", substance="co2")
    >>> float(made.emission_uncertainty[0])
    50.0
    """
    if len(results) != len(sources):
        raise SchemaError(f"{len(results)} results for {len(sources)} sources", where="make_estimate")
    values = {
        "emission": ([r.emission for r in results], "kg s-1", f"emission of {substance}"),
        "emission_uncertainty": ([r.uncertainty for r in results], "kg s-1", "standard error, all terms"),
    }
    for term in _in_order({term for r in results for term in r.terms}):
        sigmas = [r.terms.get(term, 0.0) if math.isfinite(r.emission) else math.nan for r in results]
        values[f"emission_uncertainty_{term}"] = (sigmas, "kg s-1", f"standard error: {TERMS[term]}")
    winds = [r.wind for r in results]
    values["wind_speed"] = ([w.speed if w else math.nan for w in winds], "m s-1", "wind that was used")
    values["wind_direction"] = (
        [w.direction if w else math.nan for w in winds],
        "degree",
        "where the wind comes from, clockwise from true north",
    )
    for name in sorted({name for r in results for name in r.details}):
        unit = next(r.details[name][1] for r in results if name in r.details)
        values[name] = (
            [r.details.get(name, (math.nan, ""))[0] for r in results],
            unit,
            name.replace("_", " "),
        )
    data = {
        name: ("source", np.asarray(numbers, float), {"units": unit, "long_name": text})
        for name, (numbers, unit, text) in values.items()
    }
    flags = {"status": _status(results), "caution": _caution(results)}
    reason = ("source", np.array([r.reason for r in results], dtype=str), {"long_name": "why there is none"})
    attrs = {
        "substance": substance,
        "method": method,
        "corrections": json.dumps(list(corrections)),
        "options": json.dumps(dict(options or {}), default=str),
        "wind": json.dumps([w.describe() if w else None for w in winds]),
        "provenance": json.dumps(dict(provenance or {}), default=str),
    }
    made = xr.Dataset({**data, **flags, "reason": reason}, coords=_coordinates(results, sources), attrs=attrs)
    return check_plume_estimate(made)


def _in_order(terms: set[str]) -> list[str]:
    unknown = sorted(terms - set(TERMS))
    if unknown:
        raise SchemaError(f"{unknown[0]!r} is no term of the uncertainty", expected=", ".join(TERMS))
    return [term for term in TERMS if term in terms]


def _coordinates(results: Sequence[PlumeResult], sources: gpd.GeoDataFrame) -> dict[str, Any]:
    times = [np.datetime64("NaT") if r.time is None else r.time for r in results]
    return {
        "source": ("source", sources["source"].to_numpy(dtype=str)),
        "source_name": ("source", sources["name"].to_numpy(dtype=str)),
        "longitude": ("source", sources.geometry.x.to_numpy(), {"units": "degrees_east"}),
        "latitude": ("source", sources.geometry.y.to_numpy(), {"units": "degrees_north"}),
        "time": ("source", np.array(times, "datetime64[ns]")),
    }


def _status(results: Sequence[PlumeResult]) -> tuple[str, Any, dict[str, Any]]:
    for result in results:
        if result.status not in STATUS:
            raise SchemaError(f"{result.status!r} is no status", expected=", ".join(STATUS))
    codes = np.array([STATUS.index(r.status) for r in results], np.uint8)
    flags = {"flag_values": np.arange(len(STATUS), dtype=np.uint8), "flag_meanings": " ".join(STATUS)}
    return "source", codes, {"long_name": "why there is an emission or none", **flags}


def _caution(results: Sequence[PlumeResult]) -> tuple[str, Any, dict[str, Any]]:
    unknown = sorted({name for r in results for name in r.cautions} - set(CAUTION))
    if unknown:
        raise SchemaError(f"{unknown[0]!r} is no caution", expected=", ".join(CAUTION))
    bits = [sum(1 << CAUTION.index(name) for name in set(r.cautions)) for r in results]
    masks = (1 << np.arange(len(CAUTION))).astype(np.uint16)
    flags = {"flag_masks": masks, "flag_meanings": " ".join(CAUTION)}
    return "source", np.array(bits, np.uint16), {"long_name": "to be read with care", **flags}


def check_plume_estimate(estimate: xr.Dataset) -> xr.Dataset:
    """Check that a dataset is an estimate of emissions from plumes.

    Parameters
    ----------
    estimate : xarray.Dataset
        To be checked.

    Returns
    -------
    xarray.Dataset
        The same object.

    Raises
    ------
    SchemaError
        Something is missing; an emission stands beside a status that says there is none, or the reverse; the
        terms do not sum to the uncertainty.
    """
    where = "plume estimate check"
    check_estimate(estimate)
    for name in ("emission", "emission_uncertainty", "status", "caution"):
        if name not in estimate:
            raise SchemaError(f"{name} is missing", where=where)
    for name in ("substance", "method", "corrections", "provenance"):
        if name not in estimate.attrs:
            raise SchemaError(f"attribute {name} is missing", where=where)
    if estimate.emission.attrs.get("units") != "kg s-1":
        raise SchemaError(
            f"emission is in {estimate.emission.attrs.get('units')!r}", where=where, expected="kg s-1"
        )
    given = estimate.status.values == 0
    for name in ("emission", "emission_uncertainty"):
        wrong = np.isfinite(estimate[name].values) != given
        if wrong.any():
            state = STATUS[int(estimate.status.values[wrong].flat[0])]
            raise SchemaError(f"{name} and status {state!r} contradict one another", where=where)
    if (estimate.emission_uncertainty.values[given] <= 0.0).any():
        raise SchemaError("an emission has no uncertainty above zero", where=where)
    terms = [name for name in estimate if str(name).startswith("emission_uncertainty_")]
    total = np.sqrt(sum((estimate[name].values[given] ** 2 for name in terms), np.zeros(given.sum())))
    if not np.allclose(total, estimate.emission_uncertainty.values[given], rtol=1e-6):
        raise SchemaError("the terms do not sum to the uncertainty", where=where, expected="sum of squares")
    return estimate


def meanings(estimate: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    """Give status and cautions of each source as words.

    Examples
    --------
    >>> from yaotan.plume.source import make_sources
    >>> none = PlumeResult(status="no_wind", reason="no wind at 11 UTC")
    >>> meanings(make_estimate([none], make_sources(["JV"], 14.45, 51.84), method="ime", substance="co2"))
    (['no_wind'], [[]])
    """
    words = [STATUS[code] for code in estimate.status.values.ravel()]
    cautions = [
        [name for bit, name in enumerate(CAUTION) if int(code) >> bit & 1]
        for code in estimate.caution.values.ravel()
    ]
    return words, cautions

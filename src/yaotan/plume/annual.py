"""`annual_emission`: from overpasses to the mean emission of a year."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.temporal import EmissionProfile
from yaotan.errors import YaotanError
from yaotan.plume.estimate import LOW_WIND, PlumeResult, make_estimate
from yaotan.plume.overpass import METHOD_ERROR, collect_overpasses, shared_error, split_errors, year_of
from yaotan.plume.robust import LevelFit, fit_level
from yaotan.plume.season import annual_factor, season_basis, season_spread, wind_weights
from yaotan.plume.selection import lucky_noise
from yaotan.plume.source import make_sources

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Profiles: TypeAlias = EmissionProfile | Mapping[str, EmissionProfile] | None
#: expected emission [kg s-1] and wind [m s-1] of overpasses -> probability of detection
Detection: TypeAlias = Callable[[Array, Array], Array]

#: relative error of the mean factor of a profile, and of none: over its 89 hour profiles the factors of 10 to
#: 14 h local time have standard deviation 0.06, and depart from 1 by 0.08 (root mean square)
PROFILE_ERROR, NO_PROFILE_ERROR = 0.06, 0.08
#: a probability of detection below this gives no weight but a count: one overpass would stand for many
LEAST_PROBABILITY: Final = 0.1
#: fewer valid overpasses give no annual mean
LEAST: Final = 4


@dataclass(frozen=True)
class AnnualOptions:
    """Options of `annual_emission`, for those who pass them on."""

    year: int | None = None
    level: float = 0.95
    shared_error: float | None = None
    profile_error: float | None = None
    detection: Detection | None = None
    winds: Mapping[str, Array] | None = None
    stratify: bool = False
    errors: str = "terms"
    positive: bool | None = None


def annual_emission(
    estimates: xr.Dataset | Sequence[xr.Dataset],
    profile: Profiles = None,
    *,
    year: int | None = None,
    level: float = 0.95,
    shared_error: float | None = None,
    profile_error: float | None = None,
    detection: Detection | None = None,
    winds: Mapping[str, Array] | None = None,
    stratify: bool = False,
    errors: str = "terms",
    positive: bool | None = None,
) -> xr.Dataset:
    r"""Mean emission of each source over a year, from overpasses at a few hours of a few days.

    Each estimate is divided by the factor of the profile at the time when what was seen left the stack; level
    and a smooth periodic season of what is left come from a robust fit (`yaotan.plume.robust.fit_level`); the
    level times the mean of season and profile over every hour of the year is the annual mean:

    .. math:: y_i = Q_i / f(t_i), \quad y = L (1 + \sum_{k=1}^{2} a_k \cos k \omega t + b_k \sin k \omega t),
        \quad \bar Q = L \; \overline{f (1 + ...)}

    Parameters
    ----------
    estimates : xarray.Dataset or sequence of them
        Single overpasses with their time, failed ones as well (see `collect_overpasses`).
    profile : EmissionProfile or mapping of str to it, optional
        For all sources or by identifier (`yaotan.catalog.temporal`). None: hours and days of overpasses count
        as typical.
    year : int, optional
        Default: the year of the overpasses; overpasses of other years are counted as ``other_year``.
    level : float
        Probability of the interval.
    shared_error : float, optional
        Relative standard error that all overpasses have in common. Default: from the terms of the estimates,
        else 0.10, and that of the method (see `errors`).
    profile_error : float, optional
        Relative standard error of the mean factor. Default: 0.06, without profile 0.08.
    detection : callable, optional
        Probability of detection for expected emission [kg s-1] and wind [m s-1] (`detection_probability`):
        each overpass is weighted by its inverse, for weak hours in which nothing was seen would be missing
        from the mean; and the noise that made a plume be seen is taken off it (Heckman 1979, Econometrica 47,
        153). An overpass whose probability is not known (no wind) is left out and counted.
    winds : mapping of str to array, optional
        Wind of every hour of the year by source [m s-1], against which overpasses are weighed by strata.
        Default: the wind of all overpasses, failed ones included.
    stratify : bool
        Whether ``emission`` is the mean weighed by strata of wind; both are always given.
    errors : {"terms", "total"}
        "total" where the estimates come from elsewhere and state a total error only: it is split into a part
        that goes with the emission and one that does not (`yaotan.plume.overpass.split_errors`), and the
        method counts as one whose bias is not known (0.14 instead of 0.05).
    positive : bool, optional
        Whether the method gives no value at or below zero: noise is cut on one side then, and the mean of
        weak sources is too large unless the fit knows of it. Default: whether all values are above zero.

    Returns
    -------
    xarray.Dataset
        Estimate: ``emission`` with terms ``sampling`` (scatter of the overpasses: their errors, weather and
        hours of the plant), ``profile`` and ``method`` (what they share), ``emission_lower`` and
        ``emission_upper``; ``overpass_count``, ``used_count``, ``outlier_count``; ``calm_share`` (of all
        overpasses with known wind, below 2 m s-1), ``emission_wind_stratified``, ``emission_unstratified``;
        ``factor_mean`` (profile over the overpasses), ``detected_share`` and ``detection_expected``,
        ``season_amplitude``. Attribute ``profile`` names the profile of each source, ``failed`` (JSON) counts
        what was not used, by reason, ``positive`` and ``errors`` say how values were taken.

    Raises
    ------
    YaotanError
        An option is out of range, a profile is missing, overpasses are of several years and none is named.
    SchemaError
        The estimates are none, or of several gases.

    Notes
    -----
    The annual mean is of what the overpasses can see: where a plant is off on cloudy days it does not know.
    With fewer than 4 valid overpasses the status is ``too_few``. Clouds are taken to be independent of the
    emission.

    Examples
    --------
    >>> from yaotan.plume.estimate import PlumeResult, make_estimate
    >>> from yaotan.plume.source import make_sources
    >>> plant = make_sources(["JV"], 14.45, 51.84)
    >>> seen = [make_estimate([PlumeResult(q, {"noise": 50.0}, time=np.datetime64(f"2015-{m:02d}-10T11:00"))],
    ...                       plant, method="ime", substance="co2")
    ...         for m, q in zip(range(1, 11), [950, 1020, 980, 1030, 5000, 990, 1010, 940, 1060, 1000])]
    >>> year = annual_emission(seen)
    >>> int(year.outlier_count[0]), bool(abs(year.emission[0] - 1000) < 20)
    (1, True)
    """
    if not 0.0 < level < 1.0:
        raise YaotanError(f"level is {level!r}", where="annual_emission", expected="between 0 and 1")
    if errors not in METHOD_ERROR:
        raise YaotanError(
            f"errors is {errors!r}", where="annual_emission", expected=" or ".join(METHOD_ERROR)
        )
    table = collect_overpasses(estimates)
    table = split_errors(table, errors)
    if positive is None:
        given = table.loc[table["status"] == "estimated", "emission"]
        positive = bool((given > 0.0).all())
    chosen = AnnualOptions(
        year_of(table, year), level, shared_error, profile_error, detection, winds, stratify, errors, positive
    )
    names = sorted(set(table["source"]))
    results, failed, used = [], {}, {}
    for name in names:
        rows = table[table["source"] == name]
        own = _profile_of(profile, name)
        result, failed[name] = _one_source(rows, own, chosen)
        results.append(result)
        used[name] = f"{own.name} ({own.source})" if own is not None else "none"
    first = table.drop_duplicates("source").set_index("source").loc[names]
    sources = make_sources(names, first["longitude"], first["latitude"], kind="other")
    some = estimates if isinstance(estimates, xr.Dataset) else estimates[0]
    made = make_estimate(
        results,
        sources,
        method=f"annual mean of {some.attrs['method']}",
        substance=str(some.attrs["substance"]),
        provenance={"year": chosen.year, "overpasses": len(table)},
    )
    return made.assign_attrs(
        profile=json.dumps(used, ensure_ascii=False), failed=json.dumps(failed), year=chosen.year, level=level
    ).assign_attrs(positive=int(positive), errors=errors)


def _profile_of(profile: Profiles, name: str) -> EmissionProfile | None:
    if profile is None or not isinstance(profile, Mapping):
        return profile
    if name not in profile:
        raise YaotanError(
            f"there is no profile of {name!r}", where="annual_emission", expected="one for each source"
        )
    return profile[name]


def _one_source(
    rows: pd.DataFrame, profile: EmissionProfile | None, chosen: AnnualOptions
) -> tuple[PlumeResult, dict[str, int]]:
    failed: dict[str, int] = {}

    def drop(keep: Any, reason: str, part: pd.DataFrame) -> pd.DataFrame:
        if (~keep).any():
            failed[reason] = failed.get(reason, 0) + int((~keep).sum())
        return part[keep]

    rows = drop(rows["time"].dt.year == chosen.year, "other_year", rows)
    every = rows
    for status, number in rows.loc[rows["status"] != "estimated", "status"].value_counts().items():
        failed[str(status)] = int(number)
    rows = rows[rows["status"] == "estimated"]
    left = rows["time"].to_numpy() - (rows["age"].fillna(0.0).to_numpy() * 1e9).astype("timedelta64[ns]")
    factor = np.ones(len(rows)) if profile is None else profile.factor(left)
    rows = drop(np.isfinite(factor) & (factor > 0), "no_profile", rows.assign(left=left, factor=factor))
    if len(rows) < LEAST:
        text = f"{len(rows)} valid overpasses of {len(every)}, {LEAST} are needed"
        return PlumeResult(status="too_few", reason=text, details=_counts(every, len(rows))), failed
    plain = np.ones(len(rows))
    fit = _fit(rows, plain, chosen)
    if chosen.detection is not None:
        chance = _chance(rows, fit, chosen.detection)
        rows = drop(np.isfinite(chance), "no_probability", rows.assign(probability=chance))
        rows = drop(rows["probability"] >= LEAST_PROBABILITY, "improbable", rows)
        if len(rows) < LEAST:
            text = f"{len(rows)} overpasses whose detection was likely, {LEAST} are needed"
            return PlumeResult(status="too_few", reason=text, details=_counts(every, len(rows))), failed
        # what is expected, and so the chance to see it, follows from the level that is looked for
        for _ in range(3):
            plain = 1.0 / rows["probability"].to_numpy()
            fit = _fit(rows, plain, chosen)
            chance = np.maximum(_chance(rows, fit, chosen.detection), LEAST_PROBABILITY)
            rows = rows.assign(probability=chance)
    return _result(rows, every, plain, fit, profile, chosen), failed


def _chance(rows: pd.DataFrame, fit: LevelFit, detection: Detection) -> Array:
    """Probability with which the plume of each overpass is seen."""
    expected = np.maximum(fit.level, 0.0) * rows["factor"].to_numpy()
    return np.asarray(detection(expected, rows["wind_speed"].to_numpy()), float)


def _fit(rows: pd.DataFrame, weights: Array, chosen: AnnualOptions) -> LevelFit:
    """Robust level and season of estimates over their factors."""
    factor = rows["factor"].to_numpy()
    lucky = lucky_noise(rows["probability"], rows["additive"]) if "probability" in rows else 0.0
    return fit_level(
        (rows["emission"].to_numpy() - lucky) / factor,
        rows["additive"].to_numpy() / factor,
        rows["proportional"].to_numpy(),
        season_basis(rows["left"].to_numpy()),
        season_spread(),
        weights,
        positive=bool(chosen.positive) and "probability" not in rows,
        probability=chosen.level,
    )


def _counts(every: pd.DataFrame, used: int) -> dict[str, tuple[float, str]]:
    speed = every["wind_speed"].dropna()
    calm = float((speed < LOW_WIND).mean()) if len(speed) else math.nan
    return {
        "overpass_count": (float(len(every)), "1"),
        "used_count": (float(used), "1"),
        "calm_share": (calm, "1"),
    }


def _result(
    rows: pd.DataFrame,
    every: pd.DataFrame,
    weights: Array,
    fit: LevelFit,
    profile: EmissionProfile | None,
    chosen: AnnualOptions,
) -> PlumeResult:
    from scipy.special import ndtri

    assert chosen.year is not None
    plain = fit.level * annual_factor(fit, profile, chosen.year)
    source = str(rows["source"].iloc[0])
    strata = wind_weights(rows, every, chosen.winds.get(source) if chosen.winds else None)
    layered = plain
    if strata is not None:
        other = _fit(rows, weights * strata, chosen)
        layered = other.level * annual_factor(other, profile, chosen.year)
        fit = other if chosen.stratify else fit
    emission = layered if chosen.stratify else plain
    scale = emission / fit.level if fit.level else 1.0
    shared = shared_error(rows, chosen.errors) if chosen.shared_error is None else chosen.shared_error
    default = NO_PROFILE_ERROR if profile is None else PROFILE_ERROR
    terms = {
        "sampling": fit.level_uncertainty * abs(scale),
        "profile": abs(emission) * (default if chosen.profile_error is None else chosen.profile_error),
        "method": abs(emission) * shared,
    }
    common = float(ndtri(0.5 + chosen.level / 2.0)) * math.hypot(terms["profile"], terms["method"])
    lower = emission - math.hypot(common, (fit.level - fit.lower) * abs(scale))
    upper = emission + math.hypot(common, (fit.upper - fit.level) * abs(scale))
    seen = every["status"].isin(["estimated", "not_detected"])
    expected = float(rows["probability"].mean()) if "probability" in rows else math.nan
    amplitude = math.hypot(fit.season[0], fit.season[1])
    details = _counts(every, len(rows)) | {
        "outlier_count": (float((fit.weight < 0.5).sum()), "1"),
        "emission_lower": (lower, "kg s-1"),
        "emission_upper": (upper, "kg s-1"),
        "emission_wind_stratified": (layered if strata is not None else math.nan, "kg s-1"),
        "emission_unstratified": (plain, "kg s-1"),
        "factor_mean": (float(rows["factor"].mean()), "1"),
        "season_amplitude": (amplitude, "1"),
        "scatter_over_stated": (fit.inflation, "1"),
        "detected_share": (float((every.loc[seen, "status"] == "estimated").mean()), "1"),
        "detection_expected": (expected, "1"),
    }
    return PlumeResult(emission, terms, details=details)

"""What pairs say about a product: by station and over all, each figure with its interval."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.column.validation.score import (
    MINIMUM_YEARS,
    SCORES,
    chi_square_bounds,
    days_of,
    score_station,
    stated_variance,
)
from yaotan.column.validation.serial import fit_serial
from yaotan.constants import YEAR_DAYS
from yaotan.errors import SchemaError, TooFewSoundingsError
from yaotan.interval import mean_interval

#: Attributes that all pairs of a validation must share.
_SAME: Final = ("variable", "units", "kernel", "prior", "product")
_NEEDED: Final = (
    "station",
    "time",
    "value",
    "reference",
    "difference",
    "value_uncertainty",
    "reference_uncertainty",
)
#: Fewest pairs of which a scatter can be told from a bias.
_LEAST: Final = 3
#: Figures without the unit of the column, and their units.
_OTHER_UNITS: Final = {
    "correlation": "1", "slope": "1", "slope_lower": "1", "slope_upper": "1", "chi_square": "1",
    "chi_square_lower": "1", "chi_square_upper": "1", "effective_count": "1", "freedom": "1", "years": "year",
}  # fmt: skip


def validate(
    pairs: xr.Dataset | Sequence[xr.Dataset], *, level: float = 0.95, minimum_pairs: int = _LEAST
) -> xr.Dataset:
    r"""Score a product by its pairs.

    *By station*, of the differences d, value minus reference: ``bias`` (mean), ``scatter`` (standard
    deviation), ``seasonal_spread`` (standard deviation of the means of the four seasons), ``drift`` (slope in
    time, of a year and more), ``correlation``, ``slope`` of value on reference, ``chi_square``
    :math:`\sum (d - \bar d)^2 / (u^2 + u_r^2) / (n - 1)` with the interval it has when the stated errors are
    right.

    *Over all*: ``mean_bias`` (mean of the stations' biases, each counting once), ``station_spread`` (their
    standard deviation) and ``station_spread_corrected`` (without what their own uncertainties add),
    ``mean_scatter``, ``mean_seasonal_spread`` (root mean square), ``mean_drift`` (one slope, each station its
    own bias), ``mean_chi_square``.

    *Intervals*: errors of neighbouring days are correlated, so n pairs are worth fewer. Their correlation,
    noise and a part that fades with time, is estimated from the pairs, and every figure is averaged over what
    it may be (`yaotan.column.validation.serial`); ``effective_count`` says how many independent pairs would
    tell as much about the bias. Student's t and chi-square with the effective degrees of freedom.

    Parameters
    ----------
    pairs : xarray.Dataset or sequence of xarray.Dataset
        From `collocate`; several are joined (months, or satellites of one product).
    level : float
        Probability of the intervals.
    minimum_pairs : int
        Stations with fewer pairs are left out and listed; three at least.

    Returns
    -------
    xarray.Dataset
        Dim ``station`` for its figures, none for those over all; ``pairs`` counts. Unit of the column (drift:
        per year). ``attrs["left_out"]`` is a JSON text, station -> pairs of those with too few.

    Raises
    ------
    TooFewSoundingsError
        No station has enough pairs: needed and given are named.
    SchemaError
        Pairs of different columns, units, kernels, priors or products; not pairs.

    Notes
    -----
    The scatter holds the difference in place and time of the two sides, so ``chi_square`` above its interval
    need not blame the product's error alone; errors of the two sides common to all pairs (scale of the gas,
    instrument of a station) are in no interval. With one station the interval of ``mean_bias`` is that of the
    station and says nothing about others.

    Examples
    --------
    >>> time = np.datetime64("2020-01-01", "ns") + np.arange(4) * np.timedelta64(90, "D")
    >>> given = {"time": time, "value": [411.0, 412, 413, 415], "reference": [410.0, 412, 412, 413]}
    >>> pairs = xr.Dataset({k: ("pair", v) for k, v in given.items()})
    >>> pairs = pairs.assign_coords(station=("pair", ["A"] * 4))
    >>> pairs["difference"] = pairs.value - pairs.reference
    >>> sigma = xr.ones_like(pairs.difference)
    >>> pairs = pairs.assign(value_uncertainty=sigma, reference_uncertainty=0.0 * sigma)
    >>> scores = validate(pairs.assign_attrs(variable="xco2", units="ppm"))
    >>> scores.bias.values.tolist(), int(scores.pairs[0])
    ([1.0], 4)
    """
    joined = _join(pairs)
    if minimum_pairs < _LEAST:
        raise TooFewSoundingsError(f"minimum_pairs is {minimum_pairs}", expected=f"{_LEAST} or more")
    names, number = np.unique(joined["station"].values.astype(str), return_inverse=True)
    count = np.bincount(number, minlength=names.size)
    kept = np.flatnonzero(count >= minimum_pairs)
    left = {str(names[k]): int(count[k]) for k in range(names.size) if count[k] < minimum_pairs}
    if not kept.size:
        raise TooFewSoundingsError(
            f"validate needs {minimum_pairs} pairs of a station, given are {left}",
            where=joined.attrs.get("variable", ""),
            fix="give a longer period, or find pairs with a wider box, radius or window",
        )
    columns = {name: joined[name].values for name in _NEEDED[1:]}
    parts = [_of(columns, np.flatnonzero(number == k)) for k in kept]
    scores = [score_station(part, level) for part in parts]
    units = joined.attrs.get("units", "")
    by_station = {
        name: ("station", np.array([s[name] for s in scores]), {"units": unit_of(name, units)})
        for name in SCORES
    }
    whole = {
        name: ((), value, {"units": unit_of(name, units)})
        for name, value in _whole(parts, scores, level).items()
    }
    made = xr.Dataset(
        {"pairs": ("station", count[kept], {"units": "1"}), **by_station, **whole},
        coords={"station": names[kept]},
    )
    kept_attrs = {
        key: joined.attrs[key] for key in (*_SAME, "reference_product", "method") if key in joined.attrs
    }
    return made.assign_attrs(kept_attrs, level=level, left_out=json.dumps(left))


def unit_of(name: str, units: str) -> str:
    """Give the unit of a figure."""
    plain = name.removeprefix("mean_")
    if plain in _OTHER_UNITS or name == "stations":
        return _OTHER_UNITS.get(plain, "1")
    return f"{units} year-1" if "drift" in name else units


def score_table(scores: xr.Dataset) -> pd.DataFrame:
    """Turn the figures of `validate` into rows: one for each station, and one named ``*`` over all.

    Examples
    --------
    >>> score_table(xr.Dataset({"bias": ("station", [1.0]), "mean_bias": 1.0}, coords={"station": ["A"]}))
      station  bias
    0       A   1.0
    1       *   1.0
    """
    rows = (
        scores[[n for n, a in scores.data_vars.items() if a.dims == ("station",)]]
        .to_dataframe()
        .reset_index()
    )
    whole: dict[str, Any] = {"station": "*"}
    for name, array in scores.data_vars.items():
        if not array.dims:
            whole[str(name).removeprefix("mean_")] = array.item()
    return pd.concat([rows, pd.DataFrame([whole])], ignore_index=True)


def _join(pairs: xr.Dataset | Sequence[xr.Dataset]) -> xr.Dataset:
    tables = [pairs] if isinstance(pairs, xr.Dataset) else list(pairs)
    if not tables:
        raise TooFewSoundingsError("no pairs are given", where="validate", fix="make them with collocate")
    for table in tables:
        missing = [name for name in _NEEDED if name not in table.variables]
        if "pair" not in table.dims or missing:
            raise SchemaError(
                f"these are no pairs: {', '.join(missing) or 'no dim pair'}",
                where="validate",
                expected="collocate",
            )
    for key in _SAME:
        given = sorted({str(table.attrs.get(key, "")) for table in tables})
        if len(given) > 1:
            raise SchemaError(
                f"pairs of different {key} are mixed: {', '.join(map(repr, given))}",
                where="validate",
                fix="validate them one by one, or find all pairs with the same options",
            )
    joined = xr.concat([t[list(_NEEDED)] for t in tables], "pair") if len(tables) > 1 else tables[0]
    good = np.isfinite(joined["difference"].values) & ~np.isnat(joined["time"].values)
    order = np.lexsort((joined["time"].values, joined["station"].values.astype(str)))
    return joined.isel(pair=order[good[order]]).assign_attrs(tables[0].attrs)


def _of(columns: dict[str, Any], rows: Any) -> dict[str, Any]:
    return {name: values[rows] for name, values in columns.items()}


def _whole(parts: list[dict[str, Any]], scores: list[dict[str, float]], level: float) -> dict[str, float]:
    """Give the figures over all stations."""
    bias, error, scatter, season = (
        np.array([s[name] for s in scores])
        for name in ("bias", "bias_uncertainty", "scatter", "seasonal_spread")
    )
    many = len(scores) > 1
    mean = mean_interval(bias, error, level=level)
    one = scores[0]
    made = {
        "mean_bias": float(bias.mean()),
        "mean_bias_lower": mean.lower if many else one["bias_lower"],
        "mean_bias_upper": mean.upper if many else one["bias_upper"],
        "mean_bias_uncertainty": mean.standard_error if many else one["bias_uncertainty"],
        "mean_scatter": float(scatter.mean()),
        "mean_seasonal_spread": math.sqrt(np.nanmean(season**2)) if np.isfinite(season).any() else math.nan,
        "stations": float(len(scores)),
    }
    spread = float(bias.std(ddof=1)) if many else math.nan
    low, high = chi_square_bounds(len(scores) - 1.0, level) if many else (math.nan, math.nan)
    made |= {
        "station_spread": spread,
        "station_spread_lower": spread / math.sqrt(high) if many else math.nan,
        "station_spread_upper": spread / math.sqrt(low) if many else math.nan,
        "station_spread_corrected": math.sqrt(max(spread**2 - float((error**2).mean()), 0.0))
        if many
        else math.nan,
    }
    return made | _common_drift(parts, scores, level) | _common_chi_square(parts, scores, level)


def _common_drift(
    parts: list[dict[str, Any]], scores: list[dict[str, float]], level: float
) -> dict[str, float]:
    """One slope in time, each station with its own bias; each station scaled by its scatter."""
    from scipy.special import stdtrit

    days = np.concatenate([days_of(part["time"]) for part in parts])
    names = ("mean_drift", "mean_drift_lower", "mean_drift_upper", "mean_drift_uncertainty")
    if (days.max() - days.min()) / YEAR_DAYS < MINIMUM_YEARS or days.size < len(parts) + 3:
        return dict.fromkeys(names, math.nan)
    group = np.repeat(np.arange(len(parts)), [part["time"].size for part in parts])
    scale = np.maximum(np.array([s["scatter"] for s in scores]), 1e-12)[group]
    design = np.zeros((days.size, len(parts) + 1))
    design[np.arange(days.size), group] = 1.0
    design[:, -1] = (days - days.mean()) / YEAR_DAYS
    if all(part["time"].min() == part["time"].max() for part in parts):
        return dict.fromkeys(names, math.nan)
    gap = np.concatenate([part["difference"] for part in parts])
    fit = fit_serial(days, gap / scale, design / scale[:, None], group)
    slope, sigma = float(fit.coefficient[-1]), float(fit.sigma[-1])
    reach = float(stdtrit(fit.freedom, 0.5 + level / 2.0)) * sigma
    return dict(zip(names, (slope, slope - reach, slope + reach, sigma), strict=True))


def _common_chi_square(
    parts: list[dict[str, Any]], scores: list[dict[str, float]], level: float
) -> dict[str, float]:
    """Chi-square of all pairs, each about the bias of its station."""
    known = [k for k, s in enumerate(scores) if math.isfinite(s["chi_square"])]
    names = ("mean_chi_square", "mean_chi_square_lower", "mean_chi_square_upper")
    if not known:
        return dict.fromkeys(names, math.nan)
    gap = [parts[k]["difference"] - scores[k]["bias"] for k in known]
    total = sum(float((d**2 / stated_variance(parts[k])).sum()) for d, k in zip(gap, known, strict=True))
    value = total / sum(d.size - 1 for d in gap)
    low, high = chi_square_bounds(max(sum(scores[k]["freedom"] for k in known), 1.0), level)
    return dict(zip(names, (value, low, high), strict=True))

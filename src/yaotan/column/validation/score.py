"""What the pairs of one station say: bias, scatter, season, drift, and whether stated errors are right."""

from __future__ import annotations

import math
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.column.validation.serial import effective_counts, fit_serial
from yaotan.constants import DAY, YEAR_DAYS

Floats: TypeAlias = NDArray[np.float64]

#: A drift over less than this is a difference of seasons [years].
MINIMUM_YEARS: Final = 1.0
#: Fewest pairs of a season whose mean counts.
_SEASON_PAIRS: Final = 2
#: The first of these have the unit of the column.
SCORES: Final = (
    "bias", "bias_lower", "bias_upper", "bias_uncertainty", "scatter", "scatter_lower", "scatter_upper",
    "seasonal_spread", "drift", "drift_lower", "drift_upper", "drift_uncertainty", "correlation", "slope",
    "slope_lower", "slope_upper", "chi_square", "chi_square_lower", "chi_square_upper", "effective_count",
    "freedom", "years",
)  # fmt: skip


def days_of(time: Any) -> Floats:
    """Give days since 1970."""
    return np.asarray(time.astype("datetime64[ns]").astype(np.int64) / (DAY * 1e9))


def score_station(columns: dict[str, Any], level: float) -> dict[str, float]:
    """Score the pairs of one station, in order of time; needs three.

    Returns
    -------
    dict
        The names of `SCORES`; NaN where something cannot be said.
    """
    from scipy.special import stdtrit

    days, gap = days_of(columns["time"]), columns["difference"]
    size, half = gap.size, 0.5 + level / 2.0
    fit = fit_serial(days, gap, np.ones((size, 1)))
    count, freedom = effective_counts(days, fit)
    bias = float(gap.mean())
    # scatter of all values about the true mean, of which the sample's own mean took a part
    scatter = math.sqrt(float(((gap - bias) ** 2).sum()) / (size * (1.0 - 1.0 / max(count, 1.5))))
    error = max(float(fit.sigma[0]), scatter / math.sqrt(count))
    wide = float(stdtrit(max(count - 1.0, 1.0), half)) * error
    low, high = chi_square_bounds(max(freedom - 1.0, 1.0), level)
    years = float((days[-1] - days[0]) / YEAR_DAYS)
    made = dict.fromkeys(SCORES, math.nan)
    made |= {
        "bias": bias,
        "bias_lower": bias - wide,
        "bias_upper": bias + wide,
        "bias_uncertainty": error,
        "scatter": scatter,
        "scatter_lower": scatter / math.sqrt(high),
        "scatter_upper": scatter / math.sqrt(low),
        "seasonal_spread": seasonal_spread(columns["time"], gap),
        "effective_count": count,
        "freedom": freedom - 1.0,
        "years": years,
    }
    made |= _regression(days, columns, half)
    if years >= MINIMUM_YEARS and size >= 4:
        slope, sigma, reach = _slope(days, gap, (days - days.mean()) / YEAR_DAYS, half)
        made |= {
            "drift": slope,
            "drift_uncertainty": sigma,
            "drift_lower": slope - reach,
            "drift_upper": slope + reach,
        }
    made |= _chi_square(columns, gap - bias, low, high)
    return made


def _slope(days: Floats, values: Floats, against: Floats, half: float) -> tuple[float, float, float]:
    from scipy.special import stdtrit

    fit = fit_serial(days, values, np.column_stack([np.ones(days.size), against]))
    sigma = float(fit.sigma[1])
    return float(fit.coefficient[1]), sigma, float(stdtrit(fit.freedom, half)) * sigma


def _regression(days: Floats, columns: dict[str, Any], half: float) -> dict[str, float]:
    """Correlation and slope of value on reference, whose own errors count as small."""
    x, y = columns["reference"], columns["value"]
    if x.std() == 0.0 or y.std() == 0.0:
        return {}
    made = {"correlation": float(np.corrcoef(x, y)[0, 1])}
    if x.size >= 4:
        slope, _, reach = _slope(days, y, x - x.mean(), half)
        made |= {"slope": slope, "slope_lower": slope - reach, "slope_upper": slope + reach}
    return made


def _chi_square(columns: dict[str, Any], gap: Floats, low: float, high: float) -> dict[str, float]:
    stated = stated_variance(columns)
    if not np.isfinite(stated).all() or not (stated > 0.0).all():
        return {}
    # one degree of freedom went into the bias
    value = float((gap**2 / stated).sum() / (gap.size - 1))
    return {"chi_square": value, "chi_square_lower": low, "chi_square_upper": high}


def stated_variance(columns: dict[str, Any]) -> Floats:
    """Sum of the squares of the stated errors of both sides; one that states none counts with nothing."""
    one, two = (columns[f"{side}_uncertainty"] for side in ("value", "reference"))
    nothing = np.isnan(one) & np.isnan(two)
    return np.where(nothing, np.nan, np.nan_to_num(one) ** 2 + np.nan_to_num(two) ** 2)


def chi_square_bounds(freedom: float, level: float) -> tuple[float, float]:
    """Give the interval in which a chi-square over its degrees of freedom lies with a probability."""
    from scipy.special import chdtri

    tail = (1.0 - level) / 2.0
    return float(chdtri(freedom, 1.0 - tail) / freedom), float(chdtri(freedom, tail) / freedom)


def seasonal_spread(time: Any, gap: Floats) -> float:
    """Standard deviation of the seasons' mean differences (December to February, ...); NaN below two."""
    month = time.astype("datetime64[M]").astype(int) % 12
    season = (month + 1) % 12 // 3
    means = [gap[season == s].mean() for s in range(4) if (season == s).sum() >= _SEASON_PAIRS]
    return float(np.std(means, ddof=1)) if len(means) > 1 else math.nan

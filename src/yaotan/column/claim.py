"""Is it true that region A is higher than region B? A claim against the regional table, with a sentence."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.gas import gases
from yaotan.column.claim_table import find_region, monthly_differences, months_of, read_monthly
from yaotan.column.claim_text import write_sentences
from yaotan.errors import TooFewSoundingsError, YaotanError

Floats = NDArray[np.float64]
ClaimVerdict = Literal["supported", "not_supported", "not_detectable"]

#: Months with both regions from which a season of the difference is fitted (mean, sine, cosine).
_SEASON_MONTHS: Final = 9
#: Condition number of that fit beyond which the months lie too close together in the year.
_CONDITION: Final = 10.0
#: Correlation beyond which so few months say nothing of it.
_LARGEST_CORRELATION: Final = 0.8
#: Months from which their serial correlation is estimated.
_SERIAL_MONTHS: Final = 8


@dataclass(frozen=True)
class Claim:
    """What the data say of a claim.

    Attributes
    ----------
    verdict : {"supported", "not_supported", "not_detectable"}
        Whether the interval lies above `at_least`, below it, or on both sides.
    difference, lower, upper : float
        A minus B over the period, with its interval at `level`.
    at_least : float
        What was claimed.
    units : str
        Of these.
    months, period_months : int
        Months in which both regions have a value; months of the period.
    effective_months : float
        Months that independent differences with the same error would need.
    missed_bias, missed_bias_uncertainty : float
        What the months that were missed add to the mean of the others, and its 1 sigma; already part of
        `difference` and of the interval.
    season_fitted : bool
        Whether that comes from a fitted season; without one the bias is taken as zero and its sigma from the
        scatter of the months.
    standard_error : float
        1 sigma of the difference, all terms.
    sentences : dict
        Language ("en", "zh") -> ready sentence.
    """

    verdict: ClaimVerdict
    difference: float
    lower: float
    upper: float
    at_least: float
    units: str
    level: float
    months: int
    period_months: int
    effective_months: float
    missed_bias: float
    missed_bias_uncertainty: float
    season_fitted: bool
    standard_error: float
    sentences: dict[str, str]

    def as_row(self) -> dict[str, Any]:
        """Give the fields as one row of a table, a column for each sentence."""
        row = asdict(self)
        sentences = row.pop("sentences")
        return {**row, **{f"sentence_{language}": text for language, text in sentences.items()}}


def check_claim(
    table: xr.Dataset | pd.DataFrame,
    *,
    a: str,
    b: str,
    at_least: float = 0.0,
    period: tuple[str, str] | None = None,
    variable: str | None = None,
    level: float = 0.95,
) -> Claim:
    r"""Check the claim that region A is higher than region B by at least so much, over a period.

    The differences of the N months of the period, :math:`d_m = A_m - B_m`, are known for n of them. A season
    :math:`d_m = c + s \sin \omega m + k \cos \omega m`, fitted to every month of the table that has both
    regions, gives the mean over the period's months less that over the months seen: the bias of the missed
    months. Then

    .. math:: D = \frac{1}{n}\sum d_m + \Delta_{missed}, \qquad
              u^2 = \frac{\max(s^2,\; \overline{\sigma^2})}{n_{eff}} + u^2(\Delta_{missed})

    with the scatter s of the residuals, the stated monthly errors :math:`\sigma`, and
    :math:`n_{eff} = n (1 - r) / (1 + r)` for their lag-1 correlation r > 0. Student's t with
    :math:`n_{eff} - 1` degrees of freedom (at least 2). Errors common to both regions (a
    product's systematic error) cancel and are left out; an error that differs between them does not cancel
    and is in no term.

    Parameters
    ----------
    table : xarray.Dataset or pandas.DataFrame
        Monthly regional values: what `zonal_statistics` returns, or the table that a run writes.
    a, b : str
        Ids or names of the regions.
    at_least : float
        Claimed difference A minus B [unit of the variable]; 0: "A is higher than B".
    period : pair of ISO dates, optional
        Both included; default: all months of the table.
    variable : str, optional
        Column variable; needed where the table has several.
    level : float
        Probability of the two-sided interval.

    Returns
    -------
    Claim

    Raises
    ------
    RegionError
        A region is unknown.
    TooFewSoundingsError
        Fewer than two months of the period have both regions.
    YaotanError
        The variable, unit or period is not clear.

    Notes
    -----
    A wrong "supported" of a claim that is just not true has half of 1 - level as its probability, if the
    months are independent but for r. Clear-sky months only are judged.

    Examples
    --------
    >>> months = pd.date_range("2020-01-01", periods=12, freq="MS")
    >>> rng = np.random.default_rng(1)
    >>> rows = [{"region_id": r, "time": m, "value": 410.0 + (r == "east") + rng.normal(0, 0.3),
    ...          "uncertainty_random": 0.3} for r in ("east", "west") for m in months]
    >>> table = pd.DataFrame(rows).assign(variable="xco2", units="ppm")
    >>> claim = check_claim(table, a="east", b="west", at_least=0.5)
    >>> claim.verdict, claim.months
    ('supported', 12)
    """
    if not 0.5 < level < 1.0:
        raise YaotanError(f"level is {level!r}", expected="a probability between 0.5 and 1, such as 0.95")
    long, name, units = read_monthly(table, variable)
    names = {side: find_region(long, side) for side in (a, b)}
    pairs = monthly_differences(long, names[a][0], names[b][0])
    months = months_of(pairs, period)
    every = pairs.dropna(subset="difference")
    seen = every[every.index.isin(months)]
    if len(seen) < 2:
        raise TooFewSoundingsError(
            f"{len(seen)} of the {len(months)} months of the period have a value in both {a} and {b}",
            where="check_claim",
            expected="at least 2",
            fix="widen the period, or name regions that are seen",
        )
    estimate = _estimate(every, seen, months)
    claim = _judge(estimate, at_least, level, units, len(seen), len(months))
    symbol = gases()[name].symbol if name in gases() else name
    span = tuple(str(month) for month in (months[0], months[-1]))
    return Claim(**claim, sentences=write_sentences(claim, symbol, names[a][1:], names[b][1:], span))


def _estimate(every: pd.DataFrame, seen: pd.DataFrame, months: pd.PeriodIndex) -> dict[str, Any]:
    """Difference over the period with its error by term."""
    season = _fit_season(every)
    values = seen["difference"].to_numpy(float)
    residual, lost = values - values.mean(), 0
    if season is not None:
        residual = values - _design(seen.index) @ season[0]
        residual, lost = residual - residual.mean(), 2
    n = len(seen)
    effective = _effective(residual, 1 + lost)
    freedom = max(effective - 1.0, 2.0)
    scatter = float((residual**2).sum()) / max(n - 1 - lost, 1)
    variance = max(scatter, float((seen["sigma"] ** 2).mean()))
    bias, bias_error = _missed(season, scatter, seen.index, months)
    return {
        "difference": float(values.mean()) + bias,
        "standard_error": math.sqrt(variance / effective + bias_error**2),
        "freedom": freedom,
        "effective_months": effective,
        "missed_bias": bias,
        "missed_bias_uncertainty": bias_error,
        "season_fitted": season is not None,
    }


def _design(months: pd.Index[Any]) -> Floats:
    angle = 2.0 * np.pi * (np.asarray(pd.PeriodIndex(months).month, float) - 0.5) / 12.0
    return np.stack([np.ones_like(angle), np.sin(angle), np.cos(angle)], axis=1)


def _fit_season(every: pd.DataFrame) -> tuple[Floats, Floats] | None:
    """Coefficients and covariance of the season of the difference; None when the months cannot tell it."""
    if len(every) < _SEASON_MONTHS:
        return None
    design = _design(every.index)
    if np.linalg.cond(design) > _CONDITION:
        return None
    values = every["difference"].to_numpy(float)
    coefficient, *_ = np.linalg.lstsq(design, values, rcond=None)
    scatter = float(((values - design @ coefficient) ** 2).sum()) / (len(values) - 3)
    return coefficient, np.asarray(scatter * np.linalg.inv(design.T @ design), float)


def _missed(
    season: tuple[Floats, Floats] | None,
    scatter: float,
    seen: pd.Index[Any],
    months: pd.PeriodIndex,
) -> tuple[float, float]:
    """Bias of the mean of the months seen against that of all months, and its 1 sigma."""
    n, total = len(seen), len(months)
    if n == total:
        return 0.0, 0.0
    # what the months that were missed would have added by their own scatter
    alone = math.sqrt(scatter * (1.0 / n - 1.0 / total))
    if season is None:
        return 0.0, alone
    coefficient, covariance = season
    step = _design(months).mean(axis=0) - _design(seen).mean(axis=0)
    return float(step @ coefficient), math.sqrt(float(step @ covariance @ step))


def _effective(residual: Floats, fitted: int) -> float:
    """Number of independent months with the error of these, after a fit of some coefficients.

    The lag-1 correlation of n residuals is too low by about (p + (p + 2) r) / n (Marriott and Pope 1954,
    doi:10.1093/biomet/41.3-4.390, for a mean, p = 1; taken alike for more coefficients), which is mended.
    """
    n = residual.size
    square = float((residual**2).sum())
    if n < _SERIAL_MONTHS or square == 0.0:
        return float(n)
    raw = float((residual[1:] * residual[:-1]).sum()) / square
    r = min((n * raw + fitted) / (n - fitted - 2), _LARGEST_CORRELATION)
    return n * (1.0 - r) / (1.0 + r) if r > 0.0 else float(n)


def _judge(
    estimate: dict[str, Any], at_least: float, level: float, units: str, months: int, total: int
) -> dict[str, Any]:
    from scipy.special import stdtrit  # late: heavy

    half = float(stdtrit(estimate.pop("freedom"), 0.5 + level / 2.0)) * estimate["standard_error"]
    lower, upper = estimate["difference"] - half, estimate["difference"] + half
    verdict = "supported" if lower > at_least else "not_supported" if upper < at_least else "not_detectable"
    return {
        **estimate,
        "verdict": verdict,
        "lower": lower,
        "upper": upper,
        "at_least": at_least,
        "units": units,
        "level": level,
        "months": months,
        "period_months": total,
    }

"""The sentence that states a checked claim, in English and Chinese."""

from __future__ import annotations

import math
from typing import Any, Final

MINUS: Final = "\N{MINUS SIGN}"
_VERDICT: Final = {
    "supported": {"en": "The claim is supported.", "zh": "该说法成立。"},
    "not_supported": {"en": "The claim is not supported.", "zh": "该说法不成立。"},
    "not_detectable": {
        "en": "Whether it is true cannot be told from these data.",
        "zh": "现有数据无法判断该说法是否成立。",
    },
}


def write_sentences(
    claim: dict[str, Any],
    symbol: str,
    a: tuple[str, ...],
    b: tuple[str, ...],
    period: tuple[str, ...],
) -> dict[str, str]:
    """Write what was claimed, what was found and how sure that is.

    Parameters
    ----------
    claim : dict
        Fields of `yaotan.column.claim.Claim`.
    symbol : str
        Of the column, such as XCO2.
    a, b : tuple of str
        English and Chinese name of each region.
    period : tuple of str
        First and last month.

    Returns
    -------
    dict
        "en" and "zh".
    """
    places = _places((claim["upper"] - claim["lower"]) / 2.0)
    shown = {key: _shown(claim[key], places) for key in ("difference", "lower", "upper")}
    units, level = claim["units"], f"{100 * claim['level']:g} %"
    months = f"{claim['months']} of {claim['period_months']} months"
    least = claim["at_least"]
    given = f"{least:g}".replace("-", MINUS)
    claimed = (
        f"{a[0]} is higher than {b[0]}" + (f" by at least {given} {units}" if least else ""),
        f"{a[1]}高于{b[1]}" + (f"至少 {given} {units}" if least else ""),
    )
    english = (
        f"Claim: {symbol} over {claimed[0]}, {period[0]} to {period[1]}. The data show a difference of "
        f"{shown['difference']} {units} ({level} interval {shown['lower']} to {shown['upper']}; {months}, "
        f"effectively {claim['effective_months']:.1f}{_missed_en(claim, places)}). "
        + _VERDICT[claim["verdict"]]["en"]
    )
    chinese = (
        f"说法：{period[0]} 至 {period[1]}，{claimed[1]}（{symbol}）。"
        f"数据给出的差值为 {shown['difference']} {units}"
        f"（{level} 区间 {shown['lower']} 至 {shown['upper']}；"
        f"{claim['period_months']} 个月中有 {claim['months']} 个月有值，"
        f"等效 {claim['effective_months']:.1f} 个月{_missed_zh(claim, places)}）。"
        + _VERDICT[claim["verdict"]]["zh"]
    )
    return {"en": english, "zh": chinese}


def _shown(value: float, places: int) -> str:
    """Write a number with a true minus sign; what rounds to zero has no sign."""
    text = f"{abs(value):.{places}f}"
    return MINUS + text if value < 0.0 and text.strip("0.") else text


def _places(half: float) -> int:
    """Decimals that show two digits of the half-width."""
    if not (half > 0.0 and math.isfinite(half)):
        return 2
    return max(0, 1 - math.floor(math.log10(half)))


def _missed_en(claim: dict[str, Any], places: int) -> str:
    if claim["months"] == claim["period_months"]:
        return ""
    bias, error = (_shown(claim[key], places) for key in ("missed_bias", "missed_bias_uncertainty"))
    if not claim["season_fitted"]:
        return f"; the missed months add ±{error} {claim['units']}"
    return f"; the missed months add {bias} ± {error} {claim['units']}"


def _missed_zh(claim: dict[str, Any], places: int) -> str:
    if claim["months"] == claim["period_months"]:
        return ""
    bias, error = (_shown(claim[key], places) for key in ("missed_bias", "missed_bias_uncertainty"))
    if not claim["season_fitted"]:
        return f"；缺测月份带来 ±{error} {claim['units']}"
    return f"；缺测月份的订正为 {bias} ± {error} {claim['units']}"

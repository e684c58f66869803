"""Numbers as people write them: the uncertainty to two digits, the value to match."""

from __future__ import annotations

import math
from typing import Final

MINUS: Final = "\N{MINUS SIGN}"
NOTHING: Final = "\N{EN DASH}"


def decimals_for(uncertainty: float, digits: int = 2) -> int:
    """Give the decimals at which an uncertainty has `digits` significant digits.

    Examples
    --------
    >>> decimals_for(0.414), decimals_for(0.0996), decimals_for(13.0)
    (2, 2, 0)
    """
    if not math.isfinite(uncertainty) or uncertainty <= 0:
        return 2
    # 0.0996 rounds up to 0.10, which needs one decimal less
    rounded = float(f"{uncertainty:.{digits - 1}e}")
    return max(0, digits - 1 - math.floor(math.log10(rounded)))


def fixed(value: float, decimals: int, *, sign: bool = False) -> str:
    """Write a number with a true minus sign and groups of three; a dash when it is missing.

    Examples
    --------
    >>> fixed(-1234.5, 1), fixed(0.25, 2, sign=True), fixed(float("nan"), 1)
    ('−1,234.5', '+0.25', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{abs(value):,.{decimals}f}"
    if not any(character in "123456789" for character in text):
        return text
    return (MINUS if value < 0 else "+" if sign else "") + text


def measured(value: float, uncertainty: float, *, sign: bool = False) -> tuple[str, str]:
    """Write a value and its uncertainty: two digits of the uncertainty, the value to match.

    Parameters
    ----------
    value, uncertainty : float
        In one unit. Where the uncertainty is missing or zero the value gets two decimals.
    sign : bool
        Write the plus of positive values.

    Returns
    -------
    tuple of str
        Value and uncertainty; a dash stands for what is missing.

    Examples
    --------
    >>> measured(415.2341, 0.4139)
    ('415.23', '0.41')
    >>> measured(-0.00123456, 0.000217)
    ('−0.00123', '0.00022')
    """
    decimals = decimals_for(uncertainty)
    known = math.isfinite(uncertainty) and uncertainty > 0
    return fixed(value, decimals, sign=sign), fixed(uncertainty, decimals) if known else NOTHING


def interval(value: float, lower: float, upper: float) -> tuple[str, str, str]:
    """Write a difference with its interval; digits follow the half width of the interval.

    Examples
    --------
    >>> interval(0.8123, 0.2211, 1.4035)
    ('+0.81', '+0.22', '+1.40')
    """
    decimals = decimals_for((upper - lower) / 2)
    if not math.isfinite(upper - lower):
        decimals = 2
    first, second, third = (fixed(number, decimals, sign=True) for number in (value, lower, upper))
    return first, second, third


def whole(count: float) -> str:
    """Write a count; a part of one (a sounding at the border of a region) never rounds to nothing.

    Examples
    --------
    >>> whole(1234567), whole(0.08)
    ('1,234,567', '< 1')
    """
    return "< 1" if 0 < count < 0.5 else fixed(count, 0)


def percent(share: float) -> str:
    """Write a share of one as per cent; small shares keep a digit, and never round to nothing or all.

    Examples
    --------
    >>> percent(0.4567), percent(0.012), percent(0.0001), percent(0.9999)
    ('46 %', '1.2 %', '< 0.1 %', '> 99.9 %')
    """
    if share is None or not math.isfinite(share):
        return NOTHING
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    inner = 0 < share < 0.1 or 0.99 < share < 1
    return f"{100 * share:.{1 if inner else 0}f} %"


def probability(value: float) -> str:
    """Write a probability of chance; small ones never round to nothing.

    Examples
    --------
    >>> probability(0.0312), probability(0.00001), probability(0.5)
    ('0.031', '< 0.001', '0.50')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if value < 0.001:
        return "< 0.001"
    return fixed(value, 3 if value < 0.1 else 2)


def unit_text(units: str) -> str:
    """Write a unit as people do.

    Examples
    --------
    >>> unit_text("mol m-2"), unit_text("1")
    ('mol m⁻²', '')
    """
    return "" if units == "1" else units.replace("m-2", "m⁻²").replace("s-1", "s⁻¹").replace("yr-1", "yr⁻¹")

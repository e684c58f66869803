"""Numbers of a study file that YAML does not take for numbers."""

from __future__ import annotations

import math
from typing import Any


def refuse_text_numbers(value: Any) -> Any:
    """Refuse a number that YAML reads as text: 60e3 and 6.0e4 are no numbers to it, 6.0e+4 is.

    Examples
    --------
    >>> refuse_text_numbers({"length": 60000.0, "ime": {"shape_from": "no2"}})
    {'length': 60000.0, 'ime': {'shape_from': 'no2'}}
    >>> refuse_text_numbers({"length": "60e3"})
    Traceback (most recent call last):
    ...
    ValueError: length is '60e3', to YAML a text, expected a number: write 60000 or 6.0e+4
    """
    for name, one in value.items() if isinstance(value, dict) else ():
        if isinstance(one, dict):
            refuse_text_numbers(one)
        if not isinstance(one, str):
            continue
        try:
            number = float(one)
        except ValueError:
            continue
        raise ValueError(f"{name} is {one!r}, to YAML a text, expected a number: write {_in_yaml(number)}")
    return value


def _in_yaml(number: float) -> str:
    """Write a number in the ways in which YAML takes it as one."""
    if not math.isfinite(number):
        return ".nan" if math.isnan(number) else f"{'-' if number < 0 else ''}.inf"
    mantissa, _, power = f"{number:e}".partition("e")
    return f"{number:.12g} or {float(mantissa)}e{int(power):+d}"

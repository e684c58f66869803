"""Amounts of carbon and of land as the page writes them: one unit for all that is compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from yaotan.report.bar import Bar
from yaotan.report.context import PageContext
from yaotan.report.ecosystem import CarbonResult
from yaotan.report.number import decimals_for, fixed
from yaotan.units import convert

#: units of mass by the least amount [kg] that is written in them
_MASS: Final = ((1e12, "Pg"), (1e9, "Tg"), (1e6, "Gg"), (0.0, "Mg"))
#: more rows than this are not put into the page; the files of the study have them
MOST_ROWS: Final = 3000
DENSITY: Final = "kg C m⁻²"
AREA: Final = "km²"


@dataclass(frozen=True)
class Unit:
    """A unit of carbon and what a kilogram is in it."""

    name: str
    factor: float

    def amounts(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """Turn value, lower, upper, ... from kg."""
        return {name: self.factor * value for name, value in numbers.items()}


def mass_unit(values: Iterable[float]) -> Unit:
    """Choose the unit for amounts in kg of carbon.

    Examples
    --------
    >>> mass_unit([3.1e10, -2e9]).name
    'Tg C'
    """
    known = [abs(float(value)) for value in values if np.isfinite(value)]
    name = next(unit for least, unit in _MASS if max(known, default=0.0) >= least)
    return Unit(f"{name} C", float(convert(1.0, "kg", name)))


def bar_of(label: str, row: Mapping[str, Any], unit: Unit, colour: str) -> Bar:
    """Make the bar of a row with value, lower, upper in kg."""
    value, lower, upper = (unit.factor * float(row.get(name, np.nan)) for name in ("value", "lower", "upper"))
    return Bar(label, value, lower, upper, colour)


def square_kilometres(value: Any) -> Any:
    """Turn m2 to km2."""
    return convert(np.asarray(value, float), "m2", "km2")


def area_text(value: float) -> str:
    """Write an area [km2] to three digits at least.

    Examples
    --------
    >>> area_text(1234567.8), area_text(3.14159), area_text(0.0)
    ('1,234,568', '3.14', '0')
    """
    if not value:
        return "0"
    return fixed(value, max(0, 2 - int(np.floor(np.log10(abs(value))))))


def spread_of(numbers: Mapping[str, float]) -> float:
    """Half of the interval, NaN where there is none."""
    return (numbers["upper"] - numbers["lower"]) / 2


def amount_text(page: PageContext, numbers: Mapping[str, float], *, sign: bool = False) -> tuple[str, str]:
    """Write a value and its interval; digits follow the half width, or are three where there is none."""
    half = spread_of(numbers)
    value = numbers["value"]
    if not np.isfinite(half) or half <= 0:
        digits = max(0, 2 - int(np.floor(np.log10(abs(value))))) if value and np.isfinite(value) else 0
        return fixed(value, digits, sign=sign), "–"
    # errors that are known may be a small part of all, and digits beyond the fourth nobody can believe
    digits = min(decimals_for(half), max(0, 3 - int(np.floor(np.log10(abs(value) or 1.0)))))
    low, high = (fixed(numbers[name], digits, sign=sign) for name in ("lower", "upper"))
    return fixed(value, digits, sign=sign), page.text("interval", lower=low, upper=high)


def direction(numbers: Mapping[str, float]) -> str:
    """Say whether a change is a gain, a loss, or cannot be told (``unsure``, ``unknown``, ``none``)."""
    value, low, high = (numbers[name] for name in ("value", "lower", "upper"))
    if not np.isfinite(value):
        return "none"
    if not np.isfinite(low):
        return "unknown"
    return "gain" if low > 0 else "loss" if high < 0 else "unsure"


class Words:
    """Names and colours of classes and regions of a carbon result, in the page's language."""

    def __init__(self, page: PageContext, one: CarbonResult) -> None:
        self._page, self._one = page, one

    @cached_property
    def classes(self) -> dict[int, tuple[str, str]]:
        """Code -> name and colour."""
        ending = "_zh" if self._page.text.language == "zh" else ""
        names = zip(
            self._one.classes["class"],
            self._one.classes[f"class_name{ending}"],
            self._one.classes["colour"],
            strict=True,
        )
        return {int(code): (str(name), str(colour)) for code, name, colour in names}

    def name(self, code: Any) -> str:
        """Name of a class."""
        return self.classes.get(int(code), (str(code), ""))[0]

    def colour(self, code: Any) -> str:
        """Colour of a class."""
        return self.classes.get(int(code), ("", "#9aa5b1"))[1]

    def region(self, row: Mapping[str, Any]) -> str:
        """Name of a region; all land together has the page's own word."""
        if str(row["region"]) == "*":
            return self._page.text("whole_area")
        return self._page.text.name({"name": row.get("region_name"), "name_zh": row.get("region_name_zh")})


def ordered_regions(rows: pd.DataFrame, whole: str) -> pd.DataFrame:
    """Put all land together first, then the regions with most first."""
    key = rows["value"].abs().where(rows["region"].astype(str) != whole, np.inf)
    return rows.loc[key.sort_values(ascending=False, kind="stable").index]


def some_rows(table: pd.DataFrame, whole: str) -> pd.DataFrame:
    """Give the rows that go into the page: all, or of many those of all land together."""
    if len(table) <= MOST_ROWS:
        return table
    return table[table["region"].astype(str) == whole]


def term_names(rows: pd.DataFrame) -> Sequence[str]:
    """Terms of the uncertainty that any row has."""
    names = [str(name) for name in rows if str(name).startswith("uncertainty_")]
    return [n.removeprefix("uncertainty_") for n in names if (rows[n].fillna(0.0) > 0).any()]

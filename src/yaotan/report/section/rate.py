"""Emission rates, gases, times and verdicts of point sources as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from yaotan.report.context import PageContext
from yaotan.report.figure import CLASSES
from yaotan.report.number import decimals_for, fixed, measured
from yaotan.report.point_source import PointSourceResult
from yaotan.report.table import rows_of
from yaotan.units import conversion

#: unit of all emissions of the page
RATE: Final = "kg/s"
#: kg s-1 -> t/h and Mt/yr; below a tenth of a Mt a year is written in kt
HOURLY: Final = conversion("kg s-1", "t/h")[0]
YEARLY: Final = conversion("kg s-1", "Mt/yr")[0]
LEAST_MEGATONNES: Final = 0.1
#: methods in the order of their colours
METHODS: Final = ("cross_section", "gaussian", "ime", "light_cross_section", "track_gaussian")


@dataclass(frozen=True)
class Words:
    """How the sources of a study are named."""

    page: PageContext
    one: PointSourceResult

    def name(self, source: str) -> str:
        """Name of a source in the page's language."""
        return source_names(self.page, self.one).get(source, source)

    @property
    def gas(self) -> str:
        """Symbol of the gas."""
        return gas_text(self.page, self.one.substance)


def gas_text(page: PageContext, substance: str) -> str:
    """Write the symbol of a gas."""
    key = f"plume.gas.{substance}"
    return page.text(key) if page.text.has(key) else substance.upper()


def source_names(page: PageContext, one: PointSourceResult) -> dict[str, str]:
    """Source -> name in the page's language; sources that only the estimates know included."""
    language = page.text.language
    made: dict[str, dict[str, str]] = page.once("plume-names", dict)
    if language not in made:
        tables = [one.estimates, pd.DataFrame(one.sources.drop(columns="geometry", errors="ignore"))]
        rows = [row for table in tables if "source" in table for row in rows_of(table)]
        made[language] = {str(row["source"]): page.text.name(row) or str(row["source"]) for row in rows}
    return made[language]


def rate_text(page: PageContext, value: float, sigma: float) -> str:
    """Write an emission with its 1 sigma in kg/s, without the unit."""
    shown, spread = measured(value, sigma)
    return page.text("plume.rate", value=shown, sigma=spread)


def hourly_text(value: float, sigma: float) -> str:
    """Write an emission in t/h.

    Examples
    --------
    >>> hourly_text(500.0, 60.0)
    '1,800 t/h'
    >>> hourly_text(1421.0, 260.0)
    '5,120 t/h'
    """
    return f"{_rounded(HOURLY * value, HOURLY * sigma)} t/h"


def yearly_text(value: float, sigma: float) -> str:
    """Write what an emission in kg/s is in a year, in kt or Mt.

    Examples
    --------
    >>> yearly_text(500.0, 60.0), yearly_text(2.0, 0.5)
    ('15.8 Mt/yr', '63 kt/yr')
    """
    value, sigma = YEARLY * value, YEARLY * sigma
    if abs(value) < LEAST_MEGATONNES:
        return f"{_rounded(1000 * value, 1000 * sigma)} kt/yr"
    return f"{_rounded(value, sigma)} Mt/yr"


def _rounded(value: float, sigma: float) -> str:
    """Write a value to the second digit of its sigma, on tens where that is beyond the point."""
    if not (np.isfinite(sigma) and sigma > 0):
        return fixed(value, 2)
    return fixed(round(value, 1 - int(np.floor(np.log10(sigma)))), decimals_for(sigma))


def when_text(page: PageContext, time: Any) -> str:
    """Write the moment of an overpass."""
    stamp = pd.Timestamp(time)
    if pd.isna(stamp):
        return page.text("plume.no_time")
    return page.text("plume.when", day=page.text.date(stamp), hour=f"{stamp:%H:%M}")


def code_text(page: PageContext, kind: str, code: str) -> str:
    """Say a status, caution, term or method in words; a code without words stands as it is."""
    key = f"plume.{kind}.{code}"
    return page.text(key) if page.text.has(key) else code.replace("_", " ")


def caution_text(page: PageContext, cautions: Any) -> str:
    """Say the cautions of an estimate, which stand in a text by comma; empty for none."""
    codes = [part.strip() for part in cautions.split(",")] if isinstance(cautions, str) else []
    return page.text("loss.reasons_join").join(code_text(page, "caution", code) for code in codes if code)


def compass(page: PageContext, degrees: float) -> str:
    """Name one of eight directions, clockwise from true north."""
    names = page.text.entries("plume.compass")
    return names[int(np.floor((degrees + 22.5) / 45.0)) % 8]


def method_colour(method: str) -> str:
    """Give the colour of a method, the same in all figures."""
    return CLASSES[METHODS.index(method)] if method in METHODS else CLASSES[-1]


def is_given(row: Mapping[str, Any]) -> bool:
    """Tell whether a row of the estimates holds an emission."""
    return bool(row["status"] == "estimated" and np.isfinite(row["emission"]))

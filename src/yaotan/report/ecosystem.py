"""What ecosystem carbon hands to the report: tables named as `yaotan.carbon` names them, maps of cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from yaotan.errors import SchemaError
from yaotan.report.shape import ANALYSIS_COLUMNS, check_columns, check_grid

if TYPE_CHECKING:
    import xarray as xr

#: region that stands for all of them together; in a study without regions there is no other
ALL: Final = "*"
#: maps of cells that the page draws
MAPS: Final = ("stock", "class", "change")


@dataclass(frozen=True)
class PublishedTotal:
    """A published total and the waterfall from ours to it.

    Parameters
    ----------
    title : str
        Who published it.
    steps : pandas.DataFrame
        As `yaotan.carbon.reconciliation.waterfall` gives it: step, name, name_zh, change, start, end [kg].
    facts : mapping
        ``gap``, ``gap_uncertainty`` [kg; None: not known], ``not_separated``, ``year``.
    """

    title: str
    steps: pd.DataFrame
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_columns(self.steps, ANALYSIS_COLUMNS["steps"], "steps", f"PublishedTotal {self.title}")


@dataclass(frozen=True)
class CarbonResult:
    """Stocks of carbon at one date or more, and the change between the first and the last.

    Parameters
    ----------
    years : tuple of int
        Of the dates, rising.
    classes : pandas.DataFrame
        class (code), class_name, class_name_zh, colour (of maps and bars, ``#rrggbb``).
    areas : pandas.DataFrame
        A row by year, region and class: variable ``area``, value, and where areas are adjusted uncertainty,
        lower, upper [m2]; further variables (``area_mapped``) are kept for the numbers.
    stock : pandas.DataFrame
        The estimates of `yaotan.carbon_stock` as long tables, with the column year: region, class, pool,
        their names, variable (``stock``, ``class_stock``, ``pool_stock``, ``stock_density``, ``class_area``),
        units, value, uncertainty, lower, upper, ``uncertainty_<term>``.
    change : pandas.DataFrame or None
        That of `yaotan.stock_change`: variables ``stock_change``, ``class_change``, ``pool_change``,
        ``transition_change``, ``transition_area``, ``area_before_only``, ``area_after_only``, ``flux``,
        ``soil_committed``.
    patches : pandas.DataFrame or None
        Patches of change in the order of their rank, as `yaotan.carbon.change_patches` gives them, without
        outlines.
    published : tuple of PublishedTotal
        Totals of others.
    maps : mapping of str to xarray.Dataset
        ``stock`` [kg m-2], ``class`` (codes), ``change`` [kg m-2]: variable ``value``, dims ``y, x``, grid
        mapping ``crs``. What could not be made is not there.
    facts : mapping
        ``stock``, ``change``, ``patches``: how each was made (attributes of the results).
    notes : tuple of str
        What was asked for and could not be done.
    """

    years: tuple[int, ...]
    classes: pd.DataFrame
    areas: pd.DataFrame
    stock: pd.DataFrame
    change: pd.DataFrame | None = None
    patches: pd.DataFrame | None = None
    published: tuple[PublishedTotal, ...] = ()
    maps: Mapping[str, xr.Dataset] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for kind in ("classes", "areas", "stock", "change", "patches"):
            check_columns(getattr(self, kind), ANALYSIS_COLUMNS[kind], kind, "CarbonResult")
        for name, grid in self.maps.items():
            if name not in MAPS:
                raise SchemaError(f"there is no map {name!r}", where="CarbonResult", expected=", ".join(MAPS))
            check_grid(grid, ("value",), f"CarbonResult map {name}")

    @property
    def whole(self) -> str:
        """Id of all land of the study together: ``"*"``, or the only region."""
        regions = self.stock.loc[self.stock["variable"] == "stock", "region"].astype(str)
        return ALL if (regions == ALL).any() else str(regions.iloc[0])

    def rows(
        self, table: pd.DataFrame | None, variable: str, *, region: str | None = None, year: int | None = None
    ) -> pd.DataFrame:
        """Give the rows of one variable, those of one region and year where they are named."""
        if table is None or table.empty:
            return pd.DataFrame(columns=["region", "value"])
        rows = table[table["variable"] == variable]
        if region is not None:
            rows = rows[rows["region"].astype(str) == region]
        if year is not None and "year" in rows:
            rows = rows[rows["year"] == year]
        return rows

    def total(self, year: int, variable: str = "stock") -> Mapping[str, float]:
        """Give value, uncertainty, lower, upper of the whole at one date."""
        return numbers_of(self.rows(self.stock, variable, region=self.whole, year=year))

    def changed(self, variable: str = "stock_change") -> Mapping[str, float]:
        """Give value, uncertainty, lower, upper of the change of the whole; NaN: there is none."""
        return numbers_of(self.rows(self.change, variable, region=self.whole))


def numbers_of(rows: pd.DataFrame) -> dict[str, float]:
    """Give value, uncertainty, lower, upper and terms of the first row; what is missing is NaN.

    Examples
    --------
    >>> numbers_of(pd.DataFrame({"value": [2.0], "lower": [1.0]}))["upper"]
    nan
    """
    names = ["value", "uncertainty", "lower", "upper"]
    names += [str(name) for name in rows if str(name).startswith("uncertainty_")]
    first = rows.iloc[0] if len(rows) else pd.Series(dtype=float)
    return {name: float(first[name]) if name in first else np.nan for name in names}

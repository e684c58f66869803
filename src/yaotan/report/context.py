"""What every section is given, and what every section gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from yaotan.catalog.gas import gases
from yaotan.report.map import SMALL_WIDTH
from yaotan.report.number import unit_text
from yaotan.report.palette import Scale, make_scale
from yaotan.report.projection import MapFrame, cell_corners, coarsen, make_frame
from yaotan.report.result import WHOLE, ColumnResult, StudyResults
from yaotan.report.table import rows_of
from yaotan.report.text import Text

T = TypeVar("T")
Floats = npt.NDArray[np.float64]
#: more months than this are shown by season, and more seasons by year
MOST_SMALL_MAPS: Final = 12
#: endings of variables that are made of a column
DERIVED: Final = ("enhancement", "anomaly")


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Parameters
    ----------
    key : str
        HTML id and name of the template block ``section/<key>.html.j2``.
    title, lead : str
        Heading and the sentence below it.
    parts : mapping
        Figures, tables and sentences that the template block places.
    """

    key: str
    title: str
    lead: str = ""
    parts: Mapping[str, Any] = field(default_factory=dict)


class PageContext:
    """A study in one language, with what several sections share.

    Parameters
    ----------
    results : StudyResults
        The study.
    text : Text
        Words of the page's language.
    shared : dict, optional
        Filled with what does not depend on the language; pages of one study may share it.
    """

    def __init__(self, results: StudyResults, text: Text, shared: dict[str, Any] | None = None) -> None:
        self.results, self.text = results, text
        self._shared: dict[str, Any] = {} if shared is None else shared

    def once(self, key: str, make: Callable[[], T]) -> T:
        """Make something that has no words in it once for all languages."""
        if key not in self._shared:
            self._shared[key] = make()
        made: T = self._shared[key]
        return made

    @property
    def frame(self) -> MapFrame:
        """Projection and extent of all maps."""
        return self.once("frame", lambda: make_frame(self.results.regions, self.results.bounds))

    @property
    def small_frame(self) -> MapFrame:
        """The same frame with boundaries simplified for small maps."""
        return self.once("small_frame", lambda: coarsen(self.frame, SMALL_WIDTH))

    @cached_property
    def names(self) -> dict[str, str]:
        """Region id -> name in the page's language."""
        regions = self.results.regions
        rows = rows_of(pd.DataFrame(regions.drop(columns=regions.geometry.name)))
        return {str(row["region_id"]): self.text.name(row) for row in rows} | {WHOLE: self.text("whole_area")}

    def region_names(self, table: pd.DataFrame) -> dict[str, str]:
        """Region id -> name in the page's language, regions included that only this table knows."""
        rows = rows_of(table.drop_duplicates("region_id")) if len(table) else []
        return {str(row["region_id"]): self.text.name(row) for row in rows} | self.names

    def in_sentence(self, region_id: str, names: Mapping[str, str]) -> str:
        """Name a region within a sentence."""
        return self.text("the_whole_area") if region_id == WHOLE else names.get(region_id, region_id)

    def corners(self, key: str, grid: xr.Dataset) -> tuple[Floats, Floats]:
        """Projected cell corners of a grid, computed once per key."""
        return self.once(f"corners-{key}", lambda: cell_corners(grid, self.frame))

    def mean_map(self, column: ColumnResult) -> Floats:
        """Mean of a cell's months with data, each month equal; NaN where there is none."""
        return mean_of_times(column.grid[column.variable])

    @cached_property
    def mean_scales(self) -> dict[str, Scale | None]:
        """One scale per variable, shared by the products, so that their maps can be compared."""
        maps: dict[str, list[Floats]] = {}
        for column in self.results.columns:
            maps.setdefault(column.variable, []).append(self.mean_map(column))
        return {variable: make_scale(values) for variable, values in maps.items()}

    def period_maps(self, grid: xr.Dataset, variable: str) -> list[tuple[str, Floats]]:
        """Maps of months; of seasons when there are more than twelve months, of years beyond that."""
        values = np.asarray(grid[variable].values, float)
        time = pd.DatetimeIndex(np.atleast_1d(grid["time"].values))
        if values.ndim == 2:
            values = values[None]
        season = time + pd.DateOffset(months=1)
        groups = pd.Index(time.strftime("%Y-%m"))
        labels = [self.text.month(stamp) for stamp in time]
        if len(groups.unique()) > MOST_SMALL_MAPS:
            quarter = (season.month - 1) // 3
            groups = pd.Index([f"{year}-{number}" for year, number in zip(season.year, quarter, strict=True)])
            labels = [
                self.text(f"season.{number}", year=year)
                for year, number in zip(season.year, quarter, strict=True)
            ]
        if len(groups.unique()) > MOST_SMALL_MAPS + 1:
            groups, labels = (
                pd.Index(time.strftime("%Y")),
                [self.text("season.year", year=t.year) for t in time],
            )
        found = []
        for group in groups.unique():
            chosen = np.flatnonzero(groups == group)
            found.append((labels[chosen[0]], _mean(values[chosen])))
        return found

    def symbol(self, variable: str) -> str:
        """Symbol of a column variable, or of what was made of one (``"xco2_enhancement"``)."""
        for ending in DERIVED:
            if variable.endswith(f"_{ending}"):
                plain = self.symbol(variable.removesuffix(f"_{ending}"))
                return self.text(f"derived.{ending}", symbol=plain)
        entry = gases().get(variable)
        return entry.symbol if entry else variable

    def units(self, variable: str) -> str:
        """Unit of a column variable as people write it."""
        for ending in DERIVED:
            variable = variable.removesuffix(f"_{ending}")
        column = next((c for c in self.results.columns if c.variable == variable), None)
        entry = gases().get(variable)
        return unit_text(column.units if column else entry.units if entry else "")

    def quantity(self, variable: str, units: str | None = None) -> str:
        """Symbol with unit, as axes and heads show it."""
        unit = self.units(variable) if units is None else unit_text(units)
        return self.text("quantity", symbol=self.symbol(variable), unit=unit)

    def per_year(self, units: str) -> str:
        """Write the unit of a change by the year."""
        return self.text("per_year", unit=unit_text(units))

    def reason(self, code: str) -> str:
        """Say in words what took soundings or days."""
        words = self.results.words.get(code, {})
        if words.get(self.text.language):
            return words[self.text.language]
        if self.text.has(f"reason.{code}"):
            return self.text(f"reason.{code}")
        kind = "product_flag" if code.startswith("qf:") else "rule_named"
        return self.text(f"reason.{kind}", name=code.removeprefix("qf:"))

    def columns_of(self, variable: str) -> Sequence[ColumnResult]:
        """Columns of one variable, in order."""
        return [column for column in self.results.columns if column.variable == variable]

    @cached_property
    def variables(self) -> list[str]:
        """Variables of the study, in order."""
        return list(dict.fromkeys(column.variable for column in self.results.columns))


def mean_of_times(array: xr.DataArray) -> Floats:
    """Mean of a cell's times with data, each equal; NaN where there is none."""
    return _mean(np.asarray(array.values, float))


def _mean(values: Floats) -> Floats:
    if values.ndim == 2:
        return values
    seen = np.isfinite(values)
    number = seen.sum(axis=0)
    total = np.where(seen, values, 0.0).sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)

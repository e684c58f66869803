"""What a finished study hands to the report: frozen records of tables, grids and provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from yaotan.errors import SchemaError
from yaotan.report.analysis import (
    AnomalyResult,
    ClaimResult,
    FilledResult,
    FusionResult,
    HotspotResult,
    TrendResult,
    ValidationResult,
)
from yaotan.report.ecosystem import CarbonResult
from yaotan.report.point_source import PointSourceResult
from yaotan.report.provincial import EmissionResult
from yaotan.report.shape import check_columns, check_grid, part_key

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

Language = Literal["en", "zh"]

#: region_id of rows that describe the whole study area (regions may overlap, so they are never summed)
WHOLE: Final = "*"

#: fields with analyses of one product and gas
ANALYSES: Final = ("filled", "trends", "anomalies", "validations", "hotspots")

#: columns that each table must have; a table without rows may come without columns
TABLE_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "table": ("region_id", "name", "time", "value", "uncertainty", "count", "coverage"),
    "contrasts": ("name", "kind", "product", "variable", "difference", "lower", "upper", "verdict", "months"),
    "comparison": (
        "variable",
        "product_a",
        "product_b",
        "cells",
        "months",
        "difference",
        "lower",
        "upper",
        "rmsd",
        "correlation",
        "verdict",
    ),
    "losses": ("product", "region_id", "month", "reason", "kind", "unit", "count"),
    "truth": ("product", "variable", "region_id", "time", "estimate", "uncertainty", "truth"),
}


@dataclass(frozen=True)
class ColumnResult:
    """One gas of one product: monthly grid and regional table.

    Parameters
    ----------
    product : str
        Identifier as in the other tables, such as ``"oco2_lite"``.
    title : str
        Name that people use; shown as it is in both languages.
    variable, units : str
        Column variable (``"xco2"``) and its unit.
    grid : xarray.Dataset
        Monthly grid, dims ``(time, lat, lon)`` or ``(time, y, x)``, with ``<v>``, ``<v>_count``.
    table : pandas.DataFrame
        One row per region and month: region_id, name, name_zh, time, value, uncertainty,
        uncertainty_random, uncertainty_sampling, uncertainty_systematic, spread, count, coverage,
        change, change_uncertainty.
        Rows whose region_id is `WHOLE` describe the whole study area.
    cadence : str
        ``"month"``.
    """

    product: str
    title: str
    variable: str
    units: str
    grid: xr.Dataset
    table: pd.DataFrame
    cadence: str = "month"

    def __post_init__(self) -> None:
        owner = f"column {self.product}/{self.variable}"
        check_columns(self.table, TABLE_COLUMNS["table"], "table", owner)
        check_grid(self.grid, (self.variable,), owner)

    @property
    def key(self) -> str:
        """Name that is unique in a study and safe in an HTML id and a file name."""
        return part_key(self.product, self.variable)


@dataclass(frozen=True)
class StudyResults:
    """Everything that the report draws, as tables, so that it can be rebuilt from the files of a run.

    Parameters
    ----------
    title : str or mapping of language to str
        Title of the study.
    language : {"en", "zh"}
        Language of the main page.
    period : (start, end)
        First and last day.
    bounds : (west, south, east, north)
        Degrees; west > east crosses the dateline.
    columns : sequence of ColumnResult
        The first is the main one.
    regions : geopandas.GeoDataFrame
        region_id, name, name_zh and polygons; ``attrs["source"]`` names where the boundaries come
        from (a text, or a mapping of language to text).
    contrasts, comparison, losses, truth : pandas.DataFrame
        Tables as in `TABLE_COLUMNS`; ``truth`` is None outside of simulated studies. In ``losses`` the
        kinds are ``read``, ``flag``, ``rule``, ``kept`` (unit ``sounding``) and ``orbit``, ``cloud``,
        ``kept`` (unit ``day``); a flag reason that starts with ``qf:`` is a part of ``quality_flag``
        and may overlap with others of its kind.
    words : mapping
        Words for codes that only the study knows: rule names and products' flags to
        ``{"en": ..., "zh": ...}``.
    titles : mapping
        Name that people use for each product that was read, those without any column included.
    provenance : mapping
        As written to ``provenance.json``: ``inputs`` (list of file, product, version, sha256, read, kept),
        ``skipped`` (list of file, error), ``recipe`` (text or mapping), ``software`` (name to version),
        ``references`` (list of str), ``notes`` (list of step, variable, code, reason: what could not be
        done). All keys are optional.
    filled, trends, anomalies, validations, hotspots, fused : tuple
        Analyses that the study asked for (`yaotan.report.analysis`); none by default.
    claims : ClaimResult, optional
        Claims that were checked.
    carbon : CarbonResult, optional
        Ecosystem carbon (`yaotan.report.ecosystem`).
    point_sources : PointSourceResult, optional
        Plumes and their emissions (`yaotan.report.point_source`).
    emission : EmissionResult, optional
        Emissions of regions by year (`yaotan.report.provincial`).
    """

    title: str | Mapping[str, str]
    language: Language
    period: tuple[str, str]
    bounds: tuple[float, float, float, float]
    columns: tuple[ColumnResult, ...]
    regions: gpd.GeoDataFrame
    contrasts: pd.DataFrame
    comparison: pd.DataFrame
    losses: pd.DataFrame
    truth: pd.DataFrame | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    filled: tuple[FilledResult, ...] = ()
    trends: tuple[TrendResult, ...] = ()
    anomalies: tuple[AnomalyResult, ...] = ()
    validations: tuple[ValidationResult, ...] = ()
    hotspots: tuple[HotspotResult, ...] = ()
    claims: ClaimResult | None = None
    fused: tuple[FusionResult, ...] = ()
    carbon: CarbonResult | None = None
    point_sources: PointSourceResult | None = None
    emission: EmissionResult | None = None

    def __post_init__(self) -> None:
        for kind in ("contrasts", "comparison", "losses", "truth"):
            check_columns(getattr(self, kind), TABLE_COLUMNS[kind], kind, "study results")
        for name in ("columns", *ANALYSES):
            keys = [one.key for one in getattr(self, name)]
            if len(set(keys)) < len(keys):
                raise SchemaError(f"a product has the same variable twice in {name}", where="study results")

    def title_in(self, language: str) -> str:
        """Give the title in one language, else in the one there is."""
        if isinstance(self.title, str):
            return self.title
        return self.title.get(language) or next(iter(self.title.values()), "")

    def boundary_source(self, language: str) -> str:
        """Say where the boundaries come from: ``regions.attrs["source"]``, a text or one per language."""
        source = self.regions.attrs.get("source") or ""
        if isinstance(source, Mapping):
            return str(source.get(language) or next(iter(source.values()), ""))
        return str(source)

    def column(self, product: str, variable: str) -> ColumnResult | None:
        """Find one column, or None."""
        return next((c for c in self.columns if (c.product, c.variable) == (product, variable)), None)

    def product_title(self, product: str) -> str:
        """Name of a product that people use."""
        return next(
            (c.title for c in self.columns if c.product == product), self.titles.get(product, product)
        )

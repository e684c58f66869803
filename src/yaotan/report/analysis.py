"""What column analyses hand to the report: from gap filling to fusion, each as tables and grids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from yaotan.report.shape import ANALYSIS_COLUMNS, check_columns, check_grid, part_key

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Analysis:
    """An analysis of one gas of one product.

    Parameters
    ----------
    product : str
        Identifier as in the other tables.
    title : str
        Name that people use.
    variable, units : str
        What was analysed and its unit: a column variable, or what was made of one, as
        ``"xco2_enhancement"``.
    """

    product: str
    title: str
    variable: str
    units: str

    @property
    def key(self) -> str:
        """Name that is unique among the analyses of one kind."""
        return part_key(self.product, self.variable)

    def check(self, *kinds: str) -> None:
        """Check the tables in these fields."""
        for kind in kinds:
            owner = f"{type(self).__name__} {self.product}/{self.variable}"
            check_columns(getattr(self, kind), ANALYSIS_COLUMNS[kind], kind, owner)


@dataclass(frozen=True)
class FilledResult(Analysis):
    """A map without gaps.

    Parameters
    ----------
    grid : xarray.Dataset
        Monthly, dims ``(time, lat, lon)``, as `fill_gaps` gives it: ``v``, ``v_uncertainty``,
        ``v_measured`` (0 filled, 1 measured, 2 left out).
    method : str
        ``"kriging"`` or another key of the report's words; another text is shown as it is.
    validation : pandas.DataFrame
        One row per scheme of leaving out, as `CrossValidation.summary` gives it: scheme (observation,
        overpass, block), observations, rmse, bias, coverage_68, coverage_95.
    """

    grid: xr.Dataset
    method: str
    validation: pd.DataFrame

    def __post_init__(self) -> None:
        names = tuple(self.variable + ending for ending in ("", "_uncertainty", "_measured"))
        check_grid(self.grid, names, f"FilledResult {self.product}")
        self.check("validation")


@dataclass(frozen=True)
class TrendResult(Analysis):
    """Trends and seasons of regions.

    Parameters
    ----------
    rates : pandas.DataFrame
        One row per region: region_id, name, name_zh, rate, lower, upper [unit per year, 95 % interval],
        amplitude, amplitude_uncertainty [unit; maximum minus minimum of the season], phase_day (day of the
        year of the maximum, from 0), p_value (test of no trend), months (with data).
    series : pandas.DataFrame
        region_id, time, value, uncertainty, fitted (smooth curve), trend; the season is fitted - trend.
    skipped : pandas.DataFrame
        Regions without a trend: region_id, name, name_zh, reason (code of the report's words), needed,
        given (numbers; NaN where the reason has none).
    """

    rates: pd.DataFrame
    series: pd.DataFrame
    skipped: pd.DataFrame

    def __post_init__(self) -> None:
        self.check("rates", "series", "skipped")


@dataclass(frozen=True)
class AnomalyResult(Analysis):
    """Months of regions against the same months of other years.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per region and month, as `anomaly_table` gives it: region_id, name, name_zh, time, anomaly,
        climatology, spread (between years), z, years (in the climatology), p, verdict (high, low, usual,
        too_few_years).
    level : float
        Of the two-sided test of each month: the share of usual months that chance alone makes high or low.
    """

    table: pd.DataFrame
    level: float = 0.05

    def __post_init__(self) -> None:
        self.check("table")


@dataclass(frozen=True)
class ValidationResult(Analysis):
    """A product against a reference.

    Parameters
    ----------
    reference : str
        Name of the reference that people use.
    kernel : str
        How kernels were used: ``"none"``, ``"common_prior"``, ``"smooth"``.
    pairs : pandas.DataFrame
        As `collocate` gives them: station, time, value, reference, value_uncertainty,
        reference_uncertainty.
    sites : pandas.DataFrame
        As `score_table` gives them, without the row over all: station, pairs, bias, bias_lower, bias_upper,
        scatter, correlation, chi_square.
    overall : mapping
        The row over all: bias, bias_lower, bias_upper, station_spread, scatter, drift, drift_lower,
        drift_upper, chi_square, stations; what is missing or NaN is not said.
    lost : pandas.DataFrame
        unit (``sounding``, ``overpass``, ``measurement``), reason, count.
    """

    reference: str
    kernel: str
    pairs: pd.DataFrame
    sites: pd.DataFrame
    overall: Mapping[str, float]
    lost: pd.DataFrame

    def __post_init__(self) -> None:
        self.check("pairs", "sites", "lost")

    @property
    def key(self) -> str:
        """Name that is unique among the validations of a study: a product may have several references."""
        return part_key(self.product, self.variable, self.reference)

    def figure(self, name: str) -> float:
        """Give a figure over all stations, NaN when it was not made."""
        value = self.overall.get(name)
        return np.nan if value is None else float(value)


@dataclass(frozen=True)
class HotspotResult(Analysis):
    """Clusters of high and low cells.

    Parameters
    ----------
    grid : xarray.Dataset
        Dims ``(time, lat, lon)``: the field that was judged ``v``, and from `hot_spots` ``v_gstar`` and
        ``hotspot`` (0 not significant, 1 hot, 2 cold, 3 too few neighbours, 4 not measured).
    persistence : xarray.Dataset or None
        From `persistence`: ``persistence``, ``persistence_lower``, ``persistence_upper``,
        ``persistence_count``; None with too few months.
    months : pandas.DataFrame
        One row per time: time, cells (measured), hot, cold, anywhere (share of null fields as striking as
        this one; NaN when nothing was judged).
    options : mapping
        Of `hot_spots`: ``distance`` [m], ``fdr``, ``draws``, ``null``.
    """

    grid: xr.Dataset
    persistence: xr.Dataset | None
    months: pd.DataFrame
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = (self.variable, f"{self.variable}_gstar", "hotspot")
        check_grid(self.grid, names, f"HotspotResult {self.product}")
        self.check("months")


@dataclass(frozen=True)
class ClaimResult:
    """Claims that one region is higher than another.

    Parameters
    ----------
    claims : pandas.DataFrame
        One row per claim as `Claim.as_row` gives it: verdict (supported, not_supported, not_detectable;
        no_data with NaN where it could not be judged), difference, lower, upper, at_least, units, months,
        period_months, effective_months, missed_bias, sentence_en, sentence_zh; and a, b (region ids),
        and where they are known product, title (of the product), variable, start, end,
        name_a, name_a_zh, name_b, name_b_zh, text_en, text_zh (words of the user).
    """

    claims: pd.DataFrame

    def __post_init__(self) -> None:
        check_columns(self.claims, ANALYSIS_COLUMNS["claims"], "claims", "ClaimResult")


@dataclass(frozen=True)
class FusionResult:
    """Several products of one gas made one.

    Parameters
    ----------
    variable, units : str
        Column variable and its unit.
    grid : xarray.Dataset
        Dims ``(time, lat, lon)`` with ``v`` and ``v_uncertainty``, as `fuse` gives it.
    method : str
        ``"median"`` or ``"inverse_variance"``.
    products : tuple of str
        What was fused.
    outcome : pandas.DataFrame
        One row per product: product, title, boxes (with an average), months, share (of boxes that took it,
        or its mean weight), bias (mean difference from the fused value over its boxes).
    """

    variable: str
    units: str
    grid: xr.Dataset
    method: str
    products: tuple[str, ...]
    outcome: pd.DataFrame

    def __post_init__(self) -> None:
        owner = f"FusionResult {self.variable}"
        check_grid(self.grid, (self.variable, f"{self.variable}_uncertainty"), owner)
        check_columns(self.outcome, ANALYSIS_COLUMNS["outcome"], "outcome", owner)

"""Trend, season and growth of regions: the step, and its results read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from yaotan.column.trend.fit import fit_trend
from yaotan.column.trend.growth import growth
from yaotan.column.trend.region import region_series
from yaotan.column.trend.season import seasonal_cycle
from yaotan.column.trend.significance import trend_test
from yaotan.column.trend.summary import summarise_trend
from yaotan.errors import SeriesError
from yaotan.recipes.analysis.finished import Finished, read_rows
from yaotan.recipes.analysis.place import take_places
from yaotan.recipes.context import digest_regions
from yaotan.recipes.monthly import hide_sparse, write_table
from yaotan.recipes.option import TrendOptions
from yaotan.recipes.product import ProductGrids
from yaotan.recipes.step import Made, Step
from yaotan.report.analysis import TrendResult
from yaotan.schema import column_variables

#: months that make a trend: two years
SHORTEST: Final = 24
#: columns of the tables that may have no row
RATES: Final = (
    *("region_id", "name", "name_zh", "rate", "lower", "upper", "p_value"),
    *("amplitude", "amplitude_uncertainty", "phase_day", "months"),
)
SERIES: Final = ("region_id", "time", "value", "uncertainty", "fitted", "trend")
SKIPPED: Final = ("region_id", "name", "name_zh", "reason", "needed", "given", "detail")
_GROWTH: Final = ("region_id", "year")


def trend_step(given: ProductGrids) -> Step:
    """Make the step that fits the trends of one product.

    Outputs ``columns/<product>_<variable>_trend`` (a row for each region), ``_trend_series`` (region by
    month), ``_growth`` (region by year), ``_trend_skipped``: each as CSV, the first three as Parquet too.
    """
    study, options = given.context.study, given.context.study.trend
    assert options is not None
    regions = take_places(given.context, options.regions, "trend.regions")

    def work() -> Made:
        grid = given.open()
        paths: list[Path] = []
        made = column_variables(grid)
        for variable in made:
            dense = hide_sparse(grid, variable, study.minimum_count)
            length = study.correlation_length * 1e3
            for ending, table in analyse(dense, variable, regions, options, length).items():
                if len(table) or ending == "trend_skipped":
                    paths += write_table(table, given.stem(variable, ending))
        return paths, {"variables": made}

    parameters = {**options.model_dump(exclude={"products"}), **given.averaging}
    return given.step("trend", work, parameters, {"regions": digest_regions(regions)})


def analyse(
    grid: xr.Dataset, variable: str, regions: gpd.GeoDataFrame, options: TrendOptions, length: float
) -> dict[str, pd.DataFrame]:
    """Fit the trends of regions from one grid.

    Parameters
    ----------
    grid : xarray.Dataset
        Monthly.
    variable : str
        Column variable.
    regions : geopandas.GeoDataFrame
        Of which series are made.
    options : TrendOptions
        Of the study.
    length : float
        E-folding length of the errors of cells [m].

    Returns
    -------
    dict of str to pandas.DataFrame
        ``trend``, ``trend_series``, ``growth`` and ``trend_skipped``; a region is either in the first or in
        the last.
    """
    none = {"trend": RATES, "trend_series": SERIES, "growth": _GROWTH}
    empty = {name: pd.DataFrame(columns=list(columns)) for name, columns in none.items()}
    months = int(np.ptp(grid["time"].values.astype("datetime64[M]").astype(int))) + 1
    if months < SHORTEST:
        rows = [_skip(region, "too_short", SHORTEST, months) for region in regions.itertuples()]
        return {**empty, "trend_skipped": pd.DataFrame(rows, columns=list(SKIPPED))}
    try:
        series = region_series(
            grid,
            regions,
            variable=variable,
            pattern=options.pattern,
            fewest=options.fewest,
            correlation_length=length,
        ).load()
    except SeriesError as error:
        rows = [_skip(region, "not_estimated", detail=error.what) for region in regions.itertuples()]
        return {**empty, "trend_skipped": pd.DataFrame(rows, columns=list(SKIPPED))}
    rows, keep = judge_series(series, variable, regions, options)
    if keep:
        series = series.isel(region=keep)
        fit = fit_trend(series, variable=variable, terms=options.terms, harmonics=options.harmonics)
        refused = json.loads(fit.attrs["not_fitted"])
        rows += [
            _skip(region, "not_fitted", detail=refused[region.region_id])
            for region in regions.itertuples()
            if region.region_id in refused
        ]
        empty |= summarise(fit, series, variable, options)
    return {**empty, "trend_skipped": pd.DataFrame(rows, columns=list(SKIPPED))}


def _skip(
    region: Any, reason: str, needed: float = np.nan, given: float = np.nan, detail: str = ""
) -> tuple[Any, ...]:
    return (region.region_id, region.name, region.name_zh, reason, needed, given, detail)


def judge_series(
    series: xr.Dataset, variable: str, regions: gpd.GeoDataFrame, options: TrendOptions
) -> tuple[list[tuple[Any, ...]], list[int]]:
    """Say which regions cannot have a trend and why, and give the places of the others."""
    missing = json.loads(series.attrs["not_estimated"])
    # twice the coefficients for the fit; ten for the test of the trend
    needed = max(10, 2 * (options.terms + 2 * options.harmonics))
    rows, keep = [], []
    month = series["time"].values.astype("datetime64[M]").astype(int)
    for number, region in enumerate(regions.itertuples()):
        value = series[variable].values[number]
        known = np.flatnonzero(np.isfinite(value))
        span = int(np.ptp(month[known])) + 1 if known.size else 0
        if not known.size:
            inside = int(series["cells"][number] + series["cells_left_out"][number])
            reason = "not_estimated" if inside else "outside_grid"
            rows.append(_skip(region, reason, detail=missing.get(str(region.region_id), "")))
        elif span < SHORTEST:
            rows.append(_skip(region, "too_short", SHORTEST, span))
        elif known.size < needed:
            rows.append(_skip(region, "too_few_months", needed, known.size))
        elif float(np.ptp(value[known])) == 0.0:
            rows.append(_skip(region, "constant"))
        else:
            keep.append(number)
    return rows, keep


def summarise(
    fit: xr.Dataset, series: xr.Dataset, variable: str, options: TrendOptions
) -> dict[str, pd.DataFrame]:
    """Give rates, curves and yearly figures of the regions that were fitted."""
    yearly = summarise_trend(
        growth(fit, method=options.method), seasonal_cycle(fit), trend_test(series, variable=variable)
    )
    rates, curves = [], []
    for number, label in enumerate(fit["region"].values.astype(str)):
        one, year = fit.isel(region=number), yearly.isel(region=number)
        if not np.isfinite(one["noise_white"].values):
            continue  # said in what is skipped
        rates.append(
            {
                "region_id": label,
                "name": str(one["region_name"].values),
                "name_zh": str(one["region_name_zh"].values),
                "rate": float(year["slope"]),
                "lower": float(year["slope_lower"]),
                "upper": float(year["slope_upper"]),
                "p_value": float(year["p_value"]),
                **mean_season(year),
                "months": int(np.isfinite(one["value"].values).sum()),
            }
        )
        values = {"region_id": label, "time": fit["time"].values, "value": one["value"].values}
        values["uncertainty"] = one["value_uncertainty"].values if "value_uncertainty" in one else np.nan
        curves.append(pd.DataFrame({**values, "fitted": one["smooth"].values, "trend": one["trend"].values}))
    by_year = [str(name) for name, array in yearly.data_vars.items() if "year" in array.dims]
    table = yearly[by_year].drop_vars(["region_name", "region_name_zh"], errors="ignore")
    frame = table.to_dataframe().reset_index().rename(columns={"region": "region_id"})
    return {
        "trend": pd.DataFrame(rates, columns=list(RATES)),
        "trend_series": pd.concat(curves, ignore_index=True)[list(SERIES)],
        "growth": frame.dropna(subset=["growth"])[[*_GROWTH, *by_year]],
    }


def mean_season(year: xr.Dataset) -> dict[str, float]:
    """Give amplitude and phase of the season, meant over the years that are not flagged (else over all).

    The uncertainty is that of a single year: years share the fitted harmonics, so it does not fall with
    their number.
    """
    known = np.isfinite(year["amplitude"].values)
    trusted = known & (year["season_flag"].values == 0)
    chosen = trusted if trusted.any() else known
    if not chosen.any():
        return dict.fromkeys(("amplitude", "amplitude_uncertainty", "phase_day"), np.nan)
    sigma = year["amplitude_uncertainty"].values[chosen]
    turn = np.exp(2j * np.pi * year["phase_day"].values[chosen] / 365.0).mean()
    return {
        "amplitude": float(year["amplitude"].values[chosen].mean()),
        "amplitude_uncertainty": float(np.sqrt((sigma**2).mean())),
        "phase_day": float(np.angle(turn) / (2.0 * np.pi) % 1.0 * 365.0),
    }


def load_trends(finished: Finished) -> tuple[TrendResult, ...]:
    """Read the trends of a finished run."""
    found = []
    for product, files, summary in finished.steps("trend"):
        for variable in summary["variables"]:
            rates, series, skipped = (
                read_rows(path) if path else pd.DataFrame(columns=list(columns))
                for ending, columns in (("", RATES), ("_series", SERIES), ("_skipped", SKIPPED))
                for path in [files.get(f"{product}_{variable}_trend{ending}.csv")]
            )
            head = finished.head(product, variable)
            found.append(TrendResult(**head, rates=rates, series=series, skipped=skipped))
    return tuple(found)

"""Column analyses for the report's tests: drawn from what is planted here, seeded, without any file."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.column.claim import check_claim
from yaotan.errors import TooFewSoundingsError
from yaotan.report.analysis import (
    AnomalyResult,
    ClaimResult,
    FilledResult,
    FusionResult,
    HotspotResult,
    TrendResult,
    ValidationResult,
)
from yaotan.report.result import WHOLE, ColumnResult

#: planted: root mean square error of filling by scheme, and the share inside the 95 % interval
LEFT_OUT: Final = {"observation": (0.412, 0.97), "overpass": (0.873, 0.951), "block": (1.237, 0.938)}
#: planted: rate of the first region [unit per year], step from one region to the next, month of the maximum
RATE, STEP, PEAK = 2.31, 0.07, 4
#: planted: region, place among the months, departure in spreads between years
ANOMALY: Final = (1, 8, 4.4)
#: planted: bias of each station [unit], scatter, drift per year
BIASES, SCATTER, DRIFT = (0.62, 0.35, -0.18, 0.51, 0.94, 0.27), 0.8, 0.03
#: planted: rows and columns of the hot block, and of the cold one
HOT: Final = (slice(2, 5), slice(3, 6))
COLD: Final = (slice(7, 9), slice(8, 10))
SKIPPED: Final = ("region_id", "name", "name_zh", "reason", "needed", "given", "detail")
STATIONS: Final = ("Xianghe", "Hefei", "Saga", "Tsukuba", "Anmyeondo", "Burgos")


def make_analyses(
    columns: tuple[ColumnResult, ...], *, seed: int, empty: bool, stations: int
) -> dict[str, Any]:
    """Give every analysis of the first column as keywords of `StudyResults`."""
    main, rng = columns[0], np.random.default_rng(seed + 100)
    return {
        "filled": (make_filled(main, rng, empty=empty),),
        "trends": (make_trend(main, rng, empty=empty),),
        "anomalies": (make_anomaly(main, rng, empty=empty),),
        "validations": (make_validation(main, rng, stations, empty=empty),),
        "hotspots": (make_hotspot(main, rng, empty=empty),),
        "claims": make_claims(main, empty=empty),
        "fused": (make_fused(columns, empty=empty),),
    }


def head(column: ColumnResult) -> dict[str, str]:
    return {name: getattr(column, name) for name in ("product", "title", "variable", "units")}


def make_filled(column: ColumnResult, rng: np.random.Generator, *, empty: bool) -> FilledResult:
    """The grid of the column with its gaps filled; the western quarter never measured."""
    name, grid = column.variable, column.grid
    value = grid[name].values.copy()
    value[..., : max(1, value.shape[2] // 4)] = np.nan
    seen = np.isfinite(value)
    whole = grid[name].mean().item() if seen.any() else np.nan
    filled = np.where(seen, value, whole + rng.normal(0, 0.5, value.shape))
    filled[:, 0, -1] = np.nan  # left out
    flag = np.where(seen, 1, 0).astype(np.uint8)
    flag[:, 0, -1] = 2
    sigma = np.where(np.isfinite(filled), np.where(seen, 0.52, 1.31), np.nan)
    dims = grid[name].dims
    made = grid[["lat_bnds", "lon_bnds", "time"]].assign(
        {
            name: (dims, filled),
            f"{name}_uncertainty": (dims, sigma),
            f"{name}_measured": (dims, flag),
        }
    )
    rows = [
        {
            "scheme": scheme,
            "observations": 812,
            "unpredicted": 3,
            "rmse": rmse,
            "bias": -0.031,
            "correlation": 0.9,
            "coverage_68": 0.672,
            "coverage_95": inside,
            "chi_square": 1.04,
        }
        for scheme, (rmse, inside) in LEFT_OUT.items()
    ]
    return FilledResult(
        **head(column), grid=made, method="kriging", validation=pd.DataFrame([] if empty else rows)
    )


def regions_of(column: ColumnResult) -> pd.DataFrame:
    return column.table.drop_duplicates("region_id")[["region_id", "name", "name_zh"]]


def make_trend(column: ColumnResult, rng: np.random.Generator, *, empty: bool) -> TrendResult:
    """Rates rise from region to region; the last region is skipped, all of them below two years."""
    time = pd.DatetimeIndex(column.grid["time"].values)
    regions = list(regions_of(column).itertuples())
    short = len(time) < 24 or empty
    skipped = regions if short else regions[-2:-1]
    rates, series = [], []
    year = (time - time[0]).days.to_numpy() / 365.25
    for number, region in enumerate(regions):
        if region in skipped:
            continue
        rate = RATE + STEP * number
        trend = 400 + rate * year
        fitted = trend + 3.0 * np.cos(2 * np.pi * (time.month.to_numpy() - PEAK) / 12)
        value = fitted + rng.normal(0, 0.3, time.size)
        value[3] = np.nan
        rates.append(
            {
                "region_id": region.region_id,
                "name": region.name,
                "name_zh": region.name_zh,
                "rate": rate,
                "lower": rate - 0.12,
                "upper": rate + 0.12,
                "p_value": 0.0004,
                "amplitude": 6.0,
                "amplitude_uncertainty": 0.21,
                "phase_day": 104.0,
                "months": time.size - 1,
            }
        )
        curve = {"region_id": region.region_id, "time": time, "value": value, "uncertainty": 0.3}
        series.append(pd.DataFrame({**curve, "fitted": fitted, "trend": trend}))
    rows = [
        (region.region_id, region.name, region.name_zh, *(_reason(len(time), empty)), "")
        for region in skipped
    ]
    return TrendResult(
        **head(column),
        rates=pd.DataFrame(rates),
        series=pd.concat(series, ignore_index=True) if series else pd.DataFrame(),
        skipped=pd.DataFrame(rows, columns=list(SKIPPED)),
    )


def _reason(months: int, empty: bool) -> tuple[str, float, float]:
    if empty:
        return "not_estimated", np.nan, np.nan
    return ("too_short", 24, months) if months < 24 else ("too_few_months", 14, 9)


def make_anomaly(column: ColumnResult, rng: np.random.Generator, *, empty: bool) -> AnomalyResult:
    """Departures of one spread, but for the planted month; below four regions all have too few years."""
    if empty:
        return AnomalyResult(**head(column), table=pd.DataFrame())
    regions = list(regions_of(column).itertuples())
    few = len(regions) < 4
    rows = []
    for number, region in enumerate(regions):
        for place, time in enumerate(column.grid["time"].values):
            z = float(np.clip(rng.normal(), -1.9, 1.9))
            verdict = "usual"
            if (number, place) == ANOMALY[:2]:
                z, verdict = ANOMALY[2], "high"
            if (number, place) == (0, 0):
                z, verdict = -3.9, "low"
            if few or (number == 2 and place < 2):
                z, verdict = np.nan, "too_few_years"
            rows.append(
                {
                    "region_id": region.region_id,
                    "name": region.name,
                    "name_zh": region.name_zh,
                    "time": time,
                    "anomaly": 0.5 * z,
                    "climatology": 409.0,
                    "spread": 0.5,
                    "z": z,
                    "years": 3 if verdict == "too_few_years" else 6,
                    "p": np.nan if np.isnan(z) else 0.004 if verdict != "usual" else 0.4,
                    "verdict": verdict,
                }
            )
    return AnomalyResult(**head(column), table=pd.DataFrame(rows))


def make_validation(
    column: ColumnResult, rng: np.random.Generator, stations: int, *, empty: bool
) -> ValidationResult:
    """Pairs about the planted bias of each station."""
    about = {"reference": "TCCON GGG2020", "kernel": "smooth"}
    if empty:
        none = pd.DataFrame()
        lost = pd.DataFrame([("sounding", "not_near", 5120)], columns=["unit", "reason", "count"])
        return ValidationResult(**head(column), **about, pairs=none, sites=none, overall={}, lost=lost)
    pairs, sites = [], []
    for number in range(stations):
        name = STATIONS[number] if number < len(STATIONS) else f"Station {number + 1:03d}"
        bias = BIASES[number % len(BIASES)] + 0.001 * number
        n = 24
        time = pd.date_range("2019-01-05", periods=n, freq="15D")
        reference = 409 + 3 * np.cos(np.arange(n) / 4) + rng.normal(0, 0.5, n)
        value = reference + bias + rng.normal(0, SCATTER, n)
        columns = {"station": name, "time": time, "value": value, "reference": reference}
        columns |= {"value_uncertainty": 0.7, "reference_uncertainty": 0.4, "difference": value - reference}
        pairs.append(pd.DataFrame(columns))
        sites.append(
            {
                "station": name,
                "pairs": n,
                "bias": bias,
                "bias_lower": bias - 0.3,
                "bias_upper": bias + 0.3,
                "bias_uncertainty": 0.15,
                "scatter": SCATTER,
                "correlation": 0.91,
                "chi_square": 1.02,
            }
        )
    table = pd.DataFrame(sites)
    mean = float(table["bias"].mean())
    overall = {"bias": mean, "bias_lower": mean - 0.25, "bias_upper": mean + 0.25, "scatter": SCATTER}
    overall |= {"drift": DRIFT, "drift_lower": DRIFT - 0.1, "drift_upper": DRIFT + 0.1}
    overall |= {"chi_square": 1.62, "chi_square_lower": 0.8, "chi_square_upper": 1.25}
    if stations > 1:
        overall["station_spread"] = float(table["bias"].std())
    rows = [("measurement", "bad_quality", 31), ("overpass", "no_station_data", 7)]
    rows += [("sounding", "not_near", 5120), ("sounding", "too_few_soundings", 44)]
    lost = pd.DataFrame(rows, columns=["unit", "reason", "count"])
    joined = pd.concat(pairs, ignore_index=True)
    return ValidationResult(**head(column), **about, pairs=joined, sites=table, overall=overall, lost=lost)


def make_hotspot(column: ColumnResult, rng: np.random.Generator, *, empty: bool) -> HotspotResult:
    """A hot and a cold block in every second month, the latest one among them."""
    name, grid = f"{column.variable}_enhancement", column.grid
    shape = grid[column.variable].shape
    field, flag = rng.normal(0, 0.6, shape), np.zeros(shape, np.uint8)
    field[:, 0, :2] = np.nan
    striking = np.arange(shape[0]) % 2 == (shape[0] - 1) % 2
    for mark, block, jump in ((1, HOT, 2.5), (2, COLD, -2.5)):
        for step in np.flatnonzero(striking):
            field[step][block] += jump
            flag[step][block] = mark
    flag[~np.isfinite(field)] = 4
    score = np.where(np.isfinite(field), 3 * field, np.nan)
    if empty:
        field[:], score[:], flag[:] = np.nan, np.nan, 4
    dims = grid[column.variable].dims
    made = grid[["lat_bnds", "lon_bnds", "time"]].assign(
        {name: (dims, field), f"{name}_gstar": (dims, score), "hotspot": (dims, flag)}
    )
    hot, cold = ((flag == mark).sum(axis=(1, 2)) for mark in (1, 2))
    months = pd.DataFrame(
        {
            "time": grid["time"].values,
            "cells": np.isfinite(field).sum(axis=(1, 2)),
            "hot": hot,
            "cold": cold,
            "anywhere": np.nan if empty else np.where(striking, 0.005, 0.37),
            "reason": "a time has 0 measured cells" if empty else "",
        }
    )
    share = None
    if shape[0] >= 3 and not empty:
        ratio = np.where((flag != 4).sum(axis=0) > 0, (flag == 1).mean(axis=0), np.nan)
        layers = {"": ratio, "_lower": 0.6 * ratio, "_upper": np.minimum(1.3 * ratio, 1), "_count": ratio * 0}
        share = grid[["lat_bnds", "lon_bnds"]].assign(
            {f"persistence{ending}": (dims[1:], layer) for ending, layer in layers.items()}
        )
    options = {"distance": 200e3, "fdr": 0.05, "draws": 199, "null": "correlated"}
    about = {**head(column), "variable": name}
    return HotspotResult(**about, grid=made, persistence=share, months=months, options=options)


def make_claims(column: ColumnResult, *, empty: bool) -> ClaimResult:
    """Claims judged by the library itself, and one that lacks data."""
    table = column.table.assign(units=column.units, variable=column.variable)
    own = table[table["region_id"] != WHOLE]
    means = own.groupby("region_id")["value"].mean().sort_values()
    low, high = str(means.index[0]), str(means.index[-1])
    names = own.drop_duplicates("region_id").set_index("region_id")
    rows = []
    for a, b, least in ((high, low, 0.0), (low, high, 0.1), (high, low, 0.5)):
        row = {"product": column.product, "title": column.title, "variable": column.variable}
        row |= {"a": a, "b": b, "name_a": names["name"][a], "name_b": names["name"][b]}
        row |= {"name_a_zh": names["name_zh"][a], "name_b_zh": names["name_zh"][b]}
        try:
            rows.append(row | check_claim(own, a=a, b=b, at_least=least).as_row())
        except TooFewSoundingsError:
            blank = ("difference", "lower", "upper", "effective_months", "missed_bias")
            row |= dict.fromkeys(blank, np.nan) | dict.fromkeys(("sentence_en", "sentence_zh"))
            months = {"months": 1, "period_months": 12, "at_least": least, "units": column.units}
            rows.append(row | months | {"verdict": "no_data"})
    return ClaimResult(pd.DataFrame([] if empty and len(means) < 2 else rows))


def make_fused(columns: tuple[ColumnResult, ...], *, empty: bool) -> FusionResult:
    """Boxes of the first column, taken from two products."""
    main = columns[0]
    name, dims = main.variable, main.grid[main.variable].dims
    sigma = xr.full_like(main.grid[name], 0.45).where(main.grid[name].notnull())
    grid = main.grid[["lat_bnds", "lon_bnds", "time"]].assign(
        {name: main.grid[name], f"{name}_uncertainty": (dims, sigma.values)}
    )
    rows = [("oco2_lite", "OCO-2 Lite v11.1", 310, 12, 0.62, -0.14)]
    rows += [("acos_gosat_lite", "ACOS GOSAT Lite v9", 190, 11, 0.38, 0.23)]
    outcome = pd.DataFrame(rows, columns=["product", "title", "boxes", "months", "share", "bias"])
    products = tuple(outcome["product"])
    return FusionResult(name, main.units, grid, "median", products, outcome[:0] if empty else outcome)

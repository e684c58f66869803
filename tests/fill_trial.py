"""What a filler does with years of a changing field: figures of leaving out and of the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from fill_baseline import leave_out_by_month
from yaotan import GridSpec
from yaotan.column import cross_validate
from yaotan.column.fill.crossvalidation import number_blocks
from yaotan.column.fill.extraction import gather
from yaotan.column.fill.filler import GapFiller
from yaotan.simulate.record import Record, simulate_record

#: where truth is compared with maps and points: the inner part of the region of the record
INNER = (76.0, 20.0, 132.0, 52.0)


@dataclass(frozen=True)
class Score:
    """Root mean square error and coverage [%] of one kind of prediction."""

    rmse: float
    coverage_68: float
    coverage_95: float

    @classmethod
    def of(cls, error: np.ndarray, sigma: np.ndarray) -> Score:
        z = np.abs(error / sigma)
        inside = [100.0 * float((z <= quantile).mean()) for quantile in (0.994458, 1.959964)]
        return cls(float(np.sqrt((error**2).mean())), *inside)


def table_of(scores: Mapping[Any, Score]) -> str:
    """Figures of several predictions as text, one row each."""
    rows = {key if isinstance(key, str) else ", ".join(key): asdict(score) for key, score in scores.items()}
    return pd.DataFrame(rows).T.round(3).to_string()


@cache
def record_of(seed: int, days: int) -> Record:
    """The record of a seed, made once."""
    return simulate_record(seed, days=days)


@cache
def baseline_of(seed: int, days: int) -> Score:
    """Spatial ordinary kriging month by month, leaving out blocks with their overpasses."""
    known = gather(record_of(seed, days).soundings)
    labels = np.column_stack([number_blocks(known, 5.0, 16.0), known.overpass])
    value, sigma = leave_out_by_month(known, labels)
    told = np.isfinite(value)
    return Score.of((known.value - value)[told], sigma[told])


def by_blocks(filler: GapFiller) -> Score:
    """Leaving out blocks of 5 degrees and 16 days with the whole of every overpass."""
    table = cross_validate(filler, scheme="block").table
    return Score.of(table["residual"].to_numpy(), table["sigma"].to_numpy())


def at_points(filler: GapFiller, record: Record, number: int = 20_000) -> Score:
    """Predictions against the true field at random places and days, measured or not."""
    rng = np.random.default_rng(5)
    first, last = filler.observations_.period
    west, south, east, north = INNER
    lat, lon = rng.uniform(south, north, number), rng.uniform(west, east, number)
    whole = int((last - first) / np.timedelta64(1, "D"))
    day = first.astype("datetime64[D]") + 1 + rng.integers(0, whole - 1, number)
    value, sigma = filler.predict_at(lat, lon, day.astype("datetime64[ns]") + np.timedelta64(6, "h"))
    return Score.of(record.field.smooth(lat, lon, day) - value, sigma)


def at_months(filler: GapFiller, record: Record, months: list[str]) -> Score:
    """Monthly means of cells of 2 degrees against those of the true field."""
    filled = filler.predict(GridSpec.regular(2.0, INNER), [(month, month) for month in months]).compute()
    lat, lon = np.meshgrid(filled["lat"], filled["lon"], indexing="ij")
    truth = [
        record.monthly_truth(lat.ravel(), lon.ravel(), np.datetime64(month, "M")).reshape(lat.shape)
        for month in months
    ]
    return Score.of(np.array(truth) - filled["xco2"].values, filled["xco2_uncertainty"].values)

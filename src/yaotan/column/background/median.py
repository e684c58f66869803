"""Daily medians: of latitude bands, interpolated in latitude, and of a region."""

from __future__ import annotations

from typing import Final

import numpy as np

from yaotan.column.background.estimate import TOO_FEW, Estimate
from yaotan.column.background.sample import Floats, Indices, Sample, median_error, robust_spread
from yaotan.constants import DAY
from yaotan.geodesy import wrap_longitude

_DAY_NS: Final = int(DAY * 1e9)


def band_median(sample: Sample, *, band: float, minimum: int) -> Estimate:
    """Daily median of latitude bands, linear in latitude between the centres of bands.

    A band with fewer than `minimum` soundings on a day has none: soundings in it get no background, and those
    of its neighbours the median of their own band towards it.
    """
    estimate = Estimate.empty(sample)
    bands = round(180.0 / band)
    row = np.clip(np.floor((sample.lat + 90.0) / band), 0, bands - 1)
    row = np.where(sample.usable, row, 0).astype(np.intp)
    for rows in _by_day(sample):
        table = np.full((4, bands), np.nan)
        for number in np.unique(row[rows]):
            table[:, number] = _middle(sample, rows[row[rows] == number], minimum)
        _interpolate(estimate, sample, rows, row[rows], table, band)
    return estimate


def _interpolate(
    estimate: Estimate, sample: Sample, rows: Indices, own: Indices, table: Floats, band: float
) -> None:
    place = (sample.lat[rows] + 90.0) / band - 0.5 - own  # from the centre of the own band, in bands
    other = np.clip(own + np.where(place < 0, -1, 1), 0, table.shape[1] - 1)
    share = np.where(np.isfinite(table[0, other]), np.abs(place), 0.0)
    level, error, spread, count = (
        np.where(share > 0, (1 - share) * line[own] + share * line[other], line[own]) for line in table
    )
    # errors of two neighbouring bands of one day are taken as independent
    pair = np.hypot((1 - share) * table[1, own], share * table[1, other])
    error = np.where(share > 0, pair, error)
    good = np.isfinite(level)
    estimate.put(rows[good], level[good], error[good], spread[good], np.floor(count[good]))
    estimate.status[rows[~good]] = TOO_FEW


def regional_median(
    sample: Sample, *, minimum: int, region: tuple[float, float, float, float] | None
) -> Estimate:
    """Daily median of all soundings, or of those in a box (west, south, east, north), for all of the day."""
    estimate = Estimate.empty(sample)
    inside = sample.usable.copy()
    if region is not None:
        west, south, east, north = region
        inside &= (sample.lat >= south) & (sample.lat <= north)
        turn = 360.0 if east - west >= 360.0 else np.mod(east - west, 360.0)
        inside &= np.mod(wrap_longitude(sample.lon) - west, 360.0) <= turn
    for rows in _by_day(sample):
        level, error, spread, count = _middle(sample, rows[inside[rows]], minimum)
        if np.isfinite(level):
            estimate.put(rows, level, error, spread, count)
        else:
            estimate.status[rows] = TOO_FEW
    return estimate


def _middle(sample: Sample, rows: Indices, minimum: int) -> tuple[float, float, float, float]:
    if rows.size < minimum:
        return (np.nan,) * 4
    values = sample.value[rows]
    error = median_error(values, sample.block[rows])
    return float(np.median(values)), error, robust_spread(values), float(rows.size)


def _by_day(sample: Sample) -> list[Indices]:
    """Rows that count, day by day (UTC)."""
    rows = np.flatnonzero(sample.usable)
    day = sample.time[rows] // _DAY_NS
    order = np.argsort(day, kind="stable")
    return [part for part in np.split(rows[order], np.flatnonzero(np.diff(day[order])) + 1) if part.size]

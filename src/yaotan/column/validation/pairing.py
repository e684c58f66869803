"""Overpasses and their partners at one station, or in cells of another satellite or a model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.validation.average import group_mean, group_sigma, group_spread, mean_longitude
from yaotan.column.validation.candidate import Candidates, from_station
from yaotan.column.validation.match import on_one_prior, seen_profile
from yaotan.column.validation.option import Options
from yaotan.column.validation.station import Station
from yaotan.uncertainty import number_overpasses

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Context:
    """The table that soundings come from, its column, and the options."""

    soundings: xr.Dataset
    column: str
    options: Options


def pair_overpasses(
    found: Candidates, station: Station, context: Context
) -> tuple[Rows, Counter[str], Counter[str]]:
    """Pair the mean of each overpass with the station's measurements around it.

    Returns
    -------
    rows : dict
        Columns of the pairs.
    lost, lost_overpasses : Counter
        Reason -> soundings, and overpasses, without a partner.
    """
    options = context.options
    lost, gone = Counter[str](), Counter[str]()
    overpass = number_overpasses(found.time) if len(found) else np.zeros(0, np.intp)
    size = int(overpass.max(initial=-1)) + 1
    moment = group_mean(found.time.astype(float), overpass, size)
    windows = [station.window(int(t), options.half_window) for t in moment]
    spectra = np.array([w.size for w in windows], int)
    count = np.bincount(overpass, minlength=size)
    partner = spectra >= options.minimum_spectra
    enough = count >= options.minimum_soundings
    for reason, mask in (("no_station_data", ~partner), ("too_few_soundings", partner & ~enough)):
        gone[reason] += int(mask.sum())
        lost[reason] += int(count[mask].sum())
    found, overpass, keep = _keep(found, overpass, partner & enough)
    windows = [windows[k] for k in keep]
    averaged = station_means(station, windows)
    value, seen, more = _kernels(found, station, averaged["reference"][overpass], context)
    lost.update(more)
    whole = np.isfinite(value) & np.isfinite(seen)
    found, overpass, value, seen = found.take(whole), overpass[whole], value[whole], seen[whole]
    left = np.bincount(overpass, minlength=len(windows))
    short = left < options.minimum_soundings
    gone["too_few_with_kernel"] += int(short.sum())
    lost["too_few_with_kernel"] += int(left[short].sum())
    rows = sounding_means(found, value, overpass, len(windows), options)
    rows |= averaged
    if options.kernel == "smooth":
        rows["reference"] = group_mean(seen, overpass, len(windows))
    rows["distance"] = group_mean(from_station(found, station), overpass, len(windows))
    rows["time_difference"] = (averaged["moment"] - rows.pop("moment")) / 1e9
    rows["time"] = group_mean(found.time.astype(float), overpass, len(windows))
    rows.pop("moment", None)
    return {key: np.asarray(array)[~short] for key, array in rows.items()}, lost, gone


def _keep(found: Candidates, group: Any, wanted: Any) -> tuple[Candidates, Any, Any]:
    """Keep the soundings of some groups, numbered anew."""
    keep = np.flatnonzero(wanted)
    number = np.full(wanted.size, -1)
    number[keep] = np.arange(keep.size)
    rows = number[group] >= 0
    return found.take(rows), number[group][rows], keep


def _kernels(
    found: Candidates, station: Station, reference: Floats, context: Context
) -> tuple[Floats, Floats, Counter[str]]:
    """Give what is compared at each sounding: the satellite's column and the station's."""
    options = context.options
    if options.kernel == "none" or not len(found):
        return found.value, reference, Counter()
    given = (context.soundings, context.column, found.row, found.time)
    if options.kernel == "common_prior":
        value, lost = on_one_prior(*given, station, options)
        return value, reference, lost
    seen, lost = seen_profile(*given, reference, station, options)
    return found.value, seen, lost


def sounding_means(found: Candidates, value: Floats, group: Any, size: int, options: Options) -> Rows:
    """Average soundings by group: value, its error and scatter, place and moment."""
    return {
        "latitude": group_mean(found.latitude, group, size),
        "longitude": mean_longitude(found.longitude, group, size),
        "value": group_mean(value, group, size),
        "value_uncertainty": group_sigma(found.sigma, group, size, options.overpass_correlation),
        "value_spread": group_spread(value, group, size),
        "value_count": np.bincount(group, minlength=size),
        "moment": group_mean(found.time.astype(float), group, size),
        **{name: _whole_mean(found.carried[:, k], group, size) for k, name in enumerate(options.carry)},
    }


def _whole_mean(values: Floats, group: Any, size: int) -> Floats:
    """Give the mean of each group; NaN where any value of it is missing."""
    known = np.isfinite(values)
    mean = group_mean(np.where(known, values, 0.0), group, size)
    mean[group[~known]] = np.nan
    return mean


def station_means(station: Station, windows: list[Any]) -> Rows:
    """Average the measurements of each window; their errors count as independent of one another."""
    size = len(windows)
    group = np.repeat(np.arange(size), [w.size for w in windows])
    index = np.concatenate([*windows, np.zeros(0, int)]).astype(int)
    value = station.value[index]
    return {
        "reference": group_mean(value, group, size),
        "reference_uncertainty": group_sigma(station.sigma[index], group, size, 0.0),
        "reference_spread": group_spread(value, group, size),
        "reference_count": np.bincount(group, minlength=size),
        "moment": group_mean(station.time[index].astype(float), group, size),
    }


def pair_days(
    found: Candidates, station: Station, context: Context
) -> tuple[Rows, Counter[str], Counter[str]]:
    """Pair each day of a station with soundings of days around it whose air was as warm (Wunch et al. 2011).

    A day is one of mean solar time. Soundings within the days and kelvins are averaged by overpass, then the
    overpasses are.
    """
    options = context.options
    lost, gone = Counter[str](), Counter[str]()
    shift = int(station.longitude / 360.0 * 8.64e13)
    day = (station.time + shift) // 86_400_000_000_000
    windows = [np.flatnonzero(day == d) for d in np.unique(day)]
    windows = [w for w in windows if w.size >= options.minimum_spectra]
    averaged = station_means(station, windows)
    warmth = group_mean(
        station.temperature[np.concatenate([*windows, np.zeros(0, int)]).astype(int)],
        np.repeat(np.arange(len(windows)), [w.size for w in windows]),
        len(windows),
    )
    half = options.days * 8.64e13
    order = np.argsort(found.time, kind="stable")
    found = found.take(order)
    used, near = np.zeros(len(found), bool), np.zeros(len(found), bool)
    rows: list[Rows] = []
    for k, moment in enumerate(averaged["moment"]):
        first, last = np.searchsorted(found.time, [moment - half, moment + half])
        near[first:last] = True
        warm = first + np.flatnonzero(np.abs(found.temperature[first:last] - warmth[k]) <= options.kelvin)
        used[warm] = True
        row = _day(found.take(warm), station, averaged, k, context, lost) if warm.size else None
        if row is None:
            gone["too_few_soundings"] += 1
        else:
            rows.append(row)
    lost["no_station_data"] += int((~near).sum())
    lost["temperature_differs"] += int((near & ~used).sum())
    names = rows[0] if rows else {}
    return {key: np.array([row[key] for row in rows]) for key in names}, lost, gone


def _day(
    found: Candidates, station: Station, averaged: Rows, k: int, context: Context, lost: Counter[str]
) -> Rows | None:
    options = context.options
    value, seen, more = _kernels(found, station, np.full(len(found), averaged["reference"][k]), context)
    lost.update(more)
    whole = np.isfinite(value) & np.isfinite(seen)
    found, value, seen = found.take(whole), value[whole], seen[whole]
    if len(found) < options.minimum_soundings:
        return None
    overpass = number_overpasses(found.time)
    size = int(overpass.max()) + 1
    means = sounding_means(found, value, overpass, size, options)
    row = {key: array[k] for key, array in averaged.items() if key != "moment"}
    if options.kernel == "smooth":
        row["reference"] = group_mean(seen, overpass, size).mean()
    zero = np.zeros(size, int)
    return {
        **row,
        "latitude": means["latitude"].mean(),
        "longitude": mean_longitude(means["longitude"], zero, 1)[0],
        "value": means["value"].mean(),
        "value_uncertainty": group_sigma(means["value_uncertainty"], zero, 1, 0.0)[0],
        "value_spread": value.std(ddof=1) if value.size > 1 else np.nan,
        "value_count": len(found),
        "distance": from_station(found, station).mean(),
        **{name: means[name].mean() for name in options.carry},
        "time": averaged["moment"][k],
        "time_difference": (averaged["moment"][k] - means["moment"].mean()) / 1e9,
    }

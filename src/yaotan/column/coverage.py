"""Why there is no data here: what became of every day and every sounding of a region and month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import xarray as xr

from yaotan.catalog.screening import ScreeningRule
from yaotan.column.screening import judge
from yaotan.schema import column_variables

Floats = npt.NDArray[np.float64]

#: columns of the table of losses
COLUMNS: Final = ("region_id", "month", "kind", "reason", "unit", "count")
#: soundings further apart in time than this [s] are not joined to one track
MAXIMUM_GAP: Final = 600.0
#: spacing of points put between two soundings of a track [degrees of arc]
TRACK_STEP: Final = 0.25
KM_PER_DEGREE: Final = 111.2


def soundings_by_region(
    latitude: Floats, longitude: Floats, regions: gpd.GeoDataFrame
) -> list[npt.NDArray[np.intp]]:
    """List, for each region, the soundings whose centre lies in it.

    Parameters
    ----------
    latitude, longitude : ndarray
        Centres [degrees].
    regions : geopandas.GeoDataFrame
        Polygons in EPSG:4326; they may overlap.

    Returns
    -------
    list of ndarray of int
        Row numbers, one array per region.
    """
    tree = shapely.STRtree(shapely.points(longitude, latitude))
    rows, points = tree.query(np.asarray(regions.geometry), predicate="intersects")
    return [np.sort(points[rows == number]) for number in range(len(regions))]


def track_points(time: npt.NDArray[np.datetime64], latitude: Floats, longitude: Floats) -> pd.DataFrame:
    """Rebuild the ground track of a granule from its soundings.

    Neighbours in time less than `MAXIMUM_GAP` apart are joined along the great circle; so a gap that
    clouds left inside an orbit is part of the track, and one between two orbits is not.

    Parameters
    ----------
    time : ndarray of datetime64
        UTC, in any order.
    latitude, longitude : ndarray
        Centres of all soundings of whatever quality [degrees].

    Returns
    -------
    pandas.DataFrame
        Columns day, latitude, longitude; thinned to one point per day and quarter-degree box.
    """
    order = np.argsort(time, kind="stable")
    time, latitude, longitude = time[order], latitude[order], longitude[order]
    phi, lam = np.deg2rad(latitude), np.deg2rad(longitude)
    vector = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)
    seconds = np.diff(time) / np.timedelta64(1, "s")
    arc = np.rad2deg(np.arccos(np.clip((vector[:-1] * vector[1:]).sum(axis=1), -1.0, 1.0)))
    joined = (seconds <= MAXIMUM_GAP) & (arc > TRACK_STEP)
    pieces = np.where(joined, np.ceil(arc / TRACK_STEP).astype(int), 1)
    start = np.repeat(np.arange(pieces.size), pieces)
    step = np.arange(start.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = (step / np.repeat(pieces, pieces))[:, None] if pieces.size else np.zeros((0, 1))
    between = vector[start] * (1 - share) + vector[np.minimum(start + 1, len(vector) - 1)] * share
    every = np.concatenate([between, vector[-1:]])
    every /= np.linalg.norm(every, axis=1, keepdims=True)
    table = pd.DataFrame(
        {
            "day": np.concatenate([time[start], time[-1:]]).astype("datetime64[D]"),
            "latitude": np.rad2deg(np.arcsin(np.clip(every[:, 2], -1, 1))),
            "longitude": np.rad2deg(np.arctan2(every[:, 1], every[:, 0])),
        }
    )
    box = (table[["latitude", "longitude"]] / TRACK_STEP).round()
    return table[~pd.concat([table["day"], box], axis=1).duplicated()].reset_index(drop=True)


def crossing_days(
    track: pd.DataFrame, regions: gpd.GeoDataFrame, *, half_swath: float
) -> list[set[np.datetime64]]:
    """Find the days on which a track came within reach of each region.

    Parameters
    ----------
    track : pandas.DataFrame
        As `track_points` gives it.
    regions : geopandas.GeoDataFrame
        Polygons in EPSG:4326.
    half_swath : float
        Half the width that the instrument sees across its track [km].

    Returns
    -------
    list of set of datetime64[D]
        One set a region.
    """
    if track.empty:
        return [set() for _ in range(len(regions))]
    points = shapely.points(track["longitude"].to_numpy(), track["latitude"].to_numpy())
    # a degree of longitude is shorter than one of latitude: the reach errs to the wide side by 1/cos(lat)
    reach = (half_swath / KM_PER_DEGREE) + TRACK_STEP / 2
    rows, hits = shapely.STRtree(points).query(
        np.asarray(regions.geometry), predicate="dwithin", distance=reach
    )
    days = track["day"].to_numpy().astype("datetime64[D]")
    return [set(days[hits[rows == number]]) for number in range(len(regions))]


def _flag_failures(soundings: xr.Dataset) -> dict[str, npt.NDArray[np.bool_]]:
    """Split bad quality into the product's own named reasons where it gives them."""
    bad = np.asarray(soundings["quality"].values) != 0
    failures = {"quality_flag": bad}
    bits = soundings.get("quality_bits")
    if bits is not None:
        values = np.asarray(bits.values).astype(np.uint64)
        names = str(bits.attrs["flag_meanings"]).split()
        for name, mask in zip(names, np.asarray(bits.attrs["flag_masks"], np.uint64), strict=True):
            failures[f"qf:{name}"] = bad & ((values & mask) != 0)
    return failures


def count_losses(
    soundings: xr.Dataset,
    regions: gpd.GeoDataFrame,
    rules: Sequence[ScreeningRule],
    *,
    quality: Literal["good", "all"] = "good",
) -> pd.DataFrame:
    """Count, by region and month, what flags and rules took and what was kept.

    Parameters
    ----------
    soundings : xarray.Dataset
        All soundings (``quality="all"``) around the regions.
    regions : geopandas.GeoDataFrame
        With column ``region_id``.
    rules : sequence of ScreeningRule
        The study's rules, in order.
    quality : {"good", "all"}
        Whether the study goes by the product's own flag; with ``"all"`` the flag takes nothing.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`. Kinds: ``read`` (all in the region), ``flag`` (reason ``quality_flag`` is the
        total; ``qf:...`` are the product's named tests and may overlap; ``no_value`` has passed the flag
        but holds no column), ``rule`` (first rule that took the sounding), ``kept``. Without the
        ``qf:...`` the losses and ``kept`` sum to ``read``.
    """
    month = pd.DatetimeIndex(soundings["time"].values).strftime("%Y-%m").to_numpy()
    failures = {}
    if quality == "good":
        failures = {("flag", name): mask for name, mask in _flag_failures(soundings).items()}
    keep = ~failures.get(("flag", "quality_flag"), np.zeros(month.size, bool))
    columns = [np.isnan(np.asarray(soundings[name].values)) for name in column_variables(soundings)]
    if columns:
        empty = np.logical_and.reduce(columns)
        failures["flag", "no_value"] = empty & keep
        keep = keep & ~empty
    for rule in rules:
        failed, _ = judge(soundings, rule, among=keep)
        failures["rule", rule.name] = failed & keep
        keep = keep & ~failed
    failures["kept", "kept"] = keep
    failures["read", "read"] = np.ones(keep.size, bool)
    members = soundings_by_region(soundings["latitude"].values, soundings["longitude"].values, regions)
    rows = []
    for region_id, inside in zip(regions["region_id"], members, strict=True):
        for (kind, reason), mask in failures.items():
            months, counts = np.unique(month[inside[mask[inside]]], return_counts=True)
            rows += [
                (region_id, name, kind, reason, "sounding", int(n))
                for name, n in zip(months, counts, strict=True)
            ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def count_days(
    days_with_file: set[np.datetime64],
    crossed: Sequence[set[np.datetime64]],
    sounded: Sequence[set[np.datetime64]],
    regions: gpd.GeoDataFrame,
    period: tuple[str, str],
) -> pd.DataFrame:
    """Count, by region and month, the days without a file, without a crossing, and crossed but empty.

    Parameters
    ----------
    days_with_file : set of datetime64[D]
        Days that any granule covers.
    crossed, sounded : sequence of set of datetime64[D]
        Per region: days on which a track came within reach; days with at least one sounding in it.
    regions : geopandas.GeoDataFrame
        With column ``region_id``.
    period : tuple of str
        First and last day, both included.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS` with unit ``day``: reason ``no_file`` and ``no_track`` (kind ``orbit``),
        ``no_sounding`` (kind ``cloud``: the track came by, but cloud, low sun or the producer's own
        pre-screening left nothing in the file), and ``sounded`` (kind ``kept``). They sum to the days
        of the month within the period.
    """
    rows = []
    for day in pd.date_range(*period, freq="D"):
        stamp, month = np.datetime64(day.date(), "D"), f"{day:%Y-%m}"
        for region_id, came, seen in zip(regions["region_id"], crossed, sounded, strict=True):
            if stamp in seen:
                kind, reason = "kept", "sounded"
            elif stamp not in days_with_file:
                kind, reason = "orbit", "no_file"
            elif stamp not in came:
                kind, reason = "orbit", "no_track"
            else:
                kind, reason = "cloud", "no_sounding"
            rows.append((region_id, month, kind, reason, "day", 1))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.groupby(list(COLUMNS[:-1]), sort=True)["count"].sum().reset_index()

"""Peaks on tracks that no list of sources names: a scan, a fit, and physical checks with their reasons."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import TooFewSoundingsError, YaotanError
from yaotan.geodesy import distance
from yaotan.plume.peak import PeakFit, fit_peak, peak_shape
from yaotan.schema import column_variables
from yaotan.uncertainty import number_overpasses

if TYPE_CHECKING:
    import geopandas as gpd

Array = NDArray[np.float64]

#: soundings whose times [ns] differ by less stand side by side: OCO-2 takes three rows a second
ROW: Final = 200_000_000
#: what became of a peak, in the order in which the checks are made
REASONS: Final = ("accepted", "background", "core", "weak", "width", "wind", "angle")


def find_track_peaks(
    soundings: xr.Dataset,
    *,
    variable: str | None = None,
    window: float = 50e3,
    widths: tuple[float, float] = (1e3, 15e3),
    least_significance: float = 3.0,
    least_sine: float = 0.4,
    least_wind: float = 1.0,
) -> gpd.GeoDataFrame:
    """Find peaks on tracks and check whether each can be a plume.

    Parameters
    ----------
    soundings : xarray.Dataset
        Dim ``sounding`` with time, place and the column; quality screened. Several overpasses may follow one
        another. ``wind_u`` and ``wind_v`` are used where they are present.
    variable : str, optional
        Column. Default: the only one, or the first in the catalog's order.
    window : float
        Part of the track on each side of a peak that is taken as its background [m].
    widths : tuple of float
        Least and greatest standard deviation along the track [m].
    least_significance : float
        Area over its uncertainty below which a peak counts as ``weak``.
    least_sine, least_wind : float
        Sine of the angle between wind and track, and wind [m s-1], below which ``angle`` and ``wind``
        reject. Without wind in the data neither check is made, and ``sine`` is missing.

    Returns
    -------
    geopandas.GeoDataFrame
        One row for each candidate, rejected ones with their reason: ``status`` (one of `REASONS`), ``time``,
        ``area`` [unit of the column times m], ``area_uncertainty``, ``height``, ``width`` [m], ``slope``,
        ``significance``, ``sine``, ``wind_u``, ``wind_v``, ``soundings_before`` and ``soundings_after``
        (rows on each side), ``overpass``. Attribute ``counts``: how many of each status.

    Raises
    ------
    YaotanError
        There is no such column, or it has no uncertainty.
    TooFewSoundingsError
        Fewer than 8 rows with a value.

    Notes
    -----
    A candidate is where the area over its error in a scan with independent errors passes 3 and no neighbour
    within half a window is larger. A peak is a hint of a source upwind, no proof: clouds and aerosol make
    peaks as well.
    """
    import geopandas as gpd

    name = _variable(soundings, variable)
    rows = _rows(soundings, name)
    if rows["x"].size < 8:
        raise TooFewSoundingsError(f"{rows['x'].size} rows with a value of {name}", expected="8 or more")
    table = []
    for number in range(int(rows["overpass"].max()) + 1):
        one = {key: values[rows["overpass"] == number] for key, values in rows.items()}
        for centre in _candidates(one, window, widths):
            table.append(
                _examine(one, centre, window, widths, least_significance, least_sine, least_wind)
                | {"overpass": number}
            )
    columns = {key: [row[key] for row in table] for key in (table[0] if table else _EMPTY)}
    points = gpd.points_from_xy(columns.pop("longitude"), columns.pop("latitude"))
    frame = gpd.GeoDataFrame(columns, geometry=points, crs=4326)
    frame.attrs["counts"] = {reason: int((frame["status"] == reason).sum()) for reason in REASONS}
    return frame


_EMPTY: Final = ("status", "longitude", "latitude", "time", "area", "area_uncertainty", "overpass")


def _variable(soundings: xr.Dataset, variable: str | None) -> str:
    names = column_variables(soundings)
    if variable is None and not names:
        raise YaotanError("no column variable is present", where="find_track_peaks")
    name = variable or names[0]
    for part in (name, f"{name}_uncertainty", "time"):
        if part not in soundings.variables:
            raise YaotanError(
                f"{part!r} is missing", where="find_track_peaks", expected="a column with error"
            )
    return name


def _rows(soundings: xr.Dataset, name: str) -> dict[str, Array]:
    """Means of footprints side by side, in order of time, with the way along the track [m]."""
    wanted = [name, f"{name}_uncertainty", "latitude", "longitude", "wind_u", "wind_v"]
    nothing = np.full(soundings.sizes["sounding"], np.nan)
    values = {key: np.asarray(soundings.get(key, nothing), float) for key in wanted}
    time = soundings["time"].values.astype("datetime64[ns]").astype(np.int64)
    y, sigma = values[name], values[f"{name}_uncertainty"]
    good = np.isfinite(y) & np.isfinite(sigma) & (sigma > 0) & np.isfinite(values["latitude"])
    order = np.flatnonzero(good)[np.argsort(time[good], kind="stable")]
    number = np.cumsum(np.diff(time[order], prepend=time[order[:1]]) > ROW)
    weight = 1.0 / sigma[order] ** 2
    total = np.bincount(number, weight)

    def mean(array: Array) -> Array:
        return np.bincount(number, weight * array[order]) / total

    lon = np.degrees(np.unwrap(np.radians(values["longitude"][order])))
    lat, east = mean(values["latitude"]), np.bincount(number, weight * lon) / total
    step = distance(lat[:-1], east[:-1], lat[1:], east[1:]) if lat.size > 1 else np.zeros(0)
    when = np.bincount(number, weight * (time[order] - time[order[0]])) / total + float(time[order[0]])
    rows = {
        "x": np.concatenate([[0.0], np.cumsum(step)]),
        "y": mean(y),
        "sigma": 1.0 / np.sqrt(total),
        "latitude": lat,
        "longitude": east,
        "time": when,
    }
    rows |= {key: mean(values[key]) for key in ("wind_u", "wind_v")}
    rows["overpass"] = number_overpasses(when)
    return rows


def _candidates(rows: dict[str, Array], window: float, widths: tuple[float, float]) -> list[int]:
    x, y = rows["x"], rows["y"]
    best = np.zeros(x.size)
    trial = np.geomspace(*widths, 4)
    for k in range(x.size):
        first, last = np.searchsorted(x, [x[k] - window, x[k] + window])
        near = slice(int(first), int(last))
        if last - first < 8:
            continue
        line = np.column_stack([np.ones(last - first), (x[near] - x[k]) / window])
        q = np.linalg.qr(line)[0]
        rest = np.column_stack([y[near] - y[k], peak_shape(x[near][:, None], x[k], trial)])
        rest -= q @ (q.T @ rest)
        norm = (rest[:, 1:] ** 2).sum(axis=0)
        area = rest[:, 0] @ rest[:, 1:] / norm
        left = np.maximum((rest[:, 0] ** 2).sum() - area**2 * norm, 1e-300) / (last - first - 3)
        best[k] = float((area * np.sqrt(norm / left)).max())
    tops = np.flatnonzero(best > 3.0)
    return [int(k) for k in tops if best[k] >= best[np.abs(x - x[k]) <= window / 2.0].max()]


def _examine(
    rows: dict[str, Array],
    place: int,
    window: float,
    widths: tuple[float, float],
    least_significance: float,
    least_sine: float,
    least_wind: float,
) -> dict[str, Any]:
    x = rows["x"]
    near = np.abs(x - x[place]) <= window
    step = float(np.median(np.diff(x[near])))
    fit = fit_peak(
        x[near],
        rows["y"][near],
        rows["sigma"][near],
        widths=widths,
        centres=(x[place] - 2.0 * widths[0] - step, x[place] + 2.0 * widths[0] + step),
        footprint=step,
    )
    wind = float(rows["wind_u"][place]), float(rows["wind_v"][place])
    sine = _sine(rows, place, wind)
    before, after = (int((sign * (x[near] - fit.centre) > 2.0 * fit.width).sum()) for sign in (-1.0, 1.0))
    status = "accepted"
    if min(before, after) < 5:
        status = "background"
    elif (np.abs(x[near] - fit.centre) <= 2.0 * fit.width).sum() < max(2.0 * fit.width / step, 2.0):
        status = "core"
    elif fit.area < least_significance * fit.area_uncertainty:
        status = "weak"
    elif not 1.1 * widths[0] < fit.width < 0.9 * widths[1]:
        status = "width"
    elif math.hypot(*wind) < least_wind:
        status = "wind"
    elif sine < least_sine:
        status = "angle"
    return _row(rows, place, fit, status) | {
        "sine": sine, "wind_u": wind[0], "wind_v": wind[1],
        "soundings_before": before, "soundings_after": after,
    }  # fmt: skip


def _row(rows: dict[str, Array], place: int, fit: PeakFit, status: str) -> dict[str, Any]:
    return {
        "status": status,
        "longitude": float((np.interp(fit.centre, rows["x"], rows["longitude"]) + 180.0) % 360.0 - 180.0),
        "latitude": float(np.interp(fit.centre, rows["x"], rows["latitude"])),
        "time": np.datetime64(int(rows["time"][place]), "ns"),
        "area": fit.area,
        "area_uncertainty": fit.area_uncertainty,
        "height": fit.height,
        "width": fit.width,
        "slope": fit.slope,
        "significance": fit.significance,
    }


def _sine(rows: dict[str, Array], place: int, wind: tuple[float, float]) -> float:
    """Sine of the angle between wind and track at a row; NaN without wind."""
    first, last = max(place - 3, 0), min(place + 3, rows["x"].size - 1)
    north = rows["latitude"][last] - rows["latitude"][first]
    east = (rows["longitude"][last] - rows["longitude"][first]) * math.cos(
        math.radians(rows["latitude"][place])
    )
    size = math.hypot(*wind) * math.hypot(east, north)
    return abs(east * wind[1] - north * wind[0]) / size if size > 0.0 else math.nan

"""Soundings of one station as one series: one place, values of the same moment averaged."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import SeriesError
from yaotan.geodesy import distance

Floats = NDArray[np.float64]
#: soundings further than this from their mean place are not of one station [m]
_REACH: Final = 100e3


def station_values(
    data: xr.Dataset, name: str
) -> tuple[NDArray[np.datetime64], Floats, Floats | None, dict[str, Any]]:
    """Turn soundings of one station into a series.

    Parameters
    ----------
    data : xarray.Dataset
        Soundings, in any order; ``time``, ``latitude``, ``longitude``.
    name : str
        Variable.

    Returns
    -------
    time : numpy.ndarray
        ``(n,)`` rising, each once.
    value : numpy.ndarray
        ``(n,)`` plain means of the values of one moment (pairs of flasks).
    sigma : numpy.ndarray or None
        ``(n,)`` of those means, their errors taken as independent; None where nothing is stated.
    notes : dict
        ``without_value`` and ``averaged_same_time``: soundings left out, and joined to another.

    Raises
    ------
    SeriesError
        The soundings lie further apart than one station, or at several heights of a tower.
    """
    _check_place(data)
    time = data["time"].values.astype("datetime64[ns]")
    value = data[name].values.astype(float)
    usable = np.isfinite(value) & ~np.isnat(time)
    notes = {"without_value": int((~usable).sum())}
    moments, label = np.unique(time[usable], return_inverse=True)
    count = np.bincount(label, minlength=moments.size)
    notes["averaged_same_time"] = int(usable.sum() - moments.size)
    mean = np.bincount(label, weights=value[usable], minlength=moments.size) / np.maximum(count, 1)
    sigma = None
    if f"{name}_uncertainty" in data:
        square = data[f"{name}_uncertainty"].values.astype(float)[usable] ** 2
        root = np.sqrt(np.bincount(label, weights=square, minlength=moments.size))
        sigma = np.where(root > 0.0, root / np.maximum(count, 1), np.nan)
    return moments, mean, sigma, notes


def _check_place(data: xr.Dataset) -> None:
    lat, lon = (data[axis].values.astype(float) for axis in ("latitude", "longitude"))
    known = np.isfinite(lat) & np.isfinite(lon)
    if known.any():
        lat, lon = lat[known], lon[known]
        # about the first place, so that a station at the dateline keeps its longitude
        east = (lon - lon[0] + 180.0) % 360.0 - 180.0
        away = float(np.max(distance(lat, lon, float(lat.mean()), float(lon[0] + east.mean()))))
        if away > _REACH:
            raise SeriesError(
                f"the soundings lie up to {away / 1e3:.0f} km from their mean place",
                expected=f"one station (within {_REACH / 1e3:.0f} km)",
                fix="select a station, or grid the soundings and use region_series",
            )
    if "sampling_height" in data:
        heights = np.unique(data["sampling_height"].values[np.isfinite(data["sampling_height"].values)])
        if heights.size > 1 and heights.max() - heights.min() > 5.0:
            shown = ", ".join(f"{height:g}" for height in heights[:5])
            raise SeriesError(
                f"the soundings were taken at several heights ({shown} m)",
                expected="one inlet",
                fix="select one sampling_height",
            )

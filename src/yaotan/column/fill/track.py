"""Soundings as observations, and their means along the tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.column.fill.observation import Floats, Observations, kept_attributes
from yaotan.errors import YaotanError
from yaotan.geodesy import wrap_longitude
from yaotan.io.row_set import screen_rows
from yaotan.schema import QUALITY
from yaotan.uncertainty import number_overpasses


def table_of_soundings(
    data: xr.Dataset, variable: str, average: str | float | None, r: float
) -> Observations:
    """Give soundings, or their means along the tracks, as observations (see `extraction.gather`)."""
    names = ["time", "latitude", "longitude", variable, f"{variable}_uncertainty"]
    loaded = data[[*names, *(["quality"] if "quality" in data else [])]].load()
    time, lat, lon, value, sigma = (loaded[name].values for name in names)
    bad = {
        "no_geolocation": ~((np.abs(lat) <= 90.0) & np.isfinite(lon)) | np.isnat(time),
        "quality": loaded["quality"].values != QUALITY["good"]
        if "quality" in loaded
        else np.zeros(time.shape, bool),
        "no_value": ~np.isfinite(value),
        "no_uncertainty": ~(sigma >= 0.0),
    }
    good, lost = screen_rows(bad)
    keep = np.flatnonzero(good)
    keep = keep[np.argsort(time[keep], kind="stable")]
    moments = time[keep].astype("datetime64[ns]")
    sigma = np.asarray(sigma[keep], float)
    table = Observations(
        latitude=np.asarray(lat[keep], float),
        longitude=wrap_longitude(lon[keep]),
        time=moments,
        value=np.asarray(value[keep], float),
        sigma=sigma,
        shared=np.sqrt(r) * sigma,
        overpass=number_overpasses(moments.astype(np.int64)),
        count=np.ones(keep.size, np.int64),
        variable=variable,
        units=str(data[variable].attrs["units"]),
        lost=lost,
        attrs=kept_attributes(data.attrs),
    )
    return table if average is None or not len(table) else _average(table, average, r)


def _average(table: Observations, average: str | float, r: float) -> Observations:
    """Plain means of the soundings of one overpass in one step of time or one cell."""
    moments = table.time.astype(np.int64)
    if isinstance(average, str):
        step = _seconds(average) * 1e9
        cell = [np.floor(moments / step).astype(np.int64)]
    else:
        if not average > 0.0:
            raise YaotanError(f"average is {average!r}", expected="degrees above 0, or a time such as '10s'")
        cell = [np.floor(axis / average).astype(np.int64) for axis in (table.latitude, table.longitude)]
    _, label = np.unique(np.stack([table.overpass, *cell]), axis=1, return_inverse=True)
    label = label.ravel()
    count = np.bincount(label)

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(label, weights=values) / count)

    # places as unit vectors, so that a cell on the dateline or at a pole has its mean inside
    phi, lam = np.radians(table.latitude), np.radians(table.longitude)
    x, y, z = (mean(part) for part in (np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)))
    first = int(moments.min())
    reference = float(table.value[0])
    own = np.bincount(label, weights=table.sigma**2) / count**2
    common = mean(table.sigma)
    overpass = np.empty(count.size, np.intp)
    overpass[label] = table.overpass
    made = replace(
        table,
        latitude=np.degrees(np.arctan2(z, np.hypot(x, y))),
        longitude=wrap_longitude(np.degrees(np.arctan2(y, x))),
        time=(first + mean((moments - first).astype(float)).astype(np.int64)).astype("datetime64[ns]"),
        value=reference + mean(table.value - reference),
        sigma=np.sqrt((1.0 - r) * own + r * common**2),
        shared=np.sqrt(r) * common,
        overpass=overpass,
        count=count.astype(np.int64),
    )
    return made.take(np.argsort(made.time, kind="stable"))


def _seconds(text: str) -> float:
    try:
        seconds = pd.Timedelta(text).total_seconds()
    except ValueError as error:
        raise YaotanError(f"average {text!r} cannot be read", expected="a time such as '10s'") from error
    if not seconds > 0.0:
        raise YaotanError(f"average {text!r} is not positive", expected="a time such as '10s'")
    return float(seconds)

"""Two satellites over the same places, one of which is biased in a known way."""

from __future__ import annotations

import numpy as np
import xarray as xr

PAIRING = {"kernel": "none", "method": "radius", "radius": 50e3}
SLOPE, OFFSET = 0.8, 0.5


def table(name: str, time: object, lat: object, lon: object, value: object, **more: object) -> xr.Dataset:
    made = {"time": time, "latitude": lat, "longitude": lon, "xco2": value, **more}
    data = xr.Dataset({key: ("sounding", np.asarray(array)) for key, array in made.items()})
    data["xco2"].attrs["units"] = "ppm"
    return data.assign_attrs(platform=name, product=name)


def bias(airmass: object) -> np.ndarray:
    return OFFSET + SLOPE * (np.asarray(airmass) - 3.0)


def two_satellites(
    seed: int, *, days: int = 120, passes: int = 4, common: float = 0.4, outliers: float = 0.02
) -> tuple[xr.Dataset, xr.Dataset]:
    """Give a biased product and a reference; errors share a part within each day, and some are gross."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days) * 3, passes)
    time = np.datetime64("2020-01-01", "ns") + (day * 24 + np.tile(np.arange(passes) * 2, days)).astype(
        "m8[h]"
    )
    lat, lon = rng.uniform(-60, 60, day.size), rng.uniform(-180, 180, day.size)
    airmass = rng.uniform(2.0, 4.0, day.size)
    truth = 410.0 + rng.normal(0, 1, day.size)
    error = rng.normal(0, 0.5, day.size) + np.repeat(rng.normal(0, common, days), passes)
    error += np.where(rng.random(day.size) < outliers, 15.0, 0.0)
    surface = (np.arange(day.size) % 2).astype("uint8")
    first = table("A", time, lat, lon, truth + bias(airmass) + error, airmass=airmass, surface=surface)
    return first, table("B", time, lat, lon, truth)

"""Monthly series without anomalies, whose growth and season are known.

Departures are autoregressive of order one from month to month, larger in winter, so that the months of a year
depart together and the share of a year's mean is not known to the method.
"""

from __future__ import annotations

import numpy as np
import xarray as xr


def series(
    seed: int,
    *,
    years: int,
    places: int,
    correlation: float = 0.6,
    rate: float = 2.3,
    bend: float = 0.0,
    missing: float = 0.0,
    freedom: float | None = None,
) -> xr.Dataset:
    """Make a table ``(region, time)`` [ppm]; departures of 0.5 ppm, or of Student's t of so many degrees."""
    random = np.random.default_rng(seed)
    size = (places, 12 * years)

    def draw(shape: tuple[int, ...]) -> np.ndarray:
        if freedom is None:
            return random.standard_normal(shape)
        return random.standard_t(freedom, shape) / np.sqrt(freedom / (freedom - 2))

    noise = np.empty(size)
    noise[:, 0] = draw((places,))
    for step in range(1, size[1]):
        fresh = draw((places,)) * np.sqrt(1 - correlation**2)
        noise[:, step] = correlation * noise[:, step - 1] + fresh
    year = (np.arange(size[1]) + 0.5) / 12
    winter = 1 + 0.3 * np.cos(2 * np.pi * year)
    level = random.normal(400, 5, (places, 1))
    truth = level + rate * year + bend * year**2 / 2 + 3 * np.sin(2 * np.pi * year)
    values = truth + 0.5 * winter * noise
    values[random.random(size) < missing] = np.nan
    time = (np.datetime64("2010-01") + np.arange(size[1])).astype("datetime64[ns]")
    axes = {"region": np.array([f"r{number}" for number in range(places)], dtype=object), "time": time}
    return xr.Dataset({"xco2": (("region", "time"), values, {"units": "ppm"})}, axes)

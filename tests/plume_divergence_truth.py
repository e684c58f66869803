"""Scenes of a steady plume under winds of every direction, for methods that take many scenes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from yaotan.plume.effective import EffectiveWind
from yaotan.plume.mass import column_mass

PLACE = (51.8, 14.4)


def make_scene(
    seed: int,
    speed: float,
    from_deg: float,
    *,
    rate: float = 500.0,
    noise: float = 0.7,
    size: int = 80,
    pixel: float = 2000.0,
    decay: float = math.inf,
    sub: int = 4,
    slope: float = 3e-6,
    place: tuple[float, float] = PLACE,
    no2: Callable[[np.ndarray], np.ndarray] | None = None,
) -> xr.Dataset:
    """A Gaussian plume of class C, averaged over pixels, on a sloping background with white noise [ppm].

    Physics of the peers' scene maker: ``s = 104 m (x / 1 km)^0.894``, surface pressure 980 hPa, no water.
    With `no2`, NOx over NO2 by age [s], the image is of NO2 [mol m-2], noise and slope too.
    """
    from pyproj import Proj

    rng = np.random.default_rng(seed)
    steps = (np.arange(size) - size / 2 + 0.3) * pixel
    offset = rng.uniform(-0.5, 0.5, 2) * pixel
    x, y = np.meshgrid(steps + offset[0], steps + offset[1])
    blows = math.radians(from_deg + 180.0)
    u, v = math.sin(blows), math.cos(blows)
    mass = np.zeros(x.shape)
    for a in (np.arange(sub) + 0.5) / sub - 0.5:
        for b in (np.arange(sub) + 0.5) / sub - 0.5:
            along = (x + a * pixel) * u + (y + b * pixel) * v
            across = -(x + a * pixel) * v + (y + b * pixel) * u
            down = np.where(along > 0, along, 1.0)
            spread = 104.0 * (down / 1e3) ** 0.894
            line = rate / (math.sqrt(2 * math.pi) * spread * speed) * np.exp(-down / (speed * decay))
            if no2 is not None:
                line = line / no2(down / speed)
            mass += np.where(along > 0, line * np.exp(-0.5 * (across / spread) ** 2), 0.0) / sub**2
    # 98000 Pa over 9.80665 m s-2: one ppm is 0.015184 kg m-2 of CO2; a mol of NO2 has 0.0460055 kg
    name, units, level, unit = (
        ("xco2", "ppm", 400.0, 0.015184) if no2 is None else ("no2", "mol m-2", 3e-5, 0.0460055)
    )
    column = level + slope * x + mass / unit + rng.normal(0.0, noise, x.shape)
    lon, lat = Proj(proj="aeqd", lat_0=place[0], lon_0=place[1], ellps="WGS84")(x, y, inverse=True)
    scene = xr.Dataset(
        {
            "latitude": (("y", "x"), lat, {"units": "degrees_north"}),
            "longitude": (("y", "x"), lon, {"units": "degrees_east"}),
            name: (("y", "x"), column, {"units": units}),
            f"{name}_uncertainty": (("y", "x"), np.full(x.shape, noise), {"units": units}),
        }
    )
    return column_mass(scene, gravity=False, **({"surface_pressure": 980.0} if no2 is None else {}))


def make_season(seed: int, days: int = 24, **more: Any) -> tuple[list[xr.Dataset], list[EffectiveWind]]:
    """Scenes of as many days, winds of 3 to 8 m s-1 from everywhere."""
    rng = np.random.default_rng(1000 + seed)
    scenes, winds = [], []
    for day in range(days):
        speed, direction = float(rng.uniform(3.0, 8.0)), float(rng.uniform(0.0, 360.0))
        scenes.append(make_scene(seed * 1000 + day, speed, direction, **more))
        winds.append(EffectiveWind.from_direction(speed, direction, uncertainty={"wind_speed": 1.0}))
    return scenes, winds

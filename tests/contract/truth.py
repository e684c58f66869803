"""What is planted in the tiny granules of the contract test, in the words and units of the schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: what a case expects of each canonical variable, rows in the order of the file
Expected = dict[str, NDArray[Any]]
#: typical column and scatter by gas, in the schema's unit
TYPICAL = {
    "xco2": (410.0, 4.0),
    "xch4": (1850.0, 20.0),
    "xco": (95.0, 10.0),
    "xn2o": (325.0, 2.0),
    "co": (0.03, 0.004),
    "no2": (8e-5, 2e-5),
}


@dataclass(frozen=True)
class Truth:
    """Soundings as the schema has them; row 0 is the first of the file, index 0 of a profile the surface.

    `shape` is (n,) for a list or (scanlines, pixels) for a swath, whose rows run along the pixels; the
    pixels of a scan line share their time. In the default truth row 3 has no value (NaN), rows 1 and 7
    are bad, row 5 lies across the dateline, the others in and around China.
    """

    shape: tuple[int, ...]
    time: NDArray[Any]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    latitude_corner: NDArray[np.float64]
    longitude_corner: NDArray[np.float64]
    good: NDArray[np.bool_]
    land: NDArray[np.bool_]
    glint: NDArray[np.bool_]
    surface_pressure: NDArray[np.float64]  # hPa
    surface_altitude: NDArray[np.float64]  # m
    solar_zenith_angle: NDArray[np.float64]
    sensor_zenith_angle: NDArray[np.float64]
    wind_u: NDArray[np.float64]
    wind_v: NDArray[np.float64]
    seed: int

    @property
    def count(self) -> int:
        """Number of soundings."""
        return int(self.time.size)

    def column(self, name: str) -> NDArray[np.float64]:
        """Column of a gas, float32-exact; NaN in row 3."""
        mean, scatter = TYPICAL[name]
        values = mean + scatter * self._random(name).standard_normal(self.count)
        values[3] = np.nan
        return values.astype(np.float32).astype(np.float64)

    def uncertainty(self, name: str) -> NDArray[np.float64]:
        """1 sigma of a column."""
        scale = TYPICAL[name][1] * self._random(name + "_uncertainty").uniform(0.1, 0.3, self.count)
        return scale.astype(np.float32).astype(np.float64)

    def kernel(self, name: str, size: int) -> NDArray[np.float64]:
        """Averaging kernel (n, size): falls from the surface upwards, surface first."""
        noise = self._random(name + "_kernel").uniform(-0.01, 0.01, (self.count, size))
        return (np.linspace(1.0, 0.4, size) + noise).astype(np.float32).astype(np.float64)

    def profile(self, name: str, size: int) -> NDArray[np.float64]:
        """Prior profile (n, size) of the gas of a column, surface first."""
        noise = self._random(name + "_profile").uniform(0.999, 1.001, (self.count, size))
        return (TYPICAL[name][0] * np.linspace(1.0, 0.9, size) * noise).astype(np.float32).astype(np.float64)

    def level_pressure(self, size: int, top: float = 0.1) -> NDArray[np.float64]:
        """Pressure of levels [hPa], from the surface pressure down to `top`."""
        return self.surface_pressure[:, None] * np.linspace(1.0, top / 1000.0, size)

    def edge_pressure(self, size: int, top: float = 0.0) -> NDArray[np.float64]:
        """Pressure of size + 1 edges [hPa] of layers of equal thickness."""
        step = (self.surface_pressure - top) / size
        return self.surface_pressure[:, None] - step[:, None] * np.arange(size + 1.0)

    def level_weight(self, size: int) -> NDArray[np.float64]:
        """Weights of levels: half at both ends, sum 1."""
        weight = np.ones(size)
        weight[[0, -1]] = 0.5
        return np.repeat((weight / weight.sum())[None], self.count, axis=0)

    def quality(self) -> NDArray[np.uint8]:
        """0 good, 1 bad."""
        return np.where(self.good, 0, 1).astype(np.uint8)

    def surface(self) -> NDArray[np.uint8]:
        """0 land, 1 water."""
        return np.where(self.land, 0, 1).astype(np.uint8)

    def place(self) -> Expected:
        """Time, latitude, longitude and quality: what every product gives."""
        return {
            "time": self.time,
            "latitude": self.latitude,
            "longitude": self.longitude,
            "quality": self.quality(),
        }

    def _random(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *name.encode()])


def make_truth(shape: tuple[int, ...] = (24,), seed: int = 7) -> Truth:
    """Plant soundings; see `Truth`."""
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape))
    lines = shape[0]
    start = np.datetime64("2019-03-31T23:59:50.000", "ns")
    steps = start + (np.arange(lines) * 1_250).astype("timedelta64[ms]")  # crosses the end of the month
    time = np.repeat(steps, count // lines)
    single = np.float32
    latitude = rng.uniform(5.0, 56.0, count).astype(single).astype(float)
    longitude = rng.uniform(60.0, 150.0, count).astype(single).astype(float)
    longitude[5] = np.float32(179.98)
    half = 0.05
    lat_corner = latitude[:, None] + half * np.array([-1.0, -1.0, 1.0, 1.0])
    lon_corner = longitude[:, None] + half * np.array([-1.0, 1.0, 1.0, -1.0])
    good = np.ones(count, dtype=bool)
    good[[1, 7]] = False
    land = rng.random(count) < 0.7
    return Truth(
        shape=shape,
        time=time,
        latitude=latitude,
        longitude=longitude,
        latitude_corner=lat_corner.astype(single).astype(float),
        longitude_corner=((lon_corner + 180.0) % 360.0 - 180.0).astype(single).astype(float),
        good=good,
        land=land,
        glint=~land,
        surface_pressure=rng.uniform(650.0, 1020.0, count).astype(single).astype(float),
        surface_altitude=rng.uniform(0.0, 3500.0, count).astype(single).astype(float),
        solar_zenith_angle=rng.uniform(15.0, 65.0, count).astype(single).astype(float),
        sensor_zenith_angle=rng.uniform(0.0, 40.0, count).astype(single).astype(float),
        wind_u=rng.normal(2.0, 3.0, count).astype(single).astype(float),
        wind_v=rng.normal(0.0, 3.0, count).astype(single).astype(float),
        seed=seed,
    )


@dataclass(frozen=True)
class Case:
    """One product, or one version or cut of it.

    Parameters
    ----------
    product : str
        Catalog name that identification must find (from content; `file_name` only helps).
    write : callable
        ``write(path, truth) -> Expected``: writes the granule in the product's own layout (names, groups,
        dtypes, fills, units, order) and says what must come out, computed from the truth and not from
        what was written.
    file_name : str
        As the archive names it.
    version : str
        What ``identify(path).version`` must be.
    shape : tuple of int
        Of the truth.
    note : str
        What is special in this variant; it ends in the test's name.
    relative : float
        Tolerance of values (float32 storage and unit changes).
    time_tolerance : float
        Seconds that the product's own time can be off (one that stores whole seconds: 1).
    given_product : bool
        Whether ``product=`` must be given (a layout that says too little of itself).
    """

    product: str
    write: Callable[[Path, Truth], Expected]
    file_name: str
    version: str = ""
    shape: tuple[int, ...] = (24,)
    note: str = ""
    relative: float = 2e-6
    time_tolerance: float = 1e-3
    given_product: bool = False

    def __str__(self) -> str:
        return f"{self.product}-{self.note}" if self.note else self.product

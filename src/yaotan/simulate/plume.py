"""Images of plumes with known emission: steady ones for accuracy, meandering ones for the stated error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.constants import MOLAR_MASS, MOLAR_MASS_DRY_AIR

Floats: TypeAlias = NDArray[np.float64]

GRAVITY: Final = 9.80665
#: mass of NO2 for each mass of CO2 in the plume, and its lifetime [s]
NO2_RATIO, NO2_LIFETIME = 2e-3, 4 * 3600.0


@dataclass(frozen=True)
class PlumeTruth:
    """What a simulated image holds.

    Parameters
    ----------
    rate : float
        Mean emission over the travel of the plume [kg s-1].
    speed, direction : float
        Mean wind [m s-1, degrees it comes from].
    """

    rate: float
    speed: float
    direction: float


@dataclass(frozen=True)
class PlumeSetting:
    """How the image is made.

    Parameters
    ----------
    rate : float
        Emission [kg s-1].
    speed, direction : float
        Wind [m s-1; degrees from which it comes, true north].
    noise : float
        Noise of a pixel [ppm].
    size : int
        Pixels in each direction.
    pixel : float
        Their size [m].
    longitude, latitude : float
        Place of the source [degrees].
    place : tuple of float
        Place of the source in the image, share of its height and width.
    spread : float
        a of the width ``a (x / 1 km)^0.894`` [m].
    slope : float
        Gradient of the background [ppm per 100 km].
    turbulence : float
        Standard deviation of the wind's fluctuations in space, share of its speed; 0 for a steady plume.
    rate_variation : float
        Relative standard deviation of the emission from hour to hour.
    structure : float
        Standard deviation of a random background of 30 to 80 km [ppm].
    cloud : float
        Share of the image under clouds.
    tilt : float
        Turn of the image against north [degrees].
    """

    rate: float = 500.0
    speed: float = 5.0
    direction: float = 245.0
    noise: float = 0.7
    size: int = 80
    pixel: float = 2000.0
    longitude: float = 14.4
    latitude: float = 51.8
    place: tuple[float, float] = (0.42, 0.32)
    spread: float = 104.0
    slope: float = 0.3
    turbulence: float = 0.0
    rate_variation: float = 0.0
    structure: float = 0.0
    cloud: float = 0.0
    tilt: float = 0.0


def simulate_plume(setting: PlumeSetting, seed: int) -> tuple[xr.Dataset, PlumeTruth]:
    """Make an image of a plume with CO2 and NO2.

    Parameters
    ----------
    setting : PlumeSetting
        How.
    seed : int
        Of everything random.

    Returns
    -------
    scene : xarray.Dataset
        ``xco2`` [ppm] with 1 sigma, ``no2`` [mol m-2] with 1 sigma, ``surface_pressure`` [hPa] of dry air,
        place and corners.
    truth : PlumeTruth
        What it holds.

    Notes
    -----
    A steady plume (``turbulence`` 0) is a Gaussian of the width law above, averaged over 6 x 6 points of a
    pixel. Otherwise puffs leave the source every 80 s and drift in a wind that varies in space and time: a
    sum of random waves of 8 to 80 km that travel with the mean wind. They grow by the same law.

    Examples
    --------
    >>> scene, truth = simulate_plume(PlumeSetting(size=20), seed=1)
    >>> scene.xco2.shape, truth.rate
    ((20, 20), 500.0)
    """
    rng = np.random.default_rng(seed)
    x, y, corners = _pixels(setting)
    if setting.turbulence > 0.0:
        co2, no2, rate = _puffs(setting, x, y, rng)
    else:
        co2, no2, rate = *_steady(setting, x, y), setting.rate
    air = 98000.0 / GRAVITY / MOLAR_MASS_DRY_AIR
    level = 410.0 + setting.slope * x / 1e5 + _structure(setting, x, y, rng)
    xco2 = level + 1e6 * co2 / MOLAR_MASS["co2"] / air + rng.normal(0.0, setting.noise, x.shape)
    amount = 3e-5 + no2 / MOLAR_MASS["no2"] + rng.normal(0.0, 2.5e-5, x.shape)
    hidden = _clouds(setting, rng)
    image = ("y", "x")
    place = _place(x, y, setting)
    corner = _place(corners[..., 0], corners[..., 1], setting)
    scene = xr.Dataset(
        {
            "xco2": (image, np.where(hidden, np.nan, xco2), {"units": "ppm"}),
            "xco2_uncertainty": (image, np.full(x.shape, setting.noise), {"units": "ppm"}),
            "no2": (image, np.where(hidden, np.nan, amount), {"units": "mol m-2"}),
            "no2_uncertainty": (image, np.full(x.shape, 2.5e-5), {"units": "mol m-2"}),
            "surface_pressure": (image, np.full(x.shape, 980.0), {"units": "hPa"}),
        },
        coords={
            "latitude": (image, place[0], {"units": "degrees_north"}),
            "longitude": (image, place[1], {"units": "degrees_east"}),
            "latitude_corner": ((*image, "corner"), corner[0], {"units": "degrees_north"}),
            "longitude_corner": ((*image, "corner"), corner[1], {"units": "degrees_east"}),
            "time": np.datetime64("2020-06-01T11:00:00", "ns"),
        },
    )
    return scene, PlumeTruth(rate, setting.speed, setting.direction)


def _pixels(setting: PlumeSetting) -> tuple[Floats, Floats, Floats]:
    """Centres and corners east and north of the source [m]."""
    n, d = setting.size, setting.pixel
    rows, columns = np.indices((n, n)) - np.array([setting.place[0] * n, setting.place[1] * n])[:, None, None]
    turn = math.radians(setting.tilt)
    c, s = math.cos(turn), math.sin(turn)

    def turned(i: Any, j: Any) -> tuple[Any, Any]:
        return d * (i * c - j * s), d * (i * s + j * c)

    x, y = turned(columns, rows)
    around = [turned(columns + i, rows + j) for i, j in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))]
    return x, y, np.stack([np.stack(one, -1) for one in around], -2)


def _place(x: Floats, y: Floats, setting: PlumeSetting) -> tuple[Floats, Floats]:
    """Latitude and longitude of points by distance and azimuth, on the ellipsoid."""
    from pyproj import Geod

    lon, lat = np.full(x.size, setting.longitude), np.full(x.size, setting.latitude)
    azimuth, way = np.degrees(np.arctan2(x, y)).ravel(), np.hypot(x, y).ravel()
    lon, lat, _ = Geod(ellps="WGS84").fwd(lon, lat, azimuth, way)
    return np.reshape(lat, x.shape), np.reshape(lon, x.shape)


def _along(setting: PlumeSetting) -> tuple[float, float]:
    angle = math.radians(setting.direction)
    return -math.sin(angle), -math.cos(angle)


def _steady(setting: PlumeSetting, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    u, v = _along(setting)
    co2, no2 = np.zeros_like(x), np.zeros_like(x)
    turn = math.radians(setting.tilt)
    c, s = math.cos(turn), math.sin(turn)
    steps = ((np.arange(6) + 0.5) / 6.0 - 0.5) * setting.pixel
    for i in steps:
        for j in steps:
            px, py = x + i * c - j * s, y + i * s + j * c
            along, across = px * u + py * v, -px * v + py * u
            down = along > 0.0
            width = setting.spread * (along[down] / 1e3) ** 0.894
            mass = np.exp(-0.5 * (across[down] / width) ** 2) / (
                math.sqrt(2 * math.pi) * width * setting.speed
            )
            co2[down] += setting.rate * mass / 36.0
            decay = np.exp(-along[down] / (setting.speed * NO2_LIFETIME))
            no2[down] += NO2_RATIO * setting.rate * mass * decay / 36.0
    return co2, no2


def _puffs(
    setting: PlumeSetting, x: Floats, y: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, float]:
    """Sum of puffs that drifted in a wind with waves; the emission varies from hour to hour."""
    step = 80.0
    reach = 1.5 * setting.size * setting.pixel
    count = int(reach / setting.speed / step)
    age = np.arange(1, count + 1) * step
    hours = rng.normal(0.0, setting.rate_variation, int(age[-1] // 3600) + 2)
    rate = setting.rate * np.maximum(1.0 + np.interp(age / 3600.0, np.arange(hours.size), hours), 0.05)
    px, py = _drift(setting, count, step, rng)
    spread = setting.spread * (age * setting.speed / 1e3) ** 0.894
    # a pixel's own width: its mean of a Gaussian is that of one wider by d^2 / 12
    width = np.sqrt(spread**2 + setting.pixel**2 / 12.0)
    co2, no2 = np.zeros_like(x), np.zeros_like(x)
    for k in range(count):
        near = (np.abs(x - px[k]) < 4.5 * width[k]) & (np.abs(y - py[k]) < 4.5 * width[k])
        if not near.any():
            continue
        away = ((x[near] - px[k]) ** 2 + (y[near] - py[k]) ** 2) / width[k] ** 2
        mass = rate[k] * step * np.exp(-0.5 * away) / (2.0 * math.pi * width[k] ** 2)
        co2[near] += mass
        no2[near] += NO2_RATIO * mass * math.exp(-age[k] / NO2_LIFETIME)
    travel = age < 4 * 3600.0
    return co2, no2, float(rate[travel].mean())


def _drift(setting: PlumeSetting, count: int, step: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Where puffs of every age are now: each was carried by the wind at its own places."""
    u, v = _along(setting)
    modes = 24
    wave = 2.0 * math.pi / np.exp(rng.uniform(math.log(8e3), math.log(80e3), modes))
    heading, phase, axis = rng.uniform(0.0, 2.0 * math.pi, (3, modes))
    kx, ky = wave * np.cos(heading), wave * np.sin(heading)
    # waves decay and return: each has a frequency of its own beside the travel with the wind
    own = rng.normal(0.0, 1.0 / 3000.0, modes)
    size = setting.turbulence * setting.speed * math.sqrt(2.0 / modes)
    px, py = np.zeros(count), np.zeros(count)
    for now in range(count):
        # puffs released before this step move on; number `count - 1` is the oldest
        moving = slice(count - 1 - now, count)
        time = now * step
        travel = kx * (setting.speed * u * time) + ky * (setting.speed * v * time) + own * time
        angle = px[moving, None] * kx + py[moving, None] * ky - travel + phase
        wind = size * np.cos(angle)
        px[moving] += step * (setting.speed * u + wind @ np.cos(axis))
        py[moving] += step * (setting.speed * v + wind @ np.sin(axis))
    return px, py


def _structure(setting: PlumeSetting, x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    """Smooth random background: waves of 60 to 300 km."""
    if setting.structure == 0.0:
        return np.zeros_like(x)
    modes = 20
    wave = 2.0 * math.pi / np.exp(rng.uniform(math.log(60e3), math.log(300e3), modes))
    heading, phase = rng.uniform(0.0, 2.0 * math.pi, (2, modes))
    angle = x[..., None] * wave * np.cos(heading) + y[..., None] * wave * np.sin(heading) + phase
    return np.asarray(setting.structure * math.sqrt(2.0 / modes) * np.cos(angle).sum(axis=-1))


def _clouds(setting: PlumeSetting, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Blobs of cloud that cover a share of the image."""
    shape = (setting.size, setting.size)
    if setting.cloud == 0.0:
        return np.zeros(shape, bool)
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(rng.normal(size=shape), 2.0, mode="wrap")
    return np.asarray(field > np.quantile(field, 1.0 - setting.cloud))

"""A second maker of plumes, which shares no assumption on background or plume with `yaotan.simulate.plume`.

There, the background is a sum of isotropic waves of 60 to 300 km, and puffs drift in a field of waves.
Here, the background is an anisotropic field of a power law down to a pixel, patches of land with values of
their own, stripes along the track and a front; the plume is a chain of puffs whose places follow from
Langevin's equation for the wind (memory of minutes, not waves in space), each with a width of
its own, lopsided by shear, in a wind that grows or falls along the plume.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.constants import MOLAR_MASS, MOLAR_MASS_DRY_AIR
from yaotan.simulate.plume import GRAVITY, NO2_LIFETIME, NO2_RATIO, PlumeSetting, PlumeTruth, simulate_plume

Floats: TypeAlias = NDArray[np.float64]
STEP = 60.0


def simulate_second(setting: PlumeSetting, seed: int) -> tuple[xr.Dataset, PlumeTruth]:
    """Make an image: place, noise and clouds of the first maker, background and plume of the second."""
    from dataclasses import replace

    empty, _ = simulate_plume(replace(setting, rate=0.0, turbulence=0.0, structure=0.0), seed)
    rng = np.random.default_rng([seed, 2])
    steps = np.arange(setting.size) * setting.pixel
    y, x = (
        part - share * setting.size * setting.pixel
        for part, share in zip(np.meshgrid(steps, steps, indexing="ij"), setting.place, strict=True)
    )
    co2, no2, rate = _chain(setting, x, y, rng)
    air = 98000.0 / GRAVITY / MOLAR_MASS_DRY_AIR
    more = setting.structure * _background(setting, x, y, rng)
    scene = empty.assign(
        xco2=empty.xco2 + more + 1e6 * co2 / MOLAR_MASS["co2"] / air,
        no2=empty.no2 + no2 / MOLAR_MASS["no2"],
    )
    for name in ("xco2", "no2"):
        scene[name].attrs = empty[name].attrs
    return scene, PlumeTruth(rate, setting.speed, setting.direction)


def _background(setting: PlumeSetting, x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    """Field, patches, stripes and a front, together of standard deviation one."""
    parts = [_power_law(setting, rng), _patches(x, y, rng), _stripes(x, rng), _front(x, y, rng)]
    shares = rng.dirichlet([4.0, 1.0, 0.5, 1.0])
    total = sum(math.sqrt(share) * part / part.std() for share, part in zip(shares, parts, strict=True))
    return np.asarray(total / np.std(total))


def _power_law(setting: PlumeSetting, rng: np.random.Generator) -> Floats:
    """Anisotropic field whose spectrum falls as a power of the wave number, on a plane twice as large."""
    n = 2 * setting.size
    kx, ky = np.meshgrid(np.fft.fftfreq(n), np.fft.fftfreq(n))
    turn, stretch = rng.uniform(0.0, math.pi), rng.uniform(1.0, 3.0)
    k = np.hypot(
        stretch * (kx * math.cos(turn) + ky * math.sin(turn)), ky * math.cos(turn) - kx * math.sin(turn)
    )
    size = np.where(k > 0.0, np.maximum(k, 1.0 / n) ** -(0.5 * rng.uniform(2.5, 4.0)), 0.0)
    field = np.fft.ifft2(np.fft.fft2(rng.normal(size=(n, n))) * size).real
    return np.asarray(field[: setting.size, : setting.size])


def _patches(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    """Land cover: the nearest of 40 places gives its value."""
    places = rng.uniform(x.min(), x.max(), 40), rng.uniform(y.min(), y.max(), 40)
    away = np.hypot(x[..., None] - places[0], y[..., None] - places[1])
    return np.asarray(rng.normal(size=40)[away.argmin(axis=-1)])


def _stripes(x: Floats, rng: np.random.Generator) -> Floats:
    """Detectors with levels of their own."""
    return np.asarray(np.broadcast_to(rng.normal(size=x.shape[1]), x.shape)) + 1e-9 * x


def _front(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    """Step of some width across the image."""
    turn = rng.uniform(0.0, 2.0 * math.pi)
    across = (x - x.mean()) * math.cos(turn) + (y - y.mean()) * math.sin(turn)
    return np.asarray(np.tanh((across - rng.normal(0.0, 4e4)) / rng.uniform(5e3, 3e4)))


def _chain(
    setting: PlumeSetting, x: Floats, y: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, float]:
    """Puffs of every age, carried by Langevin's equation; the emission goes up and down as a slow wave."""
    angle = math.radians(setting.direction)
    u, v = -math.sin(angle), -math.cos(angle)
    count = int(1.6 * setting.size * setting.pixel / setting.speed / STEP)
    age = np.arange(1, count + 1) * STEP
    along, aside = _travel(setting, age, rng)
    phase, period = rng.uniform(0.0, 2.0 * math.pi), rng.uniform(2.0, 8.0) * 3600.0
    size = math.sqrt(2.0) * setting.rate_variation
    rate = setting.rate * (1.0 + size * np.sin(2.0 * math.pi * age / period + phase))
    width = setting.spread * (np.maximum(along, 100.0) / 1e3) ** rng.uniform(0.8, 0.95)
    width = width * np.exp(rng.normal(0.0, 0.15) + 0.15 * _memory(count, 900.0, rng))
    shear = rng.uniform(-0.6, 0.6)
    co2, no2 = np.zeros_like(x), np.zeros_like(x)
    # a puff is two: the smaller lags to one side, which makes the cross-section lopsided
    for share, place, wide in ((0.65, -0.35 * shear, 0.9), (0.35, 0.65 * shear, 1.1)):
        s = np.sqrt((wide * width) ** 2 + setting.pixel**2 / 12.0)
        side = aside + place * 2.0 * width
        px, py = along * u - side * v, along * v + side * u
        for k in range(count):
            near = (np.abs(x - px[k]) < 4.5 * s[k]) & (np.abs(y - py[k]) < 4.5 * s[k])
            away = ((x[near] - px[k]) ** 2 + (y[near] - py[k]) ** 2) / s[k] ** 2
            mass = share * rate[k] * STEP * np.exp(-0.5 * away) / (2.0 * math.pi * s[k] ** 2)
            co2[near] += mass
            no2[near] += NO2_RATIO * mass * math.exp(-age[k] / NO2_LIFETIME)
    travel = age < 4 * 3600.0
    return co2, no2, float(rate[travel].mean())


def _travel(setting: PlumeSetting, age: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Way along and across the wind of puffs by their age: neighbours share most of their gusts."""
    gust = setting.turbulence * setting.speed
    grown = rng.normal(0.0, 0.1)
    speed = setting.speed * (1.0 + grown * (age / age[-1] - 0.3))
    slow, quick = rng.uniform(1800.0, 7200.0), rng.uniform(300.0, 900.0)
    parts = [
        np.cumsum(gust * (0.8 * _memory(age.size, slow, rng) + 0.6 * _memory(age.size, quick, rng))) * STEP
        for _ in range(2)
    ]
    return np.maximum(np.cumsum(speed) * STEP + 0.5 * parts[0], 0.0), parts[1]


def _memory(count: int, memory: float, rng: np.random.Generator) -> Floats:
    """Ornstein and Uhlenbeck's process of variance one."""
    keep = math.exp(-STEP / memory)
    out = np.empty(count)
    out[0] = rng.normal()
    for k, kick in enumerate(rng.normal(0.0, math.sqrt(1.0 - keep**2), count - 1)):
        out[k + 1] = keep * out[k] + kick
    return out


MAKERS: dict[str, Any] = {"waves": simulate_plume, "second": simulate_second}

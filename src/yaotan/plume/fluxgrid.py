"""What one scene adds to a mean flux: its mass on a grid round a source, and the sums over scenes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.nox import NoxRatio
from yaotan.errors import YaotanError
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import CALM, NoEstimateError
from yaotan.plume.image import take_pixels
from yaotan.plume.sector import above_plane, in_wind

if TYPE_CHECKING:
    import geopandas as gpd

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SceneFlux:
    """Mass of one scene on the grid round one source.

    Parameters
    ----------
    mass, variance : numpy.ndarray
        ``(n, n)``, rows go north: mean mass above the background [kg m-2] and the variance of its noise
        [kg2 m-4]; NaN in cells that the scene does not see.
    """

    mass: Array
    variance: Array


class FluxSums:
    """Sums over scenes on the grid round one source; scenes come one by one and are not kept.

    Parameters
    ----------
    resolution, radius : float
        As in `mean_flux`.
    """

    def __init__(self, resolution: float, radius: float) -> None:
        size = 2 * half_cells(resolution, radius) + 1
        self.count = np.zeros((size, size))
        self.flux = np.zeros((2, size, size))
        self.mass = np.zeros((size, size))
        self.square = np.zeros((3, size, size))
        self.winds: list[EffectiveWind] = []
        self.used: list[bool] = []
        self.dropped: dict[str, int] = {}

    def add(self, one: SceneFlux | str, wind: EffectiveWind) -> None:
        """Add a scene, or count it by the reason why it gives nothing."""
        self.winds.append(wind)
        self.used.append(not isinstance(one, str))
        if isinstance(one, str):
            self.dropped[one] = self.dropped.get(one, 0) + 1
            return
        seen = np.isfinite(one.mass)
        self.count += seen
        for k, component in enumerate((wind.u, wind.v)):
            self.flux[k] += np.where(seen, one.mass * component, 0.0)
        self.mass += np.where(seen, one.mass, 0.0)
        for k, product in enumerate((wind.u**2, wind.v**2, wind.u * wind.v)):
            self.square[k] += np.where(seen, one.variance * product, 0.0)


def half_cells(resolution: float, radius: float) -> int:
    """Count the cells from the middle of the grid to its side.

    Raises
    ------
    YaotanError
        The cells are no smaller than a quarter of the radius.

    Examples
    --------
    >>> half_cells(4e3, 60e3)
    15
    """
    if not 0.0 < resolution < radius / 4.0:
        raise YaotanError(
            f"resolution is {resolution:g} m for a radius of {radius:g} m",
            where="mean_flux",
            expected="less than a quarter of the radius",
        )
    return round(radius / resolution)


def read_flux(
    scene: xr.Dataset,
    source: gpd.GeoDataFrame,
    wind: EffectiveWind,
    *,
    resolution: float = 4e3,
    radius: float = 60e3,
    ratio: NoxRatio | None = None,
) -> SceneFlux:
    """Read the mass of one scene on the grid round one source: what `mean_flux` takes of it.

    Parameters
    ----------
    scene, source, wind
        One scene, one row of `make_sources`, its wind.
    resolution, radius, ratio
        As in `mean_flux`.

    Returns
    -------
    SceneFlux
        Mass on the grid.

    Raises
    ------
    NoEstimateError
        The scene gives nothing: ``no_wind``, ``low_wind``, ``outside``, ``cloudy``.
    """
    if not wind.known:
        raise NoEstimateError("no_wind", "no wind for the scene")
    if wind.speed < CALM:
        raise NoEstimateError("low_wind", f"{wind.speed:.1f} m/s")
    half = half_cells(resolution, radius)
    pixels = take_pixels(scene, source, radius=(half + 1.5) * resolution * math.sqrt(2.0))
    mass = above_plane(pixels, wind)
    if mass is None:
        raise NoEstimateError("cloudy", "too few pixels for a background")
    sigma = pixels.sigma * pixels.factor
    if ratio is not None:
        gain = ratio.at(in_wind(pixels, wind)[0] / wind.speed)
        mass, sigma = mass * gain, sigma * gain
    column, row = (np.round(part / resolution).astype(int) + half for part in (pixels.x, pixels.y))
    size = 2 * half + 1
    inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    cell = row[inside] * size + column[inside]
    count = np.bincount(cell, minlength=size * size)
    total = np.bincount(cell, mass[inside], size * size)
    noise = np.bincount(cell, sigma[inside] ** 2, size * size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return SceneFlux(
            (total / count).reshape(size, size),
            (noise / count**2).reshape(size, size),
        )

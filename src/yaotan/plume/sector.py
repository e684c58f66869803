"""Background of a scene by geometry: a plane outside a sector downwind, a mask that no noise can select."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.effective import EffectiveWind
from yaotan.plume.image import PixelSet

Array = NDArray[np.float64]

#: half angle of the sector downwind of the source that is no background [degree]: the direction of the wind
#: to two standard errors of 10 degrees, and a plume of class A (213 m at 1 km: 2 sigma are 23 degrees)
SECTOR: Final = 40.0
#: nearer than this the background may hold what meandered upwind [m]
NEAR: Final = 8e3
#: a plane of fewer pixels is no background
LEAST: Final = 30


def in_wind(pixels: PixelSet, wind: EffectiveWind) -> tuple[Array, Array]:
    """Give the place of pixels down the wind and to its left [m]."""
    along = (pixels.x * wind.u + pixels.y * wind.v) / wind.speed
    return along, (-pixels.x * wind.v + pixels.y * wind.u) / wind.speed


def above_plane(pixels: PixelSet, wind: EffectiveWind) -> Array | None:
    """Give the mass above a plane through what lies outside the sector of the plume [kg m-2].

    Returns
    -------
    numpy.ndarray or None
        One value for each pixel; None where fewer than 30 pixels are free.
    """
    along, across = in_wind(pixels, wind)
    wide = np.abs(across) <= NEAR + np.maximum(along, 0.0) * math.tan(math.radians(SECTOR))
    free = ~(wide & (along > -NEAR))
    if free.sum() < LEAST:
        return None
    far = float(np.abs(pixels.x).max())
    design = np.column_stack([np.ones(pixels.x.size), pixels.x / far, pixels.y / far])
    level = float(np.median(pixels.value[free]))
    weight = 1.0 / pixels.sigma[free]
    plane = np.linalg.lstsq(
        design[free] * weight[:, None], (pixels.value[free] - level) * weight, rcond=None
    )[0]
    return np.asarray((pixels.value - level - design @ plane) * pixels.factor)

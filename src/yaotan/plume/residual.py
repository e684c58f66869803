"""Residuals of a fitted plume: how far neighbours err together."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.image import PixelSet

Floats: TypeAlias = NDArray[np.float64]


def correlation_factor(pixels: PixelSet, residual: Floats, lags: int = 3) -> float:
    """Factor of variances of means by the correlation of neighbouring residuals, at least 1.

    The sum of the autocorrelation over lags up to three pixels in each direction: what the variance of a
    mean over many pixels is larger than without correlation. Beyond three pixels a background polynomial has
    taken most.

    Parameters
    ----------
    pixels : PixelSet
        Their place in the image.
    residual : numpy.ndarray
        Residual / standard error.
    lags : int
        Largest lag [pixels].

    Returns
    -------
    float
        1 for independent noise.
    """
    rows, columns = pixels.row - pixels.row.min(), pixels.column - pixels.column.min()
    image = np.full((rows.max() + 1, columns.max() + 1), np.nan)
    # strong residuals near the source are misfit of the plume, not noise
    image[rows, columns] = np.clip(residual, -4.0 * residual.std(), 4.0 * residual.std())
    variance = float(np.nanmean(image**2))
    total = 1.0
    for dy in range(lags + 1):
        for dx in range(-lags, lags + 1):
            if (dy == 0 and dx <= 0) or dy >= image.shape[0] or abs(dx) >= image.shape[1]:
                continue
            one = image[: image.shape[0] - dy, max(0, -dx) : image.shape[1] - max(0, dx)]
            two = image[dy:, max(0, dx) : image.shape[1] + min(0, dx)]
            product = one * two
            if np.isfinite(product).sum() > 30:
                total += 2.0 * float(np.nanmean(product)) / variance
    return max(1.0, total)

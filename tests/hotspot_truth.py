"""Fields of months without hot spots, whose noise is not what the null assumes, and fields with some.

Assumed: Gaussian, nugget in proportion to the squared uncertainty and an exponential correlation, the same in
all directions. Planted: tracks 12 degrees apart that leave cells empty, clouds in patches, an error that each
track shares over 600 km along itself and no other has, weather of squared-exponential correlation of 250 km,
heavy tails (Student's t with 5 degrees of freedom), stated uncertainties that are 30 % off cell by cell.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter, gaussian_filter1d

LAT, LON = np.arange(20.5, 50.5), np.arange(80.5, 125.5)


def smooth(random: np.random.Generator, sigma: float) -> np.ndarray:
    """Squared-exponential field of unit variance; sigma in cells."""
    pad = int(4 * sigma) + 1
    white = random.standard_normal((LAT.size + 2 * pad, LON.size + 2 * pad))
    inner = gaussian_filter(white, sigma, mode="wrap")[pad:-pad, pad:-pad]
    return inner * 2 * np.sqrt(np.pi) * sigma


def month(seed: int, *, planted: float = 0.0) -> tuple[xr.Dataset, np.ndarray]:
    """Make a field of enhancements [ppm] with uncertainties, and the cells in which a source is planted."""
    random = np.random.default_rng(seed)
    shape = LAT.size, LON.size
    count = np.zeros(shape)
    shared = np.zeros(shape)
    rows = np.arange(LAT.size)
    for start in np.arange(random.uniform(0, 3), LON.size + 8, 3.0):
        columns = np.floor(start - 0.25 * rows).astype(int)
        inside = (columns >= 0) & (columns < LON.size)
        error = gaussian_filter1d(random.standard_normal(LAT.size + 40), 3.0)[20:-20] * np.sqrt(
            2 * np.sqrt(np.pi) * 3
        )
        count[rows[inside], columns[inside]] += random.poisson(20, inside.sum())
        shared[rows[inside], columns[inside]] = 0.4 * error[inside]
    count[smooth(random, 2.5) > 0.4] = 0
    seen = count > 0
    sigma = 0.25 + 1.0 / np.sqrt(np.maximum(count, 1))
    noise = sigma * random.standard_t(5, shape) / np.sqrt(5 / 3)
    values = 0.4 * smooth(random, 1.6) + shared + noise
    source = np.zeros(shape, bool)
    for _ in range(2):
        row, column = random.integers(4, LAT.size - 4), random.integers(4, LON.size - 4)
        source[row - 2 : row + 3, column - 2 : column + 3] = True
    values = np.where(seen, values + planted * source, np.nan)
    stated = np.where(seen, sigma * random.uniform(0.7, 1.3, shape), np.nan)
    dims, units = ("lat", "lon"), {"units": "ppm"}
    columns_of = {
        "xco2_enhancement": (dims, values, units),
        "xco2_enhancement_uncertainty": (dims, stated, units),
    }
    return xr.Dataset(columns_of, {"lat": LAT, "lon": LON}), source & seen

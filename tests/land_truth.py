"""Rasters of land with a truth that is worked out apart from the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
from affine import Affine

CODES = (11, 13, 21, 41, 51, 61)
AEA = "+proj=aea +lat_0=0 +lon_0=105 +lat_1=25 +lat_2=47 +x_0=0 +y_0=0 +datum=WGS84 +units=m +no_defs"
#: longitude and latitude of nothing special
LONLAT = Affine(0.00027, 0, 110.0, 0, -0.00027, 31.05)
ALBERS = Affine(30, 0, 600000, 0, -30, 3501500)


def write_raster(
    path: Path, values: np.ndarray, crs: Any, transform: Affine, nodata: float | None = 255, **more: Any
) -> Path:
    """Write one band, tiled and deflated as real maps are."""
    profile = {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate", **more}
    height, width = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=width,
        height=height,
        count=1,
        dtype=values.dtype,
        crs=crs,
        transform=transform,
        nodata=nodata,
        **profile,
    ) as file:
        file.write(values, 1)
    return path


def make_codes(shape: tuple[int, int], seed: int = 1, gap: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Two dates in patches, speckled, with gaps of their own and rows that the second lacks."""
    rng = np.random.default_rng(seed)
    rough = rng.integers(0, len(CODES), (shape[0] // 8 + 1, shape[1] // 8 + 1))
    before = np.array(CODES, np.uint8)[np.kron(rough, np.ones((8, 8), int))[: shape[0], : shape[1]]]
    after = before.copy()
    for codes, share in ((before, 0.02), (after, 0.1)):
        hit = rng.random(shape) < share
        codes[hit] = rng.choice(np.array(CODES, np.uint8), int(hit.sum()))
        codes[rng.random(shape) < gap] = 255
    after[:3] = 255
    return before, after


def pair_areas(before: np.ndarray, after: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    """Areas of pairs by plain loops over classes; ``pixel`` is the area of every pixel."""
    pixel = np.broadcast_to(pixel, before.shape)
    return np.array([[pixel[(before == a) & (after == b)].sum() for b in CODES] for a in CODES])


def geodesic_pixels(crs: Any, transform: Affine, shape: tuple[int, int]) -> np.ndarray:
    """Areas of pixels as geodesic polygons, each side in eight pieces."""
    turn = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    geod = pyproj.Geod(ellps="WGS84")
    t = np.linspace(0, 1, 8, endpoint=False)
    ring_x = np.concatenate([t, np.ones(8), 1 - t, np.zeros(8)])
    ring_y = np.concatenate([np.zeros(8), t, np.ones(8), 1 - t])
    out = np.empty(shape)
    for i in range(shape[0]):
        for j in range(shape[1]):
            lon, lat = turn.transform(*(transform @ (j + ring_x, i + ring_y)))
            out[i, j] = abs(geod.polygon_area_perimeter(lon, lat)[0])
    return out

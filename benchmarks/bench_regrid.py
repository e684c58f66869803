"""Conservative regridding of a 0.05-degree globe to 0.5 degree, beside other tools in the same run.

Peers: plain numpy blocks (cos-latitude weights; works only where cells nest) and rasterio's average.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import xarray as xr

from yaotan.geodesy import cell_area
from yaotan.grid.regrid import regrid
from yaotan.grid.spec import GridSpec

FACTOR = 10


def make_field() -> tuple[xr.DataArray, GridSpec, GridSpec]:
    """Make a global field with a tenth of its cells missing."""
    fine, coarse = GridSpec.regular(0.05), GridSpec.regular(0.5)
    rng = np.random.default_rng(1)
    values = rng.normal(400.0, 5.0, fine.shape)
    values[rng.random(fine.shape) < 0.1] = np.nan
    axes = {name: fine.coords()[name].values for name in fine.dims}
    return xr.DataArray(values, dims=fine.dims, coords=axes, name="v"), fine, coarse


def with_numpy(field: xr.DataArray, fine: GridSpec) -> np.ndarray:
    """Average blocks of cells by cos latitude."""
    weight = np.cos(np.radians(field.lat.values))[:, None]
    there = np.isfinite(field.values)

    def blocks(array: np.ndarray) -> np.ndarray:
        rows, columns = fine.shape
        return array.reshape(rows // FACTOR, FACTOR, columns // FACTOR, FACTOR).sum((1, 3))

    top = blocks(np.where(there, field.values * weight, 0.0))
    return top / blocks(np.where(there, weight, 0.0))


def with_rasterio(field: xr.DataArray, coarse: GridSpec) -> np.ndarray:
    """Use GDAL's average, planar in degrees."""
    from rasterio.transform import from_origin
    from rasterio.warp import Resampling, reproject

    out = np.full(coarse.shape, np.nan)
    step = 0.05
    reproject(
        field.values[::-1],
        out,
        src_transform=from_origin(-180, 90, step, step),
        src_crs="EPSG:4326",
        src_nodata=np.nan,
        dst_transform=from_origin(-180, 90, FACTOR * step, FACTOR * step),
        dst_crs="EPSG:4326",
        dst_nodata=np.nan,
        resampling=Resampling.average,
    )
    return out[::-1]


def clock(work: Callable[[], np.ndarray], repeats: int = 5) -> tuple[np.ndarray, float, float]:
    """Give the result and the least CPU and wall seconds."""
    cpu, wall = [], []
    for _ in range(repeats):
        start, moment = time.process_time(), time.perf_counter()
        result = work()
        cpu.append(time.process_time() - start)
        wall.append(time.perf_counter() - moment)
    return result, min(cpu), min(wall)


def main() -> None:
    """Print one line a tool."""
    field, fine, coarse = make_field()
    ours, cpu, wall = clock(lambda: regrid(field, coarse, quantity="intensive").values)
    print(f"yaotan       CPU {cpu:5.2f} s  wall {wall:5.2f} s")
    area, cells = cell_area(fine.lat_edges, fine.lon_edges), cell_area(coarse.lat_edges, coarse.lon_edges)
    there = np.isfinite(field.values)
    covered = regrid(field * 0 + 1, coarse, quantity="intensive", normalise="cell", threshold=0.0).values
    exact = (field.values * area)[there].sum() / area[there].sum()
    kept = (ours * covered * cells).sum() / (covered * cells).sum()
    print(f"             mean kept to {abs(kept / exact - 1):.1e} (relative)")
    for name, work in (
        ("numpy blocks", lambda: with_numpy(field, fine)),
        ("rasterio", lambda: with_rasterio(field, coarse)),
    ):
        other, peer_cpu, peer_wall = clock(work)
        ratio = f"{peer_cpu / cpu:.1f} x CPU, {peer_wall / wall:.1f} x wall of yaotan"
        print(f"{name:12s} CPU {peer_cpu:5.2f} s  wall {peer_wall:5.2f} s  {ratio}", end="  ")
        print(f"largest difference {np.nanmax(np.abs(other - ours)):.1e}")


if __name__ == "__main__":
    main()

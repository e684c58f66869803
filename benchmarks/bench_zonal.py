"""Time `zonal_statistics` against exactextract on zones and a raster from files.

    python benchmarks/bench_zonal.py --peers FOLDER

FOLDER holds ``make_zones.py``, the maker of zones and raster with a fixed seed. The raster holds a field in
band 1 and cell areas in band 2 (used by exactextract only). Both sides read the zones and the raster;
exactextract gives mean, count, sum and weighted mean, as its own users would ask for. Printed: wall and CPU
seconds of each run, the ratio of the best CPU times, and how far the means differ.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import rioxarray
from exactextract import exact_extract
from exactextract.raster import RasterioRasterSource

from yaotan import open_regions, zonal_statistics

HERE = Path(__file__).resolve().parent


def peer(zones: Path, raster: Path) -> np.ndarray:
    with rasterio.open(raster) as file:
        field, area = RasterioRasterSource(file, 1, name="v"), RasterioRasterSource(file, 2, name="area")
        ops = ["mean", "count", "sum", "weighted_mean"]
        table: Any = exact_extract(
            field, gpd.read_file(zones), ops, weights=area, include_cols=["id"], output="pandas"
        )
    return table["weighted_mean"].to_numpy()


def ours(zones: Path, raster: Path) -> np.ndarray:
    field = rioxarray.open_rasterio(raster, masked=True).isel(band=0, drop=True).rename("v")
    return zonal_statistics(field, open_regions(zones)).v.to_numpy()


def measure(work: Callable[[Path, Path], np.ndarray], zones: Path, raster: Path) -> tuple[Any, float, float]:
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    result = work(zones, raster)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return result, time.perf_counter() - start, cpu


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", type=Path, default=HERE.parents[1] / "shared" / "peers")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        zones, raster = Path(folder) / "zones.geojson", Path(folder) / "raster.tif"
        maker = [sys.executable, str(options.peers / "make_zones.py")]
        subprocess.run([*maker, "--out-zones", str(zones), "--out-raster", str(raster)], check=True)
        compare(zones, raster, options.repeat)


def compare(zones: Path, raster: Path, repeat: int) -> None:
    best, means = {}, {}
    for name, work in (("exactextract", peer), ("yaotan", ours)):
        runs = []
        for _ in range(repeat):
            means[name], wall, cpu = measure(work, zones, raster)
            runs.append({"wall_s": round(wall, 3), "cpu_s": round(cpu, 3)})
        best[name] = min(run["cpu_s"] for run in runs)
        print(json.dumps({"tool": name, "runs": runs}))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "zones": len(means["yaotan"]),
                "cpu_ratio_yaotan_to_exactextract": round(best["yaotan"] / best["exactextract"], 2),
                "largest_relative_difference": float(
                    np.abs(means["yaotan"] / means["exactextract"] - 1).max()
                ),
                "peak_mib_of_both": round(peak, 1),
            }
        )
    )


if __name__ == "__main__":
    main()

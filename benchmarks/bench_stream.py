"""A year of OCO-2 days (365 files of 180,000 soundings) to monthly 0.5-degree grids: time and peak memory.

The days are one simulated day repeated with times and ids of their own, cut to the variables that gridding
needs (12 MB a file, 4.4 GB in all, in a temporary folder that is removed). Half a year beside the whole one
tells whether memory grows with the number of files. `--files` and `--soundings` make it smaller.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from yaotan.simulate.layout import Retrieval, oco2_lite_name, write_oco2_lite

#: datasets of the day that gridding reads
KEPT = (
    "latitude",
    "longitude",
    "time",
    "xco2",
    "xco2_uncertainty",
    "xco2_quality_flag",
    "sounding_id",
    "vertex_latitude",
    "vertex_longitude",
)
DAY = 86_400


def make_day(path: Path, count: int) -> None:
    """Write a whole simulated day: 14.6 orbits, 60 % good."""
    rng = np.random.default_rng(1)
    share = np.arange(count) / count
    latitude = 80.0 * np.sin(2 * np.pi * 14.6 * share)
    longitude = (-360.0 * share + 180.0 * (np.cos(2 * np.pi * 14.6 * share) < 0)) % 360.0 - 180.0
    moment = np.datetime64("2020-01-01", "ns") + (share * DAY * 1e9).astype("timedelta64[ns]")
    half = 0.008 * np.array([[-1, -1, 1, 1], [-1, 1, 1, -1]])
    write_oco2_lite(
        path,
        Retrieval.make(
            count,
            gas="co2",
            time=moment,
            latitude=latitude,
            longitude=longitude,
            corner_latitude=latitude[:, None] + half[0],
            corner_longitude=longitude[:, None] + half[1],
            xgas=rng.normal(410.0, 1.0, count),
            uncertainty=np.full(count, 0.5),
            quality=(rng.random(count) > 0.6).astype(int),
        ),
    )


def repeat_day(template: Path, folder: Path, number: int) -> None:
    """Write the day again as day `number` of the year."""
    date = np.datetime64("2020-01-01") + number
    stamp = int(str(date).replace("-", "")) * 10**8
    with h5py.File(template) as source, h5py.File(folder / oco2_lite_name(str(date)), "w") as target:
        target.attrs.update(source.attrs)
        for name in KEPT:
            values = source[name][...]
            if name == "time":
                values = values + number * DAY
            if name == "sounding_id":
                values = values % 10**8 + stamp
            made = target.create_dataset(name, data=values)
            for key, value in source[name].attrs.items():
                if key not in ("DIMENSION_LIST", "CLASS", "NAME", "REFERENCE_LIST", "_Netcdf4Dimid"):
                    made.attrs[key] = value


def grid_year(folder: str, files: int) -> dict[str, Any]:
    """Grid the first days of a folder; give seconds, peak memory and what came out."""
    import yaotan

    start, cpu = time.perf_counter(), time.process_time()
    paths = sorted(Path(folder).glob("*.nc4"))[:files]
    soundings = yaotan.open_soundings(
        paths, variables=["xco2", "xco2_uncertainty", "latitude_corner", "longitude_corner"]
    )
    grid = yaotan.grid_soundings(soundings, yaotan.GridSpec.regular(0.5), period="month")
    cells = int(grid.xco2_count.isel(time=0).sum())
    return {
        "files": len(paths),
        "kept": int(soundings.sizes["sounding"]),
        "wall": time.perf_counter() - start,
        "cpu": time.process_time() - cpu,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "counted_in_january": cells,
    }


def main() -> None:
    """Make the year, grid half and all of it in processes of their own, and print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=365)
    parser.add_argument("--soundings", type=int, default=180_000)
    parser.add_argument("--grid", nargs=2, metavar=("FOLDER", "FILES"))
    options = parser.parse_args()
    if options.grid:
        print(json.dumps(grid_year(options.grid[0], int(options.grid[1]))))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = folder / "day.h5"
        make_day(template, options.soundings)
        for number in range(options.files):
            repeat_day(template, folder, number)
        for files in (options.files // 2, options.files):
            command = [sys.executable, __file__, "--grid", name, str(files)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            result = json.loads(done.stdout.splitlines()[-1])
            print(
                f"{result['files']:4d} files, {result['kept'] / 1e6:6.1f} M soundings kept: "
                f"wall {result['wall']:.1f} s, CPU {result['cpu']:.1f} s, peak {result['peak_mib']:.0f} MiB"
            )


if __name__ == "__main__":
    main()

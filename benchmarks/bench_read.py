"""Read one OCO-2 Lite day: 180,000 soundings, level variables in the file but not asked for.

Bar: below 1 s and 300 MiB of process memory. Each measurement is a fresh process, imports excluded from the
time and included in the memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

READ = """
import json, resource, sys, time
import dask.array, h5py, numpy, xarray
from yaotan.io.soundings import open_soundings
start = time.perf_counter(); cpu = time.process_time()
table = open_soundings(sys.argv[1], quality=sys.argv[2])
names = ["time", "latitude", "longitude", "latitude_corner", "longitude_corner"]
names += ["xco2", "xco2_uncertainty", "quality"]
loaded = table[names].load()
wall, cpu = time.perf_counter() - start, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"soundings": loaded.sizes["sounding"], "wall": wall, "cpu": cpu, "peak_mib": peak}))
"""


def make_day(path: Path, count: int) -> None:
    """Write a global day in the product's own layout."""
    from yaotan.simulate.layout import Retrieval, write_oco2_lite

    rng = np.random.default_rng(20200115)
    index = np.arange(count)
    time = np.datetime64("2020-01-15T00:00:00", "ns") + (index * (86400e9 / count)).astype("timedelta64[ns]")
    write_oco2_lite(
        path,
        Retrieval.make(
            count,
            time=time,
            latitude=80 * np.sin(index / count * 2 * np.pi * 14.6),
            longitude=(index * 360.0 / count * 29) % 360 - 180,
            xgas=rng.normal(412, 1.5, count),
            quality=(rng.random(count) < 0.4).astype(int),
        ),
        deflate=1,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=180_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "oco2_LtCO2_200115_B11210Ar_240820000231s.nc4"
        make_day(path, options.count)
        print(f"{path.name}: {path.stat().st_size / 2**20:.0f} MiB")
        for quality in ("all", "good"):
            runs = []
            for _ in range(options.repeat):
                done = subprocess.run(
                    [sys.executable, "-c", READ, str(path), quality],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                runs.append(json.loads(done.stdout))
            median = {key: float(np.median([run[key] for run in runs])) for key in runs[0]}
            print(
                f"quality={quality}: {median['soundings']:.0f} soundings, wall {median['wall']:.2f} s, "
                f"CPU {median['cpu']:.2f} s, peak {median['peak_mib']:.0f} MiB"
            )


if __name__ == "__main__":
    main()

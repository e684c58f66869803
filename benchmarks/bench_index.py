"""Index 10,000 small OCO-2-Lite-like granules, then look again when nothing changed.

Bars: first scan below 60 s on two cores, second scan below 3 s, each a fresh process with its imports. The
peer is what people write by hand: ``xarray.open_dataset`` per file, reading first and last time, bounds and
counts (no hash, no identification, no footprint), measured on some of the files and scaled up.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

SCAN = """
import json, sys, time
start = time.perf_counter()
from yaotan import index_granules
workers = json.loads(sys.argv[2])
summary = index_granules(sys.argv[1], workers=workers)
wall = time.perf_counter() - start
status = open("/proc/self/status").read()  # rusage would count the process that started this one
peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
print(json.dumps({"rows": summary.rows, "read": summary.read, "wall": wall, "peak_mib": peak}))
"""

PEER = """
import json, os, sys, time
import xarray as xr
from pathlib import Path
files = sorted(Path(sys.argv[1]).glob("*.nc4"))[: int(sys.argv[2])]
start = time.perf_counter()
rows = []
for file in files:
    with xr.open_dataset(file) as data:
        lat, lon, moment = data.latitude.values, data.longitude.values, data.time.values
        good = int((data.xco2_quality_flag.values == 0).sum())
        rows.append((moment.min(), moment.max(), lat.min(), lat.max(), lon.min(), lon.max(), lat.size, good))
print(json.dumps({"files": len(rows), "wall": time.perf_counter() - start}), flush=True)
os._exit(0)  # the plugins that xarray loads may clash when a process ends; the time is taken by then
"""


def make_granules(folder: Path, number: int, count: int) -> None:
    """Write one granule in the product's own layout, and copies with other times, places and values."""
    from yaotan.simulate.layout import Retrieval, write_oco2_lite

    rng = np.random.default_rng(0)
    first = folder / "first.part"
    write_oco2_lite(first, Retrieval.make(count))
    content = first.read_bytes()
    first.unlink()
    for index in range(number):
        day = np.datetime64("2014-09-06") + index
        path = folder / f"oco2_LtCO2_{str(day)[2:].replace('-', '')}_B11210Ar_240820000231s.nc4"
        path.write_bytes(content)
        with h5py.File(path, "r+") as file:
            file["time"][:] = (day - np.datetime64("1970-01-01")) / np.timedelta64(1, "s") + np.arange(count)
            file["latitude"][:] = np.linspace(-60, 60, count) + rng.normal(0, 1)
            file["longitude"][:] = (rng.uniform(-180, 180) + np.linspace(0, 25, count)) % 360 - 180
            file["xco2"][:] = rng.normal(412, 1, count)


def run(code: str, *arguments: str) -> dict[str, float]:
    """Run a measurement in a fresh process."""
    command = [sys.executable, "-c", code, *arguments]
    content: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--count", type=int, default=200, help="soundings of a granule")
    parser.add_argument("--peer", type=int, default=1_000, help="files that the peer reads")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.perf_counter()
        make_granules(folder, options.number, options.count)
        size = sum(path.stat().st_size for path in folder.iterdir()) / 2**20
        print(f"{options.number} granules, {size:.0f} MiB, made in {time.perf_counter() - start:.0f} s")
        first = run(SCAN, name, "null")
        assert first["read"] == options.number
        again = run(SCAN, name, "null")
        assert again["read"] == 0
        peer = run(PEER, name, str(min(options.peer, options.number)))
        scaled = peer["wall"] / peer["files"] * options.number
        print(f"first scan:  {first['wall']:6.1f} s, peak {first['peak_mib']:.0f} MiB  (bar 60 s)")
        print(f"second scan: {again['wall']:6.2f} s, peak {again['peak_mib']:.0f} MiB  (bar 3 s)")
        ratio = scaled / first["wall"]
        print(f"xarray.open_dataset per file: {scaled:6.1f} s, {ratio:.1f} times the first scan")


if __name__ == "__main__":
    main()

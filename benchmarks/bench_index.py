"""Index 10,000 small OCO-2-Lite-like granules, then look again when nothing changed, then write STAC.

Bars: first scan below 60 s on two cores, second scan below 3 s, each a fresh process with its imports;
medians of ``--repeat`` runs. CPU seconds are those of all its processes: where other work shares the
cores, they say what the wall time does not. ``--links 10`` gives every granule ten names in as many
folders: 100,000 files on the disk space of 10,000. The peer is what people write by hand:
``xarray.open_dataset`` per file, reading first and last time, bounds and counts (no hash, no
identification, no footprint), measured on some of the files and scaled up.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

REPORT = """
wall = time.perf_counter() - start
status = open("/proc/self/status").read()  # rusage would count the process that started this one
peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
used = os.times()
cpu = used.user + used.system + used.children_user + used.children_system
print(json.dumps({**found, "wall": wall, "cpu": cpu, "peak_mib": peak}))
"""

SCAN = (
    """
import json, os, sys, time
start = time.perf_counter()
from yaotan import index_granules
summary = index_granules(sys.argv[1], refresh=sys.argv[2] == "refresh")
found = {"rows": summary.rows, "read": summary.read}
"""
    + REPORT
)

STAC = (
    """
import json, os, sys, time
start = time.perf_counter()
from yaotan.io import write_stac
found = {"items": sum(write_stac(sys.argv[1], sys.argv[2]).items.values())}
"""
    + REPORT
)

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


def link_granules(folder: Path, times: int) -> None:
    """Give every granule further names, in folders of their own."""
    granules = sorted(folder.glob("*.nc4"))
    for number in range(1, times):
        (folder / str(number)).mkdir()
        for path in granules:
            os.link(path, folder / str(number) / path.name)


def run(code: str, *arguments: str, repeat: int = 1) -> dict[str, float]:
    """Run a measurement in fresh processes; give the median of each figure."""
    command = [sys.executable, "-c", code, *arguments]
    answers = [
        json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(repeat)
    ]
    return {name: statistics.median(answer[name] for answer in answers) for name in answers[0]}


def show(name: str, figures: dict[str, float], bar: str = "") -> None:
    """Print one line."""
    wall, cpu, peak = (figures[key] for key in ("wall", "cpu", "peak_mib"))
    print(f"{name:<12} {wall:7.2f} s, CPU {cpu:7.2f} s, peak {peak:.0f} MiB  {bar}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--links", type=int, default=1, help="names of each granule")
    parser.add_argument("--count", type=int, default=200, help="soundings of a granule")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peer", type=int, default=1_000, help="files that the peer reads")
    options = parser.parse_args()
    total = options.number * options.links
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "granules"
        folder.mkdir()
        start = time.perf_counter()
        make_granules(folder, options.number, options.count)
        size = sum(path.stat().st_size for path in folder.iterdir()) / 2**20
        link_granules(folder, options.links)
        print(f"{total} files, {size:.0f} MiB on disk, made in {time.perf_counter() - start:.0f} s")
        first = run(SCAN, str(folder), "refresh", repeat=options.repeat)
        assert first["read"] == first["rows"] == total
        show("first scan", first, "(bar for 10,000: 60 s)")
        again = run(SCAN, str(folder), "update", repeat=max(options.repeat, 5))
        assert again["read"] == 0
        show("second scan", again, "(bar for 10,000: 3 s)")
        print(f"index: {(folder / 'granule_index.parquet').stat().st_size / 2**20:.1f} MiB")
        stac = run(STAC, str(folder), str(Path(name) / "stac"))
        assert stac["items"] == total
        show("STAC", stac)
        peer = run(PEER, str(folder), str(min(options.peer, options.number)))
        scaled = peer["wall"] / peer["files"] * total
        print(
            f"xarray.open_dataset per file: {scaled:.1f} s, {scaled / first['wall']:.1f} times the first scan"
        )


if __name__ == "__main__":
    main()

"""Grid synthetic footprints with yaotan and with HARP, in turns, on one machine.

    bench_grid.py [--peers FOLDER] [--work FOLDER] [--kind oco2] [--count 1000000] [--cell 0.1]

The maker of the soundings is ``make_soundings.py`` of the peers folder. Reading is left out on both sides. A
timed run makes the dense mean, weight and random uncertainty of the globe. Each tool runs in processes of its
own. Memory is that of a process that reads and grids once: yaotan from lazy soundings, as `open_soundings`
gives them, and from soundings that are in memory as a whole; HARP has no other way than the second.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
WANTED = ["xco2", "xco2_sum_weight", "xco2_uncertainty_random"]


def read(path):
    import h5py
    import xarray as xr

    with h5py.File(path) as file:
        good = file["xco2_quality_flag"][:] == 0

        def get(name):
            values = file[name][:][good]
            values[values == -9999.0] = np.nan
            return values

        ppm = {"units": "ppm"}
        time_ns = np.datetime64("2024-06-01", "ns") + (get("time") * 1e9).astype("timedelta64[ns]")
        return xr.Dataset(
            {
                "time": ("sounding", time_ns),
                "latitude": ("sounding", get("latitude")),
                "longitude": ("sounding", get("longitude")),
                "latitude_corner": (("sounding", "corner"), get("vertex_latitude")),
                "longitude_corner": (("sounding", "corner"), get("vertex_longitude")),
                "xco2": ("sounding", get("xco2"), ppm),
                "xco2_uncertainty": ("sounding", get("xco2_uncertainty"), ppm),
            }
        )


def read_lazily(path):
    import dask.array as da
    import h5py
    import xarray as xr

    file = h5py.File(path)
    lazy = {name: da.from_array(file[name], chunks=(65536, 4)[: file[name].ndim]) for name in file}
    good, ppm = lazy["xco2_quality_flag"] == 0, {"units": "ppm"}
    time_ns = np.datetime64("2024-06-01", "ns") + (lazy["time"] * 1e9).astype("timedelta64[ns]")
    corner = ("sounding", "corner")
    return xr.Dataset(
        {
            "time": ("sounding", time_ns),
            "latitude": ("sounding", lazy["latitude"]),
            "longitude": ("sounding", lazy["longitude"]),
            "latitude_corner": (
                corner,
                da.where(lazy["vertex_latitude"] == -9999.0, np.nan, lazy["vertex_latitude"]),
            ),
            "longitude_corner": (corner, lazy["vertex_longitude"]),
            "xco2": ("sounding", da.where(good, lazy["xco2"], np.nan), ppm),
            "xco2_uncertainty": ("sounding", lazy["xco2_uncertainty"], ppm),
        }
    )


def run_ours(options):
    import dask
    import dask.array as da

    from yaotan.grid.bin import grid_soundings
    from yaotan.grid.spec import GridSpec

    soundings = read_lazily(options.input) if options.lazy else read(options.input)
    spec = GridSpec.regular(options.cell)
    runs = []
    with dask.config.set(scheduler="synchronous"):
        for _ in range(options.repeat):
            dense = {}
            wall, cpu = time.perf_counter(), time.process_time()
            grid = grid_soundings(soundings, spec)
            for name in WANTED if options.dense else ():
                # one after the other, as a writer does; kept only where they are compared afterwards
                values = np.empty(grid[name].shape)
                da.store(grid[name].data, values, lock=False)
                if options.output:
                    dense[name] = values[0]
                del values
            runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if options.output:
        np.savez(options.output, mean=dense[WANTED[0]], weight=dense[WANTED[1]])
    return {"runs": runs, "peak_mib": peak, "rejected": json.loads(grid.attrs["rejected"])}


def call(command, environment=None):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(environment or {})})
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def ours(path, cell, repeat, *more):
    command = [
        sys.executable,
        __file__,
        "--one",
        "--input",
        path,
        "--cell",
        str(cell),
        "--repeat",
        str(repeat),
    ]
    return call([*map(str, command), *map(str, more)])


def harp(path, cell, repeat, *more):
    command = ["/usr/bin/python3", HERE / "peer_harp.py", "--input", path, "--cell", cell, "--repeat", repeat]
    return call(list(map(str, [*command, *more])), {"PYTHONDONTWRITEBYTECODE": "1"})


def make(options, kind, count, folder):
    path, harp_path = folder / f"{kind}_{count}.nc", folder / f"{kind}_{count}_harp.nc"
    if not harp_path.exists():
        maker = Path(options.peers) / "make_soundings.py"
        command = [
            sys.executable,
            maker,
            "--kind",
            kind,
            "--n",
            count,
            "--out",
            path,
            "--harp-out",
            harp_path,
        ]
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    return path, harp_path


def agreement(folder):
    mine, theirs = np.load(folder / "ours.npz"), np.load(folder / "harp.npz")
    filled, filled_harp = mine["weight"] > 0, theirs["weight"] > 0
    both = filled & filled_harp
    gap = np.abs(mine["mean"][both] - theirs["mean"][both])
    return {
        "cells": int(filled.sum()),
        "cells_equal": bool((filled == filled_harp).all()),
        "largest_difference_ppm": float(gap.max()),
        "mean_difference_ppm": float(gap.mean()),
        "share_below_1e-4_ppm": float((gap < 1e-4).mean()),
    }


def best(results, column):
    return min(run[column] for result in results for run in result["runs"])


def compare(options, kind, count, cell, folder):
    path, harp_path = make(options, kind, count, folder)
    mine, theirs = [], []
    for number in range(options.rounds):
        last = number == options.rounds - 1
        mine.append(ours(path, cell, 3, *(["--output", folder / "ours.npz"] if last else [])))
        theirs.append(harp(harp_path, cell, 1, *(["--output", folder / "harp.npz"] if last else [])))
    return {
        "kind": kind,
        "count": count,
        "cell": cell,
        "cpu_s": round(best(mine, 1), 3),
        "harp_cpu_s": round(best(theirs, 1), 3),
        "cpu_ratio": round(best(theirs, 1) / best(mine, 1), 1),
        "wall_s": round(best(mine, 0), 3),
        "harp_wall_s": round(best(theirs, 0), 3),
        "wall_ratio": round(best(theirs, 0) / best(mine, 0), 1),
        "first_call_s": round(min(result["runs"][0][0] for result in mine), 2),
        "peak_mib": round(ours(path, cell, 1, "--lazy")["peak_mib"]),
        "peak_in_memory_mib": round(ours(path, cell, 1)["peak_mib"]),
        "harp_peak_mib": round(min(result["peak_mib"] for result in theirs)),
        **agreement(folder),
    }


def machine():
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next(
        (line.split(":")[1].strip() for line in text.splitlines() if "model name" in line), "unknown"
    )
    return {"cpu": model, "cores": os.cpu_count(), "load": os.getloadavg()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", default=HERE.parents[1] / "shared" / "peers")
    parser.add_argument("--work", help="folder that keeps the inputs; a temporary one by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kind", choices=("oco2", "tropomi"), help="this case only, with --count and --cell")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--cell", type=float, default=0.1)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--input", help=argparse.SUPPRESS)
    parser.add_argument("--repeat", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--output", help=argparse.SUPPRESS)
    parser.add_argument("--lazy", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--sparse", dest="dense", action="store_false", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run_ours(options)))
        return
    cases = (
        [(options.kind, options.count, options.cell)]
        if options.kind
        else [
            ("oco2", 1_000_000, 0.1),
            ("oco2", 1_000_000, 0.5),
            ("oco2", 100_000, 0.1),
            ("oco2", 100_000, 1.0),
            ("tropomi", 1_000_000, 0.1),
        ]
    )
    print(json.dumps(machine()))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.work or temporary)
        for case in cases:
            print(json.dumps(compare(options, *case, folder)), flush=True)
        path, _ = make(options, cases[0][0], cases[0][1], folder)
        fine = ours(path, 0.01, 1, "--sparse", "--lazy")
        print(json.dumps({"cell": 0.01, "sparse_wall_s": fine["runs"][0][0], "peak_mib": fine["peak_mib"]}))


if __name__ == "__main__":
    main()

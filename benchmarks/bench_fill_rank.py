"""Time fixed-rank kriging of 1 million soundings of a year: fit, and monthly maps of the globe at 1 degree.

    python benchmarks/bench_fill_rank.py

Soundings lie along 5,000 simulated orbits of a year, 200 on each; the field has two scales, errors are those
of a sounding. The run is a process of its own, BLAS with one thread; fitting and prediction are timed
together.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

SOUNDINGS, ORBITS = 1_000_000, 5_000


def soundings(number: int, orbits: int) -> Any:
    from yaotan.column.fill.observation import Observations
    from yaotan.geodesy import wrap_longitude

    rng = np.random.default_rng(7)
    along = number // orbits
    begin = np.sort(rng.uniform(0.0, 365.0, orbits))
    lat = np.sort(rng.uniform(-60.0, 75.0, (orbits, along)), axis=1)
    lon = wrap_longitude(rng.uniform(-180.0, 180.0, orbits)[:, None] - 0.25 * lat)
    day = begin[:, None] + (lat + 60.0) / 135.0 * 0.03
    order = np.argsort(day.ravel(), kind="stable")
    overpass = np.repeat(np.arange(orbits), along)[order]
    lat, lon, day = lat.ravel()[order], lon.ravel()[order], day.ravel()[order]
    x, y = np.radians(lon), np.radians(lat)
    value = 400.0 + 2.4 * day / 365.25 + 2.0 * np.sin(y) * np.cos(2.0 * np.pi * day / 365.25)
    value += np.cos(3.0 * x - 0.05 * day) * np.cos(y) + 0.7 * np.sin(9.0 * x + 0.2 * day) * np.cos(7.0 * y)
    sigma = rng.uniform(0.4, 0.8, day.size)
    return Observations(
        lat, lon, np.datetime64("2019-01-01", "ns") + (day * 86400e9).astype("m8[ns]"),
        value + sigma * rng.standard_normal(day.size), sigma, np.sqrt(0.5) * sigma, overpass,
        np.ones(day.size, np.int64), "xco2", "ppm",
    )  # fmt: skip


def run(number: int, orbits: int) -> dict[str, Any]:
    from yaotan import FixedRankKriging, GridSpec
    from yaotan.column import MeanModel

    # compiled code is loaded first, as in a second run
    FixedRankKriging(MeanModel(harmonics=1), functions=30, levels=2).fit(soundings(2_000, 100))
    known = soundings(number, orbits)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, cpu = time.perf_counter(), time.process_time()
    filler = FixedRankKriging(MeanModel(harmonics=4)).fit(known)
    fitted = time.perf_counter() - wall, time.process_time() - cpu
    filled = filler.predict(GridSpec.regular(1.0), "month").compute()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "soundings": len(known), "functions": filler.basis_.size, "nodes": filler.nodes_.number,
        "cells": filled["xco2"].size, "fit_wall": fitted[0], "fit_cpu": fitted[1],
        "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu,
        "peak_mib": peak, "before_mib": before, **filler.diagnostics_,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--number", type=int, default=SOUNDINGS)
    parser.add_argument("--orbits", type=int, default=ORBITS)
    parser.add_argument("--child", action="store_true")
    options = parser.parse_args()
    if options.child:
        print(json.dumps(run(options.number, options.orbits)))
        return
    command = [sys.executable, __file__, "--child", "--number", str(options.number)]
    done = subprocess.run(
        [*command, "--orbits", str(options.orbits)],
        capture_output=True,
        text=True,
        check=True,
        # on matrices of 400 rows threads of BLAS wait for each other: two take 1.5 times as long
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    )
    found = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{found['soundings']} soundings, {found['functions']} functions, {found['nodes']} nodes, "
        f"{found['cells']} cells: fit {found['fit_wall']:.1f} s ({found['fit_cpu']:.1f} s CPU, "
        f"{found['rounds']} rounds), all {found['wall']:.1f} s ({found['cpu']:.1f} s CPU), "
        f"peak {found['peak_mib']:.0f} MiB (soundings and code {found['before_mib']:.0f} MiB)"
    )


if __name__ == "__main__":
    main()

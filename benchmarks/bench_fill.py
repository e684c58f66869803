"""Time local space-time kriging against GSTools: 10,000 observations onto 20,000 cells.

    YAOTAN_GSTOOLS_PYTHON=/path/to/python python benchmarks/bench_fill.py

The Python named by the environment variable has GSTools installed (its pins need not fit ours); without it
only yaotan is timed. Every run is a process of its own, one thread. Observations lie along 500 simulated
tracks over Asia and a year, the map is of one moment, the covariance is a given product-sum model; errors of
observations are independent, the mean is zero and known, so that both solve the same equations. GSTools has
no moving neighbourhood. It is timed as it is (every cell from all 10,000 observations, 100 cells) and with
one object for each cell on the neighbours that yaotan chose (1,000 cells); on those the two must agree.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
OBSERVATIONS, GLOBAL_CELLS, LOCAL_CELLS = 10_000, 100, 1_000
BOUNDS = (70.0, 10.0, 140.0, 60.0)
SPACE, TIME, JOINT, SPACE_RANGE, TIME_RANGE = 0.4, 0.2, 1.2, 600e3, 15.0


def observations() -> Any:
    from yaotan.column.fill.observation import Observations

    rng = np.random.default_rng(7)
    tracks = 500
    begin = np.sort(np.r_[0.0, 365.0, rng.uniform(0, 365, tracks - 2)])
    lat = np.sort(rng.uniform(12, 58, (tracks, OBSERVATIONS // tracks)), axis=1)
    lon = rng.uniform(72, 138, tracks)[:, None] - 0.25 * (lat - 35)
    day = begin[:, None] + (lat - 12) / 46 * 0.006
    order = np.argsort(day.ravel(), kind="stable")
    sigma = rng.uniform(0.4, 0.8, OBSERVATIONS)
    return Observations(
        lat.ravel()[order], lon.ravel()[order],
        np.datetime64("2019-01-01", "ns") + (day.ravel()[order] * 86400e9).astype("m8[ns]"),
        rng.normal(0, 1.3, OBSERVATIONS), sigma, np.zeros_like(sigma),
        np.repeat(np.arange(tracks), OBSERVATIONS // tracks)[order], np.ones(OBSERVATIONS, np.int64),
        "xco2", "ppm",
    )  # fmt: skip


def filler(known: Any) -> Any:
    """The library's kriging with a mean of zero, so that GSTools can be given the same problem."""
    from dataclasses import replace

    from yaotan.column.fill.covariance import ProductSum
    from yaotan.column.fill.kriging import SpaceTimeKriging
    from yaotan.column.fill.mean import MeanModel

    model = ProductSum(SPACE, TIME, JOINT, 0.0, SPACE_RANGE, TIME_RANGE)
    made = SpaceTimeKriging(MeanModel(0, 0, 0), model=model, error_length=0.0, support="point").fit(known)
    none = np.zeros_like(made.mean_.coefficients), np.zeros_like(made.mean_.covariance)
    made.mean_ = replace(made.mean_, reference=0.0, coefficients=none[0], covariance=none[1])
    return made.condition(known)


def ours(folder: Path) -> dict[str, float]:
    import dask

    from yaotan import GridSpec

    known = observations()
    begin = time.process_time()
    made = filler(known)
    fitting = time.process_time() - begin
    spec = GridSpec.regular((0.5, 0.35), BOUNDS)
    moment = np.datetime64("2019-07-01T12:00", "ns")
    made.predict_at([30.0], [100.0], moment)
    filled = made.predict(spec, [moment])
    wall, cpu = time.perf_counter(), time.process_time()
    with dask.config.set(scheduler="synchronous"):
        filled = filled.compute()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lat, lon = np.meshgrid(filled["lat"], filled["lon"], indexing="ij")
    hand_over(folder, made, lat.ravel(), lon.ravel(), moment, filled)
    return {"cells": lat.size, "wall": wall, "cpu": cpu, "peak_mib": peak, "fit_cpu": fitting}


def hand_over(folder: Path, made: Any, lat: Any, lon: Any, moment: Any, filled: Any) -> None:
    """Write the same problem for GSTools, and our answers at the cells that it is asked for."""
    from yaotan.column.fill.observation import days_of
    from yaotan.geodesy import sphere_point

    known = made.observations_
    chosen = np.sort(np.random.default_rng(1).choice(lat.size, LOCAL_CELLS, replace=False))
    days = np.full(LOCAL_CELLS, float(days_of(moment)))
    target = sphere_point(lat[chosen], lon[chosen])
    rows, counts = made._local.near.search(target, days)
    assert (counts == rows.shape[1]).all()
    np.savez(
        folder / "problem.npz",
        place=np.vstack([sphere_point(known.latitude, known.longitude).T, known.days]),
        value=known.value, error=known.sigma**2, target=np.vstack([target.T, days]), rows=rows,
        parameters=[SPACE, TIME, JOINT, SPACE_RANGE, TIME_RANGE],
        field=filled["xco2"].values.ravel()[chosen], sigma=filled["xco2_uncertainty"].values.ravel()[chosen],
    )  # fmt: skip


def run(command: list[str]) -> dict[str, Any]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    if command[0] != sys.executable:
        environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def peer(python: str, folder: Path) -> None:
    problem = dict(np.load(folder / "problem.npz"))
    few = {**problem, "target": problem["target"][:, :GLOBAL_CELLS]}
    np.savez(folder / "global.npz", **few)
    script = [python, str(HERE / "peer_gstools.py")]
    one = run([*script, "--input", str(folder / "problem.npz"), "--output", str(folder / "local_out.npz"),
               "--mode", "local"])  # fmt: skip
    print_peer(f"GSTools {one['version']}, same neighbours", one, LOCAL_CELLS)
    answer = np.load(folder / "local_out.npz")
    print(
        f"largest difference: value {np.abs(answer['field'] - problem['field']).max():.1e}, "
        f"variance {np.abs(answer['variance'] - problem['sigma'] ** 2).max():.1e}"
    )
    whole = run([*script, "--input", str(folder / "global.npz"), "--output", str(folder / "global_out.npz"),
                 "--mode", "global"])  # fmt: skip
    print_peer(f"GSTools {whole['version']}, all observations", whole, GLOBAL_CELLS)


def print_peer(name: str, found: dict[str, Any], cells: int) -> None:
    print(
        f"{name:<36} {cells:>6} cells  {1e3 * found['cpu_targets'] / cells:9.3f} ms CPU a cell, "
        f"{found['cpu'] - found['cpu_targets']:.1f} s to set up, {found['peak_mib']:.0f} MiB"
    )
    print(f"{'':<36} ratio a cell {found['cpu_targets'] / cells / OURS['cpu'] * OURS['cells']:.1f}")


OURS: dict[str, Any] = {}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--child")
    options = parser.parse_args()
    if options.child:
        print(json.dumps(ours(Path(options.child))))
        return
    with tempfile.TemporaryDirectory() as name:
        runs = [run([sys.executable, __file__, "--child", name]) for _ in range(3)]
        OURS.update(min(runs, key=lambda one: one["cpu"]))
        print(
            f"{'yaotan, 64 neighbours':<36} {OURS['cells']:>6} cells  "
            f"{1e3 * OURS['cpu'] / OURS['cells']:9.3f} ms CPU a cell, {OURS['cpu']:.2f} s CPU, "
            f"{OURS['wall']:.2f} s wall, peak {OURS['peak_mib']:.0f} MiB "
            f"(preparing: {OURS['fit_cpu']:.2f} s CPU)"
        )
        python = os.environ.get("YAOTAN_GSTOOLS_PYTHON")
        if python is None:
            print("GSTools is not timed: set YAOTAN_GSTOOLS_PYTHON to a Python that has it")
        else:
            peer(python, Path(name))


if __name__ == "__main__":
    main()

"""Accuracy and time of plume methods on the fixed scenes of the peers folder, beside ddeq on the same scenes.

    python benchmarks/bench_plume.py [--peers FOLDER] [--scenes 400] [--first 5001] [--paired 48] [--work DIR]

The maker is ``ddeq_scene.py`` of the peers folder: 500 kg/s from a point, 5 m/s known exactly, 0.7 ppm, 2 km,
8 directions of the wind. The noise of every scene is drawn as the maker draws it; the plume of a direction is
made once. Seconds are those of the processor, one thread (OMP_NUM_THREADS=1).

With YAOTAN_DDEQ=<python of its pinned environment> (ddeq_requirements.txt of the peers folder) ddeq runs on
the first `--paired` of these scenes (some 10 s each), and errors are compared scene by scene. What it found
is kept in `--work`, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import yaotan
from yaotan.plume.ensemble import run_members
from yaotan.plume.sharing import shared_work
from yaotan.simulate.plume import PlumeSetting, simulate_plume

HERE = Path(__file__).resolve().parent
AVOGADRO = 6.02214076e23
RATE = 500.0
DIRECTIONS = (245.0, 200.0, 215.0, 230.0, 255.0, 265.0, 190.0, 275.0)
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("no2", "cross_section", {"shape_from": "no2"}),
    ("xco2", "cross_section", {}),
    ("xco2", "gaussian", {}),
    ("no2", "ime", {"shape_from": "no2"}),
    ("xco2", "ime", {}),
    ("xco2", "light_cross_section", {}),
]
#: our case -> gas of ddeq's mask, its method
PAIRS = {
    "cross_section, NO2": [("NO2", "csf"), ("NO2", "csf_no2")],
    "cross_section": [("CO2", "csf")],
    "gaussian": [("NO2", "gp")],
    "ime, NO2": [("NO2", "ime")],
    "ime": [("CO2", "ime")],
    "light_cross_section": [("NO2", "lcsf")],
}
#: scenes on which methods are timed, each by itself
TIMED = 24
#: what the bar of speed adds up, beside the preparation: one by one, and as an ensemble runs them, with what
#: they share
SPEED = ["cross_section", "ime", "gaussian"]


def as_scene(made: xr.Dataset) -> xr.Dataset:
    image = ("y", "x")
    amount = 1e4 / AVOGADRO
    return xr.Dataset(
        {
            "xco2": (image, made.CO2.values, {"units": "ppm"}),
            "xco2_uncertainty": (image, made.CO2_std.values, {"units": "ppm"}),
            "no2": (image, made.NO2.values * amount, {"units": "mol m-2"}),
            "no2_uncertainty": (image, made.NO2_std.values * amount, {"units": "mol m-2"}),
            "surface_pressure": (image, made.psurf.values / 100.0, {"units": "hPa"}),
        },
        coords={
            "latitude": (image, made.lat.values),
            "longitude": (image, made.lon.values),
            "latitude_corner": ((*image, "corner"), made.latc.values),
            "longitude_corner": ((*image, "corner"), made.lonc.values),
        },
    )


def noise(seed: int, shape: tuple[int, ...]) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, 0.7, shape), rng.normal(0.0, 1.5e15, shape) * 1e4 / AVOGADRO


class Scenes:
    """Scenes of the maker by seed and direction, each plume made once."""

    def __init__(self, peers: Path) -> None:
        sys.path.insert(0, str(peers))
        from ddeq_scene import LAT0, LON0, make_scene

        self.plant = yaotan.plume.make_sources(["Plant"], [LON0], [LAT0])
        self.made = {direction: make_scene(1, wind_dir=direction) for direction in DIRECTIONS}
        self.base = {direction: as_scene(made) for direction, made in self.made.items()}

    def wind(self, direction: float) -> yaotan.EffectiveWind:
        made = self.made[direction].attrs
        return yaotan.EffectiveWind(
            made["u"], made["v"], uncertainty={"wind_speed": 1.0}, direction_uncertainty=10.0
        )

    def draw(self, seed: int, direction: float) -> xr.Dataset:
        base = self.base[direction]
        first, drawn = (noise(one, base.xco2.shape) for one in (1, seed))
        names = ("xco2", "no2")
        scene = base.assign({v: base[v] - old + new for v, old, new in zip(names, first, drawn, strict=True)})
        for name in names:
            scene[name].attrs = base[name].attrs
        return scene


def run_ours(scenes: Scenes, chosen: list[tuple[int, float]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Errors of every method, and seconds of each by itself on the first `TIMED` scenes."""
    errors, seconds = defaultdict(list), defaultdict(list)
    for seed, direction in chosen:
        scene, wind = scenes.draw(seed, direction), scenes.wind(direction)
        begin = time.process_time()
        massed = yaotan.column_mass(scene, variable="xco2", water_vapour=False)
        found = {name: yaotan.detect_plumes(massed, scenes.plant, variable=name) for name in ("xco2", "no2")}
        seconds["preparation"].append((time.process_time() - begin) / 2.0)
        timed = len(seconds["preparation"]) <= TIMED
        if timed:
            begin = time.process_time()
            run_members(found["xco2"], scenes.plant, {"given": wind}, methods=SPEED)
            seconds["three methods"].append(time.process_time() - begin)
        with nullcontext() if timed else shared_work():
            for gas, method, more in CASES:
                begin = time.process_time()
                one = yaotan.estimate_point_source(found[gas], scenes.plant, wind, method=method, **more)
                key = f"{method}, NO2" if more else method
                if timed:
                    seconds[key].append(time.process_time() - begin)
                errors[key].append(float(one.emission[0]) / RATE - 1.0)
    return {key: np.array(value) for key, value in errors.items()}, seconds


def run_ddeq(python: str, peers: Path, chosen: list[tuple[int, float]], work: Path) -> dict[int, Any]:
    output = work / "ddeq.jsonl"
    command = [python, HERE / "peer_ddeq.py", "--peers", peers, "--output", output]
    subprocess.run([*map(str, command), "--scenes", json.dumps(chosen)], check=True)
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    return {line["seed"]: line for line in lines}


def describe(errors: np.ndarray, seconds: list[float]) -> dict[str, float]:
    e = errors[np.isfinite(errors)]
    bound = abs(e.mean()) + 1.645 * e.std(ddof=1) / np.sqrt(e.size)
    return {
        "scenes": int(e.size),
        "no estimate": int(errors.size - e.size),
        "mean error": float(e.mean()),
        "upper 95 % of its size": float(bound),
        "rmse": float(np.sqrt(np.mean(e**2))),
        "seconds": float(np.median(seconds)),
    }


def compare(
    errors: dict[str, Any], peer: dict[int, Any], chosen: list[tuple[int, float]]
) -> dict[str, dict[str, Any]]:
    """RMSE of both on the scenes where both have an estimate; bootstrap interval of the difference."""
    rng = np.random.default_rng(0)
    table = {}
    for key, others in PAIRS.items():
        for mask, method in others:
            found = [peer[seed][mask].get(method, {}) for seed, _ in chosen]
            theirs = np.array([one.get("relative_error", np.nan) for one in found], float)
            both = np.isfinite(theirs) & np.isfinite(errors[key][: theirs.size])
            square = np.stack([errors[key][: theirs.size][both], theirs[both]]) ** 2
            draws = square[:, rng.integers(0, both.sum(), (4000, both.sum()))].mean(axis=-1) ** 0.5
            low, high = np.quantile(draws[0] - draws[1], [0.025, 0.975])
            ours, rmse = np.sqrt(square.mean(axis=1))
            table[f"{key} | ddeq {method}, {mask} mask"] = {
                "scenes": int(both.sum()),
                "ddeq without an estimate": int((~np.isfinite(theirs)).sum()),
                "rmse": float(ours),
                "ddeq rmse": float(rmse),
                "ddeq mean error": float(theirs[both].mean()),
                "95 % of the difference": [float(low), float(high)],
            }
    return table


def time_ddeq(peer: dict[int, Any]) -> float:
    """Seconds of the processor of ddeq for what the bar of speed adds up, median over scenes."""
    seconds = []
    for line in peer.values():
        if line.get("clock") != "cpu":
            continue
        parts = [line["NO2"].get(name, {}).get("seconds") for name in ("prepare", "csf", "ime", "gp")]
        if all(part is not None for part in parts):
            seconds.append(sum(parts))
    return float(np.median(seconds))


def make_swath(rows: int = 811, columns: int = 123, count: int = 10) -> tuple[xr.Dataset, Any]:
    """An orbit of 2 km pixels with a plume every 69 rows, and its sources."""
    step = rows // (count + 1)
    place = (float(step) / rows, 0.45)
    setting = PlumeSetting(size=rows, place=place, direction=260.0, noise=1e-6, slope=0.0)
    scene, _ = simulate_plume(setting, 7)
    half = slice(round(place[1] * rows) - 25, round(place[1] * rows) - 25 + columns)
    cut = scene.isel(x=half)
    one = cut.xco2.values - float(np.median(cut.xco2.values))
    plumes = sum(np.roll(one, k * step, axis=0) for k in range(count))
    drawn = np.random.default_rng(7).normal(0.0, 0.7, one.shape)
    swath = cut.assign(
        xco2=(("y", "x"), 410.0 + plumes + drawn, {"units": "ppm"}),
        xco2_uncertainty=(("y", "x"), np.full(one.shape, 0.7), {"units": "ppm"}),
    )
    at = [(step * (k + 1), 25) for k in range(count)]
    parts = [[float(swath[name].values[spot]) for spot in at] for name in ("longitude", "latitude")]
    return swath, yaotan.plume.make_sources([f"S{k}" for k in range(count)], *parts)


def time_swath() -> dict[str, float]:
    """Detection, and three methods of every source."""
    swath, sources = make_swath()
    wind = yaotan.EffectiveWind.from_direction(
        5.0, 260.0, uncertainty={"wind_speed": 1.0}, direction_uncertainty=10.0
    )
    begin = time.process_time()
    massed = yaotan.column_mass(swath, variable="xco2", water_vapour=False)
    found = yaotan.detect_plumes(massed, sources, variable="xco2")
    seconds = {"preparation": time.process_time() - begin}
    begin = time.process_time()
    members = run_members(found, sources, {"given": wind}, methods=SPEED)
    seconds["three methods"] = time.process_time() - begin
    given = sum(bool(np.isfinite(result.emission)) for member in members for result in member.results)
    return {**seconds, "together": sum(seconds.values()), "estimates": given}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=Path, default=HERE.parents[1] / "shared" / "peers")
    parser.add_argument("--scenes", type=int, default=400)
    parser.add_argument("--first", type=int, default=5001)
    parser.add_argument("--paired", type=int, default=48)
    parser.add_argument("--work", type=Path)
    options = parser.parse_args()
    chosen = [(options.first + k, DIRECTIONS[k % len(DIRECTIONS)]) for k in range(options.scenes)]
    errors, seconds = run_ours(Scenes(options.peers), chosen)
    table: dict[str, Any] = {key: describe(found, seconds[key]) for key, found in errors.items()}
    ours = {
        f"one scene, {how}, seconds": sum(float(np.median(seconds[key])) for key in ("preparation", *keys))
        for how, keys in (("one by one", SPEED), ("shared", ["three methods"]))
    }
    table["speed"] = {**ours, "swath, seconds": time_swath()}
    python = os.environ.get("YAOTAN_DDEQ")
    if python:
        with tempfile.TemporaryDirectory() as folder:
            paired = chosen[: options.paired]
            peer = run_ddeq(python, options.peers, paired, options.work or Path(folder))
        table["beside ddeq"] = compare(errors, peer, paired)
        table["speed"]["one scene, seconds of ddeq"] = time_ddeq(peer)
    print(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()

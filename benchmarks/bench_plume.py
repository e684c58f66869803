"""Accuracy and time of plume methods on the fixed scenes of the peers folder.

    python benchmarks/bench_plume.py [--peers FOLDER] [--scenes 216]

The maker is ``ddeq_scene.py`` of the peers folder: 500 kg/s, 5 m/s known exactly, 0.7 ppm, 2 km, 8 directions
of the wind. The noise of every scene is drawn as the maker draws it; the plume of a direction is made once.
Seconds are those of the processor, one thread (OMP_NUM_THREADS=1). For ddeq 1.1 the seconds measured before
on one scene are printed: it needs a pinned environment of its own and is not run here.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

HERE = Path(__file__).resolve().parent
AVOGADRO = 6.02214076e23
DIRECTIONS = (245.0, 200.0, 215.0, 230.0, 255.0, 265.0, 190.0, 275.0)
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("no2", "cross_section", {"shape_from": "no2"}),
    ("xco2", "cross_section", {}),
    ("xco2", "gaussian", {}),
    ("xco2", "ime", {}),
    ("xco2", "light_cross_section", {}),
]
#: seconds of ddeq 1.1 (Python 3.11, numpy 2.2.6) on one scene, measured earlier on two shared cores
DDEQ_SECONDS = {"preparation": 2.7, "cross_section": 4.8, "ime": 0.10, "gaussian": 2.8}


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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=Path, default=HERE.parents[1] / "shared" / "peers")
    parser.add_argument("--scenes", type=int, default=216)
    options = parser.parse_args()
    sys.path.insert(0, str(options.peers))
    from ddeq_scene import LAT0, LON0, make_scene

    import yaotan

    plant = yaotan.plume.make_sources(["Plant"], [LON0], [LAT0])
    errors, seconds = defaultdict(list), defaultdict(list)
    each = -(-options.scenes // len(DIRECTIONS))
    for place, direction in enumerate(DIRECTIONS):
        made = make_scene(1, wind_dir=direction)
        base, first = as_scene(made), noise(1, made.CO2.shape)
        wind = yaotan.EffectiveWind(
            made.attrs["u"], made.attrs["v"], uncertainty={"wind_speed": 1.0}, direction_uncertainty=10.0
        )
        for seed in range(place * each + 1, (place + 1) * each + 1):
            drawn = noise(seed, made.CO2.shape)
            scene = base.assign(
                {v: base[v] - old + new for v, old, new in zip(("xco2", "no2"), first, drawn, strict=True)}
            )
            for name in ("xco2", "no2"):
                scene[name].attrs = base[name].attrs
            begin = time.process_time()
            massed = yaotan.column_mass(scene, variable="xco2", water_vapour=False)
            found = {name: yaotan.detect_plumes(massed, plant, variable=name) for name in ("xco2", "no2")}
            seconds["preparation"].append((time.process_time() - begin) / 2.0)
            for gas, method, more in CASES:
                begin = time.process_time()
                one = yaotan.estimate_point_source(found[gas], plant, wind, method=method, **more)
                key = f"{method} ({'NO2 shape' if more else 'CO2 alone'})"
                seconds[key].append(time.process_time() - begin)
                errors[key].append(float(one.emission[0]) / 500.0 - 1.0)
    table = {"preparation": {"seconds": float(np.median(seconds["preparation"]))}}
    for key, found_errors in errors.items():
        all_errors = np.array(found_errors)
        e = all_errors[np.isfinite(all_errors)]
        error = float(e.std(ddof=1) / np.sqrt(e.size))
        table[key] = {
            "scenes": int(e.size),
            "no estimate": int(all_errors.size - e.size),
            "mean error": float(e.mean()),
            "upper 95 % of its size": float(abs(e.mean()) + 1.645 * error),
            "rmse": float(np.sqrt(np.mean(e**2))),
            "seconds": float(np.median(seconds[key])),
        }
    ours = sum(
        table[key]["seconds"]
        for key in (
            "preparation",
            "cross_section (CO2 alone)",
            "ime (CO2 alone)",
            "gaussian (CO2 alone)",
        )
    )
    table["speed"] = {"ours": ours, "ddeq, as stated": sum(DDEQ_SECONDS.values())}
    print(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()

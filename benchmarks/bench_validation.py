"""Pairs of a million soundings with 30 stations, a model at a million soundings, and a change of prior."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

import yaotan
from yaotan.column.kernel.profile import Profile

N = 1_000_000
START = np.datetime64("2020-01-01", "ns")


def timed(what: str, call: Callable[[], Any]) -> Any:
    begin = time.perf_counter()
    made = call()
    seconds = time.perf_counter() - begin
    print(f"{what}: {seconds:.2f} s")
    return made


def table(rng: np.random.Generator, n: int, levels: int = 0) -> xr.Dataset:
    columns = {
        "time": START + np.sort(rng.integers(0, 365 * 86_400, n)).astype("timedelta64[s]"),
        "latitude": np.degrees(np.arcsin(rng.uniform(-0.95, 0.95, n))),
        "longitude": rng.uniform(-180, 180, n),
        "xco2": rng.normal(410, 1, n),
        "xco2_uncertainty": np.full(n, 0.5),
    }
    made = xr.Dataset({k: ("sounding", v) for k, v in columns.items()}, attrs={"platform": "OCO-2"})
    if levels:
        p = np.linspace(1010, 0.1, levels) * rng.uniform(0.9, 1.0, (n, 1))
        upright = {
            "pressure_level": p,
            "pressure_weight": np.full((n, levels), 1.0 / levels),
            "xco2_averaging_kernel": rng.uniform(0.5, 1.1, (n, levels)),
            "co2_prior_profile": rng.normal(400, 3, (n, levels)),
        }
        made = made.assign({k: (("sounding", "level"), v, {"units": "ppm"}) for k, v in upright.items()})
    return made


def main() -> None:
    rng = np.random.default_rng(0)
    many = table(rng, N)
    every = START + np.arange(0, 365 * 24 * 60, 20) * np.timedelta64(60, "s")
    stations = {}
    for k in range(30):
        lat, lon = rng.uniform(-45, 70), rng.uniform(-180, 180)
        one = {"time": every, "latitude": np.full(every.size, lat), "longitude": np.full(every.size, lon)}
        one |= {"xco2": rng.normal(410, 0.5, every.size), "xco2_uncertainty": np.full(every.size, 0.4)}
        stations[f"S{k:02d}"] = xr.Dataset({n: ("sounding", v) for n, v in one.items()})
    yaotan.collocate(many.isel(sounding=slice(0, 100_000)), stations, kernel="none")  # compiled, files cached
    pairs = timed(
        "collocate, 1 million soundings x 30 stations, box",
        lambda: yaotan.collocate(many, stations, kernel="none"),
    )
    print(f"  {pairs.sizes['pair']} pairs")
    timed(
        "collocate, radius 100 km", lambda: yaotan.collocate(many, stations, kernel="none", method="radius")
    )
    yaotan.validate(pairs.isel(pair=slice(0, 50)))
    timed("validate, all of them", lambda: yaotan.validate(pairs))
    axes = {
        "time": START + np.arange(366) * np.timedelta64(1, "D"),
        "lat": np.arange(-89.0, 90, 2),
        "lon": np.arange(-178.5, 180, 3),
    }
    field = rng.normal(410, 1, (366, 90, 120))
    grid = xr.Dataset({"xco2": (("time", "lat", "lon"), field)}, coords=axes)
    timed("sample_grid, 2-D, daily, 1 million soundings", lambda: yaotan.sample_grid(grid, many))
    upright = np.broadcast_to(np.linspace(415, 395, 25)[:, None, None], (25, 90, 120)) + rng.normal(
        0, 1, (366, 1, 90, 120)
    )
    model = xr.Dataset({"co2": (("time", "layer", "lat", "lon"), upright.astype("float32"))}, coords=axes)
    few = many.isel(sounding=slice(0, None, 5))
    timed("sample_grid, 25 layers, daily, 200,000 soundings", lambda: yaotan.sample_grid(model, few))
    kernels = table(rng, 200_000, levels=20)
    prior = Profile(np.linspace(405, 395, 50), np.linspace(1013, 0, 50), "level", "ppm")
    yaotan.harmonise_prior(kernels.isel(sounding=slice(0, 10)), prior)
    timed(
        "harmonise_prior, 50 to 20 levels, 200,000 soundings", lambda: yaotan.harmonise_prior(kernels, prior)
    )


if __name__ == "__main__":
    main()

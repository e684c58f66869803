"""Sub-windows, noise and clouds of SMARTCARB columns (Jänschwalde, 23 April 2015): a known emission."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.spatial import cKDTree

from yaotan.plane import local_plane
from yaotan.plume.detection import detect_plumes
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.mass import column_mass, dry_column
from yaotan.plume.method import estimate_point_source
from yaotan.plume.source import make_sources

#: mol m-2 for a molecule cm-2
MOLECULES = 1e4 / 6.02214076e23
#: noise of a pixel [ppm]: low, medium and high of the CO2M study
NOISES = (0.5, 0.7, 1.0)
CASES: dict[str, dict[str, Any]] = {
    "cross_section no2": {"shape_from": "no2"},
    "cross_section": {},
    "gaussian": {},
    "ime": {},
    "light_cross_section": {},
}
#: kilograms of CO2 for one ppm in a mole of air
PPM = 44.0095e-3 * 1e-6


class Scene:
    """Pixels of 2 km as CO2M has them: noise-free columns, the real clouds, NO2, and what is true of it."""

    def __init__(self, folder: Path) -> None:
        with (folder / "smartcarb_janschwalde_truth.csv").open() as file:
            rows = {row["source"]: row for row in csv.DictReader(file)}
        self.truth = {key: float(value) for key, value in rows["Janschwalde"].items() if key != "source"}
        self.emission = self.truth["co2_kg_s_at_11utc"]
        self.place = self.truth["lat"], self.truth["lon"]
        self.pixels = xr.open_dataset(folder / "smartcarb_janschwalde_20150423.nc").load()
        self.model = xr.open_dataset(folder / "smartcarb_janschwalde_model_1km.nc").load()
        self.hidden = np.isnan(self.pixels.xco2.values)
        self.source = make_sources(
            ["JV", "SP"],
            [self.place[1], float(rows["Schwarze Pumpe"]["lon"])],
            [self.place[0], float(rows["Schwarze Pumpe"]["lat"])],
        )

    def window(self, rng: np.random.Generator) -> tuple[slice, slice]:
        """Rows and columns of a sub-window: the source lies inside, and the plume for 40 km."""
        east, north = local_plane(self.pixels.lat.values, self.pixels.lon.values, *self.place)
        row, column = np.unravel_index(np.hypot(east, north).argmin(), east.shape)
        blows = math.radians(self.truth["wind_from_deg"] + 180.0)
        down = np.hypot(east - 40e3 * math.sin(blows), north - 40e3 * math.cos(blows)).argmin()
        far_row, far_column = np.unravel_index(down, east.shape)
        ends = []
        for near, far, size in ((row, far_row, east.shape[0]), (column, far_column, east.shape[1])):
            first = int(rng.integers(0, max(min(near, far) - 10, 0) + 1))
            last = int(rng.integers(min(max(near, far) + 11, size), size + 1))
            ends.append(slice(first, last))
        return ends[0], ends[1]

    def draw(self, seed: int, noise: float, *, clouds: str = "moved", whole: bool = False) -> xr.Dataset:
        """Sub-window with new noise; clouds "moved" (the real mask, turned and shifted), "own" or "none"."""
        rng = np.random.default_rng(seed)
        rows, columns = (slice(None), slice(None)) if whole else self.window(rng)
        p = self.pixels
        image = ("y", "x")
        hidden = {"own": self.hidden, "none": np.zeros_like(self.hidden)}.get(clouds)
        if hidden is None:
            turned = self.hidden[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]
            hidden = np.roll(turned, tuple(int(rng.integers(0, n)) for n in turned.shape), (0, 1))
        x = p.true_xco2_noise_free.values + rng.normal(0.0, noise, hidden.shape)
        no2 = p.no2.values * MOLECULES
        data = {
            "xco2": np.where(hidden, np.nan, x),
            "xco2_uncertainty": np.full(x.shape, noise),
            "no2": no2,
            "no2_uncertainty": p.no2_uncertainty.values * MOLECULES,
            "surface_pressure": p.surface_pressure.values / 100.0,
        }
        units = {"xco2": "ppm", "xco2_uncertainty": "ppm", "surface_pressure": "hPa"}
        coords = {
            "latitude": (image, p.lat.values.astype(float)),
            "longitude": (image, p.lon.values.astype(float)),
            "latitude_corner": ((*image, "corner"), p.lat_corners.values.astype(float)),
            "longitude_corner": ((*image, "corner"), p.lon_corners.values.astype(float)),
        }
        scene = xr.Dataset(
            {name: (image, value, {"units": units.get(name, "mol m-2")}) for name, value in data.items()},
            coords=coords,
        )
        return scene.isel(y=rows, x=columns)

    def wind(self, rng: np.random.Generator | None = None) -> EffectiveWind:
        """Wind at the source; with `rng` wrong by its stated errors, 1 m/s and 10 degrees."""
        speed, direction = self.truth["wind_speed"], self.truth["wind_from_deg"]
        if rng is not None:
            speed, direction = speed + rng.normal(0.0, 1.0), direction + rng.normal(0.0, 10.0)
        return EffectiveWind.from_direction(
            speed, direction, uncertainty={"wind_speed": 1.0}, direction_uncertainty=10.0
        )

    def line_density(self, edges: np.ndarray, *, constant: bool = False) -> np.ndarray:
        """Line density of the plant's own tracer between distances [kg m-1], without noise."""
        m = self.model
        east, north = local_plane(m.lat.values, m.lon.values, *self.place)
        tracer = m.true_xco2_jc.values if constant else m.true_xco2_jv.values
        mass = tracer * PPM * dry_column(m.surface_pressure.values / 100.0)
        way = np.hypot(east, north)
        place = np.digitize(way, edges) - 1
        area = cell_area(east, north)
        inside = (place >= 0) & (place < edges.size - 1)
        total = np.bincount(place[inside], (mass * area)[inside], edges.size - 1)
        return total / np.diff(edges)

    def wind_along(self, edges: np.ndarray) -> np.ndarray:
        """Model wind of the hour at the tracer between distances, by its mass [m s-1]."""
        m, p = self.model, self.pixels
        east, north = local_plane(m.lat.values, m.lon.values, *self.place)
        grid = local_plane(p.wind_lat.values, p.wind_lon.values, *self.place)
        at = np.column_stack([part.ravel() for part in grid])
        near = cKDTree(at).query(np.column_stack([east.ravel(), north.ravel()]))[1]
        speed = np.hypot(p.u_gnfr_a.values.ravel(), p.v_gnfr_a.values.ravel())[near].reshape(east.shape)
        place = np.digitize(np.hypot(east, north), edges) - 1
        weight = np.maximum(m.true_xco2_jv.values, 0.0)
        inside = (place >= 0) & (place < edges.size - 1)
        sums = [np.bincount(place[inside], v[inside], edges.size - 1) for v in (weight * speed, weight)]
        return sums[0] / sums[1]


def cell_area(east: np.ndarray, north: np.ndarray) -> np.ndarray:
    """Area of the cells of a curved grid by their central differences [m2]."""
    (e0, e1), (n0, n1) = np.gradient(east), np.gradient(north)
    return np.abs(e0 * n1 - e1 * n0)


def run_scenes(
    scene: Scene,
    seeds: range,
    *,
    cases: Mapping[str, dict[str, Any]] = CASES,
    wrong_wind: bool = True,
    clouds: str = "moved",
    wind: EffectiveWind | None = None,
    whole: bool = False,
) -> pd.DataFrame:
    """Estimates of Jänschwalde: one row for each method, seed and noise; error and sigma over the truth."""
    rows = []
    for seed in seeds:
        noise = NOISES[seed % len(NOISES)]
        given = wind or scene.wind(np.random.default_rng(7_000 + seed) if wrong_wind else None)
        massed = column_mass(
            scene.draw(seed, noise, clouds=clouds, whole=whole), variable="xco2", water_vapour=False
        )
        found = {gas: detect_plumes(massed, scene.source, variable=gas) for gas in ("no2", "xco2")}
        for name, options in cases.items():
            gas = "no2" if options.get("shape_from") == "no2" else "xco2"
            made = estimate_point_source(
                found[gas], scene.source.iloc[:1], given, method=name.split()[0], **options
            )
            rows.append(
                {
                    "method": name,
                    "seed": seed,
                    "noise": noise,
                    "status": int(made.status[0]),
                    "error": float(made.emission[0]) / scene.emission - 1.0,
                    "sigma": float(made.emission_uncertainty[0]) / scene.emission,
                    "detected": bool((found["xco2"].plume > 0).any()),
                }
            )
    return pd.DataFrame(rows)


def score_rows(rows: pd.DataFrame) -> pd.Series:
    """Number, bias, median, RMSE, mean sigma, coverage, share without an estimate."""
    good = rows[np.isfinite(rows.error)]
    z = (good.error / good.sigma).abs()
    return pd.Series(
        {
            "n": len(good),
            "mean": good.error.mean(),
            "median": good.error.median(),
            "rmse": math.sqrt((good.error**2).mean()),
            "sd": good.error.std(),
            "sigma": good.sigma.mean(),
            "one": (z < 1.0).mean(),
            "two": (z < 2.0).mean(),
            "estimated": len(good) / len(rows),
        }
    )


def implied_wind(scene: Scene, edges: np.ndarray) -> EffectiveWind:
    """Wind at the source with the history that the tracer of a constant emission implies, which nobody has.

    Its mass up to a distance over its emission is the age of the air there, its emission over its line
    density the wind when that air left the stack, if the wind changed in time and not in space.
    """
    constant = scene.truth["co2_Mt_annual_2015"] * 1e9 / (365 * 86400.0)
    density = scene.line_density(edges, constant=True)
    age = np.cumsum(density * np.diff(edges)) / constant
    middle = age - density * np.diff(edges) / constant / 2.0
    speed = constant / density
    # relative to the wind at the source, which is that of the overpass
    history = [(0.0, scene.truth["wind_speed"])]
    history += [(float(a), float(s)) for a, s in zip(middle, speed, strict=True)]
    return replace(scene.wind(), history=tuple(history))


def run_choices(scene: Scene, seeds: range) -> pd.DataFrame:
    """Mean error by method, length of the plume and wind, without clouds, with the wind of the model."""
    edges = np.arange(0.0, 81e3, 10e3)
    source = scene.wind()
    along = float(np.mean(scene.wind_along(edges)))
    winds = {
        "source": source,
        "along the plume": source.scaled(along / source.speed),
        "with history": implied_wind(scene, edges),
    }
    out = []
    for name, wind in winds.items():
        for length in (25e3, 40e3, 60e3, 90e3):
            methods = ("cross_section", "gaussian", "ime", "light_cross_section")
            cases = {method: {"length": length} for method in methods}
            rows = run_scenes(scene, seeds, cases=cases, clouds="none", wind=wind, whole=True)
            means = rows.groupby("method")["error"].mean()
            out.append({"wind": name, "length": length} | means.to_dict())
    return pd.DataFrame(out)

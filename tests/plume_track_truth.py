"""Crossings of real model columns: what a sounder would have seen of a plume whose emission is known."""

from __future__ import annotations

import csv
import math
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from scipy.spatial import cKDTree

from yaotan.plane import local_plane
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import NoEstimateError
from yaotan.plume.mass import column_mass
from yaotan.plume.source import make_sources
from yaotan.plume.track import track_gaussian
from yaotan.simulate.plume import PlumeSetting, simulate_plume

#: eight footprints across, rows of 2.25 km along the track (OCO-2)
FOOTPRINT_ALONG, FOOTPRINT_ACROSS, FOOTPRINTS = 2250.0, 1300.0, 8


class Columns:
    """Fine columns round one plant, and what is true of it."""

    place: tuple[float, float]
    emission: float
    speed: float
    direction: float
    tree: cKDTree
    total: np.ndarray
    tracer: np.ndarray
    pressure: np.ndarray
    #: points of the fine columns are at most this far from any place among them [m]
    reach: float = 1200.0

    def source(self) -> gpd.GeoDataFrame:
        return make_sources(["JV"], self.place[1], self.place[0])

    def mean(self, field: np.ndarray, east: np.ndarray, north: np.ndarray, turn: float) -> np.ndarray:
        """Mean over footprints of 3 x 3 points each; NaN beyond the model."""
        out = np.zeros(east.shape)
        for a in (-1, 0, 1):
            for c in (-1, 0, 1):
                along, across = a * FOOTPRINT_ALONG / 3.0, c * FOOTPRINT_ACROSS / 3.0
                e = east + along * math.sin(turn) - across * math.cos(turn)
                n = north + along * math.cos(turn) + across * math.sin(turn)
                far, k = self.tree.query(np.column_stack([e.ravel(), n.ravel()]))
                out += np.where(far < self.reach, field[k], np.nan).reshape(east.shape) / 9.0
        return out

    def cross(
        self,
        distance: float,
        angle: float,
        seed: int,
        *,
        noise: float = 0.5,
        shared: float = 0.3,
        gaps: float = 0.1,
        tracer_only: bool = False,
    ) -> xr.Dataset:
        """Soundings of a track that meets the axis of the plume `distance` [m] downwind at `angle` [degree].

        `noise` [ppm] is of one sounding, `shared` [ppm] an error with a correlation length of 15 km.
        """
        rng = np.random.default_rng(seed)
        blows = math.radians(self.direction + 180.0)
        turn = blows + math.radians(angle)
        rows = np.arange(-150e3, 150e3, FOOTPRINT_ALONG)
        columns = (np.arange(FOOTPRINTS) - (FOOTPRINTS - 1) / 2.0) * FOOTPRINT_ACROSS
        along, across = np.meshgrid(rows + rng.uniform(0, FOOTPRINT_ALONG), columns, indexing="ij")
        east = distance * math.sin(blows) + along * math.sin(turn) - across * math.cos(turn)
        north = distance * math.cos(blows) + along * math.cos(turn) + across * math.sin(turn)
        x = self.mean(self.tracer if tracer_only else self.total, east, north, turn)
        gap = np.abs(rows[:, None] - rows)
        root = np.linalg.cholesky(np.exp(-gap / 15e3) + 1e-9 * np.eye(rows.size))
        x = x + rng.normal(0.0, noise, x.shape) + shared * (root @ rng.normal(size=rows.size))[:, None]
        x[rng.uniform(size=x.shape) < gaps] = np.nan
        pressure = self.mean(self.pressure, east, north, turn)
        return self._dataset(east, north, x, pressure, math.hypot(noise, shared))

    def _dataset(
        self, east: np.ndarray, north: np.ndarray, x: np.ndarray, pressure: np.ndarray, sigma: float
    ) -> xr.Dataset:
        from pyproj import Geod

        good = np.isfinite(x)
        azimuth = np.degrees(np.arctan2(east[good], north[good]))
        start = [np.full(int(good.sum()), value) for value in (self.place[1], self.place[0])]
        lon, lat, _ = Geod(ellps="WGS84").fwd(*start, azimuth, np.hypot(east, north)[good])
        data = xr.Dataset(
            {
                "latitude": ("sounding", lat),
                "longitude": ("sounding", lon),
                "xco2": ("sounding", x[good], {"units": "ppm"}),
                "xco2_uncertainty": ("sounding", np.full(lat.size, sigma), {"units": "ppm"}),
                "surface_pressure": ("sounding", pressure[good], {"units": "Pa"}),
            }
        )
        return column_mass(data)

    def wind(self, rng: np.random.Generator | None = None, speed_error: float = 1.0) -> EffectiveWind:
        """Wind at the stack; with `rng` its speed and its direction are wrong by their stated errors."""
        speed, direction = self.speed, self.direction
        if rng is not None:
            speed = max(speed + rng.normal(0.0, speed_error), 0.5)
            direction += rng.normal(0.0, 10.0)
        return EffectiveWind.from_direction(
            speed, direction, uncertainty={"wind_speed": speed_error}, direction_uncertainty=10.0
        )


class ModelColumns(Columns):
    """Model columns of one hour (SMARTCARB, 1.1 km)."""

    def __init__(self, folder: Path) -> None:
        model = xr.open_dataset(folder / "smartcarb_janschwalde_model_1km.nc").load()
        with (folder / "smartcarb_janschwalde_truth.csv").open() as file:
            self.truth = {row["source"]: row for row in csv.DictReader(file)}["Janschwalde"]
        self.place = float(self.truth["lat"]), float(self.truth["lon"])
        self.emission = float(self.truth["co2_kg_s_at_11utc"])
        east, north = local_plane(model.lat.values, model.lon.values, *self.place)
        self.speed = float(self.truth["wind_speed"])
        self.direction = float(self.truth["wind_from_deg"])
        self.tree = cKDTree(np.column_stack([east.ravel(), north.ravel()]))
        self.total = model.true_xco2_total.values.ravel().astype(float)
        self.tracer = model.true_xco2_jv.values.ravel().astype(float)
        self.pressure = model.surface_pressure.values.ravel().astype(float)
        scene = xr.open_dataset(folder / "smartcarb_janschwalde_20150423.nc").load()
        wind_place = local_plane(scene.wind_lat.values, scene.wind_lon.values, *self.place)
        self.wind_tree = cKDTree(np.column_stack([part.ravel() for part in wind_place]))
        self.u = scene.u_gnfr_a.values.ravel().astype(float)
        self.v = scene.v_gnfr_a.values.ravel().astype(float)

    def wind_at(self, east: float, north: float) -> tuple[float, float]:
        """Model wind at the height of power plants."""
        k = int(self.wind_tree.query([east, north])[1])
        return float(self.u[k]), float(self.v[k])


class TurbulentColumns(Columns):
    """Columns of 1 km: a plume that meanders, an emission that varies, a background with structure."""

    reach = 800.0

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.speed, self.direction = float(rng.uniform(3.0, 9.0)), float(rng.uniform(0.0, 360.0))
        setting = PlumeSetting(
            rate=float(np.exp(rng.uniform(np.log(400.0), np.log(1500.0)))),
            speed=self.speed,
            direction=self.direction,
            noise=1e-9,
            size=150,
            pixel=1000.0,
            place=(0.5, 0.5),
            spread=float(rng.uniform(70.0, 180.0)),
            turbulence=float(rng.uniform(0.05, 0.25)),
            rate_variation=0.1,
            structure=float(rng.uniform(0.1, 0.4)),
        )
        scene, truth = simulate_plume(setting, seed + 20_000)
        self.place, self.emission = (setting.latitude, setting.longitude), truth.rate
        east, north = local_plane(scene.latitude.values, scene.longitude.values, *self.place)
        self.tree = cKDTree(np.column_stack([east.ravel(), north.ravel()]))
        self.total = scene.xco2.values.ravel().astype(float)
        self.tracer = self.total
        self.pressure = np.full(self.total.size, 98000.0)


def cross_often(columns: Columns, seeds: range, *, farthest: float = 60e3) -> pd.DataFrame:
    """Crossings at random angles and distances with a wrong wind: error and stated sigma over the truth.

    One row for each seed: ``angle`` (of the geometry, 0 to 90), ``distance`` [m], ``wind`` as drawn [m s-1],
    ``status``, ``error``, ``sigma``, and ``term_<name>``.
    """
    rows = []
    for seed in seeds:
        rng = np.random.default_rng(90_000 + seed)
        angle, distance = float(rng.uniform(10.0, 170.0)), float(rng.uniform(3e3, farthest))
        wind = columns.wind(rng)
        row = {"angle": min(angle, 180.0 - angle), "distance": distance, "wind": wind.speed}
        try:
            found = track_gaussian(columns.cross(distance, angle, seed), columns.source(), wind)
            row |= {"status": "estimated", "error": found.emission / columns.emission - 1.0}
            row |= {"sigma": found.uncertainty / columns.emission}
            row |= {f"term_{name}": value / columns.emission for name, value in found.terms.items()}
        except NoEstimateError as none:
            row |= {"status": none.status, "error": math.nan, "sigma": math.nan}
        rows.append(row)
    return pd.DataFrame(rows)


#: classes of the tables in docs/plume_track.md: column, lower bounds
CLASSES = {
    "angle": (10.0, 25.0, 40.0, 60.0, 75.0, 90.1),
    "distance": (0.0, 10e3, 20e3, 35e3, 60e3 + 1.0),
    "wind": (0.0, 4.0, 5.0, 6.0, 7.0, 99.0),
}


def crossing_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Score crossings in all and by class: error, RMSE, sigma, coverage, share without an estimate."""
    out = [{"class": "all"} | _score(rows)]
    for name, bounds in CLASSES.items():
        for low, high in pairwise(bounds):
            part = rows[(rows[name] >= low) & (rows[name] < high)]
            if len(part):
                out.append({"class": f"{name} {low:g}-{high:g}"} | _score(part))
    return pd.DataFrame(out).set_index("class")


def _score(rows: pd.DataFrame) -> dict[str, float]:
    good = rows[rows.status == "estimated"]
    z = (good.error / good.sigma).abs()
    return {
        "n": len(good),
        "mean": good.error.mean(),
        "median": good.error.median(),
        "rmse": math.sqrt((good.error**2).mean()) if len(good) else math.nan,
        "sigma": good.sigma.mean(),
        "one": (z < 1.0).mean(),
        "two": (z < 2.0).mean(),
        "refused": 1.0 - len(good) / len(rows),
    }

"""Crossings of real model columns: what a sounder would have seen of a plume whose emission is known."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import xarray as xr

from yaotan.plane import local_plane
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.mass import column_mass
from yaotan.plume.source import make_sources

#: eight footprints across, rows of 2.25 km along the track (OCO-2)
FOOTPRINT_ALONG, FOOTPRINT_ACROSS, FOOTPRINTS = 2250.0, 1300.0, 8


class Columns:
    """Model columns of one hour round one plant (SMARTCARB, 1.1 km), and what is true of it."""

    def __init__(self, folder: Path) -> None:
        from scipy.spatial import cKDTree

        model = xr.open_dataset(folder / "smartcarb_janschwalde_model_1km.nc").load()
        with (folder / "smartcarb_janschwalde_truth.csv").open() as file:
            self.truth = {row["source"]: row for row in csv.DictReader(file)}["Janschwalde"]
        self.place = float(self.truth["lat"]), float(self.truth["lon"])
        self.emission = float(self.truth["co2_kg_s_at_11utc"])
        east, north = local_plane(model.lat.values, model.lon.values, *self.place)
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
                out += np.where(far < 1200.0, field[k], np.nan).reshape(east.shape) / 9.0
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
        blows = math.radians(float(self.truth["wind_from_deg"]) + 180.0)
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
        speed, direction = float(self.truth["wind_speed"]), float(self.truth["wind_from_deg"])
        if rng is not None:
            speed = max(speed + rng.normal(0.0, speed_error), 0.5)
            direction += rng.normal(0.0, 10.0)
        return EffectiveWind.from_direction(
            speed, direction, uncertainty={"wind_speed": speed_error}, direction_uncertainty=10.0
        )

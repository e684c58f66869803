"""Many simulated months without files: soundings to grid to regions, the truth known at every step."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from yaotan import GridSpec, grid_soundings, zonal_statistics
from yaotan.simulate.layout import Retrieval
from yaotan.simulate.region import region_features
from yaotan.simulate.sensor import SENSORS, Sensor, World, observe_day
from yaotan.simulate.study import BOUNDS, make_world
from yaotan.simulate.truth import describe_truth, month_days

#: one month of each season, in turn by seed
STARTS = ("2020-03-01", "2020-06-01", "2020-09-01", "2020-12-01")


@cache
def regions() -> gpd.GeoDataFrame:
    """The seven regions and their union."""
    seven = gpd.GeoDataFrame.from_features(region_features(), crs=4326)
    names = {key: ["all"] for key in ("region_id", "name", "name_zh")}
    union = gpd.GeoDataFrame(names, geometry=[seven.union_all()], crs=4326)
    return gpd.GeoDataFrame(pd.concat([seven, union], ignore_index=True), crs=4326)


def observe(sensor: Sensor, world: World, days: np.ndarray) -> xr.Dataset:
    """Good soundings of a month: ``xco2`` as retrieved, ``seen`` the true column at the same places."""
    west, south, east, north = BOUNDS
    parts, truth = [], []
    for day in days:
        one = observe_day(sensor, world, day)
        if one is None:
            continue
        near = (one.longitude > west - 1) & (one.longitude < east + 1)
        near &= (one.latitude > south - 1) & (one.latitude < north + 1)
        one = one.take((one.quality == 0) & near)
        if len(one):
            parts.append(one)
            truth.append(world.field.value(one.latitude, one.longitude, day, world.winds[day]))
    whole, dims, ppm = Retrieval.join(parts), ("sounding",), {"units": "ppm"}
    return xr.Dataset(
        {
            "time": (dims, whole.time.astype("datetime64[ns]")),
            "latitude": (dims, whole.latitude),
            "longitude": (dims, whole.longitude),
            "latitude_corner": (("sounding", "corner"), whole.corner_latitude),
            "longitude_corner": (("sounding", "corner"), whole.corner_longitude),
            "xco2": (dims, whole.xgas, ppm),
            "xco2_uncertainty": (dims, whole.uncertainty, ppm),
            "seen": (dims, np.concatenate(truth), ppm),
            "seen_uncertainty": (dims, whole.uncertainty, ppm),
        }
    )


def simulate_month(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of region-months and of cell-months, with the errors split by cause.

    ``measured`` is retrieved minus true at the soundings, the planted bias taken off; ``sampled`` is true at
    the soundings minus true over the whole region (cell) and month.
    """
    days = month_days(STARTS[seed % len(STARTS)], 1)
    world = make_world(seed, days)
    sensors = {name: sensor.drawn(seed) for name, sensor in SENSORS.items()}
    truth = describe_truth(world, sensors, region_features(), days).isel(time=0)
    coarse = truth["xco2_field"].coarsen(lat=2, lon=2).mean().values
    areas, cells = [], []
    for name, sensor in sensors.items():
        bias, systematic = sensor.errors.bias, {"xco2": sensor.errors.systematic}
        spec = GridSpec.regular(1.0, BOUNDS)
        made = observe(sensor, world, days)
        grid = grid_soundings(made, spec, period="month", variables=["xco2", "seen"], systematic=systematic)
        table = zonal_statistics(grid, regions(), variables=["xco2", "seen"]).isel(time=0).load()
        wanted = truth["xco2"].sel(region=table["region"].values.astype(str)).values
        head = {"sensor": name, "seed": seed, "bias": bias}
        areas.append(
            pd.DataFrame(
                head
                | {
                    "region": table["region"].values,
                    "measured": table["xco2"].values - table["seen"].values - bias,
                    "sampled": table["seen"].values - wanted,
                    "random": table["xco2_uncertainty_random"].values,
                    "sampling": table["xco2_uncertainty_sampling"].values,
                    "total": table["xco2_uncertainty"].values,
                }
            )
        )
        one = grid.isel(time=0).load()
        held = one["xco2_count"].values > 0
        picked = {
            "measured": one["xco2"].values - one["seen"].values - bias,
            "sampled": one["seen"].values - coarse,
            "overpass": one["xco2_uncertainty_overpass"].values,
        }
        cells.append(pd.DataFrame(head | {key: values[held] for key, values in picked.items()}))
    return pd.concat(areas), pd.concat(cells)


def simulate_months(seeds: range) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`simulate_month` of many seeds, joined."""
    areas, cells = zip(*(simulate_month(seed) for seed in seeds), strict=True)
    return pd.concat(areas, ignore_index=True), pd.concat(cells, ignore_index=True)


def rms(values: pd.Series | np.ndarray) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


def score(error: pd.Series, sigma: pd.Series) -> dict[str, float]:
    """Rms of z and the shares inside the 68 and 95 % intervals."""
    z = np.abs(error / sigma)
    return {"rms_z": rms(z), "within_68": float((z < 1).mean()), "within_95": float((z < 1.96).mean())}

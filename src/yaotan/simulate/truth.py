"""The truth of a simulated study: regional and gridded monthly means, and all planted parameters."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray
from shapely.geometry import shape

from yaotan.geodesy import cell_area
from yaotan.simulate.error import CORRELATION_LENGTH, OVERPASS_CORRELATION
from yaotan.simulate.field import Field
from yaotan.simulate.sensor import Sensor, World

#: the field is averaged on this grid [degrees], finer than the narrowest plume (5 km, 1 sigma)
_STEP: Final = 0.1
#: cells of the gridded truth in the file are this many fine cells wide
_COARSE: Final = 5
#: id of the union of all regions
_ALL: Final = "all"


def describe_truth(
    world: World, sensors: dict[str, Sensor], features: dict[str, Any], days: NDArray[Any]
) -> xr.Dataset:
    """Give the truth of a study.

    Parameters
    ----------
    world : World
        The true field, its winds and region.
    sensors : dict of Sensor
        With their drawn biases.
    features : dict
        GeoJSON feature collection of the regions.
    days : ndarray of datetime64[D]
        Days of the study.

    Returns
    -------
    xarray.Dataset
        ``xco2(region, time)`` [ppm]: mean over the whole area of a region and all days of a month, at the
        hour of overpass, clouds or not, with ``xco2_uncertainty`` 0; region ``all`` is the union.
        ``xco2_field(time, lat, lon)``: the same by cell of 0.5 degree. ``wind_u``, ``wind_v`` by day.
        Rates and places of the sources by ``source``; the other planted numbers are attributes.
    """
    lat, lon = _fine(world.bounds)
    months, where = np.unique(days.astype("datetime64[M]"), return_inverse=True)
    fields = np.stack([mean_field(world, days[where == k], lat, lon) for k in range(months.size)])
    edges_lat, edges_lon = (np.append(axis - _STEP / 2, axis[-1] + _STEP / 2) for axis in (lat, lon))
    area = cell_area(edges_lat, edges_lon)
    weights, names = _weights(features, lat, lon, area)
    regional = np.einsum("rij,tij->rt", weights, fields)
    blocks = area.reshape(lat.size // _COARSE, _COARSE, lon.size // _COARSE, _COARSE)
    split = fields.reshape(-1, *blocks.shape)
    coarse = (split * blocks).sum(axis=(2, 4)) / blocks.sum(axis=(1, 3))
    truth = xr.Dataset(
        {
            "xco2": (("region", "time"), regional),
            "xco2_uncertainty": (("region", "time"), np.zeros_like(regional)),
            "xco2_field": (("time", "lat", "lon"), coarse),
        },
        {
            "region": ("region", [name["region_id"] for name in names]),
            "region_name": ("region", [name["name"] for name in names]),
            "region_name_zh": ("region", [name["name_zh"] for name in names]),
            "time": ("time", months.astype("datetime64[ns]")),
            "lat": ("lat", lat.reshape(-1, _COARSE).mean(axis=1).round(6)),
            "lon": ("lon", lon.reshape(-1, _COARSE).mean(axis=1).round(6)),
        },
    )
    truth = truth.merge(_sources(world.field)).merge(_winds(world, days))
    return _describe(truth, world, sensors, months)


def mean_field(world: World, days: NDArray[Any], lat: NDArray[Any], lon: NDArray[Any]) -> NDArray[np.float64]:
    """Average the true field over days at points of a grid; shape (lat, lon) [ppm]."""
    north, east = lat[:, None], lon[None, :]
    total = np.zeros((lat.size, lon.size))
    for day in days:
        total += world.field.value(north, east, day, world.winds[day])
    return total / days.size


def _fine(bounds: tuple[float, float, float, float]) -> tuple[NDArray[Any], NDArray[Any]]:
    west, south, east, north = bounds
    counts = (round((north - south) / _STEP), round((east - west) / _STEP))
    return south + (np.arange(counts[0]) + 0.5) * _STEP, west + (np.arange(counts[1]) + 0.5) * _STEP


def _weights(
    features: dict[str, Any], lat: NDArray[Any], lon: NDArray[Any], area: NDArray[Any]
) -> tuple[NDArray[np.float64], list[dict[str, str]]]:
    """Area weights of the fine cells whose centre lies in each region, sum 1."""
    shapes = [shape(feature["geometry"]) for feature in features["features"]]
    names = [feature["properties"] for feature in features["features"]]
    shapes.append(shapely.union_all(shapes))
    names = [*names, {"region_id": _ALL, "name": "All regions", "name_zh": "全部区域"}]
    east, north = np.meshgrid(lon, lat)
    inside = np.stack([shapely.contains_xy(one, east, north) for one in shapes])
    weights = inside * area
    return weights / weights.sum(axis=(1, 2), keepdims=True), names


def _sources(field: Field) -> xr.Dataset:
    rows = [asdict(source) for source in field.sources]
    return xr.Dataset(
        {
            "emission": ("source", [row["rate"] for row in rows], {"units": "kg s-1", "substance": "CO2"}),
            "emission_uncertainty": ("source", [0.0] * len(rows), {"units": "kg s-1"}),
            "source_latitude": ("source", [row["latitude"] for row in rows], {"units": "degrees_north"}),
            "source_longitude": ("source", [row["longitude"] for row in rows], {"units": "degrees_east"}),
        },
        {"source": ("source", [row["name"] for row in rows])},
    )


def _winds(world: World, days: NDArray[Any]) -> xr.Dataset:
    winds = np.array([world.winds[day] for day in days])
    names = {"wind_u": "eastward_wind", "wind_v": "northward_wind"}
    return xr.Dataset(
        {
            name: ("day", winds[:, k], {"units": "m s-1", "standard_name": standard})
            for k, (name, standard) in enumerate(names.items())
        },
        {"day": ("day", days.astype("datetime64[ns]"))},
    )


def _describe(
    truth: xr.Dataset, world: World, sensors: dict[str, Sensor], months: NDArray[Any]
) -> xr.Dataset:
    column = "dry_atmosphere_mole_fraction_of_carbon_dioxide"
    for name, words in (
        ("xco2", "true XCO2, mean over region and month"),
        ("xco2_uncertainty", "uncertainty of the truth"),
        ("xco2_field", "true XCO2, mean over cell and month"),
    ):
        truth[name].attrs = {"units": "ppm", "long_name": words}
    truth["xco2"].attrs["standard_name"] = column
    truth["lat"].attrs = {"units": "degrees_north", "standard_name": "latitude", "bounds": "lat_bnds"}
    truth["lon"].attrs = {"units": "degrees_east", "standard_name": "longitude", "bounds": "lon_bnds"}
    truth["time"].attrs = {"standard_name": "time", "bounds": "time_bnds"}
    half = _STEP * _COARSE / 2.0
    for axis in ("lat", "lon"):
        centre = truth[axis].values
        truth[f"{axis}_bnds"] = ((axis, "bnds"), np.stack([centre - half, centre + half], axis=1))
    ends = np.stack([months, months + 1], axis=1).astype("datetime64[ns]")
    truth["time_bnds"] = (("time", "bnds"), ends)
    for name in ("time", "time_bnds", "day"):
        truth[name].encoding = {"units": "days since 2000-01-01", "dtype": "i4", "calendar": "standard"}
    planted = {key: value for key, value in asdict(world.field).items() if key != "sources"}
    truth.attrs = {
        "Conventions": "CF-1.8",
        "title": "Planted truth of a simulated study",
        "comment": "simulated; regions and sources are made up",
        "seed": world.seed,
        **{f"field_{key}": value for key, value in planted.items()},
        **{f"bias_{name}": sensor.errors.bias for name, sensor in sensors.items()},
        "overpass_correlation": OVERPASS_CORRELATION,
        "correlation_length_km": CORRELATION_LENGTH,
    }
    for array in truth.data_vars.values():
        array.encoding.setdefault("_FillValue", None)
    return truth


def month_days(start: str, months: int) -> NDArray[Any]:
    """List the days from the first of a month over so many months.

    Examples
    --------
    >>> month_days("2020-02-01", 1)[[0, -1]].astype(str).tolist()
    ['2020-02-01', '2020-02-29']
    """
    first = pd.Timestamp(start).to_period("M")
    days = pd.date_range(first.start_time, (first + months - 1).end_time.normalize(), freq="D")
    return np.asarray(days.values.astype("datetime64[D]"))

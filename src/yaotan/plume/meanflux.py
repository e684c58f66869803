"""`mean_flux`: scenes averaged to the mean flux of a gas on a grid round each source, one scene at a time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import YaotanError
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import CALM, NoEstimateError
from yaotan.plume.image import take_pixels
from yaotan.plume.sector import above_plane
from yaotan.plume.source import check_sources

if TYPE_CHECKING:
    import geopandas as gpd

Array = NDArray[np.float64]


@dataclass
class _Sums:
    """Sums over scenes on the grid round one source; scenes come one by one and are not kept."""

    count: Array
    flux: Array
    mass: Array
    square: Array
    used: list[bool]
    dropped: dict[str, int]

    @classmethod
    def start(cls, size: int) -> _Sums:
        zero = np.zeros((size, size))
        return cls(zero, np.zeros((2, size, size)), zero.copy(), np.zeros((3, size, size)), [], {})

    def drop(self, reason: str) -> None:
        self.used.append(False)
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


def mean_flux(
    scenes: Iterable[xr.Dataset],
    wind: Sequence[EffectiveWind],
    source: gpd.GeoDataFrame,
    *,
    resolution: float = 4e3,
    radius: float = 60e3,
) -> xr.Dataset:
    """Average the flux of a gas over many scenes.

    The mass of each scene is that above a plane that is fitted outside a sector downwind of the source: a
    mask by geometry, which no noise can select.

    Parameters
    ----------
    scenes : iterable of xarray.Dataset
        Scenes with ``<v>_mass_factor`` of `column_mass`; read one at a time, so a generator will do.
    wind : sequence of EffectiveWind
        One for each scene, in the same order.
    source : geopandas.GeoDataFrame
        Table of `make_sources`.
    resolution, radius : float
        Cells of the grid and its half width [m].

    Returns
    -------
    xarray.Dataset
        Dims ``source, y, x`` (metres from the source, true north) and ``scene``: ``flux_east`` and
        ``flux_north`` [kg m-1 s-1], ``mass`` [kg m-2], ``divergence`` of the flux by central differences
        [kg m-2 s-1] (the outermost cells have none), ``scene_count``; of the noise ``flux_variance_east``,
        ``flux_variance_north`` and ``flux_covariance`` [kg2 m-2 s-2]; of each scene ``used``, ``wind_speed``
        and ``wind_speed_uncertainty``; ``latitude`` and ``longitude`` of the cells. Attribute ``dropped``
        (JSON) counts scenes by reason. A cell that no scene has seen is missing.

    Raises
    ------
    YaotanError
        As many winds as scenes are not there, or an option is out of range.

    Examples
    --------
    >>> lat, lon = np.meshgrid(np.arange(51.0, 52.61, 0.05), np.arange(13.0, 15.81, 0.08), indexing="ij")
    >>> place = {"latitude": (("y", "x"), lat), "longitude": (("y", "x"), lon)}
    >>> level = (("y", "x"), np.full(lat.shape, 410.0), {"units": "ppm"})
    >>> sigma = (("y", "x"), np.full(lat.shape, 0.7), {"units": "ppm"})
    >>> scene = xr.Dataset({"xco2": level, "xco2_uncertainty": sigma}, coords=place)
    >>> from yaotan import column_mass
    >>> from yaotan.plume import make_sources
    >>> scene = column_mass(scene, surface_pressure=980.0)
    >>> field = mean_flux([scene] * 3, [EffectiveWind(5.0, 0.0)] * 3, make_sources(["JV"], 14.4, 51.8),
    ...                   resolution=8e3)
    >>> dict(field.sizes), int(field.scene_count.max())
    ({'source': 1, 'y': 17, 'x': 17, 'scene': 3}, 3)
    """
    check_sources(source)
    if not 0.0 < resolution < radius / 4.0:
        raise YaotanError(
            f"resolution is {resolution:g} m for a radius of {radius:g} m",
            where="mean_flux",
            expected="less than a quarter of the radius",
        )
    half = round(radius / resolution)
    sums = [_Sums.start(2 * half + 1) for _ in range(len(source))]
    attributes: dict[str, Any] = {}
    number = 0
    for scene in scenes:
        if number >= len(wind):
            raise YaotanError("there are more scenes than winds", where="mean_flux")
        attributes = attributes or dict(scene.attrs)
        for place, one in enumerate(sums):
            _add(one, scene, source.iloc[place : place + 1], wind[number], resolution, half)
        number += 1
    if number != len(wind):
        raise YaotanError(f"{number} scenes and {len(wind)} winds", where="mean_flux")
    made = _dataset(sums, source, resolution, half)
    made["wind_speed"] = ("scene", np.array([w.speed for w in wind], float), {"units": "m s-1"})
    sigma = np.array([w.speed_uncertainty for w in wind], float)
    made["wind_speed_uncertainty"] = ("scene", sigma, {"units": "m s-1"})
    dropped = {name: one.dropped for name, one in zip(source["source"].tolist(), sums, strict=True)}
    return made.assign_attrs(
        substance=str(attributes.get("plume_substance", "unknown")),
        corrections=str(attributes.get("mass_corrections", "")),
        mass_uncertainty=float(attributes.get("mass_uncertainty", 0.0)),
        resolution=resolution,
        radius=radius,
        dropped=json.dumps(dropped),
    )


def _add(
    sums: _Sums,
    scene: xr.Dataset,
    source: gpd.GeoDataFrame,
    wind: EffectiveWind,
    resolution: float,
    half: int,
) -> None:
    if not wind.known:
        return sums.drop("no_wind")
    if wind.speed < CALM:
        return sums.drop("low_wind")
    try:
        pixels = take_pixels(scene, source, radius=(half + 1.5) * resolution * math.sqrt(2.0))
    except NoEstimateError as none:
        return sums.drop(none.status)
    mass = above_plane(pixels, wind)
    if mass is None:
        return sums.drop("cloudy")
    column, row = (np.round(part / resolution).astype(int) + half for part in (pixels.x, pixels.y))
    size = 2 * half + 1
    inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    cell = row[inside] * size + column[inside]
    count = np.bincount(cell, minlength=size * size)
    total = np.bincount(cell, mass[inside], size * size)
    noise = np.bincount(cell, (pixels.sigma * pixels.factor)[inside] ** 2, size * size)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (total / count).reshape(size, size)
        variance = (noise / count**2).reshape(size, size)
    seen = (count > 0).reshape(size, size)
    sums.count += seen
    for k, component in enumerate((wind.u, wind.v)):
        sums.flux[k] += np.where(seen, mean * component, 0.0)
    sums.mass += np.where(seen, mean, 0.0)
    for k, product in enumerate((wind.u**2, wind.v**2, wind.u * wind.v)):
        sums.square[k] += np.where(seen, variance * product, 0.0)
    sums.used.append(True)
    return None


def _dataset(sums: list[_Sums], source: gpd.GeoDataFrame, resolution: float, half: int) -> xr.Dataset:
    dims = ("source", "y", "x")
    count = np.stack([s.count for s in sums])
    with np.errstate(invalid="ignore", divide="ignore"):
        flux = np.stack([s.flux for s in sums], 1) / count
        square = np.stack([s.square for s in sums], 1) / count**2
        mass = np.stack([s.mass for s in sums]) / count
    divergence = np.full(count.shape, np.nan)
    divergence[:, 1:-1, 1:-1] = (
        flux[0, :, 1:-1, 2:] - flux[0, :, 1:-1, :-2] + flux[1, :, 2:, 1:-1] - flux[1, :, :-2, 1:-1]
    ) / (2.0 * resolution)
    steps: Array = np.asarray((np.arange(2 * half + 1) - half) * resolution, np.float64)
    places = [_places(float(point.y), float(point.x), steps) for point in source.geometry]
    metres = {"units": "m"}
    return xr.Dataset(
        {
            "flux_east": (dims, flux[0], {"units": "kg m-1 s-1", "long_name": "mean flux eastward"}),
            "flux_north": (dims, flux[1], {"units": "kg m-1 s-1", "long_name": "mean flux northward"}),
            "mass": (dims, mass, {"units": "kg m-2", "long_name": "mean mass above the background"}),
            "divergence": (dims, divergence, {"units": "kg m-2 s-1", "long_name": "divergence of the flux"}),
            "scene_count": (dims, count, {"units": "1", "long_name": "scenes that saw the cell"}),
            "flux_variance_east": (dims, square[0], {"units": "kg2 m-2 s-2"}),
            "flux_variance_north": (dims, square[1], {"units": "kg2 m-2 s-2"}),
            "flux_covariance": (dims, square[2], {"units": "kg2 m-2 s-2"}),
            "used": (("source", "scene"), np.array([s.used for s in sums], bool)),
        },
        coords={
            "source": ("source", source["source"].to_numpy(dtype=str)),
            "x": ("x", steps, metres),
            "y": ("y", steps, metres),
            "latitude": (dims, np.stack([p[0] for p in places]), {"units": "degrees_north"}),
            "longitude": (dims, np.stack([p[1] for p in places]), {"units": "degrees_east"}),
        },
    )


def _places(latitude: float, longitude: float, steps: Array) -> tuple[Array, Array]:
    """Latitude and longitude of the cells of a square grid, by distance and azimuth on the ellipsoid."""
    from pyproj import Geod

    x, y = np.meshgrid(steps, steps)
    azimuth = np.degrees(np.arctan2(x, y)).ravel()
    start = (np.full(x.size, longitude), np.full(x.size, latitude))
    lon, lat, _ = Geod(ellps="WGS84").fwd(*start, azimuth, np.hypot(x, y).ravel())
    return np.reshape(lat, x.shape), np.reshape(lon, x.shape)

"""`mean_flux`: scenes averaged to the mean flux of a gas on a grid round each source, one scene at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.nox import NoxRatio, find_nox_ratio
from yaotan.errors import YaotanError
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import NoEstimateError
from yaotan.plume.fluxgrid import FluxSums, SceneFlux, half_cells, read_flux
from yaotan.plume.source import check_sources

if TYPE_CHECKING:
    import geopandas as gpd

Array = NDArray[np.float64]


def mean_flux(
    scenes: Iterable[xr.Dataset],
    wind: Sequence[EffectiveWind],
    source: gpd.GeoDataFrame,
    *,
    resolution: float = 4e3,
    radius: float = 60e3,
    ratio: str | NoxRatio | None = None,
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
    ratio : str or NoxRatio, optional
        NOx over NO2 (``catalogs/profiles/nox_no2.yaml``), of scenes of NO2: each pixel is multiplied by the
        ratio at its age, its way down the wind over the wind. The field is then of NOx (as NO2).

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
        As many winds as scenes are not there, an option is out of range, or the scenes that a ratio is given
        for are not of NO2.

    Notes
    -----
    A ratio that is large at the stack makes the noise of pixels upwind as large: they have age 0. The age is
    that of the middle of a pixel, so that a ratio that falls within one pixel is met on the average only.

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
    half_cells(resolution, radius)
    factor = None if ratio is None else find_nox_ratio(ratio)
    sums = [FluxSums(resolution, radius) for _ in range(len(source))]
    attributes: dict[str, Any] = {}
    number = 0
    for scene in scenes:
        if number >= len(wind):
            raise YaotanError("there are more scenes than winds", where="mean_flux")
        attributes = attributes or dict(scene.attrs)
        for place, one in enumerate(sums):
            row = source.iloc[place : place + 1]
            try:
                found: SceneFlux | str = read_flux(
                    scene, row, wind[number], resolution=resolution, radius=radius, ratio=factor
                )
            except NoEstimateError as none:
                found = none.status
            one.add(found, wind[number])
        number += 1
    if number != len(wind):
        raise YaotanError(f"{number} scenes and {len(wind)} winds", where="mean_flux")
    return make_field(sums, source, attributes, resolution=resolution, radius=radius, ratio=factor)


def make_field(
    sums: Sequence[FluxSums],
    source: gpd.GeoDataFrame,
    attributes: Mapping[str, Any],
    *,
    resolution: float,
    radius: float,
    ratio: NoxRatio | None = None,
) -> xr.Dataset:
    """Turn sums over scenes into the field of `mean_flux`.

    Parameters
    ----------
    sums : sequence of FluxSums
        One for each row of `source`, of the same number of scenes.
    source : geopandas.GeoDataFrame
        Table of `make_sources`.
    attributes : mapping
        Those of a scene of `column_mass`: gas, corrections, error of the mass.
    resolution, radius, ratio
        That the scenes were read with.

    Returns
    -------
    xarray.Dataset
        As `mean_flux` gives it.

    Raises
    ------
    YaotanError
        A ratio of NOx to NO2 was applied to another gas.
    """
    gas = str(attributes.get("plume_substance", "unknown"))
    if ratio is not None and attributes and gas != "no2":
        raise YaotanError(f"the scenes are of {gas}", where="mean_flux: ratio", expected="no2")
    made = _dataset(sums, source, resolution, half_cells(resolution, radius))
    winds = sums[0].winds
    made["wind_speed"] = ("scene", np.array([w.speed for w in winds], float), {"units": "m s-1"})
    sigma = np.array([w.speed_uncertainty for w in winds], float)
    made["wind_speed_uncertainty"] = ("scene", sigma, {"units": "m s-1"})
    dropped = {name: one.dropped for name, one in zip(source["source"].tolist(), sums, strict=True)}
    made.attrs |= {
        "kind": "mean flux",
        "substance": gas,
        "corrections": str(attributes.get("mass_corrections", "")),
        "mass_uncertainty": float(attributes.get("mass_uncertainty", 0.0)),
        "resolution": resolution,
        "radius": radius,
        "dropped": json.dumps(dropped),
    }
    if ratio is not None:
        made.attrs |= {"substance": "nox", "ratio": ratio.describe(), "ratio_uncertainty": ratio.error}
    return made


def _dataset(sums: Sequence[FluxSums], source: gpd.GeoDataFrame, resolution: float, half: int) -> xr.Dataset:
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

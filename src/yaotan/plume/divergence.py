"""`flux_divergence`: where a mean flux of many scenes has its sources, and how strong they are."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import YaotanError
from yaotan.plume.crossing import TURBULENCE
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import CALM, NoEstimateError, PlumeResult, make_estimate
from yaotan.plume.image import take_pixels
from yaotan.plume.peakmap import fit_divergence
from yaotan.plume.sector import above_plane
from yaotan.plume.source import check_sources

if TYPE_CHECKING:
    import geopandas as gpd

Array = NDArray[np.float64]

#: fewer scenes say that the flux has not been averaged: 20 to 30 are what the method needs
LEAST_SCENES: Final = 10


@dataclass
class _Sums:
    """Sums over scenes on the grid round one source; scenes come one by one and are not kept."""

    count: Array
    flux: Array
    mass: Array
    square: Array
    scenes: list[tuple[float, float]]
    dropped: dict[str, int]

    @classmethod
    def start(cls, size: int) -> _Sums:
        zero = np.zeros((size, size))
        return cls(zero, np.zeros((2, size, size)), zero.copy(), np.zeros((3, size, size)), [], {})

    def drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


def flux_divergence(
    scenes: Iterable[xr.Dataset],
    wind: Sequence[EffectiveWind],
    source: gpd.GeoDataFrame,
    *,
    resolution: float = 4e3,
    radius: float = 60e3,
    decay_time: float = math.inf,
    terrain: xr.DataArray | None = None,
    scale_height: float = 2000.0,
    wind_error: float | None = None,
) -> xr.Dataset:
    r"""Estimate emissions from the divergence of the mean flux of many scenes.

    .. math:: D = \nabla \cdot \overline{V \mathbf{u}} + \overline{V} / \tau
        - \overline{V \mathbf{u} \cdot \nabla z} / H, \qquad Q = \int D \, dA

    V is the mass above a plane that is fitted to each scene outside a sector downwind of the source: a mask
    by geometry, which no noise can select. The flux is averaged first and then differentiated (Beirle et al.
    2019, Sci. Adv. 5, eaax9800); the emission is the area of a peak on a constant, by generalised least
    squares (`yaotan.plume.peakmap.fit_divergence`).

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
    decay_time : float
        e-folding time of the gas [s]; infinite for CO2.
    terrain : xarray.DataArray, optional
        Height of the ground [m] on ``lat, lon``, for columns that follow it.
    scale_height : float
        H of the terrain term [m]: depth over which the plume is mixed. Sun et al. (2022), Geophys. Res.
        Lett. 49, e2022GL101102, derive the term; H is of the weather, and 2 km only its order of size.
    wind_error : float, optional
        Relative standard error of the wind that all scenes share. Default: 10 per cent, height of the wind
        and rise of the plume (budget in docs/plume.md).

    Returns
    -------
    xarray.Dataset
        Estimate. Terms ``noise`` (of the columns, carried through the divergence), ``wind_speed`` (drawn
        anew in each scene, so over the root of their number), ``wind_height`` (shared), ``dispersion`` (two
        shapes of the peak), ``column``, ``chemistry``, ``turbulence``; details ``scene_count``,
        ``peak_width`` [m], ``background`` [kg m-2 s-1]. Attribute ``dropped`` (JSON) counts scenes by reason.

    Raises
    ------
    YaotanError
        As many winds as scenes are not there, or an option is out of range.

    Notes
    -----
    A mean over scenes: an emission that goes with the wind is weighed by it. A second source inside the
    radius disturbs the constant. Fewer than 10 scenes give the status ``too_few``.
    """
    check_sources(source)
    if not 0.0 < resolution < radius / 4.0:
        raise YaotanError(
            f"resolution is {resolution:g} m for a radius of {radius:g} m",
            where="flux_divergence",
            expected="less than a quarter of the radius",
        )
    if not decay_time > 0.0 or not scale_height > 0.0:
        raise YaotanError("decay_time and scale_height are positive", where="flux_divergence")
    half = round(radius / resolution)
    sums = [_Sums.start(2 * half + 1) for _ in range(len(source))]
    attributes: dict[str, Any] = {}
    number = 0
    for scene in scenes:
        if number >= len(wind):
            raise YaotanError("there are more scenes than winds", where="flux_divergence")
        attributes = attributes or dict(scene.attrs)
        for place, one in enumerate(sums):
            _add(one, scene, source.iloc[place : place + 1], wind[number], resolution, half)
        number += 1
    if number != len(wind):
        raise YaotanError(f"{number} scenes and {len(wind)} winds", where="flux_divergence")
    results = []
    for place, one in enumerate(sums):
        slope = _slope(terrain, source.iloc[place : place + 1], resolution, half)
        try:
            results.append(_solve(one, resolution, decay_time, slope, scale_height, wind_error, attributes))
        except NoEstimateError as none:
            results.append(PlumeResult(status=none.status, reason=none.reason))
    made = make_estimate(
        results,
        source,
        method="divergence",
        substance=str(attributes.get("plume_substance", "unknown")),
        corrections=[c for c in str(attributes.get("mass_corrections", "")).split(",") if c],
        options={"resolution": resolution, "radius": radius, "decay_time": decay_time},
    )
    ids = source["source"].tolist()
    return made.assign_attrs(dropped=json.dumps({i: s.dropped for i, s in zip(ids, sums, strict=True)}))


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
    sums.scenes.append((wind.speed, wind.speed_uncertainty))
    return None


def _slope(
    terrain: xr.DataArray | None, source: gpd.GeoDataFrame, resolution: float, half: int
) -> Array | None:
    """Slope of the ground eastward and northward on the grid of a source."""
    if terrain is None:
        return None
    steps = (np.arange(2 * half + 1) - half) * resolution
    lat0, lon0 = float(source.geometry.y.iloc[0]), float(source.geometry.x.iloc[0])
    # a degree of latitude is 111.2 km on the mean sphere: places of a smooth field, not distances
    lat = xr.DataArray(lat0 + steps / 111.2e3, dims="row")
    lon = xr.DataArray(lon0 + steps / (111.2e3 * math.cos(math.radians(lat0))), dims="column")
    height = terrain.interp(lat=lat, lon=lon).transpose("row", "column").values
    north, east = np.gradient(height, resolution)
    return np.stack([np.nan_to_num(east), np.nan_to_num(north)])


def _solve(
    sums: _Sums,
    resolution: float,
    decay_time: float,
    slope: Array | None,
    scale_height: float,
    wind_error: float | None,
    attributes: dict[str, Any],
) -> PlumeResult:
    number = len(sums.scenes)
    if number < LEAST_SCENES:
        why = ", ".join(f"{n} {reason}" for reason, n in sums.dropped.items()) or "none dropped"
        raise NoEstimateError("too_few", f"{number} scenes, {LEAST_SCENES} are needed ({why})")
    if (sums.count < max(number / 4.0, 1.0)).any():
        low = float((sums.count < max(number / 4.0, 1.0)).mean())
        raise NoEstimateError(
            "cloudy", f"{low:.0%} of the cells are seen in less than a quarter of the scenes"
        )
    flux = sums.flux / sums.count
    sink = sums.mass / sums.count / decay_time
    if slope is not None:
        sink = sink - (flux * slope).sum(axis=0) / scale_height
    variance = sums.square / sums.count**2
    fit = fit_divergence(flux, variance, sink, resolution)
    size = abs(fit.emission)
    speeds, errors = np.array(sums.scenes).T
    shared = 0.10 if wind_error is None else wind_error
    terms = {
        "noise": fit.noise,
        "dispersion": fit.shape,
        "column": float(attributes.get("mass_uncertainty", 0.0)) * size,
        "wind_speed": size * math.sqrt(float(((errors / speeds) ** 2).mean()) / number),
        "wind_height": size * shared,
        "turbulence": size * TURBULENCE / math.sqrt(number),
    }
    if math.isfinite(decay_time):
        # a third of the mass's loss: lifetimes of NO2 are known to some tens of per cent (docs/plume.md)
        lost = float(np.abs(sums.mass / sums.count).sum()) * resolution**2 / decay_time
        terms["chemistry"] = min(lost, size) / 3.0
    details = {
        "scene_count": (float(number), "1"),
        "mean_wind_speed": (float(speeds.mean()), "m s-1"),
        "peak_width": (fit.width, "m"),
        "background": (fit.background, "kg m-2 s-1"),
    }
    cautions = ["not_detected"] if fit.emission < 2.0 * fit.noise else []
    cautions += ["negative"] if fit.emission < 0.0 else []
    return PlumeResult(fit.emission, terms, cautions=cautions, details=details)

"""`flux_divergence`: where a mean flux of many scenes has its sources, and how strong they are."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.nox import NoxRatio
from yaotan.errors import YaotanError
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import NoEstimateError, PlumeResult, make_estimate
from yaotan.plume.meanflux import mean_flux
from yaotan.plume.peakmap import fit_divergence
from yaotan.plume.source import check_sources
from yaotan.plume.turbulence import mean_turbulence

if TYPE_CHECKING:
    import geopandas as gpd

Array = NDArray[np.float64]

#: fewer scenes say that the flux has not been averaged: 20 to 30 are what the method needs
LEAST_SCENES: Final = 10
#: error of the wind that all scenes share, height of the wind and rise of the plume: upper end of the budget
#: in docs/plume.md
SHARED_WIND_ERROR: Final = 0.10


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
    ratio: str | NoxRatio | None = None,
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
    scenes, wind, source, resolution, radius
        As in `yaotan.plume.meanflux.mean_flux`.
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
    ratio : str or NoxRatio, optional
        NOx over NO2, as in `yaotan.plume.meanflux.mean_flux`; the estimate is then of NOx (as NO2), and the
        error of the ratio is part of ``chemistry``.

    Returns
    -------
    xarray.Dataset
        Estimate. Terms ``noise`` (of the columns, carried through the divergence), ``wind_speed`` (drawn
        anew in each scene, so over the root of their number), ``wind_height`` (shared), ``dispersion`` (two
        shapes of the peak), ``column``, ``chemistry``, ``turbulence``; details ``scene_count``,
        ``peak_width`` [m], ``background`` [kg m-2 s-1]. Attribute ``dropped`` (JSON) counts scenes by reason.
        The field itself is what `yaotan.plume.meanflux.mean_flux` gives; `fit_mean_flux` goes on from there.

    Raises
    ------
    YaotanError
        As many winds as scenes are not there, or an option is out of range.

    Notes
    -----
    A mean over scenes: an emission that goes with the wind is weighed by it. A second source inside the
    radius disturbs the constant. Fewer than 10 scenes give the status ``too_few``.
    """
    _check(decay_time, scale_height)
    field = mean_flux(scenes, wind, source, resolution=resolution, radius=radius, ratio=ratio)
    return fit_mean_flux(
        field,
        source,
        decay_time=decay_time,
        terrain=terrain,
        scale_height=scale_height,
        wind_error=wind_error,
    )


def fit_mean_flux(
    field: xr.Dataset,
    source: gpd.GeoDataFrame,
    *,
    decay_time: float = math.inf,
    terrain: xr.DataArray | None = None,
    scale_height: float = 2000.0,
    wind_error: float | None = None,
) -> xr.Dataset:
    """Estimate emissions from a mean flux: the second half of `flux_divergence`.

    Parameters
    ----------
    field : xarray.Dataset
        Of `yaotan.plume.meanflux.mean_flux`.
    source : geopandas.GeoDataFrame
        The table that the field was made with.
    decay_time, terrain, scale_height, wind_error
        As in `flux_divergence`.

    Returns
    -------
    xarray.Dataset
        Estimate, as `flux_divergence` gives it.

    Raises
    ------
    YaotanError
        The field is of other sources, or an option is out of range.
    """
    check_sources(source)
    _check(decay_time, scale_height)
    ids = source["source"].tolist()
    if field["source"].values.tolist() != ids:
        raise YaotanError(
            f"the field is of {', '.join(field['source'].values.tolist())}",
            where="fit_mean_flux",
            expected=", ".join(ids),
        )
    results = []
    for place in range(len(source)):
        one = field.isel(source=place)
        slope = None if terrain is None else _slope(terrain, one)
        try:
            results.append(_solve(one, decay_time, slope, scale_height, wind_error))
        except NoEstimateError as none:
            results.append(PlumeResult(status=none.status, reason=none.reason))
    made = make_estimate(
        results,
        source,
        method="divergence",
        substance=field.attrs["substance"],
        corrections=_corrections(field),
        options={key: field.attrs[key] for key in ("resolution", "radius")} | {"decay_time": decay_time},
    )
    return made.assign_attrs(dropped=field.attrs["dropped"])


def _corrections(field: xr.Dataset) -> list[str]:
    made = [name for name in field.attrs["corrections"].split(",") if name]
    return [*made, field.attrs["ratio"]] if "ratio" in field.attrs else made


def _check(decay_time: float, scale_height: float) -> None:
    if not decay_time > 0.0 or not scale_height > 0.0:
        raise YaotanError("decay_time and scale_height are positive", where="flux_divergence")


def _slope(terrain: xr.DataArray, field: xr.Dataset) -> Array:
    """Slope of the ground eastward and northward on the grid of a source."""
    height = terrain.interp(lat=field["latitude"], lon=field["longitude"]).transpose("y", "x").values
    north, east = np.gradient(height, float(field.attrs["resolution"]))
    return np.stack([np.nan_to_num(east), np.nan_to_num(north)])


def _solve(
    field: xr.Dataset, decay_time: float, slope: Array | None, scale_height: float, wind_error: float | None
) -> PlumeResult:
    used = field["used"].values
    number = int(used.sum())
    if number < LEAST_SCENES:
        dropped = json.loads(field.attrs["dropped"])[str(field["source"].item())]
        why = ", ".join(f"{n} {reason}" for reason, n in dropped.items()) or "none dropped"
        raise NoEstimateError("too_few", f"{number} scenes, {LEAST_SCENES} are needed ({why})")
    thin = field["scene_count"].values < max(number / 4.0, 1.0)
    if thin.any():
        raise NoEstimateError(
            "cloudy", f"{thin.mean():.0%} of the cells are seen in less than a quarter of the scenes"
        )
    flux = np.stack([field[f"flux_{way}"].values for way in ("east", "north")])
    names = ("flux_variance_east", "flux_variance_north", "flux_covariance")
    variance = np.stack([field[name].values for name in names])
    resolution = float(field.attrs["resolution"])
    sink = field["mass"].values / decay_time
    if slope is not None:
        sink = sink - (flux * slope).sum(axis=0) / scale_height
    fit = fit_divergence(flux, variance, sink, resolution)
    size = abs(fit.emission)
    speeds, errors = (field[name].values[used] for name in ("wind_speed", "wind_speed_uncertainty"))
    shared = SHARED_WIND_ERROR if wind_error is None else wind_error
    terms = {
        "noise": fit.noise,
        "dispersion": fit.shape,
        "column": float(field.attrs["mass_uncertainty"]) * size,
        "wind_speed": size * math.sqrt(float(((errors / speeds) ** 2).mean()) / number),
        "wind_height": size * shared,
        "turbulence": size * float(mean_turbulence(field.attrs["radius"])) / math.sqrt(number),
    }
    if math.isfinite(decay_time):
        # a third of the mass's loss: lifetimes of NO2 are known to some tens of per cent (docs/plume.md)
        lost_mass = float(np.abs(field["mass"].values).sum()) * resolution**2 / decay_time
        terms["chemistry"] = min(lost_mass, size) / 3.0
    if "ratio_uncertainty" in field.attrs:
        terms["chemistry"] = math.hypot(terms.get("chemistry", 0.0), field.attrs["ratio_uncertainty"] * size)
    details = {
        "scene_count": (float(number), "1"),
        "mean_wind_speed": (float(speeds.mean()), "m s-1"),
        "peak_width": (fit.width, "m"),
        "background": (fit.background, "kg m-2 s-1"),
    }
    cautions = ["not_detected"] if fit.emission < 2.0 * fit.noise else []
    cautions += ["negative"] if fit.emission < 0.0 else []
    return PlumeResult(fit.emission, terms, cautions=cautions, details=details)

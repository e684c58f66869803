"""`emg`: emission and lifetime from many scenes, each turned into its wind and read in hours of travel."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.nox import NoxRatio, find_nox_ratio
from yaotan.errors import YaotanError
from yaotan.plume.decay import LIFETIMES, emg_shape, fit_decay, seen_often
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import NoEstimateError, PlumeResult, make_estimate
from yaotan.plume.travel import FARTHEST, travel_curve
from yaotan.plume.turbulence import mean_turbulence

if TYPE_CHECKING:
    import geopandas as gpd

Array = NDArray[np.float64]

#: fewer scenes give no mean plume
LEAST_SCENES: Final = 10


def emg(
    scenes: Iterable[xr.Dataset],
    wind: Sequence[EffectiveWind],
    source: gpd.GeoDataFrame,
    *,
    ratio: str | NoxRatio | None = "constant",
    half_width: float = 40e3,
    hours: tuple[float, float] = (-1.0, 6.0),
    step: float = 600.0,
    wind_error: float = 0.10,
) -> xr.Dataset:
    r"""Estimate emission and lifetime of one source from the mean plume of many scenes (EMG).

    Each scene is turned into its wind, integrated across it, multiplied by its wind and read in travel time
    t = x / u, so that scenes of unequal wind add up: :math:`F(t) = Q e^{-t / \tau}`, smeared, on a constant.

    Parameters
    ----------
    scenes, wind, source, half_width, hours, step
        As in `yaotan.plume.travel.travel_curve`.
    ratio : str or NoxRatio, optional
        NOx over NO2 (``catalogs/profiles/nox_no2.yaml``); None for a gas that is its own.
    wind_error : float
        Relative standard error of the wind that all scenes share (height, product).

    Returns
    -------
    xarray.Dataset
        Estimate; with a ratio ``substance`` is nox (as NO2). Terms ``noise`` (jackknife over scenes: noise,
        weather and turbulence), ``background`` (half the width instead), ``wind_speed``, ``wind_height``,
        ``chemistry`` (ratio), ``column``; details ``lifetime`` and ``lifetime_uncertainty`` [s], ``start``,
        ``spread`` [s], ``offset`` (constant below the plume) [kg s-1], ``scene_count``. The curve itself is
        what `yaotan.plume.travel.travel_curve` gives; `fit_travel` goes on from there, and `fitted_curve`
        puts both together for a figure.

    Raises
    ------
    YaotanError
        As many winds as scenes are not there, several sources, or no such ratio.

    Notes
    -----
    Scenes below 2 m s-1 are left out and counted: their travel time means nothing. The lifetime is that of
    the mean plume; fast chemistry near the stack is in the ratio, if it is one by time. A lifetime at the
    bound (15 min, 24 h) carries the caution ``at_bound``.
    """
    curve = travel_curve(scenes, wind, source, half_width=half_width, hours=hours, step=step)
    return fit_travel(curve, source, ratio=ratio, wind_error=wind_error)


def fit_travel(
    curve: xr.Dataset,
    source: gpd.GeoDataFrame,
    *,
    ratio: str | NoxRatio | None = "constant",
    wind_error: float = 0.10,
) -> xr.Dataset:
    """Estimate emission and lifetime from a curve of flux by travel time: the second half of `emg`.

    Parameters
    ----------
    curve : xarray.Dataset
        Of `yaotan.plume.travel.travel_curve`.
    source : geopandas.GeoDataFrame
        The row that the curve was made with.
    ratio, wind_error
        As in `emg`.

    Returns
    -------
    xarray.Dataset
        Estimate, as `emg` gives it.
    """
    factor = None if ratio is None else find_nox_ratio(ratio)
    try:
        result = _solve(curve, factor, wind_error)
    except NoEstimateError as none:
        result = PlumeResult(status=none.status, reason=none.reason)
    gas = curve.attrs["substance"]
    made = make_estimate(
        [result],
        source,
        method="emg",
        substance="nox" if factor is not None and gas == "no2" else gas,
        corrections=[] if factor is None else [factor.describe()],
        options={"half_width": float(curve["half_width"].max())}
        | {key: curve.attrs[key] for key in ("hours", "step")},
    )
    return made.assign_attrs(dropped=curve.attrs["dropped"])


def fitted_curve(
    curve: xr.Dataset, estimate: xr.Dataset, *, ratio: str | NoxRatio | None = "constant"
) -> xr.Dataset:
    """Mean flux by travel time with its error, and the fit: what a figure of `emg` draws.

    Parameters
    ----------
    curve : xarray.Dataset
        Of `yaotan.plume.travel.travel_curve`.
    estimate : xarray.Dataset
        Of `fit_travel` on it.
    ratio : str or NoxRatio, optional
        The one that `fit_travel` was given.

    Returns
    -------
    xarray.Dataset
        Dim ``travel_time`` [s]: ``flux`` (mean over scenes, with the ratio), ``flux_uncertainty`` (standard
        error of that mean by the scatter of scenes) and ``fit`` (missing without an estimate) [kg s-1],
        ``scene_count``, ``fitted`` (whether the bin took part).

    Raises
    ------
    YaotanError
        The estimate is none of `emg`.
    """
    if estimate.attrs.get("method") != "emg" or estimate.sizes.get("source") != 1:
        raise YaotanError("the estimate is not of emg", where="fitted_curve", expected="that of fit_travel")
    time = curve["travel_time"].values
    flux, _ = _flux(curve, None if ratio is None else find_nox_ratio(ratio))
    seen = np.isfinite(flux).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(flux, axis=0) / seen
        spread = np.sqrt(np.nansum((flux - mean) ** 2, axis=0) / (seen - 1.0) / seen)
    one = estimate.isel(source=0)
    fit = np.full(time.size, np.nan)
    if "lifetime" in one and np.isfinite(one["lifetime"]):
        shape = emg_shape(time, *(float(one[name]) for name in ("lifetime", "start", "spread")))
        fit = float(one["emission"]) * shape + float(one["offset"])
    rate = {"units": "kg s-1"}
    return xr.Dataset(
        {
            "flux": ("travel_time", mean, rate | {"long_name": "mean flux over scenes"}),
            "flux_uncertainty": ("travel_time", np.where(seen > 1, spread, np.nan), rate),
            "scene_count": ("travel_time", seen, {"units": "1"}),
            "fit": ("travel_time", fit, rate | {"long_name": "exponential decay, smeared"}),
            "fitted": ("travel_time", seen_often(flux)),
        },
        coords={"travel_time": curve["travel_time"]},
        attrs={"kind": "travel curve"} | {key: estimate.attrs[key] for key in ("substance", "method")},
    )


def _flux(curve: xr.Dataset, factor: NoxRatio | None) -> tuple[Array, Array]:
    """Flux of scenes by travel time, over the whole width and over half of it, with the ratio applied."""
    time = curve["travel_time"].values
    gain = np.ones(time.size) if factor is None else factor.at(time)
    order = np.argsort(curve["half_width"].values)
    wide, narrow = (np.asarray(curve["flux"].values[k] * gain) for k in (order[-1], order[0]))
    return wide, narrow


def _solve(curve: xr.Dataset, factor: NoxRatio | None, wind_error: float) -> PlumeResult:
    number = curve.sizes["scene"]
    if number < LEAST_SCENES:
        dropped = json.loads(curve.attrs["dropped"])
        lost = ", ".join(f"{n} {reason}" for reason, n in dropped.items()) or "none dropped"
        raise NoEstimateError("too_few", f"{number} scenes, {LEAST_SCENES} are needed ({lost})")
    time = curve["travel_time"].values
    wide, narrow = _flux(curve, factor)
    fit = fit_decay(time, wide)
    parts = [fit_decay(time, np.delete(wide, k, axis=0)) for k in range(number)]

    def jackknife(values: list[float]) -> float:
        array = np.array(values)
        return float(np.sqrt((number - 1.0) / number * ((array - array.mean()) ** 2).sum()))

    size = abs(fit.emission)
    speeds, errors = curve["wind_speed"].values, curve["wind_speed_uncertainty"].values
    # turbulence of the length that is read, at least: few scenes may agree by chance
    stirred = float(mean_turbulence(min(float(time[-1]) * float(speeds.mean()), FARTHEST)))
    terms = {
        "noise": max(jackknife([p.emission for p in parts]), stirred * size / math.sqrt(number)),
        "background": abs(fit_decay(time, narrow).emission - fit.emission),
        "column": float(curve.attrs["mass_uncertainty"]) * size,
        "wind_speed": size * math.sqrt(float(((errors / speeds) ** 2).mean()) / number),
        "wind_height": size * wind_error,
    }
    if factor is not None:
        terms["chemistry"] = size * factor.error
    near_bound = not 1.01 * LIFETIMES[0] < fit.lifetime < 0.99 * LIFETIMES[1]
    details = {
        "lifetime": (fit.lifetime, "s"),
        # travel time goes with one over the wind: its shared error is the lifetime's as well
        "lifetime_uncertainty": (
            math.hypot(jackknife([p.lifetime for p in parts]), wind_error * fit.lifetime),
            "s",
        ),
        "start": (fit.start, "s"),
        "spread": (fit.spread, "s"),
        "offset": (fit.background, "kg s-1"),
        "scene_count": (float(number), "1"),
        "mean_wind_speed": (float(speeds.mean()), "m s-1"),
    }
    cautions = ["at_bound"] if near_bound else []
    cautions += ["negative"] if fit.emission < 0.0 else []
    return PlumeResult(fit.emission, terms, cautions=cautions, details=details)

"""`emg`: emission and lifetime from many scenes, each turned into its wind and read in hours of travel."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from yaotan.catalog.nox import NoxRatio, find_nox_ratio
from yaotan.errors import YaotanError
from yaotan.plume.crossing import TURBULENCE
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import LOW_WIND, NoEstimateError, PlumeResult, make_estimate
from yaotan.plume.image import take_pixels
from yaotan.plume.sector import above_plane, in_wind

if TYPE_CHECKING:
    import geopandas as gpd

Array = NDArray[np.float64]

#: fewer scenes give no mean plume
LEAST_SCENES: Final = 10
#: bounds of the lifetime [s]
LIFETIMES: Final = (900.0, 86400.0)


def emg_shape(time: ArrayLike, lifetime: float, start: float, spread: float) -> Array:
    r"""Exponential decay from a start on, smeared by a Gaussian: 1 just behind the start where spread is 0.

    .. math:: e^{(m - t) / \tau + s^2 / 2 \tau^2} \, \Phi\!\left(\frac{t - m}{s} - \frac{s}{\tau}\right)

    Beirle et al. (2011), Science 333, 1737, in travel time instead of distance.

    Parameters
    ----------
    time : array_like
        Travel time t [s].
    lifetime, start, spread : float
        tau, m and s [s].

    Returns
    -------
    numpy.ndarray
        Share of the emission that passes at t.

    Examples
    --------
    >>> emg_shape([-3600.0, 3600.0, 7200.0], 3600.0, 0.0, 60.0).round(3).tolist()
    [0.0, 0.368, 0.135]
    """
    from scipy.special import log_ndtr

    t = np.asarray(time, float)
    power = (start - t) / lifetime + spread**2 / (2.0 * lifetime**2)
    return np.asarray(np.exp(power + log_ndtr((t - start) / spread - spread / lifetime)))


@dataclass(frozen=True)
class _Fit:
    """Emission [kg s-1], lifetime, start and spread [s], background [kg s-1]."""

    emission: float
    lifetime: float
    start: float
    spread: float
    background: float


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
    scenes : iterable of xarray.Dataset
        Scenes with ``<v>_mass_factor`` of `column_mass`; read one at a time.
    wind : sequence of EffectiveWind
        One for each scene.
    source : geopandas.GeoDataFrame
        One row of `make_sources`.
    ratio : str or NoxRatio, optional
        NOx over NO2 (``catalogs/profiles/nox_no2.yaml``); None for a gas that is its own.
    half_width : float
        The plume is summed this far to each side [m].
    hours : tuple of float
        First and last travel time [h].
    step : float
        Bins of travel time [s].
    wind_error : float
        Relative standard error of the wind that all scenes share (height, product).

    Returns
    -------
    xarray.Dataset
        Estimate; with a ratio ``substance`` is nox (as NO2). Terms ``noise`` (jackknife over scenes: noise,
        weather and turbulence), ``background`` (half the width instead), ``wind_speed``, ``wind_height``,
        ``chemistry`` (ratio), ``column``; details ``lifetime`` and ``lifetime_uncertainty`` [s], ``start``,
        ``spread`` [s], ``scene_count``.

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
    if len(source) != 1:
        raise YaotanError(f"{len(source)} sources", where="emg", expected="one: others lie in its plume")
    factor = None if ratio is None else find_nox_ratio(ratio)
    edges = np.arange(hours[0] * 3600.0, hours[1] * 3600.0 + 1.0, step)
    rows: dict[float, list[Array]] = {half_width: [], half_width / 2.0: []}
    used: list[EffectiveWind] = []
    dropped: dict[str, int] = {}
    attributes: dict[str, Any] = {}
    number = 0
    for scene in scenes:
        if number >= len(wind):
            raise YaotanError("there are more scenes than winds", where="emg")
        one = wind[number]
        attributes = attributes or dict(scene.attrs)
        number += 1
        reason = _read(scene, source, one, edges, rows)
        if reason:
            dropped[reason] = dropped.get(reason, 0) + 1
        else:
            used.append(one)
    if number != len(wind):
        raise YaotanError(f"{number} scenes and {len(wind)} winds", where="emg")
    try:
        result = _solve(rows, used, edges, factor, wind_error, attributes, dropped)
    except NoEstimateError as none:
        result = PlumeResult(status=none.status, reason=none.reason)
    gas = str(attributes.get("plume_substance", "unknown"))
    made = make_estimate(
        [result],
        source,
        method="emg",
        substance="nox" if factor is not None and gas == "no2" else gas,
        corrections=[] if factor is None else [f"no2_to_nox: {factor.name} ({factor.source})"],
        options={"half_width": half_width, "hours": list(hours), "step": step},
    )
    return made.assign_attrs(dropped=json.dumps(dropped))


def _read(
    scene: xr.Dataset,
    source: gpd.GeoDataFrame,
    wind: EffectiveWind,
    edges: Array,
    rows: dict[float, list[Array]],
) -> str:
    """Add the flux of a scene by travel time; the reason where it cannot."""
    if not wind.known:
        return "no_wind"
    if wind.speed < LOW_WIND:
        return "low_wind"
    widest = max(rows)
    try:
        pixels = take_pixels(
            scene, source, radius=min(math.hypot(edges[-1] * wind.speed, widest), 150e3) + 10e3
        )
    except NoEstimateError as none:
        return none.status
    mass = above_plane(pixels, wind)
    if mass is None:
        return "cloudy"
    along, across = in_wind(pixels, wind)
    bin_ = np.searchsorted(edges, along / wind.speed, side="right") - 1
    lanes = max(round(2.0 * widest / (2.0 * pixels.width)), 4)
    for width, lines in rows.items():
        lane = np.floor((across / width + 1.0) * lanes / 2.0).astype(int)
        good = (bin_ >= 0) & (bin_ < edges.size - 1) & (lane >= 0) & (lane < lanes)
        cell = bin_[good] * lanes + lane[good]
        count = np.bincount(cell, minlength=(edges.size - 1) * lanes).reshape(-1, lanes)
        total = np.bincount(cell, mass[good], (edges.size - 1) * lanes).reshape(-1, lanes)
        # lanes without a value are taken to hold the mean of the others, unless most are empty
        held = count > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(held, total / count, 0.0).sum(axis=1) / held.sum(axis=1)
        line = np.where(held.mean(axis=1) >= 0.6, mean * 2.0 * width * wind.speed, np.nan)
        lines.append(line)
    return ""


def _solve(
    rows: dict[float, list[Array]],
    winds: list[EffectiveWind],
    edges: Array,
    factor: NoxRatio | None,
    wind_error: float,
    attributes: dict[str, Any],
    dropped: dict[str, int],
) -> PlumeResult:
    number = len(winds)
    if number < LEAST_SCENES:
        lost = ", ".join(f"{n} {reason}" for reason, n in dropped.items()) or "none dropped"
        raise NoEstimateError("too_few", f"{number} scenes, {LEAST_SCENES} are needed ({lost})")
    time = (edges[1:] + edges[:-1]) / 2.0
    gain = np.ones(time.size) if factor is None else factor.at(time)
    wide, narrow = (np.array(rows[width]) * gain for width in sorted(rows, reverse=True))
    fit = _fit(time, wide)
    parts = [_fit(time, np.delete(wide, k, axis=0)) for k in range(number)]

    def jackknife(values: list[float]) -> float:
        array = np.array(values)
        return float(np.sqrt((number - 1.0) / number * ((array - array.mean()) ** 2).sum()))

    size = abs(fit.emission)
    speeds = np.array([w.speed for w in winds])
    errors = np.array([w.speed_uncertainty for w in winds])
    terms = {
        "noise": max(jackknife([p.emission for p in parts]), TURBULENCE * size / math.sqrt(number)),
        "background": abs(_fit(time, narrow).emission - fit.emission),
        "column": float(attributes.get("mass_uncertainty", 0.0)) * size,
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
        "scene_count": (float(number), "1"),
        "mean_wind_speed": (float(speeds.mean()), "m s-1"),
    }
    cautions = ["at_bound"] if near_bound else []
    cautions += ["negative"] if fit.emission < 0.0 else []
    return PlumeResult(fit.emission, terms, cautions=cautions, details=details)


def _fit(time: Array, flux: Array) -> _Fit:
    """Least squares of the mean over scenes; emission and constant are linear, the other three searched."""
    from scipy.optimize import least_squares

    seen = np.isfinite(flux).sum(axis=0)
    good = seen >= max(flux.shape[0] / 3.0, 3.0)
    if good.sum() < 8:
        raise NoEstimateError("cloudy", f"{int(good.sum())} bins of travel time are seen often enough")
    t = time[good]
    mean = np.nanmean(flux[:, good], axis=0)
    root = np.sqrt(seen[good])

    def solve(p: Array) -> tuple[Array, Array]:
        shape = emg_shape(t, math.exp(p[0]), p[1], math.exp(p[2]))
        design = np.column_stack([shape, np.ones(t.size)]) * root[:, None]
        value = np.linalg.lstsq(design, mean * root, rcond=None)[0]
        return value, design @ value - mean * root

    step = float(np.median(np.diff(time)))
    lower = [math.log(LIFETIMES[0]), -3600.0, math.log(step / 4.0)]
    upper = [math.log(LIFETIMES[1]), 3600.0, math.log(3600.0)]
    starts = [[math.log(tau), 0.0, math.log(step)] for tau in (3600.0, 14400.0)]
    found = [
        least_squares(
            lambda p: solve(np.asarray(p))[1] / max(float(np.abs(mean).max()), 1e-30),
            start,
            bounds=(lower, upper),
            x_scale=[0.5, 600.0, 0.5],
        )
        for start in starts
    ]
    best = min(found, key=lambda f: f.cost).x
    value, _ = solve(best)
    return _Fit(float(value[0]), math.exp(best[0]), float(best[1]), math.exp(best[2]), float(value[1]))

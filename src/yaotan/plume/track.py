"""Emission from a track of soundings that crosses a plume: peak, line density, wind across the line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import TooFewSoundingsError, YaotanError
from yaotan.plane import local_plane
from yaotan.plume.crossing import TrackOptions, check_crossing, mass_of, read_options
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import NoEstimateError, PlumeResult
from yaotan.plume.line import Crossing, TrackLine, make_line
from yaotan.plume.peak import PeakFit, fit_peak
from yaotan.plume.turbulence import mean_turbulence

if TYPE_CHECKING:
    import geopandas as gpd

Array = NDArray[np.float64]

#: spread of a plume ``s = a (x / 1 km)^0.894`` [m], class F and A: Martin (1976), J. Air Pollut. Control
#: Assoc. 26, 145-147. The upper end is doubled: a plume that is sheared or meanders under the track is wider.
SPREAD: Final = (34.0, 2 * 213.0)
EXPONENT: Final = 0.894
#: soundings on each side, and in the core, below which a fit says nothing
LEAST_SIDE, LEAST_CORE = 5, 0.5


def track_gaussian(
    data: xr.Dataset, source: gpd.GeoDataFrame, wind: EffectiveWind, /, **options: float
) -> PlumeResult:
    r"""Estimate an emission from one overpass of a sounder (OCO-2 form).

    .. math:: Q = A \, u \, |\sin \theta|

    with A the integral of the mass enhancement along the track [kg m-1] from a Gaussian on a straight
    background (`yaotan.plume.peak.fit_peak`), u the speed of the wind and :math:`\theta` the angle between
    plume and track. The direction is that of the wind, corrected by the place of the peak as far as this is
    the more certain of the two (Reuter et al. 2019, ACP 19, 9371, and Nassar et al. 2017, GRL 44, 10045, turn
    the wind to the plume as a whole). Soundings of several footprints are moved along the wind onto the
    middle of the track first.

    Parameters
    ----------
    data : xarray.Dataset
        Dim ``sounding`` with ``latitude``, ``longitude``, ``time`` (optional), the column ``<v>``,
        ``<v>_uncertainty`` and ``<v>_mass_factor`` of `column_mass`; corners where there are any.
    source : geopandas.GeoDataFrame
        One row of `make_sources`.
    wind : EffectiveWind
        With ``length="along_plume"``. A `history` is used: the column at the track is that which the wind
        drew out when it left the stack, so the speed at that age counts.
    **options
        Fields of `TrackOptions`.

    Returns
    -------
    PlumeResult
        Terms ``noise`` (with correlation, centre and width), ``background`` (half the window instead),
        ``column``, ``wind_speed`` and the other terms of the wind, ``wind_direction``, ``wind_variability``,
        ``turbulence``; details ``line_density`` [kg m-1], ``distance``, ``sine``, ``width``, ``significance``
        and others.

    Raises
    ------
    NoEstimateError
        ``outside`` (the track does not meet the plume), ``rejected`` (angle, background on one side only),
        ``cloudy`` (the core has no values), ``too_few``.
    YaotanError
        An option is unknown, or the data hold no mass.

    Notes
    -----
    One plume in the window. A significance is no condition: leaving weak peaks out would bias the mean of
    many overpasses; the caution ``not_detected`` marks them.
    """
    chosen = read_options(options)
    if wind.length != "along_plume":
        raise YaotanError(
            f"the wind is made for masks ({wind.relation})",
            where="track_gaussian",
            expected="the wind of the air at the height of the plume",
        )
    mass, error = mass_of(data)
    place = float(source.geometry.y.iloc[0]), float(source.geometry.x.iloc[0])
    line = make_line(data["latitude"].values, data["longitude"].values, place)
    meets = line.crossing(wind.u, wind.v)
    check_crossing(line, meets, chosen)
    x = line.shifted(meets)
    footprint = _footprint(data, line, meets, place) or chosen.footprint
    diameter = float(source["diameter"].iloc[0])
    fits = _fit(x, mass, error, meets, footprint, diameter, wind, chosen)
    error_of_factor = float(data.attrs.get("mass_uncertainty", 0.0))
    return _result(fits, line, meets, wind, chosen, _time(data, x, fits[0]), error_of_factor)


def _footprint(data: xr.Dataset, line: TrackLine, meets: Crossing, place: tuple[float, float]) -> float:
    """Length of a box with the variance of the footprints' extent along the line; 0 without corners [m]."""
    if "latitude_corner" not in data:
        return 0.0
    east, north = local_plane(data["latitude_corner"].values, data["longitude_corner"].values, *place)
    along = east * line.east + north * line.north
    across = -east * line.north + north * line.east
    x = along - across * meets.cotangent
    sides = (x[:, 1] - x[:, 0]) ** 2 + (x[:, 2] - x[:, 1]) ** 2
    return math.sqrt(float(np.nanmean(sides))) if np.isfinite(sides).any() else 0.0


def _fit(
    x: Array,
    mass: Array,
    error: Array,
    meets: Crossing,
    footprint: float,
    diameter: float,
    wind: EffectiveWind,
    chosen: TrackOptions,
) -> tuple[PeakFit, PeakFit]:
    """Fit in the whole window and in half of it."""
    spread = [a * (meets.distance / 1e3) ** EXPONENT for a in SPREAD]
    # a source of width d: 4.3 standard deviations, the form of vertically integrated plumes of CO2
    widths = tuple(math.hypot(s, diameter / 4.3) / meets.sine for s in spread)
    turn = math.tan(math.radians(max(wind.direction_uncertainty, chosen.direction_error)))
    wander = math.hypot(meets.distance * turn / meets.sine, widths[1] / 4.0)
    good = np.isfinite(x) & np.isfinite(mass) & np.isfinite(error) & (error > 0)
    fits = []
    for window in (chosen.window, chosen.window / 2.0):
        reach = max(window, 3.0 * widths[1] * window / chosen.window)
        near = good & (np.abs(x - meets.along) <= reach + 2.0 * wander)
        _check_cover(x[near] - meets.along, widths, wander, footprint)
        place, y, sigma = _gather(x[near], mass[near], error[near], footprint)
        swing = min(2.5 * wander, reach)
        try:
            one = fit_peak(
                place,
                y,
                sigma,
                widths=(widths[0], widths[1]),
                centres=(meets.along - swing, meets.along + swing),
                expected=(meets.along, wander),
                footprint=footprint,
            )
        except TooFewSoundingsError as none:
            raise NoEstimateError("cloudy", str(none)) from none
        fits.append(one)
    if not np.isfinite(fits[0].area):
        raise NoEstimateError("no_fit", "the fit of the peak did not end at a number")
    _check_core(x[good], fits[0], footprint)
    return fits[0], fits[1]


def _gather(x: Array, y: Array, sigma: Array, footprint: float) -> tuple[Array, Array, Array]:
    """Means of soundings beside one another: what they share is one number of the line."""
    step = max(footprint / 2.0, 1.0)
    key = np.round((x - x.min()) / step).astype(int)
    number = np.unique(key, return_inverse=True)[1]
    weight = 1.0 / sigma**2
    total = np.bincount(number, weight)
    return (
        np.bincount(number, weight * x) / total,
        np.bincount(number, weight * y) / total,
        1.0 / np.sqrt(total),
    )


def _check_cover(x: Array, widths: tuple[float, ...], wander: float, footprint: float) -> None:
    middle = math.sqrt(widths[0] * widths[1])
    for side, name in ((x < -2.0 * middle, "first"), (x > 2.0 * middle, "last")):
        if np.unique(np.round(x[side] / footprint)).size < LEAST_SIDE:
            raise NoEstimateError(
                "rejected",
                f"background: fewer than {LEAST_SIDE} soundings beside the {name} flank of the plume",
            )
    if x.size < 3 * LEAST_SIDE:
        raise NoEstimateError("too_few", f"{x.size} soundings in the window")


def _check_core(x: Array, fit: PeakFit, footprint: float) -> None:
    core = np.abs(x - fit.centre) <= 2.0 * fit.width
    cells = max(int(4.0 * fit.width / footprint), 1)
    seen = np.unique(np.floor((x[core] - fit.centre) / footprint)).size
    if seen < LEAST_CORE * cells:
        raise NoEstimateError("cloudy", f"{seen} of {cells} places in the core of the plume have a value")


def _time(data: xr.Dataset, x: Array, fit: PeakFit) -> np.datetime64 | None:
    if "time" not in data:
        return None
    times = np.broadcast_to(data["time"].values, x.shape)
    return np.datetime64(times[np.nanargmin(np.abs(x - fit.centre))], "ns")


def _direction(
    line: TrackLine, meets: Crossing, fit: PeakFit, wind: EffectiveWind, chosen: TrackOptions
) -> tuple[float, float, float]:
    """Sine and cotangent of plume and track, and the standard error of the angle [rad]."""
    # the posterior of the centre holds the wind and the data together
    sine = abs(line.offset) / math.hypot(line.offset, fit.centre)
    cotangent = abs(fit.centre / line.offset)
    seen = fit.centre_uncertainty * meets.sine / meets.distance
    # a plume may bend: the wind where it crosses is not the bearing from the stack
    return sine, cotangent, math.hypot(seen, math.radians(chosen.direction_error) / 2.0)


def _result(
    fits: tuple[PeakFit, PeakFit],
    line: TrackLine,
    meets: Crossing,
    wind: EffectiveWind,
    chosen: TrackOptions,
    time: np.datetime64 | None,
    mass_error: float,
) -> PlumeResult:
    fit, half = fits
    sine, cotangent, turn = _direction(line, meets, fit, wind, chosen)
    distance = math.hypot(line.offset, fit.centre)
    speed, change = _speed(wind, distance, chosen)
    factor = speed * sine
    emission = fit.area * factor
    # two fits of which one holds the other's data differ by the difference of their variances (Hausman
    # 1978, Econometrica 46, 1251); what goes beyond is a background that is not straight
    excess = (fit.area - half.area) ** 2 - abs(half.area_uncertainty**2 - fit.area_uncertainty**2)
    noise, background = fit.area_uncertainty * factor, math.sqrt(max(excess, 0.0)) * factor
    # as in images: errors in proportion go with the mean square of the true emission, which is that of the
    # estimate and of its additive error together
    size = math.hypot(emission, noise, background)
    terms = {
        "noise": noise,
        "background": background,
        "column": mass_error * size,
        "wind_direction": size * cotangent * turn,
        "wind_variability": change * size,
        "turbulence": float(mean_turbulence(_swath(line) / sine)) * size,
    }
    terms |= {name: size * sigma / wind.speed for name, sigma in wind.uncertainty.items()}
    cautions = [] if "wind_speed" in wind.uncertainty else ["many_terms_unknown"]
    if fit.area < 2.0 * fit.area_uncertainty:
        cautions.append("not_detected")
    if half.area_uncertainty > 2.0 * fit.area_uncertainty:
        cautions.append("short")
    details = {
        "line_density": (fit.area, "kg m-1"),
        "distance": (distance, "m"),
        "sine": (sine, "1"),
        "width": (fit.width * sine, "m"),
        "centre_shift": (fit.centre - meets.along, "m"),
        "significance": (fit.significance, "1"),
        "correlated_share": (fit.share, "1"),
        "count": (float(fit.count), "1"),
        "wind_speed_at_stack": (speed, "m s-1"),
    }
    return PlumeResult(emission, terms, "estimated", cautions, "", wind, time, details, fit)


def _swath(line: TrackLine) -> float:
    """Width of a box with the variance of the soundings' places across the line [m]: 0 for a single file."""
    return math.sqrt(12.0) * float(np.nanstd(line.across))


def _speed(wind: EffectiveWind, distance: float, chosen: TrackOptions) -> tuple[float, float]:
    """Speed when the air under the track left the stack, and the relative error of that."""
    if len(wind.history) < 2:
        return wind.speed, chosen.wind_change
    age, speed = np.array(sorted(wind.history), float).T
    # the way of a parcel that is `age` old; beyond the last age the wind stays
    way = np.concatenate([[0.0], np.cumsum(np.diff(age) * (speed[1:] + speed[:-1]) / 2.0)])
    then = float(np.interp(distance, way, speed))
    return then, abs(then - wind.speed) / 2.0 / max(then, 1e-9)

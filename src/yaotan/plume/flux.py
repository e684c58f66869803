"""From line densities along a plume to one emission: weights, turbulence, and the terms of its error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.effective import EffectiveWind
from yaotan.plume.fading import line_fading
from yaotan.plume.model import PlumeModel
from yaotan.plume.turbulence import MEMORY, TURBULENCE

Floats: TypeAlias = NDArray[np.float64]

#: how many lines the usual turbulence is worth against the scatter of the lines themselves
PRIOR_LINES: Final = 10.0


@dataclass(frozen=True)
class LineMean:
    """Mean of line fluxes: value, terms of its error [kg s-1], weights, relative turbulence."""

    emission: float
    noise: float
    background: float
    shape: float
    turbulence: float
    weights: Floats
    scatter: float


def travel_speed(wind: EffectiveWind, along: Floats, *, history: bool) -> Floats:
    """Wind at which the air that is now at a distance left the source [m s-1].

    In a wind that changes with time and not in space a plume is not stretched on its way: its line density is
    the emission over the wind at the time of emission.

    Parameters
    ----------
    wind : EffectiveWind
        With its history.
    along : numpy.ndarray
        Way from the source [m].
    history : bool
        Whether to use it; else the wind at the overpass everywhere.

    Returns
    -------
    numpy.ndarray
        [m s-1].

    Examples
    --------
    >>> grown = EffectiveWind(6.0, 0.0, history=((0.0, 6.0), (3600.0, 4.0)))
    >>> travel_speed(grown, np.array([0.0, 1e5]), history=True).round(2).tolist()
    [6.0, 4.0]
    """
    if not history or len(wind.history) < 2:
        return np.full(along.shape, wind.speed)
    age, speed = np.array(wind.history, float).T
    # a plume of this age has the way that the wind blew since it left
    times = np.linspace(0.0, age[-1], 200)
    speeds = np.interp(times, age, speed)
    way = np.concatenate([[0.0], np.cumsum(np.diff(times) * (speeds[1:] + speeds[:-1]) / 2.0)])
    left = np.interp(along, way, times)
    return np.interp(left, age, speed) * wind.speed / speed[0]


def mean_of_lines(model: PlumeModel, wind: EffectiveWind, *, history: bool = True) -> LineMean:
    r"""Weighted mean of the fluxes of lines, with noise and turbulence correlated along the plume.

    Generalised least squares of :math:`Q_i = q_i u_i` with the covariance
    :math:`C + \bar Q^2 (\tau^2 e^{-|x_i - x_j| / l} + F)`: C of the fit (noise and background, shared by
    neighbouring lines), turbulence with its memory l, and F of the centre line (`line_fading`). The relative
    turbulence joins `TURBULENCE` (worth `PRIOR_LINES` lines) and what the lines scatter beyond their noise.

    Parameters
    ----------
    model : PlumeModel
        With line densities.
    wind : EffectiveWind
        Wind.
    history : bool
        Whether the wind at the time of emission is taken.

    Returns
    -------
    LineMean
        Mean and terms.
    """
    speed = travel_speed(wind, model.layout.centre, history=history)
    flux = model.density * speed
    both = np.outer(speed, speed)
    noise, field = model.covariance * both, model.field_covariance * both
    # a line without pixels came out as zero with a huge variance; it is left out
    size = np.diag(noise)
    good = np.isfinite(size) & (size < 1e6 * np.median(size))
    held = np.ix_(good, good)
    flux, noise, field = flux[good], noise[held], field[held]
    fading = line_fading(model)[held]
    way = model.layout.centre[good]
    near = np.exp(-np.abs(way[:, None] - way[None, :]) / MEMORY)
    relative = TURBULENCE
    weights = np.full(flux.size, 1.0 / flux.size)
    for _ in range(3):
        weights = _weights(noise + (weights @ flux) ** 2 * (relative**2 * near + fading))
        relative = _scatter(flux, noise, weights, near)
    mean = float(weights @ flux)
    spread = (relative * mean) ** 2 * near
    faded = math.sqrt(weights @ fading @ weights)
    wide = np.zeros(good.size)
    wide[good] = weights
    return LineMean(
        mean,
        float(np.sqrt(max(weights @ (noise - field) @ weights, 0.0))),
        float(np.sqrt(weights @ field @ weights)),
        abs(mean) * math.hypot(model.shape_error, faded),
        float(np.sqrt(weights @ spread @ weights)),
        wide,
        relative,
    )


def along_errors(
    model: PlumeModel, weights: Floats, relative: float, corridor: float | None = None
) -> tuple[float, float]:
    """Relative errors by turbulence and by the centre line of a method that weighs lines in its own way.

    Parameters
    ----------
    model : PlumeModel
        With lines.
    weights : numpy.ndarray
        What each line is worth, of any sum.
    relative : float
        Relative turbulence of a line.
    corridor : float, optional
        See `line_fading`.
    """
    way = model.layout.centre
    near = np.exp(-np.abs(way[:, None] - way[None, :]) / MEMORY)
    share = weights / weights.sum()
    fading = line_fading(model, corridor)
    return relative * math.sqrt(share @ near @ share), math.sqrt(share @ fading @ share)


def _weights(covariance: Floats) -> Floats:
    solved = np.linalg.solve(covariance, np.ones(covariance.shape[0]))
    return np.asarray(solved / solved.sum())


def _scatter(flux: Floats, noise: Floats, weights: Floats, near: Floats) -> float:
    """Relative turbulence: prior and the excess of the scatter over noise, by moments."""
    mean = float(weights @ flux)
    count = flux.size
    if count < 3 or mean == 0.0:
        return TURBULENCE
    # residuals from the weighted mean: their expectation under noise and under turbulence of size one
    take = np.eye(count) - np.outer(np.ones(count), weights)
    by_noise = np.diag(take @ noise @ take.T)
    by_turbulence = np.diag(take @ near @ take.T)
    inverse = 1.0 / np.maximum(np.diag(noise), 1e-30)
    share = inverse / inverse.sum()
    excess = float(share @ ((take @ flux) ** 2 - by_noise)) / max(float(share @ by_turbulence), 1e-12)
    # the more noise there is, the less lines say of turbulence
    worth = count * float(share @ ((TURBULENCE * mean) ** 2 / ((TURBULENCE * mean) ** 2 + np.diag(noise))))
    square = (PRIOR_LINES * TURBULENCE**2 + worth * excess / mean**2) / (PRIOR_LINES + worth)
    return float(np.sqrt(np.clip(square, (0.5 * TURBULENCE) ** 2, 1.0)))


def wind_terms(emission: float, wind: EffectiveWind) -> dict[str, float]:
    """Terms of the emission by the speed of the wind: proportional to it [kg s-1]."""
    return {term: abs(emission) * sigma / wind.speed for term, sigma in wind.uncertainty.items()}


def spread_of(values: Sequence[float], centre: float) -> float:
    """Root mean square distance of other choices from the one that was taken.

    Examples
    --------
    >>> spread_of([1.0, 3.0], 2.0)
    1.0
    """
    kept = np.array([value for value in values if np.isfinite(value)])
    return float(np.sqrt(np.mean((kept - centre) ** 2))) if kept.size else 0.0

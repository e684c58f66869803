"""A plume that decays on its way: exponential, smeared by a Gaussian, and its fit to flux by travel time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.plume.estimate import NoEstimateError

Array = NDArray[np.float64]

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
class DecayFit:
    """Emission [kg s-1], lifetime, start and spread [s], background [kg s-1]."""

    emission: float
    lifetime: float
    start: float
    spread: float
    background: float


def seen_often(flux: Array) -> NDArray[np.bool_]:
    """Bins of travel time that enough scenes see."""
    return np.asarray(np.isfinite(flux).sum(axis=0) >= max(flux.shape[0] / 3.0, 3.0))


def fit_decay(time: Array, flux: Array) -> DecayFit:
    """Least squares of the mean over scenes; emission and constant are linear, the other three searched."""
    from scipy.optimize import least_squares

    seen = np.isfinite(flux).sum(axis=0)
    good = seen_often(flux)
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
    return DecayFit(float(value[0]), math.exp(best[0]), float(best[1]), math.exp(best[2]), float(value[1]))

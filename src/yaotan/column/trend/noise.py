"""Errors of a series: white and correlated noise, and changes of growth that a filter cannot follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.column.trend.curve import Curve
from yaotan.column.trend.kernel import whiten
from yaotan.column.trend.moment import FILTER_YEAR

Floats = NDArray[np.float64]
#: correlation time of year-to-year changes of growth [years]
GROWTH_TIME: Final = 1.0
#: correlation times of noise that are tried [years], by equal factors: from six days to 667 / (2 pi) days.
#: Noise that is slower has most of its variance below the usual long cut-off, where it is trend by
#: definition.
NOISE_TIMES: Final = np.geomspace(6.0, 106.0, 7) / FILTER_YEAR
#: variances that are tried, in parts of that of the correlated noise: white noise, growth [per year squared]
_WHITE: Final = np.exp(np.linspace(-3.0, 3.0, 7))
_GROWTH: Final = np.exp(np.linspace(-4.0, 4.0, 5))
#: changes with periods above so many long cut-offs are no noise, whatever their shape
_SLOW: Final = 2.5
#: from this length on a series may have a season that changes [years]
_SEASON_CHANGE: Final = 6.0
#: residuals smaller than this part of the values are rounding, not noise
_ROUNDING: Final = 1e-10


@dataclass(frozen=True)
class Noise:
    """What a series holds beside polynomial and season, as variances.

    Parameters
    ----------
    white : float
        Variance of noise of each value's own.
    correlated : numpy.ndarray
        ``(7,)`` variances of noise with correlation exp(-lag / `NOISE_TIMES`).
    growth : float
        Variance of year-to-year changes of the growth rate [unit squared per year squared].
    """

    white: float
    correlated: Floats
    growth: float

    @property
    def time(self) -> float:
        """Correlation time of the correlated noise [years], the mean by variance."""
        total = float(self.correlated.sum())
        return float(self.correlated @ NOISE_TIMES) / total if total > 0.0 else 0.0

    def covariance(self, year: ArrayLike, scale: ArrayLike | None = None) -> Floats:
        """Covariance of the noise of values ``(n, n)``, without the changes of growth.

        ``scale`` ``(n,)``: relative size of the noise of each value.
        """
        t = np.asarray(year, float)
        lag = np.abs(t[:, None] - t[None, :])
        matrix = np.zeros_like(lag)
        for variance, time in zip(self.correlated, NOISE_TIMES, strict=True):
            if variance > 0.0:
                matrix += variance * np.exp(-lag / time)
        matrix[np.diag_indices(t.size)] += self.white
        if scale is None:
            return matrix
        size = np.asarray(scale, float)
        return np.asarray(size[:, None] * matrix * size[None, :])


def noise_design(curve: Curve) -> Floats:
    """Terms that are no noise, whatever their shape: the function, slow changes of level and of season.

    In series of six years and more with enough values: cosines with periods above 2.5 long cut-offs for the
    level and for the yearly wave, and a half-yearly wave that grows or shifts. Without them a swing of growth
    or of season that is not as the model assumes passes for noise.

    Parameters
    ----------
    curve : Curve
        Of the series.

    Returns
    -------
    numpy.ndarray
        ``(n, p)``.
    """
    design, year, settings = curve.design(curve.year), curve.year, curve.settings
    span = float(year[-1] - year[0])
    count = int(2.0 * span * FILTER_YEAR / (_SLOW * settings.long))
    if span < _SEASON_CHANGE or year.size < 4 * (settings.parameters + 3 * count + 2):
        return design
    turn = np.pi * np.arange(1, count + 1) * ((year - year[0]) / span)[:, None]
    slow = np.cos(turn)
    waves = design[:, settings.terms : settings.terms + 4]
    changing = (waves[:, None, :2] * slow[:, :, None]).reshape(year.size, -1)
    growing = waves[:, 2:] * (year - curve.origin)[:, None]
    return np.column_stack([design, slow, changing, growing])


def estimate_noise(year: Floats, value: Floats, design: Floats, scale: Floats | None = None) -> Noise:
    r"""Estimate the noise of a series from its restricted likelihood, averaged over models.

    The values are taken as design times coefficients plus a Gaussian process: white noise, noise with
    correlation exp(-lag / time), and a level that integrates growth of correlation time `GROWTH_TIME`. The
    likelihood is that of the part of the data on which the coefficients have no influence, so that the fit
    takes no variance away. It is computed for 7 correlation times, 7 shares of white noise and 5 shares of
    growth, equally spaced in their logarithms; the variances are means over these models with the likelihood
    as weight. So what the series cannot tell (a short one knows little of its correlation time) widens the
    result.

    Parameters
    ----------
    year, value : numpy.ndarray
        ``(n,)``, no value missing.
    design : numpy.ndarray
        ``(n, p)`` terms that are not noise.
    scale : numpy.ndarray, optional
        ``(n,)`` relative size of the noise of each value; equal without it.

    Returns
    -------
    Noise
        All zero for a series that the design gives back to rounding.

    Notes
    -----
    Noise that is correlated over more than 106 days counts as changes of growth.
    """
    basis, triangle = np.linalg.qr(design / np.sqrt((design**2).sum(axis=0)))
    basis = basis[:, np.abs(np.diag(triangle)) > 1e-8]
    left = value - basis @ (basis.T @ value)
    spread = float(np.sqrt(np.mean(left**2)))
    if spread <= _ROUNDING * float(np.abs(value).max()):
        return Noise(0.0, np.zeros(NOISE_TIMES.size), 0.0)
    size = np.ones(year.size) if scale is None else scale
    target = np.column_stack([basis, left / spread])
    shape = (NOISE_TIMES.size, _WHITE.size, _GROWTH.size)
    loss, variance = np.empty(shape), np.empty(shape)
    for index in np.ndindex(shape):
        model = (float(NOISE_TIMES[index[0]]), float(_WHITE[index[1]]), float(_GROWTH[index[2]]))
        loss[index], variance[index] = _restricted(model, year, size, target)
    weight = np.exp(loss.min() - loss)
    weight = weight / weight.sum() * variance * spread**2
    return Noise(
        float((weight.sum(axis=(0, 2)) * _WHITE).sum()),
        weight.sum(axis=(1, 2)),
        float((weight.sum(axis=(0, 1)) * _GROWTH).sum()),
    )


def _restricted(
    model: tuple[float, float, float], year: Floats, scale: Floats, target: Floats
) -> tuple[float, float]:
    """Give the negative restricted log-likelihood, and the mean of the common variance factor."""
    time, white, growth = model
    whitened, half_log = whiten(year, target, scale, white, time, growth, GROWTH_TIME)
    # the last diagonal entry of R is the length of what the design leaves of the data
    corner = np.abs(np.diag(np.linalg.qr(whitened, mode="r")))
    freedom = year.size - (target.shape[1] - 1)
    square = float(corner[-1] ** 2)
    half_log += float(np.log(corner[:-1]).sum())
    return half_log + 0.5 * freedom * np.log(square), square / max(freedom - 2.0, 1.0)


def drift_covariance(first: ArrayLike, second: ArrayLike, start: float) -> Floats:
    r"""Covariance of the level that growth of unit variance has added since a start.

    With growth of covariance exp(-|lag| / T), T = `GROWTH_TIME`, the added level d(t) has

    .. math:: \mathrm{cov}(d_s, d_t) = T^2 (2 \min(s, t) / T - 1 + e^{-s/T} + e^{-t/T} - e^{-|t - s|/T})

    Parameters
    ----------
    first, second : array_like
        ``(m,)``, ``(n,)`` decimal years, not before the start.
    start : float
        Decimal year in which d = 0. Estimates that give a constant back have the same error for any start.

    Returns
    -------
    numpy.ndarray
        ``(m, n)`` [years squared].
    """
    s, t = np.asarray(first, float)[:, None] - start, np.asarray(second, float)[None, :] - start
    decay = [np.exp(-x / GROWTH_TIME) for x in (s, t, np.abs(t - s))]
    return np.asarray(
        GROWTH_TIME**2 * (2.0 * np.minimum(s, t) / GROWTH_TIME - 1.0 + decay[0] + decay[1] - decay[2])
    )


def rate_covariance(rate: ArrayLike, level: ArrayLike, start: float) -> Floats:
    """Covariance of growth at times ``(m,)`` with the level at others ``(n,)``, as `drift_covariance`."""
    t, s = np.asarray(rate, float)[:, None] - start, np.asarray(level, float)[None, :] - start
    begun = np.exp(-t / GROWTH_TIME)
    later = np.exp(-np.maximum(t - s, 0.0) / GROWTH_TIME) - begun
    earlier = 2.0 - begun - np.exp(-np.maximum(s - t, 0.0) / GROWTH_TIME)
    return np.asarray(GROWTH_TIME * np.where(t >= s, later, earlier))


class Errors:
    """Variances of linear estimates from the data of one series.

    Parameters
    ----------
    year : numpy.ndarray
        ``(n,)`` of the values.
    noise : Noise
        Model of the series.
    scale : numpy.ndarray, optional
        As in `estimate_noise`.

    Notes
    -----
    The error of an estimate that should be the true level, or its increment or rate, is rows times noise,
    plus rows times level minus the true thing: what the filter smooths away, interpolates over a gap or bends
    at an end. Both parts are exact for the model.
    """

    def __init__(self, year: Floats, noise: Noise, scale: Floats | None = None) -> None:
        self.year, self.noise, self.scale = year, noise, scale
        self._noise = noise.covariance(year, scale)
        # two years before, so that growth and level are in their long-term relation
        self._start = float(year[0]) - 2.0
        self._drift = drift_covariance(year, year, self._start)

    def noise_variance(self, rows: Floats) -> Floats:
        """Variance from noise of estimates given as rows ``(k, n)`` on the data."""
        return np.asarray(np.maximum(((rows @ self._noise) * rows).sum(axis=1), 0.0))

    def level_variance(self, rows: Floats, at: Floats) -> Floats:
        """Variance, from changes of growth, of a level ``(k, n)`` against the true one at times ``(k,)``."""
        own = np.array([drift_covariance([t], [t], self._start)[0, 0] for t in at])
        return self._missed(rows, drift_covariance(at, self.year, self._start), own)

    def increment_variance(self, rows: Floats, start: Floats, end: Floats) -> Floats:
        """Variance of an estimated increment against the true one from start to end ``(k,)``."""
        cross = drift_covariance(end, self.year, self._start) - drift_covariance(
            start, self.year, self._start
        )
        gap = np.abs(end - start) / GROWTH_TIME
        return self._missed(rows, cross, 2.0 * GROWTH_TIME**2 * (gap - 1.0 + np.exp(-gap)))

    def rate_variance(self, rows: Floats, at: Floats) -> Floats:
        """Variance of an estimated rate against the true one at times ``(k,)``."""
        return self._missed(rows, rate_covariance(at, self.year, self._start), np.ones(at.size))

    def leaked_variance(self, rows: Floats) -> Floats:
        """Variance of what changes of growth put into an estimate that should hold none (a season)."""
        return self._missed(rows, np.zeros_like(rows), np.zeros(len(rows)))

    def _missed(self, rows: Floats, cross: Floats, own: Floats) -> Floats:
        unit = ((rows @ self._drift) * rows).sum(axis=1) - 2.0 * (rows * cross).sum(axis=1) + own
        return np.asarray(self.noise.growth * np.maximum(unit, 0.0))

"""Mean of few, bad values: a level with a smooth season, where some are wild and none may be below zero."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: true errors over stated ones: prior standard deviation of the logarithm, and the values summed over
INFLATION_SPREAD: Final = 0.35
INFLATIONS: Final = np.exp(np.linspace(-0.45, 1.05, 6))
#: share of wild values: prior Beta(1, 9), one in ten, and the values that are summed over
WILD_PRIOR: Final = 9.0
WILD: Final = np.array([0.005, 0.04, 0.1, 0.18, 0.3, 0.45])
#: width of the distribution of wild values, in standard errors of good ones (Cauchy: any order of size)
WILD_WIDTH: Final = 4.0
#: levels that are summed over, first widely, then where the probability is
LEVELS: Final = 33
#: steps of the season at each level; the fifth changes the last digit
STEPS: Final = 5


@dataclass(frozen=True)
class LevelFit:
    """Level and season of values.

    Parameters
    ----------
    level, level_uncertainty : float
        Median of the level over a whole period of the basis; half of the interval that holds 68.3 per cent.
    lower, upper : float
        Interval of the level.
    season : numpy.ndarray
        Coefficients of the basis, in parts of the level.
    weight : numpy.ndarray
        ``(n,)`` probability of each value not to be wild.
    inflation : float
        True errors of values over their stated ones.
    """

    level: float
    level_uncertainty: float
    lower: float
    upper: float
    season: Array
    weight: Array
    inflation: float


def weighted_median(values: ArrayLike, weights: ArrayLike) -> float:
    """Give the value at which half of the weight lies on each side.

    Examples
    --------
    >>> weighted_median([1.0, 2.0, 10.0], [1.0, 1.0, 1.0])
    2.0
    """
    y, w = np.asarray(values, float), np.asarray(weights, float)
    order = np.argsort(y, kind="stable")
    sums = np.cumsum(w[order])
    half = sums[-1] / 2.0
    first = int(np.searchsorted(sums, half * (1 - 1e-12)))
    if math.isclose(sums[first], half) and first + 1 < y.size:
        return float((y[order[first]] + y[order[first + 1]]) / 2.0)
    return float(y[order[first]])


def fit_level(
    values: ArrayLike,
    absolute: ArrayLike,
    relative: ArrayLike,
    basis: ArrayLike,
    spread: ArrayLike,
    weights: ArrayLike = 1.0,
    *,
    positive: bool = False,
    probability: float = 0.95,
) -> LevelFit:
    r"""Fit ``y = L (1 + B c)`` where some of the values are wild.

    Bayes: a value is normal about what is expected with probability 1 - p, else anywhere (Cauchy),

    .. math:: y_i \sim (1 - p) \, N(\mu_i, \kappa^2 s_i^2) + p \, C(\mu_i, 4 \kappa s_i), \quad
        \mu_i = L (1 + B_i c), \quad s_i^2 = n_i^2 + (r_i \mu_i)^2

    (Hogg, Bovy and Lang 2010, arXiv:1008.4686, section 3). The error of a value belongs to what is expected
    there and not to what was seen: with the relative error of the value itself the small values would be the
    precise ones and the mean too low. Where no value at or below zero is ever given (``positive``), both
    distributions are those above zero: noise that is cut on one side makes weak sources too large, and the
    likelihood of a cut distribution takes it back. Level, share p and inflation kappa are summed over on a
    grid, the season is eliminated at each of its points (Laplace).

    Parameters
    ----------
    values : array_like
        ``(n,)``.
    absolute, relative : array_like
        ``(n,)`` stated errors: in the unit of the values, and as part of what is expected.
    basis : array_like
        ``(n, k)`` periodic functions of mean 0.
    spread : array_like
        ``(k,)`` prior standard deviation of each coefficient, in parts of the level: few values in one half
        of the year do not invent a season.
    weights : array_like
        ``(n,)`` of the values (probability of being seen, strata), beside their errors.
    positive : bool
        Whether values at or below zero are never given.
    probability : float
        Of the interval.

    Returns
    -------
    LevelFit
        The level has a flat prior, above zero where values are.

    Notes
    -----
    More than about a third of wild values on one side are taken for good ones. Values are taken as
    independent.

    Examples
    --------
    >>> fit = fit_level([9.0, 10.0, 11.0, 10.5, 400.0], 0.0, 0.1, np.zeros((5, 1)), [0.1])
    >>> round(fit.level), bool(fit.weight[-1] < 0.01)
    (10, True)
    """
    y, n, r, w = np.broadcast_arrays(*(np.asarray(v, float) for v in (values, absolute, relative, weights)))
    b = np.asarray(basis, float).reshape(y.size, -1)
    problem = _Problem(y, n, r, b, np.asarray(spread, float), w / w.mean(), positive)
    middle = weighted_median(y, w)
    away = 1.4826 * weighted_median(np.abs(y - middle), w)
    size = max(away, float(np.median(np.hypot(n, r * middle))), 1e-9 * max(float(np.abs(y).max()), 1e-30))
    low, high = middle - 4.0 * size, middle + 4.0 * size
    low = max(low, 1e-3 * size) if positive else low
    for _ in range(3):
        levels = np.linspace(low, high, LEVELS)
        found = problem.look(levels)
        share = found.probability.sum(axis=(1, 2))
        held = np.flatnonzero(share > 1e-5 * share.max())
        step = levels[1] - levels[0]
        low, high = levels[held[0]] - step, levels[held[-1]] + step
        low = max(low, 1e-6 * size) if positive else low
    cut = [0.5 - probability / 2.0, 0.15865, 0.5, 0.84135, 0.5 + probability / 2.0]
    lower, below, level, above, upper = _quantiles(levels, share, cut)
    chance = found.probability
    return LevelFit(
        level,
        (above - below) / 2.0,
        lower,
        upper,
        np.einsum("lkp,lkpc->c", chance, found.season),
        np.einsum("lkp,lkpn->n", chance, found.good),
        float(np.einsum("lkp,k->", chance, INFLATIONS)),
    )


@dataclass(frozen=True)
class _Look:
    """Over levels, inflations and shares of wild values: probability, season and good values."""

    probability: Array
    season: Array
    good: Array


@dataclass(frozen=True)
class _Problem:
    """Values with their errors, basis, prior of the season, weights."""

    y: Array
    absolute: Array
    relative: Array
    basis: Array
    spread: Array
    weight: Array
    positive: bool

    def look(self, levels: Array) -> _Look:
        """Probability of every point of the grid, with the season that is best there."""
        grid = np.meshgrid(levels, INFLATIONS, WILD, indexing="ij")
        level, inflation, wild = (part.reshape(-1, 1) for part in grid)
        shape = grid[0].shape
        season = np.zeros((level.size, self.spread.size))
        prior = np.diag(1.0 / self.spread**2)
        for step in range(STEPS):
            density, good, pull, sharp = self._densities(level, inflation, wild, season)
            if step == STEPS - 1:
                break
            gradient = level * ((self.weight * good * pull) @ self.basis) - season @ prior
            season = season + np.linalg.solve(self._hessian(level, good * sharp), gradient[..., None])[..., 0]
        hessian = self._hessian(level, good * sharp)
        log = (self.weight * density).sum(axis=1)
        log -= 0.5 * (season**2 @ np.diag(prior)) + 0.5 * np.linalg.slogdet(hessian)[1]
        log -= 0.5 * (np.log(inflation[:, 0]) / INFLATION_SPREAD) ** 2
        log += (WILD_PRIOR - 1.0) * np.log1p(-wild[:, 0]) + np.log(np.gradient(WILD))[
            np.searchsorted(WILD, wild[:, 0])
        ]
        chance = np.exp(log - log.max())
        chance /= chance.sum()
        return _Look(chance.reshape(shape), season.reshape(*shape, -1), good.reshape(*shape, self.y.size))

    def _hessian(self, level: Array, sharp: Array) -> Array:
        """Second derivative of minus the logarithm of the density by the season, ``(g, k, k)``."""
        size = self.spread.size
        squares = (self.basis[:, :, None] * self.basis[:, None, :]).reshape(self.y.size, -1)
        data = level**2 * ((self.weight * sharp) @ squares)
        return np.asarray(data.reshape(-1, size, size) + np.diag(1.0 / self.spread**2))

    def _densities(
        self, level: Array, inflation: Array, wild: Array, season: Array
    ) -> tuple[Array, Array, Array, Array]:
        """Logarithm of the density, chance to be good, and first and second derivative of it by the mean."""
        from scipy.special import log_ndtr

        mean = level * (1.0 + season @ self.basis.T)
        tiny = 1e-9 * max(float(np.abs(self.y).max()), 1e-30)
        sigma = inflation * np.sqrt(self.absolute**2 + (self.relative * mean) ** 2 + tiny**2)
        z = (self.y - mean) / sigma
        normal = -0.5 * z**2 - np.log(sigma) - 0.5 * math.log(2.0 * math.pi)
        width = WILD_WIDTH * sigma
        other = -np.log(math.pi * width * (1.0 + ((self.y - mean) / width) ** 2))
        pull, sharp = z / sigma, 1.0 / sigma**2
        if self.positive:
            h = mean / sigma
            inside = log_ndtr(h)
            normal = normal - inside
            other = other - np.log(0.5 + np.arctan(mean / width) / math.pi)
            cut = np.exp(-0.5 * h**2 - 0.5 * math.log(2.0 * math.pi) - inside)
            pull = pull - cut / sigma
            sharp = sharp * np.maximum(1.0 - cut * (h + cut), 0.05)
        both = np.logaddexp(np.log1p(-wild) + normal, np.log(wild) + other)
        return both, np.exp(np.log1p(-wild) + normal - both), pull, sharp


def _quantiles(levels: Array, share: Array, at: list[float]) -> list[float]:
    """Quantiles of a density on equal steps, linear in the distribution."""
    edges = np.concatenate([[0.0], np.cumsum((share[1:] + share[:-1]) / 2.0)])
    return [float(np.interp(q, edges / edges[-1], levels)) for q in at]

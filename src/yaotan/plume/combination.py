"""Several estimates of one emission made one: their errors are correlated, and they may disagree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import YaotanError

Floats: TypeAlias = NDArray[np.float64]

#: correlation of the errors of two methods on the same data, by source of error. Of noise, background,
#: turbulence and dispersion: measured between the methods on images of `yaotan.simulate.plume`, with one
#: cause of error at a time (docs/plume_scene.md). What is not of the method (mass, wind, chemistry) is
#: common to all; extents of masks are each method's own.
BETWEEN_METHODS: Final[dict[str, float]] = {
    "noise": 0.8,
    "background": 0.85,
    "turbulence": 0.45,
    "dispersion": 0.8,
    "mask": 0.0,
    "method": 0.0,
}
#: the same of two winds: the true one and the choices are draws from one population, so that their distances
#: from it have half of their variance in common
BETWEEN_WINDS: Final[dict[str, float]] = {"wind_height": 0.5}
#: the same of two backgrounds under the same plume
BETWEEN_BACKGROUNDS: Final[dict[str, float]] = {"background": 0.5}
#: terms that do not grow with the emission
ABSOLUTE: Final = ("noise", "background", "mask")


@dataclass(frozen=True)
class Estimated:
    """One estimate that takes part.

    Parameters
    ----------
    method, wind, background : str
        What it was made with: members that share one share the errors of it.
    emission : float
        [kg s-1].
    terms : mapping of str to float
        Standard error by term [kg s-1].
    """

    method: str
    wind: str
    background: str
    emission: float
    terms: Mapping[str, float]

    @property
    def size(self) -> float:
        """Root mean square of what the emission may be, to which proportional terms belong [kg s-1]."""
        added = [self.terms.get(term, 0.0) for term in (*ABSOLUTE, "dispersion")]
        return math.sqrt(self.emission**2 + sum(sigma**2 for sigma in added))


@dataclass(frozen=True)
class Combination:
    """What several estimates say together.

    Parameters
    ----------
    emission : float
        Weighted mean [kg s-1].
    terms : dict of str to float
        Standard error by term [kg s-1]; ``method`` is what methods disagree beyond their stated errors.
    weights : numpy.ndarray
        Of each estimate; none is negative, their sum is 1.
    chi_square, degrees, probability : float
        Disagreement of the methods against what their errors allow: the sum of squares, its degrees of
        freedom, and the chance of more. NaN with one method.
    share : float
        I2 of Higgins and Thompson (2002): part of the disagreement that stated errors do not explain, 0 to 1.
    spreads : dict of str to float
        Standard deviation between methods, winds and backgrounds [kg s-1], NaN where there is one.
    """

    emission: float
    terms: dict[str, float]
    weights: Floats
    chi_square: float = math.nan
    degrees: int = 0
    probability: float = math.nan
    share: float = math.nan
    spreads: dict[str, float] = field(default_factory=dict)


def correlation(term: str, one: Estimated, two: Estimated) -> float:
    """Correlation of the errors of two estimates by one source of error.

    Examples
    --------
    >>> a = Estimated("gaussian", "gnfr_a", "auto", 1.0, {})
    >>> b = Estimated("ime", "100m", "auto", 1.0, {})
    >>> [correlation(term, a, b) for term in ("column", "wind_speed", "wind_height", "mask")]
    [1.0, 1.0, 0.5, 0.0]
    """
    common = 1.0
    for table, differ in (
        (BETWEEN_METHODS, one.method != two.method),
        (BETWEEN_WINDS, one.wind != two.wind),
        (BETWEEN_BACKGROUNDS, one.background != two.background),
    ):
        common *= table.get(term, 1.0) if differ else 1.0
    return common


def combine(estimates: Sequence[Estimated]) -> Combination:
    r"""Generalised least squares mean of estimates with correlated errors and disagreement between methods.

    .. math:: y_i = \mu + b_{m(i)} + \sum_k e_{ik}, \qquad
        C_{ij} = \sum_k \rho_k(i, j)\, \sigma_{ik} \sigma_{jk} + \tau^2 \delta_{m(i) m(j)}

    Winds and backgrounds of a method count equally, methods by the generalised least squares of their means,
    with the errors by term k, their correlation of `correlation`, and the variance :math:`\tau^2` between
    methods (random effects, DerSimonian and Laird 1986, by moments: what the scatter of the methods is larger
    than their errors let expect, errors in common taken off).

    Parameters
    ----------
    estimates : sequence of Estimated
        At least one.

    Returns
    -------
    Combination
        Mean, terms, weights, disagreement.

    Raises
    ------
    YaotanError
        There is none, or one without an uncertainty.

    Notes
    -----
    Traps of such means are avoided. Errors in proportion to the emission are taken of the mean, not of each
    estimate: else estimates that came out small weigh most, and the mean is too small (D'Agostini 1994).
    Errors of wind, mass or chemistry are relative to the true one: all get the mean of the members',
    else the strongest wind weighs most. And weights are not below zero: a negative one corrects an estimate
    by others, which needs correlations that are known exactly (Peelle's puzzle), and these are not.

    It does not know what all methods have wrong together. Few methods say little of :math:`\tau`.

    Examples
    --------
    >>> two = [
    ...     Estimated("gaussian", "w", "b", 90.0, {"noise": 10.0, "wind_speed": 20.0}),
    ...     Estimated("ime", "w", "b", 110.0, {"noise": 10.0, "wind_speed": 20.0}),
    ... ]
    >>> made = combine(two)
    >>> round(made.emission), made.weights.round(2).tolist(), round(made.terms["wind_speed"])
    (100, [0.5, 0.5], 20)
    """
    if not estimates:
        raise YaotanError("there is no estimate to combine", where="combine", expected="one or more")
    values = np.array([one.emission for one in estimates])
    terms = list(dict.fromkeys(term for one in estimates for term in one.terms))
    near = {
        term: np.array([[correlation(term, one, two) for two in estimates] for one in estimates])
        for term in terms
    }
    means = _by_method(estimates)
    weights, tau = np.full(values.size, 1.0 / values.size), 0.0
    for _ in range(4):
        parts = _covariances(estimates, terms, near, weights, values)
        within = means @ sum(parts.values(), np.zeros_like(near[terms[0]])) @ means.T
        if not (np.diag(within) > 0.0).all():
            raise YaotanError("an estimate has no uncertainty above zero", where="combine")
        tau = _between(means @ values, within)
        by_method = positive_weights(within + tau * np.eye(within.shape[0]))
        weights = by_method @ means
    found = {term: math.sqrt(max(float(weights @ part @ weights), 0.0)) for term, part in parts.items()}
    if by_method.size > 1:
        found["method"] = math.sqrt(tau * float(by_method @ by_method))
    spreads = {
        name: _spread([getattr(one, name) for one in estimates], values)
        for name in ("method", "wind", "background")
    }
    return Combination(
        float(weights @ values), found, weights, *_disagreement(means @ values, within), spreads
    )


def _covariances(
    estimates: Sequence[Estimated],
    terms: Sequence[str],
    near: Mapping[str, Floats],
    weights: Floats,
    values: Floats,
) -> dict[str, Floats]:
    """Covariance by term, proportional ones for one common size of the emission."""
    absolute = {
        term: weights @ np.array([one.terms.get(term, 0.0) for one in estimates]) for term in ABSOLUTE
    }
    size = math.sqrt(float(weights @ values) ** 2 + sum(float(sigma) ** 2 for sigma in absolute.values()))
    parts = {}
    for term in terms:
        sigma = np.array([one.terms.get(term, 0.0) for one in estimates])
        if term not in ABSOLUTE:
            sigma = sigma * size / np.array([max(one.size, 1e-30) for one in estimates])
        if term not in BETWEEN_METHODS:
            # what is not of the method is of the true wind, mass, chemistry: the same for all
            sigma = np.full(sigma.shape, sigma.mean())
        parts[term] = near[term] * np.outer(sigma, sigma)
    return parts


def _by_method(estimates: Sequence[Estimated]) -> Floats:
    """Means by method as a matrix ``(method, estimate)``."""
    names = list(dict.fromkeys(one.method for one in estimates))
    rows = np.array([[float(one.method == name) for one in estimates] for name in names])
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))


def _between(seen: Floats, error: Floats) -> float:
    """Variance between methods by moments: scatter of their means less what their own errors explain."""
    count = seen.size
    if count < 2:
        return 0.0
    own = float(np.trace(error)) / count
    common = (float(error.sum()) - float(np.trace(error))) / (count * (count - 1))
    return max(float(np.var(seen, ddof=1)) - (own - common), 0.0)


def _disagreement(seen: Floats, error: Floats) -> tuple[float, int, float, float]:
    """Chi square of the methods about their mean, its degrees of freedom, the chance of more, and I2."""
    from scipy.stats import chi2

    degrees = seen.size - 1
    if degrees < 1:
        return math.nan, 0, math.nan, math.nan
    inverse = np.linalg.pinv(error, hermitian=True)
    ones = np.ones(seen.size)
    away = seen - float(ones @ inverse @ seen) / float(ones @ inverse @ ones)
    square = float(away @ inverse @ away)
    share = max(0.0, 1.0 - degrees / square) if square > 0.0 else 0.0
    return square, degrees, float(chi2.sf(square, degrees)), share


def _spread(levels: Sequence[str], values: Floats) -> float:
    """Standard deviation of the means of levels; NaN of one level."""
    names = np.array(levels)
    means = [values[names == name].mean() for name in dict.fromkeys(levels)]
    return float(np.std(means, ddof=1)) if len(means) > 1 else math.nan


def positive_weights(covariance: Floats) -> Floats:
    """Weights of the least variance among those that are not below zero; their sum is 1.

    Parameters
    ----------
    covariance : numpy.ndarray
        ``(n, n)``.

    Returns
    -------
    numpy.ndarray
        ``(n,)``. Estimates whose weight would be negative are left out, the worst first.

    Examples
    --------
    >>> positive_weights(np.array([[1.0, 1.8], [1.8, 4.0]])).tolist()
    [1.0, 0.0]
    """
    held = np.arange(covariance.shape[0])
    while True:
        solved = np.linalg.pinv(covariance[np.ix_(held, held)], hermitian=True) @ np.ones(held.size)
        part = solved / solved.sum()
        if held.size == 1 or (part >= -1e-12).all():
            break
        held = np.delete(held, int(np.argmin(part)))
    weights = np.zeros(covariance.shape[0])
    weights[held] = np.clip(part, 0.0, None)
    return np.asarray(weights / weights.sum())

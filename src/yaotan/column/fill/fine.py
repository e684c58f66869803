"""The fine part of a field of fixed rank: what is left beside its functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.optimize import minimize

from yaotan.column.fill.basis import Basis
from yaotan.column.fill.information import Part, parts_of
from yaotan.column.fill.mean import FittedMean
from yaotan.column.fill.node import Nodes
from yaotan.column.fill.observation import Floats, Observations
from yaotan.column.fill.rank_model import RankModel
from yaotan.column.fill.smoother import Smoothed
from yaotan.geodesy import sphere_point

#: Time of the fine part in steps where it cannot be measured.
FINE_TIME: Final = 0.25
#: Runs of observations, and observations in each, from which variance and range are learned.
_RUNS, _RUN = 48, 120
#: Range in distances between the finest centres: at least, at most.
_FINE_RANGE: Final = (0.05, 2.0)
#: Intervals between nodes, and observations in each, from which the time is measured, at most.
_INTERVALS, _SHARE = 300, 400
#: Pairs of overpasses that are needed for that, and classes of time between them.
_PAIRS, _CLASSES = 300, 16
#: Limits of its time in steps, and of its wave times the step.
_TIME: Final = (0.02, 2.0)
_WAVE: Final = (0.0, 2.0 * np.pi)


@dataclass(frozen=True)
class Products:
    """What the observations say of products of the field's rest at two of them.

    Attributes
    ----------
    observations, basis, nodes, mean, smoothed
        Data, functions, nodes in time, mean and coefficients given the data.
    seed : int
        Of the choice of runs and intervals.
    """

    observations: Observations
    basis: Basis
    nodes: Nodes
    mean: FittedMean
    smoothed: Smoothed
    seed: int

    def runs(self) -> list[Part]:
        """Choose runs of neighbouring observations."""
        first = np.sort(
            np.random.default_rng(self.seed).integers(0, max(1, len(self.observations) - _RUN), _RUNS)
        )
        last = len(self.observations)
        return [self._longest(np.arange(begin, min(begin + _RUN, last))) for begin in np.unique(first)]

    def intervals(self) -> list[Part]:
        """Choose intervals between nodes, and observations of each."""
        number = self.nodes.locate(self.observations.days)[0]
        found, first, size = np.unique(number, return_index=True, return_counts=True)
        rng = np.random.default_rng(self.seed)
        chosen = np.sort(rng.permutation(found.size)[:_INTERVALS])
        rows = [first[k] + rng.choice(size[k], min(size[k], _SHARE), replace=False) for k in chosen]
        return [self._longest(np.sort(some)) for some in rows]

    def _longest(self, rows: NDArray[np.intp]) -> Part:
        """Give those of some observations that are of one interval: only coefficients at its ends matter."""
        parts = parts_of(self.observations.take(rows), self.basis, self.nodes, self.mean)
        return max(parts, key=lambda one: len(one.observations))

    def expected(self, part: Part) -> Floats:
        """Give the expected products of what mean and functions leave, errors in it ``(n, n)``."""
        smoothed, node = self.smoothed, part.interval
        early, late = (part.rows.multiply(share[:, None]).tocsr() for share in (1.0 - part.along, part.along))
        between = late @ (early @ smoothed.between(node)).T
        spread = (
            early @ (early @ smoothed.covariance[node]).T + late @ (late @ smoothed.covariance[node + 1]).T
        )
        left = part.columns - (early @ smoothed.mean[node] + late @ smoothed.mean[node + 1])
        value = left[:, 0] - left[:, 1:] @ self.mean.coefficients
        expected = np.outer(value, value) + spread + between + between.T
        return np.asarray(expected + left[:, 1:] @ self.mean.covariance @ left[:, 1:].T)


def learn_fine(products: Products, model: RankModel, error_length: float, floor: float) -> RankModel:
    """Give the best variance and range of the fine part, coefficients and mean being what they are.

    Parameters
    ----------
    products : Products
        Given the coefficients.
    model : RankModel
        Where the search starts.
    error_length : float
        E-folding length of the common error along an overpass [m].
    floor : float
        Least variance.

    Returns
    -------
    RankModel
    """
    runs = [_run(products, part, error_length) for part in products.runs()]
    spacing = float(products.basis.spacing[-1])

    def misfit(logarithm: Floats) -> float:
        fine, reach = np.exp(logarithm)
        total = 0.0
        for expected, errors, apart, same in runs:
            factor, failed = lapack.dpotrf(errors + fine * same * np.exp(-apart / reach), lower=1)
            if failed:
                return np.inf
            # of the inverse the lower triangle is given, and of the expected products no other one is kept
            total += 2.0 * np.log(np.diagonal(factor)).sum()
            total += (lapack.dpotri(factor, lower=1)[0] * expected).sum()
        return float(total)

    bounds = [(np.log(floor), np.log(1e4 * model.sill)), tuple(np.log(np.multiply(_FINE_RANGE, spacing)))]
    start = np.clip(np.log([model.fine, model.fine_range]), *np.transpose(bounds))
    options = {"xatol": 0.01, "fatol": 1e-3, "maxfev": 60}
    found = minimize(misfit, start, method="Nelder-Mead", bounds=bounds, options=options)
    fine, reach = np.exp(found.x)
    return replace(model, fine=float(fine), fine_range=float(reach))


def _run(products: Products, part: Part, error_length: float) -> tuple[Floats, Floats, Floats, Any]:
    """Give expected products of a run, covariance of its errors, distances, and what is of one overpass.

    The products are folded into the lower triangle, so that a sum over it is one over all.
    """
    expected, known = products.expected(part), part.observations
    apart, same = _distances(known), known.overpass[:, None] == known.overpass
    errors = np.outer(known.shared, known.shared) * same
    if error_length > 0.0:
        errors *= np.exp(-apart / error_length)
    else:
        errors *= np.eye(len(known))
    errors[np.diag_indices(len(known))] = known.sigma**2
    folded = 2.0 * np.tril(expected, -1) + np.diag(np.diagonal(expected))
    return folded, errors, apart, same


def _distances(known: Observations) -> Floats:
    place = sphere_point(known.latitude, known.longitude)
    return np.asarray(np.linalg.norm(place[:, None] - place, axis=-1))


def measure_fade(products: Products, model: RankModel) -> tuple[RankModel, int]:
    r"""Measure how the fine part fades in time, from pairs of overpasses between the same two nodes.

    With :math:`E_{ij}` the expected product of what is left at two observations of different overpasses and
    :math:`f_{ij} = \sigma_\xi^2 e^{-h / L}`, the correlation at a class of lags is the regression
    :math:`\hat\rho = \sum E_{ij} f_{ij} / \sum f_{ij}^2`; :math:`e^{-u / a} \cos \omega u` is fitted to
    the classes by least squares with weights :math:`\sum f_{ij}^2`. It counts in means over periods only.

    Parameters
    ----------
    products : Products
        Given the coefficients.
    model : RankModel
        Variance and range of the fine part.

    Returns
    -------
    model : RankModel
        With `fine_time` and `fine_wave`; unchanged (a quarter of a step, no wave) where fewer than 300 pairs
        of overpasses come within the range.
    pairs : int
        Pairs of overpasses.

    Notes
    -----
    Given the coefficients, overpasses count as independent also where this shows that they are not.
    """
    step, sums, pairs = products.nodes.step, np.zeros((3, _CLASSES)), 0
    for part in products.intervals():
        known, apart = part.observations, _distances(part.observations)
        first, second = np.nonzero(
            (known.overpass[:, None] < known.overpass) & (apart < 2.0 * model.fine_range)
        )
        if not first.size:
            continue
        pairs += np.unique(np.stack([known.overpass[first], known.overpass[second]]), axis=1).shape[1]
        lag = np.abs(known.days[first] - known.days[second])
        near = model.fine * np.exp(-apart[first, second] / model.fine_range)
        label = np.minimum((lag / step * _CLASSES).astype(int), _CLASSES - 1)
        product = products.expected(part)[first, second]
        for row, value in zip(sums, (product * near, near**2, near**2 * lag), strict=True):
            row += np.bincount(label, value, minlength=_CLASSES)
    used = sums[1] > 0.0
    if pairs < _PAIRS or used.sum() < 3:
        return model, pairs
    return _fit_fade(model, sums[:, used], step), pairs


def _fit_fade(model: RankModel, sums: Floats, step: float) -> RankModel:
    """Fit time and wave to sums by class: of products, of weights, of weighted lags."""
    product, weight, lag = sums
    found: NDArray[Any] = product / weight
    late = lag / weight / step

    def misfit(parameters: Floats) -> float:
        fade = np.exp(-late / parameters[0]) * np.cos(parameters[1] * late)
        return float((weight * (found - fade) ** 2).sum())

    starts = [np.array([a, b]) for a in np.geomspace(*_TIME, 12) for b in np.linspace(*_WAVE, 12)]
    bounds = [_TIME, _WAVE]
    best = minimize(misfit, min(starts, key=misfit), method="Nelder-Mead", bounds=bounds).x
    return replace(model, fine_time=float(best[0]) * step, fine_wave=float(best[1]) / step)

"""Mean and variances of a field of fixed rank by restricted likelihood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from scipy.optimize import minimize

from yaotan.column.fill.basis import Basis
from yaotan.column.fill.fine import FINE_TIME, Products, learn_fine, measure_fade
from yaotan.column.fill.information import Information, gather_information
from yaotan.column.fill.mean import FittedMean
from yaotan.column.fill.node import Nodes
from yaotan.column.fill.observation import Floats, Observations
from yaotan.column.fill.rank_model import RankModel
from yaotan.column.fill.smoother import Smoothed, smooth

#: Rounds of coefficients and fine part, at most, and steps for the coefficients in each.
_ROUNDS, _STEPS = 6, 8
#: Change of every parameter (logarithm, artanh) in one round below which the search ends.
_CHANGE: Final = 0.05
#: Correlations from node to node lie between these: the second is that of a range of 50 steps.
_CARRY: Final = (-0.9, 0.98)
#: First of them: a range of two steps.
_FIRST: Final = 0.6
#: Variances stay above this part of the variance of the residuals.
_LEAST: Final = 1e-5


@dataclass(frozen=True)
class Estimate:
    """Mean and variances that belong together, and how the search went."""

    mean: FittedMean
    model: RankModel
    diagnostics: dict[str, Any]


def start_model(residual: Floats, sigma: Floats, basis: Basis, step: float) -> RankModel:
    """Give variances by moments: what errors do not explain, shared out in equal parts."""
    scatter = float(residual.var())
    field = max(scatter - float((sigma**2).mean()), 0.05 * scatter, 1e-12)
    part = field / (basis.levels + 1)
    spacing = float(basis.spacing[-1])
    carry = np.full(basis.levels, _FIRST)
    return RankModel(np.full(basis.levels, part), carry, part, 0.5 * spacing, FINE_TIME * step)


def maximise(
    observations: Observations,
    basis: Basis,
    nodes: Nodes,
    mean: FittedMean,
    model: RankModel,
    *,
    error_length: float,
    seed: int,
) -> Estimate:
    r"""Improve mean and variances until they stay.

    Given the variances, coefficients have a normal distribution (`yaotan.column.fill.smoother.smooth`). With
    its first and second moments the gradient of the likelihood is that of the expected log density of
    coefficients and observations (Fisher's identity, the expectation step of the EM algorithm),

    .. math:: \frac{\partial \log L}{\partial \theta} = -\frac12 \frac{\partial}{\partial \theta} \sum_l
              \left[w r_l \log K_l + (w - 1) r_l \log(1 - a_l^2) + \frac{S_l(a_l)}{K_l}\right], \quad
              S_l = \sum_{j \in l} E\left[\eta_{1j}^2
              + \sum_{v = 2}^{w} \frac{(\eta_{vj} - a_l \eta_{v-1,j})^2}{1 - a_l^2}\right]

    with :math:`a_l` the correlation from node to node. The search goes along that gradient with a limited
    memory of curvature (L-BFGS-B), since the steps of EM itself become tiny where observations are few. In
    turn with it variance and range of the fine part are found by an EM step of their own, on the residuals of
    runs of neighbouring observations; its correlation in time is measured at last
    (`yaotan.column.fill.fine`). The mean is fitted by generalised least squares throughout, and its
    uncertainty counts (restricted likelihood).

    Parameters
    ----------
    observations, basis, nodes
        Data, functions, nodes in time.
    mean, model
        Where the search starts.
    error_length : float
        E-folding length of the common error along an overpass [m].
    seed : int
        Of the runs of observations.

    Returns
    -------
    Estimate
    """
    floor = _LEAST * model.sill
    change, rounds = np.inf, 0
    while change >= _CHANGE and rounds < _ROUNDS:
        before, rounds = model, rounds + 1
        information = gather_information(observations, basis, nodes, mean, model, error_length)
        model = _coefficients(information, basis, nodes, mean, model, floor)
        smoothed = smooth(information, *model.by_function(basis))
        mean = fit_mean(information, smoothed, mean)
        products = Products(observations, basis, nodes, mean, smoothed, seed)
        model = learn_fine(products, model, error_length, floor)
        change = _change(before, model)
    model, pairs = measure_fade(products, model)
    diagnostics = {
        "rounds": rounds, "change": change, "converged": bool(change < _CHANGE), "fine_pairs": pairs
    }  # fmt: skip
    return Estimate(mean, model, diagnostics)


def log_likelihood(information: Information, smoothed: Smoothed, mean: FittedMean) -> float:
    """Give the restricted log likelihood, less a constant."""
    misfit = _reduced(information, smoothed)
    quadratic = misfit[0, 0] - misfit[0, 1:] @ mean.coefficients
    logarithm = information.logarithm + smoothed.logarithm - np.linalg.slogdet(mean.covariance)[1]
    return float(-0.5 * (logarithm + quadratic))


def _reduced(information: Information, smoothed: Smoothed) -> Floats:
    r"""Give :math:`[z, X]^T \Sigma^{-1} [z, X]`, :math:`\Sigma = H K H^T + D`."""
    return np.asarray(information.gram - np.einsum("wrk,wrm->km", information.right, smoothed.mean))


def fit_mean(information: Information, smoothed: Smoothed, mean: FittedMean) -> FittedMean:
    """Fit the coefficients of the mean by generalised least squares."""
    normal = _reduced(information, smoothed)
    covariance = np.asarray(np.linalg.inv(0.5 * (normal + normal.T)[1:, 1:]), float)
    return replace(mean, coefficients=covariance @ normal[1:, 0], covariance=covariance)


def _moments(smoothed: Smoothed, mean: FittedMean) -> tuple[Floats, Floats]:
    """Expected squares ``(w, r)`` of coefficients, and products with those of the next node."""
    pull = smoothed.mean[:, :, 1:]
    value = smoothed.mean[:, :, 0] - pull @ mean.coefficients
    spread = pull @ mean.covariance
    square = value**2 + np.einsum("wrr->wr", smoothed.covariance) + np.einsum("wrp,wrp->wr", spread, pull)
    lagged = value[:-1] * value[1:] + np.einsum("wrp,wrp->wr", spread[:-1], pull[1:])
    for node in range(len(lagged)):
        lagged[node] -= np.einsum("rs,rs->r", smoothed.gain[node], smoothed.covariance[node + 1])
    return square, lagged


def _coefficients(
    information: Information, basis: Basis, nodes: Nodes, mean: FittedMean, model: RankModel, floor: float
) -> RankModel:
    """Improve variance and carry of each level, the fine part being what it is."""
    levels = basis.levels

    def read(parameters: Floats) -> RankModel:
        return replace(model, variance=np.exp(parameters[:levels]), carry=np.tanh(parameters[levels:]))

    def misfit(parameters: Floats) -> tuple[float, Floats]:
        tried = read(parameters)
        smoothed = smooth(information, *tried.by_function(basis))
        fitted = fit_mean(information, smoothed, mean)
        return -log_likelihood(information, smoothed, fitted), -_gradient(
            smoothed, fitted, basis, tried, nodes
        )

    start = np.concatenate([np.log(model.variance), np.arctanh(model.carry)])
    bounds = [(np.log(floor), np.log(floor / _LEAST * 1e3))] * levels
    bounds += [tuple(np.arctanh(_CARRY))] * levels
    found = minimize(
        misfit, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS, "ftol": 1e-5}
    )
    return read(found.x)


def _gradient(smoothed: Smoothed, mean: FittedMean, basis: Basis, model: RankModel, nodes: Nodes) -> Floats:
    """Derivatives of the log likelihood by the logarithms of variances, then by artanh of carries."""
    square, lagged = _moments(smoothed, mean)
    by_variance, by_artanh = np.empty(basis.levels), np.empty(basis.levels)
    for level, (variance, carry) in enumerate(zip(model.variance, model.carry, strict=True)):
        of = basis.level == level
        first, early, late = (float(square[part, of].sum()) for part in (slice(1), slice(-1), slice(1, None)))
        product, number = float(lagged[:, of].sum()), int(of.sum())
        new = 1.0 - carry**2
        step = late - 2.0 * carry * product + carry**2 * early
        by_variance[level] = -0.5 * (nodes.number * number - (first + step / new) / variance)
        slope = ((2.0 * carry * early - 2.0 * product) * new + 2.0 * carry * step) / new**2
        by_carry = carry * (nodes.number - 1) * number / new - 0.5 * slope / variance
        by_artanh[level] = by_carry * new
    return np.concatenate([by_variance, by_artanh])


def _change(before: RankModel, after: RankModel) -> float:
    """Largest change of the logarithm of a variance, or of artanh of a carry, that matters."""
    # what hardly adds to the field may still wander
    weight = np.minimum(1.0, 20.0 * np.append(after.variance, after.fine) / after.sill)
    old, new = (np.append(model.variance, model.fine) for model in (before, after))
    carries = np.abs(np.arctanh(after.carry) - np.arctanh(before.carry)) * weight[:-1]
    return float(max((np.abs(np.log(new / old)) * weight).max(), carries.max()))

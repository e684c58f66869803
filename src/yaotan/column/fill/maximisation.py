"""Mean and variances of a field of fixed rank by restricted likelihood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import minimize

from yaotan.column.fill.basis import Basis
from yaotan.column.fill.information import Information, gather_information, parts_of
from yaotan.column.fill.mean import FittedMean
from yaotan.column.fill.node import Nodes
from yaotan.column.fill.observation import Floats, Observations
from yaotan.column.fill.rank_model import RankModel
from yaotan.column.fill.smoother import Smoothed, smooth
from yaotan.geodesy import sphere_point

#: Rounds of coefficients and fine part, at most, and steps for the coefficients in each.
_ROUNDS, _STEPS = 6, 8
#: Change of the logarithm of every parameter in one round below which the search ends.
_CHANGE: Final = 0.05
#: Runs of observations, and observations in each, from which the fine part is learned.
_RUNS, _RUN = 48, 120
#: Ranges in time lie between these parts of a step.
_TIMES: Final = (0.2, 50.0)
#: Variances stay above this part of the variance of the residuals.
_LEAST: Final = 1e-5
#: Time of the fine part in steps: what is left beside straight lines from node to node.
_FINE_TIME: Final = 0.25
#: Range of the fine part in distances between the finest centres: at least, at most.
_FINE_RANGE: Final = (0.05, 2.0)


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
    return RankModel(
        np.full(basis.levels, part), np.full(basis.levels, 2.0 * step), part, 0.5 * spacing, _FINE_TIME * step
    )


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

    with :math:`a_l = e^{-\Delta / \tau_l}`. The search goes along that gradient with a limited memory of
    curvature (L-BFGS-B), since the steps of EM itself become tiny where observations are few. In turn with it
    variance and range of the fine part are found by an EM step of their own, on the residuals of runs of
    neighbouring observations. The mean is fitted by generalised least squares throughout, and its uncertainty
    counts (restricted likelihood).

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
        smoothed = smooth(information, *model.by_function(basis, nodes.step))
        mean = fit_mean(information, smoothed, mean)
        model = _fine(observations, basis, nodes, mean, model, smoothed, error_length, floor, seed)
        change = _change(before, model)
    diagnostics = {"rounds": rounds, "change": change, "converged": bool(change < _CHANGE)}
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
    """Improve variance and range in time of each level, the fine part being what it is."""
    levels = basis.levels

    def read(logarithm: Floats) -> RankModel:
        parameters = np.exp(logarithm)
        return replace(model, variance=parameters[:levels], time_range=parameters[levels:])

    def misfit(logarithm: Floats) -> tuple[float, Floats]:
        tried = read(logarithm)
        smoothed = smooth(information, *tried.by_function(basis, nodes.step))
        fitted = fit_mean(information, smoothed, mean)
        return -log_likelihood(information, smoothed, fitted), -_gradient(
            smoothed, fitted, basis, tried, nodes
        )

    start = np.log(np.concatenate([model.variance, model.time_range]))
    times = tuple(np.log(np.multiply(_TIMES, nodes.step)))
    bounds = [(np.log(floor), np.log(floor / _LEAST * 1e3))] * levels + [times] * levels
    found = minimize(
        misfit, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS, "ftol": 1e-5}
    )
    return read(found.x)


def _gradient(smoothed: Smoothed, mean: FittedMean, basis: Basis, model: RankModel, nodes: Nodes) -> Floats:
    """Derivatives of the log likelihood by the logarithms of variances, then of ranges in time."""
    square, lagged = _moments(smoothed, mean)
    by_variance, by_range = np.empty(basis.levels), np.empty(basis.levels)
    for level, (variance, time_range) in enumerate(zip(model.variance, model.time_range, strict=True)):
        of = basis.level == level
        first, early, late = (float(square[part, of].sum()) for part in (slice(1), slice(-1), slice(1, None)))
        product, number = float(lagged[:, of].sum()), int(of.sum())
        carry = float(np.exp(-nodes.step / time_range))
        new = 1.0 - carry**2
        step = late - 2.0 * carry * product + carry**2 * early
        by_variance[level] = -0.5 * (nodes.number * number - (first + step / new) / variance)
        slope = ((2.0 * carry * early - 2.0 * product) * new + 2.0 * carry * step) / new**2
        by_carry = carry * (nodes.number - 1) * number / new - 0.5 * slope / variance
        by_range[level] = by_carry * carry * nodes.step / time_range
    return np.concatenate([by_variance, by_range])


def _fine(
    observations: Observations,
    basis: Basis,
    nodes: Nodes,
    mean: FittedMean,
    model: RankModel,
    smoothed: Smoothed,
    error_length: float,
    floor: float,
    seed: int,
) -> RankModel:
    """Give the best variance and range of the fine part, coefficients and mean being what they are."""
    runs = _runs(observations, basis, nodes, mean, smoothed, error_length, seed)
    spacing = float(basis.spacing[-1])

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


def _runs(
    observations: Observations,
    basis: Basis,
    nodes: Nodes,
    mean: FittedMean,
    smoothed: Smoothed,
    error_length: float,
    seed: int,
) -> list[tuple[Floats, Floats, Floats, Any]]:
    """Give expected products of residuals of runs of observations, and what their errors have in common.

    The products are folded into the lower triangle, so that a sum over it is one over all.
    """
    rng = np.random.default_rng(seed)
    first = np.sort(rng.integers(0, max(1, len(observations) - _RUN), _RUNS))
    runs = []
    for begin in np.unique(first):
        some = observations.take(np.arange(begin, min(begin + _RUN, len(observations))))
        # all of one interval, so that only the coefficients at its ends matter
        part = max(parts_of(some, basis, nodes, mean), key=lambda one: len(one.observations))
        known, node = part.observations, part.interval
        early, late = (part.rows.multiply(share[:, None]).tocsr() for share in (1.0 - part.along, part.along))
        between = late @ (early @ smoothed.between(node)).T
        spread = (
            early @ (early @ smoothed.covariance[node]).T + late @ (late @ smoothed.covariance[node + 1]).T
        )
        pull = early @ smoothed.mean[node] + late @ smoothed.mean[node + 1]
        left = part.columns - pull
        value = left[:, 0] - left[:, 1:] @ mean.coefficients
        expected = np.outer(value, value) + spread + between + between.T
        expected += left[:, 1:] @ mean.covariance @ left[:, 1:].T
        place = sphere_point(known.latitude, known.longitude)
        apart = np.linalg.norm(place[:, None] - place, axis=-1)
        same = known.overpass[:, None] == known.overpass
        errors = np.outer(known.shared, known.shared) * same
        if error_length > 0.0:
            errors *= np.exp(-apart / error_length)
        else:
            errors *= np.eye(len(known))
        errors[np.diag_indices(len(known))] = known.sigma**2
        folded = 2.0 * np.tril(expected, -1) + np.diag(np.diagonal(expected))
        runs.append((folded, errors, apart, same))
    return runs


def _change(before: RankModel, after: RankModel) -> float:
    """Largest change of the logarithm of a parameter that matters."""
    # what hardly adds to the field may still wander
    weight = np.minimum(1.0, 20.0 * np.append(after.variance, after.fine) / after.sill)
    old, new = (np.append(model.variance, model.fine) for model in (before, after))
    ranges = np.abs(np.log(after.time_range / before.time_range)) * weight[:-1]
    return float(max((np.abs(np.log(new / old)) * weight).max(), ranges.max()))

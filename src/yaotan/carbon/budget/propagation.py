"""From weights and densities to totals with intervals: propagation (Approach 1) and Monte Carlo (2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from yaotan.carbon.budget.confusion import Confusion
from yaotan.carbon.budget.model import DensityModel
from yaotan.carbon.budget.parameter import Floats
from yaotan.errors import YaotanError

Method: TypeAlias = Literal["monte_carlo", "propagation"]

#: terms of the budget, in the order of tables
TERMS: Final = ("density", "common", "fraction", "root_shoot", "raster", "area")
#: regions that are drawn together
_CHUNK: Final = 128


@dataclass(frozen=True)
class Uncertainty:
    """How uncertainty is worked out.

    Parameters
    ----------
    method : {"monte_carlo", "propagation"}
        Approach 2 or Approach 1 of the IPCC guidelines (vol. 1, ch. 3). Approach 1 is to first order and its
        interval is symmetric.
    draws : int
        Realisations; each parameter is drawn once in each, for all land.
    seed : int
        Of the draws.
    level : float
        Probability of the intervals.
    correlation : float
        Correlation of density errors between classes (of the same pool), 0 to 1.
    """

    method: Method = "monte_carlo"
    draws: int = 10_000
    seed: int = 0
    level: float = 0.95
    correlation: float = 0.0

    def __post_init__(self) -> None:
        if self.method not in ("monte_carlo", "propagation") or self.draws < 100 or not 0 < self.level < 1:
            raise YaotanError(
                f"method={self.method!r}, draws={self.draws!r}, level={self.level!r}",
                where="uncertainty",
                expected="monte_carlo or propagation; 100 draws or more; a probability such as 0.95",
            )


@dataclass(frozen=True)
class Weights:
    """What densities are multiplied with.

    Attributes
    ----------
    area : numpy.ndarray
        ``(region, class)`` [m2] for pools of the table; negative for land that was lost.
    scale : numpy.ndarray
        ``(pool,)``: share of a pool's density that counts (a soil that has not come to rest yet).
    raster : numpy.ndarray
        ``(region, class, pool)`` [kg] for pools of rasters.
    zone : tuple of str
        Zone of each region.
    """

    area: Floats
    scale: Floats
    raster: Floats
    zone: tuple[str, ...]


@dataclass
class Spread:
    """Values, standard deviations, intervals and terms of one kind of result; shapes as the name says."""

    value: Floats
    sd: Floats
    lower: Floats
    upper: Floats
    terms: dict[str, Floats]


def propagate(
    model: DensityModel, weights: Weights, options: Uncertainty, confusion: Confusion | None = None
) -> dict[str, Spread]:
    r"""Give totals, class and pool sums with their uncertainty, by region, and of all regions together.

    .. math:: S_r = \sum_{cp} w_{rcp} D_{cp}(x), \quad u^2 = \sum_{kl} g_k \Sigma_{kl} g_l, \quad
              g_k = \sum_{cp} w_{rcp} \partial D_{cp} / \partial x_k

    Approach 1 sums the terms; with a confusion matrix the area of class j is
    :math:`\sum_i a_i p_{ij}`, and the term of area is
    :math:`\sum_i a_i^2 \, d^T \mathrm{Cov}(p_i) \, d`. Approach 2 draws x and p. Terms are those of
    Approach 1 in either case, so their squares need not quite add up to that of Approach 2.

    Parameters
    ----------
    model : DensityModel
        Densities and their parameters.
    weights : Weights
        Areas and sums of rasters.
    options : Uncertainty
        How.
    confusion : Confusion, optional
        Shares of true in mapped classes, for the pools of the table.

    Returns
    -------
    dict of str to Spread
        ``total`` ``(region + 1,)``, ``class`` ``(region + 1, class)``, ``pool`` ``(region + 1, pool)``; the
        last row is all regions together.
    """
    parts = _first_order(model, weights, confusion)
    out = {kind: _finish(parts[kind], options.level) for kind in parts}
    if options.method == "monte_carlo":
        _simulate(out, model, weights, options, confusion)
    return out


def _mapped(model: DensityModel, weights: Weights, confusion: Confusion | None) -> Floats:
    """Weights ``(region, class, pool)`` at the means."""
    area = weights.area if confusion is None else weights.area @ confusion.share
    tabled = area[:, :, None] * model.tabled * weights.scale
    return np.asarray(tabled + weights.raster)


def _first_order(
    model: DensityModel, weights: Weights, confusion: Confusion | None
) -> dict[str, tuple[Floats, dict[str, Floats]]]:
    regions, (classes, pools) = len(weights.zone), model.tabled.shape
    w = _mapped(model, weights, confusion)
    size = len(model.parameters.items)
    value = np.zeros((regions + 1, classes, pools))
    kinds = {"total": (), "class": (classes,), "pool": (pools,)}
    terms = [t for t in TERMS if t == "area" or any(i.term == t for i in model.parameters.items)]
    sigma = {t: model.parameters.covariance(t) for t in terms if t != "area"}
    variance = {k: {t: np.zeros((regions + 1, *shape)) for t in terms} for k, shape in kinds.items()}
    whole = {k: np.zeros((*shape, size)) for k, shape in kinds.items()}
    moving = [k for k, item in enumerate(model.parameters.items) if item.varies]
    means = model.parameters.means[None, :]
    density = {zone: model.evaluate(means, zone)[0] for zone in set(weights.zone)}
    slope = {zone: model.gradient(zone)[moving] for zone in set(weights.zone)}
    for r, zone in enumerate(weights.zone):
        value[r] = w[r] * density[zone]
        part = w[r] * slope[zone]  # parameter, class, pool
        for kind, g in (("class", part.sum(2).T), ("pool", part.sum(1).T), ("total", part.sum((1, 2)))):
            for t, matrix in sigma.items():
                small = matrix[np.ix_(moving, moving)]
                variance[kind][t][r] = np.einsum("...k,kl,...l->...", g, small, g)
            whole[kind][..., moving] += g
    for kind, g in whole.items():
        for t, matrix in sigma.items():
            variance[kind][t][-1] = np.einsum("...k,kl,...l->...", g, matrix, g)
    value[-1] = value[:-1].sum(axis=0)
    if confusion is not None:
        _add_area(variance, model, weights, confusion, density)
    sums = {"total": value.sum((1, 2)), "class": value.sum(2), "pool": value.sum(1)}
    return {k: (sums[k], {t: np.sqrt(np.maximum(v, 0.0)) for t, v in variance[k].items()}) for k in kinds}


def _add_area(
    variance: dict[str, dict[str, Floats]],
    model: DensityModel,
    weights: Weights,
    confusion: Confusion,
    density: dict[str, Floats],
) -> None:
    """Add the term of area; in the whole, the shares of a row are in error in all regions alike."""
    rows = [i for i in range(confusion.codes.size) if confusion.count[i] >= 2]
    for row in rows:
        cov = confusion.covariance(row)
        total = np.zeros_like(next(iter(density.values())))
        for r, zone in enumerate(weights.zone):
            held = weights.area[r, row] * density[zone] * model.tabled * weights.scale
            total += held
            _area_terms(variance, held, cov, r)
        _area_terms(variance, total, cov, -1)


def _area_terms(variance: dict[str, dict[str, Floats]], held: Floats, cov: Floats, r: int) -> None:
    variance["total"]["area"][r] += held.sum(1) @ cov @ held.sum(1)
    variance["class"]["area"][r] += held.sum(1) ** 2 * np.diag(cov)
    variance["pool"]["area"][r] += np.einsum("jp,jk,kp->p", held, cov, held)


def _finish(part: tuple[Floats, dict[str, Floats]], level: float) -> Spread:
    from scipy.special import ndtri

    value, terms = part
    sd = np.sqrt(sum((term**2 for term in terms.values()), np.zeros_like(value)))
    half = float(ndtri(0.5 + level / 2.0)) * sd
    return Spread(value, sd, value - half, value + half, terms)


def _simulate(
    out: dict[str, Spread],
    model: DensityModel,
    weights: Weights,
    options: Uncertainty,
    confusion: Confusion | None,
) -> None:
    draws = model.parameters.draw(options.draws, options.seed)
    shares = confusion.draw(options.draws, options.seed) if confusion is not None else None
    tails = [(1.0 - options.level) / 2.0, (1.0 + options.level) / 2.0]
    classes, pools = model.tabled.shape
    whole = np.zeros((options.draws, classes, pools))
    for zone in dict.fromkeys(weights.zone):
        density = model.evaluate(draws, zone)
        members = [r for r, other in enumerate(weights.zone) if other == zone]
        simple = shares is None and bool(model.tabled.all())
        if simple:  # a class of a region is its area times what the whole zone draws
            _scale_classes(out["class"], density @ weights.scale, weights.area, members, tails)
        for start in range(0, len(members), _CHUNK):
            chunk = members[start : start + _CHUNK]
            if shares is None:
                _total_chunk(out, model, weights, density, chunk, tails)
            if not simple:
                for r in chunk:
                    held = _held(model, weights, density, shares, r)
                    _fill(out["class"], r, held.sum(2), tails)
                    if shares is not None:
                        _fill(out["total"], r, held.sum((1, 2)), tails)
                        _fill(out["pool"], r, held.sum(1), tails)
        area, raster = weights.area[members].sum(0), weights.raster[members].sum(0)
        both = Weights(area[None], weights.scale, raster[None], (zone,))
        whole += _held(model, both, density, shares, 0)
    _fill(out["class"], -1, whole.sum(2), tails)
    _fill(out["pool"], -1, whole.sum(1), tails)
    _fill(out["total"], -1, whole.sum((1, 2)), tails)


def _held(model: DensityModel, weights: Weights, density: Floats, shares: Floats | None, r: int) -> Floats:
    """What classes and pools of one region hold in each draw ``(draw, class, pool)``."""
    mapped = weights.area[r]
    area = mapped[None, :] if shares is None else np.einsum("i,nij->nj", mapped, shares)
    return np.asarray((area[:, :, None] * (model.tabled * weights.scale) + weights.raster[r]) * density)


def _total_chunk(
    out: dict[str, Spread], model: DensityModel, weights: Weights, density: Floats, chunk: Sequence[int],
    tails: list[float],
) -> None:  # fmt: skip
    w = weights.area[chunk][:, :, None] * model.tabled * weights.scale + weights.raster[chunk]
    pools = np.stack([density[:, :, p] @ w[:, :, p].T for p in range(w.shape[2])], axis=-1)
    _fill(out["pool"], chunk, pools, tails)
    _fill(out["total"], chunk, pools.sum(-1), tails)


def _scale_classes(
    spread: Spread, density: Floats, area: Floats, members: list[int], tails: list[float]
) -> None:
    low, high = np.quantile(density, tails, axis=0)
    a, sd = area[members], density.std(axis=0, ddof=1)
    spread.sd[members] = np.abs(a) * sd
    spread.lower[members], spread.upper[members] = (
        np.where(a >= 0, a * low, a * high), np.where(a >= 0, a * high, a * low),
    )  # fmt: skip


def _fill(spread: Spread, place: int | Sequence[int], draws: Floats, tails: list[float]) -> None:
    spread.sd[place] = draws.std(axis=0, ddof=1)
    spread.lower[place], spread.upper[place] = np.quantile(draws, tails, axis=0)

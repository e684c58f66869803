"""From weights and densities to totals with intervals: propagation (Approach 1) and Monte Carlo (2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from yaotan.carbon.budget.confusion import Confusion
from yaotan.carbon.budget.model import DensityModel
from yaotan.carbon.budget.parameter import Floats, normals
from yaotan.errors import YaotanError

Method: TypeAlias = Literal["monte_carlo", "propagation"]

#: terms of the budget, in the order of tables
TERMS: Final = (
    "density", "common", "fraction", "root_shoot", "raster", "growth", "loss", "organic", "product", "area",
)  # fmt: skip
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
    values : numpy.ndarray
        ``(region, class, entry)``: area [m2] for entries by area, else what the entry is per; negative for
        what was lost.
    zone : tuple of str
        Zone of each region.
    """

    values: Floats
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
    model: DensityModel,
    weights: Weights,
    options: Uncertainty,
    confusion: Confusion | None = None,
    *,
    areas: Mapping[str, Floats] | None = None,
) -> dict[str, Spread]:
    r"""Give totals, class and pool sums with their uncertainty, by region, and of all regions together.

    .. math:: S_r = \sum_{ce} w_{rce} D_{ce}(x), \quad u^2 = \sum_{kl} g_k \Sigma_{kl} g_l, \quad
              g_k = \sum_{ce} w_{rce} \partial D_{ce} / \partial x_k

    Approach 1 sums the terms; with a confusion matrix the area of class j is
    :math:`\sum_i a_i p_{ij}`, and the term of area is
    :math:`\sum_i h_i^T \mathrm{Cov}(p_i) \, h_i`, :math:`h_{ij} = \sum_e w_{ie} D_{je}`. Approach 2 draws x
    and p. Terms are those of Approach 1 in either case, so their squares need not quite add up to that of
    Approach 2.

    Parameters
    ----------
    model : DensityModel
        Densities and their parameters.
    weights : Weights
        Areas and sums of rasters.
    options : Uncertainty
        How.
    confusion : Confusion, optional
        Shares of true in mapped classes, for the entries by area.
    areas : mapping of str to numpy.ndarray, optional
        In its place: 1 sigma of each kind of result from areas, worked out elsewhere; drawn as normal.

    Returns
    -------
    dict of str to Spread
        ``total`` ``(region + 1,)``, ``class`` ``(region + 1, class)``, ``pool`` ``(region + 1, label)``; the
        last row is all regions together.
    """
    parts = _first_order(model, weights, confusion)
    for kind, sd in (areas or {}).items():
        parts[kind][1]["area"] = sd
    out = {kind: _finish(parts[kind], options.level) for kind in parts}
    if options.method == "monte_carlo":
        _simulate(out, model, weights, options, confusion, areas is not None)
    return out


def adjust(model: DensityModel, values: Floats, confusion: Confusion | None) -> Floats:
    """Give weights ``(region, class, entry)`` of true classes, at the mean shares."""
    if confusion is None:
        return values
    true = np.einsum("rie,ij->rje", values, confusion.share)
    return np.asarray(np.where(model.by_area, true, values))


def _first_order(
    model: DensityModel, weights: Weights, confusion: Confusion | None
) -> dict[str, tuple[Floats, dict[str, Floats]]]:
    regions, classes, _ = weights.values.shape
    w, fold = adjust(model, weights.values, confusion), model.fold
    size = len(model.parameters.items)
    kinds: dict[str, tuple[int, ...]] = {"total": (), "class": (classes,), "pool": (fold.shape[1],)}
    terms = [t for t in TERMS if any(item.term == t for item in model.parameters.items)]
    sigma = {t: model.parameters.covariance(t) for t in terms}
    terms += ["area"] if confusion is not None else []
    variance = {k: {t: np.zeros((regions + 1, *shape)) for t in terms} for k, shape in kinds.items()}
    whole = {k: np.zeros((*shape, size)) for k, shape in kinds.items()}
    moving = [k for k, item in enumerate(model.parameters.items) if item.varies]
    small = {t: matrix[np.ix_(moving, moving)] for t, matrix in sigma.items()}
    means = model.parameters.means[None, :]
    density = {zone: model.evaluate(means, zone)[0] for zone in set(weights.zone)}
    slope = {zone: model.gradient(zone)[moving] for zone in set(weights.zone)}
    value = np.zeros((regions + 1, classes, fold.shape[1]))
    for r, zone in enumerate(weights.zone):
        value[r] = (w[r] * density[zone]) @ fold
        part = (w[r] * slope[zone]) @ fold  # parameter, class, label
        for kind, g in (("class", part.sum(2).T), ("pool", part.sum(1).T), ("total", part.sum((1, 2)))):
            for t, matrix in small.items():
                variance[kind][t][r] = np.einsum("...k,kl,...l->...", g, matrix, g)
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
    fold = model.fold * model.by_area[:, None]
    for row in range(confusion.codes.size):
        if confusion.count[row] < 2:
            continue
        cov = confusion.covariance(row)
        total = np.zeros((confusion.codes.size, fold.shape[1]))
        for r, zone in enumerate(weights.zone):
            held = (weights.values[r, row] * density[zone]) @ fold
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


class _Filling:
    """Puts the moments and quantiles of draws in their place, with the noise of areas where there is one."""

    def __init__(self, options: Uncertainty, extra: bool) -> None:
        self.tails = [(1.0 - options.level) / 2.0, (1.0 + options.level) / 2.0]
        self.noise = normals(options.seed, "areas", options.draws) if extra else None

    def __call__(self, spread: Spread, place: int | Sequence[int], draws: Floats) -> None:
        if self.noise is not None:
            sd = spread.terms["area"][place]
            draws = draws + self.noise.reshape(-1, *(1,) * sd.ndim) * sd
        spread.sd[place] = draws.std(axis=0, ddof=1)
        spread.lower[place], spread.upper[place] = np.quantile(draws, self.tails, axis=0)


def _simulate(
    out: dict[str, Spread],
    model: DensityModel,
    weights: Weights,
    options: Uncertainty,
    confusion: Confusion | None,
    extra: bool,
) -> None:
    fill = _Filling(options, extra)
    draws = model.parameters.draw(options.draws, options.seed)
    shares = confusion.draw(options.draws, options.seed) if confusion is not None else None
    whole = np.zeros((options.draws, len(model.codes), len(model.labels)))
    for zone in dict.fromkeys(weights.zone):
        density = model.evaluate(draws, zone)
        members = [r for r, other in enumerate(weights.zone) if other == zone]
        for start in range(0, len(members), _CHUNK):
            chunk = members[start : start + _CHUNK]
            if shares is None:
                _fill_sums(out, model, weights, density, chunk, fill)
            for r in chunk if shares is not None else ():
                held = _held(model, weights.values[r], density, shares)
                for kind, sums in (
                    ("class", held.sum(2)),
                    ("total", held.sum((1, 2))),
                    ("pool", held.sum(1)),
                ):
                    fill(out[kind], r, sums)
        if shares is None:
            _fill_classes(out["class"], model, weights.values, density, members, fill)
        whole += _held(model, weights.values[members].sum(0), density, shares)
    for kind, sums in (("class", whole.sum(2)), ("total", whole.sum((1, 2))), ("pool", whole.sum(1))):
        fill(out[kind], -1, sums)


def _held(model: DensityModel, values: Floats, density: Floats, shares: Floats | None) -> Floats:
    """What classes and pools of one region hold in each draw ``(draw, class, label)``."""
    if shares is None:
        return np.asarray((values * density) @ model.fold)
    alike = bool(model.by_area.all()) and bool((values == values[:, :1]).all())
    rows = values[:, :1] if alike else values  # one row of areas for all pools, mostly
    true = np.moveaxis(np.matmul(rows.T, shares), 1, 2)
    return np.asarray((np.where(model.by_area, true, values) * density) @ model.fold)


def _fill_sums(
    out: dict[str, Spread], model: DensityModel, weights: Weights, density: Floats, chunk: Sequence[int],
    fill: _Filling,
) -> None:  # fmt: skip
    w = weights.values[chunk]
    parts = np.stack([density[:, :, e] @ w[:, :, e].T for e in range(w.shape[2])], axis=-1)
    fill(out["pool"], chunk, parts @ model.fold)
    fill(out["total"], chunk, parts.sum(-1))


def _fill_classes(
    spread: Spread, model: DensityModel, values: Floats, density: Floats, members: list[int], fill: _Filling
) -> None:
    """Classes of regions: where all weights are the same area, a quantile is area x one of the zone."""
    area = values[members][:, :, 0]
    alike = np.array_equal(values[members], np.broadcast_to(area[..., None], values[members].shape))
    if not alike or fill.noise is not None:
        for r in members:
            fill(spread, r, (values[r] * density).sum(-1))
        return
    whole = density.sum(-1)
    low, high = np.quantile(whole, fill.tails, axis=0)
    spread.sd[members] = np.abs(area) * whole.std(axis=0, ddof=1)
    spread.lower[members] = np.where(area >= 0, area * low, area * high)
    spread.upper[members] = np.where(area >= 0, area * high, area * low)

"""Covariance parameters by how well they predict what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill import kernel
from yaotan.column.fill.covariance import Family, ProductSum
from yaotan.column.fill.neighbourhood import Neighbourhood
from yaotan.column.fill.observation import Floats, Observations
from yaotan.geodesy import sphere_point

#: Observations that are predicted, and from how many neighbours.
_TARGETS: Final = 1000
_NEIGHBOURS: Final = 30
#: Every so many-th of them is used to choose the families.
_PART: Final = 2
#: Relative gain in mean log density below which the search ends.
_GAIN: Final = 1e-6
#: Variances stay above this part of the first sill; parameters within this factor of the first ones.
_LEAST: Final = 1e-3
_FACTOR: Final = 20.0
#: Where variances start that the variogram put at zero, in parts of the sill.
_START: Final = 0.02


def refine_model(
    observations: Observations,
    residual: Floats,
    model: ProductSum,
    *,
    families: Sequence[tuple[Family, Family]],
    wave: bool,
    error_length: float,
    track_share: float,
    seed: int,
) -> tuple[ProductSum, dict[str, Any]]:
    r"""Improve the parameters of a covariance by the predictive density of observations.

    .. math:: \max_\theta \sum_i \log p_\theta(z_i \mid z_{N(i)})

    over a seeded sample of observations, N(i) the nearest others; for every second one those of its own
    overpass are left out, so that the parameters serve short steps along a track and wide gaps alike (a
    composite likelihood: each term is an exact conditional density of the model). The variogram weighs the
    many pairs at long lags, this what matters for prediction, and variances come out right for predictions
    where the model is not the truth.

    Parameters
    ----------
    observations, residual
        Data, and their values less the mean ``(n,)``.
    model : ProductSum
        Where the search starts.
    families : sequence of (str, str)
        Families of the margins in space and time that are tried; the best is taken.
    wave : bool
        Whether a correlation in time that swings below zero is tried too, with the best family in space. It
        is taken when its mean log density is better by more than the standard error of the difference.
    error_length : float
        E-folding length of the common error along an overpass [m].
    track_share : float
        Part of the neighbours that one overpass may take.
    seed : int
        Of the sample.

    Returns
    -------
    model : ProductSum
    diagnostics : dict
        ``scores``: mean log density by families, on half of the sample; ``score`` of the best after a second
        search, on all of it and among the neighbours that are nearest in its own metric; ``at_bound``:
        parameters that ran into the limits of the search (variances at the lower limit count as zero and
        are not listed).

    References
    ----------
    Varin, C., Reid, N., Firth, D. (2011). An overview of composite likelihood methods. Statistica Sinica 21,
    5-42.
    """
    rng = np.random.default_rng(seed)
    size = len(observations)
    targets = np.sort(rng.choice(size, min(_TARGETS, size), replace=False))
    lone = rng.permutation(targets.size) % 2 == 0
    search = _Search(observations, residual, targets, lone, error_length, track_share, _bounds(model))
    # to choose a family, and to come near, a part of the sample is enough
    few = replace(search, targets=targets[::_PART], lone=rng.permutation(targets[::_PART].size) % 2 == 0)
    tried = {pair: few.run(replace(model, space_family=pair[0], time_family=pair[1])) for pair in families}
    best = max(tried.values(), key=lambda one: one.score)
    scores = {" ".join(pair): one.score for pair, one in tried.items()}
    if wave:
        swung = [
            few.run(replace(one.model, time_wave=1.0 / one.model.time_range))
            for (space, _), one in tried.items()
            if space == best.model.space_family
        ]
        scores |= {f"{one.model.space_family} {one.model.time_family} wave": one.score for one in swung}
        best = _better(best, max(swung, key=lambda one: one.score))
    found = search.run(best.model)
    return found.model, {
        "scores": scores,
        "score": found.score,
        "at_bound": found.at_bound,
    }


@dataclass(frozen=True)
class _Found:
    model: ProductSum
    each: Floats
    at_bound: list[str]

    @property
    def score(self) -> float:
        return float(self.each.mean())


def _better(found: _Found, other: _Found) -> _Found:
    """Take the other where it is better by more than the standard error of the difference."""
    gain = other.each - found.each
    return other if gain.mean() > gain.std() / np.sqrt(gain.size) else found


@dataclass(frozen=True)
class _Search:
    """Sample, errors and limits of a search."""

    observations: Observations
    residual: Floats
    targets: NDArray[np.int64]
    lone: NDArray[np.bool_]
    error_length: float
    track_share: float
    bounds: Floats

    def run(self, model: ProductSum) -> _Found:
        """Find the best parameters, the neighbours being nearest in the metric of the given ones."""
        from scipy.optimize import minimize

        known = self.observations
        near, rows, counts = _neighbours(known, model, self.targets, self.lone, self.track_share)
        free = 7 if model.time_wave else 6
        fixed, own, bounds = model.parameters()[free:], known.sigma**2, self.bounds[:free]
        out = np.empty(self.targets.size)

        def loss(logs: Floats) -> float:
            kernel.score(
                rows, counts, self.targets, near.place, near.days, own, known.shared, near.overpass,
                self.error_length, np.append(np.exp(logs), fixed), self.residual, out,
            )  # fmt: skip
            return -float(out.mean())

        least = np.append([_START * model.sill] * 4, np.zeros(free - 4))
        start = np.log(np.maximum(model.parameters()[:free], least))
        done = minimize(
            loss, np.clip(start, *bounds.T), method="L-BFGS-B", bounds=bounds,
            options={"eps": 1e-4, "ftol": _GAIN},
        )  # fmt: skip
        names = ("space", "time", "joint", "micro", "space_range", "time_range", "time_wave")[:free]
        hit = np.abs(done.x[:, None] - bounds) < 1e-2
        at_bound = [n for k, n in enumerate(names) if hit[k, 1] or (hit[k, 0] and k > 3)]
        loss(done.x)
        return _Found(_model(done.x, bounds, model), out.copy(), at_bound)


def _bounds(model: ProductSum) -> Floats:
    """Limits of the logarithms of the parameters ``(7, 2)``; the wave's last."""
    sill = model.sill
    variances = [(np.log(_LEAST * sill), np.log(_FACTOR * sill))] * 4
    ranges = [
        (np.log(one / _FACTOR), np.log(one * _FACTOR))
        for one in (model.space_range, model.time_range, 1.0 / model.time_range)
    ]
    return np.array(variances + ranges)


def _model(logs: Floats, bounds: Floats, model: ProductSum) -> ProductSum:
    """Model of the logarithms; a variance at its lower limit is zero (the joint one has to stay above it)."""
    values, zero = np.exp(logs), logs - bounds[:, 0] < 1e-2
    space, time, micro = (0.0 if zero[k] else float(values[k]) for k in (0, 1, 3))
    return ProductSum(
        space, time, float(values[2]), micro, float(values[4]), float(values[5]),
        model.space_family, model.time_family, float(values[6]) if values.size > 6 else 0.0,
    )  # fmt: skip


def _neighbours(
    observations: Observations,
    model: ProductSum,
    targets: NDArray[np.int64],
    lone: NDArray[np.bool_],
    track_share: float,
) -> tuple[Neighbourhood, NDArray[np.int64], NDArray[np.int64]]:
    """Nearest observations of each target, not itself, and not its overpass where it is to stand alone."""
    place = sphere_point(observations.latitude, observations.longitude)
    near = Neighbourhood(
        place, observations.days, observations.overpass, model,
        minimum=1, maximum=_NEIGHBOURS, track_share=track_share,
    )  # fmt: skip
    labels = np.column_stack([np.arange(len(observations)), near.overpass])
    bars = labels[targets]
    bars[~lone, 1] = -1
    rows, counts = near.search(place[targets], observations.days[targets], labels=labels, bars=bars)
    return near, rows, counts

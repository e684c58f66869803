"""How large G* becomes where there is nothing: from a fitted correlation, or from fields that are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.column.hotspot.correlation import Covariance, Floats, draw_fields, lay_out
from yaotan.column.hotspot.neighbourhood import Neighbourhood, excess_variance

Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """Scores, and how often chance gives as much.

    Attributes
    ----------
    score : numpy.ndarray
        ``(n,)``, cells that can be judged: G*, excess over its standard deviation under the null.
    probability : numpy.ndarray
        ``(n,)`` two-sided, of one cell.
    anywhere : float or None
        Share of null fields whose largest abs(score) is at least that of the field; None without such fields.
    covariance : Covariance or None
        The correlation that was fitted.
    """

    score: Floats
    probability: Floats
    anywhere: float | None
    covariance: Covariance | None = None


def judge_correlated(
    values: Floats,
    place: Floats,
    noise: Floats,
    near: Neighbourhood,
    able: Mask,
    *,
    radius: float,
    draws: int,
    random: np.random.Generator,
) -> Judged:
    """Judge a field against Gaussian fields of its own fitted correlation.

    Every field drawn goes the whole way, its correlation fitted anew: the null holds the error of the fit.
    """
    variogram = lay_out(place, noise, radius, random)
    variance = excess_variance(near, place, noise, radius, variogram, random)
    covariance = variogram.fit(values)

    def score(field: Floats) -> Floats:
        stated = np.sqrt(variance.of(variogram.fit(field)))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(stated > 0, near.excess(field) / stated, 0.0))

    fields = draw_fields(covariance, place, noise, draws, random)
    return _compare(score(values)[able], np.stack([score(field)[able] for field in fields]), covariance)


def judge_ensemble(values: Floats, members: Floats, near: Neighbourhood, able: Mask) -> Judged:
    """Judge a field against null fields ``(m, n)``: conditional simulations, say.

    Mean and spread of the excess are those of the members; a member is judged by those of the others.
    """
    excess = near.excess(members)
    mean, spread = excess.mean(axis=0), excess.std(axis=0, ddof=1)
    m = members.shape[0]
    others = (mean * m - excess) / (m - 1)
    square = np.maximum((spread**2 * (m - 1) - (excess - mean) * (excess - others)) / (m - 2), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = (near.excess(values) - mean) / (spread * np.sqrt(1.0 + 1.0 / m))
        null = (excess - others) / np.sqrt(square * (1.0 + 1.0 / (m - 1)))
    return _compare(
        np.asarray(np.nan_to_num(own)[able], float), np.asarray(np.nan_to_num(null)[:, able], float)
    )


def judge_independent(values: Floats, near: Neighbourhood, able: Mask) -> Judged:
    """Judge by the normal distribution, as of independent values."""
    from scipy.special import ndtr

    score: Floats = np.asarray(np.nan_to_num(near.textbook(values))[able], float)
    probability: Floats = np.asarray(2.0 * ndtr(-np.abs(score)), float)
    return Judged(score, probability, None)


def _compare(score: Floats, null: Floats, covariance: Covariance | None = None) -> Judged:
    """Tell how many null scores of all cells, and how many largest ones of null fields, reach each score."""
    pool = np.sort(np.abs(null).ravel())
    reached = pool.size - np.searchsorted(pool, np.abs(score), side="left")
    peak = np.abs(null).max(axis=1)
    anywhere = (1 + int((peak >= np.abs(score).max()).sum())) / (1 + peak.size)
    probability: Floats = np.asarray((1.0 + reached) / (1.0 + pool.size), float)
    return Judged(score, probability, float(anywhere), covariance)


def discoveries(probability: Floats) -> Floats:
    """Adjusted probabilities of Benjamini and Hochberg (1995, doi:10.1111/j.2517-6161.1995.tb02031.x).

    Parameters
    ----------
    probability : numpy.ndarray
        ``(n,)``.

    Returns
    -------
    numpy.ndarray
        ``(n,)``: smallest rate of false discoveries at which each would be one.

    Examples
    --------
    >>> discoveries(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    n = probability.size
    order = np.argsort(probability, kind="stable")
    stepped = probability[order] * n / np.arange(1, n + 1)
    out = np.empty(n)
    out[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return out

"""Where a model may be applied: places whose predictors are like those of the plots it learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yaotan.carbon.budget.parameter import Floats


@dataclass(frozen=True)
class Applicability:
    r"""Area of applicability by the dissimilarity of predictors.

    Predictors are scaled to unit variance and weighted by their importance; the dissimilarity of a place is
    its distance to the nearest plot over the mean distance of two plots. The threshold is the upper whisker
    (third quartile + 1.5 interquartile ranges, at most the largest) of the dissimilarity of plots to plots of
    other folds (Meyer and Pebesma 2021, Methods Ecol. Evol. 12, 1620, doi:10.1111/2041-210X.13650).

    Attributes
    ----------
    centre, scale : numpy.ndarray
        ``(predictor,)``; the weights are in the scale.
    plots : numpy.ndarray
        ``(plot, predictor)`` scaled.
    mean_distance : float
        Mean distance of two plots.
    threshold : float
        Largest dissimilarity of the area.
    """

    centre: Floats
    scale: Floats
    plots: Floats
    mean_distance: float
    threshold: float

    def dissimilarity(self, predictors: Floats) -> Floats:
        """Give the dissimilarity ``(n,)`` of rows ``(n, predictor)``; NaN where a predictor is missing."""
        from scipy.spatial import cKDTree

        known = np.isfinite(predictors).all(axis=1)
        out = np.full(len(predictors), np.nan)
        if known.any():
            moved = (predictors[known] - self.centre) * self.scale
            distance, _ = cKDTree(self.plots).query(moved)
            out[known] = distance / self.mean_distance
        return out

    def inside(self, predictors: Floats) -> NDArray[np.bool_]:
        """Say which rows are in the area of applicability."""
        return np.asarray(self.dissimilarity(predictors) <= self.threshold)


def find_applicability(
    predictors: Floats, importance: Floats, fold: NDArray[np.int64], seed: int
) -> Applicability:
    """Learn the area of applicability of plots.

    Parameters
    ----------
    predictors : numpy.ndarray
        ``(plot, predictor)``.
    importance : numpy.ndarray
        ``(predictor,)``, 0 or more.
    fold : numpy.ndarray
        ``(plot,)`` fold of the validation.
    seed : int
        Of the pairs whose mean distance is taken (at most 20,000).

    Returns
    -------
    Applicability
        Learned.
    """
    from scipy.spatial import cKDTree

    centre, spread = predictors.mean(axis=0), predictors.std(axis=0)
    weight = importance / importance.mean() if importance.mean() > 0 else np.ones_like(importance)
    scale = np.divide(weight, spread, out=np.zeros_like(spread), where=spread > 0)
    plots = (predictors - centre) * scale
    random = np.random.default_rng(seed)
    pairs = random.integers(0, len(plots), (2, 20_000))
    apart = pairs[:, pairs[0] != pairs[1]]
    mean = float(np.linalg.norm(plots[apart[0]] - plots[apart[1]], axis=1).mean()) or 1.0
    nearest = np.zeros(len(plots))
    for number in np.unique(fold):
        out = fold == number
        nearest[out] = cKDTree(plots[~out]).query(plots[out])[0] / mean
    low, high = np.quantile(nearest, [0.25, 0.75])
    threshold = min(float(high + 1.5 * (high - low)), float(nearest.max()))
    return Applicability(centre, scale, plots, mean, threshold)

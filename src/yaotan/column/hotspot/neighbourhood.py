"""Sums over great-circle neighbourhoods, and their variance under a correlation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.column.hotspot.correlation import Covariance, Floats, Variogram
from yaotan.geodesy import AUTHALIC_RADIUS

#: cells by which means of a correlation over the whole field are taken, where there are more
_COLUMNS: Final = 2000


@dataclass(frozen=True)
class Neighbourhood:
    """Weights 1 of all cells within a distance of each, itself included.

    Attributes
    ----------
    weight : scipy.sparse.csr_array
        ``(n, n)``.
    size : numpy.ndarray
        ``(n,)`` W_i, number of cells of each neighbourhood.
    """

    weight: Any
    size: Floats

    def excess(self, values: Floats) -> Floats:
        """Sum over each neighbourhood less W_i times the mean of all; ``(..., n)``."""
        sums = (self.weight @ values.T).T
        return np.asarray(sums - values.mean(axis=-1, keepdims=True) * self.size)

    def textbook(self, values: Floats) -> Floats:
        """Getis-Ord G* as of independent values (Ord and Getis 1995)."""
        n = values.size
        spread = np.sqrt((values**2).mean() - values.mean() ** 2)
        # S1 equals W for weights of 0 and 1
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(
                self.excess(values) / (spread * np.sqrt((n * self.size - self.size**2) / (n - 1)))
            )


def find_neighbours(place: Floats, radius: float) -> Neighbourhood:
    """Join cells whose centres lie within a great-circle distance [m]; place ``(n, 3)`` [m]."""
    from scipy import sparse

    near = pairs_within(place, radius)
    n = place.shape[0]
    weight = sparse.csr_array((np.ones(near.shape[1]), (near[0], near[1])), shape=(n, n))
    return Neighbourhood(weight, np.asarray(weight.sum(axis=1), float).ravel())


def pairs_within(place: Floats, radius: float) -> NDArray[np.intp]:
    """Give ordered pairs of cells ``(2, p)``, each with itself too."""
    from scipy.spatial import cKDTree

    chord = 2.0 * AUTHALIC_RADIUS * np.sin(min(radius / (2.0 * AUTHALIC_RADIUS), np.pi / 2.0))
    # centres exactly at the distance count, whatever the rounding
    pairs = cKDTree(place).query_pairs(chord * (1.0 + 1e-9), output_type="ndarray").T
    own = np.tile(np.arange(place.shape[0]), (2, 1))
    return np.concatenate([pairs, pairs[::-1], own], axis=1)


@dataclass(frozen=True)
class ExcessVariance:
    """Variance of `Neighbourhood.excess` for a nugget of 1, and for a sill of 1 by length.

    Attributes
    ----------
    white : numpy.ndarray
        ``(n,)``.
    smooth : dict
        Length -> ``(n,)``.
    """

    white: Floats
    smooth: dict[float, Floats]

    def of(self, covariance: Covariance) -> Floats:
        """Variance ``(n,)`` under a covariance."""
        return covariance.nugget * self.white + covariance.sill * self.smooth[covariance.length]


def excess_variance(
    near: Neighbourhood, place: Floats, noise: Floats, radius: float, variogram: Variogram, random: Any
) -> ExcessVariance:
    r"""Prepare the variance of sums over neighbourhoods, for each length tried.

    It is :math:`a_i^T C a_i` with :math:`a_i = w_i - (W_i / n) 1`.
    """
    from scipy import sparse
    from scipy.spatial.distance import cdist

    n, size, weight = place.shape[0], near.size, near.weight
    share = size / n
    white = weight @ noise * (1.0 - 2.0 * share) + share**2 * noise.sum()
    first, second = pairs_within(place, 2.0 * radius + 1.0)
    apart = np.linalg.norm(place[first] - place[second], axis=1)
    columns = np.arange(n) if n <= _COLUMNS else np.sort(random.choice(n, _COLUMNS, replace=False))
    distances = cdist(place, place[columns])
    smooth = {}
    for length in variogram.lengths:
        close = sparse.csr_array((np.exp(-apart / length), (first, second)), shape=(n, n))
        inner = np.asarray((weight @ close).multiply(weight).sum(axis=1)).ravel()
        total = np.exp(-distances / length).mean(axis=1) * n  # sum over all cells, of each cell
        smooth[float(length)] = inner - 2.0 * share * (weight @ total) + share**2 * total.sum()
    return ExcessVariance(white, {key: np.maximum(value, 0.0) for key, value in smooth.items()})

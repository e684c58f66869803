"""Correlation of a field, estimated from the cells themselves, and fields drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

#: classes of distance of the variogram
_CLASSES: Final = 15
#: pairs that are enough for it; more are drawn at random from
_PAIRS: Final = 300_000
#: lengths tried, from the side of a neighbourhood's tenth to the extent
_LENGTHS: Final = 16
#: up to this many cells fields are drawn exactly, beyond by waves
_EXACT: Final = 2500
#: waves whose sum stands for a field
_WAVES: Final = 400


@dataclass(frozen=True)
class Covariance:
    """Nugget h_i times `nugget`, plus `sill` exp(-d / length); d is the chord [m]."""

    nugget: float
    sill: float
    length: float


@dataclass(frozen=True)
class Variogram:
    """Pairs of cells in classes of distance: made once, fitted to many fields.

    Attributes
    ----------
    first, second, kind : numpy.ndarray
        ``(p,)`` cells of each pair, and its class.
    count, apart, noise : numpy.ndarray
        ``(c,)`` pairs, mean distance, and mean relative noise variance of each class.
    lengths : numpy.ndarray
        Lengths tried [m].
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    kind: NDArray[np.intp]
    count: Floats
    apart: Floats
    noise: Floats
    lengths: Floats

    def fit(self, values: Floats) -> Covariance:
        """Fit by weighted least squares after Cressie (1985, doi:10.1007/BF01032109)."""
        square = (values[self.first] - values[self.second]) ** 2 / 2.0
        gamma = np.bincount(self.kind, weights=square, minlength=self.count.size) / self.count
        best, chosen = np.inf, Covariance(float(gamma[-1]), 0.0, float(self.lengths[0]))
        if not gamma.max() > 0.0:
            return Covariance(0.0, 0.0, float(self.lengths[0]))
        weight = np.sqrt(self.count) / np.maximum(gamma, 1e-12 * gamma.max())
        for length in self.lengths:
            rise = 1.0 - np.exp(-self.apart / length)
            nugget, sill, loss = _two_positive(self.noise * weight, rise * weight, gamma * weight)
            if loss < best:
                best, chosen = loss, Covariance(nugget, sill, float(length))
        return chosen


def _two_positive(a: Floats, b: Floats, y: Floats) -> tuple[float, float, float]:
    """Least squares of y on a and b, neither coefficient negative."""
    aa, ab, bb, ay, by = a @ a, a @ b, b @ b, a @ y, b @ y
    det = aa * bb - ab * ab
    tries = [(max(float(ay / aa), 0.0), 0.0), (0.0, max(float(by / bb), 0.0))]
    if det > 1e-12 * aa * bb:
        p, q = float((bb * ay - ab * by) / det), float((aa * by - ab * ay) / det)
        if p >= 0.0 and q >= 0.0:
            tries = [(p, q)]
    losses = [float(((y - p * a - q * b) ** 2).sum()) for p, q in tries]
    at = int(np.argmin(losses))
    return (*tries[at], losses[at])


def lay_out(place: Floats, noise: Floats, radius: float, random: np.random.Generator) -> Variogram:
    """Gather pairs of cells by distance, to half of the extent.

    Parameters
    ----------
    place : numpy.ndarray
        ``(n, 3)`` [m], `yaotan.geodesy.sphere_point`.
    noise : numpy.ndarray
        ``(n,)`` relative noise variance h of each cell, mean 1.
    radius : float
        Of the neighbourhoods [m]: shorter lengths than a quarter of it need not be told apart.
    random : numpy.random.Generator
        Draws pairs where there are too many.
    """
    n = place.shape[0]
    if n * (n - 1) // 2 <= _PAIRS:
        first, second = np.triu_indices(n, 1)
    else:
        near = _near_pairs(place, radius, random)
        far = random.integers(0, n, (2, _PAIRS))
        first, second = np.concatenate([near, far[:, far[0] != far[1]]], axis=1)
    apart = np.linalg.norm(place[first] - place[second], axis=1)
    reach = float(np.quantile(apart, 0.5)) if n > 2 else float(apart.max())
    keep = apart <= reach
    first, second, apart = first[keep], second[keep], apart[keep]
    # classes of equal width in the root of the distance: finer where the variogram rises
    kind = np.minimum((np.sqrt(apart / reach) * _CLASSES).astype(np.intp), _CLASSES - 1)
    used, kind = np.unique(kind, return_inverse=True)
    count = np.bincount(kind, minlength=used.size).astype(float)
    mean = np.bincount(kind, weights=apart) / count
    relative = np.bincount(kind, weights=(noise[first] + noise[second]) / 2.0) / count
    lengths = np.geomspace(radius / 4.0, max(reach, radius), _LENGTHS)
    return Variogram(first, second, kind, count, mean, relative, lengths)


def _near_pairs(place: Floats, radius: float, random: np.random.Generator) -> NDArray[np.intp]:
    from scipy.spatial import cKDTree

    pairs = cKDTree(place).query_pairs(2.0 * radius, output_type="ndarray").T
    if pairs.shape[1] > _PAIRS:
        pairs = pairs[:, random.choice(pairs.shape[1], _PAIRS, replace=False)]
    return np.asarray(pairs, np.intp)


def draw_fields(
    covariance: Covariance, place: Floats, noise: Floats, count: int, random: np.random.Generator
) -> Floats:
    r"""Draw Gaussian fields of mean 0.

    Up to 2,500 cells by the Cholesky factor. Beyond, as sums of 400 waves whose wave vectors follow the
    spectrum of the exponential covariance in space, :math:`k = z / (L |g|)` with z normal in three dimensions
    and g normal (a multivariate t with one degree of freedom).

    Parameters
    ----------
    covariance : Covariance
        What the fields have.
    place, noise : numpy.ndarray
        ``(n, 3)`` and ``(n,)``.
    count : int
        Number of fields.
    random : numpy.random.Generator
        Source of chance.

    Returns
    -------
    numpy.ndarray
        ``(count, n)``.
    """
    n = place.shape[0]
    white = random.standard_normal((count, n)) * np.sqrt(covariance.nugget * noise)
    if covariance.sill <= 0.0:
        return white
    if n <= _EXACT:
        from scipy.spatial.distance import cdist

        matrix = np.exp(-cdist(place, place) / covariance.length)
        matrix[np.diag_indices(n)] += 1e-10
        smooth = random.standard_normal((count, n)) @ np.linalg.cholesky(matrix).T
    else:
        smooth = np.empty((count, n))
        for row in range(count):
            scale = covariance.length * np.abs(random.standard_normal(_WAVES))
            waves = random.standard_normal((3, _WAVES)) / scale
            phase = random.uniform(0.0, 2.0 * np.pi, _WAVES)
            smooth[row] = np.cos(place @ waves + phase).sum(axis=1) * np.sqrt(2.0 / _WAVES)
    return np.asarray(white + np.sqrt(covariance.sill) * smooth)

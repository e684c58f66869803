"""The error model of the simulated sensors: what the stated uncertainty means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: correlation of the stated errors of two soundings side by side in one overpass
OVERPASS_CORRELATION: Final = 0.5
#: e-folding length of that correlation along the track [km]
CORRELATION_LENGTH: Final = 100.0
#: tests that a spoiled sounding may fail, as bits of the quality flag
_BITS: Final = 5


@dataclass(frozen=True)
class ErrorModel:
    """Errors of one instrument.

    A good sounding with stated uncertainty u is wrong by
    ``bias + u (sqrt(r) c + sqrt(1 - r) e)``: e independent, c of unit variance and correlation
    ``exp(-distance / L)`` along an overpass, so that the error apart from the bias has exactly the stated
    1 sigma. The bias is drawn once per study from N(0, systematic).

    Attributes
    ----------
    low, high : float
        Range of the stated uncertainty [ppm].
    systematic : float
        1 sigma of the bias [ppm].
    bias : float
        The bias of this study [ppm].
    """

    low: float
    high: float
    systematic: float
    bias: float = 0.0

    def drawn(self, rng: np.random.Generator) -> ErrorModel:
        """Draw the bias of a study."""
        return ErrorModel(self.low, self.high, self.systematic, float(rng.normal(0.0, self.systematic)))

    def stated(self, rng: np.random.Generator, zenith: NDArray[Any]) -> NDArray[np.float64]:
        """Give uncertainties [ppm] that grow as the sun sinks."""
        share = np.clip(0.6 * zenith / 75.0 + 0.4 * rng.random(zenith.size), 0.0, 1.0)
        return np.asarray(self.low + (self.high - self.low) * share)

    def errors(
        self, rng: np.random.Generator, uncertainty: NDArray[Any], along: NDArray[Any], lane: NDArray[Any]
    ) -> NDArray[np.float64]:
        """Draw the errors of one overpass [ppm].

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of randomness.
        uncertainty : ndarray
            Stated 1 sigma [ppm].
        along : ndarray
            Distance along the track [km].
        lane : ndarray of int
            Soundings in one lane share the correlated part; lanes are independent of one another.
        """
        common = np.zeros(uncertainty.size)
        for number in np.unique(lane):
            rows = np.flatnonzero(lane == number)
            places, back = np.unique(along[rows], return_inverse=True)
            common[rows] = _walk(rng, places)[back]
        own = rng.standard_normal(uncertainty.size)
        mixed = np.sqrt(OVERPASS_CORRELATION) * common + np.sqrt(1.0 - OVERPASS_CORRELATION) * own
        return np.asarray(self.bias + uncertainty * mixed)


def _walk(rng: np.random.Generator, places: NDArray[Any]) -> NDArray[np.float64]:
    """Draw a stationary process of unit variance with exponential correlation at rising places [km]."""
    kicks = rng.standard_normal(places.size)
    kept = np.exp(-np.diff(places) / CORRELATION_LENGTH)
    value = np.empty(places.size)
    value[:1] = kicks[:1]
    for k in range(1, places.size):
        value[k] = kept[k - 1] * value[k - 1] + np.sqrt(1.0 - kept[k - 1] ** 2) * kicks[k]
    return value


def spoil(
    rng: np.random.Generator, edge: NDArray[Any], share: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.int64]]:
    """Pick soundings that cloud or haze spoiled: which, their further error [ppm], and the tests they fail.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    edge : ndarray of bool
        True beside a cloud, where spoiling is five times as likely.
    share : float
        Probability away from clouds.

    Returns
    -------
    tuple of ndarray
        Mask, error, bit field (0 where not spoiled).
    """
    spoiled = rng.random(edge.size) < np.where(edge, 5.0 * share, share)
    error = np.where(spoiled, rng.normal(1.5, 4.0, edge.size), 0.0)
    bits = 1 << rng.integers(0, _BITS, edge.size) | np.where(rng.random(edge.size) < 0.2, 1 << 3, 0)
    return spoiled, error, np.where(spoiled, bits, 0)

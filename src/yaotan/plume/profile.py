"""The cross-section of a plume as pixels see it: a Gaussian whose width grows with distance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

#: spread ``s = a (x / 1 km)^b``: b of Pasquill and Gifford in the form of Martin (1976), and the a of class
#: A, C and F. 213 and 104 are in public OCO-2 code, 34 is the least in use.
EXPONENT: Final = 0.894
CLASS_A, CLASS_C, CLASS_F = 213.0, 104.0, 34.0
#: beyond this many standard deviations from a pixel there is no plume
REACH: Final = 6.0
#: width of a source in standard deviations: a Gaussian is at a tenth of its peak at sqrt(2 ln 10) of them
SOURCE_WIDTHS: Final = 2.0 * math.sqrt(2.0 * math.log(10.0))


@dataclass(frozen=True)
class Spread:
    """Width of a plume: ``s^2 = (a (x / 1 km)^b)^2 + s0^2`` [m].

    Examples
    --------
    >>> float(Spread(104.0, 0.894, 0.0).width(np.array([1e4]))[0].round(0))
    815.0
    """

    a: float
    b: float
    start: float

    def width(self, along: Floats) -> Floats:
        """Standard deviation across the plume [m]; upwind of the source that of the source."""
        growing = self.a * np.power(np.maximum(along, 0.0) / 1e3, self.b)
        return np.sqrt(growing**2 + self.start**2)


def usual_spread(speed: float) -> float:
    """Give a for a sunny overpass: class A up to 2 m s-1, class C from 5 m s-1, linear between.

    Examples
    --------
    >>> usual_spread(3.5)
    158.5
    """
    return float(np.interp(speed, [2.0, 5.0], [CLASS_A, CLASS_C]))


def pixel_profile(across: Floats, width: Floats, half_1: Floats, half_2: Floats) -> Floats:
    r"""Mean over a pixel of a Gaussian cross-section of unit area.

    A pixel with the half widths :math:`h_1, h_2` of its two sides across the plume sees the plume through a
    trapezoid, the product of two boxes: with :math:`F(t) = t \Phi(t) + \phi(t)`

    .. math:: \frac{s}{4 h_1 h_2} \sum_{\pm\pm} \pm\pm F\left(\frac{n \pm h_1 \pm h_2}{s}\right)

    which is exact where the plume does not change along a pixel.

    Parameters
    ----------
    across : numpy.ndarray
        Distance of the centre from the centre line [m].
    width : numpy.ndarray
        Standard deviation of the plume [m].
    half_1, half_2 : numpy.ndarray
        Half of the extent across the plume of the two sides of the pixel [m].

    Returns
    -------
    numpy.ndarray
        [m-1].

    Examples
    --------
    >>> one = np.array([500.0])
    >>> n = np.arange(-2e4, 2e4, 1e3)
    >>> seen = pixel_profile(n, np.full(n.size, 1e3), np.full(n.size, 500.0), np.full(n.size, 1.0))
    >>> round(float(seen.sum() * 1e3), 9)
    1.0
    """
    near = np.abs(across) < REACH * width + half_1 + half_2
    least = 0.02 * (half_1 + half_2)
    h1, h2 = np.maximum(half_1, least), np.maximum(half_2, least)
    wide, narrow = h1 + h2, h1 - h2
    ends = np.stack([across + wide, across - wide, across + narrow, across - narrow])
    first, second, third, fourth = _twice(ends / width)
    total = first + second - third - fourth
    return np.where(near, np.maximum(total, 0.0) * width / (4.0 * h1 * h2), 0.0)


def _twice(t: Floats) -> Floats:
    """Second integral of the standard normal density."""
    from scipy.special import ndtr

    made = np.exp(-0.5 * t * t)
    made /= math.sqrt(2.0 * math.pi)
    made += t * ndtr(t)
    return np.asarray(made)


def share_within(
    place: Floats, half_1: Floats, half_2: Floats, low: float | Floats, high: float | Floats
) -> Floats:
    """Share of a pixel, seen as a trapezoid along one axis, that lies between two bounds.

    Examples
    --------
    >>> share_within(np.array([0.0, 1.0, 5.0]), np.full(3, 0.5), np.full(3, 1e-6), 0.0, 10.0).round(6)
    array([0.5, 1. , 1. ])
    """
    least = 0.02 * (half_1 + half_2)
    h1, h2 = np.maximum(half_1, least), np.maximum(half_2, least)

    def below(bound: float | Floats) -> Floats:
        d = bound - place

        def ramp(t: Floats) -> Floats:
            return np.maximum(t, 0.0) ** 2

        total = ramp(d + h1 + h2) - ramp(d + h1 - h2) - ramp(d - h1 + h2) + ramp(d - h1 - h2)
        return np.asarray(total / (8.0 * h1 * h2))

    return below(high) - below(low)

"""Background as a smooth random field: its size and spectrum from what lies outside the plume."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.image import PixelSet

Floats: TypeAlias = NDArray[np.float64]

#: how many modes the field has at most: the shortest wave follows from the size of the window
MODES: Final = 64
#: the box of the modes is this much wider than the window on each side: waves have no slope at its walls
WALL: Final = 0.05
#: correlation lengths that are tried, in shares of the longer side of the box
LENGTHS: Final = (0.04, 0.08, 0.16, 0.32)
#: exponents of Matern's covariance that are tried: 1/2 falls like a turbulent spectrum, 5/2 is smooth
EXPONENTS: Final = (0.5, 2.5)
#: standard deviations that are tried, in those of a pixel's noise
SIZES: Final = tuple(float(size) for size in np.geomspace(0.02, 3.0, 11))
#: fewer pixels outside the plume say nothing of a field
LEAST: Final = 100


@dataclass(frozen=True)
class SmoothField:
    """Cosine modes on a box around the window, each with the standard error of its amplitude.

    Parameters
    ----------
    azimuth : float
        Direction of the box's first side [radian].
    corner : tuple of float
        Its least coordinates along its sides [m].
    sides : tuple of float
        Their lengths [m].
    order : numpy.ndarray
        ``(m, 2)`` half waves along each side.
    error : numpy.ndarray
        ``(m,)`` standard error of the amplitudes, in the unit of the column.
    size : float
        Standard deviation of the field, in the unit of the column.
    length : float
        Its correlation length (posterior mean of the logarithm) [m].
    """

    azimuth: float
    corner: tuple[float, float]
    sides: tuple[float, float]
    order: NDArray[np.int64]
    error: Floats
    size: float
    length: float

    def columns(self, x: Floats, y: Floats) -> Floats:
        """Modes at places, times their standard errors: amplitudes of variance one ``(place, mode)``."""
        c, s = math.cos(self.azimuth), math.sin(self.azimuth)
        first, second = (
            _cosines(math.pi * (place - self.corner[k]) / self.sides[k], self.order[:, k].max())
            / math.sqrt(self.sides[k])
            for k, place in enumerate((x * c + y * s, -x * s + y * c))
        )
        made = np.empty((len(self.order), x.size))
        for row, (i, j), error in zip(made, self.order, self.error, strict=True):
            np.multiply(first[i] * error, second[j], out=row)
        return np.asarray(made.T)


def _cosines(phase: Floats, count: int) -> Floats:
    """Cosines of a phase and its multiples up to a number, of mean square one, by Chebyshev's recurrence."""
    table = np.ones((count + 1, phase.size))
    table[1:2] = np.cos(phase)
    for k in range(2, count + 1):
        table[k] = 2.0 * table[1] * table[k - 1] - table[k - 2]
    table[1:] *= math.sqrt(2.0)
    return table


def estimate_field(pixels: PixelSet, plume: Any, polynomial: Floats, azimuth: float) -> SmoothField | None:
    r"""Estimate a smooth random background from the pixels outside a plume.

    The background is a polynomial and a Gaussian field of Matern's covariance in the reduced rank form of
    Solin and Sarkka (2020): cosines of a box, whose amplitudes are independent with the variance of the
    spectral density

    .. math:: S(k) = 4\pi\nu s^2 \left(\frac{2\nu}{l^2}\right)^{\nu}
        \left(\frac{2\nu}{l^2} + k^2\right)^{-\nu - 1}

    Standard deviation s, length l and exponent :math:`\nu` are not chosen: the variances are their mean over
    the restricted likelihood of the pixels, with s uniform (Gelman 2006), l uniform in its logarithm. The
    noise of the pixels is part of it with a factor of its own.

    Parameters
    ----------
    pixels : PixelSet
        Around the source.
    plume : numpy.ndarray
        Which of them may hold something of a plume.
    polynomial : numpy.ndarray
        ``(pixel, term)`` what the background has besides.
    azimuth : float
        Direction of the plume [radian].

    Returns
    -------
    SmoothField or None
        None where fewer than 100 pixels are free.

    Notes
    -----
    Waves shorter than some 30 km (for the usual window of 150 km) are no part of the field: they are left to
    the correlation of residuals.

    Examples
    --------
    Noise of 0.5 ppm alone, and with waves of 80 km and a standard deviation of 0.7 ppm:

    >>> y, x = (4e3 * (np.indices((30, 30)) - 15.0)).reshape(2, -1)
    >>> noise = np.random.default_rng(1).normal(0.0, 0.5, x.size)
    >>> one, none, side = np.ones(x.size), np.zeros(x.size, int), np.full((x.size, 1), 4e3)
    >>> edges = side * [1.0, 0.0], side * [0.0, 1.0]
    >>> for value in (noise, noise + np.cos(2.0 * np.pi * x / 80e3)):
    ...     pixels = PixelSet(x, y, *edges, value, 0.5 * one, one, none, none, none, (x[:0], y[:0]))
    ...     field = estimate_field(pixels, np.hypot(x, y) < 8e3, one[:, None], azimuth=0.0)
    ...     round(field.size, 1), field.columns(x, y).shape
    (0.1, (900, 72))
    (1.4, (900, 72))
    """
    free = ~np.asarray(plume, bool)
    if free.sum() < LEAST:
        return None
    box = _box(pixels, azimuth)
    modes = box.columns(pixels.x[free], pixels.y[free])
    sigma = pixels.sigma[free]
    values = (pixels.value[free] - float(np.median(pixels.value[free]))) / sigma
    unit = float(np.median(sigma))
    moments = _moments(values, polynomial[free] / sigma[:, None], modes * (unit / sigma)[:, None])
    wave = math.pi * np.hypot(*(box.order / np.array(box.sides)).T)
    longer = max(box.sides)
    trials = [(length * longer, exponent) for length in LENGTHS for exponent in EXPONENTS]
    shapes = np.stack([_spectrum(wave, *trial) for trial in trials])
    weight = _weights(moments, shapes, values.size - polynomial.shape[1])
    sizes = np.square(SIZES)
    variance = np.einsum("ts,s,tm->m", weight, sizes, shapes) * unit**2
    length = math.exp(float(weight.sum(axis=1) @ np.log([trial[0] for trial in trials])))
    size = unit * math.sqrt(float(weight.sum(axis=0) @ sizes))
    return SmoothField(azimuth, box.corner, box.sides, box.order, np.sqrt(variance), size, length)


def _box(pixels: PixelSet, azimuth: float) -> SmoothField:
    """Box around the pixels and its longest waves."""
    c, s = math.cos(azimuth), math.sin(azimuth)
    places = (pixels.x * c + pixels.y * s, -pixels.x * s + pixels.y * c)
    low, high = (np.array([f(place) for place in places]) for f in (np.min, np.max))
    room = np.maximum(high - low, pixels.width)
    sides = (1.0 + 2.0 * WALL) * room
    corner = low - WALL * room
    # as many modes as fit into a quarter of an ellipse of wave numbers
    most = np.sqrt(4.0 * MODES / math.pi * sides / sides[::-1])
    i, j = (part.ravel() for part in np.indices([int(one) + 1 for one in most]))
    held = (i / most[0]) ** 2 + (j / most[1]) ** 2 <= 1.0
    # the mean belongs to the polynomial
    held &= (i > 0) | (j > 0)
    order = np.stack([i[held], j[held]], -1)
    corners, lengths = (float(corner[0]), float(corner[1])), (float(sides[0]), float(sides[1]))
    return SmoothField(azimuth, corners, lengths, order, np.ones(len(order)), 0.0, 0.0)


def _spectrum(wave: Floats, length: float, exponent: float) -> Floats:
    """Spectral density of a field of variance one [m2]."""
    rate = 2.0 * exponent / length**2
    return np.asarray(4.0 * math.pi * exponent * rate**exponent * (rate + wave**2) ** (-exponent - 1.0))


def _moments(values: Floats, fixed: Floats, modes: Floats) -> tuple[float, Floats, Floats]:
    """Square, projection on the modes and their products, of what the polynomial leaves."""
    q = np.linalg.qr(fixed)[0]
    rest = values - q @ (q.T @ values)
    taken = q.T @ modes
    return float(rest @ rest), modes.T @ rest, modes.T @ modes - taken.T @ taken


def _weights(moments: tuple[float, Floats, Floats], shapes: Floats, freedom: int) -> Floats:
    """Restricted likelihood of every spectrum and size, normed ``(spectrum, size)``; noise is integrated."""
    square, projected, gram = moments
    sizes = np.array(SIZES)
    score = np.empty((len(shapes), sizes.size))
    for k, shape in enumerate(shapes):
        root = np.sqrt(shape)
        value, vector = np.linalg.eigh(root[:, None] * gram * root)
        part = (vector.T @ (root * projected)) ** 2
        grown = 1.0 + np.outer(sizes**2, np.maximum(value, 0.0))
        left = np.maximum(square - (sizes[:, None] ** 2 * part / grown).sum(axis=1), 1e-12 * square + 1e-300)
        score[k] = -0.5 * np.log(grown).sum(axis=1) - 0.5 * freedom * np.log(left)
    # sizes are spaced evenly in their logarithm: a uniform one has a weight in proportion to it
    weight = np.exp(score - score.max()) * sizes
    return np.asarray(weight / weight.sum())

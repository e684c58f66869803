"""Background of a fit: a polynomial and the modes of a smooth field, and their products."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.field import SmoothField
from yaotan.plume.image import PixelSet

Floats: TypeAlias = NDArray[np.float64]

#: unit of the coordinates of polynomials and bends [m]
FAR: Final = 1e5


@dataclass(frozen=True)
class Background:
    """What the background of each pixel is made of.

    Parameters
    ----------
    polynomial : numpy.ndarray
        ``(pixel, term)`` [kg m-2 for an amplitude of one]; its amplitudes are free.
    modes : numpy.ndarray
        ``(pixel, mode)`` of the field [kg m-2]; their amplitudes have a variance of one.
    sigma : numpy.ndarray
        Noise of the pixels [kg m-2].
    field : SmoothField, optional
        Where the modes come from.
    fits_field : bool
        Whether the modes take part in the fit; else they are only part of its error.
    """

    polynomial: Floats
    modes: Floats
    sigma: Floats
    field: SmoothField | None
    fits_field: bool = True

    @cached_property
    def columns(self) -> Floats:
        """All that is fitted, over sigma."""
        fitted = [self.polynomial, self.modes] if self.fits_field else [self.polynomial]
        return np.concatenate(fitted, axis=1) / self.sigma[:, None]

    @cached_property
    def gram(self) -> Floats:
        """Products of the columns, with the prior of the modes."""
        gram = self.columns.T @ self.columns
        gram[np.diag_indices_from(gram)] += np.arange(len(gram)) >= self.polynomial.shape[1]
        return np.asarray(gram)

    @cached_property
    def whitening(self) -> Floats:
        """Inverse of the Cholesky factor of the products: makes amplitudes independent, of variance one."""
        return np.asarray(np.linalg.inv(np.linalg.cholesky(damped(self.gram))))

    def sliced(self, polynomial: Floats, chosen: Any) -> Background:
        """Give some of the pixels another polynomial; the modes are only part of its error."""
        return Background(polynomial, self.modes[chosen], self.sigma[chosen], self.field, fits_field=False)


@dataclass(frozen=True)
class BareFit:
    """The background fitted alone: amplitudes, what it leaves over sigma, the misfit with its prior."""

    amplitude: Floats
    residual: Floats
    cost: float


def fit_background(background: Background, data: Floats) -> BareFit:
    """Fit a background to data over sigma as if there were no plume."""
    amplitude = background.whitening.T @ (background.whitening @ (background.columns.T @ data))
    residual = data - background.columns @ amplitude
    return BareFit(amplitude, residual, float(data @ residual))


def damped(gram: Floats) -> Floats:
    """Products with as much more on their diagonal as keeps dependent columns solvable."""
    made = gram.copy()
    made[np.diag_indices_from(made)] += 1e-10 * np.maximum(np.diag(gram), 1e-30)
    return made


def make_background(pixels: PixelSet, order: int, field: SmoothField | None) -> Background:
    """Make the background of pixels.

    Parameters
    ----------
    pixels : PixelSet
        Around the source.
    order : int
        Degree of the polynomial.
    field : SmoothField, optional
        What the background has besides.

    Returns
    -------
    Background
        Its columns.
    """
    terms = polynomial(pixels.x / FAR, pixels.y / FAR, order)
    modes = field.columns(pixels.x, pixels.y) if field is not None else np.zeros((pixels.x.size, 0))
    factor = pixels.factor[:, None]
    return Background(terms * factor, modes * factor, pixels.sigma * pixels.factor, field)


def polynomial(x: Floats, y: Floats, order: int) -> Floats:
    """Terms of a polynomial of two coordinates, one column each."""
    return np.stack([x**i * y**j for i in range(order + 1) for j in range(order + 1 - i)], -1)

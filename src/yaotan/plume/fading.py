"""What a line or a corridor loses of a plume whose centre line is not known exactly."""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.model import PlumeModel

Floats: TypeAlias = NDArray[np.float64]

#: nodes and weights of Gauss and Hermite for means over a normal deviate
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
_SHARE: Final = _WEIGHTS / math.sqrt(2.0 * math.pi)


def line_fading(model: PlumeModel, corridor: float | None = None) -> Floats:
    r"""Covariance of what lines see of a plume whose centre line is off, as shares.

    A profile of width s that lies a distance d off the plume finds :math:`e^{-d^2 / 4 s^2}` of it; a corridor
    of half width c finds what of the plume lies in it. d is normal with the variance of the fitted centre
    line there: where the fit has lost the plume it is large, and the density of the line says little. Lines
    share d as far as their places are correlated; squares of normal deviates have the square of it.

    Parameters
    ----------
    model : PlumeModel
        With the covariance of its shape.
    corridor : float, optional
        Half width of a corridor in widths of the plume; None for fitted profiles.

    Returns
    -------
    numpy.ndarray
        ``(line, line)``.

    Notes
    -----
    The mean of the share is no part of it: to second order it is in the bias of the fitted shape (Box 1971).
    """
    place = model.line_covariance()
    off = np.sqrt(np.diag(place))
    pixel = model.layout.pixels.width
    width = np.sqrt(model.spread.width(model.layout.centre) ** 2 + pixel**2 / 12.0)
    away = np.abs(off / width)[:, None] * _NODES
    if corridor is None:
        seen = np.exp(-0.25 * away**2)
    else:
        from scipy.special import ndtr

        half = corridor + (0.5 * pixel / width)[:, None]
        seen = (ndtr(half - away) - ndtr(-half - away)) / (2.0 * ndtr(half) - 1.0)
    mean = seen @ _SHARE
    spread = np.sqrt(np.maximum(seen**2 @ _SHARE - mean**2, 0.0))
    together = place / np.maximum(np.outer(off, off), 1e-30)
    return np.asarray(np.outer(spread, spread) * together**2)

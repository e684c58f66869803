"""What a method would find where there is no plume: its additive error, measured in the image itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.layout import Layout
from yaotan.plume.linear import solve_linear
from yaotan.plume.model import PlumeModel

Floats: TypeAlias = NDArray[np.float64]

#: distance of the places from the plume and from each other, in its greatest widths, and the least of it [m]
CLEAR: Final = 3.0
APART: Final = 1.5
STEP: Final = 6e3
#: fewer places than this say nothing
LEAST: Final = 4
#: share of the pixels' weight that a line must have beside the plume, of what it has on it
SEEN: Final = 0.5


def placebo_densities(model: PlumeModel, weights: Floats) -> Floats:
    """Line densities that a plume of the same shape has beside the real one, after that was taken out.

    What the fitted plume leaves is fitted again with the plume moved sideways, background and all. What is
    found there is noise and structure of the background, of whatever correlation.

    Parameters
    ----------
    model : PlumeModel
        The fit.
    weights : numpy.ndarray
        Weight of each line in the mean.

    Returns
    -------
    numpy.ndarray
        Weighted mean of the densities at each place [kg m-1]; empty where there is no room for `LEAST`.
    """
    layout = model.layout
    others = model.linear.beside @ model.linear.rest[: len(layout.others)]
    plume = model.linear.profile * model.linear.density[layout.bin]
    rest = replace(layout, mass=layout.mass - (plume + others) * layout.sigma, others=())
    widest = float(model.spread.width(np.array([layout.options.end]))[0])
    clear = CLEAR * widest + layout.pixels.width
    room = float(np.abs(layout.across).max()) - 1.5 * widest
    shifts = np.arange(clear, room, max(STEP, APART * widest))
    found = [_at(rest, model, weights, sign * shift) for shift in shifts for sign in (-1.0, 1.0)]
    kept = np.array([value for value in found if np.isfinite(value)])
    return kept if kept.size >= LEAST else np.zeros(0)


def _at(layout: Layout, model: PlumeModel, weights: Floats, shift: float) -> float:
    """Mean density at one place; NaN where lines of less than half of the weight are seen as well there."""
    linear = solve_linear(layout, model.shape, -shift)
    seen = linear.diagonal > SEEN * model.linear.diagonal
    share = float(np.abs(weights[seen]).sum() / np.abs(weights).sum())
    total = float(weights[seen].sum())
    if share < 0.5 or total < 0.5:
        return float("nan")
    return float(weights[seen] @ linear.density[seen]) / total


def excess_background(model: PlumeModel, weights: Floats, noise: float) -> float:
    """Error of the background beyond the stated noise [kg m-1], by what is found beside the plume.

    Parameters
    ----------
    model : PlumeModel
        The fit.
    weights : numpy.ndarray
        Weight of each line.
    noise : float
        Standard error by noise of the weighted mean [kg m-1].

    Returns
    -------
    float
        Root of the excess of the mean square over that of noise; 0 where there is none or no room.
    """
    found = placebo_densities(model, weights)
    if found.size == 0:
        return 0.0
    return float(np.sqrt(max(float(np.mean(found**2)) - noise**2, 0.0)))

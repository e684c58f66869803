"""Colour scales: round levels, ends marked where values lie beyond, never rainbow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from yaotan.optional import require

Floats = npt.NDArray[np.float64]

#: perceptually even and safe for colour-blind readers: viridis (Smith and van der Walt 2015, in matplotlib)
SEQUENTIAL: Final = "viridis"
#: blue to orange, the pair that colour-blind readers tell apart best, nearly white in the middle
DIVERGING: Final = ("#08436b", "#2f86b7", "#a9cfe3", "#f7f7f5", "#f5c28f", "#d9741c", "#8a3c05")
NO_DATA: Final = "#dfe3e7"


@dataclass(frozen=True)
class Scale:
    """A stepped colour scale.

    Parameters
    ----------
    levels : tuple of float
        Edges of the steps, rising.
    colours : tuple of str
        One per step.
    below, above : bool
        Some values lie beyond the ends and are drawn in the end's colour.
    """

    levels: tuple[float, ...]
    colours: tuple[str, ...]
    below: bool
    above: bool

    def steps(self, values: Floats) -> npt.NDArray[np.int64]:
        """Give the step of each value, -1 where there is none."""
        step = np.clip(np.digitize(values, self.levels[1:-1]), 0, len(self.colours) - 1)
        return np.where(np.isfinite(values), step, -1).astype(np.int64)


def make_scale(
    values: Sequence[Floats],
    *,
    kind: Literal["sequential", "diverging", "count"] = "sequential",
    steps: int = 14,
) -> Scale | None:
    """Choose round levels that hold nearly all values.

    Parameters
    ----------
    values : sequence of ndarray
        All that will be drawn with the scale; NaN is ignored.
    kind : {"sequential", "diverging", "count"}
        A diverging scale is centred on zero; one of counts has whole levels.
    steps : int
        About how many colours.

    Returns
    -------
    Scale or None
        None when no value is finite. Levels span the 2nd to the 98th percentile.

    Examples
    --------
    >>> scale = make_scale([np.linspace(400.0, 410.0, 500)])
    >>> scale.levels[0], scale.levels[-1], scale.below
    (400.0, 410.0, False)
    """
    finite = [array[np.isfinite(array)].ravel() for array in values]
    joined = np.concatenate(finite) if finite else np.zeros(0)
    if not joined.size:
        return None
    low, high = (float(x) for x in np.percentile(joined, (2, 98)))
    if kind == "diverging":
        high = max(abs(low), abs(high))
        low = -high
    if high - low < 1e-6 * max(abs(high), 1e-12):
        pad = max(abs(high) * 1e-3, 1e-9)
        low, high = low - pad, high + pad
    locator = require("matplotlib.ticker").MaxNLocator(
        nbins=steps, steps=[1, 2, 5, 10] if kind == "count" else [1, 2, 2.5, 5, 10], integer=kind == "count"
    )
    levels = np.round(locator.tick_values(low, high), 10)
    if kind == "diverging":
        cmap = require("matplotlib.colors").LinearSegmentedColormap.from_list("diverging", DIVERGING)
    else:
        cmap = require("matplotlib").colormaps[SEQUENTIAL]
    rgba = cmap(np.linspace(0.03, 0.97, levels.size - 1))
    colours = tuple("#" + "".join(f"{round(255 * part):02x}" for part in colour[:3]) for colour in rgba)
    tolerance = 1e-9 * max(abs(levels[0]), abs(levels[-1]))
    return Scale(
        tuple(levels.tolist()),
        colours,
        bool(joined.min() < levels[0] - tolerance),
        bool(joined.max() > levels[-1] + tolerance),
    )

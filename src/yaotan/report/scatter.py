"""Scatter of pairs about the line of equality."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from yaotan.optional import require
from yaotan.report.chart import axis_title, grid_lines, make_axes, number_ticks
from yaotan.report.figure import ACCENT, INK, draw_svg, fit_text
from yaotan.report.legend import WIDTH
from yaotan.report.map import draw_colour_bar
from yaotan.report.palette import Scale

Floats = npt.NDArray[np.float64]


def draw_scatter(
    key: str,
    x: Floats,
    y: Floats,
    sigma: Floats | None,
    *,
    alt: str,
    x_label: str,
    y_label: str,
    scale: Scale | None = None,
    density: Floats | None = None,
    edges: Floats | None = None,
    density_label: str = "",
    no_data: str = "",
) -> str:
    """Draw pairs about the line of equality: points with bars, or the number of pairs in square bins.

    Parameters
    ----------
    key : str
        Id prefix.
    x, y : ndarray
        Pairs in one unit.
    sigma : ndarray, optional
        One sigma of y.
    alt, x_label, y_label : str
        Alt text and axis names with units.
    scale, density, edges : optional
        Colour scale, counts and bin edges; given, bins are drawn instead of points.
    density_label, no_data : str
        Words of the colour bar.

    Returns
    -------
    str
        Inline SVG.
    """
    bar = 66.0 if density is not None else 0.0
    size = (WIDTH, 400.0 + bar)
    reach = np.zeros_like(y) if sigma is None else np.nan_to_num(sigma)
    low, high = float(min(x.min(), (y - reach).min())), float(max(x.max(), (y + reach).max()))
    pad = 0.04 * (high - low or 1.0)

    def draw(figure: Any) -> None:
        axes = make_axes(figure, 66, 54 + bar, 66, 30)
        axes.plot([low - pad, high + pad], [low - pad, high + pad], color=INK, linewidth=0.9, zorder=4)
        if density is not None and scale is not None and edges is not None:
            _draw_bins(axes, density, edges, scale)
            legend = figure.add_axes((0.06, 0, 0.88, (bar - 6) / size[1]))
            draw_colour_bar(legend, scale, density_label, no_data)
        else:
            if sigma is not None:
                bars = np.stack([y - sigma, y + sigma, np.full(y.size, np.nan)], axis=-1).ravel()
                axes.plot(np.repeat(x, 3), bars, color=ACCENT, linewidth=0.7, alpha=0.45, zorder=2)
            axes.plot(x, y, "o", color=ACCENT, markersize=3.2, alpha=0.75, zorder=3, markeredgewidth=0)
        axes.set(xlim=(low - pad, high + pad), ylim=(low - pad, high + pad), aspect="equal")
        grid_lines(axes, "both")
        for axis in (axes.xaxis, axes.yaxis):
            number_ticks(axis, 4)
        figure.text(0.5, (bar + 10) / size[1], fit_text(x_label, WIDTH - 20, 12), ha="center", va="bottom")
        axis_title(figure, fit_text(y_label, WIDTH - 20, 12))

    return draw_svg(key, size, alt, draw)


def _draw_bins(axes: Any, density: Floats, edges: Floats, scale: Scale) -> None:
    path_class, patch_class = require("matplotlib.path").Path, require("matplotlib.patches").PathPatch
    step = scale.steps(np.where(density > 0, density, np.nan))
    for number, colour in enumerate(scale.colours):
        boxes = [
            path_class.unit_rectangle().transformed(
                require("matplotlib.transforms")
                .Affine2D()
                .scale(edges[1] - edges[0])
                .translate(edges[i], edges[j])
            )
            for i, j in np.argwhere(step == number)
        ]
        if boxes:
            axes.add_patch(
                patch_class(path_class.make_compound_path(*boxes), facecolor=colour, linewidth=0, zorder=3)
            )

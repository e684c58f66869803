"""Places on a map of boundaries: circles and marks, each with its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from yaotan.optional import require
from yaotan.report.figure import draw_svg
from yaotan.report.graticule import draw_graticule, draw_scale_bar
from yaotan.report.legend import ROW, WIDTH, Entry, draw_legend, legend_rows
from yaotan.report.map import LEFT, RIGHT, TOP, VECTOR_CELLS, draw_inset, draw_layer, draw_names
from yaotan.report.pane import Pane
from yaotan.report.projection import MapFrame


@dataclass(frozen=True)
class MapPoint:
    """A place on a map.

    Parameters
    ----------
    longitude, latitude : float
        [degrees].
    size : float
        Half width [px].
    entry : Entry
        Colour and marker ("o", "s", "D", "^"), and the words of the legend.
    """

    longitude: float
    latitude: float
    size: float
    entry: Entry


def draw_points(
    key: str,
    frame: MapFrame,
    points: Sequence[MapPoint],
    *,
    alt: str,
    language: str,
    south_sea: str,
) -> str:
    """Draw places on a map of boundaries, the largest below, with a legend.

    Parameters
    ----------
    key : str
        Id prefix.
    frame : MapFrame
        Projection and extent.
    points : sequence of MapPoint
        Places outside the frame are at its edge unseen.
    alt, south_sea : str
        Alt text; words for the inset.
    language : {"en", "zh"}
        Language of region names.

    Returns
    -------
    str
        Inline SVG.
    """
    wide = WIDTH - LEFT - RIGHT
    high = wide * float(np.clip(frame.aspect, 0.3, 1.25))
    rows = legend_rows(list(dict.fromkeys(point.entry for point in points)))
    legend = ROW * len(rows) + 4
    size = (WIDTH, high + TOP + 28.0 + legend)
    nothing = (np.zeros((1, 1)), np.zeros((1, 1)))

    def draw(figure: Any) -> None:
        pane = Pane(figure, frame, (LEFT, 28.0 + legend, wide, high))
        draw_layer(pane, nothing, np.zeros((0, 0)), None, VECTOR_CELLS)
        draw_graticule(pane)
        draw_scale_bar(pane)
        pane.edge()
        inset = draw_inset(pane, nothing, np.zeros((0, 0)), None, south_sea)
        for point in sorted(points, key=lambda point: -point.size):
            _draw_point(pane, point)
        draw_names(pane, language, inset)
        draw_legend(figure, rows, legend)

    return draw_svg(key, size, alt, draw)


def _draw_point(pane: Pane, point: MapPoint) -> None:
    patches = require("matplotlib.patches")
    east, north = pane.frame.project(np.array([point.longitude]), np.array([point.latitude]))
    x, y = pane.px(float(east[0]), float(north[0]))
    style: dict[str, Any] = {"facecolor": point.entry.colour, "edgecolor": "white", "linewidth": 0.8}
    size = point.size
    shapes = {
        "^": [(x - size, y - 0.7 * size), (x + size, y - 0.7 * size), (x, y + size)],
        "s": [(x - size, y - size), (x + size, y - size), (x + size, y + size), (x - size, y + size)],
        "D": [(x - size, y), (x, y - size), (x + size, y), (x, y + size)],
    }
    corners = shapes.get(point.entry.marker)
    if corners is None:
        patch = patches.Circle((x, y), size, alpha=0.8, **style)
    else:
        patch = patches.Polygon(corners, **style)
    pane.add(patch, zorder=5, px=True)

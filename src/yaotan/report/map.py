"""Maps: cells, boundaries, graticule, scale and colour bar in an equal-area projection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from yaotan.optional import require
from yaotan.report.figure import INK, QUIET, RULE, draw_svg, fit_text, text_width
from yaotan.report.graticule import draw_graticule, draw_scale_bar
from yaotan.report.legend import ROW, WIDTH, draw_legend, legend_rows
from yaotan.report.number import fixed
from yaotan.report.overlay import Overlay, draw_overlay
from yaotan.report.palette import NO_DATA, Scale
from yaotan.report.pane import Pane, draw_cells, draw_shape
from yaotan.report.projection import MapFrame

Floats = npt.NDArray[np.float64]


SMALL_WIDTH: Final = 200.0
#: more cells than this are drawn as an image inside the SVG; text and lines stay vectors
VECTOR_CELLS: Final = 4000
SMALL_VECTOR_CELLS: Final = 500
#: natural size of the margins of a large map [px]: left, right, top, map to colour bar and below
LEFT, RIGHT, TOP, BOTTOM = 38.0, 8.0, 8.0, 86.0


def draw_names(pane: Pane, language: str, inset: tuple[float, float]) -> None:
    """Write region names where they fit: inside the frame, not over each other, not wider than the region."""
    left, bottom, right, top = pane.x, pane.y, pane.x + pane.wide, pane.y + pane.high
    taken = [
        (left, bottom, left + 0.3 * pane.wide, bottom + 34),
        (right - inset[0], bottom, right, bottom + inset[1]),
    ]
    for number, (name, name_zh, x, y, wide) in enumerate(pane.frame.labels):
        label = name_zh if language == "zh" else name
        half, (x, y) = text_width(label, 10) / 2, pane.px(x, y)
        box = (x - half, y - 7.5, x + half, y + 7.5)
        if (
            2 * half > 1.0 * wide * pane.scale
            or box[0] < left
            or box[2] > right
            or box[1] < bottom
            or box[3] > top
        ):
            continue
        if any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            continue
        taken.append(box)
        pane.text(x, y, label, ha="center", va="center_baseline", color=INK, gid=f"halo-name{number}")


def draw_layer(
    pane: Pane,
    corners: tuple[Floats, Floats],
    values: Floats,
    scale: Scale | None,
    limit: int,
    overlays: Sequence[Overlay] = (),
) -> None:
    """Draw the study's area, cells, overlays and boundaries."""
    draw_shape(pane, pane.frame.outline, facecolor=NO_DATA, edgecolor="none", zorder=1)
    draw_cells(pane, corners, values, scale, limit)
    for overlay in overlays:
        draw_overlay(pane, corners, overlay)
    if limit > SMALL_VECTOR_CELLS:
        # a light casing keeps the line readable on dark colours
        draw_shape(
            pane,
            pane.frame.borders,
            facecolor="none",
            edgecolor="white",
            linewidth=1.9,
            alpha=0.5,
            zorder=3.9,
        )
    draw_shape(pane, pane.frame.borders, facecolor="none", edgecolor=INK, linewidth=0.6, zorder=4)


def draw_inset(
    pane: Pane,
    corners: tuple[Floats, Floats],
    values: Floats,
    scale: Scale | None,
    words: str,
    overlays: Sequence[Overlay] = (),
) -> tuple[float, float]:
    """Draw the South China Sea in the lower right corner; give the size of the inset."""
    inset = pane.frame.inset
    if inset is None:
        return 0.0, 0.0
    wide = 0.165 * pane.wide
    high = wide * inset.aspect
    box = (pane.x + pane.wide - wide - 3, pane.y + 3, wide, high)
    small = Pane(pane.figure, inset, box, layer=20)
    draw_layer(small, corners, values, scale, 1000 if words else 100, overlays)
    small.edge()
    if words:
        label = fit_text(words, wide - 4, 9)
        small.text(
            box[0] + wide / 2, box[1] + 4, label, ha="center", va="bottom", color=INK, gid="halo-inset"
        )
    return wide + 6, high + 6


def draw_colour_bar(axes: Any, scale: Scale, label: str, no_data: str) -> None:
    """Fill axes of 0 to 1 with stepped colours, edges labelled, ends pointed where values lie beyond.

    `no_data` names the grey beside the bar; empty, there is none.
    """
    patches = require("matplotlib.patches")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    low, high, count = 0.06, 0.7, len(scale.colours)
    edges = np.linspace(low, high, count + 1)
    y0, y1, tip = 0.62, 0.95, 0.028
    for number, colour in enumerate(scale.colours):
        axes.add_patch(
            patches.Rectangle((edges[number], y0), (high - low) / count, y1 - y0, facecolor=colour)
        )
    ends = [(scale.below, low, -tip, scale.colours[0]), (scale.above, high, tip, scale.colours[-1])]
    for present, place, reach, colour in ends:
        if present:
            corner = [(place, y0), (place + reach, (y0 + y1) / 2), (place, y1)]
            axes.add_patch(patches.Polygon(corner, facecolor=colour, edgecolor="none"))
    decimals = _decimals(scale.levels)
    stride = int(np.ceil(count / 6))
    for edge, level in list(zip(edges, scale.levels, strict=True))[::stride]:
        axes.text(edge, 0.54, fixed(level, decimals), ha="center", va="top", fontsize=11, color=QUIET)
    axes.text((low + high) / 2, 0.24, label, ha="center", va="top", fontsize=12, color=INK)
    if not no_data:
        return
    axes.add_patch(
        patches.Rectangle((0.8575, y0), 0.045, y1 - y0, facecolor=NO_DATA, edgecolor=RULE, linewidth=0.6)
    )
    axes.text(0.88, 0.54, no_data, ha="center", va="top", fontsize=11, color=QUIET)


def _decimals(levels: tuple[float, ...]) -> int:
    return next((n for n in range(8) if all(abs(round(x, n) - x) < 1e-9 for x in levels)), 8)


def draw_map(
    key: str,
    frame: MapFrame,
    corners: tuple[Floats, Floats],
    values: Floats,
    scale: Scale | None,
    *,
    alt: str,
    label: str,
    no_data: str,
    language: str,
    south_sea: str,
    overlays: Sequence[Overlay] = (),
) -> str:
    """Draw a large map with graticule, names, scale bar and colour bar.

    Parameters
    ----------
    key : str
        Id prefix.
    frame : MapFrame
        Projection and extent.
    corners : tuple of ndarray
        As `projection.cell_corners` gives them.
    values : ndarray, dims (rows, columns)
        NaN is drawn grey.
    scale : Scale or None
        None draws boundaries and overlays on grey alone.
    alt, label, no_data, south_sea : str
        Alt text; quantity with unit; words for grey and for the inset.
    language : {"en", "zh"}
        Language of region names.
    overlays : sequence of Overlay
        Marked cells, with their words in a legend at the bottom.

    Returns
    -------
    str
        Inline SVG.
    """
    wide = WIDTH - LEFT - RIGHT
    high = wide * float(np.clip(frame.aspect, 0.3, 1.25))
    rows = legend_rows([overlay.entry for overlay in overlays])
    legend = ROW * len(rows) + 4 if overlays else 0.0
    bottom = (BOTTOM if scale is not None else 28.0) + legend
    size = (WIDTH, high + TOP + bottom)

    def draw(figure: Any) -> None:
        pane = Pane(figure, frame, (LEFT, bottom, wide, high))
        draw_layer(pane, corners, values, scale, VECTOR_CELLS, overlays)
        draw_graticule(pane)
        draw_scale_bar(pane)
        pane.edge()
        draw_names(pane, language, draw_inset(pane, corners, values, scale, south_sea, overlays))
        if scale is not None:
            box = (LEFT / size[0], legend / size[1], wide / size[0], (bottom - legend - 24) / size[1])
            draw_colour_bar(figure.add_axes(box), scale, label, no_data)
        if overlays:
            draw_legend(figure, rows, legend)

    return draw_svg(key, size, alt, draw)


def draw_small_map(
    key: str,
    frame: MapFrame,
    corners: tuple[Floats, Floats],
    values: Floats,
    scale: Scale | None,
    *,
    alt: str,
) -> str:
    """Draw a small map without words: its title and colour bar stand beside it on the page."""
    high = SMALL_WIDTH * float(np.clip(frame.aspect, 0.3, 1.25))

    def draw(figure: Any) -> None:
        pane = Pane(figure, frame, (1, 1, SMALL_WIDTH - 2, high - 2))
        draw_layer(pane, corners, values, scale, SMALL_VECTOR_CELLS)
        pane.edge()
        draw_inset(pane, corners, values, scale, "")

    return draw_svg(key, (SMALL_WIDTH, high), alt, draw, dpi=120)


def draw_bar_alone(key: str, scale: Scale, *, alt: str, label: str, no_data: str) -> str:
    """Draw the colour bar that a set of small maps shares."""
    size = (WIDTH, 62.0)

    def draw(figure: Any) -> None:
        draw_colour_bar(figure.add_axes((0.04, 0, 0.92, 1)), scale, label, no_data)

    return draw_svg(key, size, alt, draw)

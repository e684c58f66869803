"""Panels of measured points and fitted curves over a distance or a time, two beside one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from yaotan.report.chart import axis_title, grid_lines, make_axes, number_ticks
from yaotan.report.figure import INK, QUIET, draw_svg, fit_text
from yaotan.report.legend import ROW, WIDTH, Entry, draw_legend, legend_rows

Floats = npt.NDArray[np.float64]

#: height of a panel that stands beside another, of one alone, and of the title above [px]
PANEL: Final = 118.0
ALONE: Final = 230.0
TITLE: Final = 24.0
LEFT: Final = 58.0


@dataclass(frozen=True)
class Curves:
    """One panel.

    Parameters
    ----------
    title : str
        Above it; empty for none.
    dots : sequence of (x, y, sigma)
        Measured values and 1 sigma (None draws no bars), one for each entry without a line.
    lines : sequence of (x, y)
        Curves, one for each entry with a line; NaN breaks one.
    """

    title: str
    dots: Sequence[tuple[Floats, Floats, Floats | None]]
    lines: Sequence[tuple[Floats, Floats]]


def draw_curves(
    key: str, entries: Sequence[Entry], panels: Sequence[Curves], *, alt: str, x_label: str, y_label: str
) -> str:
    """Draw panels on common axes with one legend below.

    Parameters
    ----------
    key : str
        Id prefix.
    entries : sequence of Entry
        Style and words: first those of the dots, then those of the lines, in the order of each panel.
    panels : sequence of Curves
        Row by row; one alone is as wide as the figure.
    alt, x_label, y_label : str
        Alt text; quantities with units.

    Returns
    -------
    str
        Inline SVG.
    """
    columns = min(2, len(panels))
    down = -(-len(panels) // columns)
    tall = ALONE if len(panels) == 1 else PANEL
    title = TITLE if any(panel.title for panel in panels) else 4.0
    rows = legend_rows(entries)
    bottom = 54.0 + ROW * len(rows)
    height = 26.0 + down * (tall + title) + bottom
    across = (WIDTH - LEFT - 16 - 18.0 * (columns - 1)) / columns
    limits = _limits(panels)

    def draw(figure: Any) -> None:
        for number, panel in enumerate(panels):
            row, column = divmod(number, columns)
            top = 26.0 + title + row * (tall + title)
            left = LEFT + column * (across + 18.0)
            axes = make_axes(figure, left, height - top - tall, WIDTH - left - across, top)
            _draw_panel(axes, entries, panel)
            axes.set(xlim=limits[0], ylim=limits[1])
            grid_lines(axes, "both")
            number_ticks(axes.xaxis, 4 if columns == 2 else 7)
            number_ticks(axes.yaxis, 4)
            lowest = number + columns >= len(panels)
            axes.tick_params(labelleft=column == 0, labelbottom=lowest)
            if panel.title:
                text = fit_text(panel.title, across, 12)
                place = (left / WIDTH, (height - top + 5) / height)
                figure.text(*place, text, ha="left", va="bottom", fontsize=12, color=QUIET)
        axis_title(figure, fit_text(y_label, WIDTH - 20, 12))
        place = ((LEFT + (WIDTH - LEFT - 16) / 2) / WIDTH, (bottom - 32) / height)
        words = fit_text(x_label, WIDTH - 40, 12)
        figure.text(*place, words, ha="center", va="top", fontsize=12, color=INK)
        draw_legend(figure, rows, bottom - 54)

    return draw_svg(key, (WIDTH, height), alt, draw)


def _limits(panels: Sequence[Curves]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Common limits: everything fitted, and the dots but for what lies far from the others."""
    x = np.concatenate([part[0] for panel in panels for part in (*panel.dots, *panel.lines)])
    dots = np.concatenate([part[1] for panel in panels for part in panel.dots])
    lines = np.concatenate([np.zeros(0), *(part[1] for panel in panels for part in panel.lines)])
    dots, lines = dots[np.isfinite(dots)], lines[np.isfinite(lines)]
    inner = np.percentile(dots, (0.5, 99.5)) if dots.size > 200 else dots
    y = np.concatenate([inner, lines])
    y = y if y.size else np.array([0.0, 1.0])
    pad_x, pad_y = (0.03 * (np.nanmax(v) - np.nanmin(v) or 1.0) for v in (x, y))
    return (
        (float(np.nanmin(x) - pad_x), float(np.nanmax(x) + pad_x)),
        (float(y.min() - 2 * pad_y), float(y.max() + 2 * pad_y)),
    )


def _draw_panel(axes: Any, entries: Sequence[Entry], panel: Curves) -> None:
    for entry, (x, y, sigma) in zip(entries, panel.dots, strict=False):
        many = x.size > 120
        style: dict[str, Any] = {"color": entry.colour, "marker": entry.marker, "linestyle": "none"}
        axes.plot(
            x, y, markersize=2.2 if many else 3.6, alpha=0.6 if many else 1, zorder=3, markeredgewidth=0,
            **style,
        )  # fmt: skip
        if sigma is not None:
            bars = np.stack([y - sigma, y + sigma, np.full(y.size, np.nan)], axis=-1).ravel()
            axes.plot(np.repeat(x, 3), bars, color=entry.colour, linewidth=0.8, alpha=0.55, zorder=2)
    for entry, (x, y) in zip(entries[len(panel.dots) :], panel.lines, strict=True):
        axes.plot(x, y, color=entry.colour, linewidth=1.6, linestyle=entry.line, zorder=4)

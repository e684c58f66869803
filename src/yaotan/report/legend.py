"""Legends below a drawing: lines with markers, and fields of colour or hatching, each with its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from yaotan.optional import require
from yaotan.report.figure import INK, fit_text, text_width

#: natural width of a large figure, and height of a row of its legend [px]
WIDTH: Final = 480.0
ROW: Final = 18.0


@dataclass(frozen=True)
class Entry:
    """One entry.

    Parameters
    ----------
    label : str
        Words.
    colour : str
        Of line and marker, or of the edge of a field.
    marker, line : str
        Of matplotlib; empty is none.
    fill : str
        Colour of a field; given, a field is drawn instead of a line.
    hatch : bool
        Hatched field.
    """

    label: str
    colour: str = INK
    marker: str = ""
    line: str = "-"
    fill: str = ""
    hatch: bool = False


Rows = list[list[tuple[Entry, str, float]]]


def legend_rows(entries: Sequence[Entry]) -> Rows:
    """Set entries in rows: (entry, text, left edge)."""
    rows: Rows = [[]]
    x = 8.0
    for entry in entries:
        text = fit_text(entry.label, WIDTH - 40, 12)
        wide = 24 + text_width(text, 12) + 14
        if x + wide > WIDTH and rows[-1]:
            rows.append([])
            x = 8.0
        rows[-1].append((entry, text, x))
        x += wide
    return rows


def draw_legend(figure: Any, rows: Rows, top: float) -> None:
    """Write rows from `top` downwards [px from the bottom of the figure]."""
    height = 72 * figure.get_size_inches()[1]
    for depth, row in enumerate(rows):
        y = (top - 9 - ROW * depth) / height
        for entry, text, x in row:
            for artist in _field(entry, x, y, height) if entry.fill or entry.hatch else _line(entry, x, y):
                artist.set_transform(figure.transFigure)
                figure.add_artist(artist)
            figure.text((x + 24) / WIDTH, y, text, ha="left", va="center_baseline", fontsize=12, color=INK)


def _line(entry: Entry, x: float, y: float) -> list[Any]:
    lines = require("matplotlib.lines").Line2D
    found = []
    if entry.line:
        style: dict[str, Any] = {"color": entry.colour, "linewidth": 1.6, "linestyle": entry.line}
        found.append(lines([x / WIDTH, (x + 18) / WIDTH], [y, y], **style))
    if entry.marker:
        found.append(
            lines([(x + 9) / WIDTH], [y], color=entry.colour, marker=entry.marker, markersize=5, linestyle="")
        )
    return found


def _field(entry: Entry, x: float, y: float, height: float) -> list[Any]:
    rectangle = require("matplotlib.patches").Rectangle
    box = ((x / WIDTH, y - 5.5 / height), 18 / WIDTH, 11 / height)
    style: dict[str, Any] = {"facecolor": entry.fill or "none", "edgecolor": entry.colour, "linewidth": 0.8}
    if entry.hatch:
        style |= {"hatch": "////", "linewidth": 0.5}
    return [rectangle(*box, **style)]

"""Charts of values with intervals, one line each: ranked regions, differences with a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from yaotan.report.chart import axis_title, grid_lines, make_axes, number_ticks
from yaotan.report.figure import (
    ACCENT,
    INK,
    QUIET,
    draw_svg,
    fit_text,
    text_width,
)
from yaotan.report.legend import WIDTH
from yaotan.report.row import Rows

#: colours of verdicts; each verdict is also written as a word
VERDICT_COLOUR: Final = {
    "higher": "#b3541e",
    "lower": "#0b6e8f",
    "not_detectable": "#66727f",
    "no_data": "#9aa5b1",
    "supported": "#1d6b4c",
    "not_supported": "#b3541e",
}


@dataclass(frozen=True)
class Mark:
    """One row of a chart of values with intervals.

    Parameters
    ----------
    label, word : str
        Text on the left; text on the right (a verdict).
    value, lower, upper : float
        Value and interval; NaN draws the text alone.
    verdict : str
        Key of `VERDICT_COLOUR`, or empty.
    heading : str
        Opens a group above the row.
    claimed : float
        A value that was claimed, drawn as an upright stroke; NaN for none.
    colour : str
        Of a row of a ranking.
    strong : bool
        Drawn heavier than the other rows of a ranking.
    """

    label: str
    value: float
    lower: float
    upper: float
    word: str = ""
    verdict: str = ""
    heading: str = ""
    claimed: float = np.nan
    colour: str = ACCENT
    strong: bool = False


def draw_ranking(
    key: str,
    marks: Sequence[Mark],
    *,
    alt: str,
    label: str,
    zero: bool = False,
    band: tuple[float, float] | None = None,
    most: float = 206.0,
) -> str:
    """Draw values with intervals, one row each, names on the left.

    Parameters
    ----------
    key : str
        Id prefix.
    marks : sequence of Mark
        In drawing order, from the top.
    alt, label : str
        Alt text; quantity with unit.
    zero : bool
        Draw a line at zero, and have it in sight.
    band : (float, float), optional
        Interval that lies behind all rows.
    most : float
        Widest column of names [px].

    Returns
    -------
    str
        Inline SVG.
    """
    rows = Rows([mark.label for mark in marks], 20.0, most=most)

    def draw(figure: Any) -> None:
        axes = rows.start(figure, 18)
        if zero:
            axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
        if band is not None:
            axes.axvspan(*band, color=ACCENT, alpha=0.1, linewidth=0, zorder=0)
        for row, mark in enumerate(marks):
            style: dict[str, Any] = {"color": mark.colour, "linewidth": 2.6 if mark.strong else 1.4}
            axes.plot([mark.lower, mark.upper], [row, row], alpha=1.0 if mark.strong else 0.55, **style)
            axes.plot([mark.value], [row], "o", color=mark.colour, markersize=7 if mark.strong else 5)
        rows.finish(figure, axes, label)

    return draw_svg(key, (WIDTH, rows.height), alt, draw)


def _forest_layout(marks: Sequence[Mark], lines: int) -> tuple[list[float], float]:
    """Depth of each row's first text line below the top, and total depth [px]."""
    depth, places = 36.0, []
    for mark in marks:
        if mark.heading:
            depth += 26
        places.append(depth)
        depth += 25 + 17 * lines
    return places, depth


def draw_differences(key: str, marks: Sequence[Mark], *, alt: str, label: str) -> str:
    """Draw differences with intervals about a line at zero, each with its verdict in words.

    Parameters
    ----------
    key : str
        Id prefix.
    marks : sequence of Mark
        From the top; a heading opens a group.
    alt, label : str
        Alt text; quantity with unit.

    Returns
    -------
    str
        Inline SVG.
    """
    room = WIDTH - 44 - max(text_width(mark.word, 12) for mark in marks)
    # where a name and a verdict do not fit on one line, the verdict of every row goes below its name
    lines = 1 if all(text_width(mark.label, 12) <= room for mark in marks) else 2
    places, depth = _forest_layout(marks, lines)
    height = depth + 30
    known = [b for mark in marks for b in (mark.lower, mark.upper, mark.claimed) if np.isfinite(b)]
    reach = 1.12 * max((abs(bound) for bound in known), default=1.0)

    def draw(figure: Any) -> None:
        axes = make_axes(figure, 16, 30, 16, 34)
        axes.set(xlim=(-reach, reach), ylim=(depth, 34), yticks=[])
        axes.axvline(0, color=INK, linewidth=0.9, ymax=0.995, zorder=1)
        grid_lines(axes, "x")
        axes.spines["left"].set_visible(False)
        for place, mark in zip(places, marks, strict=True):
            colour, row = VERDICT_COLOUR.get(mark.verdict, ACCENT), place + 10 + 17 * lines
            if np.isfinite(mark.lower):
                axes.plot(
                    [mark.lower, mark.upper],
                    [row] * 2,
                    color=colour,
                    linewidth=2.4,
                    zorder=3,
                )
            if np.isfinite(mark.value):
                axes.plot([mark.value], [row], "o", color=colour, markersize=7, zorder=4)
            if np.isfinite(mark.claimed):
                axes.plot([mark.claimed], [row], "|", color=INK, markersize=15, markeredgewidth=2, zorder=5)
            _forest_text(figure, (place, height), mark, colour, lines)
        number_ticks(axes.xaxis, 6)
        axis_title(figure, label)

    return draw_svg(key, (WIDTH, height), alt, draw)


def _forest_text(figure: Any, at: tuple[float, float], mark: Mark, colour: str, lines: int) -> None:
    place, height = at
    room = WIDTH - 32 if lines == 2 else WIDTH - 44 - text_width(mark.word, 12)
    y = (height - place - 10) / height
    word = (16.0, (height - place - 27) / height, "left") if lines == 2 else (WIDTH - 16, y, "right")
    rows = [(16.0, y, fit_text(mark.label, room, 12), "left", INK), (*word[:2], mark.word, word[2], colour)]
    if mark.heading:
        heading = fit_text(mark.heading, WIDTH - 32, 12)
        rows.append((16.0, (height - place + 12) / height, heading, "left", QUIET))
    for number, (x, high, text, side, ink) in enumerate(rows):
        drawn = figure.text(x / WIDTH, high, text, ha=side, va="center_baseline", fontsize=12, color=ink)
        drawn.set_gid(f"halo-row{place:.0f}-{number}")

"""Bars with intervals, terms of an uncertainty, and waterfalls from one total to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from yaotan.report.figure import ACCENT, CLASSES, INK, QUIET, draw_svg, fit_text, text_width
from yaotan.report.legend import WIDTH
from yaotan.report.palette import DIVERGING
from yaotan.report.row import Rows

#: colours of the terms of an uncertainty, in their order
TERMS: Final = (CLASSES[4], CLASSES[2], CLASSES[1], INK)
#: colours of steps down and up: the ends of the diverging scale
DOWN, UP = DIVERGING[1], DIVERGING[-2]


@dataclass(frozen=True)
class Bar:
    """One bar.

    Parameters
    ----------
    label : str
        Text on the left.
    value, lower, upper : float
        Length and interval; NaN draws none.
    colour : str
        Of the bar.
    """

    label: str
    value: float
    lower: float = np.nan
    upper: float = np.nan
    colour: str = ACCENT


@dataclass(frozen=True)
class Rung:
    """One step of a waterfall: a total (drawn as a dot), or a change from start to end."""

    label: str
    start: float
    end: float
    total: bool
    word: str


def draw_bars(key: str, bars: Sequence[Bar], *, alt: str, label: str) -> str:
    """Draw values as bars from zero with their intervals, one row each, names on the left.

    Parameters
    ----------
    key : str
        Id prefix.
    bars : sequence of Bar
        From the top.
    alt, label : str
        Alt text; quantity with unit.

    Returns
    -------
    str
        Inline SVG.
    """
    rows = Rows([bar.label for bar in bars], 24.0)

    def draw(figure: Any) -> None:
        axes = rows.start(figure, 18)
        for row, bar in enumerate(bars):
            if np.isfinite(bar.value):
                axes.barh(row, bar.value, height=0.66, color=bar.colour, edgecolor=QUIET, linewidth=0.5)
            if bar.upper > bar.lower:
                axes.plot([bar.lower, bar.upper], [row, row], color=INK, linewidth=1.5, zorder=3)
                ends = [bar.lower, bar.upper]
                axes.plot(ends, [row, row], "|", color=INK, markersize=8, markeredgewidth=1.5, zorder=3)
        axes.axvline(0, color=INK, linewidth=0.9, zorder=2)
        rows.finish(figure, axes, label)

    return draw_svg(key, (WIDTH, rows.height), alt, draw)


def draw_terms(
    key: str, groups: Sequence[tuple[str, Sequence[tuple[str, float]]]], *, alt: str, label: str
) -> str:
    """Draw the terms of an uncertainty as bars, a group per product.

    Parameters
    ----------
    key : str
        Id prefix.
    groups : sequence of (heading, terms)
        Terms are (name, 1 sigma); NaN is left without a bar.
    alt, label : str
        Alt text; quantity with unit.

    Returns
    -------
    str
        Inline SVG.
    """
    rows: list[tuple[str, float | None, int]] = []
    for heading, terms in groups:
        rows.append((heading, None, 0))
        rows += [(name, value, number) for number, (name, value) in enumerate(terms)]
    lines = Rows(["" if value is None else name for name, value, _ in rows], 22.0, most=180.0)

    def draw(figure: Any) -> None:
        axes = lines.start(figure, 20)
        for row, (name, value, number) in enumerate(rows):
            if value is None:
                text = fit_text(name, WIDTH - 24, 12)
                style: dict[str, Any] = {"ha": "left", "va": "center_baseline", "color": QUIET}
                drawn = figure.text(12 / WIDTH, lines.middle(row), text, fontsize=12, **style)
                drawn.set_gid(f"halo-group{row}")
            elif np.isfinite(value):
                axes.barh(row, value, height=0.62, color=TERMS[number % len(TERMS)])
        axes.set_xlim(left=0)
        lines.finish(figure, axes, label, 5)

    return draw_svg(key, (WIDTH, lines.height), alt, draw)


def draw_waterfall(key: str, rungs: Sequence[Rung], *, alt: str, label: str) -> str:
    """Draw the steps from one total to another; the axis does not start at zero, so totals are dots.

    Parameters
    ----------
    key : str
        Id prefix.
    rungs : sequence of Rung
        From the top: a total, steps, a total. Words are written beside them.
    alt, label : str
        Alt text; quantity with unit.

    Returns
    -------
    str
        Inline SVG.
    """
    rows = Rows([rung.label for rung in rungs], 26.0)
    right = max(text_width(rung.word, 12) for rung in rungs) + 18

    def draw(figure: Any) -> None:
        axes = rows.start(figure, right)
        for row, rung in enumerate(rungs):
            if rung.total:
                axes.plot([rung.end], [row], "o", color=ACCENT, markersize=8, zorder=3)
            else:
                colour = UP if rung.end >= rung.start else DOWN
                axes.barh(row, rung.end - rung.start, left=rung.start, height=0.6, color=colour, zorder=2)
            if row + 1 < len(rungs):
                axes.plot([rung.end] * 2, [row, row + 1], color=QUIET, linewidth=0.8, zorder=1)
            place, style = (WIDTH - right + 8) / WIDTH, {"ha": "left", "va": "center_baseline", "color": INK}
            figure.text(place, rows.middle(row), rung.word, fontsize=12, **style)
        axes.use_sticky_edges = False
        axes.margins(x=0.06)
        axes.autoscale_view(scaley=False)
        rows.finish(figure, axes, label)

    return draw_svg(key, (WIDTH, rows.height), alt, draw)

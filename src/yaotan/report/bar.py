"""Bars with intervals, one line each, and waterfalls from one total to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from yaotan.report.chart import axis_title, make_axes, number_ticks
from yaotan.report.figure import ACCENT, INK, QUIET, draw_svg, fit_text, text_width
from yaotan.report.legend import WIDTH
from yaotan.report.palette import DIVERGING

#: widest column of names [px]
_NAMES: Final = 206.0
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
    step = 24.0
    height = step * len(bars) + 64
    left = _room([bar.label for bar in bars])

    def draw(figure: Any) -> None:
        axes = make_axes(figure, left, 30, 18, 34)
        for row, bar in enumerate(bars):
            if np.isfinite(bar.value):
                axes.barh(row, bar.value, height=0.66, color=bar.colour, edgecolor=QUIET, linewidth=0.5)
            if bar.upper > bar.lower:
                axes.plot([bar.lower, bar.upper], [row, row], color=INK, linewidth=1.5, zorder=3)
                ends = [bar.lower, bar.upper]
                axes.plot(ends, [row, row], "|", color=INK, markersize=8, markeredgewidth=1.5, zorder=3)
            _name(figure, bar.label, left, height, step, row)
        axes.axvline(0, color=INK, linewidth=0.9, zorder=2)
        _rows(axes, len(bars))
        axis_title(figure, label)

    return draw_svg(key, (WIDTH, height), alt, draw)


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
    step = 26.0
    height = step * len(rungs) + 64
    left = _room([rung.label for rung in rungs])
    right = max(text_width(rung.word, 12) for rung in rungs) + 18

    def draw(figure: Any) -> None:
        axes = make_axes(figure, left, 30, right, 34)
        for row, rung in enumerate(rungs):
            if rung.total:
                axes.plot([rung.end], [row], "o", color=ACCENT, markersize=8, zorder=3)
            else:
                colour = UP if rung.end >= rung.start else DOWN
                axes.barh(row, rung.end - rung.start, left=rung.start, height=0.6, color=colour, zorder=2)
            if row + 1 < len(rungs):
                axes.plot([rung.end] * 2, [row, row + 1], color=QUIET, linewidth=0.8, zorder=1)
            _name(figure, rung.label, left, height, step, row)
            y = (height - 34 - step * (row + 0.5)) / height
            place = (WIDTH - right + 8) / WIDTH
            figure.text(place, y, rung.word, ha="left", va="center_baseline", fontsize=12, color=INK)
        _rows(axes, len(rungs))
        axes.use_sticky_edges = False
        axes.margins(x=0.06)
        axes.autoscale_view(scaley=False)
        axis_title(figure, label)

    return draw_svg(key, (WIDTH, height), alt, draw)


def _room(names: Sequence[str]) -> float:
    return min(_NAMES, max(text_width(name, 12) for name in names) + 16)


def _name(figure: Any, name: str, left: float, height: float, step: float, row: int) -> None:
    y = (height - 34 - step * (row + 0.5)) / height
    text = fit_text(name, left - 12, 12)
    figure.text((left - 8) / WIDTH, y, text, ha="right", va="center_baseline", fontsize=12, color=INK)


def _rows(axes: Any, count: int) -> None:
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="#e6e9ec", linewidth=0.8)
    number_ticks(axes.xaxis, 4)

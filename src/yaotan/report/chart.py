"""Charts: axes, series of months, the mean year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from yaotan.optional import require
from yaotan.report.figure import (
    CLASSES,
    GRID,
    INK,
    MARKERS,
    draw_svg,
    fit_text,
)
from yaotan.report.legend import ROW, WIDTH, Entry, draw_legend, legend_rows

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """One line of a series.

    Parameters
    ----------
    label : str
        Name in the legend.
    time : pandas.DatetimeIndex
        Months.
    value, uncertainty : ndarray
        Value and 1 sigma.
    """

    label: str
    time: pd.DatetimeIndex
    value: Floats
    uncertainty: Floats


def make_axes(figure: Any, left: float, bottom: float, right: float, top: float) -> Any:
    """Axes with margins in px."""
    width, height = (72 * side for side in figure.get_size_inches())
    box = (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    axes = figure.add_axes(box)
    axes.tick_params(length=3, width=0.8)
    axes.set_axisbelow(True)
    return axes


def grid_lines(axes: Any, axis: str) -> None:
    """Draw the quiet lines behind a chart: along "x", "y" or "both"."""
    axes.grid(axis=axis, color=GRID, linewidth=0.8)


def number_ticks(axis: Any, count: int = 5) -> None:
    """Put about `count` round numbers on an axis, without offsets or powers."""
    ticker = require("matplotlib.ticker")
    axis.set_major_locator(ticker.MaxNLocator(count))
    plain = ticker.ScalarFormatter(useOffset=False)
    plain.set_powerlimits((-3, 6))
    axis.set_major_formatter(plain)


def month_ticks(time: pd.DatetimeIndex, language: str) -> tuple[list[pd.Timestamp], list[str]]:
    """Ticks that never touch: at most seven first days of months; days where no month begins."""
    months = pd.date_range(time.min(), time.max(), freq="MS")
    if not len(months):
        days = pd.date_range(time.min().normalize(), time.max(), freq="D")
        few = days[:: -(-len(days) // 4)]
        return list(few), [f"{day:%Y-%m-%d}" for day in few]
    years = 12 * -(-len(months) // 84)  # whole years once a year is too fine
    stride = next((step for step in (1, 2, 3, 6) if len(months) / step <= 7), years)
    chosen = [stamp for stamp in months if (stamp.month - 1) % min(stride, 12) == 0][:: max(1, stride // 12)]
    chosen = chosen or [months[0]]
    return chosen, [f"{stamp:%Y-%m}" for stamp in chosen]


def draw_series(key: str, lines: Sequence[Line], *, alt: str, label: str, language: str) -> str:
    """Draw months against value with one-sigma bars; the legend stands below the axes.

    Parameters
    ----------
    key : str
        Id prefix.
    lines : sequence of Line
        At most seven.
    alt, label : str
        Alt text; quantity with unit.
    language : {"en", "zh"}
        Language of dates.

    Returns
    -------
    str
        Inline SVG.
    """
    entries = [Entry(line.label, CLASSES[k % 7], MARKERS[k % 7]) for k, line in enumerate(lines)]
    rows = legend_rows(entries)
    bottom = 34.0 + ROW * len(rows)
    height = 250.0 + bottom

    def draw(figure: Any) -> None:
        axes = make_axes(figure, 62, bottom, 16, 28)
        for number, line in enumerate(lines):
            colour, marker = CLASSES[number % 7], MARKERS[number % 7]
            # shifted by a fraction of a month, so that bars of several regions stand side by side
            time = line.time + pd.Timedelta(hours=30 * (number - (len(lines) - 1) / 2))
            axes.plot(time, line.value, color=colour, marker=marker, markersize=4, linewidth=1.3, zorder=3)
            known = np.isfinite(line.value) & np.isfinite(line.uncertainty)
            low, high = line.value - line.uncertainty, line.value + line.uncertainty
            stacked = np.stack([low, high, np.full(low.size, np.nan)], axis=-1)[known].ravel()
            axes.plot(np.repeat(time[known], 3), stacked, color=colour, linewidth=0.9, alpha=0.7, zorder=2)
        every = pd.DatetimeIndex(np.concatenate([line.time.values for line in lines]))
        ticks, labels = month_ticks(every, language)
        axes.set_xticks(ticks, labels)
        axes.set_xlim(every.min() - pd.Timedelta(days=16), every.max() + pd.Timedelta(days=16))
        grid_lines(axes, "y")
        number_ticks(axes.yaxis)
        axis_title(figure, label)
        draw_legend(figure, rows, bottom - 34)

    return draw_svg(key, (WIDTH, height), alt, draw)


def draw_cycle(key: str, lines: Sequence[tuple[str, Floats]], *, alt: str, label: str, months: str) -> str:
    """Draw the twelve months of a mean year, one line each; the legend stands below the axes.

    Parameters
    ----------
    key : str
        Id prefix.
    lines : sequence of (label, values)
        At most seven; values of January to December, NaN where there is none.
    alt, label, months : str
        Alt text; quantity with unit; name of the axis of months.

    Returns
    -------
    str
        Inline SVG.
    """
    entries = [Entry(name, CLASSES[k % 7], MARKERS[k % 7]) for k, (name, _) in enumerate(lines)]
    rows = legend_rows(entries)
    bottom = 54.0 + ROW * len(rows)
    height = 250.0 + bottom

    def draw(figure: Any) -> None:
        axes = make_axes(figure, 62, bottom, 16, 28)
        axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
        for entry, (_, value) in zip(entries, lines, strict=True):
            style: dict[str, Any] = {"color": entry.colour, "marker": entry.marker}
            axes.plot(range(1, 13), value, markersize=4, linewidth=1.3, zorder=3, **style)
        axes.set_xticks(range(1, 13))
        axes.set_xlim(0.5, 12.5)
        grid_lines(axes, "y")
        number_ticks(axes.yaxis)
        axis_title(figure, fit_text(label, WIDTH - 20, 12))
        place = (62 + (WIDTH - 78) / 2) / WIDTH
        figure.text(place, (bottom - 32) / height, months, ha="center", va="top", fontsize=12, color=INK)
        draw_legend(figure, rows, bottom - 54)

    return draw_svg(key, (WIDTH, height), alt, draw)


def axis_title(figure: Any, label: str) -> None:
    """Write the quantity above the axes, level, where any language reads it at once."""
    height = 72 * figure.get_size_inches()[1]
    figure.text(8 / WIDTH, (height - 8) / height, label, ha="left", va="top", fontsize=12, color=INK)

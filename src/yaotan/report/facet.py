"""Panels of series on one time axis: what was measured, and what was fitted to it or compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from yaotan.report.chart import axis_title, grid_lines, make_axes, month_ticks, number_ticks
from yaotan.report.figure import QUIET, draw_svg, fit_text
from yaotan.report.legend import ROW, WIDTH, Entry, draw_legend, legend_rows

Floats = npt.NDArray[np.float64]
#: height of a panel, and of its title above it [px]
PANEL: Final = 104.0
TITLE: Final = 30.0


@dataclass(frozen=True)
class Trace:
    """One series of a panel.

    Parameters
    ----------
    time : pandas.DatetimeIndex
        Moments, rising.
    value : ndarray
        NaN breaks a line.
    uncertainty : ndarray, optional
        1 sigma, drawn as bars.
    """

    time: pd.DatetimeIndex
    value: Floats
    uncertainty: Floats | None = None


@dataclass(frozen=True)
class Facet:
    """One panel.

    Parameters
    ----------
    title : str
        Above it.
    traces : sequence of Trace
        One for each entry of the legend.
    """

    title: str
    traces: Sequence[Trace]


def draw_facets(
    key: str, entries: Sequence[Entry], facets: Sequence[Facet], *, alt: str, label: str, language: str
) -> str:
    """Draw panels of series with one legend below.

    Parameters
    ----------
    key : str
        Id prefix.
    entries : sequence of Entry
        Style and words of each trace.
    facets : sequence of Facet
        From the top; each has a value axis of its own.
    alt, label : str
        Alt text; quantity with unit.
    language : {"en", "zh"}
        Language of dates.

    Returns
    -------
    str
        Inline SVG.
    """
    rows = legend_rows(entries)
    bottom = 34.0 + ROW * len(rows)
    height = 30.0 + len(facets) * (PANEL + TITLE) + bottom
    every = pd.DatetimeIndex(
        np.concatenate([trace.time.values for facet in facets for trace in facet.traces])
    )
    ticks, labels = month_ticks(every, language)
    span = every.min() - pd.Timedelta(days=16), every.max() + pd.Timedelta(days=16)

    def draw(figure: Any) -> None:
        for number, facet in enumerate(facets):
            top = 30.0 + TITLE + number * (PANEL + TITLE)
            axes = make_axes(figure, 62, height - top - PANEL, 16, top)
            for entry, trace in zip(entries, facet.traces, strict=True):
                _draw_trace(axes, entry, trace)
            last = number == len(facets) - 1
            axes.set_xticks(ticks, labels if last else [""] * len(ticks))
            axes.set_xlim(*span)
            grid_lines(axes, "y")
            number_ticks(axes.yaxis, 4)
            title = fit_text(facet.title, WIDTH - 84, 12)
            figure.text(62 / WIDTH, (height - top + 6) / height, title, va="bottom", fontsize=12, color=QUIET)
        axis_title(figure, fit_text(label, WIDTH - 20, 12))
        draw_legend(figure, rows, bottom - 34)

    return draw_svg(key, (WIDTH, height), alt, draw)


def _draw_trace(axes: Any, entry: Entry, trace: Trace) -> None:
    axes.plot(
        trace.time,
        trace.value,
        color=entry.colour,
        marker=entry.marker or "none",
        markersize=3.4 if len(trace.time) <= 60 else 2.2,
        linestyle=entry.line or "none",
        linewidth=1.5,
        zorder=3,
    )
    if trace.uncertainty is None:
        return
    known = np.isfinite(trace.value) & np.isfinite(trace.uncertainty)
    low, high = trace.value - trace.uncertainty, trace.value + trace.uncertainty
    bars = np.stack([low, high, np.full(low.size, np.nan)], axis=-1)[known].ravel()
    axes.plot(np.repeat(trace.time[known], 3), bars, color=entry.colour, linewidth=0.7, alpha=0.45, zorder=2)

"""Regions by months in colours, with a sign on what stands out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from yaotan.optional import require
from yaotan.report.chart import make_axes, month_ticks
from yaotan.report.figure import draw_svg
from yaotan.report.legend import ROW, WIDTH, Entry, draw_legend, legend_rows
from yaotan.report.map import draw_colour_bar
from yaotan.report.palette import NO_DATA, Scale
from yaotan.report.row import Rows

Floats = npt.NDArray[np.float64]
BAR: Final = 66.0


def draw_heat(
    key: str,
    names: Sequence[str],
    months: pd.DatetimeIndex,
    values: Floats,
    signs: Mapping[Entry, npt.NDArray[np.bool_]],
    scale: Scale,
    *,
    alt: str,
    label: str,
    no_data: str,
    language: str,
) -> str:
    """Draw a value for each region and month.

    Parameters
    ----------
    key : str
        Id prefix.
    names : sequence of str
        Rows, from the top.
    months : pandas.DatetimeIndex
        First days of the months of the columns, none left out.
    values : ndarray, dims (rows, columns)
        NaN is grey.
    signs : mapping of Entry to ndarray of bool
        Marker and words -> where it stands.
    scale : Scale
        Of the colours.
    alt, label, no_data : str
        Alt text; what is drawn, with unit; words for grey.
    language : {"en", "zh"}
        Language of dates.

    Returns
    -------
    str
        Inline SVG.
    """
    step = 20.0
    rows = legend_rows(list(signs))
    bottom = 28.0 + BAR + ROW * len(rows) + 6
    lines = Rows(names, step, top=12.0, bottom=bottom, most=176.0)
    height, left = lines.height, lines.left
    ticks, labels = month_ticks(months, language)
    # labels need about 62 px each
    stride = -(-len(ticks) * 62 // int(WIDTH - left - 12))
    ticks, labels = ticks[::stride], labels[::stride]

    def draw(figure: Any) -> None:
        axes = make_axes(figure, left, bottom, 12, 12)
        _draw_boxes(axes, values, scale)
        _draw_signs(axes, signs)
        axes.set(xlim=(0, len(months)), ylim=(len(names), 0), yticks=[])
        places = [int(np.flatnonzero(months == tick)[0]) + 0.5 for tick in ticks if (months == tick).any()]
        axes.set_xticks(places, [name for tick, name in zip(ticks, labels, strict=True) if tick in months])
        lines.write(figure)
        bar = figure.add_axes((0.06, (ROW * len(rows) + 6) / height, 0.88, (BAR - 6) / height))
        draw_colour_bar(bar, scale, label, no_data)
        draw_legend(figure, rows, ROW * len(rows) + 2)

    return draw_svg(key, (WIDTH, height), alt, draw)


def _draw_boxes(axes: Any, values: Floats, scale: Scale) -> None:
    path_class, patch_class = require("matplotlib.path").Path, require("matplotlib.patches").PathPatch
    step = scale.steps(values)
    for number in range(-1, len(scale.colours)):
        row, column = np.nonzero(step == number)
        if not row.size:
            continue
        corner = np.array([[0.03, 0.06], [0.97, 0.06], [0.97, 0.94], [0.03, 0.94], [0.03, 0.06]])
        vertices = (np.stack([column, row], axis=-1)[:, None] + corner).reshape(-1, 2)
        path = path_class(vertices, np.tile([1, 2, 2, 2, 79], row.size).astype(np.uint8))
        colour = NO_DATA if number < 0 else scale.colours[number]
        axes.add_patch(patch_class(path, facecolor=colour, edgecolor="none", linewidth=0, zorder=1))


def _draw_signs(axes: Any, signs: Mapping[Entry, npt.NDArray[np.bool_]]) -> None:
    for entry, mask in signs.items():
        row, column = np.nonzero(mask)
        style: dict[str, Any] = {"marker": entry.marker, "color": entry.colour, "linestyle": "none"}
        # a white edge keeps the sign readable on dark colours
        style |= {"markersize": 6.5, "markeredgecolor": "white", "markeredgewidth": 0.9}
        axes.plot(column + 0.5, row + 0.5, **style)

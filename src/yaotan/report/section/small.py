"""Small maps period by period, with the colour bar that they share."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xarray as xr

from yaotan.report.context import PageContext
from yaotan.report.figure import Figure
from yaotan.report.map import draw_bar_alone, draw_small_map
from yaotan.report.number import whole
from yaotan.report.palette import Scale, make_scale

#: stands for the alt text in a small map that is drawn once for both languages
NO_WORDS: Final = "@alt@"
Floats = npt.NDArray[np.float64]


def make_small_maps(
    page: PageContext, key: str, grid: xr.Dataset, variable: str, product: str
) -> dict[str, Any] | None:
    """Draw a small map for each period of a grid.

    Parameters
    ----------
    page : PageContext
        Study and language.
    key : str
        Of the grid, unique on the page.
    grid : xarray.Dataset
        With dim ``time``.
    variable, product : str
        What is drawn, and the name of the product that people use.

    Returns
    -------
    dict or None
        ``figures``, ``bar`` and ``title``; None with one period or without data.
    """
    text = page.text
    maps = page.period_maps(grid, variable)
    scale = make_scale([values for _, values in maps])
    if len(maps) < 2 or scale is None:
        return None
    symbol = page.symbol(variable)
    corners = page.corners(key, grid)
    figures = []
    for number, (label, values) in enumerate(maps):
        name = f"small-{key}-{number}"
        cells = int(np.isfinite(values).sum())
        alt = text("small.alt", symbol=symbol, product=product, period=label, cells=whole(cells))
        svg = _small_map(page, name, corners, values, scale).replace(NO_WORDS, escape(alt), 1)
        figures.append(Figure(name, svg, label, text("small.cells", n=cells, shown=whole(cells)), small=True))
    name = f"small-{key}-bar"
    low, high = (f"{level:g}" for level in (scale.levels[0], scale.levels[-1]))
    alt = text("small.bar_alt", symbol=symbol, low=low, high=high, unit=page.units(variable))
    bar = draw_bar_alone(name, scale, alt=alt, label=page.quantity(variable), no_data=text("map.no_data"))
    title = text("small.title", symbol=symbol, product=product)
    return {"figures": figures, "bar": Figure(name, bar, title, text("small.caption")), "title": title}


def _small_map(
    page: PageContext, name: str, corners: tuple[Floats, Floats], values: Floats, scale: Scale
) -> str:
    """Draw a small map once for both languages: its only words are the alt text, which is put in later."""
    return page.once(
        name, lambda: draw_small_map(name, page.small_frame, corners, values, scale, alt=NO_WORDS)
    )

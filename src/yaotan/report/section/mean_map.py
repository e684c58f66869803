"""The map of a column's mean over the period, and the sentence that says what it shows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from yaotan.report.context import PageContext
from yaotan.report.figure import Figure
from yaotan.report.map import draw_map
from yaotan.report.number import decimals_for, fixed, measured, whole
from yaotan.report.result import ColumnResult
from yaotan.report.summary import judge, region_means
from yaotan.report.table import make_download


def map_sentence(page: PageContext, column: ColumnResult) -> str:
    """Say what a map shows, from the regional means: highest, lowest, and whether they can be told apart.

    Parameters
    ----------
    page : PageContext
        Study and language.
    column : ColumnResult
        What is mapped.

    Returns
    -------
    str
        One sentence.
    """
    text, symbol, unit = page.text, page.symbol(column.variable), page.units(column.variable)
    means = {key: mean for key, mean in region_means(column).items() if np.isfinite(mean.value)}
    if not means:
        return text("map.sentence_empty", product=column.title)
    if len(means) == 1:
        key, mean = next(iter(means.items()))
        value, sigma = measured(mean.value, mean.uncertainty)
        return text(
            "map.sentence_one",
            symbol=symbol,
            region=page.names.get(key, key),
            value=value,
            uncertainty=sigma,
            unit=unit,
            n=mean.months,
        )
    high, low = max(means, key=lambda k: means[k].value), min(means, key=lambda k: means[k].value)
    gap = means[high].value - means[low].value
    sigma_gap = float(np.hypot(means[high].uncertainty, means[low].uncertainty))
    decimals = decimals_for(sigma_gap)
    slots = {
        "symbol": symbol,
        "unit": unit,
        "high": page.names.get(high, high),
        "low": page.names.get(low, low),
        "high_value": fixed(means[high].value, decimals),
        "low_value": fixed(means[low].value, decimals),
        "gap": fixed(gap, decimals),
        "uncertainty": measured(gap, sigma_gap)[1],
    }
    return text(f"map.sentence_{judge(gap, sigma_gap)}", **slots)


def cell_table(page: PageContext, column: ColumnResult, *, most: int = 20_000) -> pd.DataFrame | None:
    """List the cells of a mean map: centre, value, months and soundings; None when there are too many."""
    grid, name = column.grid, column.variable
    pair = ("lat", "lon") if "lat" in grid.dims else ("y", "x")
    values = page.mean_map(column)
    rows, columns = np.nonzero(np.isfinite(values))
    if rows.size > most:
        return None
    stack = np.asarray(grid[name].values, float).reshape(-1, *values.shape)
    count = np.asarray(grid[f"{name}_count"].values, float).reshape(-1, *values.shape)
    return pd.DataFrame(
        {
            pair[0]: np.asarray(grid[pair[0]].values)[rows],
            pair[1]: np.asarray(grid[pair[1]].values)[columns],
            name: values[rows, columns],
            "months": np.isfinite(stack).sum(axis=0)[rows, columns],
            "soundings": np.nansum(count, axis=0)[rows, columns].astype(int),
        }
    )


def mean_figure(page: PageContext, column: ColumnResult, key: str) -> Figure:
    """Draw the map of a column's mean over the period.

    Parameters
    ----------
    page : PageContext
        Study and language.
    column : ColumnResult
        What to draw.
    key : str
        HTML id.

    Returns
    -------
    Figure
        With the cells as CSV.
    """
    text, results = page.text, page.results
    scale = page.mean_scales[column.variable]
    values = page.mean_map(column)
    period = text.period(*results.period)
    slots = {"symbol": page.symbol(column.variable), "product": column.title, "period": period}
    sentence = map_sentence(page, column)
    svg = draw_map(
        key,
        page.frame,
        page.corners(column.key, column.grid),
        values,
        scale if np.isfinite(values).any() else None,
        alt=text("map.alt", **slots, sentence=sentence),
        label=page.quantity(column.variable),
        no_data=text("map.no_data"),
        language=text.language,
        south_sea=text("map.south_sea"),
    )
    cells = cell_table(page, column)
    filled = int(np.isfinite(values).sum())
    caption = text("map.caption", n=filled, shown=whole(filled)) if filled else text("map.caption_empty")
    if filled and scale is not None and (scale.below or scale.above):
        caption += text("space") + text("map.clipped")
    source = results.boundary_source(text.language)
    if source:
        caption += text("space") + text("map.source", source=source)
    download = make_download(f"map_{column.key}", cells) if cells is not None and len(cells) else None
    if cells is None:
        caption += text("space") + text("map.in_file")
    return Figure(key, svg, text("map.title", **slots), caption, download)

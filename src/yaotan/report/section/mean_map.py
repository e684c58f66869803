"""The map of a column's mean over the period, and the sentence that says what it shows."""

from __future__ import annotations

import numpy as np

from yaotan.report.context import PageContext
from yaotan.report.figure import Figure
from yaotan.report.map import draw_map
from yaotan.report.number import decimals_for, fixed, measured, whole
from yaotan.report.result import ColumnResult
from yaotan.report.section.grid import download_cells, layers_of
from yaotan.report.summary import judge, region_means
from yaotan.report.table import Download


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


def _cells(page: PageContext, column: ColumnResult) -> tuple[Download | None, str]:
    name = column.variable
    layers = {
        name: page.mean_map(column),
        "months": np.isfinite(layers_of(column.grid, name)).sum(axis=0),
        "soundings": np.nansum(layers_of(column.grid, f"{name}_count"), axis=0).astype(int),
    }
    return download_cells(page, f"map_{column.key}", column.grid, layers)


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
    download, elsewhere = _cells(page, column)
    filled = int(np.isfinite(values).sum())
    caption = text("map.caption", n=filled, shown=whole(filled)) if filled else text("map.caption_empty")
    if filled and scale is not None and (scale.below or scale.above):
        caption += text("space") + text("map.clipped")
    source = results.boundary_source(text.language)
    if source:
        caption += text("space") + text("map.source", source=source)
    return Figure(key, svg, text("map.title", **slots), caption + elsewhere, download)

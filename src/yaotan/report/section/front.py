"""First screen: title, cards, main map, one sentence made from the numbers, data used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from yaotan.report.context import PageContext, Section
from yaotan.report.figure import Figure
from yaotan.report.map import draw_map
from yaotan.report.number import decimals_for, fixed, interval, measured, whole
from yaotan.report.result import ColumnResult
from yaotan.report.summary import Mean, area_rows, judge, mean_of_months, region_means, sounding_totals
from yaotan.report.table import make_download, rows_of


@dataclass(frozen=True)
class Card:
    """One number that a director reads.

    Parameters
    ----------
    title : str
        What it is.
    value, unit : str
        The number.
    interval : str
        Its interval, or what it counts.
    change : str
        Change, or what stands behind it.
    word, tone : str
        Confidence in a word, and its tone: ``good``, ``open`` or ``none``.
    """

    title: str
    value: str
    unit: str
    interval: str
    change: str
    word: str
    tone: str


def _coverage_word(page: PageContext, mean: Mean) -> tuple[str, str]:
    if not mean.months:
        return page.text("confidence.no_data"), "none"
    level = "well" if mean.coverage >= 0.5 else "partly" if mean.coverage >= 0.15 else "sparsely"
    return page.text(f"confidence.{level}_covered"), "good" if level == "well" else "open"


def _mean_card(page: PageContext, column: ColumnResult) -> Card:
    text = page.text
    mean = mean_of_months(area_rows(column, page.results))
    value, sigma = measured(mean.value, mean.uncertainty)
    word, tone = _coverage_word(page, mean)
    change = text("card.no_change")
    if np.isfinite(mean.change):
        number, spread = measured(mean.change, mean.change_uncertainty, sign=True)
        verdict = text(f"confidence.{judge(mean.change, mean.change_uncertainty)}")
        change = text("card.change", change=number, uncertainty=spread, verdict=verdict)
    elif not mean.months:
        change = text("card.nothing")
    title = text("card.mean", symbol=page.symbol(column.variable), product=column.title)
    bounds = (
        text("card.plus_minus", uncertainty=sigma, unit=page.units(column.variable)) if mean.months else ""
    )
    return Card(title, value, page.units(column.variable) if mean.months else "", bounds, change, word, tone)


def _difference_card(page: PageContext, title: str, row: dict[str, Any], note: str) -> Card:
    text = page.text
    verdict = str(row["verdict"])
    unit = page.units(str(row["variable"]))
    numbers = [float(row[name]) for name in ("difference", "lower", "upper")]
    value, low, high = interval(*numbers)
    if verdict == "no_data":
        return Card(title, "–", "", "", note, text("confidence.no_data"), "none")
    word = "not_detectable" if verdict == "not_detectable" else "supported"
    bounds = text("card.interval", lower=low, upper=high)
    return Card(
        title,
        value,
        unit,
        bounds,
        note,
        text(f"confidence.{word}"),
        "good" if word == "supported" else "open",
    )


def _cards(page: PageContext) -> list[Card]:
    results, text = page.results, page.text
    firsts = [page.columns_of(variable)[0] for variable in page.variables][:2]
    cards = [_mean_card(page, column) for column in firsts]
    if firsts and len(results.contrasts):
        main = firsts[0]
        rows = results.contrasts
        rows = rows[(rows["product"] == main.product) & (rows["variable"] == main.variable)]
        first = rows.sort_values("kind", key=lambda kind: kind != "west_east", kind="stable")
        for row in rows_of(first)[:1]:
            note = text("card.contrast_note", symbol=page.symbol(main.variable), product=main.title)
            cards.append(_difference_card(page, text.name(row), row, note))
    if len(results.comparison):
        row = rows_of(results.comparison)[0]
        title = text(
            "card.comparison",
            first=results.product_title(str(row["product_a"])),
            second=results.product_title(str(row["product_b"])),
        )
        note = text(
            "card.comparison_note", symbol=page.symbol(str(row["variable"])), cells=whole(float(row["cells"]))
        )
        cards.append(_difference_card(page, title, row, note))
    if len(cards) < 5:
        cards.append(_kept_card(page))
    return cards


def _kept_card(page: PageContext) -> Card:
    text = page.text
    kept, read = sounding_totals(page.results)
    share = text.percent(kept / read) if read else "–"
    value = share.removesuffix(text("percent"))
    note = text("card.kept", kept=whole(kept), read=whole(read))
    word = text("confidence.counted" if read else "confidence.no_data")
    return Card(
        text("card.kept_title"),
        value,
        "%" if read else "",
        note,
        text("card.kept_note"),
        word,
        "good" if read else "none",
    )


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
        page.corners(column),
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


def make_front(page: PageContext) -> Section:
    """Build the first screen.

    Parameters
    ----------
    page : PageContext
        Study and language.

    Returns
    -------
    Section
        ``cards``, ``figure``, ``sentence``, ``data_line`` and ``headline`` parts.
    """
    results, text = page.results, page.text
    kept, read = sounding_totals(results)
    west, south, east, north = results.bounds
    parts: dict[str, object] = {
        "cards": _cards(page),
        "period": text.period(*results.period),
        "area": text(
            "front.area",
            west=_degree(west, "E", "W"),
            east=_degree(east, "E", "W"),
            south=_degree(south, "N", "S"),
            north=_degree(north, "N", "S"),
            n=len(results.regions),
        ),
        "data_line": text("front.kept", kept=whole(kept), read=whole(read), share=text.percent(kept / read))
        if read
        else text("front.nothing_read"),
    }
    if results.columns:
        parts["figure"] = mean_figure(page, results.columns[0], "map-main")
        parts["sentence"] = map_sentence(page, results.columns[0])
    return Section("front", results.title_in(text.language), parts=parts)


def _degree(value: float, plus: str, minus: str) -> str:
    value = (value + 180) % 360 - 180 if plus == "E" and value > 180 else value
    return f"{abs(value):g}°{plus if value >= 0 else minus}"

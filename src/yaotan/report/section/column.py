"""Section 1, columns: maps by gas and period, contrasts, series and the regional table."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from yaotan.report.chart import Line, draw_series
from yaotan.report.context import PageContext, Section
from yaotan.report.figure import Figure
from yaotan.report.forest import Mark, draw_differences, draw_ranking
from yaotan.report.number import interval, measured, whole
from yaotan.report.result import WHOLE, ColumnResult
from yaotan.report.section.mean_map import mean_figure
from yaotan.report.section.small import make_small_maps
from yaotan.report.summary import area_rows, judge, region_means
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

#: more lines than this in one series cannot be told apart
MOST_LINES: Final = 5


def make_columns(page: PageContext) -> Section | None:
    """Build the section on columns; None when the study has none."""
    results, text = page.results, page.text
    if not results.columns:
        return None
    groups = []
    for number, column in enumerate(results.columns):
        figures = [] if number == 0 else [mean_figure(page, column, f"map-{column.key}")]
        figures += [*_ranking(page, column), *_series(page, column)]
        groups.append(
            {
                "title": text("columns.group", symbol=page.symbol(column.variable), product=column.title),
                "key": f"column-{column.key}",
                "figures": figures,
                "small": make_small_maps(page, column.key, column.grid, column.variable, column.title),
                "table": _regional_table(page, column),
            }
        )
    parts = {"groups": groups, "contrasts": _contrast_figures(page), "contrast_table": _contrast_table(page)}
    return Section("columns", text("columns.title"), text("columns.lead"), parts)


def _ranking(page: PageContext, column: ColumnResult) -> list[Figure]:
    text = page.text
    means = {key: mean for key, mean in region_means(column).items() if np.isfinite(mean.value)}
    if len(means) < 2:
        return []
    order = sorted(means, key=lambda key: -means[key].value)
    marks = [
        Mark(
            page.names.get(key, key),
            means[key].value,
            means[key].value - 1.96 * means[key].uncertainty,
            means[key].value + 1.96 * means[key].uncertainty,
        )
        for key in order
    ]
    slots = {"symbol": page.symbol(column.variable), "product": column.title}
    high, low = marks[0], marks[-1]
    sigma = float(np.hypot(means[order[0]].uncertainty, means[order[-1]].uncertainty))
    title = text(
        f"ranking.title_{judge(high.value - low.value, sigma)}", **slots, high=high.label, low=low.label
    )
    alt = text("ranking.alt", **slots, n=len(marks), high=high.label, low=low.label)
    svg = draw_ranking(f"ranking-{column.key}", marks, alt=alt, label=page.quantity(column.variable))
    table = pd.DataFrame(
        {
            "region_id": order,
            "name": [page.names.get(key, key) for key in order],
            "value": [means[key].value for key in order],
            "uncertainty": [means[key].uncertainty for key in order],
            "months": [means[key].months for key in order],
        }
    )
    download = make_download(f"ranking_{column.key}", table)
    return [Figure(f"ranking-{column.key}", svg, title, text("ranking.caption"), download)]


def _line(page: PageContext, label: str, rows: pd.DataFrame) -> Line:
    rows = rows.sort_values("time")
    return Line(
        label,
        pd.DatetimeIndex(rows["time"]),
        rows["value"].to_numpy(float),
        rows["uncertainty"].to_numpy(float),
    )


def _series(page: PageContext, column: ColumnResult) -> list[Figure]:
    text, table = page.text, column.table
    if table.empty or table["time"].nunique() < 2 or not np.isfinite(table["value"].astype(float)).any():
        return []
    chosen = _key_regions(page, column)
    lines = [_line(page, text("whole_area"), area_rows(column, page.results))]
    lines += [
        _line(page, page.names.get(key, key), table[table["region_id"].astype(str) == key]) for key in chosen
    ]
    whole_area = lines[0]
    if not np.isfinite(whole_area.value).any():
        return []
    peak, dip = int(np.nanargmax(whole_area.value)), int(np.nanargmin(whole_area.value))
    slots = {
        "symbol": page.symbol(column.variable),
        "product": column.title,
        "unit": page.units(column.variable),
        "high": measured(whole_area.value[peak], whole_area.uncertainty[peak])[0],
        "low": measured(whole_area.value[dip], whole_area.uncertainty[dip])[0],
        "high_month": text.month(whole_area.time[peak]),
        "low_month": text.month(whole_area.time[dip]),
    }
    key = f"series-{column.key}"
    svg = draw_series(
        key,
        lines,
        alt=text("series.alt", **slots),
        label=page.quantity(column.variable),
        language=text.language,
    )
    names = table["region_id"].astype(str)
    shown = len(names[names != WHOLE].unique())
    caption = text("series.caption")
    if shown > len(chosen):
        caption += text("space") + text("series.chosen", n=len(chosen), total=whole(shown))
    download = make_download(f"series_{column.key}", table)
    return [Figure(key, svg, text("series.title", **slots), caption, download)]


def _key_regions(page: PageContext, column: ColumnResult) -> list[str]:
    """Choose the regions to draw: those the study names, else those with most soundings."""
    named = [str(key) for key in page.results.summary.get("key_regions", ())]
    if named:
        return named[:MOST_LINES]
    means = {key: mean for key, mean in region_means(column).items() if mean.months}
    if len(means) < 2:
        return []
    return sorted(means, key=lambda key: (-means[key].count, key))[:MOST_LINES]


def _regional_table(page: PageContext, column: ColumnResult) -> Table | None:
    text = page.text
    if column.table.empty:
        return None
    unit = page.units(column.variable)
    spreads = column.table.groupby(column.table["region_id"].astype(str))
    rows = []
    for key, mean in region_means(column).items():
        value, sigma = measured(mean.value, mean.uncertainty)
        part = spreads.get_group(key)
        spread = float(part["spread"].mean()) if "spread" in part else np.nan
        change, change_sigma = measured(mean.change, mean.change_uncertainty, sign=True)
        shown = f"{change} ± {change_sigma}" if np.isfinite(mean.change) else "–"
        rows.append(
            (
                Cell(page.names.get(key, key)),
                number_cell(value, mean.value),
                number_cell(f"± {sigma}" if np.isfinite(mean.uncertainty) else "–", mean.uncertainty),
                number_cell(measured(spread, spread)[0], spread),
                number_cell(shown, mean.change),
                number_cell(whole(mean.count), mean.count),
                number_cell(text.percent(mean.coverage), mean.coverage),
                number_cell(str(mean.months), mean.months),
            )
        )
    names = ("region", "mean", "uncertainty", "spread", "change", "soundings", "covered", "months")
    heads = make_heads(text, "table", names, units=dict.fromkeys(names[1:5], unit))
    title = text("table.title", symbol=page.symbol(column.variable), product=column.title)
    download = make_download(f"table_{column.key}", column.table)
    return Table(f"table-{column.key}", title, heads, rows, text("table.note"), download)


def _contrasts(page: PageContext) -> pd.DataFrame:
    """Contrasts in the order in which the page shows the products."""
    order = {column.product: number for number, column in reversed(list(enumerate(page.results.columns)))}
    table = page.results.contrasts
    if table.empty:
        return table
    return table.sort_values("product", key=lambda one: one.map(order).fillna(len(order)), kind="stable")


def _contrast_figures(page: PageContext) -> list[Figure]:
    text, table = page.text, _contrasts(page)
    figures = []
    for variable in page.variables:
        rows = table[table["variable"] == variable] if len(table) else table
        if rows.empty or not np.isfinite(rows["difference"].astype(float)).any():
            continue
        marks, before = [], ""
        for row in rows_of(rows):
            title = page.results.product_title(row["product"])
            marks.append(
                Mark(
                    text.name(row),
                    row["difference"],
                    row["lower"],
                    row["upper"],
                    text(f"verdict.{row['verdict']}"),
                    row["verdict"],
                    title if title != before else "",
                )
            )
            before = title
        found = int(rows["verdict"].isin(["higher", "lower"]).sum())
        slots = {"symbol": page.symbol(variable), "total": len(rows)}
        key = f"contrast-{variable}"
        title = text("contrast.title", n=found, **slots)
        label = text("contrast.axis", quantity=page.quantity(variable))
        svg = draw_differences(key, marks, alt=text("contrast.alt", n=found, **slots), label=label)
        figures.append(
            Figure(key, svg, title, text("contrast.caption"), make_download(f"contrasts_{variable}", rows))
        )
    return figures


def _contrast_table(page: PageContext) -> Table | None:
    text, table = page.text, _contrasts(page)
    if table.empty:
        return None
    rows = []
    for row in rows_of(table):
        value, low, high = interval(row["difference"], row["lower"], row["upper"])
        known = np.isfinite(row["lower"])
        rows.append(
            (
                Cell(text.name(row)),
                Cell(page.results.product_title(row["product"]), "source"),
                Cell(page.quantity(row["variable"])),
                number_cell(value if known else "–", row["difference"]),
                number_cell(text("interval", lower=low, upper=high) if known else "–"),
                Cell(text(f"verdict.{row['verdict']}"), f"verdict {row['verdict']}"),
                number_cell(whole(row["months"]), row["months"]),
                number_cell(f"{whole(row.get('cells_a', np.nan))} / {whole(row.get('cells_b', np.nan))}"),
            )
        )
    names = ("contrast", "product", "quantity", "difference", "interval", "verdict", "months", "cells_both")
    heads = make_heads(text, "contrast", names, left=("product", "quantity", "verdict"))
    return Table(
        "table-contrasts",
        text("contrast.table"),
        heads,
        rows,
        text("contrast.note"),
        make_download("contrasts", table),
    )

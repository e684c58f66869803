"""Several products of one gas made one: what each of them gave to it."""

from __future__ import annotations

import numpy as np

from yaotan.report.analysis import FusionResult
from yaotan.report.context import PageContext, Section, mean_of_times
from yaotan.report.figure import Figure
from yaotan.report.map import draw_map
from yaotan.report.number import decimals_for, fixed, measured, unit_text, whole
from yaotan.report.palette import make_scale
from yaotan.report.section.grid import download_cells, layers_of
from yaotan.report.shape import part_key
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of


def make_fused(page: PageContext) -> Section | None:
    """Build the section on fused products; None when nothing was fused.

    ``groups``: per gas the map and the table of products.
    """
    text = page.text
    if not page.results.fused:
        return None
    groups = []
    for number, one in enumerate(page.results.fused):
        key = part_key("fused", str(number), one.variable)
        method = f"fusion.method.{one.method}"
        told = text("fusion.say", n=len(one.products), symbol=page.symbol(one.variable))
        told += text("space") + text(method if text.has(method) else "fusion.method.other")
        figures = _map(page, one, key)
        groups.append(
            {
                "title": text("fusion.group", symbol=page.symbol(one.variable)),
                "key": f"group-{key}",
                "say": [told, *([] if figures else [text("fusion.nothing")])],
                "figures": figures,
                "table": _table(page, one, key),
            }
        )
    return Section("fused", text("fusion.title"), text("fusion.lead"), {"groups": groups})


def _map(page: PageContext, one: FusionResult, key: str) -> list[Figure]:
    text = page.text
    values = mean_of_times(one.grid[one.variable])
    if not np.isfinite(values).any():
        return []
    sigma = layers_of(one.grid, f"{one.variable}_uncertainty")
    middle = float(np.nanmedian(sigma)) if np.isfinite(sigma).any() else np.nan
    boxes = int(np.isfinite(layers_of(one.grid, one.variable)).sum())
    slots = {"symbol": page.symbol(one.variable), "unit": unit_text(one.units), "boxes": whole(boxes)}
    slots["sigma"] = measured(middle, middle)[0]
    svg = draw_map(
        f"{key}-map",
        page.frame,
        page.corners(key, one.grid),
        values,
        make_scale([values]),
        alt=text("fusion.alt", **slots),
        label=page.quantity(one.variable, one.units),
        no_data=text("map.no_data"),
        language=text.language,
        south_sea=text("map.south_sea"),
    )
    layers = {
        one.variable: values,
        f"{one.variable}_uncertainty": mean_of_times(one.grid[f"{one.variable}_uncertainty"]),
    }
    download, elsewhere = download_cells(page, key, one.grid, layers)
    caption = text("fusion.caption") + elsewhere
    return [Figure(f"{key}-map", svg, text("fusion.map", **slots), caption, download)]


def _table(page: PageContext, one: FusionResult, key: str) -> Table | None:
    text = page.text
    if one.outcome.empty:
        return None
    biases = np.abs(one.outcome["bias"].to_numpy(float))
    known = biases[np.isfinite(biases)]
    digits = decimals_for(float(known.max())) if known.size and known.max() > 0 else 2
    rows = [
        (
            Cell(str(row["title"]), "source"),
            number_cell(whole(row["boxes"]), row["boxes"]),
            number_cell(whole(row["months"]), row["months"]),
            number_cell(text.percent(row["share"]), row["share"]),
            number_cell(fixed(row["bias"], digits, sign=True), row["bias"]),
        )
        for row in rows_of(one.outcome)
    ]
    share = "chosen" if one.method == "median" else "weight"
    names = ("product", "boxes", "months", share, "offset")
    heads = make_heads(text, "fusion", names, units={"offset": unit_text(one.units)})
    title = text("fusion.table", symbol=page.symbol(one.variable))
    download = make_download(f"{key}_products", one.outcome)
    return Table(f"table-{key}", title, heads, rows, text("fusion.note"), download)

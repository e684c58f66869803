"""Tables of carbon stocks: by class with areas, and by region."""

from __future__ import annotations

from typing import Any

import numpy as np

from yaotan.report.context import PageContext
from yaotan.report.ecosystem import CarbonResult
from yaotan.report.number import fixed
from yaotan.report.section.amount import (
    AREA,
    DENSITY,
    Unit,
    Words,
    amount_text,
    area_text,
    ordered_regions,
    some_rows,
    square_kilometres,
)
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

#: rows of a table that is shown whole
MOST_ROWS = 24
#: variables of the stock that are by region alone, or by region and pool
_OF_REGIONS = ("stock", "stock_density", "pool_stock")


def level_of(page: PageContext, one: CarbonResult) -> str:
    """Write the probability of the intervals."""
    return page.text.level(float(one.facts.get("stock", {}).get("level", 0.95)))


def densities_without(one: CarbonResult) -> int:
    """Count the densities that state no uncertainty."""
    left = str(one.facts.get("stock", {}).get("uncertainty_not_included", ""))
    return sum(1 for part in left.split("; ") if part)


def by_class(one: CarbonResult, year: int) -> list[dict[str, Any]]:
    """Give the stock of classes of the whole at one date, the largest first."""
    rows = one.rows(one.stock, "class_stock", region=one.whole, year=year)
    return rows_of(rows.sort_values("value", ascending=False, kind="stable"))


def class_table(page: PageContext, one: CarbonResult, words: Words, unit: Unit) -> Table:
    """Make the table of area, stock and density of classes at the last date."""
    text, year = page.text, one.years[-1]
    areas = {
        int(row["class"]): row
        for row in rows_of(one.rows(one.areas, "area", region=_areas_of(one), year=year))
    }
    every = sum(float(row["value"]) for row in areas.values())
    adjusted = any(np.isfinite(float(row.get("lower", np.nan))) for row in areas.values())

    def cells_of(row: dict[str, Any]) -> list[Cell]:
        code = int(row["class"])
        area = areas[code]
        size = float(square_kilometres(area["value"]))
        cells = [Cell(words.name(code), "word"), number_cell(area_text(size), size)]
        if adjusted:
            low, high = (area_text(float(square_kilometres(area[end]))) for end in ("lower", "upper"))
            cells.append(number_cell(text("interval", lower=low, upper=high)))
        numbers = unit.amounts({name: float(row.get(name, np.nan)) for name in ("value", "lower", "upper")})
        value, bounds = amount_text(page, numbers)
        mean = float(row["value"]) / float(area["value"])
        return [
            *cells,
            number_cell(text.percent(float(area["value"]) / every), float(area["value"])),
            number_cell(value, numbers["value"]),
            number_cell(bounds),
            number_cell(fixed(mean, 2), mean),
        ]

    there = {code for code, area in areas.items() if float(area["value"]) > 0}
    rows = [cells_of(row) for row in by_class(one, year) if int(row["class"]) in there]
    names = [
        "class",
        "area",
        *(["area_interval"] if adjusted else []),
        "share",
        "stock",
        "interval",
        "density",
    ]
    units = {"area": AREA, "stock": unit.name, "density": DENSITY}
    note = text("ecosystem.class_table.adjusted" if adjusted else "ecosystem.class_table.mapped")
    note += text("space") + text("ecosystem.interval_note", level=level_of(page, one))
    return Table(
        "table-carbon-class",
        text("ecosystem.class_table.title", year=year),
        make_heads(text, "ecosystem", names, units=units),
        rows,
        note,
        make_download("carbon_areas", some_rows(one.areas, one.whole)),
        "long" if len(rows) > MOST_ROWS else "",
    )


def _areas_of(one: CarbonResult) -> str | None:
    """Region of the areas of all land together; None: the table has no such row, and rows are summed."""
    return one.whole if (one.areas["region"].astype(str) == one.whole).any() else None


def region_table(page: PageContext, one: CarbonResult, words: Words, unit: Unit) -> Table | None:
    """Make the table of stocks of regions; None where there is one region only."""
    text, year = page.text, one.years[-1]
    found = one.rows(one.stock, "stock", year=year)
    if len(found) < 2:
        return None
    means = one.rows(one.stock, "stock_density", year=year)
    density = dict(zip(means["region"].astype(str), means["value"], strict=True))
    rows = []
    for row in rows_of(ordered_regions(found, one.whole)):
        numbers = unit.amounts({name: float(row.get(name, np.nan)) for name in ("value", "lower", "upper")})
        value, bounds = amount_text(page, numbers)
        mean = float(density.get(str(row["region"]), np.nan))
        cells = [Cell(words.region(row)), number_cell(value, numbers["value"])]
        rows.append([*cells, number_cell(bounds), number_cell(fixed(mean, 2), mean)])
    units = {"stock": unit.name, "density": DENSITY}
    return Table(
        "table-carbon-region",
        text("ecosystem.region_table.title", year=year),
        make_heads(text, "ecosystem", ("region", "stock", "interval", "density"), units=units),
        rows,
        text("ecosystem.region_table.note"),
        make_download("carbon_stock", one.stock[one.stock["variable"].isin(_OF_REGIONS)]),
        "long" if len(rows) > MOST_ROWS else "",
    )

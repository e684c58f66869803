"""Ecosystem carbon: stocks, what changed them, published totals beside ours, where to check."""

from __future__ import annotations

from typing import Any

import numpy as np

from yaotan.report.bar import draw_bars, draw_terms
from yaotan.report.context import PageContext, Section
from yaotan.report.ecosystem import CarbonResult, numbers_of
from yaotan.report.figure import Figure
from yaotan.report.forest import Mark, draw_ranking
from yaotan.report.number import measured
from yaotan.report.section.amount import (
    DENSITY,
    Unit,
    Words,
    amount_text,
    bar_of,
    mass_unit,
    some_rows,
    spread_of,
    term_names,
)
from yaotan.report.section.carbon_gap import make_gaps, make_patches
from yaotan.report.section.carbon_map import class_map, density_map
from yaotan.report.section.carbon_table import (
    by_class,
    class_table,
    densities_without,
    level_of,
    region_table,
)
from yaotan.report.section.land_change import make_change
from yaotan.report.table import make_download

#: classes that are drawn; the table has all
MOST_BARS = 12


def make_ecosystem(page: PageContext) -> Section | None:
    """Build the section on ecosystem carbon; None when the study did not ask for it.

    ``groups``: stocks, change, published totals, patches, each with sentences, figures and tables;
    ``method``: how it was done, in sentences.
    """
    one, text = page.results.carbon, page.text
    if one is None:
        return None
    words = Words(page, one)
    groups = [_stocks(page, one, words)]
    groups += [group for group in (make_change(page, one, words), *make_gaps(page, one)) if group is not None]
    groups += [group for group in (make_patches(page, one, words),) if group is not None]
    parts = {"groups": groups, "method": _method(page, one)}
    return Section("ecosystem", text("ecosystem.title"), text("ecosystem.lead"), parts)


def stock_unit(one: CarbonResult) -> Unit:
    """Give the unit of all stocks of a result."""
    return mass_unit([one.total(year)["value"] for year in one.years])


def _stocks(page: PageContext, one: CarbonResult, words: Words) -> dict[str, Any]:
    text, unit = page.text, stock_unit(one)
    # a study without soundings has the map of densities on its first screen
    shown = not page.results.columns and not len(page.results.losses)
    figures = [None if shown else density_map(page, one), class_map(page, one, words)]
    figures.append(_bars(page, one, words, unit))
    figures += [_series(page, one, unit), _terms(page, one, unit)]
    return {
        "title": text("ecosystem.stock.group"),
        "key": "group-carbon-stock",
        "kind": "",
        "say": [stock_sentence(page, one)],
        "figures": [figure for figure in figures if figure is not None],
        "tables": [class_table(page, one, words, unit), region_table(page, one, words, unit)],
    }


def stock_sentence(page: PageContext, one: CarbonResult) -> str:
    """Say how much there is at the last date, by area, and what holds most of it."""
    text, unit, year = page.text, stock_unit(one), one.years[-1]
    total = unit.amounts(one.total(year))
    density = one.total(year, "stock_density")
    value, bounds = amount_text(page, total)
    known = np.isfinite(spread_of(total))
    slots = {
        "value": value,
        "interval": bounds,
        "unit": unit.name,
        "year": year,
        "level": level_of(page, one),
    }
    told = text("ecosystem.stock.say" if known else "ecosystem.stock.say_bare", **slots)
    mean = measured(density["value"], density["uncertainty"])[0]
    told += text("space") + text("ecosystem.stock.mean", density=mean, unit=DENSITY)
    left = densities_without(one)
    if left and known:
        told += text("space") + text("ecosystem.stock.left", n=left)
    return told


def _bars(page: PageContext, one: CarbonResult, words: Words, unit: Unit) -> Figure | None:
    text, year = page.text, one.years[-1]
    rows = [row for row in by_class(one, year) if row["value"] > 0]
    total = one.total(year)["value"]
    if not rows or not total > 0:
        return None
    bars = [
        bar_of(words.name(row["class"]), row, unit, words.colour(row["class"])) for row in rows[:MOST_BARS]
    ]
    slots = {"first": bars[0].label, "share": text.percent(rows[0]["value"] / total), "year": year}
    slots |= {"n": len(bars), "level": level_of(page, one)}
    svg = draw_bars(
        "carbon-class-bars",
        bars,
        alt=text("ecosystem.bars.alt", **slots),
        label=text("quantity", symbol=text("ecosystem.stock.axis"), unit=unit.name),
    )
    caption = text("ecosystem.bars.caption", **slots)
    download = make_download(
        "carbon_stock_by_class", some_rows(one.rows(one.stock, "class_stock"), one.whole)
    )
    return Figure("carbon-class-bars", svg, text("ecosystem.bars.title", **slots), caption, download)


def _series(page: PageContext, one: CarbonResult, unit: Unit) -> Figure | None:
    """Draw the stock of every date, where there are more than two: two stand in the table."""
    text = page.text
    if len(one.years) < 3:
        return None
    totals = {year: unit.amounts(one.total(year)) for year in one.years}
    marks = [
        Mark(str(year), numbers["value"], numbers["lower"], numbers["upper"])
        for year, numbers in totals.items()
    ]
    most = max(totals, key=lambda year: totals[year]["value"])
    slots = {"first": one.years[0], "last": one.years[-1], "most": most, "n": len(one.years)}
    svg = draw_ranking(
        "carbon-series",
        marks,
        alt=text("ecosystem.series.alt", **slots),
        label=text("quantity", symbol=text("ecosystem.stock.axis"), unit=unit.name),
    )
    download = make_download("carbon_stock_by_year", one.rows(one.stock, "stock", region=one.whole))
    title = text("ecosystem.series.title", **slots)
    return Figure("carbon-series", svg, title, text("ecosystem.series.caption"), download)


def _terms(page: PageContext, one: CarbonResult, unit: Unit) -> Figure | None:
    """Draw the terms of the uncertainty of the stock and of the change."""
    text, year = page.text, one.years[-1]
    stock = one.rows(one.stock, "stock", region=one.whole, year=year)
    change = one.rows(one.change, "stock_change", region=one.whole)
    groups = []
    for rows, heading in (
        (stock, text("ecosystem.terms.stock", year=year)),
        (change, text("ecosystem.terms.change", first=one.years[0], last=year)),
    ):
        names = term_names(rows)
        numbers = unit.amounts(numbers_of(rows))
        if names:
            terms = [(text(f"ecosystem.term.{name}"), numbers[f"uncertainty_{name}"]) for name in names]
            groups.append((heading, terms))
    if all(len(terms) < 2 for _, terms in groups):
        return None
    largest = max(groups[0][1], key=lambda term: term[1])[0]
    slots = {"term": largest, "unit": unit.name}
    svg = draw_terms(
        "carbon-terms",
        groups,
        alt=text("ecosystem.terms.alt", **slots),
        label=text("quantity", symbol=text("ecosystem.terms.axis"), unit=unit.name),
    )
    kept = [c for c in stock if c in ("region", "year", "variable", "units") or str(c).startswith("uncert")]
    download = make_download("carbon_uncertainty_terms", stock[kept])
    title = text("ecosystem.terms.title", **slots)
    return Figure("carbon-terms", svg, title, text("ecosystem.terms.caption"), download)


def _method(page: PageContext, one: CarbonResult) -> list[str]:
    """Say how it was done: scheme, pools, depth, edition, uncertainty, assumptions, what is not included."""
    text, facts = page.text, one.facts.get("stock", {})
    change = one.facts.get("change", {})
    pools = [text(f"ecosystem.pool.{name}") for name in str(facts.get("pools", "")).split(", ") if name]
    lines = [text("ecosystem.method.pools", pools=text.join(pools), scheme=facts.get("scheme", ""))]
    if facts.get("soil_depth"):
        lines.append(text("ecosystem.method.depth", depth=facts["soil_depth"]))
    if facts.get("from_rasters"):
        named = [text(f"ecosystem.pool.{name}") for name in str(facts["from_rasters"]).split(", ")]
        lines.append(text("ecosystem.method.rasters", pools=text.join(named)))
    if facts.get("edition"):
        lines.append(text("ecosystem.method.edition", edition=text(f"ecosystem.edition.{facts['edition']}")))
    how = "monte_carlo" if "monte_carlo" in str(facts.get("uncertainty_method", "")) else "propagation"
    lines.append(text(f"ecosystem.method.{how}"))
    terms = term_names(one.rows(one.stock, "stock", region=one.whole, year=one.years[-1]))
    if len(terms) == 1:
        lines.append(text("ecosystem.method.one_term", term=text(f"ecosystem.term.{terms[0]}")))
    if "adjusted" in str(facts.get("area", "")):
        lines.append(text("ecosystem.method.adjusted"))
    if densities_without(one):
        lines.append(text("ecosystem.method.not_included", n=densities_without(one)))
    if change:
        if "adjusted" in str(change.get("area", "")):
            lines.append(text("ecosystem.method.adjusted_change"))
        lines.append(text(f"ecosystem.method.{change.get('method', 'stock_difference')}"))
        years = {
            "soil": f"{float(change.get('soil_years', 20)):g}",
            "dead": f"{float(change.get('dead_years', 20)):g}",
        }
        lines.append(text("ecosystem.method.years", **years))
        lines.append(text("ecosystem.method.conversion." + _conversion(str(change.get("conversion", "")))))
    return lines


def _conversion(words: str) -> str:
    return "start" if "first" in words else "end" if "second" in words else "uniform"

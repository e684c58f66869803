"""Section 2, trust: satellites against each other, uncertainty by term, estimate against truth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from yaotan.report.bar import draw_terms
from yaotan.report.context import PageContext, Section
from yaotan.report.figure import Figure
from yaotan.report.forest import Mark, draw_differences
from yaotan.report.number import fixed, interval, measured, whole
from yaotan.report.palette import make_scale
from yaotan.report.result import WHOLE
from yaotan.report.scatter import draw_scatter
from yaotan.report.section.truth import make_truth_figures, make_truth_table
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

Floats = npt.NDArray[np.float64]
#: columns of the regional table that the figure of terms draws, the total last
TERMS = ("uncertainty_random", "uncertainty_sampling", "uncertainty_systematic", "uncertainty")


def make_trust(page: PageContext) -> Section | None:
    """Build the section on trust; None when there is nothing to compare and no uncertainty.

    ``comparison``, ``terms`` and ``truth`` parts.
    """
    text = page.text
    if not page.results.columns:
        return None
    parts = {
        "comparison": [*_comparison_figures(page), *_scatter_figures(page)],
        "comparison_table": _comparison_table(page),
        "comparison_none": "" if len(page.results.comparison) else text("comparison.none"),
        "terms": _term_figures(page),
        "truth": make_truth_figures(page),
        "truth_table": make_truth_table(page),
    }
    return Section("trust", text("trust.title"), text("trust.lead"), parts)


def _pair(page: PageContext, row: dict[str, object]) -> tuple[str, str]:
    titles = page.results.product_title
    return titles(str(row["product_a"])), titles(str(row["product_b"]))


def _comparison_figures(page: PageContext) -> list[Figure]:
    text, table = page.text, page.results.comparison
    figures = []
    for variable in page.variables:
        rows = table[table["variable"] == variable] if len(table) else table
        if rows.empty or not np.isfinite(rows["difference"].astype(float)).any():
            continue
        marks = []
        for row in rows_of(rows):
            first, second = _pair(page, row)
            label = text("comparison.pair", first=first, second=second)
            marks.append(
                Mark(
                    label,
                    row["difference"],
                    row["lower"],
                    row["upper"],
                    text(f"verdict_offset.{row['verdict']}"),
                    row["verdict"],
                )
            )
        found = int(rows["verdict"].isin(["higher", "lower"]).sum())
        slots = {"symbol": page.symbol(variable), "total": len(rows)}
        key = f"comparison-{variable}"
        svg = draw_differences(
            key,
            marks,
            alt=text("comparison.alt", n=found, **slots),
            label=text("comparison.axis", quantity=page.quantity(variable)),
        )
        download = make_download(f"comparison_{variable}", rows)
        title = text("comparison.title", n=found, **slots)
        figures.append(Figure(key, svg, title, text("comparison.caption"), download))
    return figures


def _common_pairs(page: PageContext, row: dict[str, object]) -> tuple[Floats, Floats] | None:
    """Values of two products in the same cells and months; None when their grids differ."""
    variable = str(row["variable"])
    found = [page.results.column(str(row[name]), variable) for name in ("product_a", "product_b")]
    if found[0] is None or found[1] is None:
        return None
    first, second = (column.grid for column in found if column is not None)
    for dim in ("lat", "lon", "y", "x"):
        if dim in first.dims and not (dim in second.dims and np.array_equal(first[dim], second[dim])):
            return None
    if "time" not in first.dims or "time" not in second.dims:
        return None
    times = np.intersect1d(first["time"].values, second["time"].values)
    a, b = (np.asarray(grid[variable].sel(time=times).values, float).ravel() for grid in (first, second))
    both = np.isfinite(a) & np.isfinite(b)
    return (a[both], b[both]) if both.sum() >= 3 else None


def _scatter_figures(page: PageContext) -> list[Figure]:
    text, figures = page.text, []
    for number, row in enumerate(rows_of(page.results.comparison)):
        pairs = _common_pairs(page, row)
        if pairs is None:
            continue
        first, second = _pair(page, row)
        variable = str(row["variable"])
        low, high = float(np.min(pairs)), float(np.max(pairs))
        edges = np.linspace(low, high + 1e-9 * max(abs(high), 1.0), 37)
        density = np.histogram2d(pairs[1], pairs[0], bins=[edges, edges])[0]
        scale = make_scale([density[density > 0]], kind="count", steps=6)
        slots = {"symbol": page.symbol(variable), "first": first, "second": second, "n": pairs[0].size}
        slots |= {"shown": whole(pairs[0].size), "correlation": fixed(row["correlation"], 2)}
        slots |= {"rmsd": measured(row["rmsd"], row["rmsd"])[0], "unit": page.units(variable)}
        key = f"scatter-{number}"
        axis = "scatter.axis"
        svg = draw_scatter(
            key,
            pairs[1],
            pairs[0],
            None,
            alt=text("scatter.alt", **slots),
            x_label=text(axis, product=second, quantity=page.quantity(variable)),
            y_label=text(axis, product=first, quantity=page.quantity(variable)),
            scale=scale,
            density=density,
            edges=edges,
            density_label=text("scatter.density"),
        )
        table = pd.DataFrame({str(row["product_a"]): pairs[0], str(row["product_b"]): pairs[1]})
        download = make_download(f"pairs_{number + 1}", table) if len(table) <= 20_000 else None
        figures.append(
            Figure(key, svg, text("scatter.title", **slots), text("scatter.caption", **slots), download)
        )
    return figures


def _comparison_table(page: PageContext) -> Table | None:
    text, table = page.text, page.results.comparison
    if table.empty:
        return None
    rows = []
    for row in rows_of(table):
        value, low, high = interval(row["difference"], row["lower"], row["upper"])
        known = np.isfinite(row["lower"])
        rows.append(
            (
                Cell(
                    text("comparison.pair", first=_pair(page, row)[0], second=_pair(page, row)[1]), "source"
                ),
                Cell(page.quantity(row["variable"])),
                number_cell(value if known else "–", row["difference"]),
                number_cell(text("interval", lower=low, upper=high) if known else "–"),
                Cell(text(f"verdict_offset.{row['verdict']}"), f"verdict {row['verdict']}"),
                number_cell(measured(row["rmsd"], row["rmsd"])[0], row["rmsd"]),
                number_cell(fixed(row["correlation"], 2), row["correlation"]),
                number_cell(whole(row["cells"]), row["cells"]),
                number_cell(whole(row["months"]), row["months"]),
            )
        )
    names = (
        "pair",
        "quantity",
        "difference",
        "interval",
        "verdict",
        "rmsd",
        "correlation",
        "cells",
        "months",
    )
    heads = make_heads(text, "comparison", names, left=("quantity", "verdict"))
    return Table(
        "table-comparison",
        text("comparison.table"),
        heads,
        rows,
        text("comparison.note"),
        make_download("comparison", table),
    )


def _term_figures(page: PageContext) -> list[Figure]:
    text, figures = page.text, []
    for variable in page.variables:
        groups, records = [], []
        for column in page.columns_of(variable):
            table = column.table
            own = table[table["region_id"].astype(str) != WHOLE] if len(table) else table
            terms = []
            for name in TERMS:
                value = float(own[name].astype(float).median()) if name in own and len(own) else np.nan
                terms.append((text(f"term.{name}"), value))
                records.append((column.product, variable, name, value))
            if any(np.isfinite(value) for _, value in terms):
                groups.append((column.title, terms))
        if not groups:
            continue
        table = pd.DataFrame(records, columns=["product", "variable", "term", "median_one_sigma"])
        first, terms = groups[0]
        known = {name: value for name, (_, value) in zip(TERMS[:-1], terms, strict=False)}
        # a table of another origin may have no sampling term
        stated = all(np.isfinite(known[f"uncertainty_{name}"]) for name in ("random", "systematic"))
        largest = max(known, key=lambda name: np.nan_to_num(known[name]))
        which = largest.removeprefix("uncertainty_") if stated else "unknown"
        key, symbol = f"terms-{variable}", page.symbol(variable)
        label = text("term.axis", quantity=page.quantity(variable))
        svg = draw_terms(key, groups, alt=text("term.alt", symbol=symbol), label=label)
        title = text(f"term.title_{which}", symbol=symbol, product=first)
        figures.append(
            Figure(key, svg, title, text("term.caption"), make_download(f"terms_{variable}", table))
        )
    return figures

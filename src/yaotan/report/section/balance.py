"""Cities, regions and nation that add up: who moved, and whether the levels contradict each other."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from yaotan.report.context import PageContext
from yaotan.report.number import decimals_for, fixed, unit_text, whole
from yaotan.report.provincial import EmissionResult
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

#: how the identifier of a remainder begins
REST: Final = "rest of "
#: nodes that the page shows; the file has all
MOST_NODES: Final = 24
#: sigma from which a movement is a question to whoever states the figure
FAR: Final = 3.0
#: probability below which levels contradict each other; as near to 1 they agree too well to be independent
UNLIKELY: Final = 0.01


def balance_year(one: EmissionResult) -> int | None:
    """Give the year that the page shows of reconciled levels: its own, or else the last of them."""
    if one.balanced is None or one.balanced.empty:
        return None
    years = set(one.balanced["period"].astype(int))
    return one.year if one.year in years else max(years)


def balance_lines(page: PageContext, one: EmissionResult) -> list[str]:
    """Say how well sums agree, whether the levels contradict each other, and who moved how far."""
    year = balance_year(one)
    if year is None or one.balanced is None or one.nodes is None:
        return []
    text, row = page.text, rows_of(one.balanced[one.balanced["period"] == year])[0]
    nodes, told = one.nodes[one.nodes["period"] == year], one.facts.get("reconcile", {})
    slots = {"year": year, "gap": f"{max(float(one.balanced['gap'].max()), 1e-16):.0e}"}
    years = len(one.balanced)
    said = [text("provincial.balance.sums", n=years, shown=whole(years), **slots)]
    if row["degrees"] > 0:
        probability = float(row["probability"])
        key = (
            "contradict" if probability < UNLIKELY else "shared" if probability > 1.0 - UNLIKELY else "agree"
        )
        said.append(text(
            f"provincial.balance.{key}", year=year, chi=fixed(row["chi_square"], 1),
            degrees=whole(row["degrees"]), probability=_probability(probability),
        ))  # fmt: skip
    far = int((nodes["moved"].abs() > FAR).sum())
    if far:
        said.append(text("provincial.balance.far", n=far, shown=whole(far), limit=fixed(FAR, 0)))
    held = int(nodes["at_zero"].astype(bool).sum())
    if held:
        said.append(text("provincial.balance.zero", n=held, shown=whole(held)))
    if told.get("cities"):
        cities = told["cities"]
        said.append(text("provincial.balance.cities", wmape=text.percent(cities["wmape"]),
                         cities=whole(cities["regions"])))  # fmt: skip
    for key in ("open", "alone"):
        count = int(told.get(key, 0))
        if count:
            said.append(text(f"provincial.balance.{key}", n=count, shown=whole(count)))
    return said


def _probability(value: float) -> str:
    return "< 0.001" if value < 0.001 else "> 0.999" if value > 0.999 else fixed(value, 3)


def balance_table(page: PageContext, one: EmissionResult) -> Table | None:
    """Make the table of nodes of the year: the top, remainders, then those that moved most."""
    year = balance_year(one)
    if year is None or one.nodes is None:
        return None
    text = page.text
    nodes = one.nodes[one.nodes["period"] == year]
    names = node_names(page, nodes)
    far = nodes["moved"].abs().fillna(-1.0).round(9).to_numpy()  # equal ones stay in the order of the nodes
    inferred = nodes["origin"].to_numpy() == "remainder"
    order = np.lexsort((-far, ~inferred, nodes["level"].to_numpy() > 0))
    shown = nodes.iloc[order].head(MOST_NODES)
    rows = [_row(page, row, names) for row in rows_of(shown)]
    unit = unit_text(str(one.facts["unit"]))
    heads = ("region", "part_of", "before", "after", "change", "moved")
    return Table(
        "table-balance",
        text("provincial.balance.title", year=year, n=len(rows), total=whole(len(nodes))),
        make_heads(text, "provincial", heads, left=("part_of",),
                   units=dict.fromkeys(("before", "after", "change"), unit)),
        rows,
        text("provincial.balance.note"),
        make_download("emission_reconciled", pd.DataFrame(one.nodes)),
    )  # fmt: skip


def node_names(page: PageContext, nodes: pd.DataFrame) -> dict[str, str]:
    """Name nodes in the page's language; a remainder is called after its whole."""
    names: dict[str, str] = {}
    for row in rows_of(nodes.sort_values("level", kind="stable")):
        own = {"name": row["region_name"], "name_zh": row["region_name_zh"], "region_id": row["region"]}
        region, whole_name = str(row["region"]), names.get(str(row["parent"]))
        rest = region.startswith(REST) and whole_name is not None
        names[region] = (
            page.text("provincial.balance.rest", region=whole_name) if rest else page.text.name(own)
        )
    return names


def _row(page: PageContext, row: dict[str, Any], names: dict[str, str]) -> list[Cell]:
    text = page.text
    digits = decimals_for(float(row["uncertainty"]))
    before = text("provincial.balance.missing")
    if np.isfinite(row["before"]):
        sigma = float(row["before_uncertainty"])
        given = decimals_for(sigma)
        before = f"{fixed(row['before'], given)} ± {fixed(sigma, given)}"
    return [
        Cell(names[str(row["region"])]),
        Cell(names.get(str(row["parent"]), "–"), "word"),
        number_cell(before, row["before"]),
        number_cell(
            f"{fixed(row['estimate'], digits)} ± {fixed(row['uncertainty'], digits)}", row["estimate"]
        ),
        number_cell(fixed(row["change"], digits, sign=True), row["change"]),
        number_cell(fixed(row["moved"], 2, sign=True), row["moved"]),
    ]

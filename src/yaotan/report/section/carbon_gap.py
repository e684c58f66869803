"""Published totals beside ours, and patches of change for checks in the field."""

from __future__ import annotations

from typing import Any

import numpy as np

from yaotan.report.bar import Rung, draw_waterfall
from yaotan.report.context import PageContext
from yaotan.report.ecosystem import CarbonResult, PublishedTotal
from yaotan.report.figure import Figure
from yaotan.report.number import decimals_for, fixed, whole
from yaotan.report.section.amount import AREA, Words, amount_text, area_text, mass_unit, square_kilometres
from yaotan.report.shape import part_key
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

#: patches in the table of the page; the file has all
MOST_PATCHES = 12


def make_gaps(page: PageContext, one: CarbonResult) -> list[dict[str, Any]]:
    """Build a group for every published total: the gap, and what makes it."""
    return [_gap(page, published, number) for number, published in enumerate(one.published)]


def _gap(page: PageContext, published: PublishedTotal, number: int) -> dict[str, Any]:
    text, steps = page.text, published.steps
    unit = mass_unit([*steps["end"], *steps["start"]])
    totals = steps[steps["step"].isin(["ours", "theirs"])]["end"].to_numpy(float) * unit.factor
    gap = float(totals[-1] - totals[0])
    sigma = published.facts.get("gap_uncertainty")
    digits = decimals_for(max(abs(gap) / 5, 1e-9), 2)
    slots: dict[str, Any] = {
        "title": published.title,
        "unit": unit.name,
        "ours": fixed(totals[0], digits),
        "theirs": fixed(totals[-1], digits),
        "gap": fixed(abs(gap), digits),
        "year": published.facts.get("year", ""),
    }
    told = [text("ecosystem.gap.more" if gap >= 0 else "ecosystem.gap.less", **slots)]
    if sigma is not None and np.isfinite(float(sigma)):
        spread = float(sigma) * unit.factor
        kind = "inside" if abs(gap) < 2 * spread else "outside"
        told.append(text(f"ecosystem.gap.{kind}", sigma=fixed(spread, digits)))
    silent = [one for one in str(published.facts.get("not_separated", "")).split(", ") if one]
    if silent:
        named = text.join([text(f"ecosystem.factor.{name}") for name in silent])
        told.append(text("ecosystem.gap.silent", factors=named))
    key = part_key("carbon-gap", str(number))
    return {
        "title": text("ecosystem.gap.group", title=published.title),
        "key": f"group-{key}",
        "kind": "",
        "say": [text("space").join(told)],
        "figures": [_waterfall(page, published, key, unit.factor, digits, slots)],
        "tables": [],
    }


def _waterfall(
    page: PageContext, published: PublishedTotal, key: str, factor: float, digits: int, slots: dict[str, Any]
) -> Figure:
    text, rungs = page.text, []
    for row in rows_of(published.steps):
        total = row["step"] in ("ours", "theirs")
        label = published.title if row["step"] == "theirs" else text(f"ecosystem.factor.{row['step']}")
        value = factor * float(row["end"] if total else row["change"])
        ends = (factor * float(row["start"]), factor * float(row["end"]))
        rungs.append(Rung(label, *ends, total, fixed(value, digits, sign=not total)))
    steps = published.steps[~published.steps["step"].isin(["ours", "theirs"])]
    most = str(steps["step"].to_list()[int(np.argmax(np.abs(steps["change"].to_numpy(float))))])
    slots = {**slots, "factor": text(f"ecosystem.factor.{most}")}
    svg = draw_waterfall(
        key,
        rungs,
        alt=text("ecosystem.gap.alt", **slots),
        label=text("quantity", symbol=text("ecosystem.stock.axis"), unit=slots["unit"]),
    )
    download = make_download(f"{key}_steps", published.steps)
    return Figure(key, svg, text("ecosystem.gap.figure", **slots), text("ecosystem.gap.caption"), download)


def make_patches(page: PageContext, one: CarbonResult, words: Words) -> dict[str, Any] | None:
    """Build the group on patches for checks in the field; None when nobody asked for them."""
    text, facts = page.text, one.facts.get("patches", {})
    if one.patches is None or one.patches.empty:
        return None
    weighted = "carbon_change" in one.patches and one.patches["carbon_change"].notna().any()
    unit = mass_unit(one.patches["carbon_change"] if weighted else [])
    rows = []
    for row in rows_of(one.patches.head(MOST_PATCHES)):
        size = float(square_kilometres(row["area"]))
        slots = {"a": words.name(row["before"]), "b": words.name(row["after"])}
        cells = [Cell(whole(row["patch_id"])), Cell(text("ecosystem.transition", **slots), "word")]
        cells.append(number_cell(area_text(size), size))
        if weighted:
            value = {"value": unit.factor * float(row["carbon_change"]), "lower": np.nan, "upper": np.nan}
            cells.append(number_cell(amount_text(page, value, sign=True)[0], value["value"]))
        cells += [number_cell(fixed(float(row[name]), 4), row[name]) for name in ("longitude", "latitude")]
        rows.append(cells)
    names = ["patch", "transition", "area", *(["change"] if weighted else []), "longitude", "latitude"]
    found, kept = int(facts.get("found", len(one.patches))), len(one.patches)
    slots = {"shown": whole(found), "kept": whole(kept), "n": str(found)}
    slots |= {"area": area_text(float(square_kilometres(facts.get("found_area", one.patches["area"].sum()))))}
    table = Table(
        "table-carbon-patches",
        text("ecosystem.patch.table", n=len(rows)),
        make_heads(text, "ecosystem", names, left=("transition",), units={"area": AREA, "change": unit.name}),
        rows,
        text("ecosystem.patch.note"),
        make_download("carbon_patches", one.patches),
    )
    kind = "carbon" if weighted else "area"
    said = text("ecosystem.patch.say", **slots) + text("space") + text(f"ecosystem.patch.ranked_{kind}")
    return {
        "title": text("ecosystem.patch.group"),
        "key": "group-carbon-patches",
        "kind": "",
        "say": [said],
        "figures": [],
        "tables": [table],
    }

"""Emissions of provinces: map, table with intervals, where to look first, how it was scored."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from yaotan.report.context import PageContext, Section
from yaotan.report.figure import Figure
from yaotan.report.forest import Mark, draw_ranking
from yaotan.report.number import decimals_for, fixed, unit_text, whole
from yaotan.report.provincial import EmissionResult
from yaotan.report.section.balance import balance_lines, balance_table
from yaotan.report.section.provincial_map import emission_map
from yaotan.report.section.provincial_score import score_lines
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

#: rows of the ranking of second opinions; the file has all
MOST_OPINIONS: Final = 12
#: regions in the chart; rows of a table that is shown whole
MOST_MARKS, MOST_ROWS = 34, 24
#: columns of the estimates that the file has
_GIVEN: Final = (
    *("region", "region_name", "region_name_zh", "period", "estimate", "lower", "upper", "factor"),
    *("held_out", "reported", "dissimilarity", "inside", "beyond"),
)


def make_provincial(page: PageContext) -> Section | None:
    """Build the section on emissions of regions; None when the study did not ask for them."""
    one, text = page.results.emission, page.text
    if one is None:
        return None
    figures = [figure for figure in (emission_map(page, one), _chart(page, one)) if figure is not None]
    parts = {
        "figures": figures,
        "table": estimate_table(page, one),
        "opinion": _opinion(page, one),
        "opinion_say": _opinion_words(page, one),
        "balance": balance_table(page, one),
        "balance_say": balance_lines(page, one),
        "scored": score_lines(page, one),
    }
    lead = text(f"provincial.lead.{one.facts['question']}", year=one.year)
    return Section("provincial", text("provincial.title"), lead, parts)


def emission_cards(page: PageContext) -> list[tuple[str, str, str, str, str, str, str]]:
    """Give the card of the first screen: title, value, unit, interval, note, word, tone."""
    one, text = page.results.emission, page.text
    if one is None:
        return []
    own = one.errors()["model"]
    row, level = one.at_level(), text.level(float(one.facts["level"]))
    value = text.percent(own).removesuffix(text("percent"))
    factor = fixed(row["factor"], 2) if row else "–"
    holds = bool(row) and row["exact_lower"] <= row["level"] <= row["exact_upper"]
    return [(
        text(f"provincial.card.{one.facts['question']}"), value, "%",
        text("provincial.card.factor", level=level, factor=factor), text("provincial.card.note"),
        text(f"provincial.card.{'held' if holds else 'open'}"), "good" if holds else "open",
    )]  # fmt: skip


def emission_front(page: PageContext, one: EmissionResult) -> dict[str, Any]:
    """Give the first screen of a study without soundings: map and sentence of the emissions."""
    text, facts = page.text, one.facts
    counts = {"n": facts["regions"], "shown": whole(facts["regions"]), "reporting": whole(facts["reporting"])}
    data = text("provincial.front.data", **counts, first=facts["years"][0], last=facts["years"][1])
    parts: dict[str, Any] = {"kicker": text("provincial.front.kicker"), "data_line": data}
    figure = emission_map(page, one, "map-main")
    if figure is not None:
        parts["figure"] = figure
    parts["sentence"] = score_lines(page, one)[1]
    return parts


def region_name(page: PageContext, row: dict[str, Any]) -> str:
    """Name of a region in the page's language."""
    own = {"name": row.get("region_name"), "name_zh": row.get("region_name_zh"), "region_id": row["region"]}
    return page.text.name(own)


def amounts(values: tuple[float, ...]) -> list[str]:
    """Write a value and its bounds, with digits that follow the half width of the interval."""
    finite = [value for value in values[1:] if np.isfinite(value)]
    half = (max(finite) - min(finite)) / 2 if len(finite) > 1 else np.nan
    digits = decimals_for(half) if np.isfinite(half) and half > 0 else 1
    return [fixed(value, digits) if np.isfinite(value) else "–" for value in values]


def _unit(one: EmissionResult) -> str:
    return unit_text(str(one.facts["unit"]))


def _chart(page: PageContext, one: EmissionResult) -> Figure | None:
    rows = [row for row in rows_of(one.of_year()) if np.isfinite(row["estimate"])][:MOST_MARKS]
    if not rows:
        return None
    text, level = page.text, page.text.level(float(one.facts["level"]))
    marks = [Mark(region_name(page, row), row["estimate"], row["lower"], row["upper"]) for row in rows]
    slots = {"year": one.year, "first": marks[0].label, "level": level, "unit": _unit(one), "n": len(rows)}
    slots["value"] = amounts((rows[0]["estimate"], rows[0]["lower"], rows[0]["upper"]))[0]
    svg = draw_ranking(
        "provincial-chart", marks, zero=True,
        alt=text("provincial.chart.alt", **slots),
        label=text("quantity", symbol=text("provincial.axis"), unit=_unit(one)),
    )  # fmt: skip
    download = make_download("emission_estimates", one.estimates[list(_GIVEN)])
    return Figure("provincial-chart", svg, text("provincial.chart.title", **slots),
                  text("provincial.chart.caption", **slots), download)  # fmt: skip


def estimate_table(page: PageContext, one: EmissionResult) -> Table:
    """Make the table of the year that the page shows, the largest region first."""
    text, rows = page.text, []
    for row in rows_of(one.of_year()):
        value, low, high = amounts((row["estimate"], row["lower"], row["upper"]))
        reported = float(row["reported"])
        outside = row["inside"] is False or row["inside"] == np.False_ or int(row["beyond"]) > 0
        word = (
            "unknown"
            if row["inside"] is None or pd.isna(row["inside"])
            else "outside"
            if outside
            else "inside"
        )
        rows.append([
            Cell(region_name(page, row)),
            number_cell(value, row["estimate"]),
            number_cell(text("interval", lower=low, upper=high)),
            number_cell(f"×÷ {fixed(float(row['factor']), 2)}", row["factor"]),
            number_cell(amounts((reported, row["lower"], row["upper"]))[0], reported),
            Cell(text(f"provincial.domain.{word}"), "word"),
        ])  # fmt: skip
    names = ("region", "estimate", "interval", "factor", "reported", "domain")
    units = {"estimate": _unit(one), "reported": _unit(one)}
    slots = {"year": one.year, "level": text.level(float(one.facts["level"]))}
    note = text(f"provincial.table.note.{one.facts['statistic']}", **slots)
    if one.of_year().get("largest", pd.Series(dtype=bool)).astype(bool).any():
        note += text("space") + text("provincial.table.largest", **slots)
    bare = int(one.of_year()["estimate"].isna().sum())
    if bare:
        said = text(f"provincial.table.bare.{one.facts['question']}", n=bare, shown=whole(bare))
        note += text("space") + said
    return Table(
        "table-provincial",
        text("provincial.table.title", **slots),
        make_heads(text, "provincial", names, left=("domain",), units=units),
        rows,
        note,
        make_download("emission_year", one.of_year()[list(_GIVEN)]),
        "long" if len(rows) > MOST_ROWS else "",
    )


def _names(page: PageContext, one: EmissionResult) -> dict[str, str]:
    rows = rows_of(one.estimates.drop_duplicates("region"))
    return {str(row["region"]): region_name(page, row) for row in rows}


def _opinion(page: PageContext, one: EmissionResult) -> Table | None:
    if one.opinion.empty:
        return None
    text, names, rows = page.text, _names(page, one), []
    for row in rows_of(one.opinion[one.opinion["z"].notna()].head(MOST_OPINIONS)):
        value, low, high = amounts((row["expected"], row["lower"], row["upper"]))
        rows.append([
            Cell(names.get(str(row["region"]), str(row["region"]))),
            number_cell(str(int(row["period"])), row["period"]),
            number_cell(amounts((row["reported"], row["lower"], row["upper"]))[0], row["reported"]),
            number_cell(value, row["expected"]),
            number_cell(text("interval", lower=low, upper=high)),
            number_cell(fixed(row["ratio"], 2), row["ratio"]),
            number_cell(fixed(row["z"], 1, sign=True), row["z"]),
            Cell(text(f"provincial.opinion.{'flagged' if row['flagged'] else 'fine'}"), "word"),
            number_cell(f"×÷ {fixed(row['findable'], 2)}", row["findable"]),
        ])  # fmt: skip
    heads = ("region", "year", "reported", "expected", "interval", "ratio", "z", "verdict", "findable")
    units = {"reported": _unit(one), "expected": _unit(one)}
    level = text.level(float(one.facts["opinion"].get("level", 0.95)))
    return Table(
        "table-opinion",
        text("provincial.opinion.title", n=len(rows)),
        make_heads(text, "provincial", heads, left=("verdict",), units=units),
        rows,
        text("provincial.opinion.note", level=level),
        make_download("second_opinion", one.opinion),
    )


def _opinion_words(page: PageContext, one: EmissionResult) -> list[str]:
    if one.opinion.empty:
        return [page.text("provincial.opinion.none")]
    text, facts = page.text, one.facts["opinion"]
    flagged, judged = int(facts["flagged"]), int(facts["judged"])
    chance = fixed(float(facts["expected_by_chance"]), 0)
    said = [
        text("provincial.opinion.say", n=flagged, shown=whole(flagged), judged=whole(judged), chance=chance)
    ]
    for row in rows_of(one.truth) if one.truth is not None else []:
        if not row["falsified"]:
            continue
        same = (one.opinion["region"] == row["region"]) & (one.opinion["period"] == row["period"])
        name = _names(page, one).get(str(row["region"]), str(row["region"]))
        ranks = one.opinion.loc[same, "rank"].tolist()
        key = "planted" if ranks else "planted_lost"
        slots = {"region": name, "year": int(row["period"]), "rank": ranks[0] if ranks else 0}
        said.append(text(f"provincial.opinion.{key}", **slots))
    return said

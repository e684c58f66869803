"""What became of the land, and what each transition did to its carbon."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from yaotan.report.bar import DOWN, UP, draw_bars
from yaotan.report.context import PageContext
from yaotan.report.ecosystem import CarbonResult
from yaotan.report.figure import Figure, fit_text
from yaotan.report.flow import draw_flow
from yaotan.report.section.amount import (
    AREA,
    Unit,
    Words,
    amount_text,
    area_text,
    bar_of,
    direction,
    mass_unit,
    ordered_regions,
    square_kilometres,
)
from yaotan.report.section.carbon_map import change_map_figure
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

#: transitions that are drawn as bars, and classes of the diagram; with more there is the matrix alone
MOST_BARS = 10
MOST_CLASSES = 12
#: flows thinner than this share of the changed land are not drawn
THIN = 0.002
#: width of the name of a class in that of a transition [px]
ROOM = 78.0


def make_change(page: PageContext, one: CarbonResult, words: Words) -> dict[str, Any] | None:
    """Build the group on change between the first and the last date; None where there is one date."""
    if one.change is None:
        return None
    text, unit = page.text, change_unit(one)
    figures = [change_map_figure(page, one), _flow(page, one, words), _attribution(page, one, words, unit)]
    return {
        "title": text("ecosystem.change.group", first=one.years[0], last=one.years[-1]),
        "key": "group-carbon-change",
        "kind": " tall" if all(figure is not None for figure in figures) else "",
        "say": [change_sentence(page, one), _alone_sentence(page, one)],
        "figures": [figure for figure in figures if figure is not None],
        "tables": [_matrix(page, one, words), _region_table(page, one, words, unit)],
    }


def change_unit(one: CarbonResult) -> Unit:
    """Give the unit of all changes of a result."""
    values = one.rows(one.change, "transition_change", region=one.whole)["value"]
    return mass_unit([one.changed()["value"], *values])


def change_sentence(page: PageContext, one: CarbonResult) -> str:
    """Say whether the land gained or lost, by how much, and what is still to come."""
    text, unit = page.text, change_unit(one)
    numbers = unit.amounts(one.changed())
    value, _ = amount_text(page, {**numbers, "value": abs(numbers["value"])})
    signed, interval = amount_text(page, numbers, sign=True)
    level = text.level(float(one.facts.get("change", {}).get("level", 0.95)))
    slots = {"value": value, "signed": signed, "interval": interval, "unit": unit.name, "level": level}
    slots |= {"first": str(one.years[0]), "last": str(one.years[-1])}
    told = text(f"ecosystem.change.say.{direction(numbers)}", **slots)
    committed = unit.factor * one.changed("soil_committed")["value"]
    if np.isfinite(committed) and abs(committed) > 0.005 * abs(numbers["value"]):
        more = amount_text(page, {"value": committed, "lower": np.nan, "upper": np.nan}, sign=True)[0]
        told += text("space") + text("ecosystem.change.committed", value=more, unit=unit.name)
    return told


def _alone_sentence(page: PageContext, one: CarbonResult) -> str:
    """Say how much land is valid at one date only, which no change is told of."""
    text = page.text
    sums = [
        float(square_kilometres(one.rows(one.change, f"area_{end}_only", region=one.whole)["value"].sum()))
        for end in ("before", "after")
    ]
    both = float(square_kilometres(one.rows(one.change, "transition_area", region=one.whole)["value"].sum()))
    slots = {"both": area_text(both), "unit": AREA, "first": one.years[0], "last": one.years[-1]}
    if not sum(sums) > 0:
        return text("ecosystem.change.all_valid", **slots)
    return text("ecosystem.change.alone", before=area_text(sums[0]), after=area_text(sums[1]), **slots)


def _pairs(one: CarbonResult) -> pd.DataFrame:
    """Area [km2] and change of carbon [kg] of every pair of classes that has land."""
    keys = ["before", "after"]
    areas = one.rows(one.change, "transition_area", region=one.whole)
    areas = areas[areas["value"] > 0]
    if areas.empty:
        return pd.DataFrame(columns=[*keys, "area", "value", "lower", "upper"])
    names = [name for name in ("value", "uncertainty", "lower", "upper") if name in one.change]  # type: ignore[operator]
    carbon = one.rows(one.change, "transition_change", region=one.whole)[[*keys, *names]]
    table = areas[keys].assign(area=square_kilometres(areas["value"]))
    return table.merge(carbon, on=keys, how="left").astype({"before": int, "after": int})


def _moved(one: CarbonResult) -> tuple[pd.DataFrame, float]:
    """Pairs that changed, largest area first, and their share of all land."""
    pairs = _pairs(one)
    moved = pairs[pairs["before"] != pairs["after"]].sort_values("area", ascending=False, kind="stable")
    total = float(pairs["area"].sum())
    return moved, float(moved["area"].sum()) / total if total else 0.0


def changed_area(one: CarbonResult) -> float:
    """Area [km2] of land that changed its class."""
    return float(_moved(one)[0]["area"].sum())


def _flow(page: PageContext, one: CarbonResult, words: Words) -> Figure | None:
    text = page.text
    moved, share = _moved(one)
    classes = set(moved["before"]) | set(moved["after"])
    if moved.empty or len(classes) > MOST_CLASSES:
        return None
    total = float(moved["area"].sum())
    thick = moved[moved["area"] >= THIN * total]
    flows = [(int(r["before"]), int(r["after"]), float(r["area"])) for r in rows_of(thick)]
    first = rows_of(moved)[0]
    slots = {"share": text.percent(share), "a": words.name(first["before"]), "b": words.name(first["after"])}
    slots |= {"area": area_text(total), "unit": AREA, "part": text.percent(float(first["area"]) / total)}
    slots |= {"first": str(one.years[0]), "last": str(one.years[-1])}
    svg = draw_flow(
        "carbon-flow",
        flows,
        {code: words.classes.get(code, (str(code), "#9aa5b1")) for code in sorted(classes)},
        heads=(str(one.years[0]), str(one.years[-1])),
        alt=text("ecosystem.flow.alt", **slots),
    )
    download = make_download("land_transitions", _named(moved, words))
    title = text("ecosystem.flow.title", **slots)
    return Figure("carbon-flow", svg, title, text("ecosystem.flow.caption", **slots), download)


def _named(pairs: pd.DataFrame, words: Words) -> pd.DataFrame:
    made = pairs.rename(columns={"area": "area_km2", "value": "change_kg"})
    for dim in ("before", "after"):
        made[f"{dim}_name"] = [words.name(code) for code in pairs[dim]]
    return made


def _transition(page: PageContext, words: Words, row: dict[str, Any], room: float) -> str:
    """Name a transition; each of its classes is shortened to `room` [px], so that both can be told."""
    same = row["before"] == row["after"]
    slots = {
        dim: fit_text(words.name(row[name]), room, 12) for dim, name in (("a", "before"), ("b", "after"))
    }
    return page.text("ecosystem.transition_same" if same else "ecosystem.transition", **slots)


def _attribution(page: PageContext, one: CarbonResult, words: Words, unit: Unit) -> Figure | None:
    text = page.text
    pairs = _pairs(one)
    pairs = pairs[pairs["value"].fillna(0.0) != 0.0]
    if pairs.empty:
        return None
    ranked = pairs.loc[pairs["value"].abs().sort_values(ascending=False, kind="stable").index]
    bars = []
    for row in rows_of(ranked.head(MOST_BARS)):
        label = _transition(page, words, row, ROOM)
        bars.append(bar_of(label, row, unit, UP if row["value"] > 0 else DOWN))
    top = rows_of(ranked)[0]
    amount = unit.amounts({name: float(top.get(name, np.nan)) for name in ("value", "lower", "upper")})
    slots = {
        "transition": _transition(page, words, top, np.inf),
        "value": amount_text(page, amount, sign=True)[0],
        "unit": unit.name,
    }
    kind = "gain" if top["value"] > 0 else "loss"
    svg = draw_bars(
        "carbon-attribution",
        bars,
        alt=text("ecosystem.attribution.alt", n=len(bars), total=len(ranked), **slots),
        label=text("quantity", symbol=text("ecosystem.change.axis"), unit=unit.name),
    )
    download = make_download("carbon_by_transition", _named(ranked, words))
    title = text(f"ecosystem.attribution.title_{kind}", **slots)
    caption = text("ecosystem.attribution.caption", n=len(bars), total=len(ranked))
    return Figure("carbon-attribution", svg, title, caption, download)


def _matrix(page: PageContext, one: CarbonResult, words: Words) -> Table | None:
    text, pairs = page.text, _pairs(one)
    if pairs.empty:
        return None
    square = pairs.pivot(index="before", columns="after", values="area").fillna(0.0)
    codes = sorted(
        {*square.index, *square.columns},
        key=lambda code: -float(pairs.loc[pairs["before"] == code, "area"].sum()),
    )
    square = square.reindex(index=codes, columns=codes, fill_value=0.0)
    square = square[square.columns[square.sum() > 0]].loc[square.sum(axis=1) > 0]
    heads = [Cell(text("ecosystem.matrix.head", first=one.years[0], last=one.years[-1]))]
    heads += [Cell(words.name(code), "number") for code in square.columns]
    heads.append(Cell(text("ecosystem.matrix.total"), "number"))
    rows = []
    for code, row in square.iterrows():
        numbers = [*row.to_list(), float(row.sum())]
        cells = [number_cell(area_text(value) if value else "–", value) for value in numbers]
        rows.append([Cell(words.name(code)), *cells])
    sums = [*square.sum().to_list(), float(square.to_numpy().sum())]
    rows.append(
        [Cell(text("ecosystem.matrix.total")), *(number_cell(area_text(value), value) for value in sums)]
    )
    title = text("ecosystem.matrix.title", first=one.years[0], last=one.years[-1], unit=AREA)
    download = make_download("land_transition_matrix", _named(pairs, words))
    return Table("table-land-matrix", title, heads, rows, text("ecosystem.matrix.note"), download)


def _region_table(page: PageContext, one: CarbonResult, words: Words, unit: Unit) -> Table | None:
    text = page.text
    found = one.rows(one.change, "stock_change")
    if len(found) < 2:
        return None
    rows = []
    for row in rows_of(ordered_regions(found, one.whole)):
        numbers = unit.amounts({name: float(row.get(name, np.nan)) for name in ("value", "lower", "upper")})
        value, bounds = amount_text(page, numbers, sign=True)
        kind = direction(numbers)
        tone = {"gain": "higher", "loss": "lower", "unsure": "not_detectable"}.get(kind, "no_data")
        word = Cell(text(f"ecosystem.verdict.{kind}"), f"verdict {tone}")
        rows.append(
            [Cell(words.region(row)), number_cell(value, numbers["value"]), number_cell(bounds), word]
        )
    names = ("region", "change", "interval", "verdict")
    return Table(
        "table-carbon-change",
        text("ecosystem.change.table", first=one.years[0], last=one.years[-1]),
        make_heads(text, "ecosystem", names, left=("verdict",), units={"change": unit.name}),
        rows,
        text("ecosystem.change.note"),
        make_download("carbon_change", pd.concat([found, one.rows(one.change, "pool_change")])),
        "long" if len(rows) > 24 else "",
    )

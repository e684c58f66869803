"""Months that stand out from the same months of other years, by region."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from yaotan.report.analysis import AnomalyResult
from yaotan.report.context import PageContext, Section
from yaotan.report.figure import Figure
from yaotan.report.heat import draw_heat
from yaotan.report.legend import Entry
from yaotan.report.number import decimals_for, fixed, probability, unit_text, whole
from yaotan.report.palette import make_scale
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

Floats = npt.NDArray[np.float64]
#: columns of the chart; rows of the table, which goes on to usual months when few stand out
MOST_MONTHS: Final = 60
MOST_ROWS: Final = 20
FEWEST_ROWS: Final = 6
#: signs of the verdicts that stand out
SIGNS: Final = {"high": ("^", "#5c2600"), "low": ("v", "#042c46")}


def make_anomalies(page: PageContext) -> Section | None:
    """Build the section on anomalies; None when the study did not ask for them.

    ``groups``: per gas and product the sentences, the chart and the table of the strongest.
    """
    text = page.text
    if not page.results.anomalies:
        return None
    groups = []
    for one in page.results.anomalies:
        names = page.region_names(one.table) if len(one.table) else {}
        groups.append(
            {
                "title": text("anomaly.group", symbol=page.symbol(one.variable), product=one.title),
                "key": f"group-anomaly-{one.key}",
                "say": _say(page, one, names),
                "figures": _chart(page, one, names),
                "table": _table(page, one, names),
            }
        )
    return Section("anomalies", text("anomaly.title"), text("anomaly.lead"), {"groups": groups})


def _judged(one: AnomalyResult) -> pd.DataFrame:
    if one.table.empty:
        return one.table
    return one.table[one.table["verdict"].isin(["high", "low", "usual"])]


def _slots(
    page: PageContext, one: AnomalyResult, row: dict[str, Any], names: dict[str, str]
) -> dict[str, str]:
    """Words for one month of one region."""
    decimals = decimals_for(float(row["spread"]))
    return {
        "symbol": page.symbol(one.variable),
        "unit": unit_text(one.units),
        "region": names.get(str(row["region_id"]), page.text.name(row)),
        "month": page.text.month(row["time"]),
        "anomaly": fixed(float(row["anomaly"]), decimals, sign=True),
        "spread": fixed(float(row["spread"]), decimals),
        "z": fixed(float(row["z"]), 1, sign=True),
        "times": fixed(abs(float(row["z"])), 1),
    }


def _say(page: PageContext, one: AnomalyResult, names: dict[str, str]) -> list[str]:
    """Say how many months stand out, how many chance alone gives, and which could not be judged."""
    text, judged = page.text, _judged(one)
    lines = []
    if judged.empty:
        lines.append(text("anomaly.nothing"))
    else:
        high, low = (int((judged["verdict"] == name).sum()) for name in ("high", "low"))
        chance = one.level * len(judged)
        slots = {"total": whole(len(judged)), "high": whole(high), "low": whole(low)}
        slots |= {"chance": fixed(chance, 1 if chance < 10 else 0), "level": text.level(one.level)}
        lines.append(text("anomaly.found" if high + low else "anomaly.found_none", n=high + low, **slots))
        if 0 < high + low <= chance + 2.0 * np.sqrt(chance):  # as a count of independent months scatters
            lines[-1] += text("space") + text("anomaly.as_chance")
    few = one.table[one.table["verdict"] == "too_few_years"] if len(one.table) else one.table
    if len(few):
        regions = few["region_id"].astype(str).nunique()
        years = few["years"].dropna()
        most = whole(float(years.max())) if len(years) else "0"
        lines.append(
            text("anomaly.few", n=len(few), shown=whole(len(few)), regions=whole(regions), most=most)
        )
    return lines


def _strongest(one: AnomalyResult) -> list[dict[str, Any]]:
    """Months by how far they lie from the others, the verdicts that stand out first."""
    rows = rows_of(_judged(one))
    return sorted(rows, key=lambda row: (row["verdict"] == "usual", -abs(row["z"])))


def _layout(one: AnomalyResult) -> tuple[list[str], pd.DatetimeIndex, dict[str, Any]]:
    """Regions, months and the tables of z and verdicts that the chart shows."""
    table = one.table.assign(region_id=one.table["region_id"].astype(str))
    month = pd.DatetimeIndex(table["time"]).to_period("M")
    table = table.assign(month=month)
    months = pd.period_range(month.min(), month.max(), freq="M")[-MOST_MONTHS:]
    ids = list(dict.fromkeys(table["region_id"]))
    one_each = table.drop_duplicates(["region_id", "month"]).set_index(["region_id", "month"])
    laid = {
        name: one_each[name].unstack("month").reindex(index=ids, columns=months).to_numpy()
        for name in ("z", "verdict")
    }
    return ids, months.to_timestamp(), laid


def _chart(page: PageContext, one: AnomalyResult, names: dict[str, str]) -> list[Figure]:
    text, strong = page.text, _strongest(one)
    if not strong:
        return []
    ids, months, laid = _layout(one)
    judged = np.isin(laid["verdict"].astype(str), ["high", "low", "usual"])
    values = np.where(judged, laid["z"].astype(float), np.nan)
    scale = make_scale([values], kind="diverging", steps=10)
    if scale is None:
        return []
    signs = {
        Entry(text(f"anomaly.verdict.{name}"), colour, marker, ""): laid["verdict"] == name
        for name, (marker, colour) in SIGNS.items()
    }
    drawn = [row for row in strong if row["time"] >= months[0]]
    first = (drawn or strong)[0]
    slots = _slots(page, one, first, names) | {"product": one.title, "n": len(ids)}
    slots["region"] = page.in_sentence(str(first["region_id"]), names)
    slots |= {"first": text.month(months[0]), "last": text.month(months[-1])}
    key = f"anomaly-{one.key}"
    svg = draw_heat(
        key,
        [names.get(one_id, one_id) for one_id in ids],
        months,
        values,
        signs,
        scale,
        alt=text("anomaly.alt", **slots),
        label=text("anomaly.axis", symbol=slots["symbol"]),
        no_data=text("anomaly.not_judged"),
        language=text.language,
    )
    title = text(f"anomaly.title_{first['verdict']}", **slots)
    caption = text("anomaly.caption")
    if one.table["time"].nunique() > len(months):
        caption += text("space") + text("anomaly.last", n=len(months))
    download = make_download(f"anomaly_z_{one.key}", one.table[["region_id", "time", "z", "verdict"]])
    return [Figure(key, svg, title, caption, download)]


def _table(page: PageContext, one: AnomalyResult, names: dict[str, str]) -> Table | None:
    text, strong = page.text, _strongest(one)
    clear = sum(row["verdict"] != "usual" for row in strong)
    rows = []
    for row in strong[: min(max(clear, FEWEST_ROWS), MOST_ROWS)]:
        slots = _slots(page, one, row, names)
        decimals = decimals_for(float(row["spread"]))
        rows.append(
            (
                Cell(slots["region"]),
                Cell(slots["month"], "word"),
                number_cell(slots["anomaly"], row["anomaly"]),
                number_cell(fixed(row["climatology"], decimals), row["climatology"]),
                number_cell(slots["spread"], row["spread"]),
                number_cell(slots["z"], row["z"]),
                number_cell(probability(row["p"]), row["p"]),
                Cell(text(f"anomaly.verdict.{row['verdict']}"), f"verdict {row['verdict']}"),
                number_cell(whole(row["years"]), row["years"]),
            )
        )
    if not rows:
        return None
    columns = (
        "region",
        "month",
        "anomaly",
        "climatology",
        "interannual",
        "z",
        "p_value",
        "verdict",
        "years",
    )
    units = dict.fromkeys(columns[2:5], unit_text(one.units))
    heads = make_heads(text, "anomaly", columns, left=("month", "verdict"), units=units)
    title = text("anomaly.table", n=len(rows), total=whole(len(strong)), symbol=page.symbol(one.variable))
    download = make_download(f"anomaly_{one.key}", one.table)
    return Table(f"table-anomaly-{one.key}", title, heads, rows, text("anomaly.note"), download)

"""Claims that one region is higher than another: what was claimed, what was found, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from yaotan.report.context import PageContext, Section
from yaotan.report.figure import Figure
from yaotan.report.forest import Mark, draw_differences
from yaotan.report.number import MINUS, decimals_for, fixed, interval, unit_text, whole
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

VERDICTS: Final = ("supported", "not_supported", "not_detectable", "no_data")


def make_claims(page: PageContext) -> Section | None:
    """Build the section on claims; None when the study made none.

    ``figures`` (one per unit and variable), ``table`` and ``sentences``.
    """
    text = page.text
    rows = claim_rows(page)
    if not rows:
        return None
    counts = {name: sum(row["verdict"] == name for row in rows) for name in VERDICTS}
    told = [text(f"claim.count.{name}", n=n, shown=whole(n)) for name, n in counts.items() if n]
    parts = {
        "say": [
            text("claim.say", n=len(rows), shown=whole(len(rows)), verdicts=text("claim.comma").join(told))
        ],
        "figures": _figures(page, rows),
        "table": _table(page, rows),
        "sentences": [_sentence(page, row) for row in rows],
    }
    return Section("claims", text("claim.title"), text("claim.lead"), parts)


def claim_rows(page: PageContext) -> list[dict[str, Any]]:
    """List the claims of the study; none without any."""
    claims = page.results.claims
    return [] if claims is None or claims.claims.empty else rows_of(claims.claims)


def claim_text(page: PageContext, row: dict[str, Any]) -> str:
    """Say what was claimed: in the user's words where there are any, else from regions and threshold."""
    text = page.text
    own = row.get(f"text_{text.language}")
    if isinstance(own, str) and own.strip():
        return own
    sides = {side: _side(page, row, side) for side in ("a", "b")}
    least = float(row["at_least"])
    kind = "claim.at_least" if least else "claim.higher"
    return text(kind, **sides, least=f"{least:g}".replace("-", MINUS), unit=unit_text(row["units"]))


def _side(page: PageContext, row: dict[str, Any], side: str) -> str:
    name = row.get(f"name_{side}_zh" if page.text.language == "zh" else f"name_{side}")
    if isinstance(name, str) and name.strip():
        return name
    return page.names.get(str(row[side]), str(row[side]))


def claim_note(page: PageContext, row: dict[str, Any]) -> str:
    """Name gas and product of a claim, as far as they are known."""
    variable, title = row.get("variable"), row.get("title") or row.get("product")
    parts = [page.symbol(variable) if isinstance(variable, str) else "", title]
    return page.text("claim.comma").join(part for part in parts if isinstance(part, str) and part)


def _sentence(page: PageContext, row: dict[str, Any]) -> str:
    given = row.get(f"sentence_{page.text.language}")
    if isinstance(given, str) and given.strip():
        return given
    slots = {"claim": claim_text(page, row), "months": whole(row["months"])}
    return page.text("claim.no_data_sentence", **slots, total=whole(row["period_months"]))


def _figures(page: PageContext, rows: list[dict[str, Any]]) -> list[Figure]:
    text = page.text
    figures: list[Figure] = []
    known = [row for row in rows if np.isfinite(row["difference"])]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in known:
        groups.setdefault((str(row.get("variable", "")), str(row["units"])), []).append(row)
    for (variable, units), part in groups.items():
        marks, before = [], ""
        for row in part:
            title = str(row.get("title") or row.get("product") or "")
            marks.append(
                Mark(
                    claim_text(page, row),
                    row["difference"],
                    row["lower"],
                    row["upper"],
                    text(f"claim.verdict.{row['verdict']}"),
                    row["verdict"],
                    title if title != before else "",
                    claimed=float(row["at_least"]),
                )
            )
            before = title
        held = sum(row["verdict"] == "supported" for row in part)
        quantity = page.quantity(variable, units) if variable else unit_text(units)
        slots = {"n": held, "total": whole(len(part)), "symbol": page.symbol(variable) if variable else ""}
        key = f"claims-{variable or 'all'}-{len(figures)}"
        svg = draw_differences(
            key,
            marks,
            alt=text("claim.alt", **slots),
            label=text("claim.axis", quantity=quantity),
        )
        title = text("claim.figure", **slots)
        download = make_download(f"claims_{variable or 'all'}", pd.DataFrame(part))
        figures.append(Figure(key, svg, title, text("claim.caption"), download))
    return figures


def _table(page: PageContext, rows: list[dict[str, Any]]) -> Table:
    text = page.text
    body: list[Sequence[Cell]] = []
    for row in rows:
        known = np.isfinite(row["difference"])
        value, low, high = interval(row["difference"], row["lower"], row["upper"])
        bounds = text("interval", lower=low, upper=high) if known else "–"
        digits = decimals_for((row["upper"] - row["lower"]) / 2) if known else 2
        missed = fixed(row["missed_bias"], digits, sign=True)
        months = text("claim.months_of", months=whole(row["months"]), total=whole(row["period_months"]))
        body.append(
            (
                Cell(claim_text(page, row)),
                Cell(str(row.get("title") or row.get("product") or ""), "source"),
                Cell(text(f"claim.verdict.{row['verdict']}"), f"verdict {row['verdict']}"),
                number_cell(f"{value} {unit_text(str(row['units']))}" if known else "–", row["difference"]),
                number_cell(bounds),
                number_cell(_claimed(row, digits), row["at_least"]),
                number_cell(months, row["months"]),
                number_cell(fixed(row["effective_months"], 1), row["effective_months"]),
                number_cell(missed, row["missed_bias"]),
            )
        )
    names = (
        *("claim", "product", "verdict", "difference", "interval", "claimed", "months"),
        *("effective", "missed"),
    )
    heads = make_heads(text, "claim", names, left=("product", "verdict"))
    download = make_download("claims", pd.DataFrame(rows))
    return Table("table-claims", text("claim.table"), heads, body, text("claim.note"), download)


def _claimed(row: dict[str, Any], digits: int) -> str:
    """Write the claimed difference as it was given, or as exactly as the others of its row."""
    least = float(row["at_least"])
    given = f"{abs(least):g}"
    shown = given if "e" not in given else fixed(abs(least), digits)
    return (MINUS if least < 0 else "") + shown

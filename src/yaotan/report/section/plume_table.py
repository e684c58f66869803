"""Tables of point sources: every overpass, and what came of the looks that gave nothing."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from yaotan.report.context import PageContext
from yaotan.report.number import fixed, measured, whole
from yaotan.report.section.rate import (
    HOURLY,
    RATE,
    YEARLY,
    Words,
    caution_text,
    code_text,
    hourly_text,
    is_given,
    when_text,
    yearly_text,
)
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

#: rows that are in the page, the strongest first; the CSV has all
MOST_ESTIMATES: Final = 400
MOST_FAILURES: Final = 40
#: rows of a table that is shown whole
MOST_ROWS: Final = 24


def commonest(words: Words) -> str:
    """Give the commonest status of the looks that gave no emission."""
    table = words.one.estimates
    if table.empty:
        return "not_detected"
    none = table.loc[table["status"] != "estimated", "status"]
    return str(none.value_counts().index[0]) if len(none) else "not_detected"


def estimate_table(page: PageContext, words: Words) -> Table:
    """Tabulate all sources and overpasses, the strongest first."""
    text, table = page.text, words.one.estimates
    rows = []
    if len(table):
        table = table.assign(_given=[is_given(row) for row in rows_of(table)])
        ordered = table.sort_values(
            ["_given", "emission"], ascending=False, kind="stable", na_position="last"
        )
        rows = [_estimate_row(page, words, row) for row in rows_of(ordered.head(MOST_ESTIMATES))]
    names = ("source", "when", "emission", "sigma", "hour", "year", "wind", "ways", "what")
    units = {"emission": RATE, "sigma": RATE}
    heads = make_heads(text, "plume", names, left=("when", "what"), units=units)
    note = text("plume.overview.note")
    if len(table) > len(rows):
        note += text("space") + text("plume.overview.first_rows", n=len(rows), total=whole(len(table)))
    download = make_download("plume_estimates", words.one.estimates) if len(table) else None
    kind = "long" if len(rows) > MOST_ROWS else ""
    return Table("table-plume", text("plume.overview.table"), heads, rows, note, download, kind)


def _estimate_row(page: PageContext, words: Words, row: dict[str, Any]) -> tuple[Cell, ...]:
    value, sigma = float(row["emission"]), float(row["emission_uncertainty"])
    given, time = bool(row["_given"]), row["time"]
    shown, spread = measured(value, sigma) if given else ("–", "–")
    hour = hourly_text(value, sigma).removesuffix(" t/h") if given else "–"
    speed, ways = float(row["wind_speed"]), row["member_count"]
    status = str(row["status"])
    # NaT is no number, and sorts last
    moment = time.timestamp() if time == time else None
    return (
        Cell(words.name(str(row["source"]))),
        Cell(when_text(page, time), "word", sort=moment),
        number_cell(shown, value),
        number_cell(spread, sigma),
        number_cell(hour, HOURLY * value),
        number_cell(yearly_text(value, sigma) if given else "–", YEARLY * value),
        number_cell(fixed(speed, 1), speed),
        number_cell(whole(float(ways)) if given else "–", float(ways)),
        _state(page, status, given, caution_text(page, row["cautions"])),
    )


def _state(page: PageContext, status: str, given: bool, careful: str) -> Cell:
    """Cell of what came of a look: the status, or what to be careful with."""
    words = code_text(page, "status", status)
    if given and careful:
        words = page.text("plume.overview.careful", words=careful)
    kind = "open" if given and careful else "supported" if given else "no_data"
    return Cell(words, f"state {kind}")


def unseen_group(page: PageContext, words: Words) -> dict[str, Any]:
    """Count what came of the looks at sources, and list scenes that could not be used."""
    text, one = page.text, words.one
    table, total = one.estimates, len(one.estimates)
    none = int((table["status"] != "estimated").sum()) if total else 0
    said = [text("plume.unseen.all" if total else "plume.unseen.none")]
    if none:
        said = [text("plume.unseen.say", n=none, shown=whole(none), total=whole(total))]
    outside = int(one.facts.get("outside", 0) or 0)
    said += [text("plume.unseen.outside", n=outside, shown=whole(outside))] if outside else []
    tables = [_statuses(page, words), failure_table(page, words)]
    return {
        "title": text("plume.unseen.group"),
        "key": "group-plume-unseen",
        "kind": "",
        "say": [text("space").join(said)],
        "figures": [],
        "tables": [part for part in tables if part is not None],
    }


def _statuses(page: PageContext, words: Words) -> Table | None:
    text, table = page.text, words.one.estimates
    if table.empty:
        return None
    counted = table.groupby("status")["source"].agg(["size", "nunique"]).sort_values("size", ascending=False)
    rows = [
        (
            Cell(code_text(page, "status", str(status))),
            number_cell(whole(row["size"]), row["size"]),
            number_cell(whole(row["nunique"]), row["nunique"]),
            Cell("", f"bar{' kept' if status == 'estimated' else ''}", share=row["size"] / len(table)),
        )
        for status, row in counted.iterrows()
    ]
    heads = make_heads(text, "plume", ("status", "looks", "named", "share"), left=("share",))
    kept = [name for name in ("scene", "source", "time", "status", "cautions", "reason") if name in table]
    download = make_download("plume_status", table[kept])
    return Table("table-plume-status", text("plume.unseen.table"), heads, rows, "", download)


def failure_table(page: PageContext, words: Words) -> Table | None:
    """List scenes that could not be used; None without any."""
    text, failures = page.text, words.one.failures
    if failures is None or failures.empty:
        return None
    rows = [
        (Cell(str(row["scene"]), "source file"), Cell(str(row["reason"]), "source"))
        for row in rows_of(failures.head(MOST_FAILURES))
    ]
    number = len(failures)
    note = text("plume.unseen.first_rows", n=len(rows), total=whole(number)) if number > len(rows) else ""
    heads = make_heads(text, "plume", ("scene", "reason"), left=("reason",))
    title = text("plume.unseen.failures", n=number, shown=whole(number))
    return Table("table-plume-failures", title, heads, rows, note, make_download("plume_failures", failures))


def interval_text(page: PageContext, lower: float, upper: float, sigma: float) -> str:
    """Write an interval with the digits of the sigma."""
    if not np.isfinite(lower + upper):
        return "–"
    low, high = (measured(bound, sigma)[0] for bound in (lower, upper))
    return page.text("interval", lower=low, upper=high)

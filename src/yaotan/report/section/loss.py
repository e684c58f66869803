"""Why there is no data here: what became of days and soundings, by region and month, in words."""

from __future__ import annotations

import pandas as pd

from yaotan.report.context import PageContext, Section
from yaotan.report.number import whole
from yaotan.report.result import WHOLE
from yaotan.report.section.strip import count_cells, count_of, make_strip
from yaotan.report.summary import loss_rows
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell

#: kinds in the order in which they take data
KINDS = ("file", "orbit", "cloud", "flag", "rule")


def wide_losses(losses: pd.DataFrame, product: str) -> pd.DataFrame:
    """Give the losses of a product with a row for each region and month and a column for each reason.

    Parameters
    ----------
    losses : pandas.DataFrame
        As in `StudyResults`.
    product : str
        Which.

    Returns
    -------
    pandas.DataFrame
        region_id, month, and ``<unit>_<kind>_<reason>`` (once where kind and reason are the same): counts, 0
        where nothing was lost.
    """
    rows = losses[losses["product"] == product]
    kinds, reasons = rows["kind"].astype(str), rows["reason"].astype(str)
    column = rows["unit"].astype(str) + "_" + kinds.where(kinds == reasons, kinds + "_" + reasons)
    order = list(dict.fromkeys(column))
    index = ["region_id", "month"]
    wide = rows.assign(column=column).pivot_table(
        index=index, columns="column", values="count", aggfunc="sum", fill_value=0, sort=False
    )
    return wide[order].rename_axis(columns=None).reset_index()


def make_losses(page: PageContext) -> Section | None:
    """Build the section that explains gaps; None when nothing was counted.

    Per product: ``funnel``, ``strip``, ``table`` and ``sentences``.
    """
    text, losses = page.text, page.results.losses
    if losses.empty:
        return None
    products = []
    shown = [column.product for column in page.results.columns] + sorted(losses["product"].unique())
    for product in dict.fromkeys(shown):
        rows = losses[losses["product"] == product]
        if rows.empty:
            continue
        products.append(
            {
                "title": page.results.product_title(str(product)),
                "key": f"loss-{product}",
                "funnel": _funnel(page, str(product)),
                "strip": make_strip(page, str(product), rows),
                "table": _table(page, str(product), rows),
                "sentences": _sentences(page, rows),
            }
        )
    legend = [(kind, text(f"kind.{kind}"), text(f"kind_long.{kind}")) for kind in KINDS]
    parts = {"products": products, "legend": legend}
    return Section("losses", text("loss.title"), text("loss.lead"), parts)


def _steps(rows: pd.DataFrame) -> tuple[int, int, list[tuple[str, str, int]]]:
    """Split soundings into read, kept, and what each reason took, in order."""
    rows = rows[rows["unit"] == "sounding"]
    total = rows.groupby(["kind", "reason"], sort=False)["count"].sum()
    kept = int(total.get("kept", pd.Series(dtype=int)).sum()) if "kept" in total.index else 0
    taken = []
    for kind in KINDS:
        if kind in total.index.get_level_values(0):
            parts = total[kind]
            main = parts[[not str(reason).startswith("qf:") for reason in parts.index]]
            taken += [(kind, str(reason), int(count)) for reason, count in main.items()]
    read = int(total["read"].sum()) if "read" in total.index else kept + sum(count for *_, count in taken)
    return read, kept, taken


def _funnel_rows(
    page: PageContext, read: int, kept: int, taken: list[tuple[str, str, int]]
) -> list[tuple[Cell, ...]]:
    """From what was read, step by step, to what was kept."""
    text = page.text
    left = read
    body: list[tuple[Cell, ...]] = [
        (
            Cell(text("loss.read"), "strong"),
            number_cell("", 0),
            number_cell(whole(read), read),
            Cell("", "bar", 1.0),
        )
    ]
    for kind, reason, count in taken:
        left -= count
        body.append(
            (
                Cell(page.reason(reason), f"mark {kind}"),
                number_cell(f"−{whole(count)}", count),
                number_cell(whole(left), left),
                Cell("", f"bar {kind}", left / read),
            )
        )
    if left != kept:
        lost = left - kept
        body.append(
            (
                Cell(text("loss.other"), "mark"),
                number_cell(f"−{whole(lost)}", lost),
                number_cell(whole(kept), kept),
                Cell("", "bar", kept / read),
            )
        )
    body.append(
        (
            Cell(text("loss.kept"), "strong"),
            number_cell("", 0),
            number_cell(whole(kept), kept),
            Cell("", "bar kept", kept / read),
        )
    )
    return body


def _funnel(page: PageContext, product: str) -> Table | None:
    """What each step took of the soundings read, and what it left."""
    text = page.text
    rows = loss_rows(page.results, product)
    read, kept, taken = _steps(rows)
    if not read:
        return None
    body = _funnel_rows(page, read, kept, taken)
    names = ("step", "lost", "left", "share_left")
    heads = make_heads(text, "loss", names, left=("share_left",))
    title = text(
        "loss.funnel",
        product=page.results.product_title(product),
        kept=whole(kept),
        read=whole(read),
        share=text.percent(kept / read),
    )
    note = text(
        "loss.funnel_note" if (rows["region_id"].astype(str) == WHOLE).any() else "loss.funnel_regions"
    )
    return Table(
        f"funnel-{product}",
        title,
        heads,
        body,
        note,
        make_download(f"losses_{product}", wide_losses(page.results.losses, product)),
        "funnel",
    )


def _table(page: PageContext, product: str, rows: pd.DataFrame) -> Table | None:
    text = page.text
    cells = count_cells(rows)
    body = []
    for region in [key for key in page.names if key != WHOLE]:
        if region not in cells.index.get_level_values(0):
            continue
        part = cells.loc[region]
        kept = part["kept_sounding"] if "kept_sounding" in part else pd.Series(0, index=part.index)
        sums = part.sum()
        empty = int((kept == 0).sum())
        read = count_of(sums, "read_sounding")
        numbers = (
            empty,
            count_of(sums, "file_day"),
            count_of(sums, "orbit_day"),
            count_of(sums, "cloud_day"),
            read,
            count_of(sums, "flag_sounding"),
            count_of(sums, "rule_sounding"),
            count_of(sums, "kept_sounding"),
        )
        body.append((Cell(page.names[region]), *(number_cell(whole(number), number) for number in numbers)))
    if not body:
        return None
    names = (
        "region",
        "months_empty",
        "days_file",
        "days_orbit",
        "days_cloud",
        "read",
        "lost_flag",
        "lost_rule",
        "kept",
    )
    heads = make_heads(text, "loss", names)
    title = text("loss.table", product=page.results.product_title(product))
    return Table(f"table-loss-{product}", title, heads, body, text("loss.note"))


def _sentences(page: PageContext, rows: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Say for each region and each month without data what happened."""
    text, found = page.text, []
    main = rows[~rows["reason"].astype(str).str.startswith("qf:")]
    kept = main[(main["kind"] == "kept") & (main["unit"] == "sounding")]
    filled = set(zip(kept["region_id"].astype(str), kept["month"].astype(str), strict=True))
    lost = main[~main["kind"].isin(["read", "kept"])]
    lost = lost[["region_id", "month", "unit", "reason", "count"]].sort_values(
        "count", ascending=False, kind="stable"
    )
    grouped = dict(list(lost.groupby([lost["region_id"].astype(str), lost["month"].astype(str)])))
    for region in [key for key in page.names if key != WHOLE]:
        lines = []
        for (name, month), part in grouped.items():
            if name != region or (name, month) in filled:
                continue
            reasons = [
                text(
                    f"loss.because_{unit}",
                    n=int(count),
                    shown=whole(count),
                    reason=page.reason(str(reason)),
                )
                for unit, reason, count in zip(part["unit"], part["reason"], part["count"], strict=True)
            ]
            lines.append(
                text(
                    "loss.month_line",
                    month=text.month(f"{month}-01"),
                    reasons=text("loss.reasons_join").join(reasons),
                )
            )
        if lines:
            found.append((page.names[region], lines))
    return found

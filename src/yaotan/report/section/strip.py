"""Regions by months with what was kept, or what left nothing: a part of the section on missing data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from yaotan.report.context import PageContext
from yaotan.report.number import whole
from yaotan.report.result import WHOLE


@dataclass(frozen=True)
class Strip:
    """Regions by months: soundings kept, or a word for what left none.

    Parameters
    ----------
    key, title : str
        HTML id and caption.
    months : list of (short, long) text
        Heads of the columns.
    rows : list of (region, cells)
        Cells are (text, class).
    left_out : str
        How many months are not shown, since the product has no file at all for them.
    """

    key: str
    title: str
    months: list[tuple[str, str]]
    rows: list[tuple[str, list[tuple[str, str]]]]
    left_out: str = ""


def count_cells(rows: pd.DataFrame) -> pd.DataFrame:
    """Counts by region and month: soundings kept and read, and losses by kind; parts of flags left out."""
    main = rows[~rows["reason"].astype(str).str.startswith("qf:")]
    # a day without a file says nothing of the orbit
    kind = main["kind"].mask(main["reason"] == "no_file", "file")
    name = kind + "_" + main["unit"]
    return main.assign(name=name).pivot_table(
        index=["region_id", "month"], columns="name", values="count", aggfunc="sum", fill_value=0
    )


def count_of(row: Any, name: str) -> int:
    """Give one count of a row of `count_cells`, 0 where there is none."""
    return int(row.get(name, 0))


def main_kind(row: Any) -> str:
    """Name what left a region and month without data.

    Where soundings were read, the kind that took most of them; else, as soon as the satellite came by on
    one day, it was cloud (or the producer's own screening); else the orbit on the days that have a file;
    else that there was no file.

    Parameters
    ----------
    row : mapping or pandas.Series
        Counts named ``<kind>_<unit>``.

    Returns
    -------
    str
        ``file``, ``orbit``, ``cloud``, ``flag`` or ``rule``.
    """
    flag, rule = count_of(row, "flag_sounding"), count_of(row, "rule_sounding")
    if flag or rule:
        return "rule" if rule > flag else "flag"
    if count_of(row, "cloud_day") or count_of(row, "cloud_sounding"):
        return "cloud"
    return "file" if count_of(row, "file_day") and not count_of(row, "orbit_day") else "orbit"


def make_strip(page: PageContext, product: str, rows: pd.DataFrame) -> Strip:
    """Lay regions by months: soundings kept, or the word for what left none."""
    text = page.text
    cells = count_cells(rows[rows["region_id"].astype(str) != WHOLE])
    start, end = (pd.Timestamp(day).to_period("M") for day in page.results.period)
    every = [str(month) for month in pd.period_range(start, end, freq="M")]
    months = [month for month in every if month in _months_with_files(cells)] if len(every) > 12 else every
    heads = [(text("loss.month_short", month=int(m[5:]), year=m[:4]), text.month(f"{m}-01")) for m in months]
    body = []
    most = max(int(cells["kept_sounding"].max()) if "kept_sounding" in cells else 0, 1)
    for region in [key for key in page.names if key != WHOLE]:
        line = []
        for month in months:
            row = cells.loc[(region, month)] if (region, month) in cells.index else pd.Series(dtype=int)
            kept = count_of(row, "kept_sounding")
            if kept:
                level = 1 + min(3, int(4 * kept / (most + 1)))
                line.append((whole(kept), f"k{level}"))
            else:
                kind = main_kind(row)
                line.append((text(f"kind.{kind}"), f"none {kind}"))
        body.append((page.names[region], line))
    title = text("loss.strip", product=page.results.product_title(product))
    gone = len(every) - len(months)
    left_out = text("loss.left_out", n=gone, shown=whole(gone)) if gone else ""
    return Strip(f"strip-{product}", title, heads, body, left_out)


def _months_with_files(cells: pd.DataFrame) -> set[str]:
    """Find the months for which the product has any file."""
    if cells.empty:
        return set()
    counted = cells.drop(columns="file_day", errors="ignore").sum(axis=1)
    return set(counted[counted > 0].index.get_level_values("month").astype(str))

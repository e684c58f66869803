"""Tables of the page: cells as people read them, and the same numbers as a CSV file to keep."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from yaotan.report.text import Text


@dataclass(frozen=True)
class Download:
    """A CSV file inside the page.

    Parameters
    ----------
    name : str
        Suggested file name.
    href : str
        ``data:`` address with the content.
    """

    name: str
    href: str


@dataclass(frozen=True)
class Cell:
    """One cell.

    Parameters
    ----------
    text : str
        What is shown.
    kind : str
        CSS classes: ``number``, ``word``, or a verdict.
    share : float, optional
        Length of a bar behind the text, 0 to 1.
    sort : float, optional
        Value to sort by.
    """

    text: str
    kind: str = ""
    share: float | None = None
    sort: float | None = None


@dataclass(frozen=True)
class Table:
    """One table.

    Parameters
    ----------
    key : str
        HTML id, unique on the page.
    title : str
        Caption.
    head : sequence of Cell
        Column heads.
    rows : sequence of sequence of Cell
        The first cell of a row is its head.
    note : str
        Sentence below.
    download : Download, optional
        The numbers.
    """

    key: str
    title: str
    head: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    download: Download | None = None
    kind: str = ""


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Give a table's rows as mappings of column name to value."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def make_download(name: str, table: pd.DataFrame) -> Download:
    """Put a table into the page as a CSV file.

    Parameters
    ----------
    name : str
        File name without suffix.
    table : pandas.DataFrame
        Written without its index, to seven significant digits; UTF-8 with a mark, which spreadsheets need
        to show Chinese.

    Returns
    -------
    Download
        For a link.

    Examples
    --------
    >>> make_download("a", pd.DataFrame({"x": [1]})).href
    'data:text/csv;charset=utf-8;base64,77u/eAoxCg=='
    """
    content = table.to_csv(index=False, float_format="%.7g", lineterminator="\n", date_format="%Y-%m-%d")
    data = base64.b64encode(content.encode("utf-8-sig")).decode("ascii")
    return Download(f"{name}.csv", f"data:text/csv;charset=utf-8;base64,{data}")


def number_cell(text: str, value: float | None = None) -> Cell:
    """Cell of a number, aligned to the right."""
    return Cell(text, "number", sort=None if value is None or value != value else float(value))


def make_heads(
    text: Text,
    key: str,
    names: Sequence[str],
    *,
    left: Collection[str] = (),
    units: Mapping[str, str] | None = None,
) -> list[Cell]:
    """Make column heads: numbers to the right, the first column and those in `left` to the left.

    Parameters
    ----------
    text : Text
        Words; ``<key>.head.<name>`` goes before ``table.head.<name>``.
    key : str
        Of the section's words.
    names : sequence of str
        In order.
    left : collection of str
        Columns that hold words.
    units : mapping of str to str, optional
        Column -> its unit.

    Returns
    -------
    list of Cell

    Examples
    --------
    >>> heads = make_heads(Text("en"), "", ("region", "mean"), units={"mean": "ppm"})
    >>> [(head.text, head.kind) for head in heads]
    [('Region', ''), ('Mean (ppm)', 'number')]
    """
    heads = []
    for number, name in enumerate(names):
        own = f"{key}.head.{name}"
        word = text(own if text.has(own) else f"table.head.{name}")
        unit = (units or {}).get(name, "")
        word = text("quantity", symbol=word, unit=unit) if unit else word
        heads.append(Cell(word, "" if number == 0 or name in left else "number"))
    return heads

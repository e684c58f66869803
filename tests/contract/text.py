"""Write a tiny table of text, as the tools of each product write theirs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def write_table(
    path: Path,
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    mark: str = ",",
    header: str = "",
    heading: str | None = None,
    end: str = "\n",
    encoding: str = "utf-8",
) -> None:
    """Write comment lines, the line of names (`heading` wins over `names`; empty for none), and rows."""
    first = mark.join(names) if heading is None else heading
    lines = [*header.splitlines(), *([first] if first else []), *(mark.join(map(str, row)) for row in rows)]
    path.write_text(end.join(lines) + end, encoding=encoding, newline="")

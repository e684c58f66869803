"""The table behind a panel: what it must hold, and its one tidy form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from yaotan.emission.panel_column import KEYS, PanelColumn
from yaotan.errors import PanelError

if TYPE_CHECKING:
    import pandas as pd


def find_positions(rows: Any, length: int) -> np.ndarray:
    """Turn positions, or one truth value for each row, into positions."""
    chosen = np.asarray(rows)
    if chosen.dtype == bool:
        if chosen.shape != (length,):
            raise PanelError(
                f"{chosen.shape} truth values for {length} rows", expected="one for each row of the panel"
            )
        return np.flatnonzero(chosen)
    return chosen.astype(int)


def name_rows(rows: pd.DataFrame, most: int = 5) -> str:
    """Name the first of some rows for a message."""
    pairs = list(dict.fromkeys(f"{r} {p}" for r, p in zip(rows["region"], rows["period"], strict=True)))
    return ", ".join(pairs[:most]) + (f" and {len(pairs) - most} more" if len(pairs) > most else "")


def check_columns(table: pd.DataFrame, columns: tuple[PanelColumn, ...]) -> None:
    """Check that the columns of a table are those declared, each once."""
    names = [entry.name for entry in columns]
    given = [str(name) for name in table.columns]
    problems = {
        ("lacks the column", "give it, or do not declare it"): [
            name for name in ("region", "period", *names) if name not in given
        ],
        ("repeats the column", "give and declare each column once"): sorted(
            {name for name in (*given, *names) if given.count(name) > 1 or names.count(name) > 1}
        ),
        ("holds undeclared columns:", "declare each of them, or leave it out of the table"): [
            name for name in given if name not in names and name not in KEYS
        ],
    }
    for (text, fix), found in problems.items():
        if found:
            raise PanelError(f"the table {text} {', '.join(found)}", where="panel", fix=fix)
    for role in ("target", "weight", "flag"):
        of_role = [entry.name for entry in columns if entry.role == role]
        if len(of_role) > 1:
            raise PanelError(f"{len(of_role)} columns have role {role}: {', '.join(of_role)}", where="panel")


def tidy_table(table: pd.DataFrame, columns: tuple[PanelColumn, ...]) -> pd.DataFrame:
    """Give a sorted copy with keys and flags as text, years as whole numbers and all else as float64."""
    import pandas as pd

    tidy = table.copy()
    years = pd.to_numeric(tidy["period"], errors="coerce")
    if tidy["region"].isna().any() or years.isna().any() or (years % 1 != 0).any():
        raise PanelError("a row has no region or no whole year", where="panel", expected="region, period")
    tidy["region"], tidy["period"] = tidy["region"].astype(str), years.astype(int)
    for name in KEYS[2:]:
        if name in tidy:
            if tidy[name].isna().any() and name in ("parent", "zone"):
                raise PanelError(f"{name} is missing in some rows", where="panel")
            tidy[name] = tidy[name].fillna("").astype(str)
    for entry in columns:
        if entry.role == "flag":
            tidy[entry.name] = tidy[entry.name].fillna("").astype(str)
            continue
        given = tidy[entry.name]
        # most panels are parts of others: what is numbers already is not turned into numbers again
        is_number = given.dtype == np.float64
        values = given if is_number else pd.to_numeric(given, errors="coerce").astype(float)
        wrong = np.isinf(values) if is_number else (values.isna() & given.notna()) | np.isinf(values)
        if wrong.any():
            raise PanelError(
                f"column {entry.name!r} holds what is no finite number: {name_rows(tidy[wrong])}",
                where="panel",
            )
        if (entry.rate or entry.role == "weight") and (values < 0).any():
            raise PanelError(
                f"column {entry.name!r} is negative: {name_rows(tidy[values < 0])}",
                where="panel",
                expected=f"a {entry.role} of 0 or more",
                fix="mend it, or leave the field empty: a row without target is estimated",
            )
        if not is_number:
            tidy[entry.name] = values
    order = [name for name in KEYS if name in tidy] + [entry.name for entry in columns]
    return tidy[order].sort_values(["region", "period"], kind="stable", ignore_index=True)

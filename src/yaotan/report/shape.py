"""What tables and grids that the report takes must hold, and the names made of their parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pandas as pd

from yaotan.errors import SchemaError

if TYPE_CHECKING:
    import xarray as xr

#: columns that each table must have; a table without rows may come without columns
ANALYSIS_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "validation": ("scheme", "observations", "rmse", "bias", "coverage_68", "coverage_95"),
    "rates": ("region_id", "name", "rate", "lower", "upper", "amplitude", "phase_day", "p_value", "months"),
    "series": ("region_id", "time", "value", "fitted", "trend"),
    "skipped": ("region_id", "name", "reason", "needed", "given"),
    "table": (
        "region_id",
        "name",
        "time",
        "anomaly",
        "climatology",
        "spread",
        "z",
        "years",
        "p",
        "verdict",
    ),
    "pairs": ("station", "time", "value", "reference", "value_uncertainty", "reference_uncertainty"),
    "sites": ("station", "pairs", "bias", "bias_lower", "bias_upper", "scatter", "correlation", "chi_square"),
    "lost": ("unit", "reason", "count"),
    "months": ("time", "cells", "hot", "cold", "anywhere"),
    "claims": (
        "a",
        "b",
        "at_least",
        "units",
        "verdict",
        "difference",
        "lower",
        "upper",
        "months",
        "period_months",
        "effective_months",
        "missed_bias",
        "sentence_en",
        "sentence_zh",
    ),
    "outcome": ("product", "title", "boxes", "months", "share", "bias"),
    "classes": ("class", "class_name", "class_name_zh", "colour"),
    "areas": ("year", "region", "class", "variable", "value"),
    "stock": ("year", "region", "class", "pool", "variable", "units", "value"),
    "change": ("region", "class", "pool", "before", "after", "variable", "units", "value"),
    "patches": ("patch_id", "before_name", "after_name", "area", "longitude", "latitude"),
    "steps": ("step", "name", "name_zh", "change", "start", "end"),
}


def check_columns(table: pd.DataFrame | None, columns: tuple[str, ...], kind: str, owner: str) -> None:
    """Refuse a table that lacks columns; one without rows may lack any.

    Raises
    ------
    SchemaError
        Names the columns that are missing.
    """
    if table is None or table.empty:
        return
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise SchemaError(
            f"the table {kind} lacks {', '.join(missing)}",
            where=owner,
            expected=f"columns {', '.join(columns)}",
        )


def check_grid(grid: xr.Dataset, names: tuple[str, ...], owner: str) -> None:
    """Refuse a grid that lacks variables.

    Raises
    ------
    SchemaError
        Names the variables that are missing.
    """
    missing = [name for name in names if name not in grid]
    if missing:
        raise SchemaError(
            f"the grid lacks {', '.join(missing)}", where=owner, expected=f"variables {', '.join(names)}"
        )


def part_key(*parts: str) -> str:
    """Join names to one that is safe in an HTML id and a file name.

    Examples
    --------
    >>> part_key("oco2_lite", "xco2", "TCCON (GGG2020)")
    'oco2_lite-xco2-TCCON-GGG2020'
    """
    return "-".join(re.sub(r"[^\w.]+", "-", part).strip("-") for part in parts)

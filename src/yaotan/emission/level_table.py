"""Tables of estimates from files: regions of one or more levels, in one unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from yaotan.errors import PanelError, UnitsError
from yaotan.io.user_table import read_user_table
from yaotan.typing import PathLike
from yaotan.units import conversion

if TYPE_CHECKING:
    import pandas as pd

_WHERE: Final = "estimates"
_TEXT: Final = ("region", "region_name", "region_name_zh", "parent", "unit", "statistic")
_NEEDED: Final = ("region", "period", "estimate", "uncertainty", "unit")


def open_estimates(paths: Sequence[PathLike], *, unit: str | None = None) -> pd.DataFrame:
    """Open tables of estimates of regions and put them under one another.

    Parameters
    ----------
    paths : sequence of path-like
        ``.csv``, ``.parquet`` or ``.xlsx`` with ``region``, ``period``, ``estimate``, ``uncertainty``
        (1 sigma) and ``unit``, as ``yaotan emission predict`` writes them; optionally ``region_name``,
        ``region_name_zh`` and ``statistic``. Other columns are not taken over.
    unit : str, optional
        Of the result; by default that of the first table.

    Returns
    -------
    pandas.DataFrame
        The columns named, in ``attrs["unit"]``; ``attrs["statistic"]`` is ``median`` where one table holds
        medians, else ``mean`` where all say so, else empty.

    Raises
    ------
    PanelError
        A column is missing, or a table has two units, or one that is none of them.
    NotAGranuleError, SchemaError
        A file is missing or no table.
    """
    import pandas as pd

    tables = []
    for path in paths:
        table = read_user_table(path, text=_TEXT)
        lacking = [name for name in _NEEDED if name not in table]
        if lacking:
            raise PanelError(
                f"has no column {lacking[0]}", where=path, expected=", ".join(_NEEDED),
                fix="yaotan emission predict writes such tables",
            )  # fmt: skip
        units = sorted(set(table["unit"].dropna()))
        if len(units) != 1:
            raise PanelError(f"has {len(units)} units: {', '.join(units)}", where=path, expected="one unit")
        unit = units[0] if unit is None else unit
        try:
            factor = conversion(units[0], unit)[0]
        except UnitsError as error:
            raise PanelError(f"is in {units[0]!r}", where=path, expected=f"what becomes {unit!r}") from error
        for name in ("estimate", "uncertainty"):
            numbers = pd.to_numeric(table[name], errors="coerce")
            if (numbers.isna() & table[name].notna()).any():
                raise PanelError(f"column {name} holds what is no number", where=path)
            table[name] = numbers * factor
        tables.append(table[[name for name in (*_NEEDED, *_TEXT[1:3], "statistic") if name in table]])
    joined = pd.concat(tables, ignore_index=True)
    said = set(joined["statistic"].dropna()) if "statistic" in joined else set()
    whole = "statistic" in joined and bool(joined["statistic"].notna().all())
    joined.attrs["unit"] = unit
    joined.attrs["statistic"] = "median" if "median" in said else "mean" if whole and said else ""
    return joined.drop(columns=["unit", "statistic"], errors="ignore")


def open_hierarchy(path: PathLike) -> pd.DataFrame:
    """Open a table of ``region`` and ``parent``, codes as text; an empty parent is the top.

    Raises
    ------
    PanelError
        A column is missing.
    NotAGranuleError, SchemaError
        The file is missing or no table.
    """
    table = read_user_table(path, text=("region", "parent"))
    lacking = [name for name in ("region", "parent") if name not in table]
    if lacking:
        raise PanelError(f"has no column {lacking[0]}", where=path, expected="region, parent")
    return table[["region", "parent"]].fillna("")

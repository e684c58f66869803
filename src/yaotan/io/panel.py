"""A panel's table of a user, and the description (YAML) that says what its columns are."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from yaotan.catalog.problem import name_problem
from yaotan.catalog.rule import Entry
from yaotan.catalog.source import load_yaml
from yaotan.errors import PanelError
from yaotan.io.user_table import read_user_table
from yaotan.typing import PathLike

if TYPE_CHECKING:
    import pandas as pd


class CodePart(Entry):
    """The first digits of a code: those of GB/T 2260 give province (2) and region (1)."""

    column: str
    digits: int = Field(ge=1)


class KeyEntry(Entry):
    """Which columns say which row it is."""

    region: str
    period: str
    region_name: str | None = None
    region_name_zh: str | None = None
    parent: str | CodePart | None = None
    zone: str | CodePart | None = None


class ColumnEntry(Entry):
    """What is known of one column; `from` names it in the file where it has another name there."""

    role: str
    unit: str
    scope: str = ""
    source: str = ""
    version: str = ""
    lag: int = 0
    derived_from_target: bool = False
    description: str = ""
    stored_as: str | None = Field(default=None, alias="from")


class PanelDescription(Entry):
    """The description of a panel: keys, columns, and the columns left out with the reason for each."""

    keys: KeyEntry
    columns: dict[str, ColumnEntry]
    ignore: dict[str, str] = Field(default_factory=dict)
    sheet: str | None = None
    title: str = ""


def read_panel(
    path: PathLike, description: PathLike | Mapping[str, Any]
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Read the table of a panel and what its description says of each column.

    Parameters
    ----------
    path : path-like
        CSV, Parquet or workbook.
    description : path-like or mapping
        YAML file, or the same as a mapping: ``keys``, ``columns``, ``ignore``, ``sheet``.

    Returns
    -------
    table : pandas.DataFrame
        Keys and columns under the names that panels use.
    entries : list of dict
        Arguments of one `yaotan.emission.PanelColumn` each.

    Raises
    ------
    PanelError
        The description is wrong, names a column that the table lacks, or passes over one that it has.
    CatalogError, NotAGranuleError, SchemaError
        The YAML or the table cannot be read.
    """
    given = describe(description)
    sources = {name: entry.stored_as or name for name, entry in given.columns.items()}
    keys = {name: _source(value) for name, value in given.keys if value is not None}
    flags = [sources[name] for name, entry in given.columns.items() if entry.role == "flag"]
    codes = [column for name, column in keys.items() if name != "period"]
    table = read_user_table(path, sheet=given.sheet, text=[*codes, *flags])
    _check_names(table, given, {*keys.values(), *sources.values()}, path)
    import pandas as pd

    parts: dict[str, Any] = {name: table[column] for name, column in keys.items()}
    for name, value in given.keys:
        if isinstance(value, CodePart):
            parts[name] = parts[name].str[: value.digits]
    parts |= {name: table[column] for name, column in sources.items()}
    entries = [
        {"name": name, **entry.model_dump(exclude={"stored_as"})} for name, entry in given.columns.items()
    ]
    return pd.DataFrame(parts), entries


def describe(description: PathLike | Mapping[str, Any]) -> PanelDescription:
    """Read and check the description of a panel.

    Parameters
    ----------
    description : path-like or mapping
        As in `read_panel`.

    Returns
    -------
    PanelDescription
        Typed.

    Raises
    ------
    PanelError
        A key is missing, unknown or of the wrong kind.
    CatalogError
        The file is no YAML.
    """
    mapping = dict(description) if isinstance(description, Mapping) else load_yaml(description)
    where = "description" if isinstance(description, Mapping) else Path(description)
    with name_problem(where, error=PanelError):
        return PanelDescription.model_validate(mapping)


def _source(value: str | CodePart) -> str:
    return value.column if isinstance(value, CodePart) else value


#: how many near names a message offers
_NEAR: Final = 3


def _check_names(table: pd.DataFrame, given: PanelDescription, wanted: set[str], path: PathLike) -> None:
    names = [str(name) for name in table.columns]
    for column in sorted({*wanted, *given.ignore} - set(names)):
        near = get_close_matches(column, names, _NEAR)
        raise PanelError(
            f"the table has no column {column!r} of the description",
            where=path,
            expected=", ".join(near or names),
        )
    undeclared = [name for name in names if name not in wanted and name not in given.ignore]
    if undeclared:
        raise PanelError(
            f"columns are not described: {', '.join(undeclared)}",
            where=path,
            fix="describe each under columns, or name it under ignore with the reason",
        )

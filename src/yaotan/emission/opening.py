"""Panels from tables of a user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yaotan.emission.panel import Panel
from yaotan.emission.panel_column import PanelColumn
from yaotan.errors import PanelError
from yaotan.io.panel import read_panel
from yaotan.typing import PathLike


def open_panel(path: PathLike, description: PathLike | Mapping[str, Any]) -> Panel:
    r"""Open a table of regions and years as a panel.

    Parameters
    ----------
    path : path-like
        ``.csv`` (UTF-8), ``.parquet`` or ``.xlsx``; one row for a region and year.
    description : path-like or mapping
        YAML file, or the same as a mapping. ``keys``: the columns of ``region``, ``period`` and, where there
        are any, ``region_name``, ``region_name_zh``, ``parent``, ``zone``; the latter two may be the first
        digits of a code: ``{column: province_id, digits: 1}``. ``columns``: name to the arguments of
        `PanelColumn`, with ``from`` where the file has another name. ``ignore``: columns left out, each with
        the reason. ``sheet``: of a workbook.

    Returns
    -------
    Panel
        Sorted by region and period. Nothing of the table is passed over: a column that is neither described
        nor ignored is an error.

    Raises
    ------
    PanelError
        The description does not fit the table, or the rows are no panel.
    CatalogError, NotAGranuleError, SchemaError, UnitsError
        The YAML, the table or a unit cannot be read.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "panel.csv"
    >>> _ = path.write_text("code,year,co2,people\n110000,2001,77.4,12167700\n110000,2002,,12224200\n")
    >>> panel = open_panel(path, {
    ...     "keys": {"region": "code", "period": "year", "zone": {"column": "code", "digits": 1}},
    ...     "columns": {"co2": {"role": "target", "unit": "Mt yr-1", "scope": "scope 1", "lag": 2},
    ...                 "population": {"from": "people", "role": "scale", "unit": "1"}}})
    >>> len(panel), panel.features, panel.table["zone"].unique().tolist(), len(panel.observed())
    (2, ('population',), ['1'], 1)
    """
    table, entries = read_panel(path, description)
    try:
        return Panel(table, tuple(PanelColumn(**entry) for entry in entries))
    except PanelError as error:
        if error.where != "panel":
            raise
        raise PanelError(error.what, where=path, expected=error.expected, fix=error.fix) from error

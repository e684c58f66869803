"""The panel: one row for a region and a year, each column with its unit, source and date of knowledge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from yaotan.emission.panel_column import KEYS, RATE, PanelColumn
from yaotan.emission.panel_table import check_columns, find_positions, name_rows, tidy_table
from yaotan.errors import PanelError
from yaotan.units import conversion

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Panel", "PanelColumn"]


@dataclass(frozen=True, eq=False)
class Panel:
    """Regions by years: a target, what may explain it, and what is known of every column.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns ``region`` (text) and ``period`` (year); optionally ``region_name``, ``region_name_zh``,
        ``parent`` (the province of a city: rows of one parent are no independent evidence) and ``zone``
        (a larger region to leave out as a whole); and one column for each entry of `columns`. It is copied,
        sorted by region and period, and numbered from 0.
    columns : tuple of PanelColumn
        At most one target, one weight and one flag.

    Raises
    ------
    PanelError
        A key or column is missing, undeclared or repeated; a region and period stand in two rows; a value is
        no number or infinite; an emission is negative; a year is not whole.

    Notes
    -----
    A row without target is a row to be estimated. Nothing is edited in place: every method gives a new panel.
    A panel says nothing about quality; `check_panel` does.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"region": ["a", "a", "b"], "period": [2001, 2002, 2001],
    ...                       "co2": [80.0, 82.0, None], "population": [1e7, 1.1e7, 2e7]})
    >>> panel = Panel(table, (PanelColumn("co2", "target", "Mt yr-1", lag=2),
    ...                       PanelColumn("population", "scale", "1")))
    >>> panel.target.name, panel.features, len(panel.observed())
    ('co2', ('population',), 2)
    """

    table: pd.DataFrame
    columns: tuple[PanelColumn, ...]

    def __post_init__(self) -> None:
        columns = tuple(self.columns)
        check_columns(self.table, columns)
        table = tidy_table(self.table, columns)
        doubled = table[table.duplicated(["region", "period"], keep=False)]
        if len(doubled):
            raise PanelError(
                f"{len(doubled)} rows share a region and period: {name_rows(doubled)}",
                where="panel",
                expected="each region and period once",
                fix="check_panel(table, columns) lists them; keep one row of each",
            )
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "columns", columns)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.table)

    def column(self, name: str) -> PanelColumn:
        """Give the entry of one column.

        Raises
        ------
        PanelError
            There is none of that name.
        """
        for entry in self.columns:
            if entry.name == name:
                return entry
        raise PanelError(
            f"the panel has no column {name!r}", expected=", ".join(c.name for c in self.columns)
        )

    def _of_role(self, role: str) -> PanelColumn | None:
        return next((entry for entry in self.columns if entry.role == role), None)

    @property
    def target(self) -> PanelColumn:
        """The column to be estimated; an error where the panel has none."""
        found = self._of_role("target")
        if found is None:
            raise PanelError(
                "the panel has no target", where="panel", expected="one column with role target",
                fix="declare it; a saved model needs none to predict",
            )  # fmt: skip
        return found

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns that a model may learn from; none that is derived from the target."""
        return tuple(entry.name for entry in self.columns if entry.learnable)

    @property
    def scales(self) -> tuple[str, ...]:
        """Names of the known sizes among the features."""
        return tuple(entry.name for entry in self.columns if entry.learnable and entry.role == "scale")

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the sectors of the target."""
        return tuple(entry.name for entry in self.columns if entry.role == "part")

    @property
    def flag(self) -> PanelColumn | None:
        """The column that says why a target is not to be used."""
        return self._of_role("flag")

    @property
    def weight(self) -> PanelColumn | None:
        """The column that weighs rows."""
        return self._of_role("weight")

    @property
    def level(self) -> str:
        """What ``region`` is part of: ``"parent"`` where rows have parents, otherwise ``"region"``."""
        return "parent" if "parent" in self.table else "region"

    @property
    def group(self) -> pd.Series:
        """For each row the unit that is independent of the others: its parent, or else its region."""
        return self.table[self.level]

    @property
    def flagged(self) -> np.ndarray:
        """For each row whether its target is marked as not to be used (bool)."""
        if self.flag is None:
            return np.zeros(len(self), bool)
        return (self.table[self.flag.name] != "").to_numpy(bool)

    @property
    def has_target(self) -> np.ndarray:
        """For each row whether its target is there and not flagged (bool)."""
        return self.table[self.target.name].notna().to_numpy(bool) & ~self.flagged

    def matrix(self, names: Iterable[str] | None = None) -> pd.DataFrame:
        """Give the columns that a model learns from.

        Parameters
        ----------
        names : iterable of str, optional
            All features by default.

        Returns
        -------
        pandas.DataFrame
            One row for each of the panel, float64, missing as NaN.

        Raises
        ------
        PanelError
            A name is unknown, or is the target, a part of it, a flag, or derived from the target.
        """
        wanted = self.features if names is None else tuple(names)
        for name in wanted:
            entry = self.column(name)
            if not entry.learnable:
                why = "is derived from the target" if entry.derived_from_target else f"has role {entry.role}"
                raise PanelError(
                    f"{name!r} {why}: no model may learn from it", expected=", ".join(self.features)
                )
        return self.table[list(wanted)].copy()

    def values(self, unit: str | None = None) -> np.ndarray:
        """Give the target [its own unit, or `unit`], flagged rows and rows without target as NaN."""
        scale = 1.0 if unit is None else conversion(self.target.unit, unit)[0]
        values: np.ndarray = self.table[self.target.name].to_numpy(float) * scale
        return np.where(self.has_target, values, np.nan)

    def rates(self) -> np.ndarray:
        """Give the target in kg s-1, the unit of estimates, as `values` does."""
        return self.values(RATE)

    def select(
        self,
        rows: Any = None,
        *,
        period: tuple[int, int] | None = None,
        regions: Iterable[str] | None = None,
        features: Iterable[str] | None = None,
    ) -> Panel:
        """Give a part of the panel.

        Parameters
        ----------
        rows : array-like, optional
            Positions, or one truth value for each row.
        period : tuple of int, optional
            First and last year, both included.
        regions : iterable of str, optional
            Regions to keep.
        features : iterable of str, optional
            Features to keep; columns of other roles stay.

        Returns
        -------
        Panel
            In the order of region and period.

        Raises
        ------
        PanelError
            A region or feature is unknown.
        """
        table = self.table if rows is None else self.table.iloc[find_positions(rows, len(self))]
        if period is not None:
            table = table[table["period"].between(*period)]
        if regions is not None:
            wanted = {str(region) for region in regions}
            unknown = sorted(wanted - set(self.table["region"]))
            if unknown:
                raise PanelError(f"regions are not in the panel: {', '.join(unknown)}")
            table = table[table["region"].isin(wanted)]
        columns = self.columns
        if features is not None:
            kept = set(self.matrix(features).columns)
            columns = tuple(entry for entry in columns if not entry.learnable or entry.name in kept)
        keys = [name for name in KEYS if name in table]
        return Panel(table[keys + [entry.name for entry in columns]], columns)

    def observed(self) -> Panel:
        """Give the rows whose target is there and not flagged."""
        return self.select(self.has_target)

    def hidden(self, rows: Any) -> Panel:
        """Give the panel with everything of the target taken away in some rows.

        Parameters
        ----------
        rows : array-like
            Positions, or one truth value for each row.

        Returns
        -------
        Panel
            There the target, its parts and columns derived from it are missing.
        """
        table = self.table.copy()
        told = [entry.name for entry in self.columns if entry.rate or entry.derived_from_target]
        table.loc[table.index[find_positions(rows, len(self))], told] = np.nan
        return Panel(table, self.columns)

    def known_in(self, year: int) -> Panel:
        """Give the panel as it was known in a year: values whose lag has not passed are missing.

        Parameters
        ----------
        year : int
            A value of year t in a column of lag n is kept where ``t + n <= year``.

        Returns
        -------
        Panel
            With the same rows.
        """
        table = self.table.copy()
        for entry in self.columns:
            if entry.role != "flag":
                table.loc[table["period"] + entry.lag > year, entry.name] = np.nan
        return Panel(table, self.columns)

    def with_columns(self, values: Mapping[str, Any], columns: Iterable[PanelColumn] = ()) -> Panel:
        """Give the panel with columns added or replaced.

        Parameters
        ----------
        values : mapping of str to array-like
            Name to one value for each row; keys such as ``zone`` may be among them.
        columns : iterable of PanelColumn
            Entries of new columns; an entry of a name that is there replaces it.

        Returns
        -------
        Panel
            With the same rows.
        """
        given = {entry.name: entry for entry in columns}
        kept = tuple(given.pop(entry.name, entry) for entry in self.columns)
        return Panel(self.table.assign(**values), (*kept, *given.values()))

    def with_entry(self, name: str, **changes: Any) -> Panel:
        """Give the panel with other facts about one column, such as ``derived_from_target=True``."""
        entry = replace(self.column(name), **changes)
        return Panel(self.table, tuple(entry if old.name == name else old for old in self.columns))

    def missing(self) -> pd.DataFrame:
        """Count what is missing: one row for each column, with ``present``, ``absent`` and ``flagged``."""
        import pandas as pd

        rows = []
        for entry in self.columns:
            if entry.role != "flag":
                absent = int(self.table[entry.name].isna().sum())
                marked = self.flagged & self.table[entry.name].notna().to_numpy()
                flagged = int(marked.sum()) if entry.role == "target" else 0
                rows.append((entry.name, entry.role, len(self) - absent - flagged, absent, flagged))
        return pd.DataFrame(rows, columns=["column", "role", "present", "absent", "flagged"])

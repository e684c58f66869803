"""Coefficients of carbon accounting as data: value, unit, spread, depth, source, edition, check."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, TypeAlias

from pydantic import Field, model_validator

from yaotan.catalog.rule import Entry, Words
from yaotan.catalog.source import load_yaml, root
from yaotan.errors import CatalogError

Distribution: TypeAlias = Literal["normal", "lognormal", "triangular", "fixed"]

#: standard deviations in half the width of a 95 % interval
HALF_WIDTH: Final = 1.959963984540054
#: Ways in which sources state a spread -> standard deviations that it holds; in per cent of the value, or
#: in the unit of the value.
SPREADS: Final = {
    "half_width_95_percent": HALF_WIDTH,
    "two_sd_percent": 2.0,
    "sd_percent": 1.0,
    "half_width_95": HALF_WIDTH,
    "sd": 1.0,
}


@dataclass(frozen=True)
class Factor:
    """One coefficient: value and standard deviation in `units`, and where it is from.

    `sd` is NaN where the source states none. `depth` [m] is that of the soil, or None.
    """

    name: str
    value: float
    sd: float
    units: str
    distribution: Distribution
    edition: str
    source: str
    depth: float | None = None


class FactorTable(Entry):
    """A table of coefficients: one file of ``catalogs/factors``.

    A row holds the keys (text), the value, and the spread where `spread` is given (None: the source states
    none). ``verified: false`` marks numbers that were typed from memory and not seen in a source: they are
    given only to who asks for unverified ones.
    """

    name: str
    title: Words
    quantity: str
    units: str
    edition: str
    source: str
    check: str
    verified: bool = True
    licence: str = "facts"
    depth: float | None = Field(default=None, gt=0)
    distribution: Distribution = "normal"
    spread: Literal["half_width_95_percent", "two_sd_percent", "sd_percent", "half_width_95", "sd"] | None = (
        None
    )
    keys: tuple[str, ...] = Field(min_length=1)
    rows: tuple[tuple[str | float | None, ...], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rows_fit(self) -> FactorTable:
        width = len(self.keys) + (2 if self.spread else 1)
        seen = set()
        for row in self.rows:
            if len(row) != width:
                raise ValueError(f"row {row} has {len(row)} entries, not {width}")
            key, numbers = row[: len(self.keys)], row[len(self.keys) :]
            if not all(isinstance(word, str) for word in key) or not isinstance(numbers[0], (int, float)):
                raise ValueError(f"row {row}: text for {', '.join(self.keys)}, then numbers")
            if key in seen:
                raise ValueError(f"row {key} twice")
            seen.add(key)
        return self

    def find(self, *keys: str) -> Factor:
        """Look up one coefficient.

        Parameters
        ----------
        *keys : str
            One for each of `keys`.

        Returns
        -------
        Factor
            Standard deviation in the unit of the value.

        Raises
        ------
        CatalogError
            No row has these keys; says which do.

        Examples
        --------
        >>> factor_table("soc_reference_ipcc2019").find("high_activity_clay_soils", "warm_temperate_moist")
        Factor(name='soc_reference_ipcc2019: high_activity_clay_soils, warm_temperate_moist', value=64.0, ...)
        """
        width = len(self.keys)
        label = f"{self.name}: {', '.join(keys)}"
        for row in self.rows:
            if row[:width] == keys:
                value = float(row[width] or 0.0)
                return Factor(
                    label, value, self._sd(value, row[width + 1 :]), self.units, self.distribution,
                    self.edition, self.source, self.depth,
                )  # fmt: skip
        asked = ", ".join(f"{k}={v!r}" for k, v in zip(self.keys, keys, strict=False))
        raise CatalogError(
            f"there is no {self.quantity} for {asked}",
            where=self.name,
            expected=self._near(keys),
        )

    def _sd(self, value: float, spread: tuple[str | float | None, ...]) -> float:
        if not self.spread or spread[0] is None:
            return math.nan
        scale = abs(value) / 100.0 if self.spread.endswith("percent") else 1.0
        return float(spread[0]) * scale / SPREADS[self.spread]

    def _near(self, keys: tuple[str, ...]) -> str:
        width = len(self.keys)
        if len(keys) != width:
            return f"{width} keys: {', '.join(self.keys)}"
        for place in range(width):
            fitting = [row for row in self.rows if row[:place] == keys[:place]]
            words = sorted({str(row[place]) for row in fitting})
            if keys[place] not in words:
                near = difflib.get_close_matches(keys[place], words, n=1)
                return f"{self.keys[place]} {f'{near[0]!r}, or ' if near else ''}one of {', '.join(words)}"
        return "a combination that the source has"


@cache
def factor_tables() -> dict[str, FactorTable]:
    """Give every table of ``catalogs/factors`` by name.

    Examples
    --------
    >>> all(table.source and table.check for table in factor_tables().values())
    True
    """
    tables = {}
    for path in sorted((root() / "factors").glob("*.yaml")):
        content = load_yaml(path)
        if content.get("kind", "table") == "table":
            content.pop("kind", None)
            tables[path.stem] = FactorTable.model_validate({"name": path.stem, **content})
    return tables


def factor_table(name: str, *, unverified: bool = False) -> FactorTable:
    """Give one table.

    Parameters
    ----------
    name : str
        File name in ``catalogs/factors`` without ending.
    unverified : bool
        Whether a table that nobody could compare with its source may be given.

    Returns
    -------
    FactorTable
        Typed table.

    Raises
    ------
    CatalogError
        There is no such table, or it is unverified and that was not accepted.

    Examples
    --------
    >>> factor_table("carbon_fraction").find("ipcc2006", "wood").value
    0.47
    """
    tables = factor_tables()
    if name not in tables:
        raise CatalogError(
            f"there is no factor table {name!r}", expected=f"one of {', '.join(sorted(tables))}"
        )
    table = tables[name]
    if not table.verified and not unverified:
        raise CatalogError(
            f"the numbers of {name} were not seen in their source ({table.check})",
            fix="give numbers of your own, or say unverified=True and compare them with the source",
        )
    return table

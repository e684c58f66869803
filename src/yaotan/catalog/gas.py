"""Column variables that the package knows: unit, CF name, symbol."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from pydantic import BaseModel, ConfigDict

from yaotan.catalog.source import load_yaml, root
from yaotan.errors import CatalogError, UnitsError
from yaotan.units import conversion


class Gas(BaseModel):
    """One column variable such as ``xco2``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    units: str
    standard_name: str | None
    symbol: str
    gas: str
    name: dict[str, str]
    plausible: tuple[float, float]
    harp: str | None = None


#: what a column is measured in: mole fraction, amount, mass or number of molecules over an area
_COLUMN_UNITS: Final = ("1", "mol m-2", "kg m-2", "m-2")
#: gases that product files of the user bring
_own: dict[str, Gas] = {}


@cache
def gases() -> dict[str, Gas]:
    """Return every column variable by name: those of ``catalogs/gases.yaml``, and those added.

    Examples
    --------
    >>> gases()["xco2"].units
    'ppm'
    """
    packaged = {name: Gas(**entry) for name, entry in load_yaml(root() / "gases.yaml").items()}
    return {**packaged, **_own}


def add_gases(entries: Mapping[str, Gas]) -> None:
    """Make column variables known to this process, as ``new_gases`` of a product file does.

    Parameters
    ----------
    entries : mapping of str to Gas
        Name -> entry, as in ``catalogs/gases.yaml``.

    Raises
    ------
    CatalogError
        The name is taken by another entry, or is no name; the unit is not that of a column.

    Examples
    --------
    >>> add_gases({"xco2": gases()["xco2"]})  # what is known already changes nothing
    >>> gases()["xco2"].symbol
    'XCO₂'
    """
    global _own
    added = {}
    for name, gas in entries.items():
        if gases().get(name) == gas:
            continue
        if name in gases():
            raise CatalogError(
                f"{name} is known with other facts ({gases()[name]})",
                where="new_gases",
                fix="take another name, or use the known one; an entry that was edited needs a new process",
            )
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise CatalogError(
                f"{name!r} is no name", where="new_gases", expected="small letters, digits and underscores"
            )
        if not _is_column_unit(gas.units):
            raise CatalogError(
                f"{name} is in {gas.units!r}",
                where="new_gases",
                expected=f"a unit of the dimension of {', '.join(map(repr, _COLUMN_UNITS))}",
            )
        added[name] = gas
    if added:  # swapped, not changed: other threads may be reading
        _own = {**_own, **added}
        gases.cache_clear()


def _is_column_unit(units: str) -> bool:
    for kind in _COLUMN_UNITS:
        try:
            conversion(units, kind)
        except UnitsError:
            continue
        return True
    return False

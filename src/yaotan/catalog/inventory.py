"""Emission inventories as data: what each counts, in which unit, and whether its layout was checked."""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import Field

from yaotan.catalog.problem import read_entry
from yaotan.catalog.rule import Entry, Words
from yaotan.catalog.source import root


class Inventory(Entry):
    """One kind of file. With `carbon` the unit counts the carbon in CO2."""

    title: Words
    substance: str
    unit: str
    scope: str
    checked: Literal["file", "note"]
    references: tuple[str, ...] = Field(min_length=1)
    licence: str
    carbon: bool = False


class CeadsWords(Entry):
    """Words of CEADs workbooks, in any spelling."""

    fuels: tuple[str, ...]
    totals: tuple[str, ...]
    not_scope_1: tuple[str, ...]
    total_rows: tuple[str, ...]


class GcpWords(Entry):
    """Columns of GCP sheets that are no country."""

    sums: tuple[str, ...]
    remainders: tuple[str, ...]


class InventoryCatalog(Entry):
    """The whole of ``catalogs/inventories.yaml``."""

    inventories: dict[str, Inventory]
    ceads: CeadsWords
    gcp: GcpWords


@cache
def inventory_catalog() -> InventoryCatalog:
    """Give the catalog of inventories.

    Raises
    ------
    CatalogError
        The packaged file is wrong.

    Examples
    --------
    >>> inventory_catalog().inventories["gcp_fossil"].carbon
    True
    """
    return read_entry(InventoryCatalog, root() / "inventories.yaml")


class PlantEmission(Entry):
    """Column of an emission and its unit."""

    column: str
    unit: str
    substance: str


class PlantList(Entry):
    """The columns of one kind of list; `fuel` where the list is of one fuel."""

    title: Words
    checked: Literal["file", "note"]
    references: tuple[str, ...] = Field(min_length=1)
    licence: str
    columns: dict[
        Literal["source", "name", "longitude", "latitude", "fuel", "capacity", "status", "start", "end"],
        tuple[str, ...],
    ]
    emission: PlantEmission | None = None
    fuel: str = ""


class PlantCatalog(Entry):
    """The whole of ``catalogs/power_plants.yaml``."""

    lists: dict[str, PlantList]
    fuels: dict[str, tuple[str, ...]]
    fossil: tuple[str, ...]
    running: tuple[str, ...]


@cache
def plant_catalog() -> PlantCatalog:
    """Give the catalog of lists of power plants.

    Raises
    ------
    CatalogError
        The packaged file is wrong.

    Examples
    --------
    >>> plant_catalog().fossil
    ('coal', 'gas', 'oil')
    """
    return read_entry(PlantCatalog, root() / "power_plants.yaml")

"""Rasters that are known by product, and what a density may be: ``catalogs/rasters.yaml``."""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import model_validator

from yaotan.catalog.problem import read_entry
from yaotan.catalog.rule import Entry, Words
from yaotan.catalog.source import root


class QuantityRule(Entry):
    """What a density must declare; in `units` all values lie in `plausible`, most of them below `usual`."""

    title: Words
    units: str
    substances: tuple[str, ...]
    depth: bool = False
    plausible: tuple[float, float]
    usual: float
    reason: str


class RasterProduct(Entry):
    """A raster of classes (`scheme`), or of a density (`quantity`, `units`, `substance`, `depth_cm`)."""

    title: Words
    scheme: str | None = None
    year: int | None = None
    quantity: str | None = None
    units: str | None = None
    substance: str | None = None
    depth_cm: tuple[float, float] | None = None
    is_uncertainty: bool = False
    crs: str | None = None
    nodata: float | None = None
    source: str
    licence: str
    checked: Literal["file", "document", "note"]

    @model_validator(mode="after")
    def _one_kind(self) -> RasterProduct:
        if (self.scheme is None) == (self.quantity is None):
            raise ValueError("give one of 'scheme' and 'quantity'")
        return self


class RasterCatalog(Entry):
    """The whole of ``catalogs/rasters.yaml``."""

    quantities: dict[str, QuantityRule]
    products: dict[str, RasterProduct]


@cache
def raster_catalog() -> RasterCatalog:
    """Give the catalog of rasters.

    Raises
    ------
    CatalogError
        The packaged file is wrong.

    Examples
    --------
    >>> raster_catalog().products["mcd12c1"].scheme
    'igbp'
    """
    return read_entry(RasterCatalog, root() / "rasters.yaml")

"""Which service holds which product, and where that is written: ``catalogs/archives.yaml``."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from typing import Literal

from pydantic import Field, field_validator

from yaotan.catalog.problem import read_entry
from yaotan.catalog.rule import Entry
from yaotan.catalog.source import root

ServiceName = Literal["nasa", "copernicus", "http"]


class Service(Entry):
    """Public addresses of a service.

    Parameters
    ----------
    base_url, login_url : str
        Where it is searched, and where one logs in.
    domain : str
        Hosts at or below it may be given the login's token.
    source : str
        Page that describes it.
    """

    base_url: str
    login_url: str
    domain: str = ""
    source: str


class Collection(Entry):
    """One collection of NASA's archive."""

    short_name: str
    version: str
    doi: str = ""


class NasaHolding(Entry):
    """Collections of NASA that make up a product."""

    source: str
    collections: tuple[Collection, ...] = Field(min_length=1)


class CopernicusHolding(Entry):
    """A Sentinel Hub collection and the bands asked of it.

    Parameters
    ----------
    collection : str
        Identifier of the collection in the Catalog and Process services.
    bands : tuple of str
        Bands, in the order of the raster's.
    units : str
        Unit of the values as the service describes it; ``class`` for codes of classes.
    sample_type : str
        Type of the raster's values: ``FLOAT32`` (missing is NaN) or ``UINT8`` (missing is 0).
    least_quality : int, optional
        Smallest quality value [percent] of the soundings that the service may use (Sentinel-5P).
    resolution : float
        Default cell size [degrees].
    base_url, login_url : str, optional
        Another deployment of Sentinel Hub than the service's, where only that one holds the collection.
    source : str
        Page that says so.
    """

    source: str
    collection: str
    bands: tuple[str, ...] = Field(min_length=1)
    units: str
    sample_type: Literal["FLOAT32", "UINT8"] = "FLOAT32"
    least_quality: int | None = Field(default=None, ge=0, le=100)
    resolution: float = Field(gt=0)
    base_url: str | None = None
    login_url: str | None = None

    @property
    def is_class(self) -> bool:
        """Whether the values are codes of classes, of which a mean says nothing."""
        return self.units == "class"


class HttpHolding(Entry):
    """Files below one plain address, listed with checksums in a registry."""

    source: str
    base_url: str
    registry: str = "registry.txt"


class Archive(Entry):
    """Where one product is held.

    Parameters
    ----------
    begins : datetime.date
        First day with data.
    nasa, copernicus, http : holding, optional
        What each service has of it.
    name_date : str, optional
        Pattern with groups ``y``, ``m``, ``d`` that finds the day in a file's name.
    """

    begins: dt.date
    nasa: NasaHolding | None = None
    copernicus: CopernicusHolding | None = None
    http: HttpHolding | None = None
    name_date: str | None = None

    @field_validator("name_date")
    @classmethod
    def _is_a_pattern(cls, pattern: str | None) -> str | None:
        if pattern is not None and set(re.compile(pattern).groupindex) != {"y", "m", "d"}:
            raise ValueError("needs the groups y, m and d")
        return pattern

    def services(self) -> tuple[ServiceName, ...]:
        """Services that hold the product, the first is the default."""
        names: tuple[ServiceName, ...] = ("nasa", "copernicus", "http")
        return tuple(name for name in names if getattr(self, name) is not None)


class ArchiveCatalog(Entry):
    """The whole of ``catalogs/archives.yaml``."""

    services: dict[str, Service]
    products: dict[str, Archive]


@cache
def archives() -> ArchiveCatalog:
    """Return the catalog of archives.

    Raises
    ------
    CatalogError
        The packaged file is wrong.

    Examples
    --------
    >>> archives().products["oco2_lite"].nasa.collections[0].short_name
    'OCO2_L2_Lite_FP'
    >>> archives().products["tropomi_ch4"].services()
    ('nasa', 'copernicus')
    """
    return read_entry(ArchiveCatalog, root() / "archives.yaml")

"""Gridded products as data: how to tell one, where its axes and variables stand, in which units."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from pydantic import Field, model_validator

from yaotan.catalog.gas import gases
from yaotan.catalog.problem import name_problem
from yaotan.catalog.rule import Entry, FillRule, Identification, VersionRule, Words
from yaotan.catalog.source import is_yaml, load_extended, root
from yaotan.errors import CatalogError
from yaotan.typing import PathLike


class GridAxes(Entry):
    """Paths of the axes; the first one present is taken. Bounds that stand alone give the centres too."""

    latitude: tuple[str, ...]
    longitude: tuple[str, ...]
    latitude_bounds: tuple[str, ...] = ()
    longitude_bounds: tuple[str, ...] = ()
    time: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    edge: tuple[str, ...] = ()
    #: ``detect``: a global axis that is not symmetric holds the corners of its cells
    corner: Literal["centre", "detect"] = "centre"


class GridTime(Entry):
    """What one time covers, and where it is written when there is no axis of time.

    ``spacing`` tells months and even steps from their distance; ``cover_by_name`` (pattern of the file name
    -> cover) goes before it, and datasets of the `start` and `stop` (or `length`) of each period before all.
    """

    cover: Literal["month", "day", "instant", "spacing"] = "spacing"
    attributes: tuple[str, ...] = ()
    start: str | None = None
    stop: str | None = None
    length: str | None = None
    year: str | None = None
    month: str | None = None
    file_name: str | None = None
    cover_by_name: dict[str, Literal["month", "day", "instant", "spacing"]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sound(self) -> GridTime:
        for pattern in (self.file_name, *self.cover_by_name):
            if pattern is not None:
                re.compile(pattern)
        if (self.year is None) != (self.month is None):
            raise ValueError("'year' and 'month' go together")
        return self


class GridVariable(Entry):
    """One variable: read from the first of `paths`, a `sum` of others, or pressure from `hybrid` terms.

    `units` holds where the file states none. Column variables (``xco2`` ...) take the unit of the schema,
    fluxes kg C m-2 s-1, others `wanted`.
    """

    paths: tuple[str, ...] = ()
    sum: tuple[str, ...] = ()
    hybrid: tuple[str, ...] = ()
    units: str | None = None
    #: take `units` even where the file states another one that is known to be wrong
    ignore_stated_units: bool = False
    wanted: str | None = None
    flux: bool = False
    uncertainty: tuple[str, ...] = ()
    #: standard deviation that, over the root of the count, stands in for an uncertainty that is not stated
    standard_error_of: tuple[str, ...] = ()
    count: tuple[str, ...] = ()
    #: sum of weights, which stands in for a count that the file lacks
    weight: tuple[str, ...] = ()
    #: where no uncertainty is stated it is missing, and said to be (else the file is refused)
    may_lack_uncertainty: bool = False
    standard_name: str | None = None
    long_name: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> GridVariable:
        if sum(map(bool, (self.paths, self.sum, self.hybrid))) != 1:
            raise ValueError("give one of 'paths', 'sum' and 'hybrid'")
        if self.hybrid and len(self.hybrid) != 3:
            raise ValueError("'hybrid' names a, b and the surface pressure")
        return self


class GridProduct(Entry):
    """One gridded product.

    Parameters
    ----------
    product : str
        Name by which users select it.
    kind : {"observation", "model", "interpolated"}
        Fields of the last two have no counts; see `yaotan.schema.check_grid`.
    checked : {"file", "note"}
        Whether the layout was checked on a real file, or on documents only.
    positive, carbon_as
        Of fluxes: their sign in the file, and whether its masses are of C or of CO2.
    """

    product: str
    title: Words
    kind: Literal["observation", "model", "interpolated"]
    #: global attribute that says the kind of a file, where it does
    kind_attribute: str | None = None
    checked: Literal["file", "note"]
    references: tuple[str, ...]
    licence: str
    identify: Identification = Identification()
    version: tuple[VersionRule, ...] = ()
    axes: GridAxes
    order: Literal["surface_first", "toa_first"] = "surface_first"
    time: GridTime = GridTime()
    fill: FillRule = FillRule(attributes=("_FillValue", "missing_value"))
    units_attributes: tuple[str, ...] = ("units",)
    positive: Literal["to_atmosphere", "to_land"] | None = None
    carbon_as: Literal["C", "CO2"] | None = None
    variables: dict[str, GridVariable]
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> GridProduct:
        for name, variable in self.variables.items():
            if variable.flux and (self.positive is None or self.carbon_as is None):
                raise ValueError(f"{name}: a flux needs 'positive' and 'carbon_as'")
            for part in (*variable.sum, *variable.hybrid):
                if part not in self.variables:
                    raise ValueError(f"{name}: {part} is not among the variables")
            known = variable.flux or variable.sum or variable.wanted or variable.hybrid
            if not known and name not in gases():
                raise ValueError(f"{name}: give 'wanted', its unit")
        return self

    def wanted_units(self, name: str) -> str:
        """Give the unit in which a variable is delivered."""
        if name in gases():
            return gases()[name].units
        rule = self.variables[name]
        return "kg m-2 s-1" if rule.flux else rule.wanted or rule.units or "1"


def read_grid_product(path: PathLike) -> GridProduct:
    """Read and check one entry.

    Parameters
    ----------
    path : path-like
        YAML as in ``catalogs/grids``. A key ``extends: c3s_obs4mips`` takes over every top-level key of a
        packaged entry that the file does not give itself.

    Returns
    -------
    GridProduct
        The entry.

    Raises
    ------
    CatalogError
        Names the file, the key and what is wrong with it.
    """
    with name_problem(path, fix="mend this key (see docs/product/grids.md)"):
        return GridProduct.model_validate(load_extended(path, "grids"))


@cache
def grid_products() -> dict[str, GridProduct]:
    """Give every packaged gridded product by name.

    Examples
    --------
    >>> grid_products()["c3s_obs4mips"].wanted_units("xch4")
    'ppb'
    """
    entries = [read_grid_product(path) for path in sorted((root() / "grids").glob("*.yaml"))]
    return {entry.product: entry for entry in entries}


def find_grid_product(name: PathLike) -> GridProduct:
    """Give a gridded product by its name, or by the path of a user's own file.

    Parameters
    ----------
    name : str or path-like
        Such as ``"nies_gosat_l3"``, or a path that ends in ``.yaml`` or ``.yml``.

    Returns
    -------
    GridProduct
        The entry.

    Raises
    ------
    CatalogError
        No product has this name; the known ones are listed.
    """
    if is_yaml(name):
        return read_grid_product(name)
    known = grid_products()
    if str(name) not in known:
        raise CatalogError(f"gridded product {str(name)!r} is unknown", expected=f"one of {', '.join(known)}")
    return known[str(name)]

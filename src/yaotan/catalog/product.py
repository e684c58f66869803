"""Products as data: how to tell, read, screen and describe one, each from one YAML file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from yaotan.catalog.gas import Gas, add_gases
from yaotan.catalog.problem import name_problem
from yaotan.catalog.rule import (
    Entry,
    FillRule,
    Footprint,
    Identification,
    MeaningRule,
    QualityRule,
    TimeRule,
    VersionRule,
    Vertical,
    Words,
)
from yaotan.catalog.screening import ScreeningRule
from yaotan.catalog.source import is_yaml, load_extended, root
from yaotan.catalog.variable import VariableRule
from yaotan.errors import CatalogError
from yaotan.schema import MODE, SURFACE
from yaotan.typing import PathLike


class Product(Entry):
    """One product: everything the reader needs to know, and the words a report needs.

    Parameters
    ----------
    product : str
        Name by which users select it.
    reader : {"paths", "alias"}
        Variables stand at known paths, or are found by `aliases` in each file.
    identify, version, size_of, fill, variables, quality, surface, mode, time, footprint, vertical
        See the class of each.
    rules : tuple of ScreeningRule
        Conditions that literature recommends beyond the product's own flag.
    reasons : dict
        Words, by language, for each reason why a sounding is lost.
    checked : str
        ``"file"`` when the layout was checked on a real file, ``"note"`` when only on documents.
    """

    product: str
    title: Words
    platform: str
    instrument: str
    references: tuple[str, ...]
    licence: str
    gases: tuple[str, ...]
    checked: Literal["file", "note"]
    reader: Literal["paths", "alias"] = "paths"
    identify: Identification
    version: tuple[VersionRule, ...] = ()
    #: dataset along the soundings; of several, the first that the file has
    size_of: str | tuple[str, ...] | None = None
    #: how many leading axes of `size_of` make up the soundings (3 for time x scanline x pixel)
    sounding_axes: int = Field(default=1, ge=1, le=3)
    #: where the numbers of scan lines and of the pixels along them stand, for products that are images
    scan: tuple[str, str] | None = None
    fill: FillRule = FillRule()
    units_attributes: tuple[str, ...] = ("units",)
    variables: dict[str, VariableRule] = Field(default_factory=dict)
    quality: QualityRule | None = None
    surface: tuple[MeaningRule, ...] = ()
    mode: tuple[MeaningRule, ...] = ()
    time: tuple[TimeRule, ...] = ()
    footprint: tuple[Footprint, ...] = ()
    #: width seen across the track [km]; decides whether an orbit came by a region
    swath_km: float = Field(default=10.0, gt=0)
    vertical: Vertical | None = None
    #: of a format that holds levels or layers: the first whose `test` the file has becomes `vertical`
    vertical_choices: tuple[Vertical, ...] = ()
    rules: tuple[ScreeningRule, ...] = ()
    reasons: dict[str, Words] = Field(default_factory=dict)
    aliases: dict[str, tuple[tuple[str, ...], ...]] = Field(default_factory=dict)
    required: tuple[str, ...] = ()
    #: variables, or datasets of the file, that tell soundings of one time and place apart (height of an
    #: inlet, number of a flask, time of an analysis)
    distinct_by: tuple[str, ...] = ()
    #: attribute of the table -> global attribute, or column of text, of the file (site, scale, provider);
    #: several are joined
    attributes: dict[str, str] = Field(default_factory=dict)
    #: attributes of the table that every file of the product deserves and none has (rows are monthly means)
    stated: dict[str, str] = Field(default_factory=dict)
    #: column variables that ``catalogs/gases.yaml`` does not have (docs/howto/add_gas.md)
    new_gases: dict[str, Gas] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _make_gases_known(self) -> Product:
        try:
            add_gases(self.new_gases)
        except CatalogError as error:
            raise ValueError(str(error)) from error
        return self

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Make the gases known to the process that a table is sent to, too."""
        super().__setstate__(state)
        add_gases(self.new_gases)

    @model_validator(mode="after")
    def _known_names(self) -> Product:
        for kind, rules, known in (("surface", self.surface, SURFACE), ("mode", self.mode, MODE)):
            for rule in rules:
                unknown = rule.names() - set(known)
                if unknown:
                    raise ValueError(f"{kind}: {sorted(unknown)} not among {sorted(known)}")
        if self.reader == "paths" and not (self.size_of and self.time and self.variables):
            raise ValueError("'size_of', 'time' and 'variables' are needed when reader is 'paths'")
        if self.reader == "alias" and not self.aliases:
            raise ValueError("'aliases' are needed when reader is 'alias'")
        return self


def read_product(path: PathLike) -> Product:
    """Read and check one product file.

    Parameters
    ----------
    path : path-like
        YAML; an unknown key is an error. A key ``extends: oco2_lite`` takes over every top-level key of
        a packaged product that the file does not give itself.

    Returns
    -------
    Product
        The entry.

    Raises
    ------
    CatalogError
        Names the file, the key and what is wrong with it.
    """
    with name_problem(path, fix="mend this key (see docs/product)"):
        return Product.model_validate(load_extended(path, "products"))


@cache
def _packaged() -> dict[str, Product]:
    entries = [read_product(path) for path in sorted((root() / "products").glob("*.yaml"))]
    return {entry.product: entry for entry in entries}


def load_products(extra: Sequence[PathLike] = ()) -> dict[str, Product]:
    """Give every known product by name.

    Parameters
    ----------
    extra : sequence of path-like, optional
        Product files of the user's own; one that has the name of a packaged product replaces it.

    Returns
    -------
    dict
        Name to `Product`.

    Raises
    ------
    CatalogError
        A file is wrong.

    Examples
    --------
    >>> load_products()["oco2_lite"].platform
    'OCO-2'
    """
    own = [read_product(Path(path)) for path in extra]
    return {**_packaged(), **{entry.product: entry for entry in own}}


def find_product(name: str) -> Product:
    """Give a product by its name, or by the path of a user's own product file.

    Parameters
    ----------
    name : str
        Such as ``"oco2_lite"``, or a path that ends in ``.yaml`` or ``.yml``.

    Returns
    -------
    Product
        The entry.

    Raises
    ------
    CatalogError
        No product has this name; the known ones are listed.
    """
    if is_yaml(name):
        return read_product(name)
    products = load_products()
    if name not in products:
        raise CatalogError(f"product {name!r} is unknown", expected=f"one of {', '.join(sorted(products))}")
    return products[name]

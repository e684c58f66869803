"""Products as data: how to tell, read, screen and describe one, each from one YAML file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from yaotan.catalog.source import load_yaml, root
from yaotan.errors import CatalogError
from yaotan.schema import MODE, SURFACE
from yaotan.typing import PathLike

Words = dict[str, str]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Fact(_Entry):
    """A statement on a file's content: an attribute, or a dataset of text, matches a pattern."""

    attribute: str | None = None
    path: str | None = None
    pattern: str

    @model_validator(mode="after")
    def _one_place(self) -> Fact:
        if (self.attribute is None) == (self.path is None):
            raise ValueError("give one of 'attribute' and 'path'")
        re.compile(self.pattern)
        return self


class Identification(_Entry):
    """How a file shows which product it is.

    Every `required` path must exist and no `forbidden` one may; a `fact` that is present must match.
    Matching facts, `evidence` paths and the file name are counted; `minimum_evidence` of them are needed,
    and the product with most of them wins. Attributes weigh more than paths, paths more than the name.
    """

    required: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    evidence: tuple[str, ...] = ()
    minimum_evidence: int = 0
    file_name: str | None = None


class VersionRule(_Entry):
    """One place where a version may be found; the groups of `pattern` are joined by points."""

    attribute: str | None = None
    path: str | None = None
    file_name: bool = False
    pattern: str


class FillRule(_Entry):
    """What marks a missing value: attribute names first, constants where a variable has none of them."""

    attributes: tuple[str, ...] = ("missing_value", "_FillValue")
    constants: tuple[float, ...] = ()


class Source(_Entry):
    """One way to get a variable out of a file.

    `paths` must all exist; `optional` ones are used where they exist. `compute` names how several are
    put together (see `yaotan.io.derive`). `units` overrides a missing or wrong unit in the file.
    """

    paths: tuple[str, ...]
    optional: tuple[str, ...] = ()
    compute: Literal["copy", "quadrature", "normalise", "equal_pressure_edges"] = "copy"
    units: str | None = None
    units_source: str | None = None
    bias_corrected: bool | None = None
    comment: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"paths": (value,)}
        if isinstance(value, dict) and isinstance(value.get("path"), str):
            return {**{key: item for key, item in value.items() if key != "path"}, "paths": (value["path"],)}
        return value


class VariableRule(_Entry):
    """Where a variable comes from, the best source first; `units` only for names outside the schema."""

    sources: tuple[Source, ...]
    units: str | None = None
    long_name: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"sources": (value,)}
        if isinstance(value, list):
            return {"sources": tuple(value)}
        if isinstance(value, dict) and "sources" not in value:
            own = {key: value[key] for key in ("long_name",) if key in value}
            rest = {key: item for key, item in value.items() if key not in own}
            return {**own, "sources": (rest,)}
        return value


class FlagRule(_Entry):
    """A variable that says good or not; absent ones are passed over unless `required`."""

    path: str
    name: str
    good: tuple[int | str, ...] = (0,)
    meanings: dict[int | str, str] = Field(default_factory=dict)
    required: bool = False


class BitRule(_Entry):
    """A bit field that says why a sounding is bad; the names of the bits stand in an attribute."""

    path: str
    names_attribute: str | None = None
    names: tuple[str, ...] = ()


class QualityRule(_Entry):
    """Flags that must all be good, in order of weight (the first present becomes ``quality_native``)."""

    flags: tuple[FlagRule, ...]
    bits: BitRule | None = None


class Interval(_Entry):
    """Values between `min` and `max`, both included, mean `name`."""

    name: str
    min: float | None = None
    max: float | None = None


class MeaningRule(_Entry):
    """How a native variable is turned into a flag of the schema: by value, or by interval."""

    path: str
    map: dict[int | str, str] = Field(default_factory=dict)
    ranges: tuple[Interval, ...] = ()
    comment: str | None = None

    def names(self) -> set[str]:
        """List the meanings that the rule may give."""
        return {*self.map.values(), *(interval.name for interval in self.ranges)}


class TimeRule(_Entry):
    """Where time is and how it is written: epoch numbers, ISO-like text, digits or date columns."""

    path: str
    kind: Literal["epoch", "text", "digits", "columns"] = "epoch"
    units: str | None = None
    offset_hours: float = 0.0


class Footprint(_Entry):
    """Where the corners come from: four corners, a ring of points, or a circle of known size."""

    kind: Literal["corners", "ring", "circle"]
    latitude: str | None = None
    longitude: str | None = None
    diameter_km: float | None = None
    source: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Footprint:
        if self.kind == "circle":
            if not self.diameter_km or not self.source:
                raise ValueError("a circle needs 'diameter_km' and its 'source'")
        elif not (self.latitude and self.longitude):
            raise ValueError(f"{self.kind} needs the paths 'latitude' and 'longitude'")
        return self


class Vertical(_Entry):
    """What the vertical axis is: its kind, the declared order, and what the order is tested with.

    ``order="test"`` decides from `test`, a pressure; a declared order is checked: with a pressure
    when `test` is one, else with an averaging kernel (`test_kind`), which grows towards the surface.
    """

    kind: Literal["level", "layer"]
    order: Literal["test", "toa_first", "surface_first"] = "test"
    test: str
    test_kind: Literal["pressure", "kernel"] = "pressure"


class ScreeningRule(_Entry):
    """A named condition on a variable that keeps a sounding; used by ``column.screening``."""

    name: str
    variable: str
    min: float | None = None
    max: float | None = None
    among: tuple[float | str, ...] | None = Field(default=None, alias="in")
    words: Words

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="after")
    def _says_something(self) -> ScreeningRule:
        if self.min is None and self.max is None and self.among is None:
            raise ValueError("give 'min', 'max' or 'in'")
        return self


class Product(_Entry):
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
    size_of: str | None = None
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
    rules: tuple[ScreeningRule, ...] = ()
    reasons: dict[str, Words] = Field(default_factory=dict)
    aliases: dict[str, tuple[tuple[str, ...], ...]] = Field(default_factory=dict)
    required: tuple[str, ...] = ()

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
    content = load_yaml(path)
    if "extends" in content:
        base = root() / "products" / f"{content.pop('extends')}.yaml"
        content = {**load_yaml(base), **content}
    try:
        return Product.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise CatalogError(
            f"{key or 'entry'}: {problem['msg']}", where=path, fix="mend this key (see docs/product)"
        ) from error


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
    if str(name).endswith((".yaml", ".yml")):
        return read_product(name)
    products = load_products()
    if name not in products:
        raise CatalogError(f"product {name!r} is unknown", expected=f"one of {', '.join(sorted(products))}")
    return products[name]

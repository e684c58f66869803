"""The parts of a product entry: how to identify, place, fill, flag, time and screen it."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Words = dict[str, str]


class Entry(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Fact(Entry):
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


class Identification(Entry):
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


class VersionRule(Entry):
    """One place where a version may be found; the groups of `pattern` are joined by points."""

    attribute: str | None = None
    path: str | None = None
    file_name: bool = False
    pattern: str


class FillRule(Entry):
    """What marks a missing value: attribute names first, constants where a variable has none of them."""

    attributes: tuple[str, ...] = ("missing_value", "_FillValue")
    constants: tuple[float, ...] = ()


class Source(Entry):
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


class VariableRule(Entry):
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


class FlagRule(Entry):
    """A variable that says good or not; absent ones are passed over unless `required`."""

    path: str
    name: str
    good: tuple[int | str, ...] = (0,)
    meanings: dict[int | str, str] = Field(default_factory=dict)
    required: bool = False


class BitRule(Entry):
    """A bit field that says why a sounding is bad; the names of the bits stand in an attribute."""

    path: str
    names_attribute: str | None = None
    names: tuple[str, ...] = ()


class QualityRule(Entry):
    """Flags that must all be good, in order of weight (the first present becomes ``quality_native``)."""

    flags: tuple[FlagRule, ...]
    bits: BitRule | None = None


class Interval(Entry):
    """Values between `min` and `max`, both included, mean `name`."""

    name: str
    min: float | None = None
    max: float | None = None


class MeaningRule(Entry):
    """How a native variable is turned into a flag of the schema: by value, or by interval."""

    path: str
    map: dict[int | str, str] = Field(default_factory=dict)
    ranges: tuple[Interval, ...] = ()
    comment: str | None = None

    def names(self) -> set[str]:
        """List the meanings that the rule may give."""
        return {*self.map.values(), *(interval.name for interval in self.ranges)}


class TimeRule(Entry):
    """Where time is and how it is written: epoch numbers, ISO-like text, digits or date columns."""

    path: str
    kind: Literal["epoch", "text", "digits", "columns"] = "epoch"
    units: str | None = None
    offset_hours: float = 0.0


class Footprint(Entry):
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


class Vertical(Entry):
    """What the vertical axis is: its kind, the declared order, and what the order is tested with.

    ``order="test"`` decides from the dataset `test`, a declared order is checked with it: a pressure or an
    averaging kernel, both of which grow towards the surface.
    """

    kind: Literal["level", "layer"]
    order: Literal["test", "toa_first", "surface_first"] = "test"
    test: str


class ScreeningRule(Entry):
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

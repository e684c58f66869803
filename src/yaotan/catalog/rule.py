"""The parts of a product entry: how to identify, fill, flag, time and place it."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Words = dict[str, str]


class Entry(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Fact(Entry):
    """A statement on a file's content.

    An attribute of the file (or, with `path`, of that dataset) or a dataset of text matches `pattern`, every
    row of a column of text does; where a file lacks what is spoken of, its name must match `file_name`, if
    that is given (the heading of a table may have been cut off). Or a dataset lies along the dimensions
    `dims`: a pattern of their names, joined by commas (none for a scalar).
    """

    attribute: str | None = None
    path: str | None = None
    pattern: str | None = None
    dims: str | None = None
    file_name: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Fact:
        if self.attribute is None and self.path is None:
            raise ValueError("give 'attribute' or 'path'")
        if (self.pattern is None) == (self.dims is None):
            raise ValueError("give one of 'pattern' and 'dims'")
        if self.dims is not None and (self.path is None or self.attribute or self.file_name):
            raise ValueError("'dims' goes with 'path' alone")
        for pattern in (self.pattern, self.dims, self.file_name):
            re.compile(pattern or "")
        return self


class Identification(Entry):
    """How a file shows which product it is.

    Every `required` path must exist and no `forbidden` one may; a `fact` that is present must match.
    Matching facts, `evidence` paths and the file name are counted; `minimum_evidence` of them are needed,
    and the product with most of them wins. Attributes weigh more than paths, paths more than the name.
    What is `consistent` must match where it is present too, but proves nothing: a satellite with several
    instruments.
    """

    required: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    consistent: tuple[Fact, ...] = ()
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
    """What marks a missing value: attribute names first, constants where a variable has none of them.

    With `limits`, what lies beyond the attributes ``valid_min`` and ``valid_max`` is missing too.
    """

    attributes: tuple[str, ...] = ("missing_value", "_FillValue")
    constants: tuple[float, ...] = ()
    limits: bool = False


class FlagRule(Entry):
    """A variable that says good or not: by value, by interval (decoded, fill is bad) or by pattern of text.

    A `required` flag that a file lacks leaves the quality of its soundings unknown: such a file opens with
    ``quality="all"`` only. Others are passed over where they are absent. A flag `of` a dataset speaks of that
    one alone: in a file without it (the other gas of a product) it is neither asked for nor used, nor is one
    whose `when` does not hold. Values among `unknown` say neither.
    """

    path: str
    name: str
    of: str | None = None
    good: tuple[int | str, ...] = (0,)
    min: float | None = None
    max: float | None = None
    pattern: str | None = None
    meanings: dict[int | str, str] = Field(default_factory=dict)
    required: bool = False
    when: Fact | None = None
    unknown: tuple[int, ...] = ()


class BitRule(Entry):
    """A bit field that says why a sounding is bad; the names of the bits stand in an attribute."""

    path: str
    names_attribute: str | None = None
    names: tuple[str, ...] = ()


class QualityRule(Entry):
    """Flags that must all be good, in order of weight (the first present becomes ``quality_native``).

    With `one_suffices` each flag speaks of a column of its own, which holds values only where it is good
    (computation ``where_good``): a sounding is good when any of them is.
    """

    flags: tuple[FlagRule, ...]
    one_suffices: bool = False
    bits: BitRule | None = None
    #: why every sounding counts as good in a product without a flag
    assumed: str | None = None
    #: what a file must say of itself for that; else the quality of its soundings is unknown
    assumed_when: Fact | None = None
    #: what a file lacks that has none of the flags: the quality of its soundings is then unknown
    unknown_without: str | None = None


class Interval(Entry):
    """Values between `min` and `max`, both included, mean `name`."""

    name: str
    min: float | None = None
    max: float | None = None


class MeaningRule(Entry):
    """How a native variable is turned into a flag of the schema: by value (of some bits), or by interval."""

    path: str
    mask: int | None = None
    map: dict[int | str, str] = Field(default_factory=dict)
    ranges: tuple[Interval, ...] = ()
    comment: str | None = None

    def names(self) -> set[str]:
        """List the meanings that the rule may give."""
        return {*self.map.values(), *(interval.name for interval in self.ranges)}


class TimeRule(Entry):
    """Where time is and how it is written.

    `kind`: numbers since an epoch; text (ISO-like, or as `format` says, in the letters of strptime);
    digits (YYYYMMDDhhmmss...); columns (one dataset of year, month ..., or several in `columns`, where year
    and month alone stand for the middle of the month); offset: numbers in `units` to be added to the time
    in `reference`.
    """

    path: str
    kind: Literal["epoch", "text", "digits", "columns", "offset"] = "epoch"
    units: str | None = None
    format: str | None = None
    columns: tuple[str, ...] = ()
    reference: str | None = None
    offset_hours: float = 0.0

    @model_validator(mode="after")
    def _complete(self) -> TimeRule:
        if (self.kind == "offset") != (self.reference is not None):
            raise ValueError("'reference' goes with kind 'offset', and only with it")
        return self

    def paths(self) -> tuple[str, ...]:
        """List what the rule reads."""
        return (*(self.columns or (self.path,)), *((self.reference,) if self.reference else ()))


class Footprint(Entry):
    """Where the corners come from: four corners, a ring of points, or a circle of known size.

    `order` says in which order the stored corners go round the pixel, where the stored one does not.
    """

    kind: Literal["corners", "ring", "circle"]
    latitude: str | None = None
    longitude: str | None = None
    when: Fact | None = None
    select: tuple[int, ...] = ()
    order: tuple[int, ...] = ()
    diameter_km: float | None = None
    source: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Footprint:
        if self.kind == "circle":
            if not self.diameter_km or not self.source:
                raise ValueError("a circle needs 'diameter_km' and its 'source'")
        elif not (self.latitude and self.longitude):
            raise ValueError(f"{self.kind} needs the paths 'latitude' and 'longitude'")
        if self.order and (self.kind != "corners" or sorted(self.order) != [0, 1, 2, 3]):
            raise ValueError("'order' takes the numbers 0 to 3 once each, and goes with kind 'corners'")
        return self


class Vertical(Entry):
    """What the vertical axis is: its kind, the declared order, and what the order is tested with.

    ``order="test"`` decides from the dataset `test`, a declared order is checked with it where it is there:
    a pressure or an averaging kernel, both of which grow towards the surface (``grows: up`` for an
    altitude, which does not).

    ``kind="either"`` decides file by file: where `test`, the pressures, are one more than the values of a
    profile they are the edges of its layers (``pressure_edge``), where they are as many they are its levels
    (``pressure_level``).
    """

    kind: Literal["level", "layer", "either"]
    order: Literal["test", "toa_first", "surface_first"] = "test"
    test: str | None = None
    grows: Literal["down", "up"] = "down"

    @model_validator(mode="after")
    def _testable(self) -> Vertical:
        if self.order == "test" and self.test is None:
            raise ValueError("order 'test' needs the dataset 'test'")
        if self.kind == "either" and self.test is None:
            raise ValueError("kind 'either' needs the dataset 'test'")
        return self

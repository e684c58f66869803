"""Where a variable of a product stands in its files, and what is made of several datasets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from yaotan.catalog.rule import Entry, Fact

#: what several datasets are put together by (see `yaotan.io.derive`)
Computation = Literal[
    "copy",
    "total",
    "quadrature",
    "normalise",
    "equal_pressure_edges",
    "interval_edges",
    "hybrid_edges",
    "hybrid_levels",
    "pair_edges",
    "bottom_edges",
    "tropospheric_kernel",
    "ratio",
    "column_ratio",
    "blended_albedo",
    "where_good",
    "trusted_kernel",
    "dry_fraction",
    "dry_operator",
    "dry_air_weight",
    "kernel_of_angle",
    "day_profile",
    "packed_levels",
    "hydrostatic_weight",
    "profile_column",
    "log_column_kernel",
]


class Source(Entry):
    """One way to get a variable out of a file.

    Parameters
    ----------
    paths, optional : tuple of str
        Datasets that must all exist; ones that are used where they exist. ``@NAME`` is a global attribute.
    compute : str
        How several are put together (see `yaotan.io.derive`).
    units : str, optional
        Wins over a missing or wrong unit in the file; ``@NAME`` is what the global attribute says. For a
        computation that gives a unit of its own (ratios), the unit of its result.
    term_units : tuple of str
        For such computations: the unit that each term is brought to first, empty for a flag.
    units_by_value : dict
        Unit -> (least, greatest) plausible value: decides where the file's attribute is known to be wrong.
    judged : tuple of str
        The paths that `units_by_value` speaks of; default all.
    trust_attribute : bool
        `units_by_value` is asked only where the file states no unit.
    unit_factors : dict
        Unit of the file -> factor that turns its values into `units`, where that is no change of unit (a
        kernel in metres over the thickness of its layers), with the reason in `comment`.
    missing : tuple of float
        Values as decoded that mean "not measured", beside the fills of the file.
    shared : tuple of str
        Paths without a sounding axis: the same for all soundings.
    trailing : bool
        The sounding axes stand last in the dataset instead of first.
    select : tuple of int
        Index along each of the first axes after the sounding axes (a band, a species).
    selected : tuple of str
        The paths that `select` speaks of; default all.
    when : Fact, optional
        The source is offered only where this holds in the file.
    value : float, optional
        A constant, in `units`, in place of paths (position of a station, with its source in `comment`);
        NaN for a latitude and longitude that the product does not hold, which are then delivered as missing.
    bias_corrected, comment, units_source
        Said in the attributes of the variable.
    """

    paths: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    compute: Computation = "copy"
    units: str | None = None
    term_units: tuple[str, ...] = ()
    units_by_value: dict[str, tuple[float, float]] = Field(default_factory=dict)
    judged: tuple[str, ...] = ()
    trust_attribute: bool = False
    unit_factors: dict[str, float] = Field(default_factory=dict)
    missing: tuple[float, ...] = ()
    units_source: str | None = None
    shared: tuple[str, ...] = ()
    trailing: bool = False
    select: tuple[int, ...] = ()
    selected: tuple[str, ...] = ()
    when: Fact | None = None
    value: float | None = None
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

    @model_validator(mode="after")
    def _something(self) -> Source:
        if bool(self.paths) == (self.value is not None):
            raise ValueError("give 'path', 'paths' or a constant 'value'")
        if self.value is not None and not self.comment:
            raise ValueError("a constant needs a 'comment' that names its source")
        return self

    def __str__(self) -> str:
        return " + ".join(self.paths) if self.paths else f"constant {self.value}"


class VariableRule(Entry):
    """Where a variable comes from, the best source first.

    `units` and `vertical` (one value per level or layer) are for names outside the schema only.
    """

    sources: tuple[Source, ...]
    units: str | None = None
    long_name: str | None = None
    vertical: bool = False

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"sources": (value,)}
        if isinstance(value, list):
            return {"sources": tuple(value)}
        if isinstance(value, dict) and "sources" not in value:
            own = {key: value[key] for key in ("long_name", "vertical") if key in value}
            rest = {key: item for key, item in value.items() if key not in own}
            return {**own, "sources": (rest,)}
        return value

"""The study file: what it may say, checked before anything is read."""

from __future__ import annotations

import difflib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from yaotan.catalog.screening import ScreeningRule
from yaotan.catalog.source import load_yaml
from yaotan.errors import CatalogError, RecipeError
from yaotan.recipes.carbon_option import CarbonOptions
from yaotan.recipes.emission_option import EmissionOptions
from yaotan.recipes.fill_option import FillOptions
from yaotan.recipes.option import (
    AnomalyOptions,
    ClaimOptions,
    FusionOptions,
    HotspotOptions,
    PriorOptions,
    Strict,
    TrendOptions,
    ValidationOptions,
)
from yaotan.recipes.plume_option import PlumeOptions
from yaotan.typing import PathLike

Language = Literal["en", "zh"]
#: keys that stand on soundings
_OF_SOUNDINGS = ("truth", "prior", "fill", "trend", "anomaly", "validation", "hotspots", "claims", "fusion")


class Rule(ScreeningRule):
    """One screening rule of the user's own: keep soundings whose variable lies within bounds."""

    words: dict[str, str] = Field(default_factory=dict)


class Input(Strict):
    """One set of granules: files, a folder or a pattern, relative to the study file."""

    path: str | list[str]
    #: name of a product, or the user's own product file (.yaml), relative to the study file
    product: str | None = None
    aliases: str | None = None
    #: take a layout that the catalog has from documents only as known
    trust_layout: bool = False
    quality: Literal["good", "all"] = "good"
    #: screening rules: names from the product's catalog entry, or rules written out
    rules: list[str | Rule] = Field(default_factory=list)
    #: fully correlated 1-sigma of the product [unit of the column], for a product with several columns by
    #: name; none means not known and not included
    systematic: Annotated[float, Field(ge=0)] | dict[str, Annotated[float, Field(ge=0)]] | None = None


class GridOptions(Strict):
    """The target grid and how soundings are weighted."""

    resolution: float = Field(default=1.0, gt=0)
    frequency: Literal["month"] = "month"
    weight: Literal["area", "centre", "footprint", "response"] = "area"
    #: correlation of errors between soundings of one overpass in one cell
    overpass_correlation: float = Field(default=0.5, ge=0, le=1)


class RegionOptions(Strict):
    """Regions of the table: a file, or the name of a built-in set."""

    path: str | None = None
    name: str | None = None
    region_id: str | None = None
    region_name: str | None = None
    region_name_zh: str | None = None
    #: printed under the maps; one text, or one for each language
    source: str | dict[str, str] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> RegionOptions:
        if (self.path is None) == (self.name is None):
            raise ValueError("give either path (a file) or name (a built-in set such as key_regions)")
        return self


class ContrastOptions(Strict):
    """Which differences to state, each with an interval."""

    #: meridian [degrees east] between west and east; none leaves the contrast out
    west_east: float | None = 105.0
    #: latitude [degrees north] between south and north; none leaves the contrast out
    zonal: float | None = 33.0
    #: pairs of region ids, first minus second
    regions: list[tuple[str, str]] = Field(default_factory=list)
    level: float = Field(default=0.95, gt=0.5, lt=1)


class Study(Strict):
    """A whole study: what to read, how to grid it, which regions, where to write."""

    title: str | dict[str, str]
    language: Language = "en"
    output: str = "results"
    period: tuple[date, date]
    region: tuple[float, float, float, float] | None = None
    #: soundings; a study of carbon alone has none
    inputs: list[Input] = Field(default_factory=list)
    grid: GridOptions = GridOptions()
    regions: RegionOptions
    contrasts: ContrastOptions = ContrastOptions()
    #: e-folding length of errors between cells [km], for the uncertainty of regional means
    correlation_length: float = Field(default=100.0, ge=0)
    #: least number of soundings in a cell-month for it to enter tables and maps
    minimum_count: int = Field(default=1, ge=1)
    on_error: Literal["raise", "skip"] = "raise"
    #: truth file of a simulated study
    truth: str | None = None
    #: the prior that all columns with kernels are brought to
    prior: PriorOptions | None = None
    #: column analyses; none means not asked for, {} asks with all defaults
    fill: FillOptions | None = None
    trend: TrendOptions | None = None
    anomaly: AnomalyOptions | None = None
    validation: ValidationOptions | None = None
    hotspots: HotspotOptions | None = None
    claims: list[ClaimOptions] = Field(default_factory=list)
    fusion: FusionOptions | None = None
    #: ecosystem carbon; none means not asked for
    carbon: CarbonOptions | None = None
    #: point sources; none means not asked for
    plumes: PlumeOptions | None = None
    #: emissions of regions by year; none means not asked for
    emission: EmissionOptions | None = None

    def trusting(self) -> Study:
        """Give the same study with ``trust_layout: true`` at every input."""
        inputs = [item.model_copy(update={"trust_layout": True}) for item in self.inputs]
        return self.model_copy(update={"inputs": inputs})

    @model_validator(mode="after")
    def _something_to_do(self) -> Study:
        if not self.inputs and not any((self.carbon, self.plumes, self.emission)):
            raise ValueError("there is nothing to do: give inputs (soundings), carbon, plumes or emission")
        asked = [name for name in _OF_SOUNDINGS if getattr(self, name)]
        if not self.inputs and asked:
            raise ValueError(f"{asked[0]} needs inputs (soundings)")
        return self

    @field_validator("period")
    @classmethod
    def _in_order(cls, period: tuple[date, date]) -> tuple[date, date]:
        if period[0] > period[1]:
            raise ValueError(f"the period ends ({period[1]}) before it starts ({period[0]})")
        return period

    @field_validator("region")
    @classmethod
    def _on_earth(cls, region: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if region is not None:
            west, south, east, north = region
            if not (
                -90 <= south < north <= 90 and -180 <= west <= 180 and -180 <= east <= 180 and west != east
            ):
                raise ValueError("must be [west, south, east, north] in degrees, south below north")
        return region

    @field_validator("title")
    @classmethod
    def _both_titles(cls, title: str | dict[str, str]) -> str | dict[str, str]:
        if isinstance(title, dict) and set(title) - {"en", "zh"}:
            raise ValueError("has languages other than en and zh")
        return title

    def title_in(self, language: str) -> str:
        """Give the title in one language, else in the one there is."""
        if isinstance(self.title, str):
            return self.title
        return self.title.get(language) or next(iter(self.title.values()))


def _keys_at(location: tuple[Any, ...]) -> list[str]:
    """List the keys that the model allows at a place in the file."""
    model: Any = Study
    for part in location:
        if isinstance(part, int) or part in ("str", "Rule", "tuple", "dict[str,str]"):
            continue
        field = model.model_fields.get(part)
        if field is None:
            return []
        candidates = [field.annotation, *get_args(field.annotation)]
        candidates += [deep for one in candidates for deep in get_args(one)]
        model = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
        if model is None:
            return []
    return list(model.model_fields)


def _describe(problem: Any) -> str:
    """Turn one pydantic problem into words, with the nearest known key."""
    location = problem["loc"]
    place = ".".join(str(part) for part in location if part not in ("str", "Rule"))
    if problem["type"] == "extra_forbidden":
        known = _keys_at(location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.0)
        return f"unknown key {place!r}; did you mean {near[0]!r}?" if near else f"unknown key {place!r}"
    if problem["type"] == "missing":
        return f"key {place!r} is missing"
    if problem["type"] in ("tuple_type", "list_type"):
        return f"{place}: must be a list in brackets, such as [a, b] (got {problem['input']!r})"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {message} (got {problem['input']!r})"


def load_study(path: PathLike) -> Study:
    """Read and check a study file.

    Parameters
    ----------
    path : path-like
        ``study.yaml``.

    Returns
    -------
    Study
        With paths as written; `run` takes them relative to the file.

    Raises
    ------
    RecipeError
        Every problem at once, an unknown key with the nearest known one.
    """
    try:
        content = load_yaml(path)
    except CatalogError as error:
        raise RecipeError(error.what, where=Path(path), expected=error.expected, fix=error.fix) from error
    try:
        return Study(**content)
    except (ValidationError, TypeError) as error:
        problems = error.errors() if isinstance(error, ValidationError) else []
        words = "; ".join(dict.fromkeys(_describe(problem) for problem in problems)) or str(error)
        raise RecipeError(
            words, where=Path(path), fix="mend the study file (docs/recipe.md lists every key)"
        ) from None

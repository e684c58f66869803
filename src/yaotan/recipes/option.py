"""What a study file may say of the column analyses; each is absent unless asked for."""

from __future__ import annotations

import math
from datetime import date
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from yaotan.column.hotspot.hotspot import ANYWHERE


class Strict(BaseModel):
    """Part of a study file: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _as_text(value: Any) -> Any:
    """Take a code that YAML reads as a number (310000) as the text that it is."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


#: id or name of a region of the study or of a key region
Place = Annotated[str, BeforeValidator(_as_text)]
Positive = Annotated[float, Field(gt=0)]


def _month(value: Any) -> Any:
    """Check that a text is a month such as 2020-01."""
    try:
        fine = isinstance(value, str) and str(pd.Period(value, "M")) == value
    except ValueError:
        fine = False
    if not fine:
        raise ValueError(f"{value!r} is no month such as 2020-01")
    return value


#: an option of a method, which takes it by name
Plain = float | int | bool | str | None

#: a calendar month, as 2020-01
MonthName = Annotated[str, BeforeValidator(_month)]


class Analysis(Strict):
    """An analysis of single products."""

    #: products of the study; none means every one
    products: list[str] | None = None


class TrendOptions(Analysis):
    """Trend, season and growth of regions (`yaotan.fit_trend`)."""

    #: none means every region of the study and their union
    regions: list[Place] | None = None
    terms: int = Field(default=3, ge=1)
    harmonics: int = Field(default=4, ge=0)
    #: of the growth of each year
    method: Literal["filter", "endpoint"] = "filter"
    pattern: Literal["seasonal", "constant"] = "seasonal"
    #: months in which a cell must have been seen to take part
    fewest: int = Field(default=6, ge=1)


class AnomalyOptions(Analysis):
    """Months of regions against the same months of other years (`yaotan.anomaly`)."""

    #: none means every region of the study and their union
    regions: list[Place] | None = None
    #: first and last month of the years that make the climatology; none means all data
    base: tuple[MonthName, MonthName] | None = None
    growth: Literal["fit", "none"] = "fit"
    #: of the polynomial of growth
    terms: Literal[2, 3, 4] | None = None
    #: fewest other years of a calendar month
    min_years: int = Field(default=5, ge=2)
    level: float = Field(default=0.05, gt=0, lt=1)
    pattern: Literal["seasonal", "constant"] = "seasonal"
    #: months in which a cell must have been seen to take part
    fewest: int = Field(default=6, ge=1)

    @model_validator(mode="after")
    def _enough_years(self) -> AnomalyOptions:
        terms = 1 if self.growth == "none" else self.terms or 2
        if self.min_years <= terms:
            raise ValueError(f"min_years {self.min_years} is not more than the {terms} terms of the growth")
        return self


class ValidationOptions(Analysis):
    """Columns against ground stations (`yaotan.collocate`, `yaotan.validate`)."""

    #: files, folders or patterns of ground stations, relative to the study file
    stations: str | Annotated[list[str], Field(min_length=1)]
    #: name of the reference for readers; none means what the files say of their product
    name: str | None = None
    #: product of the stations' files, where it is not told by content
    station_product: str | None = None
    trust_layout: bool = False
    method: Literal["box", "radius"] = "box"
    #: half widths in latitude and longitude [degrees]
    box: tuple[Positive, Positive] | None = None
    #: [km]
    radius: Positive = 100.0
    hours: Positive = 1.0
    #: largest difference of altitude [m]
    altitude: Positive | None = None
    kernel: Literal["common_prior", "smooth", "none"] = "common_prior"
    convert: bool = False
    reach: float = Field(default=0.1, ge=0, le=1)
    minimum_soundings: int = Field(default=1, ge=1)
    minimum_spectra: int = Field(default=1, ge=1)
    minimum_pairs: int = Field(default=3, ge=3)
    level: float = Field(default=0.95, gt=0.5, lt=1)


class BackgroundOptions(Strict):
    """What is taken off the columns before hot spots are looked for (`yaotan.background`)."""

    method: Literal["band_median", "regional", "along_track", "upwind", "latitude", "model"] = "band_median"
    #: gridded field whose zonal mean is the background, relative to the study file
    model: str | None = None
    minimum: int = Field(default=10, ge=2)
    #: height of latitude bands [degrees]
    band: Positive = 10.0
    #: inner and outer distance of neighbours [km]
    near: float = Field(default=50.0, ge=0)
    far: Positive = 200.0
    #: opening of the sector upwind [degrees]
    width: float = Field(default=60.0, gt=0, le=360)
    order: Literal[1, 2, 3] = 1
    #: [days]
    window: Positive = 16.0
    #: length over which errors hang together [s]
    block: Positive = 30.0

    @model_validator(mode="after")
    def _fits(self) -> BackgroundOptions:
        bands = 180.0 / self.band
        if abs(bands - round(bands)) > 1e-9:
            raise ValueError(f"band {self.band:g} is not a whole part of 180 degrees")
        if self.near >= self.far:
            raise ValueError(f"near {self.near:g} is not less than far {self.far:g} [km]")
        if (self.method == "model") != (self.model is not None):
            raise ValueError("method: model and model: FILE go together")
        return self

    def as_options(self) -> dict[str, Any]:
        """Give the keywords of `background` but the model, distances in metres."""
        given = self.model_dump(exclude={"model"})
        return {**given, "near": self.near * 1e3, "far": self.far * 1e3}


class HotspotOptions(Analysis):
    """Clusters of high and low cells of the monthly enhancement (`yaotan.hot_spots`)."""

    background: BackgroundOptions = BackgroundOptions()
    #: radius of the neighbourhoods [km]
    distance: Positive = 200.0
    #: rate of false discoveries
    fdr: float = Field(default=0.05, gt=0, lt=1)
    #: share of null fields that may be as striking as the field
    anywhere: float = Field(default=ANYWHERE, gt=0, lt=1)
    #: fewest measured cells of a neighbourhood
    minimum: int = Field(default=3, ge=1)
    draws: int = Field(default=199, ge=39)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _enough_draws(self) -> HotspotOptions:
        if self.anywhere * (1 + self.draws) < 1:
            least = math.ceil(1 / self.anywhere) - 1
            raise ValueError(f"{self.draws} draws cannot tell anywhere {self.anywhere:g}: {least} can")
        return self


class ClaimOptions(Analysis):
    """The claim that region a is higher than region b (`yaotan.check_claim`)."""

    a: Place
    b: Place
    #: by at least so much [unit of the column]
    at_least: float = 0.0
    #: first and last day; none means the period of the study
    period: tuple[date, date] | None = None
    variable: str | None = None
    level: float = Field(default=0.95, gt=0.5, lt=1)
    #: the claim in the words of whoever made it
    text: str | dict[str, str] | None = None

    @field_validator("period")
    @classmethod
    def _in_order(cls, period: tuple[date, date] | None) -> tuple[date, date] | None:
        if period is not None and period[0] > period[1]:
            raise ValueError(f"the period ends ({period[1]}) before it starts ({period[0]})")
        return period

    @model_validator(mode="after")
    def _two_regions(self) -> ClaimOptions:
        if self.a == self.b:
            raise ValueError(f"a and b are the same region, {self.a}")
        return self


class FusionOptions(Analysis):
    """Several products made one, by box and month (`yaotan.fuse`)."""

    method: Literal["median", "inverse_variance"] = "median"
    #: size of the boxes [degrees]
    resolution: Positive = 10.0
    #: least 1 sigma of an average [unit of the column]
    floor: float = Field(default=0.0, ge=0)
    #: scatter between products beyond their errors [unit of the column]; none means estimated
    excess: float | None = Field(default=None, ge=0)
    #: of the errors of averages of one box, in the order of products
    correlation: list[list[float]] | None = None
    minimum_products: int = Field(default=2, ge=1)
    minimum_soundings: int = Field(default=1, ge=1)
    #: fuse products though their priors differ
    own_priors: bool = False
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _in_order_of_products(self) -> FusionOptions:
        if self.correlation is not None and self.products is None:
            raise ValueError("correlation needs products, whose order it is in")
        return self


class ProfileOptions(Strict):
    """A prior profile written out."""

    values: list[float] = Field(min_length=2)
    #: of the levels, or of the edges of the layers [hPa]
    pressure: list[float] = Field(min_length=2)
    kind: Literal["level", "layer"]
    units: str
    name: str = "profile of the study"


class PriorOptions(Analysis):
    """The prior that all columns with kernels are brought to (`yaotan.harmonise_prior`)."""

    #: gridded field with a vertical dimension, relative to the study file
    file: str | None = None
    trust_layout: bool = False
    profile: ProfileOptions | None = None
    #: take levels for layers or the other way round
    convert: bool = False
    reach: float = Field(default=0.1, ge=0, le=1)

    @model_validator(mode="after")
    def _one_of_two(self) -> PriorOptions:
        if (self.file is None) == (self.profile is None):
            raise ValueError("give either file (a gridded field) or profile (values and pressure)")
        return self

"""What a study file may say of point sources: scenes, sources, wind, methods, annual means, observability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from yaotan.catalog.gas import gases
from yaotan.catalog.sensor import plume_sensors
from yaotan.plume.ensemble import BACKGROUNDS
from yaotan.plume.method import METHODS
from yaotan.recipes.number import refuse_text_numbers
from yaotan.recipes.option import Plain, Positive, Strict
from yaotan.recipes.season_option import SEASON_METHODS, SeasonOptions


class MassOptions(Strict):
    """Mass of the columns (`yaotan.column_mass`)."""

    surface_pressure: Positive | None = None
    #: kg m-2; false takes none off
    water_vapour: float | Literal[False] | None = None
    gravity: bool = True
    #: "product" or a number; none is not corrected
    kernel: Literal["product"] | float | None = None
    plume_depth: Positive = 100.0


class LoadOptions(Strict):
    """Hourly load of one source (`yaotan.plume.open_load_profile`)."""

    path: str
    time: str
    load: str


class AnnualOptions(Strict):
    """Annual means (`yaotan.annual_emission`)."""

    year: int | None = None
    #: folder of the tables of the CoCO2 catalogue; the list of sources has their identifiers
    tables: str | None = None
    #: source -> its hourly load
    loads: dict[str, LoadOptions] = Field(default_factory=dict)
    #: local standard time less UTC [h]; none: by longitude
    utc_offset: float | None = None
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    stratify: bool = False
    #: "total" for estimates that state a total error only
    errors: Literal["terms", "total"] = "terms"
    #: sensor whose law of detection weighs the overpasses (`yaotan.plume.observability.detection_law`)
    detection: str | None = None

    @field_validator("detection")
    @classmethod
    def _known(cls, sensor: str | None) -> str | None:
        return None if sensor is None else (_among([sensor], plume_sensors()) or [sensor])[0]

    @model_validator(mode="after")
    def _one_of_two(self) -> AnnualOptions:
        if self.tables is not None and self.loads:
            raise ValueError("give tables or loads, not both")
        return self


class ObservabilityOptions(Strict):
    """What sensors could see of the sources (`yaotan.plume.observable_sources`)."""

    #: share of clear overpasses; there is no default, it is of the place
    clear_share: Annotated[float, Field(gt=0, le=1)]
    sensors: list[str] | None = None
    wind_speed: Positive = 5.0
    goal: Annotated[float, Field(gt=0, lt=1)] = 0.2

    @field_validator("sensors")
    @classmethod
    def _known(cls, sensors: list[str] | None) -> list[str] | None:
        return _among(sensors, plume_sensors())


class PlumeOptions(Strict):
    """Point sources (`yaotan.plume.quantify` for every scene)."""

    #: images, or granules of soundings: files, a folder, a pattern, or a list of these
    scenes: str | list[str]
    #: of the scenes, where the content does not tell
    product: str | None = None
    quality: Literal["good", "all"] = "good"
    #: list of sources, and its columns where they have no common names
    sources: str
    columns: dict[str, str] = Field(default_factory=dict)
    #: files of a reanalysis; a table (.csv) of winds by source and time; or "product", the wind of soundings
    wind: str | list[str]
    #: entry of catalogs/winds.yaml
    wind_source: str = "era5"
    #: column, such as xco2; none: where the scenes hold one only
    gas: str | None = None
    #: second gas that gives mask and shape, such as no2
    mask_gas: str | None = None
    #: of single scenes; an empty list, with a season: scenes are not estimated one by one
    methods: list[str] | None = None
    winds: list[str] | None = None
    backgrounds: Annotated[list[str], Field(min_length=1, default_factory=lambda: ["auto"])]
    mass: MassOptions = MassOptions()
    detection: dict[str, Plain] = Field(default_factory=dict)
    #: 1 sigma of the wind at one place and hour [m s-1, degree]
    speed_error: Positive = 1.0
    direction_error: Positive = 10.0
    #: options of all methods; under a method's name those of it alone
    options: dict[str, Plain | dict[str, Plain]] = Field(default_factory=dict)
    #: how many sources are drawn, the clearest plumes first
    views: Annotated[int, Field(ge=0)] = 12
    annual: AnnualOptions | None = None
    observability: ObservabilityOptions | None = None
    #: many scenes of a source averaged before they are read
    season: SeasonOptions | None = None

    _numbers = field_validator("options", "detection", mode="before")(refuse_text_numbers)

    @field_validator("methods")
    @classmethod
    def _methods(cls, names: list[str] | None) -> list[str] | None:
        for name in names or []:
            if set(name.split(",")) & set(SEASON_METHODS):
                raise ValueError(
                    f"{name!r} takes many scenes of a source: name it under plumes.season in a study file "
                    "(docs/recipe.md), and yaotan run"
                )
        return _among(names, METHODS)

    @field_validator("backgrounds")
    @classmethod
    def _backgrounds(cls, names: list[str]) -> list[str]:
        return _among(names, BACKGROUNDS) or names

    @field_validator("gas", "mask_gas")
    @classmethod
    def _gas(cls, name: str | None) -> str | None:
        return None if name is None else (_among([name], gases()) or [name])[0]

    @model_validator(mode="after")
    def _season_fits(self) -> PlumeOptions:
        if self.season is not None:
            self.season.check_gas(self.season.gas or self.gas)
        elif self.methods == []:
            raise ValueError("methods is empty: without a season there is nothing to do")
        return self

    @property
    def wind_of_product(self) -> bool:
        """Whether the soundings bring their own wind."""
        return self.wind == "product"

    def as_quantify(self) -> dict[str, Any]:
        """Give the keywords of `quantify`."""
        detection = {name: value for name, value in self.detection.items() if value is not None}
        return {
            "variable": self.gas,
            "mask_variable": self.mask_gas,
            "methods": self.methods,
            "winds": self.winds,
            "backgrounds": self.backgrounds,
            "mass": self.mass.model_dump(exclude_none=True),
            "detection": detection,
            "options": dict(self.options),
        }


def _among(names: list[str] | None, known: Mapping[str, Any]) -> list[str] | None:
    for name in names or []:
        if name not in known:
            raise ValueError(f"{name!r} is none of {', '.join(known)}")
    return names

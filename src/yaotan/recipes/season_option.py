"""What a study file may say of many scenes of a source that are averaged before they are read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from yaotan.catalog.gas import gases
from yaotan.catalog.nox import nox_ratios
from yaotan.plume.wind import CHOICES
from yaotan.recipes.option import Positive, Strict

#: methods of many scenes -> what they are
SEASON_METHODS: Final = {
    "divergence": "divergence of the mean flux (`yaotan.flux_divergence`)",
    "emg": "exponential decay, smeared, of the mean plume turned into the wind (`yaotan.emg`)",
}
#: bins of travel time below which no decay can be fitted (`yaotan.plume.decay.fit_decay`)
_LEAST_BINS: Final = 8


class Co2RatioOptions(Strict):
    """CO2 for each kg of NOx (as NO2) of one source (`yaotan.plume.ratio.co2_from_nox`)."""

    #: kg of CO2 for a kg of NOx, and its 1 sigma
    value: Positive
    uncertainty: Annotated[float, Field(ge=0)]
    #: where it comes from
    source: Annotated[str, Field(pattern=r"\S")]


class SeasonOptions(Strict):
    """Many scenes of a source averaged before they are read."""

    methods: Annotated[list[str], Field(min_length=1, default_factory=lambda: list(SEASON_METHODS))]
    #: first and last day of the scenes; none: the period of the study
    period: tuple[date, date] | None = None
    #: column; none: that of the other estimates
    gas: str | None = None
    #: height of the wind, of `effective_wind`; none: the first of `winds`, or the first that the field has
    choice: str | None = None
    #: half width of the grid round a source, and its cells [m]
    radius: Positive = 60e3
    resolution: Positive = 4e3
    #: e-folding time of the gas for the divergence [s]; false: it does not decay
    lifetime: Positive | Literal[False] | None = None
    #: of emg: the plume is summed this far to each side [m], between these travel times [h], in bins of [s]
    half_width: Positive = 40e3
    hours: tuple[float, float] = (-1.0, 6.0)
    step: Positive = 600.0
    #: relative 1 sigma of the wind that all scenes share
    wind_error: Annotated[float, Field(ge=0)] = 0.10
    #: of catalogs/profiles/nox_no2.yaml, for NO2; null leaves the emission one of NO2
    nox_ratio: str | None = "constant"
    #: source -> its ratio; the emission of CO2 is given beside that of NOx
    co2_ratio: dict[str, Co2RatioOptions] = Field(default_factory=dict)

    @field_validator("methods", "gas", "nox_ratio")
    @classmethod
    def _known(cls, value: Any, info: Any) -> Any:
        lists: dict[str, Mapping[str, Any]] = {
            "methods": SEASON_METHODS,
            "gas": gases(),
            "nox_ratio": nox_ratios(),
        }
        known = lists[info.field_name]
        for name in [value] if isinstance(value, str) else value or []:
            if name not in known:
                raise ValueError(f"{name!r} is none of {', '.join(known)}")
        return value

    @field_validator("lifetime", mode="before")
    @classmethod
    def _seconds(cls, value: Any) -> Any:
        if value is True or (value == 0 and value is not False):
            raise ValueError(f"{value} is no lifetime: give seconds, or false for a gas that does not decay")
        return value

    @field_validator("choice")
    @classmethod
    def _height(cls, choice: str | None) -> str | None:
        if choice is not None and choice not in CHOICES and not choice.endswith("hPa"):
            raise ValueError(f'{choice!r} is none of {", ".join(CHOICES)}, nor a pressure such as "950 hPa"')
        return choice

    @model_validator(mode="after")
    def _fits(self) -> SeasonOptions:
        if self.period is not None and self.period[0] > self.period[1]:
            raise ValueError(f"the period ends ({self.period[1]}) before it starts ({self.period[0]})")
        if self.resolution >= self.radius / 4.0:
            raise ValueError(f"resolution {self.resolution:g} is not less than a quarter of the radius")
        if (self.hours[1] - self.hours[0]) * 3600.0 < _LEAST_BINS * self.step:
            raise ValueError(
                f"hours {list(self.hours)} hold fewer than {_LEAST_BINS} bins of {self.step:g} s"
            )
        return self

    def check_gas(self, gas: str | None) -> None:
        """Refuse what does not go with the gas, which may be that of the other estimates.

        Raises
        ------
        ValueError
            A ratio is named for a gas that is not NO2, or a lifetime is missing.
        """
        named = {"nox_ratio", "co2_ratio"} & self.model_fields_set
        if named and gas != "no2":
            raise ValueError(f"{sorted(named)[0]} is for gas: no2, and gas is {gas or 'not given'}")
        if self.co2_ratio and self.nox_ratio is None:
            raise ValueError("co2_ratio is CO2 for NOx, and nox_ratio is null")
        if gas == "no2" and "divergence" in self.methods and self.lifetime is None:
            raise ValueError("NO2 decays: the divergence needs its lifetime [s], or lifetime: false")

    @property
    def reading(self) -> dict[str, Any]:
        """What decides the numbers that are read from one scene."""
        return self.model_dump(exclude={"lifetime", "wind_error", "co2_ratio"})

    @property
    def grid(self) -> dict[str, float]:
        """Keywords of the mean flux."""
        return {"resolution": self.resolution, "radius": self.radius}

    @property
    def way(self) -> dict[str, Any]:
        """Keywords of the travel curve."""
        return {"half_width": self.half_width, "hours": self.hours, "step": self.step}

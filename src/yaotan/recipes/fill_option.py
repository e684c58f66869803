"""What a study file may say of maps without gaps."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator, model_validator

from yaotan.column.fill.filling import METHODS, options_of
from yaotan.recipes.number import refuse_text_numbers
from yaotan.recipes.option import Analysis, MonthName, Place, Plain, Positive, Strict


class MeanOptions(Strict):
    """Mean of the field that gaps are filled with (`yaotan.column.MeanModel`)."""

    space: int = Field(default=1, ge=0, le=2)
    time: int = Field(default=1, ge=0, le=3)
    #: none means 4 for a period of a year or more, else 0: a season cannot be told from a trend by less
    harmonics: int | None = Field(default=None, ge=0, le=6)
    season_space: int = Field(default=0, ge=0, le=1)


class FillOptions(Analysis):
    """Maps without gaps (`yaotan.fill_gaps`)."""

    method: str = "kriging"
    #: what is learned from: none, the cells of the monthly grids; "10s" or a size of cells [degrees], means
    #: of soundings of one overpass
    average: str | Positive | None = None
    #: months to be filled, as 2020-01; none means every one with data
    months: list[MonthName] | None = None
    #: cells with their centre in these regions; none means the whole grid
    regions: list[Place] | None = None
    mean: MeanOptions = MeanOptions()
    #: further options of the filler, by name
    options: Annotated[dict[str, Plain], BeforeValidator(refuse_text_numbers)] = Field(default_factory=dict)
    #: leave out observations, overpasses and blocks in turn and predict them
    validation: bool = True

    @field_validator("method")
    @classmethod
    def _known(cls, method: str) -> str:
        if method not in METHODS:
            raise ValueError(f"is none of {', '.join(METHODS)}")
        return method

    @model_validator(mode="after")
    def _filler_has(self) -> FillOptions:
        own = {"mean", "average", "overpass_correlation"}
        known = [name for name in options_of(self.method) if name not in own]
        for name in self.options:
            if name not in known:
                raise ValueError(f"options has {name!r}, but {self.method} takes {', '.join(known)}")
        return self

"""What a study file may say of regional emissions: the panel, the question, the model."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from yaotan.emission.candidate import FAMILIES
from yaotan.recipes.option import Strict


class EmissionOptions(Strict):
    """Emissions of regions by year (`yaotan.emission.assess`)."""

    #: table of regions and years, and the YAML that says what its columns are (`yaotan.emission.open_panel`)
    panel: str
    description: str
    #: no_inventory: regions of which no figure is known; nowcast: the years that an inventory lags;
    #: infill: gaps between known years
    question: Literal["no_inventory", "nowcast", "infill"] = "no_inventory"
    #: of no_inventory: folder of a saved model, or name of one in models/; none: one is trained on the panel
    model: str | None = None
    #: learners that may be chosen; none means all
    families: list[str] | None = None
    #: of each region and year: median, or mean (totals need it)
    statistic: Literal["median", "mean"] = "median"
    #: probability of the intervals
    level: float = Field(default=0.9, gt=0.5, lt=1)
    #: groups of provinces that are left out in turn
    folds: int = Field(default=10, ge=2)
    #: years until a figure is known
    lag: int = Field(default=2, ge=1)
    seed: int = Field(default=0, ge=0)
    #: year that the page shows; none means the last of the panel
    year: int | None = None
    #: of a simulated study: table with region, year, the target, falsified
    truth: str | None = None

    @field_validator("families")
    @classmethod
    def _known(cls, families: list[str] | None) -> list[str] | None:
        unknown = [name for name in families or () if name not in FAMILIES]
        if unknown or families == []:
            raise ValueError(f"families {unknown or '[]'}: give some of {', '.join(FAMILIES)}")
        return families

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.model is not None and self.question != "no_inventory":
            raise ValueError(
                f"a model of {self.question} holds the past of its regions, and would be scored on what it "
                "knows: leave model out; one is then trained in each fold"
            )
        return self

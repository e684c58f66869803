"""What a study file may say of regional emissions: the panel, the question, the model."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from yaotan.emission.candidate import FAMILIES
from yaotan.recipes.option import Place, Strict


def _known(families: list[str]) -> list[str]:
    unknown = [name for name in families if name not in FAMILIES]
    if unknown or not families:
        raise ValueError(f"families {unknown or '[]'}: give some of {', '.join(FAMILIES)}")
    return families


def _refuse_both(model: str | None, families: list[str] | None) -> None:
    if model is not None and families is not None:
        raise ValueError("a saved model has its learners: give model or families, not both")


Families = Annotated[list[str], AfterValidator(_known)]


class CityOptions(Strict):
    """Parts of the regions of the panel, such as cities: `parent` of each row names its region."""

    panel: str
    description: str
    #: of no_inventory: saved model of such parts; none: one is trained on their panel
    model: str | None = None
    #: in place of a model: learners that may be chosen; none means those of the regions
    families: Families | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        _refuse_both(self.model, self.families)
        return self


class ReconcileOptions(Strict):
    """What makes estimates of several levels add up (`yaotan.emission.balance_levels`)."""

    #: panel of the parts; none: there are none
    cities: CityOptions | None = None
    #: tables of figures of wholes, such as the nation: region, period, estimate, uncertainty, unit
    totals: list[str] = Field(default_factory=list)
    #: table of region and parent; none: cities by their parent, the regions under the one whole of totals
    hierarchy: str | None = None
    #: wholes that their parts do not fill: what is left becomes a part of its own
    rest: list[Place] = Field(default_factory=list)

    @property
    def files(self) -> list[str]:
        """Tables that are read beside the panels."""
        return [*self.totals, *([self.hierarchy] if self.hierarchy else [])]

    @model_validator(mode="after")
    def _has_levels(self) -> Self:
        if self.cities is None and not self.totals:
            raise ValueError("one level has nothing to add up to: give cities, totals, or both")
        if self.hierarchy is not None and self.rest:
            raise ValueError("a hierarchy of your own names its remainders itself: leave rest out")
        return self


class EmissionOptions(Strict):
    """Emissions of regions by year (`yaotan.emission.assess`)."""

    #: table of regions and years, and the YAML that says what its columns are (`yaotan.emission.open_panel`)
    panel: str
    description: str
    #: no_inventory: regions of which no figure is known; nowcast: the years that an inventory lags;
    #: infill: gaps between known years
    question: Literal["no_inventory", "nowcast", "infill"] = "no_inventory"
    #: of no_inventory: whole zones are left out; none means provinces
    protocol: Literal["leave_province_out", "leave_region_out"] | None = None
    #: of no_inventory: folder of a saved model, or name of one in models/; none: one is trained on the panel
    model: str | None = None
    #: in place of a model: learners that may be chosen; none means all
    families: Families | None = None
    #: of each region and year: median, or mean (totals need it)
    statistic: Literal["median", "mean"] = "median"
    #: probability of the intervals
    level: float = Field(default=0.9, gt=0.5, lt=1)
    #: groups of provinces that are left out in turn
    folds: int = Field(default=10, ge=2)
    #: years until a figure is known
    lag: int = Field(default=2, ge=1)
    seed: int = Field(default=0, ge=0)
    #: cities, regions and nation made to add up; none means not asked for
    reconcile: ReconcileOptions | None = None
    #: year that the page shows; none means the last of the panel
    year: int | None = None
    #: of a simulated study: table with region, year, the target, falsified
    truth: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _refuse_both(self.model, self.families)
        if self.model is not None and self.question != "no_inventory":
            raise ValueError(
                f"a model of {self.question} holds the past of its regions, and would be scored on what it "
                "knows: leave model out; one is then trained in each fold"
            )
        if self.protocol is not None and self.question != "no_inventory":
            raise ValueError(f"protocol {self.protocol} is of no_inventory: leave it out")
        if self.reconcile is not None and self.statistic != "mean":
            raise ValueError("reconcile adds estimates up, and medians do not: give statistic: mean")
        return self

    def of_cities(self) -> EmissionOptions | None:
        """Give what is asked of the parts: the same question, on their own panel."""
        city = None if self.reconcile is None else self.reconcile.cities
        if city is None:
            return None
        own = {"panel": city.panel, "description": city.description, "model": city.model}
        none = {"reconcile": None, "truth": None, "year": None}
        return self.model_copy(update={**own, **none, "families": city.families or self.families})

"""What a study file may say of ecosystem carbon: maps, densities, change, uncertainty, what to write."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from yaotan.recipes.option import Positive, Strict

#: a number, or a number with its 1 sigma
Coefficient = float | tuple[float, Annotated[float, Field(ge=0)]]
Pool = Literal["c_above", "c_below", "c_dead", "c_soil"]


class LandDate(Strict):
    """A map of land classes of one year: a file, or a pattern of tiles."""

    path: str
    year: int
    #: counts of reference points of this map (.csv): mapped class down, true class across
    accuracy: str | None = None


class PoolOptions(Strict):
    """Table of carbon densities by class (`yaotan.carbon.pool.open_pools`)."""

    path: str
    units: str | None = None
    #: of c_soil [m]
    depth: Positive | None = None
    edition: Literal["ipcc2006", "ipcc2019"] | None = None
    #: region id -> zone of the table; none means the zone of the same name
    zones: dict[str, str] | None = None


class RasterOptions(Strict):
    """A pool whose density comes from rasters (`yaotan.open_raster`, `yaotan.carbon.RasterPool`)."""

    #: one raster for all dates, or one for each date in their order
    path: str | Annotated[list[str], Field(min_length=1)]
    product: str | None = None
    quantity: str | None = None
    units: str | None = None
    substance: Literal["carbon", "dry_matter"] | None = None
    depth_cm: tuple[float, float] | None = None
    crs: str | None = None
    nodata: float | None = None
    #: carbon fraction of dry matter
    fraction: Coefficient | None = None
    #: below-ground over above-ground biomass
    ratio: Coefficient | None = None
    #: classes that the raster serves; none means all
    classes: list[int] | None = None
    relative_sd: Annotated[float, Field(ge=0)] | None = None
    missing: Literal["raise", "class_mean", "zero"] = "raise"


class GrowthOptions(Strict):
    """Yearly growth of the biomass of a class (gain-loss method)."""

    code: int
    rate: Coefficient
    units: str
    fraction: Coefficient
    ratio: Coefficient = 0.0


class LossOptions(Strict):
    """Wood that is taken out of a class each year (gain-loss method)."""

    code: int
    kind: Literal["wood", "fuelwood"] = "wood"
    #: [m3 yr-1]
    volume: Coefficient
    #: biomass per volume [t m-3]
    bcef: Coefficient
    fraction: Coefficient
    ratio: Coefficient = 0.0
    region: str | None = None


class ChangeOptions(Strict):
    """How the change between the first and the last date is worked out (`yaotan.stock_change`)."""

    method: Literal["stock_difference", "gain_loss"] = "stock_difference"
    edition: Literal["ipcc2006", "ipcc2019"] | None = None
    soil_years: float = Field(default=20.0, ge=0)
    dead_years: float = Field(default=20.0, ge=0)
    conversion: Literal["uniform", "start", "end"] = "uniform"
    #: counts of reference points of pairs (.csv), labels before x 1000 + after: mapped down, true across
    accuracy: str | None = None
    growth: list[GrowthOptions] = Field(default_factory=list)
    losses: list[LossOptions] = Field(default_factory=list)

    @model_validator(mode="after")
    def _belong_together(self) -> ChangeOptions:
        if self.method == "stock_difference" and (self.growth or self.losses):
            raise ValueError("growth and losses go with method: gain_loss")
        if self.method == "gain_loss" and not self.growth:
            raise ValueError("method: gain_loss needs growth")
        codes = [one.code for one in self.growth]
        if len(set(codes)) < len(codes):
            raise ValueError("growth names a class twice")
        return self


class UncertaintyOptions(Strict):
    """How uncertainty is worked out."""

    method: Literal["monte_carlo", "propagation"] = "monte_carlo"
    draws: int = Field(default=10_000, ge=100)
    seed: int = Field(default=0, ge=0)
    level: float = Field(default=0.95, gt=0.5, lt=1)
    #: of density errors between classes
    class_correlation: float = Field(default=0.0, ge=0, le=1)


class PublishedOptions(Strict):
    """A published total that ours is reconciled with (`yaotan.carbon.reconcile_stock`)."""

    #: table with class, codes (of ours, with spaces), area, and what it says of definition, biomass, ...
    path: str
    title: str
    #: which of our dates; none means the last
    year: int | None = None
    area_units: str = "m2"
    density_units: str = "kg m-2"
    #: carbon fraction that ours stands on, so that biomass of both is of dry matter
    fraction: Annotated[float, Field(gt=0, le=1)] | None = None
    #: 1 sigma of the published total
    sd: Positive | None = None
    sd_units: str = "kg"


class PatchOptions(Strict):
    """Patches of change for checks in the field (`yaotan.carbon.change_patches`)."""

    #: [m2]
    least_area: float = Field(default=10_000.0, ge=0)
    limit: int = Field(default=200, ge=1)
    pictures: bool = True


class MapOptions(Strict):
    """Maps that are written and drawn."""

    #: about how many cells the maps of the page have
    cells: int = Field(default=10_000, ge=16, le=20_000)
    #: write the change of density at the resolution of the land classes, too
    full: bool = False


class CarbonOptions(Strict):
    """Ecosystem carbon of the study's regions."""

    landuse: list[LandDate] = Field(min_length=1)
    #: legend of the codes: a name in catalogs/landcover, or a .yaml file
    scheme: str | None = None
    #: name in catalogs/rasters.yaml, which says the scheme
    product: str | None = None
    crs: str | None = None
    nodata: int | None = None
    pools: PoolOptions | None = None
    rasters: dict[Pool, RasterOptions] = Field(default_factory=dict)
    #: pools to account for; none means all there are
    accounted: list[Pool] | None = None
    #: false: the whole raster and no regions
    regions: bool = True
    change: ChangeOptions = ChangeOptions()
    uncertainty: UncertaintyOptions = UncertaintyOptions()
    published: list[PublishedOptions] = Field(default_factory=list)
    #: {} asks for patches with all defaults
    patches: PatchOptions | None = None
    maps: MapOptions = MapOptions()

    @field_validator("landuse")
    @classmethod
    def _rising(cls, dates: list[LandDate]) -> list[LandDate]:
        years = [date.year for date in dates]
        if sorted(set(years)) != years:
            raise ValueError(f"the years {years} do not rise: give the dates in order, each once")
        return dates

    @model_validator(mode="after")
    def _enough(self) -> CarbonOptions:
        if self.pools is None and not self.rasters:
            raise ValueError("nobody gives densities: give pools (a table), or rasters")
        if (self.scheme is None) == (self.product is None):
            raise ValueError("give either scheme (a legend) or product (of catalogs/rasters.yaml)")
        if self.patches is not None and len(self.landuse) < 2:
            raise ValueError("patches of change need two dates")
        for pool, raster in self.rasters.items():
            if isinstance(raster.path, list) and len(raster.path) != len(self.landuse):
                raise ValueError(
                    f"rasters.{pool} has {len(raster.path)} paths for {len(self.landuse)} date(s)"
                )
        for one in self.published:
            if one.year is not None and one.year not in self.years:
                raise ValueError(f"published names the year {one.year}, which is none of {self.years}")
        titles = [one.title for one in self.published]
        if len(set(titles)) < len(titles):
            raise ValueError("published has the same title twice")
        return self

    @property
    def years(self) -> list[int]:
        """Years of the dates."""
        return [date.year for date in self.landuse]

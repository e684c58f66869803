"""What the carbon steps of a study stand on: maps of land, rasters and tables, opened and hashed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import xarray as xr

from yaotan.carbon.change.flow import Growth, Loss
from yaotan.carbon.change.sampled import PAIR
from yaotan.carbon.land import class_area, transition_matrix
from yaotan.carbon.pool import PoolTable, open_pools
from yaotan.carbon.raster_pool import RasterPool
from yaotan.carbon.widening import widen
from yaotan.catalog.landcover import legends
from yaotan.errors import CatalogError, RecipeError
from yaotan.io.digest import sha256
from yaotan.io.raster import open_raster
from yaotan.io.raster_file import RasterFile
from yaotan.recipes.carbon_option import CarbonOptions, RasterOptions
from yaotan.recipes.context import Context

#: what a map of classes is called among the inputs of a study
LAND: Final = "land_use"
_HOW: Final = ("product", "quantity", "units", "substance", "depth_cm", "crs", "nodata")


@dataclass(frozen=True)
class Source:
    """One input file of the carbon steps: what it is for, where it is, its hash."""

    use: str
    path: Path
    digest: str


@dataclass
class CarbonSources:
    """Inputs of the carbon steps, opened once a run.

    Attributes
    ----------
    context : Context
        Facts of the run.
    options : CarbonOptions
        Those of the study.
    """

    context: Context
    options: CarbonOptions
    _lands: dict[int, xr.DataArray] = field(default_factory=dict, repr=False)
    _areas: dict[int, xr.Dataset] = field(default_factory=dict, repr=False)

    def paths(self, text: str, key: str) -> list[Path]:
        """Give a file, or the tiles that a pattern means.

        Raises
        ------
        RecipeError
            There are none.
        """
        whole = self.context.base / text
        root = Path(whole.anchor)
        found = [whole] if whole.is_file() else sorted(root.glob(str(whole.relative_to(root))))
        files = [path for path in found if path.is_file()]
        if not files:
            raise RecipeError(f"there is no file {text!r}", where=f"carbon.{key}", fix="mend the path")
        return files

    @cached_property
    def scheme(self) -> str | None:
        """Legend as `open_raster` takes it: a name, or the path of a file of the user's own."""
        given = self.options.scheme
        if given is None or given in legends():
            return given
        if Path(given).suffix in (".yaml", ".yml"):
            return str(self.paths(given, "scheme")[0])
        raise RecipeError(
            f"{given!r} is no legend",
            where="carbon.scheme",
            expected=f"one of {', '.join(legends())}, or a .yaml file",
        )

    def land(self, number: int) -> xr.DataArray:
        """Open the land classes of one date."""
        if number not in self._lands:
            date, options = self.options.landuse[number], self.options
            self._lands[number] = open_raster(
                self.paths(date.path, f"landuse.{number}.path"),
                product=options.product,
                scheme=self.scheme,
                crs=options.crs,
                nodata=options.nodata,
                region=self.regions,
            )
        return self._lands[number]

    @property
    def regions(self) -> gpd.GeoDataFrame | None:
        """Regions of the study, or none where the whole raster is asked for."""
        return self.context.regions if self.options.regions else None

    @cached_property
    def pools(self) -> PoolTable | None:
        """Table of densities."""
        given = self.options.pools
        if given is None:
            return None
        path = self.paths(given.path, "pools.path")[0]
        spoken = str(self.land(0).attrs["scheme"])
        # the codes of the table are those of the maps unless it says otherwise itself
        return open_pools(path, scheme=spoken, units=given.units, depth=given.depth, edition=given.edition)

    @property
    def zones(self) -> dict[str, str] | None:
        """Zone of each region."""
        return self.options.pools.zones if self.options.pools is not None else None

    @cached_property
    def _pairs(self) -> dict[str, list[RasterPool]]:
        return {str(pool): self._raster(str(pool), how) for pool, how in self.options.rasters.items()}

    def _raster(self, pool: str, how: RasterOptions) -> list[RasterPool]:
        """Make the pool of every date; one raster for all dates is one and the same."""
        texts = [how.path] if isinstance(how.path, str) else how.path
        made = []
        for text in texts:
            given = {name: getattr(how, name) for name in _HOW}
            raster = open_raster(self.paths(text, f"rasters.{pool}.path"), **given)
            substance = raster.attrs.get("substance", how.substance or "carbon")
            made.append(
                RasterPool(
                    raster,
                    substance,
                    fraction=how.fraction,
                    ratio=how.ratio,
                    classes=None if how.classes is None else tuple(how.classes),
                    relative_sd=how.relative_sd,
                    missing=how.missing,
                )
            )
        return made * len(self.options.landuse) if len(made) == 1 else made

    def rasters(self, number: int) -> dict[str, RasterPool]:
        """Give the pools of rasters of one date."""
        return {pool: dates[number] for pool, dates in self._pairs.items()}

    def raster_pairs(self) -> dict[str, tuple[RasterPool, RasterPool]]:
        """Give the pools of rasters of the first and the last date."""
        return {pool: (dates[0], dates[-1]) for pool, dates in self._pairs.items()}

    def _sample_path(self, number: int | None) -> Path | None:
        """Give the file of the reference sample of a date, or (None) of pairs."""
        change = number is None
        given = self.options.change.accuracy if number is None else self.options.landuse[number].accuracy
        key = "change.accuracy" if change else f"landuse.{number}.accuracy"
        return None if given is None else self.paths(given, key)[0]

    def confusion(self, number: int | None) -> pd.DataFrame | None:
        """Read the counts of reference points of one date, or (None) of pairs.

        Raises
        ------
        RecipeError
            Labels are no whole numbers.
        """
        path = self._sample_path(number)
        if path is None:
            return None
        table = pd.read_csv(path, index_col=0)
        try:
            return table.rename(index=int, columns=int)
        except (ValueError, TypeError) as error:
            raise RecipeError(
                f"rows or columns are no class codes ({error})",
                where=path,
                expected="codes mapped down the first column, true ones along the first line",
            ) from error

    def widened(self, histogram: xr.Dataset, number: int | None) -> xr.Dataset:
        """Give a histogram the classes that the reference sample knows of, which may lie unseen in others."""
        table = self.confusion(number)
        assert table is not None
        labels = {int(label) for label in (*table.index, *table.columns)}
        codes = {part for label in labels for part in divmod(label, PAIR)} if number is None else labels
        known = legends()[str(histogram.attrs["scheme"])].names()
        # what is no class of the legend is left for the message of whoever reads the sample
        return widen(histogram, codes & set(known), known)

    def areas_of(self, number: int) -> xr.Dataset:
        """Count the areas of classes of one date, once a run."""
        if number not in self._areas:
            found = class_area(self.land(number), regions=self.regions)
            sampled = self._sample_path(number) is not None
            self._areas[number] = self.widened(found, number) if sampled else found
        return self._areas[number]

    def land_of(self, number: int) -> xr.DataArray | xr.Dataset:
        """Give what stocks of one date are worked out from: areas, or where rasters are summed the map."""
        return self.land(number) if self.options.rasters else self.areas_of(number)

    @property
    def _pairs_counted(self) -> bool:
        """Whether the change is worked out from areas of pairs: those that a sample adjusts."""
        return self._sample_path(None) is not None and not self.options.rasters

    def land_pair(self) -> tuple[xr.DataArray | xr.Dataset, xr.DataArray | None]:
        """Give what the change is worked out from: two maps, or a histogram and nothing."""
        first, last = self.land(0), self.land(len(self.options.landuse) - 1)
        if self._pairs_counted:
            return self.widened(transition_matrix(first, last, regions=self.regions), None), None
        return first, last

    def how(self, number: int | None) -> dict[str, Any]:
        """Give regions, rasters and sample as stocks of one date take them, or (None) the change."""
        given: dict[str, Any] = {"confusion": self.confusion(number)}
        counted = self._pairs_counted if number is None else not self.options.rasters
        if not counted:
            given["regions"] = self.regions
            given["rasters"] = self.raster_pairs() if number is None else self.rasters(number)
        return given

    def flows(self) -> dict[str, Any]:
        """Give growth and losses as `stock_change` takes them."""
        change = self.options.change
        growth = {one.code: Growth(one.rate, one.units, one.fraction, one.ratio) for one in change.growth}
        losses = [Loss.wood(**one.model_dump()) for one in change.losses]
        return {"growth": growth, "losses": losses} if growth else {}

    @cached_property
    def files(self) -> list[Source]:
        """Every input file of the carbon steps with its hash, those of a VRT included."""
        options = self.options
        rasters = [
            (f"{LAND} {date.year}", self.paths(date.path, f"landuse.{number}.path"))
            for number, date in enumerate(options.landuse)
        ]
        for pool, how in options.rasters.items():
            texts = [how.path] if isinstance(how.path, str) else how.path
            rasters += [(str(pool), self.paths(text, f"rasters.{pool}.path")) for text in texts]
        found = [
            (use, file)
            for use, paths in rasters
            for path in paths
            for file in RasterFile(str(path), str(path), 1).files()
        ]
        if options.pools is not None:
            found.append(("pools", self.paths(options.pools.path, "pools.path")[0]))
        samples = [(f"accuracy {date.year}", number) for number, date in enumerate(options.landuse)]
        for use, place in (*samples, ("accuracy of change", None)):
            sample = self._sample_path(place)
            if sample is not None:
                found.append((use, sample))
        if self.scheme is not None and self.scheme not in legends():
            found.append(("scheme", Path(self.scheme)))
        for number, one in enumerate(options.published):
            found.append(("published", self.paths(one.path, f"published.{number}.path")[0]))
        return [Source(use, path, sha256(path)) for use, path in dict.fromkeys(found)]

    def parameters(self, *left: str) -> dict[str, Any]:
        """Give everything but files that decides a result; `left`: what does not."""
        return {
            **self.options.model_dump(mode="json", exclude=set(left)),
            "regions_digest": self.context.regions_digest if self.options.regions else "",
        }

    def digests(self, *left: str) -> dict[str, str]:
        """Give the hashes of all files; `left`: beginnings of the uses that do not matter."""
        chosen = [one for one in self.files if not (left and one.use.startswith(left))]
        return {f"{one.use}: {self.context.relative(str(one.path))}": one.digest for one in chosen}


def class_table(land: Sequence[xr.DataArray]) -> pd.DataFrame:
    """List the classes of the legend of maps: code, names, and the colour that maps and bars use."""
    from yaotan.carbon.patch_picture import legend_colours

    scheme = str(land[0].attrs["scheme"])
    try:
        legend = legends()[scheme]
    except KeyError:
        raise CatalogError(f"there is no scheme {scheme!r}", expected=", ".join(legends())) from None
    colours = legend_colours(legend)
    rows = [
        (code, en, zh, "#" + "".join(f"{part:02x}" for part in colours[code]))
        for code, (en, zh) in legend.names().items()
    ]
    return pd.DataFrame(rows, columns=["class", "class_name", "class_name_zh", "colour"])

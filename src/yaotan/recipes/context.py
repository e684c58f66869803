"""What every step of a run shares: the study, where it lies, its grid, its regions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from yaotan.errors import RecipeError
from yaotan.grid.spec import GridSpec
from yaotan.io.netcdf import open_grid
from yaotan.io.region import open_regions
from yaotan.recipes.inventory import Granule, Inventory
from yaotan.recipes.monthly import join_months
from yaotan.recipes.step import Ledger
from yaotan.recipes.study import Study

T = TypeVar("T")

#: id of the union of all regions in tables
ALL_REGIONS: Final = "all"
#: soundings whose centre lies this far [degrees] outside the grid may still reach into it
MARGIN: Final = 0.5


@dataclass(frozen=True)
class Month:
    """A calendar month, cut to the period of the study."""

    name: str
    first: str
    last: str

    @property
    def interval(self) -> tuple[np.datetime64, np.datetime64]:
        """Half-open interval in time."""
        return np.datetime64(self.first, "ns"), np.datetime64(self.last, "ns") + np.timedelta64(1, "D")


@dataclass(frozen=True)
class Context:
    """Read-only facts of one run."""

    study: Study
    base: Path
    folder: Path
    ledger: Ledger
    inventory: Inventory
    regions: gpd.GeoDataFrame
    progress: Callable[[str, int, int], None] | None = None
    _remembered: dict[str, Any] = field(default_factory=dict)
    _opened: dict[tuple[Path, ...], tuple[xr.Dataset, list[xr.Dataset]]] = field(default_factory=dict)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """Grid bounds (west, south, east, north), on multiples of the resolution; without soundings any."""
        if not self.study.inputs:
            west, south, east, north = self.study.region or tuple(self.regions.total_bounds)
            return float(west), float(south), float(east), float(north)
        step = self.study.grid.resolution
        west, south, east, north = self.study.region or tuple(self.regions.total_bounds)
        west, south = (np.floor(np.round(value / step, 6)) * step for value in (west, south))
        east, north = (np.ceil(np.round(value / step, 6)) * step for value in (east, north))
        return float(west), float(max(south, -90)), float(east), float(min(north, 90))

    @cached_property
    def spec(self) -> GridSpec:
        """Grid of all products."""
        return GridSpec.regular(self.study.grid.resolution, self.bounds)

    @cached_property
    def reach(self) -> tuple[float, float, float, float]:
        """Region from which soundings are read: the grid and a margin for footprints that reach in."""
        west, south, east, north = self.bounds
        if (east - west) % 360 > 360 - 2 * MARGIN or east - west >= 360:
            west, east = -180.0, 180.0
        else:
            west, east = ((lon + 180) % 360 - 180 for lon in (west - MARGIN, east + MARGIN))
        return west, max(south - MARGIN, -90.0), east, min(north + MARGIN, 90.0)

    @cached_property
    def months(self) -> list[Month]:
        """Months of the period, the first and the last cut to it."""
        start, end = self.study.period
        return [
            Month(
                f"{month:%Y-%m}",
                str(max(month.start_time.date(), start)),
                str(min(month.end_time.date(), end)),
            )
            for month in pd.period_range(start, end, freq="M")
        ]

    @cached_property
    def regions_and_union(self) -> gpd.GeoDataFrame:
        """The regions and, as one more row, their union."""
        union = gpd.GeoDataFrame(
            {
                "region_id": [ALL_REGIONS],
                "name": ["All regions"],
                "name_zh": ["全部区域"],
                "geometry": [shapely.union_all(self.regions.geometry.values)],
            },
            crs=self.regions.crs,
        )
        return pd.concat([self.regions[list(union.columns)], union], ignore_index=True)

    @cached_property
    def regions_digest(self) -> str:
        """Hash of the regions' ids, names and geometry."""
        return digest_regions(self.regions)

    def granules(self, product: str, month: Month) -> list[Granule]:
        """List the granules of a product that may hold soundings of a month."""
        return [granule for granule in self.inventory.of(product) if granule.overlaps(*month.interval)]

    def remember(self, name: str, make: Callable[[], T]) -> T:
        """Make a thing once a run that many steps ask for (an opened file, say)."""
        if name not in self._remembered:
            self._remembered[name] = make()
        found: T = self._remembered[name]
        return found

    def open_product(self, grids: Mapping[str, Path]) -> xr.Dataset:
        """Open the monthly grids of one product as one grid, lazily; half a dozen steps ask for the same."""
        paths = tuple(grids[month] for month in sorted(grids))
        if paths not in self._opened:
            parts = [open_grid(path) for path in paths]
            self._opened[paths] = join_months(parts), parts
        return self._opened[paths][0]

    def close_products(self) -> None:
        """Close the grids that steps have opened."""
        while self._opened:
            for part in self._opened.popitem()[1][1]:
                part.close()

    def relative(self, text: str) -> str:
        """Write a path as the study would: relative to its file where it lies below it.

        Of other paths, as much of the end as no other input file shares: mostly the name.
        """
        path = Path(text)
        if path.is_relative_to(self.base):
            return path.relative_to(self.base).as_posix()
        for length in range(1, len(path.parts)):
            if len(self._ends.get(path.parts[-length:], ())) <= 1:
                return Path(*path.parts[-length:]).as_posix()
        return path.as_posix()

    @cached_property
    def _ends(self) -> dict[tuple[str, ...], set[str]]:
        """Input files by the end of their path, of every length."""
        found: dict[tuple[str, ...], set[str]] = {}
        listed = [granule.path for granule in self.inventory.granules]
        for path in (*listed, *(path for path, _ in self.inventory.skipped)):
            parts = Path(path).parts
            for length in range(1, len(parts)):
                found.setdefault(parts[-length:], set()).add(path)
        return found

    def announce(self, what: str, done: int, total: int) -> None:
        """Tell whoever listens how far the run is."""
        if self.progress:
            self.progress(what, done, total)


def digest_regions(regions: gpd.GeoDataFrame) -> str:
    """Hash ids, names and geometry of regions."""
    digest = hashlib.sha256()
    for row in regions.itertuples():
        digest.update(f"{row.region_id}|{row.name}|{row.name_zh}".encode())
        digest.update(shapely.to_wkb(row.geometry))
    return digest.hexdigest()


def read_regions(study: Study, base: Path) -> gpd.GeoDataFrame:
    """Open the regions that a study names.

    Parameters
    ----------
    study : Study
        The checked study file.
    base : pathlib.Path
        Folder that its paths are relative to.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns region_id, name, name_zh, geometry (EPSG:4326).

    Raises
    ------
    RecipeError
        A contrast names a region that is not among them, or one is called like the union of all.
    """
    options = study.regions
    source: Path | str = base / options.path if options.path else str(options.name)
    regions = open_regions(
        source, region_id=options.region_id, name=options.region_name, name_zh=options.region_name_zh
    )
    if options.source:
        regions.attrs["source"] = options.source
    known = list(regions["region_id"])
    if ALL_REGIONS in known:
        raise RecipeError(f"a region has the id {ALL_REGIONS!r}, which means the union of all", where=source)
    for pair in study.contrasts.regions:
        for region_id in pair:
            if region_id not in known:
                raise RecipeError(
                    f"contrasts.regions names {region_id!r}, which is not a region",
                    where=source,
                    expected=f"one of {', '.join(known)}",
                )
    return regions

"""Ecosystem carbon of a study: steps for stocks, change, patches and reconciliation; results read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd
import xarray as xr

from yaotan.carbon.accuracy import adjusted_area
from yaotan.carbon.change.change import stock_change
from yaotan.carbon.change_layer import change_map
from yaotan.carbon.land import transition_table
from yaotan.carbon.stock import carbon_stock
from yaotan.errors import YaotanError
from yaotan.io.write import write
from yaotan.io.write.table import long_table
from yaotan.recipes.analysis.carbon_map import cell_raster, cells_of_regions, map_change, map_stock
from yaotan.recipes.analysis.carbon_patch import class_densities, patch_step
from yaotan.recipes.analysis.carbon_published import published_step
from yaotan.recipes.analysis.carbon_source import CarbonSources, class_table
from yaotan.recipes.analysis.skip import skip
from yaotan.recipes.context import Context
from yaotan.recipes.step import Made, Step

#: cells of a map of change that is accounted cell by cell
MOST_CELLS: Final = 1000
#: attributes of results that say how they were made
_NOT_SAID: Final = ("substance",)


def write_both(table: pd.DataFrame | xr.Dataset, stem: Path) -> list[Path]:
    """Write a table as CSV and Parquet."""
    return [write(table, stem.with_name(f"{stem.name}{suffix}")) for suffix in (".csv", ".parquet")]


def _facts(made: xr.Dataset) -> dict[str, Any]:
    return {key: value for key, value in made.attrs.items() if key not in _NOT_SAID and value != ""}


def _given(sources: CarbonSources) -> dict[str, Any]:
    """Keywords that stocks and changes share."""
    how = sources.options.uncertainty
    return {
        "zones": sources.zones,
        "accounted": sources.options.accounted,
        "uncertainty": how.method,
        "draws": how.draws,
        "seed": how.seed,
        "level": how.level,
        "class_correlation": how.class_correlation,
    }


def _changing(sources: CarbonSources) -> dict[str, Any]:
    """Keywords of the change alone."""
    change, years = sources.options.change, sources.options.years
    return {
        "period": (years[0], years[-1]),
        "method": change.method,
        "edition": change.edition,
        "soil_years": change.soil_years,
        "dead_years": change.dead_years,
        "conversion": change.conversion,
        **sources.flows(),
    }


def stocks_of(sources: CarbonSources) -> dict[int, xr.Dataset]:
    """Give the stock of every date."""
    return {
        year: carbon_stock(sources.land_of(number), sources.pools, **sources.how(number), **_given(sources))
        for number, year in enumerate(sources.options.years)
    }


def _maps(notes: list[dict[str, str]], what: str, make: Callable[[], list[Path]]) -> list[Path]:
    """Make maps; what a map of cells needs and totals do not is a note, not the end of the study."""
    try:
        return make()
    except YaotanError as error:
        notes.append(skip(what, error))
        return []


def stock_step(sources: CarbonSources) -> Step:
    """Make the step of stocks and areas of every date, and of the maps of the last.

    Outputs ``carbon/classes.csv``, ``area``, ``stock`` (``.csv``, ``.parquet``; a row by year, region,
    class, pool and variable), ``stock_density_<year>.tif``, ``land_class_<year>.tif``.
    """
    folder, years = sources.context.folder / "carbon", sources.options.years

    def work() -> Made:
        folder.mkdir(parents=True, exist_ok=True)
        stocks = stocks_of(sources)
        paths = [write(class_table([sources.land(0)]), folder / "classes.csv")]
        paths += write_both(
            by_year({year: long_table(one) for year, one in stocks.items()}), folder / "stock"
        )
        areas = {year: _areas(sources, number, stocks[year]) for number, year in enumerate(years)}
        paths += write_both(by_year({year: long_table(one) for year, one in areas.items()}), folder / "area")
        notes: list[dict[str, str]] = []
        paths += _maps(notes, "stock_maps", lambda: _stock_maps(sources, folder))
        facts = _facts(stocks[years[-1]])
        accuracy = areas[years[-1]].attrs.get("overall_accuracy")
        facts |= {} if accuracy is None else {"overall_accuracy": accuracy}
        return paths, {"facts": facts, "years": years, "skipped": notes}

    return Step(
        "carbon-stock",
        sources.digests("published"),
        sources.parameters("change", "patches", "published"),
        work,
    )


def by_year(tables: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Put tables of several years below one another, the year first; rows without a value are left out."""
    joined = pd.concat([table.assign(year=year) for year, table in tables.items()], ignore_index=True)
    joined = joined[joined["value"].notna()]
    return joined[["year", *(name for name in joined if name != "year")]].reset_index(drop=True)


def _areas(sources: CarbonSources, number: int, stock: xr.Dataset) -> xr.Dataset:
    """Area of every class, adjusted by the reference sample where there is one."""
    sample = sources.confusion(number)
    if sample is None:
        return stock[["class_area"]].rename(class_area="area")
    level = sources.options.uncertainty.level
    made = adjusted_area(sources.areas_of(number), sample, level=level)
    return made[["area", "area_uncertainty", "area_lower", "area_upper", "area_mapped"]].assign_attrs(
        made.attrs
    )


def _stock_maps(sources: CarbonSources, folder: Path) -> list[Path]:
    year, last = sources.options.years[-1], len(sources.options.years) - 1
    land = sources.land(last)
    cells = cell_raster(land, sources.options.maps.cells)
    cells, zones = cells_of_regions(cells, sources.regions, sources.pools, sources.zones)
    density, classes = map_stock(
        land,
        cells,
        pools=sources.pools,
        rasters=sources.rasters(last),
        zones=zones,
        accounted=sources.options.accounted,
    )
    return [
        write(density, folder / f"stock_density_{year}.tif"),
        write(classes, folder / f"land_class_{year}.tif"),
    ]


def change_step(sources: CarbonSources) -> Step:
    """Make the step of the change between the first and the last date.

    Outputs ``carbon/change`` and ``carbon/transition`` (``.csv``, ``.parquet``),
    ``carbon/change_<first>_<last>.tif`` by cell and, asked for, ``..._full.tif`` by pixel.
    """
    folder = sources.context.folder / "carbon"

    def work() -> Made:
        folder.mkdir(parents=True, exist_ok=True)
        land, after = sources.land_pair()
        made = stock_change(
            land, after, sources.pools, **sources.how(None), **_given(sources), **_changing(sources)
        )
        table = long_table(made)
        table = table[table["value"].notna()].reset_index(drop=True)
        paths = [*write_both(table, folder / "change")]
        pairs = made.rename(transition_area="area")[["area", "area_before_only", "area_after_only"]]
        pairs = pairs.drop_dims(["class", "pool"], errors="ignore")
        names = {
            f"{dim}_name{end}": (dim, made[f"class_name{end}"].values)
            for dim in ("before", "after")
            for end in ("", "_zh")
        }
        matrix = transition_table(pairs.assign_coords(names), form="matrix")
        paths += write_both(matrix, folder / "transition")
        notes: list[dict[str, str]] = []
        paths += _maps(notes, "change_map", lambda: _change_maps(sources, folder))
        if sources.options.maps.full:
            paths += _maps(notes, "change_map_by_pixel", lambda: _full_map(sources, folder))
        return paths, {"facts": _facts(made), "skipped": notes}

    return Step(
        "carbon-change", sources.digests("published"), sources.parameters("patches", "published"), work
    )


def _ends(sources: CarbonSources) -> str:
    return f"{sources.options.years[0]}_{sources.options.years[-1]}"


def _change_maps(sources: CarbonSources, folder: Path) -> list[Path]:
    plain = not sources.options.rasters and (sources.pools is None or not sources.pools.zones)
    # sums of rasters and zones need the whole account of every cell, which takes its time
    most = sources.options.maps.cells if plain else min(sources.options.maps.cells, MOST_CELLS)
    cells = cell_raster(sources.land(0), most)
    cells, zones = cells_of_regions(cells, sources.regions, sources.pools, sources.zones)
    changing = {key: value for key, value in _changing(sources).items() if key not in ("growth", "losses")}
    made = map_change(
        sources.land(0),
        sources.land(len(sources.options.years) - 1),
        cells,
        pools=sources.pools,
        rasters=sources.raster_pairs(),
        zones=zones,
        accounted=sources.options.accounted,
        **{**changing, "method": "stock_difference"},
    )
    return [write(made, folder / f"change_{_ends(sources)}.tif")]


def _full_map(sources: CarbonSources, folder: Path) -> list[Path]:
    made = change_map(sources.land(0), sources.land(len(sources.options.years) - 1), class_densities(sources))
    return [write(made, folder / f"change_{_ends(sources)}_full.tif")]


def do_carbon(context: Context, do: Callable[[Step], Any]) -> None:
    """Do every carbon step that the study asks for.

    Parameters
    ----------
    context : Context
        Facts of the run.
    do : callable
        Does a step and keeps its record.
    """
    options = context.study.carbon
    assert options is not None
    sources = CarbonSources(context, options)
    do(stock_step(sources))
    if len(options.landuse) > 1:
        do(change_step(sources))
    if options.patches is not None:
        do(patch_step(sources))
    if options.published:
        do(published_step(sources))

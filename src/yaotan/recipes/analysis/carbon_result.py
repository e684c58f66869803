"""The carbon of a finished run, read back for the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from yaotan.io.raster import open_raster
from yaotan.io.tabular import read_parquet, read_table
from yaotan.recipes.analysis.carbon_map import place_on_earth
from yaotan.recipes.analysis.finished import Finished
from yaotan.report.ecosystem import CarbonResult, PublishedTotal


def load_carbon(finished: Finished) -> CarbonResult | None:
    """Read the carbon of a finished run; None when the study did not ask for it."""
    found = finished.step("carbon-stock")
    if found is None:
        return None
    files, summary = found
    change = finished.step("carbon-change")
    patches = finished.step("carbon-patches")
    published = finished.step("carbon-published")
    years = [int(year) for year in summary["years"]]
    maps = {
        "stock": files.get(f"stock_density_{years[-1]}.tif"),
        "class": files.get(f"land_class_{years[-1]}.tif"),
    }
    if change is not None:
        maps["change"] = change[0].get(f"change_{years[0]}_{years[-1]}.tif")
    return CarbonResult(
        years=tuple(years),
        classes=read_table(files["classes.csv"]),
        areas=read_parquet(files["area.parquet"]),
        stock=read_parquet(files["stock.parquet"]),
        change=read_parquet(change[0]["change.parquet"]) if change is not None else None,
        patches=read_table(patches[0]["patches.csv"]) if patches is not None and patches[0] else None,
        published=_published(published) if published is not None else (),
        maps={name: read_map(path, name) for name, path in maps.items() if path is not None},
        facts={
            "stock": summary["facts"],
            "change": change[1]["facts"] if change is not None else {},
            "patches": patches[1].get("facts", {}) if patches is not None else {},
        },
        notes=tuple(
            f"{item['variable']}: {item['reason']}"
            for step in (found, change, patches)
            if step is not None
            for item in step[1].get("skipped", [])
        ),
    )


def _published(step: tuple[dict[str, Path], dict[str, Any]]) -> tuple[PublishedTotal, ...]:
    table = read_table(step[0]["waterfall.csv"])
    return tuple(
        PublishedTotal(str(title), rows.drop(columns="title").reset_index(drop=True), step[1]["facts"][title])
        for title, rows in table.groupby("title", sort=False)
    )


def read_map(path: Path, kind: str) -> xr.Dataset:
    """Read a map of cells as the page takes it: dims ``y, x``, mapping ``crs``, one variable ``value``."""
    # codes are read as plain numbers: a legend of the user's own need not be known any more
    raster = open_raster(path, quantity="class_code", units="1") if kind == "class" else open_raster(path)
    grid = raster.load().to_dataset(name="value")
    made: xr.Dataset = place_on_earth(grid, raster.rio.crs, grid_mapping_name="crs")
    return made

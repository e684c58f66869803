"""The command ``carbon``: which functions it stands for, and its options."""

from __future__ import annotations

from typing import Final

from yaotan.cli.option import Argument, Command, Option

CARBON: Final = Command(
    "carbon",
    (
        "yaotan.io.raster:open_raster",
        "yaotan.carbon.pool:open_pools",
        "yaotan.carbon.stock:carbon_stock",
        "yaotan.carbon.change.change:stock_change",
    ),
    "Carbon stock of a land-use raster, or change between two: FILES and, last, TARGET (.csv, .nc).",
    (
        Argument("files", "One raster of land classes, or two of two dates, the earlier first.", many=True),
        Argument("target", "Table to write; of two rasters the stocks go to the same name with _stock."),
    ),
    (
        Option("pools", str, None, "Table of carbon densities by class (.csv, .parquet; docs/carbon.md)."),
        Option("scheme", str, None, "Legend of the classes, such as cnlucc, survey, clcd, igbp."),
        Option("units", str, None, "Unit of the densities, where the table has no column units."),
        Option("depth", float, None, "Depth of the soil pool [m], where the table has no column depth."),
        Option("edition", str, None, "ipcc2006 or ipcc2019, where the table has no column edition."),
        Option("crs", str, None, "Reference system of the rasters, where they do not say it."),
        Option("regions", str, None, "Vector file, or a name such as china_province."),
        Option("period", tuple[int, int], None, "FIRST SECOND: years of the two rasters."),
        Option(
            "accounted", list[str], None, "Pool to account for; may be repeated (default: all there are)."
        ),
        Option("soil_years", float, 20.0, "Years that a soil takes to its new stock; 0: at once."),
        Option("dead_years", float, 20.0, "Years that dead matter takes to build up; 0: at once."),
        Option("conversion", str, "uniform", "When land changed between the dates: uniform, start or end."),
        Option(
            "confusion",
            str,
            None,
            "Reference points (.csv): mapped down, true across; of two rasters pairs, before * 1000 + after.",
        ),
        Option("uncertainty", str, "monte_carlo", "monte_carlo (Approach 2) or propagation (Approach 1)."),
        Option("draws", int, 10_000, "Realisations of the Monte Carlo."),
        Option("seed", int, 0, "Seed of the draws."),
        Option("level", float, 0.95, "Probability of the intervals."),
        Option("class_correlation", float, 0.0, "Correlation of density errors between classes."),
        Option("area", str, "exact", "exact, or planar: only to match others."),
    ),
)

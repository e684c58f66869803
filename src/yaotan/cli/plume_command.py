"""The commands of point sources: which functions they stand for, and their options."""

from __future__ import annotations

from typing import Final

from yaotan.cli.option import PRODUCT, Argument, Command, Option

_COLUMNS: Final = Option(
    "columns",
    list[str],
    None,
    "Column of the list of sources as ROLE=NAME (longitude=x); may be repeated.",
)

PLUMES: Final = (
    Command(
        "plume",
        ("yaotan.recipes.plume:quantify_files",),
        "Emissions of point sources in images and overpasses: SCENE ... --sources FILE --wind FILE.",
        (Argument("files", "Images or granules of soundings, folders or patterns.", many=True),),
        (
            Option("sources", str, None, "List of sources: table or points (docs/recipe.md, Point sources)."),
            Option(
                "wind", list[str], None, "Reanalysis, table of winds (.csv), or product; may be repeated."
            ),
            Option("output", str, None, "Folder for the tables; without it they are only said."),
            Option("gas", str, None, "Column, such as xco2; needed where scenes hold several."),
            Option("mask_gas", str, None, "Second gas, such as no2, that gives mask and shape of plumes."),
            Option("method", list[str], None, "Method; may be repeated (default: all that fit the data)."),
            Option("choice", list[str], None, "Height of the wind, such as gnfr_a, 100m; may be repeated."),
            Option("background", list[str], None, "auto, quadratic, cubic, near, far; may be repeated."),
            PRODUCT,
            Option("quality", str, "good", "good or all."),
            _COLUMNS,
            Option("wind_source", str, "era5", "Entry of catalogs/winds.yaml."),
            Option("speed_error", float, 1.0, "1 sigma of the wind [m s-1]."),
            Option("direction_error", float, 10.0, "1 sigma of its direction [degree]."),
            Option("surface_pressure", float, None, "Surface pressure [hPa], where scenes hold none."),
            Option("kernel", str, None, "Kernel in the layer of the plume: product, or a number."),
            Option("length", float, None, "Longest way along the plume [m]."),
            Option("lifetime", float, None, "Lifetime of the gas [s]."),
        ),
    ),
    Command(
        "plume-annual",
        ("yaotan.plume.annual:annual_emission",),
        "Annual means of estimates: ESTIMATES (estimates.parquet of yaotan plume), TARGET (.csv, .nc).",
        (
            Argument("estimates", "Table of estimates of single scenes (.parquet)."),
            Argument("target", "File to write."),
        ),
        (
            Option("year", int, None, "Year; needed where scenes are of several."),
            Option("level", float, 0.95, "Probability of the interval."),
            Option("stratify", bool, False, "Weigh classes of wind by their share of all overpasses."),
            Option("errors", str, "terms", "terms, or total where estimates state a total error only."),
            Option("detection", str, None, "Sensor by whose odds of seeing a plume overpasses are weighed."),
        ),
    ),
    Command(
        "plume-observe",
        ("yaotan.io.source:open_sources", "yaotan.plume.observable:observable_sources"),
        "What satellites could see of sources: SOURCES (with emissions), TARGET (.csv, .parquet, .geojson).",
        (
            Argument("sources", "List of sources with columns such as co2_Mt_2018, nox_kt."),
            Argument("target", "File to write."),
        ),
        (
            Option("clear_share", float, None, "Share of clear overpasses at the sources, 0 to 1."),
            Option("sensors", list[str], None, "Sensor; may be repeated (default: all)."),
            Option("wind_speed", float, 5.0, "Mean wind [m s-1]."),
            Option("goal", float, 0.2, "Relative standard error that is good enough."),
            _COLUMNS,
        ),
    ),
)

"""The one table of commands: which public functions each stands for, and which of their options it shows.

Nothing heavy is imported here; a function is looked up when its command runs. A test asserts that every
option is a parameter of one of the command's functions, with the same default.
"""

from __future__ import annotations

from typing import Final

from yaotan.cli.carbon_command import CARBON
from yaotan.cli.emission_command import EMISSION
from yaotan.cli.option import ALIASES, GLOBE, PRODUCT, TRUST, Argument, Command, Option
from yaotan.cli.plume_command import PLUMES

COMMANDS: Final = (
    Command(
        "info",
        ("yaotan.io.identify:identify",),
        "Say what a file is: product, version, period, extent, counts by quality and mode, variables.",
        (Argument("files", "Granules to look at.", many=True),),
        (PRODUCT, ALIASES, TRUST),
    ),
    Command(
        "grid",
        (
            "yaotan.io.soundings:open_soundings",
            "yaotan.grid.spec:GridSpec.regular",
            "yaotan.grid.bin:grid_soundings",
        ),
        "Grid granules and write the grid: FILES and, last, TARGET (.nc, .zarr, .tif).",
        (
            Argument("files", "Granules, folders or patterns.", many=True),
            Argument("target", "File to write."),
        ),
        (
            PRODUCT,
            Option(
                "region", "box", None, "WEST SOUTH EAST NORTH [degrees]; west > east crosses the dateline."
            ),
            Option("quality", str, "good", "good, all or bad."),
            Option("on_error", str, "raise", "raise, or skip files that cannot be read and list them."),
            ALIASES,
            TRUST,
            Option("resolution", float, 1.0, "Cell size [degrees]."),
            Option("bounds", "box", GLOBE, "WEST SOUTH EAST NORTH of the grid [degrees]."),
            Option("period", str, None, "day, month, season, year or an ISO duration (8D); none: one field."),
            Option("weight", str, "area", "area, centre, footprint or response."),
            Option(
                "plane", str, "geographic", "geographic, or equal_area for totals that must be conserved."
            ),
            Option("overpass_correlation", float, 0.5, "Error correlation inside one overpass of a cell."),
        ),
    ),
    Command(
        "zonal",
        ("yaotan.io.netcdf:open_grid", "yaotan.io.region:open_regions", "yaotan.grid.zonal:zonal_statistics"),
        "Average a grid over regions: GRID, REGIONS, TARGET (.csv, .parquet, .nc).",
        (
            Argument("grid", "Grid written by yaotan, or of a known gridded product."),
            Argument("regions", "Vector file, or a name such as key_regions or china_province."),
            Argument("target", "File to write."),
        ),
        (
            Option(
                "product", str, None, "Gridded product, or a YAML file of your own (docs/product/grids.md)."
            ),
            TRUST,
            Option("region_id", str, None, "Column that holds the region's id."),
            Option("name", str, None, "Column that holds its English name."),
            Option("name_zh", str, None, "Column that holds its Chinese name."),
            Option("correlation_length", float, 100e3, "E-folding length of the errors of cells [m]."),
        ),
    ),
    Command(
        "fill",
        (
            "yaotan.io.soundings:open_soundings",
            "yaotan.grid.spec:GridSpec.regular",
            "yaotan.column.fill.filling:fill_gaps",
            "yaotan.column.fill.mean:MeanModel",
            "yaotan.column.fill.kriging:SpaceTimeKriging",
            "yaotan.column.fill.fixed_rank:FixedRankKriging",
            "yaotan.column.fill.dineof:Dineof",
        ),
        "Fill the gaps of columns: FILES (granules, or one grid) and, last, TARGET (.nc, .zarr, .tif).",
        (
            Argument("files", "Granules, folders or patterns; or one gridded file.", many=True),
            Argument("target", "File to write."),
        ),
        (
            PRODUCT,
            Option("quality", str, "good", "good, all or bad."),
            Option("on_error", str, "raise", "raise, or skip files that cannot be read and list them."),
            ALIASES,
            TRUST,
            Option("variable", str, None, "Variable, where the files have several."),
            Option("resolution", float, 1.0, "Cell size [degrees]."),
            Option("bounds", "box", GLOBE, "WEST SOUTH EAST NORTH of the grid; data 10 degrees further."),
            Option("times", str, "month", "day, month, season, year or an ISO duration (8D): means over it."),
            Option("region", str, None, "Vector file or name of regions: cells elsewhere are left out."),
            Option("method", str, "kriging", "kriging, fixed-rank or dineof (docs/fill.md)."),
            Option("average", str, None, "Means along the track first (10s), or in cells (degrees)."),
            Option("uncertainty", float, None, "1 sigma of soundings whose product states none."),
            Option("overpass_correlation", float, 0.5, "Error correlation inside one overpass."),
            Option("space", int, 1, "Degree of the mean in latitude and longitude: 0 to 2."),
            Option("time", int, 1, "Degree of the mean in time: 0 to 3."),
            Option("harmonics", int, 4, "Harmonics of the year: 0 to 6; 0 for less than a year of data."),
            Option("season_space", int, 0, "1: the season changes with latitude and longitude."),
            Option("minimum", int, 20, "kriging: observations of a neighbourhood, at least."),
            Option("maximum", int, 64, "kriging: observations of a neighbourhood, at most."),
            Option("functions", int, 400, "fixed-rank: functions in space, at most."),
            Option("levels", int, 3, "fixed-rank: resolutions of the functions."),
            Option("step", float, 16.0, "fixed-rank, dineof: step in time [days]."),
            Option("cell", float, 2.0, "dineof: side of the cells of its matrix [degrees]."),
            Option("modes", int, None, "dineof: modes; none: as many as withheld data ask for."),
            Option("time_filter", float, 0.0, "dineof: length of the filter in time [days]."),
            Option("seed", int, 0, "Seed of samples."),
        ),
    ),
    Command(
        "trend",
        (
            "yaotan.io.soundings:open_soundings",
            "yaotan.column.trend.region:region_series",
            "yaotan.column.trend.region:band_series",
            "yaotan.column.trend.fit:fit_trend",
            "yaotan.column.trend.growth:growth",
            "yaotan.column.trend.season:seasonal_cycle",
            "yaotan.column.trend.significance:trend_test",
        ),
        "Trend, growth by year, season and trend test: FILE, TARGET (.csv, .parquet, .nc); TARGET_curves.nc.",
        (
            Argument("file", "Regional table, grid with --regions or --edges, or file of a station."),
            Argument("target", "Table to write; the curves go beside it."),
        ),
        (
            Option("variable", str, None, "Variable, where the file has several."),
            Option("regions", str, None, "Regions of a grid: vector file, or a name such as key_regions."),
            Option(
                "edges", list[float], None, "Latitude bands of a grid: one --edges for each edge [degrees]."
            ),
            Option("pattern", str, "seasonal", "seasonal or constant pattern of the cells of a grid."),
            Option("period", str, None, "What values are means over: day, month, season, year, 8D; instant."),
            Option("weighted", bool, False, "Weight the fit by stated uncertainty."),
            Option("terms", int, 3, "Polynomial terms."),
            Option("harmonics", int, 4, "Harmonics of the year."),
            Option("short", float, 80.0, "Short-term cut-off [days]."),
            Option("long", float, 667.0, "Long-term cut-off [days]."),
            Option("method", str, "filter", "Growth by filter, or by endpoint as NOAA does at Mauna Loa."),
            Option("uncertainty", str, "model", "model, or bootstrap."),
            Option("seed", int, 0, "Seed of the bootstrap."),
            Option("prewhitening", str, "iterative", "iterative, trend_free or none."),
            Option("product", str, None, "Product of a station's file."),
            TRUST,
        ),
    ),
    Command(
        "check-claim",
        ("yaotan.column.claim:check_claim",),
        "Check a claim (region A is higher than B by so much) against the regional TABLE (.csv) of a run.",
        (Argument("table", "Monthly regional table, such as columns/<product>_<variable>_regions.csv."),),
        (
            Option("a", str, None, "Region said to be higher: id or name."),
            Option("b", str, None, "Region it is compared with: id or name."),
            Option("at_least", float, 0.0, "Claimed difference [unit of the variable]."),
            Option("period", tuple[str, str], None, "FIRST LAST, ISO dates, both included."),
            Option("variable", str, None, "Column variable, where the table has several."),
            Option("level", float, 0.95, "Probability of the interval."),
        ),
    ),
    Command(
        "validate",
        (
            "yaotan.io.soundings:open_soundings",
            "yaotan.io.station:open_stations",
            "yaotan.column.validation.collocation:collocate",
            "yaotan.column.validation.validation:validate",
        ),
        "Compare granules with stations: FILES and, last, TARGET (.csv, .parquet, .nc) for the pairs.",
        (
            Argument("files", "Granules, folders or patterns.", many=True),
            Argument("target", "File for the pairs; the scores go to the same name with _scores."),
        ),
        (
            Option("stations", list[str], None, "Files, folders or patterns of stations; may be repeated."),
            PRODUCT,
            Option("quality", str, "good", "good, all or bad."),
            Option("on_error", str, "raise", "raise, or skip files that cannot be read and list them."),
            ALIASES,
            TRUST,
            Option("column", str, None, "Column to compare (xco2, ...); needed where there are several."),
            Option("method", str, "box", "box, radius or temperature."),
            Option("box", tuple[float, float], None, "Half widths NORTH-SOUTH EAST-WEST [degrees]."),
            Option("radius", float, 100e3, "Distance for --method radius [m]."),
            Option("hours", float, 1.0, "Half the time window of a station's measurements."),
            Option("temperature", str, None, "Variable [K] of both sides, for --method temperature."),
            Option("days", float, 5.0, "Half the time window of --method temperature [days]."),
            Option("kelvin", float, 2.0, "Largest difference of --method temperature [K]."),
            Option("altitude", float, None, "Largest difference in altitude [m]."),
            Option(
                "kernel",
                str,
                "common_prior",
                "common_prior, smooth, or none: compare the columns as they are.",
            ),
            Option("convert", bool, False, "Bring profiles on levels to layers or the other way round."),
            Option("minimum_soundings", int, 1, "Fewest soundings of a pair."),
            Option("minimum_spectra", int, 1, "Fewest measurements of a station in a pair."),
            Option("overpass_correlation", float, 0.5, "Error correlation of the soundings of one overpass."),
            Option("level", float, 0.95, "Probability of the intervals."),
            Option("minimum_pairs", int, 3, "Stations with fewer pairs are left out and listed."),
        ),
    ),
    *PLUMES,
    CARBON,
    *EMISSION,
    Command(
        "catalog",
        ("yaotan.io.index.scan:index_granules", "yaotan.io.stac.granule:write_stac"),
        "Index the granules of a folder (GeoParquet); a second call reads only what changed.",
        (Argument("folder", "Folder of granules, searched in depth."),),
        (
            Option("target", str, None, "Index to write (default: granule_index.parquet in the folder)."),
            Option("stac", str, None, "Folder for a static STAC catalog of the granules."),
            PRODUCT,
            ALIASES,
            TRUST,
            Option("checksum", bool, True, "Read every byte for the SHA-256."),
            Option("refresh", bool, False, "Read every file again."),
            Option("workers", int, None, "Processes that read (default: the processors there are)."),
        ),
    ),
    Command(
        "fetch",
        ("yaotan.io.fetch:fetch",),
        "Find the files of a product for a period and region, and bring them into a folder.",
        (Argument("product", "Product that an archive holds (docs/howto/fetch.md)."),),
        (
            Option("period", tuple[str, str], None, "FIRST LAST, ISO dates, both included."),
            Option(
                "region", "box", None, "WEST SOUTH EAST NORTH [degrees]; west > east crosses the dateline."
            ),
            Option("regions", str, None, "File or name of regions instead of --region."),
            Option("target", str, ".", "Folder for the files and their record fetch.json."),
            Option("list_only", bool, False, "Say what there is and how large; download nothing."),
            Option("service", str, None, "nasa, copernicus or http; default is the first that holds it."),
            Option("form", str, None, "file; or raster, table (copernicus)."),
            Option("version", str, None, "Version of the collection (nasa)."),
            Option("resolution", float, None, "Cell size of rasters and tables [degrees]."),
            Option("base_url", str, None, "Another address of the service; for http an address or a folder."),
            Option("login_url", str, None, "Another address to log in at."),
            Option("registry", str, None, "List of files and checksums (http)."),
            Option("parallel", int, 4, "Files that come in at the same time."),
        ),
    ),
    Command(
        "run",
        ("yaotan.recipes.run:run",),
        "Run a study: granules to grids, regional tables and report.",
        (Argument("recipe", "study.yaml (docs/recipe.md)."),),
        (
            Option("output", str, None, "Output folder instead of the study's own."),
            Option("check", bool, False, "Check study, regions, rules and every input file; write nothing."),
            TRUST,
        ),
    ),
    Command(
        "report",
        ("yaotan.report.page:report",),
        "Draw the report of a finished run again: FOLDER TARGET.",
        (Argument("folder", "Output folder of a run."), Argument("path", "Page to write (.html).")),
        (Option("language", str, None, "en or zh; default is the study's."),),
    ),
    Command(
        "demo",
        ("yaotan.simulate.study:simulate_study",),
        "Write a simulated study with known truth, run it, and report estimate against truth.",
        (Argument("folder", "Folder for the study; made when absent."),),
        (Option("seed", int, 0, "Seed of everything random."),),
    ),
)

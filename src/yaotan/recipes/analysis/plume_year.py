"""Annual means of point sources, and what sensors could see of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from yaotan.catalog.temporal import EmissionProfile
from yaotan.errors import YaotanError
from yaotan.io.digest import sha256
from yaotan.io.load import TABLES, open_load_profile, open_temporal_profile
from yaotan.io.tabular import read_parquet
from yaotan.io.write import write
from yaotan.plume.annual import annual_emission
from yaotan.plume.observability import detection_law
from yaotan.plume.observable import observable_sources
from yaotan.plume.table import estimate_of_table, estimate_table
from yaotan.recipes.analysis.skip import skip
from yaotan.recipes.context import Context
from yaotan.recipes.monthly import write_table
from yaotan.recipes.plume_option import AnnualOptions, ObservabilityOptions
from yaotan.recipes.step import Step

#: columns of a list of sources that name the profiles of the CoCO2 catalogue
_KEYS: Final = {part: column for part, (_, column) in TABLES.items()}


def profiles_of(
    sources: gpd.GeoDataFrame, options: AnnualOptions, base: Path
) -> dict[str, EmissionProfile] | None:
    """Open the profile in time of each source; None where the study names none.

    Raises
    ------
    YaotanError
        The list of sources does not name the profiles, a source has no load, a file is missing.
    """
    if options.loads:
        missing = sorted(set(sources["source"]) - set(options.loads))
        if missing:
            raise YaotanError(f"source {missing[0]!r} has no load", where="plumes.annual.loads")
        return {
            name: open_load_profile(base / one.path, time=one.time, load=one.load)
            for name, one in options.loads.items()
        }
    if options.tables is None:
        return None
    lacking = [column for column in _KEYS.values() if column not in sources]
    if lacking:
        raise YaotanError(
            f"the list of sources has no column {', '.join(lacking)}",
            where="plumes.annual.tables",
            expected="identifiers of the profiles of each source",
        )
    made: dict[str, EmissionProfile] = {}
    for row in sources.itertuples():
        hours = options.utc_offset if options.utc_offset is not None else round(row.geometry.x / 15.0)
        ids = {part: str(getattr(row, column)) for part, column in _KEYS.items()}
        made[str(row.source)] = open_temporal_profile(
            base / options.tables, ids, name=str(row.name), utc_offset=float(hours)
        )
    return made


def annual_step(
    context: Context, options: AnnualOptions, sources: gpd.GeoDataFrame, joined: Mapping[str, Any]
) -> Step:
    """Make the step of annual means.

    Returns
    -------
    Step
        Outputs ``plumes/annual.nc``, ``annual.csv``, ``annual.parquet``.
    """
    folder = context.folder / "plumes"
    known = "plumes/estimates.parquet"

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        if known not in joined["outputs"]:
            return [], {"skipped": [{"variable": "annual", "code": "other", "reason": "no estimate"}]}
        table = read_parquet(context.folder / known)
        table = table[~table["time"].isna()]
        try:
            estimates = estimate_of_table(table, sources)
            made = annual_emission(
                estimates,
                profiles_of(sources, options, context.base),
                year=options.year,
                level=options.level,
                stratify=options.stratify,
                errors=options.errors,
                detection=None
                if options.detection is None
                else detection_law(options.detection, str(estimates.attrs["substance"])),
            )
        except YaotanError as error:
            return [], {"skipped": [skip("annual", error)]}
        rows = estimate_table(made).drop(columns=["scene", "time"])
        for name in ("emission_lower", "emission_upper", "overpass_count", "used_count", "outlier_count"):
            if name in made:
                rows[name] = made[name].values
        # the mean of a year is of no one time
        paths = [write(made.drop_vars("time"), folder / "annual.nc"), *write_table(rows, folder / "annual")]
        return paths, {"profile": made.attrs["profile"], "year": int(made.attrs["year"])}

    files = [one.path for one in options.loads.values()]
    files += [f"{options.tables}/{file}" for file, _ in TABLES.values()] if options.tables else []
    held = {f"profile: {file}": sha256(context.base / file) for file in files}
    inputs = {name: digest for name, digest in joined["outputs"].items() if name == known}
    return Step("plume-annual", {**inputs, **held}, options.model_dump(), work)


def observability_step(
    context: Context, options: ObservabilityOptions, sources: gpd.GeoDataFrame, shared: Mapping[str, str]
) -> Step:
    """Make the step that says what sensors could see.

    Returns
    -------
    Step
        Outputs ``plumes/observability.parquet`` (GeoParquet) and ``observability.csv``.
    """
    folder = context.folder / "plumes"

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        made = observable_sources(sources, **options.model_dump())
        plain = pd.DataFrame(made.drop(columns="geometry"))
        paths = [write(made, folder / "observability.parquet"), write(plain, folder / "observability.csv")]
        return paths, {"sources": len(sources)}

    inputs = {name: digest for name, digest in shared.items() if name.startswith("sources: ")}
    return Step("plume-observability", inputs, options.model_dump(), work)

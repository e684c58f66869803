"""Point sources of a study: a step for each scene, one that joins them, annual means, observability."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from yaotan.io.atomic import replacing
from yaotan.io.digest import sha256
from yaotan.io.paths import find_files
from yaotan.io.source import open_sources
from yaotan.io.tabular import read_parquet
from yaotan.io.write import write
from yaotan.plume.observable import observable_sources
from yaotan.plume.source import check_sources
from yaotan.recipes.analysis.plume_flux import in_period
from yaotan.recipes.analysis.plume_scene import (
    KINDS,
    Finder,
    box_around,
    quantify_file,
    scene_key,
    wind_finder,
    write_tables,
)
from yaotan.recipes.analysis.plume_season import check_season, do_season
from yaotan.recipes.analysis.plume_year import annual_step, observability_step, profiles_of
from yaotan.recipes.context import Context
from yaotan.recipes.inventory import expand
from yaotan.recipes.plume_option import PlumeOptions
from yaotan.recipes.step import Step

#: errors that a plume must stand out from to be clear
_ADDITIVE: Final = ("emission_uncertainty_noise", "emission_uncertainty_background")


def plume_sources(context: Context) -> gpd.GeoDataFrame:
    """Open the sources of a study once."""
    options = context.study.plumes
    assert options is not None

    def read() -> gpd.GeoDataFrame:
        return check_sources(open_sources(context.base / options.sources, columns=options.columns))

    return context.remember("plume sources", read)


def plume_wind(context: Context) -> Finder:
    """Open the wind of a study once."""
    options = context.study.plumes
    assert options is not None
    sources = plume_sources(context)

    def read() -> Finder:
        return wind_finder(options, context.base, box_around(sources))

    return context.remember("plume wind", read)


def opened(context: Context) -> tuple[gpd.GeoDataFrame, Finder]:
    """Give sources and wind of a study."""
    return plume_sources(context), plume_wind(context)


def scene_files(context: Context) -> list[str]:
    """List the scenes of a study."""
    options = context.study.plumes
    assert options is not None
    return expand(options.scenes, context.base)


def wind_digests(options: PlumeOptions, base: Path) -> dict[str, str]:
    """Hash the files of the wind by their path in the study."""
    if options.wind_of_product:
        return {}
    paths = [options.wind] if isinstance(options.wind, str) else options.wind
    files = find_files([str(base / path) for path in paths])
    return {f"wind: {Path(file).name}": sha256(Path(file)) for file in files}


def do_plumes(context: Context, do: Callable[[Step], dict[str, Any]]) -> None:
    """Do the steps of point sources: scenes one by one, then what joins them."""
    options = context.study.plumes
    assert options is not None
    sources = context.base / options.sources
    shared = {f"sources: {options.sources}": sha256(sources), **wind_digests(options, context.base)}
    # folders are made before the steps: an empty one is no result
    (context.folder / "plumes" / "views").mkdir(parents=True, exist_ok=True)
    files = scene_files(context)
    records = {}
    for file in files if options.methods != [] else []:
        step = scene_step(context, file, shared)
        records[step.name] = do(step)
    joined = do(join_step(context, records, shared))
    if options.season is not None:
        do_season(context, options.season, files, shared, lambda: opened(context), do)
    if options.annual is not None:
        do(annual_step(context, options.annual, plume_sources(context), joined))
    if options.observability is not None:
        do(observability_step(context, options.observability, plume_sources(context), shared))


def scene_step(context: Context, file: str, shared: Mapping[str, str]) -> Step:
    """Make the step that quantifies one file.

    Parameters
    ----------
    context : Context
        Facts of the run.
    file : str
        Scene.
    shared : mapping
        Hashes of the list of sources and of the wind.

    Returns
    -------
    Step
        Outputs ``.steps/plumes/<key>_<kind>.parquet`` and ``<key>_<source>.nc`` (views), which `join_step`
        joins. The summary counts sources outside and names the parts that could not be used.
    """
    options = context.study.plumes
    assert options is not None
    known = context.relative(file)
    key = scene_key(known)
    stem = context.folder / ".steps" / "plumes" / key

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        sources = plume_sources(context)
        found = quantify_file(file, sources, plume_wind(context), options, views=options.views > 0)
        kept = [
            (name, one)
            for name, one in found.scenes
            if in_period(context.study.period, one.estimate["time"].values)
        ]
        failures = [*found.failures]
        failures += [
            (name, "outside the period of the study") for name, one in found.scenes if (name, one) not in kept
        ]
        found.scenes = kept
        paths = [
            write(table, stem.with_name(f"{key}_{kind}.parquet")) for kind, table in found.tables().items()
        ]
        views: dict[str, list[str]] = {}
        for name, one in kept:
            for source, view in one.views.items():
                if "line_way" in view or "fit" in view:
                    views[f"{key}_{len(views)}.nc"] = [name, source]
                    paths.append(write(view, stem.with_name(f"{key}_{len(views) - 1}.nc")))
        told = {"scene": known, "failures": failures, "outside": found.outside, "views": views}
        return paths, told

    return Step(
        f"plume-scene-{key}",
        {f"scene: {known}": sha256(Path(file)), **shared},
        {
            **options.model_dump(exclude={"annual", "observability", "scenes", "season"}),
            "period": context.study.period,
        },
        work,
    )


def join_step(context: Context, records: Mapping[str, Mapping[str, Any]], shared: Mapping[str, str]) -> Step:
    """Make the step that joins the scenes of a study.

    Parameters
    ----------
    context : Context
        Facts of the run.
    records : mapping
        Records of the steps of the scenes.
    shared : mapping
        Hashes of the list of sources and of the wind.

    Returns
    -------
    Step
        Outputs ``plumes/estimates.csv``, ``.parquet`` and ``.nc``, ``members.csv``, ``.parquet``,
        ``plumes.parquet`` and ``lines.parquet`` (GeoParquet), ``sources.parquet``, ``failures.csv`` and the
        views that are drawn.
    """
    options = context.study.plumes
    assert options is not None
    folder = context.folder / "plumes"

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        sources = plume_sources(context)
        joined = {kind: _joined(context, records, kind) for kind in KINDS}
        tables = {kind: table for kind, table in joined.items() if table is not None}
        failures = pd.DataFrame(
            [pair for record in records.values() for pair in record["summary"]["failures"]],
            columns=["scene", "reason"],
        )
        paths = write_tables(folder, sources, tables, failures)
        facts: dict[str, Any] = {
            "scenes": len(records),
            "failed": len(failures),
            "outside": sum(int(record["summary"]["outside"]) for record in records.values()),
            "status": {},
        }
        summary: dict[str, Any] = {"facts": facts, "views": {}, "skipped": []}
        if len(failures):
            text = f"{len(failures)} of {len(records)} could not be used (plumes/failures.csv says why)"
            summary["skipped"].append({"variable": "scenes", "code": "other", "reason": text})
        estimates, members = joined["estimates"], joined["members"]
        if options.methods == []:
            return paths, summary
        if estimates is None or members is None:
            nothing = {"variable": "estimates", "code": "other", "reason": "no scene sees a source"}
            summary["skipped"].append(nothing)
            return paths, summary
        facts |= _facts(estimates, members)
        views = choose_views(estimates, records, options.views)
        facts["left_out"] = sum(len(r["summary"]["views"]) for r in records.values()) - len(views)
        for number, (file, pair) in enumerate(views.items()):
            target = folder / "views" / f"{number:03d}_{Path(file).stem}.nc"
            with replacing(target) as temporary:
                shutil.copyfile(context.folder / file, temporary)
            paths.append(target)
            summary["views"][target.name] = pair
        return paths, summary

    inputs = {path: digest for record in records.values() for path, digest in record["outputs"].items()}
    told = {name: record["summary"] for name, record in records.items()}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return Step("plume-join", {**inputs, **shared, "summaries": digest}, {"views": options.views}, work)


def _joined(
    context: Context, records: Mapping[str, Mapping[str, Any]], kind: str
) -> pd.DataFrame | gpd.GeoDataFrame | None:
    """Join one kind of table of all scenes; None without a row."""
    files = [
        context.folder / path
        for record in records.values()
        for path in record["outputs"]
        if path.endswith(f"_{kind}.parquet")
    ]
    if not files:
        return None
    read: Callable[[Path], Any] = gpd.read_parquet if kind in ("plumes", "lines") else read_parquet
    tables = [read(file) for file in files]
    return pd.concat(tables, ignore_index=True)


def _facts(estimates: pd.DataFrame, members: pd.DataFrame) -> dict[str, Any]:
    return {
        "substance": str(estimates["substance"].iloc[0]),
        "methods": list(dict.fromkeys(members["method"])),
        "winds": list(dict.fromkeys(members["wind"])),
        "status": dict(Counter(estimates["status"])),
        "estimates": len(estimates),
    }


def choose_views(
    estimates: pd.DataFrame, records: Mapping[str, Mapping[str, Any]], most: int
) -> dict[str, Sequence[str]]:
    """Choose the views that are drawn: emission over its noise and background, the greatest first.

    Returns
    -------
    dict
        File (relative to the output folder) -> scene and source.
    """
    # an estimate without one of the terms has none of it
    terms = [name for name in _ADDITIVE if name in estimates]
    noise = np.sqrt(np.nansum(estimates[terms].to_numpy(float) ** 2, axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        clear = estimates["emission"].to_numpy(float) / noise
    rank = dict(zip(zip(estimates["scene"], estimates["source"], strict=True), clear, strict=True))
    offered = {
        f".steps/plumes/{file}": tuple(pair)
        for record in records.values()
        for file, pair in record["summary"]["views"].items()
    }
    good = [file for file, pair in offered.items() if np.isfinite(rank.get(pair, np.nan))]
    chosen = sorted(good, key=lambda file: (-rank[offered[file]], file))[:most]
    return {file: list(offered[file]) for file in chosen}


def check_plumes(context: Context) -> None:
    """Refuse point sources whose files are missing or cannot be read.

    Raises
    ------
    YaotanError
        The list of sources, the wind, the profiles or the pattern of the scenes cannot be used; observability
        of sensors for whose gas the list has no emission.
    """
    options = context.study.plumes
    if options is None:
        return
    sources = plume_sources(context)
    scene_files(context)
    plume_wind(context)
    if options.season is not None:
        check_season(context, options.season, sources)
    if options.annual is not None:
        profiles_of(sources, options.annual, context.base)
    if options.observability is not None:
        observable_sources(sources.iloc[:1], **options.observability.model_dump())

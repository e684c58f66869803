"""The point sources of a finished run, read back for the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from yaotan.io.netcdf import open_estimate
from yaotan.io.tabular import read_parquet, read_table
from yaotan.recipes.analysis.finished import Finished
from yaotan.report.point_source import PointSourceResult


def load_point_sources(finished: Finished) -> PointSourceResult | None:
    """Read the point sources of a finished run; None when the study did not ask for them."""
    found = finished.step("plume-join")
    if found is None:
        return None
    files, summary = found
    annual = finished.step("plume-annual")
    seen = finished.step("plume-observability")
    options = finished.provenance["study"]["plumes"]
    facts = dict(summary["facts"])
    facts |= {"variable": options["gas"] or "", "mask_variable": options["mask_gas"] or ""}
    if annual is not None and "profile" in annual[1]:
        facts["profile"] = annual[1]["profile"]
    season = finished.step("plume-season")
    seasons = () if season is None else _seasons(*season, most=options["views"])
    failures = read_table(files["failures.csv"])
    if season is not None:
        facts["season"] = season[1]["facts"]
    if season is not None and options["methods"] == []:
        # no scene was looked at by itself: what was read, and could not be, is that of the season
        facts |= season[1]["facts"]
        failures = _season_failures(season[0])
    gas = str(facts.get("substance", seasons[0][0].attrs["substance"] if seasons else ""))
    return PointSourceResult(
        substance=gas,
        sources=gpd.read_parquet(files["sources.parquet"]),
        estimates=_table(files, "estimates"),
        members=_table(files, "members"),
        plumes=_features(files, "plumes"),
        lines=_features(files, "lines"),
        views={(str(pair[0]), str(pair[1])): _view(files[name]) for name, pair in summary["views"].items()},
        annual=_estimate(annual[0], "annual.nc") if annual is not None else None,
        observability=_features(seen[0], "observability") if seen is not None else None,
        failures=failures,
        seasons=seasons,
        facts=facts,
    )


def _seasons(
    files: dict[str, Path], summary: dict[str, Any], *, most: int
) -> tuple[tuple[xr.Dataset, xr.Dataset | None], ...]:
    """Read the estimates of many scenes by source, clearest first; so many sources with what draws them."""
    drawn = {(str(name), str(source)): file for file, (name, source) in summary["drawn"].items()}
    found: dict[str, list[tuple[xr.Dataset, Path | None]]] = {}
    clear: dict[str, float] = {}
    for name in sorted(file for file in files if file.startswith("season_") and file.endswith(".nc")):
        estimate = _estimate(files, name)
        assert estimate is not None
        for place, source in enumerate(estimate["source"].values.astype(str)):
            one = estimate.isel(source=[place])
            file = drawn.get((name, source))
            found.setdefault(source, []).append((one, None if file is None else files[file]))
            sure = float(one["emission"][0] / one["emission_uncertainty"][0])
            clear[source] = max(clear.get(source, -np.inf), sure if np.isfinite(sure) else -np.inf)
    order = sorted(found, key=lambda source: -clear[source])
    return tuple(
        (estimate, _view(file) if file is not None and number < most else None)
        for number, source in enumerate(order)
        # what was measured before what a ratio makes of it
        for estimate, file in sorted(found[source], key=lambda pair: pair[1] is None)
    )


def _season_failures(files: dict[str, Path]) -> pd.DataFrame:
    scenes = read_parquet(files["season_scenes.parquet"])
    return scenes.loc[scenes["status"] == "failed", ["scene", "reason"]].reset_index(drop=True)


def _table(files: dict[str, Path], name: str) -> pd.DataFrame:
    path = files.get(f"{name}.parquet")
    return pd.DataFrame() if path is None else read_parquet(path)


def _features(files: dict[str, Path], name: str) -> gpd.GeoDataFrame:
    path = files.get(f"{name}.parquet")
    return gpd.GeoDataFrame(geometry=[], crs=4326) if path is None else gpd.read_parquet(path)


def _estimate(files: dict[str, Path], name: str) -> xr.Dataset | None:
    if name not in files:
        return None
    with open_estimate(files[name]) as estimate:
        held: Any = estimate.load()
    # files name a coordinate of texts otherwise than its dim
    return held.assign_coords(source=("source", held["source_id"].values.astype(str))).drop_vars("source_id")


def _view(path: Path) -> xr.Dataset:
    with xr.open_dataset(path, engine="h5netcdf") as view:
        held: Any = view.load()
    return held

"""The point sources of a finished run, read back for the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
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
    return PointSourceResult(
        substance=str(facts.get("substance", "")),
        sources=gpd.read_parquet(files["sources.parquet"]),
        estimates=_table(files, "estimates"),
        members=_table(files, "members"),
        plumes=_features(files, "plumes"),
        lines=_features(files, "lines"),
        views={(str(pair[0]), str(pair[1])): _view(files[name]) for name, pair in summary["views"].items()},
        annual=_estimate(annual[0], "annual.nc") if annual is not None else None,
        observability=_features(seen[0], "observability") if seen is not None else None,
        failures=read_table(files["failures.csv"]),
        facts=facts,
    )


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
    return held


def _view(path: Path) -> xr.Dataset:
    with xr.open_dataset(path, engine="h5netcdf") as view:
        held: Any = view.load()
    return held

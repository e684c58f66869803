"""Global attributes by which people and catalogues find a file (ACDD-1.3), made from its content."""

from __future__ import annotations

from importlib import metadata
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.catalog import gases
from yaotan.io.write.convention import plain_attributes
from yaotan.io.write.format import Options
from yaotan.schema import column_variables

_KIND: Final = {
    "soundings": ("Soundings", "Level 2", "Point"),
    "scene": ("Image", "Level 2", "Swath"),
    "view": ("Plume", "Level 4", None),
    "grid": ("Gridded fields", "Level 3", "Grid"),
    "raster": ("Raster", "Level 4", "Grid"),
    "estimate": ("Estimates", "Level 4", None),
    "pairs": ("Validation", "Level 4", None),
}
#: spelling of soundings' attributes -> ACDD-1.3
_RENAMED: Final = {"licence": "license", "title": "title"}


def global_attributes(dataset: xr.Dataset, options: Options) -> dict[str, Any]:
    """Make the global attributes of a file.

    Parameters
    ----------
    dataset : xarray.Dataset
        With CF coordinates; positions and times may be lazy (their extent is computed here).
    options : Options
        Date and further attributes; the latter win.

    Returns
    -------
    dict
        The dataset's own attributes, completed: Conventions, title, summary, keywords, extent in space and
        time, history, date_created, library version.
    """
    kind, level, data_type = _KIND[options.noun]
    names = [gases()[name].name["en"] for name in column_variables(dataset)]
    subject = ", ".join(names) or ", ".join(sorted(str(name) for name in dataset.data_vars)[:8])
    own = {_RENAMED.get(str(name), str(name)): value for name, value in dataset.attrs.items()}
    version = metadata.version("yaotan")
    made: dict[str, Any] = {
        "Conventions": "CF-1.8, ACDD-1.3",
        "title": f"{kind}: {subject}",
        "summary": f"{kind} of {subject}, written by yaotan {version}.",
        "keywords": ", ".join(dict.fromkeys(["greenhouse gases", *column_variables(dataset), *names])),
        "id": options.name.partition(".")[0],
        "processing_level": level,
        **({"cdm_data_type": data_type} if data_type else {}),
        **_extent_in_space(dataset),
        **_extent_in_time(dataset),
        "yaotan_version": version,
        "date_created": options.date,
    }
    attributes = plain_attributes(made | own | dict(options.attributes or {}))
    attributes["Conventions"] = made["Conventions"]
    attributes["history"] = "\n".join(
        part for part in (str(own.get("history", "")), f"{options.date} yaotan {version}: written") if part
    )
    return attributes


def _limits(dataset: xr.Dataset, standard_name: str) -> tuple[float, float, str] | None:
    """Least and greatest value of a coordinate: of its bounds on a grid, of the centres of soundings."""
    for name, coordinate in dataset.coords.items():
        if coordinate.attrs.get("standard_name") == standard_name:
            edges = coordinate.attrs.get("bounds", name) if name in dataset.dims else name
            if dataset[edges].size == 0:
                return None
            both = xr.Dataset({"low": dataset[edges].min(), "high": dataset[edges].max()}).compute()
            return float(both["low"]), float(both["high"]), str(name)
    return None


def _extent_in_space(dataset: xr.Dataset) -> dict[str, Any]:
    extent: dict[str, Any] = {}
    for word, standard_name, units in (
        ("lat", "latitude", "degrees_north"),
        ("lon", "longitude", "degrees_east"),
    ):
        limits = _limits(dataset, standard_name)
        if limits is None or not np.isfinite(limits[:2]).all():
            continue
        low, high, name = limits
        extent[f"geospatial_{word}_min"], extent[f"geospatial_{word}_max"] = low, high
        extent[f"geospatial_{word}_units"] = units
        if name in dataset.dims and dataset.sizes[name] > 1:
            step = float(abs(np.median(np.diff(dataset[name].values))))
            extent[f"geospatial_{word}_resolution"] = f"{step:.6g} degree"
    return extent


def _extent_in_time(dataset: xr.Dataset) -> dict[str, Any]:
    if "time" not in dataset.coords or dataset["time"].dtype.kind != "M":
        return {}
    time = dataset[dataset["time"].attrs.get("bounds", "time")]
    if time.size == 0:
        return {}
    first, last = (pd.Timestamp(value) for value in (time.min().values, time.max().values))
    if pd.isna(first):
        return {}
    extent = {
        "time_coverage_start": f"{first:%Y-%m-%dT%H:%M:%SZ}",
        "time_coverage_end": f"{last:%Y-%m-%dT%H:%M:%SZ}",
        "time_coverage_duration": (last - first).isoformat(),
    }
    if time.ndim == 2:
        days = (time[:, 1] - time[:, 0]).values / np.timedelta64(1, "D")
        extent["time_coverage_resolution"] = _resolution(days)
    return extent


def _resolution(days: np.ndarray) -> str:
    if len(days) and (days >= 28).all() and (days <= 31).all():
        return "P1M"
    if len(days) and (days >= 365).all() and (days <= 366).all():
        return "P1Y"
    return pd.Timedelta(float(np.median(days)), unit="D").isoformat() if len(days) else "P0D"

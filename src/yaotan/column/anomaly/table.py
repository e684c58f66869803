"""`anomaly_table`: anomalies of regions as rows."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.column.anomaly.anomaly import UNMEASURED, VERDICTS
from yaotan.column.trend.series import region_coordinates
from yaotan.errors import SchemaError

#: columns after the region's and the time
_COLUMNS: Final = ("", "_climatology", "_spread", "_z", "_years", "_p", "_verdict")


def anomaly_table(found: xr.Dataset, *, variable: str | None = None) -> pd.DataFrame:
    """Give a row for each region and month that was measured.

    Parameters
    ----------
    found : xarray.Dataset
        What `anomaly` gave for a regional table, or for a single series.
    variable : str, optional
        The gas; needed where there are several.

    Returns
    -------
    pandas.DataFrame
        region_id, name, name_zh, time, anomaly, climatology, spread [unit of the variable], z, years, p,
        verdict (``high``, ``low``, ``usual``, ``too_few_years``), by region and time. A series without
        regions is region ``*``, the whole area. ``attrs``: variable, units, base, growth, terms, min_years,
        level, by_chance, and ``not_measured``, the number of months left out because they have no value.

    Raises
    ------
    SchemaError
        No anomaly, several and no choice, or one of a grid.

    Examples
    --------
    >>> from yaotan import anomaly
    >>> time = np.arange("2010-01", "2017-01", dtype="datetime64[M]").astype("datetime64[ns]")
    >>> series = 400 + np.random.default_rng(1).normal(size=(1, 84))
    >>> axes = {"region": ["a"], "time": time}
    >>> regions = xr.Dataset({"xco2": (("region", "time"), series, {"units": "ppm"})}, axes)
    >>> anomaly_table(anomaly(regions))[["region_id", "time", "years", "verdict"]].head(1)
      region_id       time  years verdict
    0         a 2010-01-01      6   usual
    """
    known = [str(name)[: -len("_anomaly_z")] for name in found.data_vars if str(name).endswith("_anomaly_z")]
    chosen = known[0] if variable is None and len(known) == 1 else variable
    if chosen not in known:
        raise SchemaError(
            f"{chosen or 'the anomaly'} is not told by the data",
            where="anomaly_table",
            expected=f"one of {', '.join(known) or 'none: anomaly() gives them'}",
        )
    name = f"{chosen}_anomaly"
    dims = set(found[name].dims)
    if dims - {"region", "time"}:
        raise SchemaError(
            f"{name} has dims {found[name].dims}",
            where="anomaly_table",
            expected="(region, time) or (time)",
            fix="average over regions first (zonal_statistics, region_series)",
        )
    if "region" in dims:
        places = region_coordinates(found)
        identifiers = places["region"].values.astype(str)
        names = [
            places[key].values.astype(str) if key in places.coords else identifiers
            for key in ("region_name", "region_name_zh")
        ]
    else:
        identifiers = np.array(["*"])
        names = [identifiers, identifiers]
    times = found["time"].values
    columns: dict[str, Any] = {
        "region_id": np.repeat(identifiers, times.size),
        "name": np.repeat(names[0], times.size),
        "name_zh": np.repeat(names[1], times.size),
        "time": np.tile(times, identifiers.size),
    }
    order = [dim for dim in ("region", "time") if dim in dims]
    for ending in _COLUMNS:
        columns[ending.lstrip("_") or "anomaly"] = found[name + ending].transpose(*order).values.ravel()
    measured = columns["verdict"] != UNMEASURED
    columns["verdict"] = np.array(VERDICTS)[columns["verdict"]]
    table = pd.DataFrame(columns)[measured].reset_index(drop=True)
    keys = ("units", "base", "growth", "terms", "min_years", "level", "by_chance")
    about = {key: found[name].attrs[key] for key in keys if key in found[name].attrs}
    table.attrs = {"variable": chosen, **about, "not_measured": int((~measured).sum())}
    return table

"""Estimates of many scenes by source: joined to one, and as plain rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr

from yaotan.errors import SchemaError
from yaotan.geodesy import distance
from yaotan.plume.estimate import CAUTION, STATUS, TERMS, check_plume_estimate
from yaotan.plume.table import estimate_table

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

#: numbers of the methods of many scenes that go into the table, with their units
NUMBERS: Final = (*("mean_wind_speed", "lifetime", "lifetime_uncertainty", "peak_width", "neighbour_count"),)
_TERM: Final = "emission_uncertainty_"


def stack_estimates(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join estimates of one method and gas, each of other sources, to one.

    Parameters
    ----------
    parts : sequence of xarray.Dataset
        Of `make_estimate`. A number that a part lacks is missing there, a term of the error 0 beside an
        emission.

    Returns
    -------
    xarray.Dataset
        Estimate with the sources of all parts; without ``time``, for a mean is of no one time. ``dropped``
        (JSON) has the sources as keys.

    Raises
    ------
    SchemaError
        There is no part, or they are of several methods or gases.

    Examples
    --------
    >>> from yaotan.plume.estimate import PlumeResult, make_estimate
    >>> from yaotan.plume.source import make_sources
    >>> parts = [
    ...     make_estimate([one], make_sources([name], 14.4, 51.8), method="emg", substance="nox")
    ...     for name, one in (("A", PlumeResult(1.0, {"noise": 0.1})), ("B", PlumeResult(status="too_few")))
    ... ]
    >>> stack_estimates(parts).emission.values.tolist()
    [1.0, nan]
    """
    kinds = {(part.attrs["method"], part.attrs["substance"]) for part in parts}
    if len(kinds) != 1:
        raise SchemaError(f"estimates are of {len(kinds)} kinds", where="stack_estimates", expected="one")
    known = {name: part[name] for part in parts for name in part.data_vars}
    full = []
    for part in parts:
        given = np.isfinite(part["emission"].values)
        lacking = {
            name: ("source", np.where(given & str(name).startswith(_TERM), 0.0, np.nan), one.attrs)
            for name, one in known.items()
            if name not in part
        }
        full.append(part.assign(lacking).drop_vars("time")[list(known)])
    made = xr.concat(full, "source", combine_attrs="override")
    dropped: dict[str, dict[str, int]] = {}
    for part in parts:
        told = json.loads(part.attrs.get("dropped", "{}"))
        # emg counts by reason, the divergence by source and reason
        by_source = any(isinstance(count, dict) for count in told.values())
        dropped |= told if by_source else {str(part["source"].values[0]): told}
    return check_plume_estimate(
        made.assign_attrs(dropped=json.dumps(dropped), wind=json.dumps([None] * made.sizes["source"]))
    )


def count_neighbours(source: gpd.GeoDataFrame, sources: gpd.GeoDataFrame, radius: float) -> int:
    """Count the other sources of a list that lie within a radius of one [m].

    Examples
    --------
    >>> from yaotan.plume.source import make_sources
    >>> plants = make_sources(["A", "B", "C"], [14.4, 14.5, 16.0], [51.8, 51.8, 51.8])
    >>> count_neighbours(plants.iloc[:1], plants, 60e3)
    1
    """
    place = source.geometry.iloc[0]
    away = distance(place.y, place.x, sources.geometry.y.to_numpy(), sources.geometry.x.to_numpy())
    others = sources["source"].to_numpy() != source["source"].iloc[0]
    return int(((away <= radius) & others).sum())


def note_neighbours(estimate: xr.Dataset, number: int) -> xr.Dataset:
    """Add ``neighbour_count``, and where there are some the caution ``overlap`` to what has an emission.

    Examples
    --------
    >>> from yaotan.plume.estimate import PlumeResult, make_estimate, meanings
    >>> from yaotan.plume.source import make_sources
    >>> found = PlumeResult(1.0, {"noise": 0.1})
    >>> made = make_estimate([found], make_sources(["A"], 14.4, 51.8), method="emg", substance="nox")
    >>> meanings(note_neighbours(made, 2))[1]
    [['overlap']]
    """
    given = estimate["status"].values == STATUS.index("estimated")
    overlap = np.where(given & (number > 0), 1 << CAUTION.index("overlap"), 0).astype(np.uint16)
    told = {"units": "1", "long_name": "other sources of the list within the radius of the grid"}
    return estimate.assign(
        caution=estimate["caution"].copy(data=estimate["caution"].values | overlap),
        neighbour_count=("source", np.full(given.size, float(number)), told),
    )


def season_rows(estimates: Sequence[xr.Dataset], scenes: pd.DataFrame) -> pd.DataFrame:
    """Turn estimates of many scenes into a row for each source, method and gas.

    Parameters
    ----------
    estimates : sequence of xarray.Dataset
        Of `stack_estimates`.
    scenes : pandas.DataFrame
        ``source``, ``method``, ``time``, ``status``: a row for each scene of a source.

    Returns
    -------
    pandas.DataFrame
        Columns of `yaotan.plume.table.estimate_table` without those of a single scene; ``scene_count`` (that
        were used), ``dropped`` (the others by reason), ``first``, ``last`` (UTC, of those used) and
        `NUMBERS`.
    """
    import pandas as pd

    groups = dict(list(scenes.groupby(["source", "method"])))
    tables = []
    for estimate in estimates:
        rows = estimate_table(estimate.assign_coords(time=("source", _no_time(estimate))))
        rows = rows.drop(columns=["scene", "time", "wind_speed", "wind_direction"])
        for name in NUMBERS:
            rows[name] = estimate[name].values if name in estimate else np.nan
        told = [_count_scenes(groups[row.source, row.method]) for row in rows.itertuples()]
        tables.append(pd.concat([rows, pd.DataFrame(told)], axis=1))
    joined = pd.concat(tables, ignore_index=True)
    terms = [f"{_TERM}{term}" for term in TERMS if f"{_TERM}{term}" in joined]
    rest = [name for name in joined if name not in terms]
    after = rest.index("emission_uncertainty") + 1
    return joined[[*rest[:after], *terms, *rest[after:]]]


def _no_time(estimate: xr.Dataset) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return np.full(estimate.sizes["source"], np.datetime64("NaT"), "datetime64[ns]")


def _count_scenes(own: pd.DataFrame) -> dict[str, object]:
    used = own[own["status"] == "used"]
    lost = own.loc[own["status"] != "used", "status"].value_counts()
    return {
        "scene_count": len(used),
        "dropped": ", ".join(f"{number} {reason}" for reason, number in sorted(lost.items())),
        "first": used["time"].min(),
        "last": used["time"].max(),
    }

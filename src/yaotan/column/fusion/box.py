"""Averages of one product in boxes and months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.validation.average import group_mean
from yaotan.errors import SchemaError
from yaotan.grid.edges import cells_of
from yaotan.grid.spec import GridSpec
from yaotan.io.row_set import screen_rows
from yaotan.uncertainty import number_overpasses

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True)
class Placed:
    """Usable soundings of one product: row in the table, month (since 1970), cell, value and 1 sigma."""

    row: Ints
    month: Ints
    cell: Ints
    value: Floats
    sigma: Floats
    time: NDArray[np.int64]
    lost: dict[str, int]


def place(table: xr.Dataset, column: str, spec: GridSpec) -> Placed:
    """Find month and cell of every usable sounding; the others are counted by reason.

    Raises
    ------
    SchemaError
        The stated uncertainty is missing.
    """
    error = f"{column}_uncertainty"
    if error not in table:
        raise SchemaError(
            f"{error} is missing",
            where=str(table.attrs.get("product", "soundings")),
            expected="the stated 1 sigma of every sounding",
        )
    names = ["time", "latitude", "longitude", column, error, *(["quality"] if "quality" in table else [])]
    data = table[names].compute()
    value, sigma = data[column].values.astype(float), data[error].values.astype(float)
    lat, lon = data["latitude"].values.astype(float), data["longitude"].values.astype(float)
    moment = data["time"].values.astype("datetime64[ns]")
    columns = spec.shape[1]
    y = cells_of(spec.lat_edges, lat)
    west = spec.lon_edges[0]
    turned = west + np.mod(lon - west, 360.0)
    x = np.searchsorted(spec.lon_edges, np.where(np.isfinite(turned), turned, np.inf), side="right") - 1
    bad = {
        "bad_quality": data["quality"].values != 0 if "quality" in data else np.zeros(value.size, bool),
        "no_value": ~np.isfinite(value),
        "no_uncertainty": ~(np.isfinite(sigma) & (sigma > 0.0)),
        "no_place_or_time": ~(np.isfinite(lat) & np.isfinite(lon)) | np.isnat(moment),
        "outside": (y < 0) | (x < 0) | (x >= columns),
    }
    keep, lost = screen_rows(bad)
    month = moment.astype("datetime64[M]").astype(np.int64).astype(np.intp)
    return Placed(
        np.flatnonzero(keep), month[keep], (y * columns + x)[keep], value[keep], sigma[keep],
        moment.astype(np.int64)[keep], lost,
    )  # fmt: skip


def average(found: Placed, correlation: float) -> pd.DataFrame:
    r"""Average each box: ``value``, ``sigma``, ``count``, ``information``; index month and cell.

    .. math:: u^2 = (1 - r) \sum_i (u_i/n)^2 + r \sum_o \Big(\sum_{i \in o} u_i/n\Big)^2, \qquad
              I = \sum_i u_i^{-2}

    over soundings i and overpasses o.
    """
    key = found.month.astype(np.int64) * (int(found.cell.max(initial=0)) + 1) + found.cell
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    size = first.size
    count = np.bincount(group, minlength=size)
    overpass = number_overpasses(found.time) if found.time.size else np.zeros(0, np.intp)
    _, lead, member = np.unique(np.stack([group, overpass]), axis=1, return_index=True, return_inverse=True)
    linear = np.bincount(member.ravel(), weights=found.sigma)
    shared = np.bincount(group[lead], weights=linear**2, minlength=size)
    own = np.bincount(group, weights=found.sigma**2, minlength=size)
    table: dict[str, Any] = {
        "month": found.month[first],
        "cell": found.cell[first],
        "value": group_mean(found.value, group, size),
        "sigma": np.sqrt((1.0 - correlation) * own + correlation * shared) / count,
        "count": count,
        "information": np.bincount(group, weights=found.sigma**-2.0, minlength=size),
    }
    return pd.DataFrame(table).set_index(["month", "cell"])

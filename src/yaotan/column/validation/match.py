"""Kernels and priors of pairs: both on one prior, or the station's profile as the satellite sees it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.gas import gases
from yaotan.column.kernel.harmonise import STATUS, harmonise_prior, smooth_profile
from yaotan.column.kernel.operator import operator_of
from yaotan.column.kernel.profile import PRESSURE, table_profile
from yaotan.column.validation.option import Options
from yaotan.column.validation.station import Station

Floats: TypeAlias = NDArray[np.float64]


def select(soundings: xr.Dataset, column: str, rows: Any) -> xr.Dataset:
    """Load what a kernel needs of some rows."""
    operator = operator_of(soundings, column)
    names = [column, "time", "latitude", "longitude", PRESSURE[operator.kind][1]]
    names += [str(a.name) for a in (operator.weight, operator.kernel, operator.prior)]
    return soundings[names].isel(sounding=rows).compute()


def on_one_prior(
    soundings: xr.Dataset, column: str, rows: Any, moments: Any, station: Station, options: Options
) -> tuple[Floats, Counter[str]]:
    """Give columns with the prior of the station's spectrum nearest in time; NaN, counted, if impossible."""
    table = select(soundings, column, rows)
    prior = table_profile(station.table, gases()[column].gas, rows=station.nearest(moments))
    made = harmonise_prior(table, prior, column=column, convert=options.convert, reach=options.reach)
    return made[column].values, count_status(made[f"{column}_prior_status"].values)


def seen_profile(
    soundings: xr.Dataset,
    column: str,
    rows: Any,
    moments: Any,
    reference: Floats,
    station: Station,
    options: Options,
) -> tuple[Floats, Counter[str]]:
    r"""Give the station's columns as the satellite sees them.

    The prior of the station is scaled to the column it measured, :math:`\gamma = X_T / \sum h^T x^{aT}`, and
    seen with the satellite's kernel and prior (Wunch et al. 2017, doi:10.5194/amt-10-2209-2017).
    """
    gas, nearest = gases()[column].gas, station.nearest(moments)
    prior = table_profile(station.table, gas, rows=nearest)
    # the file's own prior column carries the measured oxygen column; the weights give it without
    own = operator_of(station.table, column)
    place, back = np.unique(nearest, return_inverse=True)
    weight, values = (array.isel(sounding=place).values for array in (own.weight, own.prior))
    scale = reference / (weight * values).sum(axis=1)[back]
    scaled = replace(prior, values=prior.values * xr.DataArray(scale, dims="sounding"))
    made = smooth_profile(
        scaled, select(soundings, column, rows), column=column, convert=options.convert, reach=options.reach
    )
    return made[column].values, count_status(made[f"{column}_status"].values)


def count_status(status: Any) -> Counter[str]:
    """Count the soundings that a kernel could not be applied to, by reason."""
    counts = Counter(np.asarray([f"kernel_{word}" for word in STATUS])[status].tolist())
    counts.pop("kernel_done", None)
    return counts

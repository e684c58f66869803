"""Tables by calendar year: which years a series holds, and the table of their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.trend.fit import Fitted
from yaotan.column.trend.series import region_coordinates
from yaotan.errors import SeriesError

#: how far the estimate of a year can be trusted
YEAR_FLAGS: Final = {"good": 0, "end": 1, "gap": 2, "no_estimate": 3}
GAP: Final = YEAR_FLAGS["gap"]
Result = tuple[Fitted, NDArray[np.int64], Mapping[str, NDArray[np.float64]], NDArray[np.uint8]]


def choose(value: str, allowed: Sequence[str], name: str) -> None:
    """Refuse a word that an argument does not know.

    Raises
    ------
    SeriesError
        Lists the words.
    """
    if value not in allowed:
        raise SeriesError(f"{value!r} is unknown", where=name, expected=" or ".join(allowed))


def whole_years(one: Fitted) -> NDArray[np.int64]:
    """Give the calendar years that lie inside a series, from 1 January to the next."""
    first, last = one.reach
    return np.arange(np.ceil(first), np.floor(last)).astype(np.int64)


def yearly_table(
    fit: xr.Dataset, results: Sequence[Result], described: Mapping[str, dict[str, Any]]
) -> xr.Dataset:
    """Lay results by year of all series of a fit into one table.

    Parameters
    ----------
    fit : xarray.Dataset
        The fit: regions and attributes.
    results : sequence
        For each series of the fit its `Fitted`, years ``(m,)``, columns ``(m,)`` and flags ``(m,)``.
    described : mapping
        Name of a column -> attributes.

    Returns
    -------
    xarray.Dataset
        Dims ``([region,] year)``; years that a series does not hold are NaN with flag ``no_estimate``.
    """
    held = [years for _, years, _, _ in results if years.size]
    year = np.arange(min(y[0] for y in held), max(y[-1] for y in held) + 1) if held else np.empty(0)
    year = year.astype(np.int32)
    regions = fit.sizes.get("region", 1)
    arrays = {name: np.full((regions, year.size), np.nan) for name in described}
    flags = np.full((regions, year.size), YEAR_FLAGS["no_estimate"], np.uint8)
    for one, years, columns, flag in results:
        place = np.searchsorted(year, years)
        for name in described:
            arrays[name][one.number, place] = columns[name]
        flags[one.number, place] = flag
    dims: tuple[str, ...] = ("region", "year") if "region" in fit.dims else ("year",)
    coords: dict[str, Any] = {"year": ("year", year, {"long_name": "calendar year"})}
    if "region" in fit.dims:
        coords |= {str(k): v for k, v in region_coordinates(fit).coords.items()}
    shape = (lambda array: array) if "region" in fit.dims else (lambda array: array[0])
    table = xr.Dataset(
        {name: (dims, shape(array), described[name]) for name, array in arrays.items()}, coords
    )
    table["flag"] = (
        dims,
        shape(flags),
        {
            "flag_values": np.array(list(YEAR_FLAGS.values()), np.uint8),
            "flag_meanings": " ".join(YEAR_FLAGS),
            "long_name": "how far the year can be trusted",
        },
    )
    kept = ("variable", "units", "time_placement", "terms", "harmonics", "short_cutoff", "long_cutoff")
    table.attrs = {key: fit.attrs[key] for key in kept if key in fit.attrs}
    return table

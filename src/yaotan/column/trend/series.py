"""Read a time series from what holds it: table of regions, array, pandas series, soundings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.trend.moment import decimal_year, period_middles, place_times
from yaotan.column.trend.station import station_values
from yaotan.errors import SeriesError, UnitsError
from yaotan.schema import column_variables

Floats = NDArray[np.float64]
#: endings of companions of a variable, which are no series of their own
_COMPANIONS: Final = ("_uncertainty", "_count", "_coverage", "_spread", "_bnds", "_standard_error")


@dataclass(frozen=True)
class Series:
    """Values of one variable over time, for one or several regions.

    ``time`` ``(n,)`` datetime64[ns] rises, each once; ``value`` and ``sigma`` ``(regions, n)``, sigma None
    where nothing is stated; ``regions`` holds the coordinates of the regions, None for a single series.
    """

    name: str
    units: str
    time: NDArray[np.datetime64]
    value: Floats
    sigma: Floats | None
    regions: xr.Dataset | None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def year(self) -> Floats:
        """Decimal years ``(n,)``."""
        return decimal_year(self.time)

    def label(self, number: int) -> str:
        """Name a region for a message; empty for a single series."""
        return "" if self.regions is None else f"region {self.regions['region'].values[number]}"


def read_series(data: Any, *, variable: str | None = None, period: str | None = None) -> Series:
    """Read a series from what a user has.

    Parameters
    ----------
    data : xarray.DataArray, xarray.Dataset, pandas.Series
        An array ``([region,] time)``; an estimate or other dataset with such variables and, where known,
        ``<v>_uncertainty`` (without the part that all values share: ``_random`` and ``_sampling`` where the
        table has them); soundings of one station; a pandas series by date or period.
    variable : str, optional
        Which variable; needed where there are several.
    period : str, optional
        As in `moment.place_times`.

    Returns
    -------
    Series
        Values that are not finite are NaN.

    Raises
    ------
    SeriesError
        No such variable, no time axis, times missing, unsorted or doubled, no value at all.
    UnitsError
        Value and uncertainty have different units.
    """
    if isinstance(data, pd.Series):
        series = _of_pandas(data, period)
    elif isinstance(data, xr.DataArray):
        name = str(data.name or "value")
        series = _of_dataset(data.to_dataset(name=name), name, period)
    elif isinstance(data, xr.Dataset) and "sounding" in data.dims:
        series = _of_soundings(data, choose_variable(data, variable, "sounding"), period)
    elif isinstance(data, xr.Dataset):
        series = _of_dataset(data, choose_variable(data, variable, "time"), period)
    else:
        raise SeriesError(
            f"a {type(data).__name__} is no time series",
            expected="an xarray DataArray or Dataset with dim time, soundings, or a pandas Series",
        )
    _check(series)
    return series


def choose_variable(data: xr.Dataset, variable: str | None, dim: str) -> str:
    """Choose the variable of a dataset that is the series.

    Parameters
    ----------
    data : xarray.Dataset
        Variables along `dim`.
    variable : str or None
        The user's choice.
    dim : str
        ``time`` or ``sounding``.

    Returns
    -------
    str
        A name.

    Raises
    ------
    SeriesError
        There is none, or more than one and no choice.
    """
    fits = [
        str(name)
        for name, array in data.data_vars.items()
        if dim in array.dims and array.dtype.kind in "fiu" and not _companion(str(name))
    ]
    gases = [name for name in fits if name in column_variables(data) or name.endswith("_mole_fraction")]
    if variable is not None:
        if variable not in data or dim not in data[variable].dims:
            raise SeriesError(f"there is no series {variable!r}", expected=f"one of {', '.join(fits)}")
        return variable
    found = gases or fits
    if len(found) == 1:
        return found[0]
    if not found:
        raise SeriesError(f"no variable has the dimension {dim}", expected=f"dims with {dim}")
    raise SeriesError(
        f"there are several series: {', '.join(found)}", where="variable", fix="name one with variable="
    )


def region_coordinates(data: xr.Dataset) -> xr.Dataset:
    """Give the coordinates along ``region``, ids as ``region`` (files hold them as ``region_id``)."""
    kept = {str(k): v for k, v in data.coords.items() if v.dims == ("region",)}
    if "region" not in kept:
        identifiers = kept.pop("region_id", None)
        numbers = np.arange(data.sizes["region"]).astype(str)
        kept["region"] = identifiers if identifiers is not None else xr.DataArray(numbers, dims="region")
    return xr.Dataset(coords={key: ("region", np.asarray(v.values)) for key, v in kept.items()})


def _companion(name: str) -> bool:
    return any(part in name for part in _COMPANIONS)


def _of_pandas(data: pd.Series, period: str | None) -> Series:
    index = data.index
    if isinstance(index, pd.PeriodIndex):
        time, placement = period_middles(index), "middle of the periods of the index"
    elif isinstance(index, pd.DatetimeIndex):
        plain = index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index
        time, placement = place_times(plain.to_numpy("datetime64[ns]"), None, period)
    else:
        raise SeriesError(
            f"the index of the series is {type(index).__name__}", expected="a DatetimeIndex or PeriodIndex"
        )
    return Series(
        str(data.name or "value"),
        str(data.attrs.get("units", "")),
        time,
        _finite(data.to_numpy(float)[None]),
        None,
        None,
        {"time_placement": placement},
    )


def _of_dataset(data: xr.Dataset, name: str, period: str | None) -> Series:
    array = data[name]
    extra = set(array.dims) - {"region", "time"}
    if "time" not in array.dims or extra:
        raise SeriesError(
            f"{name} has dims {array.dims}",
            expected="(time) or (region, time)",
            fix="average a grid over regions first (region_series, band_series, zonal_statistics)",
        )
    time = data["time"].values.astype("datetime64[ns]")
    bounds = data["time"].attrs.get("bounds", "time_bnds")
    edges = data[bounds].values.astype("datetime64[ns]") if bounds in data.variables else None
    placed, placement = place_times(time, edges, period)
    regions = None
    order: tuple[str, ...] = ("time",)
    if "region" in array.dims:
        order = ("region", "time")
        regions = region_coordinates(data)
    values = np.atleast_2d(array.transpose(*order).values.astype(float))
    units = str(array.attrs.get("units", ""))
    sigma = _sigma(data, name, order, units)
    notes = {"time_placement": placement}
    return Series(name, units, placed, _finite(values), sigma, regions, notes)


def _sigma(data: xr.Dataset, name: str, order: tuple[str, ...], units: str) -> Floats | None:
    """Stated 1 sigma of each value, without what all values share (it moves none against another)."""
    parts = [f"{name}_uncertainty_{part}" for part in ("random", "sampling")]
    if parts[0] not in data:
        parts = [f"{name}_uncertainty"]
    found = [part for part in parts if part in data]
    if not found or any(set(data[part].dims) != set(order) for part in found):
        return None
    for part in found:
        given = str(data[part].attrs.get("units", units))
        if given != units:
            raise UnitsError(
                f"{name} is in {units!r} and {part} in {given!r}",
                expected="one unit for a series and its uncertainty",
                fix="convert one of them (yaotan.units.convert)",
            )
    terms = [np.atleast_2d(data[part].transpose(*order).values.astype(float)) for part in found]
    total = np.sqrt(sum(np.nan_to_num(term, nan=0.0) ** 2 for term in terms))
    return np.where(np.isfinite(terms[0]) & (total > 0.0), total, np.nan)


def _of_soundings(data: xr.Dataset, name: str, period: str | None) -> Series:
    time, value, sigma, notes = station_values(data, name)
    if period is None:
        # some products give monthly means as if they were soundings
        period = "month" if data.attrs.get("time_coverage_resolution") == "P1M" else "instant"
    placed, placement = place_times(time, None, period)
    units = str(data[name].attrs.get("units", ""))
    notes["time_placement"] = placement
    return Series(name, units, placed, value[None], None if sigma is None else sigma[None], None, notes)


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _check(series: Series) -> None:
    """Refuse what no method can use."""
    time = series.time
    if np.isnat(time).any():
        raise SeriesError(
            f"{int(np.isnat(time).sum())} of {time.size} times are missing", fix="drop the rows without time"
        )
    step = np.diff(time).astype(np.int64)
    if (step == 0).any():
        raise SeriesError(
            f"{int((step == 0).sum())} times occur more than once, the first {time[1:][step == 0][0]}",
            expected="each time once",
            fix="average or drop the doubled rows; two values of one period count as doubled",
        )
    if (step < 0).any():
        raise SeriesError(
            f"times do not rise: {time[1:][step < 0][0]} comes after a later one",
            expected="rising times",
            fix="sort by time (.sort_index(), .sortby('time'))",
        )
    if not np.isfinite(series.value).any():
        raise SeriesError(f"{series.name} has no finite value", expected="at least some numbers")

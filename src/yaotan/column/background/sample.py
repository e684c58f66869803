"""Soundings as flat arrays for a background: which count, and which errors hang together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.gas import gases
from yaotan.column.outlier import SCALE
from yaotan.errors import SchemaError, UnitsError
from yaotan.schema import column_variables
from yaotan.uncertainty import number_overpasses

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True)
class Sample:
    """Soundings of one variable.

    Attributes
    ----------
    value, sigma, lat, lon : numpy.ndarray
        ``(n,)``; sigma NaN where no error is stated.
    time : numpy.ndarray
        ``(n,)`` [ns] since 1970.
    usable : numpy.ndarray of bool
        ``(n,)`` with value, place and time, and of good quality where that is told.
    overpass, block : numpy.ndarray
        ``(n,)`` numbers; errors of one block hang together.
    variable, units : str
        What it is.
    """

    value: Floats
    sigma: Floats
    lat: Floats
    lon: Floats
    time: NDArray[np.int64]
    usable: NDArray[np.bool_]
    overpass: Indices
    block: Indices
    variable: str
    units: str


def choose_variable(data: xr.Dataset, variable: str | None) -> str:
    """Name the column variable, and check its unit and that of its error.

    Raises
    ------
    SchemaError
        It is missing, or which one is meant cannot be told.
    UnitsError
        No unit, not the unit of the gas, or another one than its error's.
    """
    names = column_variables(data)
    if variable is None and len(names) == 1:
        variable = names[0]
    if variable is None or variable not in data:
        raise SchemaError(
            f"{variable or 'the column variable'} is not told by the data",
            where="variable",
            expected=f"one of {', '.join(names) or 'none: the data hold no column'}",
        )
    units = data[variable].attrs.get("units")
    entry = gases().get(variable)
    if not units or (entry is not None and entry.units != units):
        raise UnitsError(
            f"{variable} is in {units!r}",
            expected=repr(entry.units) if entry is not None else "a unit",
            fix="convert it (yaotan.units.convert), or set the attribute units",
        )
    sigma = data.get(f"{variable}_uncertainty")
    if sigma is not None and sigma.attrs.get("units", units) != units:
        raise UnitsError(
            f"{variable} is in {units!r}, its uncertainty in {sigma.attrs['units']!r}", expected="one unit"
        )
    return variable


def take_sample(soundings: xr.Dataset, variable: str | None, seconds: float) -> Sample:
    """Take what a background needs from soundings; blocks last so many seconds."""
    name = choose_variable(soundings, variable)
    value, lat, lon = (np.asarray(soundings[key].values, float) for key in (name, "latitude", "longitude"))
    moment = np.asarray(soundings["time"].values).astype("datetime64[ns]")
    time = moment.astype(np.int64)
    stated = soundings.get(f"{name}_uncertainty")
    sigma = np.full(value.shape, np.nan) if stated is None else np.asarray(stated.values, float)
    usable = np.isfinite(value) & np.isfinite(lat) & np.isfinite(lon) & ~np.isnat(moment)
    if "quality" in soundings:
        usable &= soundings["quality"].values == 0
    overpass = number_overpasses(time)
    order = np.lexsort((time, overpass))
    first = np.full(int(overpass.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, overpass[order], time[order])
    step = ((time - first[overpass]) / (seconds * 1e9)).astype(np.int64)
    block = np.unique(np.stack([overpass, step]), axis=1, return_inverse=True)[1].ravel().astype(np.intp)
    return Sample(value, sigma, lat, lon, time, usable, overpass, block, name, str(soundings[name].units))


def robust_spread(values: Floats) -> float:
    """Standard deviation of a normal distribution with this median absolute deviation."""
    return float(SCALE * np.median(np.abs(values - np.median(values))))


def median_error(values: Floats, block: Indices) -> float:
    r"""1 sigma of the median of values whose errors hang together within blocks.

    .. math:: u^2 = \frac{\pi s^2}{2 n^2}\, \frac{G}{G - 1}
              \sum_g \Big(\sum_{i \in g} \mathrm{sgn}(x_i - m)\Big)^2

    the sandwich form of the variance of a sample median, its density that of a normal distribution of robust
    spread s, sums over G blocks; never less than that of independent values, :math:`\pi s^2 / (2n)`.

    Parameters
    ----------
    values, block : numpy.ndarray
        ``(n,)`` values, and the number of the block of each.

    Returns
    -------
    float
        In the unit of the values; NaN where all values are of one block, from which nothing can be told.

    Examples
    --------
    >>> x = np.random.default_rng(1).normal(size=200)
    >>> round(median_error(x, np.arange(200)), 3)
    0.078
    >>> round(median_error(np.repeat(x, 8), np.repeat(np.arange(200), 8)), 3)
    0.078
    """
    sign = np.sign(values - np.median(values))
    sums = np.bincount(np.unique(block, return_inverse=True)[1], weights=sign)
    if sums.size < 2:
        return float("nan")
    square = sums.size / (sums.size - 1) * float((sums**2).sum()) / values.size**2
    return float(robust_spread(values) * np.sqrt(np.pi / 2 * max(square, 1 / values.size)))

"""Edges of cells and reference systems, checked, and taken from grids and rasters."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pyproj
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from yaotan.errors import GridError

#: Degrees (or share of a step) by which a bound may miss a whole number of cells through rounding.
_ROUNDING: Final = 1e-6


def check_edges(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Check the edges of cells along one axis.

    Parameters
    ----------
    values : array_like
        ``(n + 1,)``, rising or falling.
    name : str
        For the error.

    Returns
    -------
    numpy.ndarray
        Read-only copy in float64.

    Raises
    ------
    GridError
        Fewer than two edges, one that is not finite, or no strict order.
    """
    edges = np.array(values, dtype=float)
    if edges.ndim != 1 or edges.size < 2:
        raise GridError(
            f"{name} has shape {edges.shape}", expected="edges of at least one cell, shape (n + 1,)"
        )
    if not np.isfinite(edges).all():
        raise GridError(f"{name} holds a value that is not finite", expected="finite edges")
    step = np.diff(edges)
    if not ((step > 0).all() or (step < 0).all()):
        raise GridError(f"{name} is not strictly monotonic", expected="edges that all rise or all fall")
    edges.setflags(write=False)
    return edges


def cells_of(edges: NDArray[np.float64], values: NDArray[Any]) -> NDArray[np.intp]:
    """Give the number of the cell that each value lies in; -1 outside and where there is no value.

    Edges rise or fall; a value on an edge belongs to the cell above it, on the highest to that below.

    Examples
    --------
    >>> cells_of(np.array([2.0, 1.0, 0.0]), np.array([0.0, 1.0, 2.0, 2.5, np.nan])).tolist()
    [1, 0, 0, -1, -1]
    """
    falling = edges[0] > edges[-1]
    rising = edges[::-1] if falling else edges
    place = np.searchsorted(rising, values, side="right") - 1
    place = np.where(values == rising[-1], edges.size - 2, place)
    outside = ~((place >= 0) & (place < edges.size - 1) & np.isfinite(values))
    return np.where(outside, -1, edges.size - 2 - place if falling else place)


def regular_edges(low: float, high: float, step: float, name: str) -> NDArray[np.float64]:
    """Make equal cells between two bounds.

    Parameters
    ----------
    low, high, step : float
        Bounds and size of a cell, in the unit of the axis.
    name : str
        For the error.

    Returns
    -------
    numpy.ndarray
        ``(n + 1,)`` rising edges.

    Raises
    ------
    GridError
        The bounds do not hold a whole number of cells; the message names a bound that does.
    """
    if not (math.isfinite(step) and step > 0):
        raise GridError(f"resolution is {step!r}", where=name, expected="a number above 0")
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        raise GridError(f"bounds run from {low!r} to {high!r}", where=name, expected="lower below upper")
    exact = (high - low) / step
    cells = round(exact)
    if cells < 1 or abs(exact - cells) > _ROUNDING * max(1.0, exact * 1e-3):
        fitting = low + step * max(1, math.floor(exact + _ROUNDING))
        raise GridError(
            f"{name} from {low:g} to {high:g} holds {exact:.6g} cells of {step:g}",
            expected="a whole number of cells",
            fix=f"take {fitting:.9g} as upper bound, another resolution, or give the edges themselves",
        )
    # one multiplication for each edge: repeated addition would let rounding grow along the axis
    edges = low + ((high - low) / cells) * np.arange(cells + 1)
    edges[-1] = high
    return np.asarray(edges, dtype=np.float64)


def parse_crs(text: str) -> pyproj.CRS:
    """Read a coordinate reference system.

    Parameters
    ----------
    text : str
        Authority and code, WKT or PROJ text.

    Returns
    -------
    pyproj.CRS
        The system.

    Raises
    ------
    GridError
        PROJ does not know it.
    """
    try:
        return pyproj.CRS.from_user_input(text)
    except pyproj.exceptions.CRSError as error:
        raise GridError(
            f"the CRS {text!r} is unknown", where="GridSpec", expected='such as "EPSG:4326" or a WKT text'
        ) from error


def crs_of(other: xr.Dataset | xr.DataArray, pair: tuple[str, str]) -> str:
    """Find the coordinate reference system of a grid or raster.

    Parameters
    ----------
    other : xarray.Dataset or xarray.DataArray
        With a CF grid mapping called ``crs`` or ``spatial_ref``, or with ``lat`` and ``lon``.
    pair : tuple of str
        Names of its axes.

    Returns
    -------
    str
        Authority and code where there is one, else WKT.

    Raises
    ------
    GridError
        Projected axes without a system.
    """
    for name in ("crs", "spatial_ref"):
        if name in other.coords or (isinstance(other, xr.Dataset) and name in other.variables):
            attrs = other[name].attrs
            text = attrs.get("crs_wkt") or attrs.get("spatial_ref")
            if text:
                crs = parse_crs(text)
                authority = crs.to_authority()
                return ":".join(authority) if authority else crs.to_wkt()
    if pair != ("y", "x"):
        return "EPSG:4326"
    raise GridError(
        "has dims y, x and no coordinate reference system",
        fix="raster.rio.write_crs(...)",
    )


def axis_edges(other: xr.Dataset | xr.DataArray, name: str, limit: float) -> NDArray[np.float64]:
    """Take the edges of cells along one axis from CF bounds, else from the centres.

    Parameters
    ----------
    other : xarray.Dataset or xarray.DataArray
        The grid or raster.
    name : str
        The axis.
    limit : float
        Edges made from centres end here at the latest (a pole).

    Returns
    -------
    numpy.ndarray
        ``(n + 1,)``.

    Raises
    ------
    GridError
        Bounds with gaps, or one centre without bounds.
    """
    bounds = other[name].attrs.get("bounds")
    if bounds is not None and (bounds in other.coords or bounds in getattr(other, "data_vars", ())):
        pairs = np.asarray(other[bounds].values, dtype=float)
        if pairs.ndim == 2 and np.array_equal(pairs[1:, 0], pairs[:-1, 1]):
            return np.append(pairs[:, 0], pairs[-1, 1])
        raise GridError(f"{bounds} leaves gaps between cells", where="GridSpec.like", expected="joined cells")
    centres = np.asarray(other[name].values, dtype=float)
    if centres.size < 2:
        raise GridError(f"{name} has one centre and no bounds", where="GridSpec.like", expected="CF bounds")
    step = (centres[-1] - centres[0]) / (centres.size - 1)
    if np.allclose(np.diff(centres), step, rtol=1e-4, atol=0.0):
        edges = centres[0] + step * (np.arange(centres.size + 1) - 0.5)
    else:
        middle = 0.5 * (centres[1:] + centres[:-1])
        first, last = centres[0] - (middle[0] - centres[0]), centres[-1] + (centres[-1] - middle[-1])
        edges = np.concatenate([[first], middle, [last]])
    return np.clip(edges, -limit, limit)

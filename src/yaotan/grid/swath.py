"""Swaths on a grid by pyresample: quick looks, where footprints need not be weighed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import GridError
from yaotan.grid.spec import GridSpec
from yaotan.optional import require

Method = Literal["nearest", "bucket", "ewa"]
_METHODS: Final = ("nearest", "bucket", "ewa")
#: Names of the target's dims for a projected and a geographic grid stand in the spec; these are the swath's.
_SWATH: Final = ("y", "x")


def resample_swath(
    swath: xr.Dataset,
    spec: GridSpec,
    *,
    variables: Sequence[str],
    method: Method = "nearest",
    radius: float | None = None,
) -> xr.Dataset:
    """Bring a scene or soundings to a grid by their centres.

    ``nearest`` takes the value whose centre is nearest to that of the cell; ``bucket`` the mean of those
    whose centre lies in the cell; ``ewa`` the elliptical weighted average of a scene's scan lines (the whole
    scene as one scan, as a push-broom instrument sees it).

    Parameters
    ----------
    swath : xarray.Dataset
        Scene (``latitude``, ``longitude`` with dims ``y, x``) or soundings (dim ``sounding``), loaded when
        needed. Screen it first.
    spec : GridSpec
        Target cells of equal size.
    variables : sequence of str
        What to bring over; dims as those of ``latitude``.
    method : {"nearest", "bucket", "ewa"}
        See above.
    radius : float, optional
        Largest distance of ``nearest`` [m]; default: the diagonal of a target cell.

    Returns
    -------
    xarray.Dataset
        The variables on the grid, missing where nothing is near; ``attrs["kind"]`` is ``interpolated``.

    Raises
    ------
    MissingDependencyError
        pyresample is not installed.
    GridError
        The grid is uneven; the method needs a scene; a grid over the dateline with a method other than
        ``nearest``; a variable is missing or has other dims.

    Notes
    -----
    No uncertainty and no share of footprints: for numbers take `grid_soundings`. A pixel larger than a cell
    leaves holes with ``bucket`` and is repeated with ``nearest``.

    See Also
    --------
    grid_soundings : exact area share of footprints, with uncertainty.
    """
    _check(swath, spec, variables, method)
    require("pyresample")
    lat, lon = (np.asarray(swath[name].values, float) for name in ("latitude", "longitude"))
    work = {"nearest": _nearest, "bucket": _bucket, "ewa": _ewa}[method]
    values = [np.asarray(swath[name].values, float) for name in variables]
    # centres that are missing are nobody's neighbours
    placed = np.isfinite(lat) & np.isfinite(lon)
    values = [np.where(placed, value, np.nan) for value in values]
    lat, lon = (np.where(placed, axis, np.nan) for axis in (lat, lon))
    made = work(lat, lon, values, spec, radius or _diagonal(spec))
    rising = spec.y_edges[0] < spec.y_edges[-1]
    out = {
        name: (spec.dims, field[::-1] if rising else field, swath[name].attrs)
        for name, field in zip(variables, made, strict=True)
    }
    attrs = {**swath.attrs, "kind": "interpolated", "resampling": f"{method} (pyresample)"}
    return xr.Dataset(out, attrs=attrs).assign_coords(spec.coords().coords)


def _check(swath: xr.Dataset, spec: GridSpec, variables: Sequence[str], method: str) -> None:
    where = "resample_swath"
    if method not in _METHODS:
        raise GridError(f"method is {method!r}", where=where, expected=f"one of {', '.join(_METHODS)}")
    for name in ("latitude", "longitude", *variables):
        if name not in swath.variables or swath[name].dims != swath["latitude"].dims:
            given = swath[name].dims if name in swath.variables else "missing"
            raise GridError(f"{name} is {given}", where=where, expected="the dims of latitude")
    if method == "ewa" and swath["latitude"].ndim != 2:
        raise GridError(
            "ewa needs scan lines", where=where, expected="a scene with dims y, x", fix="open_scene(...)"
        )
    for edges in (spec.y_edges, spec.x_edges):
        if not np.allclose(np.diff(edges), edges[1] - edges[0], rtol=1e-6, atol=0):
            raise GridError("the cells are not of equal size", where=where, fix="GridSpec.regular(...)")
    over = spec.is_geographic and (spec.x_edges[0] < -180.0 or spec.x_edges[-1] > 180.0)
    if over and method != "nearest":
        raise GridError(
            f"{method} does not work over the dateline", where=where, fix='method="nearest", or two grids'
        )


def _diagonal(spec: GridSpec) -> float:
    step = np.hypot(spec.y_edges[1] - spec.y_edges[0], spec.x_edges[1] - spec.x_edges[0])
    metre = 111_200.0 if spec.is_geographic else spec.pyproj_crs.axis_info[0].unit_conversion_factor
    return float(abs(step) * metre)


def _area(spec: GridSpec) -> Any:
    """The grid as pyresample knows it: rows from north to south."""
    geometry = require("pyresample.geometry")
    y = np.sort(spec.y_edges)
    extent = (spec.x_edges[0], y[0], spec.x_edges[-1], y[-1])
    return geometry.AreaDefinition(
        "target", "target", "target", spec.pyproj_crs, spec.shape[1], spec.shape[0], extent
    )


def _nearest(
    lat: NDArray[Any], lon: NDArray[Any], values: list[NDArray[Any]], spec: GridSpec, radius: float
) -> list[NDArray[Any]]:
    geometry, tree = require("pyresample.geometry"), require("pyresample.kd_tree")
    north = np.sort(spec.y_edges)[::-1]
    y, x = 0.5 * (north[:-1] + north[1:]), 0.5 * (spec.x_edges[:-1] + spec.x_edges[1:])
    if spec.is_geographic:
        lon_grid, lat_grid = np.meshgrid((x + 180.0) % 360.0 - 180.0, y)
        target = geometry.GridDefinition(lons=lon_grid, lats=lat_grid)
    else:
        target = _area(spec)
    made = []
    for value in values:
        there = np.isfinite(value)  # a missing value must not hide its neighbours
        swath = geometry.SwathDefinition(lons=lon[there], lats=lat[there])
        if not there.any():
            made.append(np.full(spec.shape, np.nan))
            continue
        field = tree.resample_nearest(swath, value[there], target, radius, fill_value=np.nan)
        made.append(np.asarray(field))
    return made


def _bucket(
    lat: NDArray[Any], lon: NDArray[Any], values: list[NDArray[Any]], spec: GridSpec, radius: float
) -> list[NDArray[Any]]:
    import dask.array as da

    bucket = require("pyresample.bucket")
    placed = np.isfinite(lat)
    resampler = bucket.BucketResampler(
        _area(spec), da.from_array(lon[placed].ravel()), da.from_array(lat[placed].ravel())
    )
    return [
        np.asarray(resampler.get_average(da.from_array(value[placed].ravel()), fill_value=np.nan))
        for value in values
    ]


def _ewa(
    lat: NDArray[Any], lon: NDArray[Any], values: list[NDArray[Any]], spec: GridSpec, radius: float
) -> list[NDArray[Any]]:
    geometry, ewa = require("pyresample.geometry"), require("pyresample.ewa")
    swath = geometry.SwathDefinition(lons=xr.DataArray(lon, dims=_SWATH), lats=xr.DataArray(lat, dims=_SWATH))
    _, columns, rows = ewa.ll2cr(swath, _area(spec))
    rows_per_scan = lat.shape[0]
    made = []
    for value in values:
        _, field = ewa.fornav(columns, rows, _area(spec), value, rows_per_scan=rows_per_scan, fill=np.nan)
        made.append(np.asarray(field))
    return made

"""Background from a model: its zonal or regional mean at soundings, shifted onto them by windows."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr

from yaotan.catalog.gas import gases
from yaotan.column.background.estimate import NO_MODEL, TOO_FEW, Estimate
from yaotan.column.background.sample import Floats, Sample, median_error, robust_spread
from yaotan.column.kernel.harmonise import smooth_profile
from yaotan.column.kernel.profile import PRESSURE, table_profile
from yaotan.constants import DAY
from yaotan.errors import SchemaError
from yaotan.geodesy import cell_area, wrap_longitude
from yaotan.grid.axes import axes_of
from yaotan.grid.sample import sample_grid
from yaotan.units import convert

Box = tuple[float, float, float, float]

#: two cells that hold every longitude, or every latitude: a mean is the same in both
_EVERYWHERE: Final = {"lon": [-90.0, 90.0], "lat": [-45.0, 45.0]}


def model_level(
    sample: Sample,
    soundings: xr.Dataset,
    model: xr.Dataset,
    *,
    region: Box | None,
    window: float,
    minimum: int,
) -> tuple[Estimate, dict[str, str]]:
    """Mean of a model over longitude, or over a box, at the soundings, and the median departure from it.

    A window of so many days (counted from 1970-01-01) gets the median of what its soundings are above the
    model, so that a model that is too high or too low as a whole does no harm. The error is that of this
    median, and the model's own where it states one.

    Returns
    -------
    Estimate
        Level, error, scatter and count.
    dict
        What was done: ``model``, ``mean``, ``kernel``, ``offset`` (smallest and largest of the windows),
        ``model_error``.
    """
    column, own, kernel = _columns(sample, soundings, mean_field(model, region))
    estimate = Estimate.empty(sample)
    estimate.status[sample.usable & ~np.isfinite(column)] = NO_MODEL
    rows = np.flatnonzero(sample.usable & np.isfinite(column))
    number = sample.time[rows] // int(window * DAY * 1e9)
    offsets = []
    for one in np.unique(number):
        part = rows[number == one]
        if part.size < minimum:
            estimate.status[part] = TOO_FEW
            continue
        rest = sample.value[part] - column[part]
        offset, error = float(np.median(rest)), median_error(rest, sample.block[part])
        offsets.append(offset)
        total = np.hypot(error, np.nan_to_num(own[part]))
        estimate.put(part, column[part] + offset, total, robust_spread(rest), part.size)
    shift = f"{min(offsets):.4g} to {max(offsets):.4g} {sample.units}" if offsets else "none"
    stated = bool(np.isfinite(own[rows]).any())
    return estimate, {
        "model": str(model.attrs.get("product", model.attrs.get("title", "model"))),
        "mean": "over longitude" if region is None else f"over the box {list(region)}",
        "kernel": kernel,
        "offset": f"soundings less model, median of each window: {shift}",
        "model_error": "as stated by the model" if stated else "not stated, not in the uncertainty",
    }


def mean_field(model: xr.Dataset, region: Box | None) -> xr.Dataset:
    """Mean over longitude by latitude, or over a box by area; missing cells take no part.

    Parameters
    ----------
    model : xarray.Dataset
        Grid with dims lat and lon.
    region : tuple or None
        ``(west, south, east, north)`` [degrees].

    Returns
    -------
    xarray.Dataset
        Of the same dims, the mean in every cell.

    Raises
    ------
    SchemaError
        Not on latitude and longitude, or no cell in the box.
    """
    if not {"lat", "lon"} <= set(model.dims):
        raise SchemaError(
            f"the model has dims {tuple(model.dims)}", where="background", expected="(time, layer, lat, lon)"
        )
    fields = [name for name, array in model.data_vars.items() if {"lat", "lon"} <= set(array.dims)]
    flat = [n for n, a in model.data_vars.items() if not {"lat", "lon"} & set(a.dims)]
    chosen = model[[n for n in fields if model[n].dtype.kind == "f"]]
    if region is None:
        mean = chosen.mean("lon", keep_attrs=True).expand_dims(lon=_EVERYWHERE["lon"])
    else:
        west, south, east, north = region
        turn = 360.0 if east - west >= 360.0 else np.mod(east - west, 360.0)
        wide = np.mod(wrap_longitude(model["lon"].values) - west, 360.0) <= turn
        high = (model["lat"].values >= south) & (model["lat"].values <= north)
        if not (wide.any() and high.any()):
            raise SchemaError(f"the box {region} holds no cell of the model", where="background")
        inside = {"lat": high, "lon": wide}
        weighted = chosen.isel(inside).weighted(_areas(model).isel(inside))
        mean = weighted.mean(("lat", "lon"), keep_attrs=True).expand_dims(_EVERYWHERE)
    upright = ("level", "layer", "edge")
    order = [d for d in ("time", *upright, "lat", "lon") if d in mean.dims]
    mean = mean.transpose(*order)
    # bounds of cells are those of the axes that were averaged, bounds of times are not
    return mean.assign({n: model[n] for n in flat if not str(n).startswith(("lat", "lon"))}).assign_attrs(
        model.attrs
    )


def _areas(model: xr.Dataset) -> xr.DataArray:
    axes = axes_of(model)
    area = cell_area(axes.y_bounds, axes.x_bounds)
    return xr.DataArray(
        area[:: -1 if axes.y_flipped else 1, :: -1 if axes.x_flipped else 1], dims=("lat", "lon")
    )


def _columns(sample: Sample, soundings: xr.Dataset, mean: xr.Dataset) -> tuple[Floats, Floats, str]:
    """Column of the mean field at soundings, its stated error, and which kernel was used."""
    name = sample.variable
    gas = gases()[name].gas if name in gases() else name
    none = np.full(sample.value.shape, np.nan)
    if name in mean and not {*PRESSURE} & set(mean[name].dims):
        wanted = [n for n in (name, f"{name}_uncertainty") if n in mean]
        found = sample_grid(mean, soundings, variables=wanted)
        values = [
            convert(_values(found[n]), str(mean[n].attrs.get("units", "")), sample.units) for n in wanted
        ]
        return values[0], values[1] if len(values) > 1 else none, "the model gives columns"
    if gas not in mean:
        raise SchemaError(
            f"the model holds neither {name} nor {gas}",
            where="background",
            expected=f"{name} (time, lat, lon), or {gas} on levels or layers with their pressure",
        )
    if {"pressure_weight", f"{name}_averaging_kernel", f"{gas}_prior_profile"} <= set(soundings.variables):
        kind = "layer" if "layer" in mean[gas].dims else "level"
        mixed = kind not in soundings[f"{name}_averaging_kernel"].dims
        seen = smooth_profile(mean, soundings, column=name, convert=mixed)
        return _values(seen[name]), none, "of the soundings"
    return _plain(sample, soundings, mean, gas), none, "none in the soundings: 1, weights of pressure"


def _plain(sample: Sample, soundings: xr.Dataset, mean: xr.Dataset, gas: str) -> Floats:
    """Column with a kernel of 1: pressure-weighted mean of layers, or of the lines between levels."""
    profile = table_profile(sample_grid(mean, soundings), gas)
    values, pressure = (np.atleast_2d(_values(array)) for array in profile.arrays(sample.units))
    if profile.kind == "level":
        values = (values[:, 1:] + values[:, :-1]) / 2.0
    weight = np.abs(np.diff(pressure, axis=1))
    return np.asarray((values * weight).sum(axis=1) / weight.sum(axis=1), float)


def _values(array: Any) -> Floats:
    return np.asarray(array.values, float)

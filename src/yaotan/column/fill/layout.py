"""The grid that holds a filled field."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyproj
import xarray as xr

from yaotan.catalog.gas import gases
from yaotan.column.fill.observation import Mask, Observations
from yaotan.column.fill.step import Steps
from yaotan.grid.edges import cells_of
from yaotan.grid.finalise import time_coords
from yaotan.grid.spec import GridSpec

#: values of ``v_measured``
FILLED, MEASURED, LEFT_OUT = 0, 1, 2


def measured_cells(observations: Observations, spec: GridSpec, steps: Steps) -> Mask:
    """Tell which cells hold an observation in each step: ``(time, ny, nx)``."""
    lon, lat = observations.longitude, observations.latitude
    if spec.is_geographic:
        # half-open cells; longitudes are brought into the turn in which the grid begins
        x, y = spec.x_edges[0] + np.mod(lon - spec.x_edges[0], 360.0), lat
    else:
        to_grid = pyproj.Transformer.from_crs("EPSG:4326", spec.pyproj_crs, always_xy=True)
        x, y = to_grid.transform(lon, lat)
    row, column = cells_of(spec.y_edges, y), cells_of(spec.x_edges, x)
    moments = observations.time
    step = np.searchsorted(steps.start, moments, side="right") - 1
    inside = (row >= 0) & (column >= 0) & (step >= 0)
    inside &= moments < steps.end[np.maximum(step, 0)]
    out = np.zeros((len(steps), *spec.shape), bool)
    out[step[inside], row[inside], column[inside]] = True
    return out


def build_filled(
    spec: GridSpec,
    steps: Steps,
    value: Any,
    sigma: Any,
    observations: Observations,
    *,
    method: str,
    wanted: Mask | None = None,
    attrs: dict[str, Any] | None = None,
) -> xr.Dataset:
    """Give a filled field as a CF grid of kind ``interpolated``.

    Parameters
    ----------
    spec : GridSpec
        The cells.
    steps : Steps
        From `resolve_times`.
    value, sigma : numpy or dask array
        ``(time, ny, nx)`` in the unit of the observations; NaN where a cell is left out.
    observations : Observations
        Those the field is conditioned on.
    method : str
        Filler and its settings, in one sentence.
    wanted : numpy.ndarray of bool, optional
        ``(ny, nx)``; cells that were not asked for are flagged ``left_out``.
    attrs : dict, optional
        Further attributes (learned parameters).

    Returns
    -------
    xarray.Dataset
        Dims ``(time, lat, lon)`` or ``(time, y, x)``: ``v``, ``v_uncertainty`` (1 sigma of the field),
        ``v_measured`` (0 filled, 1 measured, 2 left_out), and a scalar ``v_uncertainty_systematic`` where the
        observations have a common error.
    """
    name, dims = observations.variable, ("time", *spec.dims)
    measured = np.where(measured_cells(observations, spec, steps), MEASURED, FILLED).astype(np.uint8)
    if wanted is not None:
        measured[:, ~wanted] = LEFT_OUT
    main, error, flags = _describe(observations, steps, spec)
    out = xr.Dataset(
        {
            name: (dims, value, main),
            f"{name}_uncertainty": (dims, sigma, error),
            f"{name}_measured": (dims, measured, flags, {"_FillValue": None}),
        },
        attrs={
            **observations.attrs,
            "kind": "interpolated",
            "method": method,
            "observations": len(observations),
            "history": f"{name} filled by {method}",
            **(attrs or {}),
        },
    )
    if observations.systematic > 0.0:
        words = f"1 sigma of the error common to all observations of {name}, not in {name}_uncertainty"
        out[f"{name}_uncertainty_systematic"] = (
            (),
            observations.systematic,
            {"long_name": words, "units": observations.units},
        )
    return out.assign_coords(spec.coords().coords).assign_coords(_time(steps).coords)


def _describe(observations: Observations, steps: Steps, spec: GridSpec) -> tuple[dict[str, Any], ...]:
    """Give the attributes of the field, of its 1 sigma, and of the flag."""
    name, entry = observations.variable, gases().get(observations.variable)
    kind = "mean" if steps.moment is None else "point"
    main = {
        "long_name": f"{name}, gaps filled",
        "units": observations.units,
        "cell_methods": f"time: {kind} {': '.join(spec.dims)}: mean",
        "ancillary_variables": f"{name}_uncertainty {name}_measured",
        "grid_mapping": "crs",
    }
    error = {
        "long_name": f"1 sigma of the error of the filled {name} (of the field, not of a new measurement)",
        "units": observations.units,
        "grid_mapping": "crs",
    }
    if entry is not None and entry.standard_name:
        main["standard_name"] = entry.standard_name
        error["standard_name"] = f"{entry.standard_name} standard_error"
    flags = {
        "long_name": f"whether the cell holds an observation of {name} in the period",
        "flag_values": np.array([FILLED, MEASURED, LEFT_OUT], np.uint8),
        "flag_meanings": "filled measured left_out",
        "grid_mapping": "crs",
    }
    return main, error, flags


def _time(steps: Steps) -> xr.Dataset:
    if steps.moment is None:
        return time_coords(steps.start, steps.end)
    attrs = {"standard_name": "time", "long_name": "time", "axis": "T"}
    encoding = {"units": "seconds since 1970-01-01", "dtype": "int64"}
    return xr.Dataset(coords={"time": ("time", steps.moment, attrs, encoding)})

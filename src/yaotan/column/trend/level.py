"""Level, errors, count and coverage of one region of a grid over time."""

from __future__ import annotations

import numpy as np
import xarray as xr

from yaotan.column.trend.additive import Additive, Floats, fit_additive
from yaotan.errors import SeriesError
from yaotan.grid.axes import Axes
from yaotan.grid.coverage import Cells
from yaotan.grid.regional import cell_positions, load_window
from yaotan.uncertainty import correlated_mean_uncertainty


def estimate_level(
    layers: dict[str, xr.DataArray],
    axes: Axes,
    found: Cells,
    basis: Floats,
    fewest: int,
    length: float,
    area: float,
) -> tuple[dict[str, Floats], Additive]:
    """Estimate the series of one region.

    Parameters
    ----------
    layers : dict of xarray.DataArray
        ``value`` and where known ``sigma``, ``systematic``, ``count``, dims ``(time, y, x)``.
    axes : Axes
        Of the grid.
    found : Cells
        Of the region.
    basis : numpy.ndarray
        ``(t, q)``, as in `fit_additive`.
    fewest : int
        Periods that a cell needs.
    length : float
        Correlation length [m].
    area : float
        Of the whole region [m2].

    Returns
    -------
    dict of numpy.ndarray
        ``(t,)`` by ending of the name, as `region_series` describes them.
    Additive
        The fit.

    Raises
    ------
    SeriesError
        The region lies outside, was seen too rarely, or falls into parts.
    """
    if found.row.size == 0:
        raise SeriesError("lies outside the grid")
    window = found.window
    loaded = load_window(layers, axes, (slice(*window[:2]), slice(*window[2:])), slice(0, len(basis)))
    row, column = found.row - window[0], found.column - window[2]
    picked = {role: values[:, row, column].astype(float) for role, values in loaded.items()}
    weight = found.fraction * found.area
    fitted = fit_additive(picked["value"], picked.get("sigma"), weight, basis, fewest)
    if fitted is None:
        raise SeriesError(f"no cell was seen in {fewest} periods")
    if not fitted.connected:
        raise SeriesError("its parts were never seen in the same periods: nothing ties their levels together")
    seen = np.isfinite(picked["value"])
    total = (seen * weight).sum(axis=1)
    place = cell_positions(axes, found)
    grown = np.sqrt(fitted.inflation)
    sampling = grown * correlated_mean_uncertainty(fitted.share, fitted.scatter, *place, length)
    stated = np.zeros_like(sampling)
    if "sigma" in picked:
        sigma = picked["sigma"]
        known = np.where(np.isfinite(sigma), sigma, np.sqrt(np.nanmean(sigma[seen] ** 2)))
        stated = grown * correlated_mean_uncertainty(fitted.share, known, *place, length)
    common = np.zeros_like(sampling)
    if "systematic" in picked:
        common = (fitted.share * np.nan_to_num(picked["systematic"])).sum(axis=1)
    empty = np.isnan(fitted.level)
    counted = np.where(seen, np.nan_to_num(picked["count"]), 0.0) if "count" in picked else seen
    with np.errstate(invalid="ignore", divide="ignore"):
        plain = (np.where(seen, picked["value"], 0.0) * weight).sum(axis=1) / total
    columns = {
        "": fitted.level,
        "_uncertainty": np.sqrt(stated**2 + sampling**2 + common**2),
        "_uncertainty_random": stated,
        "_uncertainty_sampling": sampling,
        "_uncertainty_systematic": common,
        "_plain": plain,
    }
    blank = {ending: np.where(empty, np.nan, column) for ending, column in columns.items()}
    on_grid = 1.0 if found.whole else min(1.0, weight.sum() / area)
    return blank | {
        "_count": (counted * found.fraction).sum(axis=1),
        "_coverage": total / weight.sum() * on_grid,
    }, fitted

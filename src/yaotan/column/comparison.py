"""Two products on the same cells and months: difference, scatter, and whether it can be told from zero."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.column.contrast import combine_months, edges, mean_error, monthly_values, scatter_error
from yaotan.errors import GridError
from yaotan.geodesy import cell_area


def compare_products(
    first: xr.Dataset,
    second: xr.Dataset,
    variable: str,
    *,
    correlation_length: float = 100e3,
    minimum_count: int = 1,
    level: float = 0.95,
) -> dict[str, object]:
    """Compare two monthly grids cell by cell where both have data, first minus second.

    Parameters
    ----------
    first, second : xarray.Dataset
        Grids with equal ``lat`` and ``lon``; common months are compared.
    variable : str
        Column variable in both.
    correlation_length : float
        E-folding length of the errors of cells [m].
    minimum_count : int
        Cells with fewer soundings in the month are left out.
    level : float
        Probability of the interval of the mean difference.

    Returns
    -------
    dict
        ``difference``, ``lower``, ``upper`` (area-weighted mean, months combined), ``rmsd``,
        ``correlation`` (over all common cell-months; NaN below three), ``cells``, ``months``, ``verdict``.

    Raises
    ------
    GridError
        The two grids are not the same cells.

    Notes
    -----
    Averaging kernels and priors are not harmonised here, so part of a difference may come from them.
    Each month's 1 sigma is the larger of the propagated random errors (with their spatial correlation)
    and the scatter of the differences between cells; a constant offset between the instruments is what
    the difference shows.
    """
    if not (np.array_equal(first["lat"], second["lat"]) and np.array_equal(first["lon"], second["lon"])):
        raise GridError("the two grids differ in lat or lon", expected="products gridded with one GridSpec")
    area = cell_area(edges(first, "lat"), edges(first, "lon"))
    lat, lon = np.meshgrid(first["lat"].values, first["lon"].values, indexing="ij")
    results, pairs = [], []
    for time in np.intersect1d(first["time"].values, second["time"].values):
        a, errors_a = monthly_values(first, _step(first, time), variable, minimum_count)
        b, errors_b = monthly_values(second, _step(second, time), variable, minimum_count)
        both = np.isfinite(a) & np.isfinite(b)
        if not both.any():
            continue
        weight, gap = area[both] / area[both].sum(), (a - b)[both]
        mean = float((weight * gap).sum())
        # errors of two instruments are independent of one another
        place = [lat[both], lon[both]]
        own, other = (
            mean_error(weight, [part[both] for part in parts], place, correlation_length)
            for parts in (errors_a, errors_b)
        )
        propagated = float(np.hypot(own, other))
        # two satellites see a cell on different days and in different places: that is in no stated error,
        # and shows in the scatter of the differences
        sigma = float(np.fmax(propagated, scatter_error(weight, gap)))
        results.append((mean, sigma, int(both.sum()), int(both.sum())))
        pairs.append(np.stack([a[both], b[both]], axis=-1))
    combined = combine_months(results, level)
    joined = np.concatenate(pairs) if pairs else np.zeros((0, 2))
    gap = joined[:, 0] - joined[:, 1]
    return {
        "difference": combined.difference,
        "lower": combined.lower,
        "upper": combined.upper,
        "rmsd": float(np.sqrt((gap**2).mean())) if gap.size else np.nan,
        "correlation": float(pd.Series(joined[:, 0]).corr(pd.Series(joined[:, 1])))
        if gap.size > 2
        else np.nan,
        "cells": combined.cells_a,
        "months": combined.months,
        "verdict": combined.verdict,
    }


def _step(grid: xr.Dataset, time: np.datetime64) -> int:
    return int(np.flatnonzero(grid["time"].values == time)[0])

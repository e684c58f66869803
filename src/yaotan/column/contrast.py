"""Is one part higher than another? Differences of monthly grids, each with an interval and a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from yaotan.geodesy import cell_area
from yaotan.interval import mean_interval
from yaotan.uncertainty import correlated_mean_uncertainty, shared_mean_uncertainty, split_overpass

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Verdict = Literal["higher", "lower", "not_detectable", "no_data"]


@dataclass(frozen=True)
class Contrast:
    """A difference with its interval: ``difference`` = first side minus second side."""

    difference: float
    lower: float
    upper: float
    verdict: Verdict
    months: int
    cells_a: int
    cells_b: int

    def as_row(self) -> dict[str, object]:
        """Give the fields as one row of a table."""
        return asdict(self)


NO_DATA = Contrast(np.nan, np.nan, np.nan, "no_data", 0, 0, 0)


def judge_interval(lower: float, upper: float) -> Verdict:
    """Turn an interval into a verdict: zero inside it means that nothing was detected.

    Parameters
    ----------
    lower, upper : float
        Ends of the interval of a difference; infinite where the error is not known, NaN without data.

    Returns
    -------
    {"higher", "lower", "not_detectable", "no_data"}
        What can be said.

    Examples
    --------
    >>> judge_interval(0.2, 1.1), judge_interval(-0.3, 0.5), judge_interval(float("-inf"), float("inf"))
    ('higher', 'not_detectable', 'not_detectable')
    """
    if np.isnan(lower) or np.isnan(upper):
        return "no_data"
    return "higher" if lower > 0 else "lower" if upper < 0 else "not_detectable"


def _side(values: Floats, weight: Floats, shared: Floats) -> tuple[Floats, Floats]:
    """Give mean by row and the coefficient of each cell in the mean over rows weighted by `shared`."""
    total = weight.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(weight * values, axis=1) / total
        coefficient = weight / total[:, None] * (shared / shared.sum())[:, None]
    return mean, np.where(np.isfinite(coefficient), coefficient, 0.0)


def _month(
    values: Floats,
    errors: Sequence[Floats],
    area: Floats,
    sides: Sequence[Mask],
    place: Sequence[Floats],
    length: float,
) -> tuple[float, float, int, int] | None:
    """Difference of one month and its 1 sigma, matched row by row."""
    seen = np.isfinite(values)
    weights = [np.where(seen & side, area, 0.0) for side in sides]
    totals = [weight.sum(axis=1) for weight in weights]
    # a row counts by the smaller of its two sides: rows that only one side has would bring in the
    # gradient along the other axis
    shared = np.minimum(*totals)
    if not shared.any():
        return None
    means, coefficients = zip(*(_side(values, weight, shared) for weight in weights), strict=True)
    used = shared > 0
    rows = means[0][used] - means[1][used]
    share = shared[used] / shared.sum()
    difference = float((share * rows).sum())
    # one signed mean: errors that both sides share partly cancel
    signed = (coefficients[0] - coefficients[1]).ravel()
    propagated = mean_error(
        signed, [error.ravel() for error in errors], [axis.ravel() for axis in place], length
    )
    counts = [int((coefficient > 0).sum()) for coefficient in coefficients]
    return difference, float(np.fmax(propagated, scatter_error(share, rows))), counts[0], counts[1]


def contrast(
    grid: xr.Dataset,
    variable: str,
    first: Mask,
    second: Mask,
    *,
    matched: Literal["lat", "lon"] | None = "lat",
    correlation_length: float = 100e3,
    minimum_count: int = 1,
    level: float = 0.95,
) -> Contrast:
    """Difference between two parts of a monthly grid, first minus second.

    Parameters
    ----------
    grid : xarray.Dataset
        Grid with dims ``(time, lat, lon)``.
    variable : str
        Column variable, such as ``"xco2"``.
    first, second : ndarray of bool, dims (lat, lon)
        The two sides.
    matched : {"lat", "lon"} or None
        Sides are compared inside each row of latitude (for a west-east contrast) or each column of
        longitude (for a north-south one), so that uneven sampling along that axis does not enter.
        None: the plain area-weighted means are compared (two regions need share no row).
    correlation_length : float
        E-folding length of the errors of cells [m].
    minimum_count : int
        Cells with fewer soundings in the month are left out.
    level : float
        Probability of the interval.

    Returns
    -------
    Contrast
        Difference and interval [unit of the variable], verdict, months and cells used.

    Notes
    -----
    Each month's 1 sigma is the larger of the propagated errors of the cells (with spatial correlation)
    and the scatter of the rows; months are combined by `uncertainty.mean_interval`. An error common to
    all soundings of the product cancels. A bias that differs between the sides (surface, aerosol) does
    not, and is not in the interval.
    """
    area = cell_area(edges(grid, "lat"), edges(grid, "lon"))
    place = np.meshgrid(grid["lat"].values.astype(float), grid["lon"].values.astype(float), indexing="ij")
    turn = _turn(matched)
    results = []
    for step in range(grid.sizes["time"]):
        values, errors = monthly_values(grid, step, variable, minimum_count)
        found = _month(
            turn(values),
            [turn(error) for error in errors],
            turn(area),
            [turn(first), turn(second)],
            [turn(axis) for axis in place],
            correlation_length,
        )
        if found is not None:
            results.append(found)
    return combine_months(results, level)


def _turn(matched: str | None) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """Give what brings the axis inside which sides are compared into rows."""
    if matched is None:
        return lambda array: np.reshape(array, (1, -1))
    return np.transpose if matched == "lon" else np.asarray


def edges(grid: xr.Dataset, dim: str) -> Floats:
    """Give the cell edges of one dimension from its bounds variable."""
    bounds = grid[grid[dim].attrs["bounds"]].values.astype(float)
    return np.append(bounds[:, 0], bounds[-1, 1])


def monthly_values(
    grid: xr.Dataset, step: int, variable: str, minimum_count: int
) -> tuple[Floats, tuple[Floats, ...]]:
    """Load one month: values, NaN where soundings are too few, and what `mean_error` needs of their errors.

    The systematic part is left out: it is common to all cells of a product.
    """
    month = grid.isel(time=step)
    enough = month[f"{variable}_count"].values >= minimum_count
    values = np.where(enough, month[variable].values.astype(float), np.nan)
    terms = [f"{variable}_uncertainty_{term}" for term in ("random", "overpass")]
    if set(terms) <= set(month.variables) and "overpass_correlation" in grid.attrs:
        random, overpass = (month[term].values.astype(float) for term in terms)
        seen = [f"{variable}_time_{end}" for end in ("min", "max")]
        moments = [month[name].values.astype(float) for name in seen if name in month.variables]
        return values, (
            *split_overpass(random, overpass, float(grid.attrs["overpass_correlation"])),
            *moments,
        )
    sigma = month[f"{variable}_uncertainty"].values.astype(float)
    return values, (np.zeros_like(sigma), sigma)


def mean_error(
    coefficient: Floats, errors: Sequence[Floats], place: Sequence[Floats], length: float
) -> float:
    """Propagate the errors of cells to a mean with given coefficients.

    `errors`: each cell's own part, the part shared along overpasses, and where known the moments [ns] of its
    first and last sounding. Cells whose error is unknown are taken to be as uncertain as the others
    (root mean square). NaN where no cell has a known error.
    """
    counts = coefficient != 0
    known = np.isfinite(errors[0]) & np.isfinite(errors[1]) & counts
    if not known.any():
        return float("nan")
    own, shared = (np.where(known, part, np.sqrt((part[known] ** 2).mean()))[counts] for part in errors[:2])
    moments = [moment[counts] for moment in errors[2:]]
    lat, lon = (axis[counts] for axis in place)
    alone = correlated_mean_uncertainty(coefficient[counts], own, lat, lon, 0.0)
    return float(
        np.hypot(alone, shared_mean_uncertainty(coefficient[counts], shared, lat, lon, length, moments))
    )


def scatter_error(share: Floats, values: Floats) -> float:
    """Give the standard error of a weighted mean (shares with sum 1) from the scatter of its values.

    NaN for a single value, which has no scatter.
    """
    if values.size < 2:
        return float("nan")
    mean, squares = (share * values).sum(), (share**2).sum()
    return float(np.sqrt((share * (values - mean) ** 2).sum() / (1 - squares) * squares))


def combine_months(results: Sequence[tuple[float, float, int, int]], level: float) -> Contrast:
    """Combine monthly differences to one with an interval.

    Parameters
    ----------
    results : sequence of (difference, sigma, cells of side a, cells of side b)
        One entry a month with data.
    level : float
        Probability of the interval.

    Returns
    -------
    Contrast
        `NO_DATA` when no month has data on both sides.
    """
    if not results:
        return NO_DATA
    table = pd.DataFrame(results, columns=["difference", "sigma", "a", "b"])
    interval = mean_interval(table["difference"].to_numpy(), table["sigma"].to_numpy(), level=level)
    return Contrast(
        interval.mean,
        interval.lower,
        interval.upper,
        judge_interval(interval.lower, interval.upper),
        len(table),
        int(table["a"].sum()),
        int(table["b"].sum()),
    )

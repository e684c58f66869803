"""`eof`: empirical orthogonal functions of a grid, and which of them stand by themselves."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.hotspot.field import choose_field, take_field
from yaotan.errors import GridError, SeriesError, YaotanError

Floats: TypeAlias = NDArray[np.float64]

#: fewest times
_TIMES: Final = 6


def eof(
    grid: xr.Dataset,
    *,
    variable: str | None = None,
    modes: int = 5,
    season: bool = True,
    missing: float = 0.0,
) -> xr.Dataset:
    r"""Empirical orthogonal functions: patterns and series that hold most of the variance.

    Anomalies from the mean (of the calendar month, with `season`) are weighted by
    :math:`\sqrt{\cos \varphi}`, so that areas count alike, and decomposed,
    :math:`X \sqrt{w} = U S V^T`. The series are of unit variance, the patterns carry the unit of the field;
    the pattern's largest absolute value is positive. By the rule of North et al. (1982,
    doi:10.1175/1520-0493(1982)110<0699:SEITEO>2.0.CO;2) the sampling error of an eigenvalue is

    .. math:: \delta\lambda_k = \lambda_k \sqrt{2 / N_k}, \quad N_k = N \frac{1 - r_k^2}{1 + r_k^2}

    with :math:`r_k` the correlation of neighbouring values of its series (Bretherton et al. 1999,
    doi:10.1175/1520-0442(1999)012<1990:TENOSD>2.0.CO;2). A mode is separated where its interval meets that of
    neither neighbour; otherwise it is a mixture with it, and its pattern means nothing by itself.

    Parameters
    ----------
    grid : xarray.Dataset
        Dims ``time, lat, lon``, or ``time, y, x`` with coordinates ``lat`` and ``lon``.
    variable : str, optional
        May be left out where the grid holds one field with an uncertainty, or one only.
    modes : int
        How many to give.
    season : bool
        Take the mean of each calendar month out, not of all times. Trends stay: take them out first
        (`fit_trend`), or they are the first mode.
    missing : float
        Cells that miss more than this share of times take no part. With more than 0, what a cell misses
        counts as its mean, which shrinks its variance; fill the grid first where much is missing.

    Returns
    -------
    xarray.Dataset
        Dim ``mode`` from 1: ``pattern`` (mode, lat, lon; NaN where a cell takes no part), ``series`` (mode,
        time; 1), ``eigenvalue`` with ``eigenvalue_uncertainty`` (squared unit), ``variance_share`` (1),
        ``effective_count``, ``separated`` (uint8 flag: degenerate, separated). Attributes ``cells_used`` and
        ``cells_left_out``.

    Raises
    ------
    SeriesError
        Fewer than 6 times, or too few for so many modes, or none left of a season of one year.
    GridError
        No time, or fewer than two cells that are measured at all times.
    YaotanError
        An option is out of range.

    Notes
    -----
    Modes are orthogonal by construction, causes are not. Patterns depend on the region that is given.

    Examples
    --------
    >>> time = np.arange("2015-01", "2019-01", dtype="datetime64[M]").astype("datetime64[ns]")
    >>> random = np.random.default_rng(1)
    >>> wave = random.normal(size=(48, 1, 1)) * np.array([[1.0, 2.0], [3.0, -1.0]])
    >>> noise = 0.01 * random.normal(size=wave.shape)
    >>> axes = {"time": time, "lat": [10.0, 20.0], "lon": [100.0, 110.0]}
    >>> grid = xr.Dataset({"xco2": (("time", "lat", "lon"), wave + noise, {"units": "ppm"})}, axes)
    >>> found = eof(grid, modes=2, season=False)
    >>> bool(found.variance_share.values[0] > 0.99), int(found.separated.values[0])
    (True, 1)
    """
    name = choose_field(grid, variable)
    array = grid[name]
    if "time" not in array.dims:
        raise GridError(f"{name} has dims {array.dims}", where="eof", expected="dim time")
    _check(modes, missing, array.sizes["time"])
    pair = ("lat", "lon") if "lat" in array.dims else ("y", "x")
    values, lat, _ = take_field(grid, name)
    anomaly = _remove_mean(values, grid["time"].values, season)
    used = (np.isnan(values).mean(axis=0) <= missing) & np.isfinite(lat)
    if used.sum() < 2:
        raise GridError(
            f"{int(used.sum())} cells of {name} are measured at {1 - missing:.0%} of the times",
            where="eof",
            expected="2 or more",
            fix="fill the grid (SpaceTimeKriging), coarsen it, or let times be missing (missing=0.2)",
        )
    kept = anomaly[:, used]
    root = np.sqrt(np.maximum(np.cos(np.radians(lat[used])), 0.0))
    left, singular, right = np.linalg.svd(np.where(np.isnan(kept), 0.0, kept) * root, full_matrices=False)
    return _describe(grid, name, pair, used, root, (left, singular, right), modes)


def _check(modes: int, missing: float, times: int) -> None:
    if times < max(_TIMES, modes + 2):
        raise SeriesError(
            f"there are {times} times",
            where="eof",
            expected=f"at least {max(_TIMES, modes + 2)} for {modes} modes",
            fix="give a longer record, or ask for fewer modes",
        )
    if modes < 1 or not 0 <= missing < 1:
        name, value = ("modes", modes) if modes < 1 else ("missing", missing)
        raise YaotanError(
            f"{name} is {value!r}", where="eof", expected="modes from 1, missing from 0 to below 1"
        )


def _remove_mean(values: Floats, time: NDArray[np.datetime64], season: bool) -> Floats:
    """Anomalies from the mean of all times, or of the same calendar month."""
    month = time.astype("datetime64[M]").astype(int) % 12 if season else np.zeros(time.size, int)
    if season and np.bincount(month).max() < 2:
        raise SeriesError(
            "no calendar month comes twice: its mean is the value itself",
            where="eof",
            expected="two years or more",
            fix="season=False",
        )
    out = np.empty_like(values)
    for one in np.unique(month):
        part = values[month == one]
        count = np.isfinite(part).sum(axis=0)
        out[month == one] = part - np.nansum(part, axis=0) / np.where(count > 0, count, np.nan)
    return out


def _describe(
    grid: xr.Dataset,
    name: str,
    pair: tuple[str, str],
    used: NDArray[np.bool_],
    root: Floats,
    parts: tuple[Floats, Floats, Floats],
    modes: int,
) -> xr.Dataset:
    left, singular, right = parts
    times, area = left.shape[0], float((root**2).sum())
    eigen = singular**2 / (times - 1) / area
    number = min(modes, singular.size)
    error, effective = _sampling_error(eigen, left)
    low, high = eigen - error, eigen + error
    # apart from the one above and from the one below
    gap = np.append(low[:-1] > high[1:], True)
    apart = gap & np.append(True, gap[:-1])
    series = left[:, :number].T * np.sqrt(times - 1)
    pattern = np.full((number, used.size), np.nan)
    with np.errstate(divide="ignore"):
        pattern[:, used] = right[:number] * singular[:number, None] / np.sqrt(times - 1) / root
    at = np.nanargmax(np.abs(pattern), axis=1)
    sign = np.sign(pattern[np.arange(number), at])
    shape = tuple(grid.sizes[dim] for dim in pair)
    units = str(grid[name].attrs.get("units", "1"))
    square = {"units": f"({units})2"}
    flags = {"flag_values": np.arange(2, dtype=np.uint8), "flag_meanings": "degenerate separated"}
    coords = {str(key): c for key, c in grid.coords.items() if set(c.dims) <= {*pair, "time"}}
    first = slice(0, number)
    return xr.Dataset(
        {
            "pattern": (
                ("mode", *pair),
                (pattern * sign[:, None]).reshape(number, *shape),
                {"units": units, "long_name": f"pattern of {name} for a series of 1"},
            ),
            "series": (("mode", "time"), series * sign[:, None], {"units": "1"}),
            "eigenvalue": ("mode", eigen[first], square),
            "eigenvalue_uncertainty": ("mode", error[first], square),
            "variance_share": ("mode", (eigen / eigen.sum())[first], {"units": "1"}),
            "effective_count": ("mode", effective[first], {"units": "1"}),
            "separated": ("mode", apart[first].astype(np.uint8), flags),
        },
        coords={**coords, "mode": np.arange(1, number + 1)},
        attrs={"cells_used": int(used.sum()), "cells_left_out": int((~used).sum())},
    )


def _sampling_error(eigen: Floats, left: Floats) -> tuple[Floats, Floats]:
    """Error of eigenvalues, and the effective number of times of each series."""
    centred = left - left.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        serial = (centred[1:] * centred[:-1]).sum(axis=0) / (centred**2).sum(axis=0)
    serial = np.clip(np.nan_to_num(serial), -0.99, 0.99)
    effective = left.shape[0] * (1.0 - serial**2) / (1.0 + serial**2)
    return eigen * np.sqrt(2.0 / effective), effective

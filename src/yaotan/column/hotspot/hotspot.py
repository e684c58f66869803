"""`hot_spots`: clusters of high and low cells, at a controlled rate of false ones."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final, Literal

import numpy as np
import xarray as xr

from yaotan.column.hotspot.correlation import Floats
from yaotan.column.hotspot.field import FEWEST_MEMBERS, choose_field, relative_noise, take_field, take_members
from yaotan.column.hotspot.neighbourhood import find_neighbours
from yaotan.column.hotspot.null import (
    Judged,
    discoveries,
    judge_correlated,
    judge_ensemble,
    judge_independent,
)
from yaotan.errors import GridError, TooFewSoundingsError, YaotanError
from yaotan.geodesy import sphere_point

#: meaning of the values of ``hotspot``
FLAGS: Final = ("not_significant", "hot", "cold", "too_few_neighbours", "not_measured")
PLAIN, HOT, COLD, ALONE, UNMEASURED = range(5)
#: fewest measured cells of a field
_CELLS: Final = 30
#: most cells: pairs of all cells are met
_MOST: Final = 20_000
#: Level of the test of a whole field against a fitted null. Noise with tails heavier than those of the
#: Gaussian null reaches a level more often than it says: of 1,300 simulated months of pure noise
#: (tests/hotspot_truth.py) 9.5 % reached 0.05, 4.9 % 0.02 and 3.1 % 0.01. A rate that is to stay below 5 % in
#: 500 months (25) needs 0.01: 15 or 16 are then expected, 25 are 2.4 standard deviations more. Clipping the
#: tails mends the level too, and finds less.
ANYWHERE: Final = 0.01


def hot_spots(
    grid: xr.Dataset,
    *,
    variable: str | None = None,
    distance: float = 200e3,
    fdr: float = 0.05,
    anywhere: float | None = None,
    null: Literal["correlated", "independent"] | xr.DataArray = "correlated",
    minimum: int = 3,
    draws: int = 199,
    seed: int = 0,
) -> xr.Dataset:
    r"""Find cells whose neighbourhood is higher or lower than correlated noise makes it.

    Getis-Ord with the cell itself, weights 1 within a great-circle distance (centre to centre), 0 beyond:

    .. math:: G^*_i = \frac{\sum_j w_{ij} x_j - \bar x W_i}{\sqrt{a_i^T C a_i}}, \quad
              a_i = w_i - \frac{W_i}{n} 1

    With independent values of one variance, the denominator is that of Ord and Getis (1995,
    doi:10.1111/j.1538-4632.1995.tb00912.x). Retrieval errors and weather are correlated over hundreds of
    kilometres, and with that denominator nearly every field has "hot spots". Here C is fitted to the field:
    nugget (in proportion to the squared uncertainty of each cell, where stated) and exponential, by the
    variogram. Then `draws` Gaussian fields of that C go the whole way, C fitted anew to each. A cell's
    probability is the share of all their abs(G*) that reach its own; false discoveries are controlled after
    Benjamini and Hochberg (1995), and where more than `anywhere` of the null fields have a largest abs(G*)
    that reaches the field's, nothing is called a hot spot.

    Parameters
    ----------
    grid : xarray.Dataset
        Dims ``(time,) lat, lon``, or ``y, x`` with coordinates ``lat`` and ``lon``. Every time is judged by
        itself. Missing cells take no part. Give enhancements or anomalies: a gradient is a hot spot too.
    variable : str, optional
        May be left out where the grid holds one field with an uncertainty, or one only.
    distance : float
        Radius of the neighbourhoods [m].
    fdr : float
        Rate of false discoveries among the cells found.
    anywhere : float, optional
        Share of null fields that may be as striking as the field. Default 0.01 where the null is fitted, so
        that fewer than 5 % of fields of noise that is not of the fitted kind show anything; `fdr` where null
        fields are given.
    null : {"correlated", "independent"} or xarray.DataArray
        What there is without hot spots. An array with dim ``member`` and those of the field gives null
        fields, for filled fields conditional simulations of a field without what is looked for
        (`SpaceTimeKriging`).
        "independent" is the textbook's, for comparison.
    minimum : int
        Fewest measured cells of a neighbourhood, its own counted.
    draws : int
        Null fields drawn.
    seed : int
        Of chance; equal seeds give equal results.

    Returns
    -------
    xarray.Dataset
        ``hotspot`` (uint8 flag: not_significant, hot, cold, too_few_neighbours, not_measured),
        ``<v>_gstar`` (1, NaN where not judged), ``<v>_gstar_q`` (smallest rate of false discoveries at
        which the cell is one), ``hotspot_count`` (measured cells of the neighbourhood).
        ``attrs["hotspot"]``: JSON list, one entry a time: cells, hot, cold, ``anywhere`` (share of null
        fields as striking, to be held against the option), the covariance.

    Raises
    ------
    TooFewSoundingsError
        A time has fewer than 30 measured cells (unless it has none: nothing is judged).
    GridError, SchemaError, UnitsError, YaotanError
        Not such a grid, no such variable, mixed units, or an option out of range; more than 20,000 cells.

    Notes
    -----
    Clusters about as wide as the correlation of the noise cannot be told from it; a field that is hot over a
    third of its area is taken for a rough one (the fit sees the clusters too). Correlation is taken as the
    same everywhere and in all directions.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> field = random.normal(size=(15, 15))
    >>> field[6:9, 6:9] += 4
    >>> axes = {"lat": np.arange(20.0, 35), "lon": np.arange(100.0, 115)}
    >>> found = hot_spots(xr.Dataset({"xco2_enhancement": (("lat", "lon"), field, {"units": "ppm"})}, axes))
    >>> int(found.hotspot.sel(lat=27, lon=107)), int(found.hotspot.sel(lat=21, lon=101))
    (1, 0)
    """
    name = choose_field(grid, variable)
    field, lat, lon = take_field(grid, name)
    members = take_members(null, field)
    given = members is not None
    most = anywhere if anywhere is not None else fdr if given else ANYWHERE
    _check(distance, fdr, most, minimum, draws, members.shape[0] if given else draws)
    noise = relative_noise(grid, name, field)
    found, summary = [], []
    for step in range(field.shape[0]):
        ensemble = null if isinstance(null, str) else members[:, step]
        one = _judge(
            field[step],
            lat,
            lon,
            noise[step],
            ensemble,
            distance,
            (fdr, most),
            minimum,
            draws,
            np.random.default_rng([seed, step]),
        )
        found.append(one[:4])
        summary.append(one[4])
    options = {"distance": distance, "fdr": fdr, "anywhere": most, "minimum": minimum, "draws": draws}
    told = {**options, "seed": seed, "null": null if isinstance(null, str) else f"{members.shape[0]} members"}
    return _assemble(grid, name, [np.stack(part) for part in zip(*found, strict=True)], told, summary)


def _check(distance: float, fdr: float, anywhere: float, minimum: int, draws: int, members: int) -> None:
    rules = {
        "distance": (distance, distance > 0, "metres, more than 0"),
        "fdr": (fdr, 0 < fdr < 1, "between 0 and 1"),
        "minimum": (minimum, minimum >= 1, "1 or more"),
        "draws": (draws, draws >= FEWEST_MEMBERS, f"{FEWEST_MEMBERS} or more"),
    }
    least = f"below 1, and at least 1 / (1 + {members} null fields)"
    rules["anywhere"] = (anywhere, 1 / (1 + members) <= anywhere < 1, least)
    for name, (value, fine, expected) in rules.items():
        if not fine:
            raise YaotanError(f"{name} is {value!r}", where="hot_spots", expected=expected)


def _judge(
    field: Floats,
    lat: Floats,
    lon: Floats,
    noise: Floats,
    null: Any,
    distance: float,
    levels: tuple[float, float],
    minimum: int,
    draws: int,
    random: np.random.Generator,
) -> tuple[Any, Floats, Floats, Any, dict[str, Any]]:
    """Flag, score, adjusted probability and count of each cell of one time, and a summary."""
    cells = np.flatnonzero(np.isfinite(field))
    flag = np.full(field.size, UNMEASURED, np.uint8)
    score, adjusted = np.full((2, field.size), np.nan)
    count = np.zeros(field.size, np.int32)
    if not cells.size:
        return flag, score, adjusted, count, {"cells": 0}
    if not _CELLS <= cells.size <= _MOST:
        kind = TooFewSoundingsError if cells.size < _CELLS else GridError
        raise kind(
            f"a time has {cells.size} measured cells",
            where="hot_spots",
            expected=f"from {_CELLS} to {_MOST}",
            fix="coarsen the grid, join times, or take another region",
        )
    place, values = sphere_point(lat[cells], lon[cells]), field[cells]
    near = find_neighbours(place, distance)
    count[cells] = near.size.astype(np.int32)
    able = near.size >= minimum
    flag[cells] = np.where(able, PLAIN, ALONE)
    judged_cells = cells[able]
    if not judged_cells.size:
        return flag, score, adjusted, count, {"cells": cells.size, "hot": 0, "cold": 0}
    if isinstance(null, str) and null == "independent":
        judged = judge_independent(values, near, able)
    elif isinstance(null, str):
        relative = noise[cells] / noise[cells].mean()
        judged = judge_correlated(
            values, place, relative, near, able, radius=distance, draws=draws, random=random
        )
    else:
        judged = judge_ensemble(values, null[:, cells], near, able)
    score[judged_cells], adjusted[judged_cells] = judged.score, discoveries(judged.probability)
    fdr, most = levels
    if judged.anywhere is None or judged.anywhere <= most:
        clear = adjusted <= fdr
        flag[clear & (score > 0)], flag[clear & (score < 0)] = HOT, COLD
    return flag, score, adjusted, count, _summary(judged, flag, cells.size)


def _summary(judged: Judged, flag: Any, cells: int) -> dict[str, Any]:
    found = {"cells": cells, "hot": int((flag == HOT).sum()), "cold": int((flag == COLD).sum())}
    fitted = {} if judged.covariance is None else asdict(judged.covariance)
    chance = {} if judged.anywhere is None else {"anywhere": judged.anywhere}
    return {**found, **chance, **fitted}


def _assemble(
    grid: xr.Dataset, name: str, parts: list[Any], told: dict[str, Any], summary: list[dict[str, Any]]
) -> xr.Dataset:
    array = grid[name]
    pair = ("lat", "lon") if "lat" in array.dims else ("y", "x")
    like = array.transpose(..., *pair)
    flag, score, adjusted, count = (part.reshape(like.shape) for part in parts)
    flags = {"flag_values": np.arange(len(FLAGS), dtype=np.uint8), "flag_meanings": " ".join(FLAGS)}
    out = xr.Dataset(
        {
            "hotspot": (like.dims, flag, {"long_name": f"clusters of {name}", **flags}),
            f"{name}_gstar": (like.dims, score, {"units": "1", "long_name": "Getis-Ord G*"}),
            f"{name}_gstar_q": (like.dims, adjusted, {"units": "1"}),
            "hotspot_count": (like.dims, count, {"units": "1"}),
        },
        coords=grid.coords,
    )
    words = {
        key: grid.attrs[key] for key in ("product", "platform", "references", "licence") if key in grid.attrs
    }
    return out.assign_attrs(**words, hotspot=json.dumps(summary), options=json.dumps(told))

"""Area-weighted means of one variable over many regions, read window by window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import dask
import numpy as np
import pyproj
import xarray as xr
from numpy.typing import NDArray

from yaotan.grid.axes import Axes
from yaotan.grid.coverage import Cells
from yaotan.uncertainty import (
    correlated_mean_uncertainty,
    sampling_uncertainty,
    shared_mean_uncertainty,
    split_overpass,
)

#: Values held at once per variable while a region is averaged.
_BUDGET: Final = 20_000_000
#: Windows are read together while their common window is at most this many times their own cells.
_SLACK: Final = 1.5
#: Where the error of a cell that is passed on to the region comes from, the fullest first.
_SIGMA: Final = ("_uncertainty_overpass", "_uncertainty_random", "_uncertainty")


@dataclass(frozen=True)
class Errors:
    """How errors of cells combine.

    Correlation length between cells [m], the systematic error that replaces the grid's, the correlation
    inside an overpass that the grid was made with, and whether cells are means of soundings (then a region
    has a sampling error, which a full field has not).
    """

    length: float
    systematic: float | None
    overpass_correlation: float | None = None
    of_soundings: bool = False


def layers_of(data: xr.Dataset, axes: Axes, name: str) -> dict[str, xr.DataArray]:
    """Find a variable and what belongs to it: value, sigma, systematic, count; dims ([time,] y, x)."""
    found = {"value": name}
    sigma = next((name + ending for ending in _SIGMA if name + ending in data), None)
    if sigma is not None:
        found["sigma"] = sigma
    if sigma == name + "_uncertainty_overpass" and name + "_uncertainty_random" in data:
        found["random"] = name + "_uncertainty_random"
        if {name + "_time_min", name + "_time_max"} <= set(data.variables):
            found |= {"first": name + "_time_min", "last": name + "_time_max"}
    for role, ending in (("systematic", "_uncertainty_systematic"), ("count", "_count")):
        if name + ending in data:
            found[role] = name + ending
    layers = {}
    for role, source in found.items():
        order = ("time", axes.y_dim, axes.x_dim) if "time" in data[source].dims else (axes.y_dim, axes.x_dim)
        layers[role] = data[source].transpose(*order)
    return layers


Window = tuple[slice, slice]


def group_windows(cells: list[Cells]) -> list[tuple[Window, list[int]]]:
    """Group regions whose windows are better read together (every touched cell once, little else)."""
    groups: list[tuple[list[int], list[int], int]] = []
    for index, found in enumerate(cells):
        if found.row.size == 0:
            continue
        window = list(found.window)
        for group, members, _ in groups:
            union = [
                min(group[0], window[0]), max(group[1], window[1]),
                min(group[2], window[2]), max(group[3], window[3]),
            ]  # fmt: skip
            if _size(union) <= _SLACK * (_size(group) + _size(window) - _shared(group, window)):
                group[:] = union
                members.append(index)
                break
        else:
            groups.append((window, [index], 0))
    return [((slice(g[0], g[1]), slice(g[2], g[3])), members) for g, members, _ in groups]


def _size(window: list[int]) -> int:
    return max(window[1] - window[0], 0) * max(window[3] - window[2], 0)


def _shared(a: list[int], b: list[int]) -> int:
    return _size([max(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), min(a[3], b[3])])


def average(
    layers: dict[str, xr.DataArray],
    axes: Axes,
    cells: list[Cells],
    windows: list[tuple[Window, list[int]]],
    area: NDArray[np.float64],
    errors: Errors,
) -> dict[str, NDArray[np.float64]]:
    """Average one variable over all regions: arrays ``(region, time)`` by ending of the name."""
    times = layers["value"].sizes.get("time", 1)
    results: dict[str, NDArray[np.float64]] = {}
    for window, members in windows:
        positions = (
            {index: cell_positions(axes, cells[index]) for index in members} if "sigma" in layers else {}
        )
        block = max(1, _BUDGET // max(1, _size([*_ends(window[0]), *_ends(window[1])])))
        for start in range(0, times, block):
            when = slice(start, min(start + block, times))
            loaded = load_window(layers, axes, window, when)
            for index in members:
                found = cells[index]
                row, column = found.row - window[0].start, found.column - window[1].start
                picked = {role: values[:, row, column].astype(float) for role, values in loaded.items()}
                one = _region(picked, found, float(area[index]), positions.get(index), errors)
                for ending, values in one.items():
                    empty = 0.0 if ending in ("_count", "_coverage") else np.nan
                    target = results.setdefault(ending, np.full((len(cells), times), empty))
                    target[index, when] = values
    return results


def _ends(part: slice) -> tuple[int, int]:
    return int(part.start), int(part.stop)


def load_window(
    layers: dict[str, xr.DataArray], axes: Axes, window: Window, when: slice
) -> dict[str, NDArray[Any]]:
    """Read one window of all layers ``(time, y, x)``, turned to rising rows and columns."""
    rows, columns = axes.stored(*window)
    parts = {
        role: array.isel({"time": when, axes.y_dim: rows, axes.x_dim: columns}, missing_dims="ignore")
        for role, array in layers.items()
    }
    (loaded,) = dask.compute({role: part.data for role, part in parts.items() if part.chunks is not None})
    turned = {}
    for role, part in parts.items():
        stored = part.values if part.chunks is None else loaded[role]
        values = np.asarray(stored).reshape(-1, *stored.shape[-2:])
        values = values[:, ::-1] if axes.y_flipped else values
        turned[role] = values[:, :, ::-1] if axes.x_flipped else values
    return turned


def cell_positions(axes: Axes, cells: Cells) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude of the centres of cells [degrees]."""
    y, x = axes.y_bounds.mean(axis=1)[cells.row], axes.x_bounds.mean(axis=1)[cells.column]
    if axes.crs is None:
        return y, x
    lon, lat = pyproj.Transformer.from_crs(axes.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return lat, lon


def _region(
    picked: dict[str, NDArray[np.float64]],
    cells: Cells,
    area: float,
    position: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    errors: Errors,
) -> dict[str, NDArray[np.float64]]:
    """Statistics of one region from its cells ``(time, cell)``."""
    value = picked["value"]
    valid = np.isfinite(value)
    weight = cells.fraction * cells.area
    sums = np.where(valid, weight, 0.0).sum(axis=1)
    filled = sums > 0.0
    share = np.divide(
        np.where(valid, weight, 0.0), sums[:, None], out=np.zeros(value.shape), where=filled[:, None]
    )
    # about a reference, so that a constant comes out as itself and squares lose no digits
    first = value[np.arange(len(value)), valid.argmax(axis=1)]
    departure = np.where(valid, value - first[:, None], 0.0)
    mean = (share * departure).sum(axis=1)
    freedom = 1.0 - (share**2).sum(axis=1)
    square = (share * (departure - mean[:, None]) ** 2).sum(axis=1)
    single = valid.sum(axis=1) < 2
    on_grid = 1.0 if cells.whole else min(1.0, weight.sum() / area)
    counted = np.where(valid, np.nan_to_num(picked["count"]), 0.0) if "count" in picked else valid
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.where(single, np.nan, np.sqrt(square / freedom))
    results = {
        "": np.where(filled, first + mean, np.nan),
        "_spread": spread,
        "_count": (counted * cells.fraction).sum(axis=1),
        "_coverage": sums / weight.sum() * on_grid,
    }
    return results | {
        ending: np.where(filled, values, np.nan)
        for ending, values in _uncertainty(picked, share, position, errors).items()
    }


def _uncertainty(
    picked: dict[str, NDArray[np.float64]],
    share: NDArray[np.float64],
    position: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    errors: Errors,
) -> dict[str, NDArray[np.float64]]:
    """Terms of the error of a mean with the given shares ``(time, cell)``."""
    terms: dict[str, NDArray[np.float64]] = {}
    if errors.systematic is not None:
        terms["_uncertainty_systematic"] = np.full(len(share), errors.systematic)
    elif "systematic" in picked:
        common = np.where(share > 0.0, share * picked["systematic"], 0.0)
        terms["_uncertainty_systematic"] = np.abs(common.sum(axis=1))
    if "sigma" in picked and position is not None:
        own, shared = np.zeros_like(picked["sigma"]), picked["sigma"]
        if "random" in picked and errors.overpass_correlation is not None:
            own, shared = split_overpass(picked["random"], picked["sigma"], errors.overpass_correlation)
        random = np.hypot(
            correlated_mean_uncertainty(share, own, *position, 0.0),
            _shared_error(picked, share, shared, position, errors.length),
        )
        zero = np.zeros_like(random)
        terms.setdefault("_uncertainty_systematic", zero)
        terms["_uncertainty_random"] = random
        if errors.of_soundings:
            terms["_uncertainty_sampling"] = sampling_uncertainty(
                picked["value"], share, picked["sigma"], random, *position, errors.length
            )
        # what a single cell cannot tell of sampling is left out of the total, and NaN as a term; an error
        # that the soundings do not state makes the total unknown
        known = {**terms, "_uncertainty_sampling": np.nan_to_num(terms.get("_uncertainty_sampling", zero))}
        terms["_uncertainty"] = np.sqrt(sum((term**2 for term in known.values()), zero))
    return terms


def _shared_error(
    picked: dict[str, NDArray[np.float64]],
    share: NDArray[np.float64],
    shared: NDArray[np.float64],
    position: tuple[NDArray[np.float64], NDArray[np.float64]],
    length: float,
) -> NDArray[np.float64]:
    """Errors that cells share, by time; along overpasses where the grid says when each cell was seen."""
    if "first" not in picked:
        return correlated_mean_uncertainty(share, shared, *position, length)
    return np.array(
        [
            shared_mean_uncertainty(
                share[step],
                shared[step],
                *position,
                length,
                [picked["first"][step], picked["last"][step]],
            )
            for step in range(len(share))
        ]
    )

"""Joining grids: parts of one record into one, and fine cells into coarse ones, from the stored sums."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import GridError
from yaotan.grid.finalise import (
    COMMENTED,
    FLOAT_SUMS,
    INT_SUMS,
    MASK,
    SUMS,
    assemble,
    from_arrays,
    time_coords,
)
from yaotan.grid.spec import GridSpec

#: Attributes that decide what a sum means; grids must agree in them.
_RULES: Final = (
    "weight",
    "precision_weight",
    "plane",
    "overpass_correlation",
    "footprint_area",
    "response",
    "period",
)
#: Sums that scale with the square of a weight.
_SQUARES: Final = ("_sum_weight_square", "_sum_uncertainty_square")


def variables_of(grid: xr.Dataset) -> list[str]:
    """List the gridded variables whose sums a grid holds.

    Raises
    ------
    GridError
        The grid holds no sums.
    """
    mark = "_sum_weight"
    names = [str(n)[: -len(mark)] for n in grid.data_vars if str(n).endswith(mark)]
    missing = [name + suffix for name in names for suffix in SUMS if name + suffix not in grid]
    if not names or missing:
        raise GridError(
            f"a grid lacks the sums {missing[:3] or '(all)'}",
            fix="keep every variable that grid_soundings made",
        )
    return names


def merge_grids(grids: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join grids of parts of a record into the grid of the whole record.

    Means and errors are made again from the stored sums, so the result is that of gridding all soundings at
    once. One term is lost: where two parts split one overpass of one cell (the same half hour), the
    correlation between the two pieces.

    Parameters
    ----------
    grids : sequence of xarray.Dataset
        Made by `grid_soundings` with one GridSpec, one period rule and the same options. Their periods may
        differ; the result holds all of them.

    Returns
    -------
    xarray.Dataset
        As from `grid_soundings`; lazy if the parts are.

    Raises
    ------
    GridError
        Nothing to merge, or the grids differ in cells, rule of periods, variables, or options.

    Examples
    --------
    >>> merge_grids([])
    Traceback (most recent call last):
    ...
    yaotan.errors.GridError: merge_grids: there is no grid. Expected: one or more grids.
    """
    grids = list(grids)
    if not grids:
        raise GridError("there is no grid", where="merge_grids", expected="one or more grids")
    spec, names = GridSpec.like(grids[0]), variables_of(grids[0])
    for grid in grids[1:]:
        _check_same(grids[0], grid, spec, names)
    start, end = _union_of_periods(grids)
    members = _members(grids, start, grids[0].attrs["period"] == "all")
    out: dict[str, Any] = {}
    for name in names:
        sums = {suffix: _joined(grids, name + suffix, suffix, members) for suffix in SUMS}
        out |= _variable(grids[0], name, sums, ("time", *spec.dims))
    merged = xr.Dataset(out, coords=time_coords(start, end).merge(spec.coords()).coords)
    merged.attrs = _joined_attrs(grids)
    return merged


def _variable(
    grid: xr.Dataset, name: str, sums: Mapping[str, Any], dims: tuple[str, str, str]
) -> dict[str, Any]:
    reference = float(grid[name].attrs["reference"])
    missing = {
        suffix: grid[name + suffix].attrs["comment"]
        for suffix in COMMENTED
        if "comment" in grid[name + suffix].attrs
    }
    arrays = from_arrays(sums, float(grid.attrs["overpass_correlation"]), reference, frozenset(missing))
    source = dict(grid[name].attrs)
    source["long_name"] = str(source.get("long_name", name)).removeprefix("mean of ")
    return assemble(name, arrays, source, dims=dims, reference=reference, missing=missing)


def _check_same(first: xr.Dataset, other: xr.Dataset, spec: GridSpec, names: list[str]) -> None:
    where = "merge_grids"
    if GridSpec.like(other) != spec:
        raise GridError("the grids differ in their cells", where=where, expected="one GridSpec for all")
    if variables_of(other) != names:
        raise GridError(f"one grid holds {names}, another {variables_of(other)}", where=where)
    for rule in _RULES:
        if first.attrs.get(rule) != other.attrs.get(rule):
            raise GridError(
                f"{rule} is {first.attrs.get(rule)!r} in one grid and {other.attrs.get(rule)!r} in another",
                where=where,
                expected="the same options for all",
            )
    for name in names:
        for key in ("units", "reference"):
            if first[name].attrs.get(key) != other[name].attrs.get(key):
                raise GridError(f"{name} differs in {key}", where=where)
        for suffix in COMMENTED:
            if first[name + suffix].attrs.get("comment") != other[name + suffix].attrs.get("comment"):
                raise GridError(f"only one grid knows {name + suffix}", where=where)


def _union_of_periods(grids: list[xr.Dataset]) -> tuple[NDArray[Any], NDArray[Any]]:
    bounds = np.unique(
        np.concatenate([g["time_bnds"].values.astype("datetime64[ns]") for g in grids]), axis=0
    )
    if grids[0].attrs["period"] == "all":
        return bounds[:, 0].min()[None], bounds[:, 1].max()[None]
    if (bounds[1:, 0] < bounds[:-1, 1]).any():
        raise GridError(
            "periods of the grids overlap without being equal",
            where="merge_grids",
            expected="one period rule",
        )
    return bounds[:, 0], bounds[:, 1]


def _members(grids: list[xr.Dataset], start: NDArray[Any], single: bool) -> list[list[tuple[int, int]]]:
    """For each period of the result: which grid holds it, at which place."""
    members: list[list[tuple[int, int]]] = [[] for _ in start]
    for number, grid in enumerate(grids):
        for place, time in enumerate(grid["time_bnds"].values[:, 0].astype("datetime64[ns]")):
            target = 0 if single else int(np.searchsorted(start, time))
            members[target].append((number, place))
    return members


def _joined(grids: list[xr.Dataset], name: str, suffix: str, members: list[list[tuple[int, int]]]) -> Any:
    join = {"_time_min": np.fmin, "_time_max": np.fmax, MASK: np.bitwise_or}.get(suffix, np.add)
    layers: list[Any] = []
    for parts in members:
        layer = None
        for number, place in parts:
            array = grids[number][name].data[place]
            layer = array if layer is None else join(layer, array)
        layers.append(layer)
    lazy = any(isinstance(layer, da.Array) for layer in layers)
    return da.stack(layers) if lazy else np.stack(layers)


def _joined_attrs(grids: list[xr.Dataset]) -> dict[str, Any]:
    out: dict[str, Any] = dict(grids[0].attrs)
    for key in dict.fromkeys(key for grid in grids for key in grid.attrs):
        texts = list(dict.fromkeys(str(grid.attrs[key]) for grid in grids if key in grid.attrs))
        if key == "rejected":
            out[key] = json.dumps(_added([json.loads(text) for text in _texts(grids, key)]))
        elif key == "reading":
            out[key] = json.dumps([entry for text in texts for entry in json.loads(text)])
        elif len(texts) > 1:
            out[key] = (", " if key == "source" else "; ").join(texts)
        else:
            out.setdefault(key, texts[0])
    return out


def _texts(grids: list[xr.Dataset], key: str) -> list[str]:
    return [str(grid.attrs[key]) for grid in grids if key in grid.attrs]


def _added(counts: list[dict[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for count in counts:
        for key, value in count.items():
            out[key] = (
                _added([out.get(key, {}), value]) if isinstance(value, dict) else out.get(key, 0) + value
            )
    return out


def coarsen_grid(grid: xr.Dataset, factor: int | tuple[int, int]) -> xr.Dataset:
    """Make a coarser grid from the sums of a fine one.

    Means, systematic terms and spread of the weighted values equal those of gridding the soundings on the
    coarse cells at once. What fine cells cannot tell: a footprint over several of them counts in each
    (``v_count`` and the random term take its pieces as soundings of their own), and which of their overpasses
    were the same one; the overpass term takes them as the same, which is exact for one overpass in a period
    and an upper bound otherwise. Coverage is the area mean of the fine coverages.

    Parameters
    ----------
    grid : xarray.Dataset
        Made by `grid_soundings`.
    factor : int or (int, int)
        Fine cells in one coarse cell, along each side or in (y, x).

    Returns
    -------
    xarray.Dataset
        As from `grid_soundings`, lazy.

    Raises
    ------
    GridError
        The factor is not a positive whole number or does not divide the rows and columns.
    """
    fy, fx = (factor, factor) if isinstance(factor, int) else factor
    spec = GridSpec.like(grid)
    if min(fy, fx) < 1 or spec.shape[0] % fy or spec.shape[1] % fx:
        raise GridError(
            f"factor {(fy, fx)} does not divide {spec.shape} cells",
            where="coarsen_grid",
            expected="whole numbers that divide rows and columns",
        )
    coarse = GridSpec(spec.y_edges[::fy], spec.x_edges[::fx], spec.crs)
    ratio = _area_ratio(spec, fy, fx, str(grid.attrs["plane"]))
    out: dict[str, Any] = {}
    for name in variables_of(grid):
        sums = {suffix: _banded(grid[name + suffix].data, fy) for suffix in SUMS}
        coverage = _blocks(_banded(grid[name + "_coverage"].data, fy) * ratio, fy, fx)
        scale = ratio if grid.attrs["weight"] == "area" else 1.0
        variable = _variable(
            grid, name, _coarse_sums(sums, scale, ratio, coverage, fy, fx), ("time", *coarse.dims)
        )
        dims, _, attrs, *rest = variable[name + "_coverage"]
        variable[name + "_coverage"] = (dims, coverage, attrs, *rest)
        variable[name + "_count"][2]["comment"] = "a sounding counts in each fine cell that it touches"
        out |= variable
    times = grid["time_bnds"].values.astype("datetime64[ns]")
    result = xr.Dataset(out, coords=time_coords(times[:, 0], times[:, 1]).merge(coarse.coords()).coords)
    result.attrs = dict(grid.attrs)
    return result


def _banded(array: Any, factor: int) -> da.Array:
    """Give a lazy array in bands of whole rows that hold whole coarse cells."""
    _, ny, nx = array.shape
    return da.asarray(array).rechunk({1: min(ny, factor * max(1, (1 << 20) // (nx * factor))), 2: -1})


def _area_ratio(spec: GridSpec, fy: int, fx: int, plane: str) -> NDArray[np.float64]:
    """Area of each fine cell over that of its coarse cell, in the plane of the shares ``(ny, nx)``."""
    y = np.sin(np.radians(spec.y_edges)) if plane == "equal_area" else spec.y_edges
    shares = []
    for edges, step in ((y, fy), (spec.x_edges, fx)):
        shares.append(np.diff(edges) / np.repeat(np.diff(edges[::step]), step))
    return shares[0][:, None] * shares[1][None, :]


def _blocks(array: Any, fy: int, fx: int, reduction: Any = np.sum) -> Any:
    return da.coarsen(reduction, array, {1: fy, 2: fx})


def _coarse_sums(
    sums: Mapping[str, Any], scale: Any, ratio: Any, coverage: Any, fy: int, fx: int
) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for suffix in FLOAT_SUMS:
        factor = ratio if suffix == "_sum_share" else scale
        power = 2 if suffix in _SQUARES else 1
        out[suffix] = _blocks(sums[suffix] * factor**power, fy, fx)
    root = _blocks(np.sqrt(np.maximum(sums["_sum_overpass_square"], 0.0)) * scale, fy, fx)
    out["_sum_overpass_square"] = np.minimum(root, out["_sum_uncertainty"]) ** 2
    out["_count"] = _blocks(sums["_count"].astype("int32"), fy, fx).astype(INT_SUMS["_count"][1])
    for suffix, reduction in (("_time_min", _earliest), ("_time_max", _latest)):
        out[suffix] = _blocks(sums[suffix].astype("datetime64[ns]"), fy, fx, reduction)
    out[MASK] = da.map_blocks(
        _coarse_mask,
        sums[MASK],
        fy,
        fx,
        dtype=np.uint64,
        chunks=out["_count"].chunks,
        meta=np.empty((0, 0, 0), "u8"),
    )
    union = np.bitwise_count(out[MASK]).astype(float)
    multiple = da.where(coverage > 0, out["_sum_share"] / da.where(coverage > 0, coverage, 1.0), 1.0)
    out["_sum_subcell"] = da.rint(union * multiple).astype("int32")
    return out


def _earliest(block: Any, axis: Sequence[int] | None = None) -> Any:
    return _reduced(np.fmin, block, axis)


def _latest(block: Any, axis: Sequence[int] | None = None) -> Any:
    return _reduced(np.fmax, block, axis)


def _reduced(function: Any, block: Any, axis: Sequence[int] | None) -> Any:
    for number in sorted(range(block.ndim) if axis is None else axis, reverse=True):
        block = function.reduce(block, axis=number)
    return block


def _coarse_mask(masks: NDArray[np.uint64], fy: int, fx: int) -> NDArray[np.uint64]:
    """Look up, for each sub-cell centre of a coarse cell, the sub-cell of the fine cell that holds it."""
    out = np.zeros((masks.shape[0], masks.shape[1] // fy, masks.shape[2] // fx), dtype=np.uint64)
    for line in range(8):
        row, fine_line = divmod(int((line + 0.5) * fy), 8)
        for column in range(8):
            cell, fine_column = divmod(int((column + 0.5) * fx), 8)
            bit = (masks[:, row::fy, cell::fx] >> np.uint64(8 * fine_line + fine_column)) & np.uint64(1)
            out |= bit << np.uint64(8 * line + column)
    return out

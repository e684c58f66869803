"""A coarse grid from the sums of a fine one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import GridError
from yaotan.grid.finalise import (
    FLOAT_SUMS,
    INT_SUMS,
    MASK,
    SUMS,
    time_coords,
)
from yaotan.grid.merge import variable_from_sums, variables_of
from yaotan.grid.spec import GridSpec

#: Sums that scale with the square of a weight.
_SQUARES: Final = ("_sum_weight_square", "_sum_uncertainty_square")


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
        variable = variable_from_sums(
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

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
        out |= variable_from_sums(grids[0], name, sums, ("time", *spec.dims))
    merged = xr.Dataset(out, coords=time_coords(start, end).merge(spec.coords()).coords)
    merged.attrs = _joined_attrs(grids)
    return merged


def variable_from_sums(
    grid: xr.Dataset, name: str, sums: Mapping[str, Any], dims: tuple[str, str, str]
) -> dict[str, Any]:
    """Make a variable and its companions from sums, described as in the grid that the sums come from.

    Parameters
    ----------
    grid : xarray.Dataset
        Gives attributes, reference and what is not known.
    name : str
        Column variable.
    sums : mapping
        Arrays by suffix.
    dims : tuple of str
        Names of their dimensions.

    Returns
    -------
    dict
        Name to variable.
    """
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

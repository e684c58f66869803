"""Raster to raster, conserving what the quantity conserves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final, Literal, TypeVar

import dask
import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import GridError
from yaotan.grid.axes import axes_of
from yaotan.grid.finalise import SUMS
from yaotan.grid.quantity import ClassMajority, ClassShare, IndependentError, Mean, Quantity, Total
from yaotan.grid.spec import GridSpec
from yaotan.grid.transfer import Transfer, make_transfer

Kind = Literal["intensive", "extensive", "class"]
Data = TypeVar("Data", xr.Dataset, xr.DataArray)

#: Endings of variables whose errors are those of each cell alone.
_INDEPENDENT: Final = ("_uncertainty_random",)
#: Source values that are worked on at once: a block stays in the cache.
_BLOCK: Final = 1 << 18
#: Source values of one lazy task.
_TASK: Final = 1 << 23
#: What cannot be had from means of cells: `coarsen_grid` makes them from the sums.
_LEFT_OUT: Final = (*(name for name in SUMS if name != "_count"), "_spread", "_standard_error")


def regrid(
    data: Data,
    spec: GridSpec,
    *,
    quantity: Kind,
    threshold: float = 0.5,
    normalise: Literal["covered", "cell"] = "covered",
    classes: Sequence[int] | None = None,
    output: Literal["fraction", "majority"] = "fraction",
) -> Data:
    r"""Bring a grid or raster to other cells, first-order conservative.

    With the common area :math:`a_{ij}` of target cell i and source cell j, over source cells with a value:

    * ``intensive`` (ppm, Mg/ha): :math:`y_i = \sum_j a_{ij} x_j / \sum_j a_{ij}`;
    * ``extensive`` (Mg per cell, counts): :math:`y_i = \sum_j x_j a_{ij} / A_j`, :math:`A_j` the source cell;
    * ``class`` (land use): the share of each class in :math:`\sum_j a_{ij}`, all classes together, or the
      class of largest share.

    Between grids of one reference system the common areas are exact on the ellipsoid (products of those of
    rows and columns; on a projected plane the areal scale is constant within a source cell). Between systems
    a source cell is parted into points (see `yaotan.grid.scattered.Scattered`).

    Parameters
    ----------
    data : xarray.Dataset or xarray.DataArray
        Last dims ``lat, lon`` or ``y, x``; other dims (time, layer) come before. Lazy stays lazy.
    spec : GridSpec
        Target cells.
    quantity : {"intensive", "extensive", "class"}
        What the values are: nothing is guessed.
    threshold : float
        Least share of a target cell's area that must be covered by source cells with a value; below it the
        target is missing.
    normalise : {"covered", "cell"}
        Whether an intensive mean is over the covered area ("fracarea" of SCRIP), or over the whole target
        cell ("destarea": the uncovered part counts as zero).
    classes : sequence of int, optional
        Class codes; default: all that occur (then the data are read once for that).
    output : {"fraction", "majority"}
        For classes: shares ``(class, y, x)``, or the code of the largest share; of equal shares the smallest
        code, the fill value where none of `classes` occurs.

    Returns
    -------
    xarray.Dataset or xarray.DataArray
        As `data`, on the target. In a dataset ``_uncertainty_random`` is combined as independent between
        cells, :math:`\sqrt{\sum (a u)^2} / \sum a`; every other uncertainty as fully correlated,
        :math:`\sum a u / \sum a` (an upper bound); ``_count`` as extensive; ``_coverage`` as intensive over
        the whole cell. Sums and spreads cannot be had so: they are left out and listed in
        ``attrs["left_out"]`` (`coarsen_grid` keeps them).

    Raises
    ------
    GridError
        The quantity is unknown; the grids have nothing in common; the data have no axes; classes are not
        whole numbers.

    Notes
    -----
    First order: a source cell is uniform. Finer target cells repeat their source's value, with the same
    uncertainty each, which is then common to them. Angles, times and flags are not averaged: give flags as
    ``quantity="class"``.

    Examples
    --------
    >>> axes = {"lat": [0.5, 1.5], "lon": [0.5, 1.5, 2.5, 3.5]}
    >>> field = xr.DataArray(np.arange(8.0).reshape(2, 4), coords=axes, dims=("lat", "lon"))
    >>> total = regrid(field, GridSpec.regular(2.0, (0, 0, 4, 2)), quantity="extensive")
    >>> total.values.tolist()
    [[10.0, 18.0]]
    """
    _check(quantity, threshold, normalise, output)
    transfer = make_transfer(axes_of(data), spec, areas=quantity != "class")
    if not transfer.meets:
        raise GridError(
            f"the source covers {transfer.source.extent} and nothing of the target",
            where="regrid",
            fix="compare the bounds (west, south, east, north) and the reference systems of both",
        )
    if isinstance(data, xr.Dataset):
        return _regrid_dataset(data, transfer, quantity, threshold, normalise, (classes, output))
    rule = _rule(data, quantity, threshold, normalise, (classes, output))
    made = _regrid_array(data, transfer, rule)
    return _as_raster(made, spec) if transfer.source.y_dim == "y" else made


def _check(quantity: Kind, threshold: float, normalise: str, output: str) -> None:
    for name, value, known in (
        ("quantity", quantity, ("intensive", "extensive", "class")),
        ("normalise", normalise, ("covered", "cell")),
        ("output", output, ("fraction", "majority")),
    ):
        if value not in known:
            raise GridError(f"{name} is {value!r}", where="regrid", expected=" or ".join(known))
    if not 0.0 <= threshold <= 1.0:
        raise GridError(f"threshold is {threshold!r}", where="regrid", expected="a share from 0 to 1")


def _rule(
    array: xr.DataArray,
    quantity: Kind,
    threshold: float,
    normalise: Any,
    wanted: tuple[Sequence[int] | None, str],
) -> Quantity:
    """Choose the rule of one array; its name may have one of its own."""
    name = str(array.name)
    if quantity == "class":
        return _class_rule(array, threshold, *wanted)
    if name.endswith(_INDEPENDENT):
        return IndependentError(threshold, normalise)
    if "_uncertainty" in name:
        return Mean(threshold, normalise)
    if name.endswith("_count"):
        return Total(threshold)
    if name.endswith("_coverage"):
        return Mean(0.0, "cell")
    return Mean(threshold, normalise) if quantity == "intensive" else Total(threshold)


def _class_rule(
    array: xr.DataArray, threshold: float, classes: Sequence[int] | None, output: str
) -> ClassShare:
    if array.dtype.kind not in "iu" and classes is None:
        raise GridError(
            f"{array.name or 'the raster'} is {array.dtype}: no classes",
            where="regrid",
            expected="whole numbers for quantity='class', or classes=",
        )
    fill = next((array.attrs[k] for k in ("_FillValue", "nodata", "missing_value") if k in array.attrs), None)
    fill = array.encoding.get("_FillValue", fill)
    if classes is None:
        codes = np.unique(np.concatenate([np.unique(block) for block in _row_blocks(array)]))
        classes = [int(code) for code in codes if code != fill]
    listed = tuple(sorted(int(code) for code in classes))
    if output == "fraction":
        return ClassShare(listed, fill, threshold)
    blank = next(code for code in range(256) if code not in listed) if fill is None else int(fill)
    return ClassMajority(listed, fill, threshold, blank)


def _row_blocks(array: xr.DataArray) -> Any:
    step = max(1, (1 << 22) // array.shape[-1])
    for start in range(0, array.shape[-2], step):
        yield np.asarray(array[..., start : start + step, :].values)


def _regrid_array(array: xr.DataArray, transfer: Transfer, rule: Quantity) -> xr.DataArray:
    axes, spec = transfer.source, transfer.target
    array = array.transpose(..., axes.y_dim, axes.x_dim)
    lead, sizes = array.dims[:-2], array.shape[:-2]
    more = (len(rule.classes),) if type(rule) is ClassShare else ()
    flipped = array.data[..., :: -1 if axes.y_flipped else 1, :: -1 if axes.x_flipped else 1]
    bands = []
    size = _TASK if dask.is_dask_collection(array.data) else _BLOCK
    for target, windows in groupby(transfer.windows(size), key=lambda pair: pair[0]):
        rows = [window for _, window in windows]
        shape = (*sizes, *more, target.stop - target.start, spec.shape[1])
        bands.append(_band(flipped, transfer, rule, target, rows, shape))
    data = (da if dask.is_dask_collection(array.data) else np).concatenate(bands, axis=-2)
    dims = (*lead, *(("class",) if more else ()), *spec.dims)
    out = xr.DataArray(data, dims=dims, name=array.name, attrs=array.attrs)
    coords = {name: c for name, c in array.coords.items() if set(c.dims) <= set(lead) and c.dims}
    out = out.assign_coords({**coords, **_centres(spec)})
    if isinstance(rule, ClassMajority):
        out.attrs["_FillValue"] = rule.fill
    elif more:
        out = out.assign_coords({"class": list(rule.classes)})  # type: ignore[attr-defined]
        out.attrs = {"units": "1", "long_name": f"share of the class in the classified area of {array.name}"}
    return out


def _centres(spec: GridSpec) -> dict[str, xr.DataArray]:
    """Coordinates that an array can hold: it has no place for bounds."""
    coords = spec.coords()
    axes = {name: coords[name].drop_attrs().assign_attrs(coords[name].attrs) for name in spec.dims}
    for axis in axes.values():
        del axis.attrs["bounds"]
    return {**axes, "crs": coords["crs"]}


def _as_raster(array: xr.DataArray, spec: GridSpec) -> xr.DataArray:
    """Give an array the dims and the reference system of a raster."""
    import rioxarray  # noqa: F401  (registers the accessor; heavy, so late)

    renamed = array.drop_vars("crs").rename(dict(zip(spec.dims, ("y", "x"), strict=True)))
    written: xr.DataArray = renamed.rio.write_crs(spec.pyproj_crs)
    return written


def _band(
    data: Any, transfer: Transfer, rule: Quantity, target: slice, windows: list[slice], shape: tuple[int, ...]
) -> Any:
    """Make some rows of the target, now or when they are computed."""
    if not dask.is_dask_collection(data):
        parts = [_gather(data[..., rows, :], transfer, rule, rows, target) for rows in windows]
        return _finish(parts, transfer, rule, target, shape)
    gather, finish = dask.delayed(_gather, pure=True), dask.delayed(_finish, pure=True)
    later = [gather(data[..., rows, :], transfer, rule, rows, target) for rows in windows]
    dtype = np.dtype("int64") if isinstance(rule, ClassMajority) else np.dtype("float64")
    return da.from_delayed(finish(later, transfer, rule, target, shape), shape, dtype)


def _gather(
    values: NDArray[Any], transfer: Transfer, rule: Quantity, rows: slice, target: slice
) -> list[NDArray[np.float64]]:
    """Sums of each field along the leading dims."""
    fields, window = values.reshape((-1, *values.shape[-2:])), transfer.window(rows, target)
    return [rule.gather(window, field) for field in fields]


def _finish(
    parts: list[list[NDArray[np.float64]]],
    transfer: Transfer,
    rule: Quantity,
    target: slice,
    shape: tuple[int, ...],
) -> NDArray[Any]:
    fields = [np.sum(np.stack(pieces), axis=0) for pieces in zip(*parts, strict=True)]
    return np.stack([rule.finish(transfer, sums, target) for sums in fields]).reshape(shape)


def _regrid_dataset(
    data: xr.Dataset, transfer: Transfer, quantity: Kind, threshold: float, normalise: Any, wanted: Any
) -> xr.Dataset:
    axes = transfer.source
    out, left = {}, []
    for key, array in data.data_vars.items():
        name = str(key)
        placed = {axes.y_dim, axes.x_dim} <= set(array.dims) and array.dtype.kind in "fiu"
        if not placed or name.endswith(_LEFT_OUT):
            left.append(name)
            continue
        out[name] = _regrid_array(array, transfer, _rule(array, quantity, threshold, normalise, wanted))
    if not out:
        raise GridError(
            f"no variable of the dataset can be brought to another grid ({', '.join(left)})", where="regrid"
        )
    attrs = {**data.attrs, "left_out": ", ".join(left)} if left else dict(data.attrs)
    bounds = {"time_bnds": data["time_bnds"]} if "time_bnds" in data.variables else {}
    return xr.Dataset(out, attrs=attrs).assign_coords({**bounds, **transfer.target.coords().coords})

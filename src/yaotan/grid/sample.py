"""Gridded fields at points and times: models, priors and winds where soundings are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from yaotan.errors import GridError
from yaotan.grid.place import TimeAxis, find_cells, time_axis
from yaotan.grid.vertical import at_height, vertical_dim

Floats: TypeAlias = NDArray[np.float64]
#: What became of each sounding, in the order of the flag values of ``sample_status``.
STATUS: Final = ("sampled", "no_place_or_time", "outside_area", "outside_time")
#: Place and time of what a field is sampled at.
_PLACE: Final = ("latitude", "longitude", "time")


def sample_grid(
    grid: xr.Dataset,
    soundings: xr.Dataset,
    *,
    variables: Sequence[str] | None = None,
    method: Literal["linear", "nearest"] = "linear",
    pressure: ArrayLike | None = None,
    height: ArrayLike | None = None,
) -> xr.Dataset:
    """Take gridded fields at the places and times of soundings.

    Linear between the centres of cells and between times; between the last centre and the edge of its cell
    the value of that cell. Where ``time_bnds`` say that a value is the mean of a period, it stands at the
    middle of it. Longitudes may run from -180 or 0 or over the dateline; rows beyond the last one towards a
    pole are not made up from the other side.

    Parameters
    ----------
    grid : xarray.Dataset
        Dims ``(time,) (level | layer,) lat, lon`` or ``y, x`` with a CRS; lazy or not. Without ``time`` the
        field counts for any time.
    soundings : xarray.Dataset
        ``time``, ``latitude``, ``longitude`` on dim ``sounding``. When they are lazy, so is the result, block
        by block.
    variables : sequence of str, optional
        Default: every floating-point variable of the grid that has both horizontal dims.
    method : {"linear", "nearest"}
        "nearest" takes the cell that holds the point, and the nearest time; also for classes and flags.
    pressure : array_like, optional
        ``(sounding,)`` or a number [hPa]: values on levels are interpolated to it, linear in pressure.
    height : array_like, optional
        The same in metres above sea level; the grid needs ``geopotential_height`` on its levels.

    Returns
    -------
    xarray.Dataset
        Dim ``sounding`` (and ``level``, ``layer``, ``edge`` where the field has it), values NaN where one of
        the cells that count is missing or the sounding is outside; ``sample_status`` (uint8 with flag
        meanings: ``sampled``, ``no_place_or_time``, ``outside_area``, ``outside_time``);
        ``attrs["sampled"]`` a JSON text of its counts, unless lazy.

    Raises
    ------
    GridError
        A variable is not there or not horizontal, a flag is asked for with "linear", or an interpolation in
        the vertical is asked of values that have none.

    Notes
    -----
    Steps of time are read in order, two at once, whatever the size of the grid. A value at a sounding is that
    of a cell's mean: what is finer than cells is not in it.

    Examples
    --------
    >>> axes = {"lat": [0.5, 1.5], "lon": [-179.5, 179.5]}
    >>> grid = xr.Dataset({"xco2": (("lat", "lon"), [[400.0, 402.0], [400.0, 402.0]])}, coords=axes)
    >>> place = {"latitude": ("sounding", [1.0]), "longitude": ("sounding", [180.0])}
    >>> time = ("sounding", np.array(["2020-01-01"], "datetime64[ns]"))
    >>> float(sample_grid(grid, xr.Dataset({**place, "time": time})).xco2[0])
    401.0
    """
    if method not in ("linear", "nearest"):
        raise GridError(f"method is {method!r}", where="sample_grid", expected="linear or nearest")
    sampler = _Sampler(grid, tuple(_chosen(grid, variables, method)), method, time_axis(grid))
    place = _place(soundings)
    lazy = any(array.chunks for array in place)
    made = _lazy(sampler, place) if lazy else _eager(sampler, place)
    if pressure is not None or height is not None:
        made = at_height(made, pressure, height)
    return made


def _chosen(grid: xr.Dataset, variables: Sequence[str] | None, method: str) -> list[str]:
    pair = _horizontal(grid)
    fit = [str(n) for n, a in grid.data_vars.items() if pair <= set(a.dims)]
    if variables is None:
        return [name for name in fit if grid[name].dtype.kind == "f"]
    for name in variables:
        if name not in fit:
            raise GridError(
                f"there is no field {name!r}", where="sample_grid", expected=f"one of {', '.join(fit)}"
            )
        if method == "linear" and grid[name].dtype.kind != "f":
            raise GridError(
                f"{name} holds {grid[name].dtype}: classes and flags have no values in between",
                where="sample_grid",
                fix='method="nearest"',
            )
    return list(variables)


def _horizontal(grid: xr.Dataset) -> set[str]:
    pairs = ({"lat", "lon"}, {"latitude", "longitude"}, {"y", "x"})
    return next((pair for pair in pairs if pair <= set(grid.dims)), {"lat", "lon"})


@dataclass(frozen=True)
class _Sampler:
    """Fields and how to sample them; one call for one block of places and times."""

    grid: xr.Dataset
    names: tuple[str, ...]
    method: str
    times: TimeAxis | None

    def dims(self, name: str) -> tuple[str, ...]:
        """Dims of a sampled variable."""
        upright = vertical_dim(self.grid[name])
        return ("sounding",) if upright is None else ("sounding", upright)

    def shape(self, name: str, count: int) -> tuple[int, ...]:
        """Shape of a sampled variable of some soundings."""
        return (count, *(self.grid.sizes[dim] for dim in self.dims(name)[1:]))

    def __call__(self, lat: Floats, lon: Floats, time: Any) -> dict[str, Any]:
        """Sample every variable, and give the status."""
        status = np.zeros(lat.size, np.uint8)
        cells = find_cells(self.grid, lat, lon, self.method)
        status[~cells.inside] = 2
        step = part = None
        if self.times is not None:
            step, part, within = self.times.find(time, self.method)
            status[~within & (status == 0)] = 3
        status[~(np.isfinite(lat) & np.isfinite(lon)) | np.isnat(time)] = 1
        good = np.flatnonzero(status == 0)
        out = {name: np.full(self.shape(name, lat.size), np.nan) for name in self.names}
        for name in self.names:
            if step is None or "time" not in self.grid[name].dims:
                out[name][good] = cells.take(self._values(name, None), good)
                continue
            for rows, lower, share in _by_step(good, step, part):
                value = cells.take(self._values(name, lower), rows)
                if share is not None:
                    later = cells.take(self._values(name, lower + 1), rows)
                    weight = share.reshape(-1, *[1] * (value.ndim - 1))
                    value = np.where(
                        weight == 0.0, value, np.where(weight == 1.0, later, value + weight * (later - value))
                    )
                out[name][rows] = value
        return {**out, "sample_status": status}

    def _values(self, name: str, step: int | None) -> Any:
        """One field, dims (vertical,) y, x."""
        array = self.grid[name]
        array = array if step is None else array.isel(time=self.times.order[step] if self.times else step)
        upright = vertical_dim(array)
        pair = [dim for dim in array.dims if dim != upright]
        return array.transpose(*([] if upright is None else [upright]), *pair).values


def _by_step(good: Any, step: Any, part: Any) -> Iterator[tuple[Any, int, Any]]:
    """Gather soundings by the step of time before them: rows, that step, and how far they are to the next."""
    order = good[np.argsort(step[good], kind="stable")]
    for rows in np.split(order, np.flatnonzero(np.diff(step[order])) + 1):
        if rows.size:
            share = part[rows]
            yield rows, int(step[rows[0]]), None if (share == 0.0).all() else share


def _place(soundings: xr.Dataset) -> list[xr.DataArray]:
    for name in _PLACE:
        if name not in soundings.variables or soundings[name].dims != ("sounding",):
            raise GridError(f"{name} is missing", where="sample_grid", expected="dims (sounding,)")
    return [soundings[name] for name in _PLACE]


def _eager(sampler: _Sampler, place: list[xr.DataArray]) -> xr.Dataset:
    lat, lon, time = (array.values for array in place)
    made = sampler(lat.astype(float), lon.astype(float), time.astype("datetime64[ns]"))
    counts = Counter(np.asarray(STATUS)[made["sample_status"]].tolist())
    return _dataset(sampler, made).assign_attrs(sampled=json.dumps(dict(sorted(counts.items()))))


def _lazy(sampler: _Sampler, place: list[xr.DataArray]) -> xr.Dataset:
    import dask
    import dask.array as da

    pairs = [item for array in place for item in (da.asarray(array.data), "i")]
    lat, lon, time = da.core.unify_chunks(*pairs)[1]
    work = dask.delayed(sampler, pure=True)
    blocks = [
        (work(*parts), size)
        for *parts, size in zip(
            *(array.to_delayed() for array in (lat, lon, time)), lat.chunks[0], strict=True
        )
    ]
    made = {
        name: da.concatenate(
            [
                da.from_delayed(
                    block[name],
                    (size,) if name == "sample_status" else sampler.shape(name, size),
                    dtype=np.uint8 if name == "sample_status" else float,
                )
                for block, size in blocks
            ]
        )
        for name in (*sampler.names, "sample_status")
    }
    return _dataset(sampler, made)


def _dataset(sampler: _Sampler, made: dict[str, Any]) -> xr.Dataset:
    grid = sampler.grid
    status = (
        "sounding",
        made["sample_status"],
        {
            "flag_values": np.arange(len(STATUS), dtype=np.uint8),
            "flag_meanings": " ".join(STATUS),
        },
    )
    fields = {
        name: (
            sampler.dims(name),
            made[name],
            {k: v for k, v in grid[name].attrs.items() if k != "grid_mapping"},
        )
        for name in sampler.names
    }
    upright = {
        str(name): array
        for name, array in grid.variables.items()
        if array.dims in (("level",), ("layer",), ("edge",))
    }
    attrs = {key: grid.attrs[key] for key in ("product", "title", "kind", "references") if key in grid.attrs}
    return xr.Dataset({**fields, **upright, "sample_status": status}, attrs=attrs)

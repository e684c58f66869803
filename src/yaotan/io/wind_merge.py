"""Pieces of winds from several files on one time axis: nothing twice, nothing filled, all counted."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr

from yaotan.catalog.wind import WindSource
from yaotan.errors import SchemaError
from yaotan.io.bound import Span
from yaotan.io.field import whole_slice
from yaotan.io.wind_file import WindPiece

#: rounding of packed files by which two copies of one field may differ [share of the largest value]
_SAME: Final = 2e-3


def check_pairs(pieces: Sequence[WindPiece], source: WindSource) -> None:
    """Refuse one component of a wind without the other.

    Raises
    ------
    SchemaError
        Names the missing one and what to download.
    """
    present = {str(name) for piece in pieces for name in piece.dataset.data_vars}
    for name in sorted(present):
        partner = source.variables[name].partner
        if partner is not None and partner not in present:
            holder = next(piece.path for piece in pieces if name in piece.dataset)
            raise SchemaError(
                f"{name} is there without {partner}",
                where=holder,
                expected="both components of the wind",
                fix=f"download {source.archive_of(partner)} too, and give both files",
            )


def merge_pieces(pieces: Sequence[WindPiece], span: Span | None) -> tuple[xr.Dataset, dict[str, Any]]:
    """Join pieces of several days and kinds.

    Parameters
    ----------
    pieces : sequence of WindPiece
        In any order.
    span : Span, optional
        Times wanted.

    Returns
    -------
    dataset : xarray.Dataset
        Times that every variable has, rising; ``preliminary`` (time).
    notes : dict
        Counts: ``duplicate_times`` per variable, ``times_without_all_variables`` per variable.

    Raises
    ------
    SchemaError
        Files on different grids or levels; two files that differ at one time; no common time.
    """
    _check_axes(pieces)
    ordered = sorted(pieces, key=lambda piece: (piece.dataset["time"].values[0], piece.path))
    notes: dict[str, Any] = {"duplicate_times": {}, "times_without_all_variables": {}}
    names = list(dict.fromkeys(str(name) for piece in ordered for name in piece.dataset.data_vars))
    joined = {}
    for name in names:
        joined[name], twice = _join([piece for piece in ordered if name in piece.dataset], name, span)
        if twice:
            notes["duplicate_times"][name] = twice
    times = functools.reduce(np.intersect1d, [array["time"].values for array in joined.values()])
    if not times.size:
        listed = "; ".join(f"{name}: {_extent(array)}" for name, array in joined.items())
        raise SchemaError(
            f"there is no time at which every variable is known ({listed})",
            where="open_wind",
            fix="get the same days of all variables, or name those wanted with variables=",
        )
    for name, array in joined.items():
        lost = int(array.sizes["time"] - times.size)
        if lost:
            notes["times_without_all_variables"][name] = lost
    state = np.zeros(times.size, np.uint8)
    made = {}
    for name, array in joined.items():
        chosen = array.isel(time=whole_slice(np.searchsorted(array["time"].values, times)))
        state = np.maximum(state, chosen["preliminary"].values)
        made[name] = chosen.drop_vars("preliminary")
    return xr.Dataset(made).assign_coords(preliminary=("time", state)), notes


def _extent(array: xr.DataArray) -> str:
    time = array["time"].values
    if not time.size:
        return "none in the period"
    return " to ".join(np.datetime_as_string(moment, unit="h") for moment in (time[0], time[-1]))


def _check_axes(pieces: Sequence[WindPiece]) -> None:
    for dim in ("lat", "lon", "level"):
        holders = [piece for piece in pieces if dim in piece.dataset.coords]
        for other in holders[1:]:
            a, b = holders[0].dataset[dim].values, other.dataset[dim].values
            if a.shape != b.shape or not np.allclose(a, b, rtol=0.0, atol=1e-4):
                raise SchemaError(
                    f"{dim} differs from that of {holders[0].path} ({b.size} values from {b[0]:g} to "
                    f"{b[-1]:g}, there {a.size} from {a[0]:g} to {a[-1]:g})",
                    where=other.path,
                    expected="files on one grid",
                    fix="open them one by one, or choose a region that both cover with region=",
                )


@dataclass(frozen=True)
class _Row:
    """One time of one file."""

    moment: np.datetime64
    state: int
    owner: int
    place: int


def _join(pieces: Sequence[WindPiece], name: str, span: Span | None) -> tuple[xr.DataArray, int]:
    """Put one variable of several files on one axis of time; the final value wins over the preliminary."""
    rows = [
        _Row(moment, int(state), owner, place)
        for owner, piece in enumerate(pieces)
        for place, (moment, state) in enumerate(zip(piece.dataset["time"].values, piece.state, strict=True))
        if span is None or span.start <= moment < span.end
    ]
    rows.sort(key=lambda row: (row.moment, row.state, row.owner))
    kept: list[_Row] = []
    for row in rows:
        if kept and kept[-1].moment == row.moment:
            _check_same(pieces, name, kept[-1], row)
        else:
            kept.append(row)
    parts, sequence = [], []
    for owner, piece in enumerate(pieces):
        mine = [number for number, row in enumerate(kept) if row.owner == owner]
        if mine:
            index = np.array([kept[number].place for number in mine])
            parts.append(piece.dataset[name].variable.isel(time=whole_slice(index)))
            sequence += mine
    first = pieces[0].dataset[name]
    whole = xr.Variable.concat(parts, dim="time") if parts else first.variable.isel(time=slice(0, 0))
    if sequence != sorted(sequence):
        whole = whole.isel(time=np.argsort(sequence))
    coords = {str(dim): first[dim] for dim in whole.dims if dim != "time"}
    times = np.array([row.moment for row in kept], dtype="datetime64[ns]")
    state = np.array([row.state for row in kept], dtype=np.uint8)
    array = xr.DataArray(whole.data, dims=whole.dims, coords={**coords, "time": times}, attrs=first.attrs)
    return array.assign_coords(preliminary=("time", state)), len(rows) - len(kept)


def _check_same(pieces: Sequence[WindPiece], name: str, kept: _Row, other: _Row) -> None:
    """Refuse two values for one time, unless one is only the forerunner of the other."""
    if kept.state != other.state:
        return
    a, b = (pieces[row.owner].dataset[name].isel(time=row.place).values for row in (kept, other))
    scale = float(np.nanmax(np.abs(a), initial=0.0))
    if not np.allclose(a, b, rtol=0.0, atol=_SAME * scale, equal_nan=True):
        raise SchemaError(
            f"{name} at {np.datetime_as_string(kept.moment, unit='m')} differs from that of "
            f"{pieces[kept.owner].path}",
            where=pieces[other.owner].path,
            expected="each time once, or equal values",
            fix="give one of the two files",
        )

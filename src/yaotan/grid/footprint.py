"""Soundings chunk by chunk as arrays for the kernel: corners in the plane of the grid, values, errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyproj
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import GridError, TooFewSoundingsError
from yaotan.grid.spec import GridSpec
from yaotan.schema import column_variables

#: Words for the reasons of the kernel, in its order.
REASONS: Final = (
    "nan_corner",
    "corner_out_of_range",
    "self_intersecting",
    "zero_area",
    "outside_grid",
    "unfit_for_response",
    "no_time",
    "outside_period",
    "nan_centre",
)
#: The same for what concerns one variable only.
VALUE_REASONS: Final = ("nan_value", "no_uncertainty")

_NAT: Final = int(np.iinfo(np.int64).min)
#: Later than any sounding [ns since 1970].
_NEVER: Final = int(np.iinfo(np.int64).max)
#: Soundings in one piece where the data are in memory already.
_PIECE: Final = 1 << 16
#: A projected footprint that bends by more than this share of its size lies over a seam of the projection.
_BEND: Final = 0.25


@dataclass(frozen=True)
class Source:
    """What is read of the soundings, and how.

    Parameters
    ----------
    soundings : xarray.Dataset
        The table.
    variables : tuple of str
        Variables to be gridded.
    sigma : tuple of (str or None)
        Name of the random uncertainty of each variable.
    bias : tuple of (str or float)
        Name or value of the systematic uncertainty of each variable.
    spec : GridSpec
        Gives the plane.
    equal_area : bool
        Plane of (longitude, sine of latitude).
    corners : bool
        Whether footprints are needed.
    """

    soundings: xr.Dataset
    variables: tuple[str, ...]
    sigma: tuple[str | None, ...]
    bias: tuple[str | float, ...]
    spec: GridSpec
    equal_area: bool
    corners: bool

    def slices(self) -> list[slice]:
        """Give the pieces: the chunks of the soundings, or even pieces of what is in memory."""
        total = self.soundings.sizes["sounding"]
        for name in (*self.variables, "time"):
            chunks = self.soundings[name].chunksizes.get("sounding")
            if chunks:
                ends = np.cumsum(chunks)
                return [slice(int(e - c), int(e)) for e, c in zip(ends, chunks, strict=True) if c]
        return [slice(first, min(first + _PIECE, total)) for first in range(0, total, _PIECE)]

    def times(self, piece: slice) -> NDArray[np.int64]:
        """Read the times of a piece [ns since 1970]."""
        return np.asarray(self.soundings["time"][piece].values, dtype="datetime64[ns]").astype(np.int64)

    def read(self, piece: slice) -> Piece:
        """Read one piece, once, with only the variables that are needed."""
        names = {"time", "latitude", "longitude", *self.variables}
        names |= {name for name in (*self.sigma, *self.bias) if isinstance(name, str)}
        if self.corners:
            names |= {"latitude_corner", "longitude_corner"}
        part = self.soundings.reset_coords()[sorted(names)].isel(sounding=piece).compute()
        count = piece.stop - piece.start
        x, y = self._plane(_floats(part["longitude"]), _floats(part["latitude"]))
        corners = (np.empty((0, 4)), np.empty((0, 4)))
        if self.corners:
            lon, lat = (
                _floats(part[f"{n}_corner"].transpose("sounding", ...)) for n in ("longitude", "latitude")
            )
            corners = self._ring(lon, lat)
        sigma = np.zeros((len(self.variables), count if any(self.sigma) else 1))
        bias = np.zeros((len(self.variables), count if any(isinstance(b, str) for b in self.bias) else 1))
        for row, (name, constant) in enumerate(zip(self.sigma, self.bias, strict=True)):
            if name is not None:
                sigma[row] = part[name].values
            bias[row] = part[constant].values if isinstance(constant, str) else constant
        values = np.stack([_floats(part[name]) for name in self.variables])
        times = part["time"].values.astype("datetime64[ns]").astype(np.int64)
        return Piece((x, y), corners, (values, sigma, bias, times))

    def _plane(self, x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        if self.spec.is_geographic:
            return x, (np.sin(np.radians(y)) if self.equal_area else y)
        transformer = pyproj.Transformer.from_crs("EPSG:4326", self.spec.pyproj_crs, always_xy=True)
        east, north = transformer.transform(x, y)
        return np.where(np.isfinite(x), east, np.nan), np.where(np.isfinite(y), north, np.nan)

    def _ring(self, lon: NDArray[Any], lat: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        x, y = self._plane(lon, lat)
        if self.spec.is_geographic:
            return x, y
        # a side whose middle, projected, is far from the middle of its projected ends runs over a seam
        step = (np.roll(lon, -1, axis=1) - lon + 180.0) % 360.0 - 180.0
        middle = self._plane(lon + 0.5 * step, 0.5 * (lat + np.roll(lat, -1, axis=1)))
        bend, size = np.zeros(len(x)), np.zeros(len(x))
        for ends, between in zip((x, y), middle, strict=True):
            after = np.roll(ends, -1, axis=1)
            with np.errstate(invalid="ignore"):
                bend = np.maximum(bend, np.abs(0.5 * (ends + after) - between).max(axis=1))
                size = np.maximum(size, np.ptp(ends, axis=1))
        seam = bend > _BEND * size
        return np.where(seam[:, None], np.inf, x), y


@dataclass(frozen=True)
class Piece:
    """Arrays of one piece in the order that the kernel expects."""

    points: tuple[NDArray[Any], ...]
    corners: tuple[NDArray[Any], ...]
    data: tuple[NDArray[Any], ...]


def _floats(array: xr.DataArray) -> NDArray[np.float64]:
    return np.ascontiguousarray(array.values, dtype=float)


@dataclass(frozen=True)
class Survey:
    """Pieces of the soundings with the earliest time that is still to come after each [ns].

    Times are looked at once beforehand, so that the period is known and the sums of an overpass can be closed
    as soon as no later piece can add to it, whatever the order of the files.
    """

    slices: list[slice]
    later: list[int]
    first: np.datetime64
    last: np.datetime64


def survey(source: Source) -> Survey:
    """Look through the times of all soundings.

    Parameters
    ----------
    source : Source
        The soundings.

    Returns
    -------
    Survey
        Pieces and time range.

    Raises
    ------
    TooFewSoundingsError
        There is no sounding, or none with a time.
    """
    slices = source.slices()
    earliest, latest = [], _NAT
    for piece in slices:
        times = source.times(piece)
        valid = times[times != _NAT]
        earliest.append(int(valid.min()) if valid.size else _NEVER)
        latest = max(latest, int(valid.max()) if valid.size else _NAT)
    if latest == _NAT:
        raise TooFewSoundingsError(
            f"there is nothing to grid ({source.soundings.sizes['sounding']} soundings, none with a time)",
            where="grid_soundings",
            fix="widen the region, the period or the screening",
        )
    later = [_NEVER]
    for time in earliest[:0:-1]:
        later.append(min(later[-1], time))
    first, last = np.datetime64(min(earliest), "ns"), np.datetime64(latest, "ns")
    return Survey(slices, later[::-1], first, last)


def choose_variables(soundings: xr.Dataset, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Give the variables to grid: those asked for, or all column variables.

    Raises
    ------
    GridError
        A variable is missing, or is of a kind that may not be averaged.
    """
    names = tuple(wanted) if wanted is not None else tuple(column_variables(soundings))
    if not names or isinstance(wanted, str):
        raise GridError(f"variables is {wanted!r}", where="grid_soundings", expected="a list of names")
    for name in names:
        if name not in soundings:
            raise GridError(
                f"{name!r} is not there", where="variables", expected=f"some of {sorted(map(str, soundings))}"
            )
        array = soundings[name]
        circular = "longitude" in name or "azimuth" in name
        if array.dims != ("sounding",) or array.dtype.kind != "f" or circular:
            raise GridError(
                f"{name} ({array.dtype}, dims {array.dims}) has no arithmetic mean",
                where="variables",
                expected="a real quantity for each sounding, no flag, class, time or direction",
            )
    return names


def choose_bias(
    soundings: xr.Dataset,
    names: tuple[str, ...],
    systematic: float | str | Mapping[str, float | str] | None,
) -> tuple[str | float, ...]:
    """Give the systematic uncertainty of each variable: a number, or the name of a variable of soundings.

    Raises
    ------
    GridError
        A name is not in the soundings, a number is negative, or a key is no gridded variable.
    """
    if isinstance(systematic, Mapping):
        unknown = sorted(set(systematic) - set(names))
        if unknown:
            raise GridError(f"{unknown} are not gridded", where="systematic", expected=f"keys {list(names)}")
        given = [systematic.get(name) for name in names]
    else:
        if systematic is not None and len(names) > 1:
            raise GridError(
                "one value cannot serve several variables",
                where="systematic",
                fix=f"give a mapping such as {{{names[0]!r}: 0.5}}",
            )
        given = [systematic] * len(names)
    for value in given:
        if isinstance(value, str) and value not in soundings:
            raise GridError(f"{value!r} is not in the soundings", where="systematic")
        if not isinstance(value, str | None) and not 0.0 <= value < np.inf:
            raise GridError(f"{value!r} is no uncertainty", where="systematic", expected="a number >= 0")
    return tuple(0.0 if value is None else value for value in given)

"""What a crossing of track and plume must be: options, mass of the soundings, and refusals by name."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import YaotanError
from yaotan.plume.estimate import NoEstimateError
from yaotan.plume.line import Crossing, TrackLine
from yaotan.plume.mass import find_column

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TrackOptions:
    """Options of `track_gaussian`.

    Parameters
    ----------
    window : float
        Part of the track on each side of the peak [m].
    least_sine : float
        Sine of the angle between wind and track below which the crossing is rejected.
    nearest, farthest : float
        Way of the plume from the source to the track [m].
    direction_error : float
        Standard error of the wind's direction where `wind` states a smaller one [degree].
    footprint : float
        Length of a sounding along the track [m] where the data have no corners.
    wind_change : float
        Relative standard error because the wind changed on the way of the plume; not used with a wind
        that has a history.
    """

    window: float = 60e3
    least_sine: float = 0.4
    nearest: float = 5e3
    farthest: float = 100e3
    direction_error: float = 10.0
    footprint: float = 2250.0
    wind_change: float = 0.15


def read_options(options: dict[str, float]) -> TrackOptions:
    """Make options of keywords, or say which is unknown."""
    unknown = sorted(set(options) - set(TrackOptions.__dataclass_fields__))
    if unknown:
        raise YaotanError(
            f"option {unknown[0]!r} is unknown",
            where="track_gaussian",
            expected=", ".join(TrackOptions.__dataclass_fields__),
        )
    return TrackOptions(**options)


def mass_of(data: xr.Dataset) -> tuple[Array, Array]:
    """Give the mass of soundings above the median of the track, and its uncertainty [kg m-2]."""
    if "sounding" not in data.dims:
        raise YaotanError(
            f"dims are {list(data.dims)}", where="track", expected="soundings of one overpass (dim sounding)"
        )
    name = find_column(data, None)
    for part, fix in ((f"{name}_mass_factor", "use column_mass(...) first"), (f"{name}_uncertainty", "")):
        if part not in data:
            raise YaotanError(f"{part} is missing", where="track", fix=fix)
    column, factor, sigma = (
        np.asarray(data[part].values, float) for part in (name, f"{name}_mass_factor", f"{name}_uncertainty")
    )
    if not np.isfinite(column).any():
        raise NoEstimateError("cloudy", "no sounding has a value")
    # before the factor, which follows the terrain
    return (column - np.nanmedian(column)) * factor, sigma * factor


def check_crossing(line: TrackLine, meets: Crossing, chosen: TrackOptions) -> None:
    """Refuse crossings that carry no emission, each with its reason."""
    angle = math.degrees(math.asin(min(meets.sine, 1.0)))
    if meets.sine < chosen.least_sine:
        raise NoEstimateError(
            "rejected",
            f"angle: wind and track meet at {angle:.0f} degrees, sine {meets.sine:.2f} below "
            f"{chosen.least_sine:g}: the wind across the track is hardly known",
        )
    if meets.distance < 0.0:
        raise NoEstimateError("outside", f"upwind: the track passes {-meets.distance / 1e3:.0f} km upwind")
    if meets.distance < chosen.nearest:
        raise NoEstimateError(
            "rejected",
            f"near: the track passes {meets.distance / 1e3:.1f} km from the source, where soundings hold "
            f"part of the plume only (below {chosen.nearest / 1e3:g} km)",
        )
    if meets.distance > chosen.farthest:
        raise NoEstimateError("outside", f"far: the track passes {meets.distance / 1e3:.0f} km downwind")
    if not line.along.min() <= meets.along <= line.along.max():
        raise NoEstimateError("outside", "end: the track ends before it meets the plume")

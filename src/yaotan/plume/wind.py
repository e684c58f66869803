"""`effective_wind`: the wind of a plume from a wind field, for place, time and height, with its error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from yaotan.catalog.profile import VerticalProfile, vertical_profiles
from yaotan.errors import YaotanError
from yaotan.grid.sample import sample_grid
from yaotan.plume.effective import NO_WIND, EffectiveWind
from yaotan.plume.source import check_sources

if TYPE_CHECKING:
    import geopandas as gpd

Floats: TypeAlias = NDArray[np.float64]
Pair: TypeAlias = tuple[float, float]

#: choices of height, and how people call them
CHOICES: Final = {
    "gnfr_a": "mean over the layers of GNFR sector A",
    "profile": "mean over the plant's own profile of emission",
    "boundary_layer": "mean over the boundary layer, weighted by density",
    "100m": "100 m above ground",
    "10m": "10 m above ground",
    "product": "wind of the product",
}
#: what the error of the height is taken from: all of these that can be had; 10 m is no wind of a plume
_COMPARED: Final = ("gnfr_a", "profile", "boundary_layer", "100m")
#: standard error of the speed of a reanalysis at one place and hour [m s-1]: what ddeq 1.1 assumes
SPEED_ERROR: Final = 1.0
#: the same of the direction [degree]: the middle of the 5 to 15 degrees in use
DIRECTION_ERROR: Final = 10.0
#: hours before the overpass that a plume remembers
MEMORY: Final = 4
#: how far density falls with height [m]
_DENSITY_SCALE: Final = 8000.0


def effective_wind(
    wind: xr.Dataset,
    sources: gpd.GeoDataFrame,
    time: ArrayLike,
    *,
    choice: str = "gnfr_a",
    profile: VerticalProfile | None = None,
    speed_error: float = SPEED_ERROR,
    direction_error: float = DIRECTION_ERROR,
    memory: int = MEMORY,
) -> dict[str, EffectiveWind]:
    """Wind that carries the plume of each source.

    Parameters
    ----------
    wind : xarray.Dataset
        What `open_wind` gives: winds at 10 m and 100 m, on levels with their height, boundary layer; or
        ``wind_u``, ``wind_v`` of a product (dim ``sounding``: the nearest one within 25 km is taken).
    sources : geopandas.GeoDataFrame
        Table of `make_sources`.
    time : datetime64 or array of them
        Of the overpass (UTC), one for all or one for each source.
    choice : str
        One of `CHOICES`, or a pressure such as "950 hPa".
    profile : VerticalProfile, optional
        Profile of emission of the plant, for ``choice="profile"`` and for the spread of choices.
    speed_error, direction_error : float
        Standard error of the wind field itself at one place and hour [m s-1, degree].
    memory : int
        Hours before the overpass for `EffectiveWind.history`; those that the field lacks are left out.

    Returns
    -------
    dict of str to EffectiveWind
        By identifier. ``uncertainty``: ``wind_speed`` (`speed_error`), ``wind_height`` (standard deviation of
        the speeds of the other heights), ``wind_variability`` (standard deviation of the speed over the
        hours before); ``direction_uncertainty`` joins `direction_error` and the spread of directions.
        `NO_WIND` where the place or time lies outside the field.

    Raises
    ------
    YaotanError
        The choice is unknown, or the field has not what it needs.

    Notes
    -----
    The shares weigh the components, and the speed is taken of their mean. Between the heights of the field
    the components are linear in height above the ground; below the lowest and above the highest they are
    constant. A reanalysis has no turbulence and smooths valleys: its error there is larger.
    """
    check_sources(sources)
    if choice not in CHOICES and _pressure(choice) is None:
        raise YaotanError(
            f"{choice!r} is no choice", where="choice", expected=f"{', '.join(CHOICES)}, '950 hPa'"
        )
    if choice == "profile" and profile is None:
        raise YaotanError("the choice 'profile' needs one", where="effective_wind", fix="give profile=")
    times = np.broadcast_to(np.asarray(time, "datetime64[ns]"), len(sources))
    if "sounding" in wind.dims:
        return _product_winds(wind, sources, times, speed_error, direction_error)
    sampled = _sample(wind, sources, times, memory)
    made = {}
    for place, name in enumerate(sources["source"]):
        rows = [sampled.isel(sounding=place * (memory + 1) + age) for age in range(memory + 1)]
        made[name] = _wind_of_rows(rows, choice, profile, speed_error, direction_error, times[place])
    return made


def _pressure(choice: str) -> float | None:
    head, _, unit = choice.partition(" ")
    return float(head) if unit == "hPa" and head.replace(".", "", 1).isdigit() else None


def _sample(wind: xr.Dataset, sources: gpd.GeoDataFrame, times: Any, memory: int) -> xr.Dataset:
    ages = np.arange(memory + 1) * np.timedelta64(1, "h")
    places = xr.Dataset(
        {
            "latitude": ("sounding", np.repeat(sources.geometry.y.to_numpy(), memory + 1)),
            "longitude": ("sounding", np.repeat(sources.geometry.x.to_numpy(), memory + 1)),
            "time": ("sounding", (times[:, None] - ages).ravel().astype("datetime64[ns]")),
        }
    )
    return sample_grid(wind, places).load()


def _wind_of_rows(
    rows: Sequence[xr.Dataset],
    choice: str,
    profile: VerticalProfile | None,
    speed_error: float,
    direction_error: float,
    time: np.datetime64,
) -> EffectiveWind:
    if int(rows[0].sample_status) != 0:
        return NO_WIND
    pair = wind_at(rows[0], choice, profile)
    others = {}
    for name in _COMPARED:
        try:
            others[name] = wind_at(rows[0], name, profile)
        except YaotanError:  # the field has not what this choice needs
            continue
    history = [
        (3600.0 * age, math.hypot(*wind_at(row, choice, profile)))
        for age, row in enumerate(rows)
        if int(row.sample_status) == 0
    ]
    speeds = [math.hypot(*one) for one in others.values()]
    terms = {"wind_speed": speed_error}
    terms |= {"wind_height": float(np.std(speeds, ddof=1))} if len(speeds) > 1 else {}
    terms |= {"wind_variability": float(np.std([s for _, s in history], ddof=1))} if len(history) > 1 else {}
    return EffectiveWind(
        *pair,
        uncertainty=terms,
        direction_uncertainty=math.hypot(direction_error, _direction_spread(list(others.values()))),
        relation="mean transport wind",
        citation=profile.source if choice == "profile" and profile else "",
        height=CHOICES.get(choice, choice),
        time=str(time.astype("datetime64[s]")),
        choices=others,
        history=tuple(history),
    )


def _direction_spread(pairs: Sequence[Pair]) -> float:
    """Circular standard deviation [degree]."""
    if len(pairs) < 2:
        return 0.0
    units = np.array([np.array(pair) / max(math.hypot(*pair), 1e-9) for pair in pairs])
    length = float(np.hypot(*units.mean(axis=0)))
    return math.degrees(math.sqrt(max(-2.0 * math.log(max(length, 1e-9)), 0.0)))


def wind_at(row: xr.Dataset, choice: str, profile: VerticalProfile | None = None) -> Pair:
    """Give the components of one choice from the field at one place and time.

    Parameters
    ----------
    row : xarray.Dataset
        One sounding of `sample_grid`.
    choice : str
        As in `effective_wind`.
    profile : VerticalProfile, optional
        For "profile".

    Returns
    -------
    u, v : float
        [m s-1].

    Raises
    ------
    YaotanError
        The field has not what the choice needs.
    """
    if choice in ("10m", "100m"):
        names = tuple(f"wind_{axis}_{choice}" for axis in "uv")
        if not all(name in row for name in names):
            raise _lacking(choice, " and ".join(names))
        return float(row[names[0]]), float(row[names[1]])
    level = _pressure(choice)
    if level is not None:
        _need_levels(row, choice)
        axis = row["level"].values
        if not axis.min() <= level <= axis.max():
            raise _lacking(choice, f"a level between {axis.max():g} and {axis.min():g} hPa")
        if "surface_pressure" in row and level > float(row["surface_pressure"]):
            ground = float(row["surface_pressure"])
            raise _lacking(choice, f"a level above the ground, which is at {ground:.0f} hPa")
        return _at(axis[::-1], row, "level", level)
    heights, u, v = _column(row, choice)
    if choice == "boundary_layer":
        if "boundary_layer_height" not in row:
            raise _lacking(choice, "boundary_layer_height")
        top = max(float(row["boundary_layer_height"]), 20.0)
        nodes = (np.arange(100) + 0.5) / 100.0 * top
        weight = np.exp(-nodes / _DENSITY_SCALE)
    elif choice in ("gnfr_a", "profile"):
        nodes, weight = _layers(vertical_profiles()["gnfr_a"] if choice == "gnfr_a" else profile)
    else:
        raise _lacking(choice, "soundings with wind_u and wind_v")
    shares = weight / weight.sum()
    return float(shares @ np.interp(nodes, heights, u)), float(shares @ np.interp(nodes, heights, v))


def _layers(profile: VerticalProfile | None) -> tuple[Floats, Floats]:
    """Heights and weights: ten of each in every layer."""
    if profile is None:
        raise _lacking("profile", "a profile of emission")
    low, high = np.array(profile.edges[:-1]), np.array(profile.edges[1:])
    part = (np.arange(10) + 0.5) / 10.0
    nodes = low[:, None] + part * (high - low)[:, None]
    return nodes.ravel(), np.repeat(np.array(profile.shares) / 10.0, 10)


def _need_levels(row: xr.Dataset, choice: str) -> None:
    for name in ("wind_u", "wind_v"):
        if name not in row or "level" not in row[name].dims:
            raise _lacking(choice, "wind_u and wind_v on levels")


def _at(axis: Floats, row: xr.Dataset, dim: str, goal: float) -> Pair:
    return float(np.interp(goal, axis, row["wind_u"].values[::-1])), float(
        np.interp(goal, axis, row["wind_v"].values[::-1])
    )


def _column(row: xr.Dataset, choice: str) -> tuple[Floats, Floats, Floats]:
    """Heights above ground and both components: winds near the ground, then levels above them."""
    _need_levels(row, choice)
    for name in ("geopotential_height", "surface_geopotential_height"):
        if name not in row:
            raise _lacking(choice, f"{name}: heights of the levels above the ground")
    low = [
        (height, float(row[f"wind_u_{height}m"]), float(row[f"wind_v_{height}m"]))
        for height in (10, 100)
        if f"wind_u_{height}m" in row
    ]
    above = row["geopotential_height"].values - float(row["surface_geopotential_height"])
    floor = 1.2 * low[-1][0] if low else 0.0
    good = (above > floor) & np.isfinite(row["wind_u"].values)
    high = np.stack([above[good], row["wind_u"].values[good], row["wind_v"].values[good]], axis=1)
    nodes = np.concatenate([np.array(low, float).reshape(-1, 3), high])
    nodes = nodes[np.argsort(nodes[:, 0])]
    return nodes[:, 0], nodes[:, 1], nodes[:, 2]


def _lacking(choice: str, what: str) -> YaotanError:
    return YaotanError(
        f"the choice {choice!r} needs {what}",
        where="effective_wind",
        fix="open the wind with it, or take another choice",
    )


def _product_winds(
    wind: xr.Dataset, sources: gpd.GeoDataFrame, times: Any, speed_error: float, direction_error: float
) -> dict[str, EffectiveWind]:
    from yaotan.geodesy import distance

    lat, lon = wind["latitude"].values, wind["longitude"].values
    made = {}
    for name, point, time in zip(sources["source"], sources.geometry, times, strict=True):
        away = distance(point.y, point.x, lat, lon)
        away = np.where(np.isfinite(wind["wind_u"].values), away, np.inf)
        near = int(np.argmin(away)) if away.size else -1
        if near < 0 or away[near] > 25e3:
            made[name] = NO_WIND
            continue
        made[name] = EffectiveWind(
            float(wind["wind_u"].values[near]),
            float(wind["wind_v"].values[near]),
            uncertainty={"wind_speed": speed_error},
            direction_uncertainty=direction_error,
            relation="wind of the product",
            height=CHOICES["product"],
            time=str(time.astype("datetime64[s]")),
        )
    return made

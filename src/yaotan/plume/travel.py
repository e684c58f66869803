"""`travel_curve`: scenes turned into their wind and read in hours of travel, as a curve of flux."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.errors import YaotanError
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import LOW_WIND, NoEstimateError
from yaotan.plume.image import take_pixels
from yaotan.plume.sector import above_plane, in_wind

if TYPE_CHECKING:
    import geopandas as gpd

Array = NDArray[np.float64]

#: way along which scenes are read at most [m]
FARTHEST: Final = 150e3


def travel_curve(
    scenes: Iterable[xr.Dataset],
    wind: Sequence[EffectiveWind],
    source: gpd.GeoDataFrame,
    *,
    half_width: float = 40e3,
    hours: tuple[float, float] = (-1.0, 6.0),
    step: float = 600.0,
) -> xr.Dataset:
    """Read scenes as flux by travel time: integrated across the wind, times the wind, at t = x / u.

    Parameters
    ----------
    scenes : iterable of xarray.Dataset
        Scenes with ``<v>_mass_factor`` of `column_mass`; read one at a time.
    wind : sequence of EffectiveWind
        One for each scene.
    source : geopandas.GeoDataFrame
        One row of `make_sources`.
    half_width : float
        The plume is summed this far to each side [m]; a second sum takes half of it.
    hours : tuple of float
        First and last travel time [h].
    step : float
        Bins of travel time [s].

    Returns
    -------
    xarray.Dataset
        Dims ``half_width, scene, travel_time``: ``flux`` [kg s-1], missing where a bin is not seen;
        ``wind_speed`` and ``wind_speed_uncertainty`` of the scenes that were used. Attribute ``dropped``
        (JSON) counts the others by reason.

    Raises
    ------
    YaotanError
        As many winds as scenes are not there, or several sources.

    Notes
    -----
    Scenes below 2 m s-1 are left out and counted: their travel time means nothing.
    """
    if len(source) != 1:
        raise YaotanError(f"{len(source)} sources", where="emg", expected="one: others lie in its plume")
    rows = TravelRows(half_width, hours, step)
    attributes: dict[str, Any] = {}
    number = 0
    for scene in scenes:
        if number >= len(wind):
            raise YaotanError("there are more scenes than winds", where="emg")
        one = wind[number]
        attributes = attributes or dict(scene.attrs)
        number += 1
        try:
            flux: Array | str = read_travel(scene, source, one, half_width=half_width, hours=hours, step=step)
        except NoEstimateError as none:
            flux = none.status
        rows.add(flux, one)
    if number != len(wind):
        raise YaotanError(f"{number} scenes and {len(wind)} winds", where="emg")
    return rows.curve(attributes)


class TravelRows:
    """Rows of flux by travel time, one for each scene that was used: a scene leaves some eighty numbers.

    Parameters
    ----------
    half_width, hours, step
        As in `travel_curve`.
    """

    def __init__(self, half_width: float, hours: tuple[float, float], step: float) -> None:
        self.widths = (half_width, half_width / 2.0)
        self.hours, self.step = hours, step
        self.edges = travel_edges(hours, step)
        self.rows: list[Array] = []
        self.winds: list[EffectiveWind] = []
        self.dropped: dict[str, int] = {}

    def add(self, flux: Array | str, wind: EffectiveWind) -> None:
        """Add what `read_travel` gave of a scene, or count the scene by the reason why it gave nothing."""
        if isinstance(flux, str):
            self.dropped[flux] = self.dropped.get(flux, 0) + 1
            return
        self.rows.append(flux)
        self.winds.append(wind)

    def curve(self, attributes: Mapping[str, Any]) -> xr.Dataset:
        """Put the rows together as `travel_curve` gives them; `attributes` are those of a scene."""
        edges, rate = self.edges, {"units": "kg s-1", "long_name": "flux through a line across the wind"}
        flux = np.array(self.rows, float).reshape(len(self.rows), len(self.widths), edges.size - 1)
        speeds = np.array([w.speed for w in self.winds], float)
        errors = np.array([w.speed_uncertainty for w in self.winds], float)
        return xr.Dataset(
            {
                "flux": (("half_width", "scene", "travel_time"), flux.transpose(1, 0, 2), rate),
                "wind_speed": ("scene", speeds, {"units": "m s-1"}),
                "wind_speed_uncertainty": ("scene", errors, {"units": "m s-1"}),
            },
            coords={
                "half_width": ("half_width", np.array(self.widths), {"units": "m"}),
                "travel_time": ("travel_time", (edges[1:] + edges[:-1]) / 2.0, {"units": "s"}),
            },
            attrs={
                "kind": "travel curve",
                "substance": str(attributes.get("plume_substance", "unknown")),
                "mass_uncertainty": float(attributes.get("mass_uncertainty", 0.0)),
                "step": self.step,
                "hours": list(self.hours),
                "dropped": json.dumps(self.dropped),
            },
        )


def travel_edges(hours: tuple[float, float], step: float) -> Array:
    """Give the bounds of the bins of travel time [s].

    Examples
    --------
    >>> travel_edges((-0.5, 1.0), 1800.0).tolist()
    [-1800.0, 0.0, 1800.0, 3600.0]
    """
    return np.arange(hours[0] * 3600.0, hours[1] * 3600.0 + 1.0, step)


def read_travel(
    scene: xr.Dataset,
    source: gpd.GeoDataFrame,
    wind: EffectiveWind,
    *,
    half_width: float = 40e3,
    hours: tuple[float, float] = (-1.0, 6.0),
    step: float = 600.0,
) -> Array:
    """Read one scene as flux by travel time: what `travel_curve` takes of it.

    Parameters
    ----------
    scene, source, wind
        One scene, one row of `make_sources`, its wind.
    half_width, hours, step
        As in `travel_curve`.

    Returns
    -------
    numpy.ndarray
        ``(2, bins)`` flux over the whole width and over half of it [kg s-1], NaN where a bin is not seen.

    Raises
    ------
    NoEstimateError
        The scene gives nothing: ``no_wind``, ``low_wind``, ``outside``, ``cloudy``.
    """
    edges, widths = travel_edges(hours, step), (half_width, half_width / 2.0)
    if not wind.known:
        raise NoEstimateError("no_wind", "no wind for the scene")
    if wind.speed < LOW_WIND:
        raise NoEstimateError("low_wind", f"{wind.speed:.1f} m/s")
    widest = max(widths)
    reach = min(math.hypot(edges[-1] * wind.speed, widest), FARTHEST) + 10e3
    pixels = take_pixels(scene, source, radius=reach)
    mass = above_plane(pixels, wind)
    if mass is None:
        raise NoEstimateError("cloudy", "too few pixels for a background")
    along, across = in_wind(pixels, wind)
    place = np.searchsorted(edges, along / wind.speed, side="right") - 1
    lanes = max(round(2.0 * widest / (2.0 * pixels.width)), 4)
    lines = []
    for width in widths:
        lane = np.floor((across / width + 1.0) * lanes / 2.0).astype(int)
        good = (place >= 0) & (place < edges.size - 1) & (lane >= 0) & (lane < lanes)
        cell = place[good] * lanes + lane[good]
        count = np.bincount(cell, minlength=(edges.size - 1) * lanes).reshape(-1, lanes)
        total = np.bincount(cell, mass[good], (edges.size - 1) * lanes).reshape(-1, lanes)
        # lanes without a value are taken to hold the mean of the others, unless most are empty
        held = count > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(held, total / count, 0.0).sum(axis=1) / held.sum(axis=1)
        lines.append(np.where(held.mean(axis=1) >= 0.6, mean * 2.0 * width * wind.speed, np.nan))
    return np.array(lines, float)

"""Three sensors over one world: what each would have delivered on a day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from yaotan.geodesy import wrap_longitude
from yaotan.simulate import scenery
from yaotan.simulate.error import ErrorModel, spoil
from yaotan.simulate.field import Field
from yaotan.simulate.layout import Retrieval
from yaotan.simulate.orbit import EPOCH, Orbit, beside, solar_zenith

#: soundings are made this far [degrees] around the study region as densely as inside it
MARGIN: Final = 2.0
#: orbits further from the region than this [degrees of longitude] are not delivered
REACH: Final = 15.0
#: rolling readout: footprint k+1 is this much later than footprint k [s] (OCO-2)
_READOUT: Final = 0.027
_LIMIT_ZENITH: Final = 75.0


@dataclass(frozen=True)
class Sensor:
    """How one instrument samples.

    Attributes
    ----------
    key : int
        Its number in the random streams.
    orbit : Orbit
        Its ground track.
    step : float
        Time between frames [s].
    across : tuple of float
        Points of a frame, to the right of the track [km].
    size : tuple of float
        Extent of a footprint along and across the track [km].
    thin : float
        Time between the soundings kept far from the region [s].
    clear : float
        Share of the clear sky in which a retrieval succeeds.
    texture : float
        Correlation of small clouds from frame to frame.
    spoiled : float
        Share of soundings spoiled away from clouds.
    screened : bool
        Whether the producer leaves spoiled soundings out of the file.
    glint : bool
        Whether every other orbit looks at the glint spot and so sees the sea.
    errors : ErrorModel
        What its stated uncertainty means.
    """

    key: int
    orbit: Orbit
    step: float
    across: tuple[float, ...]
    size: tuple[float, float]
    thin: float
    clear: float
    texture: float
    spoiled: float
    screened: bool
    glint: bool
    errors: ErrorModel

    def drawn(self, seed: int) -> Sensor:
        """Draw the bias that the instrument has in a study."""
        return replace(self, errors=self.errors.drawn(np.random.default_rng([seed, self.key, 0])))


#: orbits: OCO-2 233 revolutions in 16 days, node 13:36 north; GOSAT 44 in 3 days, node 13:00 south (both as
#: published); GF-5B 10:30 south at 705 km, repeat cycle chosen near that height
SENSORS: Final[dict[str, Sensor]] = {
    "oco2": Sensor(
        1, Orbit(233, 16, 98.2, 13.6, True), 1.0 / 3.0, tuple(1.29 * (k - 3.5) for k in range(8)),
        (2.25, 1.29), 60.0, 0.40, 0.9, 0.06, False, True, ErrorModel(0.4, 0.9, 0.3),
    ),
    "gosat": Sensor(
        2, Orbit(44, 3, 98.06, 13.0, False), 41.7, (-263.0, 0.0, 263.0),
        (10.5, 10.5), 83.4, 1.4, 0.0, 0.05, True, False, ErrorModel(0.9, 1.9, 0.5),
    ),
    "gmi": Sensor(
        3, Orbit(742, 51, 98.2, 10.5, False), 11.1, (-300.0, -150.0, 0.0, 150.0, 300.0),
        (10.3, 10.3), 88.8, 0.9, 0.0, 0.06, False, False, ErrorModel(1.5, 2.6, 0.7),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """What all sensors share: the true field, the weather, the region [w, s, e, n], the seed."""

    field: Field
    cloud: scenery.Cloud
    winds: dict[np.datetime64, tuple[float, float]]
    bounds: tuple[float, float, float, float]
    seed: int


def observe_day(sensor: Sensor, world: World, day: np.datetime64) -> Retrieval | None:
    """Give all soundings of one UTC day in order of time, or None when no orbit comes near."""
    parts = [observe_orbit(sensor, world, number, day) for number in sensor.orbit.on_day(day)]
    known = [part for part in parts if part is not None and len(part)]
    if not known:
        return None
    whole = Retrieval.join(known)
    return whole.take(np.argsort(whole.time, kind="stable"))


def observe_orbit(sensor: Sensor, world: World, number: int, day: np.datetime64) -> Retrieval | None:
    """Give the soundings of the daylight half of one orbit, or None when it stays far from the region.

    Inside the region and `MARGIN` around it every frame is looked at and clouds take what they take;
    outside, one sounding in `Sensor.thin` seconds stands for the rest of the track.
    """
    coarse = np.arange(-0.22, 0.22, 1e-3) * sensor.orbit.period
    latitude, longitude = sensor.orbit.track(number, coarse)
    west, south, east, north = world.bounds
    inside = (latitude > south - MARGIN) & (latitude < north + MARGIN)
    centre = (west + east) / 2.0
    if not (np.abs(wrap_longitude(longitude[inside] - centre)) < (east - west) / 2.0 + REACH).any():
        return None
    rng = np.random.default_rng([world.seed, sensor.key, number])
    near = _near(sensor, world, number, coarse[inside], rng)
    far = _far(sensor, world, number, coarse)
    points = {name: np.concatenate([near[name], far[name]]) for name in near}
    return _retrieve(sensor, world, number, day, points, rng)


def _near(
    sensor: Sensor, world: World, number: int, coarse: NDArray[Any], rng: np.random.Generator
) -> dict[str, NDArray[Any]]:
    """Every point of every frame around the region that clouds leave."""
    node = sensor.orbit.node(number)[0]
    first, last = (node + coarse[[0, -1]]) / sensor.step
    # the nominal time of a frame is 0.1 s after its first readout
    after = np.arange(np.ceil(first), last) * sensor.step - 0.1 - node
    across = np.array(sensor.across)
    latitude, longitude, heading = sensor.orbit.footprints(number, after, across)
    hours = (node + after) / 3600.0
    large = world.cloud.value(latitude.mean(axis=1), longitude[:, across.size // 2], hours)[:, None]
    if sensor.texture == 0.0:
        large = world.cloud.value(latitude, longitude, hours[:, None])
    small = _texture(rng, latitude.shape, sensor.texture)
    cover = np.sqrt(0.8) * large + np.sqrt(0.2) * small
    limit = scenery.clear_limit(latitude, sensor.clear)
    west, south, east, north = world.bounds
    box = (longitude > west - MARGIN) & (longitude < east + MARGIN)
    box &= (latitude > south - MARGIN) & (latitude < north + MARGIN)
    frame, lane = np.nonzero(box & (cover < limit))
    return {
        "after": after[frame],
        "lane": lane,
        "latitude": latitude[frame, lane],
        "longitude": longitude[frame, lane],
        "heading": heading[frame],
        "edge": (cover > limit - 0.15)[frame, lane],
        "far": np.zeros(frame.size, bool),
    }


def _texture(rng: np.random.Generator, shape: tuple[int, ...], kept: float) -> NDArray[np.float64]:
    """Small clouds: white noise, or one that is alike along a track and the same across it but for a part."""
    if kept == 0.0:
        return rng.standard_normal(shape)
    along = lfilter([np.sqrt(1.0 - kept**2)], [1.0, -kept], rng.standard_normal(shape[0]))
    return np.asarray(np.sqrt(0.8) * along[:, None] + np.sqrt(0.2) * rng.standard_normal(shape))


def _far(sensor: Sensor, world: World, number: int, coarse: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Few points of the track outside the region, one lane, whatever the sky."""
    node = sensor.orbit.node(number)[0]
    first, last = (node + coarse[[0, -1]]) / sensor.thin
    after = np.arange(np.ceil(first), last) * sensor.thin - 0.1 - node
    lane = len(sensor.across) // 2
    latitude, longitude, heading = sensor.orbit.footprints(number, after, np.array([sensor.across[lane]]))
    west, south, east, north = world.bounds
    inside = (latitude[:, 0] > south - MARGIN) & (latitude[:, 0] < north + MARGIN)
    inside &= (longitude[:, 0] > west - MARGIN) & (longitude[:, 0] < east + MARGIN)
    rows = np.flatnonzero(~inside)
    return {
        "after": after[rows],
        "lane": np.full(rows.size, lane),
        "latitude": latitude[rows, 0],
        "longitude": longitude[rows, 0],
        "heading": heading[rows],
        "edge": np.zeros(rows.size, bool),
        "far": np.ones(rows.size, bool),
    }


def _retrieve(
    sensor: Sensor,
    world: World,
    number: int,
    day: np.datetime64,
    points: dict[str, NDArray[Any]],
    rng: np.random.Generator,
) -> Retrieval:
    """Turn points into soundings: geometry, truth, errors, flags."""
    latitude, longitude = points["latitude"], points["longitude"]
    seconds = sensor.orbit.node(number)[0] + points["after"] + _READOUT * points["lane"]
    time = EPOCH.astype("datetime64[ns]") + np.round(seconds * 1e9).astype("timedelta64[ns]")
    sun, sea = solar_zenith(time, latitude, longitude), scenery.is_sea(latitude, longitude)
    glint = sensor.glint and number % 2 == 1
    # far points show where the orbit went, so the sea does not take them
    keep = (sun < _LIMIT_ZENITH) & (glint | ~sea | points["far"])
    size = latitude.size
    uncertainty = sensor.errors.stated(rng, sun)
    along = points["after"] * sensor.orbit.speed
    # neighbours in a narrow swath share the correlated error; lanes far apart do not
    lane = points["lane"] if sensor.size[1] > 5.0 else np.zeros(size, int)
    error = sensor.errors.errors(rng, uncertainty, along, lane)
    spoiled, extra, reasons = spoil(rng, points["edge"], sensor.spoiled)
    wind = world.winds[day]
    truth = world.field.value(latitude, longitude, day, wind)
    height = scenery.altitude(latitude, longitude)
    corners = _corners(sensor, points)
    made = Retrieval.make(
        size,
        time=time,
        latitude=latitude,
        longitude=longitude,
        corner_latitude=corners[0],
        corner_longitude=corners[1],
        xgas=truth + error + extra,
        xgas_raw=truth + error + extra - 1.2,
        xgas_prior=world.field.smooth(latitude, world.field.east_centre, day) - 0.5,
        uncertainty=uncertainty,
        quality=spoiled.astype(int),
        reasons=reasons,
        surface=sea.astype(int),
        mode=int(glint),
        footprint=points["lane"] + 1,
        orbit=number + 24_000,
        solar_zenith=sun,
        sensor_zenith=np.abs(np.rad2deg(np.arctan(np.array(sensor.across)[points["lane"]] / 690.0))) + 0.2,
        surface_pressure=scenery.surface_pressure(height) + rng.normal(0.0, 2.0, size),
        altitude=height,
        wind_u=wind[0] + rng.normal(0.0, 0.3, size),
        wind_v=wind[1] + rng.normal(0.0, 0.3, size),
        aerosol_optical_depth=0.05 + 0.15 * rng.random(size),
    )
    return made.take(keep & ~spoiled if sensor.screened else keep)


def _corners(sensor: Sensor, points: dict[str, NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Corners in ring order, in the directions of flight."""
    ahead = 0.5 * sensor.size[0] * np.array([-1.0, -1.0, 1.0, 1.0])
    right = 0.5 * sensor.size[1] * np.array([-1.0, 1.0, 1.0, -1.0])
    return beside(
        points["latitude"][:, None], points["longitude"][:, None], points["heading"][:, None], ahead, right
    )

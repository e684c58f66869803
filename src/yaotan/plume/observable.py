"""What each sensor could see of a list of sources, and how many overpasses make a year: table and map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.catalog.gas import gases
from yaotan.catalog.sensor import PlumeSensor, plume_sensors
from yaotan.constants import WGS84_A, YEAR_DAYS
from yaotan.errors import CatalogError, YaotanError
from yaotan.plume.annual import PROFILE_ERROR
from yaotan.plume.estimate import CALM
from yaotan.plume.observability import (
    FAR,
    HEIGHT_ERROR,
    NEAR,
    detection_probability,
    expected_uncertainty,
    noise_mass,
    observability,
    sensor_signal_to_noise,
)
from yaotan.plume.season import SEASON
from yaotan.plume.source import check_sources

if TYPE_CHECKING:
    import geopandas as gpd

Array = NDArray[np.float64]

#: error that all overpasses of a year share: height of the wind, and the mean factor of a profile in time
SHARED: Final = math.hypot(HEIGHT_ERROR, PROFILE_ERROR)


def observable_sources(
    sources: gpd.GeoDataFrame,
    *,
    clear_share: float,
    sensors: Sequence[str] | None = None,
    wind_speed: ArrayLike = 5.0,
    goal: float = 0.2,
    surface_pressure: float = 1000.0,
) -> gpd.GeoDataFrame:
    """Say for a list of plants what each sensor could see of them, and how often well enough.

    Parameters
    ----------
    sources : geopandas.GeoDataFrame
        Table of `make_sources` with the columns ``emission_co2``, and ``emission_nox`` for sensors of NO2
        [kg s-1].
    clear_share : float
        Share of overpasses whose plume is free of clouds and passes the quality filter. There is no default:
        it is of the place and the season.
    sensors : sequence of str, optional
        Names in ``catalogs/plume_sensors.yaml``. Default: all.
    wind_speed : array_like
        Mean wind of each source, or of all [m s-1]; hours follow a Rayleigh distribution of this mean (the
        usual Weibull of shape 2), and those below 1 m s-1 are lost.
    goal : float
        Relative standard error that counts as good.
    surface_pressure : float
        [hPa], for the mass of the air.

    Returns
    -------
    geopandas.GeoDataFrame
        One row for each source and sensor, at the place of the source (a map): ``observability`` and
        ``signal_to_noise`` at the mean wind, ``detection`` (probability for a clear overpass over all
        winds), ``expected_error`` (at the mean wind), ``good_share`` (part of clear overpasses with an error
        below the goal), ``visits`` and ``good_visits`` in a year (missing where the number of visits is no
        public fact), ``needed_visits`` (clear overpasses until the mean of a year has an error of the goal;
        infinite where no number of them does) and ``annual_error`` (of the mean over all clear overpasses of
        a year, missing without ``visits``), ``note``. `observable_map` makes one row for each source of it.

    Raises
    ------
    YaotanError
        A share is out of range, or a column is missing.
    CatalogError
        There is no such sensor.

    Notes
    -----
    For a track the number of visits is that of crossings 5 to 60 km downwind, for a wind of any direction
    to tracks at the distance of the repeat cycle. A sounder with gaps measures at most one point of a plume:
    it can show an excess, but not its integral, and ``good_share`` is 0. The mean of a year weighs overpasses
    by their error; the year itself adds 0.20 for each overpass (season, root mean square of the months of the
    CoCO2 profiles), and what all overpasses share (height of the wind 0.08, profile 0.06) does not average.

    Examples
    --------
    >>> from yaotan.plume.source import make_sources
    >>> plant = make_sources(["JV"], 14.45, 51.84).assign(emission_co2=760.0, emission_nox=0.6)
    >>> table = observable_sources(plant, clear_share=0.2).set_index("sensor")
    >>> bool(table.detection["oco3"] > 0.95), float(table.good_share["gf5b"])
    (True, 0.0)
    """
    import geopandas as gpd

    check_sources(sources)
    if not 0.0 < clear_share <= 1.0 or not 0.0 < goal < 1.0:
        raise YaotanError(
            f"clear_share is {clear_share:g}, goal {goal:g}", where="observable_sources", expected="0 to 1"
        )
    names = list(plume_sensors()) if sensors is None else list(sensors)
    unknown = sorted(set(names) - set(plume_sensors()))
    if unknown:
        raise CatalogError(f"{unknown[0]!r} is no sensor", expected=", ".join(plume_sensors()))
    means = np.broadcast_to(np.asarray(wind_speed, float), len(sources))
    rows = []
    for name in names:
        sensor = plume_sensors()[name]
        column = "emission_nox" if gases()[sensor.variable].gas == "no2" else "emission_co2"
        if column not in sources:
            raise YaotanError(f"column {column} is missing", where="sources", expected=f"kg s-1, for {name}")
        for place in range(len(sources)):
            row = sources.iloc[place]
            found = _look(
                sensor,
                float(row[column]),
                float(means[place]),
                row.geometry.y,
                goal,
                surface_pressure,
                clear_share,
            )
            rows.append(
                {"source": row["source"], "name": row["name"], "sensor": name}
                | found
                | {"note": _note(sensor), "geometry": row.geometry}
            )
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=sources.crs)


def observable_map(table: gpd.GeoDataFrame, *, least_detection: float = 0.5) -> gpd.GeoDataFrame:
    """Turn the table of `observable_sources` into one row for each source: what a map shows.

    Parameters
    ----------
    table : geopandas.GeoDataFrame
        Of `observable_sources`.
    least_detection : float
        Probability from which on a sensor counts as one that sees the source.

    Returns
    -------
    geopandas.GeoDataFrame
        ``source``, ``name``, ``seen_by`` (sensors, by comma), ``seen_count``, ``quantified_by`` (sensors with
        at least one overpass a year below the goal), and ``detection_<sensor>``, ``good_visits_<sensor>``,
        ``needed_visits_<sensor>``; points in longitude and latitude. `yaotan.write` takes it as features.

    Raises
    ------
    YaotanError
        It is no such table.

    Examples
    --------
    >>> from yaotan.plume.source import make_sources
    >>> plant = make_sources(["JV"], 14.45, 51.84).assign(emission_co2=760.0, emission_nox=0.6)
    >>> row = observable_map(observable_sources(plant, clear_share=0.2)).iloc[0]
    >>> row.seen_by, row.quantified_by
    ('oco2,oco3,tropomi', 'tropomi')
    """
    import geopandas as gpd

    wanted = ("source", "name", "sensor", "detection", "good_visits", "needed_visits")
    missing = [name for name in wanted if name not in table]
    if missing:
        raise YaotanError(f"column {missing[0]} is missing", where="observable_map", fix="observable_sources")
    rows = []
    for source, part in table.groupby("source", sort=False):
        seen = part.loc[part["detection"] >= least_detection, "sensor"]
        good = part.loc[part["good_visits"] >= 1.0, "sensor"]
        row = {"source": source, "name": part["name"].iloc[0], "geometry": part.geometry.iloc[0]}
        row |= {"seen_by": ",".join(seen), "seen_count": len(seen), "quantified_by": ",".join(good)}
        for one in part.itertuples():
            for name in ("detection", "good_visits", "needed_visits"):
                row[f"{name}_{one.sensor}"] = getattr(one, name)
        rows.append(row)
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=table.crs)


def _look(
    sensor: PlumeSensor,
    rate: float,
    mean: float,
    latitude: float,
    goal: float,
    pressure: float,
    clear_share: float,
) -> dict[str, float]:
    noise = noise_mass(sensor, pressure)
    width = math.sqrt(sensor.pixel[0] * sensor.pixel[1])
    # equal shares of the hours, at the middle of each
    part = (np.arange(200) + 0.5) / 200.0
    speeds = mean * np.sqrt(-4.0 / math.pi * np.log(1.0 - part))
    blown = np.append(speeds, mean)
    snr = sensor_signal_to_noise(sensor, rate, blown, noise)
    if sensor.kind == "image":
        length = sensor.extent
        visits = math.nan if sensor.visits is None else sensor.visits
    elif sensor.kind == "track":
        length = sensor.footprints * sensor.pixel[0]
        visits = _crossings(sensor, latitude)
    else:
        length = width
        visits = math.nan
    error = expected_uncertainty(snr, blown, length=length)
    windy = blown >= CALM
    good = (error <= goal) & windy & (sensor.kind != "point")
    needed, share = _needed(error[:-1], windy[:-1], goal, sensor.kind)
    clear = visits * clear_share * share
    return {
        "observability": float(observability(rate, mean, width, noise)),
        "signal_to_noise": float(snr[-1]),
        "detection": float((detection_probability(snr) * windy)[:-1].mean()),
        "expected_error": float(error[-1]),
        "good_share": float(good[:-1].mean()),
        "visits": visits,
        "good_visits": visits * clear_share * float(good[:-1].mean()),
        "needed_visits": needed,
        "annual_error": _annual(error[:-1][windy[:-1]], clear) if sensor.kind != "point" else math.nan,
    }


def _drawn_anew(error: Array) -> float:
    """Variance of one overpass as it counts in a weighted mean, without what all overpasses share."""
    return 1.0 / float(np.mean(1.0 / (error**2 - HEIGHT_ERROR**2))) + SEASON[0] ** 2 + SEASON[1] ** 2


def _needed(error: Array, windy: NDArray[np.bool_], goal: float, kind: str) -> tuple[float, float]:
    """Clear overpasses until the mean of a year is as good as the goal, and the share that has wind."""
    share = float(windy.mean())
    left = goal**2 - SHARED**2
    if kind == "point" or share == 0.0 or left <= 0.0:
        return math.inf, share
    return _drawn_anew(error[windy]) / left / share, share


def _annual(error: Array, count: float) -> float:
    """Relative error of the mean of a year over a number of overpasses."""
    if error.size == 0 or not count > 0.0:
        return math.nan
    return math.sqrt(_drawn_anew(error) / max(count, 1.0) + SHARED**2)


def _crossings(sensor: PlumeSensor, latitude: float) -> float:
    """Crossings of a plume in a year: its mean length across the tracks over their distance."""
    if sensor.repeat_days is None or sensor.orbits is None:
        return math.nan
    apart = 2.0 * math.pi * WGS84_A * math.cos(math.radians(latitude)) / sensor.orbits
    return (YEAR_DAYS / sensor.repeat_days) * (FAR - NEAR) * 2.0 / math.pi / apart


def _note(sensor: PlumeSensor) -> str:
    if sensor.kind == "point":
        return "single soundings with gaps between them: an excess, no integral"
    if sensor.kind == "track":
        return "crossings of the plume 5 to 60 km downwind"
    return "visits as scheduled: no number of them is public" if sensor.visits is None else ""

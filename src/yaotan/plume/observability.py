"""What could be seen of a source, before quantifying it: P(detect), expected error, useful overpasses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.catalog.gas import gases
from yaotan.catalog.sensor import PlumeSensor, plume_sensors
from yaotan.constants import MOLAR_MASS, WGS84_A, YEAR_DAYS
from yaotan.errors import CatalogError, YaotanError
from yaotan.plume.crossing import TURBULENCE
from yaotan.plume.estimate import CALM
from yaotan.plume.mass import dry_column
from yaotan.plume.profile import EXPONENT, usual_spread
from yaotan.plume.source import check_sources
from yaotan.units import conversion

if TYPE_CHECKING:
    import geopandas as gpd

Array = NDArray[np.float64]

#: quantile of the local z-test of ddeq (Kuhlmann et al. 2019, Atmos. Meas. Tech. 12, 6695): 0.99
THRESHOLD: Final = 2.326
#: error of the wind of one overpass [m s-1], and of its height and the rise of the plume, relative: budget of
#: docs/plume.md
WIND_ERROR, HEIGHT_ERROR = 1.0, 0.08
#: nearest and farthest crossing of a track that is of use [m]: as in `track_gaussian`
NEAR, FAR = 5e3, 60e3


def observability(rate: ArrayLike, wind_speed: ArrayLike, pixel: ArrayLike, noise: ArrayLike) -> Array:
    r"""Point-source observability :math:`O = Q / (U W \Delta B)`.

    Bruno et al. (2024), Atmos. Meas. Tech. 17, 2625: signal of a pixel that a narrow plume crosses, over the
    noise of a pixel.

    Parameters
    ----------
    rate : array_like
        Emission Q [kg s-1].
    wind_speed : array_like
        U [m s-1].
    pixel : array_like
        Width W of a pixel [m].
    noise : array_like
        1 sigma of the mass in a pixel [kg m-2].

    Returns
    -------
    numpy.ndarray
        Dimensionless.

    Examples
    --------
    >>> float(observability(500.0, 5.0, 2000.0, 0.0107).round(2))
    4.67
    """
    q, u, w, b = (np.asarray(v, float) for v in (rate, wind_speed, pixel, noise))
    return np.asarray(q / (u * w * b))


def signal_to_noise(
    rate: ArrayLike,
    wind_speed: ArrayLike,
    pixel: float,
    noise: float,
    *,
    reach: tuple[float, float] = (0.0, 100e3),
) -> Array:
    r"""Signal to noise of a whole plume in an image: what the best linear estimate of Q can reach.

    With pixels m_i of a Gaussian plume of 1 kg/s, :math:`\mathrm{SNR}^2 = Q^2 \sum m_i^2 / \sigma^2`, and the
    sum over pixels is an integral along the plume:

    .. math:: \mathrm{SNR} = O \sqrt{\frac{1}{2 \sqrt{\pi}} \int \frac{dx}{\sqrt{s(x)^2 + W^2 / 12}}}

    s is the spread of the plume and O the observability: the one number that sensor, rate and wind meet in.

    Parameters
    ----------
    rate, wind_speed : array_like
        [kg s-1], [m s-1].
    pixel, noise : float
        Width [m] and 1 sigma of the mass [kg m-2] of a pixel.
    reach : tuple of float
        First and last way along the plume that is seen [m].

    Returns
    -------
    numpy.ndarray
        Dimensionless. White noise; a background that is fitted as well costs some of it.

    Examples
    --------
    >>> float(signal_to_noise(500.0, 5.0, 2000.0, 0.0107).round())
    17.0
    """
    q, u = np.broadcast_arrays(np.asarray(rate, float), np.asarray(wind_speed, float))
    edges = np.linspace(math.sqrt(max(reach[0], 1.0)), math.sqrt(reach[1]), 400) ** 2
    middle, step = (edges[1:] + edges[:-1]) / 2.0, np.diff(edges)
    a = np.vectorize(usual_spread, otypes=[float])(u)[..., None]
    spread = np.hypot(a * (middle / 1e3) ** EXPONENT, pixel / math.sqrt(12.0))
    gain = (step / spread).sum(axis=-1) / (2.0 * math.sqrt(math.pi))
    return np.asarray(observability(q, u, pixel, noise) * np.sqrt(gain))


def detection_probability(snr: ArrayLike, *, threshold: float = THRESHOLD) -> Array:
    """Probability that a plume of a signal to noise passes a threshold (normal noise).

    Examples
    --------
    >>> detection_probability([0.0, 2.326, 5.0]).round(3).tolist()
    [0.01, 0.5, 0.996]
    """
    from scipy.special import ndtr

    return np.asarray(ndtr(np.asarray(snr, float) - threshold))


def expected_uncertainty(snr: ArrayLike, wind_speed: ArrayLike) -> Array:
    """Expected relative standard error of one estimate: noise, wind, height of the wind, turbulence.

    Examples
    --------
    >>> expected_uncertainty([1e9, 5.0], 5.0).round(2).tolist()
    [0.24, 0.31]
    """
    with np.errstate(divide="ignore"):
        noise = 1.0 / np.asarray(snr, float)
    wind = WIND_ERROR / np.asarray(wind_speed, float)
    return np.sqrt(noise**2 + wind**2 + HEIGHT_ERROR**2 + TURBULENCE**2)


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
        public fact), ``note``.

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
    it can show an excess, but not its integral, and ``good_share`` is 0.

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
                sensor, float(row[column]), float(means[place]), row.geometry.y, goal, surface_pressure
            )
            visits = found.pop("visits")
            rows.append(
                {"source": row["source"], "sensor": name}
                | found
                | {"visits": visits, "good_visits": visits * clear_share * found["good_share"]}
                | {"note": _note(sensor), "geometry": row.geometry}
            )
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=sources.crs)


def noise_mass(sensor: PlumeSensor, surface_pressure: float = 1000.0) -> float:
    """Noise of one pixel of a sensor as mass of its gas [kg m-2]; NOx as NO2 counts 1.32 for each NO2.

    Examples
    --------
    >>> round(noise_mass(plume_sensors()["oco2"]), 4)
    0.0132
    """
    gas = gases()[sensor.variable].gas
    if gas == "no2":
        from yaotan.catalog.nox import nox_ratios

        amount = sensor.noise * conversion(sensor.units, "mol m-2")[0]
        return amount * MOLAR_MASS[gas] * nox_ratios()["constant"].final
    air = float(dry_column(surface_pressure))
    return sensor.noise * conversion(sensor.units, "1")[0] * air * MOLAR_MASS[gas]


def _look(
    sensor: PlumeSensor, rate: float, mean: float, latitude: float, goal: float, pressure: float
) -> dict[str, float]:
    noise = noise_mass(sensor, pressure)
    width = math.sqrt(sensor.pixel[0] * sensor.pixel[1])
    # equal shares of the hours, at the middle of each
    part = (np.arange(200) + 0.5) / 200.0
    speeds = mean * np.sqrt(-4.0 / math.pi * np.log(1.0 - part))
    blown = np.append(speeds, mean)
    if sensor.kind == "image":
        snr = signal_to_noise(rate, blown, width, noise, reach=(0.0, sensor.extent))
        visits = math.nan if sensor.visits is None else sensor.visits
    elif sensor.kind == "track":
        snr = _track_snr(sensor, rate, blown, noise)
        visits = _crossings(sensor, latitude)
    else:
        snr, visits = observability(rate, blown, width, noise), math.nan
    error = expected_uncertainty(snr, blown)
    windy = blown >= CALM
    good = (error <= goal) & windy & (sensor.kind != "point")
    return {
        "observability": float(observability(rate, mean, width, noise)),
        "signal_to_noise": float(snr[-1]),
        "detection": float((detection_probability(snr) * windy)[:-1].mean()),
        "expected_error": float(error[-1]),
        "good_share": float(good[:-1].mean()),
        "visits": visits,
    }


def _track_snr(sensor: PlumeSensor, rate: float, speeds: Array, noise: float) -> Array:
    """Signal to noise of one crossing, mean square over distances from 5 to 60 km."""
    x = np.linspace(NEAR, FAR, 30)
    a = np.vectorize(usual_spread, otypes=[float])(speeds)[:, None]
    spread = np.hypot(a * (x / 1e3) ** EXPONENT, sensor.pixel[1] / math.sqrt(12.0))
    # soundings for each metre of the track, and the square of a Gaussian of area Q / u integrated over it
    density = sensor.footprints / sensor.pixel[1]
    square = density * (rate / speeds[:, None]) ** 2 / (2.0 * math.sqrt(math.pi) * spread) / noise**2
    return np.asarray(np.sqrt(square.mean(axis=1)))


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

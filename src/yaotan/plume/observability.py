"""What could be seen of a plume, before quantifying it: observability, P(detect), expected error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.catalog.gas import gases
from yaotan.catalog.sensor import PlumeSensor, plume_sensors
from yaotan.constants import MOLAR_MASS
from yaotan.errors import CatalogError, YaotanError
from yaotan.plume.estimate import CALM
from yaotan.plume.mass import dry_column
from yaotan.plume.profile import EXPONENT, usual_spread
from yaotan.plume.turbulence import mean_turbulence
from yaotan.units import conversion

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


def expected_uncertainty(snr: ArrayLike, wind_speed: ArrayLike, *, length: float = 90e3) -> Array:
    """Expected relative standard error of one estimate: noise, wind, height of the wind, turbulence.

    `length` is the way of the plume over which turbulence averages out [m].

    Examples
    --------
    >>> expected_uncertainty([1e9, 5.0], 5.0).round(2).tolist()
    [0.23, 0.31]
    """
    with np.errstate(divide="ignore"):
        noise = 1.0 / np.asarray(snr, float)
    wind = WIND_ERROR / np.asarray(wind_speed, float)
    return np.sqrt(noise**2 + wind**2 + HEIGHT_ERROR**2 + mean_turbulence(length) ** 2)


def noise_mass(sensor: PlumeSensor, surface_pressure: float = 1000.0) -> float:
    """Noise of one pixel of a sensor as mass of its gas [kg m-2]; NOx as NO2 counts 1.32 for each NO2.

    Examples
    --------
    >>> from yaotan.catalog.sensor import plume_sensors
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


def track_signal_to_noise(sensor: PlumeSensor, rate: ArrayLike, speeds: Array, noise: float) -> Array:
    """Signal to noise of one crossing by a track, root mean square over distances from 5 to 60 km."""
    x = np.linspace(NEAR, FAR, 30)
    a = np.vectorize(usual_spread, otypes=[float])(speeds)[:, None]
    spread = np.hypot(a * (x / 1e3) ** EXPONENT, sensor.pixel[1] / math.sqrt(12.0))
    # soundings for each metre of the track, and the square of a Gaussian of area Q / u integrated over it
    density = sensor.footprints / sensor.pixel[1]
    blown = (np.asarray(rate, float) / speeds)[:, None]
    square = density * blown**2 / (2.0 * math.sqrt(math.pi) * spread) / noise**2
    return np.asarray(np.sqrt(square.mean(axis=1)))


def sensor_signal_to_noise(sensor: PlumeSensor, rate: ArrayLike, speeds: Array, noise: float) -> Array:
    """Signal to noise of what a sensor sees of a plume: of its image, a crossing, or one sounding.

    Parameters
    ----------
    sensor : PlumeSensor
        Entry of ``catalogs/plume_sensors.yaml``.
    rate : array_like
        Emission, one or as many as `speeds` [kg s-1].
    speeds : numpy.ndarray
        Wind, one-dimensional [m s-1].
    noise : float
        1 sigma of the mass in a pixel [kg m-2] (`noise_mass`).

    Returns
    -------
    numpy.ndarray
        Dimensionless.
    """
    width = math.sqrt(sensor.pixel[0] * sensor.pixel[1])
    if sensor.kind == "image":
        return signal_to_noise(rate, speeds, width, noise, reach=(0.0, sensor.extent))
    if sensor.kind == "track":
        return track_signal_to_noise(sensor, rate, speeds, noise)
    return observability(rate, speeds, width, noise)


def detection_law(
    sensor: str, substance: str, *, surface_pressure: float = 1000.0
) -> Callable[[Array, Array], Array]:
    """Give the probability with which a sensor sees a plume, as `annual_emission` takes it (``detection=``).

    Parameters
    ----------
    sensor : str
        Name in ``catalogs/plume_sensors.yaml``.
    substance : str
        What the emissions are of: co2; for a sensor of NO2 no2, or nox (NOx as NO2).
    surface_pressure : float
        [hPa], for the mass of the air.

    Returns
    -------
    callable
        Of emission [kg s-1] and wind [m s-1], arrays of one length: `detection_probability` of
        `sensor_signal_to_noise`; 0 below 1 m s-1, where no emission is given; NaN where either is not known.

    Raises
    ------
    CatalogError
        There is no such sensor.
    YaotanError
        The sensor sees another gas.

    Notes
    -----
    Noise, pixel and spread of the plume are the usual ones of the sensor, not those of a scene: for an image
    cut short, or with other noise, write a law with `signal_to_noise`.

    Examples
    --------
    >>> import numpy as np
    >>> law = detection_law("oco3", "co2")
    >>> law(np.array([50.0, 500.0, 500.0]), np.array([5.0, 5.0, 0.5])).round(2).tolist()
    [0.17, 1.0, 0.0]
    """
    if sensor not in plume_sensors():
        raise CatalogError(f"{sensor!r} is no sensor", where="detection", expected=", ".join(plume_sensors()))
    entry = plume_sensors()[sensor]
    seen = gases()[entry.variable].gas
    if substance != seen and (substance, seen) != ("nox", "no2"):
        raise YaotanError(
            f"{sensor} sees {seen}, the emissions are of {substance}",
            where="detection",
            expected="a sensor of the same gas",
        )
    noise = noise_mass(entry, surface_pressure)
    if substance == "no2":
        from yaotan.catalog.nox import nox_ratios

        # the noise is that of NOx, and the emissions are of its NO2 alone
        noise /= nox_ratios()["constant"].final

    def law(rate: Array, speed: Array) -> Array:
        known = np.isfinite(rate) & np.isfinite(speed)
        chance = np.where(known, 0.0, np.nan)
        windy = known & (np.nan_to_num(speed) >= CALM)
        if windy.any():
            snr = sensor_signal_to_noise(entry, rate[windy], speed[windy], noise)
            chance[windy] = detection_probability(snr)
        return chance

    return law

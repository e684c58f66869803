"""What a retrieval delivers, free of any product's layout: the input of every layout writer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.errors import SchemaError

#: Quality of a sounding in a `Retrieval`; MISSING becomes the product's own fill.
GOOD, BAD, MISSING = 0, 1, -1
LAND, WATER, MIXED = 0, 1, 2
NADIR, GLINT, TARGET, TRANSITION, AREA_MAP = 0, 1, 2, 3, 4

_WHOLE = ("quality", "reasons", "surface", "mode", "footprint", "orbit")


def day_stamp(day: object) -> str:
    """Write a day (date, numpy datetime or ISO text) as YYYYMMDD."""
    return str(day)[:10].replace("-", "")


@dataclass(frozen=True)
class Retrieval:
    """Soundings of one granule as plain arrays; NaN (floats) and -1 (integers) mean missing.

    Use `Retrieval.make`, which fills in what is not given. Profiles have index 0 at the **surface**;
    a writer turns them into the order of its product. A profile that is None is filled with a typical
    one on the product's own number of levels or layers.

    Attributes
    ----------
    time : ndarray of datetime64[ns]
        UTC, shape (n,).
    latitude, longitude : ndarray
        Centre [degree], shape (n,).
    corner_latitude, corner_longitude : ndarray
        Corners in ring order [degree], shape (n, 4).
    xgas, xgas_raw, xgas_prior : ndarray
        Bias-corrected, raw and prior column, ppm for CO2 and ppb for CH4, shape (n,).
    uncertainty : ndarray
        Stated 1 sigma, unit of the column.
    quality : ndarray of int
        0 good, 1 bad, -1 missing.
    reasons : ndarray of int
        Bit field: bit k says that test k of the product's list failed.
    surface : ndarray of int
        0 land, 1 water, 2 mixed.
    mode : ndarray of int
        0 nadir, 1 glint, 2 target, 3 transition, 4 area map.
    footprint, orbit : ndarray of int
        Cross-track index from 1; orbit number.
    solar_zenith, sensor_zenith, solar_azimuth, sensor_azimuth : ndarray
        Angles [degree].
    surface_pressure : ndarray
        Retrieved [hPa].
    altitude : ndarray
        Of the surface [m].
    wind_u, wind_v : ndarray
        Surface wind [m s-1].
    aerosol_optical_depth : ndarray
        Total [1].
    albedo : ndarray
        O2 A, weak and strong CO2 band [1], shape (n, 3).
    gain : ndarray of bytes
        b"H" or b"M" (GOSAT).
    target : tuple of str
        Name of the target, "none" elsewhere (OCO-3).
    kernel, prior_profile, pressure_weight : ndarray or None
        Normalised column averaging kernel, prior mole fraction and weights, shape (n, k).
    gas : str
        "co2" or "ch4".
    """

    time: NDArray[Any]
    latitude: NDArray[Any]
    longitude: NDArray[Any]
    corner_latitude: NDArray[Any]
    corner_longitude: NDArray[Any]
    xgas: NDArray[Any]
    xgas_raw: NDArray[Any]
    xgas_prior: NDArray[Any]
    uncertainty: NDArray[Any]
    quality: NDArray[Any]
    reasons: NDArray[Any]
    surface: NDArray[Any]
    mode: NDArray[Any]
    footprint: NDArray[Any]
    orbit: NDArray[Any]
    solar_zenith: NDArray[Any]
    sensor_zenith: NDArray[Any]
    solar_azimuth: NDArray[Any]
    sensor_azimuth: NDArray[Any]
    surface_pressure: NDArray[Any]
    altitude: NDArray[Any]
    wind_u: NDArray[Any]
    wind_v: NDArray[Any]
    aerosol_optical_depth: NDArray[Any]
    albedo: NDArray[Any]
    gain: NDArray[Any]
    target: tuple[str, ...] = field(default=())
    kernel: NDArray[Any] | None = None
    prior_profile: NDArray[Any] | None = None
    pressure_weight: NDArray[Any] | None = None
    gas: str = "co2"

    def __len__(self) -> int:
        """Count the soundings."""
        return int(self.time.size)

    @classmethod
    def make(cls, count: int = 3, *, gas: str = "co2", size: float = 2.0, **given: ArrayLike) -> Retrieval:
        """Make soundings, with plausible values wherever nothing is given.

        Parameters
        ----------
        count : int
            Number of soundings, 0 included.
        gas : str
            "co2" or "ch4"; sets the default columns.
        size : float
            Side of the default footprint [km].
        **given
            Any attribute; a scalar holds for all soundings.

        Returns
        -------
        Retrieval

        Raises
        ------
        SchemaError
            An unknown attribute, or an array whose first length is not `count`.

        Examples
        --------
        >>> granule = Retrieval.make(3, xgas=[410.0, float("nan"), 412.0], quality=[0, 1, 0])
        >>> len(granule), granule.corner_latitude.shape
        (3, (3, 4))
        """
        known = {entry.name for entry in fields(cls)} - {"gas"}
        if unknown := sorted(set(given) - known):
            raise SchemaError(
                f"unknown attribute {unknown[0]!r}", where="Retrieval", expected=str(sorted(known))
            )
        values: dict[str, Any] = _defaults(count, gas)
        for name, value in given.items():
            values[name] = _shaped(name, value, count)
        values.setdefault("xgas_raw", values["xgas"] * (1.0 - 2e-3))
        for name, corner in zip(
            ("corner_latitude", "corner_longitude"),
            _square(values["latitude"], values["longitude"], size),
            strict=True,
        ):
            values.setdefault(name, corner)
        return cls(gas=gas, **values)

    @classmethod
    def join(cls, parts: Sequence[Retrieval]) -> Retrieval:
        """Put granules one after another; profiles must be given in all of them or in none."""
        joined: dict[str, Any] = {}
        for entry in fields(cls):
            values = [getattr(part, entry.name) for part in parts]
            joined[entry.name] = np.concatenate(values) if isinstance(values[0], np.ndarray) else values[0]
        joined["target"] = tuple(name for part in parts for name in part.target)
        return cls(**joined)

    def take(self, rows: ArrayLike) -> Retrieval:
        """Give some soundings, in the order of `rows` (indices or a mask)."""
        chosen = np.arange(len(self))[np.asarray(rows)]
        parts: dict[str, Any] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            parts[entry.name] = value[chosen] if isinstance(value, np.ndarray) else value
        parts["target"] = tuple(self.target[k] for k in chosen) if self.target else ()
        return Retrieval(**parts)


def _defaults(count: int, gas: str) -> dict[str, Any]:
    index = np.arange(count)
    column, sigma = (410.0, 0.6) if gas == "co2" else (1850.0, 8.0)
    start = np.datetime64("2020-01-15T05:30:00", "ns")
    whole: dict[str, Any] = {name: np.zeros(count, np.int64) for name in _WHOLE}
    whole["footprint"] = index % 8 + 1
    whole["orbit"] = np.full(count, 29500)
    return {
        "time": start + (index // 8 * 333_333_333 + index % 8 * 27_000_000).astype("timedelta64[ns]"),
        "latitude": 30.0 + index // 8 * 0.0203 + index % 8 * 0.002,
        "longitude": 115.0 + index % 8 * 0.0135 - index // 8 * 0.005,
        "xgas": np.full(count, column),
        "xgas_prior": np.full(count, column * 0.995),
        "uncertainty": np.full(count, sigma),
        **whole,
        "solar_zenith": np.full(count, 52.0),
        "sensor_zenith": np.full(count, 1.5),
        "solar_azimuth": np.full(count, 200.0),
        "sensor_azimuth": np.full(count, 310.0),
        "surface_pressure": np.full(count, 1005.0),
        "altitude": np.full(count, 60.0),
        "wind_u": np.full(count, 2.0),
        "wind_v": np.full(count, -1.0),
        "aerosol_optical_depth": np.full(count, 0.12),
        "albedo": np.tile([0.25, 0.22, 0.15], (count, 1)),
        "gain": np.full(count, b"H", "S1"),
    }


def _shaped(name: str, value: ArrayLike, count: int) -> Any:
    if value is None:
        return None
    if name == "target":
        return tuple(str(item) for item in np.broadcast_to(np.asarray(value), (count,)))
    kind = {"time": "datetime64[ns]", "gain": "S1"}.get(name, np.int64 if name in _WHOLE else np.float64)
    array = np.asarray(value).astype(kind)
    array = np.full(count, array) if array.ndim == 0 else array.copy()
    if array.shape[0] != count:
        raise SchemaError(
            f"{name} has shape {array.shape}", where="Retrieval", expected=f"first length {count}"
        )
    return array


def _square(
    latitude: NDArray[Any], longitude: NDArray[Any], size: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    half = size / 2.0 / 111.2
    stretch = 1.0 / np.maximum(np.cos(np.deg2rad(latitude)), 1e-3)
    north = latitude[:, None] + half * np.array([-1.0, -1.0, 1.0, 1.0])
    east = longitude[:, None] + half * stretch[:, None] * np.array([-1.0, 1.0, 1.0, -1.0])
    return np.clip(north, -90.0, 90.0), (east + 180.0) % 360.0 - 180.0

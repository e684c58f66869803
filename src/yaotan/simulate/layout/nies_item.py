"""Every dataset of a NIES GOSAT SWIR L2 file: path, values, type, unit, invalid value, name, valid range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.simulate.layout import profile
from yaotan.simulate.layout.retrieval import Retrieval

LAYERS: Final = 15
PRS_REF_LEVEL: Final = (
    1000, 975, 950, 925, 900, 850, 800, 700, 600, 500, 400, 300, 250, 200, 150, 100, 70, 50, 30, 20, 10,
)  # fmt: skip
#: share of the total uncertainty taken by noise, smoothing and interference; squares add to 1
_SHARES: Final = (0.75, 0.55, (1 - 0.75**2 - 0.55**2) ** 0.5)
_INVALID, _INVALID_COLUMN = -9999.0, -1e30
#: radius of the field of view [degree of latitude]: 10.5 km across
_RADIUS: Final = 10.5 / 2.0 / 111.2
_NO_MARKS: Final = str.maketrans("", "", "-: ")


@dataclass(frozen=True)
class Item:
    """One dataset; NaN in `values` becomes `invalid`."""

    path: str
    values: NDArray[Any]
    dtype: str
    unit: str = ""
    invalid: float | None = None
    name: str = ""
    valid: tuple[float, float] | None = None


def list_items(s: Retrieval, formula: str, corrected: bool) -> list[Item]:
    """List the datasets of one file; `corrected` adds the bias-corrected column."""
    return [
        *_geolocation(s),
        *_mixing_ratio(s, formula, corrected),
        *_columns(s, formula),
        *_quality(s, formula),
        *_reference(s, formula),
        *_scan(s),
        *_levels(),
    ]


def _geolocation(s: Retrieval) -> list[Item]:
    place, deg = "Data/geolocation/", ("deg", _INVALID)
    latitude, longitude = ring(s.latitude, s.longitude)
    zenith = np.deg2rad(np.stack([s.solar_zenith, s.sensor_zenith]))
    land = np.select([s.surface == 0, s.surface == 1], [100.0, 0.0], 50.0)
    north, east = (-90.0, 90.0), (-180.0, 180.0)
    return [
        Item(place + "airMass", (1 / np.cos(zenith)).sum(0), "f4", "none", _INVALID, "air mass", (2, 100)),
        Item(place + "footPrintLatitude", latitude, "f4", *deg, "foot print latitude", north),
        Item(place + "footPrintLongitude", longitude, "f4", *deg, "foot print longitude", east),
        Item(place + "height", s.altitude, "i2", "m", -9999, "height", (-407, 8752)),
        Item(place + "landFraction", land, "f4", "none", _INVALID, "land fraction", (0, 100)),
        Item(place + "latitude", s.latitude, "f4", *deg, "geodetic latitude", north),
        Item(
            place + "latitudeOriginal", s.latitude + 0.01, "f4", *deg, "geodetic latitude (original)", north
        ),
        Item(place + "longitude", s.longitude, "f4", *deg, "longitude", east),
        Item(place + "longitudeOriginal", s.longitude, "f4", *deg, "longitude (original)", east),
        Item(place + "satelliteAzimuth", s.sensor_azimuth, "f4", *deg, "satellite azimuth angle", (0, 360)),
        Item(place + "satelliteZenith", s.sensor_zenith, "f4", *deg, "satellite zenith angle", (0, 180)),
        Item(place + "solarAzimuth", s.solar_azimuth, "f4", *deg, "solar azimuth angle", (0, 360)),
        Item(place + "solarZenith", s.solar_zenith, "f4", *deg, "solar zenith angle", (0, 180)),
        Item(place + "sunglintFlag", s.mode == 1, "i1"),
    ]


def ring(latitude: NDArray[Any], longitude: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Give 36 points around each field of view, 10 degrees apart; the last is not the first."""
    angle = np.deg2rad(np.arange(36) * 10.0)
    north = latitude[:, None] + _RADIUS * np.cos(angle)
    stretch = 1.0 / np.maximum(np.cos(np.deg2rad(latitude)), 1e-3)
    east = longitude[:, None] + _RADIUS * stretch[:, None] * np.sin(angle)
    return np.clip(north, -90.0, 90.0), (east + 180.0) % 360.0 - 180.0


def _scale(s: Retrieval) -> float:
    return 1e-3 if s.gas == "ch4" else 1.0


def _mixing_ratio(s: Retrieval, formula: str, corrected: bool) -> list[Item]:
    place, scale, name = f"Data/mixingRatio/X{formula}", _scale(s), f"X{formula}"
    errors = [share * s.uncertainty * scale for share in _SHARES]
    labels = ("RetrievalNoise", "SmoothingError", "InterferenceError")
    words = ("retrieval noise", "smoothing error", "interference error")
    items = [Item(place, s.xgas_raw * scale, "f4", "ppmv", _INVALID, name, (0, 1000))]
    for label, word, error in zip(labels, words, errors, strict=True):
        items.append(Item(place + label, error, "f4", "ppmv", _INVALID, f"{name} {word}", (0, 300)))
    # never computed by the producer: all values invalid
    nothing = np.full(len(s), np.nan)
    items.append(
        Item(place + "ExternalError", nothing, "f4", "ppmv", _INVALID, f"{name} external error", (-300, 300))
    )
    if corrected:
        best, total = s.xgas * scale, s.uncertainty * scale
        items.append(
            Item(place + "BiasCorrected", best, "f4", "ppmv", _INVALID, f"{name} bias corrected", (0, 1000))
        )
        items.append(
            Item(
                place + "BiasCorrectedError",
                total,
                "f4",
                "ppmv",
                _INVALID,
                f"{name} bias corrected error",
                (0, 300),
            )
        )
    return items


def _dry_air(s: Retrieval) -> NDArray[Any]:
    """Dry-air partial columns [molecules cm-2], top first; upper layers are slightly heavier."""
    weight = profile.pressure_weight(s, layer_weight())[:, ::-1]
    # hydrostatic: p / (g M) N_A, in molecules per cm2, less 0.4 % of water vapour
    total = s.surface_pressure * 100.0 / 9.81 / 0.0289644 * 6.02214076e23 * 1e-4 * 0.996
    return np.asarray(total[:, None] * weight)


def layer_weight() -> NDArray[Any]:
    """Weights of the 15 layers, surface first: 0.066 at the surface to 0.067 at the top, sum 1."""
    weight = np.linspace(0.0661, 0.0672, LAYERS)
    return np.asarray(weight / weight.sum())


def _columns(s: Retrieval, formula: str) -> list[Item]:
    dry = _dry_air(s).sum(axis=1)
    ratio = s.xgas_raw * _scale(s) * 1e-6
    place, unit = f"Data/totalColumn/{formula}TotalColumn", "molecules/cm^2"
    items = [
        Item("Data/auxiliaryParameter/dryAirTotalColumn", dry, "f4", unit, _INVALID_COLUMN,
             "dry air total column", (0, 3e25)),
        Item(place, ratio * dry, "f4", unit, _INVALID_COLUMN, f"{formula} total column", (0, 1e23)),
        Item(place + "ExternalError", np.full(len(s), np.nan), "f4", unit, _INVALID_COLUMN,
              f"{formula} total column external error", (-3e22, 3e22)),
    ]  # fmt: skip
    for label, word, share in zip(
        ("RetrievalNoise", "SmoothingError", "InterferenceError"),
        ("retrieval noise", "smoothing error", "interference error"),
        _SHARES,
        strict=True,
    ):
        error = share * s.uncertainty * _scale(s) * 1e-6 * dry
        items.append(
            Item(
                place + label, error, "f4", unit, _INVALID_COLUMN, f"{formula} total column {word}", (0, 3e22)
            )
        )
    return items


def _quality(s: Retrieval, formula: str) -> list[Item]:
    sigma = (np.arange(LAYERS)[::-1] + 0.5) / LAYERS
    kernel = profile.kernel(s, sigma)[:, ::-1]
    place, sea = "Data/retrievalQuality/", np.where(s.surface == 1, np.nan, 1.0)[:, None]
    albedo = np.repeat(s.albedo, 8, axis=1) * sea
    bad = np.where(s.quality == 0, 0, 1)
    none = np.zeros(len(s), np.int8)
    check = "scanAttribute/qualityInformation/"
    return [
        Item(place + f"{formula}DFS", np.full(len(s), 1.4), "f4", "none", None,
             "degree of freedom for signal"),
        Item(place + "chi2", np.full(len(s), 1.1), "f4", "none", None, "chi square"),
        Item(place + "columnAveragingKernel", kernel, "f4", "none", None, "column averaging kernel"),
        Item(place + "iterations", np.full(len(s), 5), "i1", "none", None, "number of iterations", (1, 20)),
        Item(place + "totalPostScreeningResult", bad, "i1"),
        Item(check + "totalPreScreeningResult", none, "i1"),
        Item(check + "L1BQA", none, "i1"),
        Item(check + "CAIRadianceScreening", none, "i1"),
        Item(check + "highSolarZenithScreening", none, "i1"),
        Item(check + "waterSaturationBandScreening", none, "i1"),
        Item("Data/auxiliaryParameter/surfaceAlbedo", albedo, "f4", "none", _INVALID, "surface albedo",
             (0, 2)),
        Item("Data/auxiliaryParameter/surfacePressure", s.surface_pressure, "f4", "hPa", _INVALID,
              "surface pressure", (0, 1200)),
        Item("Data/auxiliaryParameter/aerosolOpticalThickness",
              np.broadcast_to(s.aerosol_optical_depth[:, None, None] / 3.0, (len(s), 13, 3)), "f4", "none",
             _INVALID, "aerosol optical thickness", (0, 100)),
    ]  # fmt: skip


def _reference(s: Retrieval, formula: str) -> list[Item]:
    place, dry = "scanAttribute/referenceData/", _dry_air(s)
    sigma = (np.arange(LAYERS)[::-1] + 0.5) / LAYERS
    weight = profile.pressure_weight(s, layer_weight())
    prior = profile.prior_profile(s, sigma, weight)[:, ::-1] * _scale(s)
    levels = np.array(PRS_REF_LEVEL, float)
    # standard-like atmosphere, surface first as the pressures are
    temperature = np.maximum(290.0 * (levels / 1000.0) ** 0.19, 215.0)
    water = 9000.0 * (levels / 1000.0) ** 3.5 + 4.0
    wind = np.hypot(s.wind_u, s.wind_v)
    shape = (len(s), levels.size)
    return [
        Item(place + f"{formula}Profile", prior, "f4", "ppmv", _INVALID, f"a priori {formula} profile",
             (0, 1000)),
        Item(place + f"X{formula}", s.xgas_prior * _scale(s), "f4", "ppmv", _INVALID, f"X{formula}",
             (0, 1000)),
        Item(place + "dryAirPartialColumn", dry, "f4", "molecules/cm^2", _INVALID_COLUMN,
              "a priori dry air partial column", (0, 3e24)),
        Item(place + "surfacePressure", s.surface_pressure - 1.0, "f4", "hPa", _INVALID, "surface pressure",
              (300, 1100)),
        Item(place + "surfaceWindSpeed", wind, "f4", "m/sec", _INVALID, "surface wind speed", (0, 100)),
        Item(place + "temperatureProfile", np.broadcast_to(temperature, shape), "f4", "K", _INVALID,
              "temperature profile", (150, 350)),
        Item(place + "waterVaporProfile", np.broadcast_to(water, shape), "f4", "ppmv", _INVALID,
              "water vapor profile", (0, 50000)),
    ]  # fmt: skip


def _scan(s: Retrieval) -> list[Item]:
    place, sensor = "scanAttribute/", "scanAttribute/sensor/"
    words = [str(time).replace("T", " ") for time in s.time.astype("datetime64[ms]")]
    moment = np.array(words, "S23")
    identity = np.array(["F" + word[2:19].translate(_NO_MARKS) + "413104" for word in words], "S19")
    return [
        Item(place + "time", moment, "S23", "none", None, "time of the observation (UTC)"),
        Item(place + "scanID", identity, "S19"),
        Item(place + "scanDuration", np.full(len(s), 4.0), "f4", "sec", None, "duration of the scan"),
        Item(place + "numScan", np.array([len(s)]), "i4"),
        Item(place + "scanDirection", np.zeros(len(s)), "i1"),
        Item(
            place + "crossTrackObservationPoint",
            s.footprint,
            "i1",
            "none",
            0,
            "cross track observation point",
        ),
        # trap of the original files: same name as the glint flag of the geolocation, other content
        Item(
            place + "cloudInformation/sunglintFlag", s.mode != 1, "i1", "none", -128, "sunglint flag", (0, 1)
        ),
        Item(sensor + "gain", np.repeat(s.gain[:, None], 2, axis=1), "S1"),
        Item(sensor + "observationMode", np.full(len(s), b"OB1D", "S4"), "S4"),
        Item(sensor + "sunglintModeFlag", s.mode == 1, "i1"),
        Item("ancillary/procStatusInformation", np.full(len(s), b"N/A", "S3"), "S3"),
        Item("ancillary/FTSL1BDataInformation/scanSequenceNumber", np.arange(len(s)), "i4"),
    ]


def _levels() -> list[Item]:
    place = "ancillary/FTSL2DataInformation/"
    return [
        Item(place + "numRefLevel", np.array([len(PRS_REF_LEVEL)]), "i4"),
        Item(place + "numRetLayer", np.array([LAYERS]), "i4"),
        Item(
            place + "prsRefLevel",
            np.array(PRS_REF_LEVEL),
            "f4",
            "hPa",
            None,
            "pressure level for reference data",
        ),
    ]

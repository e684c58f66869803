"""GF-5B GMI L2 as two made-up deliveries, and one that leaves open which column is meant.

No layout of GMI L2 files is public. Only the naming of packages (latitude first, then longitude) and the
tags of the XML sidecar are known; dataset names, units and flags below are inventions that a tolerant
reader must cope with.
"""

from __future__ import annotations

import os
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.errors import SchemaError
from yaotan.simulate.layout.retrieval import Retrieval, day_stamp

LAYOUTS: Final = ("flat", "grouped", "ambiguous")
_FILL: Final = -9999.0
_J2000: Final = np.datetime64("2000-01-01T12:00:00", "ms")


def gmi_name(day: object, latitude: float, longitude: float, orbit: int) -> str:
    """Name a delivery by its centre; L2 is the level, ten digits the product number.

    Examples
    --------
    >>> gmi_name("2020-04-06", 26.89, 113.27, 4844)
    'GF5B_GMI_N26.89_E113.27_20200406_004844_L20000004844.h5'
    """
    stamp = day_stamp(day)
    north, east = "NS"[latitude < 0], "EW"[longitude < 0]
    place = f"{north}{abs(latitude):.2f}_{east}{abs(longitude):.2f}"
    return f"GF5B_GMI_{place}_{stamp}_{orbit:06d}_L2{orbit:010d}.h5"


def write_gmi(path: str | os.PathLike[str], soundings: Retrieval, *, layout: str = "flat") -> None:
    """Write one delivery.

    Parameters
    ----------
    path : path
        File to be written.
    soundings : Retrieval
        CO2 soundings.
    layout : str
        "flat": one level of datasets, ppm, milliseconds since 2000-01-01 12:00 UTC. "grouped": groups,
        mol/mol, ISO times, other names. "ambiguous": like grouped, but with two columns of equal standing.

    Raises
    ------
    SchemaError
        Another layout is asked for.
    """
    if layout not in LAYOUTS:
        raise SchemaError(f"no layout {layout!r}", where="layout", expected=", ".join(LAYOUTS))
    with h5py.File(path, "w") as file:
        marks = {"SatelliteID": "GF5B", "SensorID": "GMI", "ProductLevel": "LEVEL2A", "Source": "simulated"}
        for name, value in marks.items():
            file.attrs[name] = value
        if layout == "flat":
            _flat(file, soundings)
        else:
            _grouped(file, soundings)
            if layout == "ambiguous":
                _second_column(file, soundings)


def _put(
    file: h5py.File, path: str, values: ArrayLike, *, unit: str = "", spelling: str = "Unit"
) -> h5py.Dataset:
    array = np.asarray(values)
    if array.dtype.kind == "f" and array.dtype.itemsize == 4:
        array = np.where(np.isnan(array), np.float32(_FILL), array)
    dataset = file.create_dataset(path, data=array)
    if unit:
        dataset.attrs[spelling] = unit
    if array.dtype.kind == "f":
        dataset.attrs["FillValue" if spelling == "Unit" else "_FillValue"] = array.dtype.type(_FILL)
    return dataset


def _single(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(values, np.float32)


def _flat(file: h5py.File, s: Retrieval) -> None:
    since = (s.time.astype("datetime64[ms]") - _J2000).astype(np.int64)
    _put(file, "Latitude", _single(s.latitude), unit="deg")
    _put(file, "Longitude", _single(s.longitude), unit="deg")
    _put(file, "J2000MilliSecond", since, unit="ms")
    _put(file, "XCO2", _single(s.xgas), unit="ppm")
    _put(file, "XCO2_Error", _single(s.uncertainty), unit="ppm")
    _put(file, "XCO2_Apriori", _single(s.xgas_prior), unit="ppm")
    _put(file, "QualityFlag", s.quality.astype(np.int8)).attrs["Description"] = "0 good, 1 bad"
    _put(file, "SolarZenith", _single(s.solar_zenith), unit="deg")
    _put(file, "ObserverZenith", _single(s.sensor_zenith), unit="deg")
    _put(file, "SurfacePressure", _single(s.surface_pressure), unit="hPa")


def _grouped(file: h5py.File, s: Retrieval) -> None:
    iso = np.array([f"{time}Z" for time in s.time.astype("datetime64[ms]")], "S24")
    style = {"spelling": "units"}
    _put(file, "Geolocation/CenterLat", _single(s.latitude), unit="degrees_north", **style)
    _put(file, "Geolocation/CenterLong", _single(s.longitude), unit="degrees_east", **style)
    _put(file, "Geolocation/Solar_Zenith_Angle", _single(s.solar_zenith), unit="degree", **style)
    _put(file, "Geolocation/Sensor_Zenith", _single(s.sensor_zenith), unit="degree", **style)
    _put(file, "Geolocation/Observation_Time", iso)
    _put(file, "Result/CO2_Dry_Air_Mole_Fraction", s.xgas * 1e-6, unit="mol/mol", **style)
    _put(file, "Result/XCO2_Uncertainty", s.uncertainty * 1e-6, unit="mol/mol", **style)
    _put(file, "Result/QA_Flag", s.quality.astype(np.uint8), **style)
    _put(file, "Auxiliary/Surface_Pressure", s.surface_pressure * 100.0, unit="Pa", **style)


def _second_column(file: h5py.File, s: Retrieval) -> None:
    del file["Result/CO2_Dry_Air_Mole_Fraction"]
    _put(file, "FullPhysics/XCO2", _single(s.xgas), unit="ppm", spelling="units")
    _put(file, "Proxy/XCO2", _single(s.xgas + 1.5), unit="ppm", spelling="units")

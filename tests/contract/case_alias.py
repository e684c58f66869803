"""FY-3D GAS and DQ-1 ACDL: made-up deliveries, since no layout is public; only names of files are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from contract.netcdf import Item, store, write_hdf5
from contract.truth import Case, Expected, Truth

FILL = -9999.0


def write_gas(path: Path, truth: Truth) -> Expected:
    """Groups as in Level 1 files of FY-3D, mole fractions, both gases."""
    text = np.datetime_as_string(truth.time.astype("datetime64[ms]"), unit="ms").astype("S")
    expected: Expected = {
        **truth.place(),
        "xco2": truth.column("xco2"),
        "xch4": truth.column("xch4"),
        "xco2_uncertainty": truth.uncertainty("xco2"),
        "solar_zenith_angle": truth.solar_zenith_angle,
        "surface_pressure": truth.surface_pressure,
    }
    items: list[Item] = [
        ("Geolocation/Latitude", truth.latitude.astype("f4"), (), {"units": "degree"}),
        ("Geolocation/Longitude", truth.longitude.astype("f4"), (), {"units": "degree"}),
        ("Geolocation/ObservationTime", text, (), {}),
        ("Geolocation/SolarZenith", truth.solar_zenith_angle.astype("f4"), (), {"units": "degree"}),
        (
            "Data/XCO2",
            store(expected["xco2"], "f4", FILL),
            (),
            {"units": "ppm", "FillValue": np.float32(FILL)},
        ),
        ("Data/XCH4", store(expected["xch4"] / 1e3, "f8", FILL), (), {"units": "ppm", "FillValue": FILL}),
        ("Data/XCO2_Error", expected["xco2_uncertainty"].astype("f4"), (), {"units": "ppm"}),
        ("Data/Surface_Pressure", (expected["surface_pressure"] * 100).astype("f4"), (), {"units": "Pa"}),
        ("Data/Quality_Flag", expected["quality"].astype("i1"), (), {}),
    ]
    write_hdf5(path, items, {"Satellite Name": "FY-3D", "Sensor Identification Code": "GAS"})
    return expected


def write_lidar(path: Path, truth: Truth) -> Expected:
    """Along the track, by night too: no sun, no corners."""
    milliseconds = (truth.time - np.datetime64("2000-01-01T12:00:00", "ns")) / np.timedelta64(1, "ms")
    expected: Expected = {
        **truth.place(),
        "xco2": truth.column("xco2"),
        "xco2_uncertainty": truth.uncertainty("xco2"),
        "surface_altitude": truth.surface_altitude,
    }
    items: list[Item] = [
        ("Latitude", truth.latitude, (), {}),
        ("Longitude", truth.longitude, (), {}),
        ("J2000MilliSecond", milliseconds, (), {}),
        ("XCO2", store(expected["xco2"], "f8", FILL), (), {"Unit": "ppm", "_FillValue": FILL}),
        ("XCO2_Uncertainty", expected["xco2_uncertainty"], (), {"Unit": "ppm"}),
        ("Surface_Height", expected["surface_altitude"], (), {"Unit": "m"}),
        ("QualityFlag", expected["quality"].astype("u1"), (), {}),
    ]
    write_hdf5(path, items, {"SatelliteID": "DQ-1", "SensorID": "ACDL", "SoftwareVersion": "V1.2"})
    return expected


CASES = [
    Case("fy3d_gas", write_gas, "FY3D_GASXX_ORBT_L2_XCO2_MLT_NUL_20190331_2359_013KM_MS.HDF"),
    Case("dq1_acdl", write_lidar, "DQ1_ACDL_20190331_000123_L20000000123.h5", "1.2"),
]

"""HARP products as HARP 1.16 makes them of four source products; names typed from its documentation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from contract.netcdf import Item, write_netcdf
from contract.truth import Case, Expected, Truth

T, V, C, B = ("time",), ("time", "vertical"), ("time", "independent_4"), ("time", "vertical", "independent_2")
NORTH: dict[str, Any] = {"units": "degree_north", "valid_min": -90.0, "valid_max": 90.0}
EAST: dict[str, Any] = {"units": "degree_east", "valid_min": -180.0, "valid_max": 180.0}


def save(path: Path, items: list[Item], source: str, conventions: str = "HARP-1.0") -> None:
    items = [*items, ("index", np.arange(items[0][1].size, dtype="i4"), T, {})]
    attributes = {
        "Conventions": conventions,
        "source_product": source,
        "history": f"2026-11-25T22:22:20Z [harp-1.16] harpconvert {source} a.nc",
    }
    write_netcdf(path, items, attributes, format="NETCDF3_CLASSIC")


def seconds(truth: Truth, epoch: str) -> np.ndarray:
    return (truth.time - np.datetime64(epoch, "ns")) / np.timedelta64(1, "s")


def place(truth: Truth, kind: str) -> list[Item]:
    corners = (truth.latitude_corner, truth.longitude_corner)
    return [
        ("latitude", truth.latitude.astype(kind), T, NORTH),
        ("longitude", truth.longitude.astype(kind), T, EAST),
        ("latitude_bounds", corners[0].astype(kind), C, NORTH),
        ("longitude_bounds", corners[1].astype(kind), C, EAST),
    ]


def write_oco2(path: Path, truth: Truth) -> Expected:
    """Of OCO-2 Lite: values on levels in double precision, here stored from the top down; 0 is good."""
    name = "CO2_column_volume_mixing_ratio_dry_air"
    expected = {
        **truth.place(),
        "latitude_corner": truth.latitude_corner,
        "longitude_corner": truth.longitude_corner,
        "xco2": truth.column("xco2"),
        "xco2_uncertainty": truth.uncertainty("xco2"),
        "xco2_prior": truth.column("xco2") * 0.99,
        "co2_prior_profile": truth.profile("xco2", 20),
        "xco2_averaging_kernel": truth.kernel("xco2", 20),
        "pressure_level": truth.level_pressure(20),
        "surface_pressure": truth.surface_pressure,
        "surface_altitude": truth.surface_altitude,
        "solar_zenith_angle": truth.solar_zenith_angle,
        "sensor_zenith_angle": truth.sensor_zenith_angle,
        "index": np.arange(truth.count, dtype=float),
    }
    top_first = {n: expected[n][:, ::-1] for n in expected if expected[n].ndim == 2}
    ppm: dict[str, Any] = {"units": "ppmv"}
    items: list[Item] = [
        ("datetime", seconds(truth, "1970-01-01"), T, {"units": "seconds since 1970-01-01"}),
        *place(truth, "f8"),
        (
            name,
            expected["xco2"],
            T,
            {**ppm, "description": "Column-averaged dry-air mole fraction of CO2 (includes bias correction)"},
        ),
        (f"{name}_uncertainty", expected["xco2_uncertainty"], T, ppm),
        (f"{name}_apriori", expected["xco2_prior"], T, ppm),
        (
            "CO2_column_volume_mixing_ratio_dry_avk",
            top_first["xco2_averaging_kernel"],
            V,
            {"units": "ppmv/ppmv"},
        ),
        ("CO2_volume_mixing_ratio_dry_air_apriori", top_first["co2_prior_profile"], V, ppm),
        ("pressure", top_first["pressure_level"], V, {"units": "hPa"}),
        ("surface_pressure", truth.surface_pressure, T, {"units": "hPa"}),
        ("surface_altitude", truth.surface_altitude, T, {"units": "m"}),
        ("solar_zenith_angle", truth.solar_zenith_angle, T, {"units": "degree"}),
        ("sensor_zenith_angle", truth.sensor_zenith_angle, T, {"units": "degree"}),
        ("validity", truth.quality().astype("i1"), T, {"description": "XCO2 quality flag"}),
    ]
    save(path, items, "oco2_LtCO2_190331_B11100Ar_230524004412s.nc4")
    return expected


def write_tropomi(path: Path, truth: Truth) -> Expected:
    """Of TROPOMI CH4: start of the measurement, layers with two bounds, partial columns, qa from 0 to 100."""
    name, size = "CH4_column_volume_mixing_ratio_dry_air", 12
    edges = truth.edge_pressure(size, top=0.1)
    dry = np.random.default_rng(5).uniform(20000.0, 30000.0, (truth.count, size)).astype("f4")
    profile = truth.profile("xch4", size)
    partial = (dry * profile * 1e-9).astype("f4")
    quality = np.where(truth.good, 100, 40).astype("i1")
    quality[0] = 50  # the least that counts as good
    quality[7] = -1
    expected = {
        **truth.place(),
        "latitude_corner": truth.latitude_corner,
        "longitude_corner": truth.longitude_corner,
        "xch4": truth.column("xch4"),
        "xch4_uncertainty": truth.uncertainty("xch4"),
        "xch4_prior": (dry * profile).sum(axis=1, dtype=float) / dry.sum(axis=1, dtype=float),
        "ch4_prior_profile": profile,
        "xch4_averaging_kernel": truth.kernel("xch4", size),
        "pressure_edge": edges,
        "pressure_weight": dry / dry.sum(axis=1, keepdims=True, dtype=float),
        "surface_pressure": truth.surface_pressure,
        "wind_u": truth.wind_u,
        "wind_v": truth.wind_v,
        "orbit_index": np.full(truth.count, 7569.0),
    }
    ppb: dict[str, Any] = {"units": "ppbv"}
    words = "continuous quality descriptor, varying between 0 (no data) and 100 (full quality data)"
    items: list[Item] = [
        ("datetime_start", seconds(truth, "2010-01-01"), T, {"units": "seconds since 2010-01-01"}),
        ("datetime_length", np.float64(0.84), (), {"units": "s"}),
        ("orbit_index", np.int32(7569), (), {}),
        ("validity", np.full(truth.count, 6, "i4"), T, {"description": "processing quality flag"}),
        *place(truth, "f4"),
        ("sensor_latitude", np.full(truth.count, 1.0, "f4"), T, NORTH),
        ("sensor_longitude", np.full(truth.count, 2.0, "f4"), T, EAST),
        (
            "pressure_bounds",
            np.stack([edges[:, :-1], edges[:, 1:]], -1).astype("f4") * 100,
            B,
            {"units": "Pa"},
        ),
        ("surface_pressure", truth.surface_pressure.astype("f4") * 100, T, {"units": "Pa"}),
        ("surface_zonal_wind_velocity", truth.wind_u.astype("f4"), T, {"units": "m/s"}),
        ("surface_meridional_wind_velocity", truth.wind_v.astype("f4"), T, {"units": "m/s"}),
        (name, expected["xch4"].astype("f4"), T, ppb),
        (f"{name}_uncertainty", expected["xch4_uncertainty"].astype("f4"), T, ppb),
        (f"{name}_validity", quality, T, {"description": words}),
        ("CH4_column_number_density_avk", expected["xch4_averaging_kernel"].astype("f4"), V, {"units": ""}),
        ("CH4_column_number_density_apriori", partial, V, {"units": "mol/m2"}),
        ("dry_air_column_number_density", dry, V, {"units": "mol/m2"}),
    ]
    save(
        path, items, "S5P_RPRO_L2__CH4____20190331T230000_20190401T003000_07569_03_020400_20221110T000000.nc"
    )
    return expected


def write_no2(path: Path, truth: Truth) -> Expected:
    """A tropospheric column in molecules, bounds that run against the layers, a limit on the longitude."""
    name, size = "tropospheric_NO2_column_number_density", 6
    edges = truth.edge_pressure(size)
    quality = np.where(truth.good, 75, 74).astype("i1")
    place_of = place(truth, "f8")
    longitude = truth.longitude.copy()
    longitude[9] = 200.0  # beyond valid_max: no position
    place_of[1] = ("longitude", longitude, T, EAST)
    expected = {
        **truth.place(),
        "longitude": np.where(longitude > 180, np.nan, longitude),
        "no2": truth.column("no2"),
        "no2_uncertainty": truth.uncertainty("no2"),
        "no2_averaging_kernel": truth.kernel("no2", size),
        "pressure_edge": edges,
    }
    avogadro = 6.02214076e23
    words = "continuous quality descriptor, varying between 0 (no data) and 100 (full quality data)"
    molecules: dict[str, Any] = {"units": "molec/cm^2"}
    items: list[Item] = [
        ("datetime", seconds(truth, "2000-01-01") / 86400.0, T, {"units": "days since 2000-01-01"}),
        *place_of,
        (name, expected["no2"] * avogadro / 1e4, T, molecules),
        (f"{name}_uncertainty", expected["no2_uncertainty"] * avogadro / 1e4, T, molecules),
        (f"{name}_validity", quality, T, {"description": words}),
        (f"{name}_avk", expected["no2_averaging_kernel"], V, {"units": ""}),
        ("pressure_bounds", np.stack([edges[:, 1:], edges[:, :-1]], -1), B, {"units": "hPa"}),
    ]
    save(path, items, "S5P_RPRO_L2__NO2____20190331T230000.nc", conventions="CF-1.7 HARP-1.0")
    return expected


def write_tccon(path: Path, truth: Truth) -> Expected:
    """Of a TCCON file in GEOMS: one place for all, no validity: which soundings are good is unknown."""
    truth = replace(
        truth,
        latitude=np.full(truth.count, np.float32(39.8), dtype=float),
        longitude=np.full(truth.count, np.float32(116.96), dtype=float),
    )
    expected = {
        **truth.place(),
        "quality": np.full(truth.count, 255, "u1"),
        "xco": truth.column("xco"),
        "xco_uncertainty": truth.uncertainty("xco"),
        "xco_averaging_kernel": truth.kernel("xco", 8),
        "pressure_level": truth.level_pressure(8),
        "altitude_level": np.repeat(np.linspace(100.0, 60000.0, 8)[None], truth.count, axis=0),
    }
    name = "CO_column_volume_mixing_ratio_dry_air"
    items: list[Item] = [
        ("datetime", seconds(truth, "2000-01-01") / 86400.0, T, {"units": "days since 2000-01-01"}),
        ("sensor_latitude", np.float32(39.8), (), {"units": "degree_north"}),
        ("sensor_longitude", np.float32(116.96), (), {"units": "degree_east"}),
        (name, expected["xco"].astype("f4"), T, {"units": "ppbv"}),
        (f"{name}_uncertainty", expected["xco_uncertainty"].astype("f4"), T, {"units": "ppbv"}),
        ("CO_column_number_density_avk", expected["xco_averaging_kernel"].astype("f4"), V, {"units": ""}),
        ("pressure", expected["pressure_level"].astype("f4"), V, {"units": "hPa"}),
        ("altitude", np.linspace(0.1, 60.0, 8).astype("f4"), ("vertical",), {"units": "km"}),
    ]
    save(path, items, "groundbased_ftir.tccon_xianghe.hdf")
    return expected


CASES = [
    Case("harp", write_oco2, "oco2.nc", "1.0", note="oco2"),
    Case("harp", write_tropomi, "tropomi.nc", "1.0", note="tropomi"),
    Case("harp", write_no2, "no2.nc", "1.0", note="no2", time_tolerance=2e-3),
    Case("harp", write_tccon, "tccon.nc", "1.0", note="tccon", time_tolerance=2e-3),
]

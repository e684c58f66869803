"""Soundings that others cut or averaged: JPL CO2-VSDE subsets, OpenGHG column files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from contract.netcdf import Item, store, write_netcdf
from contract.truth import Case, Expected, Truth

LEVELS = 20


def write_vsde(path: Path, truth: Truth) -> Expected:
    """As version 9: flat, no coordinates, time as text to the second, metres called km, ``invalid_value``."""
    truth = replace(truth, good=np.ones(truth.count, dtype=bool))
    n, fill = ("points_dimension",), -999999.0
    expected = {
        **truth.place(),
        "xco2": truth.column("xco2"),
        "surface_altitude": truth.surface_altitude,
        "surface": truth.surface(),
        "aerosol_optical_depth": np.linspace(0.01, 0.4, truth.count),
        "wind_speed": np.full(truth.count, np.nan),
    }
    expected["time"] = truth.time.astype("datetime64[s]")
    digits = [str(time).translate({ord(c): None for c in "-T:"}) for time in expected["time"]]
    own = {"invalid_value": np.array([fill])}
    items: list[Item] = [
        ("lon", truth.longitude, n, {"units": "degrees east"}),
        ("lat", truth.latitude, n, {"units": "degrees north"}),
        ("time", np.array(digits, dtype=object), n, {"format": "YYYYMMDDHHMMSS"}),
        ("alt", truth.surface_altitude, n, {"units": "km"}),
        ("xco2", store(expected["xco2"], "f4", fill), n, {**own, "units": "ppm"}),
        ("xco2_weak_idp", np.full(truth.count, 400.0, "f4"), n, {**own, "units": "ppm"}),
        (
            "aod_total",
            store(expected["aerosol_optical_depth"], "f4"),
            n,
            {**own, "units": "dimensionless"},
        ),
        ("land_water_indicator", truth.surface().astype("i1"), n, {**own, "units": "none"}),
        ("windspeed", np.full(truth.count, np.nan, "f4"), n, {**own, "units": "m/s"}),
    ]
    attributes = {
        "title": "OCO2LtCO2v9 - Level 2 Subsetted Product",
        "source_dataset_version": "OCO-2 Level 2 LtCO2 v9",
        "xco2_quality_flag": "0",
        "calendar": "365",
    }
    write_netcdf(path, items, attributes)
    return expected


def openghg(column: str) -> Callable[[Path, Truth], Expected]:
    """Make the writer of the averages of a gas: CH4 surface first and filtered, CO2 from the top and not."""

    def write(path: Path, truth: Truth) -> Expected:
        filtered = column == "xch4"
        gas, unit = column[1:], "1e-9" if filtered else "ppm"
        expected = {
            **truth.place(),
            "quality": np.full(truth.count, 0 if filtered else 255, np.uint8),
            column: truth.column(column),
            f"{column}_uncertainty": truth.uncertainty(column),
            f"{column}_averaging_kernel": truth.kernel(column, LEVELS),
            f"{gas}_prior_profile": truth.profile(column, LEVELS),
            "pressure_level": truth.level_pressure(LEVELS),
            "pressure_weight": truth.level_weight(LEVELS),
        }
        order = slice(None) if filtered else slice(None, None, -1)
        n, z, fill = ("time",), ("time", "lev"), {"_FillValue": np.nan}
        epoch = (truth.time - np.datetime64("2019-03-31", "ns")) / np.timedelta64(1, "s")
        items: list[Item] = [
            ("time", epoch, n, {**fill, "units": "seconds since 2019-03-31"}),
            ("lev", np.arange(LEVELS, dtype="i2"), z[1:], {}),
            ("lat", truth.latitude, n, {**fill, "units": "degrees"}),
            ("lon", truth.longitude, n, {**fill, "units": "degrees"}),
            (column, expected[column], n, {**fill, "units": unit}),
            (f"{column}_uncertainty", expected[f"{column}_uncertainty"], n, {**fill, "units": unit}),
            (
                f"{column}_averaging_kernel",
                expected[f"{column}_averaging_kernel"][:, order],
                z,
                {**fill, "units": "unitless"},
            ),
            (
                f"{gas}_profile_apriori",
                expected[f"{gas}_prior_profile"][:, order],
                z,
                {**fill, "units": unit},
            ),
            ("pressure_levels", expected["pressure_level"][:, order], z, {**fill, "units": "hPa"}),
            ("pressure_weights", expected["pressure_weight"][:, order], z, {**fill, "units": "none"}),
        ]
        attributes = {"bins": "Original data has been binned in ... bins of [0.234, 0.352] degrees."}
        if filtered:
            attributes |= {
                "platform": "GOSAT",
                "product_version": "v7.2",
                "quality_filter": "... using xch4_quality_flag variable to include only flag = 0 (good).",
            }
        else:
            attributes |= {
                "Platform": "OCO-2",
                "gesdisc_collection": "11.2r",
                "title": "OCO-2 L2FP Lite Output",
            }
        write_netcdf(path, items, attributes)
        return expected

    return write


CASES = [
    Case("oco2_vsde", write_vsde, "OCO2LtCO2v9_L2_20190331_000000_20190401_235959.nc", "9", time_tolerance=0),
    Case(
        "openghg_column",
        openghg("xco2"),
        "oco2-spectrometer_oco2_20190331-336_co2-column.nc",
        "11.2",
        note="co2",
    ),
    Case("openghg_column", openghg("xch4"), "gosat-fts_gosat_20190331_ch4-column.nc", "7.2", note="ch4"),
]

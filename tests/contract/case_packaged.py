"""Layouts that the simulator writes too: OCO-2 and OCO-3 Lite, ACOS Lite, NIES GOSAT, GMI."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from contract.truth import Case, Expected, Truth
from yaotan.simulate.layout import (
    Retrieval,
    write_acos_lite,
    write_gmi,
    write_nies_gosat,
    write_oco2_lite,
)


def make_retrieval(truth: Truth, column: str, size: int | None, **more: Any) -> Retrieval:
    """Hand the truth to the simulator's writers."""
    profiles: dict[str, Any] = {}
    if size is not None:
        profiles = {"kernel": truth.kernel(column, size), "prior_profile": truth.profile(column, size)}
    return Retrieval.make(
        truth.count,
        gas=column[1:],
        time=truth.time,
        latitude=truth.latitude,
        longitude=truth.longitude,
        corner_latitude=truth.latitude_corner,
        corner_longitude=truth.longitude_corner,
        xgas=truth.column(column),
        uncertainty=truth.uncertainty(column),
        quality=truth.quality().astype(int),
        surface=truth.surface().astype(int),
        mode=np.where(truth.glint, 1, 0),
        solar_zenith=truth.solar_zenith_angle,
        sensor_zenith=truth.sensor_zenith_angle,
        surface_pressure=truth.surface_pressure,
        altitude=truth.surface_altitude,
        wind_u=truth.wind_u,
        wind_v=truth.wind_v,
        **profiles,
        **more,
    )


def _common(truth: Truth, column: str, size: int | None) -> Expected:
    expected = {
        **truth.place(),
        column: truth.column(column),
        f"{column}_uncertainty": truth.uncertainty(column),
        "solar_zenith_angle": truth.solar_zenith_angle,
        "sensor_zenith_angle": truth.sensor_zenith_angle,
        "surface_pressure": truth.surface_pressure,
    }
    if size is not None:
        expected[f"{column}_averaging_kernel"] = truth.kernel(column, size)
        expected[f"{column[1:]}_prior_profile"] = truth.profile(column, size)
    return expected


def lite(version: str, platform: str) -> Callable[[Path, Truth], Expected]:
    """Make the writer of an OCO Lite version: 20 levels, TOA first, missing_value only."""

    def write(path: Path, truth: Truth) -> Expected:
        write_oco2_lite(path, make_retrieval(truth, "xco2", 20), version=version, platform=platform)
        return {
            **_common(truth, "xco2", 20),
            "latitude_corner": truth.latitude_corner,
            "longitude_corner": truth.longitude_corner,
            "surface": truth.surface(),
            "mode": np.where(truth.glint, 1, 0).astype(np.uint8),
            "surface_altitude": truth.surface_altitude,
            "wind_u": truth.wind_u,
            "wind_v": truth.wind_v,
        }

    return write


def write_acos(path: Path, truth: Truth) -> Expected:
    """ACOS: no corners, no mode; sea is seen in glint only."""
    write_acos_lite(path, make_retrieval(truth, "xco2", 20))
    return {
        **_common(truth, "xco2", 20),
        "surface": truth.surface(),
        "mode": np.where(truth.glint, 1, 0).astype(np.uint8),
        "surface_altitude": truth.surface_altitude,
    }


def nies(column: str, version: str) -> Callable[[Path, Truth], Expected]:
    """Make the writer of a NIES edition; from V02.97 on with the bias-corrected column."""

    def write(path: Path, truth: Truth) -> Expected:
        raw = truth.column(column) + 1.5
        write_nies_gosat(
            path, make_retrieval(truth, column, 15, xgas_raw=raw), gas=column[1:], version=version
        )
        expected = _common(truth, column, 15)
        if version < "V02.97":
            expected[column] = raw
            del expected[f"{column}_uncertainty"]  # made of three terms there: tests/test_io_gosat.py
        expected["surface"] = truth.surface()
        expected["mode"] = np.where(truth.glint, 1, 0).astype(np.uint8)
        return expected

    return write


def gmi(layout: str) -> Callable[[Path, Truth], Expected]:
    """Make the writer of a delivery without public layout."""

    def write(path: Path, truth: Truth) -> Expected:
        write_gmi(path, make_retrieval(truth, "xco2", None), layout=layout)
        return _common(truth, "xco2", None)

    return write


CASES = [
    Case("oco2_lite", lite("9", "oco2"), "oco2_LtCO2_190331_B9003r_190929105747s.nc4", "9", note="v9"),
    Case(
        "oco2_lite",
        lite("11.2", "oco2"),
        "oco2_LtCO2_190331_B11210Ar_240820000231s.nc4",
        "11.2",
        note="v11.2",
    ),
    Case("oco3_lite", lite("10", "oco3"), "oco3_LtCO2_190331_B10400Br_220607224712s.nc4", "10.4"),
    Case("acos_lite", write_acos, "acos_LtCO2_190331_v205205_B9213A_200310212449s.nc4", "9"),
    Case("nies_gosat_co2", nies("xco2", "V02.80"), "GOSATTFTS20190331_02C01SV0280R190331GU000.h5", "02.80"),
    Case(
        "nies_gosat_co2",
        nies("xco2", "V02.97"),
        "GOSATTFTS20190331_02C01SV0297R190331GU000.h5",
        "02.97",
        note="corrected",
    ),
    Case("nies_gosat_ch4", nies("xch4", "V02.95"), "GOSATTFTS20190331_02C02SV0295R190331GU000.h5", "02.95"),
    Case("gf5b_gmi", gmi("flat"), "GF5B_GMI_N26.89_E113.27_20190331_004844_L20000004844.h5", note="flat"),
    Case(
        "gf5b_gmi", gmi("grouped"), "GF5B_GMI_N26.89_E113.27_20190331_004845_L20000004845.h5", note="grouped"
    ),
]

"""University of Leicester layouts (ESA-CCI, C3S): flat, one day a file, values of -9999.99 for missing.

Names, units and dimensions of OCPR: headers of real v7.2 files. OCFP: the variable list of v7.0 XCO2 at the
ESA CCI open data portal. TanSat: said to be that of OCFP.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from contract.netcdf import Item, store, write_netcdf
from contract.truth import Case, Expected, Truth

FILL = -9999.99
LEVELS = 20
UNITS = {"xch4": "1e-9", "xco2": "1e-6"}


def reorder(expected: Expected) -> Expected:
    """Put rows as these files have them: they run forth, jump back, and run forth again."""
    order = np.roll(np.arange(expected["time"].size), 5)
    return {name: values[order] for name, values in expected.items()}


def seconds(expected: Expected) -> Any:
    """Seconds since 1970."""
    return expected["time"].astype("datetime64[ms]").astype(np.int64) / 1000.0


def uol_values(truth: Truth, column: str) -> Expected:
    """What every University of Leicester file must give."""
    return {
        **truth.place(),
        column: truth.column(column),
        f"{column}_raw": truth.column(column) + 8.0,
        f"{column}_uncertainty": truth.uncertainty(column),
        "solar_zenith_angle": truth.solar_zenith_angle,
        "sensor_zenith_angle": truth.sensor_zenith_angle,
        "surface_pressure": truth.surface_pressure,
        "surface_altitude": truth.surface_altitude,
        "pressure_level": truth.level_pressure(LEVELS),
        "pressure_weight": truth.level_weight(LEVELS),
        f"{column}_averaging_kernel": truth.kernel(column, LEVELS),
        f"{column[1:]}_prior_profile": truth.profile(column, LEVELS),
    }


def uol_items(expected: Expected, column: str, raw: str, dims: tuple[str, str, str]) -> list[Item]:
    """The datasets that all of them have; `dims` are those of soundings, values of profiles, pressures."""
    n, profile, unit = (dims[0],), (dims[0], dims[1]), {"units": UNITS[column]}
    pressures = expected["pressure_edge"] if "pressure_edge" in expected else expected["pressure_level"]
    single = [
        (column, column, unit),
        (raw, f"{column}_raw", unit),
        (f"{column}_uncertainty", f"{column}_uncertainty", unit),
        ("solar_zenith_angle", "solar_zenith_angle", {"units": "degree"}),
        ("sensor_zenith_angle", "sensor_zenith_angle", {"units": "degree"}),
        ("surface_air_pressure_apriori", "surface_pressure", {"units": "hPa"}),
        ("surface_altitude", "surface_altitude", {"units": "m"}),
    ]
    profiles = [
        (f"{column}_averaging_kernel", f"{column}_averaging_kernel", {"units": "1"}),
        (f"{column[1:]}_profile_apriori", f"{column[1:]}_prior_profile", unit),
        ("pressure_weight", "pressure_weight", {"units": "1"}),
    ]
    return [
        ("time", seconds(expected), n, {"units": "seconds since 1970-01-01 00:00:00"}),
        ("latitude", expected["latitude"].astype("f4"), n, {"units": "degrees_north"}),
        ("longitude", expected["longitude"].astype("f4"), n, {"units": "degrees_east"}),
        (f"{column}_quality_flag", expected["quality"].astype("i1"), n, {"units": "1"}),
        ("pressure_levels", store(pressures, "f4", FILL), (dims[0], dims[2]), {"units": "hPa"}),
        *((path, store(expected[name], "f4", FILL), n, own) for path, name, own in single),
        *((path, store(expected[name], "f4", FILL), profile, own) for path, name, own in profiles),
    ]


def ocpr(
    dims: tuple[str, str, str], attributes: dict[str, str], *, layers: bool = False
) -> Callable[[Path, Truth], Expected]:
    """Make the writer of the proxy product, one pressure missing in row 2."""

    def write(path: Path, truth: Truth) -> Expected:
        expected = uol_values(truth, "xch4") | {"surface": truth.surface(), "mode": truth.surface()}
        expected["model_xco2"] = np.full(truth.count, 402.0)
        expected["xco2_raw"] = np.full(truth.count, 400.0)
        if layers:
            expected["pressure_edge"] = truth.edge_pressure(LEVELS, top=0.1)
            del expected["pressure_level"]
        expected = reorder(expected)
        pressures = expected["pressure_edge" if layers else "pressure_level"]
        pressures[2, 12] = np.nan
        n = (dims[0],)
        items = uol_items(expected, "xch4", "raw_xch4", dims)
        items += [
            ("raw_xco2", expected["xco2_raw"].astype("f4"), n, {"units": "1e-6"}),
            ("model_xco2", expected["model_xco2"].astype("f4"), n, {"units": "1e-6"}),
            ("retr_flag", expected["surface"].astype("i1"), n, {"units": "1"}),  # 0 land, 1 glint
            ("gain", np.zeros(truth.count, "i1"), n, {"units": "1"}),
        ]
        write_netcdf(path, items, attributes, format="NETCDF4_CLASSIC")
        return expected

    return write


def ocfp(
    column: str, attributes: dict[str, str], *, flag: str = "retr_flag"
) -> Callable[[Path, Truth], Expected]:
    """Make the writer of a full-physics file of one gas."""

    def write(path: Path, truth: Truth) -> Expected:
        expected = uol_values(truth, column) | {"surface": truth.surface(), "mode": truth.surface()}
        expected["aerosol_optical_depth"] = np.linspace(0.02, 0.3, truth.count)
        expected = reorder(expected)
        items = uol_items(expected, column, f"{column}_no_bias_correction", ("n", "m", "m"))
        items += [
            (flag, expected["surface"].astype("i1"), ("n",), {"units": "1"}),
            ("total_aod", expected["aerosol_optical_depth"].astype("f4"), ("n",), {"units": "1"}),
        ]
        write_netcdf(path, items, attributes, format="NETCDF4_CLASSIC")
        return expected

    return write


def _cci(name: str, version: str, platform: str, sensor: str) -> dict[str, str]:
    return {"id": name, "product_version": version, "platform": platform, "sensor": sensor}


OCPR_CCI = "ESACCI-GHG-L2-CH4-GOSAT-OCPR-20190331-fv7.2.nc"
OCPR_C3S = "20190331-C3S-L2_GHG-GHG_PRODUCTS-TANSO-GOSAT-OCPR-DAILY-v7.3.nc"
OCFP_CO2 = "ESACCI-GHG-L2-CO2-GOSAT-OCFP-20190331-fv1.nc"
OCFP_CH4 = "20190331-C3S-L2_GHG-GHG_PRODUCTS-TANSO-GOSAT-OCFP-DAILY-v7.2.nc"
FLAT, NAMED = ("n", "m", "m"), ("sounding_dim", "layer_dim", "level_dim")

CASES = [
    Case("cci_gosat_ocpr", ocpr(FLAT, _cci(OCPR_CCI, "v7.2", "GOSAT", "TANSO-FTS")), OCPR_CCI, "7.2"),
    Case(
        "cci_gosat_ocpr",
        ocpr(NAMED, {"platform": "GOSAT", "sensor": "TANSO-FTS"}, layers=True),
        OCPR_C3S,
        "7.3",
        note="C3S",
    ),
    Case(
        "cci_gosat_ocfp",
        ocfp("xco2", _cci(OCFP_CO2, "v7.0", "GOSAT", "TANSO-FTS")),
        OCFP_CO2,
        "7.0",
        note="CO2",
    ),
    Case(
        "cci_gosat_ocfp",
        ocfp("xch4", _cci(OCFP_CH4, "v7.2", "GOSAT", "TANSO-FTS")),
        OCFP_CH4,
        "7.2",
        note="CH4",
    ),
]

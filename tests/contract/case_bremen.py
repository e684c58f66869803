"""University of Bremen layouts: WFMD of TROPOMI and SCIAMACHY, BESD, and the EMMA ensemble.

TROPOMI WFMD: header of ESACCI-GHG-L2-CH4-CO-TROPOMI-WFMD-20171110-fv2.nc. SCIAMACHY WFMD and EMMA: variable
lists of the ESA CCI data stores. BESD: names in a public reader. Order of SCIAMACHY's corners: HARP (ABCD to
BDCA).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from contract.netcdf import Item, store, write_netcdf
from contract.truth import Case, Expected, Truth

N, LAYER, LEVEL, CORNER = "sounding_dim", "layer_dim", "level_dim", "corners_dim"
UNITS = {"xch4": "1e-9", "xco": "1e-9", "xco2": "1e-6"}
#: a ring of corners as SCIAMACHY files have it: reading places 1, 3, 2, 0 goes round the pixel
ZIGZAG = [3, 0, 2, 1]


def gas_values(truth: Truth, column: str, size: int) -> Expected:
    """Column, error, kernel and prior of one gas."""
    return {
        column: truth.column(column),
        f"{column}_uncertainty": truth.uncertainty(column),
        f"{column}_averaging_kernel": truth.kernel(column, size),
        f"{column[1:]}_prior_profile": truth.profile(column, size),
    }


def gas_items(expected: Expected, column: str, flag: Any) -> list[Item]:
    """The same as stored."""
    own, gas = {"units": UNITS[column]}, column[1:]
    kernel, prior = f"{column}_averaging_kernel", f"{gas}_prior_profile"
    return [
        (column, store(expected[column], "f4", -999.0), (N,), own),
        (f"{column}_uncertainty", store(expected[f"{column}_uncertainty"], "f4"), (N,), own),
        (f"{column}_quality_flag", flag.astype("i4"), (N,), {}),
        (f"{gas}_profile_apriori", store(expected[prior], "f4"), (N, LAYER), own),
        (kernel, store(expected[kernel], "f4"), (N, LAYER), {"units": "1"}),
    ]


def layer_values(truth: Truth, size: int) -> Expected:
    """Layers of equal weight from the surface up, and where they were seen from."""
    return {
        **truth.place(),
        "pressure_edge": truth.edge_pressure(size, top=0.1),
        "pressure_weight": np.full((truth.count, size), 1.0 / size),
        "solar_zenith_angle": truth.solar_zenith_angle,
        "sensor_zenith_angle": truth.sensor_zenith_angle,
    }


def layer_items(expected: Expected, *, down: bool = False) -> list[Item]:
    """The same as stored; `down`: from the top of the atmosphere."""
    seconds = expected["time"].astype("datetime64[ms]").astype(np.int64) / 1000.0
    turn = slice(None, None, -1) if down else slice(None)
    return [
        ("time", seconds, (N,), {"units": "seconds since 1970-01-01 00:00:00"}),
        ("latitude", expected["latitude"].astype("f4"), (N,), {"units": "degree_north"}),
        ("longitude", expected["longitude"].astype("f4"), (N,), {"units": "degree_east"}),
        ("solar_zenith_angle", expected["solar_zenith_angle"].astype("f4"), (N,), {"units": "degree"}),
        ("sensor_zenith_angle", expected["sensor_zenith_angle"].astype("f4"), (N,), {"units": "degree"}),
        ("pressure_levels", expected["pressure_edge"][:, turn].astype("f4"), (N, LEVEL), {"units": "hPa"}),
        ("pressure_weight", expected["pressure_weight"].astype("f4"), (N, LAYER), {"units": "1"}),
    ]


def corner_items(truth: Truth, order: list[int]) -> list[Item]:
    """Corners in the product's own order."""
    return [
        (
            "latitude_corners",
            truth.latitude_corner[:, order].astype("f4"),
            (N, CORNER),
            {"units": "degree_north"},
        ),
        (
            "longitude_corners",
            truth.longitude_corner[:, order].astype("f4"),
            (N, CORNER),
            {"units": "degree_east"},
        ),
    ]


def corner_values(truth: Truth) -> Expected:
    """Corners as they must come out: round the pixel."""
    return {"latitude_corner": truth.latitude_corner, "longitude_corner": truth.longitude_corner}


def write_tropomi(path: Path, truth: Truth) -> Expected:
    """Two gases with a flag each: methane is bad in rows 1 and 7, carbon monoxide in rows 2 and 7."""
    size = 20
    expected = layer_values(truth, size) | corner_values(truth)
    expected |= gas_values(truth, "xch4", size) | gas_values(truth, "xco", size)
    expected |= {
        "surface": truth.surface(),
        "surface_altitude": truth.surface_altitude,
        "surface_pressure": expected["pressure_edge"][:, 0],
    }
    methane, monoxide = np.zeros((2, truth.count))
    methane[[1, 7]], monoxide[[2, 7]] = 1, 1
    items = layer_items(expected) + corner_items(truth, [0, 1, 2, 3])
    items += gas_items(expected, "xch4", methane) + gas_items(expected, "xco", monoxide)
    for column, flag in (("xch4", methane), ("xco", monoxide)):
        expected[f"{column}_unscreened"] = expected[column]
        expected[column] = np.where(flag == 0, expected[column], np.nan)
    expected["quality"] = np.where((methane == 1) & (monoxide == 1), 1, 0).astype(np.uint8)
    items += [
        ("altitude", truth.surface_altitude.astype("f4"), (N,), {"units": "m"}),
        ("land_fraction", np.where(truth.land, 100, 0).astype("i4"), (N,), {"units": "1e-2"}),
        ("scanline", np.arange(truth.count, dtype="i4"), (N,), {"units": "1"}),
        ("cloud_parameter", np.full(truth.count, 0.01, "f4"), (N,), {"units": "1"}),
    ]
    attributes = {
        "id": TROPOMI,
        "product_version": "v1.5",
        "platform": "Sentinel-5 Precursor",
        "sensor": "TROPOMI",
    }
    write_netcdf(path, items, attributes)
    return expected


def sciamachy(
    column: str, name: str, version: str, *, down: bool = False
) -> Callable[[Path, Truth], Expected]:
    """Make the writer of WFMD or BESD; `down`: profiles from the top of the atmosphere."""
    size = 10

    def write(path: Path, truth: Truth) -> Expected:
        expected = layer_values(truth, size) | gas_values(truth, column, size) | corner_values(truth)
        expected["surface_altitude"] = truth.surface_altitude
        turned = dict(expected)
        if down:
            for item in (f"{column}_averaging_kernel", f"{column[1:]}_prior_profile", "pressure_weight"):
                turned[item] = expected[item][:, ::-1]
        items = layer_items(turned, down=down) + corner_items(truth, ZIGZAG)
        items += gas_items(turned, column, truth.quality())
        items += [("altitude", truth.surface_altitude.astype("f4"), (N,), {"units": "m"})]
        attributes = {"id": name, "product_version": version, "sensor": "SCIAMACHY"}
        write_netcdf(path, items, attributes, format="NETCDF4_CLASSIC")
        return expected

    return write


def emma(column: str, name: str, version: str) -> Callable[[Path, Truth], Expected]:
    """Make the writer of the ensemble: netCDF-3, no corners."""
    size = 10

    def write(path: Path, truth: Truth) -> Expected:
        expected = layer_values(truth, size) | gas_values(truth, column, size)
        expected["median_processor_id"] = np.arange(truth.count) % 5.0
        items = layer_items(expected) + gas_items(expected, column, truth.quality())
        items += [("median_processor_id", expected["median_processor_id"].astype("i4"), (N,), {})]
        write_netcdf(path, items, {"id": name, "product_version": version}, format="NETCDF3_CLASSIC")
        return expected

    return write


TROPOMI = "ESACCI-GHG-L2-CH4-CO-TROPOMI-WFMD-20190331-fv2.nc"
BESD = "ESACCI-GHG-L2-CO2-SCIAMACHY-BESD-20090331-fv1.nc"
WFMD_CO2 = "ESACCI-GHG-L2-CO2-SCIAMACHY-WFMD-20090331-fv1.nc"
WFMD_CH4 = "ESACCI-GHG-L2-CH4-SCIAMACHY-WFMD-20090331-fv1.nc"
EMMA_CO2 = "ESACCI-GHG-L2-CO2-EMMA-20100331-fv2.nc"
EMMA_CH4 = "ESACCI-GHG-L2-CH4-EMMA-20100331-fv1.nc"

CASES = [
    Case("cci_tropomi_wfmd", write_tropomi, TROPOMI, "1.5"),
    Case("cci_sciamachy_wfmd", sciamachy("xco2", WFMD_CO2, "v4.0"), WFMD_CO2, "4.0", note="CO2"),
    Case("cci_sciamachy_wfmd", sciamachy("xch4", WFMD_CH4, "v4.0"), WFMD_CH4, "4.0", note="CH4"),
    Case("cci_sciamachy_besd", sciamachy("xco2", BESD, "v02.01.02"), BESD, "02.01.02", note="up"),
    Case(
        "cci_sciamachy_besd", sciamachy("xco2", BESD, "v02.01.02", down=True), BESD, "02.01.02", note="down"
    ),
    Case("cci_emma", emma("xco2", EMMA_CO2, "v2.2"), EMMA_CO2, "2.2", note="CO2"),
    Case("cci_emma", emma("xch4", EMMA_CH4, "v1.2"), EMMA_CH4, "1.2", note="CH4"),
]

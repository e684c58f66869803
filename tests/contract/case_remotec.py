"""SRON RemoTeC layouts (SRFP, SRPR) of GOSAT and GOSAT-2, a file for each gas.

Names, types, dimensions and unit attributes, with their mistakes: the header of
ESACCI-GHG-L2-CO2-GOSAT2-SRFP-20191231-fv2.nc; SRPR: the variable list of v2.3.8.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from contract.netcdf import Item, write_netcdf
from contract.truth import Case, Expected, Truth

LAYERS = 12
N, LAYER, LEVEL = "sounding_dim", "layer_dim", "level_dim"


def remotec_values(truth: Truth, column: str) -> Expected:
    """12 layers from the surface up between 13 pressures, the first of which is the surface pressure."""
    edges = truth.edge_pressure(LAYERS, top=0.1)
    return {
        **truth.place(),
        column: truth.column(column),
        f"{column}_raw": truth.column(column) - 2.0,
        f"{column}_uncertainty": truth.uncertainty(column),
        f"{column}_averaging_kernel": truth.kernel(column, LAYERS),
        f"{column[1:]}_prior_profile": truth.profile(column, LAYERS),
        "pressure_edge": edges,
        "pressure_weight": np.full((truth.count, LAYERS), 1.0 / LAYERS),
        "surface_pressure": edges[:, 0],
        "surface_altitude": truth.surface_altitude,
        "solar_zenith_angle": truth.solar_zenith_angle,
        "sensor_zenith_angle": truth.sensor_zenith_angle,
        "surface": truth.surface(),
        "mode": truth.surface(),  # land is nadir (0), water is glint (1)
    }


def remotec(
    column: str, name: str, version: str, platform: str, unit: str
) -> Callable[[Path, Truth], Expected]:
    """Make the writer of one gas; `unit` is what the attribute says, rightly or not."""

    def write(path: Path, truth: Truth) -> Expected:
        expected = remotec_values(truth, column)
        own, gas = {"units": unit}, column[1:]
        seconds = expected["time"].astype("datetime64[ms]").astype(np.int64) / 1000.0
        table = [
            ("solar_zenith_angle", "solar_zenith_angle", (N,), {"units": "degrees"}),
            ("sensor_zenith_angle", "sensor_zenith_angle", (N,), {"units": "degrees"}),
            ("longitude", "longitude", (N,), {"units": "degrees_east"}),
            ("latitude", "latitude", (N,), {"units": "degrees_north"}),
            ("pressure_levels", "pressure_edge", (N, LEVEL), {"units": "hPa"}),
            ("pressure_weight", "pressure_weight", (N, LAYER), {"units": "1"}),
            (column, column, (N,), own),
            (f"{column}_uncertainty", f"{column}_uncertainty", (N,), own),
            (f"{column}_averaging_kernel", f"{column}_averaging_kernel", (N, LAYER), {"units": "1"}),
            (f"{gas}_profile_apriori", f"{gas}_prior_profile", (N, LAYER), own),
            ("altitude", "surface_altitude", (N,), {"units": "m"}),
            (f"raw_{column}", f"{column}_raw", (N,), own),
        ]
        items: list[Item] = [
            ("time", seconds, (N,), {"units": "seconds since 1970-01-01 00:00:00"}),
            *((path, expected[name].astype("f4"), dims, said) for path, name, dims, said in table),
            (f"{column}_quality_flag", expected["quality"].astype("i4"), (N,), {"units": "1"}),
            ("flag_landtype", expected["surface"].astype("i4"), (N,), {"comment": "0 = no glint, 1 = glint"}),
            ("flag_sunglint", expected["mode"].astype("i4"), (N,), {"comment": "0 = no glint, 1 = glint"}),
        ]
        sensor = "TANSO-FTS2" if platform == "GOSAT2" else "TANSO-FTS"
        attributes = {"id": name, "product_version": version, "platform": platform, "sensor": sensor}
        write_netcdf(path, items, attributes)
        return expected

    return write


def _case(product: str, column: str, name: str, version: str, unit: str, note: str = "") -> Case:
    platform = "GOSAT2" if "gosat2" in product else "GOSAT"
    writer = remotec(column, name, version, platform, unit)
    return Case(product, writer, name, version.strip("v"), note=note)


CASES = [
    _case("cci_gosat_srfp", "xco2", "ESACCI-GHG-L2-CO2-GOSAT-SRFP-20190331-fv1.nc", "v2.3.8", "1e-6", "CO2"),
    _case(
        "cci_gosat_srfp",
        "xch4",
        "20190331-C3S-L2_GHG-GHG_PRODUCTS-TANSO-GOSAT-SRFP-DAILY-v2.3.8.nc",
        "v2.3.8",
        "1e-9",
        "CH4",
    ),
    _case("cci_gosat_srpr", "xch4", "ESACCI-GHG-L2-CH4-GOSAT-SRPR-20190331-fv1.nc", "v2.3.8", "1e-9"),
    _case(
        "cci_gosat2_srfp", "xco2", "ESACCI-GHG-L2-CO2-GOSAT2-SRFP-20190331-fv2.nc", "v2.0.0", "1e-9", "CO2"
    ),
    _case(
        "cci_gosat2_srfp", "xch4", "ESACCI-GHG-L2-CH4-GOSAT2-SRFP-20190331-fv2.nc", "v2.0.0", "1e-9", "CH4"
    ),
    _case("cci_gosat2_srpr", "xch4", "ESACCI-GHG-L2-CH4-GOSAT2-SRPR-20190331-fv2.nc", "v2.0.0", "1e-9"),
]

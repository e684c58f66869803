"""ESA-CCI, C3S and University of Leicester layouts: flat, one day a file, values of -9999.99 for missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from contract.netcdf import Item, store, write_netcdf
from contract.truth import Case, Expected, Truth

FILL = -9999.99


def write_ocpr(path: Path, truth: Truth) -> Expected:
    """As v7.2: netCDF-4 classic model, no _FillValue, time not sorted, one level missing in row 2."""
    order = np.roll(np.arange(truth.count), 5)  # the file runs forth, jumps back, and runs forth again
    expected = {name: values[order] for name, values in _ocpr_values(truth).items()}
    expected["pressure_level"][2, 12] = np.nan
    plain: dict[str, str] = {}
    n, nm = ("n",), ("n", "m")
    epoch = expected["time"].astype("datetime64[ms]").astype(np.int64) / 1000.0
    items: list[Item] = [
        ("time", epoch, n, {"units": "seconds since 1970-01-01 00:00:00"}),
        ("latitude", expected["latitude"].astype("f4"), n, {"units": "degrees_north"}),
        ("longitude", expected["longitude"].astype("f4"), n, {"units": "degrees_east"}),
        ("xch4", store(expected["xch4"], "f4", FILL), n, {"units": "1e-9"}),
        ("raw_xch4", store(expected["xch4"] + 8.0, "f4", FILL), n, {"units": "1e-9"}),
        ("raw_xco2", store(np.full(truth.count, 400.0), "f4"), n, {"units": "1e-6"}),
        ("xch4_uncertainty", store(expected["xch4_uncertainty"], "f4"), n, {"units": "1e-9"}),
        ("xch4_quality_flag", expected["quality"].astype("i1"), n, {"units": "1"}),
        ("retr_flag", expected["surface"].astype("i1"), n, {"units": "1"}),
        ("solar_zenith_angle", store(expected["solar_zenith_angle"], "f4"), n, {"units": "degree"}),
        ("sensor_zenith_angle", store(expected["sensor_zenith_angle"], "f4"), n, {"units": "degree"}),
        ("surface_air_pressure_apriori", store(expected["surface_pressure"], "f4"), n, {"units": "hPa"}),
        ("surface_altitude", store(expected["surface_altitude"], "f4"), n, {"units": "m"}),
        ("pressure_levels", store(expected["pressure_level"], "f4", FILL), nm, {"units": "hPa"}),
        ("pressure_weight", store(expected["pressure_weight"], "f4"), nm, {"units": "1"}),
        ("xch4_averaging_kernel", store(expected["xch4_averaging_kernel"], "f4"), nm, {"units": "1"}),
        ("ch4_profile_apriori", store(expected["ch4_prior_profile"], "f4"), nm, {"units": "1e-9"}),
        ("gain", np.zeros(truth.count, "i1"), n, plain),
    ]
    attributes = {"platform": "GOSAT", "sensor": "TANSO-FTS", "product_version": "v7.2"}
    write_netcdf(path, items, attributes, format="NETCDF4_CLASSIC")
    return expected


def _ocpr_values(truth: Truth) -> Expected:
    return {
        **truth.place(),
        "xch4": truth.column("xch4"),
        "xch4_uncertainty": truth.uncertainty("xch4"),
        "surface": truth.surface(),
        "mode": truth.surface(),  # land is nadir (0), water is glint (1)
        "solar_zenith_angle": truth.solar_zenith_angle,
        "sensor_zenith_angle": truth.sensor_zenith_angle,
        "surface_pressure": truth.surface_pressure,
        "surface_altitude": truth.surface_altitude,
        "pressure_level": truth.level_pressure(20),
        "pressure_weight": truth.level_weight(20),
        "xch4_averaging_kernel": truth.kernel("xch4", 20),
        "ch4_prior_profile": truth.profile("xch4", 20),
    }


CASES = [
    Case("cci_gosat_ocpr", write_ocpr, "ESACCI-GHG-L2-CH4-GOSAT-OCPR-20190331-fv7.2.nc", "7.2"),
]

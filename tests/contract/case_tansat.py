"""TanSat: as ESA CCI file (said to be the layout of GOSAT OCFP) and as IAPCAS lite file.

IAPCAS: the names of a public script that reads them; units and epoch are what a file must state to be read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from contract.case_cci import ocfp
from contract.netcdf import Item, store, write_netcdf
from contract.truth import Case, Expected, Truth

FILL = -9999.0
CCI = "ESACCI-GHG-L2-CO2-TANSAT-OCFP-20170331-fv1.nc"


def write_iapcas(path: Path, truth: Truth) -> Expected:
    """Flat; no quality flag, so that nothing is known of the quality."""
    n = ("n",)
    identifiers = 20170331235950 + np.arange(truth.count, dtype=np.int64)
    expected: Expected = {
        **truth.place(),
        "quality": np.full(truth.count, 255, np.uint8),
        "sounding_id": identifiers.astype(np.uint64),
        "xco2": truth.column("xco2"),
        "xco2_uncertainty": truth.uncertainty("xco2"),
        "xco2_prior": truth.column("xco2") * 0.99,
        "surface_pressure": truth.surface_pressure,
        "prior_surface_pressure": truth.surface_pressure + 1.0,
        "aerosol_optical_depth": np.linspace(0.0, 0.4, truth.count),
        "cloud_optical_depth": np.linspace(0.0, 0.1, truth.count),
        "solar_zenith_angle": truth.solar_zenith_angle,
        "sensor_zenith_angle": truth.sensor_zenith_angle,
    }
    table = [
        ("latitude", "latitude", "degrees_north"),
        ("longitude", "longitude", "degrees_east"),
        ("xco2", "xco2", "ppm"),
        ("xco2_uncertainty", "xco2_uncertainty", "ppm"),
        ("xco2_apriori", "xco2_prior", "ppm"),
        ("surface_pressure", "surface_pressure", "hPa"),
        ("surface_pressure_apriori", "prior_surface_pressure", "hPa"),
        ("aod", "aerosol_optical_depth", "1"),
        ("cod", "cloud_optical_depth", "1"),
        ("solar_zenith_angle", "solar_zenith_angle", "degree"),
        ("sensor_zenith_angle", "sensor_zenith_angle", "degree"),
    ]
    seconds = truth.time.astype("datetime64[ms]").astype(np.int64) / 1000.0
    items: list[Item] = [
        ("sounding_id", identifiers, n, {}),
        ("time", seconds, n, {"units": "seconds since 1970-01-01 00:00:00"}),
    ]
    for name, source, unit in table:
        items.append(
            (name, store(expected[source], "f4", FILL), n, {"units": unit, "_FillValue": np.float32(FILL)})
        )
    write_netcdf(path, items)
    return expected


CASES = [
    Case(
        "cci_tansat_ocfp",
        ocfp("xco2", {"id": CCI, "product_version": "1.0", "platform": "TANSAT", "sensor": "ACGS"}),
        CCI,
        "1.0",
    ),
    Case("tansat_iap", write_iapcas, "TanSat_ACGS_SCI_ND_L2_XCO2_lite_20170331.nc"),
]

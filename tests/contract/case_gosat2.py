"""GOSAT-2 SWIR Level 2 of NIES: full physics (a flag for each gas, 16 pressures of 15 layers) and proxy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from contract.netcdf import Item, store, write_hdf5
from contract.truth import Case, Expected, Truth

FILL = -999.0
LAYERS = 15
#: rows whose flag of one gas alone is bad
BAD_ALONE = {"xco2": [9], "xch4": [5, 11], "xco": [5, 13]}


def flag_of(truth: Truth, name: str) -> np.ndarray:
    """0 good, 1 bad: the rows that are bad in every gas, and those of this gas."""
    flag = np.where(truth.good, 0, 1)
    flag[BAD_ALONE[name]] = 1
    return flag.astype("i1")


def common(truth: Truth, named: dict[str, str]) -> list[Item]:
    """Place, time and metadata."""
    place = "SoundingGeometry/"
    return [
        ("SoundingAttribute/observationTime", [f"{str(t)[:23]}Z".encode() for t in truth.time], (), {}),
        ("SoundingAttribute/soundingUniqueID", [f"u{n:05d}".encode() for n in range(truth.count)], (), {}),
        (place + "latitude", truth.latitude.astype("f4"), (), {}),
        (place + "longitude", truth.longitude.astype("f4"), (), {}),
        (place + "solarZenith", truth.solar_zenith_angle.astype("f4"), (), {}),
        (place + "viewZenith", truth.sensor_zenith_angle.astype("f4"), (), {}),
        (place + "landFraction", np.where(truth.land, 100.0, 0.0).astype("f4"), (), {}),
        *[(f"Metadata/{key}", np.array([text.encode()]), (), {}) for key, text in named.items()],
    ]


def place_of(truth: Truth, gases: tuple[str, ...]) -> Expected:
    """What both products give; a sounding is good when one of its gases is."""
    bad = np.logical_and.reduce([flag_of(truth, name) != 0 for name in gases])
    return {
        **truth.place(),
        "quality": bad.astype(np.uint8),
        "solar_zenith_angle": truth.solar_zenith_angle,
        "sensor_zenith_angle": truth.sensor_zenith_angle,
        "surface": truth.surface(),
    }


def swfp(*, stated: bool) -> Callable[[Path, Truth], Expected]:
    """Make the writer of full physics files: units stated (ppb, hPa), or not (methane and CO in ppm)."""
    scale = {"xco2": 1.0, "xch4": 1.0 if stated else 1e-3, "xco": 1.0 if stated else 1e-3}
    unit = {"xco2": "ppm", "xch4": "ppb", "xco": "ppb"}

    def write(path: Path, truth: Truth) -> Expected:
        expected = {
            **place_of(truth, ("xco2", "xch4", "xco")),
            "pressure_edge": truth.edge_pressure(LAYERS, 0.1),
            "pressure_weight": np.full((truth.count, LAYERS), 1.0 / LAYERS),
            "surface_pressure": truth.surface_pressure,
        }
        group = "RetrievalResult/"
        pressure: dict[str, Any] = {"unit": "hPa"} if stated else {}
        items = common(truth, {"satelliteName": "GOSAT-2", "productVersion": "02.20"})
        items += [
            (group + "pressure_level", expected["pressure_edge"][:, ::-1].astype("f4"), (), pressure),
            (group + "surface_pressure", truth.surface_pressure.astype("f4"), (), pressure),
            (group + "pressure_weighting_function", expected["pressure_weight"].astype("f4"), (), {}),
        ]
        for name in ("xco2", "xch4", "xco"):
            values, flag, gas = truth.column(name), flag_of(truth, name), name[1:]
            own: dict[str, Any] = {"unit": unit[name]} if stated else {}
            profile, kernel = truth.profile(name, LAYERS), truth.kernel(name, LAYERS)
            expected |= {
                name: np.where(flag == 0, values, np.nan),
                f"{name}_raw": values,
                f"{name}_uncertainty": truth.uncertainty(name),
                f"{gas}_prior_profile": profile,
                f"{name}_averaging_kernel": kernel,
            }
            items += [
                (group + name, store(values * scale[name], "f4", FILL), (), own),
                (f"{group}{name}_quality_flag", flag, (), {"unit": "-"} if stated else {}),
                (
                    f"{group}{name}_uncert",
                    store(expected[f"{name}_uncertainty"] * scale[name], "f4"),
                    (),
                    own,
                ),
                (f"{group}{gas}_profile_apriori", store(profile[:, ::-1] * scale[name], "f4"), (), own),
                (f"{group}{name}_column_averaging_kernel", store(kernel[:, ::-1], "f4"), (), {}),
            ]
        write_hdf5(path, items)
        return expected

    return write


def write_swpr(path: Path, truth: Truth) -> Expected:
    """Proxies of the product in ppm without a stated unit, and the columns of the bands."""
    expected = place_of(truth, ("xch4", "xco"))
    items = common(truth, {"satelliteName": "GOSAT-2", "algorithmVersion": "0210"})
    for name in ("xch4", "xco"):
        flag, values = flag_of(truth, name), truth.column(name)
        expected |= {name: np.where(flag == 0, values, np.nan), f"{name}_raw": values}
        group = f"GasColumn_Proxy/{name.upper()}_proxy"
        items += [
            (group, store(values * 1e-3, "f4", FILL), (), {}),
            (f"{group}_quality_flag", flag, (), {}),
        ]
    expected["xco2_b2_1590"] = np.linspace(395.0, 410.0, truth.count)
    expected["xch4_b3_2350"] = np.linspace(1700.0, 1900.0, truth.count)
    items += [
        ("RetrievalResult_B2_1590/XCO2_B2_1590", store(expected["xco2_b2_1590"], "f4"), (), {}),
        ("RetrievalResult_B3_2350/XCH4_B3_2350", store(expected["xch4_b3_2350"] * 1e-3, "f4"), (), {}),
        ("RetrievalResult_B3_2350/XCO_B3_2350", np.full(truth.count, 0.09, "f4"), (), {}),
    ]
    write_hdf5(path, items)
    return expected


CASES = [
    Case(
        "gosat2_swfp", swfp(stated=True), "GOSAT2TFTS220190331_02SWFPV0220000018.h5", "02.20", note="stated"
    ),
    Case(
        "gosat2_swfp", swfp(stated=False), "GOSAT2TFTS220190331_02SWFPV0220000019.h5", "02.20", note="silent"
    ),
    Case("gosat2_swpr", write_swpr, "GOSAT2TFTS220190331_02SWPRV0210010017.h5", "02.10"),
]

"""TROPOMI carbon monoxide and nitrogen dioxide: columns in mol m-2 with kernels on partial columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from contract.netcdf import Item, write_netcdf
from contract.swath import (
    DETAIL,
    FILL,
    INPUT,
    INTEGER_FILL,
    SHAPE,
    place_items,
    qa_item,
    swath_item,
    time_items,
    wind_items,
)
from contract.truth import Case, Expected, Truth

#: heights that the CO kernel is given for: 50 layers of 1 km above the ground
CO_LAYERS, NO2_LAYERS = 50, 34
#: hybrid coefficients of 34 layers, surface first, of which TROPOMI stores lower and upper edge
_SHARE = np.linspace(0.0, 1.0, NO2_LAYERS + 1)
EDGE_A = (2000.0 * np.sin(np.pi * _SHARE) * (_SHARE < 1)).astype("f4").astype(float)  # Pa
EDGE_B = ((1.0 - _SHARE) ** 2).astype("f4").astype(float)


def column_expected(truth: Truth, column: str) -> Expected:
    """What both products give in the same words."""
    return {
        **truth.place(),
        "latitude_corner": truth.latitude_corner,
        "longitude_corner": truth.longitude_corner,
        column: truth.column(column),
        f"{column}_uncertainty": truth.uncertainty(column),
        "surface": truth.surface(),
        "solar_zenith_angle": truth.solar_zenith_angle,
        "sensor_zenith_angle": truth.sensor_zenith_angle,
        "surface_pressure": truth.surface_pressure,
        "surface_altitude": truth.surface_altitude,
    }


def input_items(truth: Truth) -> list[Item]:
    """Surface pressure in Pa, altitude, and classes of land and water."""
    return [
        swath_item(INPUT + "surface_pressure", truth.surface_pressure * 100.0, "Pa"),
        swath_item(INPUT + "surface_altitude", truth.surface_altitude, "m"),
        swath_item(INPUT + "surface_classification", np.where(truth.land, 24, 9), None, (), "u1"),
    ]


def co(processor: str) -> Callable[[Path, Truth], Expected]:
    """Make the writer: before 2.4.0 the kernel is in metres, from 2.2.0 on there is a destriped column."""
    number = tuple(int(part) for part in processor.split("."))

    def write(path: Path, truth: Truth) -> Expected:
        expected = column_expected(truth, "co")
        height = 7.0 + 0.02 * np.arange(truth.count)  # km over which pressure falls by e
        edges = truth.surface_pressure[:, None] * np.exp(-np.arange(CO_LAYERS + 1.0) / height[:, None])
        kernel = truth.kernel("co", CO_LAYERS)
        expected |= {"pressure_edge": edges, "co_averaging_kernel": kernel}
        metres = number < (2, 4)
        stored = kernel[:, ::-1] * (1000.0 if metres else 1.0)
        lower = edges[:, -2::-1] * 100.0  # bottom of each layer, top first
        items = place_items(truth, expected) + [qa_item(truth, bad=40)] + input_items(truth)
        items += time_items(truth, since=True)
        items += [
            swath_item(
                "PRODUCT/carbonmonoxide_total_column_precision", expected["co_uncertainty"], "mol m-2"
            ),
            swath_item(DETAIL + "column_averaging_kernel", stored, "m" if metres else "1", ("layer",)),
            swath_item(DETAIL + "pressure_levels", lower, "Pa", ("layer",)),
        ]
        raw = expected["co"]
        if number >= (2, 2):
            raw = expected["co_raw"] = (expected["co"] + 0.001).astype("f4").astype(float)
            items.append(
                swath_item("PRODUCT/carbonmonoxide_total_column_corrected", expected["co"], "mol m-2")
            )
        items.append(swath_item("PRODUCT/carbonmonoxide_total_column", raw, "mol m-2"))
        write_netcdf(path, items, {"processor_version": processor, "sensor": "TROPOMI"})
        return expected

    return write


def write_no2(path: Path, truth: Truth) -> Expected:
    """As processor 2.4.0: kernel of the total column from the surface up, tropopause by index from 0."""
    expected = column_expected(truth, "no2")
    total = np.linspace(1.8, 2.6, truth.count).astype("f4").astype(float)
    troposphere = np.linspace(0.8, 2.0, truth.count).astype("f4").astype(float)
    tropopause = 8 + np.arange(truth.count) % 12
    kernel = truth.kernel("no2", NO2_LAYERS)
    below = np.arange(NO2_LAYERS) <= tropopause[:, None]
    troposphere[3] = np.nan
    expected |= {
        "pressure_edge": EDGE_A / 100.0 + EDGE_B * truth.surface_pressure[:, None],
        "no2_averaging_kernel": np.where(below, kernel * (total / troposphere)[:, None], 0.0),
        "total_column_averaging_kernel": kernel,
        "tropopause_layer": tropopause.astype(float),
    }
    expected["no2_averaging_kernel"][3] = np.nan
    items = place_items(truth, expected) + [qa_item(truth, bad=74)] + input_items(truth)
    items += time_items(truth, since=True) + wind_items(truth, expected)
    column = "PRODUCT/nitrogendioxide_tropospheric_column"
    for name, values in (("a", EDGE_A), ("b", EDGE_B)):
        pairs = np.stack([values[:-1], values[1:]], axis=1).astype("f4")
        own = {"units": "Pa" if name == "a" else "1", "_FillValue": FILL}
        items.append((f"PRODUCT/tm5_constant_{name}", pairs, ("layer", "vertices"), own))
    shaped = tropopause.astype("i4").reshape(1, *SHAPE)
    items += [
        swath_item(column, expected["no2"], "mol m-2"),
        swath_item(f"{column}_precision", expected["no2_uncertainty"], "mol m-2"),
        swath_item("PRODUCT/averaging_kernel", kernel, "1", ("layer",)),
        swath_item("PRODUCT/air_mass_factor_total", total, "1"),
        swath_item("PRODUCT/air_mass_factor_troposphere", troposphere, "1"),
        (
            "PRODUCT/tm5_tropopause_layer_index",
            shaped,
            ("time", "scanline", "ground_pixel"),
            {"units": "1", "_FillValue": INTEGER_FILL},
        ),
    ]
    write_netcdf(path, items, {"processor_version": "2.4.0", "sensor": "TROPOMI"})
    return expected


def _name(gas: str, version: str) -> str:
    return f"S5P_RPRO_L2__{gas:_<6}_20190331T225811_20190401T003941_07580_03_{version}_20221106T004530.nc"


CASES = [
    Case("tropomi_co", co("2.4.0"), _name("CO", "020400"), "2.4.0", SHAPE, "02.04"),
    Case("tropomi_co", co("1.3.2"), _name("CO", "010302"), "1.3.2", SHAPE, "01.03"),
    Case("tropomi_no2", write_no2, _name("NO2", "020400"), "2.4.0", SHAPE),
]

"""TROPOMI methane: several processors, and cuts of subset services; layers from the top down."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from contract.netcdf import Item, write_netcdf
from contract.swath import (
    DETAIL,
    INPUT,
    INTEGER_FILL,
    LINES,
    PIXELS,
    SHAPE,
    place_items,
    qa_item,
    swath_item,
    time_items,
    wind_items,
)
from contract.truth import Case, Expected, Truth

#: coast pixel; rows that a spatial cut empties
COAST, EMPTIED = 4, (2, 11)
DRY_AIR = 28.9644e-3  # kg mol-1


def ch4_expected(truth: Truth) -> Expected:
    """What must come out of a CH4 granule: 12 layers of equal pressure thickness down from 10 Pa."""
    weight = np.linspace(1.0, 0.8, 12) + 0.001 * np.arange(truth.count)[:, None]
    weight = weight / weight.sum(axis=1, keepdims=True)
    prior = truth.profile("xch4", 12)
    surface = truth.surface()
    surface[COAST] = 2
    return {
        **truth.place(),
        "latitude_corner": truth.latitude_corner,
        "longitude_corner": truth.longitude_corner,
        "xch4": truth.column("xch4"),
        "xch4_raw": truth.column("xch4") + 8.0,
        "xch4_uncertainty": truth.uncertainty("xch4"),
        "xch4_prior": (weight * prior).sum(axis=1),
        "ch4_prior_profile": prior,
        "xch4_averaging_kernel": truth.kernel("xch4", 12),
        "pressure_weight": weight,
        "pressure_edge": edge_pressure(truth) / 100.0,
        "surface": surface,
        "solar_zenith_angle": truth.solar_zenith_angle,
        "sensor_zenith_angle": truth.sensor_zenith_angle,
        "surface_pressure": truth.surface_pressure,
        "surface_altitude": truth.surface_altitude,
        "blended_albedo": np.full(truth.count, 2.4 * 0.25 - 1.13 * 0.125),
    }


def surface_and_step(truth: Truth) -> tuple[np.ndarray, np.ndarray]:
    """Surface pressure and thickness of 12 layers down from 10 Pa [Pa], with the rounding of float32."""
    surface = (truth.surface_pressure * 100.0).astype("f4").astype(float)
    return surface, ((surface - 10.0) / 12).astype("f4").astype(float)


def edge_pressure(truth: Truth) -> np.ndarray:
    """Level k, counted from the surface, lies at the surface pressure less k times the thickness [Pa]."""
    surface, step = surface_and_step(truth)
    return surface[:, None] - step[:, None] * np.arange(13.0)


def ch4_items(truth: Truth, expected: Expected) -> list[Item]:
    """Profiles run from the top down; partial columns of methane and of dry air in mol m-2."""
    pressure, step = surface_and_step(truth)
    total = pressure / (9.80665 * DRY_AIR)
    amount = (expected["pressure_weight"] * total[:, None])[:, ::-1]
    prior = expected["ch4_prior_profile"][:, ::-1] * 1e-9 * amount
    altitude = np.repeat(np.linspace(6.4e4, 0.0, 13)[None], truth.count, axis=0)
    classes = np.where(truth.land, 24, 9)  # bits above the lowest two name the kind of land or water
    classes[COAST] = 3
    kernel = expected["xch4_averaging_kernel"][:, ::-1]
    return [
        swath_item("PRODUCT/methane_mixing_ratio", expected["xch4_raw"], "1e-9"),
        swath_item("PRODUCT/methane_mixing_ratio_precision", expected["xch4_uncertainty"], "1e-9"),
        swath_item(DETAIL + "column_averaging_kernel", kernel, "1", ("layer",)),
        swath_item(DETAIL + "surface_albedo_NIR", np.full(truth.count, 0.25), "1"),
        swath_item(DETAIL + "surface_albedo_SWIR", np.full(truth.count, 0.125), "1"),
        swath_item(INPUT + "surface_pressure", pressure, "Pa"),
        swath_item(INPUT + "pressure_interval", step, "Pa"),
        swath_item(INPUT + "surface_altitude", truth.surface_altitude, "m"),
        swath_item(INPUT + "surface_classification", classes, None, (), "u1"),
        swath_item(INPUT + "altitude_levels", altitude, "m", ("level",)),
        swath_item(INPUT + "dry_air_subcolumns", amount, "mol m-2", ("layer",)),
        swath_item(INPUT + "methane_profile_apriori", prior, "mol m-2", ("layer",)),
    ]


def ch4(processor: str) -> Callable[[Path, Truth], Expected]:
    """Make the writer of a processor: 1.2.2 without wind, from 2.7.0 on with the destriped column."""
    number = tuple(int(part) for part in processor.split("."))

    def write(path: Path, truth: Truth) -> Expected:
        expected = ch4_expected(truth)
        items = place_items(truth, expected) + [qa_item(truth)] + ch4_items(truth, expected)
        items += time_items(truth, since=number >= (2,))
        corrected = "PRODUCT/methane_mixing_ratio_bias_corrected"
        if number >= (2, 7):
            items.append(swath_item(f"{corrected}_destriped", expected["xch4"], "1e-9"))
            items.append(swath_item(corrected, expected["xch4"] + 3.0, "1e-9"))
        else:
            items.append(swath_item(corrected, expected["xch4"], "1e-9"))
        if number >= (1, 3):
            items += wind_items(truth, expected)
        write_netcdf(path, items, {"processor_version": processor, "sensor": "TROPOMI", "platform": "S5P"})
        return expected

    return write


def write_emptied_cut(path: Path, truth: Truth) -> Expected:
    """As the GES DISC subsetter: pixels outside the box are fill in every variable, places included."""
    expected = ch4("2.4.0")(path, truth)
    request = json.dumps({"request": {"box": [73, 18, 135, 54]}})
    with h5py.File(path, "a") as file:
        file.attrs["history"] = request
        for name, size in (("time", 1), ("scanline", LINES), ("ground_pixel", PIXELS)):
            index = file.create_dataset(f"PRODUCT/{name}_idx", data=np.arange(size, dtype="u2"))
            index.attrs["_FillValue"] = np.array([65535], dtype="u2")

        def empty(_: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and item.shape[:3] == (1, LINES, PIXELS):
                values = item[()].reshape((LINES * PIXELS, *item.shape[3:]))
                values[list(EMPTIED)] = item.attrs["_FillValue"]
                item[...] = values.reshape(item.shape)

        file["PRODUCT"].visititems(empty)
    for name, values in expected.items():
        if values.dtype.kind == "f":
            values = expected[name] = values.copy()
            values[list(EMPTIED)] = np.nan
    expected["quality"][list(EMPTIED)] = 1
    expected["surface"][list(EMPTIED)] = 255
    return expected


def write_text_cut(path: Path, truth: Truth) -> Expected:
    """As some cuts of l2ss-py: delta_time emptied, time_utc as characters of fixed length."""
    expected = ch4("1.2.2")(path, truth)
    with h5py.File(path, "a") as file:
        product = file["PRODUCT"]
        text = np.array([[item.decode() for item in product["time_utc"][0]]], dtype="S27")
        del product["time_utc"]
        product.create_dataset("time_utc", data=text)
        del product["delta_time"].attrs["units"]
        product["delta_time"][...] = INTEGER_FILL
        file.attrs["history_json"] = "[]"
    return expected


def write_flat_cut(path: Path, truth: Truth) -> Expected:
    """As OPeNDAP servers hand it out: no groups, their names joined to those of the datasets."""
    whole = path.with_name("whole.nc")
    expected = ch4("2.4.0")(whole, truth)
    with h5py.File(whole) as source, h5py.File(path, "w") as file:
        file.attrs["processor_version"] = source.attrs["processor_version"]

        def copy(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset):
                made = file.create_dataset(name.replace("/", "_"), data=item[()])
                made.attrs.update({k: item.attrs[k] for k in item.attrs if k in ("units", *_DECODING)})
                made.attrs["fullnamepath"] = f"/{name}"

        source.visititems(copy)
    return expected


_DECODING = ("_FillValue", "scale_factor", "add_offset")

NAME = "S5P_{}_L2__CH4____20190331T225811_20190401T003941_07580_01_{}_20190406T004530{}"


def _case(write: Callable[[Path, Truth], Expected], version: str, note: str, name: str) -> Case:
    return Case("tropomi_ch4", write, name, version, SHAPE, note, relative=4e-6)


CASES = [
    _case(ch4("2.4.0"), "2.4.0", "02.04", NAME.format("RPRO", "020400", ".nc")),
    _case(ch4("1.2.2"), "1.2.2", "01.02", NAME.format("OFFL", "010202", ".nc")),
    _case(ch4("2.7.1"), "2.7.1", "destriped", NAME.format("OFFL", "020701", ".nc")),
    _case(write_emptied_cut, "2.4.0", "emptied-cut", NAME.format("RPRO", "020400", ".SUB.nc4")),
    _case(write_flat_cut, "2.4.0", "flat-cut", NAME.format("RPRO", "020400", ".nc.nc4")),
    _case(write_text_cut, "1.2.2", "text-time", NAME.format("OFFL", "010202", "_subsetted.nc4")),
]

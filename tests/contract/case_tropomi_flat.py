"""TROPOMI data that others have rewritten: blended with GOSAT, SRON's own product, crops of ddeq."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from contract.case_tropomi import ch4_expected, ch4_items
from contract.case_tropomi_gas import EDGE_A, EDGE_B, NO2_LAYERS
from contract.netcdf import Item, write_netcdf
from contract.swath import FILL, SHAPE, place_items, qa_item
from contract.truth import Case, Expected, Truth

#: SRON's names of the same variables
_SRON = {
    "PRODUCT/latitude": "instrument/latitude_center",
    "PRODUCT/longitude": "instrument/longitude_center",
    "latitude_bounds": "instrument/latitude_corners",
    "longitude_bounds": "instrument/longitude_corners",
    "solar_zenith_angle": "instrument/solar_zenith_angle",
    "viewing_zenith_angle": "instrument/viewing_zenith_angle",
    "methane_mixing_ratio": "target_product/xch4",
    "methane_mixing_ratio_precision": "target_product/xch4_precision",
    "column_averaging_kernel": "target_product/xch4_column_averaging_kernel",
    "methane_profile_apriori": "target_product/ch4_profile_apriori",
    "dry_air_subcolumns": "meteo/dry_air_subcolumns",
    "surface_pressure": "meteo/surface_pressure",
    "pressure_interval": "meteo/dp",
    "surface_altitude": "meteo/surface_altitude",
    "altitude_levels": "meteo/altitude_levels",
}


def flatten(item: Item, name: str) -> Item:
    """One sounding after the other instead of scan lines and pixels; the leaf of the path as name."""
    _, values, dims, own = item
    return name, values.reshape((-1, *values.shape[3:])), ("nobs", *dims[3:]), own


def write_blended(path: Path, truth: Truth) -> Expected:
    """As the original: no groups, no angles, qa 1 nearly everywhere, text for time."""
    expected = ch4_expected(truth)
    for name in ("solar_zenith_angle", "sensor_zenith_angle"):
        del expected[name]
    grid = place_items(truth, ch4_expected(truth))[:4] + [qa_item(truth)] + ch4_items(truth, expected)
    items = [flatten(item, item[0].rpartition("/")[2]) for item in grid if "altitude_levels" not in item[0]]
    text = np.array([f"{np.datetime_as_string(t, unit='us')}Z" for t in truth.time])
    items.append(("time_utc", text, ("nobs",), {}))
    expected["xch4_operational"] = expected["xch4"] + 5.0
    for name, values in (("blended", expected["xch4"]), ("bias_corrected", expected["xch4_operational"])):
        stored = np.where(np.isfinite(values), values, FILL).astype("f4")
        own = {"units": "1e-9", "_FillValue": FILL}
        items.append((f"methane_mixing_ratio_{name}", stored, ("nobs",), own))
    write_netcdf(path, items, {"Title": "Blended TROPOMI+GOSAT Methane Product"})
    return expected


def write_sron(path: Path, truth: Truth) -> Expected:
    """Groups of lists: hPa, molecules per cm2, time as columns, quality as a number from 0 to 1."""
    expected = ch4_expected(truth)
    del expected["surface"], expected["blended_albedo"]
    items: list[Item] = []
    for item in place_items(truth, expected) + ch4_items(truth, expected):
        wanted = _SRON.get(item[0]) or _SRON.get(item[0].rpartition("/")[2])
        if wanted is None:
            continue
        name, values, dims, own = flatten(item, wanted)
        scale, unit = {"Pa": (0.01, "hPa"), "mol m-2": (6.02214076e19, "molec cm-2")}.get(
            own.get("units", ""), (1.0, own.get("units", "1"))
        )
        valued = values < 1e30
        values = np.where(valued, np.where(valued, values, 0).astype(float) * scale, FILL).astype("f4")
        items.append((name, values, dims, own | {"units": unit}))
    corrected = np.where(np.isfinite(expected["xch4"]), expected["xch4"], FILL).astype("f4")
    items.append(
        ("target_product/xch4_corrected", corrected, ("nobs",), {"units": "1e-9", "_FillValue": FILL})
    )
    qa = np.where(truth.good, 1.0, 0.4).astype("f4")
    items.append(("diagnostics/qa_value", qa, ("nobs",), {"units": "1", "_FillValue": FILL}))
    items.append(("instrument/time", _columns(truth.time), ("nobs", "ntim"), {"_FillValue": np.int32(-999)}))
    write_netcdf(path, items)
    return expected


def _columns(time: np.ndarray) -> np.ndarray:
    text = np.datetime_as_string(time, unit="ms")
    parts = np.char.replace(np.char.replace(np.char.replace(text, "T", "-"), ":", "-"), ".", "-")
    return np.array([row.split("-") for row in parts]).astype("i4")


def write_ddeq(path: Path, truth: Truth) -> Expected:
    """As the tutorial file: one time for all, hybrid coefficients for each pixel behind their own axes."""
    expected: Expected = truth.place()
    expected["time"] = np.repeat(truth.time[:1], truth.count)
    expected["quality"] = np.zeros(truth.count, dtype=np.uint8)  # bad pixels are emptied, not flagged
    column = np.where(truth.good, truth.column("no2"), np.nan)
    kernel = truth.kernel("no2", NO2_LAYERS)
    expected |= {
        "latitude_corner": truth.latitude_corner,
        "longitude_corner": truth.longitude_corner,
        "no2": column,
        "surface_pressure": truth.surface_pressure,
        "pressure_edge": EDGE_A / 100.0 + EDGE_B * truth.surface_pressure[:, None],
        "total_column_averaging_kernel": kernel,
        "noise_level": np.full(truth.count, 7.6e-7),
    }
    pixels = ("nrows", "nobs")
    values = {
        "lat": (truth.latitude, ()),
        "lon": (truth.longitude, ()),
        "latc": (truth.latitude_corner, ("corner",)),
        "lonc": (truth.longitude_corner, ("corner",)),
        "NO2": (column, ()),
        "NO2_std": (expected["noise_level"], ()),
        "averaging_kernel": (kernel, ("layer",)),
        "psurf": (truth.surface_pressure * 100.0, ()),
        "clouds": (np.full(truth.count, 0.1), ()),
    }
    units = {"NO2": "mol m-2", "NO2_std": "mol m-2", "psurf": "Pa", "averaging_kernel": "1", "clouds": "1"}
    fill = {"_FillValue": np.float32(np.nan)}
    items: list[Item] = [
        (
            name,
            data.reshape((*SHAPE, *data.shape[1:])).astype("f4"),
            (*pixels, *last),
            fill | _unit(units, name),
        )
        for name, (data, last) in values.items()
    ]
    for name, edge in (("a", EDGE_A), ("b", EDGE_B)):
        pairs = np.stack([edge[:-1], edge[1:]], axis=1).astype("f4")
        spread = np.broadcast_to(pairs[:, :, None, None], (NO2_LAYERS, 2, *SHAPE))
        own = fill | {"units": "Pa" if name == "a" else "1"}
        items.append((f"tm5_constant_{name}", spread, ("layer", "vertices", *pixels), own))
    moment = np.datetime_as_string(truth.time[0], unit="ns").replace("T", " ")
    original = "S5P_RPRO_L2__NO2____20190331T225811_20190401T003941_07580_03_020400_20221104T141836.nc"
    attributes = {"original file name": original, "source": "Matimba", "QA value filter": "> 0.75"}
    write_netcdf(path, items, attributes)
    with h5py.File(path, "a") as file:
        file["time"] = np.int64(0)
        file["time"].attrs["units"] = f"days since {moment}"
        file["orbit"] = np.int64(7580)
    return expected


def _unit(units: dict[str, str], name: str) -> dict[str, str]:
    return {"units": units[name]} if name in units else {}


CASES = [
    Case(
        "tropomi_ch4_blended",
        write_blended,
        "S5P_BLND_L2__CH4____20190331T225811_20190401T003941_07580_03_020400_20230614T000922.nc",
        "2.4.0",
        SHAPE,
        relative=4e-6,
    ),
    Case("tropomi_ch4_sron", write_sron, "s5p_l2_ch4_0018_07580.nc", "18", SHAPE, relative=5e-5),
    Case("ddeq_no2", write_ddeq, "Matimba_S5P_RPRO_L2__NO2____20190331T225811.nc", "2.4.0", SHAPE),
]

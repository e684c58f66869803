"""Products without public layout beside one another: who may claim a file, and what is taught."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from conftest import REPOSITORY
from contract.case_alias import CASES
from contract.truth import make_truth
from yaotan.errors import NotAGranuleError, UnitsError
from yaotan.io.identify import identify
from yaotan.io.soundings import open_soundings
from yaotan.simulate.layout import Retrieval, write_gmi

NAMES = {
    "gf5b_gmi": "GF5B_GMI_N26.89_E113.27_20200406_004844_L20000004844.h5",
    "fy3d_gas": "FY3D_GASXX_ORBT_L2_20190331_2359.HDF",
    "dq1_acdl": "DQ1_ACDL_20190331_000123_L20000000123.h5",
}
MARKS = {
    "gf5b_gmi": {"SatelliteID": "GF5B", "SensorID": "GMI"},
    "fy3d_gas": {"Satellite Name": "FY-3D", "Sensor Identification Code": "GAS"},
    "dq1_acdl": {"SatelliteID": "DQ-1", "SensorID": "ACDL"},
}
#: other instruments of the same satellites, and one of the same name (a microwave imager)
OTHERS = [
    {"SatelliteID": "GPM", "SensorID": "GMI"},
    {"SatelliteID": "GF5B", "SensorID": "DPC"},
    {"SatelliteID": "DQ-1", "SensorID": "POSP"},
    {"Satellite Name": "FY-3D", "Sensor Identification Code": "MERSI"},
    {"SatelliteID": "GF5B"},
    {"SatelliteID": "DQ-1"},
    {"Satellite Name": "FY-3D"},
    {},
]


def delivery(path: Path, marks: dict[str, str]) -> Path:
    """Write the same content, with the marks of one sensor."""
    write_gmi(path, Retrieval.make(3), layout="flat")
    with h5py.File(path, "r+") as file:
        for name in ("SatelliteID", "SensorID"):
            del file.attrs[name]
        file.attrs.update(marks)
    return path


@pytest.mark.parametrize("product", NAMES)
def test_attributes_alone_tell_the_product(product: str, tmp_path: Path) -> None:
    assert identify(delivery(tmp_path / "download.h5", MARKS[product])).product == product


@pytest.mark.parametrize("product", NAMES)
def test_name_alone_tells_the_product(product: str, tmp_path: Path) -> None:
    assert identify(delivery(tmp_path / NAMES[product], {})).product == product


@pytest.mark.parametrize("marks", OTHERS, ids=str)
def test_file_without_evidence_is_claimed_by_none(marks: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(NotAGranuleError, match="no product that is known"):
        identify(delivery(tmp_path / "download.h5", marks))


def test_name_of_one_and_marks_of_another_are_not_this_one(tmp_path: Path) -> None:
    path = delivery(tmp_path / NAMES["gf5b_gmi"], MARKS["dq1_acdl"])
    assert identify(path).product == "dq1_acdl"  # what is in the file wins over its name


def test_spectra_of_level_1_are_no_soundings(tmp_path: Path) -> None:
    path = tmp_path / "FY3D_GASND_ORBT_1B_20171205_1941_013KM_MS.HDF"
    with h5py.File(path, "w") as file:
        file.attrs.update(MARKS["fy3d_gas"])
        file["Data/Radiance_B1"] = np.ones((3, 50))
        file["Data/BeginningWn_B1"] = 12900.0
        file["Geolocation/Latitude"], file["Geolocation/Longitude"] = np.zeros(3), np.zeros(3)
    with pytest.raises(NotAGranuleError, match="no product that is known"):
        open_soundings(path)


def written(product: str, folder: Path) -> Path:
    """Write the contract's delivery of a product."""
    case = next(case for case in CASES if case.product == product)
    case.write(folder / case.file_name, make_truth())
    return folder / case.file_name


def test_lidar_by_night_has_no_corners_and_no_rule_on_the_sun(tmp_path: Path) -> None:
    ds = open_soundings(written("dq1_acdl", tmp_path), trust_layout=True)
    assert not {"latitude_corner", "solar_zenith_angle"} & set(ds.variables)
    assert ds.attrs["platform"] == "DQ-1"


def test_aerosol_file_of_the_lidar_is_refused(tmp_path: Path) -> None:
    path = written("dq1_acdl", tmp_path)
    with h5py.File(path, "r+") as file:
        file.move("XCO2", "Backscatter")
    with pytest.raises(NotAGranuleError, match=r"nothing was found for xco2.*'product: dq1_acdl'"):
        open_soundings(path)


def test_the_lidar_is_taught_as_the_spectrometer_is(tmp_path: Path) -> None:
    path = written("dq1_acdl", tmp_path)
    with h5py.File(path, "r+") as file:
        file.move("XCO2", "CO2_Column_IPDA")
        del file["QualityFlag"], file["J2000MilliSecond"]
        file["Seconds"] = np.arange(24.0)
    taught = {
        "product": "dq1_acdl",
        "variables": {"xco2": "/CO2_Column_IPDA"},
        "quality": "none",
        "time": {"path": "/Seconds", "units": "seconds since 2022-06-01"},
    }
    ds = open_soundings(path, aliases=taught, trust_layout=True).load()
    assert ds.sizes["sounding"] == 23  # one has no value
    assert ds.time.values[0] == np.datetime64("2022-06-01")
    del taught["time"]["units"]
    with pytest.raises(UnitsError, match="does not say what its numbers count"):
        open_soundings(path, aliases=taught, trust_layout=True)


def test_another_sensor_by_the_page(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "howto" / "gmi_aliases.md").read_text(encoding="utf-8")
    lines = page.split("how its files are told:\n\n")[1].split("\n\n")[0]
    own = tmp_path / "my_sensor.yaml"
    own.write_text("\n".join(line.removeprefix("    ") for line in lines.splitlines()), encoding="utf-8")
    path = delivery(tmp_path / "download.h5", {"SensorID": "MYSENSOR-2"})
    ds = open_soundings(path, product=str(own), trust_layout=True)
    assert ds.attrs["product"] == "my_sensor"
    assert ds.sizes["sounding"] == 3

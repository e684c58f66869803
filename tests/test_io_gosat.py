"""NIES GOSAT SWIR L2: length-1 attributes, byte strings, layers, error terms, rings of 36 points."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from yaotan.errors import NotAGranuleError
from yaotan.io.identify import identify
from yaotan.io.soundings import open_soundings
from yaotan.schema import MODE, SURFACE, check_soundings
from yaotan.simulate.layout import Retrieval, nies_gosat_name, write_nies_gosat

DAY = "2018-11-02"
RATIO = "Data/mixingRatio"


def write(folder: Path, soundings: Retrieval, *, gas: str = "co2", version: str = "V02.80") -> Path:
    path = folder / nies_gosat_name(DAY, gas=gas, version=version)
    write_nies_gosat(path, soundings, gas=gas, version=version)
    return path


def test_old_version_is_not_bias_corrected_and_says_so(tmp_path: Path) -> None:
    source = Retrieval.make(3, xgas=410.0, xgas_raw=[408.0, 409.0, 410.0])
    ds = check_soundings(open_soundings(write(tmp_path, source))).load()
    np.testing.assert_allclose(ds.xco2, source.xgas_raw, atol=1e-4)
    assert ds.xco2.attrs["bias_corrected"] == "no"
    assert ds.attrs["product_version"] == "02.80"


@pytest.mark.parametrize("version", ["V02.97", "V02.98", "V03.00"])
def test_bias_corrected_column_wins_where_there_is_one(version: str, tmp_path: Path) -> None:
    source = Retrieval.make(3, xgas=410.0, xgas_raw=408.0)
    ds = check_soundings(open_soundings(write(tmp_path, source, version=version))).load()
    np.testing.assert_allclose(ds.xco2, 410.0, atol=1e-4)
    np.testing.assert_allclose(ds.xco2_raw, 408.0, atol=1e-4)
    assert ds.xco2.attrs["bias_corrected"] == "yes"
    assert ds.xco2.attrs["native_name"].endswith("XCO2BiasCorrected")
    assert ds.attrs["product_version"] == version[1:]


def test_corrected_and_raw_files_do_not_mix(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    files = [write(tmp_path, Retrieval.make(3)), write(tmp_path / "b", Retrieval.make(3), version="V02.97")]
    with h5py.File(files[1], "r+") as file:
        times = file["scanAttribute/time"][()]
        file["scanAttribute/time"][...] = np.char.replace(times, b"2020", b"2021")
    with pytest.raises(NotAGranuleError, match="bias corrected in some files and not in others"):
        open_soundings(files)


def test_uncertainty_is_the_quadrature_of_three_terms(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2))
    with h5py.File(path, "r+") as file:
        for term, value in (("RetrievalNoise", 2.0), ("SmoothingError", 3.0), ("InterferenceError", 6.0)):
            file[f"{RATIO}/XCO2{term}"][...] = value
        assert (file[f"{RATIO}/XCO2ExternalError"][()] == -9999).all()
    ds = open_soundings(path)
    np.testing.assert_allclose(ds.xco2_uncertainty, 7.0)
    with h5py.File(path, "r+") as file:
        file[f"{RATIO}/XCO2ExternalError"][1] = 24.0
        file[f"{RATIO}/XCO2SmoothingError"][0] = -9999
    again = open_soundings(path).xco2_uncertainty.values
    assert np.isnan(again[0])
    assert again[1] == pytest.approx(25.0)


def test_fill_of_the_columns_is_not_that_of_the_fractions(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(3))
    with h5py.File(path, "r+") as file:
        partial = file["scanAttribute/referenceData/dryAirPartialColumn"]
        assert partial.attrs["invalidValue"].shape == (1,)
        partial[1, 4] = np.float32(-1e30)
        file[f"{RATIO}/XCO2"][2] = np.float32(-9999)
    ds = open_soundings(path, quality="all").load()
    assert np.isnan(ds.pressure_weight.values[1]).all()
    assert np.isnan(ds.xco2.values).tolist() == [False, False, True]


def test_layers_run_from_the_surface(tmp_path: Path) -> None:
    kernel = np.tile(np.linspace(1.0, 0.4, 15), (3, 1))
    path = write(tmp_path, Retrieval.make(3, kernel=kernel))
    ds = check_soundings(open_soundings(path)).load()
    assert ds.xco2_averaging_kernel.dims == ("sounding", "layer")
    assert ds.sizes["edge"] == ds.sizes["layer"] + 1 == 16
    np.testing.assert_allclose(ds.xco2_averaging_kernel, kernel, atol=1e-6)
    np.testing.assert_allclose(ds.pressure_weight.sum("layer"), 1.0, atol=1e-12)
    np.testing.assert_allclose(
        (ds.pressure_weight * ds.co2_prior_profile).sum("layer"), ds.xco2_prior, atol=1e-3
    )
    np.testing.assert_allclose(ds.pressure_edge[:, 0], ds.surface_pressure)
    assert (ds.pressure_edge[:, -1] == 0).all()
    assert "approximation" in ds.pressure_edge.attrs["comment"]
    assert ds.pressure_weight.attrs["vertical_kind"] == "layer"


def test_declared_order_is_checked(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(3, kernel=np.tile(np.linspace(1.0, 0.4, 15), (3, 1))))
    with h5py.File(path, "r+") as file:
        kernel = file["Data/retrievalQuality/columnAveragingKernel"]
        kernel[...] = kernel[()][:, ::-1]
    with pytest.raises(NotAGranuleError, match="vertical order"):
        open_soundings(path).xco2_averaging_kernel.compute()


@pytest.mark.parametrize("longitude", [115.0, 179.995])
def test_ring_of_36_points_becomes_four_corners_of_its_area(longitude: float, tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(1, longitude=[longitude], latitude=[40.0]))
    with h5py.File(path) as file:
        y = file["Data/geolocation/footPrintLatitude"][0].astype(float)
        x = file["Data/geolocation/footPrintLongitude"][0].astype(float)
    ds = open_soundings(path).load()
    corner_y, corner_x = ds.latitude_corner.values[0], ds.longitude_corner.values[0]

    def area(lat: np.ndarray, lon: np.ndarray) -> float:
        lon = (lon - longitude + 180) % 360 - 180
        return abs(np.sum(lon * np.roll(lat, -1) - np.roll(lon, -1) * lat)) / 2

    assert len(y) == 36
    assert area(corner_y, corner_x) == pytest.approx(area(y, x), rel=1e-5)
    assert "ring" in ds.latitude_corner.attrs["comment"]


def test_glint_is_not_read_from_the_flag_of_the_same_name(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2, mode=[1, 0], surface=[1, 0]))
    with h5py.File(path, "r+") as file:
        file["scanAttribute/cloudInformation/sunglintFlag"][...] = [0, 1]
    ds = open_soundings(path).load()
    assert ds["mode"].values.tolist() == [MODE["glint"], MODE["nadir"]]
    assert ds.surface.values.tolist() == [SURFACE["water"], SURFACE["land"]]


def test_coast_is_mixed(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(4))
    with h5py.File(path, "r+") as file:
        file["Data/geolocation/landFraction"][...] = [0.0, 30.0, 60.0, -9999.0]
    assert open_soundings(path).surface.values.tolist() == [1, 2, 0, 255]


def test_each_screening_counts_under_its_name(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(4))
    with h5py.File(path, "r+") as file:
        file["scanAttribute/qualityInformation/CAIRadianceScreening"][1] = 1
        file["scanAttribute/qualityInformation/L1BQA"][1] = 1
        file["Data/retrievalQuality/totalPostScreeningResult"][2] = 1
    (entry,) = json.loads(open_soundings(path).attrs["reading"])
    assert entry["dropped"] == {"quality_flag": 2}
    assert entry["flags"] == {"qf:post_screening": 1, "qf:level_1b": 1, "qf:imager_radiance": 1}


def test_methane_comes_in_ppb(tmp_path: Path) -> None:
    source = Retrieval.make(3, gas="ch4", xgas=1850.0, xgas_raw=1840.0)
    path = write(tmp_path, source, gas="ch4")
    with h5py.File(path) as file:
        assert file[f"{RATIO}/XCH4"][0] == pytest.approx(1.84)
    ds = check_soundings(open_soundings(path)).load()
    assert ds.attrs["product"] == "nies_gosat_ch4"
    np.testing.assert_allclose(ds.xch4, 1840.0, rtol=1e-6)
    assert ds.xch4.attrs["units"] == "ppb"
    np.testing.assert_allclose(ds.xch4_uncertainty, source.uncertainty, rtol=1e-4)


def test_product_code_decides_when_both_trees_are_there(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2)).rename(tmp_path / "x.h5")
    with h5py.File(path, "r+") as file:
        file[f"{RATIO}/XCH4"] = np.ones(2, dtype=np.float32)
    assert identify(path).product == "nies_gosat_co2"


def test_time_text_to_the_millisecond(tmp_path: Path) -> None:
    source = Retrieval.make(2)
    ds = open_soundings(write(tmp_path, source))
    np.testing.assert_array_equal(ds.time.values.astype("M8[ms]"), source.time.astype("M8[ms]"))


def test_empty_day_gives_an_empty_table(tmp_path: Path) -> None:
    ds = check_soundings(open_soundings(write(tmp_path, Retrieval.make(0)))).load()
    assert ds.sizes["sounding"] == 0
    assert ds.sizes["layer"] == 15


def test_datasets_of_like_name_are_not_taken(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2, xgas_raw=408.0))
    with h5py.File(path, "r+") as file:
        file["Data/geolocation/latitudeOriginal"][...] = 1.0
        file["Data/geolocation/longitudeOriginal"][...] = 2.0
        file["scanAttribute/referenceData/XCO2"][...] = 390.0
        file["scanAttribute/referenceData/surfacePressure"][...] = 400.0
        surface = file["Data/auxiliaryParameter/surfacePressure"][()]
        latitude = file["Data/geolocation/latitude"][()]
    ds = open_soundings(path).load()
    np.testing.assert_allclose(ds.latitude, latitude)
    np.testing.assert_allclose(ds.xco2, 408.0, atol=1e-4)
    np.testing.assert_allclose(ds.xco2_prior, 390.0)
    np.testing.assert_allclose(ds.surface_pressure, surface)


@pytest.mark.parametrize("code", ["C01S", "C02S"])
def test_product_and_version_without_the_file_name(code: str, tmp_path: Path) -> None:
    gas = {"C01S": "co2", "C02S": "ch4"}[code]
    source = Retrieval.make(2, gas=gas, **({"xgas": 1850.0, "xgas_raw": 1840.0} if gas == "ch4" else {}))
    path = write(tmp_path, source, gas=gas, version="V02.96").rename(tmp_path / "x.bin")
    match = identify(path)
    assert (match.product, match.version) == (f"nies_gosat_{gas}", "02.96")
    with h5py.File(path, "r+") as file:
        del file["Global/metadata/productVersion"]
    named = path.rename(tmp_path / f"GOSATTFTS20180115_02{code}V0296R180115GU000.h5")
    assert identify(named).version == "02.96"


def test_malformed_time_is_counted_not_guessed(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(3))
    with h5py.File(path, "r+") as file:
        file["scanAttribute/time"][1] = b"-9999"
    (entry,) = json.loads(open_soundings(path).attrs["reading"])
    assert entry["dropped"] == {"no_geolocation": 1}


def test_error_of_the_corrected_value_wins(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2), version="V02.97")
    with h5py.File(path, "r+") as file:
        if f"{RATIO}/XCO2BiasCorrectedError" not in file:
            data = file.create_dataset(f"{RATIO}/XCO2BiasCorrectedError", data=np.ones(2, "f4"))
            data.attrs["unit"] = np.array([b"ppmv"])
        file[f"{RATIO}/XCO2BiasCorrectedError"][...] = 1.25
    ds = open_soundings(path)
    np.testing.assert_allclose(ds.xco2_uncertainty, 1.25)
    assert ds.xco2_uncertainty.attrs["native_name"].endswith("BiasCorrectedError")


def test_fill_is_that_of_the_attribute_and_constants_stand_in_for_none(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(3))
    with h5py.File(path, "r+") as file:
        data = file[f"{RATIO}/XCO2"]
        data.attrs["invalidValue"] = np.array([-7777], dtype=np.float32)
        data[1] = -7777
        kernel = file["Data/retrievalQuality/columnAveragingKernel"]
        assert "invalidValue" not in kernel.attrs
        kernel[2, :] = -9999
    ds = open_soundings(path, quality="all").load()
    assert np.isnan(ds.xco2.values).tolist() == [False, True, False]
    assert np.isnan(ds.xco2_averaging_kernel.values).any(axis=1).tolist() == [False, False, True]

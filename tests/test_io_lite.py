"""OCO-2, OCO-3 and ACOS Lite: every trap of these layouts, on files written from the format note."""

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
from yaotan.simulate.layout import (
    Retrieval,
    acos_lite_name,
    oco2_lite_name,
    write_acos_lite,
    write_oco2_lite,
)

DAY = "2020-01-15"
VERSIONS = {"8": "8.0", "9": "9", "10": "10.2", "11": "11.0", "11.2": "11.2"}


def write(folder: Path, soundings: Retrieval, version: str = "11.2", platform: str = "oco2") -> Path:
    path = folder / oco2_lite_name(DAY, version=version, platform=platform)
    write_oco2_lite(path, soundings, version=version, platform=platform)
    return path


def reading(ds) -> dict:
    (entry,) = json.loads(ds.attrs["reading"])
    return entry


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_gives_the_same_soundings(version: str, tmp_path: Path) -> None:
    source = Retrieval.make(9, xgas=410.0 + np.arange(9), quality=[0, 1, 0, 0, 0, 0, 0, 0, -1])
    path = write(tmp_path, source, version)
    ds = check_soundings(open_soundings(path)).load()
    kept = [0, 2, 3, 4, 5, 6, 7]
    np.testing.assert_allclose(ds.xco2, source.xgas[kept], atol=1e-4)
    np.testing.assert_allclose(ds.xco2_uncertainty, source.uncertainty[kept], atol=1e-6)
    np.testing.assert_allclose(ds.latitude_corner, source.corner_latitude[kept], atol=1e-5)
    assert ds.attrs["product"] == "oco2_lite"
    assert ds.attrs["product_version"] == VERSIONS[version]
    assert ds.xco2.attrs["bias_corrected"] == "yes"
    assert reading(ds)["dropped"] == {"quality_flag": 2}
    assert np.abs(ds.time.values - source.time[kept]).max() < np.timedelta64(1, "ms")
    np.testing.assert_allclose(ds.wind_u, 2.0)  # in /Retrieval in version 8, in /Meteorology later
    assert ("xco2_x2019" in ds) == version.startswith("11")
    assert ("warn_level" in ds) == (version == "8")


@pytest.mark.parametrize("version", VERSIONS)
def test_version_is_known_without_the_file_name(version: str, tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2), version).rename(tmp_path / "granule.nc")
    match = identify(path)
    assert (match.product, match.version) == ("oco2_lite", VERSIONS[version])


@pytest.mark.parametrize("name", ["subset_{}", "{}.SUB.nc4", "{}_subsetted.nc4"])
def test_name_of_a_subset_service_does_not_matter(name: str, tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2), "9")
    with h5py.File(path, "r+") as file:
        for key in list(file.attrs):
            del file.attrs[key]
    path = path.rename(tmp_path / name.format(path.name))
    match = identify(path)
    assert (match.product, match.version) == ("oco2_lite", "9.0")


@pytest.mark.parametrize("version", ["10", "11", "11.2"])
def test_oco3_is_told_from_oco2_by_content(version: str, tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(3, mode=4), version, "oco3").rename(tmp_path / "x.nc")
    assert identify(path).product == "oco3_lite"
    assert identify(path).by_mode == {"area_map": 3}
    with h5py.File(path, "r+") as file:
        del file.attrs["Platform"]
    assert identify(path).product == "oco3_lite"


def test_missing_value_alone_marks_fill(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(3, xgas=[410.0, np.nan, 412.0]))
    with h5py.File(path) as file:
        assert "_FillValue" not in file["xco2"].attrs
        assert file["xco2"][1] == -999999
    ds = open_soundings(path).load()
    assert ds.sizes["sounding"] == 2
    assert reading(ds)["dropped"] == {"no_value": 1}
    everything = open_soundings(path, quality="all").load()
    assert np.isnan(everything.xco2.values).tolist() == [False, True, False]


def test_missing_position_and_time_are_counted(tmp_path: Path) -> None:
    source = Retrieval.make(4, latitude=[30.0, np.nan, 30.2, 30.3], longitude=[115.0, 115.0, np.nan, 115.3])
    path = write(tmp_path, source)
    with h5py.File(path, "r+") as file:
        file["time"][3] = -999999.0
    for quality in ("good", "all"):
        assert reading(open_soundings(path, quality=quality))["dropped"] == {"no_geolocation": 3}


def test_levels_run_from_the_surface_whatever_the_file_does(tmp_path: Path) -> None:
    kernel = np.tile(np.linspace(0.9, 0.3, 20), (3, 1))  # Retrieval is surface first
    path = write(tmp_path, Retrieval.make(3, kernel=kernel))
    ds = open_soundings(path).load()
    assert ds.pressure_level.dims == ("sounding", "level")
    assert (np.diff(ds.pressure_level.values, axis=1) < 0).all()
    np.testing.assert_allclose(ds.pressure_level[:, 0], 1005.0, rtol=1e-6)
    np.testing.assert_allclose(ds.xco2_averaging_kernel, kernel, atol=1e-6)
    np.testing.assert_allclose(ds.pressure_weight.sum("level"), 1.0, atol=1e-6)
    column = (ds.pressure_weight * ds.co2_prior_profile).sum("level")
    np.testing.assert_allclose(column, ds.xco2_prior, atol=1e-3)
    with h5py.File(path, "r+") as file:  # the same file turned upside down reads the same
        for name in ("pressure_levels", "pressure_weight", "xco2_averaging_kernel", "co2_profile_apriori"):
            file[name][...] = file[name][()][:, ::-1]
    turned = open_soundings(path).load()
    for name in ("pressure_level", "pressure_weight", "xco2_averaging_kernel", "co2_prior_profile"):
        np.testing.assert_array_equal(turned[name], ds[name])


def test_sounding_id_is_exact(tmp_path: Path) -> None:
    ds = open_soundings(write(tmp_path, Retrieval.make(9)), quality="all").load()
    assert ds.sounding_id.dtype == np.uint64
    assert ds.sounding_id.values[0] == 2020011505300001
    assert len(set(ds.sounding_id.values.tolist())) == 9


@pytest.mark.parametrize("version", ["9", "10", "11.2"])
def test_reasons_are_named_from_the_attribute(version: str, tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(4, quality=[0, 1, 1, 1], reasons=[0, 1, 0b1001, 0b1000]), version)
    with h5py.File(path) as file:
        assert file["xco2_qf_bitflag"].dtype == ("u8" if version == "11.2" else "i4")
    ds = open_soundings(path, quality="all").load()
    assert ds.quality_bits.dtype == np.uint64
    assert ds.quality_bits.values.tolist() == [0, 1, 9, 8]
    assert ds.quality_bits.attrs["flag_meanings"].split()[3] == "aod_total"
    entry = reading(open_soundings(path))
    assert entry["dropped"] == {"quality_flag": 3}
    assert entry["flags"] == {"qf:co2_ratio": 2, "qf:aod_total": 2}


def test_high_bits_survive(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2))
    with h5py.File(path, "r+") as file:
        file["xco2_qf_bitflag"][1] = np.uint64(2**63 + 1)
    assert open_soundings(path, quality="all").quality_bits.values[1] == 2**63 + 1


@pytest.mark.parametrize("drop", [["time"], ["time", "date"]])
def test_time_falls_back_to_date_and_id(drop: list[str], tmp_path: Path) -> None:
    source = Retrieval.make(3)
    path = write(tmp_path, source)
    with h5py.File(path, "r+") as file:
        for name in drop:
            del file[name]
    ds = open_soundings(path, quality="all").load()
    assert np.abs(ds.time.values - source.time).max() < np.timedelta64(400, "ms")


def test_surface_and_mode(tmp_path: Path) -> None:
    source = Retrieval.make(4, surface=[0, 1, 1, 0], mode=[0, 1, 2, -1])
    ds = open_soundings(write(tmp_path, source), quality="all").load()
    land, water = SURFACE["land"], SURFACE["water"]
    assert ds.surface.values.tolist() == [land, water, water, land]
    assert ds["mode"].values.tolist() == [MODE["nadir"], MODE["glint"], MODE["target"], 255]
    assert ds.surface.attrs["flag_meanings"] == "land water mixed"


def test_mixed_surface_comes_from_the_land_water_indicator(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(3, surface=[0, 1, 2]))
    with h5py.File(path, "r+") as file:
        del file["Retrieval/surface_type"]
    ds = open_soundings(path, quality="all")
    assert ds.surface.values.tolist() == [0, 1, 2]
    with h5py.File(path, "r+") as file:
        del file["Sounding/land_water_indicator"]
    assert open_soundings(path, quality="all").surface.values.tolist() == [0, 1, 2]


def test_mode_stored_as_int64_is_read_as_well(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2, mode=[1, 0]))
    with h5py.File(path, "r+") as file:
        del file["Sounding/operation_mode"]
        data = file.create_dataset("Sounding/operation_mode", data=np.array([1, 127], dtype=np.int64))
        data.attrs["missing_value"] = np.int64(127)
    assert open_soundings(path)["mode"].values.tolist() == [1, 255]


def test_wrong_unit_of_airmass_is_overruled(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2))
    with h5py.File(path) as file:
        assert file["Sounding/airmass"].attrs["units"][0] in ("degrees", b"degrees")
    ds = open_soundings(path).load()
    assert ds.airmass.attrs["units"] == "1"
    np.testing.assert_allclose(
        ds.airmass, 1 / np.cos(np.deg2rad(52)) + 1 / np.cos(np.deg2rad(1.5)), rtol=1e-5
    )


def test_dateline_corners_stay_in_range(tmp_path: Path) -> None:
    ds = open_soundings(write(tmp_path, Retrieval.make(1, longitude=[179.999]))).load()
    assert ds.longitude_corner.values.min() < -179.9
    assert ds.longitude_corner.values.max() > 179.9
    assert ((ds.longitude_corner >= -180) & (ds.longitude_corner < 180)).all()


def test_longitudes_from_0_to_360_are_turned(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2, longitude=[10.0, -120.0]))
    with h5py.File(path, "r+") as file:
        for name in ("longitude", "vertex_longitude"):
            file[name][...] = file[name][()] % 360.0
        assert file["longitude"][1] == 240.0
    ds = open_soundings(path).load()
    np.testing.assert_allclose(ds.longitude, [10.0, -120.0], atol=1e-4)
    np.testing.assert_allclose(ds.longitude_corner.mean("corner"), [10.0, -120.0], atol=0.05)


def test_missing_corners_are_nan(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2))
    with h5py.File(path, "r+") as file:
        file["vertex_latitude"][1, 2] = -999999
    corners = open_soundings(path).latitude_corner.values
    assert np.isnan(corners).sum() == 1


def test_file_without_corners_gets_those_of_the_instrument(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2))
    with h5py.File(path, "r+") as file:
        del file["vertex_latitude"], file["vertex_longitude"]
    ds = open_soundings(path)
    assert ds.latitude_corner.attrs["footprint_kind"] == "circle"
    assert "2.25 km" in ds.latitude_corner.attrs["comment"]


def test_wrong_dimension_order_is_one_clear_error(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(3))
    with h5py.File(path, "r+") as file:
        turned = file["pressure_levels"][()].T
        del file["pressure_levels"]
        file["pressure_levels"] = turned
    with pytest.raises(NotAGranuleError, match=r"pressure_levels has shape \(20, 3\).*\(3, 20\)"):
        open_soundings(path)


def test_missing_quality_flag_is_an_error_not_a_guess(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(3))
    with h5py.File(path, "r+") as file:
        del file["xco2_quality_flag"]
    with pytest.raises(NotAGranuleError, match="xco2_quality_flag"):
        open_soundings(path)
    with pytest.raises(NotAGranuleError, match="xco2_quality_flag"):
        open_soundings(path, product="oco2_lite")


def test_subset_with_another_suffix_is_found_in_a_folder(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2))
    path.rename(tmp_path / f"{path.name}.SUB")
    assert open_soundings(tmp_path).sizes["sounding"] == 2


def test_scales_and_raw_column_are_kept_apart(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2))
    with h5py.File(path, "r+") as file:
        for name, value in (("xco2", 410.0), ("xco2_x2019", 410.2), ("Retrieval/xco2_raw", 407.0)):
            file[name][...] = value
    ds = open_soundings(path).load()
    for name, value in (("xco2", 410.0), ("xco2_x2019", 410.2), ("xco2_raw", 407.0)):
        np.testing.assert_allclose(ds[name], value, rtol=1e-6)
    assert "X2019" in ds.xco2_x2019.attrs["long_name"]


def test_retrieved_not_prior_pressure_is_the_surface_pressure(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(2, surface_pressure=990.0))
    with h5py.File(path, "r+") as file:
        priors = [name for name in file["Meteorology"] if name.startswith("psurf_apriori")]
        assert priors
        for name in priors:
            file[f"Meteorology/{name}"][...] = 1234.0
    np.testing.assert_allclose(open_soundings(path).surface_pressure, 990.0, rtol=1e-6)


def test_fills_of_small_integers(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(3))
    with h5py.File(path, "r+") as file:
        file["Retrieval/surface_type"][1] = 127
        file["Sounding/operation_mode"][1] = 127
        file["Sounding/footprint"][1] = 127
        file["Sounding/orbit"][1] = -9999
        file["xco2_quality_flag"][2] = 127
    ds = open_soundings(path, quality="all").load()
    assert ds.surface.values[1] == 255
    assert ds["mode"].values[1] == 255
    assert np.isnan(ds.footprint.values).tolist() == [False, True, False]
    assert np.isnan(ds.orbit.values).tolist() == [False, True, False]
    assert ds.quality.values.tolist() == [0, 0, 1]


def test_missing_bit_field_is_no_set_of_bits(tmp_path: Path) -> None:
    path = write(tmp_path, Retrieval.make(3), "10")
    with h5py.File(path, "r+") as file:
        assert file["xco2_qf_bitflag"].dtype == "i4"
        file["xco2_qf_bitflag"][1] = -9999
        file["xco2_qf_bitflag"][2] = np.int32(-(2**31))
    assert open_soundings(path, quality="all").quality_bits.values.tolist() == [0, 0, 2**31]


# ---------------------------------------------------------------------------------------------- ACOS


@pytest.fixture
def acos(tmp_path: Path) -> Path:
    path = tmp_path / acos_lite_name(DAY)
    times = np.datetime64("2020-01-15T05:30:00", "ns") + np.arange(4) * np.timedelta64(5, "s")
    write_acos_lite(path, Retrieval.make(4, time=times, surface=[0, 1, 0, 1], gain=[b"H", b"M", b"H", b"H"]))
    return path


def test_acos_without_warning_of_the_gain(acos: Path, recwarn: pytest.WarningsRecorder) -> None:
    ds = check_soundings(open_soundings(acos)).load()
    assert (ds.attrs["product"], ds.attrs["product_version"]) == ("acos_lite", "9")
    assert ds.attrs["platform"] == "GOSAT"
    assert ds["mode"].values.tolist() == [MODE["nadir"], MODE["glint"], MODE["nadir"], MODE["glint"]]
    assert "no mode" in ds["mode"].attrs["comment"]
    assert not recwarn.list


def test_acos_is_told_from_oco2_by_content(acos: Path, tmp_path: Path) -> None:
    with h5py.File(acos, "r+") as file:
        for key in list(file.attrs):
            del file.attrs[key]
    path = acos.rename(tmp_path / "oco2_LtCO2_200115_B11210Ar.nc4")  # a name that lies
    assert identify(path).product == "acos_lite"


def test_acos_date_has_six_columns(acos: Path) -> None:
    before = open_soundings(acos).time.values
    with h5py.File(acos, "r+") as file:
        assert file["date"].shape == (4, 6)
        del file["time"]
    np.testing.assert_array_equal(open_soundings(acos).time.values, before)


def test_acos_corners_say_where_they_come_from(acos: Path) -> None:
    ds = open_soundings(acos)
    assert "10.5 km" in ds.latitude_corner.attrs["comment"]
    assert ds.latitude_corner.shape == (4, 4)


@pytest.mark.parametrize("mark", ["BuildId", "bc_function", "file name"])
def test_acos_7_is_known_by_any_of_its_marks(mark: str, acos: Path, tmp_path: Path) -> None:
    name = "acos_LtCO2_160404_v201202_B7310A_161107201902s_subsetted.nc4"
    with h5py.File(acos, "r+") as file:
        for key in list(file.attrs):
            if key != "Platform":
                del file.attrs[key]
        if mark == "BuildId":
            file.attrs["BuildId"] = "B7.3.10"
        if mark == "bc_function":
            file.attrs["bc_function"] = "bias_correct_acos_b7_3"
        level = file.create_dataset("warn_level", data=np.array([0, 5, 19, 127], dtype=np.int8))
        level.attrs["missing_value"] = np.int8(127)
    path = acos.rename(tmp_path / (name if mark == "file name" else "x.nc"))
    match = identify(path)
    assert (match.product, match.version) == ("acos_lite", "7.3")
    levels = open_soundings(path, quality="all").warn_level.values
    np.testing.assert_array_equal(levels, [0, 5, 19, np.nan])


def test_acos_sounding_id_of_14_digits(acos: Path) -> None:
    ds = open_soundings(acos).load()
    assert ds.sounding_id.values.tolist() == [20200115053000 + 5 * k for k in range(4)]
    with h5py.File(acos, "r+") as file:
        del file["time"], file["date"]
    np.testing.assert_array_equal(open_soundings(acos).time, ds.time)


def test_acos_wind_is_missing_over_land_and_nothing_else_is(acos: Path) -> None:
    with h5py.File(acos, "r+") as file:
        file["Meteorology/windspeed_u_met"][0] = -999999
    ds = open_soundings(acos).load()
    assert np.isnan(ds.wind_u.values).tolist() == [True, False, False, False]
    assert np.isfinite(ds.xco2).all()

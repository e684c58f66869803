"""Foreign layouts: against the original files where there are any, and against the products' own tables."""

from __future__ import annotations

from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pytest

from yaotan.errors import SchemaError
from yaotan.simulate.layout import (
    Retrieval,
    acos_lite_name,
    gmi_name,
    nies_gosat_name,
    oco2_lite_name,
    write_acos_lite,
    write_gmi,
    write_nies_gosat,
    write_oco2_lite,
)
from yaotan.simulate.layout.moment import sounding_id

NAN = float("nan")
#: not as the producer writes it: added to the sample later, as 64-bit integers with scalar attributes
ALTERED = {"Sounding/operation_mode"}
WRITERS = {
    "oco2": write_oco2_lite,
    "oco2 v9": lambda path, s: write_oco2_lite(path, s, version="9"),
    "oco3": lambda path, s: write_oco2_lite(path, s, version="10", platform="oco3"),
    "acos": write_acos_lite,
    "nies co2": write_nies_gosat,
    "nies v02.97": lambda path, s: write_nies_gosat(path, s, version="V02.97"),
    "gmi flat": write_gmi,
    "gmi grouped": lambda path, s: write_gmi(path, s, layout="grouped"),
    "gmi ambiguous": lambda path, s: write_gmi(path, s, layout="ambiguous"),
}


def datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    found: dict[str, h5py.Dataset] = {}
    file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    return found


def first(value: object) -> object:
    value = value[0] if isinstance(value, np.ndarray) else value
    return value.decode() if isinstance(value, bytes) else value


def compare(real: Path, ours: Path, *, unit: str, fills: set[str], ignore: set[str] = frozenset()) -> int:
    """Each dataset in both files: type, unit, fill attribute and its value, attribute kinds, rank."""
    with h5py.File(real) as a, h5py.File(ours) as b:
        theirs, mine = datasets(a), datasets(b)
        shared = sorted((theirs.keys() & mine.keys()) - ignore)
        for path in shared:
            x, y = theirs[path], mine[path]
            assert x.ndim == y.ndim, path
            if "netCDF dimension but not" in str(x.attrs.get("NAME")):
                continue
            assert (x.dtype.kind, x.dtype.itemsize) == (y.dtype.kind, y.dtype.itemsize), path
            assert first(x.attrs.get(unit)) == first(y.attrs.get(unit)), path
            for name in ("_FillValue", "missing_value", "invalidValue", "validRange"):
                assert (name in x.attrs) == (name in y.attrs), f"{path}@{name}"
                if name in x.attrs:
                    assert name in fills, path
                    np.testing.assert_array_equal(x.attrs[name], y.attrs[name], path)
                    assert x.attrs[name].shape == y.attrs[name].shape, path
                    assert np.asarray(x.attrs[name]).dtype == np.asarray(y.attrs[name]).dtype, path
            if unit in x.attrs:
                assert np.shape(x.attrs[unit]) == np.shape(y.attrs[unit]) == (1,), path
            assert ("CLASS" in x.attrs) == ("CLASS" in y.attrs), path
        return len(shared)


def test_oco2_against_original(satellite: Path, tmp_path: Path) -> None:
    ours = tmp_path / "a.nc4"
    write_oco2_lite(ours, Retrieval.make(16), version="9")
    real = satellite / "oco2_lite" / "oco2_LtCO2_160727_B99999r_sampledata.nc4"
    # `vertices` has no values in the sample; the header dumps of complete files have it as a variable
    shared = compare(real, ours, unit="units", fills={"missing_value"}, ignore=ALTERED | {"vertices"})
    assert shared >= 10
    with h5py.File(real) as file:
        for path in ("latitude", "xco2", "time"):
            assert file[path].fillvalue == h5py.File(ours)[path].fillvalue
        ids = sounding_id((file["time"][:] * 1e9).astype("i8").view("M8[ns]"), file["Sounding/footprint"][:])
        np.testing.assert_array_equal(ids, file["sounding_id"][:])


def test_acos_against_original(satellite: Path, tmp_path: Path) -> None:
    ours = tmp_path / "a.nc4"
    write_acos_lite(ours, Retrieval.make(16))
    real = satellite / "acos_lite" / "acos_LtCO2_090901_v205205_B9213A_200310212449s.nc4"
    assert compare(real, ours, unit="units", fills={"missing_value"}) >= 40
    with h5py.File(real) as a, h5py.File(ours) as b:
        assert not set(datasets(b)) - set(datasets(a))
        np.testing.assert_allclose(a["Retrieval/SigmaB"], b["Retrieval/SigmaB"], rtol=1e-6)
        np.testing.assert_allclose(a["pressure_weight"][0], b["pressure_weight"][0], rtol=0.03)
        for path in ("pressure_levels", "xco2_averaging_kernel", "co2_profile_apriori"):
            assert np.sign(a[path][0, 10] - a[path][0, 0]) == np.sign(b[path][0, 10] - b[path][0, 0]), path
        assert a["date"].shape[1] == b["date"].shape[1] == 6
        for name in ("Platform", "Sensor", "BuildId", "bc_function", "filter_function", "title"):
            assert first(a.attrs[name]) == first(b.attrs[name])


def test_nies_against_original(satellite: Path, tmp_path: Path) -> None:
    ours = tmp_path / "a.h5"
    write_nies_gosat(ours, Retrieval.make(16))
    real = satellite / "nies_gosat_swir_l2" / "GOSATTFTS20181109_02C01SV0280R181109GU000.h5"
    assert compare(real, ours, unit="unit", fills={"invalidValue", "validRange"}) >= 60
    with h5py.File(real) as a, h5py.File(ours) as b:
        assert not set(datasets(b)) - set(datasets(a))
        for path, x in datasets(b).items():
            assert first(a[path].attrs.get("longName")) == first(x.attrs.get("longName")), path
            if path.startswith(("Data/", "scanAttribute/")):
                assert a[path].compression == x.compression, path
                assert (a[path].chunks == a[path].shape) == (x.chunks == x.shape), path
        for path in ("columnAveragingKernel",):
            np.testing.assert_allclose(
                a["Data/retrievalQuality"][path][0], b["Data/retrievalQuality"][path][0], atol=0.15
            )
        np.testing.assert_array_equal(
            a["ancillary/FTSL2DataInformation/prsRefLevel"], b["ancillary/FTSL2DataInformation/prsRefLevel"]
        )
        for name in ("productCode", "satelliteName", "sensorName", "operationLevel", "productVersion"):
            np.testing.assert_array_equal(a[f"Global/metadata/{name}"], b[f"Global/metadata/{name}"])


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("count", [0, 1, 20])
def test_any_number_of_soundings(name: str, count: int, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / "a", Retrieval.make(count))
    with h5py.File(tmp_path / "a") as file:
        sizes = {item.shape[0] for path, item in datasets(file).items() if "atitude" in path or "Lat" in path}
    assert sizes == {count}


@pytest.mark.parametrize("name", WRITERS)
def test_same_input_gives_same_bytes(name: str, tmp_path: Path) -> None:
    for copy in ("a", "b"):
        WRITERS[name](tmp_path / copy, Retrieval.make(9))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("writer", [write_oco2_lite, write_acos_lite])
def test_netcdf_library_opens_lite(writer: object, tmp_path: Path) -> None:
    writer(tmp_path / "a.nc4", Retrieval.make(5))
    with netCDF4.Dataset(tmp_path / "a.nc4") as file:
        assert file["xco2"].dimensions == ("sounding_id",)
        assert file["co2_profile_apriori"].dimensions == ("sounding_id", "levels")
        assert "_FillValue" not in file["xco2"].ncattrs()
        assert file["sounding_id"].dtype == np.uint64


ONLY_IN = {
    "warn_level": {"8"},
    "xco2_qf_bitflag": {"9", "10", "11", "11.2"},
    "xco2_qf_simple_bitflag": {"10", "11", "11.2"},
    "xco2_x2019": {"11", "11.2"},
    "Auxiliary/xco2_quality_flag_b8": {"9"},
    "Retrieval/psurf_apriori_b8": {"9"},
    "Meteorology/psurf_apriori": {"9", "10", "11", "11.2"},
    "Retrieval/windspeed_u_met": {"8"},
}


@pytest.mark.parametrize("version", ["8", "9", "10", "11", "11.2"])
def test_oco2_versions(version: str, tmp_path: Path) -> None:
    write_oco2_lite(tmp_path / "a.nc4", Retrieval.make(3), version=f"v{version}")
    with h5py.File(tmp_path / "a.nc4") as file:
        for path, versions in ONLY_IN.items():
            assert (path in file) == (version in versions), path
        if "xco2_qf_bitflag" in file:
            assert file["xco2_qf_bitflag"].dtype == ("u8" if version.startswith("11") else "i4")
        assert ("CollectionLabel" in file.attrs) == (version in ("10", "11", "11.2"))
        assert ("gesdisc_collection" in file.attrs) == (version == "11.2")
    label = oco2_lite_name("2022-05-31", version=version).split("_")[3]
    assert label.startswith({"8": "B8", "9": "B9", "10": "B10", "11": "B110", "11.2": "B112"}[version])


def test_oco2_content(tmp_path: Path) -> None:
    soundings = Retrieval.make(
        4,
        xgas=[410.0, NAN, 411.0, 412.0],
        quality=[0, 1, -1, 0],
        reasons=[0, 0b101, 0, 0],
        surface=[0, 1, 2, -1],
        mode=[0, 1, 2, 3],
        longitude=[179.999, -179.999, 10.0, 20.0],
        surface_pressure=[1012.87, 900.0, NAN, 1000.0],
    )
    write_oco2_lite(tmp_path / "a.nc4", soundings)
    with h5py.File(tmp_path / "a.nc4") as file:
        assert file["xco2"][1] == np.float32(-999999)
        assert file["xco2_x2019"][0] == pytest.approx(410 * 1.00079 - 0.142, abs=1e-4)
        assert list(file["xco2_quality_flag"]) == [0, 1, 127, 0]
        assert list(file["Retrieval/surface_type"]) == [1, 0, 1, 127]
        assert list(file["Sounding/land_water_indicator"]) == [0, 1, 3, 127]
        assert list(file["Sounding/operation_mode"]) == [0, 1, 2, 3]
        assert np.ptp(file["vertex_longitude"][0]) > 300  # crosses the dateline
        # top of the atmosphere first: SigmaB times the surface pressure, in hPa
        assert file["pressure_levels"][0, [0, -1]] == pytest.approx([0.101287, 1012.87], rel=1e-5)
        assert (file["pressure_levels"][2] == np.float32(-999999)).all()
        assert file["pressure_weight"][0].sum() == pytest.approx(1, abs=1e-6)
        assert file["xco2_averaging_kernel"][0, 0] < 0.5 < file["xco2_averaging_kernel"][0, -1]
        weighted = (file["pressure_weight"][0] * file["co2_profile_apriori"][0]).sum()
        assert weighted == pytest.approx(file["xco2_apriori"][0], abs=1e-3)
        names = first(file["xco2_qf_bitflag"].attrs["qf_variables"]).split(", ")
        assert names[0] == "co2_ratio"
        assert file["Preprocessors/co2_ratio"][1] > 1.03 > file["Preprocessors/co2_ratio"][0]


def test_sounding_id_is_exact(tmp_path: Path) -> None:
    soundings = Retrieval.make(
        2, time=["2016-07-27T18:18:44.560", "2016-12-31T23:59:59.990"], footprint=[1, 8], orbit=[5, 6]
    )
    write_oco2_lite(tmp_path / "a.nc4", soundings)
    write_acos_lite(tmp_path / "b.nc4", soundings)
    with h5py.File(tmp_path / "a.nc4") as file:
        assert list(file["sounding_id"]) == [2016072718184471, 2017010100000008]
        assert list(file["date"][0]) == [2016, 7, 27, 18, 18, 44, 700]
        assert list(file["file_index"]) == [1, 2]
        assert file["time"][0] == pytest.approx(1469643524.56, abs=1e-6)
    with h5py.File(tmp_path / "b.nc4") as file:
        assert list(file["sounding_id"]) == [20160727181844, 20161231235959]


def test_oco3_extras(tmp_path: Path) -> None:
    soundings = Retrieval.make(3, mode=4, target=["fossil0005", "fossil0005", "none"])
    write_oco2_lite(tmp_path / "a.nc4", soundings, version="10", platform="oco3")
    with h5py.File(tmp_path / "a.nc4") as file:
        assert list(file["Sounding/target_id"].asstr()) == ["fossil0005", "fossil0005", "none"]
        assert set(file["Sounding/operation_mode"]) == {4}
        assert "Sounding/path" not in file
        assert "Sounding/pma_azimuth_angle" in file
    assert oco2_lite_name("2022-04-29", version="10", platform="oco3").startswith(
        "oco3_LtCO2_220429_B10400Br"
    )
    with pytest.raises(SchemaError, match="no version '9' of 'oco3'"):
        write_oco2_lite(tmp_path / "b.nc4", soundings, version="9", platform="oco3")


def test_nies_content(tmp_path: Path) -> None:
    soundings = Retrieval.make(
        3, xgas_raw=[405.0, NAN, 406.0], surface=[0, 1, 0], mode=[0, 1, 0], uncertainty=1.0
    )
    write_nies_gosat(tmp_path / "a.h5", soundings)
    with h5py.File(tmp_path / "a.h5") as file:
        ratio = file["Data/mixingRatio"]
        assert list(ratio["XCO2"]) == [405.0, -9999.0, 406.0]
        assert "XCO2BiasCorrected" not in ratio
        assert (ratio["XCO2ExternalError"][:] == -9999).all()
        parts = [
            ratio[f"XCO2{name}"][0] for name in ("RetrievalNoise", "SmoothingError", "InterferenceError")
        ]
        assert np.hypot.reduce(parts) == pytest.approx(1.0, rel=1e-6)
        column = (
            file["Data/totalColumn/CO2TotalColumn"][0] / file["Data/auxiliaryParameter/dryAirTotalColumn"][0]
        )
        assert column * 1e6 == pytest.approx(405.0, abs=1e-3)
        dry = file["scanAttribute/referenceData/dryAirPartialColumn"][0].astype(float)
        prior = (dry / dry.sum() * file["scanAttribute/referenceData/CO2Profile"][0]).sum()
        assert prior == pytest.approx(file["scanAttribute/referenceData/XCO2"][0], abs=1e-3)
        assert dry[0] > dry[-1]
        kernel = file["Data/retrievalQuality/columnAveragingKernel"][0]
        assert kernel[0] < 0.6 < 0.9 < kernel[-1]
        assert list(file["Data/geolocation/sunglintFlag"]) == [0, 1, 0]
        assert list(file["scanAttribute/cloudInformation/sunglintFlag"]) == [1, 0, 1]
        albedo = file["Data/auxiliaryParameter/surfaceAlbedo"]
        assert (albedo[1] == -9999).all()
        assert (albedo[0] > 0).all()
        assert file["scanAttribute/time"][0] == b"2020-01-15 05:30:00.000"
        assert file["Data/totalColumn/CO2TotalColumn"][1] == np.float32(-1e30)


def test_nies_bias_corrected_and_methane(tmp_path: Path) -> None:
    write_nies_gosat(tmp_path / "a.h5", Retrieval.make(2, xgas=411.0, xgas_raw=409.0), version="V02.97")
    with h5py.File(tmp_path / "a.h5") as file:
        assert set(file["Data/mixingRatio/XCO2BiasCorrected"]) == {411.0}
        assert set(file["Data/mixingRatio/XCO2"]) == {409.0}
    methane = Retrieval.make(2, gas="ch4", xgas=1850.0, xgas_raw=1840.0)
    write_nies_gosat(tmp_path / "b.h5", methane, gas="ch4", version="V02.95")
    with h5py.File(tmp_path / "b.h5") as file:
        assert file["Data/mixingRatio/XCH4"][0] == pytest.approx(1.84)  # ppmv, not ppb
        assert first(file["Data/mixingRatio/XCH4"].attrs["unit"]) == "ppmv"
        assert list(file["Global/metadata/productCode"]) == [b"C02S"]
        assert "CO2DFS" not in file["Data/retrievalQuality"]


def test_nies_ring(tmp_path: Path) -> None:
    write_nies_gosat(tmp_path / "a.h5", Retrieval.make(1, latitude=60.0, longitude=179.99))
    with h5py.File(tmp_path / "a.h5") as file:
        latitude = file["Data/geolocation/footPrintLatitude"][0]
        longitude = file["Data/geolocation/footPrintLongitude"][0]
    assert latitude.size == 36
    assert (latitude[0], longitude[0]) != (latitude[-1], longitude[-1])
    assert np.ptp(latitude) * 111.2 == pytest.approx(10.5, rel=0.01)
    assert longitude.min() < -179
    assert longitude.max() > 179


def test_gmi_deliveries_tell_the_same_in_other_words(tmp_path: Path) -> None:
    soundings = Retrieval.make(4, xgas=[410.0, 411.0, 412.0, 413.0], quality=[0, 0, 1, 0])
    for layout in ("flat", "grouped", "ambiguous"):
        write_gmi(tmp_path / layout, soundings, layout=layout)
    with h5py.File(tmp_path / "flat") as flat, h5py.File(tmp_path / "grouped") as grouped:
        assert not set(datasets(flat)) & set(datasets(grouped))
        np.testing.assert_allclose(
            flat["XCO2"][:], grouped["Result/CO2_Dry_Air_Mole_Fraction"][:] * 1e6, rtol=1e-6
        )
        base = np.datetime64("2000-01-01T12:00", "ms")
        since = flat["J2000MilliSecond"][:].astype("m8[ms]") + base
        iso = np.array(
            [text.decode().rstrip("Z") for text in grouped["Geolocation/Observation_Time"]], "M8[ms]"
        )
        np.testing.assert_array_equal(since, iso)
    with h5py.File(tmp_path / "ambiguous") as file:
        columns = [path for path in datasets(file) if path.endswith("XCO2")]
        assert len(columns) == 2
    with pytest.raises(SchemaError, match="no layout 'other'"):
        write_gmi(tmp_path / "x", soundings, layout="other")


def test_names() -> None:
    assert oco2_lite_name(np.datetime64("2015-01-31")) == "oco2_LtCO2_150131_B11210Ar_240820000231s.nc4"
    assert acos_lite_name("2009-09-01") == "acos_LtCO2_090901_v205205_B9213A_200310212449s.nc4"
    assert nies_gosat_name("2018-11-02") == "GOSATTFTS20181102_02C01SV0280R181102GU000.h5"
    assert nies_gosat_name("2018-11-02", gas="ch4", version="V02.95") == (
        "GOSATTFTS20181102_02C02SV0295R181102GU000.h5"
    )
    assert gmi_name("2019-04-06", -26.89, -113.27, 4844).startswith(
        "GF5B_GMI_S26.89_W113.27_20190406_004844_L2"
    )


def test_retrieval_refuses_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="unknown attribute 'xco2'"):
        Retrieval.make(3, xco2=400.0)
    with pytest.raises(SchemaError, match="latitude has shape"):
        Retrieval.make(3, latitude=[1.0, 2.0])
    with pytest.raises(SchemaError, match="kernel has shape"):
        write_oco2_lite(tmp_path / "a.nc4", Retrieval.make(2, kernel=np.ones((2, 15))))
    given = np.array([1.0, 2.0, 3.0])
    whole = Retrieval.make(3, latitude=given)
    given[0] = 9.0
    assert whole.latitude[0] == 1.0
    both = Retrieval.join([whole, whole.take([2, 0])])
    assert list(both.latitude) == [1.0, 2.0, 3.0, 3.0, 1.0]

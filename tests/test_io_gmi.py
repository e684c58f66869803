"""GMI without a public layout: what is matched, what is refused, what a user can teach."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from yaotan.errors import AmbiguousLayoutError, CatalogError, NotAGranuleError, UnitsError
from yaotan.io.alias_name import normalise_name
from yaotan.io.identify import identify
from yaotan.io.soundings import open_soundings
from yaotan.io.teaching import load_aliases
from yaotan.schema import check_soundings
from yaotan.simulate.layout import Retrieval, gmi_name, write_gmi


def write(folder: Path, layout: str = "flat", count: int = 4, **given: object) -> Path:
    path = folder / gmi_name("2020-04-06", 26.89, 113.27, 4844)
    source = {"time": np.datetime64("2020-04-06T05:30:00", "ns") + np.arange(count) * np.timedelta64(2, "s")}
    write_gmi(path, Retrieval.make(count, **{**source, **given}), layout=layout)
    return path


def matched(path: Path, **options: object) -> dict:
    return json.loads(open_soundings(path, **options).attrs["matched"])


@pytest.mark.parametrize("layout", ["flat", "grouped"])
def test_two_differently_named_deliveries_read_alike(layout: str, tmp_path: Path) -> None:
    values = [410.0, 411.0, np.nan, 413.0]
    path = write(tmp_path, layout, xgas=values, quality=[0, 1, 0, 0], surface_pressure=998.0)
    ds = check_soundings(open_soundings(path)).load()
    np.testing.assert_allclose(ds.xco2, [410.0, 413.0], atol=1e-4)
    np.testing.assert_allclose(ds.xco2_uncertainty, 0.6, rtol=1e-5)
    np.testing.assert_allclose(ds.surface_pressure, 998.0, rtol=1e-6)
    assert ds.time.values[0] == np.datetime64("2020-04-06T05:30:00")
    (entry,) = json.loads(ds.attrs["reading"])
    assert entry["dropped"] == {"quality_flag": 1, "no_value": 1}
    assert ds.attrs["product"] == "gf5b_gmi"
    assert "10.3 km" in ds.latitude_corner.attrs["comment"]


def test_it_says_what_it_matched(tmp_path: Path) -> None:
    entries = matched(write(tmp_path, "grouped"))
    assert entries["xco2"] == {
        "found_by": "alias",
        "path": "/Result/CO2_Dry_Air_Mole_Fraction",
        "units": "mol/mol",
        "units_source": "attribute",
    }
    assert entries["quality"]["good_source"] == "assumed: 0 is good"
    assert entries["time"]["kind"] == "text"


def test_ambiguous_delivery_is_refused_with_the_deciding_line(tmp_path: Path) -> None:
    path = write(tmp_path, "ambiguous")
    with pytest.raises(AmbiguousLayoutError) as caught:
        open_soundings(path)
    text = str(caught.value)
    assert "/FullPhysics/XCO2 and /Proxy/XCO2 may both be xco2" in text
    assert "variables: {xco2: /FullPhysics/XCO2}" in text
    assert "'product: gf5b_gmi'" in text
    lines = [part for part in text.split("'") if part.startswith(("product:", "variables:"))]
    own = tmp_path / "own.yaml"
    own.write_text("\n".join(lines[:2]))  # the message alone is enough to write the file
    np.testing.assert_allclose(open_soundings(path, aliases=own).xco2, 410.0)
    with pytest.raises(AmbiguousLayoutError):
        identify(path)


@pytest.mark.parametrize(("column", "value"), [("FullPhysics", 410.0), ("Proxy", 411.5)])
def test_user_decides_by_a_yaml_file(column: str, value: float, tmp_path: Path) -> None:
    path = write(tmp_path, "ambiguous")
    own = tmp_path / "own.yaml"
    own.write_text(f"product: gf5b_gmi\nvariables:\n  xco2: /{column}/XCO2\nquality:\n  good: [0]\n")
    ds = open_soundings(path, aliases=own)
    np.testing.assert_allclose(ds.xco2, value, atol=1e-4)
    entries = json.loads(ds.attrs["matched"])
    assert entries["xco2"]["found_by"] == "user"
    assert entries["quality"]["good_source"] == "user"
    assert identify(path, aliases=own).product == "gf5b_gmi"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A delivery of which no name is in the table, and whose name and marks say nothing."""
    path = tmp_path / "delivery.h5"
    with h5py.File(path, "w") as file:
        file["P/breite"], file["P/laenge"] = [30.0, 31.0], [115.0, 116.0]
        file["P/zeit"] = np.array([b"2020-04-06 03:00:00", b"2020-04-07 03:00:00"])
        file["C/saeule"], file["C/guete"] = [4.1e-4, 4.2e-4], [3, 1]
    return path


TAUGHT = {
    "product": "gf5b_gmi",
    "variables": {"latitude": "/P/breite", "longitude": "/P/laenge", "xco2": "/C/saeule"},
    "quality": {"path": "/C/guete", "good": [3]},
    "time": {"path": "/P/zeit", "offset_hours": 8},
}


def test_everything_can_be_taught(foreign: Path) -> None:
    with pytest.raises(NotAGranuleError, match="no product that is known"):
        identify(foreign)
    ds = check_soundings(open_soundings(foreign, aliases=TAUGHT)).load()
    np.testing.assert_allclose(ds.xco2, [410.0])
    assert ds.time.values[0] == np.datetime64("2020-04-05T19:00:00")  # Beijing time crosses midnight
    assert ds.xco2.attrs["units_source"] == "inferred"


def test_missing_flag_is_refused_unless_the_user_says_there_is_none(foreign: Path) -> None:
    taught = {key: value for key, value in TAUGHT.items() if key != "quality"}
    with pytest.raises(
        NotAGranuleError, match=r"nothing was found for quality.*/C/guete \(2,\).*quality: none"
    ):
        open_soundings(foreign, aliases=taught)
    ds = open_soundings(foreign, aliases={**taught, "quality": "none"})
    assert ds.sizes["sounding"] == 2
    assert "no quality flag" in ds.quality.attrs["comment"]


def test_missing_column_prints_the_tree(tmp_path: Path) -> None:
    path = write(tmp_path)
    with h5py.File(path, "r+") as file:
        del file["XCO2"]
    with pytest.raises(
        NotAGranuleError, match=r"nothing was found for xco2 or xch4.*/J2000MilliSecond \(4,\)"
    ):
        open_soundings(path)


@pytest.mark.parametrize(
    ("stored", "unit"), [(410.0, "ppm"), (4.1e-4, "1"), (1.85, "ppm"), (1850.0, "ppb"), (1.85e-6, "1")]
)
def test_units_are_inferred_from_the_range(stored: float, unit: str, tmp_path: Path) -> None:
    name = "xco2" if stored in (410.0, 4.1e-4) else "xch4"
    path = write(tmp_path)
    with h5py.File(path, "r+") as file:
        del file["XCO2"], file["XCO2_Error"], file["XCO2_Apriori"]
        file[name.upper()] = np.full(4, stored)
    ds = open_soundings(path)
    assert ds[name].attrs["units_source"] == "inferred"
    np.testing.assert_allclose(ds[name], 410.0 if name == "xco2" else 1850.0, rtol=1e-6)
    assert matched(path)[name]["units"] == unit


def test_unit_that_is_neither_stated_nor_clear_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    with h5py.File(path, "r+") as file:
        del file["XCO2"]
        file["XCO2"] = np.full(4, 41.0)
    with pytest.raises(UnitsError, match=r"median 41.*units: \{xco2"):
        open_soundings(path)
    ds = open_soundings(path, aliases={"product": "gf5b_gmi", "units": {"xco2": "1e-5"}})
    np.testing.assert_allclose(ds.xco2, 410.0)


def test_bias_corrected_column_wins(tmp_path: Path) -> None:
    path = write(tmp_path)
    with h5py.File(path, "r+") as file:
        file["XCO2_BiasCorrected"] = np.full(4, 405.0)
        file["XCO2_BiasCorrected"].attrs["Unit"] = "ppm"
    ds = open_soundings(path)
    np.testing.assert_allclose(ds.xco2, 405.0)
    assert ds.xco2.attrs["bias_corrected"] == "yes"


def test_dataset_of_another_size_is_no_candidate(tmp_path: Path) -> None:
    path = write(tmp_path)
    with h5py.File(path, "r+") as file:
        file["Other/XCO2"] = np.full(7, 405.0)
    assert matched(path)["xco2"]["path"] == "/XCO2"


def test_time_digits_epoch_and_beijing_words(tmp_path: Path) -> None:
    path = write(tmp_path, count=1)
    stored = {
        "digits": np.array([20200406070102], dtype=np.int64),
        "epoch": np.array([1586156462.0]),
        "beijing": np.array([b"2020-04-06 15:01:02"]),
    }
    for name, values in stored.items():
        with h5py.File(path, "r+") as file:
            for old in ("J2000MilliSecond", "time"):
                if old in file:
                    del file[old]
            file["time"] = values
            if name == "epoch":
                file["time"].attrs["units"] = "seconds since 1970-01-01"
            if name == "beijing":
                file["time"].attrs["Description"] = "Beijing time"
        assert open_soundings(path).time.values[0] == np.datetime64("2020-04-06T07:01:02"), name
    with h5py.File(path, "r+") as file:
        del file["time"]
        file["time"] = [12345.0]
    with pytest.raises(UnitsError, match="does not say what its numbers count"):
        open_soundings(path)
    taught = {"product": "gf5b_gmi", "time": {"units": "seconds since 2020-04-06"}}
    assert open_soundings(path, aliases=taught).time.values[0] == np.datetime64("2020-04-06T03:25:45")


def test_start_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, count=1)
    with h5py.File(path, "r+") as file:
        del file["J2000MilliSecond"]
        file["StartTime"] = np.array([b"2020-04-06 01:00:00"])
    with pytest.raises(UnitsError, match=r"UTC or Beijing time.*offset_hours: 8"):
        open_soundings(path)
    for hours, first in ((8, "2020-04-05T17:00:00"), (0, "2020-04-06T01:00:00")):
        taught = {"product": "gf5b_gmi", "time": {"offset_hours": hours}}
        assert open_soundings(path, aliases=taught).time.values[0] == np.datetime64(first)
    with h5py.File(path, "r+") as file:
        file["StartTime"].attrs["Description"] = "UTC"
    assert open_soundings(path).time.values[0] == np.datetime64("2020-04-06T01:00:00")


def test_teaching_the_form_of_time_keeps_the_zone_that_the_file_states(tmp_path: Path) -> None:
    path = write(tmp_path, count=1)
    with h5py.File(path, "r+") as file:
        del file["J2000MilliSecond"]
        file["BeijingTime"] = np.array([b"2020-04-06 15:00:00"])
    taught = {"product": "gf5b_gmi", "time": {"kind": "text"}}
    assert open_soundings(path, aliases=taught).time.values[0] == np.datetime64("2020-04-06T07:00:00")


def test_missing_quality_is_bad_without_a_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    path = write(tmp_path)
    with h5py.File(path, "r+") as file:
        del file["QualityFlag"]
        file["QualityFlag"] = [0.0, np.nan, 1.0, 0.0]
    ds = open_soundings(path, quality="all").load()
    assert ds.quality.values.tolist() == [0, 1, 1, 0]
    assert not recwarn.list


def test_profiles_need_pressure_to_tell_their_order(tmp_path: Path) -> None:
    path = write(tmp_path)
    kernel = np.tile(np.linspace(0.4, 1.0, 5), (4, 1))
    with h5py.File(path, "r+") as file:
        file["XCO2_AveragingKernel"] = kernel
    ds = open_soundings(path)
    assert "xco2_averaging_kernel" not in ds
    assert "xco2_averaging_kernel" in ds.attrs["not_used"]
    with h5py.File(path, "r+") as file:
        file["Pressure_Levels"] = np.tile(np.linspace(1e3, 1e5, 5), (4, 1))
    ds = check_soundings(open_soundings(path))
    np.testing.assert_allclose(ds.xco2_averaging_kernel, kernel[:, ::-1])
    np.testing.assert_allclose(ds.pressure_level[:, 0], 1000.0)


@pytest.mark.parametrize("name", ["FillValue", "_FillValue", "MissingValue", None])
def test_fill_by_any_attribute_or_usual_constant(name: str | None, tmp_path: Path) -> None:
    path = write(tmp_path)
    with h5py.File(path, "r+") as file:
        del file["XCO2"]
        file["XCO2"] = [410.0, -77.0 if name else -999.0, 412.0, 413.0]
        file["XCO2"].attrs["Unit"] = "ppm"
        if name:
            file["XCO2"].attrs[name] = -77.0
    assert open_soundings(path).xco2.values.tolist() == [410.0, 412.0, 413.0]


def test_gf5_says_that_it_is_not_gf5b(tmp_path: Path) -> None:
    path = write(tmp_path)
    with h5py.File(path, "r+") as file:
        file.attrs["SatelliteID"] = "GF5"
    assert open_soundings(path).attrs["platform"] == "GF-5"


def test_folder_and_tar_packages(tmp_path: Path) -> None:
    package = tmp_path / gmi_name("2020-04-06", 26.89, 113.27, 4844).removesuffix(".h5")
    package.mkdir()
    path = write(package)
    (package / f"{package.name}.xml").write_text("<ProductMetaData/>")
    plain = open_soundings(path).load()
    archive = tmp_path / f"{package.name}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(package, package.name)
    for way in (package, archive):
        np.testing.assert_array_equal(open_soundings(way).xco2.values, plain.xco2.values)
        assert identify(way).count == 4
    with pytest.raises(NotAGranuleError, match="holds 2 data files"):
        identify(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"product": "gf5b_gmi", "variable": {}}, "variable"),
        ({"variables": {}}, "product"),
        ({"product": "gf5b_gmi", "time": {"zone": 8}}, "time.zone"),
    ],
)
def test_wrong_alias_file_names_the_key(content: dict, words: str) -> None:
    with pytest.raises(CatalogError, match=words):
        load_aliases(content)


def test_taught_names_are_checked(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(CatalogError, match="xno3 cannot be taught"):
        open_soundings(path, aliases={"product": "gf5b_gmi", "variables": {"xno3": "/XCO2"}})
    with pytest.raises(NotAGranuleError, match="taught as Nowhere, which is not in the file"):
        open_soundings(path, aliases={"product": "gf5b_gmi", "variables": {"xco2": "/Nowhere"}})


def test_names_are_compared_by_letters_and_digits() -> None:
    assert normalise_name("Solar-Zenith_Angle ") == "solarzenithangle"


def test_the_how_to_works_as_written(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "howto" / "gmi_aliases.md").read_text(encoding="utf-8")
    own = tmp_path / "own.yaml"
    own.write_text(page.split("```yaml")[1].split("```")[0])
    path = write(tmp_path, "ambiguous")
    with h5py.File(path, "r+") as file:
        file["FullPhysics/XCO2"][...] = file["FullPhysics/XCO2"][()] * 1e-6
        file["FullPhysics/Sigma"] = np.full(4, 6e-7)
        file["FullPhysics/Sigma"].attrs["units"] = "mol/mol"
        file["FullPhysics/Flag"] = [0, 1, 2, 0]
        file["Geometry/ObsTime"] = 1586185262.0 + np.arange(4)
    ds = check_soundings(open_soundings(path, aliases=own)).load()
    np.testing.assert_allclose(ds.xco2, 410.0, rtol=1e-6)
    np.testing.assert_allclose(ds.xco2_uncertainty, 0.6, rtol=1e-6)
    assert ds.time.values[0] == np.datetime64("2020-04-06T07:01:02")
    assert ds.sizes["sounding"] == 3

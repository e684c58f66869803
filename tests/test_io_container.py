"""The container: both formats, rows without fancy lists, one clear message per kind of bad file."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import netcdf_file

from yaotan.catalog.rule import FillRule, TimeRule
from yaotan.errors import NotAGranuleError, UnitsError
from yaotan.io.container import Container, open_container
from yaotan.io.decode import fill_values, to_float
from yaotan.io.footprint import ring_corners, square_corners, wrap
from yaotan.io.moment import decode_time, parse_epoch
from yaotan.io.package import data_members


@pytest.fixture
def hdf5(tmp_path: Path) -> Path:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("group/x", data=np.arange(20_000.0).reshape(10_000, 2), chunks=(1000, 2))
        data.attrs["unit"] = np.array([b"hPa"])
        file.attrs["title"] = np.array(["a title"], dtype=object)
        scale = file.create_dataset("levels", (2,), ">f4")
        scale.make_scale("This is a netCDF dimension but not a netCDF variable.         2")
        file["big"] = np.arange(3, dtype=">i4")
    return path


def test_hdf5_paths_attributes_and_byte_order(hdf5: Path) -> None:
    with open_container(hdf5) as container:
        assert container.paths() == ["big", "group/x"]
        assert container.attributes["title"] == "a title"
        assert container.attributes_of("group/x") == {"unit": "hPa"}
        assert container.read("big").dtype == np.dtype("int32")
        assert "group" not in container
        assert container.entry("group/x").shape == (10_000, 2)


def test_what_a_file_lacks_is_told_by_lists_of_names(hdf5: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(hdf5, "r+") as file:
        file["nowhere"] = h5py.SoftLink("/gone")
        file["also_big"] = h5py.SoftLink("/big")
    asked: list[bytes] = []
    real = h5py.h5o.open

    def note(place: object, name: bytes, **options: object) -> object:
        asked.append(name)
        return real(place, name, **options)

    monkeypatch.setattr(h5py.h5o, "open", note)
    with open_container(hdf5) as container:
        for path in ("none", "group/none", "none/x", "group/x/y", "none/none/x", "big/x", "", "/"):
            assert path not in container, path
        assert sorted(asked) == [b"/", b"big", b"group", b"group/x"]  # to list them, once each
        for path in ("group", "nowhere"):
            assert path not in container, path
        for path in ("big", "/big", "group/x", "/group/x", "also_big", "group//x"):
            assert path in container, path
            assert path in container


def test_a_damaged_global_attribute_is_told_when_it_is_needed(
    hdf5: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = h5py.AttributeManager.__getitem__

    def read(attributes: h5py.AttributeManager, name: str) -> object:
        if name == "bad":
            raise OSError("wrong checksum")
        return real(attributes, name)

    with h5py.File(hdf5, "r+") as file:
        file.attrs["bad"] = 1
    monkeypatch.setattr(h5py.AttributeManager, "__getitem__", read)
    with open_container(hdf5) as container:
        assert sorted(container.attributes) == ["bad", "title"]
        assert container.attributes["title"] == "a title"
        assert "bad" in container.attributes
        assert container.attributes.get("absent") is None
        with pytest.raises(NotAGranuleError, match="attribute bad of the file cannot be read"):
            container.attributes.get("bad")


def test_netcdf3_is_read_without_leaking_handles(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    with netcdf_file(path, "w") as file:
        file.createDimension("n", 3)
        variable = file.createVariable("x", "f8", ("n",))
        variable[:] = [1.0, 2.0, 3.0]
        variable.units = "ppm"
        file.title = "old"
    with open_container(path) as container:
        assert container.format == "netCDF-3"
        assert container.attributes["title"] == "old"
        assert container.attributes_of("x")["units"] == "ppm"
        values = container.read("x", np.array([2, 0]))
    assert values.tolist() == [3.0, 1.0]
    assert values.dtype.isnative


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(st.integers(0, 9_999), max_size=30))
def test_rows_come_in_the_order_asked_for(rows: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.h5"
    if not path.exists():
        with h5py.File(path, "w") as file:
            file.create_dataset("x", data=np.arange(10_000), chunks=(100,), compression="gzip")
    with open_container(path) as container:
        assert container.read("x", np.array(rows, dtype=int)).tolist() == rows


BAD = {
    "empty": (b"", "is empty"),
    "html": (b"<!DOCTYPE html>\n<html><body>Login</body></html>", "web page"),
    "text": (b"Dear colleague,\nno data today.\n", "a text file"),
    "zip": (b"PK\x03\x04rest", "zip archive"),
    "gzip": (b"\x1f\x8brest", "gzip"),
    "binary": (bytes(range(256)), "unknown type"),
    "cdf5": (b"CDF\x05" + bytes(60), "CDF-5"),
    "cut netcdf-3": (b"CDF\x01\x00\x00", "damaged or cut short"),
}


@pytest.mark.parametrize("kind", BAD)
def test_each_kind_of_bad_file_has_its_message(kind: str, tmp_path: Path) -> None:
    content, words = BAD[kind]
    path = tmp_path / "granule.nc4"
    path.write_bytes(content)
    with pytest.raises(NotAGranuleError, match=words) as caught:
        open_container(path)
    assert "granule.nc4" in str(caught.value)


def test_truncated_missing_and_folder(hdf5: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.h5"
    cut.write_bytes(hdf5.read_bytes()[:3000])
    with pytest.raises(NotAGranuleError, match="damaged or cut short"):
        open_container(cut)
    with pytest.raises(NotAGranuleError, match="no such file"):
        open_container(tmp_path / "nowhere.h5")
    with pytest.raises(NotAGranuleError, match="is a folder"):
        open_container(tmp_path)


def test_unreadable(hdf5: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(NotAGranuleError, match="permission denied"):
        open_container(hdf5)


def test_package_is_read_in_place(hdf5: Path, tmp_path: Path) -> None:
    package = tmp_path / "p.tar.gz"
    with tarfile.open(package, "w:gz") as archive:
        archive.add(hdf5, "folder/a.h5")
        archive.add(hdf5, "folder/a.xml")
    (member,) = data_members(str(package))
    with open_container(member) as container:
        assert container.shape_of("group/x") == (10_000, 2)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.h5", "p.tar.gz"]


@pytest.mark.parametrize("name", ["../evil.h5", "/etc/evil.h5"])
def test_package_that_leaves_its_folder_is_refused(name: str, tmp_path: Path) -> None:
    package = tmp_path / "p.tar"
    with tarfile.open(package, "w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(NotAGranuleError, match="leaves the package"):
        data_members(str(package))


def test_package_with_a_link_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "p.tar"
    link = tarfile.TarInfo("a.h5")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(package, "w") as archive:
        archive.addfile(link)
    with pytest.raises(NotAGranuleError, match="a link"):
        data_members(str(package))


# ------------------------------------------------------------------------------------------- decoding


def test_fill_is_compared_in_the_stored_type() -> None:
    stored = np.array([-1e30, 1.0], dtype=np.float32)
    values = to_float(stored, {"invalidValue": np.float32(-1e30)}, FillRule(attributes=("invalidValue",)))
    assert np.isnan(values).tolist() == [True, False]
    assert float(stored[0]) != -1e30  # the reason why
    for attributes, rule in (
        ({"invalidValue": np.float64(-1e30)}, FillRule(attributes=("invalidValue",))),
        ({}, FillRule(constants=(-1e30,))),
    ):
        assert np.isnan(to_float(stored, attributes, rule)).tolist() == [True, False]


def test_attribute_wins_over_constant() -> None:
    rule = FillRule(constants=(-9999,))
    attribute = {"missing_value": np.float32(-999999)}
    assert to_float(np.array([-9999.0, -999999.0]), attribute, rule)[0] == -9999.0
    assert np.isnan(to_float(np.array([-9999.0]), {}, rule)[0])


def test_text_fill_of_a_number_is_passed_over() -> None:
    assert fill_values({"missing_value": "Missing"}, FillRule(), np.dtype("f4")).size == 0
    assert fill_values({"missing_value": np.int8(-1)}, FillRule(), np.dtype("u1")).tolist() == [255]


def test_constant_inside_the_valid_range_is_a_value() -> None:
    rule = FillRule(constants=(-999, 65535))
    values = to_float(np.array([65535.0, -999.0]), {"valid_range": np.array([0.0, 1e5])}, rule)
    assert values[0] == 65535.0
    assert np.isnan(values[1])


def test_scale_and_offset_are_applied_once() -> None:
    attributes = {"scale_factor": np.float32(0.5), "add_offset": np.float32(10)}
    assert to_float(np.array([2], dtype=np.int16), attributes, FillRule()).tolist() == [11.0]


def decoded(raw: np.ndarray, kind: str, **rule: object) -> list[str]:
    time = decode_time(raw, {}, TimeRule(path="t", kind=kind, **rule), FillRule(constants=(-999999,)))
    return [str(value) for value in time.astype("datetime64[ms]")]


def test_time_in_each_form() -> None:
    epoch = "seconds since 1970-01-01 00:00:00"
    raw = np.array([1469643524.56, -999999.0, np.nan])
    assert decoded(raw, "epoch", units=epoch) == ["2016-07-27T18:18:44.560", "NaT", "NaT"]
    words = (
        "2018-11-02 00:57:07.312,2020-04-06T07:00:00Z,,2020-04-06T08:00:00+08:00,-9999,2020,2020/04/06 01:00"
    )
    text = np.array([word.encode() for word in words.split(",")])
    assert decoded(text, "text") == [
        "2018-11-02T00:57:07.312",
        "2020-04-06T07:00:00.000",
        "NaT",
        "2020-04-06T00:00:00.000",
        "NaT",
        "NaT",
        "2020-04-06T01:00:00.000",
    ]
    digits = np.array([2016072718184531, 20090901000131, 0, 20200406070102250], dtype=np.uint64)
    assert decoded(digits, "digits") == [
        "2016-07-27T18:18:45.300",
        "2009-09-01T00:01:31.000",
        "NaT",
        "2020-04-06T07:01:02.250",
    ]
    seven = np.array([[2016, 7, 27, 18, 18, 44, 300], [-9999] * 7])
    assert decoded(seven, "columns") == ["2016-07-27T18:18:44.300", "NaT"]
    assert decoded(seven[:, :6], "columns") == ["2016-07-27T18:18:44.000", "NaT"]


def test_beijing_time_crosses_midnight() -> None:
    assert decoded(np.array([b"2020-01-01 03:00:00"]), "text", offset_hours=8) == ["2019-12-31T19:00:00.000"]


def test_time_digits_in_float32_are_refused() -> None:
    with pytest.raises(NotAGranuleError, match="float32"):
        decoded(np.array([2016072718184531], dtype=np.float32), "digits")


@pytest.mark.parametrize(
    ("units", "hour"),
    [
        ("seconds since 1970-01-01 08:00:00 +08:00", 0),
        ("seconds since 1970-01-01 00:00:00 -6:00", 6),
        ("seconds since 1970-01-01T03:00:00Z", 3),
        ("seconds since 1970-01-01 3:00 UTC", 3),
        ("seconds since 1970-01-01 00:00:00.0 0:00", 0),
    ],
)
def test_zone_of_an_epoch_is_taken_off(units: str, hour: int) -> None:
    assert parse_epoch(units) == (1_000_000_000, hour * 3_600_000_000_000)


@pytest.mark.parametrize(
    "units",
    [
        "months since 1970-01-01",
        "seconds",
        "",
        "seconds since 1970-01-01 00:00:00 BJT",
        "days since 1970-13-01",
    ],
)
def test_unknown_epoch_is_refused(units: str) -> None:
    with pytest.raises(UnitsError, match=r"not a time unit|no date"):
        parse_epoch(units)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 4_000_000_000_000))
def test_epoch_keeps_milliseconds(milliseconds: int) -> None:
    raw = np.array([milliseconds], dtype=np.int64)
    (time,) = decode_time(raw, {"units": "milliseconds since 1970-01-01"}, TimeRule(path="t"), FillRule())
    assert time == np.datetime64(milliseconds, "ms")


# ------------------------------------------------------------------------------------------- corners


def area_m2(latitude: np.ndarray, longitude: np.ndarray) -> float:
    from pyproj import Geod

    turned = longitude[0] + (longitude - longitude[0] + 180.0) % 360.0 - 180.0
    return abs(Geod(ellps="WGS84").polygon_area_perimeter(turned, latitude)[0])


@pytest.mark.parametrize(("lat", "lon"), [(0.0, 10.0), (45.0, 179.98), (-70.0, -179.99), (88.0, 5.0)])
def test_square_has_the_area_of_the_circle(lat: float, lon: float) -> None:
    y, x = square_corners(np.array([lat]), np.array([lon]), 10.5)
    assert area_m2(y[0], x[0]) == pytest.approx(np.pi * 5250.0**2, rel=2e-3)
    assert ((x >= -180) & (x < 180)).all()


@pytest.mark.parametrize("lon", [100.0, 179.99])
@pytest.mark.parametrize("start", [0.0, 33.0])
def test_ring_keeps_area_and_centre(lon: float, start: float) -> None:
    angle = np.deg2rad(start + np.arange(36) * 10.0)
    y, x = 40.0 + 0.05 * np.sin(angle), wrap(lon + 0.07 * np.cos(angle))
    corner_y, corner_x = ring_corners(y[None], x[None])
    assert area_m2(corner_y[0], corner_x[0]) == pytest.approx(area_m2(y, x), rel=1e-3)
    assert corner_y.mean() == pytest.approx(40.0, abs=1e-9)
    assert ((corner_x >= -180) & (corner_x < 180)).all()


def test_ring_with_a_missing_point_has_no_corners() -> None:
    y, x = np.full((1, 36), 40.0), np.full((1, 36), 100.0)
    y[0, 7] = np.nan
    assert np.isnan(ring_corners(y, x)[0]).all()


def test_container_errors_can_be_pickled(tmp_path: Path) -> None:
    with pytest.raises(NotAGranuleError) as caught:
        open_container(tmp_path / "nowhere.h5")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301
    assert Container.__doc__


_MANY_THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from yaotan.io.container import open_container

def look(_):
    with open_container(sys.argv[1]) as container:
        return container.attributes_of("text")["units"]

with ThreadPoolExecutor(8) as pool:
    print(set(pool.map(look, range(1000))))
"""


def test_text_of_variable_length_can_be_read_by_many_threads(tmp_path: Path) -> None:
    """HDF5 2.0 ends the whole process where this goes wrong: hence one of its own."""
    path = tmp_path / "text.h5"
    with h5py.File(path, "w") as file:
        text = file.create_dataset("text", (4, 2), h5py.string_dtype(), chunks=(1, 2), fillvalue="x")
        text.attrs["units"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", _MANY_THREADS, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.strip() == "{'1'}"

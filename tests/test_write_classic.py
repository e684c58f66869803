"""netCDF-3 as it is streamed: read back by two libraries that share no code with the writer."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import dask.array as da
import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import netcdf_file

from yaotan.errors import OutputError
from yaotan.io.write.classic import save_classic


def make_dataset() -> xr.Dataset:
    random = np.random.default_rng(11)
    return xr.Dataset(
        {
            "tiny": ("time", np.array([-1, 0, 1, 7, 5], "int8"), {"valid_min": np.int8(0)}),
            "small": ("time", np.array([-300, 1, 2, 3, 4], "int16")),
            "whole": (("time", "latitude"), random.integers(-9, 9, (5, 3)).astype("int32")),
            "single": (("time", "latitude", "longitude"), random.normal(size=(5, 3, 4)).astype("float32")),
            "double": (
                ("latitude", "longitude"),
                random.normal(size=(3, 4)),
                {"units": "", "many": [1.5, 2.5]},
            ),
            "text": ("time", np.array([b"1", b"22", b"4444444", b"", b"5"])),
            "scalar": ((), np.float64(2.5)),
        },
        attrs={"title": "中国 XCO₂", "number": 3, "share": 0.5, "nothing": None, "big": 2**40},
    )


def test_two_libraries_read_what_was_written(tmp_path: Path) -> None:
    made = make_dataset()
    save_classic(made, tmp_path / "a.nc")
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        assert file.data_model == "NETCDF3_64BIT_OFFSET"
        file.set_auto_mask(False)
        for name, array in made.variables.items():
            stored = file[name]
            if name == "text":
                assert stored.dimensions == ("time", "string_7")
                assert netCDF4.chartostring(stored[:]).tolist() == ["1", "22", "4444444", "", "5"]
                continue
            assert (stored.dimensions, stored.dtype) == (array.dims, array.dtype)
            np.testing.assert_array_equal(stored[...], array.values)
        assert (file.title, file.number, file.share, file.big) == ("中国 XCO₂", 3, 0.5, 2.0**40)
        assert "nothing" not in file.ncattrs()
        assert (file["tiny"].valid_min, file["tiny"].valid_min.dtype) == (0, np.dtype("int8"))
        assert file["double"].units == ""
        assert file["double"].many.tolist() == [1.5, 2.5]
    with netcdf_file(str(tmp_path / "a.nc"), mmap=False) as file:
        np.testing.assert_array_equal(file.variables["single"].data, made["single"].values)
        assert file.dimensions == {"time": 5, "latitude": 3, "longitude": 4, "string_7": 7}


@settings(deadline=None, max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)),
    blocks=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)),
)
def test_values_do_not_depend_on_blocks(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, ...], blocks: tuple[int, ...]
) -> None:
    path = tmp_path_factory.mktemp("blocks") / "a.nc"
    values = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    lazy = da.from_array(values, chunks=blocks)
    letters = da.from_array(np.array([b"abc", b"de", b"f"]), chunks=2)
    save_classic(
        xr.Dataset({"a": (("x", "y", "z"), lazy), "s": ("n", letters), "b": ("x", values[:, 0, 0])}), path
    )
    with netCDF4.Dataset(path) as file:
        np.testing.assert_array_equal(file["a"][...], values)
        np.testing.assert_array_equal(file["b"][...], values[:, 0, 0])
        assert netCDF4.chartostring(file["s"][:]).tolist() == ["abc", "de", "f"]


def test_memory_is_that_of_the_blocks(tmp_path: Path) -> None:
    lazy = da.random.default_rng(3).normal(size=(4_000, 1_000), chunks=(100, 1_000))
    tracemalloc.start()
    save_classic(xr.Dataset({"a": (("x", "y"), lazy)}), tmp_path / "a.nc")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "a.nc").stat().st_size > 32_000_000
    assert peak < 16_000_000


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        (xr.Variable("x", np.zeros(2, "int64")), "netCDF-3 has not"),
        (xr.Variable("x", np.zeros(2, "uint8")), "netCDF-3 has not"),
        (xr.Variable("x", np.zeros(0)), "unlimited dimension"),
        (xr.Variable(("x", "y"), da.zeros((600_000, 1000), chunks=10_000)), "holds 4 GiB"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path: Path, variable: xr.Variable, words: str) -> None:
    with pytest.raises(OutputError, match=words):
        save_classic(xr.Dataset({"a": variable}), tmp_path / "a.nc")

"""netCDF-3: a product of today as a classic-model copy, which has neither groups nor 64-bit integers."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import netcdf_file

from yaotan.io.identify import identify
from yaotan.io.soundings import open_soundings
from yaotan.schema import check_soundings
from yaotan.simulate.layout import Retrieval, oco2_lite_name, write_oco2_lite


def classic_value(value: Any) -> Any:
    """Store as the classic model can: no unsigned and no 64-bit integers."""
    array = np.asarray(value)
    if array.dtype.kind == "u" or array.dtype == np.int64:
        return array.astype("f8")
    return array


def copy_root(source: Path, target: Path, version: int, unlimited: bool) -> None:
    """Copy the root group of a netCDF-4 file to a netCDF-3 file, as tools that drop groups do."""
    with h5py.File(source) as given, netcdf_file(target, "w", version=version) as made:
        for name in (
            "title",
            "Platform",
            "BuildId",
            "filter_function",
            "gesdisc_collection",
            "CollectionLabel",
        ):
            if name in given.attrs:
                setattr(made, name, str(np.asarray(given.attrs[name]).reshape(-1)[0]))
        count = given["latitude"].shape[0]
        made.createDimension("sounding_id", None if unlimited else count)
        for size in (4, 7, 20):
            made.createDimension(f"n{size}", size)
        for name, item in given.items():
            if (
                not isinstance(item, h5py.Dataset)
                or item.shape[:1] != (count,)
                or item.dtype.kind not in "iuf"
            ):
                continue
            values = classic_value(item[()])
            variable = made.createVariable(
                name, values.dtype, ("sounding_id", *(f"n{size}" for size in item.shape[1:]))
            )
            variable[:] = values
            for key in ("units", "missing_value", "qf_variables"):
                if key in item.attrs:
                    stored = np.asarray(item.attrs[key]).reshape(-1)[0]
                    text = stored.decode() if isinstance(stored, bytes) else stored
                    setattr(variable, key, text if isinstance(text, str) else classic_value(text))


@pytest.fixture
def source() -> Retrieval:
    return Retrieval.make(
        9,
        xgas=[410.0, np.nan, *(411.0 + np.arange(7))],
        quality=[0, 0, 1, 0, 0, 0, 0, 0, -1],
        longitude=[179.999, *np.linspace(115, 116, 8)],
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("layout", ["9", "11.2"])
@pytest.mark.parametrize(("version", "unlimited"), [(1, False), (2, True)])
def test_a_classic_copy_gives_the_soundings_of_the_original(
    layout: str, version: int, unlimited: bool, source: Retrieval, tmp_path: Path
) -> None:
    original = tmp_path / oco2_lite_name("2020-01-15", version=layout)
    write_oco2_lite(original, source, version=layout)
    copy = tmp_path / "copy.nc"
    copy_root(original, copy, version, unlimited)
    assert copy.read_bytes()[:3] == b"CDF"
    match = identify(copy)
    assert (match.product, match.version) == ("oco2_lite", identify(original).version)
    for quality in ("good", "all"):
        plain = open_soundings(original, quality=quality).load()
        ds = check_soundings(open_soundings(copy, quality=quality)).load()
        assert ds.sizes == plain.sizes
        for name in set(ds) - {"granule"}:
            np.testing.assert_array_equal(ds[name], plain[name], err_msg=str(name))
            assert ds[name].dtype == plain[name].dtype
    assert {"pressure_level", "quality_bits", "sounding_id", "longitude_corner"} <= set(ds)


def test_a_classic_copy_in_a_package(source: Retrieval, tmp_path: Path) -> None:
    original = tmp_path / oco2_lite_name("2020-01-15")
    write_oco2_lite(original, source)
    copy = tmp_path / "copy.nc"
    copy_root(original, copy, 2, False)
    with tarfile.open(tmp_path / "package.tar", "w") as archive:
        archive.add(copy, "folder/copy.nc")
    packed = open_soundings(tmp_path / "package.tar").load()
    np.testing.assert_array_equal(packed.xco2, open_soundings(copy).xco2)

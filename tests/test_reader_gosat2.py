"""GOSAT-2: each gas by its own flag, units that a file states or not, files of older versions."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import yaotan
from contract.case_gosat2 import BAD_ALONE, swfp, write_swpr
from contract.truth import make_truth

SWFP = "GOSAT2TFTS220190331_02SWFPV0220000018.h5"
SWPR = "GOSAT2TFTS220190331_02SWPRV0107000007.h5"


def write_swfp(folder: Path, *, stated: bool = True) -> Path:
    swfp(stated=stated)(folder / SWFP, make_truth())
    return folder / SWFP


def test_each_gas_is_screened_by_its_own_flag(tmp_path: Path) -> None:
    ds = yaotan.open_soundings(write_swfp(tmp_path), trust_layout=True).load()
    (record,) = json.loads(ds.attrs["reading"])
    assert record["dropped"] == {"quality_flag": 2, "no_value": 1}
    assert record["flags"] == {"qf:xco2": 2, "qf:xch4": 2, "qf:xco": 2}
    for name, rows in BAD_ALONE.items():
        assert int(ds[name].isnull().sum()) == len(rows), name
        assert ds[f"{name}_raw"].notnull().all()
    alone = ds.quality_bits.values
    assert (alone == 1).sum() == 1  # row 9: CO2 alone
    assert (alone == 6).sum() == 1  # row 5: CH4 and CO


def test_stated_units_win_over_the_size_of_values(tmp_path: Path) -> None:
    path = write_swfp(tmp_path)
    with h5py.File(path, "r+") as file:
        uncertainty = file["RetrievalResult/xch4_uncert"]
        uncertainty[...] = 0.2  # would be ppm by its size
        assert uncertainty.attrs["unit"] == "ppb"
    ds = yaotan.open_soundings(path, trust_layout=True)
    np.testing.assert_allclose(ds.xch4_uncertainty, 0.2, rtol=1e-6)
    with h5py.File(path, "r+") as file:
        del file["RetrievalResult/xch4_uncert"].attrs["unit"]
    ds = yaotan.open_soundings(path, trust_layout=True)
    np.testing.assert_allclose(ds.xch4_uncertainty, 200.0, rtol=1e-6)


def test_silent_units_that_fit_nothing_are_refused(tmp_path: Path) -> None:
    path = write_swfp(tmp_path, stated=False)
    with h5py.File(path, "r+") as file:
        file["RetrievalResult/xch4"][...] = 150.0
    with pytest.raises(yaotan.YaotanError, match=r"RetrievalResult/xch4: values up to 150 fit no unit"):
        yaotan.open_soundings(path, trust_layout=True)


def test_gas_without_its_flag_has_no_known_quality(tmp_path: Path) -> None:
    path = write_swfp(tmp_path)
    with h5py.File(path, "r+") as file:
        del file["RetrievalResult/xch4_quality_flag"]
    with pytest.raises(yaotan.YaotanError, match="xch4_quality_flag is missing"):
        yaotan.open_soundings(path, trust_layout=True)
    ds = yaotan.open_soundings(path, quality="all", trust_layout=True)
    assert int(ds.xch4.notnull().sum()) == ds.sizes["sounding"] - 1


def test_blank_times_are_counted(tmp_path: Path) -> None:
    path = write_swfp(tmp_path)
    with h5py.File(path, "r+") as file:
        file["SoundingAttribute/observationTime"][:4] = b""
    ds = yaotan.open_soundings(path, quality="all", trust_layout=True)
    (record,) = json.loads(ds.attrs["reading"])
    assert record["dropped"] == {"no_geolocation": 4}


def test_no_proxy_is_made_where_the_file_has_none(tmp_path: Path) -> None:
    path = tmp_path / SWPR
    write_swpr(path, make_truth())
    with h5py.File(path, "r+") as file:
        del file["GasColumn_Proxy"]
    with pytest.raises(yaotan.YaotanError, match="holds none of xch4, xco"):
        yaotan.open_soundings(path, quality="all", trust_layout=True)


def test_columns_of_the_bands_stay_beside_the_proxies(tmp_path: Path) -> None:
    path = tmp_path / SWPR
    write_swpr(path, make_truth())
    ds = yaotan.open_soundings(path, quality="all", trust_layout=True).load()
    assert float(ds.xco2_b2_1590.min()) == pytest.approx(395.0)
    assert "xco2" not in ds

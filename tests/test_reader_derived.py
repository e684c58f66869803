"""Subsets and averages of other makers: values of real files, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import yaotan
from contract.case_derived import write_vsde
from contract.truth import make_truth
from yaotan.grid.bin import grid_soundings
from yaotan.grid.spec import GridSpec
from yaotan.schema import check_soundings

VSDE = "oco2_lite/OCO2LtCO2v9_L2_20140905_000000_20141231_235959.nc"
OPENGHG_CO2 = "oco2_lite/oco2-spectrometer_oco2_20150131-336_co2-column.nc"
OPENGHG_CH4 = "gosat_uol_ocpr/gosat-fts_gosat_20160101_ch4-column.nc"


def write(path: Path) -> Path:
    write_vsde(path, make_truth())
    return path


def test_vsde_of_another_flag_has_no_known_quality(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nc")
    with h5py.File(path, "r+") as file:
        file.attrs["xco2_quality_flag"] = "1"
    with pytest.raises(yaotan.YaotanError, match=r"xco2_quality_flag that says '\^0\$' is missing"):
        yaotan.open_soundings(path)
    ds = yaotan.open_soundings(path, quality="all")
    assert (ds.quality == 255).all()


def test_vsde_with_blank_or_long_times_counts_them(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nc")
    with h5py.File(path, "r+") as file:
        file["time"][4] = ""
        file["time"][6] = "2" * 40
        file["time"][8] = "20140230010101"[:5]
    ds = yaotan.open_soundings(path, quality="all")
    (record,) = json.loads(ds.attrs["reading"])
    assert record["dropped"] == {"no_geolocation": 3}


def test_vsde_without_any_time_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nc")
    with h5py.File(path, "r+") as file:
        file["time"][...] = ""
    with pytest.raises(yaotan.YaotanError, match="no time can be read: time hold none"):
        yaotan.open_soundings(path)


def test_real_vsde(satellite: Path) -> None:
    ds = check_soundings(yaotan.open_soundings(satellite / VSDE)).load()
    (record,) = json.loads(ds.attrs["reading"])
    assert (record["read"], record["kept"], record["dropped"]) == (53077, 53077, {})
    assert ds.attrs["product_version"] == "9"
    with h5py.File(satellite / VSDE) as file:
        stored, first = file["xco2"][()], file["time"][0].decode()
        land = file["land_water_indicator"][()] == 0
    np.testing.assert_array_equal(np.sort(ds.xco2.values), np.sort(stored.astype(float)))
    assert first == "20140907205453"
    assert np.datetime64("2014-09-07T20:54:53") in ds.time.values
    assert str(ds.time.values[[0, -1]].astype("datetime64[D]")) == "['2014-09-07' '2014-12-30']"
    assert float(ds.surface_altitude.max()) == pytest.approx(3781.139, abs=1e-3)  # metres: the Sierra Nevada
    assert int((ds.surface == 0).sum()) == int(land.sum())
    assert (ds.quality == 0).all()
    assert "xco2_uncertainty" not in ds


def test_real_vsde_is_gridded(satellite: Path) -> None:
    ds = yaotan.open_soundings(satellite / VSDE, period=("2014-11", "2014-11"))
    grid = grid_soundings(ds, GridSpec.regular(0.5, (-125, 32, -113, 43)), weight="centre")
    assert int(grid.xco2_count.sum()) == ds.sizes["sounding"]
    assert 395 < float(grid.xco2.mean()) < 400


def test_real_openghg_co2(satellite: Path) -> None:
    path = satellite / OPENGHG_CO2
    with pytest.raises(yaotan.YaotanError, match="quality_filter"):
        yaotan.open_soundings(path)
    ds = check_soundings(yaotan.open_soundings(path, quality="all")).load()
    assert (ds.attrs["product"], ds.attrs["platform_of_file"]) == ("openghg_column", "OCO-2")
    assert ds.xco2.item() == pytest.approx(399.24, abs=1e-5)
    assert ds.xco2_uncertainty.item() == pytest.approx(0.99495, abs=1e-5)
    assert ds.latitude.item() == pytest.approx(53.40921, abs=1e-5)
    assert abs(ds.time.values[0] - np.datetime64("2015-01-31T07:36:43.889")) < np.timedelta64(1, "ms")
    assert ds.pressure_level.values[0, 0] == pytest.approx(1012.8667, abs=1e-4)
    assert ds.co2_prior_profile.values[0, -1] == pytest.approx(389.24, abs=1e-3)  # stored first: top
    assert float(ds.pressure_weight.sum()) == pytest.approx(1.0, abs=1e-6)


def test_real_openghg_ch4(satellite: Path) -> None:
    ds = check_soundings(yaotan.open_soundings(satellite / OPENGHG_CH4)).load()
    assert ds.sizes["sounding"] == 49
    assert ds.attrs["platform"] == "GOSAT"
    assert "0.234, 0.352" in ds.attrs["bins"]
    assert (ds.quality == 0).all()
    assert ds.xch4.values[0] == pytest.approx(1810.89, abs=1e-3)
    assert float(ds.xch4.min()) == pytest.approx(1738.333, abs=1e-3)
    assert float(ds.xch4.max()) == pytest.approx(1862.646, abs=1e-3)
    assert ds.time.values[1] == np.datetime64("2016-01-01T16:33:10.000")  # 5637.5 s after 14:59:12.5
    assert (np.diff(ds.pressure_level.values, axis=1) < 0).all()
    assert ds.pressure_level.values[0, 0] == pytest.approx(951.653, abs=1e-3)  # stored first: surface
    np.testing.assert_allclose(ds.pressure_weight.sum("level"), 1.0, atol=1e-6)
    assert "latitude_corner" not in ds

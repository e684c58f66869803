"""Values, not only shapes, of the real granules."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from yaotan.catalog.rule import FillRule, TimeRule
from yaotan.errors import NotAGranuleError
from yaotan.io.identify import identify
from yaotan.io.moment import decode_time
from yaotan.io.soundings import open_soundings
from yaotan.schema import check_soundings

CHINA = (73, 18, 135, 54)
EAST_CHINA = (105, 20, 125, 42)
OCO2 = "oco2_lite/oco2_LtCO2_160727_B99999r_sampledata.nc4"


def total(ds, key: str) -> int:
    return sum(entry[key] for entry in json.loads(ds.attrs["reading"]))


def test_oco2_sample(satellite: Path) -> None:
    path = satellite / OCO2
    ds = check_soundings(open_soundings(path)).load()
    assert (total(ds, "read"), total(ds, "kept"), ds.sizes["sounding"]) == (979, 721, 721)
    assert json.loads(ds.attrs["reading"])[0]["dropped"] == {"quality_flag": 258}
    with h5py.File(path) as file:
        good = file["xco2_quality_flag"][()] == 0
        np.testing.assert_array_equal(ds.xco2, file["xco2"][()][good].astype(float))
        np.testing.assert_array_equal(ds.sounding_id, file["sounding_id"][()][good])
    assert ds.xco2.values[0] == pytest.approx(399.8998, abs=1e-4)
    assert ds.sounding_id.values[0] == 2016072718184501
    assert (ds.orbit == 11016).all()
    assert (ds["mode"] == 0).all()  # nadir, stored as int64 in this file
    assert 39.0 < float(ds.latitude.min()) < float(ds.latitude.max()) < 43.0
    assert -78.8 < float(ds.longitude.min()) < float(ds.longitude.max()) < -77.4
    inside = (ds.latitude >= ds.latitude_corner.min("corner")) & (
        ds.latitude <= ds.latitude_corner.max("corner")
    )
    assert inside.all()
    seconds = (ds.time.values - np.datetime64("2016-07-27T18:18:44")) / np.timedelta64(1, "s")
    assert 0 < seconds.min() < seconds.max() < 69


def test_oco2_info(satellite: Path) -> None:
    match = identify(satellite / OCO2)
    assert match.product == "oco2_lite"
    assert match.by_quality == {"good": 721, "bad": 258}
    assert match.by_mode == {"nadir": 979}
    assert match.period is not None
    assert match.period[0].startswith("2016-07-27T18:18:44.")


def test_oco2_id_and_time_agree(satellite: Path) -> None:
    ds = open_soundings(satellite / OCO2, quality="all").load()
    fill, rule = FillRule(), TimeRule(path="sounding_id", kind="digits")
    gap = decode_time(ds.sounding_id.values, {}, rule, fill) - ds.time.values
    assert np.abs(gap).max() < np.timedelta64(350, "ms")


ACOS = {"090901": (985, 350, 16), "090902": (1005, 423, 9)}


@pytest.mark.parametrize("day", ACOS)
def test_acos_day(day: str, satellite: Path) -> None:
    read, good, china = ACOS[day]
    (path,) = (satellite / "acos_lite").glob(f"acos_LtCO2_{day}_*.nc4")
    ds = check_soundings(open_soundings(path)).load()
    assert (total(ds, "read"), ds.sizes["sounding"]) == (read, good)
    assert open_soundings(path, region=CHINA).sizes["sounding"] == china
    assert ds.attrs["product_version"] == "9"
    np.testing.assert_allclose(ds.pressure_weight.sum("level"), 1.0, atol=1e-6)
    np.testing.assert_allclose(
        (ds.pressure_weight * ds.co2_prior_profile).sum("level"), ds.xco2_prior, atol=0.01
    )
    assert (np.diff(ds.pressure_level.values, axis=1) < 0).all()
    np.testing.assert_allclose(ds.pressure_level[:, 0], ds.surface_pressure, rtol=1e-5)
    assert float(ds.xco2_averaging_kernel[:, 0].median()) > float(ds.xco2_averaging_kernel[:, -1].median())
    assert ds.wind_u.notnull().all()


def test_acos_values(satellite: Path) -> None:
    (path,) = (satellite / "acos_lite").glob("acos_LtCO2_090901_*.nc4")
    ds = open_soundings(path, quality="all").load()
    good = ds.xco2.values[ds.quality.values == 0]
    assert good.min() == pytest.approx(376.7, abs=0.05)
    assert good.max() == pytest.approx(390.2, abs=0.05)
    assert int((ds.surface == 1).sum()) == 365
    assert int((ds.surface == 0).sum()) == 620
    assert identify(path).by_mode == {"nadir": 620, "glint": 365}
    bits = ds.quality_bits.values
    assert ((bits != 0) == (ds.quality.values == 1)).mean() > 0.95
    assert ds.quality_bits.attrs["flag_meanings"].startswith("co2_ratio dp_abp aod_total")


NIES = {"1102": (331, 38, 27), "1109": (408, 79, 20), "1121": (314, 70, 21), "1124": (176, 61, 10)}


@pytest.mark.parametrize("day", NIES)
def test_nies_day(day: str, satellite: Path) -> None:
    count, china, east = NIES[day]
    (path,) = (satellite / "nies_gosat_swir_l2").glob(f"GOSATTFTS2018{day}_*.h5")
    ds = check_soundings(open_soundings(path)).load()
    assert ds.sizes["sounding"] == count
    assert open_soundings(path, region=CHINA).sizes["sounding"] == china
    assert open_soundings(path, region=EAST_CHINA).sizes["sounding"] == east
    assert ds.attrs["product_version"] == "02.80"
    assert ds.xco2.attrs["bias_corrected"] == "no"
    np.testing.assert_allclose(ds.pressure_weight.sum("layer"), 1.0, atol=1e-12)
    column = (ds.pressure_weight * ds.co2_prior_profile).sum("layer")
    np.testing.assert_allclose(column, ds.xco2_prior, atol=2e-4)
    assert float(ds.xco2_uncertainty.min()) > 0.79
    assert float(ds.xco2_uncertainty.max()) < 2.47
    assert float(ds.co2_prior_profile[:, 0].mean()) > float(ds.co2_prior_profile[:, -1].mean())
    assert (np.diff(ds.pressure_edge.values, axis=1) < 0).all()
    thick = ds.pressure_weight.values * 15
    assert 0.98 < thick.min() < thick.max() < 1.012
    assert set(np.unique(ds.surface)) == {0, 1}


def test_nies_values(satellite: Path) -> None:
    (path,) = (satellite / "nies_gosat_swir_l2").glob("GOSATTFTS20181102_*.h5")
    ds = open_soundings(path).load()
    assert ds.xco2.values[0] == pytest.approx(406.30753, abs=1e-4)
    assert float(ds.xco2.min()) == pytest.approx(399.3, abs=0.06)
    assert float(ds.xco2.max()) == pytest.approx(416.5, abs=0.06)
    assert ds.time.values[0] == np.datetime64("2018-11-02T00:57:07.312")


def test_nies_corners_have_the_area_of_the_ring(satellite: Path) -> None:
    (path,) = (satellite / "nies_gosat_swir_l2").glob("GOSATTFTS20181102_*.h5")
    ds = open_soundings(path).load()
    x = np.deg2rad(ds.longitude_corner.values - ds.longitude.values[:, None] + 180.0) % (2 * np.pi)
    y = np.deg2rad(ds.latitude_corner.values)
    area = np.abs(np.sum(x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y, axis=1)) / 2
    area *= np.cos(np.deg2rad(ds.latitude.values)) * 6371.0**2
    # 10.5 km across at nadir (86.6 km2), more when GOSAT looks aside
    assert 80 < area.min() < np.median(area) < 140
    assert area.max() < 260


def test_all_four_nies_days_as_one_table(satellite: Path) -> None:
    ds = open_soundings(satellite / "nies_gosat_swir_l2", period=("2018-11-09", "2018-11-21"))
    assert ds.sizes["sounding"] == 408 + 314
    assert (np.diff(ds.time.values) >= np.timedelta64(0)).all()


def test_real_products_in_one_call_are_refused(satellite: Path) -> None:
    with pytest.raises(NotAGranuleError, match=r"several products: acos_lite.*nies_gosat_co2"):
        open_soundings([satellite / "acos_lite", satellite / "nies_gosat_swir_l2"])


def test_files_of_other_products_are_not_taken_for_these(satellite: Path) -> None:
    others = [
        "oco2_derived/CO2_mx_monthly_01_2016.fnl.nc",
        "oco2_derived/full_site_aggragate_data.mat",
        "README.md",
    ]
    for name in others:
        with pytest.raises(NotAGranuleError) as caught:
            open_soundings(satellite / name)
        assert name in str(caught.value)

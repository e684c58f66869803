"""TROPOMI on real files: counts, ranges, raw values by another library, and what must be refused."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pytest

from yaotan.cli.main import main
from yaotan.errors import NotAGranuleError
from yaotan.grid.bin import grid_soundings
from yaotan.grid.spec import GridSpec
from yaotan.io.identify import identify
from yaotan.io.soundings import open_soundings
from yaotan.schema import check_soundings

REPROCESSED = "s5p_ch4/S5P_RPRO_L2__CH4____20220722T025309_*.SUB.nc4"
OLD = "s5p_ch4/S5P_OFFL_L2__CH4____20190311T101655_*.SUB.nc4"
DAMAGED = "s5p_ch4/S5P_OFFL_L2_CH4_20190311T101655_*_subsetted.nc4"
ORBIT = "s5p_ch4/S5P_OFFL_L2__CH4____20190319T110835_*_variables.nc4"
TWO_LINES = "s5p_co/emissions_api_co_two_scanlines_20190913.nc"
EMPTY = "s5p_co/S5P_OFFL_L2__CO_____20200303T013547_*.nc"
MATIMBA = "s5p_no2_era5_matimba/Matimba_S5P_RPRO_L2__NO2____20210725T110715.nc"


def one(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def reading(ds) -> dict:
    (record,) = json.loads(ds.attrs["reading"])
    return record


def test_reprocessed_cut(satellite: Path) -> None:
    path = one(satellite, REPROCESSED)
    good = check_soundings(open_soundings(path)).load()
    assert reading(good)["dropped"] == {"no_geolocation": 282, "quality_flag": 346}
    assert good.sizes["sounding"] == 269
    every = open_soundings(path, quality="all").load()
    assert every.sizes["sounding"] == 615
    assert int(every.xch4.notnull().sum()) == 463
    assert float(every.xch4.min()) == pytest.approx(1720.8, abs=0.05)
    assert float(every.xch4.max()) == pytest.approx(1863.7, abs=0.05)
    native = every.quality_native.values[every.xch4.notnull().values]
    assert ((native == 100).sum(), (native == 40).sum()) == (269, 194)
    assert every.attrs["product_version"] == "2.4.0"
    assert every.xch4.attrs["bias_corrected"] == "yes"


def test_reprocessed_cut_against_another_library(satellite: Path) -> None:
    """Values as netCDF4 masks and scales them, in the order of time."""
    path = one(satellite, REPROCESSED)
    ds = open_soundings(path).load()
    with netCDF4.Dataset(path) as file:
        product = file["PRODUCT"]
        keep = (np.ma.filled(product["qa_value"][0], 0) > 0.49) & ~np.ma.getmaskarray(product["latitude"][0])
        raw = product["methane_mixing_ratio_bias_corrected"][0][keep]
        np.testing.assert_array_equal(ds.xch4, raw.astype(float))
        start = product["SUPPORT_DATA/INPUT_DATA"]
        surface = start["surface_pressure"][0][keep].astype(float)
        np.testing.assert_allclose(ds.surface_pressure, surface / 100.0, rtol=1e-12)
        np.testing.assert_array_equal(ds.wind_u, start["eastward_wind"][0][keep].astype(float))
        kernel = product["SUPPORT_DATA/DETAILED_RESULTS/column_averaging_kernel"][0][keep]
        np.testing.assert_array_equal(ds.xch4_averaging_kernel, kernel[:, ::-1].astype(float))
    assert ds.time.values[0] == np.datetime64("2022-07-22T03:30:48.305")
    assert float(ds.pressure_edge[:, -1].min()) == pytest.approx(0.1, abs=1e-3)  # 10 Pa, not 0
    np.testing.assert_allclose(ds.pressure_edge[:, 0], ds.surface_pressure)
    np.testing.assert_allclose(ds.pressure_weight.sum("layer"), 1.0)
    prior = ds.ch4_prior_profile.mean("sounding")
    assert float(prior[-1]) == pytest.approx(1391, abs=5)
    assert float(prior[0]) == pytest.approx(1865, abs=5)


def test_old_cut_is_nearly_empty(satellite: Path) -> None:
    path = one(satellite, OLD)
    every = check_soundings(open_soundings(path, quality="all")).load()
    assert every.sizes["sounding"] == 3170
    assert int(every.xch4.notnull().sum()) == 3
    assert every.attrs["product_version"] == "1.2.2"
    assert "wind_u" not in every
    good = open_soundings(path)
    assert good.sizes["sounding"] == 0
    assert reading(good)["dropped"] == {"no_geolocation": 4155, "quality_flag": 3170}


def test_cut_without_any_time_is_refused(satellite: Path) -> None:
    path = one(satellite, DAMAGED)
    with pytest.raises(NotAGranuleError, match=r"no time can be read: PRODUCT/time_utc, PRODUCT/delta_time"):
        open_soundings(path, quality="all")
    assert identify(path).period is None


def test_damaged_delta_time_is_passed_over_for_the_text(satellite: Path, tmp_path: Path) -> None:
    """The damaged cut with the text of the other cut of the same scan lines put back."""
    path = tmp_path / "cut.nc4"
    path.write_bytes(one(satellite, DAMAGED).read_bytes())
    with h5py.File(one(satellite, OLD)) as other, h5py.File(path, "a") as file:
        text = np.array([[item.decode() for item in other["PRODUCT/time_utc"][0]]], dtype="S27")
        del file["PRODUCT/time_utc"]
        file["PRODUCT/time_utc"] = text
    ds = open_soundings(path, quality="all")
    whole = open_soundings(one(satellite, OLD), quality="all")
    np.testing.assert_array_equal(ds.time, whole.time)
    np.testing.assert_array_equal(ds.xch4, whole.xch4)


def test_full_orbit_with_few_variables(satellite: Path) -> None:
    path = one(satellite, ORBIT)
    with pytest.raises(NotAGranuleError, match=r"qa_value is missing.*quality=\"all\""):
        open_soundings(path)
    ds = check_soundings(open_soundings(path, quality="all")).load()
    assert ds.sizes["sounding"] == 3245 * 215
    valid = ds.isel(sounding=np.flatnonzero(ds.xch4.notnull().values))
    assert valid.sizes["sounding"] == 52_210
    assert float(valid.xch4.min()) == pytest.approx(1370, abs=1)
    assert float(valid.xch4.max()) == pytest.approx(1985, abs=1)
    assert float(valid.longitude.min()) == pytest.approx(-27.7, abs=0.1)
    assert float(valid.longitude.max()) == pytest.approx(57.1, abs=0.1)
    assert valid.xch4.attrs["bias_corrected"] == "no"
    assert set(np.unique(ds.quality)) == {255}
    assert (np.diff(ds.time.values) >= np.timedelta64(0)).all()
    # the swath goes over both poles and the dateline
    assert (float(ds.latitude.min()), float(ds.latitude.max())) == pytest.approx((-89.964, 89.970), abs=1e-3)
    assert float(np.abs(ds.longitude).max()) > 179.9
    crossing = open_soundings(path, quality="all", region=(170.0, 60.0, -170.0, 90.0))
    assert 0 < crossing.sizes["sounding"] < 100_000
    assert (np.abs(crossing.longitude.values) >= 170.0).all()


def test_full_orbit_grids_with_its_poles(satellite: Path) -> None:
    ds = open_soundings(one(satellite, ORBIT), quality="all")
    ds = ds.isel(sounding=np.flatnonzero(ds.xch4.notnull().values))
    spec = GridSpec.regular(1.0, (-180.0, -90.0, 180.0, 90.0))
    grid = grid_soundings(ds, spec, period="1D", variables=["xch4"]).load()
    assert int(grid.xch4_count.sum()) >= 52_210
    assert 1370 < float(grid.xch4.min()) < float(grid.xch4.max()) < 1985


def test_two_scan_lines_of_carbon_monoxide(satellite: Path) -> None:
    path = satellite / TWO_LINES
    every = check_soundings(open_soundings(path, quality="all")).load()
    assert every.sizes["sounding"] == 430
    assert int(every.co.notnull().sum()) == 226  # the fill has no attribute in this file
    assert float(every.co.min()) == pytest.approx(0.0248, abs=5e-5)
    assert float(every.co.max()) == pytest.approx(0.0423, abs=5e-5)
    assert every.co.attrs["units"] == "mol m-2"
    assert every.co.attrs["bias_corrected"] == "no"
    assert every.time.values[0] == np.datetime64("2019-09-13T13:03:46.428")
    good = open_soundings(path).load()
    assert good.sizes["sounding"] == 180
    np.testing.assert_allclose(np.unique(good.qa_value), [0.7])
    assert set(np.unique(every.quality_native)) == {0, 40, 70}
    assert every.latitude_corner.attrs["footprint_kind"] == "circle"


def test_granule_without_product_group_is_one_message(
    satellite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = one(satellite, EMPTY)
    with pytest.raises(NotAGranuleError, match=r"nearest is tropomi_co; the file lacks PRODUCT/latitude"):
        open_soundings(path)
    with pytest.raises(SystemExit, match="2"):
        main(["info", str(path)])
    said = capsys.readouterr().err
    assert len(said.strip().splitlines()) == 1


BLENDED = {"02844": (1858, 1567.3, 1852.5), "02850": (2442, 1767.3, 1905.7), "02848": (1173, 1713.7, 1856.6)}


@pytest.mark.parametrize("orbit", BLENDED)
def test_blended_orbit(orbit: str, satellite: Path) -> None:
    count, low, high = BLENDED[orbit]
    path = one(satellite, f"s5p_ch4_blended/*_{orbit}_*.nc")
    ds = check_soundings(open_soundings(path)).load()
    assert ds.sizes["sounding"] == count
    assert (float(ds.xch4.min()), float(ds.xch4.max())) == pytest.approx((low, high), abs=0.05)
    assert ds.attrs["product_version"] == "2.4.0"
    assert (ds.quality_native == 100).all()
    with netCDF4.Dataset(path) as file:
        order = np.argsort(file["time_utc"][:], kind="stable")
        for name, own in (("xch4", "blended"), ("xch4_operational", "bias_corrected")):
            raw = file[f"methane_mixing_ratio_{own}"][:][order]
            np.testing.assert_array_equal(ds[name], raw.astype(float))
    assert float(ds.pressure_edge[:, -1].min()) == pytest.approx(0.1, abs=2e-3)
    assert (ds.ch4_prior_profile[:, 0] > ds.ch4_prior_profile[:, -1]).all()
    inside = (ds.latitude >= ds.latitude_corner.min("corner")) & (
        ds.latitude <= ds.latitude_corner.max("corner")
    )
    assert inside.all()


def test_matimba_crop(satellite: Path) -> None:
    path = satellite / MATIMBA
    ds = check_soundings(open_soundings(path)).load()
    assert reading(ds)["dropped"] == {"no_value": 11_998}
    assert ds.sizes["sounding"] == 10_310
    with h5py.File(path) as file:
        raw = file["NO2"][()]
        kept = np.isfinite(raw)
        np.testing.assert_array_equal(ds.no2, raw[kept].astype(float))
        surface = file["psurf"][()][kept].astype(float) / 100.0
        np.testing.assert_allclose(ds.surface_pressure, surface, rtol=1e-12)
        a, b = (file[f"tm5_constant_{name}"][()][:, :, kept].astype(float) for name in "ab")
        edges = (a + b * file["psurf"][()][kept].astype(float)) / 100.0
    np.testing.assert_allclose(ds.pressure_edge[:, :-1], edges[:, 0].T, rtol=1e-9)
    np.testing.assert_allclose(ds.pressure_edge[:, 1:], edges[:, 1].T, rtol=1e-9)
    np.testing.assert_allclose(ds.pressure_edge[:, 0], ds.surface_pressure)
    assert float(ds.pressure_edge[:, -1].max()) == 0.0
    assert (ds.time == np.datetime64("2021-07-25T11:44:52.595066640")).all()
    peak = ds.isel(sounding=int(ds.no2.argmax()))
    assert float(peak.no2) == pytest.approx(1.05006e-3, rel=1e-5)
    assert (float(peak.latitude), float(peak.longitude)) == pytest.approx((-26.267967, 29.050314), abs=1e-5)
    assert ds.attrs["cut_around"] == "Matimba"
    assert ds.attrs["product_version"] == "2.4.0"


def test_matimba_crop_has_the_kernel_of_the_total_column(satellite: Path) -> None:
    """At the top a kernel times its factor is geometric: 1 / cos(sun) + 1 / cos(view) > 2.5 there."""
    ds = open_soundings(satellite / MATIMBA).load()
    assert "no2_averaging_kernel" not in ds
    top = ds.total_column_averaging_kernel[:, -1] * ds.air_mass_factor_troposphere
    assert float(top.median()) < 1.7
    assert float(top.quantile(0.99)) < 2.5


def test_matimba_crop_states_no_error_of_a_pixel(satellite: Path) -> None:
    ds = open_soundings(satellite / MATIMBA).load()
    assert "no2_uncertainty" not in ds
    assert np.unique(ds.noise_level).size == 1
    step = np.diff(ds.no2.values)
    scatter = 1.4826 * np.median(np.abs(step - np.median(step))) / np.sqrt(2.0)
    assert scatter > 5 * float(ds.noise_level[0])


def test_crop_that_does_not_say_how_it_was_screened(satellite: Path, tmp_path: Path) -> None:
    path = tmp_path / "crop.nc"
    path.write_bytes((satellite / MATIMBA).read_bytes())
    with h5py.File(path, "a") as file:
        del file.attrs["QA value filter"]
    with pytest.raises(NotAGranuleError, match="QA value filter"):
        open_soundings(path)
    assert set(np.unique(open_soundings(path, quality="all").quality)) == {255}


def test_files_of_two_gases_are_told_apart(satellite: Path) -> None:
    found = {
        identify(one(satellite, pattern)).product
        for pattern in (REPROCESSED, TWO_LINES, MATIMBA, "s5p_ch4_blended/*_02844_*.nc")
    }
    assert found == {"tropomi_ch4", "tropomi_co", "ddeq_no2", "tropomi_ch4_blended"}

"""C3S and ESA-CCI soundings: values of real days, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from conftest import REPOSITORY
from contract.cases import all_cases
from contract.truth import make_truth
from yaotan.errors import NotAGranuleError, UnitsError
from yaotan.io.identify import identify
from yaotan.io.soundings import open_soundings
from yaotan.schema import check_soundings

CHINA = (73, 18, 135, 54)
OCPR = "gosat_uol_ocpr/ESACCI-GHG-L2-CH4-GOSAT-OCPR-{day}-fv7.2.nc"
#: soundings, good ones, of these in China and of all in China: data/satellite/README.md
DAYS = {"20120101": (2417, 1053, 146, 205), "20141205": (2200, 950, 112, 126)}


@pytest.mark.parametrize("day", DAYS)
def test_real_proxy_day(day: str, satellite: Path) -> None:
    read, good, china_good, china = DAYS[day]
    path = satellite / OCPR.format(day=day)
    ds = check_soundings(open_soundings(path)).load()
    (record,) = json.loads(ds.attrs["reading"])
    assert (record["read"], record["kept"], record["dropped"]) == (read, good, {"quality_flag": read - good})
    assert open_soundings(path, region=CHINA).sizes["sounding"] == china_good
    assert open_soundings(path, region=CHINA, quality="all").sizes["sounding"] == china
    assert (ds.attrs["product_version"], ds.attrs["platform"]) == ("7.2", "GOSAT")
    assert identify(path).by_quality == {"good": good, "bad": read - good}
    assert ds.xch4.attrs["bias_corrected"] == "yes"
    # the bias correction is about one factor: formats note, section 6
    ratio = ds.xch4 / (ds.xch4_raw / ds.xco2_raw * ds.model_xco2)
    assert 0.9954 < float(ratio.min()) < float(ratio.max()) < 0.9961
    np.testing.assert_allclose(ds.pressure_weight.sum("level"), 1.0, atol=1e-5)
    # parts per billion, though the text beside the unit says ppm
    assert 1600 < float(ds.ch4_prior_profile[:, 0].min()) < float(ds.ch4_prior_profile[:, 0].max()) < 2500


def test_real_values_against_the_file(satellite: Path) -> None:
    path = satellite / OCPR.format(day="20120101")
    ds = open_soundings(path, quality="all").load()
    with netCDF4.Dataset(path) as root:
        root.set_auto_mask(False)
        order = np.argsort(root["time"][:], kind="stable")
        xch4 = root["xch4"][:][order].astype(float)
        pressure = root["pressure_levels"][:][order].astype(float)
        np.testing.assert_array_equal(ds.xch4, np.where(xch4 < -9999, np.nan, xch4))
        np.testing.assert_array_equal(ds.pressure_level, np.where(pressure < -9999, np.nan, pressure))
        np.testing.assert_array_equal(ds.surface, root["retr_flag"][:][order])
    good = ds.xch4.values[ds.quality.values == 0]
    assert (good.min(), good.max()) == pytest.approx((1692.7, 1875.2), abs=0.05)
    assert ds.pressure_level[:, 0].min() > ds.pressure_level[:, -1].max()


def test_real_times_run_backwards_in_the_file_and_forwards_in_the_table(satellite: Path) -> None:
    path = satellite / OCPR.format(day="20120101")
    with netCDF4.Dataset(path) as root:
        stored = np.asarray(root["time"][:])
        assert root["time"].units == "seconds since 1970-01-01 00:00:00"
    assert (np.diff(stored) < 0).sum() == 6
    time = open_soundings(path, quality="all").time.values
    assert (np.diff(time) >= np.timedelta64(0)).all()
    first, last = (np.datetime64(round(float(t) * 1000), "ms") for t in (stored.min(), stored.max()))
    assert abs(time[0] - first) < np.timedelta64(2, "ms")
    assert abs(time[-1] - last) < np.timedelta64(2, "ms")


def test_a_real_good_sounding_may_lack_one_level(satellite: Path) -> None:
    ds = open_soundings(satellite / OCPR.format(day="20141205")).load()
    lacking = ds.pressure_level.isnull().sum("level")
    assert sorted(np.unique(lacking)) == [0, 1]
    assert int((lacking == 1).sum()) == 1
    assert ds.xch4.where(lacking == 1).notnull().sum() == 1


def write(name: str, folder: Path) -> Path:
    """Write the case of a product (as its test is named) and give its path."""
    case = next(case for case in all_cases() if str(case) == name)
    case.write(folder / case.file_name, make_truth())
    return folder / case.file_name


def test_two_gases_in_one_call_are_refused(tmp_path: Path) -> None:
    paths = [write(f"cci_gosat_ocfp-{gas}", tmp_path) for gas in ("CO2", "CH4")]
    with pytest.raises(NotAGranuleError, match=r"holds xch4, and .*CO2.* holds xco2.*open the gases apart"):
        open_soundings(paths, trust_layout=True)
    both = [open_soundings(path, trust_layout=True) for path in paths]
    assert [("xco2" in ds, "xch4" in ds) for ds in both] == [(True, False), (False, True)]


def test_missing_epoch_is_refused_and_can_be_said(tmp_path: Path) -> None:
    path = write("cci_gosat_ocfp-CO2", tmp_path)
    with netCDF4.Dataset(path, "a") as root:
        root["time"].delncattr("units")
    with pytest.raises(UnitsError, match=r"time: nothing says what the numbers count.*time: \[\{path: time"):
        open_soundings(path, trust_layout=True)
    own = tmp_path / "own.yaml"
    own.write_text(
        "extends: cci_gosat_ocfp\nproduct: own\ntime: [{path: time, units: seconds since 1970-01-01}]\n"
    )
    first = open_soundings(path, product=str(own), trust_layout=True).time.values[0]
    assert first == np.datetime64("2019-03-31T23:59:50")


@pytest.mark.parametrize("name", ["cci_gosat_ocpr", "cci_gosat_ocfp-CO2", "cci_gosat_ocfp-CH4"])
def test_missing_quality_flag_is_refused(name: str, tmp_path: Path) -> None:
    path = write(name, tmp_path)
    gas = "xco2" if name.endswith("CO2") else "xch4"
    with netCDF4.Dataset(path, "a") as root:
        root.renameVariable(f"{gas}_quality_flag", "other")
    with pytest.raises(NotAGranuleError, match=f"quality flag {gas}_quality_flag is missing.*quality="):
        open_soundings(path, trust_layout=True)
    ds = open_soundings(path, quality="all", trust_layout=True)
    assert (ds.quality == 255).all()


def cut(path: Path, dim: str, size: int) -> Path:
    """Copy a file with one dimension made shorter."""
    shorter = path.with_name("cut.nc")
    with netCDF4.Dataset(path) as source, netCDF4.Dataset(shorter, "w") as target:
        source.set_auto_maskandscale(False)
        target.setncatts({name: source.getncattr(name) for name in source.ncattrs()})
        for name, item in source.dimensions.items():
            target.createDimension(name, size if name == dim else len(item))
        for name, variable in source.variables.items():
            copy = target.createVariable(name, variable.dtype, variable.dimensions)
            copy.setncatts({key: variable.getncattr(key) for key in variable.ncattrs()})
            part = tuple(slice(size if d == dim else None) for d in variable.dimensions)
            copy[...] = variable[part]
    return shorter


@pytest.mark.parametrize("dim", ["layer_dim", "level_dim"])
def test_pressures_that_fit_neither_levels_nor_layers_are_refused(dim: str, tmp_path: Path) -> None:
    path = cut(write("cci_gosat_ocpr-C3S", tmp_path), dim, 18)
    with pytest.raises(NotAGranuleError, match=r"has shape \(24, \d+\).*Expected.*24"):
        open_soundings(path)


def test_as_many_pressures_as_values_are_levels_and_one_more_are_edges(tmp_path: Path) -> None:
    path = write("cci_gosat_ocpr-C3S", tmp_path)
    layers, levels = open_soundings(path), open_soundings(cut(path, "level_dim", 20))
    assert layers.sizes["edge"] == layers.sizes["layer"] + 1 == 21
    assert "pressure_level" not in layers
    assert levels.sizes["level"] == 20
    assert not {"pressure_edge"} & set(levels.variables)


def test_levels_and_layers_do_not_share_a_table(tmp_path: Path) -> None:
    path = write("cci_gosat_ocpr-C3S", tmp_path)
    other = cut(path, "level_dim", 20)
    with netCDF4.Dataset(other, "a") as root:
        root["time"][...] = np.asarray(root["time"][:]) + 86400.0
    with pytest.raises(NotAGranuleError, match=r"belongs to levels here and to layers in other files"):
        open_soundings([path, other])


def test_pressures_that_rise_are_refused(tmp_path: Path) -> None:
    path = write("cci_gosat_ocpr", tmp_path)
    with netCDF4.Dataset(path, "a") as root:
        root.set_auto_mask(False)
        root["pressure_levels"][...] = root["pressure_levels"][:, ::-1]
    with pytest.raises(NotAGranuleError, match=r"runs against the vertical order.*surface_first"):
        open_soundings(path).pressure_level.load()


def test_parts_per_million_that_call_themselves_billion(tmp_path: Path) -> None:
    path = write("cci_gosat2_srfp-CO2", tmp_path)
    with netCDF4.Dataset(path) as root:
        assert root["xco2"].units == "1e-9"
    ds = open_soundings(path, trust_layout=True).load()
    assert 380 < float(ds.xco2.median()) < 440
    assert float(ds.xco2_uncertainty.median()) < 2.0
    with netCDF4.Dataset(path, "a") as root:
        root["xco2"][...] = np.asarray(root["xco2"][:]) * 1000.0
    with pytest.raises(UnitsError, match=r"fit no unit.*0 to 9999 for ppm"):
        open_soundings(path, trust_layout=True).xco2.load()


def test_only_id_and_name_tell_two_retrievals_of_one_layout_apart(tmp_path: Path) -> None:
    path = write("cci_gosat_srpr", tmp_path)
    with netCDF4.Dataset(path, "a") as root:
        root.delncattr("id")
    assert identify(path).product == "cci_gosat_srpr"
    nameless = path.rename(tmp_path / "download.nc")
    with pytest.raises(NotAGranuleError, match=r"may be cci_gosat_srfp or cci_gosat_srpr.*product="):
        identify(nameless)
    assert identify(nameless, product="cci_gosat_srpr").product == "cci_gosat_srpr"


def test_platform_tells_satellites_of_one_retrieval_apart(tmp_path: Path) -> None:
    path = write("cci_gosat2_srpr", tmp_path)
    with netCDF4.Dataset(path, "a") as root:
        root.delncattr("id")
    with pytest.raises(NotAGranuleError, match=r"may be cci_gosat2_srfp or cci_gosat2_srpr\."):
        identify(path.rename(tmp_path / "download.nc"))


def test_one_pressure_too_few_for_layers_is_refused(tmp_path: Path) -> None:
    path = cut(write("cci_gosat_srfp-CH4", tmp_path), "level_dim", 12)
    with pytest.raises(NotAGranuleError, match=r"pressure_levels has shape \(24, 12\).*\(24, 13\)"):
        open_soundings(path, trust_layout=True)


def test_each_of_two_gases_goes_by_its_own_flag(tmp_path: Path) -> None:
    path = write("cci_tropomi_wfmd", tmp_path)
    ds = open_soundings(path, trust_layout=True).load()
    (record,) = json.loads(ds.attrs["reading"])
    assert record["dropped"] == {"quality_flag": 1, "no_value": 1}
    assert record["flags"] == {"qf:xch4_quality_flag": 1, "qf:xco_quality_flag": 1}
    held = {name: int(ds[name].notnull().sum()) for name in ("xch4", "xco", "xch4_unscreened")}
    assert held == {"xch4": 21, "xco": 21, "xch4_unscreened": 22}
    with netCDF4.Dataset(path, "a") as root:
        root.renameVariable("xco_quality_flag", "other")
    whole = open_soundings(path, quality="all", trust_layout=True)
    assert int(whole.xco.notnull().sum()) == 23


@pytest.mark.parametrize("flag", ["xch4_quality_flag", "xco_quality_flag"])
def test_each_of_two_flags_is_needed(flag: str, tmp_path: Path) -> None:
    path = write("cci_tropomi_wfmd", tmp_path)
    with netCDF4.Dataset(path, "a") as root:
        root.renameVariable(flag, "other")
    with pytest.raises(NotAGranuleError, match=f"quality flag {flag} is missing"):
        open_soundings(path, trust_layout=True)


@pytest.mark.parametrize("name", ["cci_sciamachy_wfmd-CO2", "cci_sciamachy_besd-up", "cci_tropomi_wfmd"])
def test_corners_go_round_the_pixel(name: str, tmp_path: Path) -> None:
    ds = open_soundings(write(name, tmp_path), quality="all", trust_layout=True)
    x = ds.longitude_corner.values - ds.longitude.values[:, None]
    x, y = (x + 180.0) % 360.0 - 180.0, ds.latitude_corner.values
    area = 0.5 * np.abs(np.sum(x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y, axis=1))
    np.testing.assert_allclose(area, 0.01, rtol=0.01)  # a figure of eight has less


def test_tansat_of_the_institute_guesses_neither_epoch_nor_unit_nor_quality(tmp_path: Path) -> None:
    path = write("tansat_iap", tmp_path)
    with pytest.raises(NotAGranuleError, match=r"quality flag xco2_quality_flag is missing.*quality=\"all\""):
        open_soundings(path, trust_layout=True)
    ds = open_soundings(path, quality="all", trust_layout=True)
    assert (ds.quality == 255).all()
    with netCDF4.Dataset(path, "a") as root:
        root["time"].delncattr("units")
    with pytest.raises(UnitsError, match="time: nothing says what the numbers count"):
        open_soundings(path, quality="all", trust_layout=True)
    page = (REPOSITORY / "docs" / "product" / "tansat_iap.md").read_text(encoding="utf-8")
    own = tmp_path / "own.yaml"
    own.write_text(page.split("```yaml")[1].split("```")[0])
    ds = open_soundings(path, product=str(own), trust_layout=True)
    assert ds.time.values[0] == np.datetime64("2019-03-31T23:59:50")
    assert ds.quality.attrs["comment"] == "screened by the optical depths below"
    with netCDF4.Dataset(path, "a") as root:
        root["xco2"].delncattr("units")
    with pytest.raises(UnitsError, match="has no unit"):
        open_soundings(path, product=str(own), trust_layout=True).xco2.load()

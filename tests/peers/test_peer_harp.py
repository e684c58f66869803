"""What is written here is read by HARP, and what HARP makes of granules agrees with the readers here."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from contract.cases import all_cases
from contract.truth import make_truth
from test_write_harp import NAMES, of_gas, with_profiles
from test_write_netcdf import make_grid, make_soundings
from yaotan.errors import LeftOutWarning, NotAGranuleError
from yaotan.grid.bin import grid_soundings
from yaotan.grid.spec import GridSpec
from yaotan.io.netcdf import open_grid
from yaotan.io.soundings import open_soundings
from yaotan.io.write import write
from yaotan.simulate.layout import (
    Retrieval,
    acos_lite_name,
    nies_gosat_name,
    oco2_lite_name,
    write_acos_lite,
    write_nies_gosat,
    write_oco2_lite,
)

TOOLS = ("harpcheck", "harpdump", "harpconvert", "harpmerge")
pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        not all(map(shutil.which, TOOLS)),
        reason="HARP is not installed: apt-get install harp (Debian, Ubuntu)",
    ),
]
COLUMN = "CO2_column_volume_mixing_ratio_dry_air"


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def write_harp(obj: xr.Dataset, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LeftOutWarning)
        return write(obj, path, format="harp")


def check(path: Path) -> str:
    said = run("harpcheck", path)
    assert "[OK]" in said
    return said


def simulated(folder: Path, product: str, count: int = 40) -> Path:
    times = np.datetime64("2020-01-15T05:30:00", "ns") + np.arange(count) * np.timedelta64(4, "s")
    source = Retrieval.make(count, time=times, quality=(np.arange(count) % 2).tolist())
    writers = {
        "oco2_lite": (write_oco2_lite, oco2_lite_name),
        "acos_lite": (write_acos_lite, acos_lite_name),
        "nies_gosat": (write_nies_gosat, nies_gosat_name),
    }
    writer, name = writers[product]
    path = folder / name("2020-01-15")
    writer(path, source)
    return path


def ingest(path: Path, folder: Path, *options: str, name: str | None = None) -> Path:
    """Let HARP make its product of a granule (HARP tells products by their file names)."""
    link = folder / (name or path.name)
    if link != path:
        link.symlink_to(path.resolve())
    made = folder / "harp.nc"
    run("harpconvert", *options, link, made)
    return made


def agree(theirs: xr.Dataset, ours: xr.Dataset, names: list[str], **renamed: str) -> None:
    """Compare value by value: both tables are in the order of time."""
    assert theirs.sizes["sounding"] == ours.sizes["sounding"]
    gap = np.abs(theirs.time.values - ours.time.values)
    assert gap.max() <= np.timedelta64(1, "us")
    for name in names:
        got, wanted = theirs[name].values, ours[renamed.get(name, name)].values
        np.testing.assert_allclose(got, wanted, rtol=3e-7, atol=1e-12, err_msg=name)
        assert got.dtype.kind != "f" or np.isfinite(got).any(), name


@pytest.mark.parametrize("name", sorted(NAMES))
def test_harp_accepts_every_gas(tmp_path: Path, name: str) -> None:
    theirs, units = NAMES[name]
    path = write_harp(of_gas(make_soundings(), name), tmp_path / "soundings.nc")
    assert "time=40" in check(path)
    said = run("harpdump", path)
    assert f"double {theirs} {{time = 40}} [{units}]" in said
    assert f"double {theirs}_uncertainty_random {{time = 40}} [{units}]" in said
    grid = write_harp(of_gas(make_grid(), name), tmp_path / "grid.nc")
    assert "time=2, latitude=6, longitude=8" in check(grid)
    said = run("harpdump", grid)
    assert f"double {theirs} {{time = 2, latitude = 6, longitude = 8}} [{units}]" in said
    assert f"int32 {theirs}_count {{time = 2, latitude = 6, longitude = 8}}" in said


@pytest.mark.parametrize("layered", [False, True])
def test_harp_reads_profiles_text_and_enumerations(tmp_path: Path, layered: bool) -> None:
    path = write_harp(with_profiles(make_soundings(), layered=layered), tmp_path / "a.nc")
    assert "vertical=4" in check(path)
    said = run("harpdump", path)
    for line in (
        "string sounding_id {time = 40}",
        'enum = "good" (0), "bad" (1)',
        "double CO2_column_number_density_avk {time = 40, vertical = 4} []",
        "double CO2_volume_mixing_ratio_dry_air_apriori {time = 40, vertical = 4} [ppmv]",
        "double pressure_bounds {time = 40, vertical = 4, 2} [hPa]"
        if layered
        else "double pressure {time = 40, vertical = 4} [hPa]",
    ):
        assert line in said
    kept = tmp_path / "good.nc"
    run("harpconvert", "-a", 'validity=="good"', path, kept)
    soundings = open_soundings(path, quality="all")
    assert open_soundings(kept, quality="all").sizes["sounding"] == int((soundings.quality == 0).sum())


def test_harp_grids_our_soundings_as_we_do_and_we_open_its_grid(tmp_path: Path) -> None:
    soundings = open_soundings(simulated(tmp_path, "oco2_lite", 400))
    path = write_harp(soundings, tmp_path / "a.nc")
    west, south = (float(np.floor(soundings[n].min())) for n in ("longitude", "latitude"))
    east, north = (float(np.ceil(soundings[n].max())) for n in ("longitude", "latitude"))
    rows, columns = round(8 * (north - south)) + 1, round(8 * (east - west)) + 1
    binned = tmp_path / "b.nc"
    run("harpconvert", "-a", f"bin_spatial({rows},{south},0.125,{columns},{west},0.125)", path, binned)
    theirs = open_grid(binned)
    ours = grid_soundings(soundings, GridSpec.regular(0.125, (west, south, east, north)), period=None)
    mine = ours.squeeze("time")
    np.testing.assert_array_equal(theirs.lat_bnds, mine.lat_bnds)
    np.testing.assert_array_equal(theirs.lon_bnds, mine.lon_bnds)
    seen = mine.xco2_sum_weight.values > 0
    assert seen.sum() > 5
    # HARP keeps weights in single precision
    np.testing.assert_allclose(
        theirs.xco2_weight.values[0][seen], mine.xco2_sum_weight.values[seen], rtol=1e-4
    )
    np.testing.assert_allclose(theirs.xco2.values[0][seen], mine.xco2.values[seen], atol=2e-3)
    assert theirs["count"].values.tolist() == [soundings.sizes["sounding"]]
    assert "stands in" in theirs.xco2_count.attrs["comment"]


def test_harp_averages_our_grid_by_its_counts(tmp_path: Path) -> None:
    grid = make_grid()
    path, merged = write_harp(grid, tmp_path / "a.nc"), tmp_path / "b.nc"
    run("harpmerge", "-ap", "bin()", path, merged)
    theirs = open_grid(merged)
    count = grid.xco2_count.where(grid.xco2.notnull(), 0)
    expected = (grid.xco2.fillna(0) * count).sum("time") / count.sum("time")
    np.testing.assert_allclose(theirs.xco2.values[0], expected, rtol=1e-12)
    np.testing.assert_array_equal(theirs.xco2_count.values[0], count.sum("time"))
    np.testing.assert_allclose(theirs.lat_bnds, grid.lat_bnds, rtol=1e-12)


LITE = [
    "latitude",
    "longitude",
    "quality",
    "xco2",
    "xco2_uncertainty",
    "xco2_prior",
    "co2_prior_profile",
    "xco2_averaging_kernel",
    "pressure_level",
    "surface_pressure",
    "surface_altitude",
    "solar_zenith_angle",
    "sensor_zenith_angle",
]


@pytest.mark.parametrize("product", ["oco2_lite", "acos_lite"])
def test_harp_reads_simulated_lite_files_as_we_do(tmp_path: Path, product: str) -> None:
    path = simulated(tmp_path, product)
    theirs, ours = (open_soundings(p, quality="all") for p in (ingest(path, tmp_path), path))
    corners = ["latitude_corner", "longitude_corner"] if product == "oco2_lite" else []
    agree(theirs, ours, [*LITE, *corners])
    assert theirs.xco2.attrs["bias_corrected"] == "yes"
    assert theirs.attrs["source_product"] == path.name


def test_harp_reads_real_acos_files_as_we_do(tmp_path: Path, satellite: Path) -> None:
    path = satellite / "acos_lite" / "acos_LtCO2_090901_v205205_B9213A_200310212449s.nc4"
    made = ingest(path, tmp_path)
    agree(open_soundings(made, quality="all"), open_soundings(path, quality="all"), LITE)
    agree(open_soundings(made), open_soundings(path), LITE)


def test_harp_reads_a_real_oco2_file_as_we_do(tmp_path: Path, satellite: Path) -> None:
    """The real file is a subset of variables: what HARP needs besides is added, empty."""
    path = satellite / "oco2_lite" / "oco2_LtCO2_160727_B99999r_sampledata.nc4"
    whole = tmp_path / "oco2_LtCO2_160727_B11210Ar_230524004412s.nc4"
    shutil.copyfile(path, whole)
    with h5py.File(whole, "a") as file:
        count = file["xco2"].size
        file["levels"] = np.arange(20, dtype="f4")
        flat = (
            "xco2_uncertainty",
            "xco2_apriori",
            "sensor_zenith_angle",
            "solar_zenith_angle",
            "Retrieval/psurf",
        )
        flat += ("Sounding/altitude", "Sounding/sensor_azimuth_angle", "Sounding/solar_azimuth_angle")
        for name in flat:
            file[name] = np.full(count, -999999.0, "f4")
            file[name].attrs["missing_value"] = np.array([-999999.0], "f4")
        for name in ("pressure_levels", "xco2_averaging_kernel", "co2_profile_apriori"):
            file[name] = np.full((count, 20), -999999.0, "f4")
            file[name].attrs["missing_value"] = np.array([-999999.0], "f4")
        file["xco2_qf_simple_bitflag"] = np.zeros(count, "u1")
    theirs = open_soundings(ingest(whole, tmp_path), quality="all")
    names = ["latitude", "longitude", "latitude_corner", "longitude_corner", "quality", "xco2"]
    agree(theirs, open_soundings(path, quality="all"), names)


def test_harp_reads_real_tropomi_files_as_we_do(tmp_path: Path, satellite: Path) -> None:
    cut = "S5P_RPRO_L2__CH4____20220722T025309_20220722T043439_24725_03_020400_20230201T033930.SUB.nc4"
    path = satellite / "s5p_ch4" / cut
    ours = open_soundings(path, quality="all")
    names = ["latitude", "longitude", "latitude_corner", "longitude_corner", "quality", "xch4_uncertainty"]
    names += ["xch4_prior", "ch4_prior_profile", "xch4_averaging_kernel", "pressure_edge", "pressure_weight"]
    names += ["solar_zenith_angle", "sensor_zenith_angle", "surface_pressure", "surface_altitude"]
    names += ["wind_u", "wind_v", "aerosol_optical_depth"]
    plain = open_soundings(ingest(path, tmp_path), quality="all")
    agree(plain, ours, [*names, "xch4"], xch4="xch4_raw")  # HARP reads the uncorrected column unless told
    assert "does not say" in plain.xch4.attrs["comment"]
    (tmp_path / "b").mkdir()
    corrected = ingest(path, tmp_path / "b", "-o", "ch4=bias_corrected")
    agree(open_soundings(corrected, quality="all"), ours, ["xch4"])
    assert open_soundings(corrected).sizes["sounding"] == open_soundings(path).sizes["sounding"]


#: layouts of the contract test that HARP 1.16 can ingest, beside the real files above
LAYOUTS = (
    "oco2_lite-v9",
    "oco2_lite-v11.2",
    "oco3_lite",
    "acos_lite",
    "cci_gosat_ocpr",
    "cci_gosat_ocfp-CO2",
    "cci_gosat_srfp-CO2",
    "cci_gosat_srpr",
    "cci_gosat2_srfp-CH4",
    "cci_gosat2_srfp-CO2",
    "cci_gosat2_srpr",
    "cci_sciamachy_besd-down",
    "cci_sciamachy_besd-up",
    "cci_sciamachy_wfmd-CH4",
    "cci_sciamachy_wfmd-CO2",
    "cci_tropomi_wfmd",
)


def planted(name: str, folder: Path) -> Path:
    (case,) = (case for case in all_cases() if str(case) == name)
    path = folder / Path(case.file_name).name
    case.write(path, make_truth(case.shape))
    return path


@pytest.mark.parametrize("name", LAYOUTS)
def test_harp_reads_the_layouts_of_the_contract_as_we_do(tmp_path: Path, name: str) -> None:
    path = planted(name, tmp_path)
    theirs = open_soundings(ingest(path, tmp_path), quality="all")
    ours = open_soundings(path, quality="all", trust_layout=True)
    # where each gas has a flag of its own, we hand a column out where that is good; HARP leaves it in
    whole = {column: f"{column}_unscreened" for column in NAMES if f"{column}_unscreened" in ours}
    for column, every in whole.items():
        screened, there = ours[column].values, np.isfinite(ours[column].values)
        assert 0 < there.sum() < np.isfinite(ours[every].values).sum()
        np.testing.assert_array_equal(screened[there], ours[every].values[there])
    ours = ours.assign({column: ours[every] for column, every in whole.items()})
    shared = [str(n) for n in theirs.variables if n in ours and theirs[n].dtype.kind == "f"]
    assert {"latitude", "longitude"} < set(shared)
    assert any(column in shared for column in NAMES)
    circle = ours.latitude_corner.attrs["footprint_kind"] == "circle"
    assert circle != ("latitude_corner" in theirs)
    agree(theirs, ours, shared)
    if not (theirs.quality == 255).all():
        np.testing.assert_array_equal(theirs.quality, ours.quality)


@pytest.mark.parametrize(
    ("name", "column", "short"),
    [
        ("tropomi_no2", "tropospheric_NO2_column_number_density", "L2__NO2___"),
        ("tropomi_co-01.03", "CO_column_number_density", "L2__CO____"),
    ],
)
def test_harp_reads_other_columns_of_tropomi_as_we_do(
    tmp_path: Path, name: str, column: str, short: str
) -> None:
    path, gas = planted(name, tmp_path), "no2" if "NO2" in column else "co"
    said = {"ProductShortName": short, "InstrumentName": "TROPOMI", "MissionShortName": "S5P"}
    with h5py.File(path, "a") as file:  # by which HARP tells a granule
        file.require_group("PRODUCT/SUPPORT_DATA/DETAILED_RESULTS")
        described = file.require_group("METADATA/GRANULE_DESCRIPTION")
        for key, text in (said | {"ProcessorVersion": "1.3.2", "ProcessingMode": "Reprocessing"}).items():
            described.attrs[key] = np.bytes_(text)
    wanted = [column, *(f"{column}_{part}" for part in ("uncertainty", "validity", "avk")), "pressure_bounds"]
    wanted += ["datetime_start", "latitude", "longitude", "latitude_bounds", "longitude_bounds", "index"]
    made = ingest(path, tmp_path, "-a", f"keep({','.join(wanted)})")
    theirs, ours = (open_soundings(p, quality="all", trust_layout=True) for p in (made, path))
    names = ["latitude", "longitude", "latitude_corner", "longitude_corner", gas, f"{gas}_uncertainty"]
    agree(theirs, ours, [*names, "quality"])
    good = open_soundings(path, trust_layout=True)
    assert open_soundings(made).sizes["sounding"] == good.sizes["sounding"]
    # the last edge is the top of the atmosphere, which HARP puts at 0.001 Pa
    np.testing.assert_allclose(theirs.pressure_edge[:, :-1], ours.pressure_edge[:, :-1], rtol=3e-7)
    kernel = ours[f"{gas}_averaging_kernel"]
    if gas == "no2":  # HARP sets the layer of the tropopause itself to 0, against its own documentation
        below = np.arange(kernel.sizes["layer"]) < ours.tropopause_layer.values[:, None]
        kernel = kernel.where(below | kernel.isnull(), 0.0)
    np.testing.assert_allclose(theirs[f"{gas}_averaging_kernel"], kernel, rtol=3e-7)


def test_harp_passes_the_numbers_of_the_gosat_proxy_product_on(tmp_path: Path, satellite: Path) -> None:
    """HARP 1.16 says ppmv of numbers in ppb, lets the fill -9999.99 through and has no flag."""
    path = satellite / "gosat_uol_ocpr" / "ESACCI-GHG-L2-CH4-GOSAT-OCPR-20141205-fv7.2.nc"
    made = ingest(path, tmp_path)
    theirs, ours = (open_soundings(p, quality="all") for p in (made, path))
    names = ["latitude", "longitude", "xch4", "xch4_uncertainty", "surface_altitude", "solar_zenith_angle"]
    agree(theirs, ours, names)
    assert (theirs.quality == 255).all()
    with pytest.raises(NotAGranuleError, match="which soundings are good cannot be told"):
        open_soundings(made)


def test_columns_of_molecules_are_no_mole_fractions(tmp_path: Path) -> None:
    made = ingest(simulated(tmp_path, "nies_gosat"), tmp_path)
    with pytest.raises(NotAGranuleError, match="holds none of"):
        open_soundings(made, quality="all")


def test_grids_of_real_granules_open_with_bounds_weights_and_counts(tmp_path: Path, satellite: Path) -> None:
    path = satellite / "acos_lite" / "acos_LtCO2_090901_v205205_B9213A_200310212449s.nc4"
    made = ingest(path, tmp_path, "-a", "validity==0;bin_spatial(37,-90,5,73,-180,5)")
    grid, soundings = open_grid(made).squeeze("time"), open_soundings(path)
    rows = np.floor((soundings.latitude.values + 90) / 5).astype(int)
    columns = np.floor((soundings.longitude.values + 180) / 5).astype(int)
    count, total = np.zeros((36, 72)), np.zeros((36, 72))
    np.add.at(count, (rows, columns), 1)
    np.add.at(total, (rows, columns), soundings.xco2.values)
    np.testing.assert_array_equal(grid.xco2_weight, count)
    np.testing.assert_array_equal(grid.xco2_count, count)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(grid.xco2, np.where(count > 0, total / count, np.nan), rtol=1e-12)
    assert int(grid["count"]) == soundings.sizes["sounding"]
    np.testing.assert_array_equal(grid.lat_bnds[:, 0], np.arange(-90, 90, 5))
    np.testing.assert_array_equal(grid.lon_bnds[:, 1], np.arange(-175, 181, 5))


def test_tools_are_of_a_version_that_was_tried() -> None:
    version = run("harpcheck", "--version").split("version")[1].split()[0]
    assert tuple(int(part) for part in version.split(".")[:2]) >= (1, 16), version


def options_of(path: Path) -> dict[str, Any]:
    with xr.open_dataset(path, engine="scipy", decode_cf=False) as file:
        return dict(file.attrs)


def test_our_attributes_survive_harp(tmp_path: Path) -> None:
    path = write_harp(make_soundings(), tmp_path / "a.nc")
    copied = tmp_path / "b.nc"
    run("harpconvert", path, copied)
    before, after = options_of(path), options_of(copied)
    assert after["source_product"] == before["source_product"]
    assert after["history"].startswith(before["history"])
    assert after["datetime_start"] == pytest.approx(before["datetime_start"], abs=1e-9)
    assert after["datetime_stop"] == pytest.approx(before["datetime_stop"], abs=1e-9)

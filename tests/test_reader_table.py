"""Tables of text on real files: values read a second time by other means."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest
import shapely

import yaotan
from yaotan.errors import NotAGranuleError, UnitsError
from yaotan.schema import check_soundings

HEFEI = "tccon/TCCON_Hefei_12-14h_monthly.csv"
RIDGE_HILL = "ICOS_ATC_L2_L2-2024.1_RGL_90.0_CTS.CH4"
EVENT = "ch4_scsn06_surface-flask_1_ccgg_event.txt"
MAUNA_LOA = "co2_mm_mlo_noaa.csv"
PROFFAST = "coccon/comb_invparms_mc_SN115_220602-220602.csv"


def read_csv(path: Path) -> dict[str, list[str]]:
    """Read a comma separated table by the standard library."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = [line for line in stream if not line.startswith("#")]
    rows = list(csv.DictReader(lines, skipinitialspace=True))
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.fixture(scope="module")
def timeseries(data_root: Path) -> Path:
    return data_root / "geo" / "timeseries"


def test_saga(satellite: Path) -> None:
    path = satellite / "tccon" / "saga01_tccon.csv"
    ds = yaotan.open_soundings(path).load()
    assert (ds.attrs["product"], ds.sizes["sounding"]) == ("tccon_table", 7128)
    table = read_csv(path)
    np.testing.assert_allclose(ds.xco2, np.array(table["tccon_xco2"], float), rtol=1e-12)
    np.testing.assert_allclose(ds.xco2_uncertainty, np.array(table["tccon_error"], float), rtol=1e-12)
    assert str(ds.time.values[0])[:19] == "2011-07-29T03:57:28"
    assert str(ds.time.values[-1])[:19] == "2016-12-31T04:55:55"
    # the station, not the cell of the satellite (33.5, 130.5)
    assert float(ds.latitude[0]) == pytest.approx(33.24, abs=1e-5)
    assert float(ds.longitude[0]) == pytest.approx(130.29, abs=1e-5)
    minutes = (ds.time - ds.time.astype("datetime64[D]")) / np.timedelta64(1, "m")
    late = (minutes / 60 + ds.longitude / 15) % 24 - ds.solar_time
    assert -1e-9 < float(late.min()) <= float(late.max()) < 1 / 60


def test_hefei_rows_are_said_to_be_monthly_means(satellite: Path) -> None:
    ds = yaotan.open_soundings(satellite / HEFEI).load()
    assert (ds.attrs["rows"], ds.attrs["time_coverage_resolution"]) == ("monthly means", "P1M")
    assert ds.attrs["site"] == "Hefei"
    (record,) = json.loads(ds.attrs["reading"])
    assert (record["read"], record["kept"], record["dropped"]) == (110, 98, {"no_value": 12})
    values = [float(text) for text in read_csv(satellite / HEFEI)["XCO2"] if text]
    np.testing.assert_allclose(ds.xco2, values, rtol=1e-12)
    february = yaotan.open_soundings(satellite / HEFEI, period=("2016-02", "2016-02"))
    assert february.xco2.values == pytest.approx([405.12463])
    assert str(february.time.values[0])[:10] == "2016-02-29"


def test_hefei_is_not_told_by_columns_that_anybody_may_write(tmp_path: Path, satellite: Path) -> None:
    text = (satellite / HEFEI).read_text(encoding="utf-8")
    other = tmp_path / "hefei.csv"
    other.write_text(text, encoding="utf-8")
    with pytest.raises(yaotan.YaotanError, match="no product that is known"):
        yaotan.open_soundings(other)
    assert yaotan.open_soundings(other, product="tccon_monthly_table").sizes["sounding"] == 98
    daily = tmp_path / "TCCON_Hefei_monthly.csv"
    daily.write_text(text + "2025-01-15,427.0,Hefei,31.9,117.17\n", encoding="utf-8")
    with pytest.raises(yaotan.YaotanError, match="no product that is known"):
        yaotan.open_soundings(daily)


def test_proffast_table_agrees_with_its_netcdf(satellite: Path) -> None:
    """Two forms of one day: what the netCDF says in mole fractions the table says in ppm."""
    ds = yaotan.open_soundings(satellite / PROFFAST).load()
    other = yaotan.open_soundings(satellite / "coccon" / "COCCON_mc_SN115_2022-06-02.nc").load()
    assert ds.sizes["sounding"] == 10
    np.testing.assert_array_equal(ds.time, other.time.astype("datetime64[s]"))
    for name in (
        *("xco2", "xch4", "xair", "xh2o", "latitude", "longitude"),
        *("solar_zenith_angle", "surface_pressure", "surface_altitude"),
    ):
        np.testing.assert_allclose(ds[name], other[name], rtol=1e-9, err_msg=name)
    with netCDF4.Dataset(satellite / "coccon" / "COCCON_mc_SN115_2022-06-02.nc") as root:
        np.testing.assert_allclose(ds.xch4, root["XCH4"][:] * 1e9, rtol=1e-9)
    assert float(ds.xch4[0]) == pytest.approx(1882.75)  # 1.88275 ppm in the table
    assert np.isnan(ds.xco).all()  # 0: not measured


def test_points_of_los_angeles(satellite: Path) -> None:
    path = satellite / "oco3_derived" / "oco3_xco2_los_angeles_2020_2025.csv"
    ds = yaotan.open_soundings(path).load()
    table = read_csv(path)
    assert ds.sizes["sounding"] == len(table["xco2"]) == 8573
    np.testing.assert_allclose(np.sort(ds.xco2), np.sort(np.array(table["xco2"], float)), rtol=1e-12)
    assert (ds.attrs["city"], str(ds.time.values[0])[:16]) == ("Los Angeles", "2020-02-24T19:59")
    box = yaotan.open_soundings(path, region=(-118.5, 33.9, -118.2, 34.2), period=("2021", "2021"))
    lat, lon = (np.array(table[name], float) for name in ("latitude", "longitude"))
    inside = (lat >= 33.9) & (lat <= 34.2) & (lon >= -118.5) & (lon <= -118.2)
    inside &= np.array([text.split()[0].endswith("/21") for text in table["datetime"]])
    assert box.sizes["sounding"] == int(inside.sum()) > 50


def test_ridge_hill(timeseries: Path) -> None:
    path = timeseries / RIDGE_HILL
    ds = yaotan.open_soundings(path).load()
    rows = [line.split(";") for line in path.read_text(encoding="utf-8").splitlines() if line[0] != "#"]
    good = [row for row in rows if row[11] == "O"]
    assert ds.sizes["sounding"] == len(good) == 13
    np.testing.assert_allclose(ds.ch4_mole_fraction, [float(row[8]) for row in good])
    np.testing.assert_allclose(ds.standard_deviation, [float(row[9]) * 1e-9 for row in good], atol=0)
    assert [str(t)[:16] for t in ds.time.values] == [f"{r[2]}-{r[3]}-{r[4]}T{r[5]}:{r[6]}" for r in good]
    assert float(ds.ch4_mole_fraction[-1]) == 2001.63
    assert (ds.attrs["site"], ds.attrs["product_version"]) == ("RGL", "2024.1")
    assert float(ds.sampling_altitude[0]) == 297.0
    assert yaotan.open_soundings(path, quality="all").sizes["sounding"] == len(rows) == 49


def test_flasks_of_the_south_china_sea(timeseries: Path) -> None:
    path = timeseries / EVENT
    ds = yaotan.open_soundings(path).load()
    # both analyses of one flask stay, at one time and place
    np.testing.assert_allclose(ds.ch4_mole_fraction[:4], [1713.21, 1710.44, 1693.19, 1694.24])
    assert ds.sizes["sounding"] == 10
    assert (ds.attrs["site"], ds.attrs["product_version"]) == ("scsn06", "2017-07-28")
    np.testing.assert_allclose(ds.ch4_mole_fraction_uncertainty[[0, -1]], [2.4, 1.7])
    assert str(ds.time.values[0])[:19] == "1991-07-05T17:00:00"
    assert (float(ds.latitude[0]), float(ds.longitude[0])) == (6.05, 107.98)


def test_of_two_editions_the_newer_stays(tmp_path: Path, timeseries: Path) -> None:
    path = timeseries / EVENT
    newer = tmp_path / path.name
    text = path.read_text(encoding="utf-8").replace("creation-time: 2017", "creation-time: 2018")
    newer.write_text(text.replace(" 1713.210 ", " 1714.210 "), encoding="utf-8")
    ds = yaotan.open_soundings([path, newer]).load()
    assert ds.sizes["sounding"] == 10
    assert float(ds.ch4_mole_fraction[0]) == 1714.21


def test_flasks_of_anmyeondo_whose_heading_was_cut_off(tmp_path: Path, timeseries: Path) -> None:
    path = timeseries / "co2_amy_anmyeondo_flask_noaa.txt"
    ds = yaotan.open_soundings(path).load()
    table = pd.read_csv(path, sep=r"\s+")
    good = table[table.qcflag.str[0] == "."]
    assert ds.sizes["sounding"] == len(good) == 1003
    np.testing.assert_allclose(np.sort(ds.co2_mole_fraction), np.sort(good.value))
    assert np.isnan(ds.co2_mole_fraction_uncertainty).sum() == (good.value_unc < 0).sum()
    assert "name of the file" in ds.co2_mole_fraction.attrs["comment"]
    assert ds.attrs["site"] == "AMY"
    nameless = tmp_path / "flasks.txt"
    nameless.write_bytes(path.read_bytes())
    with pytest.raises(yaotan.YaotanError, match="does not say which it holds"):
        yaotan.open_soundings(nameless)


def test_mauna_loa(timeseries: Path) -> None:
    path = timeseries / MAUNA_LOA
    ds = yaotan.open_soundings(path).load()
    table = {name: np.array(texts, float) for name, texts in read_csv(path).items()}
    assert ds.sizes["sounding"] == 788
    np.testing.assert_allclose(ds.co2_mole_fraction, table["average"])
    np.testing.assert_allclose(ds.deseasonalized, table["deseasonalized"])
    assert str(ds.time.values[0]) == "1958-03-16T12:00:00.000000000"
    years = ds.time.dt.year + (ds.time - ds.time.astype("datetime64[Y]")) / np.timedelta64(1, "D") / 365.25
    assert float(np.abs(years - table["decimal date"]).max()) < 2 / 365
    interpolated = np.isnan(ds.standard_deviation) & (ds.time >= np.datetime64("1974-05"))
    assert [str(t)[:7] for t in ds.time.values[interpolated]] == ["1975-12", "1984-04"]
    assert not (ds.co2_mole_fraction_uncertainty <= 0).any()
    assert int(ds.number_of_days.isnull().sum()) == 195
    assert (ds.attrs["rows"], ds.attrs["site"]) == ("monthly means", "MLO")


def test_matched_rows_of_east_asia_are_no_product(satellite: Path) -> None:
    """MATLAB 5 files are refused in words, not read as something else."""
    path = satellite / "oco2_derived" / "full_site_aggragate_data.mat"
    with pytest.raises(yaotan.YaotanError, match=r"full_site_aggragate_data\.mat"):
        yaotan.open_soundings(path)


def test_every_table_is_found_in_its_folder(satellite: Path, timeseries: Path, tmp_path: Path) -> None:
    """The catalog of a folder lists tables like any other granule, and no read-me file."""
    sources = [
        satellite / "tccon" / "saga01_tccon.csv",
        satellite / HEFEI,
        satellite / PROFFAST,
        timeseries / RIDGE_HILL,
        timeseries / EVENT,
        timeseries / "co2_amy_anmyeondo_flask_noaa.txt",
        timeseries / MAUNA_LOA,
        timeseries / "fluxnet_ch_lae_daily_gpp_2004_2006.csv",
    ]
    for source in sources:
        (tmp_path / source.name).write_bytes(source.read_bytes())
    (tmp_path / "README.txt").write_text("Tables of stations, each as it was got.\n", encoding="utf-8")
    result = yaotan.index_granules(tmp_path)
    table = yaotan.io.open_index(result.path).set_index("path")
    assert dict(zip(table["product"], table["count"], strict=True)) == {
        "tccon_table": 7128,
        "tccon_monthly_table": 110,
        "coccon_table": 10,
        "icos_atc": 49,
        "noaa_flask_event": 10,
        "noaa_flask_table": 1096,
        "noaa_monthly_table": 788,
    }
    assert table["error"].isna().all()
    assert table.loc[Path(HEFEI).name, "geometry"].covers(shapely.Point(117.17, 31.9))


@pytest.mark.parametrize(
    ("name", "old", "new", "kind", "words"),
    [
        (RIDGE_HILL, "# MEASUREMENT UNIT: nmol.mol-¹\n", "", UnitsError, "ch4: the dataset has no unit"),
        (RIDGE_HILL, "nmol.mol-¹", "ug m-3", UnitsError, "cannot be turned into 'ppb'"),
        (RIDGE_HILL, "-2.5399 E", "2.5399 W", NotAGranuleError, "no product that is known"),
        (RIDGE_HILL, "UTC +0", "UTC +1", NotAGranuleError, "no product that is known"),
        (RIDGE_HILL, "# LATITUDE: 51.9975 N\n", "", NotAGranuleError, "has no latitude"),
        (RIDGE_HILL, ";Flag;", ";Control;", NotAGranuleError, "quality flag Flag is missing"),
        (EVENT, "3254-66 T      ch4", "3254-66 T      co2", NotAGranuleError, "does not say which"),
        (EVENT, " ch4 ", " sf6 ", NotAGranuleError, "no product that is known"),
        (EVENT, "analysis_value ", "value ", NotAGranuleError, "lacks analysis_value"),
        (EVENT, "   112321\n", "", NotAGranuleError, "has 26 fields"),
        (MAUNA_LOA, "Mauna Loa", "Barrow", NotAGranuleError, "no product that is known"),
    ],
)
def test_changed_tables_are_refused(
    tmp_path: Path, timeseries: Path, name: str, old: str, new: str, kind: type[Exception], words: str
) -> None:
    text = (timeseries / name).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / name).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(kind, match=words):
        yaotan.open_soundings(tmp_path / name)


@pytest.mark.parametrize("name", [RIDGE_HILL, EVENT, MAUNA_LOA, "co2_amy_anmyeondo_flask_noaa.txt"])
def test_heading_without_rows_gives_an_empty_table(tmp_path: Path, timeseries: Path, name: str) -> None:
    lines = (timeseries / name).read_text(encoding="utf-8").splitlines(keepends=True)
    heading = [line for line in lines if line.startswith(("#", "year,", "site_code"))]
    (tmp_path / name).write_text("".join(heading), encoding="utf-8")
    ds = yaotan.open_soundings(tmp_path / name).load()
    whole = yaotan.open_soundings(timeseries / name)
    assert ds.sizes["sounding"] == 0
    assert ds.attrs["product"] == whole.attrs["product"]
    gases = [str(n) for n in whole if str(n).endswith("_mole_fraction")]
    assert gases == [str(n) for n in ds if str(n).endswith("_mole_fraction")]
    check_soundings(ds)
    (tmp_path / "download.txt").write_bytes((tmp_path / name).read_bytes())
    assert yaotan.open_soundings(tmp_path / "download.txt").sizes["sounding"] == 0


REWRITTEN = """\
product: icos_rewritten
title: {en: ICOS rewritten by OpenGHG, zh: OpenGHG 改写的 ICOS}
platform: ICOS atmosphere station
instrument: continuous in-situ analyser
references: [https://www.icos-cp.eu]
licence: CC BY 4.0
gases: [co2_mole_fraction]
checked: file
identify: {required: [co2, co2_variability, flag]}
attributes: {site: site}
size_of: time
variables:
  latitude: {path: '@station_latitude', units: degree}
  longitude: {path: '@station_longitude', units: degree}
  sampling_height: {path: '@inlet', units: m}
  co2_mole_fraction: {path: co2, units: '@units'}
quality:
  flags: [{path: flag, name: flag, good: [O], required: true}]
time: [{path: time}]
"""


def test_a_file_rewritten_by_others_is_read_by_a_product_file(tmp_path: Path, timeseries: Path) -> None:
    """Its dataset says 'unknown' for the unit, a global attribute says which."""
    (tmp_path / "icos.yaml").write_text(REWRITTEN, encoding="utf-8")
    path = timeseries / "test_toh_co2_147m.nc"
    with pytest.raises(yaotan.YaotanError, match="no product that is known"):
        yaotan.open_soundings(path)
    ds = yaotan.open_soundings(path, product=str(tmp_path / "icos.yaml")).load()
    with netCDF4.Dataset(path) as root:
        np.testing.assert_allclose(ds.co2_mole_fraction, root["co2"][:][root["flag"][:] == "O"])
    assert 412 < float(ds.co2_mole_fraction.min()) < float(ds.co2_mole_fraction.max()) < 420
    assert (ds.attrs["site"], float(ds.sampling_height[0])) == ("toh", 147.0)
    assert float(ds.latitude[0]) == pytest.approx(51.8088)

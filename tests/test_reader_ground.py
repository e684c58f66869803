"""Ground stations on real files, and files that must be refused or taken apart."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest

import yaotan
from contract.netcdf import Item, write_netcdf
from yaotan.errors import NotAGranuleError, UnitsError
from yaotan.io.packed import log_column_kernel, profile_column
from yaotan.io.profile import dry_air_weight, kernel_of_angle, trusted_kernel

HARWELL = "tccon/hw20230402_20230402.public.qc.nc"


def raw(path: Path, *names: str) -> list[np.ndarray]:
    """Read datasets by another library, as they are."""
    with netCDF4.Dataset(path) as root:
        root.set_auto_maskandscale(False)
        return [np.asarray(root[name][:]) for name in names]


@pytest.fixture(scope="module")
def timeseries(data_root: Path) -> Path:
    return data_root / "geo" / "timeseries"


def test_harwell_values(satellite: Path) -> None:
    ds = yaotan.open_soundings(satellite / HARWELL).load()
    assert (ds.attrs["product"], ds.attrs["product_version"]) == ("tccon_ggg2020", "2020.R0")
    assert ds.attrs["site"] == "harwell01"
    assert "Park Falls" not in str(ds.attrs)
    assert ds.sizes == {"sounding": 64, "level": 51}
    assert str(ds.time.values[0])[:19] == "2023-04-02T15:09:00"
    (seconds,) = raw(satellite / HARWELL, "time")
    np.testing.assert_allclose(ds.time.astype("i8") / 1e9, seconds, atol=1e-3, rtol=0)
    xco2, x2019, xch4, error = raw(satellite / HARWELL, "xco2", "xco2_x2019", "xch4", "xch4_error")
    np.testing.assert_allclose(ds.xco2, xco2, rtol=1e-7)
    np.testing.assert_allclose(ds.xco2_x2019, x2019, rtol=1e-7)
    np.testing.assert_allclose(ds.xch4, xch4 * 1000.0, rtol=1e-6)  # ppm in the file
    np.testing.assert_allclose(ds.xch4_uncertainty, error * 1000.0, rtol=1e-6)
    assert 0.02 < float((ds.xco2_x2019 - ds.xco2).mean()) < 0.1
    assert float(ds.surface_altitude[0]) == pytest.approx(142.0, abs=0.01)
    pressure, kernel = raw(satellite / HARWELL, "prior_pressure", "ak_xch4")
    np.testing.assert_allclose(ds.pressure_level, pressure * 1013.25, rtol=1e-6)
    np.testing.assert_allclose(ds.xch4_averaging_kernel, kernel, rtol=1e-6)
    assert "latitude_corner" not in ds


def test_harwell_weights_and_dry_prior(satellite: Path) -> None:
    """The operator times the moist prior is the prior column; our weights agree with it on dry profiles."""
    ds = yaotan.open_soundings(satellite / HARWELL).load()
    path = satellite / HARWELL
    operator, co2, ch4, water, column = (
        item.astype(float)
        for item in raw(path, "integration_operator", "prior_co2", "prior_ch4", "prior_h2o", "prior_xco2")
    )
    assert np.abs((operator * co2).sum(axis=1) - column).max() < 0.03
    h = water / (1.0 - water)  # the note in the file
    np.testing.assert_allclose(ds.co2_prior_profile, co2 * (1.0 + h), rtol=1e-9)
    np.testing.assert_allclose(ds.ch4_prior_profile, ch4 * (1.0 + h), rtol=1e-6)
    np.testing.assert_allclose(ds.pressure_weight.sum("level"), 1.0, atol=1e-12)
    share = operator * (1.0 - water)
    share /= share.sum(axis=1, keepdims=True)
    assert np.abs((share - ds.pressure_weight.values) * 1.0).max() < 3e-4
    assert np.abs(((share - ds.pressure_weight) * ds.co2_prior_profile).sum("level")).max() < 0.02
    assert np.abs(((share - ds.pressure_weight) * ds.ch4_prior_profile).sum("level")).max() < 0.5


def test_stations_of_one_network_are_named_together(tmp_path: Path, satellite: Path) -> None:
    other = tmp_path / "xx20230402_20230402.public.qc.nc"
    other.write_bytes((satellite / HARWELL).read_bytes())
    with netCDF4.Dataset(other, "a") as root:
        root.long_name = "elsewhere01"
        root["lat"][:] = 10.0
    ds = yaotan.open_soundings([satellite / HARWELL, other])
    assert ds.attrs["site"] == "elsewhere01; harwell01"
    assert ds.sizes["sounding"] == 128


@pytest.mark.parametrize(
    ("name", "count", "first"),
    [
        ("COCCON_mc_SN115_2022-06-02.nc", 10, (419.687, 1882.75, 70.10, 998.2)),
        ("COCCON_so_SN039_2017-06-08.nc", 14, (405.933, 1814.92, 59.99, 998.86)),
    ],
)
def test_em27_values(satellite: Path, name: str, count: int, first: tuple[float, ...]) -> None:
    ds = yaotan.open_soundings(satellite / "coccon" / name).load()
    assert ds.sizes == {"sounding": count, "level": 49}
    got = [float(ds[n][0]) for n in ("xco2", "xch4", "solar_zenith_angle", "surface_pressure")]
    assert got == pytest.approx(first, abs=1e-3)
    assert float(ds.altitude_level[0, -1]) == pytest.approx(75180.0)
    (prior, water, table, angles) = raw(
        satellite / "coccon" / name, "CO2_prior", "H2O_prior", "XCO2_avk", "sza_avk"
    )
    np.testing.assert_allclose(ds.co2_prior_profile[-1], 1e6 * prior[0] / (1 - water[0]), rtol=1e-9)
    for row, angle in enumerate(np.radians(ds.solar_zenith_angle.values)):
        wanted = [np.interp(angle, angles, level) for level in table[0]]
        np.testing.assert_allclose(ds.xco2_averaging_kernel[row], wanted, rtol=1e-9)


def test_em27_without_carbon_monoxide(satellite: Path) -> None:
    """One detector: the file says 0, which is no measurement."""
    ds = yaotan.open_soundings(satellite / "coccon" / "COCCON_mc_SN115_2022-06-02.nc").load()
    assert np.isnan(ds.xco).all()
    assert np.isnan(ds.xco_averaging_kernel).all()
    other = yaotan.open_soundings(satellite / "coccon" / "COCCON_so_SN039_2017-06-08.nc").load()
    assert ((other.xco > 80.0) & (other.xco < 95.0)).all()


def test_em27_with_right_units_reads_the_same(tmp_path: Path, satellite: Path) -> None:
    """A later version may mend its units: values decide, not the version."""
    source = satellite / "coccon" / "COCCON_so_SN039_2017-06-08.nc"
    mended = tmp_path / source.name
    mended.write_bytes(source.read_bytes())
    with netCDF4.Dataset(mended, "a") as root:
        root["pres"][:] = root["pres"][:] * 100.0
        root["height_prior"][:] = root["height_prior"][:] * 1000.0
        root["sza_avk"][:] = np.degrees(root["sza_avk"][:])
    one, two = (yaotan.open_soundings(path).load() for path in (source, mended))
    for name in ("surface_pressure", "altitude_level", "xch4_averaging_kernel"):
        np.testing.assert_allclose(one[name], two[name], rtol=1e-9)


def test_em27_pressure_of_no_unit_is_refused(tmp_path: Path, satellite: Path) -> None:
    bad = tmp_path / "COCCON_so_SN039_2017-06-08.nc"
    bad.write_bytes((satellite / "coccon" / bad.name).read_bytes())
    with netCDF4.Dataset(bad, "a") as root:
        root["pres"][:] = 9.98
    with pytest.raises(UnitsError, match="fit no unit"):
        yaotan.open_soundings(bad).surface_pressure.load()


def test_tower_heights_are_no_duplicates(timeseries: Path) -> None:
    path = timeseries / "ch4_bao_tower-insitu_1_ccgg_all.nc"
    ds = yaotan.open_soundings([path, path]).load()  # one file named twice is one file
    assert ds.sizes["sounding"] == 4190
    assert sorted(set(ds.sampling_height.values)) == [22.0, 100.0, 300.0]
    assert (ds.attrs["site"], ds.attrs["scale"]) == ("BAO", "NOAA 2004A CH4")
    (values,) = raw(path, "value")
    np.testing.assert_allclose(np.sort(ds.ch4_mole_fraction), np.sort(values), rtol=1e-6)
    assert str(ds.time.values[0])[:19] == "2012-05-04T00:00:00"
    assert ds.ch4_mole_fraction.attrs["standard_name"] == "mole_fraction_of_methane_in_dry_air"


def test_copy_of_an_obspack_file_is_dropped(tmp_path: Path, timeseries: Path) -> None:
    path = timeseries / "ch4_esp_surface-flask_2_representative.nc"
    again = tmp_path / path.name
    again.write_bytes(path.read_bytes())
    ds = yaotan.open_soundings([path, again]).load()
    assert ds.sizes["sounding"] == 109
    (values,) = raw(path, "value")  # mol mol-1 in this one
    np.testing.assert_allclose(ds.ch4_mole_fraction, values * 1e9, rtol=1e-6)
    assert '"duplicate": 109' in ds.attrs["reading"]


def test_two_gases_of_one_tower_stay_apart(tmp_path: Path) -> None:
    for gas, value in (("co2", 400e-6), ("ch4", 1900e-9)):
        write_obspack(tmp_path / f"{gas}.nc", gas, [value])
    ds = yaotan.open_soundings(tmp_path).load()
    assert ds.sizes["sounding"] == 2
    assert np.isfinite(ds.co2_mole_fraction).sum() == np.isfinite(ds.ch4_mole_fraction).sum() == 1


def test_obspack_of_another_gas_is_unknown(tmp_path: Path) -> None:
    write_obspack(tmp_path / "sf6.nc", "sf6", [1e-11])
    with pytest.raises(NotAGranuleError):
        yaotan.open_soundings(tmp_path / "sf6.nc")


def write_obspack(path: Path, gas: str, values: list[float]) -> None:
    n, count = ("obs",), len(values)
    flags = np.array([[b".", b".", b"."]] * count, "S1")
    items: list[Item] = [
        ("time", np.full(count, 1_500_000_000, "i4"), n, {"units": "seconds since 1970-01-01T00:00:00Z"}),
        ("time_decimal", np.full(count, 2017.5), n, {}),
        ("value", np.array(values), n, {"units": "mol mol-1", "_FillValue": -999.999}),
        ("latitude", np.full(count, 40.0, "f4"), n, {"units": "degrees_north"}),
        ("longitude", np.full(count, 100.0, "f4"), n, {"units": "degrees_east"}),
        ("altitude", np.full(count, 50.0, "f4"), n, {"units": "m"}),
        ("intake_height", np.full(count, 10.0, "f4"), n, {"units": "m"}),
        ("obs_num", np.arange(count, dtype="i4") + 1, n, {}),
        ("qcflag", flags, ("obs", "string_of_10chars"), {}),
    ]
    write_netcdf(path, items, {"dataset_parameter": gas, "dataset_name": f"{gas}_xyz"})


def test_levels_below_the_station_have_no_weight() -> None:
    pressure = np.array([[1000.0, 900.0, 800.0, 400.0, 0.0]])
    flat = np.zeros((1, 5)), np.full((1, 5), 9.8)
    weight = dry_air_weight([pressure, np.array([850.0]), *flat], [])
    assert weight[0, 0] == 0.0
    assert weight[0, 1] == pytest.approx(50 * 0.25 / 850)  # slab of 50 hPa, a quarter of it towards 900 hPa
    assert (weight @ pressure[0])[0] == pytest.approx(425.0)  # mean pressure of a column of 850 hPa
    turned = dry_air_weight([pressure[:, ::-1], np.array([850.0]), *flat], [])
    np.testing.assert_allclose(turned[:, ::-1], weight)


def test_surface_below_the_lowest_level_counts_with_it() -> None:
    pressure = np.array([[900.0, 0.0]])
    weight = dry_air_weight([pressure, np.array([1000.0]), np.zeros((1, 2)), np.ones((1, 2))], [])
    assert weight[0] == pytest.approx([550 / 1000, 450 / 1000])


def test_water_and_gravity_change_the_weights() -> None:
    pressure, surface = np.array([[1000.0, 0.0]]), np.array([1000.0])
    wet = np.array([[0.04, 0.0]])
    weight = dry_air_weight([pressure, surface, wet, np.ones((1, 2))], [])
    a = (
        18.01528 / 28.96546 * 0.04 / 0.96
    )  # dry air per pressure is 1 / (1 + a t), t from 0 to 1 at the ground
    wanted = (1 / a - np.log1p(a) / a**2) / (np.log1p(a) / a)
    assert weight[0, 0] == pytest.approx(wanted, abs=1e-6)
    light = dry_air_weight([pressure, surface, np.zeros((1, 2)), np.array([[1.0, 0.9]])], [])
    assert light[0, 0] < 0.5


def test_kernels_of_several_days_are_refused() -> None:
    with pytest.raises(NotAGranuleError, match="2 days"):
        kernel_of_angle([np.ones((2, 3, 4)), np.arange(4.0), np.ones(1), np.ones(1)], [])


def test_kernel_on_other_altitudes_is_interpolated() -> None:
    kernel = trusted_kernel(
        [np.array([[1.0, 0.0]]), np.zeros(1), np.array([0.0, 10.0]), np.array([0.0, 5.0])], []
    )
    np.testing.assert_allclose(kernel, [[1.0, 0.5]])


def test_column_kernel_of_a_perfect_retrieval_is_one() -> None:
    """An identity as profile kernel keeps every change: a_j = 1, whatever the profile."""
    levels = 6
    pressure = np.geomspace(1000.0, 1.0, levels)[None, ::-1]
    altitude, water = -7.5e3 * np.log(pressure / 1013.25), np.full((1, levels), 0.005)
    profile = np.linspace(250.0, 330.0, levels)[None]
    eye = np.eye(levels)[None]
    kernel = log_column_kernel([profile, np.ones((1, levels)), eye, eye, pressure, altitude, water], [])
    np.testing.assert_allclose(kernel, 1.0)
    column = profile_column([np.full((1, levels), 330.0), pressure, altitude, water], [])
    assert column[0] == pytest.approx(330.0)


def test_musica_of_version_4_is_unknown(tmp_path: Path) -> None:
    from contract.case_musica import write_musica
    from contract.truth import make_truth

    path = tmp_path / "IASIA_MUSICA_040000_L2_AllTargetProducts_20190331235950_64385.nc"
    write_musica(path, make_truth())
    with netCDF4.Dataset(path, "a") as root:
        root.data_version = "4.0.0"
    with pytest.raises(NotAGranuleError):
        yaotan.identify(path)

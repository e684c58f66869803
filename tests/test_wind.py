"""Winds: ERA5 with old and new names, GRIB, the product's own wind; values against independent reading."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
from scipy.io import netcdf_file

from yaotan.errors import NotAGranuleError, SchemaError, YaotanError
from yaotan.io.wind import open_wind

HOURS = np.arange(4)
LAT, LON = np.array([41.0, 40.5, 40.0]), np.arange(115.0, 117.1, 0.5)


def field(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(3.0, 5.0, shape).astype("float32")


def new_file(path: Path, names: tuple[str, ...] = ("u10", "v10"), **options: Any) -> xr.Dataset:
    """Single levels as the Climate Data Store writes them since September 2024."""
    lat, lon = options.get("lat", LAT), options.get("lon", LON)
    hours = options.get("hours", HOURS)
    made = xr.Dataset(
        {
            name: (
                ("valid_time", "latitude", "longitude"),
                field(seed, hours.size, lat.size, lon.size),
                {
                    "units": options.get("units", "m s**-1"),
                    "GRIB_gridType": options.get("grid", "regular_ll"),
                },
            )
            for seed, name in enumerate(names)
        },
        coords={
            "valid_time": ("valid_time", hours * 3600 + 1577836800, {"units": "seconds since 1970-01-01"}),
            "latitude": ("latitude", lat, {"units": "degrees_north"}),
            "longitude": ("longitude", lon, {"units": "degrees_east"}),
            "number": ((), 0),
            "expver": ("valid_time", options.get("expver", np.full(hours.size, "0001"))),
        },
    )
    made.to_netcdf(path, engine="h5netcdf")
    return made


def level_file(path: Path, names: tuple[str, ...] = ("u", "v", "z")) -> xr.Dataset:
    """Pressure levels with the old names, levels from the top down."""
    units = {"z": "m**2 s**-2", "t": "K"}
    made = xr.Dataset(
        {
            name: (
                ("time", "level", "latitude", "longitude"),
                field(10 + seed, HOURS.size, 3, LAT.size, LON.size),
                {"units": units.get(name, "m s**-1")},
            )
            for seed, name in enumerate(names)
        },
        coords={
            "time": (
                "time",
                (HOURS + 1051896).astype("int32"),
                {"units": "hours since 1900-01-01 00:00:00.0"},
            ),
            "level": ("level", np.array([700, 850, 1000], "int32"), {"units": "millibars"}),
            "latitude": LAT,
            "longitude": LON,
        },
    )
    made.to_netcdf(path, engine="scipy", format="NETCDF3_64BIT")
    return made


def test_single_and_pressure_levels_make_one_dataset(tmp_path: Path) -> None:
    single, levels = new_file(tmp_path / "sl.nc"), level_file(tmp_path / "pl.nc")
    wind = open_wind([tmp_path / "pl.nc", tmp_path / "sl.nc"])
    assert wind["wind_u_10m"].dims == ("time", "lat", "lon")
    assert wind["wind_u"].dims == ("time", "level", "lat", "lon")
    assert wind["time"].values[0] == np.datetime64("2020-01-01", "ns")
    assert wind["level"].values.tolist() == [1000.0, 850.0, 700.0]
    assert (np.diff(wind["lat"]) > 0).all()
    assert (np.diff(wind["lon"]) > 0).all()
    np.testing.assert_array_equal(wind["wind_u_10m"], single["u10"].values[:, ::-1])
    np.testing.assert_array_equal(wind["wind_v"], levels["v"].values[:, ::-1, ::-1])
    np.testing.assert_allclose(
        wind["geopotential_height"], levels["z"].values[:, ::-1, ::-1] / 9.80665, rtol=1e-6
    )
    assert all(hasattr(array.data, "dask") for array in wind.data_vars.values())
    again = pickle.loads(pickle.dumps(wind))  # noqa: S301
    np.testing.assert_array_equal(again["wind_u"], wind["wind_u"])


def test_packed_numbers_and_their_fill_are_decoded(tmp_path: Path) -> None:
    stored = np.array([[[1, 2], [-32767, 4]]], "int16")
    with h5py.File(tmp_path / "packed.nc", "w") as file:
        for name, values, units in (
            ("time", np.array([0], "int32"), "hours since 2019-05-01"),
            ("latitude", np.array([10.0, 9.0], "float32"), "degrees_north"),
            ("longitude", np.array([359.0, 359.5], "float32"), "degrees_east"),
        ):
            file[name] = values
            file[name].attrs["units"] = units
            file[name].make_scale(name)
        for name in ("u10", "v10"):
            file[name] = stored
            file[name].attrs.update(scale_factor=0.5, add_offset=100.0, units="m s**-1")
            file[name].attrs["_FillValue"] = np.int16(-32767)
            file[name].attrs["missing_value"] = np.int16(-32767)
            for place, dim in enumerate(("time", "latitude", "longitude")):
                file[name].dims[place].attach_scale(file[dim])
    wind = open_wind(tmp_path / "packed.nc")
    assert wind["lon"].values.tolist() == [-1.0, -0.5]
    np.testing.assert_array_equal(wind["wind_u_10m"].values[0], [[np.nan, 102.0], [100.5, 101.0]])


def test_old_mixture_of_final_and_preliminary_data_is_one_series(tmp_path: Path) -> None:
    both = np.full((4, 2, 3, 5), np.nan, "float32")
    both[:2, 0], both[2:, 1] = 1.0, 5.0
    xr.Dataset(
        {
            name: (("time", "expver", "latitude", "longitude"), both, {"units": "m s**-1"})
            for name in ("u10", "v10")
        },
        coords={
            "time": ("time", HOURS, {"units": "hours since 2024-01-01"}),
            "expver": np.array([1, 5], "int32"),
            "latitude": LAT,
            "longitude": LON,
        },
    ).to_netcdf(tmp_path / "mixed.nc", engine="h5netcdf")
    wind = open_wind(tmp_path / "mixed.nc")
    assert wind["wind_u_10m"].values[:, 0, 0].tolist() == [1.0, 1.0, 5.0, 5.0]
    assert wind["preliminary"].values.tolist() == [0, 0, 1, 1]
    assert wind.attrs["preliminary_times"] == 2


def test_new_mixture_is_noted_and_final_data_win(tmp_path: Path) -> None:
    new_file(tmp_path / "a.nc", expver=np.array(["0001", "0001", "0005", "0005"]))
    late = xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf", decode_times=False).load()
    late["u10"] += 1.0
    late["v10"] += 1.0
    late["expver"] = ("valid_time", ["0005"] * 4)
    late.to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    first, both = open_wind(tmp_path / "a.nc"), None
    assert first["preliminary"].values.tolist() == [0, 0, 1, 1]
    both = open_wind([tmp_path / "b.nc", tmp_path / "a.nc"], period=("2020-01-01T00", "2020-01-01T01"))
    np.testing.assert_array_equal(both["wind_u_10m"], first["wind_u_10m"][:2])
    assert json.loads(both.attrs["reading"])["duplicate_times"]["wind_u_10m"] == 2


def test_equal_times_are_counted_and_different_ones_refused(tmp_path: Path) -> None:
    new_file(tmp_path / "a.nc")
    new_file(tmp_path / "b.nc", hours=np.arange(3, 6))
    with pytest.raises(SchemaError, match="differs from that of"):
        open_wind([tmp_path / "a.nc", tmp_path / "b.nc"])
    same = xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf", decode_times=False).isel(valid_time=[2, 3])
    same.to_netcdf(tmp_path / "c.nc", engine="h5netcdf")
    wind = open_wind([tmp_path / "c.nc", tmp_path / "a.nc"])
    assert wind.sizes["time"] == 4
    assert json.loads(wind.attrs["reading"])["duplicate_times"] == {"wind_u_10m": 2, "wind_v_10m": 2}


def test_days_in_any_order_make_one_series(tmp_path: Path) -> None:
    second = new_file(tmp_path / "a.nc", hours=np.arange(24, 28))
    first = new_file(tmp_path / "b.nc", hours=np.arange(0, 4))
    wind = open_wind([tmp_path / "a.nc", tmp_path / "b.nc"])
    assert (np.diff(wind["time"].values) > np.timedelta64(0)).all()
    values = np.concatenate([first["u10"].values, second["u10"].values])[:, ::-1]
    np.testing.assert_array_equal(wind["wind_u_10m"], values)
    day = open_wind([tmp_path / "a.nc", tmp_path / "b.nc"], period=("2020-01-02", "2020-01-02"))
    np.testing.assert_array_equal(day["wind_u_10m"], second["u10"].values[:, ::-1])


def test_times_that_not_every_variable_has_are_counted(tmp_path: Path) -> None:
    new_file(tmp_path / "sl.nc", hours=np.arange(8))
    level_file(tmp_path / "pl.nc")
    wind = open_wind([tmp_path / "sl.nc", tmp_path / "pl.nc"])
    assert wind.sizes["time"] == 4
    left = json.loads(wind.attrs["reading"])["times_without_all_variables"]
    assert left == {"wind_u_10m": 4, "wind_v_10m": 4}


def test_region_keeps_a_rectangle_with_its_margin(tmp_path: Path) -> None:
    new_file(tmp_path / "a.nc")
    exact = open_wind(tmp_path / "a.nc", region=(115.4, 40.4, 116.1, 40.6), margin=0)
    assert exact["lon"].values.tolist() == [115.5, 116.0]
    assert exact["lat"].values.tolist() == [40.5]
    wide = open_wind(tmp_path / "a.nc", region=(115.4, 40.4, 116.1, 40.6))
    assert wide["lon"].values.tolist() == [115.0, 115.5, 116.0, 116.5]
    assert wide["lat"].values.tolist() == [40.0, 40.5, 41.0]
    with pytest.raises(SchemaError, match="no cell lies in the region"):
        open_wind(tmp_path / "a.nc", region=(0, 0, 1, 1))


def test_region_across_the_dateline_is_one_block(tmp_path: Path) -> None:
    made = new_file(tmp_path / "globe.nc", lon=np.arange(0.0, 360.0, 10.0))
    wind = open_wind(tmp_path / "globe.nc", region=(170, 40, -170, 41), margin=1)
    assert wind["lon"].values.tolist() == [160.0, 170.0, 180.0, 190.0, 200.0]
    np.testing.assert_array_equal(wind["wind_u_10m"].values, made["u10"].values[:, ::-1, 16:21])
    whole = open_wind(tmp_path / "globe.nc")
    assert whole["lon"].values[[0, -1]].tolist() == [-180.0, 170.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"names": ("u10",)}, "download 10m_v_component_of_wind of reanalysis-era5-single-levels"),
        ({"grid": "rotated_ll"}, "the grid is rotated_ll"),
        ({"grid": "lambert"}, "the grid is lambert"),
        ({"names": ("t2m",), "units": "K"}, None),
        ({"hours": np.array([0, 1, 1])}, "1 times are there twice"),
        ({"names": ("u", "v")}, "has no level"),
    ],
)
def test_what_is_refused_is_named(tmp_path: Path, options: dict[str, Any], message: str | None) -> None:
    new_file(tmp_path / "a.nc", **options)
    if message is None:
        assert list(open_wind(tmp_path / "a.nc").data_vars) == ["temperature_2m"]
        return
    with pytest.raises(SchemaError, match=message):
        open_wind(tmp_path / "a.nc")


def test_other_refusals(tmp_path: Path) -> None:
    new_file(tmp_path / "a.nc")
    with pytest.raises(SchemaError, match="100m_u_component_of_wind"):
        open_wind(tmp_path / "a.nc", variables=("wind_u_100m", "wind_v_100m"))
    with pytest.raises(YaotanError, match="speed unknown"):
        open_wind(tmp_path / "a.nc", variables=("speed",))
    new_file(tmp_path / "b.nc", names=("u100", "v100"), lat=LAT + 0.25)
    with pytest.raises(SchemaError, match="lat differs"):
        open_wind([tmp_path / "a.nc", tmp_path / "b.nc"])
    xr.Dataset({"foo": ("x", [1.0])}).to_netcdf(tmp_path / "c.nc", engine="h5netcdf")
    with pytest.raises(NotAGranuleError, match="no wind that is known"):
        open_wind(tmp_path / "c.nc")


def test_grib_is_read_through_cfgrib(tmp_path: Path) -> None:
    pytest.importorskip("cfgrib")
    eccodes = pytest.importorskip("eccodes")
    values = {
        "10u": field(1, 2, 3, 4),
        "10v": field(2, 2, 3, 4),
        "u": field(3, 2, 3, 4),
        "v": field(4, 2, 3, 4),
    }
    path = tmp_path / "era5.grib"
    with path.open("wb") as stream:
        for name, array in values.items():
            for hour in range(2):
                message = eccodes.codes_grib_new_from_samples(
                    "regular_ll_sfc_grib1" if name.startswith("10") else "regular_ll_pl_grib1"
                )
                keys: dict[str, Any] = {"dataDate": 20200101, "dataTime": hour * 100, "shortName": name}
                keys |= {"Ni": 4, "Nj": 3, "latitudeOfFirstGridPointInDegrees": 41.0}
                keys |= {
                    "latitudeOfLastGridPointInDegrees": 40.0,
                    "longitudeOfFirstGridPointInDegrees": 115.0,
                }
                keys |= {"longitudeOfLastGridPointInDegrees": 116.5, "iDirectionIncrementInDegrees": 0.5}
                keys |= {"jDirectionIncrementInDegrees": 0.5}
                for key, value in keys.items():
                    eccodes.codes_set(message, key, value)
                if not name.startswith("10"):
                    eccodes.codes_set(message, "level", 850)
                eccodes.codes_set_values(message, array[hour].astype(float).ravel())
                eccodes.codes_write(message, stream)
                eccodes.codes_release(message)
    wind = open_wind(path)
    assert wind["level"].values.tolist() == [850.0]
    np.testing.assert_allclose(wind["wind_u_10m"], values["10u"][:, ::-1], atol=1e-2)
    np.testing.assert_allclose(wind["wind_v"].values[:, 0], values["v"][:, ::-1], atol=1e-2)
    assert [item.name for item in tmp_path.iterdir()] == ["era5.grib"]
    (tmp_path / "bad.grib").write_bytes(path.read_bytes()[:50])
    with pytest.raises(NotAGranuleError, match="GRIB"):
        open_wind(tmp_path / "bad.grib")


def test_wind_of_a_product(satellite: Path) -> None:
    from yaotan.io.soundings import open_soundings

    path = sorted((satellite / "s5p_ch4").glob("S5P_RPRO*.nc4"))[0]
    try:
        soundings = open_soundings(path, quality="all")
    except NotAGranuleError:
        pytest.skip("this product is not in the catalog yet")
    if "wind_u" not in soundings:
        pytest.skip("the catalog entry does not deliver the wind yet")
    wind = open_wind(soundings)
    assert wind["wind_u"].dims == ("sounding",)
    assert {"time", "latitude", "longitude"} <= set(wind.coords)
    np.testing.assert_array_equal(open_wind(path)["wind_v"], soundings["wind_v"])


def test_soundings_without_wind_say_so() -> None:
    with pytest.raises(SchemaError, match="no wind_u and no wind_v"):
        open_wind(xr.Dataset({"xco2": ("sounding", [400.0])}))


def test_real_files_of_matimba(satellite: Path, data_root: Path) -> None:
    folder = satellite / "s5p_no2_era5_matimba"
    paths = [folder / f"Matimba_ERA5-{kind}-20210725.nc" for kind in ("sl", "pl")]
    wind = open_wind(paths)
    with h5py.File(paths[0]) as single, h5py.File(paths[1]) as levels:
        np.testing.assert_array_equal(wind["wind_u_100m"], single["u100"][:][:, ::-1])
        np.testing.assert_allclose(wind["surface_pressure"], single["sp"][:][:, ::-1] / 100.0, rtol=1e-6)
        np.testing.assert_allclose(
            wind["surface_geopotential_height"], single["z"][:][:, ::-1] / 9.80665, rtol=1e-6
        )
        np.testing.assert_array_equal(wind["wind_v"], levels["v"][:][:, :, ::-1])
        assert wind["level"].values.tolist() == levels["pressure_level"][:].tolist()
    assert wind["time"].values[-1] == np.datetime64("2021-07-25T23", "ns")
    cut = open_wind(data_root / "plume" / "era5_matimba_20210725.nc")
    assert cut.sizes["time"] == 4
    np.testing.assert_array_equal(cut["wind_u_10m"], wind["wind_u_10m"].sel(time=cut["time"]))
    np.testing.assert_array_equal(cut["temperature"], wind["temperature"].sel(time=cut["time"]))


def test_real_year_with_old_names(data_root: Path) -> None:
    path = data_root / "geo" / "meteo" / "era5_2017_berlin_hourly.nc"
    wind = open_wind(path, period=("2017-06", "2017-06"))
    assert wind.sizes == {"time": 720, "lat": 2, "lon": 3}
    assert wind["time"].values[0] == np.datetime64("2017-06-01", "ns")
    with netcdf_file(str(path), mmap=False) as file:
        packed = file.variables["v100"]
        expected = packed.data[151 * 24 : 181 * 24, ::-1] * packed.scale_factor + packed.add_offset
    np.testing.assert_allclose(wind["wind_v_100m"], expected, rtol=1e-12)


def test_engines_of_xarray_and_pyproj_live_in_one_process() -> None:
    """A GRIB library that brings a PROJ of its own ends the process when xarray lists its engines first."""
    code = (
        "import xarray as xr; xr.backends.list_engines(); "
        "import pyproj; print(pyproj.CRS('EPSG:4326').to_epsg())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "4326"), done.stderr

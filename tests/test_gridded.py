"""Gridded products of others: each builder writes the product's own layout; values checked by hand."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import netcdf_file

from yaotan.errors import (
    CatalogError,
    NotAGranuleError,
    SchemaError,
    UncheckedLayoutWarning,
    UnitsError,
    YaotanError,
)
from yaotan.geodesy import wrap_longitude
from yaotan.grid.zonal import zonal_statistics
from yaotan.io.bound import parse_region
from yaotan.io.field import make_window
from yaotan.io.netcdf import open_grid
from yaotan.io.region import open_regions
from yaotan.io.trust import forget_warnings
from yaotan.schema import check_grid

FILL = np.float32(1e20)


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.0, 1.0, shape).astype("float32")


def obs4mips(folder: Path, gas: str = "xco2") -> Path:
    """C3S / CCI Level 3 in netCDF-3: the fill is declared in double for values in float."""
    path = folder / "200301_202112-C3S-L3_GHG-GHG_PRODUCTS-MERGED-MERGED-OBS4MIPS-MERGED-v4.4.nc"
    base = 4e-4 if gas == "xco2" else 1.8e-6
    with netcdf_file(str(path), "w") as file:
        for name, size in (("time", 2), ("lat", 4), ("lon", 8)):
            file.createDimension(name, size)
        for name, values, units in (
            ("time", np.array([9876.5, 9906.0]), "days since 1990-01-01 00:00:00"),
            ("lat", np.arange(-67.5, 90, 45.0), "degrees_north"),
            ("lon", np.arange(-157.5, 180, 45.0), "degrees_east"),
        ):
            variable = file.createVariable(name, "f8", (name,))
            variable[:] = values
            variable.units = units
        for suffix, values in (
            ("", base * (1 + 0.01 * numbers(1, 2, 4, 8))),
            ("_stderr", base * 1e-3 * (1 + numbers(2, 2, 4, 8))),
            ("_stddev", base * 2e-3 * (1 + numbers(3, 2, 4, 8))),
            ("_nobs", np.floor(1 + 9 * numbers(4, 2, 4, 8))),
        ):
            variable = file.createVariable(gas + suffix, "f4", ("time", "lat", "lon"))
            kept = values.astype("f4")
            kept[0, 0, 0] = FILL
            variable[:] = kept
            variable.units = "1"
            variable.missing_value = 1e20
    return path


def nies_l3(folder: Path) -> Path:
    """NIES Level 3: plain HDF5, first row in the north, year and month in metadata."""
    path = folder / "GOSATTFTS20180501_02C05SV0280.h5"
    lat, lon = np.meshgrid(np.arange(88.75, -90, -2.5), np.arange(-178.75, 180, 2.5), indexing="ij")
    count = np.where(numbers(6, 72, 144) > 0.5, 4, 0).astype("int32")
    mean = np.where(count > 0, 400 + numbers(5, 72, 144), -9999.0).astype("float32")
    with h5py.File(path, "w") as file:
        file["Attribute/metadata/year"] = np.array([2018], "int32")
        file["Attribute/metadata/month"] = np.array([5], "int32")
        file["Data/geolocation/latitude"], file["Data/geolocation/longitude"] = lat, lon
        group = file.create_group("Data/latticeInformation")
        group["XCO2BiasCorrectedAverage"] = mean
        group["XCO2BiasCorrectedStandardDeviation"] = np.where(count > 0, 1.5, -9999.0).astype("float32")
        group["numObservationPoints"] = count
        for name in list(group)[:2]:
            group[name].attrs["unit"] = "ppm"
            group[name].attrs["invalidValue"] = np.float32(-9999.0)
    return path


def geos_l3(folder: Path) -> Path:
    path = folder / "oco2_GEOS_L3CO2_day_20160102_B10206Ar.nc4"
    shape, fill = (1, 5, 8), np.float32(1e15)
    values = (4e-4 + 1e-6 * numbers(7, *shape)).astype("float32")
    values[0, 0, 0] = fill
    made = xr.Dataset(
        {
            "XCO2": (("time", "lat", "lon"), values, {"units": "1", "missing_value": fill}),
            "XCO2PREC": (("time", "lat", "lon"), np.full(shape, 5e-7, "float32"), {"units": "1"}),
        },
        coords={
            "time": ("time", np.array([0], "int32"), {"units": "minutes since 2016-01-02 12:00:00"}),
            "lat": np.linspace(-90, 90, 5),
            "lon": np.linspace(-180, 135, 8),
        },
        attrs={"RangeBeginningDate": "2016-01-02", "VersionID": "10r"},
    )
    made.to_netcdf(path, engine="h5netcdf")
    return path


def molefraction(folder: Path) -> Path:
    path = folder / "CT2022.molefrac_glb3x2_2020-01-02.nc"
    co2 = 410 + numbers(8, 8, 3, 4, 6)
    edges = np.array([1000e2, 700e2, 300e2, 0.0], "float32")
    dims = ("time", "level", "latitude", "longitude")
    made = xr.Dataset(
        {
            "co2": (dims, co2, {"units": "micromol mol-1", "_FillValue": np.float32(-1e34)}),
            "pressure": (
                ("time", "boundary", "latitude", "longitude"),
                np.broadcast_to(edges[None, :, None, None], (8, 4, 4, 6)).copy(),
                {"units": "Pa"},
            ),
            "blh": (("time", "latitude", "longitude"), numbers(9, 8, 4, 6) * 1000, {"units": "m"}),
        },
        coords={
            "time": (
                "time",
                7306 + (np.arange(8) * 3 + 1.5) / 24,
                {"units": "days since 2000-01-01 00:00:00 UTC"},
            ),
            "latitude": np.arange(-67.5, 90, 45.0),
            "longitude": np.arange(-150, 180, 60.0),
        },
    )
    made.to_netcdf(path, engine="h5netcdf")
    return path


def flux(folder: Path) -> Path:
    path = folder / "CT2022.flux1x1-monthly.nc"
    names = ("bio_flux_opt", "ocn_flux_opt", "fossil_flux_imp", "fire_flux_imp")
    dims = ("time", "latitude", "longitude")
    made = xr.Dataset(
        {
            name: (dims, (numbers(20 + n, 3, 4, 8) - 0.5) * 1e-7, {"units": "mol m-2 s-1"})
            for n, name in enumerate(names)
        },
        coords={
            "time": ("time", np.array([15.5, 45.5, 75.5]), {"units": "days since 2000-01-01"}),
            "latitude": np.arange(-67.5, 90, 45.0),
            "longitude": np.arange(-157.5, 180, 45.0),
        },
    )
    made.to_netcdf(path, engine="h5netcdf")
    return path


def cams_flux(folder: Path) -> Path:
    path = folder / "cams73_latest_co2_flux_surface_mm_201902.nc"
    names = ("flux_apos_bio", "flux_apos_ocean", "flux_foss", "flux_apri_bio", "flux_apri_ocean")
    made = xr.Dataset(
        {
            name: (("latitude", "longitude"), numbers(30 + n, 4, 8) - 0.5, {"units": "kgC m-2 month-1"})
            for n, name in enumerate(names)
        },
        coords={"latitude": np.arange(67.5, -90, -45.0), "longitude": np.arange(-180, 180, 45.0)},
    )
    made.to_netcdf(path, engine="scipy")
    return path


def cams_concentration(folder: Path, *, turned: bool = False) -> Path:
    path = folder / "cams73_latest_co2_conc_surface_inst_201902.nc"
    step = -1 if turned else 1
    made = xr.Dataset(
        {
            "CO2": (
                ("time", "level", "latitude", "longitude"),
                (4e-4 + 1e-5 * numbers(40, 2, 3, 4, 8))[:, ::step],
                {"units": "mol mol-1"},
            ),
            "Psurf": (("time", "latitude", "longitude"), np.full((2, 4, 8), 98000.0), {"units": "Pa"}),
            "ap": (("hlevel",), np.array([0.0, 5000.0, 8000.0, 0.0])[::step], {"units": "Pa"}),
            "bp": (("hlevel",), np.array([1.0, 0.6, 0.2, 0.0])[::step], {"units": "1"}),
        },
        coords={
            "time": ("time", np.array([0, 3], "int32"), {"units": "hours since 2019-02-01"}),
            "latitude": np.arange(67.5, -90, -45.0),
            "longitude": np.arange(0, 360, 45.0),
        },
    )
    made.to_netcdf(path, engine="h5netcdf")
    return path


BUILDERS: dict[str, Callable[[Path], Path]] = {
    "c3s_obs4mips": obs4mips,
    "nies_gosat_l3": nies_l3,
    "oco2_geos_l3": geos_l3,
    "carbontracker_molefraction": molefraction,
    "carbontracker_flux": flux,
    "cams_co2_flux": cams_flux,
    "cams_co2_concentration": cams_concentration,
}


@pytest.mark.parametrize("product", BUILDERS)
def test_every_product_keeps_the_contract(product: str, tmp_path: Path) -> None:
    path = BUILDERS[product](tmp_path)
    grid = check_grid(open_grid(path, trust_layout=True))
    assert grid.attrs["product"] == product
    assert (np.diff(grid["lat"]) > 0).all()
    assert (np.diff(grid["lon"]) > 0).all()
    assert grid["lon"].min() >= -180
    assert grid["lon"].max() < 180
    np.testing.assert_allclose(grid["lat_bnds"][1:, 0], grid["lat_bnds"][:-1, 1])
    for name, array in grid.data_vars.items():
        assert hasattr(array.data, "dask"), name
        assert array.attrs["units"], name
        values = array.values
        assert not (np.abs(values[np.isfinite(values)]) > 1e14).any(), name
    again = pickle.loads(pickle.dumps(grid))  # noqa: S301
    xr.testing.assert_identical(again.load(), grid.load())
    part = open_grid(path, region=(-100, -50, 60, 50), trust_layout=True).load()
    inside = grid.sel(lat=slice(-50, 50), lon=slice(-100, 60))
    for name in part.data_vars:
        np.testing.assert_array_equal(part[name].values, inside[name].values)
    with pytest.raises(SchemaError, match="period"):
        open_grid(path, period=("1960-01-01", "1960-12-31"), trust_layout=True)


def test_an_unchecked_layout_says_so_once(tmp_path: Path) -> None:
    forget_warnings()
    path = obs4mips(tmp_path)
    with pytest.warns(UncheckedLayoutWarning, match="c3s_obs4mips"):
        open_grid(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_grid(path)
        forget_warnings()
        open_grid(path, trust_layout=True)


@pytest.mark.parametrize(("gas", "scale", "units"), [("xco2", 1e6, "ppm"), ("xch4", 1e9, "ppb")])
def test_obs4mips_takes_the_gas_inside(tmp_path: Path, gas: str, scale: float, units: str) -> None:
    path = obs4mips(tmp_path, gas)
    grid = open_grid(path, trust_layout=True).load()
    with netcdf_file(str(path), mmap=False) as file:
        stored = {s: file.variables[gas + s].data.astype(float) for s in ("", "_stderr", "_stddev", "_nobs")}
    assert grid.attrs["product_version"] == "4.4"
    assert grid[gas].attrs["units"] == units
    assert np.isnan(grid[gas].values[0, 0, 0])
    assert grid[f"{gas}_count"].values[0, 0, 0] == 0
    for name, suffix in (("", ""), ("_uncertainty", "_stderr"), ("_spread", "_stddev")):
        np.testing.assert_allclose(
            grid[gas + name].values.ravel()[1:], stored[suffix].ravel()[1:] * scale, rtol=1e-12
        )
    np.testing.assert_array_equal(grid[f"{gas}_count"].values.ravel()[1:], stored["_nobs"].ravel()[1:])
    assert grid["time"].values[0] == np.datetime64("2017-01-01", "ns")
    assert grid["time_bnds"].values[0, 1] == np.datetime64("2017-02-01", "ns")
    assert gas not in open_grid(path, variables=[f"{gas}_spread"], trust_layout=True)


def test_nies_rows_run_north_to_south_in_the_file(tmp_path: Path) -> None:
    path = nies_l3(tmp_path)
    grid = open_grid(path, trust_layout=True).load()
    with h5py.File(path) as file:
        group = file["Data/latticeInformation"]
        mean, count = group["XCO2BiasCorrectedAverage"][:], group["numObservationPoints"][:]
    assert grid.sizes == {"time": 1, "lat": 72, "lon": 144, "bnds": 2}
    assert grid["lat"].values[0] == -88.75
    np.testing.assert_array_equal(grid["xco2"].values[0], np.where(count > 0, mean, np.nan)[::-1])
    np.testing.assert_array_equal(grid["xco2_count"].values[0], count[::-1])
    seen = grid["xco2_count"].values > 0
    np.testing.assert_allclose(grid["xco2_uncertainty"].values[seen], 1.5 / 2)
    assert np.isnan(grid["xco2_uncertainty"].values[~seen]).all()
    assert grid["time_bnds"].values[0].tolist() == np.array(["2018-05", "2018-06"], "datetime64[ns]").tolist()


def test_nies_corners_become_centres(tmp_path: Path) -> None:
    path = nies_l3(tmp_path)
    with h5py.File(path, "a") as file:
        file["Data/geolocation/latitude"][...] += 1.25
        file["Data/geolocation/longitude"][...] -= 1.25
    grid = open_grid(path, trust_layout=True)
    assert grid["lat"].values[[0, -1]].tolist() == [-88.75, 88.75]
    assert grid["lon"].values[[0, -1]].tolist() == [-178.75, 178.75]


def test_geos_days(tmp_path: Path) -> None:
    grid = open_grid(geos_l3(tmp_path), trust_layout=True).load()
    assert grid.attrs["kind"] == "model"
    assert np.isnan(grid["xco2"].values[0, 0, 0])
    assert 400 <= np.nanmin(grid["xco2"]) < np.nanmax(grid["xco2"]) <= 401.01
    np.testing.assert_allclose(grid["xco2_uncertainty"], 0.5)
    assert (
        grid["time_bnds"].values[0].tolist()
        == np.array(["2016-01-02", "2016-01-03"], "datetime64[ns]").tolist()
    )
    assert grid["lat_bnds"].values[0].tolist() == [-90.0, -67.5]


def test_mole_fractions_stand_on_layers_from_the_ground(tmp_path: Path) -> None:
    path = molefraction(tmp_path)
    grid = open_grid(path, trust_layout=True).load()
    assert grid["co2"].dims == ("time", "layer", "lat", "lon")
    np.testing.assert_allclose(grid["co2"], 410 + numbers(8, 8, 3, 4, 6), rtol=1e-7)
    assert grid["pressure_edge"].values[0, :, 0, 0].tolist() == [1000.0, 700.0, 300.0, 0.0]
    assert grid["time"].values[0] == np.datetime64("2020-01-02", "ns")
    assert grid["time_bnds"].values[-1, 1] == np.datetime64("2020-01-03", "ns")
    with xr.open_dataset(path, engine="h5netcdf", decode_cf=False) as stored:
        turned = stored.load().isel(level=slice(None, None, -1), boundary=slice(None, None, -1))
    turned.to_netcdf(path, engine="h5netcdf")
    np.testing.assert_array_equal(open_grid(path, trust_layout=True)["co2"], grid["co2"])


def test_fluxes_are_carbon_into_the_atmosphere(tmp_path: Path) -> None:
    grid = open_grid(flux(tmp_path), trust_layout=True).load()
    bio = (numbers(20, 3, 4, 8) - 0.5) * 1e-7
    np.testing.assert_allclose(grid["flux_land"], bio * 12.011e-3, rtol=1e-6)
    parts = sum(grid[f"flux_{name}"] for name in ("land", "ocean", "fossil", "fire"))
    np.testing.assert_allclose(grid["flux"], parts, rtol=1e-12)
    assert grid["flux"].attrs["positive"] == grid.attrs["positive"] == "to_atmosphere"
    assert grid["time"].values[1] == np.datetime64("2000-02-01", "ns")


def test_fluxes_per_month_use_the_length_of_their_month(tmp_path: Path) -> None:
    grid = open_grid(cams_flux(tmp_path), trust_layout=True).load()
    expected = (numbers(30, 4, 8) - 0.5)[::-1] / (28 * 86400.0)
    np.testing.assert_allclose(grid["flux_land"].values[0], expected, rtol=1e-6)
    assert grid["time"].values.tolist() == np.array(["2019-02"], "datetime64[ns]").tolist()
    renamed = tmp_path / "download.nc"
    (tmp_path / "cams73_latest_co2_flux_surface_mm_201902.nc").rename(renamed)
    with pytest.raises(SchemaError, match="does not say when"):
        open_grid(renamed, trust_layout=True)


@pytest.mark.parametrize("turned", [False, True])
def test_hybrid_coefficients_give_pressures(tmp_path: Path, turned: bool) -> None:
    grid = open_grid(cams_concentration(tmp_path, turned=turned), trust_layout=True).load()
    np.testing.assert_allclose(grid["pressure_edge"].values[0, :, 0, 0], [980.0, 638.0, 276.0, 0.0])
    assert grid["lon"].values.tolist() == list(np.arange(-180.0, 180.0, 45.0))
    stored = (4e-4 + 1e-5 * numbers(40, 2, 3, 4, 8))[:, :, ::-1]
    np.testing.assert_allclose(grid["co2"], np.roll(stored, 4, axis=-1) * 1e6, rtol=1e-6)


def test_region_across_the_dateline_goes_on_beyond_180(tmp_path: Path) -> None:
    grid = open_grid(nies_l3(tmp_path), region=(170, -30, -170, 30), trust_layout=True)
    assert grid["lon"].values.tolist() == list(np.arange(171.25, 190, 2.5))
    assert grid["lon_bnds"].values[0].tolist() == [170.0, 172.5]


def write_yaml(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


IDW = """
product: idw_xco2
title: {en: Inverse-distance XCO2}
kind: interpolated
checked: file
references: [own work]
licence: own
axes: {latitude: [latitude], longitude: [longitude], time: [time]}
time: {cover: month}
variables:
  xco2: {paths: [co2], units: ppm}
"""


def test_a_users_own_product_file_opens_a_real_grid(satellite: Path, tmp_path: Path) -> None:
    path = satellite / "oco2_derived" / "CO2_mx_monthly_01_2016.fnl.nc"
    grid = open_grid(path, product=write_yaml(tmp_path / "idw.yaml", IDW)).load()
    with netcdf_file(str(path), mmap=False) as file:
        stored = file.variables["co2"].data.astype(float)
        stored[stored == file.variables["co2"]._FillValue] = np.nan
    np.testing.assert_array_equal(grid["xco2"], stored[:, ::-1])
    assert grid["lat"].values[[0, -1]].tolist() == [-15.0, 10.0]
    assert grid["time_bnds"].values[0].tolist() == np.array(["2016-01", "2016-02"], "datetime64[ns]").tolist()
    with pytest.raises(NotAGranuleError):
        open_grid(path)


def test_wrong_entries_and_arguments_are_named(tmp_path: Path) -> None:
    path = obs4mips(tmp_path)
    with pytest.raises(CatalogError, match="unknown"):
        open_grid(path, product="nothing")
    with pytest.raises(CatalogError, match="variables"):
        open_grid(path, product=write_yaml(tmp_path / "a.yaml", IDW.replace("units: ppm", "unit: ppm")))
    with pytest.raises(YaotanError, match="xn2o unknown"):
        open_grid(path, variables=["xn2o"], trust_layout=True)
    with pytest.raises(NotAGranuleError, match="holds no xch4"):
        open_grid(path, variables=["xch4"], trust_layout=True)


def test_a_unit_that_is_stated_wrongly_is_refused_until_the_user_knows(tmp_path: Path) -> None:
    path = geos_l3(tmp_path)
    with h5py.File(path, "a") as file:
        file["XCO2"].attrs["units"] = "ppmv"
    with pytest.raises(UnitsError, match="are impossible"):
        open_grid(path, trust_layout=True)
    own = (
        "extends: oco2_geos_l3\nvariables:\n  xco2: {paths: [XCO2], units: '1', ignore_stated_units: true}\n"
    )
    grid = open_grid(path, product=write_yaml(tmp_path / "own.yaml", own), trust_layout=True)
    assert 400 <= float(grid["xco2"].mean()) <= 401


def test_rotated_grids_are_refused(tmp_path: Path) -> None:
    path = nies_l3(tmp_path)
    with h5py.File(path, "a") as file:
        turned = file["Data/geolocation/latitude"]
        turned[...] = turned[...] + 0.01 * np.arange(144)[None]
    with pytest.raises(SchemaError, match="varies along both dimensions"):
        open_grid(path, trust_layout=True)


def test_regional_tables_and_the_command_take_foreign_grids(tmp_path: Path, capsys: Any) -> None:
    import geopandas as gpd
    import pandas as pd
    import shapely

    from yaotan.cli.main import main

    gpd.GeoDataFrame({"region_id": ["a"]}, geometry=[shapely.box(-150, -60, 150, 60)], crs=4326).to_file(
        tmp_path / "box.geojson"
    )
    grid = open_grid(obs4mips(tmp_path), trust_layout=True)
    table = zonal_statistics(grid, open_regions(tmp_path / "box.geojson"))
    assert np.isfinite(table["xco2"]).all()
    assert np.isfinite(table["xco2_count"]).all()
    command = ["zonal", str(flux(tmp_path)), str(tmp_path / "box.geojson"), str(tmp_path / "t.csv")]
    for more in ([], ["--product", "carbontracker_flux"]):
        with pytest.raises(SystemExit) as left:
            main([*command, "--trust-layout", *more])
        assert left.value.code == 0
        said = capsys.readouterr()
        assert "1 regions" in said.out
        assert "never run on a real file" not in said.err
    assert not pd.read_csv(tmp_path / "t.csv", comment="#").empty


@settings(deadline=None, max_examples=40)
@given(
    size=st.integers(4, 24),
    turn=st.integers(-24, 24),
    down=st.booleans(),
    west=st.floats(-180, 179),
    width=st.floats(30, 200),
)
def test_a_window_is_the_same_wherever_the_axis_starts(
    size: int, turn: int, down: bool, west: float, width: float
) -> None:
    step = 360.0 / size
    plain = -180.0 + step * (np.arange(size) + 0.5)
    other = np.roll(plain, turn) % 360.0
    latitude = np.arange(-80.0, 81.0, 20.0)
    area = parse_region((west, -50, west + width if west + width <= 180 else west + width - 360, 50))
    try:
        first = make_window(latitude, plain, area, margin=1, where="a")
    except SchemaError:
        with pytest.raises(SchemaError):
            make_window(latitude[::-1] if down else latitude, other, area, margin=1, where="b")
        return
    second = make_window(latitude[::-1] if down else latitude, other, area, margin=1, where="b")
    np.testing.assert_allclose(second.longitude, first.longitude, atol=1e-9)
    np.testing.assert_array_equal(second.latitude, first.latitude)
    np.testing.assert_allclose(wrap_longitude(other[second.columns]), plain[first.columns], atol=1e-9)
    assert (np.diff(first.longitude) > 0).all()
    np.testing.assert_allclose(np.diff(first.longitude), step)


def test_values_do_not_depend_on_the_size_of_blocks(tmp_path: Path, monkeypatch: Any) -> None:
    path = molefraction(tmp_path)
    whole = open_grid(path, trust_layout=True).load()
    for size in (7, 30, 200):
        monkeypatch.setattr("yaotan.io.field._BLOCK", size)
        blocks = open_grid(path, trust_layout=True)
        assert len(blocks["co2"].data.chunks[0]) > 1
        xr.testing.assert_identical(blocks.load(), whole)


def test_a_region_has_the_cells_of_the_globe(tmp_path: Path) -> None:
    grid = open_grid(geos_l3(tmp_path), region=(-180, -90, 0, -80), trust_layout=True)
    assert grid["lat_bnds"].values.tolist() == [[-90.0, -67.5]]

"""HARP products of soundings and grids: names, units, dimensions typed from the HARP 1.16 documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import rioxarray  # noqa: F401  (registers the accessor)
import xarray as xr

from test_write_netcdf import make_grid, make_soundings
from yaotan.catalog import gases
from yaotan.errors import LeftOutWarning, OutputError
from yaotan.io.write import write

DATE = "2024-05-01T00:00:00Z"
#: column -> name and unit in HARP (section "Variable names")
NAMES = {
    "xco2": ("CO2_column_volume_mixing_ratio_dry_air", "ppmv"),
    "xch4": ("CH4_column_volume_mixing_ratio_dry_air", "ppbv"),
    "xn2o": ("N2O_column_volume_mixing_ratio_dry_air", "ppbv"),
    "xco": ("CO_column_volume_mixing_ratio_dry_air", "ppbv"),
    "no2": ("tropospheric_NO2_column_number_density", "mol/m^2"),
    "co": ("CO_column_number_density", "mol/m^2"),
    "co2_mole_fraction": ("CO2_volume_mixing_ratio_dry_air", "ppmv"),
    "ch4_mole_fraction": ("CH4_volume_mixing_ratio_dry_air", "ppbv"),
    "n2o_mole_fraction": ("N2O_volume_mixing_ratio_dry_air", "ppbv"),
    "co_mole_fraction": ("CO_volume_mixing_ratio_dry_air", "ppbv"),
}


def of_gas(obj: xr.Dataset, name: str) -> xr.Dataset:
    """Make soundings or a grid of XCO2 ones of another column, with plausible numbers."""
    low, high = gases()[name].plausible
    renamed = obj.rename({str(v): str(v).replace("xco2", name) for v in obj if str(v).startswith("xco2")})
    for variable in renamed:
        if str(variable).startswith(name) and not str(variable).endswith("_count"):
            values = renamed[variable]
            scaled = values * 0 + low + (high - low) * (0.3 if variable == name else 0.01)
            renamed[variable] = scaled.assign_attrs(units=gases()[name].units)
    return renamed


def with_profiles(soundings: xr.Dataset, *, layered: bool) -> xr.Dataset:
    count, size = soundings.sizes["sounding"], 4
    dim = "layer" if layered else "level"
    shape, one = (count, size), np.ones((count, 1))
    kept = soundings.drop_vars("pressure_level")
    edges = one * np.array([1000.0, 700.0, 300.0, 100.0, 0.0])
    pressure: dict[str, Any] = (
        {"pressure_edge": (("sounding", "edge"), edges, {"units": "hPa"})}
        if layered
        else {"pressure_level": (("sounding", "level"), edges[:, :4], {"units": "hPa"})}
    )
    random = np.random.default_rng(9)
    return kept.assign(
        **pressure,
        xco2_averaging_kernel=(("sounding", dim), random.uniform(0.5, 1, shape), {"units": "1"}),
        co2_prior_profile=(("sounding", dim), random.uniform(400, 410, shape), {"units": "ppm"}),
        pressure_weight=(("sounding", dim), np.full(shape, 0.25), {"units": "1"}),
        xco2_prior=("sounding", random.uniform(400, 410, count), {"units": "ppm"}),
        wind_u=("sounding", random.normal(size=count), {"units": "m s-1"}),
        surface_pressure=("sounding", random.uniform(900, 1000, count), {"units": "hPa"}),
        surface=("sounding", np.zeros(count, "uint8"), {"flag_meanings": "land water mixed"}),
    )


def stored(path: Path) -> dict[str, tuple[tuple[str, ...], str, Any]]:
    with netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        return {
            name: (variable.dimensions, getattr(variable, "units", "-"), variable[...])
            for name, variable in file.variables.items()
        }


def write_quietly(obj: xr.Dataset, path: Path, **options: Any) -> Path:
    with pytest.warns(LeftOutWarning):
        return write(obj, path, format="harp", created=DATE, **options)


@pytest.mark.parametrize("layered", [False, True])
def test_soundings_have_the_names_units_and_dimensions_of_harp(tmp_path: Path, layered: bool) -> None:
    soundings = with_profiles(make_soundings(), layered=layered)
    found = stored(write_quietly(soundings, tmp_path / "a.nc"))
    vertical = ("time", "vertical")
    expected: dict[str, tuple[tuple[str, ...], str, Any]] = {
        "latitude": (("time",), "degree_north", soundings.latitude),
        "longitude": (("time",), "degree_east", soundings.longitude),
        "latitude_bounds": (("time", "independent_4"), "degree_north", soundings.latitude_corner),
        "longitude_bounds": (("time", "independent_4"), "degree_east", soundings.longitude_corner),
        "CO2_column_volume_mixing_ratio_dry_air": (("time",), "ppmv", soundings.xco2),
        "CO2_column_volume_mixing_ratio_dry_air_uncertainty_random": (
            ("time",),
            "ppmv",
            soundings.xco2_uncertainty,
        ),
        "CO2_column_volume_mixing_ratio_dry_air_apriori": (("time",), "ppmv", soundings.xco2_prior),
        "CO2_column_number_density_avk": (vertical, "", soundings.xco2_averaging_kernel),
        "CO2_volume_mixing_ratio_dry_air_apriori": (vertical, "ppmv", soundings.co2_prior_profile),
        "surface_zonal_wind_velocity": (("time",), "m/s", soundings.wind_u),
        "surface_pressure": (("time",), "hPa", soundings.surface_pressure),
        "validity": (("time",), "-", soundings.quality),
        "index": (("time",), "-", np.arange(40)),
    }
    if layered:
        edges = soundings.pressure_edge.values
        pairs = np.stack([edges[:, :-1], edges[:, 1:]], axis=-1)
        expected["pressure_bounds"] = (("time", "vertical", "independent_2"), "hPa", pairs)
    else:
        expected["pressure"] = (vertical, "hPa", soundings.pressure_level)
    assert found.keys() == expected.keys() | {"datetime", "sounding_id"}
    for name, (dims, units, values) in expected.items():
        assert found[name][:2] == (dims, units), name
        np.testing.assert_array_equal(found[name][2], values, err_msg=name)
    moments = found["datetime"][2]
    # 2020-01-31T23:59:59.123456789: 7336 days since 2000-01-01 less 0.876543211 s
    assert moments[0] == pytest.approx(7336 * 86400 - 0.876543211, abs=1e-6)
    assert found["datetime"][:2] == (("time",), "seconds since 2000-01-01")
    digits = netCDF4.chartostring(found["sounding_id"][2])
    assert found["sounding_id"][0] == ("time", "string_20")
    assert [int(text) for text in digits] == soundings.sounding_id.values.tolist()


def test_the_file_says_what_it_is_and_what_was_left_out(tmp_path: Path) -> None:
    soundings = with_profiles(make_soundings(), layered=False)
    soundings.xco2.attrs["bias_corrected"] = "yes"
    with pytest.warns(LeftOutWarning, match="granule, pressure_weight, surface: left out of a.nc") as said:
        write(soundings, tmp_path / "a.nc", format="harp", created=DATE, attributes={"institution": "中科院"})
    assert len(said) == 1
    assert said[0].filename == __file__
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        assert file.data_model == "NETCDF3_64BIT_OFFSET"
        assert file.Conventions == "HARP-1.0"
        assert file.source_product == "a.nc"
        assert file.institution == "中科院"
        assert file.platform == "OCO-2"
        assert file.comment.endswith(
            "Left out, for HARP has no name for them: granule, pressure_weight, surface."
        )
        assert file.history.startswith(f"{DATE} [yaotan-")
        assert file.datetime_start == pytest.approx(7336 - 0.876543211 / 86400, abs=1e-9)
        assert file.datetime_stop == pytest.approx(7336 + (39 * 0.333 - 0.876543211) / 86400, abs=1e-9)
        column = file["CO2_column_volume_mixing_ratio_dry_air"]
        assert column.description == "column-averaged dry-air mole fraction of carbon dioxide"
        assert column.bias_corrected == "yes"
        assert (file["latitude"].valid_min, file["latitude"].valid_max) == (-90.0, 90.0)
        assert file["validity"].flag_meanings == "good bad"
        assert file["validity"].dtype == np.dtype("int8")
        assert (file["validity"].valid_min, file["validity"].valid_max) == (0, 1)


def test_unknown_quality_is_no_valid_value(tmp_path: Path) -> None:
    soundings = make_soundings(3)
    soundings["quality"] = soundings.quality.copy(data=np.array([0, 255, 1], "uint8"))
    found = stored(write_quietly(soundings, tmp_path / "a.nc"))
    assert found["validity"][2].tolist() == [0, -1, 1]


def test_samples_of_a_harp_product_keep_their_index(tmp_path: Path) -> None:
    soundings = make_soundings(3).assign(index=("sounding", np.array([7.0, 9.0, np.nan]), {"units": "1"}))
    soundings.attrs["source_product"] = "oco2_LtCO2_160727.nc4"
    path = write_quietly(soundings, tmp_path / "a.nc")
    assert stored(path)["index"][2].tolist() == [7, 9, -1]
    with netCDF4.Dataset(path) as file:
        assert file.source_product == "oco2_LtCO2_160727.nc4"
    soundings.attrs["source_product"] = "a.nc; b.nc"  # of several products: no index into one of them
    with netCDF4.Dataset(write_quietly(soundings, tmp_path / "b.nc")) as file:
        assert file.source_product == "b.nc"


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_gas(tmp_path: Path, name: str) -> None:
    assert set(NAMES) == {gas for gas in gases() if gases()[gas].harp}
    theirs, units = NAMES[name]
    soundings = of_gas(make_soundings(), name)
    found = stored(write_quietly(soundings, tmp_path / "a.nc"))
    assert found[theirs][:2] == (("time",), units)
    np.testing.assert_array_equal(found[theirs][2], soundings[name])
    assert found[f"{theirs}_uncertainty_random"][1] == units
    grid = of_gas(make_grid(), name)
    found = stored(write(grid, tmp_path / "b.nc", format="harp"))
    assert found[theirs][:2] == (("time", "latitude", "longitude"), units)
    np.testing.assert_array_equal(found[theirs][2], grid[name])


def test_a_grid_has_cells_periods_counts_and_spread(tmp_path: Path) -> None:
    grid = make_grid().chunk(lat=2, time=1)
    grid["xco2_sum_weight"] = grid.xco2_count * 0.5
    grid["xco2_coverage"] = grid.xco2_count * 0.01
    with pytest.warns(LeftOutWarning, match="xco2_coverage: left out"):
        path = write(grid, tmp_path / "a.nc", format="harp", created=DATE)
    found, gas = stored(path), "CO2_column_volume_mixing_ratio_dry_air"
    cube = ("time", "latitude", "longitude")
    for suffix, ours, units in (
        ("", "xco2", "ppmv"),
        ("_uncertainty", "xco2_uncertainty", "ppmv"),
        ("_stddev", "xco2_spread", "ppmv"),
        ("_count", "xco2_count", "-"),
        ("_weight", "xco2_sum_weight", ""),
    ):
        assert found[gas + suffix][:2] == (cube, units)
        # HARP's averages take it that a cell without value has no count and no weight
        wanted = (
            grid[ours] if suffix not in ("_count", "_weight") else grid[ours].where(grid.xco2.notnull(), 0)
        )
        np.testing.assert_array_equal(found[gas + suffix][2], wanted, err_msg=ours)
    assert (grid.xco2_count.values[0, 0, :3] > 0).all()
    for word, axis in (("latitude", "lat"), ("longitude", "lon")):
        assert found[word][0] == (word,)
        np.testing.assert_array_equal(found[word][2], grid[axis])
        assert found[f"{word}_bounds"][0] == (word, "independent_2")
        np.testing.assert_array_equal(found[f"{word}_bounds"][2], grid[f"{axis}_bnds"])
    # February and March 2020: days 7336, 7365 and 7396 since 2000-01-01
    assert (found["datetime_start"][2] / 86400).tolist() == [7336, 7365]
    assert (found["datetime_stop"][2] / 86400).tolist() == [7365, 7396]
    assert (found["datetime"][2] / 86400).tolist() == [7350.5, 7380.5]
    with netCDF4.Dataset(path) as file:
        assert (file.datetime_start, file.datetime_stop) == (7336.0, 7396.0)


def test_a_grid_without_time(tmp_path: Path) -> None:
    grid = make_grid().isel(time=0, drop=True).drop_vars("time_bnds")
    found = stored(write(grid, tmp_path / "a.nc", format="harp"))
    assert found["CO2_column_volume_mixing_ratio_dry_air"][0] == ("latitude", "longitude")
    assert "datetime" not in found


def test_what_harp_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="HARP has no empty product"):
        write(make_soundings().isel(sounding=slice(0, 0)), tmp_path / "a.nc", format="harp")
    grid = make_grid()
    projected = grid.rename(lat="y", lon="x", lat_bnds="y_bnds", lon_bnds="x_bnds")
    for axis in ("x", "y"):
        projected[axis].attrs["bounds"] = f"{axis}_bnds"
    with pytest.raises(OutputError, match="no projected grids"):
        write(projected, tmp_path / "a.nc", format="harp")
    with pytest.raises(OutputError, match="cannot be written as harp"):
        write(grid.xco2[0].rename(lat="y", lon="x").rio.write_crs(4326), tmp_path / "a.nc", format="harp")
    with pytest.raises(OutputError, match="no variable of the grid has a HARP name"):
        write(grid[["lat_bnds", "lon_bnds", "time_bnds"]], tmp_path / "a.nc", format="harp")
    assert list(tmp_path.iterdir()) == []


def test_equal_content_gives_equal_files(tmp_path: Path) -> None:
    soundings = make_soundings()
    first = write_quietly(soundings, tmp_path / "a.nc").read_bytes()
    assert write_quietly(soundings.chunk(sounding=7), tmp_path / "a.nc").read_bytes() == first

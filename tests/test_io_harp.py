"""HARP products read: what is written comes back, what HARP leaves open is told or refused."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr

from contract.case_harp import T, V, place, save, seconds, write_oco2, write_tropomi
from contract.netcdf import Item, write_netcdf
from contract.truth import Truth, make_truth
from test_write_harp import NAMES, of_gas, with_profiles
from test_write_netcdf import make_grid, make_soundings
from yaotan.errors import LeftOutWarning, NotAGranuleError, SchemaError, UnitsError
from yaotan.io.identify import identify
from yaotan.io.netcdf import open_grid
from yaotan.io.soundings import open_soundings
from yaotan.io.write import write
from yaotan.schema import check_grid

XCO2 = "CO2_column_volume_mixing_ratio_dry_air"


def write_harp(obj: xr.Dataset, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LeftOutWarning)
        return write(obj, path, format="harp")


@pytest.mark.parametrize("layered", [False, True])
def test_soundings_come_back(tmp_path: Path, layered: bool) -> None:
    made = with_profiles(make_soundings(), layered=layered)
    made["quality"][:3] = [0, 255, 1]
    assert (made.sounding_id.values > 2**63).all()
    made.xco2.attrs["bias_corrected"] = "yes"
    path = write_harp(made, tmp_path / "a.nc")
    back = open_soundings(path, quality="all")
    lost = {"granule", "pressure_weight", "surface"}
    assert set(made.variables) - lost <= set(back.variables)
    assert set(back.variables) - set(made.variables) == {"index", "quality_native"}
    for name in set(made.variables) - lost - {"time"}:
        np.testing.assert_array_equal(back[name], made[name], err_msg=str(name))
        assert back[name].dims == made[name].dims
        assert back[name].dtype == made[name].dtype
        assert back[name].attrs.get("units") == made[name].attrs.get("units")
    assert np.abs(back.time.values - made.time.values).max() <= np.timedelta64(600, "ns")
    assert back.xco2.attrs["bias_corrected"] == "yes"
    assert back.attrs["platform"] == "OCO-2"
    assert back.attrs["source_product"] == "a.nc"
    assert "written as HARP product" in back.attrs["harp_history"]
    good = open_soundings(path)
    assert good.sizes["sounding"] == int((made.quality == 0).sum())
    again = open_soundings(write_harp(back, tmp_path / "b.nc"), quality="all")
    xr.testing.assert_equal(again.drop_vars("granule").load(), back.drop_vars("granule").load())


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_gas_comes_back(tmp_path: Path, name: str) -> None:
    soundings = of_gas(make_soundings(), name)
    back = open_soundings(write_harp(soundings, tmp_path / "a.nc"), quality="all")
    grid = of_gas(make_grid(), name)
    again = check_grid(open_grid(write_harp(grid, tmp_path / "b.nc")))
    for ours, theirs in ((soundings, back), (grid, again)):
        for suffix in ("", "_uncertainty"):
            np.testing.assert_allclose(theirs[name + suffix], ours[name + suffix], rtol=1e-15)
            assert theirs[name + suffix].attrs["units"] == ours[name].attrs["units"]


def test_a_grid_comes_back(tmp_path: Path) -> None:
    made = make_grid()
    count = made.xco2_count.where(made.xco2.notnull(), 0).astype(int)
    made = made.assign(
        xco2_count=count,
        xco2_sum_weight=count * 0.5,
        xco2_uncertainty_random=made.xco2_uncertainty * 0.5,
        xco2_uncertainty_systematic=made.xco2_uncertainty * 0.25,
    )
    back = open_grid(write_harp(made, tmp_path / "a.nc"))
    for name in ("", "_count", "_uncertainty", "_uncertainty_random", "_uncertainty_systematic", "_spread"):
        np.testing.assert_array_equal(back["xco2" + name], made["xco2" + name], err_msg=name)
    np.testing.assert_array_equal(back["xco2_weight"], made["xco2_sum_weight"])
    for name in ("time", "time_bnds", "lat", "lon", "lat_bnds", "lon_bnds"):
        np.testing.assert_array_equal(back[name], made[name], err_msg=name)
    assert "comment" not in back.xco2_count.attrs
    part = open_grid(tmp_path / "a.nc", region=(111, 31, 113, 32), period=("2020-03", "2020-03"))
    np.testing.assert_array_equal(part.time, made.time[1:])
    assert part.lat_bnds.values[[0, -1]].ravel().tolist() == [31.0, 31.5, 31.5, 32.0]


def test_a_field_of_a_model_comes_back_as_one(tmp_path: Path) -> None:
    made = make_grid().drop_vars(["xco2_count", "xco2_uncertainty", "xco2_spread"]).assign_attrs(kind="model")
    back = open_grid(write_harp(made, tmp_path / "a.nc"))
    assert back.attrs["kind"] == "model"
    np.testing.assert_array_equal(back.xco2, made.xco2)


def minimal(truth: Truth, *, source: str = "oco2_LtCO2_190331.nc4", **more: Item | None) -> list[Item]:
    """List the least that a product needs; an item given as None is left out."""
    items: dict[str, Item | None] = {
        "datetime": ("datetime", seconds(truth, "2000-01-01"), T, {"units": "s since 2000-01-01"}),
        **{item[0]: item for item in place(truth, "f8")},
        XCO2: (XCO2, truth.column("xco2"), T, {"units": "ppmv"}),
        "validity": ("validity", truth.quality().astype("i1"), T, {"description": "XCO2 quality flag"}),
    }
    return [item for item in (items | more).values() if item is not None]


def test_validity_of_unknown_meaning_leaves_the_quality_unknown(tmp_path: Path) -> None:
    truth = make_truth()
    other: Item = ("validity", truth.quality().astype("i4"), T, {"description": "processing quality flag"})
    save(tmp_path / "a.nc", minimal(truth, validity=other), "x.nc")
    with pytest.raises(NotAGranuleError, match=r"validity \(with a meaning that is known\) is missing"):
        open_soundings(tmp_path / "a.nc")
    table = open_soundings(tmp_path / "a.nc", quality="all")
    assert (table.quality == 255).all()
    assert table.quality.attrs["fill_value"] == 255
    assert identify(tmp_path / "a.nc").by_quality == {"unknown": truth.count}


def test_profiles_without_pressure_are_left_out_and_named(tmp_path: Path) -> None:
    truth = make_truth()
    kernel: Item = ("CO2_column_number_density_avk", truth.kernel("xco2", 5), V, {"units": ""})
    save(tmp_path / "a.nc", minimal(truth, kernel=kernel), "x.nc")
    table = open_soundings(tmp_path / "a.nc")
    assert "xco2_averaging_kernel" not in table
    assert "level" not in table.dims
    assert table.attrs["not_used"].startswith("xco2_averaging_kernel: no pressures")


def test_one_axis_of_pressure_or_altitude_serves_all_soundings(tmp_path: Path) -> None:
    truth = make_truth()
    kernel, heights = truth.kernel("xco2", 3), np.array([20.0, 5.0, 0.1])
    more: dict[str, Item] = {
        "kernel": ("CO2_column_number_density_avk", kernel[:, ::-1], V, {"units": ""}),
        "altitude": ("altitude", heights, ("vertical",), {"units": "km"}),
    }
    save(tmp_path / "a.nc", minimal(truth, **more), "x.nc")
    table = open_soundings(tmp_path / "a.nc", quality="all")
    np.testing.assert_array_equal(table.xco2_averaging_kernel, kernel)
    assert table.altitude_level.values[5].tolist() == [100.0, 5000.0, 20000.0]


def test_other_shapes_are_not_taken_for_what_they_are_not(tmp_path: Path) -> None:
    """A kernel of a profile, a rectangle of two points and a total column of dry air are passed over."""
    truth = make_truth()
    square = ("time", "vertical", "vertical")
    two = ("time", "independent_2")
    more: dict[str, Item | None] = {
        "kernel": ("CO2_column_number_density_avk", np.ones((truth.count, 3, 3)), square, {"units": ""}),
        "pressure": ("pressure", truth.level_pressure(3), V, {"units": "hPa"}),
        "latitude_bounds": ("latitude_bounds", truth.latitude_corner[:, :2], two, {"units": "degree_north"}),
        "longitude_bounds": (
            "longitude_bounds",
            truth.longitude_corner[:, :2],
            two,
            {"units": "degree_east"},
        ),
        "dry": ("dry_air_column_number_density", np.ones(truth.count), T, {"units": "mol/m2"}),
        "solar": ("solar_zenith_angle", np.float64(30.0), (), {"units": "degree"}),
    }
    save(tmp_path / "a.nc", minimal(truth, **more), "x.nc")
    table = open_soundings(tmp_path / "a.nc", quality="all")
    absent = {"xco2_averaging_kernel", "latitude_corner", "pressure_weight", "solar_zenith_angle"}
    assert absent.isdisjoint(table.variables)
    assert table.pressure_level.dims == ("sounding", "level")


@pytest.mark.parametrize("product", ["GHG", "other"])
def test_columns_that_harp_names_without_dry_air(tmp_path: Path, product: str) -> None:
    """ESA-CCI columns: numbers in ppb that are called ppmv, with fills; others mean moist air."""
    truth, wet = make_truth(), "CH4_column_volume_mixing_ratio"
    values = np.where(np.isfinite(truth.column("xch4")), truth.column("xch4"), np.float32(-9999.99))
    more: dict[str, Item | None] = {
        XCO2: (wet, values, T, {"units": "ppmv"}),
        "sigma": (f"{wet}_uncertainty", truth.uncertainty("xch4"), T, {"units": "ppmv"}),
        "validity": None,
    }
    source = "ESACCI-GHG-L2-CH4-GOSAT-OCPR-20190331-fv7.2.nc" if product == "GHG" else "own.nc"
    save(tmp_path / "a.nc", minimal(truth, **more), source)
    if product == "other":
        with pytest.raises(NotAGranuleError, match="holds none of"):
            open_soundings(tmp_path / "a.nc", quality="all")
        return
    table = open_soundings(tmp_path / "a.nc", quality="all", chunks=5)
    np.testing.assert_array_equal(table.xch4, truth.column("xch4"))
    np.testing.assert_array_equal(table.xch4_uncertainty, truth.uncertainty("xch4"))
    assert table.xch4.attrs["units"] == "ppb"


@pytest.mark.parametrize(
    ("lacks", "words"),
    [("latitude", "has no latitude"), (XCO2, "holds none of"), ("datetime", "no product")],
)
def test_what_is_missing_is_named(tmp_path: Path, lacks: str, words: str) -> None:
    save(tmp_path / "a.nc", minimal(make_truth(), **{lacks: None}), "x.nc")
    with pytest.raises(NotAGranuleError, match=words):
        identify(tmp_path / "a.nc")


def test_units_that_are_missing_are_not_guessed(tmp_path: Path) -> None:
    save(
        tmp_path / "a.nc", minimal(make_truth(), **{XCO2: (XCO2, make_truth().column("xco2"), T, {})}), "x.nc"
    )
    with pytest.raises(UnitsError, match="has no unit"):
        open_soundings(tmp_path / "a.nc", quality="all").xco2.load()


@pytest.mark.parametrize("writer", [write_oco2, write_tropomi])
def test_hdf5_form_reads_like_netcdf3(tmp_path: Path, writer: Any) -> None:
    """Builds of HARP with HDF5 write what netCDF can read: dimension scales, units "1" for none."""
    writer(tmp_path / "a.nc", make_truth())
    items: list[Item] = []
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        file.set_auto_mask(False)
        for name, variable in file.variables.items():
            own = {key: variable.getncattr(key) for key in variable.ncattrs()}
            own |= {"units": "1"} if own.get("units") == "" else {}
            items.append((name, variable[...], variable.dimensions, own))
        attributes = {key: file.getncattr(key) for key in file.ncattrs()}
    write_netcdf(tmp_path / "b.h5", items, attributes, format="NETCDF4_CLASSIC")
    first, second = (open_soundings(tmp_path / name, quality="all").load() for name in ("a.nc", "b.h5"))
    xr.testing.assert_equal(first, second)


def binned(path: Path, **change: Any) -> np.ndarray:
    """Write what bin_spatial makes: edges alone, mean time, weights in single precision, one count."""
    values = 400.0 + np.arange(12.0).reshape(1, 3, 4)
    values[0, 0, 0] = np.nan
    weight = np.where(np.isfinite(values), np.arange(12.0).reshape(1, 3, 4), 0.0).astype("f4")
    lat = np.array([[20.0, 22.0], [22.0, 26.0], [26.0, 28.0]])
    lon = np.array([[170.0, 175.0], [175.0, 180.0], [180.0, 185.0], [185.0, 190.0]])
    cube = ("time", "latitude", "longitude")
    items: dict[str, Item | None] = {
        "datetime": ("datetime", np.array([607392000.0]), T, {"units": "seconds since 2000-01-01"}),
        XCO2: (XCO2, values, cube, {"units": "ppmv"}),
        "uncertainty": (f"{XCO2}_uncertainty", values * 0.001, cube, {"units": "ppmv"}),
        "count": ("count", np.array([66], "i4"), T, {}),
        "weight": ("weight", weight, cube, {}),
        "latitude_bounds": ("latitude_bounds", lat, ("latitude", "independent_2"), {"units": "degree_north"}),
        "longitude_bounds": (
            "longitude_bounds",
            lon,
            ("longitude", "independent_2"),
            {"units": "degree_east"},
        ),
    }
    attributes = {"Conventions": "HARP-1.0", "source_product": "x.nc"}
    kept = [item for item in (items | change).values() if item is not None]
    write_netcdf(path, kept, attributes, format="NETCDF3_CLASSIC")
    return values[0]


def test_bin_spatial_gives_cells_weights_and_counts(tmp_path: Path) -> None:
    values = binned(tmp_path / "a.nc")
    grid = check_grid(open_grid(tmp_path / "a.nc"))
    assert grid.attrs["product"] == "harp_l3"
    assert grid.attrs["kind"] == "observation"
    assert grid.lat.values.tolist() == [21.0, 24.0, 27.0]
    assert grid.lat_bnds.values.tolist() == [[20.0, 22.0], [22.0, 26.0], [26.0, 28.0]]
    assert grid.lon.values.tolist() == [-177.5, -172.5, 172.5, 177.5]  # in one order, the values with them
    assert grid.lon_bnds.values.tolist() == [[-180, -175], [-175, -170], [170, 175], [175, 180]]
    np.testing.assert_array_equal(grid.xco2.values[0], np.roll(values, 2, axis=1))
    np.testing.assert_allclose(grid.xco2_uncertainty, grid.xco2 * 0.001)
    assert grid.xco2_weight.values[0, 1].tolist() == [6.0, 7.0, 4.0, 5.0]
    np.testing.assert_array_equal(grid.xco2_count, grid.xco2_weight)
    assert "stands in" in grid.xco2_count.attrs["comment"]
    assert grid["count"].values.tolist() == [66]
    assert grid.time.values.tolist() == np.array(["2019-04-01"], "datetime64[ns]").tolist()
    assert "time_bnds" not in grid
    across = open_grid(tmp_path / "a.nc", region=(174, 20, -174, 28))
    assert across.lon_bnds.values.tolist() == [[175.0, 180.0], [180.0, 185.0]]
    (record,) = json.loads(grid.attrs["reading"])
    assert (record["product"], record["version"]) == ("harp_l3", "1.0")


def test_periods_are_read_where_the_file_states_them(tmp_path: Path) -> None:
    start: Item = ("datetime_start", np.array([607392000.0]), T, {"units": "seconds since 2000-01-01"})
    length: Item = ("datetime_length", np.float64(2.5), (), {"units": "days"})
    binned(tmp_path / "a.nc", datetime=start, length=length)
    grid = open_grid(tmp_path / "a.nc")
    wanted = np.array([["2019-04-01T00", "2019-04-03T12"]], "datetime64[ns]")
    assert grid.time_bnds.values.tolist() == wanted.tolist()
    assert grid.time.values.tolist() == wanted[:, 0].tolist()
    before: Item = ("datetime_stop", np.array([607391999.0]), T, {"units": "seconds since 2000-01-01"})
    binned(tmp_path / "a.nc", datetime=start, stop=before)
    with pytest.raises(SchemaError, match="end before they start"):
        open_grid(tmp_path / "a.nc")


def test_a_grid_without_uncertainty_says_so(tmp_path: Path) -> None:
    binned(tmp_path / "a.nc", uncertainty=None)
    grid = open_grid(tmp_path / "a.nc")
    assert np.isnan(grid.xco2_uncertainty).all()
    assert "no uncertainty" in grid.xco2_uncertainty.attrs["comment"]


def test_axes_that_are_repeated_for_every_time(tmp_path: Path) -> None:
    """Averages over time give the edges a time dimension."""
    edges = np.array([[[20.0, 22.0], [22.0, 26.0], [26.0, 28.0]]])
    dims, units = ("time", "latitude", "independent_2"), {"units": "degree_north"}
    centre: Item = ("latitude", np.array([[21.0, 24.0, 27.0]]), ("time", "latitude"), units)
    binned(tmp_path / "a.nc", latitude_bounds=("latitude_bounds", edges, dims, units), latitude=centre)
    grid = open_grid(tmp_path / "a.nc")
    assert grid.lat_bnds.values.tolist() == edges[0].tolist()
    assert grid.lat.values.tolist() == [21.0, 24.0, 27.0]


def test_grids_and_soundings_are_not_confused(tmp_path: Path) -> None:
    binned(tmp_path / "grid.nc")
    save(tmp_path / "soundings.nc", minimal(make_truth()), "x.nc")
    with pytest.raises(NotAGranuleError, match="no product that is known"):
        open_soundings(tmp_path / "grid.nc")
    with pytest.raises(NotAGranuleError, match="cannot be opened as grid"):
        open_grid(tmp_path / "soundings.nc")
    without: Item = ("weight", np.ones((1, 3, 4), "f4"), ("time", "latitude", "longitude"), {})
    binned(tmp_path / "grid.nc", weight=None, other=("other", *without[1:]))
    with pytest.raises(SchemaError, match="xco2_count is missing"):
        open_grid(tmp_path / "grid.nc")

"""netCDF, OBS4MIPS and Zarr: content, conventions, memory, determinism."""

from __future__ import annotations

import builtins
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import h5netcdf
import h5py
import numpy as np
import pandas as pd
import pytest
import rioxarray  # noqa: F401  (registers the accessor)
import xarray as xr

from yaotan.errors import MissingDependencyError, OutputError, SchemaError
from yaotan.io.digest import sha256
from yaotan.io.wide import pack, unpack
from yaotan.io.write import write

DATE = "2024-05-01T00:00:00Z"


def make_grid(months: int = 2, rows: int = 6, columns: int = 8) -> xr.Dataset:
    random = np.random.default_rng(3)
    lat, lon = 30.25 + 0.5 * np.arange(rows), 110.25 + 0.5 * np.arange(columns)
    start = pd.date_range("2020-02-01", periods=months + 1, freq="MS").values
    shape = (months, rows, columns)
    dims = ("time", "lat", "lon")
    value = random.normal(412, 2, shape)
    value[0, 0, :3] = np.nan
    return xr.Dataset(
        {
            "xco2": (dims, value, {"units": "ppm"}),
            "xco2_count": (dims, random.integers(0, 40, shape)),
            "xco2_uncertainty": (dims, random.uniform(0.1, 1, shape), {"units": "ppm"}),
            "xco2_spread": (dims, random.uniform(0.1, 1, shape), {"units": "ppm"}),
            "lat_bnds": (("lat", "bnds"), np.stack([lat - 0.25, lat + 0.25], 1)),
            "lon_bnds": (("lon", "bnds"), np.stack([lon - 0.25, lon + 0.25], 1)),
            "time_bnds": (("time", "bnds"), np.stack([start[:-1], start[1:]], 1)),
        },
        coords={
            "time": start[:-1],
            "lat": ("lat", lat, {"bounds": "lat_bnds", "units": "degrees_north"}),
            "lon": ("lon", lon, {"bounds": "lon_bnds", "units": "degrees_east"}),
        },
        attrs={"source": "a.nc, b.nc", "product": "OCO2", "licence": "CC0-1.0", "history": "gridded"},
    )


def make_soundings(count: int = 40) -> xr.Dataset:
    random = np.random.default_rng(4)
    lat, lon = np.linspace(25, 40, count), np.linspace(100, 104, count)
    corner = np.array([-0.01, 0.01, 0.01, -0.01])
    north, east = {"units": "degrees_north"}, {"units": "degrees_east"}
    flags: dict[str, Any] = {"flag_values": np.array([0, 1], "uint8"), "flag_meanings": "good bad"}
    return xr.Dataset(
        {
            "latitude": ("sounding", lat, north),
            "longitude": ("sounding", lon, east),
            "latitude_corner": (("sounding", "corner"), lat[:, None] + np.roll(corner, 1), north),
            "longitude_corner": (("sounding", "corner"), lon[:, None] + corner, east),
            "xco2": ("sounding", random.normal(412, 1, count), {"units": "ppm"}),
            "xco2_uncertainty": ("sounding", np.full(count, 0.5), {"units": "ppm"}),
            "pressure_level": (("sounding", "level"), np.full((count, 3), 900.0), {"units": "hPa"}),
            "quality": ("sounding", random.integers(0, 2, count).astype("uint8"), flags),
            "granule": ("sounding", np.zeros(count, "uint32")),
            "sounding_id": ("sounding", np.arange(count, dtype="uint64") + np.uint64(2**63 + 1)),
            "time": ("sounding", pd.date_range("2020-01-31T23:59:59.123456789", periods=count, freq="333ms")),
        },
        attrs={
            "source": "a.nc",
            "platform": "OCO-2",
            "reading": '[{"file": "a.nc", "kept": 40}]',
            "note": "风云",
        },
    )


def make_estimate() -> xr.Dataset:
    dims = ("region", "time")
    return xr.Dataset(
        {
            "xco2": (dims, np.array([[411.0, 412.0], [413.0, np.nan]]), {"units": "ppm"}),
            "xco2_uncertainty": (dims, np.full((2, 2), 0.3), {"units": "ppm"}),
            "xco2_count": (dims, np.array([[10, 20], [30, 0]])),
        },
        coords={
            "region": ["CN-14", "CN-13"],
            "region_name_zh": ("region", ["山西", "河北"]),
            "area": ("region", [1.57e11, 1.88e11], {"units": "m2"}),
            "time": pd.date_range("2020-01-01", periods=2, freq="MS"),
        },
    )


def errors_of(path: Path, checker: str) -> tuple[list[str], list[str]]:
    """Run compliance-checker in this process: messages of priority high and medium, and of low."""
    from compliance_checker.runner import CheckSuite

    CheckSuite.load_all_available_checkers()
    suite = CheckSuite()
    dataset = suite.load_dataset(str(path))
    results, crashes = suite.run_all(dataset, [checker], None, None)[checker]
    dataset.close()
    assert not crashes, crashes
    failed = [result for result in results if result.value[0] != result.value[1]]
    grave = [m for result in failed if result.weight >= 2 for m in (result.msgs or [str(result.name)])]
    return grave, [m for result in failed if result.weight < 2 for m in result.msgs]


OBJECTS = {
    "grid": make_grid,
    "lazy grid": lambda: make_grid().chunk(lat=4, lon=3),
    "soundings": lambda: make_soundings().drop_vars("sounding_id"),
    "estimate": make_estimate,
}


@pytest.mark.parametrize("kind", OBJECTS)
@pytest.mark.filterwarnings("ignore")
def test_passes_the_cf_checker(tmp_path: Path, kind: str) -> None:
    path = write(OBJECTS[kind](), tmp_path / "a.nc", created=DATE)
    assert errors_of(path, "cf:1.8") == ([], [])


@pytest.mark.filterwarnings("ignore")
def test_obs4mips_and_projected_grid_and_identifiers_pass_the_cf_checker(tmp_path: Path) -> None:
    path = write(make_grid(), tmp_path / "o.nc", format="obs4mips", created=DATE)
    assert errors_of(path, "cf:1.8") == ([], [])
    raster = xr.DataArray(
        np.ones((3, 4)),
        dims=("y", "x"),
        coords={"y": [3e6, 2e6, 1e6], "x": [1e6, 2e6, 3e6, 4e6]},
        name="biomass",
    ).rio.write_crs("EPSG:32650")
    assert errors_of(write(raster, tmp_path / "r.nc", created=DATE), "cf:1.8") == ([], [])
    # CF-1.8 has no 64-bit unsigned integers: identifiers are kept as digits
    path = write(make_soundings(), tmp_path / "s.nc", created=DATE)
    assert errors_of(path, "cf:1.8") == ([], [])
    assert h5netcdf.File(path).attrs["Conventions"] == "CF-1.8, ACDD-1.3"


@pytest.mark.filterwarnings("ignore")
def test_the_checker_can_fail(tmp_path: Path) -> None:
    write(make_grid(), tmp_path / "a.nc")
    with h5py.File(tmp_path / "a.nc", "r+") as file:
        file["xco2"].attrs["standard_name"] = "no_such_name"
        file["lat"].attrs["units"] = "ppm"
    grave, _ = errors_of(tmp_path / "a.nc", "cf:1.8")
    assert any("no_such_name" in message for message in grave)


@pytest.mark.filterwarnings("ignore")
def test_discovery_attributes(tmp_path: Path) -> None:
    path = write(make_grid(), tmp_path / "a.nc", created=DATE, attributes={"institution": "Example"})
    attrs = xr.open_dataset(path).attrs
    assert attrs["Conventions"] == "CF-1.8, ACDD-1.3"
    assert (attrs["geospatial_lat_min"], attrs["geospatial_lat_max"]) == (30.0, 33.0)
    assert (attrs["geospatial_lon_min"], attrs["geospatial_lon_max"]) == (110.0, 114.0)
    assert attrs["geospatial_lat_resolution"] == "0.5 degree"
    assert attrs["time_coverage_start"] == "2020-02-01T00:00:00Z"
    assert attrs["time_coverage_end"] == "2020-04-01T00:00:00Z"
    assert attrs["time_coverage_resolution"] == "P1M"
    assert attrs["license"] == "CC0-1.0"
    assert attrs["institution"] == "Example"
    assert attrs["date_created"] == DATE
    assert attrs["history"].splitlines()[0] == "gridded"
    missing = " ".join(errors_of(path, "acdd:1.3")[0])
    for name in ("title", "summary", "keywords", "Conventions", "license", "history", "time_coverage"):
        assert f"{name} not present" not in missing


@pytest.mark.parametrize("chunks", [None, {"lat": 4, "lon": 3}])
@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_grid_comes_back_equal(tmp_path: Path, suffix: str, chunks: dict[str, int] | None) -> None:
    grid = make_grid()
    path = write(grid if chunks is None else grid.chunk(chunks), tmp_path / f"a{suffix}", created=DATE)
    back = xr.open_dataset(path, engine="zarr" if suffix == ".zarr" else "h5netcdf")
    for name in grid.variables:
        np.testing.assert_array_equal(back[name].values, grid[name].values, err_msg=str(name))
    assert back["xco2"].attrs["ancillary_variables"] == "xco2_count xco2_uncertainty xco2_spread"
    assert back["xco2"].attrs["cell_methods"] == "time: lat: lon: mean"
    assert back["xco2"].attrs["standard_name"] == "dry_atmosphere_mole_fraction_of_carbon_dioxide"
    assert back["crs"].attrs["grid_mapping_name"] == "latitude_longitude"
    assert back["xco2_count"].dtype == np.int32
    assert np.isnan(back["xco2"].encoding.get("_FillValue", back["xco2"].attrs.get("_FillValue")))


def test_time_and_bounds_are_stored_in_explicit_days(tmp_path: Path) -> None:
    file = h5netcdf.File(write(make_grid(), tmp_path / "a.nc"))
    assert file["time"].attrs["units"] == "days since 1990-01-01"
    assert file["time"].attrs["calendar"] == "standard"
    assert list(file["time"][:]) == [10988.0, 11017.0]
    assert file["time_bnds"][:].tolist() == [[10988.0, 11017.0], [11017.0, 11048.0]]
    assert "units" not in file["time_bnds"].attrs
    assert "_FillValue" not in file["lat"].attrs


def test_soundings_come_back_to_the_last_bit(tmp_path: Path) -> None:
    soundings = make_soundings()
    back = unpack(xr.open_dataset(write(soundings, tmp_path / "a.nc"), engine="h5netcdf"))
    for name in soundings.variables:
        np.testing.assert_array_equal(back[name].values, soundings[name].values, err_msg=str(name))
    assert back["sounding_id"].dtype == np.uint64
    assert back.attrs["note"] == "风云"
    assert back.attrs["reading"] == soundings.attrs["reading"]
    assert back["quality"].attrs["flag_meanings"] == "good bad"
    assert back["quality"].attrs["flag_values"].dtype == back["quality"].dtype
    assert back["latitude"].attrs["bounds"] == "latitude_corner"
    assert {"time", "latitude", "longitude"} <= set(back.coords)


def test_declared_fill_of_a_flag_is_kept(tmp_path: Path) -> None:
    soundings = make_soundings()
    attrs = {"flag_values": [0, 1], "flag_meanings": "land water", "_FillValue": 255}
    soundings["surface"] = ("sounding", np.full(40, 255, "uint8"), attrs)
    file = h5netcdf.File(write(soundings, tmp_path / "a.nc"))
    assert file["surface"].attrs["_FillValue"] == 255
    assert (file["surface"][:] == 255).all()


def test_integer_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    grid = make_grid()
    grid["xco2_count"][0, 0, 0] = 2**31
    for case in (grid, grid.chunk(lat=2)):
        with pytest.raises(OutputError, match="xco2_count holds integers"):
            write(case, tmp_path / "a.nc")
    assert list(tmp_path.iterdir()) == []


def test_obs4mips_holds_mole_fractions(tmp_path: Path) -> None:
    grid = make_grid()
    path = write(grid, tmp_path / "o.nc", format="obs4mips", created=DATE)
    file = h5netcdf.File(path)
    assert file["xco2"].attrs["units"] == "1"
    assert file["xco2"].attrs["_FillValue"] == np.float32(1e20)
    assert file["xco2"][0, 0, 0] == np.float32(1e20)
    assert file["time"].attrs["units"] == "days since 1990-01-01"
    assert file["time"][0] == (10988 + 11017) / 2
    back = xr.open_dataset(path, engine="h5netcdf")
    np.testing.assert_allclose(back["xco2"], grid["xco2"] * 1e-6, rtol=1e-7)
    np.testing.assert_allclose(back["xco2_stderr"], grid["xco2_uncertainty"] * 1e-6, rtol=1e-6)
    np.testing.assert_allclose(back["xco2_stddev"], grid["xco2_spread"] * 1e-6, rtol=1e-6)
    np.testing.assert_array_equal(back["xco2_nobs"], grid["xco2_count"])
    assert back["xco2"].attrs["ancillary_variables"].split() == ["xco2_nobs", "xco2_stderr", "xco2_stddev"]
    assert back.attrs["frequency"] == "mon"
    assert back.attrs["tracking_id"].startswith("uuid:")


def test_obs4mips_needs_time_and_one_column(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"dims time, lat, lon"):
        write(make_grid().isel(time=0), tmp_path / "o.nc", format="obs4mips")
    grid = make_grid()
    two = grid.assign({name.replace("xco2", "xch4"): array for name, array in grid.data_vars.items()})
    with pytest.raises(OutputError, match="variable="):
        write(two, tmp_path / "o.nc", format="obs4mips")
    two["xch4"].attrs["units"] = "ppb"
    back = xr.open_dataset(
        write(two, tmp_path / "o.nc", format="obs4mips", variable="xch4"), engine="h5netcdf"
    )
    assert "xco2" not in back
    assert float(back["xch4"].max()) < 1e-6


def test_equal_input_gives_equal_files(tmp_path: Path) -> None:
    grid = make_grid().chunk(lat=3)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    one, two = (write(grid, tmp_path / folder / "a.nc", created=DATE) for folder in ("one", "two"))
    left, right = (xr.open_dataset(path, engine="h5netcdf").load() for path in (one, two))
    assert left.identical(right)
    assert all(left[name].attrs == right[name].attrs for name in left.variables)


def test_input_is_not_edited(tmp_path: Path) -> None:
    for make in (make_grid, make_soundings, make_estimate):
        given, before = make(), make()
        write(given, tmp_path / "a.nc")
        assert given.identical(before)
        assert all(given[name].encoding == before[name].encoding for name in given.variables)


def test_lazy_grid_is_streamed(tmp_path: Path) -> None:
    rows, columns, variables = 1200, 2400, 6
    grid = make_grid(1, rows, columns)
    lazy = grid[["lat_bnds", "lon_bnds", "time_bnds"]].assign(
        {
            name: (
                ("time", "lat", "lon"),
                da.full((1, rows, columns), 400.0, chunks=(1, 150, 600)),
                {"units": "ppm"},
            )
            for name in (
                "xco2",
                "xco2_count",
                "xco2_uncertainty",
                *(f"field_{i}" for i in range(variables - 3)),
            )
        }
    )
    whole = variables * rows * columns * 8
    with dask.config.set(scheduler="threads", num_workers=2):
        tracemalloc.start()
        write(lazy, tmp_path / "a.nc", compression=1)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < whole / 5
    assert float(xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf")["field_2"][0, -1, -1]) == 400.0


def test_broken_computation_leaves_no_file(tmp_path: Path) -> None:
    def fail(block: np.ndarray) -> np.ndarray:
        raise RuntimeError("broken granule")

    grid = make_grid().chunk(lat=2)
    grid["xco2"] = grid["xco2"].copy(
        data=grid["xco2"].data.map_blocks(fail, dtype=float, meta=np.empty((0, 0, 0)))
    )
    for name in ("a.nc", "a.zarr"):
        with pytest.raises(RuntimeError, match="broken granule"):
            write(grid, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_zarr_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "zarr":
            raise ImportError("no zarr")
        return real(name, *rest, **more)

    monkeypatch.setitem(sys.modules, "zarr", None)
    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(MissingDependencyError, match=r"yaotan\[zarr\]"):
        write(make_grid(), tmp_path / "a.zarr")


def test_zarr_store_replaces_an_older_one(tmp_path: Path) -> None:
    write(make_grid(3), tmp_path / "a.zarr", created=DATE)
    first = sha256(tmp_path / "a.zarr")
    write(make_grid(1), tmp_path / "a.zarr", created=DATE)
    assert xr.open_zarr(tmp_path / "a.zarr").sizes["time"] == 1
    write(make_grid(3), tmp_path / "a.zarr", created=DATE)
    assert sha256(tmp_path / "a.zarr") == first


def test_estimate_has_labels(tmp_path: Path) -> None:
    back = xr.open_dataset(write(make_estimate(), tmp_path / "e.nc"), engine="h5netcdf")
    assert back["region_id"].values.tolist() == ["CN-14", "CN-13"]
    assert back["region_name_zh"].values.tolist() == ["山西", "河北"]


def test_object_of_no_noun_and_broken_noun(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="soundings: netcdf"):
        write(xr.Dataset({"a": ("z", [1.0])}), tmp_path / "a.nc")
    with pytest.raises(OutputError, match="a dict cannot be written"):
        write({}, tmp_path / "a.nc")
    with pytest.raises(SchemaError, match="xco2_uncertainty"):
        write(make_grid().drop_vars("xco2_uncertainty"), tmp_path / "a.nc")


@pytest.mark.parametrize(
    ("name", "format", "words"),
    [
        ("a.csv", None, "grid cannot be written as csv.*netcdf, obs4mips, harp, zarr, cog"),
        ("a.xyz", None, "the suffix '.xyz' names no format"),
        ("a.nc", "grib", "unknown format 'grib'"),
    ],
)
def test_impossible_format_lists_the_possible(
    tmp_path: Path, name: str, format: str | None, words: str
) -> None:
    with pytest.raises(OutputError, match=words):
        write(make_grid(), tmp_path / name, format=format)


def test_date_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="ISO 8601"):
        write(make_grid(), tmp_path / "a.nc", created="yesterday")


def test_bit_masks_of_a_grid_come_back(tmp_path: Path) -> None:
    masks = np.random.default_rng(4).integers(0, 2**64 - 1, (1, 4, 5), dtype="uint64", endpoint=True)
    dataset = xr.Dataset({"mask": (("time", "lat", "lon"), masks)})
    packed = xr.Dataset({"mask": pack(dataset["mask"].variable)})
    assert packed["mask"].dtype == np.int32
    np.testing.assert_array_equal(unpack(packed)["mask"], masks)
    lazy = xr.Dataset({"mask": pack(dataset.chunk(lat=3)["mask"].variable)})
    assert lazy["mask"].chunks is not None
    np.testing.assert_array_equal(unpack(lazy)["mask"], masks)

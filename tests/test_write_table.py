"""COG, CSV, Parquet, GeoParquet, GeoJSON and GeoPackage."""

from __future__ import annotations

from pathlib import Path

import dask.array as da
import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import rioxarray  # noqa: F401  (registers the accessor)
import shapely
import xarray as xr
from rio_cogeo import cog_validate

from yaotan.errors import OutputError, SchemaError
from yaotan.io.write import write


def make_grid(rows: int = 5, columns: int = 7, *, ascending: bool = True) -> xr.Dataset:
    lat, lon = 30.25 + 0.5 * np.arange(rows), 110.25 + 0.5 * np.arange(columns)
    values = np.arange(2.0 * rows * columns).reshape(2, rows, columns)
    values[0, 1, 2] = np.nan
    dims = ("time", "lat", "lon")
    grid = xr.Dataset(
        {
            "xco2": (dims, values, {"units": "ppm", "long_name": "column of CO2"}),
            "xco2_count": (dims, np.ones(values.shape, "int32"), {"units": "1"}),
            "xco2_uncertainty": (dims, values * 0.1, {"units": "ppm"}),
            "lat_bnds": (("lat", "bnds"), np.stack([lat - 0.25, lat + 0.25], 1)),
            "lon_bnds": (("lon", "bnds"), np.stack([lon - 0.25, lon + 0.25], 1)),
        },
        coords={
            "time": pd.date_range("2020-01-01", periods=2, freq="MS"),
            "lat": ("lat", lat, {"bounds": "lat_bnds"}),
            "lon": ("lon", lon, {"bounds": "lon_bnds"}),
        },
    )
    return grid if ascending else grid.isel(lat=slice(None, None, -1))


def make_regions() -> gpd.GeoDataFrame:
    shapes = [shapely.box(110, 34, 114, 40), shapely.box(114, 36, 119, 42)]
    return gpd.GeoDataFrame(
        {"region_id": ["CN-14", "CN-13"], "name_zh": ["山西", "河北"]}, geometry=shapes, crs=4490
    )


def make_estimate() -> xr.Dataset:
    dims = ("region", "time")
    return xr.Dataset(
        {
            "xco2": (dims, np.array([[411.0, 412.0], [413.0, np.nan]]), {"units": "ppm"}),
            "xco2_uncertainty": (dims, np.full((2, 2), 0.3)),
            "xco2_count": (dims, np.array([[10, 20], [30, 0]])),
            "xch4": (dims, np.full((2, 2), 1900.0), {"units": "ppb"}),
            "xch4_uncertainty": (dims, np.full((2, 2), 5.0)),
        },
        coords={
            "region": ["CN-14", "CN-13"],
            "region_name_zh": ("region", ["山西", "河北"]),
            "time": pd.date_range("2020-01-01", periods=2, freq="MS"),
        },
    )


def make_soundings() -> xr.Dataset:
    flags = {"flag_values": np.array([0, 1], "uint8"), "flag_meanings": "good bad"}
    return xr.Dataset(
        {
            "time": ("sounding", pd.date_range("2020-01-01", periods=3, freq="s", unit="ns")),
            "latitude": ("sounding", [30.0, 31.0, 32.0], {"units": "degrees_north"}),
            "longitude": ("sounding", [110.0, 111.0, 112.0], {"units": "degrees_east"}),
            "latitude_corner": (("sounding", "corner"), np.zeros((3, 4)), {"units": "degrees_north"}),
            "xco2": ("sounding", [410.0, 411.0, np.nan], {"units": "ppm"}),
            "quality": ("sounding", np.zeros(3, "uint8"), flags),
            "sounding_id": ("sounding", np.arange(3, dtype="uint64") + np.uint64(2**63)),
        }
    )


@pytest.mark.parametrize("ascending", [True, False])
def test_grid_variable_becomes_a_valid_cog(tmp_path: Path, ascending: bool) -> None:
    path = write(make_grid(ascending=ascending), tmp_path / "a.tif", variable="xco2", created="2024-01-01")
    valid, errors, warnings = cog_validate(str(path))
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(path) as source:
        assert source.crs.to_epsg() == 4326
        assert source.bounds == (110.0, 30.0, 113.5, 32.5)
        assert source.descriptions == ("xco2 2020-01-01", "xco2 2020-02-01")
        assert source.units == ("ppm", "ppm")
        assert np.isnan(source.nodata)
        assert source.tags()["long_name"] == "column of CO2"
        assert source.tags(1)["units"] == "ppm"
        top = source.read(1)
        np.testing.assert_array_equal(top, make_grid()["xco2"].values[0, ::-1])
        # the cell at 30.75 N, 111.25 E is the missing one
        assert np.isnan(next(source.sample([(111.25, 30.75)], 1))[0])


def test_large_lazy_raster_has_overviews_that_average(tmp_path: Path) -> None:
    values = da.arange(1200 * 1500, chunks=300_000).reshape(1200, 1500).rechunk((500, 700)).astype("float32")
    raster = xr.DataArray(
        values, dims=("y", "x"), coords={"y": 3e6 - 1000.0 * np.arange(1200), "x": 1000.0 * np.arange(1500)}
    ).rio.write_crs("EPSG:32650")
    path = write(raster, tmp_path / "a.tif")
    assert cog_validate(str(path))[0]
    with rasterio.open(path) as source:
        assert source.crs.to_epsg() == 32650
        assert source.overviews(1) == [2, 4]
        np.testing.assert_array_equal(source.read(1), values.compute())
        small = source.read(1, out_shape=(600, 750))
        assert small[0, 0] == pytest.approx(np.mean([0, 1, 1500, 1501]))


def test_classes_are_not_averaged(tmp_path: Path) -> None:
    values = np.tile(np.array([[10, 60], [60, 10]], "uint8"), (600, 600))
    raster = xr.DataArray(
        values,
        dims=("y", "x"),
        coords={"y": 40 - 0.01 * np.arange(1200), "x": 0.01 * np.arange(1200)},
        attrs={"_FillValue": 0},
    ).rio.write_crs("EPSG:4326")
    with rasterio.open(write(raster, tmp_path / "a.tif")) as source:
        assert source.nodata == 0
        assert set(np.unique(source.read(1, out_shape=(600, 600)))) <= {10, 60}


def test_one_cell_takes_its_size_from_the_bounds(tmp_path: Path) -> None:
    path = write(make_grid().isel(lat=[1], lon=[2]), tmp_path / "a.tif", variable="xco2_count")
    with rasterio.open(path) as source:
        assert source.bounds == (111.0, 30.5, 111.5, 31.0)
        assert source.read().tolist() == [[[1]], [[1]]]


def test_projected_grid_keeps_its_crs(tmp_path: Path) -> None:
    y, x = np.array([3.5e6, 3.4e6]), np.array([4e5, 5e5, 6e5])
    grid = xr.Dataset(
        {
            "biomass": (("y", "x"), np.arange(6.0).reshape(2, 3), {"units": "kg m-2"}),
            "y_bnds": (("y", "bnds"), np.stack([y - 5e4, y + 5e4], 1)),
            "x_bnds": (("x", "bnds"), np.stack([x - 5e4, x + 5e4], 1)),
            "crs": ((), 0, pyproj.CRS.from_epsg(32650).to_cf()),
        },
        coords={"y": ("y", y, {"bounds": "y_bnds"}), "x": ("x", x, {"bounds": "x_bnds"})},
    )
    with rasterio.open(write(grid, tmp_path / "a.tif", variable="biomass")) as source:
        assert source.crs.to_epsg() == 32650
        assert source.bounds == (350000.0, 3350000.0, 650000.0, 3550000.0)


def test_cog_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    grid = make_grid()
    with pytest.raises(OutputError, match=r"no variable 'xch4'.*xco2"):
        write(grid, tmp_path / "a.tif", variable="xch4")
    uneven = grid.assign_coords(lat=("lat", np.array([30, 31, 32, 34, 40.0]), {"bounds": "lat_bnds"}))
    with pytest.raises(OutputError, match="not evenly spaced"):
        write(uneven, tmp_path / "a.tif", variable="xco2")
    with pytest.raises(OutputError, match="complex128"):
        write(grid.assign(odd=grid["xco2"].astype(complex)), tmp_path / "a.tif", variable="odd")
    with pytest.raises(SchemaError, match="coordinate reference system"):
        write(xr.DataArray(np.ones((2, 2)), dims=("y", "x")), tmp_path / "a.tif")
    assert list(tmp_path.iterdir()) == []


def test_estimate_becomes_a_long_table(tmp_path: Path) -> None:
    path = write(make_estimate(), tmp_path / "a.csv")
    assert path.read_bytes().startswith(
        b"region,time,region_name_zh,variable,units,value,uncertainty,count\n"
    )
    assert path.read_text("utf-8").splitlines()[1] == "CN-14,2020-01-01,山西,xco2,ppm,411.0,0.3,10"
    table = pd.read_csv(path)
    assert len(table) == 8
    row = table[
        (table["region"] == "CN-13") & (table["variable"] == "xco2") & (table["time"] == "2020-02-01")
    ]
    assert row["value"].isna().all()
    assert row["count"].item() == 0
    assert table.loc[table["variable"] == "xch4", "count"].isna().all()


def test_csv_for_excel_starts_with_a_mark(tmp_path: Path) -> None:
    path = write(make_estimate(), tmp_path / "a.csv", encoding="utf-8-sig")
    assert path.read_bytes().startswith(b"\xef\xbb\xbfregion,")
    assert "山西" in path.read_text("utf-8-sig")


def test_numbers_survive_csv(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=100) * 1e-7
    path = write(pd.DataFrame({"value": values}), tmp_path / "a.csv")
    np.testing.assert_array_equal(pd.read_csv(path)["value"], values)


def test_estimate_as_parquet_with_and_without_shapes(tmp_path: Path) -> None:
    plain = pd.read_parquet(write(make_estimate(), tmp_path / "a.parquet"))
    assert list(plain["region"].unique()) == ["CN-14", "CN-13"]
    regions = make_regions()
    shaped = gpd.read_parquet(write(make_estimate(), tmp_path / "b.parquet", geometry=regions))
    assert shaped.crs == regions.crs
    expected = regions.set_index("region_id").geometry
    for region, shape in zip(shaped["region"], shaped.geometry, strict=True):
        assert shape.equals(expected[region])


def test_estimate_without_its_shapes(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no geometry of its own"):
        write(make_estimate(), tmp_path / "a.geoparquet")
    with pytest.raises(OutputError, match="no shape for CN-13"):
        write(make_estimate(), tmp_path / "a.parquet", geometry=make_regions().iloc[:1])
    with pytest.raises(OutputError, match="does not go with features"):
        write(make_regions(), tmp_path / "a.parquet", geometry=make_regions())


@pytest.mark.parametrize("name", ["a.parquet", "a.geoparquet", "a.gpkg"])
def test_features_keep_crs_and_text(tmp_path: Path, name: str) -> None:
    regions = make_regions()
    path = write(regions, tmp_path / name)
    back = gpd.read_file(path) if name.endswith("gpkg") else gpd.read_parquet(path)
    assert back.crs == regions.crs
    assert list(back["name_zh"]) == ["山西", "河北"]
    assert back.geometry.geom_equals(regions.geometry).all()


def test_geojson_is_in_wgs84(tmp_path: Path) -> None:
    regions = make_regions().to_crs(32650)
    back = gpd.read_file(write(regions, tmp_path / "a.geojson"))
    assert back.crs.to_epsg() == 4326
    np.testing.assert_allclose(back.total_bounds, [110, 34, 119, 42], atol=1e-5)


def test_features_as_csv_have_wkt(tmp_path: Path) -> None:
    table = pd.read_csv(write(make_regions(), tmp_path / "a.csv"))
    assert list(table) == ["region_id", "name_zh", "wkt"]
    assert shapely.from_wkt(table["wkt"][0]).equals(make_regions().geometry[0])


def test_soundings_as_points_keep_identifiers(tmp_path: Path) -> None:
    back = gpd.read_parquet(write(make_soundings(), tmp_path / "a.parquet"))
    assert back["sounding_id"].dtype == np.uint64
    assert back["sounding_id"].tolist() == [2**63, 2**63 + 1, 2**63 + 2]
    assert back.geometry.y.tolist() == [30.0, 31.0, 32.0]
    assert {"latitude_corner_0", "latitude_corner_3"} <= set(back)
    text = write(make_soundings(), tmp_path / "a.csv").read_text()
    assert str(2**63 + 2) in text


def test_features_without_crs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="coordinate reference system"):
        write(gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)]), tmp_path / "a.parquet")


def test_equal_tables_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("csv", "parquet"):
        one, two = (write(make_estimate(), tmp_path / f"{n}.{name}").read_bytes() for n in "ab")
        assert one == two

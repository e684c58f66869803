"""Stocks and changes straight from rasters, against sums pixel by pixel."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rioxarray  # noqa: F401  (registers the accessor)
import shapely
import xarray as xr

import yaotan
from yaotan.carbon.biomass.root import below_ground
from yaotan.carbon.pool import PoolTable, open_pools
from yaotan.carbon.raster_pool import RasterPool
from yaotan.errors import CatalogError, SchemaError

#: clcd: 1 cropland, 2 forest, 4 grassland; 0 no data
CODES = np.array([1, 2, 4])
ABOVE = {1: 5.0, 2: 60.0, 4: 1.0}
SOIL = {1: 80.0, 2: 120.0, 4: 100.0}


def place(values: np.ndarray, size: float, **attributes: object) -> xr.DataArray:
    rows, columns = values.shape
    axes = {"y": 3e6 - (np.arange(rows) + 0.5) * size, "x": 1e6 + (np.arange(columns) + 0.5) * size}
    array = xr.DataArray(values, coords=axes, dims=("y", "x"), attrs=attributes)
    return array.rio.write_crs("EPSG:6933")


def landuse(seed: int, gaps: float = 0.1) -> xr.DataArray:
    random = np.random.default_rng(seed)
    codes = random.choice(CODES, size=(40, 60))
    codes[random.random(codes.shape) < gaps] = 0
    return place(codes.astype("uint8"), 100.0, scheme="clcd")


def pools(scheme: str = "clcd") -> PoolTable:
    rows = [(c, p, v, 0.1 * v) for p, d in (("c_above", ABOVE), ("c_soil", SOIL)) for c, v in d.items()]
    table = pd.DataFrame(rows, columns=["class", "pool", "value", "sd"])
    return open_pools(table, scheme=scheme, units="t ha-1", depth=1.0)


def total(codes: np.ndarray, density: dict[int, float]) -> float:
    """kg on pixels of 1 ha (the grid is equal-area on the ellipsoid to 1e-9)."""
    return sum(value * 1e3 * (codes == code).sum() for code, value in density.items())


def test_stock_and_change_pixel_by_pixel() -> None:
    before, after = landuse(1), landuse(2)
    stock = yaotan.carbon_stock(before, pools(), uncertainty="propagation")
    one, two = before.values, after.values
    wanted = [total(one, ABOVE), total(one, SOIL)]
    np.testing.assert_allclose(stock.pool_stock[0], wanted, rtol=1e-8)
    change = yaotan.stock_change(
        before, after, pools(), period=(2000, 2010), soil_years=0.0, uncertainty="propagation"
    )
    both = (one > 0) & (two > 0)
    gained = [total(two * both, d) - total(one * both, d) for d in (ABOVE, SOIL)]
    np.testing.assert_allclose(change.pool_change[0], gained, rtol=1e-7)
    single = [((one == code) & (two == 0)).sum() * 1e4 for code in CODES]
    np.testing.assert_allclose(change.area_before_only[0].sel(before=CODES), single, rtol=1e-8)


def test_biomass_of_a_coarser_grid_with_roots_pixel_by_pixel() -> None:
    """Power-law roots of each biomass pixel (4 ha), then summed over the forest pixels (1 ha) in it."""
    land = landuse(3, gaps=0.0)
    dry = np.random.default_rng(4).uniform(20.0, 300.0, (20, 30))
    above = place(dry, 200.0, units="t ha-1", substance="dry_matter").rename("agb")
    below = below_ground(above, "mokany2006")
    fine = np.kron(dry, np.ones((2, 2)))
    forest = land.values == 2
    rasters = {
        "c_above": RasterPool(above, "dry_matter", 0.47, classes=(2,), relative_sd=0.1),
        "c_below": RasterPool(below, "dry_matter", 0.47, relative_sd=0.1, error="agb"),
    }
    got = yaotan.carbon_stock(land, pools(), rasters=rasters, accounted=["c_above", "c_below"])
    others = total(land.values, {1: ABOVE[1], 4: ABOVE[4]})
    roots = 0.489 * fine**0.89
    np.testing.assert_allclose(
        got.pool_stock[0], [fine[forest].sum() * 470 + others, roots.sum() * 470], rtol=1e-8
    )
    # the mean of a class put into the power law is something else
    assert abs(0.489 * fine.mean() ** 0.89 / roots.mean() - 1) > 0.003
    with pytest.raises(SchemaError, match="holds dry_matter, its pool carbon"):
        yaotan.carbon_stock(land, pools(), rasters={"c_above": RasterPool(above)})
    with pytest.raises(CatalogError, match="mokany2006, cairns1997, boreal"):
        below_ground(above, "mokany")


def test_regions_of_polygons_and_their_whole() -> None:
    land = landuse(5)
    west = shapely.box(1e6, 2.9e6, 1.003e6, 3e6)
    east = shapely.box(1.003e6, 2.9e6, 1.1e6, 3e6)
    shapes = gpd.GeoDataFrame(
        {"region_id": ["w", "e"], "name": ["West", "East"], "name_zh": ["西", "东"]}, geometry=[west, east],
        crs="EPSG:6933",
    )  # fmt: skip
    got = yaotan.carbon_stock(land, pools(), regions=shapes.to_crs("EPSG:4326"), draws=500)
    halves = [total(land.values[:, :30], ABOVE), total(land.values[:, 30:], ABOVE)]
    above = got.pool_stock.sel(pool="c_above")
    np.testing.assert_allclose(above, [*halves, sum(halves)], rtol=1e-5)
    assert got.region.values.tolist() == ["w", "e", "*"]
    assert got.region_name_zh.values.tolist() == ["西", "东", "全区"]


def test_soil_raster_brings_its_depth() -> None:
    soil = place(np.full((20, 30), 9.0), 200.0, units="kg m-2", substance="carbon", depth_cm=(0.0, 30.0))
    got = yaotan.carbon_stock(landuse(6, gaps=0.0), rasters={"c_soil": RasterPool(soil)})
    assert float(got.stock_density[0]) == pytest.approx(9.0, rel=1e-8)
    assert got.attrs["soil_depth"] == "0.3 m"
    with pytest.raises(SchemaError, match=r"0 to 0\.3 m, its pool of 0 to 1 m"):
        yaotan.carbon_stock(landuse(6), rasters={"c_soil": RasterPool(soil, depth=1.0)})
    partly = {"c_soil": RasterPool(soil, classes=(2,))}
    with pytest.raises(SchemaError, match=r"soil depths \[m\] are mixed: 0.3, 1.0"):
        yaotan.carbon_stock(landuse(6), pools(), rasters=partly)


def test_a_raster_needs_a_second_one_and_its_own_scheme() -> None:
    with pytest.raises(SchemaError, match="no raster of the second date"):
        yaotan.stock_change(landuse(1), None, pools(), period=(2000, 2010))
    with pytest.raises(SchemaError, match="of scheme clcd, the pool table of igbp"):
        yaotan.carbon_stock(landuse(1), pools("igbp"))

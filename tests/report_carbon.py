"""Carbon for the report's tests: areas, densities, a published account, planted here, without files."""

from __future__ import annotations

from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import rioxarray  # noqa: F401  (registers the accessor)
import xarray as xr

from yaotan.carbon.change.change import stock_change
from yaotan.carbon.histogram import make_histogram
from yaotan.carbon.marginal import one_date
from yaotan.carbon.patch_picture import legend_colours
from yaotan.carbon.pool import PoolTable, open_pools
from yaotan.carbon.reconciliation import reconcile_stock, waterfall
from yaotan.carbon.stock import carbon_stock
from yaotan.catalog.landcover import legends
from yaotan.io.write.table import long_table
from yaotan.report.ecosystem import CarbonResult, PublishedTotal

#: t C/ha of a class: above the ground, soil; by its one of six classes
DENSITY: Final = {
    1: (60.0, 120.0),
    2: (3.0, 90.0),
    3: (4.0, 80.0),
    4: (1.0, 40.0),
    5: (1.0, 45.0),
    6: (0.0, 20.0),
}
SD: Final = 0.15
YEARS: Final = (2010, 2020)
#: km2 that went from the first class to the second in the first region: the largest change
MOVED: Final = 400.0
ACCOUNT: Final = "Somebody 2018"


def make_pools(scheme: str, *, stated: bool = True) -> PoolTable:
    """Densities of every class of a legend."""
    rows = []
    for code, entry in legends()[scheme].classes.items():
        six = entry.to.get("six_class", 6)
        for pool, value in zip(("c_above", "c_soil"), DENSITY[six], strict=True):
            rows.append((code, pool, value, SD * value if stated else None))
    table = pd.DataFrame(rows, columns=["class", "pool", "value", "sd"])
    return open_pools(table, scheme=scheme, units="t ha-1", depth=1.0)


def make_pairs(scheme: str, regions: gpd.GeoDataFrame, seed: int) -> xr.Dataset:
    """Areas that kept their class, and some that went to another."""
    legend, rng = legends()[scheme], np.random.default_rng(seed)
    codes = list(legend.classes)
    rows: list[tuple[Any, ...]] = []
    for number, region in enumerate(regions["region_id"]):
        for place, code in enumerate(codes):
            rows.append((region, code, code, 1e8 * (2 + number + 3 * rng.random()) / (1 + place)))
            other = codes[(place + 1 + number) % len(codes)]
            rows.append((region, code, other, 1e6 * (20 + 40 * rng.random())))
        rows.append((region, codes[0], None, 3e7))
    rows.append((regions["region_id"].iloc[0], codes[0], codes[1], MOVED * 1e6))
    table = pd.DataFrame(rows, columns=["region", "before", "after", "area"])
    table["after"] = table["after"].astype(float)
    named = {
        row["region_id"]: (row["name"], row["name_zh"])
        for row in regions.drop(columns="geometry").to_dict("records")
    }
    return make_histogram(table, scheme=scheme, names=legend.names(), region_names=named)


def make_map(bounds: tuple[float, float, float, float], values: np.ndarray) -> xr.Dataset:
    """A map of cells in degrees."""
    west, south, east, north = bounds
    rows, columns = values.shape
    x = west + (np.arange(columns) + 0.5) * (east - west) / columns
    y = north - (np.arange(rows) + 0.5) * (north - south) / rows
    grid = xr.Dataset({"value": (("y", "x"), values)}, coords={"y": y, "x": x})
    return grid.rio.write_crs("EPSG:4326", grid_mapping_name="crs")


def make_maps(scheme: str, bounds: tuple[float, float, float, float], seed: int) -> dict[str, xr.Dataset]:
    rng, codes = np.random.default_rng(seed), np.array(list(legends()[scheme].classes))
    shape = (14, 18)
    place = np.minimum((rng.random(shape) ** 2 * len(codes)).astype(int), len(codes) - 1)
    gap = rng.random(shape) < 0.1
    change = np.where(rng.random(shape) < 0.3, rng.normal(-0.5, 0.6, shape), 0.0)
    layers = {"stock": 4 + 10 * rng.random(shape), "class": codes[place].astype(float), "change": change}
    return {name: make_map(bounds, np.where(gap, np.nan, layer)) for name, layer in layers.items()}


def make_carbon(
    regions: gpd.GeoDataFrame,
    bounds: tuple[float, float, float, float],
    *,
    scheme: str = "clcd",
    years: tuple[int, ...] = YEARS,
    stated: bool = True,
    seed: int = 3,
) -> CarbonResult:
    """Carbon of regions, as the public functions give it."""
    legend, pools = legends()[scheme], make_pools(scheme, stated=stated)
    pairs = make_pairs(scheme, regions, seed)
    how: dict[str, Any] = {"uncertainty": "propagation"}
    dates = {year: one_date(pairs, "before" if year == years[0] else "after") for year in years}
    stocks = {year: carbon_stock(land, pools, **how) for year, land in dates.items()}
    stock = pd.concat([long_table(one).assign(year=year) for year, one in stocks.items()], ignore_index=True)
    areas = stock[stock["variable"] == "class_area"].assign(variable="area")
    two = len(years) > 1
    change = stock_change(pairs, None, pools, period=(years[0], years[-1]), **how) if two else None
    colours = legend_colours(legend)
    classes = [
        (code, *names, "#" + "".join(f"{part:02x}" for part in colours[code]))
        for code, names in legend.names().items()
    ]
    last = stocks[years[-1]]
    return CarbonResult(
        years=years,
        classes=pd.DataFrame(classes, columns=["class", "class_name", "class_name_zh", "colour"]),
        areas=areas,
        stock=stock[stock["value"].notna()],
        change=long_table(change) if change is not None else None,
        patches=_patches(legend.names()) if two else None,
        published=(_published(last),),
        maps=make_maps(scheme, bounds, seed),
        facts={
            "stock": last.attrs,
            "change": change.attrs if change is not None else {},
            "patches": {"found": 812, "found_area": 9.1e8},
        },
    )


def _patches(names: dict[int, tuple[str, str]]) -> pd.DataFrame:
    codes = list(names)
    rows = [
        (
            k + 1,
            codes[0],
            names[codes[0]][0],
            codes[1 + k % 3],
            names[codes[1 + k % 3]][0],
            4e6 / (k + 1),
            -3e7 / (k + 1),
        )
        for k in range(30)
    ]
    columns = ["patch_id", "before", "before_name", "after", "after_name", "area", "carbon_change"]
    return pd.DataFrame(rows, columns=columns).assign(longitude=110.5, latitude=31.25)


def _published(stock: xr.Dataset) -> PublishedTotal:
    area = float(stock["class_area"].isel(region=-1).sum())
    mean = float(stock["stock"].isel(region=-1)) / area
    ours = pd.DataFrame({"class": ["land"], "area": [area], "biomass": [0.3 * mean], "soil": [0.7 * mean]})
    theirs = ours.assign(area=1.1 * area, soil=0.5 * mean)
    split = reconcile_stock(ours, theirs, uncertainty=(0.05 * mean * area, 0.03 * mean * area))
    facts = {"gap": split.attrs["gap"], "not_separated": "definition", "year": 2020}
    return PublishedTotal(
        ACCOUNT, waterfall(split), {**facts, "gap_uncertainty": split.attrs["gap_uncertainty"]}
    )

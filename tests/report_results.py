"""Small synthetic studies for the report's tests: seeded, without any file."""

from __future__ import annotations

from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from report_analyses import make_analyses
from report_carbon import make_carbon
from report_emission import make_emission
from report_plumes import make_point_sources
from yaotan.report.result import WHOLE, ColumnResult, StudyResults

LONG_NAMES: Final = [
    ("Xinjiang Uygur Autonomous Region", "新疆维吾尔自治区"),
    ("Inner Mongolia Autonomous Region", "内蒙古自治区"),
    ("Guangxi Zhuang Autonomous Region", "广西壮族自治区"),
    ("Ningxia Hui Autonomous Region", "宁夏回族自治区"),
    ("Hong Kong Special Administrative Region", "香港特别行政区"),
    ("Heilongjiang", "黑龙江省"),
    ("Sichuan", "四川省"),
]
PRODUCTS: Final = [
    ("oco2_lite", "OCO-2 Lite v11.1", "xco2", "ppm"),
    ("gosat_swir_ch4", "GOSAT SWIR L2 V02", "xch4", "ppb"),
    ("gf5b_gmi", "GF-5B GMI L2", "xco2", "ppm"),
    ("oco3_lite", "OCO-3 Lite v10.4", "xco2", "ppm"),
    ("acos_gosat_lite", "ACOS GOSAT Lite v9", "xco2", "ppm"),
    ("gf5_gmi", "GF-5 GMI L2", "xch4", "ppb"),
]
LEVEL: Final = {"xco2": (409.0, 2.4, 2.0), "xch4": (1860.0, 9.0, 15.0)}


def make_regions(count: int, bounds: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    """Rectangular regions that tile the bounds."""
    west, south, east, north = bounds
    across = max(1, int(np.ceil(np.sqrt(count))))
    down = int(np.ceil(count / across))
    rows = []
    for number in range(count):
        row, col = divmod(number, across)
        name, name_zh = LONG_NAMES[number % len(LONG_NAMES)]
        tag = "" if number < len(LONG_NAMES) else f" {number // len(LONG_NAMES) + 1}"
        step_x, step_y = (east - west) / across, (north - south) / down
        box = shapely.box(
            west + col * step_x, south + row * step_y, west + (col + 1) * step_x, south + (row + 1) * step_y
        )
        rows.append((f"R{number:02d}", name + tag, name_zh + tag, box))
    regions = gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=["region_id", "name", "name_zh", "geometry"]),
        geometry="geometry",
        crs="EPSG:4326",
    )
    regions.attrs["source"] = "synthetic_regions.geojson"
    return regions


def make_grid(
    variable: str,
    units: str,
    months: pd.DatetimeIndex,
    bounds: tuple[float, float, float, float],
    *,
    resolution: float,
    seed: int,
    empty: bool,
    offset: float,
) -> xr.Dataset:
    """Monthly grid with a west-east gradient, a season, noise and gaps."""
    west, south, east, north = bounds
    lon_edges = np.arange(west, east + resolution / 2, resolution)
    lat_edges = np.arange(south, north + resolution / 2, resolution)
    lon, lat = (lon_edges[1:] + lon_edges[:-1]) / 2, (lat_edges[1:] + lat_edges[:-1]) / 2
    rng = np.random.default_rng(seed)
    base, growth, season = LEVEL[variable]
    year = months.year.to_numpy() - 2019 + (months.month.to_numpy() - 1) / 12
    cycle = base + growth * year + season * np.cos(2 * np.pi * (year - 0.3))
    shape = (months.size, lat.size, lon.size)
    values = cycle[:, None, None] + offset + season * 0.9 * ((lon - west) / (east - west))[None, None, :]
    values = values + season * 0.35 * rng.standard_normal(shape)
    count = rng.poisson(3.0, shape) * (rng.random(shape) < 0.55)
    if empty:
        count = np.zeros(shape, int)
    values = np.where(count > 0, values, np.nan)
    dims = ("time", "lat", "lon")
    sigma = np.where(count > 0, season * 0.4 / np.sqrt(np.maximum(count, 1)), np.nan)
    return xr.Dataset(
        {
            variable: (dims, values, {"units": units}),
            f"{variable}_count": (dims, count),
            f"{variable}_uncertainty": (dims, sigma, {"units": units}),
            "lat_bnds": (("lat", "bnds"), np.stack([lat_edges[:-1], lat_edges[1:]], axis=-1)),
            "lon_bnds": (("lon", "bnds"), np.stack([lon_edges[:-1], lon_edges[1:]], axis=-1)),
        },
        coords={
            "time": months,
            "lat": ("lat", lat, {"bounds": "lat_bnds"}),
            "lon": ("lon", lon, {"bounds": "lon_bnds"}),
        },
    )


def make_table(grid: xr.Dataset, variable: str, regions: gpd.GeoDataFrame) -> pd.DataFrame:
    """Regional table by centre of cell; good enough to draw."""
    lon, lat = np.meshgrid(grid["lon"], grid["lat"])
    points = shapely.points(lon, lat)
    rows = []
    shapes = [*regions.itertuples(), None]
    for shape in shapes:
        inside = np.ones(lon.shape, bool) if shape is None else shapely.covers(shape.geometry, points)
        for step, time in enumerate(grid["time"].values):
            values = grid[variable].values[step][inside]
            count = int(grid[f"{variable}_count"].values[step][inside].sum())
            seen = np.isfinite(values)
            random = np.nanstd(values) / np.sqrt(max(seen.sum(), 1)) if seen.sum() > 1 else np.nan
            systematic = LEVEL[variable][2] * 0.2 if count else np.nan
            rows.append(
                {
                    "region_id": WHOLE if shape is None else shape.region_id,
                    "name": "Study area" if shape is None else shape.name,
                    "name_zh": "研究区" if shape is None else shape.name_zh,
                    "time": time,
                    "value": np.nanmean(values) if count else np.nan,
                    "uncertainty": np.hypot(random, systematic),
                    "uncertainty_random": random,
                    "uncertainty_systematic": systematic,
                    "spread": np.nanstd(values) if count else np.nan,
                    "count": count,
                    "coverage": float(seen.mean()) if seen.size else 0.0,
                }
            )
    table = pd.DataFrame(rows)
    # itertuples has a field called name only when it is a column of the frame, which it is here
    before = table[["region_id", "time", "value", "uncertainty"]].copy()
    before["time"] = before["time"] + pd.DateOffset(years=1)
    merged = table.merge(before, on=["region_id", "time"], how="left", suffixes=("", "_before"))
    table["change"] = merged["value"] - merged["value_before"]
    table["change_uncertainty"] = np.hypot(merged["uncertainty"], merged["uncertainty_before"])
    return table


def make_losses(columns: list[ColumnResult], seed: int) -> pd.DataFrame:
    """Soundings and days lost, consistent with the counts kept."""
    rng = np.random.default_rng(seed)
    rows = []
    for column in columns:
        for row in (
            column.table[["region_id", "time", "count"]].rename(columns={"count": "kept"}).itertuples()
        ):
            month = f"{row.time:%Y-%m}"
            lost_flag, lost_rule = (
                (0, 0) if not row.kept else (int(rng.integers(3, 40)), int(rng.integers(0, 9)))
            )
            if not row.kept and rng.random() < 0.4:
                lost_flag = int(rng.integers(3, 40))
            key = (column.product, row.region_id, month)
            rows += [(*key, "read", "read", "sounding", row.kept + lost_flag + lost_rule)]
            rows += [(*key, "quality_flag", "flag", "sounding", lost_flag)]
            rows += [(*key, "qf:cloud_screen", "flag", "sounding", lost_flag // 2)]
            rows += [(*key, "high_airmass", "rule", "sounding", lost_rule)]
            rows += [(*key, "kept", "kept", "sounding", row.kept)]
            days = pd.Timestamp(row.time).days_in_month
            orbit = int(rng.integers(15, 22)) if row.kept or lost_flag else int(rng.integers(26, days + 1))
            cloud = int(rng.integers(0, days - orbit + 1)) if row.kept or lost_flag else days - orbit
            rows += [(*key, "no_file", "orbit", "day", 2), (*key, "no_track", "orbit", "day", orbit - 2)]
            rows += [
                (*key, "no_sounding", "cloud", "day", cloud),
                (*key, "sounded", "kept", "day", days - orbit - cloud),
            ]
    names = ["product", "region_id", "month", "reason", "kind", "unit", "count"]
    table = pd.DataFrame(rows, columns=names)
    return table[table["count"] > 0].reset_index(drop=True)


def make_contrasts(columns: list[ColumnResult], *, empty: bool) -> pd.DataFrame:
    """West-east, zonal and one regional contrast with three verdicts."""
    kinds = [
        ("east of 105° E minus west of it", "105°E 以东减以西", "west_east", (1.1, 0.6, 1.6, "higher")),
        ("north of 33° N minus south of it", "33°N 以北减以南", "zonal", (-0.2, -0.9, 0.5, "not_detectable")),
        ("Sichuan minus Heilongjiang", "四川省减黑龙江省", "regions", (-0.8, -1.3, -0.3, "lower")),
    ]
    rows = []
    for column in columns:
        scale = LEVEL[column.variable][2] / 2
        for name, name_zh, kind, (difference, lower, upper, verdict) in kinds:
            numbers = (
                (np.nan, np.nan, np.nan, "no_data")
                if empty
                else (difference * scale, lower * scale, upper * scale, verdict)
            )
            months = 0 if empty else column.grid.sizes["time"]
            rows.append((name, name_zh, kind, column.product, column.variable, *numbers, months, 120, 95))
    names = ["name", "name_zh", "kind", "product", "variable", "difference", "lower", "upper", "verdict"]
    return pd.DataFrame(rows, columns=[*names, "months", "cells_a", "cells_b"])


def make_comparison(columns: list[ColumnResult], *, empty: bool) -> pd.DataFrame:
    """Each pair of products with one variable."""
    rows = []
    for first_number, first in enumerate(columns):
        for second in columns[first_number + 1 :]:
            if second.variable == first.variable:
                scale = LEVEL[first.variable][2] / 2
                numbers = (
                    (np.nan,) * 5 if empty else tuple(scale * x for x in (0.41, -0.12, 0.94, 1.21)) + (0.83,)
                )
                verdict = "no_data" if empty else "not_detectable"
                rows.append(
                    (
                        first.variable,
                        first.product,
                        second.product,
                        0 if empty else 412,
                        0 if empty else 12,
                        *numbers,
                        verdict,
                    )
                )
    names = ["variable", "product_a", "product_b", "cells", "months", "difference", "lower", "upper", "rmsd"]
    return pd.DataFrame(rows, columns=[*names, "correlation", "verdict"])


def make_truth(columns: list[ColumnResult], seed: int) -> pd.DataFrame:
    """Estimates scattered about a truth by their own uncertainty."""
    rng = np.random.default_rng(seed)
    tables = []
    for column in columns:
        table = column.table.dropna(subset=["value", "uncertainty"])
        truth = table["value"] - table["uncertainty"] * rng.standard_normal(len(table))
        tables.append(
            pd.DataFrame(
                {
                    "product": column.product,
                    "variable": column.variable,
                    "region_id": table["region_id"],
                    "time": table["time"],
                    "estimate": table["value"],
                    "uncertainty": table["uncertainty"],
                    "truth": truth,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def make_results(
    *,
    seed: int = 1,
    months: int = 12,
    regions: int | gpd.GeoDataFrame = 6,
    products: int = 3,
    resolution: float = 2.0,
    bounds: tuple[float, float, float, float] = (100.0, 20.0, 126.0, 44.0),
    empty: bool = False,
    truth: bool = True,
    language: str = "en",
    analyses: bool = False,
    stations: int = 6,
    carbon: dict[str, object] | None = None,
    plumes: dict[str, object] | None = None,
    emission: dict[str, object] | None = None,
) -> StudyResults:
    """Whole study; with `analyses` every analysis of its first column; `carbon` and its like: how to make."""
    shapes = make_regions(regions, bounds) if isinstance(regions, int) else regions
    times = pd.date_range("2019-01-01", periods=months, freq="MS")
    columns = []
    for number, (product, title, variable, units) in enumerate(PRODUCTS[:products]):
        grid = make_grid(
            variable,
            units,
            times,
            bounds,
            resolution=resolution,
            seed=seed + number,
            empty=empty,
            offset=0.4 * number,
        )
        columns.append(
            ColumnResult(product, title, variable, units, grid, make_table(grid, variable, shapes))
        )
    end = times[-1] + pd.offsets.MonthEnd(0)
    more = make_analyses(tuple(columns), seed=seed, empty=empty, stations=stations) if analyses else {}
    if carbon is not None:
        more["carbon"] = make_carbon(shapes, bounds, **carbon)  # type: ignore[arg-type]
    if plumes is not None:
        more["point_sources"] = make_point_sources(bounds, **plumes)  # type: ignore[arg-type]
    if emission is not None:
        more["emission"] = make_emission(shapes, **emission)  # type: ignore[arg-type]
    return StudyResults(
        **more,
        title={"en": "Greenhouse-gas columns over eastern China", "zh": "中国东部温室气体柱浓度"},
        language=language,  # type: ignore[arg-type]
        period=(f"{times[0]:%Y-%m-%d}", f"{end:%Y-%m-%d}"),
        bounds=bounds,
        columns=tuple(columns),
        regions=shapes,
        contrasts=make_contrasts(columns, empty=empty),
        comparison=make_comparison(columns, empty=empty),
        losses=make_losses(columns, seed),
        truth=make_truth(columns, seed) if truth and columns and not empty else None,
        provenance={
            "inputs": [
                {
                    "file": f"oco2_LtCO2_1901{d:02d}_B11100Ar_230524224610s.nc4",
                    "product": "oco2_lite",
                    "version": "v11.1",
                    "sha256": f"{d:02x}" * 32,
                    "read": 9000 + d,
                    "kept": 4000 + d,
                }
                for d in range(1, 7)
            ],
            "skipped": [{"file": "broken.nc4", "error": "the file is cut short. To do: fetch it again."}],
            "notes": [
                {
                    "step": "fill-oco2_lite",
                    "variable": "xco2",
                    "code": "too_few",
                    "reason": "Kriging needs at least 30 observations of xco2, given are 12",
                },
                {
                    "step": "carbon-change",
                    "variable": "change_map",
                    "code": "grid",
                    "reason": "the two dates are of different grids",
                },
            ],
            "recipe": "title: Greenhouse-gas columns over eastern China\nperiod: [2019-01-01, 2019-12-31]\n",
            "software": {"yaotan": "0.1.0", "numpy": "2.2.0", "xarray": "2025.6.0"},
            "references": [
                "https://doi.org/10.5194/amt-11-6539-2018",
                "O'Dell et al. (2018), doi:10.5194/amt-11-6539-2018",
            ],
        },
        words={
            "high_airmass": {
                "en": "airmass above the limit of this study",
                "zh": "大气质量因子超过本研究上限",
            }
        },
    )


#: name -> arguments of `make_results`
VARIANTS: Final[dict[str, dict[str, object]]] = {
    "normal": {"products": 3, "months": 12},
    "analyses": {"products": 2, "months": 36, "analyses": True},
    "empty": {"empty": True, "months": 2, "products": 2, "analyses": True},
    "one_region": {
        "regions": 1,
        "products": 1,
        "months": 24,
        "truth": False,
        "analyses": True,
        "stations": 1,
    },
    "many_regions": {"regions": 34, "products": 1},
    "one_month": {"months": 1, "products": 2, "analyses": True},
    "three_years": {"months": 36, "products": 1},
    "ten_years": {
        "months": 120,
        "regions": 34,
        "products": 1,
        "truth": False,
        "analyses": True,
        "stations": 200,
    },
    "many_products": {"products": 6, "months": 1},
    "carbon": {"products": 0, "carbon": {}},
    "many_classes": {
        "regions": 34,
        "products": 1,
        "months": 2,
        "carbon": {"scheme": "survey", "years": (2000, 2005, 2010, 2015, 2020)},
    },
    "one_date": {"regions": 1, "products": 0, "carbon": {"years": (2020,), "stated": False}},
    "plumes": {"products": 1, "months": 2, "plumes": {}},
    "one_source": {
        "products": 0,
        "regions": 0,
        "plumes": {"count": 1, "found": 1, "scenes": 1, "track": False, "annual": False, "sight": False},
    },
    "many_sources": {"products": 0, "regions": 34, "plumes": {"count": 200, "found": 120, "views": 40}},
    "no_plume": {"products": 0, "plumes": {"found": 0, "track": False}},
    "emission": {"products": 0, "emission": {}},
    "dateline": {"bounds": (165.0, -50.0, 185.0, -30.0), "products": 1, "months": 2, "regions": 4},
}

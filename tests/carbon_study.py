"""A study of ecosystem carbon, small enough for tests: two dates of land classes, densities, two regions.

Forest (2) becomes cropland (1) in the west, cropland becomes built-up (8) in the east; some pixels are gone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import yaml

from analysis_study import box
from land_truth import AEA, write_raster
from yaotan.io.raster import open_raster

SIZE: Final = (48, 64)
YEARS: Final = (2010, 2020)
#: t C/ha: above, below, dead, soil to 1 m; each with its sd
DENSITY: Final = {
    1: (4.5, 0.7, 0.0, 80.0),
    2: (52.0, 13.0, 6.0, 115.0),
    4: (1.0, 5.0, 0.3, 95.0),
    5: (0.0, 0.0, 0.0, 0.0),
    8: (1.0, 0.3, 0.0, 45.0),
}
POOLS: Final = ("c_above", "c_below", "c_dead", "c_soil")
SD: Final = 0.2


def codes() -> tuple[np.ndarray, np.ndarray]:
    """Two dates."""
    rng = np.random.default_rng(4)
    before = np.full(SIZE, 2, np.uint8)
    before[:, 24:] = 1
    before[30:, :20] = 4
    before[:6, 40:50] = 5
    after = before.copy()
    after[8:18, 6:20][after[8:18, 6:20] == 2] = 1
    after[20:32, 44:60] = 8
    after[4, 30] = 2
    before[rng.random(SIZE) < 0.02] = 255
    after[rng.random(SIZE) < 0.02] = 255
    return before, after


def write_land(folder: Path) -> None:
    """Write both dates in an equal-area projection, with pixels of 500 m."""
    from affine import Affine

    for year, values in zip(YEARS, codes(), strict=True):
        write_raster(folder / f"land_{year}.tif", values, AEA, Affine(500, 0, 600000, 0, -500, 3501500))


def write_pools(folder: Path) -> None:
    """Write densities as a long table."""
    rows = [
        (code, pool, value, SD * value, "t ha-1", 1.0 if pool == "c_soil" else np.nan)
        for code, values in DENSITY.items()
        for pool, value in zip(POOLS, values, strict=True)
    ]
    names = ["class", "pool", "value", "sd", "units", "depth"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "pools.csv", index=False)


def write_places(folder: Path) -> None:
    """Write a western and an eastern region that cover the maps, in degrees."""
    land = open_raster(folder / f"land_{YEARS[0]}.tif", scheme="clcd")
    west, south, east, north = land.rio.transform_bounds("EPSG:4326")
    middle = (west + east) / 2
    shapes = {"west": box(west - 0.1, south - 0.1, middle, north + 0.1)}
    shapes["east"] = box(middle, south - 0.1, east + 0.1, north + 0.1)
    features = [
        {
            "type": "Feature",
            "properties": {"id": name, "name": name.title(), "name_zh": zh},
            "geometry": {"type": "Polygon", "coordinates": shapes[name]},
        }
        for name, zh in (("west", "西部"), ("east", "东部"))
    ]
    content = {"type": "FeatureCollection", "features": features}
    (folder / "regions.geojson").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def write_more(folder: Path) -> None:
    """Write a reference sample and a published account."""
    sample = pd.DataFrame(np.diag([90, 80, 60, 50, 70]) + 2, index=list(DENSITY), columns=list(DENSITY))
    sample.to_csv(folder / "sample.csv")
    account = pd.DataFrame(
        {
            "class": ["forest", "other"],
            "codes": ["2", "1 4 5 8"],
            "area": [250.0, 520.0],
            "biomass": [140.0, 8.0],
            "soil": [100.0, 70.0],
            "fraction": [0.5, 0.5],
        }
    )
    account.to_csv(folder / "account.csv", index=False)


def carbon_options(**given: Any) -> dict[str, Any]:
    """Give the carbon part of a study that asks for everything."""
    return {
        "landuse": [{"path": f"land_{year}.tif", "year": year} for year in YEARS],
        "scheme": "clcd",
        "pools": {"path": "pools.csv"},
        "uncertainty": {"draws": 2000, "seed": 3},
        "patches": {"least_area": 0.0, "limit": 5},
        "maps": {"cells": 200, "full": True},
        "published": [
            {
                "path": "account.csv",
                "title": "Somebody 2018",
                "area_units": "km2",
                "density_units": "t ha-1",
                "fraction": 0.47,
                "sd": 0.5,
                "sd_units": "Tg",
            }
        ],
        **given,
    }


def make_study(folder: Path, carbon: dict[str, Any] | None = None, **given: Any) -> Path:
    """Write maps, densities, regions and the study file."""
    write_land(folder)
    write_pools(folder)
    write_places(folder)
    write_more(folder)
    study = {
        "title": {"en": "Carbon of the land", "zh": "陆地碳储量"},
        "period": [f"{YEARS[0]}-01-01", f"{YEARS[1]}-12-31"],
        "regions": {"path": "regions.geojson", "region_id": "id"},
        "carbon": carbon_options() if carbon is None else carbon,
        **given,
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study, allow_unicode=True), encoding="utf-8")
    return path

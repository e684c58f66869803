"""A study of three years and two satellites, small enough for every column analysis in a test.

Of the 36 months 10 have data (a trend needs no more), and GOSAT has two of them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from yaotan.simulate.layout import (
    Retrieval,
    nies_gosat_name,
    oco2_lite_name,
    write_nies_gosat,
    write_oco2_lite,
)

#: west, south, east, north
BOUNDS: Final = (112.0, 28.0, 120.0, 34.0)
MONTHS: Final = tuple(np.datetime64("2019-01", "M") + k for k in (0, 3, 5, 12, 15, 17, 24, 27, 30, 35))
GOSAT_MONTHS: Final = MONTHS[:2]
#: what is planted: growth [ppm per year], half of the season [ppm], rise to the east [ppm per degree]
GROWTH: Final = 2.5
SEASON: Final = 3.0
EAST: Final = 0.4
STATION: Final = (116.0, 31.0)
COUNT: Final = 100


def level(time: Any, latitude: Any, longitude: Any) -> np.ndarray:
    """Give the planted field [ppm]: growth, season, a gradient, and waves of some hundred kilometres."""
    year = (np.asarray(time, "datetime64[s]") - np.datetime64("2019-01-01")).astype(float) / (365.25 * 86400)
    wave = 1.2 * np.sin(1.7 * np.asarray(latitude) + 3.0 * year) * np.cos(1.3 * np.asarray(longitude) - year)
    season = SEASON * np.sin(2 * np.pi * year)
    return 410.0 + GROWTH * year + season + EAST * (np.asarray(longitude) - 116.0) + wave


def box(west: float, south: float, east: float, north: float) -> list[list[list[float]]]:
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def write_regions(folder: Path) -> None:
    shapes = {"west": box(112, 28, 116, 34), "east": box(116, 28, 120, 34), "far": box(125, 33, 126, 36)}
    features = [
        {
            "type": "Feature",
            "properties": {"id": name, "name": name.title(), "name_zh": zh},
            "geometry": {"type": "Polygon", "coordinates": shapes[name]},
        }
        for name, zh in (("west", "西部"), ("east", "东部"), ("far", "远部"))
    ]
    content = {"type": "FeatureCollection", "features": features}
    (folder / "regions.geojson").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def write_month(folder: Path, month: np.datetime64, *, shift: float = 0.0) -> None:
    """Write two days of OCO-2 and, in some months, one of GOSAT."""
    days: list[Any] = [(oco2_lite_name, write_oco2_lite, day, 0.0) for day in (10, 20)]
    if month in GOSAT_MONTHS:
        days.append((nies_gosat_name, write_nies_gosat, 11, 0.6))
    for number, (name, write, day, bias) in enumerate(days):
        rng = np.random.default_rng([int(month.astype(int)), number])
        date = month.astype("datetime64[D]") + day
        count = COUNT // 2
        # five passes of ten soundings, so that errors of a pass and blocks of 30 s can be told
        seconds = np.repeat(np.arange(5), count // 5) * 6000 + np.tile(np.arange(count // 5), 5) * 25
        time = date.astype("datetime64[ns]") + np.timedelta64(2, "h") + (seconds * 1e9).astype("m8[ns]")
        west, south, east, north = BOUNDS
        lat, lon = rng.uniform(south, north, count), rng.uniform(west, east, count)
        value = level(time, lat, lon) + bias + shift + rng.normal(0.0, 0.5, count)
        soundings = Retrieval.make(
            count, time=time, latitude=lat, longitude=lon, xgas=value, uncertainty=np.full(count, 0.5)
        )
        write(folder / "data" / name(str(date)), soundings)


def write_station(folder: Path) -> Path:
    """Write a station as R writes tables of TCCON."""
    names = ("xco2", "error", "datetime", "solar_time", "latitude", "longitude")
    lines = [",".join([f'"tccon_{name}"' for name in names] + ['"date"', '"latitude"', '"longitude"'])]
    lon, lat = STATION
    rng = np.random.default_rng(7)
    for month in MONTHS:
        for day in (10, 20):
            start = (month.astype("datetime64[D]") + day).astype("datetime64[s]") + np.timedelta64(2, "h")
            for minute in range(0, 600, 20):
                time = start + np.timedelta64(minute, "m")
                value = float(level(time, lat, lon)) - 0.3 + rng.normal(0.0, 0.3)
                when = str(time).replace("T", " ")
                row = (f"{value:.9f}", "0.3", when, "12.5", lat, lon, when[:10], lat + 0.5, lon + 0.5)
                lines.append(",".join(map(str, row)))
    path = folder / "station.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def everything() -> dict[str, Any]:
    """Give the keys of a study that asks for all analyses."""
    return {
        "trend": {
            "regions": ["west", "东部", "far", "yangtze_delta"],
            "terms": 2,
            "harmonics": 1,
            "fewest": 4,
        },
        "anomaly": {"regions": ["west", "长三角"], "growth": "none", "min_years": 2, "fewest": 4},
        "fill": {
            "products": ["oco2_lite"],
            "months": ["2019-06", "2020-06"],
            "regions": ["west", "east"],
            "mean": {"harmonics": 1},
            "options": {"refine": False, "space_family": "exponential", "time_family": "exponential"},
        },
        "hotspots": {
            "products": ["oco2_lite"],
            "background": {"method": "regional"},
            "draws": 39,
            "anywhere": 0.05,
            "distance": 150,
        },
        "validation": {
            "products": ["oco2_lite"],
            "stations": "station.csv",
            "kernel": "none",
            "method": "radius",
            "radius": 300,
            "hours": 1.5,
        },
        "fusion": {"resolution": 4, "own_priors": True},
        "claims": [
            {"a": "east", "b": "West", "at_least": 0.5, "text": "东部更高"},
            {"a": "长三角", "b": "all", "products": ["oco2_lite"]},
            {"a": "east", "b": "west", "period": ["2020-01-01", "2020-01-31"]},
        ],
    }


def make_study(folder: Path, *, months: int = len(MONTHS), **given: Any) -> Path:
    """Write data, station, regions and study file."""
    (folder / "data").mkdir()
    for month in MONTHS[:months]:
        write_month(folder, month)
    write_regions(folder)
    write_station(folder)
    last = (MONTHS[months - 1] + 1).astype("datetime64[D]") - 1
    study = {
        "title": {"en": "All analyses", "zh": "全部分析"},
        "period": [str(MONTHS[0]) + "-01", str(last)],
        "region": list(BOUNDS),
        "inputs": [{"path": "data"}],
        "contrasts": {"west_east": None, "zonal": None},
        "regions": {"path": "regions.geojson", "region_id": "id"},
        **given,
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study, allow_unicode=True), encoding="utf-8")
    return path

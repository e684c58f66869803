"""Point sources for the report's tests: seeded, without an estimate; shapes as `quantify` gives them."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr

from yaotan.plume.estimate import TERMS, PlumeResult, make_estimate
from yaotan.plume.source import make_sources
from yaotan.report.point_source import ESTIMATE_COLUMNS, MEMBER_COLUMNS, PointSourceResult

#: names of plants as long as they get
NAMES = (
    ("Jänschwalde", "延施瓦尔德电厂"),
    ("Datang Togtoh Power Station, Units 1 to 12", "大唐国际托克托发电有限责任公司一期至五期燃煤机组"),
    ("Waigaoqiao", "上海外高桥第三发电有限责任公司"),
    ("Beilun", "国能浙江北仑第一发电有限公司"),
)
METHODS = ("cross_section", "gaussian", "ime", "light_cross_section")
NONE = ("not_detected", "cloudy", "outside", "no_wind", "too_few", "failed")
SHARES = {"noise": 0.3, "background": 0.2, "wind_speed": 0.7, "turbulence": 0.4, "method": 0.45}


def make_view(
    source: str, place: tuple[float, float], wind: tuple[float, float], rate: float, seed: int
) -> xr.Dataset:
    """Image of a straight plume with fits; without a rate the image alone."""
    rng = np.random.default_rng(seed)
    step = np.arange(-22, 23) * 2e3
    x, y = np.meshgrid(step, step)
    speed = float(np.hypot(*wind))
    along, across = (x * wind[0] + y * wind[1]) / speed, (y * wind[0] - x * wind[1]) / speed
    width = 1.2e3 + 0.12 * np.maximum(along, 0.0)
    signal = np.where(along > 0, np.exp(-0.5 * (across / width) ** 2) / width, 0.0) * rate * 12
    column = 405.0 + signal + rng.normal(0, 0.4, x.shape)
    column[rng.random(x.shape) < 0.08] = np.nan
    lat = place[1] + y / 111.2e3
    lon = place[0] + x / 111.2e3 / np.cos(np.radians(place[1]))
    image = ("y", "x")
    parts: dict[str, Any] = {
        "column": (image, column, {"units": "ppm"}),
        "latitude": (image, lat),
        "longitude": (image, lon),
    }
    attrs = {
        "source": source,
        "source_longitude": place[0],
        "source_latitude": place[1],
        "kind": "image view",
    }
    attrs |= {"variable": "xco2", "mask_variable": "no2", "units": "ppm", "substance": "co2"}
    attrs |= {"wind_u": wind[0], "wind_v": wind[1]}
    if not rate:
        return xr.Dataset(parts, attrs=attrs)
    parts["own"] = (image, (signal > 0.3) & np.isfinite(column))
    way = np.linspace(0, 38e3, 20)
    parts |= {
        "line_way": ("way", way),
        "line_longitude": (
            "way",
            place[0] + way * wind[0] / speed / 111.2e3 / np.cos(np.radians(place[1])),
        ),
        "line_latitude": ("way", place[1] + way * wind[1] / speed / 111.2e3),
    }
    offset, middle = np.arange(-9, 10) * 2e3, np.array([8e3, 18e3, 28e3, 38e3])
    wide = (1.2e3 + 0.12 * middle)[:, None]
    curve = 405.0 + np.exp(-0.5 * (offset / wide) ** 2) / wide * rate * 12
    slices = ("transect", "offset")
    parts |= {
        "offset": ("offset", offset),
        "method": ("method", list(METHODS)),
        "transect_start": ("transect", middle - 5e3),
        "transect_end": ("transect", middle + 5e3),
        "transect_observed": (slices, curve + rng.normal(0, 0.15, curve.shape)),
        "transect_observed_uncertainty": (slices, np.full(curve.shape, 0.15)),
        "transect_fit": (("method", *slices), np.stack([curve * (1 + 1e-4 * k) for k in range(4)])),
        "transect_background": (("method", *slices), np.full((4, *curve.shape), 405.0)),
    }
    return xr.Dataset(parts, attrs=attrs | {"method": "cross_section"})


def make_track_view(source: str, place: tuple[float, float], seed: int) -> xr.Dataset:
    """Soundings along a track with a fitted peak."""
    rng = np.random.default_rng(seed)
    along = np.sort(rng.uniform(-90e3, 90e3, 400))
    at = np.linspace(-60e3, 60e3, 121)

    def shape(way: np.ndarray) -> np.ndarray:
        return 2.5 * np.exp(-0.5 * (way / 4e3) ** 2)

    return xr.Dataset(
        {
            "along": ("sounding", along),
            "column": ("sounding", 405.0 + shape(along) + rng.normal(0, 0.5, 400)),
            "latitude": ("sounding", place[1] + along / 111.2e3),
            "longitude": ("sounding", np.full(400, place[0])),
            "fit_along": ("point", at),
            "fit": ("point", 405.0 + shape(at)),
            "fit_background": ("point", np.full(at.size, 405.0)),
        },
        attrs={
            **{
                "source": source,
                "source_longitude": place[0],
                "source_latitude": place[1],
                "kind": "track view",
            },
            **{"variable": "xco2", "mask_variable": "", "units": "ppm", "substance": "co2"},
            **{"wind_u": 4.0, "wind_v": 1.0, "method": "track_gaussian"},
        },
    )


def make_point_sources(
    bounds: tuple[float, float, float, float],
    *,
    seed: int = 1,
    count: int = 8,
    found: int = 5,
    scenes: int = 2,
    views: int = 8,
    track: bool = True,
    annual: bool = True,
    sight: bool = True,
) -> PointSourceResult:
    """Study of plumes: the first `found` of `count` sources have an emission in the first scene."""
    rng = np.random.default_rng(seed)
    west, south, east, north = bounds
    lon, lat = rng.uniform(west + 1, east - 1, count), rng.uniform(south + 1, north - 1, count)
    ids = [f"P{number:03d}" for number in range(count)]
    names = [NAMES[number % len(NAMES)] for number in range(count)]
    tags = ["" if number < len(NAMES) else f" {number // len(NAMES) + 1}" for number in range(count)]
    sources = make_sources(ids, lon, lat, name=[name[0] + tag for name, tag in zip(names, tags, strict=True)])
    sources["name_zh"] = [name[1] + tag for name, tag in zip(names, tags, strict=True)]
    rates = np.sort(rng.lognormal(6.0, 0.8, count))[::-1]
    rows, members, drawn = [], [], {}
    for scene in range(scenes):
        for place, source in enumerate(ids):
            given = place < found and scene == 0
            speed, degrees = rng.uniform(2, 9), rng.uniform(0, 360)
            row, own = _estimate(f"scene{scene}", source, names[place][0], rates[place], given, place, rng)
            rows.append(row | {"wind_speed": speed, "wind_direction": degrees})
            members += own
            if scene == 0 and len(drawn) < views and (given or place % 2 == 0):
                angle, where = np.radians(degrees), (float(lon[place]), float(lat[place]))
                wind = (-speed * np.sin(angle), -speed * np.cos(angle))
                on_track = track and place == 1
                drawn["scene0", source] = (
                    make_track_view(source, where, seed)
                    if on_track
                    else make_view(source, where, wind, rates[place] if given else 0.0, seed + place)
                )
    lines = gpd.GeoDataFrame(
        {name: [] for name in ("scene", "source", "method", "kind")}, geometry=[], crs=4326
    )
    plumes = gpd.GeoDataFrame({name: [] for name in ("scene", "plume", "sources")}, geometry=[], crs=4326)
    return PointSourceResult(
        "co2",
        sources,
        pd.DataFrame(rows, columns=[*ESTIMATE_COLUMNS, *(f"emission_uncertainty_{t}" for t in SHARES)]),
        pd.DataFrame(members, columns=MEMBER_COLUMNS),
        plumes,
        lines,
        drawn,
        annual=_annual(sources, rates, found) if annual else None,
        observability=_sight(sources, rng) if sight else None,
        failures=pd.DataFrame({"scene": ["bad.nc"], "reason": ["is cut short. To do: fetch it again."]}),
        seasons=make_seasons(sources, rates) if annual and found else (),
        facts={"scenes": scenes, "variable": "xco2", "mask_variable": "no2", "outside": 3},
    )


def _estimate(
    scene: str, source: str, name: str, rate: float, given: bool, place: int, rng: np.random.Generator
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    sigma = 0.2 * rate
    row = {"scene": scene, "source": source, "name": name, "time": pd.Timestamp("2019-04-23T11:00")}
    if not given:
        nothing = {
            "status": NONE[place % len(NONE)],
            "cautions": "",
            "reason": "why, in a sentence of English",
        }
        return row | nothing | {"emission": np.nan, "emission_uncertainty": np.nan, "member_count": 0}, []
    total = np.sqrt(sum(share**2 for share in SHARES.values()))
    row |= {f"emission_uncertainty_{term}": sigma * share / total for term, share in SHARES.items()}
    row |= {"emission": rate, "emission_uncertainty": sigma, "status": "estimated", "reason": ""}
    row |= {"cautions": "overlap,gap" if place == 2 else "", "member_count": 8}
    row |= {"chi_square": 9.1, "degrees_of_freedom": 7, "i_squared": 0.23}
    members = [
        {
            **{"scene": scene, "source": source, "method": method, "wind": wind, "background": "auto"},
            **{"emission": rate * rng.normal(1, 0.12), "emission_uncertainty": 1.2 * sigma, "weight": 0.125},
            **{"status": "estimated", "cautions": "", "reason": ""},
        }
        for method in METHODS
        for wind in ("gnfr_a", "100m")
    ]
    return row, members


def _annual(sources: gpd.GeoDataFrame, rates: np.ndarray, found: int) -> xr.Dataset:
    results = [
        PlumeResult(rate, {"sampling": 0.1 * rate, "method": 0.1 * rate}, details=_details(rate))
        if place < found
        else PlumeResult(status="too_few", reason="2 valid overpasses", details=_details(np.nan))
        for place, rate in enumerate(rates)
    ]
    made = make_estimate(results, sources, method="annual", substance="co2")
    return made.assign_attrs(profile='{"P000": "CoCO2 energy, Germany"}')


def _details(rate: float) -> dict[str, tuple[float, str]]:
    bounds = {"emission_lower": (0.7 * rate, "kg s-1"), "emission_upper": (1.3 * rate, "kg s-1")}
    counts = {"overpass_count": (30.0, "1"), "used_count": (21.0, "1"), "calm_share": (0.12, "1")}
    return bounds | counts


def make_seasons(sources: gpd.GeoDataFrame, rates: np.ndarray) -> tuple[tuple[xr.Dataset, xr.Dataset], ...]:
    """Divergence of a mean flux round the first source, and a decay along the wind of the second."""
    one, two = sources.iloc[:1], sources.iloc[1:2]
    scenes = {"scene_count": (24.0, "1")}
    found = PlumeResult(rates[0], {"noise": 0.1 * rates[0]}, details=scenes)
    peak = make_estimate([found], one, method="divergence", substance="co2")
    step = np.arange(-14, 15) * 4e3
    x, y = np.meshgrid(step, step)
    noise = np.random.default_rng(5).normal(0, 2e-7, x.shape)
    field = rates[0] / (2 * np.pi * 36e6) * np.exp(-(x**2 + y**2) / 72e6) + noise
    drawn = xr.Dataset({"divergence": (("source", "y", "x"), field[None])}, coords={"x": step, "y": step})
    seasons = [(peak, drawn)]
    if len(two):
        more = scenes | {"lifetime": (7200.0, "s"), "lifetime_uncertainty": (1100.0, "s")}
        found = PlumeResult(rates[1], {"noise": 0.15 * rates[1]}, details=more)
        time = np.arange(-3300.0, 21600.0, 600.0)
        fit = rates[1] * np.where(time > 0, np.exp(-time / 7200.0), 0.0)
        curve = {"flux": fit + 8.0, "flux_uncertainty": np.full(time.size, 20.0), "fit": fit}
        parts = {name: ("travel_time", values) for name, values in curve.items()}
        made = make_estimate([found], two, method="emg", substance="co2")
        seasons.append((made, xr.Dataset(parts, coords={"travel_time": time})))
    return tuple(seasons)


def _sight(sources: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    rows = []
    for sensor, visits in (("oco2", 1.4), ("oco3", np.nan), ("tropomi", 380.0), ("gf5b", np.nan)):
        for row in sources.itertuples():
            detection = rng.uniform(0, 1)
            error = rng.uniform(0.1, 0.5) if np.isfinite(visits) else np.nan
            needed = 12.0 if sensor == "oco3" and detection > 0.3 else np.inf
            rows.append(
                {
                    **{"source": row.source, "name": row.name, "sensor": sensor, "detection": detection},
                    **{"expected_error": rng.uniform(0.2, 0.6), "visits": visits, "needed_visits": needed},
                    **{"annual_error": error, "geometry": row.geometry},
                }
            )
    return gpd.GeoDataFrame(rows, geometry="geometry", crs=4326)


assert set(SHARES) <= set(TERMS)

"""Descriptions of the two real panels (``ml/`` of the test data, see its README); the data are not copied."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from yaotan.emission import Panel, open_panel

LIGHTS: Final = "nW cm-2 sr-1"
#: column -> role, unit; lights, population and land cover of a year are known when that year has ended
FEATURES: Final[dict[str, tuple[str, str]]] = {
    "ntl_sum": ("scale", LIGHTS),
    "ntl_sum_urban": ("feature", LIGHTS),
    "ntl_sum_crop": ("feature", LIGHTS),
    "population": ("scale", "1"),
    "population_urban": ("feature", "1"),
    "population_crop": ("feature", "1"),
    **{f"{name}_km2": ("feature", "km2") for name in ("urban", "crop", "forest", "grass", "barren", "water")},
    "area_km2": ("feature", "km2"),
    "npp_mean": ("feature", "g m-2 yr-1"),
}
SOURCE: Final = {
    "ntl": "VIIRS-like night lights, Chen Z. et al. 2021 (ESSD), zonal sums",
    "pop": "gridded population, product not named at the source",
    "npp": "MODIS annual NPP, scale of the source not verified",
}
#: sectors that stand beside the total of a province
PARTS: Final = ("power_heat", "ferrous", "nonmetal_mineral", "transport", "process_cement")


def _features() -> dict[str, dict[str, Any]]:
    return {
        name: {"role": role, "unit": unit, "source": SOURCE.get(name[:3], "MODIS MCD12Q1, IGBP classes")}
        for name, (role, unit) in FEATURES.items()
    }


def _target() -> dict[str, Any]:
    scope = "scope 1, IPCC sectoral approach, fossil + cement process"
    return {"role": "target", "unit": "Mt yr-1", "scope": scope, "source": "CEADs", "lag": 2}


PROVINCE: Final[dict[str, Any]] = {
    "title": "30 provinces of China, 2001-2020",
    "keys": {
        "region": "province_id",
        "period": "year",
        "region_name": "province",
        "zone": {"column": "province_id", "digits": 1},
    },
    "columns": {
        "co2_mt": _target(),
        "target_flag": {"role": "flag", "unit": "1", "description": "placeholders near 1 Mt at the source"},
        **{
            f"co2_{part}_mt": {"role": "part", "unit": "Mt yr-1", "source": "CEADs", "lag": 2}
            for part in PARTS
        },
        "chen2020_ntl_co2_mt": {
            "role": "feature",
            "unit": "Mt yr-1",
            "source": "Chen J. et al. 2020, Sci. Data 7, 391: from lights and the same statistics",
            "derived_from_target": True,
        },
        **_features(),
    },
}
CITY: Final[dict[str, Any]] = {
    "title": "361 cities of China, 2001-2020",
    "keys": {
        "region": "city_id",
        "period": "year",
        "region_name": "city",
        "region_name_zh": "city",
        "parent": "province_id",
        "zone": {"column": "province_id", "digits": 1},
    },
    "columns": {"co2_mt": _target(), **_features()},
    "ignore": {"province": "the code of the province is the parent"},
}


def province_panel(data_root: Path) -> Panel:
    """Open the panel of provinces: targets to 2016, features to 2020."""
    return open_panel(data_root / "ml" / "province_panel.csv", PROVINCE)


def city_panel(data_root: Path) -> Panel:
    """Open the panel of cities: targets to 2016, none of six whole provinces."""
    return open_panel(data_root / "ml" / "city_panel.csv", CITY)

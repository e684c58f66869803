"""Yaotan (遥碳): greenhouse-gas columns from satellite granules to maps, regional tables and a report.

The verbs of every day are importable from here, those of one field from its package (``yaotan.carbon``);
the modules behind them load when first used.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Any, Final

from yaotan.lazy import load as _load

#: fields with further public names of their own, such as yaotan.carbon.class_area
_PACKAGES: Final = ("carbon", "column", "emission", "grid", "io", "plume")
#: public name -> module that holds it
_HOME: Final = {
    "identify": "yaotan.io.identify",
    "open_soundings": "yaotan.io.soundings",
    "open_scene": "yaotan.io.scene",
    "open_regions": "yaotan.io.region",
    "open_grid": "yaotan.io.netcdf",
    "open_stations": "yaotan.io.station",
    "open_wind": "yaotan.io.wind",
    "open_raster": "yaotan.io.raster",
    "write": "yaotan.io.write",
    "fetch": "yaotan.io.fetch",
    "index_granules": "yaotan.io.index.scan",
    "GridSpec": "yaotan.grid.spec",
    "grid_soundings": "yaotan.grid.bin",
    "merge_grids": "yaotan.grid.merge",
    "regrid": "yaotan.grid.regrid",
    "zonal_statistics": "yaotan.grid.zonal",
    "sample_grid": "yaotan.grid.sample",
    "annual_emission": "yaotan.plume.annual",
    "flux_divergence": "yaotan.plume.divergence",
    "screen": "yaotan.column.screening",
    "background": "yaotan.column.background.background",
    "enhancement": "yaotan.column.background.enhancement",
    "anomaly": "yaotan.column.anomaly.anomaly",
    "hot_spots": "yaotan.column.hotspot.hotspot",
    "check_claim": "yaotan.column.claim",
    "harmonise_prior": "yaotan.column.kernel.harmonise",
    "collocate": "yaotan.column.validation.collocation",
    "validate": "yaotan.column.validation.validation",
    "BiasCorrection": "yaotan.column.fusion.correction",
    "fuse": "yaotan.column.fusion.ensemble",
    "fit_trend": "yaotan.column.trend.fit",
    "growth": "yaotan.column.trend.growth",
    "fill_gaps": "yaotan.column.fill.filling",
    "SpaceTimeKriging": "yaotan.column.fill.kriging",
    "FixedRankKriging": "yaotan.column.fill.fixed_rank",
    "Dineof": "yaotan.column.fill.dineof",
    "carbon_stock": "yaotan.carbon.stock",
    "stock_change": "yaotan.carbon.change.change",
    "BiomassModel": "yaotan.carbon.biomass.model",
    "transition_matrix": "yaotan.carbon.land",
    "EffectiveWind": "yaotan.plume.effective",
    "column_mass": "yaotan.plume.mass",
    "detect_plumes": "yaotan.plume.detection",
    "estimate_point_source": "yaotan.plume.method",
    "ProvincialEmission": "yaotan.emission.model",
    "evaluate": "yaotan.emission.evaluation",
    "reconcile": "yaotan.emission.hierarchy",
    "save_model": "yaotan.emission.archive",
    "load_model": "yaotan.emission.archive",
    "simulate_study": "yaotan.simulate.study",
    "report": "yaotan.report",
    "quantify_files": "yaotan.recipes.plume",
    "run": "yaotan.recipes.run",
    "YaotanError": "yaotan.errors",
}

__all__ = ["__version__", *_HOME, *_PACKAGES]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return metadata.version("yaotan")
    if name in _PACKAGES:
        return import_module(f"{__name__}.{name}")
    value = _load(__name__, _HOME, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

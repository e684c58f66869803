"""Yaotan (遥碳): greenhouse-gas columns from satellite granules to maps, regional tables and a report.

Every public verb is importable from here; the modules behind them load when first used.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Any, Final

#: public name -> module that holds it
_HOME: Final = {
    "identify": "yaotan.io.identify",
    "open_soundings": "yaotan.io.soundings",
    "open_scene": "yaotan.io.scene",
    "open_regions": "yaotan.io.region",
    "open_grid": "yaotan.io.netcdf",
    "open_stations": "yaotan.io.station",
    "open_wind": "yaotan.io.wind",
    "open_load_profile": "yaotan.io.load",
    "open_temporal_profile": "yaotan.io.load",
    "open_raster": "yaotan.io.raster",
    "write": "yaotan.io.write",
    "fetch": "yaotan.io.fetch",
    "index_granules": "yaotan.io.index.scan",
    "open_index": "yaotan.io.index.query",
    "find_granules": "yaotan.io.index.query",
    "write_stac": "yaotan.io.stac.granule",
    "GridSpec": "yaotan.grid.spec",
    "grid_soundings": "yaotan.grid.bin",
    "merge_grids": "yaotan.grid.merge",
    "coarsen_grid": "yaotan.grid.coarsen",
    "regrid": "yaotan.grid.regrid",
    "resample_swath": "yaotan.grid.swath",
    "SuperGaussian": "yaotan.grid.response",
    "zonal_statistics": "yaotan.grid.zonal",
    "sample_grid": "yaotan.grid.sample",
    "annual_emission": "yaotan.plume.annual",
    "flux_divergence": "yaotan.plume.divergence",
    "observable_sources": "yaotan.plume.observability",
    "find_track_peaks": "yaotan.plume.trackpeak",
    "screen": "yaotan.column.screening",
    "background": "yaotan.column.background.background",
    "enhancement": "yaotan.column.background.enhancement",
    "anomaly": "yaotan.column.anomaly.anomaly",
    "anomaly_table": "yaotan.column.anomaly.table",
    "hot_spots": "yaotan.column.hotspot.hotspot",
    "persistence": "yaotan.column.hotspot.persistence",
    "eof": "yaotan.column.hotspot.eof",
    "check_claim": "yaotan.column.claim",
    "Profile": "yaotan.column.kernel.profile",
    "harmonise_prior": "yaotan.column.kernel.harmonise",
    "smooth_profile": "yaotan.column.kernel.harmonise",
    "collocate": "yaotan.column.validation.collocation",
    "validate": "yaotan.column.validation.validation",
    "BiasCorrection": "yaotan.column.fusion.correction",
    "fuse": "yaotan.column.fusion.ensemble",
    "smoothing_error": "yaotan.column.kernel.smoothing",
    "fit_trend": "yaotan.column.trend.fit",
    "growth": "yaotan.column.trend.growth",
    "seasonal_cycle": "yaotan.column.trend.season",
    "trend_test": "yaotan.column.trend.significance",
    "region_series": "yaotan.column.trend.region",
    "band_series": "yaotan.column.trend.region",
    "fill_gaps": "yaotan.column.fill.filling",
    "MeanModel": "yaotan.column.fill.mean",
    "SpaceTimeKriging": "yaotan.column.fill.kriging",
    "FixedRankKriging": "yaotan.column.fill.fixed_rank",
    "Dineof": "yaotan.column.fill.dineof",
    "cross_validate": "yaotan.column.fill.crossvalidation",
    "open_pools": "yaotan.carbon.pool",
    "RasterPool": "yaotan.carbon.raster_pool",
    "carbon_stock": "yaotan.carbon.stock",
    "soil_pools": "yaotan.carbon.soil",
    "stock_change": "yaotan.carbon.change.change",
    "stock_series": "yaotan.carbon.change.series",
    "reconcile_stock": "yaotan.carbon.reconciliation",
    "BiomassModel": "yaotan.carbon.biomass.model",
    "sample_predictors": "yaotan.carbon.biomass.predictor",
    "below_ground": "yaotan.carbon.biomass.root",
    "tree_biomass": "yaotan.carbon.biomass.stand",
    "plot_biomass": "yaotan.carbon.biomass.stand",
    "class_area": "yaotan.carbon.land",
    "transition_matrix": "yaotan.carbon.land",
    "reclassify": "yaotan.carbon.crosswalk",
    "adjusted_area": "yaotan.carbon.accuracy",
    "change_map": "yaotan.carbon.change_map",
    "change_patches": "yaotan.carbon.patch",
    "write_patches": "yaotan.carbon.patch",
    "make_sources": "yaotan.plume.source",
    "EffectiveWind": "yaotan.plume.effective",
    "effective_wind": "yaotan.plume.wind",
    "column_mass": "yaotan.plume.mass",
    "detect_plumes": "yaotan.plume.detection",
    "estimate_point_source": "yaotan.plume.method",
    "simulate_study": "yaotan.simulate.study",
    "report": "yaotan.report",
    "run": "yaotan.recipes.run",
    "YaotanError": "yaotan.errors",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return metadata.version("yaotan")
    if name in _HOME:
        home = import_module(_HOME[name])
        # a package of the verb's own name (report) is itself the callable
        value = home if home.__name__ == f"{__name__}.{name}" else getattr(home, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'yaotan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

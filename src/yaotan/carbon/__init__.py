"""Ecosystem carbon: areas and transitions of land classes, stocks and their change."""

from __future__ import annotations

from typing import Any, Final

from yaotan.lazy import load as _load

#: public name -> module that holds it
_HOME: Final = {
    "RasterPool": "yaotan.carbon.raster_pool",
    "adjusted_area": "yaotan.carbon.accuracy",
    "below_ground": "yaotan.carbon.biomass.root",
    "change_map": "yaotan.carbon.change_layer",
    "change_patches": "yaotan.carbon.patch",
    "class_area": "yaotan.carbon.land",
    "open_pools": "yaotan.carbon.pool",
    "plot_biomass": "yaotan.carbon.biomass.stand",
    "reclassify": "yaotan.carbon.crosswalk",
    "reconcile_stock": "yaotan.carbon.reconciliation",
    "sample_predictors": "yaotan.carbon.biomass.predictor",
    "soil_pools": "yaotan.carbon.soil",
    "stock_series": "yaotan.carbon.change.series",
    "tree_biomass": "yaotan.carbon.biomass.stand",
    "write_patches": "yaotan.carbon.patch",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    value = _load(__name__, _HOME, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})

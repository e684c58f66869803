"""Ecosystem carbon: areas and transitions of land classes, stocks and their change."""

from __future__ import annotations

from typing import Final

from yaotan.lazy import attach as _attach

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
__getattr__, __dir__ = _attach(__name__, _HOME)

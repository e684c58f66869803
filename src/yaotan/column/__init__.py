"""Analysis of column mole fractions: screening, contrasts, comparison, reasons for missing data."""

from __future__ import annotations

from typing import Final

from yaotan.lazy import attach as _attach

#: public name -> module that holds it
_HOME: Final = {
    "MeanModel": "yaotan.column.fill.mean",
    "Profile": "yaotan.column.kernel.profile",
    "anomaly_table": "yaotan.column.anomaly.table",
    "band_series": "yaotan.column.trend.region",
    "cross_validate": "yaotan.column.fill.crossvalidation",
    "eof": "yaotan.column.hotspot.eof",
    "persistence": "yaotan.column.hotspot.persistence",
    "region_series": "yaotan.column.trend.region",
    "seasonal_cycle": "yaotan.column.trend.season",
    "smooth_profile": "yaotan.column.kernel.harmonise",
    "smoothing_error": "yaotan.column.kernel.smoothing",
    "trend_test": "yaotan.column.trend.significance",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = _attach(__name__, _HOME)

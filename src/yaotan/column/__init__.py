"""Analysis of column mole fractions: screening, contrasts, comparison, reasons for missing data."""

from __future__ import annotations

from typing import Any, Final

from yaotan.lazy import load as _load

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


def __getattr__(name: str) -> Any:
    value = _load(__name__, _HOME, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})

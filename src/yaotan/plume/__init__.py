"""Point sources: plumes found in images and on tracks, and the emission they stand for."""

from __future__ import annotations

from typing import Final

from yaotan.lazy import attach as _attach

#: public name -> module that holds it
_HOME: Final = {
    "effective_wind": "yaotan.plume.wind",
    "fit_mean_flux": "yaotan.plume.divergence",
    "fit_travel": "yaotan.plume.emg",
    "fitted_curve": "yaotan.plume.emg",
    "find_track_peaks": "yaotan.plume.trackpeak",
    "make_sources": "yaotan.plume.source",
    "mean_flux": "yaotan.plume.meanflux",
    "observable_map": "yaotan.plume.observable",
    "observable_sources": "yaotan.plume.observable",
    "open_load_profile": "yaotan.io.load",
    "open_sources": "yaotan.io.source",
    "open_temporal_profile": "yaotan.io.load",
    "quantify": "yaotan.plume.scene",
    "shared_work": "yaotan.plume.sharing",
    "travel_curve": "yaotan.plume.travel",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = _attach(__name__, _HOME)

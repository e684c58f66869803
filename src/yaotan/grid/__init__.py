"""Soundings to grid, grid to regions."""

from __future__ import annotations

from typing import Final

from yaotan.lazy import attach as _attach

#: public name -> module that holds it
_HOME: Final = {
    "SuperGaussian": "yaotan.grid.response",
    "coarsen_grid": "yaotan.grid.coarsen",
    "resample_swath": "yaotan.grid.swath",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = _attach(__name__, _HOME)

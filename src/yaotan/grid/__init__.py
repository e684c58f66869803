"""Soundings to grid, grid to regions."""

from __future__ import annotations

from typing import Any, Final

from yaotan.lazy import load as _load

#: public name -> module that holds it
_HOME: Final = {
    "SuperGaussian": "yaotan.grid.response",
    "coarsen_grid": "yaotan.grid.coarsen",
    "resample_swath": "yaotan.grid.swath",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    value = _load(__name__, _HOME, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})

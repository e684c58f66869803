"""Files in and out: the only layer that opens data files."""

from __future__ import annotations

from typing import Any, Final

from yaotan.lazy import load as _load

#: public name -> module that holds it
_HOME: Final = {
    "find_granules": "yaotan.io.index.query",
    "open_cdiac": "yaotan.io.inventory.cdiac",
    "open_image": "yaotan.io.image",
    "open_index": "yaotan.io.index.query",
    "open_inventory": "yaotan.io.inventory.opening",
    "open_power_plants": "yaotan.io.plant",
    "write_stac": "yaotan.io.stac.granule",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    value = _load(__name__, _HOME, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})

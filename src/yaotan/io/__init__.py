"""Files in and out: the only layer that opens data files."""

from __future__ import annotations

from typing import Final

from yaotan.lazy import attach as _attach

#: public name -> module that holds it
_HOME: Final = {
    "find_granules": "yaotan.io.index.query",
    "find_kind": "yaotan.io.kind",
    "open_cdiac": "yaotan.io.inventory.cdiac",
    "open_estimate": "yaotan.io.netcdf",
    "open_image": "yaotan.io.image",
    "open_index": "yaotan.io.index.query",
    "open_inventory": "yaotan.io.inventory.opening",
    "open_power_plants": "yaotan.io.plant",
    "write_stac": "yaotan.io.stac.granule",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = _attach(__name__, _HOME)

"""A raster of classes in the overlay: codes become places in the list of its legend."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.carbon.lattice import Lattice
from yaotan.carbon.layer import Layer
from yaotan.catalog.landcover import Legend, find_legend
from yaotan.errors import SchemaError
from yaotan.io.raster_legend import missing_codes

#: indices of codes of more than 16 bits that are missing, or in no legend
_MISSING: Final = 65534
_UNKNOWN: Final = 65535


class ClassLayer(Layer):
    """A raster of classes.

    Parameters
    ----------
    raster : xarray.DataArray
        With the attribute ``scheme``.
    first : Lattice, optional
        As in `Layer`.
    """

    def __init__(self, raster: xr.DataArray, first: Lattice | None = None) -> None:
        super().__init__(raster, first)
        scheme = raster.attrs.get("scheme")
        if not scheme:
            raise SchemaError(
                "does not say the scheme of its codes",
                where=self.name,
                expected="a raster of open_raster(..., scheme=...)",
                fix="open it with open_raster, or set raster.attrs['scheme']",
            )
        if raster.dtype.kind not in "iu":
            raise SchemaError(f"holds {raster.dtype}: no class codes", where=self.name, expected="integers")
        self.legend: Legend = find_legend(str(scheme))
        self.codes = np.array(sorted(self.legend.classes), dtype=np.int64)
        fill = raster.attrs.get("_FillValue", raster.encoding.get("_FillValue"))
        missing = missing_codes(self.legend, None if fill is None or fill != fill else fill)
        clash = set(missing.tolist()) & set(self.codes.tolist())
        if clash:
            raise SchemaError(
                f"nodata {sorted(clash)} is a class of {scheme}", where=self.name, fix="open it with nodata="
            )
        self.missing = missing
        self.places = self._table()

    def _table(self) -> NDArray[np.int64]:
        """Place of every code of 8 or 16 bits (signed ones as their bits)."""
        size = len(self.codes)
        wide = 256 if self.raster.dtype.itemsize == 1 else 65536
        table = np.full(wide, size + 1, dtype=np.int64)
        nowhere = np.full(len(self.missing), size)
        for codes, places in ((self.codes, np.arange(size)), (self.missing, nowhere)):
            if self.raster.dtype.itemsize <= 2:
                low, high = np.iinfo(self.raster.dtype).min, np.iinfo(self.raster.dtype).max
                fits = (codes >= low) & (codes <= high)
                table[codes[fits] % wide] = places[fits]
            else:
                fits = (codes >= 0) & (codes < _MISSING)
                table[codes[fits]] = places[fits]
        if self.raster.dtype.itemsize > 2:
            table[_MISSING], table[_UNKNOWN] = size, size + 1
        return table

    def as_index(self, block: NDArray[Any]) -> NDArray[Any]:
        """Codes as indices into the table."""
        if block.dtype.itemsize <= 2:
            return block.view(np.dtype(f"uint{8 * block.dtype.itemsize}"))
        small = (block >= 0) & (block < _MISSING)
        index = np.where(small, block, _UNKNOWN)
        index[np.isin(block, self.missing)] = _MISSING
        return index.astype(np.uint16)

    def refuse_unknown(self, block: NDArray[Any]) -> None:
        """Raise if a block holds a code that is neither a class nor missing."""
        codes = np.unique(block)
        strange = codes[~np.isin(codes, np.concatenate([self.codes, self.missing]))]
        if strange.size:
            raise SchemaError(
                f"holds code(s) {', '.join(map(str, strange[:8]))}, which are not in {self.legend.scheme}",
                where=self.name,
                expected="codes of the legend",
                fix="open it with the right scheme=, or with nodata=",
            )

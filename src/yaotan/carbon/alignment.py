"""A raster of classes on the lattice of another: the class that most of a pixel has."""

from __future__ import annotations

from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.carbon.class_layer import ClassLayer
from yaotan.carbon.kernel import largest_share
from yaotan.carbon.lattice import Pieces, common_pieces, lattice_of
from yaotan.carbon.layer import Window, gather
from yaotan.io.raster_file import with_crs

#: share of a pixel that must have a class; rounding of edges must not take it away
_LEAST: Final = 0.5 - 1e-6


def align_classes(landuse: xr.DataArray, like: xr.DataArray) -> xr.DataArray:
    """Bring a raster of classes to the lattice of another raster, by largest share.

    Areas and transitions need no such thing: they are exact on lattices that differ. Maps by pixel do.

    Parameters
    ----------
    landuse : xarray.DataArray
        Land classes with the attribute ``scheme``.
    like : xarray.DataArray
        Raster whose pixels are wanted.

    Returns
    -------
    xarray.DataArray
        Lazy; the class of the largest share of each pixel (of equal shares the smallest code), missing where
        less than half of it has a class. ``attrs["aligned"]`` says so.

    Raises
    ------
    SchemaError, GridError
        `landuse` does not say its scheme, or one of the two has no even lattice or CRS.

    Examples
    --------
    >>> import rioxarray
    >>> def land(codes, x):
    ...     axes = {"y": [1500.0, 500.0], "x": x}
    ...     made = xr.DataArray(np.array(codes, dtype="uint8"), coords=axes, dims=("y", "x"))
    ...     return made.assign_attrs(scheme="clcd", _FillValue=0).rio.write_crs("EPSG:6933")
    >>> first, second = land([[1, 1], [2, 2]], [500.0, 1500.0]), land([[1, 2], [2, 8]], [200.0, 1200.0])
    >>> align_classes(second, first).values.tolist()
    [[1, 2], [2, 8]]
    """
    target = lattice_of(like)
    layer = ClassLayer(landuse, target)
    axes = (None, None) if layer.axes is None else layer.axes
    rows, columns = (
        common_pieces([own, other], [(own.start, own.stop)], layer.split())
        for own, other in zip((target.y, target.x), axes, strict=True)
    )
    fill = landuse.attrs.get("_FillValue", layer.missing[0] if layer.missing.size else 0)
    codes = np.append(layer.codes, int(fill)).astype(landuse.dtype)

    def make(block: NDArray[Any], block_info: Any = None) -> NDArray[Any]:
        del block
        (top, bottom), (left, right) = block_info[None]["array-location"]
        return codes[_block(layer, rows, columns, slice(top, bottom), slice(left, right))]

    chunks: Any = like.chunks or tuple(min(1024, size) for size in like.shape)
    frame = da.zeros(target.shape, chunks=chunks, dtype=np.uint8)
    made = xr.DataArray(
        da.map_blocks(make, frame, dtype=landuse.dtype),
        coords={dim: like[dim] for dim in ("y", "x")},
        dims=("y", "x"),
        name=landuse.name,
        attrs={**landuse.attrs, "_FillValue": codes[-1], "aligned": "class of the largest share"},
    )
    return with_crs(made, like.rio.crs)


def _block(layer: ClassLayer, rows: Pieces, columns: Pieces, part: slice, other: slice) -> NDArray[np.int64]:
    """Places of the classes of a block of pixels."""
    starts = [
        np.searchsorted(pieces.edges, np.arange(s.start, s.stop + 1))
        for pieces, s in ((rows, part), (columns, other))
    ]
    window = Window(*(slice(int(s[0]), int(s[-1])) for s in starts))
    size = len(layer.codes)
    out = np.full((part.stop - part.start, other.stop - other.start), size, dtype=np.int64)
    found = layer.locate(window, rows, columns, 1)
    if found is None:
        return out
    block = layer.read(found[0], found[1])
    places = layer.places[layer.as_index(block)]
    if (places == size + 1).any():
        layer.refuse_unknown(block)
    place = gather(places, found[2], found[3], size)
    shares = [
        np.diff(pieces.edges[s.start : s.stop + 1])
        for pieces, s in ((rows, window.rows), (columns, window.columns))
    ]
    largest_share(np.ascontiguousarray(place), *(s - s[0] for s in starts), *shares, size, _LEAST, out)
    return out

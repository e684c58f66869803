"""Tiles as one raster: a VRT text that GDAL reads, so that tiles are opened as windows ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import numpy as np
import rasterio
from rasterio.errors import RasterioError

from yaotan.errors import GridError, NotAGranuleError
from yaotan.typing import PathLike

#: numpy's name of a type -> GDAL's
_TYPES: Final = {
    "uint8": "Byte",
    "int8": "Int8",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "float32": "Float32",
    "float64": "Float64",
}
#: departure of a tile's corner from the lattice of the first tile that rounding explains [pixels]
_OFF: Final = 1e-3


def mosaic_text(paths: Sequence[PathLike], *, band: int = 1) -> str:
    """Describe tiles of one lattice as one raster.

    Parameters
    ----------
    paths : sequence of path-like
        Tiles of one reference system, type, nodata value and pixel size, their corners on one lattice. Where
        tiles overlap the later one is seen.
    band : int
        From 1.

    Returns
    -------
    str
        VRT, with one band. Pixels that no tile has are nodata.

    Raises
    ------
    GridError
        Tiles do not fit together, or there is a hole between tiles and no nodata value for it.
    NotAGranuleError
        A tile cannot be opened.
    """
    tiles = [_facts(Path(path), band) for path in sorted(map(str, paths))]
    first = tiles[0]
    for tile in tiles[1:]:
        for key in ("crs", "dtype", "nodata"):
            if str(tile[key]) != str(first[key]):
                raise GridError(
                    f"has {key} {tile[key]}, the first tile has {first[key]}",
                    where=tile["path"],
                    expected="tiles of one kind",
                )
    a, e = first["transform"].a, first["transform"].e
    west = min(t["transform"].c if a > 0 else t["transform"].c + a * t["width"] for t in tiles)
    north = max(t["transform"].f for t in tiles)
    placed = [(tile, *_place(tile, first, west, north)) for tile in tiles]
    width = max(column + tile["width"] for tile, _, column in placed)
    height = max(row + tile["height"] for tile, row, _ in placed)
    covered = sum(tile["width"] * tile["height"] for tile in tiles)
    if first["nodata"] is None and covered < width * height:
        raise GridError(
            "the tiles leave holes and have no nodata value",
            where=first["path"],
            fix="make the mosaic with gdalbuildvrt -vrtnodata",
        )
    root = ElementTree.Element("VRTDataset", rasterXSize=str(width), rasterYSize=str(height))
    if first["crs"] is not None:
        ElementTree.SubElement(root, "SRS").text = first["crs"].to_wkt()
    ElementTree.SubElement(root, "GeoTransform").text = ", ".join(map(repr, (west, a, 0.0, north, 0.0, e)))
    layer = ElementTree.SubElement(root, "VRTRasterBand", dataType=_TYPES[first["dtype"]], band="1")
    if first["nodata"] is not None:
        ElementTree.SubElement(layer, "NoDataValue").text = repr(first["nodata"])
    for tile, row, column in placed:
        _add_source(layer, tile, row, column, band)
    return ElementTree.tostring(root, encoding="unicode")


def _facts(path: Path, band: int) -> dict[str, Any]:
    try:
        with rasterio.open(path) as file:
            if file.dtypes[band - 1] not in _TYPES:
                raise GridError(f"values are {file.dtypes[band - 1]}", where=path, expected=", ".join(_TYPES))
            return {
                "path": path.resolve(),
                "crs": file.crs,
                "dtype": file.dtypes[band - 1],
                "nodata": file.nodatavals[band - 1],
                "transform": file.transform,
                "width": file.width,
                "height": file.height,
                "block": file.block_shapes[band - 1],
            }
    except (RasterioError, IndexError) as error:
        raise NotAGranuleError(f"cannot be opened as a tile ({error})", where=path) from error


def _place(tile: dict[str, Any], first: dict[str, Any], west: float, north: float) -> tuple[int, int]:
    """Row and column of a tile's corner."""
    a, e = first["transform"].a, first["transform"].e
    own = tile["transform"]
    same = np.allclose([own.a, own.e], [a, e], rtol=_OFF / max(tile["width"], tile["height"]), atol=0.0)
    column, row = (own.c - west) / a, (own.f - north) / e
    off = max(abs(column - round(column)), abs(row - round(row)))
    if not same or own.b or own.d or off > _OFF:
        raise GridError(
            f"lies {off:.3g} pixels off the lattice of the first tile, or has other pixels",
            where=tile["path"],
            expected=f"pixels of {a} by {e}, corners on one lattice",
            fix="open it alone, or warp it to the lattice of the others",
        )
    return round(row), round(column)


def _add_source(layer: Any, tile: dict[str, Any], row: int, column: int, band: int) -> None:
    kind = "SimpleSource" if tile["nodata"] is None else "ComplexSource"
    source = ElementTree.SubElement(layer, kind)
    ElementTree.SubElement(source, "SourceFilename", relativeToVRT="0").text = str(tile["path"])
    ElementTree.SubElement(source, "SourceBand").text = str(band)
    width, height = str(tile["width"]), str(tile["height"])
    properties = {"RasterXSize": width, "RasterYSize": height, "DataType": _TYPES[tile["dtype"]]}
    block = {"BlockXSize": str(tile["block"][1]), "BlockYSize": str(tile["block"][0])}
    ElementTree.SubElement(source, "SourceProperties", {**properties, **block})
    ElementTree.SubElement(source, "SrcRect", xOff="0", yOff="0", xSize=width, ySize=height)
    ElementTree.SubElement(source, "DstRect", xOff=str(column), yOff=str(row), xSize=width, ySize=height)
    if tile["nodata"] is not None:
        ElementTree.SubElement(source, "NODATA").text = repr(tile["nodata"])

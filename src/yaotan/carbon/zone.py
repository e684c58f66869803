"""Regions of the overlay: a raster of region codes, or polygons with their exact share of every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from yaotan.carbon.histogram import WHOLE, WHOLE_NAME
from yaotan.carbon.lattice import Lattice
from yaotan.carbon.layer import Layer
from yaotan.errors import RegionError, SchemaError
from yaotan.grid.axes import Axes
from yaotan.grid.coverage import even_shares, region_shapes
from yaotan.schema import check_features

#: code of no region in a raster of floating-point numbers
_NOWHERE: Final = -(1 << 53)
#: share of a pixel that counts as all of it (shares are given as float32)
_ALL: Final = 1.0 - 1e-6


@dataclass(frozen=True)
class Zones:
    """Ids and names of regions."""

    ids: list[str]
    names: dict[str, tuple[str, str]]

    def __len__(self) -> int:
        return len(self.ids)


WHOLE_ZONE: Final = Zones([WHOLE], {WHOLE: WHOLE_NAME})


class ZoneLayer(Layer):
    """A raster of region codes: whole numbers, of any type."""

    def __init__(self, raster: xr.DataArray, first: Lattice) -> None:
        super().__init__(raster, first)
        fill = raster.attrs.get("_FillValue") if raster.dtype.kind in "iu" else _NOWHERE
        step = max(1, (1 << 22) // raster.shape[1])
        blocks = (self.read(slice(i, i + step), slice(None)) for i in range(0, raster.shape[0], step))
        codes = sorted(set().union(*(np.unique(block).tolist() for block in blocks)))
        self.codes = np.array([code for code in codes if fill is None or code != fill], dtype=np.int64)
        if not self.codes.size:
            raise RegionError("holds no region", where=self.name, expected="a code of a region in some pixel")
        ids = [str(code) for code in self.codes]
        self.zones = Zones(ids, {i: (i, i) for i in ids})

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Codes of a block; of floating-point rasters, where missing is NaN, as whole numbers."""
        block = super().read(rows, columns)
        if block.dtype.kind in "iu":
            return block
        there = np.isfinite(block)
        if (block[there] % 1 != 0).any():
            raise SchemaError("holds fractions: no region codes", where=self.name, expected="whole numbers")
        return np.where(there, block, _NOWHERE).astype(np.int64)

    def place(self, block: NDArray[Any]) -> NDArray[np.int32]:
        """Number of the region in each pixel, their count where there is none."""
        found = np.searchsorted(self.codes, block)
        near = np.minimum(found, len(self.codes) - 1)
        return np.where(self.codes[near] == block, near, len(self.codes)).astype(np.int32)


@dataclass(frozen=True)
class Cover:
    """Regions in a block of pixels: which covers a pixel wholly (their count: none), and parts of pixels."""

    zone: NDArray[np.int32]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    zones: NDArray[np.int64]
    fractions: NDArray[np.float64]


class PolygonMask:
    """Polygons over the pixels of the first raster.

    Shares are planar inside a pixel, exact to the rounding of float32 (exactextract). Regions may overlap:
    each counts for itself.
    """

    def __init__(self, regions: gpd.GeoDataFrame, lattice: Lattice) -> None:
        check_features(regions)
        named = "region_id" in regions.columns
        ids = [str(value) for value in (regions["region_id"] if named else regions.index)]
        if len(set(ids)) != len(ids) or not ids:
            raise RegionError("region_id is not unique, or there is no region", expected="one row per region")
        names = {
            i: tuple(str(row[c]) if c in regions.columns else i for c in ("name", "name_zh"))
            for i, (_, row) in zip(ids, regions.iterrows(), strict=True)
        }
        self.zones = Zones(ids, names)  # type: ignore[arg-type]
        self.lattice = lattice
        frame = gpd.GeoDataFrame({"region_id": ids}, geometry=regions.geometry.values, crs=regions.crs)
        self.crs = None if lattice.crs.is_geographic else lattice.crs
        self.shapes = region_shapes(self.crs, frame)
        if lattice.crs.is_geographic:
            middle = (lattice.x.start + lattice.x.stop) / 2
            self.shapes = [_near(shape, middle) for shape in self.shapes]
        self.tree = shapely.STRtree(self.shapes)
        for shape in self.shapes:
            shapely.prepare(shape)

    def cover(self, rows: slice, columns: slice) -> Cover:
        """Regions in a block of rows and columns of the first raster."""
        y = self.lattice.y.start + self.lattice.y.step * np.array([rows.start, rows.stop])
        x = self.lattice.x.start + self.lattice.x.step * np.array([columns.start, columns.stop])
        box = shapely.box(x.min(), y.min(), x.max(), y.max())
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        zone = np.full(shape, len(self.zones), dtype=np.int32)
        parts: list[tuple[Any, ...]] = []
        for number in sorted(self.tree.query(box, predicate="intersects")):
            polygon = self.shapes[number]
            if polygon.contains_properly(box):
                self._whole(zone, parts, number, np.arange(zone.size))
                continue
            cell, share = self._shares(polygon, box, y, x, shape)
            full = share >= _ALL
            self._whole(zone, parts, number, cell[full])
            parts.append((cell[~full], np.full((~full).sum(), number), share[~full]))
        cells, zones, fractions = (
            np.concatenate([part[k] for part in parts]) if parts else np.empty(0) for k in range(3)
        )
        row, column = np.divmod(cells.astype(np.int64), shape[1])
        return Cover(zone, row, column, zones.astype(np.int64), fractions.astype(np.float64))

    def _whole(self, zone: NDArray[np.int32], parts: list[Any], number: int, cell: NDArray[np.int64]) -> None:
        """Mark pixels that a region covers wholly; those that another has already go to the parts."""
        flat = zone.reshape(-1)
        free = flat[cell] == len(self.zones)
        flat[cell[free]] = number
        taken = cell[~free]
        if taken.size:
            parts.append((taken, np.full(taken.size, number), np.ones(taken.size)))

    def _shares(
        self, polygon: Any, box: Any, y: NDArray[np.float64], x: NDArray[np.float64], shape: tuple[int, int]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Pixel of the block and covered share, of all pixels that a polygon touches."""
        edges = [np.linspace(v.min(), v.max(), n + 1) for v, n in zip((y, x), shape, strict=True)]
        bounds = [np.stack([e[:-1], e[1:]], axis=1) for e in edges]
        axes = Axes("y", "x", bounds[0], bounds[1], False, False, True, self.crs)
        # what is far away need not be walked through; the cut lies outside the block
        near = shapely.get_parts(shapely.intersection(polygon, shapely.box(*_wider(box.bounds))))
        surfaces = [g for part in near for g in shapely.get_parts(part) if g.geom_type == "Polygon"]
        row, column, share = even_shares(axes, shapely.MultiPolygon(surfaces))
        if self.lattice.y.step < 0:
            row = shape[0] - 1 - row
        if self.lattice.x.step < 0:
            column = shape[1] - 1 - column
        return row * shape[1] + column, share


def _wider(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    west, south, east, north = bounds
    return west - (east - west), south - (north - south), east + (east - west), north + (north - south)


def _near(shape: Any, middle: float) -> Any:
    """Bring a polygon to the turn of longitude of the raster."""
    west, _, east, _ = shape.bounds
    turn = 360.0 * round((middle - (west + east) / 2) / 360.0)
    return shape if turn == 0.0 else shapely.transform(shape, lambda xy: xy + [turn, 0.0])

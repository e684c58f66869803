"""Which cells each region covers, by how much: a sparse region x cell matrix, never a full grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from exactextract import exact_extract
from exactextract.feature import Feature, FeatureSource
from exactextract.raster import RasterSource
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from yaotan.errors import RegionError
from yaotan.geodesy import authalic_northing, band_area, cell_area, equal_area_plane
from yaotan.grid.axes import Axes
from yaotan.grid.projected import projected_cell_area

#: Longest edge of a region when it is brought into a projected CRS [degrees].
_DENSE: Final = 0.05
#: Greatest height of the pieces into which rows of latitude are cut [degrees].
_ROW: Final = 0.25


@dataclass(frozen=True)
class Cells:
    """Cells that one region touches, in rising row-major order: row, column, cover share, true area [m2].

    ``whole`` says that all of the region lies on the grid.
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    fraction: NDArray[np.float64]
    area: NDArray[np.float64]
    whole: bool

    @property
    def window(self) -> tuple[int, int, int, int]:
        """First and last + 1 row, first and last + 1 column."""
        return (
            int(self.row.min()),
            int(self.row.max()) + 1,
            int(self.column.min()),
            int(self.column.max()) + 1,
        )


class _Blank(RasterSource):
    """A raster of which only the frame matters: windows are zeros, the whole is never there."""

    def __init__(self, axes: Axes, split: int) -> None:
        super().__init__()
        self._axes, self._split = axes, split

    def res(self) -> tuple[float, float]:
        west, south, east, north = self._axes.extent
        rows, columns = self._axes.shape
        return (east - west) / columns, (north - south) / (rows * self._split)

    def extent(self) -> tuple[float, float, float, float]:
        return self._axes.extent

    def nodata_value(self) -> None:
        return None

    def srs_wkt(self) -> None:
        return None

    def read_window(self, x0: int, y0: int, nx: int, ny: int) -> NDArray[np.uint8]:
        return np.zeros((ny, nx), dtype=np.uint8)


class _Shape(Feature):
    """One polygon, handed over as WKB."""

    def __init__(self, geometry: BaseGeometry) -> None:
        super().__init__()
        self._wkb = shapely.to_wkb(geometry)

    def geometry(self) -> bytes:
        return bytes(self._wkb)

    def fields(self) -> list[str]:
        return []


class _Shapes(FeatureSource):
    def __init__(self, geometries: list[BaseGeometry]) -> None:
        super().__init__()
        self._geometries = geometries

    def count(self) -> int:
        return len(self._geometries)

    def __iter__(self) -> Iterator[_Shape]:
        return iter([_Shape(geometry) for geometry in self._geometries])

    def srs_wkt(self) -> None:
        return None


def region_cells(axes: Axes, regions: gpd.GeoDataFrame) -> list[Cells]:
    """Find the cells of every region with their exact cover share and true area.

    Edges of a region are straight in the coordinates of the grid. The share is that of true area in
    latitude and longitude, planar (exactextract) inside the cells of a projected grid. Every region is
    looked up at lon, lon + 360 and lon - 360, so any convention of longitude and the dateline work.

    Parameters
    ----------
    axes : Axes
        Of the grid.
    regions : geopandas.GeoDataFrame
        With ``region_id``; any CRS.

    Returns
    -------
    list of Cells
        One per region, empty where it lies outside the grid.

    Raises
    ------
    RegionError
        A region cannot be brought into the CRS of the grid.
    """
    shapes = region_shapes(axes.crs, regions)
    jobs: list[tuple[int, BaseGeometry]] = []
    west, south, east, north = axes.extent
    for index, shape in enumerate(shapes):
        for turn in (-360.0, 0.0, 360.0) if axes.crs is None else (0.0,):
            moved = shape if turn == 0.0 else shapely.transform(shape, lambda xy, t=turn: xy + [t, 0.0])
            bounds = moved.bounds
            if bounds[0] < east and bounds[2] > west and bounds[1] < north and bounds[3] > south:
                jobs.append((index, moved))
    found = (
        _even_cells(axes, [s for _, s in jobs]) if axes.even else [_uneven_cells(axes, s) for _, s in jobs]
    )
    return [
        _collect(
            axes,
            [part for (owner, _), part in zip(jobs, found, strict=True) if owner == index],
            _whole(axes, shape),
        )
        for index, shape in enumerate(shapes)
    ]


def region_shapes(crs: Any, regions: gpd.GeoDataFrame) -> list[BaseGeometry]:
    """Bring regions into the reference system of a grid.

    Parameters
    ----------
    crs : pyproj.CRS or None
        None: longitude and latitude.
    regions : geopandas.GeoDataFrame
        With ``region_id``; any CRS.

    Returns
    -------
    list of shapely geometry

    Raises
    ------
    RegionError
        A region reaches beyond what the projection can show.
    """
    if crs is None:
        return list(regions.to_crs("EPSG:4326").geometry)
    dense = regions.geometry
    if regions.crs.is_geographic:
        dense = gpd.GeoSeries(shapely.segmentize(dense.values, _DENSE), crs=regions.crs)
    shapes = list(dense.to_crs(crs))
    for identifier, shape in zip(regions["region_id"], shapes, strict=True):
        if not np.isfinite(shapely.get_coordinates(shape)).all():
            raise RegionError(
                f"region {identifier!r} reaches beyond what the projection {crs.name!r} can show",
                fix="use a grid in latitude and longitude, or cut the region to the grid's area",
            )
    # the seam of a polygon cut along the dateline or closed at a pole folds onto itself
    return [shape if shape.is_valid else shapely.make_valid(shape) for shape in shapes]


def even_shares(
    axes: Axes, shape: BaseGeometry
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Give row, column (both rising) and covered share of the cells of an even grid that a shape touches.

    Parameters
    ----------
    axes : Axes
        Evenly spaced.
    shape : shapely geometry
        Polygons in the coordinates of the grid.

    Returns
    -------
    row, column, share : numpy.ndarray
        One entry a cell.
    """
    ((cell, share),) = _even_cells(axes, [shape])
    row, column = np.divmod(cell, axes.shape[1])
    return row, column, share


Found = tuple[NDArray[np.int64], NDArray[np.float64]]


def _even_cells(axes: Axes, shapes: list[BaseGeometry]) -> list[Found]:
    """Cell number (rising rows) and cover share, by exactextract.

    Rows of latitude higher than a quarter of a degree are split, and the pieces put together by true area:
    inside one piece the planar share and that of true area are the same to some 1e-4.
    """
    if not shapes:
        return []
    rows, columns = axes.shape
    height = float(np.diff(axes.y_bounds[0])[0])
    split = max(1, int(np.ceil(height / _ROW - 1e-6))) if axes.crs is None else 1
    blank: Any = _Blank(axes, split)
    table: Any = exact_extract(blank, _Shapes(shapes), ["cell_id", "coverage"], output="pandas")
    found = []
    for cell, share in zip(table["cell_id"], table["coverage"], strict=True):
        touched = np.asarray(share) > 0.0
        row, column = np.divmod(np.asarray(cell, dtype=np.int64)[touched], columns)
        part = (rows * split - 1 - row, column, np.asarray(share, dtype=float)[touched])
        found.append(_joined(axes, split, *part))
    return found


def _joined(
    axes: Axes, split: int, row: NDArray[np.int64], column: NDArray[np.int64], share: NDArray[np.float64]
) -> Found:
    """Put the pieces of split rows together to cells, weighted by their true area."""
    cell = row // split * axes.shape[1] + column
    if split == 1:
        return cell, share
    first, last = int(row.min(initial=0)), int(row.max(initial=0)) + 1
    south, north = axes.y_bounds[0, 0], axes.y_bounds[-1, 1]
    edges = south + (north - south) / (len(axes.y_bounds) * split) * np.arange(first, last + 1)
    piece = band_area(np.clip(edges, -90.0, 90.0))
    cells, inverse = np.unique(cell, return_inverse=True)
    covered = np.bincount(inverse, weights=share * piece[row - first], minlength=cells.size)
    whole = band_area(axes.y_bounds[first // split : (last - 1) // split + 1])
    return cells, covered / whole[cells // axes.shape[1] - first // split]


def _uneven_cells(axes: Axes, shape: BaseGeometry) -> Found:
    """Cell number and cover share on axes with uneven spacing (half rows at the poles, Gaussian rows)."""
    west, south, east, north = shape.bounds
    rows = np.flatnonzero((axes.y_bounds[:, 1] > south) & (axes.y_bounds[:, 0] < north))
    columns = np.flatnonzero((axes.x_bounds[:, 1] > west) & (axes.x_bounds[:, 0] < east))
    row, column = (a.ravel() for a in np.meshgrid(rows, columns, indexing="ij"))
    y, x = axes.y_bounds[row], axes.x_bounds[column]
    if axes.crs is None:
        shape, y, x = equal_area_plane(shape), authalic_northing(y), np.radians(x)
    boxes = shapely.box(x[:, 0], y[:, 0], x[:, 1], y[:, 1])
    shapely.prepare(shape)
    share = shapely.contains_properly(shape, boxes).astype(float)
    border = np.flatnonzero((share == 0.0) & shapely.intersects(shape, boxes))
    share[border] = shapely.area(shapely.intersection(boxes[border], shape)) / shapely.area(boxes[border])
    touched = share > 0.0
    return (row * axes.shape[1] + column)[touched].astype(np.int64), share[touched]


def _collect(axes: Axes, parts: list[Found], whole: bool) -> Cells:
    cells = np.concatenate([cell for cell, _ in parts]) if parts else np.empty(0, dtype=np.int64)
    shares = np.concatenate([share for _, share in parts]) if parts else np.empty(0)
    if len(parts) == 1:  # a cell occurs twice only where two turns of longitude share it
        order = np.argsort(cells, kind="stable")
        cell, inverse, shares = cells[order], np.arange(cells.size), shares[order]
    else:
        cell, inverse = np.unique(cells, return_inverse=True)
    fraction = np.bincount(inverse, weights=shares, minlength=cell.size).astype(np.float64)
    fraction[fraction > 1.0 - 1e-9] = 1.0
    row, column = np.divmod(cell, axes.shape[1])
    return Cells(row, column, fraction, _true_area(axes, row, column), whole)


def _whole(axes: Axes, shape: BaseGeometry) -> bool:
    """Whether every part of a region lies on the grid, at one turn of longitude or another."""
    west, south, east, north = axes.extent
    bounds = shapely.bounds(shapely.get_parts(shape))
    slack = 1e-9 * max(abs(west), abs(east), abs(south), abs(north), 1.0)
    inside = (bounds[:, 1] >= south - slack) & (bounds[:, 3] <= north + slack)
    if axes.crs is None and east - west >= 360.0 - slack:
        return bool(inside.all())
    turns = np.array([-360.0, 0.0, 360.0] if axes.crs is None else [0.0])
    shifted = (bounds[:, :1] + turns >= west - slack) & (bounds[:, 2:3] + turns <= east + slack)
    return bool((inside & shifted.any(axis=1)).all())


def _true_area(axes: Axes, row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.float64]:
    if row.size == 0:
        return np.empty(0)
    rows = slice(int(row.min()), int(row.max()) + 1)
    columns = slice(int(column.min()), int(column.max()) + 1)
    if axes.crs is None:
        width = np.diff(axes.x_bounds[columns], axis=1).ravel()
        per_degree = cell_area(axes.y_bounds[rows], [0.0, 1.0]).ravel()
        return per_degree[row - rows.start] * width[column - columns.start]
    area = projected_cell_area(axes.crs, axes.y_bounds[rows], axes.x_bounds[columns])
    return area[row - rows.start, column - columns.start]

"""The ground that soundings cover, as the cells of a coarse grid that hold them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from yaotan.geodesy import wrap_longitude

#: cell sizes that are tried, the finest first [degrees]; each is a multiple of the first
STEPS: Final = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
#: most strips (neighbouring cells of one row) of a footprint: what its outline costs grows with them; the
#: coarsest size is taken as it is (at most 324 strips)
MOST_STRIPS: Final = 100
#: number of cells up to which each is a shape of its own (the coarsest size has no more)
_FEW: Final = 648
#: number of points from which marking cells is quicker than sorting them
_MANY: Final = 20_000
_COLUMNS: Final = round(360 / STEPS[0])
_ROWS: Final = round(180 / STEPS[0])


def cover_points(latitude: ArrayLike, longitude: ArrayLike) -> Any:
    """Give the union of the grid cells that hold at least one point.

    The grid has its corner at 180 W, 90 S; its cell is the smallest of 0.25, 0.5, 1, 2, 5 and 10 degrees
    with which the cells form no more than 100 strips along parallels. So the footprint holds every point,
    reaches nowhere further than one cell beyond a point, shows swaths and gaps of more than a cell, and
    never crosses the dateline or a pole: what lies on both sides of 180 degrees is a MultiPolygon cut
    there (RFC 7946, section 3.1.9).

    Parameters
    ----------
    latitude, longitude : array_like
        Centres of soundings [degrees], longitudes in any turn. Those that are no place are left out.

    Returns
    -------
    shapely Polygon or MultiPolygon, or None
        [degrees], outer rings counter-clockwise; None without any place.

    Notes
    -----
    It is made of centres: footprints of soundings may reach over its edge by half their size.

    Examples
    --------
    >>> cover_points([30.1, 30.2, 30.3], [179.9, 179.95, -179.9]).bounds
    (-180.0, 30.0, 180.0, 30.5)
    >>> print(cover_points([30.1], [114.3]))
    POLYGON ((114.25 30, 114.5 30, 114.5 30.25, 114.25 30.25, 114.25 30))
    """
    lat, lon = np.asarray(latitude, dtype=float).ravel(), np.asarray(longitude, dtype=float).ravel()
    good = (np.abs(lat) <= 90.0) & np.isfinite(lon)
    if not good.any():
        return None
    rows, columns = _finest_cells(lat[good], wrap_longitude(lon[good]))
    for step in STEPS:
        times = round(step / STEPS[0])
        # one column is left free, so that the end of a row is no neighbour of the next one's start
        cells = np.unique(rows // times * (_COLUMNS + 1) + columns // times)
        first = np.flatnonzero(np.diff(cells, prepend=-2) > 1)
        if first.size <= MOST_STRIPS:
            break
    last = np.append(first[1:], cells.size) - 1
    row, west, east = cells[first] // (_COLUMNS + 1), cells[first], cells[last] + 1
    return _outline(row, west - row * (_COLUMNS + 1), east - row * (_COLUMNS + 1), step)


def _finest_cells(lat: NDArray[Any], lon: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # the last cell of a row or column holds its own far edge
    row = np.minimum(((lat + 90.0) / STEPS[0]).astype(np.int64), _ROWS - 1)
    column = np.minimum(((lon + 180.0) / STEPS[0]).astype(np.int64), _COLUMNS - 1)
    key = row * _COLUMNS + column
    if key.size > _MANY:
        marked = np.zeros(_ROWS * _COLUMNS, dtype=bool)
        marked[key] = True
        key = np.flatnonzero(marked)
    else:
        key = np.unique(key)
    return key // _COLUMNS, key % _COLUMNS


def _outline(row: NDArray[Any], west: NDArray[Any], east: NDArray[Any], step: float) -> Any:
    """Join strips of cells to polygons without corners that lie on a straight edge."""
    length = east - west
    # equal cells share whole edges, and such shapes are joined several times faster than others
    equal = int(length.sum()) <= _FEW
    if equal:
        row, west = np.repeat(row, length), np.repeat(west, length) + _count_up(length)
        east = west + 1
    south = row * step - 90.0
    boxes = shapely.box(west * step - 180.0, south, east * step - 180.0, south + step)
    joined = shapely.coverage_union_all(boxes) if equal else shapely.union_all(boxes)
    return shapely.orient_polygons(shapely.normalize(shapely.simplify(joined, 0.0)))


def _count_up(lengths: NDArray[Any]) -> NDArray[Any]:
    """Give 0, 1, 2 ... for each strip, one after the other."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)

"""Bounding boxes on a round Earth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import shapely

Box = tuple[float, float, float, float]


def bounds_of(geometry: Any) -> Box:
    """Give the narrowest box around a geometry that is cut at the dateline.

    Parameters
    ----------
    geometry : shapely geometry
        [degrees], longitudes from -180 to 180.

    Returns
    -------
    tuple of 4 floats
        West, south, east, north; west > east crosses the dateline (RFC 7946, section 5.2).

    Examples
    --------
    >>> bounds_of(shapely.union(shapely.box(175, 0, 180, 5), shapely.box(-180, 0, -170, 5)))
    (175.0, 0.0, -170.0, 5.0)
    """
    return join_bounds(tuple(part.bounds) for part in shapely.get_parts(geometry))


def area_of(box: Box) -> Any:
    """Give the area of a box, cut at the dateline.

    Parameters
    ----------
    box : tuple of 4 floats
        West, south, east, north [degrees]; west > east, or longitudes beyond 180, cross the dateline.

    Returns
    -------
    shapely Polygon or MultiPolygon
        Longitudes from -180 to 180.

    Examples
    --------
    >>> area_of((170, 0, 190, 5)).equals(area_of((170, 0, -170, 5)))
    True
    """
    west, south, east, north = box
    east += 360.0 if east <= west else 0.0
    turns = [shapely.box(west + turn, south, east + turn, north) for turn in (-360.0, 0.0, 360.0)]
    world = shapely.box(-180.0, -90.0, 180.0, 90.0)
    inside = [shapely.intersection(world, turn) for turn in turns]
    joined = shapely.union_all([part for part in inside if part.area > 0.0])
    return shapely.orient_polygons(shapely.normalize(shapely.simplify(joined, 0.0)))


def join_bounds(boxes: Iterable[Box]) -> Box:
    """Give the narrowest box around boxes, each as `bounds_of` gives them.

    Examples
    --------
    >>> join_bounds([(170.0, 0.0, 175.0, 5.0), (-175.0, -5.0, -170.0, 0.0)])
    (170.0, -5.0, -170.0, 5.0)
    """
    spans: list[tuple[float, float]] = []
    south, north = 90.0, -90.0
    for west, low, east, high in boxes:
        south, north = min(south, low), max(north, high)
        spans += [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    spans.sort()
    # what no box covers, from the end of one to the start of the next, round the Earth
    reached, gaps = spans[0][1], []
    for west, east in spans[1:]:
        if west > reached:
            gaps.append((west - reached, west, reached))
        reached = max(reached, east)
    outside = spans[0][0] + 360.0 - reached
    widest = max(gaps, default=(0.0, 0.0, 0.0))
    if widest[0] > outside:
        return widest[1], south, widest[2], north
    return spans[0][0], south, reached, north

"""Polygons in longitude and latitude made fit for use: split at the dateline, closed at a pole, repaired."""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from yaotan.errors import RegionError

#: A repair may change the area by this share; more means that the polygon says something ambiguous.
REPAIR_TOLERANCE: Final = 1e-6


def polygon_parts(geometry: BaseGeometry | None) -> list[shapely.Polygon]:
    """List the non-empty polygons of a geometry of any kind (lines and points hold no area: not listed).

    Examples
    --------
    >>> mixed = shapely.from_wkt("GEOMETRYCOLLECTION (POINT (0 0), POLYGON ((0 0, 1 0, 1 1, 0 0)))")
    >>> len(polygon_parts(mixed))
    1
    """
    if geometry is None or geometry.is_empty:
        return []
    if isinstance(geometry, shapely.Polygon):
        return [geometry]
    if hasattr(geometry, "geoms"):
        return [part for member in geometry.geoms for part in polygon_parts(member)]
    return []


def normalise_polygon(geometry: BaseGeometry, label: str) -> tuple[BaseGeometry, bool]:
    """Bring a region into [-180, 180]: unwrap its rings, split at the dateline, close at a pole, repair.

    A step of more than 180 degrees between neighbouring vertices is read as a crossing of the dateline, in
    a ring that is not already a valid polygon inside [-180, 180] with steps of exactly 360 degrees only
    (a world-wide band, or Antarctica cut along the dateline). A ring that goes once around the globe encloses
    a pole: the nearer one, by its mean latitude.

    Parameters
    ----------
    geometry : shapely geometry
        With polygons, in degrees.
    label : str
        Name of the region in error messages.

    Returns
    -------
    geometry : shapely.Polygon or shapely.MultiPolygon
        Valid, inside [-180, 180] x [-90, 90].
    moved : bool
        The dateline or a pole was dealt with.

    Raises
    ------
    RegionError
        Latitudes beyond a pole, coordinates not finite, or a polygon that crosses itself.

    Examples
    --------
    >>> shape, moved = normalise_polygon(shapely.box(170, 0, 190, 10), "Fiji")
    >>> shape.bounds, shape.area, moved
    ((-180.0, 0.0, 180.0, 10.0), 200.0, True)
    """
    _check_coordinates(geometry, label)
    done: list[BaseGeometry] = []
    moved = False
    for part in polygon_parts(geometry):
        if _is_plain(part):
            done.append(repair(part, label))
        else:
            done += _split(repair(_unwrap(part), label))
            moved = True
    return _as_polygons(done, label), moved


def _as_polygons(parts: list[BaseGeometry], label: str) -> BaseGeometry:
    """Join parts; touching halves of different parts stay apart unless they overlap."""
    polygons = [polygon for part in parts for polygon in polygon_parts(part)]
    joined = polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)
    return joined if joined.is_valid else repair(joined, label)


def _check_coordinates(geometry: BaseGeometry, label: str) -> None:
    xy = shapely.get_coordinates(geometry)
    if not np.isfinite(xy).all():
        raise RegionError(f"region {label!r} has coordinates that are not finite", fix="mend the file")
    if np.abs(xy[:, 1]).max(initial=0.0) > 90.0 + 1e-9 or np.abs(xy[:, 0]).max(initial=0.0) > 540.0:
        west, south, east, north = geometry.bounds
        raise RegionError(
            f"region {label!r} reaches from ({west:g}, {south:g}) to ({east:g}, {north:g})",
            expected="longitude and latitude in degrees",
            fix="give the file its true coordinate reference system, or swap latitude and longitude",
        )


def _is_plain(polygon: shapely.Polygon) -> bool:
    """Whether a polygon can be taken as it stands, with no dateline or pole in the way."""
    xy = shapely.get_coordinates(polygon.exterior)
    if np.abs(xy[:, 0]).max() > 180.0:
        return False
    step = np.abs(np.diff(xy[:, 0]))
    wide = step[step > 180.0]
    return wide.size == 0 or bool((wide == 360.0).all() and polygon.is_valid)


def _follow(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Remove jumps of whole turns along a ring, beginning at its first vertex."""
    step = np.diff(xy[:, 0])
    turns = np.concatenate([[0.0], np.cumsum(np.round(step / 360.0))])
    return np.column_stack([xy[:, 0] - 360.0 * turns, xy[:, 1]])


def _unwrap(polygon: shapely.Polygon) -> shapely.Polygon:
    shell = _follow(shapely.get_coordinates(polygon.exterior))
    if abs(shell[-1, 0] - shell[0, 0]) > 180.0:
        pole = 90.0 if shell[:, 1].mean() > 0 else -90.0
        shell = np.vstack([shell, [shell[-1, 0], pole], [shell[0, 0], pole], shell[0]])
    centre = (shell[:, 0].min() + shell[:, 0].max()) / 2.0
    holes = []
    for ring in polygon.interiors:
        hole = _follow(shapely.get_coordinates(ring))
        turn = np.round((hole[:, 0].mean() - centre) / 360.0)
        holes.append(np.column_stack([hole[:, 0] - 360.0 * turn, hole[:, 1]]))
    return shapely.Polygon(shell, holes)


def _split(geometry: BaseGeometry) -> list[BaseGeometry]:
    """Cut at every odd multiple of 180 degrees and bring the pieces home."""
    west, _, east, _ = geometry.bounds
    pieces = []
    for turn in range(int(np.floor((west + 180.0) / 360.0)), int(np.ceil((east + 180.0) / 360.0))):
        shift = 360.0 * turn
        piece = geometry.intersection(shapely.box(-180.0 + shift, -90.0, 180.0 + shift, 90.0))
        pieces += [
            shapely.transform(part, lambda xy, shift=shift: xy - [shift, 0.0])
            for part in polygon_parts(piece)
        ]
    return pieces


def repair(geometry: BaseGeometry, label: str) -> BaseGeometry:
    """Make an invalid polygon valid if that leaves its area as it was, else say which region is wrong.

    Parameters
    ----------
    geometry : shapely geometry
        To be repaired; returned as it is when valid.
    label : str
        Name of the region for the message.

    Returns
    -------
    shapely geometry
        Valid; `shapely.make_valid` only, no buffer.

    Raises
    ------
    RegionError
        The repair would change the area by more than one part in a million (a ring that crosses itself).
    """
    if geometry.is_valid:
        return geometry
    mended = shapely.MultiPolygon(polygon_parts(shapely.make_valid(geometry)))
    before = abs(geometry.area)
    change = abs(mended.area - before) / before if before > 0 else np.inf
    if change > REPAIR_TOLERANCE:
        raise RegionError(
            f"region {label!r} is not a valid polygon ({shapely.is_valid_reason(geometry)}); "
            f"mending it would change its area by {change:.1%}",
            fix="mend the polygon in a GIS (its ring crosses itself)",
        )
    return mended

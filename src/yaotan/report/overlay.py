"""What is laid over the cells of a map: hatched, filled or outlined areas, each with its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from yaotan.optional import require
from yaotan.report.legend import Entry
from yaotan.report.pane import Pane, cell_quads

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Overlay:
    """Cells that are marked.

    Parameters
    ----------
    mask : ndarray of bool, dims (rows, columns)
        Which.
    entry : Entry
        Colour of edge and fill, hatching, and the words of the legend.
    """

    mask: npt.NDArray[np.bool_]
    entry: Entry


def join_cells(quads: Floats, mask: npt.NDArray[np.bool_]) -> Any:
    """Join cells (dims rows, columns, 4, 2) to areas; one with a corner that is not finite is left out."""
    quads = quads[mask]
    quads = quads[np.isfinite(quads).all(axis=(1, 2))]
    return shapely.union_all(shapely.polygons(quads)) if len(quads) else shapely.Polygon()


def draw_overlay(pane: Pane, corners: tuple[Floats, Floats], overlay: Overlay) -> None:
    """Draw marked cells as one area."""
    draw_area(pane, join_cells(cell_quads(corners), overlay.mask), overlay.entry)


def draw_area(pane: Pane, area: Any, entry: Entry) -> None:
    """Draw an area: hatched or filled without an edge, else outlined with a light casing."""
    if area.is_empty:
        return
    path = _path_of(area)
    patch = require("matplotlib.patches").PathPatch
    if entry.hatch:
        pane.add(patch(path, facecolor="none", edgecolor=entry.colour, linewidth=0, hatch="////"), zorder=2.6)
    elif entry.fill:
        pane.add(patch(path, facecolor=entry.fill, edgecolor=entry.fill, linewidth=0.35), zorder=2.5)
    else:
        pane.add(patch(path, facecolor="none", edgecolor="white", linewidth=3.4, alpha=0.8), zorder=4.4)
        pane.add(patch(path, facecolor="none", edgecolor=entry.colour, linewidth=1.8), zorder=4.5)


def _path_of(area: Any) -> Any:
    """One path whose holes are holes: they turn the other way than the rings around them."""
    path_class = require("matplotlib.path").Path
    rings = []
    for polygon in shapely.get_parts(shapely.orient_polygons(area)):
        rings += [polygon.exterior, *polygon.interiors]
    return path_class.make_compound_path(*(path_class(shapely.get_coordinates(ring)) for ring in rings))

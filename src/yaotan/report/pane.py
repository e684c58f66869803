"""A map frame on a figure: projected metres in, clipped paths out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from yaotan.optional import require
from yaotan.report.figure import INK, RULE
from yaotan.report.palette import Scale
from yaotan.report.projection import MapFrame

Floats = npt.NDArray[np.float64]


def cell_quads(corners: tuple[Floats, Floats]) -> Floats:
    """Give the four corners of each cell, dims (rows, columns, 4, 2)."""
    x, y = corners
    pick = [(slice(None, -1), slice(None, -1)), (slice(None, -1), slice(1, None))]
    pick += [(slice(1, None), slice(1, None)), (slice(1, None), slice(None, -1))]
    return np.stack(
        [np.stack([x[rows, columns], y[rows, columns]], axis=-1) for rows, columns in pick], axis=2
    )


def _inside(quads: Floats, extent: tuple[float, float, float, float]) -> npt.NDArray[np.bool_]:
    left, bottom, right, top = extent
    low, high = quads.min(axis=2), quads.max(axis=2)
    return (
        np.isfinite(quads).all(axis=(2, 3))
        & (high[..., 0] > left)
        & (low[..., 0] < right)
        & (high[..., 1] > bottom)
        & (low[..., 1] < top)
    )


class Pane:
    """A map frame over a box of a figure: what is added to it is projected metres, clipped to the frame.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        To draw on; no Axes is made, which costs more than the map itself.
    frame : MapFrame
        Extent.
    box : (x, y, width, height)
        In px from the figure's lower left corner; the map is centred in it with equal scales.
    layer : int
        Added to each drawing order, so that an inset covers the main map.
    """

    def __init__(self, figure: Any, frame: MapFrame, box: tuple[float, float, float, float], layer: int = 0):
        affine = require("matplotlib.transforms").Affine2D
        self.figure, self.frame, self.layer = figure, frame, layer
        self.x, self.y, self.wide, self.high = box
        left, bottom, right, top = frame.extent
        self.scale = min(self.wide / (right - left), self.high / (top - bottom))
        self._origin = (
            self.x + (self.wide - self.scale * (right - left)) / 2 - self.scale * left,
            self.y + (self.high - self.scale * (top - bottom)) / 2 - self.scale * bottom,
        )
        self._inches = affine().scale(1 / 72) + figure.dpi_scale_trans
        self._metres = affine().scale(self.scale).translate(*self._origin) + self._inches
        rectangle = require("matplotlib.patches").Rectangle
        self._clip = rectangle(box[:2], box[2], box[3], transform=self._inches)
        self.add(rectangle(box[:2], box[2], box[3], facecolor="white"), zorder=0, px=True)

    def px(self, x: float, y: float) -> tuple[float, float]:
        """Turn metres into px of the figure."""
        return self.scale * x + self._origin[0], self.scale * y + self._origin[1]

    def seen(self) -> tuple[float, float, float, float]:
        """Give the extent in metres that the whole box shows."""
        x, y = self._origin
        return (
            (self.x - x) / self.scale,
            (self.y - y) / self.scale,
            (self.x + self.wide - x) / self.scale,
            (self.y + self.high - y) / self.scale,
        )

    def add(self, patch: Any, *, zorder: float, px: bool = False) -> None:
        """Add a patch given in metres (or px)."""
        patch.set_transform(self._inches if px else self._metres)
        patch.set_zorder(zorder + self.layer)
        self.figure.add_artist(patch)
        patch.set_clip_path(self._clip)

    def line(self, x: Floats, y: Floats, *, zorder: float, **style: Any) -> None:
        """Add a line given in metres; parts that are not finite are left out."""
        points = np.stack([x, y], axis=-1)
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) > 1:
            path = require("matplotlib.path").Path(points)
            self.add(require("matplotlib.patches").PathPatch(path, facecolor="none", **style), zorder=zorder)

    def text(self, x: float, y: float, text: str, *, zorder: float = 7, gid: str = "", **style: Any) -> None:
        """Write at px of the figure."""
        drawn = self.figure.text(0, 0, text, fontsize=10, transform=self._inches, **style)
        drawn.set_position((x, y))
        drawn.set_zorder(zorder + self.layer)
        if gid:
            drawn.set_gid(gid)

    def edge(self) -> None:
        """Draw the frame's border."""
        box = ((self.x, self.y), self.wide, self.high)
        rectangle = require("matplotlib.patches").Rectangle
        self.add(
            rectangle(*box, facecolor="none", edgecolor=INK if self.layer else RULE, linewidth=1.2),
            zorder=8,
            px=True,
        )


def draw_cells(
    pane: Pane, corners: tuple[Floats, Floats], values: Floats, scale: Scale | None, limit: int
) -> None:
    """One compound path per colour, or an image when there are too many cells."""
    if scale is not None:
        draw_quads(pane, cell_quads(corners), values, scale, limit)


def draw_quads(pane: Pane, quads: Floats, values: Floats, scale: Scale, limit: int) -> None:
    """Draw cells by their four corners, dims (rows, columns, 4, 2)."""
    path_class, patch_class = require("matplotlib.path").Path, require("matplotlib.patches").PathPatch
    step = np.where(_inside(quads, pane.seen()), scale.steps(values), -1)
    image = int((step >= 0).sum()) > limit
    for number, colour in enumerate(scale.colours):
        chosen = quads[step == number]
        if not len(chosen):
            continue
        vertices = np.concatenate([chosen, chosen[:, :1]], axis=1).reshape(-1, 2)
        codes = np.tile([1, 2, 2, 2, 79], len(chosen)).astype(np.uint8)
        path = path_class(vertices, codes)
        patch = patch_class(path, facecolor=colour, edgecolor=colour, linewidth=0.35)
        patch.set_rasterized(image)
        patch.set_antialiased(not image)
        pane.add(patch, zorder=2)


def draw_shape(pane: Pane, shape: Any, *, zorder: float, **style: Any) -> None:
    """Draw lines or polygons as one compound path; holes of polygons are not cut out."""
    path_class, patch_class = require("matplotlib.path").Path, require("matplotlib.patches").PathPatch
    lines = [
        part for part in shapely.get_parts(shape) if "Line" in part.geom_type or "Poly" in part.geom_type
    ]
    pieces = [path_class(points) for points in map(shapely.get_coordinates, lines) if len(points) > 1]
    if pieces:
        pane.add(patch_class(path_class.make_compound_path(*pieces), **style), zorder=zorder)

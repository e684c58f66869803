"""The surroundings of one source: pixels of an image, outline and centre line of a plume, the wind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from yaotan.optional import require
from yaotan.report.figure import INK, draw_svg, fit_text, text_width
from yaotan.report.graticule import draw_graticule, draw_scale_bar
from yaotan.report.legend import ROW, WIDTH, Entry, draw_legend, legend_rows
from yaotan.report.map import BOTTOM, LEFT, RIGHT, TOP, draw_colour_bar
from yaotan.report.overlay import draw_area, join_cells
from yaotan.report.palette import NO_DATA, Scale
from yaotan.report.pane import Pane, draw_quads
from yaotan.report.projection import MapFrame

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: more pixels than this are drawn as an image inside the SVG
VECTOR_PIXELS: Final = 1500
#: least half width of what is shown, and room around the plume [m]
LEAST_HALF: Final = 25e3
ROOM: Final = 15e3
#: colours of outline and centre line, each with a light casing
OUTLINE: Final = "#7a1f00"
LINE: Final = "#000000"
#: length of the arrow of the wind [px]
ARROW: Final = 34.0


@dataclass(frozen=True)
class CloseUp:
    """What is drawn around a source.

    Parameters
    ----------
    longitude, latitude : float
        Of the source: the middle of the projection.
    quads : ndarray, dims (rows, columns, 4, 2)
        Corners of the pixels in `frame` [m].
    values : ndarray, dims (rows, columns)
        NaN is no data.
    frame : MapFrame
        Equal-area projection about the source, and what is seen.
    own : ndarray of bool, dims (rows, columns)
        Pixels of the plume.
    way : ndarray, dims (points, 2)
        Centre line in `frame` [m].
    wind : tuple of float
        Eastward and northward component at the source [m s-1]; NaN for none.
    others : tuple of (label, x, y)
        Other sources in the frame.
    """

    longitude: float
    latitude: float
    quads: Floats
    values: Floats
    frame: MapFrame
    own: Mask
    way: Floats
    wind: tuple[float, float] = (math.nan, math.nan)
    others: tuple[tuple[str, float, float], ...] = field(default=())

    @property
    def inside(self) -> Mask:
        """Pixels whose middle is inside the frame."""
        left, bottom, right, top = self.frame.extent
        x, y = np.moveaxis(self.quads.mean(axis=2), -1, 0)
        return np.asarray((x > left) & (x < right) & (y > bottom) & (y < top), bool)

    @property
    def seen(self) -> Floats:
        """Values of the pixels inside the frame."""
        return np.asarray(self.values[self.inside & np.isfinite(self.values)], float)


def local_frame(longitude: float, latitude: float, reach: float = 1.0) -> MapFrame:
    """Equal-area projection about a source, true north upward there; its extent is to both sides [m]."""
    text = f"+proj=laea +lat_0={latitude} +lon_0={longitude} +ellps=WGS84 +units=m"
    extent = (-reach, -reach, reach, reach)
    crs = pyproj.CRS.from_proj4(text)
    return MapFrame(crs, longitude, extent, shapely.Polygon(), shapely.MultiLineString())


def frame_around(frame: MapFrame, places: Floats) -> MapFrame:
    """Show the source and places (x, y) [m] with room around them; no side is far longer than the other."""
    every = np.concatenate([np.zeros((1, 2)), places[np.isfinite(places).all(axis=-1)]])
    low, high = every.min(axis=0) - ROOM, every.max(axis=0) + ROOM
    middle, half = (low + high) / 2, np.maximum((high - low) / 2, LEAST_HALF)
    half = np.maximum(half, 0.62 * half.max())
    extent = (*(middle - half).tolist(), *(middle + half).tolist())
    return MapFrame(frame.crs, frame.centre, extent, shapely.box(*extent), frame.borders)


def quads_of_centres(x: Floats, y: Floats) -> Floats:
    """Corners of pixels whose centres alone are known: halfway to the neighbours."""

    def edges(values: Floats) -> Floats:
        for axis in (0, 1):
            ends = [np.take(values, place, axis) for place in ([0], [1], [-1], [-2])]
            first, last = 2 * ends[0] - ends[1], 2 * ends[2] - ends[3]
            wide = np.concatenate([first, values, last], axis)
            low = np.take(wide, range(wide.shape[axis] - 1), axis)
            values = (low + np.take(wide, range(1, wide.shape[axis]), axis)) / 2
        return values

    if min(x.shape) < 2:
        return np.zeros((*x.shape, 4, 2)) * np.nan
    places = np.stack([edges(x), edges(y)], axis=-1)
    return np.stack([places[:-1, :-1], places[:-1, 1:], places[1:, 1:], places[1:, :-1]], axis=2)


def draw_close_up(
    key: str,
    shown: CloseUp,
    scale: Scale | None,
    *,
    alt: str,
    label: str,
    no_data: str,
    entries: Sequence[Entry],
    wind_words: str,
    north: str,
) -> str:
    """Draw the surroundings of a source with plume, centre line, wind, scale and colour bar.

    Parameters
    ----------
    key : str
        Id prefix.
    shown : CloseUp
        What.
    scale : Scale or None
        Of the colours; None where no pixel has a value.
    alt, label, no_data, wind_words, north : str
        Alt text; quantity with unit; words for grey, beside the arrow of the wind, and for north.
    entries : sequence of Entry
        Legend.

    Returns
    -------
    str
        Inline SVG.
    """
    wide = WIDTH - LEFT - RIGHT
    high = wide * float(np.clip(shown.frame.aspect, 0.55, 1.25))
    rows = legend_rows(entries)
    legend = ROW * len(rows) + 4
    bottom = (BOTTOM if scale is not None else 28.0) + legend
    size = (WIDTH, high + TOP + bottom)

    def draw(figure: Any) -> None:
        pane = Pane(figure, shown.frame, (LEFT, bottom, wide, high))
        _draw_scene(pane, shown, scale)
        draw_graticule(pane)
        draw_scale_bar(pane)
        pane.edge()
        _draw_others(pane, shown)
        _draw_wind(pane, shown.wind, wind_words)
        _draw_north(pane, north)
        if scale is not None:
            box = (LEFT / size[0], legend / size[1], wide / size[0], (bottom - legend - 24) / size[1])
            draw_colour_bar(figure.add_axes(box), scale, label, no_data)
        draw_legend(figure, rows, legend)

    return draw_svg(key, size, alt, draw)


def draw_thumbnail(key: str, shown: CloseUp, scale: Scale | None, *, alt: str, width: float = 200.0) -> str:
    """Draw a small picture of a source without words; its title stands beside it on the page."""
    high = width * float(np.clip(shown.frame.aspect, 0.55, 1.25))

    def draw(figure: Any) -> None:
        pane = Pane(figure, shown.frame, (1, 1, width - 2, high - 2))
        _draw_scene(pane, shown, scale, limit=0)
        pane.edge()
        _draw_wind(pane, shown.wind, "")

    return draw_svg(key, (width, high), alt, draw, dpi=120)


def _draw_scene(pane: Pane, shown: CloseUp, scale: Scale | None, limit: int = VECTOR_PIXELS) -> None:
    rectangle = require("matplotlib.patches").Rectangle
    box = ((pane.x, pane.y), pane.wide, pane.high)
    pane.add(rectangle(*box, facecolor=NO_DATA, edgecolor="none"), zorder=1, px=True)
    if scale is not None:
        draw_quads(pane, shown.quads, shown.values, scale, limit)
    # pixels without a value inside a plume are seen as such: the outline goes around them
    parts = shapely.get_parts(join_cells(shown.quads, shown.own))
    outline = shapely.union_all([shapely.Polygon(part.exterior) for part in parts if not part.is_empty])
    draw_area(pane, outline, Entry("", OUTLINE))
    if len(shown.way) > 1:
        x, y = shown.way.T
        pane.line(x, y, edgecolor="white", linewidth=3.2, alpha=0.75, zorder=4.6)
        pane.line(x, y, edgecolor=LINE, linewidth=1.4, linestyle=(0, (5, 3)), zorder=4.7)
    _draw_mark(pane, 0.0, 0.0, 5.0)


def _draw_mark(pane: Pane, x: float, y: float, size: float) -> None:
    """Draw a source: a triangle with a light edge."""
    x, y = pane.px(x, y)
    corners = [(x - size, y - 0.7 * size), (x + size, y - 0.7 * size), (x, y + size)]
    patch = require("matplotlib.patches").Polygon(corners, facecolor=LINE, edgecolor="white", linewidth=1.2)
    pane.add(patch, zorder=5, px=True)


def _draw_others(pane: Pane, shown: CloseUp) -> None:
    """Mark other sources, and name those whose name has room."""
    taken: list[tuple[float, float, float, float]] = []
    for number, (label, east, north) in enumerate(shown.others):
        left, bottom, right, top = pane.seen()
        if not (left < east < right and bottom < north < top):
            continue
        _draw_mark(pane, east, north, 3.5)
        x, y = pane.px(east, north)
        text = fit_text(label, 120, 10)
        box = (x + 7, y - 7, x + 7 + text_width(text, 10), y + 7)
        crossed = any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken)
        corners = box[1] < pane.y + 34 or box[3] > pane.y + pane.high - 60
        if box[2] > pane.x + pane.wide - 4 or crossed or corners:
            continue
        taken.append(box)
        pane.text(box[0], y, text, ha="left", va="center_baseline", color=INK, gid=f"halo-other{number}")


def _draw_wind(pane: Pane, wind: tuple[float, float], words: str) -> None:
    """Draw the way of the wind as an arrow in the upper left corner, with its speed beside it."""
    speed = math.hypot(*wind)
    if not (math.isfinite(speed) and speed > 0):
        return
    length = ARROW if words else 22.0
    half = length / 2 + 5
    x, y = pane.x + half + 4, pane.y + pane.high - half - 4
    room = text_width(words, 11) + 8 if words else 0.0
    rectangle = require("matplotlib.patches").Rectangle
    box = ((x - half, y - half), 2 * half + room, 2 * half)
    pane.add(rectangle(*box, facecolor="white", edgecolor="none", alpha=0.82), zorder=6, px=True)
    east, north = (part / speed for part in wind)
    shape = [(-0.5, 0.05), (0.12, 0.05), (0.12, 0.2), (0.5, 0.0), (0.12, -0.2), (0.12, -0.05), (-0.5, -0.05)]
    corners = [(x + length * (a * east - b * north), y + length * (a * north + b * east)) for a, b in shape]
    patch = require("matplotlib.patches").Polygon(corners, facecolor=INK, edgecolor="none")
    pane.add(patch, zorder=6.5, px=True)
    if words:
        pane.text(x + half + 2, y, words, ha="left", va="center_baseline", color=INK, gid="halo-wind")


def _draw_north(pane: Pane, word: str) -> None:
    x, y = pane.x + pane.wide - 16, pane.y + pane.high - 40
    rectangle = require("matplotlib.patches").Rectangle
    back = rectangle((x - 11, y - 4), 22, 40, facecolor="white", edgecolor="none", alpha=0.82)
    pane.add(back, zorder=6, px=True)
    corners = [(x - 5, y), (x, y + 4), (x + 5, y), (x, y + 18)]
    patch = require("matplotlib.patches").Polygon(corners, facecolor=INK, edgecolor="none")
    pane.add(patch, zorder=6.5, px=True)
    pane.text(x, y + 20, word, ha="center", va="bottom", color=INK, gid="halo-north")

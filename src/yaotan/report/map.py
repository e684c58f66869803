"""Maps: cells, boundaries, graticule, scale and colour bar in an equal-area projection."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from yaotan.optional import require
from yaotan.report.figure import INK, QUIET, RULE, draw_svg, text_width
from yaotan.report.number import fixed
from yaotan.report.palette import NO_DATA, Scale
from yaotan.report.projection import MapFrame

Floats = npt.NDArray[np.float64]

WIDTH: Final = 480.0
SMALL_WIDTH: Final = 200.0
#: more cells than this are drawn as an image inside the SVG; text and lines stay vectors
VECTOR_CELLS: Final = 4000
SMALL_VECTOR_CELLS: Final = 500
#: natural size of the margins of a large map [px]: left, right, top, map to colour bar and below
LEFT, RIGHT, TOP, BOTTOM = 38.0, 8.0, 8.0, 86.0


def _quads(corners: tuple[Floats, Floats]) -> Floats:
    """Corners of each cell, dims (rows, columns, 4, 2)."""
    x, y = corners
    pick = [(slice(None, -1), slice(None, -1)), (slice(None, -1), slice(1, None))]
    pick += [(slice(1, None), slice(1, None)), (slice(1, None), slice(None, -1))]
    return np.stack([np.stack([x[rows, columns], y[rows, columns]], axis=-1) for rows, columns in pick], axis=2)


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


def _draw_cells(
    axes: Any, corners: tuple[Floats, Floats], values: Floats, scale: Scale | None, extent: Any, limit: int
) -> None:
    """One compound path per colour, or an image when there are too many cells."""
    if scale is None:
        return
    path_class, patch_class = require("matplotlib.path").Path, require("matplotlib.patches").PathPatch
    quads = _quads(corners)
    step = np.where(_inside(quads, extent), scale.steps(values), -1)
    image = int((step >= 0).sum()) > limit
    for number, colour in enumerate(scale.colours):
        chosen = quads[step == number]
        if not len(chosen):
            continue
        vertices = np.concatenate([chosen, chosen[:, :1]], axis=1).reshape(-1, 2)
        codes = np.tile([1, 2, 2, 2, 79], len(chosen)).astype(np.uint8)
        patch = patch_class(
            path_class(vertices, codes), facecolor=colour, edgecolor=colour, linewidth=0.35, zorder=2
        )
        patch.set_rasterized(image)
        axes.add_patch(patch)


def _draw_shape(axes: Any, shape: Any, **style: Any) -> None:
    path_class, patch_class = require("matplotlib.path").Path, require("matplotlib.patches").PathPatch
    lines = [part for part in shapely.get_parts(shape) if "Line" in part.geom_type or "Poly" in part.geom_type]
    pieces = []
    for line in lines:
        points = shapely.get_coordinates(line)
        if len(points) > 1:
            pieces.append(path_class(points))
    if pieces:
        axes.add_patch(patch_class(path_class.make_compound_path(*pieces), **style))


def _frame_axes(figure: Any, frame: MapFrame, box: tuple[float, float, float, float]) -> Any:
    """Axes over a box in px from the lower left corner of the figure."""
    width, height = (72 * side for side in figure.get_size_inches())
    x, y, wide, high = box
    axes = figure.add_axes((x / width, y / height, wide / width, high / height))
    left, bottom, right, top = frame.extent
    axes.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=RULE, linewidth=0.8)
    return axes


def _graticule_step(span: float) -> float:
    return next((step for step in (0.5, 1, 2, 5, 10, 20, 30) if span / step <= 6), 60.0)


def _degrees(frame: MapFrame) -> tuple[Floats, Floats]:
    """Longitude and latitude along the frame's edge."""
    import pyproj

    left, bottom, right, top = frame.extent
    share = np.linspace(0, 1, 40)
    x = np.concatenate([left + (right - left) * share] * 2 + [np.full(40, left), np.full(40, right)])
    y = np.concatenate([np.full(40, bottom), np.full(40, top)] + [bottom + (top - bottom) * share] * 2)
    lon, lat = pyproj.Transformer.from_crs(frame.crs, "EPSG:4326", always_xy=True).transform(x, y)
    lon0 = frame.centre
    good = np.isfinite(lon) & np.isfinite(lat)
    return (np.asarray(lon)[good] - lon0 + 180) % 360 - 180 + lon0, np.asarray(lat)[good]


def _crossing(along: Floats, across: Floats, edge: float, low: float, high: float) -> float | None:
    """Where a line meets an edge of the frame: `across` reaches `edge` at a place within low and high."""
    ahead = np.flatnonzero((across[:-1] - edge) * (across[1:] - edge) <= 0)
    for index in ahead:
        gap = across[index + 1] - across[index]
        share = (edge - across[index]) / gap if gap else 0.0
        place = along[index] + share * (along[index + 1] - along[index])
        if low <= place <= high:
            return float(place)
    return None


def _draw_graticule(axes: Any, frame: MapFrame, *, labels: bool) -> None:
    lon, lat = _degrees(frame)
    left, bottom, right, top = frame.extent
    if not lon.size:
        return
    style = {"color": "#9aa5b1", "linewidth": 0.4, "alpha": 0.55, "zorder": 3}
    fine_lon, fine_lat = np.linspace(lon.min(), lon.max(), 120), np.linspace(lat.min(), lat.max(), 120)
    step_lon, step_lat = _graticule_step(np.ptp(lon)), _graticule_step(np.ptp(lat))
    taken: list[float] = []
    for value in np.arange(np.ceil(lon.min() / step_lon) * step_lon, lon.max(), step_lon):
        x, y = frame.project(np.full(120, value), fine_lat)
        axes.plot(x, y, **style)
        place = _crossing(x, y, bottom, left + 0.03 * (right - left), right - 0.03 * (right - left))
        if labels and place is not None and all(abs(place - other) > 0.11 * (right - left) for other in taken):
            taken.append(place)
            axes.annotate(
                _degree_label(value, "E", "W"), (place, bottom), (0, -4), textcoords="offset points",
                ha="center", va="top", fontsize=10, color=QUIET,
            )
    for value in np.arange(np.ceil(lat.min() / step_lat) * step_lat, lat.max(), step_lat):
        x, y = frame.project(fine_lon, np.full(120, value))
        axes.plot(x, y, **style)
        place = _crossing(y, x, left, bottom + 0.02 * (top - bottom), top - 0.02 * (top - bottom))
        if labels and place is not None:
            axes.annotate(
                _degree_label(value, "N", "S"), (left, place), (-3, 0), textcoords="offset points",
                ha="right", va="center", fontsize=10, color=QUIET,
            )


def _degree_label(value: float, plus: str, minus: str) -> str:
    value = (value + 180) % 360 - 180 if plus == "E" else value
    side = "" if value in (0, -180) else plus if value > 0 else minus
    return f"{abs(value):g}°{side}"


def _draw_scale_bar(axes: Any, frame: MapFrame) -> None:
    left, bottom, right, top = frame.extent
    length = next((x for x in (2e6, 1e6, 5e5, 2e5, 1e5, 5e4, 2e4, 1e4) if x < 0.24 * (right - left)), 5e3)
    x, y = left + 0.03 * (right - left), bottom + 0.035 * (top - bottom)
    axes.plot([x, x + length], [y, y], color=INK, linewidth=1.6, solid_capstyle="butt", zorder=6)
    text = axes.annotate(
        f"{length / 1000:g} km", (x + length / 2, y), (0, 4), textcoords="offset points", ha="center",
        va="bottom", fontsize=10, color=INK, zorder=6,
    )
    text.set_gid("halo-scale")


def _draw_names(axes: Any, frame: MapFrame, language: str, unit: float) -> None:
    """Write region names where they fit: inside the frame, not over each other, not wider than the region."""
    left, bottom, right, top = frame.extent
    taken = [(left, bottom, left + 0.3 * (right - left), bottom + 0.1 * (top - bottom))]
    if frame.inset is not None:
        taken.append((right - 0.2 * (right - left), bottom, right, bottom + 0.33 * (top - bottom)))
    for number, (name, name_zh, x, y, wide) in enumerate(frame.labels):
        label = name_zh if language == "zh" else name
        half, high = text_width(label, 10) * unit / 2, 7.5 * unit
        box = (x - half, y - high, x + half, y + high)
        if 2 * half > 1.15 * wide or box[0] < left or box[2] > right or box[1] < bottom or box[3] > top:
            continue
        if any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            continue
        taken.append(box)
        text = axes.text(x, y, label, ha="center", va="center", fontsize=10, color=INK, zorder=7)
        text.set_gid(f"halo-name{number}")


def _draw_layer(axes: Any, frame: MapFrame, corners: Any, values: Floats, scale: Scale | None, limit: int) -> None:
    _draw_shape(axes, frame.outline, facecolor=NO_DATA, edgecolor="none", zorder=1)
    _draw_cells(axes, corners, values, scale, frame.extent, limit)
    _draw_shape(axes, frame.borders, facecolor="none", edgecolor="#2b3640", linewidth=0.55, zorder=4)


def _draw_inset(figure: Any, frame: MapFrame, corners: Any, values: Any, scale: Any, size: float, at: Any) -> None:
    inset = frame.inset
    if inset is None:
        return
    wide = 0.165 * size
    axes = _frame_axes(figure, inset, (at[0] - wide - 3, at[1] + 3, wide, wide * inset.aspect))
    axes.set_facecolor("white")
    axes.set_zorder(8)
    _draw_layer(axes, inset, corners, values, scale, 0 if size < 300 else 1000)


def draw_colour_bar(axes: Any, scale: Scale, label: str, no_data: str) -> None:
    """Fill axes of 0 to 1 with stepped colours, edges labelled, ends pointed where values lie beyond."""
    patches = require("matplotlib.patches")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    low, high, count = 0.06, 0.72, len(scale.colours)
    edges = np.linspace(low, high, count + 1)
    y0, y1, tip = 0.62, 0.95, 0.028
    for number, colour in enumerate(scale.colours):
        axes.add_patch(patches.Rectangle((edges[number], y0), (high - low) / count, y1 - y0, facecolor=colour))
    ends = [(scale.below, low, -tip, scale.colours[0]), (scale.above, high, tip, scale.colours[-1])]
    for present, place, reach, colour in ends:
        if present:
            corner = [(place, y0), (place + reach, (y0 + y1) / 2), (place, y1)]
            axes.add_patch(patches.Polygon(corner, facecolor=colour, edgecolor="none"))
    decimals = _decimals(scale.levels)
    stride = int(np.ceil(count / 6))
    for edge, level in list(zip(edges, scale.levels, strict=True))[::stride]:
        axes.text(edge, 0.54, fixed(level, decimals), ha="center", va="top", fontsize=11, color=QUIET)
    axes.text((low + high) / 2, 0.24, label, ha="center", va="top", fontsize=12, color=INK)
    axes.add_patch(patches.Rectangle((0.8, y0), 0.045, y1 - y0, facecolor=NO_DATA, edgecolor=RULE, linewidth=0.6))
    axes.text(0.8225, 0.54, no_data, ha="center", va="top", fontsize=11, color=QUIET)


def _decimals(levels: tuple[float, ...]) -> int:
    return next((n for n in range(8) if all(abs(round(x, n) - x) < 1e-9 for x in levels)), 8)


def draw_map(
    key: str, frame: MapFrame, corners: tuple[Floats, Floats], values: Floats, scale: Scale | None, *,
    alt: str, label: str, no_data: str, language: str, south_sea: str,
) -> str:
    """Draw a large map with graticule, names, scale bar and colour bar.

    Parameters
    ----------
    key : str
        Id prefix.
    frame : MapFrame
        Projection and extent.
    corners : tuple of ndarray
        As `projection.cell_corners` gives them.
    values : ndarray, dims (rows, columns)
        NaN is drawn grey.
    scale : Scale or None
        None draws boundaries on grey alone.
    alt, label, no_data, south_sea : str
        Alt text; quantity with unit; words for grey and for the inset.
    language : {"en", "zh"}
        Language of region names.

    Returns
    -------
    str
        Inline SVG.
    """
    wide = WIDTH - LEFT - RIGHT
    high = wide * float(np.clip(frame.aspect, 0.3, 1.25))
    bottom = BOTTOM if scale is not None else 28.0
    size = (WIDTH, high + TOP + bottom)

    def draw(figure: Any) -> None:
        axes = _frame_axes(figure, frame, (LEFT, bottom, wide, high))
        axes.set_aspect("equal", adjustable="box", anchor="C")
        _draw_layer(axes, frame, corners, values, scale, VECTOR_CELLS)
        _draw_graticule(axes, frame, labels=True)
        _draw_scale_bar(axes, frame)
        _draw_names(axes, frame, language, (frame.extent[2] - frame.extent[0]) / wide)
        _draw_inset(figure, frame, corners, values, scale, wide, (LEFT + wide, bottom))
        if scale is not None:
            bar = figure.add_axes((LEFT / size[0], 0.0, wide / size[0], (bottom - 24) / size[1]))
            draw_colour_bar(bar, scale, label, no_data)

    return draw_svg(key, size, alt, draw)


def draw_small_map(
    key: str, frame: MapFrame, corners: tuple[Floats, Floats], values: Floats, scale: Scale | None, *, alt: str
) -> str:
    """Draw a small map without words: its title and colour bar stand beside it on the page."""
    high = SMALL_WIDTH * float(np.clip(frame.aspect, 0.3, 1.25))

    def draw(figure: Any) -> None:
        axes = _frame_axes(figure, frame, (1, 1, SMALL_WIDTH - 2, high - 2))
        axes.set_aspect("equal", adjustable="box", anchor="C")
        _draw_layer(axes, frame, corners, values, scale, SMALL_VECTOR_CELLS)
        _draw_inset(figure, frame, corners, values, scale, SMALL_WIDTH, (SMALL_WIDTH - 1, 1))

    return draw_svg(key, (SMALL_WIDTH, high), alt, draw, dpi=140)


def draw_bar_alone(key: str, scale: Scale, *, alt: str, label: str, no_data: str) -> str:
    """Draw the colour bar that a set of small maps shares."""
    size = (WIDTH, 62.0)

    def draw(figure: Any) -> None:
        draw_colour_bar(figure.add_axes((0.04, 0, 0.92, 1)), scale, label, no_data)

    return draw_svg(key, size, alt, draw)

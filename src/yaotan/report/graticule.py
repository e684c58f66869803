"""What every map has around its cells: parallels and meridians with degrees, a bar of scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from yaotan.optional import require
from yaotan.report.figure import INK, QUIET
from yaotan.report.pane import Pane

Floats = npt.NDArray[np.float64]


def _graticule_step(span: float) -> float:
    return next((step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30) if span / step <= 6), 60.0)


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


def draw_graticule(pane: Pane) -> None:
    """Draw parallels and meridians with their degrees at the edge."""
    frame = pane.frame
    left, bottom, right, top = pane.seen()
    lon, lat = frame.degrees_along((left, bottom, right, top))
    if not lon.size:
        return
    style: dict[str, Any] = {"edgecolor": "#9aa5b1", "linewidth": 0.4, "alpha": 0.55, "zorder": 3}
    fine_lon, fine_lat = np.linspace(lon.min(), lon.max(), 120), np.linspace(lat.min(), lat.max(), 120)
    step_lon, step_lat = _graticule_step(np.ptp(lon)), _graticule_step(np.ptp(lat))
    taken: list[float] = []
    for value in np.arange(np.ceil(lon.min() / step_lon) * step_lon, lon.max(), step_lon):
        x, y = frame.project(np.full(120, value), fine_lat)
        pane.line(x, y, **style)
        place = _crossing(x, y, bottom, left + 0.03 * (right - left), right - 0.03 * (right - left))
        if place is not None and all(abs(place - other) > 0.11 * (right - left) for other in taken):
            taken.append(place)
            pane.text(
                pane.px(place, 0)[0],
                pane.y - 4,
                _degree_label(value, "E", "W"),
                ha="center",
                va="top",
                color=QUIET,
            )
    for value in np.arange(np.ceil(lat.min() / step_lat) * step_lat, lat.max(), step_lat):
        x, y = frame.project(fine_lon, np.full(120, value))
        pane.line(x, y, **style)
        place = _crossing(y, x, left, bottom + 0.02 * (top - bottom), top - 0.02 * (top - bottom))
        if place is not None:
            label = _degree_label(value, "N", "S")
            pane.text(pane.x - 3, pane.px(0, place)[1], label, ha="right", va="center_baseline", color=QUIET)


def _degree_label(value: float, plus: str, minus: str) -> str:
    value = (value + 180) % 360 - 180 if plus == "E" else value
    side = "" if value in (0, -180) else plus if value > 0 else minus
    return f"{abs(value):g}°{side}"


def draw_scale_bar(pane: Pane) -> None:
    """Draw a bar of a round length in the lower left corner."""
    limit = 0.24 * pane.wide / pane.scale
    length = next((x for x in (5e6, 2e6, 1e6, 5e5, 2e5, 1e5, 5e4, 2e4, 1e4) if x < limit), 5e3)
    x, y, wide = pane.x + 10, pane.y + 9, length * pane.scale
    rectangle = require("matplotlib.patches").Rectangle
    pane.add(rectangle((x - 2, y - 2), wide + 4, 6, facecolor="white", alpha=0.8), zorder=6, px=True)
    pane.add(rectangle((x, y), wide, 2, facecolor=INK), zorder=6.5, px=True)
    label = f"{length / 1000:g} km"
    pane.text(x + wide / 2, y + 6, label, ha="center", va="bottom", color=INK, gid="halo-scale")

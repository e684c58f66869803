"""A diagram of transitions: what went from each class on the left to each class on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from yaotan.optional import require
from yaotan.report.figure import INK, QUIET, draw_svg, fit_text
from yaotan.report.legend import WIDTH

#: column of names, width of the blocks, least distance of blocks [px]
_NAMES: Final = 148.0
_BLOCK: Final = 12.0
_GAP: Final = 22.0
_TOP: Final = 34.0


def draw_flow(
    key: str,
    flows: Sequence[tuple[int, int, float]],
    names: Mapping[int, tuple[str, str]],
    *,
    heads: tuple[str, str],
    alt: str,
) -> str:
    """Draw flows between two columns of blocks; widths are in proportion to the amounts.

    Parameters
    ----------
    key : str
        Id prefix.
    flows : sequence of (from, to, amount)
        Amounts above 0.
    names : mapping of int to (str, str)
        Name and colour of each class.
    heads : (str, str)
        Words above the columns, such as the years.
    alt : str
        Alt text.

    Returns
    -------
    str
        Inline SVG.
    """
    sides = [_totals(flows, place) for place in (0, 1)]
    total = sum(amount for _, _, amount in flows)
    most = max(len(side) for side in sides)
    body = max(160.0, 30.0 * most)
    scale = body / total
    height = _TOP + body + _GAP * (most - 1) + 16

    def draw(figure: Any) -> None:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(height, 0))
        axes.axis("off")
        edges = (_NAMES, WIDTH - _NAMES - _BLOCK)
        starts = [_place(side, scale, body + _GAP * (most - 1)) for side in sides]
        for (first, _, amount), (low, high) in zip(
            _ordered(flows, sides), _ends(flows, sides, starts, scale), strict=True
        ):
            _ribbon(axes, (edges[0] + _BLOCK, low), (edges[1], high), amount * scale, names[first][1])
        for place, (side, edge) in enumerate(zip(sides, edges, strict=True)):
            for code, amount in side.items():
                _block(axes, edge, starts[place][code], amount * scale, names[code], place)
        for place, word in enumerate(heads):
            x = edges[0] + _BLOCK if place == 0 else edges[1]
            axes.text(
                x, 12, word, ha=("right", "left")[place], va="center_baseline", fontsize=12, color=QUIET
            )

    return draw_svg(key, (WIDTH, height), alt, draw)


def _totals(flows: Sequence[tuple[int, int, float]], place: int) -> dict[int, float]:
    """Amount of each class on one side, largest first."""
    found: dict[int, float] = {}
    for flow in flows:
        code = int(flow[place])
        found[code] = found.get(code, 0.0) + flow[2]
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _place(side: Mapping[int, float], scale: float, room: float) -> dict[int, float]:
    """Upper edge of each block, the column centred."""
    used = scale * sum(side.values()) + _GAP * (len(side) - 1)
    depth, found = _TOP + (room - used) / 2, {}
    for code, amount in side.items():
        found[code] = depth
        depth += scale * amount + _GAP
    return found


def _ordered(
    flows: Sequence[tuple[int, int, float]], sides: Sequence[Mapping[int, float]]
) -> list[tuple[int, int, float]]:
    orders = [{code: number for number, code in enumerate(side)} for side in sides]
    return sorted(flows, key=lambda flow: (orders[0][flow[0]], orders[1][flow[1]]))


def _ends(
    flows: Sequence[tuple[int, int, float]],
    sides: Sequence[Mapping[int, float]],
    starts: Sequence[Mapping[int, float]],
    scale: float,
) -> list[tuple[float, float]]:
    """Upper edges of each ribbon at both blocks, so that ribbons of a block cross as little as can be."""
    ordered = _ordered(flows, sides)
    right = {}
    filled = dict(starts[1])
    for first, second, amount in sorted(ordered, key=lambda flow: (list(sides[1]).index(flow[1]),)):
        right[first, second] = filled[second]
        filled[second] += scale * amount
    found, left = [], dict(starts[0])
    for first, second, amount in ordered:
        found.append((left[first], right[first, second]))
        left[first] += scale * amount
    return found


def _ribbon(
    axes: Any, start: tuple[float, float], end: tuple[float, float], wide: float, colour: str
) -> None:
    path_class = require("matplotlib.path").Path
    (x0, y0), (x1, y1) = start, end
    middle = (x0 + x1) / 2
    points = [(x0, y0), (middle, y0), (middle, y1), (x1, y1), (x1, y1 + wide)]
    points += [(middle, y1 + wide), (middle, y0 + wide), (x0, y0 + wide), (x0, y0)]
    codes = [1, 4, 4, 4, 2, 4, 4, 4, 79]
    patch = require("matplotlib.patches").PathPatch
    style: dict[str, Any] = {"facecolor": colour, "edgecolor": colour, "alpha": 0.5, "linewidth": 0.3}
    axes.add_patch(patch(path_class(points, codes), **style))


def _block(axes: Any, x: float, y: float, high: float, name: tuple[str, str], place: int) -> None:
    rectangle = require("matplotlib.patches").Rectangle
    axes.add_patch(rectangle((x, y), _BLOCK, high, facecolor=name[1], edgecolor=QUIET, linewidth=0.5))
    beside = x - 8 if place == 0 else x + _BLOCK + 8
    text = fit_text(name[0], _NAMES - 12, 12)
    side = ("right", "left")[place]
    axes.text(beside, y + high / 2, text, ha=side, va="center_baseline", fontsize=12, color=INK)

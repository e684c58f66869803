"""Rows of a chart: a name on the left of each, a grid behind them, numbers below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from yaotan.report.chart import axis_title, grid_lines, make_axes, number_ticks
from yaotan.report.figure import INK, fit_text, text_width
from yaotan.report.legend import WIDTH


@dataclass(frozen=True)
class Rows:
    """Rows of equal height with names on the left.

    Parameters
    ----------
    names : sequence of str
        From the top; those that do not fit end in an ellipsis. An empty one leaves its place free.
    step : float
        Height of a row [px].
    top, bottom : float
        Room above and below the rows [px].
    most : float
        Widest column of names [px].

    Examples
    --------
    >>> Rows(["a", "b"], 20.0).height
    104.0
    """

    names: Sequence[str]
    step: float
    top: float = 34.0
    bottom: float = 30.0
    most: float = 206.0

    @property
    def height(self) -> float:
        """Height of the whole chart [px]."""
        return self.step * len(self.names) + self.top + self.bottom

    @cached_property
    def left(self) -> float:
        """Room for the names [px]."""
        return min(self.most, max(text_width(name, 12) for name in self.names) + 16)

    def middle(self, row: int) -> float:
        """Give the height of a row's middle as a share of the figure, from below."""
        return (self.height - self.top - self.step * (row + 0.5)) / self.height

    def start(self, figure: Any, right: float) -> Any:
        """Make axes for the rows with a margin on the right [px]; row ``n`` lies at y = n."""
        axes = make_axes(figure, self.left, self.bottom, right, self.top)
        axes.set_ylim(len(self.names) - 0.5, -0.5)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        return axes

    def write(self, figure: Any) -> None:
        """Write the names."""
        style: dict[str, Any] = {"ha": "right", "va": "center_baseline", "color": INK}
        for row, name in enumerate(self.names):
            if name:
                text = fit_text(name, self.left - 12, 12)
                figure.text((self.left - 8) / WIDTH, self.middle(row), text, fontsize=12, **style)

    def finish(self, figure: Any, axes: Any, label: str, count: int = 4) -> None:
        """Write names, grid, numbers below and the quantity above."""
        self.write(figure)
        grid_lines(axes, "x")
        number_ticks(axes.xaxis, count)
        axis_title(figure, label)

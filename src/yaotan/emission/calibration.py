"""From errors of provinces left out to bounds and draws of every row, by the kind of interval asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yaotan.emission.interval import GroupedConformal, is_largest, label_rows
from yaotan.emission.panel import Panel
from yaotan.emission.quantile import QuantileBand
from yaotan.emission.transform import Design
from yaotan.errors import PanelError

Values = NDArray[np.float64]
INTERVALS: Final = ("conformal", "normalised", "cqr")
#: column of text, or column of numbers and bounds; one class for all where empty
Classes = str | tuple[str, tuple[float, ...]]
#: for every row the logarithm of its median and how far the members of the model differ
Estimated: TypeAlias = tuple[Values, Values]


@dataclass
class Calibration:
    """Intervals of one fitted model.

    Parameters
    ----------
    interval : str
        ``conformal``, ``normalised`` (residuals over the spread of members plus its median, so that a row on
        which they agree gets no width near 0) or ``cqr``.
    classes : str or tuple
        As `yaotan.emission.interval.label_rows`.
    level : float
        Of ``cqr``.
    folds, seed : int
    """

    interval: str = "normalised"
    classes: Classes = ""
    level: float = 0.9
    folds: int = 6
    seed: int = 0
    least_spread_: float = field(default=1.0, repr=False)
    conformal_: GroupedConformal = field(default_factory=GroupedConformal, repr=False)
    band_: QuantileBand | None = field(default=None, repr=False)

    def fit(self, known: Panel, left_out: pd.DataFrame, design: Design | None) -> Calibration:
        """Keep the errors of rows left out.

        Parameters
        ----------
        known : Panel
            Rows learned from.
        left_out : pandas.DataFrame
            ``region``, ``period``, ``group``, ``residual`` and ``spread`` of rows of `known`, by fits without
            them.
        design : Design, optional
            Of the columns, which a band of quantiles needs.
        """
        self.least_spread_ = float(left_out["spread"].median()) or 1.0
        rows = pd.MultiIndex.from_frame(known.table[["region", "period"]])
        at = rows.get_indexer(pd.MultiIndex.from_frame(left_out[["region", "period"]]))
        self.conformal_ = GroupedConformal(self.seed).fit(
            left_out["residual"],
            left_out["group"],
            sigma=self._difficulty(left_out["spread"].to_numpy(float)),
            label=label_rows(known.table.iloc[at], self.classes),
        )
        if self.interval == "cqr":
            if design is None:
                raise PanelError("a band of quantiles is of no_inventory alone", where="interval cqr",
                                 expected="conformal, normalised")  # fmt: skip
            self.band_ = QuantileBand(self.level, design, self.folds, self.seed).fit(known)
        return self

    def _difficulty(self, spread: Values) -> Values | None:
        return spread + self.least_spread_ if self.interval == "normalised" else None

    def check(self, panel: Panel, level: float) -> None:
        """Refuse a level for which the class of a row is too small (`GroupedConformal.check`)."""
        self.conformal_.check(level, label_rows(panel.table, self.classes))

    def largest(self, panel: Panel, level: float) -> NDArray[np.bool_]:
        """Tell for each row whether its bound is the largest error of all provinces of its class."""
        names, of = np.unique(label_rows(panel.table, self.classes), return_inverse=True)
        return np.array([is_largest(self.conformal_.units(one), level) for one in names], bool)[of]

    def bounds(self, panel: Panel, estimated: Estimated, level: float) -> tuple[Values, Values]:
        """Give bounds of every row [unit of the target], infinite where a class is too small."""
        if self.band_ is not None:
            low, high = self.band_.bounds(panel, level)
            return np.exp(low), np.exp(high)
        log, spread = estimated
        label = label_rows(panel.table, self.classes)
        width = self.conformal_.half_width(level, sigma=self._difficulty(spread), label=label)
        return np.exp(log - width), np.exp(log + width)

    def draws(self, panel: Panel, estimated: Estimated) -> Values:
        """Give an ensemble ``(row, draw)`` [unit of the target]: median times errors of other provinces."""
        log, spread = estimated
        error = self.conformal_.draw(len(panel), label=label_rows(panel.table, self.classes))
        sigma = self._difficulty(spread)
        made: Values = np.exp(log[:, None] + (error if sigma is None else error * sigma[:, None]))
        return made

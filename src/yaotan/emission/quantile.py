"""Bands between two conditional quantiles, widened until they hold for provinces not seen (CQR)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yaotan.emission.candidate import Sample, make_sample, one_thread
from yaotan.emission.interval import GroupedConformal
from yaotan.emission.panel import Panel
from yaotan.emission.transform import Design
from yaotan.errors import PanelError

Values = NDArray[np.float64]


@dataclass
class QuantileBand:
    r"""Conformalised quantile regression with one province as one unit.

    Gradient boosting of the quantiles a / 2 and 1 - a / 2 of :math:`\log(E / s)`; the score of a row of a
    province that was left out is how far it lies outside the band, negative inside
    (Romano, Patterson and Candes 2019, NeurIPS 32, equation 6), and `GroupedConformal` says by how much the
    band has to be widened (or may be narrowed).

    Parameters
    ----------
    level : float
        The one level for which the band is made.
    design : Design
        Of the columns, fitted anew here.
    folds, seed : int
        Of the inner leaving out of provinces.

    Notes
    -----
    Outer quantiles of 30 provinces rest on the few most extreme ones: rarely narrower than without a band.
    """

    level: float = 0.9
    design: Design = field(default_factory=Design)
    folds: int = 6
    seed: int = 0
    conformal_: GroupedConformal = field(default_factory=GroupedConformal, repr=False)
    fitted_: tuple[Any, Any] = field(default=(None, None), repr=False)
    design_: Design = field(default_factory=Design, repr=False)

    def fit(self, panel: Panel) -> QuantileBand:
        """Learn the band from rows with targets above 0, and its widening from provinces left out."""
        from sklearn.model_selection import GroupKFold

        group, score = panel.group.to_numpy(), np.full(len(panel), np.nan)
        with one_thread():
            for train, test in GroupKFold(min(self.folds, len(set(group)))).split(group, groups=group):
                inside, outside = panel.select(train), panel.select(test)
                design = replace(self.design).fit(inside)
                pair, truth = self._learn(make_sample(inside, design)), make_sample(outside, design)
                low, high = (one.predict(truth.numbers) for one in pair)
                score[test] = np.maximum(low - truth.wanted, truth.wanted - high)
            self.design_ = replace(self.design).fit(panel)
            self.fitted_ = self._learn(make_sample(panel, self.design_))
        self.conformal_ = GroupedConformal(self.seed).fit(score, group, signed=True)
        return self

    def _learn(self, sample: Sample) -> tuple[Any, Any]:
        from sklearn.ensemble import HistGradientBoostingRegressor

        tail = (1.0 - self.level) / 2.0
        low, high = (
            HistGradientBoostingRegressor(
                loss="quantile",
                quantile=at,
                max_iter=60,
                learning_rate=0.05,
                max_leaf_nodes=6,
                min_samples_leaf=20,
                early_stopping=False,
                random_state=self.seed,
            ).fit(sample.numbers, sample.wanted, sample_weight=sample.weight)
            for at in (tail, 1.0 - tail)
        )
        return low, high

    def bounds(self, panel: Panel, level: float) -> tuple[Values, Values]:
        """Give lower and upper logarithm of every row.

        Raises
        ------
        PanelError
            The band was made for another level.
        """
        if abs(level - self.level) > 1e-9:
            raise PanelError(
                f"the band was made for {100 * self.level:g} %, not for {100 * level:g} %",
                where="interval cqr",
                fix=f"fit with level={level:g}",
            )
        numbers, scale = self.design_.transform(panel), self.design_.log_scale(panel)
        more = self.conformal_.half_width(level)[0]
        with one_thread():
            low, high = (one.predict(numbers) + scale for one in self.fitted_)
        # two quantiles are fitted apart and may cross: the band is what lies between them, whichever is lower
        lower: Values = np.minimum(low, high) - more
        upper: Values = np.maximum(low, high) + more
        return lower, upper

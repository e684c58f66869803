"""The model of gaps: a line between known years, bent as the nation went in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yaotan.emission.history import History
from yaotan.emission.panel import Panel
from yaotan.emission.split import splits

Values = NDArray[np.float64]
#: share of the nation's departure from a straight line that a gap follows
SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
INNER_FOLDS: Final = 5


@dataclass
class InfillModel:
    r"""Line between the logarithms of the known years on either side, plus a share of the nation's bend.

    With :math:`d_t` the mean over regions of :math:`\log E` freed of the level of each region (year effects
    of a two-way fit), a gap follows :math:`a\,d_t` plus the straight line of :math:`\log E_t - a\,d_t`
    between its ends. Years before the first and after the last known one are no gap and get no estimate.
    The share a is chosen by gaps made in the known years, of the same kind as those that `splits` makes.

    Attributes
    ----------
    chosen_ : str
    configurations_ : int
    share_ : float
    residuals_ : pandas.DataFrame
        ``region``, ``period``, ``group``, ``estimate``, ``residual``, ``spread`` in the gaps that were made.
    """

    chosen_: str = field(default="", repr=False)
    configurations_: int = field(default=0, repr=False)
    share_: float = field(default=0.0, repr=False)
    residuals_: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    history_: History = field(default_factory=History, repr=False)
    bend_: Values = field(default_factory=lambda: np.zeros(0), repr=False)

    def fit(self, panel: Panel) -> InfillModel:
        """Choose the share in gaps of known years."""
        log = np.log(panel.values())
        made = np.full((len(panel), len(SHARES)), np.nan)
        for fold in splits(panel, "infill", folds=INNER_FOLDS):
            history = History.of(panel.select(fold.train), panel.values()[fold.train])
            bend, test = _year_effects(history), panel.table.iloc[fold.test]
            for n, share in enumerate(SHARES):
                made[fold.test, n] = _fill(history, bend, share, test)
        asked = np.isfinite(made).all(axis=1)
        errors = np.sqrt(np.mean((made[asked] - log[asked, None]) ** 2, axis=0))
        best = int(errors.argmin())
        self.share_, self.configurations_ = SHARES[best], len(SHARES)
        self.chosen_ = f"share of the nation's bend {self.share_:g}"
        self.history_ = History.of(panel, panel.values())
        self.bend_ = _year_effects(self.history_)
        self.residuals_ = panel.table[["region", "period"]][asked].assign(
            group=panel.group[asked],
            estimate=made[asked, best],
            residual=log[asked] - made[asked, best],
            spread=0.0,
        )
        return self

    def predict_log(self, panel: Panel) -> tuple[Values, Values]:
        """Give the logarithm for every row, and 0: there is one member.

        A known year is given as it is, an unknown region or a year outside of the record as NaN.
        """
        return _fill(self.history_, self.bend_, self.share_, panel.table), np.zeros(len(panel))


def _year_effects(history: History) -> Values:
    """Fit year effects beside region effects by alternation; a year that nobody knows lies on a line."""
    known = history.logarithm[:, np.isfinite(history.logarithm).any(axis=0)]
    there = np.isfinite(known)
    effect = np.zeros(len(history.years))
    seen = there.any(axis=1)
    for _ in range(30):
        level = np.nanmean(known - effect[:, None], axis=0)
        effect[seen] = np.nanmean((known - level)[seen], axis=1)
    made: Values = np.interp(history.years, history.years[seen], effect[seen])
    return made


def _fill(history: History, bend: Values, share: float, table: pd.DataFrame) -> Values:
    made = np.full(len(table), np.nan)
    column = {region: n for n, region in enumerate(history.regions)}
    for region, rows in table.groupby("region").indices.items():
        if str(region) not in column:
            continue
        own = history.logarithm[:, column[str(region)]] - share * bend
        known = np.isfinite(own)
        if known.any():
            years, ends = table["period"].to_numpy(float)[rows], history.years[known].astype(float)
            at = np.interp(years, history.years.astype(float), bend)
            line = np.interp(years, ends, own[known], left=np.nan, right=np.nan)
            made[rows] = share * at + line
    return made

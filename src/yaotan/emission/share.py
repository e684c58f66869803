"""Sectors: how an estimate divides into the parts that the targets have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yaotan.emission.candidate import find_weights, one_thread
from yaotan.emission.panel import Panel
from yaotan.emission.transform import Design
from yaotan.errors import PanelError
from yaotan.units import conversion

Values = NDArray[np.float64]
#: name of what no part holds
REST: Final = "rest"
#: by how much the parts may exceed their sum: rounding of the source
ROUNDING: Final = 0.01


@dataclass
class ShareModel:
    """Shares of the sectors by extremely randomised trees: averages of shares seen, so they sum to one.

    Parameters
    ----------
    design : Design
        Of the columns, fitted anew here.
    seed : int

    Attributes
    ----------
    names_ : tuple of str
        The parts, and ``rest``.
    rows_ : int
        Rows with all parts that it was learned from.
    """

    design: Design = field(default_factory=Design)
    seed: int = 0
    names_: tuple[str, ...] = field(default=(), repr=False)
    rows_: int = field(default=0, repr=False)
    design_: Design = field(default_factory=Design, repr=False)
    trees_: Any = field(default=None, repr=False)

    def fit(self, panel: Panel) -> ShareModel:
        """Learn from the rows that have the target and every part.

        Raises
        ------
        PanelError
            The panel has no parts, no row has them all, or the parts exceed the target.
        """
        from sklearn.ensemble import ExtraTreesRegressor

        whole = panel.select(panel.table[list(panel.parts)].notna().all(axis=1).to_numpy() & panel.has_target)
        if not panel.parts or not len(whole):
            raise PanelError("no row has a target and all of its parts", where="sectors")
        shares = _shares(whole)
        self.names_, self.rows_ = (*panel.parts, REST), len(whole)
        self.design_ = Design(self.design.scale, self.design.features).fit(whole)
        trees = ExtraTreesRegressor(
            n_estimators=100, min_samples_leaf=3, max_features=0.5, random_state=self.seed
        )
        with one_thread():
            self.trees_ = trees.fit(self.design_.transform(whole), shares, sample_weight=find_weights(whole))
        return self

    def predict(self, panel: Panel) -> pd.DataFrame:
        """Give the share of each part and of the rest for every row; they sum to 1."""
        with one_thread():
            made = np.asarray(self.trees_.predict(self.design_.transform(panel)), float)
        return pd.DataFrame(made, columns=list(self.names_))


def _shares(panel: Panel) -> Values:
    total = panel.values()
    parts = np.column_stack(
        [
            panel.table[name].to_numpy(float) * conversion(panel.column(name).unit, panel.target.unit)[0]
            for name in panel.parts
        ]
    )
    over = parts.sum(axis=1) > (1.0 + ROUNDING) * total
    if over.any():
        first = panel.table[over].iloc[0]
        raise PanelError(
            f"the parts exceed the target in {over.sum()} rows, first {first['region']} {first['period']}",
            where="sectors",
            expected="parts that are in the target, none twice",
        )
    whole = np.maximum(total, parts.sum(axis=1))
    made: Values = np.column_stack([parts, whole - parts.sum(axis=1)]) / whole[:, None]
    return made

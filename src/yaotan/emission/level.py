"""The model for a province with no inventory: what lights, people and land say, nothing of its past."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yaotan.emission.candidate import FAMILIES, Learner, configurations, make_sample, one_thread
from yaotan.emission.ensemble import predict_members, prepare_members
from yaotan.emission.metric import wmape
from yaotan.emission.neighbour import NeighbourField, correct_unseen, find_places, has_place
from yaotan.emission.panel import Panel
from yaotan.emission.selection import choose_scale, select
from yaotan.emission.transform import Design

Values = NDArray[np.float64]


@dataclass
class LevelModel:
    """Average of learners of the logarithm of the target, chosen by leaving provinces out.

    Parameters
    ----------
    families : tuple of str
        Of `candidate.FAMILIES`.
    scale : str, optional
        Offset: what is learned is the target per unit of it. None: chosen among the scales of the panel;
        empty: none.
    features : tuple of str
        All of the panel where empty.
    monotone : tuple of str, optional
        Features whose ratio to the scale may only raise the estimate, where a family can be told so; by
        default the scales that are not the offset.
    folds : int
        Of the inner validation.
    seed : int

    Attributes
    ----------
    chosen_ : str
    configurations_ : int
        How many were tried: single ones, averages of families, and offsets.
    scores_ : pandas.DataFrame
        As `Selection.scores`.
    residuals_ : pandas.DataFrame
        As `Selection.residuals`.
    design_ : Design
    members_ : tuple of Learner
        Every configuration of the chosen families, fitted to every row.
    weights_ : tuple of float
    around_ : NeighbourField or None
        Of panels with ``latitude`` and ``longitude`` (`yaotan.emission.place_feature`): left-out errors of
        regions around, where regions of other provinces are estimated better with them.
    """

    families: tuple[str, ...] = FAMILIES
    scale: str | None = None
    features: tuple[str, ...] = ()
    monotone: tuple[str, ...] | None = None
    folds: int = 6
    seed: int = 0
    chosen_: str = field(default="", repr=False)
    configurations_: int = field(default=0, repr=False)
    scores_: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    residuals_: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    design_: Design = field(default_factory=Design, repr=False)
    members_: tuple[Learner, ...] = field(default=(), repr=False)
    weights_: tuple[float, ...] = field(default=(), repr=False)
    around_: NeighbourField | None = field(default=None, repr=False)

    def fit(self, panel: Panel) -> LevelModel:
        """Choose, then fit what was chosen to every row."""
        scales = tuple(name for name in panel.scales if not self.features or name in self.features)
        plain = tuple(Learner(one, (), self.seed) for one in configurations(self.families))
        scale = self.scale
        if scale is None:
            scale = choose_scale(panel, scales, plain, self.features, self.folds)
        others = tuple(name for name in scales if name != scale)
        monotone = others if self.monotone is None else self.monotone
        tried = tuple(replace(learner, monotone=monotone) for learner in plain)
        made = select(panel, tried, Design(scale, self.features), self.folds)
        self.design_ = Design(scale, self.features).fit(panel)
        sample = make_sample(panel, self.design_)
        with one_thread():
            self.members_ = tuple(
                Learner(one, monotone, self.seed).fit(sample, self.design_) for one, _ in made.members
            )
        self.weights_ = tuple(weight for _, weight in made.members)
        several = [one for one in made.scores.index if len(one) > 1]
        asked = len(scales) if self.scale is None and len(scales) > 1 else 0
        self.configurations_ = len(tried) + len(several) + asked
        self.chosen_ = " + ".join(made.families) + (f" per {scale}" if scale else "")
        self.scores_, self.residuals_ = made.scores, made.residuals
        self.around_ = None
        if has_place(panel, self.features):
            self._ask_neighbours(panel)
        return self

    def _ask_neighbours(self, panel: Panel) -> None:
        """Carry left-out errors on to neighbours where regions of other provinces say that this helps."""
        left_out, places, observed = self.residuals_, find_places(panel), panel.values()
        moved = correct_unseen(left_out, places)
        plain = left_out["estimate"].to_numpy(float)
        self.configurations_ += 1
        if wmape(observed, np.exp(plain + moved)) >= wmape(observed, np.exp(plain)):
            return
        self.around_ = NeighbourField().fit(left_out, places)
        self.residuals_ = left_out.assign(estimate=plain + moved, residual=left_out["residual"] - moved)
        self.chosen_ += " and neighbours"

    def correct(self, panel: Panel) -> Values:
        """Give what neighbours add to the logarithm of every row; 0 where they are not asked."""
        if self.around_ is None:
            return np.zeros(len(panel))
        places = find_places(panel)
        moved = pd.Series(self.around_.estimate(places.to_numpy(float)), index=places.index)
        made: Values = np.asarray(moved.reindex(panel.table["region"]), dtype=float)
        return made

    def predict_log(self, panel: Panel) -> tuple[Values, Values]:
        """Give for every row the median of the logarithm of the target [its unit], and the spread of members.

        The latter is the standard deviation of their logarithms, 0 of one member.
        """
        numbers, weights = self.design_.transform(panel), np.asarray(self.weights_)
        members = predict_members(self.members_, numbers) + self.design_.log_scale(panel)
        centre: Values = weights @ members
        spread: Values = np.sqrt(weights @ (members - centre) ** 2)
        return centre + self.correct(panel), spread

    def prepare(self) -> None:
        """Load what the first estimate needs."""
        prepare_members(self.members_)

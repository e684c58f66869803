"""The regressions that a biomass model may be learned with."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from yaotan.carbon.budget.parameter import Floats
from yaotan.errors import SchemaError
from yaotan.optional import require

Learner: TypeAlias = Literal["forest", "boosting", "linear"]


class LearnedBiomass:
    """One regression, whose answers are never negative.

    Parameters
    ----------
    learner : {"forest", "boosting", "linear"}
        Random forest (leaves of 3 plots or more, half of the predictors at each split), gradient boosting of
        histograms (rate 0.05), or ridge regression of the square root on scaled
        predictors.
    seed : int
        Of the learner.
    trees : int
        Trees, or rounds of boosting.
    """

    def __init__(self, learner: Learner, seed: int, trees: int) -> None:
        self.learner, self.seed, self.trees = learner, seed, trees

    def fit(self, x: Floats, y: Floats) -> LearnedBiomass:
        """Learn biomass ``(n,)`` from predictors ``(n, predictor)``."""
        self._model = _make(self.learner, self.seed, self.trees).fit(
            x, np.sqrt(y) if self.learner == "linear" else y
        )
        return self

    def predict(self, x: Floats) -> Floats:
        """Give biomass ``(n,)``."""
        raw = np.maximum(self._model.predict(x), 0.0)
        return np.asarray(raw**2 if self.learner == "linear" else raw)


def _make(learner: str, seed: int, trees: int) -> Any:
    if learner == "forest":
        return require("sklearn.ensemble").RandomForestRegressor(
            n_estimators=trees, min_samples_leaf=3, max_features=0.5, random_state=seed
        )
    if learner == "boosting":
        return require("sklearn.ensemble").HistGradientBoostingRegressor(
            max_iter=trees, learning_rate=0.05, random_state=seed
        )
    if learner == "linear":
        pipeline, scale = require("sklearn.pipeline"), require("sklearn.preprocessing")
        return pipeline.make_pipeline(scale.StandardScaler(), require("sklearn.linear_model").Ridge())
    raise SchemaError(f"learner={learner!r}", where="BiomassModel", expected="forest, boosting or linear")

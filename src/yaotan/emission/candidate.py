"""Candidates: the learners that nested validation chooses from, each a few configurations of one family."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.emission.panel import Panel
from yaotan.emission.transform import Design
from yaotan.errors import PanelError
from yaotan.optional import require

Values = NDArray[np.float64]
#: families in the order in which they are tried
FAMILIES: Final = ("ridge", "kernel", "trees", "boosting")
#: columns for which the widths of the kernel below hold; more columns, wider kernel
KERNEL_COLUMNS: Final = 16


def one_thread() -> AbstractContextManager[Any]:
    """Keep small fits on one thread: on shared cores waiting threads cost more than the fit."""
    from threadpoolctl import threadpool_limits

    made: AbstractContextManager[Any] = threadpool_limits(1)
    return made


def has_lightgbm() -> bool:
    """Tell whether LightGBM is installed; scikit-learn's boosting takes its place where not."""
    return find_spec("lightgbm") is not None


@dataclass(frozen=True)
class Configuration:
    """One learner with its settings.

    Attributes
    ----------
    family : str
        One of `FAMILIES`.
    settings : tuple of (str, float)
        Sorted names and values.
    """

    family: str
    settings: tuple[tuple[str, float], ...] = ()

    @property
    def name(self) -> str:
        """Give family and settings as text."""
        return " ".join([self.family, *(f"{key}={value:g}" for key, value in self.settings)])

    def make(self, design: Design, monotone: tuple[str, ...], seed: int) -> Any:
        """Give an unfitted scikit-learn regressor for the columns of a fitted design."""
        given = dict(self.settings)
        if self.family == "boosting":
            return _make_boosting(given, design, monotone, seed)
        return _MAKERS[self.family](given, len(design.names_), seed)


def configurations(families: tuple[str, ...] = FAMILIES) -> tuple[Configuration, ...]:
    """Give every configuration of some families.

    Parameters
    ----------
    families : tuple of str
        Of `FAMILIES`.

    Raises
    ------
    PanelError
        A family is unknown.

    Examples
    --------
    >>> [made.name for made in configurations(("ridge",))]
    ['ridge alpha=30', 'ridge alpha=100', 'ridge alpha=300']
    """
    made: list[Configuration] = []
    for family in families:
        if family not in FAMILIES:
            raise PanelError(f"family {family!r} is unknown", where="families", expected=", ".join(FAMILIES))
        made += [Configuration(family, settings) for settings in _SETTINGS[family]]
    return tuple(made)


_SETTINGS: Final[dict[str, tuple[tuple[tuple[str, float], ...], ...]]] = {
    "ridge": tuple((("alpha", alpha),) for alpha in (30.0, 100.0, 300.0)),
    "kernel": tuple((("alpha", a), ("gamma", g)) for g in (0.03, 0.1) for a in (0.3, 1.0, 3.0)),
    "trees": tuple((("features", share),) for share in (0.3, 0.6)),
    "boosting": ((("leaves", 6.0), ("rounds", 120.0)),),
}


def _make_ridge(given: dict[str, float], columns: int, seed: int) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(alpha=given["alpha"])


def _make_kernel(given: dict[str, float], columns: int, seed: int) -> Any:
    from sklearn.kernel_ridge import KernelRidge

    return KernelRidge(alpha=given["alpha"], kernel="rbf", gamma=given["gamma"] * KERNEL_COLUMNS / columns)


def _make_trees(given: dict[str, float], columns: int, seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(
        n_estimators=100, min_samples_leaf=2, max_features=given["features"], random_state=seed
    )


_MAKERS: Final[dict[str, Callable[[dict[str, float], int, int], Any]]] = {
    "ridge": _make_ridge,
    "kernel": _make_kernel,
    "trees": _make_trees,
}


def _make_boosting(given: dict[str, float], design: Design, monotone: tuple[str, ...], seed: int) -> Any:
    rising = [int(name.split(" / ")[0] in monotone and " / " in name) for name in design.names_]
    leaves, rounds = int(given["leaves"]), int(given["rounds"])
    if has_lightgbm():
        return require("lightgbm").LGBMRegressor(
            n_estimators=rounds,
            learning_rate=0.05,
            num_leaves=leaves,
            min_child_samples=20,
            subsample=0.7,
            subsample_freq=1,
            colsample_bytree=0.5,
            monotone_constraints=rising,
            random_state=seed,
            n_jobs=1,
            verbose=-1,
        )
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=rounds,
        learning_rate=0.05,
        max_leaf_nodes=leaves,
        min_samples_leaf=20,
        max_features=0.5,
        monotonic_cst=rising,
        early_stopping=False,
        random_state=seed,
    )


@dataclass
class Learner:
    """One configuration, fitted to numbers that are standardised by those learned from.

    Parameters
    ----------
    configuration : Configuration
    monotone : tuple of str
        As `LevelModel.monotone`.
    seed : int
    """

    configuration: Configuration
    monotone: tuple[str, ...] = ()
    seed: int = 0
    mean_: Values = field(default_factory=lambda: np.zeros(0), repr=False)
    spread_: Values = field(default_factory=lambda: np.ones(0), repr=False)
    centre_: float = field(default=0.0, repr=False)
    estimator_: Any = field(default=None, repr=False)

    def fit(self, sample: Sample, design: Design) -> Learner:
        """Learn the logarithm of the target less that of the scale."""
        spread = sample.numbers.std(axis=0)
        self.mean_, self.spread_ = sample.numbers.mean(axis=0), np.where(spread > 0, spread, 1.0)
        self.centre_ = float(np.average(sample.wanted, weights=sample.weight))
        self.estimator_ = self.configuration.make(design, self.monotone, self.seed)
        x = (sample.numbers - self.mean_) / self.spread_
        self.estimator_.fit(x, sample.wanted - self.centre_, sample_weight=sample.weight)
        return self

    def predict(self, numbers: Values) -> Values:
        """Give the logarithm of the target less that of the scale, ``(row,)``."""
        x = (numbers - self.mean_) / self.spread_
        return np.asarray(self.estimator_.predict(x), float) + self.centre_


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows to learn from: numbers ``(row, column)``, what is wanted of them, and their weights."""

    numbers: Values
    wanted: Values
    weight: Values


def make_sample(panel: Panel, design: Design) -> Sample:
    """Give the rows of a panel, all with a target above 0, through a fitted design.

    Raises
    ------
    PanelError
        The scale is missing or 0 in some rows.
    """
    wanted = np.log(panel.values()) - design.log_scale(panel)
    if not np.isfinite(wanted).all():
        raise PanelError(
            f"{design.scale} is missing or 0 in {(~np.isfinite(wanted)).sum()} rows to learn from",
            where="offset",
            fix='choose another scale, or scale="" for none',
        )
    return Sample(design.transform(panel), wanted, find_weights(panel))


def find_weights(panel: Panel) -> Values:
    """Give the weights of rows, 1 where the panel has none.

    Raises
    ------
    PanelError
        A weight is missing, or all are 0.
    """
    if panel.weight is None:
        return np.ones(len(panel))
    weight: Values = panel.table[panel.weight.name].to_numpy(float)
    if np.isnan(weight).any() or weight.sum() <= 0:
        raise PanelError(f"{panel.weight.name} is missing in some rows, or 0 in all", where="weights")
    return weight

"""Nested choice: which families of learners, alone or averaged, estimate provinces not seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yaotan.emission.candidate import Configuration, Learner, make_sample, one_thread
from yaotan.emission.metric import wmape
from yaotan.emission.panel import Panel
from yaotan.emission.transform import Design
from yaotan.errors import PanelError

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Selection:
    """What was chosen, and its errors on provinces that it was not fitted to.

    Attributes
    ----------
    families : tuple of str
        Their estimates (logarithms) are averaged; each is the average of its configurations.
    members : tuple of (Configuration, float)
        Every configuration of these families with its weight.
    residuals : pandas.DataFrame
        ``region``, ``period``, ``group``, ``estimate`` (logarithm), ``residual`` (logarithm of target over
        estimate) and ``spread`` (between members), each row from a fit without its province.
    scores : pandas.DataFrame
        Of everything that was tried: inner ``wmape``, its ``excess`` over the smallest, and the standard
        error ``excess_error`` of that over provinces (0 where only listed and not to be chosen).
    """

    families: tuple[str, ...]
    members: tuple[tuple[Configuration, float], ...]
    residuals: pd.DataFrame
    scores: pd.DataFrame


def select(panel: Panel, tried: tuple[Learner, ...], design: Design, folds: int) -> Selection:
    """Choose by leaving groups of provinces out.

    With 30 provinces the best of several configurations is mostly the luckiest, so configurations of one
    family are averaged, not chosen, and of the families and their averages the widest is taken whose wmape
    is within one standard error (paired, over provinces) of the smallest (the rule of one standard error,
    Breiman et al. 1984, section 3.4.3, with the average as the simpler model).

    Parameters
    ----------
    panel : Panel
        Rows with targets above 0.
    tried : tuple of Learner
        Not fitted; copied for each fold.
    design : Design
        Fitted anew in each fold.
    folds : int
        At most one for each province.

    Returns
    -------
    Selection

    Raises
    ------
    PanelError
        Fewer than two provinces.
    """
    made = estimate_unseen(panel, tried, design, folds)
    of = np.array([learner.configuration.family for learner in tried])
    families = tuple(dict.fromkeys(of.tolist()))
    means = {family: made[:, of == family].mean(axis=1) for family in families}
    sets = [chosen for size in range(1, len(families) + 1) for chosen in combinations(families, size)]
    scores = _compare(panel, {chosen: np.mean([means[f] for f in chosen], axis=0) for chosen in sets})
    near = scores[scores["excess"] <= scores["excess_error"]]
    chosen = max(near.index, key=lambda one: (len(one), -near.loc[[one], "wmape"].iloc[0]))
    inside = [n for n, family in enumerate(of) if family in chosen]
    weights = [1.0 / (len(chosen) * int((of == of[n]).sum())) for n in inside]
    members = tuple((tried[n].configuration, weight) for n, weight in zip(inside, weights, strict=True))
    return Selection(chosen, members, _residuals(panel, made[:, inside], weights), scores)


def choose_scale(
    panel: Panel, scales: tuple[str, ...], tried: tuple[Learner, ...], features: tuple[str, ...], folds: int
) -> str:
    """Choose the known scale whose offset estimates provinces not seen best.

    The first configuration of each family is fitted with each scale; the measure is wmape of their average.

    Parameters
    ----------
    panel : Panel
        Rows with targets above 0.
    scales : tuple of str
        Those that are missing or 0 in some row are passed over.
    tried : tuple of Learner
    features : tuple of str
        Of the design; all where empty.
    folds : int

    Returns
    -------
    str
        Empty where there is none.
    """
    usable = [name for name in scales if (panel.table[name] > 0).all()]
    if len(usable) < 2:
        return usable[0] if usable else ""
    first = {learner.configuration.family: learner for learner in reversed(tried)}
    observed = panel.values()
    error = {}
    for name in usable:
        made = estimate_unseen(panel, tuple(first.values()), Design(name, features), folds)
        error[name] = wmape(observed, np.exp(made.mean(axis=1)))
    return min(error, key=lambda name: error[name])


def estimate_unseen(panel: Panel, tried: tuple[Learner, ...], design: Design, folds: int) -> Values:
    """Give the logarithm ``(row, configuration)`` of every row from fits without its province.

    Raises
    ------
    PanelError
        Fewer than two provinces.
    """
    from sklearn.model_selection import GroupKFold

    group = panel.group.to_numpy()
    count = len(set(group))
    if count < 2:
        raise PanelError(
            f"targets of one {panel.level} only: {group[0]}",
            where="fit",
            expected="two provinces or more, so that errors for an unseen one can be known",
        )
    made = np.full((len(panel), len(tried)), np.nan)
    with one_thread():
        for train, test in GroupKFold(min(folds, count)).split(group, groups=group):
            inside, outside = panel.select(train), panel.select(test)
            fitted = replace(design).fit(inside)
            sample, asked, scale = (
                make_sample(inside, fitted),
                fitted.transform(outside),
                fitted.log_scale(outside),
            )
            for n, learner in enumerate(tried):
                made[test, n] = replace(learner).fit(sample, fitted).predict(asked) + scale
    return made


def _compare(panel: Panel, estimates: dict[tuple[str, ...], Values]) -> pd.DataFrame:
    """Give wmape of each set, and how far it is above the smallest with the standard error over provinces."""
    observed = panel.values()
    place = np.unique(panel.group.to_numpy(), return_inverse=True)[1]
    error = {
        chosen: np.bincount(place, np.abs(np.exp(log) - observed)) / observed.sum()
        for chosen, log in estimates.items()
    }
    best = min(error.values(), key=lambda one: float(one.sum()))
    rows = []
    for one in error.values():
        apart = one - best
        rows.append((one.sum(), apart.sum(), np.sqrt(len(apart)) * apart.std(ddof=1)))
    index = pd.Index(list(error), tupleize_cols=False, name="families")
    return pd.DataFrame(rows, columns=["wmape", "excess", "excess_error"], index=index)


def _residuals(panel: Panel, estimates: Values, weights: list[float]) -> pd.DataFrame:
    centre = estimates @ np.asarray(weights)
    spread = np.sqrt((estimates - centre[:, None]) ** 2 @ np.asarray(weights))
    made = panel.table[["region", "period"]].copy()
    return made.assign(
        group=panel.group.to_numpy(),
        estimate=centre,
        residual=np.log(panel.values()) - centre,
        spread=spread,
    )

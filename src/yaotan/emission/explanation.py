"""What a model leans on: grouped permutation on held-out folds, additive contributions, accumulated effects.

All of it is association: what estimates follow in the data at hand, not what would happen to emissions if a
feature were changed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.emission.evaluation import view
from yaotan.emission.panel import Panel
from yaotan.emission.split import Splits
from yaotan.errors import PanelError

if TYPE_CHECKING:
    import pandas as pd

Array: TypeAlias = NDArray[np.float64]
#: correlation beyond which two features are shuffled together: one could stand in for the other
CORRELATED: Final = 0.9


@dataclass(frozen=True, eq=False)
class FoldModel:
    """A model fitted on one fold, what it may see, and the rows that it is asked for.

    Attributes
    ----------
    name : str
    model : Forecaster
    seen : Panel
        With the target only where it was learned from.
    rows : numpy.ndarray of int
        Positions in `seen` of the rows that were held out.
    observed : numpy.ndarray of float
        Their targets.
    """

    name: str
    model: Any
    seen: Panel
    rows: NDArray[np.intp]
    observed: Array


def fit_folds(model: Any, panel: Panel, splits: Splits) -> tuple[FoldModel, ...]:
    """Fit a copy of a model on each fold, for explanations of what it does with rows that it has not seen.

    Parameters
    ----------
    model : Forecaster
        Such as `ProvincialEmission`; it is not edited.
    panel : Panel
    splits : Splits
        Folds in which a model could see its answer are refused, and so are random ones.

    Returns
    -------
    tuple of FoldModel

    Raises
    ------
    PanelError
        A fold leaks.
    """
    splits.check(panel)
    if splits.leaky:
        raise PanelError("random folds say what a model remembers", where="explanation",
                         fix="use splits(panel, 'no_inventory') or 'nowcast'")  # fmt: skip
    made = []
    for fold in splits:
        seen = view(panel, splits, fold)
        fitted = copy.deepcopy(model).fit(seen.observed())
        rows = np.searchsorted(np.union1d(fold.train, fold.test), fold.test)
        made.append(FoldModel(fold.name, fitted, seen, rows, panel.values()[fold.test]))
    return tuple(made)


def group_features(panel: Panel, *, threshold: float = CORRELATED) -> dict[str, tuple[str, ...]]:
    """Put features together that correlate beyond a threshold, directly or through others.

    Parameters
    ----------
    panel : Panel
    threshold : float
        Of the absolute Pearson correlation over rows; of logarithms for two features that are positive
        throughout, which is how sizes over orders of magnitude are learned from.

    Returns
    -------
    dict of str to tuple of str
        Names joined by `` + `` to the features.

    Examples
    --------
    >>> import pandas as pd
    >>> from yaotan.emission import PanelColumn
    >>> people = np.array([1.0, 2.0, 4.0, 8.0])
    >>> table = pd.DataFrame({"region": list("abcd"), "period": 2001, "people": people, "light": people**1.1,
    ...                       "warmth": [1.0, -1.0, 1.0, -1.0]})
    >>> panel = Panel(table, (PanelColumn("people", "scale", "1"), PanelColumn("light", "scale", "1"),
    ...                       PanelColumn("warmth", "feature", "K")))
    >>> list(group_features(panel))
    ['people + light', 'warmth']
    """
    matrix = panel.matrix()
    if not len(matrix.columns):
        raise PanelError("the panel has no feature", where="explanation")
    names = [str(name) for name in matrix]
    positive = {name for name in names if (matrix[name].dropna() > 0).all()}
    label = {name: name for name in names}
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            pair = matrix[[one, other]].dropna().to_numpy(float)
            if {one, other} <= positive:
                pair = np.log(pair)
            if len(pair) > 2 and (pair.std(axis=0) > 0).all():
                r = float(np.corrcoef(pair.T)[0, 1])
                if abs(r) > threshold:
                    old, new = label[other], label[one]
                    label = {name: new if of == old else of for name, of in label.items()}
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(label[name], []).append(name)
    return {" + ".join(members): tuple(members) for members in groups.values()}


def permutation_importance(
    folds: Sequence[FoldModel],
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    threshold: float = CORRELATED,
    repeats: int = 5,
    seed: int = 0,
) -> pd.DataFrame:
    r"""How much worse held-out estimates get when a group of features is that of other regions.

    The features of a group are taken together, for every held-out row, from one row of another region drawn
    at random; the increase of :math:`\sum |e| / \sum y` is the importance (Breiman 2001, Mach. Learn. 45, 5,
    by groups). Taken one by one, features that can stand in for each other would all seem to matter little.

    Parameters
    ----------
    folds : sequence of FoldModel
        From `fit_folds`.
    groups : mapping of str to sequence of str, optional
        By default `group_features` of what all folds see, which no target enters.
    threshold : float
        Of `group_features`.
    repeats : int
        Draws.
    seed : int

    Returns
    -------
    pandas.DataFrame
        Largest first: ``group``, ``features``, ``importance`` (increase of wmape, all folds together),
        ``error`` (standard error of the mean over folds), ``folds_positive`` (share of the folds in which the
        estimates get worse), ``rank``, ``rank_lowest``, ``rank_highest`` over folds. Attribute ``wmape`` is
        the error without shuffling.

    Raises
    ------
    PanelError
        No fold, a group names no feature, or there is one region only.

    Notes
    -----
    An association of this model with these data. A feature of no importance may still drive emissions
    through others in the panel; one of large importance need not.
    """
    import pandas as pd

    if not folds:
        raise PanelError("there is no fold", where="permutation_importance", fix="call fit_folds")
    chosen = dict(group_features(folds[0].seen, threshold=threshold) if groups is None else groups)
    rng = np.random.default_rng(seed)
    base = np.array([_loss(fold, fold.seen) for fold in folds])
    worse = np.zeros((len(chosen), len(folds)))
    for number, fold in enumerate(folds):
        donors = [_draw_donors(fold, rng) for _ in range(repeats)]
        for place, names in enumerate(chosen.values()):
            losses = [_loss(fold, _shuffled(fold, names, donor)) for donor in donors]
            worse[place, number] = np.mean(losses) - base[number]
    total = np.array([float(fold.observed.sum()) for fold in folds])
    each = worse / total
    ranks = np.argsort(np.argsort(-each, axis=0), axis=0) + 1
    out = pd.DataFrame({
        "group": list(chosen),
        "features": [", ".join(names) for names in chosen.values()],
        "importance": worse.sum(axis=1) / total.sum(),
        "error": each.std(axis=1, ddof=1) / np.sqrt(len(folds)) if len(folds) > 1 else np.nan,
        "folds_positive": (each > 0).mean(axis=1),
        "rank_lowest": ranks.min(axis=1),
        "rank_highest": ranks.max(axis=1),
    }).sort_values("importance", ascending=False, ignore_index=True)  # fmt: skip
    out.insert(0, "rank", np.arange(1, len(out) + 1))
    out.attrs = {"wmape": float(base.sum() / total.sum()), "folds": len(folds), "meaning": "association"}
    return out


def _loss(fold: FoldModel, panel: Panel) -> float:
    estimate = fold.model.predict_values(panel)[fold.rows]
    return float(np.nansum(np.abs(estimate - fold.observed)))


def _draw_donors(fold: FoldModel, rng: np.random.Generator) -> NDArray[np.intp]:
    """For each held-out row a row of another region: the years of its own would hardly differ."""
    regions = fold.seen.table["region"].to_numpy()
    out = np.empty(len(fold.rows), dtype=np.intp)
    for place, row in enumerate(fold.rows):
        others = np.flatnonzero(regions != regions[row])
        if not len(others):
            raise PanelError("there is one region only", where="permutation_importance",
                             expected="two or more, from which values can be taken")  # fmt: skip
        out[place] = rng.choice(others)
    return out


def _shuffled(fold: FoldModel, names: Sequence[str], donors: NDArray[np.intp]) -> Panel:
    matrix = fold.seen.matrix(names)
    values = {}
    for name in names:
        column = matrix[name].to_numpy(float).copy()
        column[fold.rows] = matrix[name].to_numpy(float)[donors]
        values[name] = column
    return fold.seen.with_columns(values)


def accumulated_effect(folds: Sequence[FoldModel], feature: str, *, bins: int = 10) -> pd.DataFrame:
    r"""Accumulated local effect of one feature on the logarithm of the estimate.

    Within each quantile bin of the feature, each row is estimated at both ends of its bin, all else as it is;
    the mean differences are summed and centred (Apley and Zhu 2020, J. R. Stat. Soc. B 82, 1059):

    .. math:: g(z_k) = \sum_{j \le k} \frac{1}{n_j} \sum_{i \in j} \ln f(z_j, x_i) - \ln f(z_{j-1}, x_i)

    Unlike a partial dependence it never asks for a row with the lights of Shanghai and the people of Tibet.

    Parameters
    ----------
    folds : sequence of FoldModel
        From `fit_folds`; each gives one curve.
    feature : str
    bins : int
        At most; equal values fall into one bin.

    Returns
    -------
    pandas.DataFrame
        ``value`` (end of a bin), ``effect`` (mean over folds; 0.1 is about 10 % of the estimate), ``lowest``
        and ``highest`` over folds: where these hold 0 throughout, folds do not agree on a direction; ``rows``
        in the bin that ends there. Attribute ``meaning`` is ``association``.

    Raises
    ------
    PanelError
        No fold, an unknown feature, or fewer than two values.
    """
    import pandas as pd

    if not folds:
        raise PanelError("there is no fold", where="accumulated_effect", fix="call fit_folds")
    values = folds[0].seen.matrix([feature])[feature].to_numpy(float)
    known = values[np.isfinite(values)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1))) if len(known) else known
    if len(edges) < 2:
        raise PanelError(f"{feature} has fewer than two values", where="accumulated_effect")
    curves = np.stack([_curve(fold, feature, edges) for fold in folds])
    count = np.bincount(np.clip(np.searchsorted(edges, known, side="left"), 1, None), minlength=len(edges))
    out = pd.DataFrame({
        "value": edges, "effect": curves.mean(axis=0), "lowest": curves.min(axis=0),
        "highest": curves.max(axis=0), "rows": count,
    })  # fmt: skip
    out.attrs = {"feature": feature, "unit": folds[0].seen.column(feature).unit, "meaning": "association"}
    return out


def _curve(fold: FoldModel, feature: str, edges: Array) -> Array:
    values = fold.seen.matrix([feature])[feature].to_numpy(float)
    there = np.isfinite(values)
    cell = np.clip(np.searchsorted(edges, np.where(there, values, edges[0]), side="left"), 1, len(edges) - 1)
    ends = []
    for offset in (-1, 0):
        moved = np.where(there, edges[cell + offset], values)
        with np.errstate(invalid="ignore", divide="ignore"):
            ends.append(np.log(fold.model.predict_values(fold.seen.with_columns({feature: moved}))))
    step = ends[1] - ends[0]
    use = there & np.isfinite(step)
    count = np.bincount(cell[use], minlength=len(edges))
    mean = np.bincount(cell[use], step[use], len(edges)) / np.maximum(count, 1)
    curve = np.cumsum(mean)
    middle = (curve[1:] + curve[:-1]) / 2
    return np.asarray(curve - np.average(middle, weights=np.maximum(count[1:], 1e-9)))

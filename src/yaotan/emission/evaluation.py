"""The only door through which a model is scored: it never holds what it is asked for."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from yaotan.emission.baseline import Forecaster
from yaotan.emission.baseline import baselines as usual_baselines
from yaotan.emission.bootstrap import skill
from yaotan.emission.metric import LEVELS, crps, probability_transform, score, score_change
from yaotan.emission.panel import Panel
from yaotan.emission.reliability import score_intervals
from yaotan.emission.split import LEAKY, Fold, Splits
from yaotan.errors import PanelError

if TYPE_CHECKING:
    import pandas as pd

#: name of the model's own column among those of the baselines
MODEL: Final = "model"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model and its baselines scored on one protocol.

    Attributes
    ----------
    question, protocol : str
    leaky : bool
        The score is only a contrast and must not be shown alone.
    metrics : pandas.DataFrame
        One row for the model and each baseline, the columns of `score` (and `score_change` of a nowcast).
    provinces : pandas.DataFrame
        For each region: observed and estimated mean, ``wmape`` and ``bias_of_total`` of the model.
    predictions : pandas.DataFrame
        ``region``, ``period``, ``group``, ``fold``, ``observed``, ``model``, one column for each baseline,
        and ``lower_90``, ``upper_90`` and their like.
    skill : pandas.DataFrame
        Against each baseline by rmse and wmape: ``skill``, ``lower``, ``upper``, ``verdict``.
    intervals : pandas.DataFrame
        One row for each level; empty where the model gives none.
    configurations : int
        How many were tried inside the folds before the outer rows were scored once.
    choices : tuple of str
        What was chosen in each fold.
    left_out : dict of str to int
        Rows that are not in the scores, by reason.
    """

    question: str
    protocol: str
    leaky: bool
    metrics: pd.DataFrame
    provinces: pd.DataFrame
    predictions: pd.DataFrame
    skill: pd.DataFrame
    intervals: pd.DataFrame
    configurations: int = 0
    choices: tuple[str, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """Give the tables as text, with what must be said beside them."""
        lines = [f"{self.question}, {self.protocol}: {len(self.predictions)} rows scored once"]
        if self.leaky:
            lines.append(f"LEAKY, for contrast only: {LEAKY}")
        lines.append(f"configurations tried inside each fold: {self.configurations}")
        lines += [f"not scored, {reason}: {count}" for reason, count in self.left_out.items() if count]
        tables = [self.metrics, self.skill, self.intervals]
        return "\n".join(lines + [t.to_string(float_format="{:.3f}".format) for t in tables if len(t)])


def view(panel: Panel, splits: Splits, fold: Fold) -> Panel:
    """Give what may be known in one fold: its rows, with the target only where it is learned from.

    Parameters
    ----------
    panel : Panel
    splits : Splits
    fold : Fold

    Returns
    -------
    Panel
        Rows of `fold.train` and `fold.test`; in a nowcast of year t, values whose own lag has not passed in t
        are missing too.
    """
    hidden = np.ones(len(panel), bool)
    hidden[fold.train] = False
    seen = panel.hidden(hidden)
    if fold.year is not None:
        seen = seen.known_in(fold.year)
    rows = np.union1d(fold.train, fold.test)
    return seen.select(rows)


def evaluate(
    model: Any,
    panel: Panel,
    splits: Splits,
    *,
    baselines: Mapping[str, Forecaster] | None = None,
    level: float = 0.9,
    levels: tuple[float, ...] = LEVELS,
    seed: int = 0,
) -> Evaluation:
    """Score a model on the rows that each fold leaves out, once.

    Parameters
    ----------
    model : Forecaster
        Such as `ProvincialEmission`; copied for every fold (an estimator of scikit-learn without anything
        that it, or an estimator among its parameters, has learned), never edited.
    panel : Panel
    splits : Splits
        Of `yaotan.emission.splits`; folds in which a model could see its answer are refused.
    baselines : mapping of str to Forecaster, optional
        Those of the question by default; reference models may be among them.
    level : float
        Of the intervals of skill.
    levels : tuple of float
        Levels at which the model's own intervals are scored, where it has ``predict_interval``.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Evaluation

    Raises
    ------
    PanelError
        A fold leaks, or no row has an estimate of the model and of every baseline.

    Notes
    -----
    Everything that is fitted (scalers, imputation, choice of features and of model, smearing, calibration of
    intervals) is fitted by ``model.fit`` on the rows of ``fold.train`` alone: targets, sectors and columns
    derived from targets of the other rows are taken away before the model is called.
    """
    splits.check(panel)
    forward = splits.protocol == "forward"
    asked = "no_inventory" if splits.protocol == "province_forward" else splits.question
    rivals = dict(usual_baselines(panel, asked) if baselines is None else baselines)
    tables, choices, tried = [], [], 0
    for fold in splits:
        seen = view(panel, splits, fold)
        fitted = _renew(model).fit(seen.observed())
        tables.append(_estimate_fold(panel, seen, fold, fitted, rivals, levels))
        choices.append(str(getattr(fitted, "chosen_", "")))
        tried = max(tried, int(getattr(fitted, "configurations_", 1)))
    table, left_out = _complete(tables, [MODEL, *rivals])
    return Evaluation(
        question=splits.question,
        protocol=splits.protocol,
        leaky=splits.leaky,
        metrics=_metrics(table, [MODEL, *rivals], forward),
        provinces=_provinces(table),
        predictions=table,
        skill=_skill(table, list(rivals), level, seed),
        intervals=score_intervals(table, levels),
        configurations=tried,
        choices=tuple(choices),
        left_out=left_out,
    )


def _renew(model: Any) -> Any:
    """Copy a model without anything that it has learned: no scaler fitted to all rows crosses the door."""
    from sklearn.base import clone

    return clone(model) if hasattr(model, "get_params") else copy.deepcopy(model)


def _estimate_fold(
    panel: Panel,
    seen: Panel,
    fold: Fold,
    fitted: Any,
    rivals: Mapping[str, Forecaster],
    levels: tuple[float, ...],
) -> pd.DataFrame:
    rows = np.searchsorted(np.union1d(fold.train, fold.test), fold.test)
    # a nowcast needs the past of its regions; else nothing but the rows that are asked for is handed over
    known = seen.observed()
    asked, at = (seen, rows) if fold.year is not None else (seen.select(rows), np.arange(len(rows)))
    table = seen.table[["region", "period"]].iloc[rows].reset_index(drop=True)
    table["group"] = seen.group.iloc[rows].to_numpy()
    table["fold"], table["observed"] = fold.name, panel.values()[fold.test]
    table[MODEL] = fitted.predict_values(asked)[at]
    for name, rival in rivals.items():
        table[name] = _renew(rival).fit(known).predict_values(asked)[at]
    if hasattr(fitted, "predict_bounds"):
        for level in levels:
            low, high = fitted.predict_bounds(asked, level=level)
            table[f"lower_{100 * level:g}"], table[f"upper_{100 * level:g}"] = low[at], high[at]
    if hasattr(fitted, "predict_draws"):
        draws = fitted.predict_draws(asked)[at]
        table["crps"] = crps(table["observed"], draws)
        table["pit"] = probability_transform(table["observed"], draws)
    if fold.year is not None:
        last = known.table.groupby("region").tail(1).set_index("region")[known.target.name]
        table["last_known"] = table["region"].map(last)
    return table


def _complete(tables: list[pd.DataFrame], names: list[str]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Keep the rows that everybody estimated, so that scores are of the same rows."""
    import pandas as pd

    table = pd.concat(tables, ignore_index=True)
    left_out = {f"no estimate by {name}": int(table[name].isna().sum()) for name in names}
    table = table.dropna(subset=names).sort_values(["region", "period"], ignore_index=True)
    if table.empty:
        raise PanelError(
            "no row has an estimate by the model and every baseline",
            where="evaluate",
            expected=", ".join(f"{reason} in {count} rows" for reason, count in left_out.items() if count),
        )
    return table, left_out


def _metrics(table: pd.DataFrame, names: list[str], changes: bool) -> pd.DataFrame:
    import pandas as pd

    rows = {}
    known = table.dropna(subset=["last_known"]) if changes else table
    for name in names:
        rows[name] = score(table["observed"], table[name])
        if changes and len(known):
            rows[name] |= score_change(known["last_known"], known["observed"], known[name])
    return pd.DataFrame(rows).T


def _provinces(table: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    made = {}
    for region, part in table.groupby("region"):
        scores = score(part["observed"], part[MODEL])
        made[region] = {
            "n": scores["n"],
            "observed": part["observed"].mean(),
            "estimated": part[MODEL].mean(),
            "wmape": scores["wmape"],
            "bias_of_total": scores["bias_of_total"],
        }
        if "lower_90" in part:
            inside = part["observed"].between(part["lower_90"], part["upper_90"])
            made[region]["inside_90"] = inside.mean()
    return pd.DataFrame(made).T.rename_axis("region")


def _skill(table: pd.DataFrame, rivals: list[str], level: float, seed: int) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for name in rivals:
        for measure in ("rmse", "wmape"):
            made = skill(
                table["observed"],
                table[MODEL],
                table[name],
                table["group"],
                measure=measure,
                level=level,
                seed=seed,
            )
            rows.append((name, measure, made.value, made.lower, made.upper, made.verdict))
    return pd.DataFrame(rows, columns=["against", "measure", "skill", "lower", "upper", "verdict"])

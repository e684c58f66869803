"""Everything that a study says of regional emissions: estimates, scores, domain, second opinion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from yaotan.emission.admission import admit_panel
from yaotan.emission.candidate import FAMILIES
from yaotan.emission.domain import find_domain, model_numbers
from yaotan.emission.evaluation import Evaluation, evaluate
from yaotan.emission.model import ONE_SIGMA, ProvincialEmission
from yaotan.emission.opinion import second_opinion
from yaotan.emission.opinion_error import LEAST_PROVINCES
from yaotan.emission.panel import Panel
from yaotan.emission.split import Splits, splits
from yaotan.errors import ModelError, PanelError

if TYPE_CHECKING:
    import pandas as pd

#: what may be asked of a study; `random` is a contrast and no question
QUESTIONS: Final = ("no_inventory", "nowcast", "infill")
#: question -> why a reported row may have no estimate that does not know its figure
UNASKED: Final = {
    "no_inventory": "a simple rule has no estimate of them",
    "nowcast": "too few years are known before them",
    "infill": "they stand at an end of their record, where there is no gap",
}
#: question -> why a row without report may have no estimate
BARE: Final = {
    "no_inventory": "the scale that they are estimated by is missing or 0",
    "nowcast": "no figure of their region was known before them",
    "infill": "they lie outside of the record of their region",
}
#: question -> what its own estimates are called in a second opinion
_OPINION: Final = {"no_inventory": "features", "nowcast": "past", "infill": "around"}
#: parts of names by which columns of gases from satellites are known
GASES: Final = ("xco2", "xch4", "xco", "no2", "xn2o")


def _nothing() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame()


@dataclass(frozen=True, eq=False)
class Assessment:
    """Estimates of a panel and what is known of their worth.

    Attributes
    ----------
    model : ProvincialEmission
        Fitted to every reported row, or as it was given.
    estimates : pandas.DataFrame
        ``region``, ``region_name``, ``region_name_zh``, ``parent`` (where the panel has it), ``period``,
        ``estimate``, ``lower``, ``upper``, ``uncertainty`` (1 sigma: half of the interval of 68.3 %) [unit],
        ``factor`` (upper over median), ``largest`` (the bound is the largest error of all regions),
        ``held_out`` (the estimate comes from a fit without the region, without the years that were not known
        yet, or without the years of the gap), ``reported``,
        ``dissimilarity``, ``inside`` (missing where the question has no features), ``beyond`` (number of
        features beyond the range that was learned from). A reported row of which no estimate without its
        figure can be had has none.
    evaluation : Evaluation
        Of the question's own protocol.
    opinion : pandas.DataFrame
        From `second_opinion`; empty where there are too few provinces, and `notes` says so.
    unit : str
        Of the target.
    level : float
        Of the intervals.
    notes : tuple of str
        Why the second opinion lacks one, or all.
    health : pandas.DataFrame
        Warnings and notes of `check_panel`; a panel with errors is refused.
    """

    model: ProvincialEmission
    estimates: pd.DataFrame
    evaluation: Evaluation
    opinion: pd.DataFrame
    unit: str
    level: float
    notes: tuple[str, ...] = field(default=())
    health: pd.DataFrame = field(default_factory=_nothing)

    @property
    def unasked(self) -> int:
        """Count the reported rows without an estimate, for the reason in `UNASKED`."""
        return int((self.estimates["estimate"].isna() & self.estimates["reported"].notna()).sum())

    @property
    def bare(self) -> int:
        """Count the rows without report that have none, for the reason in `BARE`."""
        return int((self.estimates["estimate"].isna() & self.estimates["reported"].isna()).sum())

    def tables(self) -> dict[str, pd.DataFrame]:
        """Give what is written of it by name, such as ``scores`` and ``estimates``; none that is empty."""
        made = {
            "scores": self.evaluation.metrics.rename_axis("of").reset_index(),
            "skill": self.evaluation.skill,
            "provinces": self.evaluation.provinces.reset_index(),
            "intervals": self.evaluation.intervals,
            "estimates": self.estimates,
            "opinion": self.opinion,
            "health": self.health,
        }
        return {name: table for name, table in made.items() if len(table)}


class _Given:
    """A model that was trained elsewhere, where one is to be fitted: folds score it as it is."""

    def __init__(self, model: ProvincialEmission) -> None:
        self.model = model
        self.chosen_, self.configurations_ = model.chosen_, model.configurations_

    def __deepcopy__(self, memo: dict[int, Any]) -> _Given:
        return self

    def fit(self, panel: Panel) -> _Given:
        """Leave the model as it is."""
        return self

    def predict_values(self, panel: Panel) -> Any:
        """Estimate every row."""
        return self.model.predict_values(panel)

    def predict_bounds(self, panel: Panel, *, level: float) -> Any:
        """Give lower and upper bounds."""
        return self.model.predict_bounds(panel, level=level)


def assess(
    panel: Panel,
    *,
    question: str = "no_inventory",
    protocol: str | None = None,
    model: ProvincialEmission | None = None,
    families: Sequence[str] = FAMILIES,
    statistic: str = "median",
    level: float = 0.9,
    folds: int = 10,
    lag: int = 2,
    seed: int = 0,
) -> Assessment:
    """Estimate every row of a panel, score the estimates on rows held out, and judge the reported figures.

    Parameters
    ----------
    panel : Panel
        With reported figures where there are any.
    question : str
        ``"no_inventory"``: regions of which no figure is known; ``"nowcast"``: the years that an inventory
        lags; ``"infill"``: gaps between known years.
    protocol : str, optional
        Of no_inventory: ``"leave_region_out"`` leaves whole zones out, by default provinces.
    model : ProvincialEmission, optional
        Of no_inventory: a saved one, used as it is; it must not have learned from this panel. By default one
        is fitted.
    families, statistic, lag, seed
        Of `ProvincialEmission`.
    level : float
        Of the intervals.
    folds : int
        Of the outer validation: groups of provinces.

    Returns
    -------
    Assessment
        For a row with a reported figure the estimate is the one made without it.

    Raises
    ------
    PanelError
        As `evaluate` and `ProvincialEmission` do; or the health of the panel forbids it (`check_panel`).
    ModelError
        The model given learned from this panel, answers another question, or one from the past of regions.

    Notes
    -----
    The second opinion of no_inventory asks a model of lights, people and land (``features``), one of gas
    columns from satellites where the panel has any (``satellite``), and the region's own past (``past``, of
    which first years have none); that of a nowcast the past, that of gaps the years ``around`` a figure.
    """
    if question not in QUESTIONS:
        raise PanelError(f"question {question!r} is unknown", where="assess", expected=", ".join(QUESTIONS))
    health = admit_panel(panel, question, level=level, folds=folds, lag=lag, trained=model is not None)
    made = _split(panel, question, protocol, folds, lag)
    options: dict[str, Any] = {"families": tuple(families), "statistic": statistic, "lag": lag, "seed": seed}
    asked = ProvincialEmission(question, **options) if model is None else _take(model, panel, question)
    levels = tuple(sorted({0.5, ONE_SIGMA, 0.8, 0.9, 0.95, level}))
    evaluation = evaluate(asked, panel, made, levels=levels, seed=seed)
    fitted = model if model is not None else ProvincialEmission(question, **options).fit(panel)
    domain = getattr(fitted, "domain_", None) or find_domain(fitted, panel)
    estimates = _estimates(panel, fitted, evaluation, domain, level)
    if model is None:
        _blank(estimates)
    opinion, notes = _opine(panel, evaluation, question, options, folds, seed)
    return Assessment(fitted, estimates, evaluation, opinion, panel.target.unit, level, notes, health)


def _split(panel: Panel, question: str, protocol: str | None, folds: int, lag: int) -> Splits:
    if protocol == "province_forward":
        raise PanelError(
            "province_forward asks a model of no_inventory for the years of a nowcast", where="protocol",
            expected="leave_province_out or leave_region_out of no_inventory, forward of nowcast",
            fix="evaluate(ProvincialEmission(), panel, splits(panel, question, protocol=...)) scores it",
        )  # fmt: skip
    return splits(panel, question, protocol=protocol, folds=folds, lag=lag)


def _take(model: ProvincialEmission, panel: Panel, question: str) -> _Given:
    from yaotan.emission.archive import row_marks, training_hash

    if model.question != question:
        raise ModelError(f"the model answers {model.question}", where="assess", expected=question)
    if question != "no_inventory":
        raise ModelError(
            f"a model of {question} holds the past of its regions, and would be scored on what it knows",
            where="assess", expected="a model of no_inventory",
            fix="leave the model out; one is then trained in each fold",
        )  # fmt: skip
    training = getattr(model, "card_", {}).get("training", {})
    marks = row_marks(panel)
    shared = len(set(marks) & set(str(training.get("row_marks", "")).split()))
    if shared or training.get("sha256") == training_hash(panel):
        raise ModelError(
            f"the model learned from this panel ({shared or len(marks)} of its {len(marks)} reported rows): "
            "its errors on it say nothing", where="assess", expected="reports that the model never saw",
            fix="leave the model out; one is then trained and scored on provinces left out",
        )  # fmt: skip
    if model.target_.unit != panel.target.unit:
        raise ModelError(
            f"the model estimates {model.target_.unit!r}", where="assess", expected=panel.target.unit
        )
    return _Given(model)


def _estimates(
    panel: Panel, model: ProvincialEmission, evaluation: Evaluation, domain: Any, level: float
) -> pd.DataFrame:
    import pandas as pd

    names = [
        name
        for name in ("region", "region_name", "region_name_zh", "parent", "period")
        if name in panel.table
    ]
    table = panel.table[names].copy()
    for name in ("region_name", "region_name_zh"):
        if name not in table:
            table[name] = table["region"]
    made = model.predict_interval(panel, level=level)
    for name in ("estimate", "lower", "upper", "largest"):
        table[name] = made[name]
    table["reported"] = panel.values()
    held = evaluation.predictions.set_index(["region", "period"])
    place = pd.MultiIndex.from_frame(table[["region", "period"]])
    table["held_out"] = place.isin(held.index)
    columns = {"estimate": "model", "lower": f"lower_{100 * level:g}", "upper": f"upper_{100 * level:g}"}
    for name, column in columns.items():
        table[name] = held[column].reindex(place).fillna(pd.Series(table[name].to_numpy(), place)).to_numpy()
    table["factor"] = np.sqrt(table["upper"] / table["lower"])
    low, high = model.predict_bounds(panel, level=ONE_SIGMA)
    half = (held[f"upper_{100 * ONE_SIGMA:g}"] - held[f"lower_{100 * ONE_SIGMA:g}"]).reindex(place) / 2.0
    table["uncertainty"] = half.fillna(pd.Series((high - low) / 2.0, place)).to_numpy()
    table["dissimilarity"], table["inside"] = np.nan, None
    if domain is not None:
        seen = domain.assess(model_numbers(model, panel))
        table["dissimilarity"], table["inside"] = seen["dissimilarity"], seen["inside"]
    beyond = model.schema_.outside(panel)
    table["beyond"] = np.bincount(beyond["row"].astype(int), minlength=len(table))
    return table


def _blank(estimates: pd.DataFrame) -> None:
    """Take away the estimates of reported rows that no fold left out: the fit knows their figures."""
    known = estimates["reported"].notna() & ~estimates["held_out"]
    estimates.loc[known, ["estimate", "lower", "upper", "uncertainty", "factor"]] = np.nan


def _opine(
    panel: Panel, evaluation: Evaluation, question: str, options: dict[str, Any], folds: int, seed: int
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    import pandas as pd

    groups = int(panel.observed().group.nunique())
    if groups <= LEAST_PROVINCES:
        return pd.DataFrame(), (f"{groups} provinces report, {LEAST_PROVINCES + 1} are needed",)
    opinions, notes = {_OPINION[question]: evaluation}, []
    gases = [name for name in panel.features if any(part in name.lower() for part in GASES)]
    try:
        if question == "no_inventory" and gases:
            made = ProvincialEmission(families=("ridge",), features=(*panel.scales[:1], *gases), seed=seed)
            opinions["satellite"] = evaluate(made, panel, splits(panel, question, folds=folds), levels=())
        if question == "no_inventory":
            past = ProvincialEmission("nowcast", lag=options["lag"])
            opinions["past"] = evaluate(
                past, panel, splits(panel, "nowcast", lag=options["lag"]), levels=(), seed=seed
            )
    except PanelError as error:
        notes.append(error.what)
    return second_opinion(opinions), tuple(notes)

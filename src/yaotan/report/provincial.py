"""What regional emissions hand to the report: estimates, scores, second opinion, truth where it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from yaotan.report.shape import check_columns

ESTIMATE_COLUMNS: Final = (
    *("region", "region_name", "period", "estimate", "lower", "upper", "factor", "held_out", "reported"),
    *("dissimilarity", "inside", "beyond"),
)
OPINION_COLUMNS: Final = (
    *("rank", "region", "period", "reported", "expected", "lower", "upper", "ratio", "z", "flagged"),
    *("factor", "findable", "opinions"),
)
NODE_COLUMNS: Final = (
    *("period", "region", "region_name", "region_name_zh", "parent", "level", "before", "estimate"),
    *("before_uncertainty", "uncertainty", "change", "moved", "at_zero", "origin"),
)


@dataclass(frozen=True)
class EmissionResult:
    """Emissions of regions by year, and how they were scored (`yaotan.emission.Assessment`).

    Parameters
    ----------
    estimates, opinion : pandas.DataFrame
        As `yaotan.emission.assess` gives them; opinion may be empty.
    scores : pandas.DataFrame
        ``of`` (``model`` or a baseline), ``wmape``, ``rmse`` and the other metrics.
    skill : pandas.DataFrame
        ``against``, ``measure``, ``skill``, ``lower``, ``upper``, ``verdict``.
    intervals : pandas.DataFrame
        ``level``, ``province_coverage``, ``provinces``, ``exact_lower``, ``exact_upper``, ``factor``.
    truth : pandas.DataFrame, optional
        Of a simulated study: ``region``, ``period``, ``truth``, ``falsified``.
    facts : mapping
        ``question``, ``protocol``, ``folds``, ``year``, ``unit``, ``scope``, ``level``, ``statistic``,
        ``chosen``, ``configurations``, ``regions``, ``reporting``, ``model``, ``opinion``, ``left_out``;
        ``reconcile`` where levels were made to add up: ``open``, ``alone``, ``cities``.
    nodes, balanced : pandas.DataFrame, optional
        Of levels that were made to add up: `yaotan.emission.Balance`, its nodes and years.
    """

    estimates: pd.DataFrame
    scores: pd.DataFrame
    skill: pd.DataFrame
    intervals: pd.DataFrame
    opinion: pd.DataFrame
    truth: pd.DataFrame | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    nodes: pd.DataFrame | None = None
    balanced: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        for kind, columns in (
            ("estimates", ESTIMATE_COLUMNS),
            ("opinion", OPINION_COLUMNS),
            ("scores", ("of", "wmape", "rmse")),
            ("skill", ("against", "measure", "skill", "lower", "upper", "verdict")),
            ("truth", ("region", "period", "truth", "falsified")),
            ("nodes", NODE_COLUMNS),
            ("balanced", ("period", "regions", "chi_square", "degrees", "probability", "gap")),
        ):
            check_columns(getattr(self, kind), columns, kind, "EmissionResult")

    @property
    def year(self) -> int:
        """Year that the page shows."""
        return int(self.facts["year"])

    def errors(self) -> dict[str, float]:
        """Sum of errors over sum of emissions, of the model and of each baseline."""
        return dict(zip(self.scores["of"].astype(str), self.scores["wmape"].astype(float), strict=True))

    def of_year(self) -> pd.DataFrame:
        """Give the estimates of that year, the largest first."""
        rows = self.estimates[self.estimates["period"] == self.year]
        return rows.sort_values("estimate", ascending=False, kind="stable", ignore_index=True)

    def at_level(self) -> Mapping[str, float]:
        """Give the row of the intervals at the level of the study; empty where it was not scored."""
        rows = self.intervals
        if not len(rows):
            return {}
        near = rows[(rows["level"] - float(self.facts["level"])).abs() < 1e-9]
        return {} if near.empty else {str(name): float(value) for name, value in near.iloc[0].items()}

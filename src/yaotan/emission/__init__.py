"""Emissions of regions by year: panels, their health, features, models, scores and what may be claimed."""

from __future__ import annotations

from typing import Final

from yaotan.lazy import attach as _attach

#: public name -> module that holds it
_HOME: Final = {
    "Domain": "yaotan.emission.domain",
    "Evaluation": "yaotan.emission.evaluation",
    "Panel": "yaotan.emission.panel",
    "PanelColumn": "yaotan.emission.panel_column",
    "Splits": "yaotan.emission.split",
    "accumulated_effect": "yaotan.emission.explanation",
    "assess": "yaotan.emission.assessment",
    "balance_levels": "yaotan.emission.balance",
    "baselines": "yaotan.emission.baseline",
    "capacity_feature": "yaotan.emission.capacity",
    "check_panel": "yaotan.emission.health",
    "class_feature": "yaotan.emission.feature",
    "contributions": "yaotan.emission.contribution",
    "enhance_grid": "yaotan.emission.enhancement",
    "estimate_total": "yaotan.emission.total",
    "find_domain": "yaotan.emission.domain",
    "find_model": "yaotan.emission.archive",
    "fit_folds": "yaotan.emission.explanation",
    "freeze_schema": "yaotan.emission.schema",
    "grid_feature": "yaotan.emission.feature",
    "group_features": "yaotan.emission.explanation",
    "join_features": "yaotan.emission.joining",
    "make_panel": "yaotan.emission.joining",
    "open_estimates": "yaotan.emission.level_table",
    "open_hierarchy": "yaotan.emission.level_table",
    "open_panel": "yaotan.emission.opening",
    "permutation_importance": "yaotan.emission.explanation",
    "place_feature": "yaotan.emission.place",
    "score": "yaotan.emission.metric",
    "score_intervals": "yaotan.emission.reliability",
    "second_opinion": "yaotan.emission.opinion",
    "skill": "yaotan.emission.bootstrap",
    "splits": "yaotan.emission.split",
}

__all__ = sorted(_HOME)
__getattr__, __dir__ = _attach(__name__, _HOME)

"""The commands on regional emissions: which functions they stand for, and their options."""

from __future__ import annotations

from typing import Final

from yaotan.cli.option import Argument, Command, Option

_PANEL: Final = Argument("panel", "Table of regions and years (.csv, .parquet, .xlsx; docs/emission.md).")
_DESCRIPTION: Final = Option("description", str, None, "YAML that says what the columns of the table are.")
_LEVEL: Final = Option("level", float, 0.9, "Probability of the intervals.")
_QUESTION: Final = Option(
    "question", str, "no_inventory", "no_inventory, nowcast or infill (docs/emission.md)."
)
_LAG: Final = Option("lag", int, 2, "Years until a figure is known.")
_SEED: Final = Option("seed", int, 0, "Seed of everything random.")
_FAMILIES: Final = Option(
    "families",
    list[str],
    ("ridge", "kernel", "trees", "boosting"),
    "Learner that may be chosen; one --families for each.",
)
_STATISTIC: Final = Option("statistic", str, "median", "median of each region, or mean: totals need it.")

EMISSION_TRAIN: Final = Command(
    "emission train",
    (
        "yaotan.emission.opening:open_panel",
        "yaotan.emission.model:ProvincialEmission",
        "yaotan.emission.archive:save_model",
    ),
    "Train a model on the reported figures of PANEL, score it, and save it with its card: PANEL FOLDER.",
    (_PANEL, Argument("folder", "Folder for the model; made, or replaced where it holds one.")),
    (
        _DESCRIPTION,
        _QUESTION,
        _FAMILIES,
        _STATISTIC,
        _LAG,
        _SEED,
        Option("title", str, "", "Title of the model."),
        Option("licence", str, "", "Licence of the model and of what it learned from."),
    ),
)

EMISSION_PREDICT: Final = Command(
    "emission predict",
    (
        "yaotan.emission.opening:open_panel",
        "yaotan.emission.archive:load_model",
        "yaotan.emission.model:ProvincialEmission.predict_interval",
    ),
    "Estimate every row of PANEL with a saved model: MODEL PANEL TARGET (.csv, .parquet).",
    (
        Argument("model", "Folder of a saved model, or the name of one that comes with yaotan."),
        _PANEL,
        Argument("target", "Table to write."),
    ),
    (
        _DESCRIPTION,
        _LEVEL,
        Option("digest", str, None, "Digest that the model must have (printed by train)."),
    ),
)

EMISSION_EVALUATE: Final = Command(
    "emission evaluate",
    ("yaotan.emission.opening:open_panel", "yaotan.emission.assessment:assess"),
    "Score on rows held out, estimate, and judge the reported figures: PANEL FOLDER.",
    (_PANEL, Argument("folder", "Folder for scores, estimates and second opinion (.csv).")),
    (
        _DESCRIPTION,
        _QUESTION,
        Option(
            "model",
            str,
            None,
            "Saved model of no_inventory, used as it is (default: one is trained in each fold).",
        ),
        _FAMILIES,
        _STATISTIC,
        _LEVEL,
        Option("protocol", str, None, "Of no_inventory: leave_region_out leaves whole zones out."),
        Option("folds", int, 10, "Groups of provinces that are left out in turn."),
        _LAG,
        _SEED,
    ),
)

EMISSION_RECONCILE: Final = Command(
    "emission reconcile",
    (
        "yaotan.emission.level_table:open_estimates",
        "yaotan.emission.level_table:open_hierarchy",
        "yaotan.emission.balance:balance_levels",
    ),
    "Make estimates of cities, provinces and a nation add up: TARGET ESTIMATES...",
    (
        Argument(
            "target", "Table to write (.csv, .parquet): each region before and after, how far it moved."
        ),
        Argument(
            "estimates",
            "Tables of estimates of all levels (region, period, estimate, uncertainty, unit).",
            many=True,
        ),
    ),
    (
        Option("hierarchy", str, None, "Table of region and parent: which region is part of which."),
        Option("unit", str, None, "Unit of the result (default: that of the first table)."),
    ),
)

#: `yaotan emission VERB`
EMISSION: Final = (EMISSION_TRAIN, EMISSION_PREDICT, EMISSION_EVALUATE, EMISSION_RECONCILE)

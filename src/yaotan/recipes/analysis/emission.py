"""Regional emissions of a study: one step from the panel to estimates, scores and second opinion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from yaotan.emission.admission import admit_panel
from yaotan.emission.archive import find_model, load_model, save_model
from yaotan.emission.assessment import BARE, UNASKED, Assessment, assess
from yaotan.emission.candidate import FAMILIES
from yaotan.emission.model import ProvincialEmission
from yaotan.emission.opening import open_panel
from yaotan.emission.panel import Panel
from yaotan.emission.split import splits
from yaotan.errors import PanelError, RecipeError
from yaotan.io.digest import sha256
from yaotan.io.tabular import read_parquet, read_table
from yaotan.io.write import write
from yaotan.recipes.analysis.emission_reconcile import check_reconcile, load_reconciled, reconcile_step
from yaotan.recipes.analysis.finished import Finished
from yaotan.recipes.context import Context
from yaotan.recipes.emission_option import EmissionOptions
from yaotan.recipes.step import Step
from yaotan.report.provincial import EmissionResult

STEP: Final = "emission-assess"
#: the same for parts of the regions
CITY_STEP: Final = "emission-cities"


def check_emission(context: Context) -> None:
    """Refuse a panel or model that cannot be used, before anything is worked out.

    Raises
    ------
    RecipeError
        A file is not there, or the year is none of the panel.
    YaotanError
        The panel or the model cannot be read, or do not fit together, as their readers say.
    """
    options = context.study.emission
    if options is None:
        return
    panel = _check_panel(context, options, "emission")
    years = panel.table["period"]
    if options.year is not None and options.year not in set(years):
        raise RecipeError(f"{options.year} is no year of the panel", where="emission.year",
                          expected=f"{years.min()} to {years.max()}")  # fmt: skip
    if options.truth is not None:
        _read_truth(context, options, panel)
    cities = options.of_cities()
    parts = None if cities is None else _check_panel(context, cities, "emission.reconcile.cities")
    check_reconcile(context, panel, parts)


def _check_panel(context: Context, options: EmissionOptions, where: str) -> Panel:
    for key in ("panel", "description", "truth"):
        file = getattr(options, key)
        if file is not None and not (context.base / file).is_file():
            raise RecipeError(f"{file} is not there", where=f"{where}.{key}",
                              expected="a file, relative to the study file")  # fmt: skip
    panel = _open(context, options)
    model = _model(context, options)
    if model is not None:
        if model.question != options.question:
            raise RecipeError(f"{options.model} answers {model.question}", where=f"{where}.model",
                              expected=f"a model of {options.question}")  # fmt: skip
        adds_up = context.study.emission is not None and context.study.emission.reconcile is not None
        if adds_up and model.statistic != "mean":
            raise RecipeError(f"{options.model} gives medians, which do not add up", where=f"{where}.model",
                              expected="a model trained with statistic mean",
                              fix="leave model out, or reconcile")  # fmt: skip
        model.schema_.check(panel)
    names = ("question", "level", "folds", "lag")
    asked = {name: getattr(options, name) for name in names}
    try:
        admit_panel(panel, **asked, trained=model is not None)
        splits(panel, options.question, protocol=options.protocol, folds=options.folds, lag=options.lag)
    except PanelError as error:
        raise PanelError(
            error.what, where=f"{where}.panel ({options.panel})", expected=error.expected, fix=error.fix
        ) from error
    return panel


def do_emission(context: Context, do: Callable[[Step], Mapping[str, Any]]) -> None:
    """Do the steps of regional emissions: the regions, their parts, sums that agree."""
    options = context.study.emission
    assert options is not None
    records = {"regions": do(_assess_step(context, STEP, options, context.folder / "emission"))}
    cities = options.of_cities()
    if cities is not None:
        folder = context.folder / "emission" / "cities"
        records["cities"] = do(_assess_step(context, CITY_STEP, cities, folder))
    if options.reconcile is not None:
        do(reconcile_step(context, _open(context, options).target.unit, records))


def _assess_step(context: Context, name: str, options: EmissionOptions, folder: Path) -> Step:
    """Make the step of estimates, scores and second opinion.

    Returns
    -------
    Step
        Outputs in `folder`: ``estimates`` and ``opinion`` (``.csv``, ``.parquet``), ``scores.csv``,
        ``skill.csv``, ``intervals.csv``, of a simulated study ``truth.csv``, and ``model/`` where one was
        trained.
    """
    saved = None if options.model is None else find_model(options.model, base=context.base)
    inputs = {
        f"panel of emissions: {file}": sha256(context.base / file)
        for file in (options.panel, options.description, options.truth)
        if file is not None
    }
    if saved is not None:
        inputs[f"model of emissions: {options.model}"] = sha256(saved / "card.json")

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        folder.mkdir(parents=True, exist_ok=True)
        panel = _open(context, options)
        made = assess(panel, model=_model(context, options), **_asked(options))
        paths = [*_write(made, folder)]
        if options.truth is not None:
            paths.append(write(_read_truth(context, options, panel), folder / "truth.csv"))
        if saved is None:
            scored = {made.evaluation.protocol: made.evaluation}
            save_model(made.model, folder / "model", panel=panel, evaluations=scored)
            paths += sorted(path for path in (folder / "model").iterdir())
        year = options.year or _shown_year(made)
        return paths, {"facts": _facts(made, panel, year, options), "skipped": _skipped(made, name)}

    return Step(name, inputs, options.model_dump(mode="json", exclude={"reconcile"}), work)


def _open(context: Context, options: EmissionOptions) -> Panel:
    return context.remember(
        f"panel of emissions: {options.panel} {options.description}",
        lambda: open_panel(context.base / options.panel, context.base / options.description),
    )


def _model(context: Context, options: EmissionOptions) -> ProvincialEmission | None:
    if options.model is None:
        return None
    folder = find_model(options.model, base=context.base)
    return context.remember(f"model of emissions: {folder}", lambda: load_model(folder))


def _asked(options: EmissionOptions) -> dict[str, Any]:
    names = ("question", "protocol", "statistic", "level", "folds", "lag", "seed")
    given = {name: getattr(options, name) for name in names}
    return {**given, "families": tuple(options.families or FAMILIES)}


def _read_truth(context: Context, options: EmissionOptions, panel: Panel) -> pd.DataFrame:
    assert options.truth is not None
    try:
        table = read_table(context.base / options.truth)
    except ValueError as error:  # pandas' own errors of parsing are such
        raise RecipeError(f"{options.truth} is no table ({error})", where="emission.truth") from error
    wanted = ("region", "year", panel.target.name)
    lacking = [name for name in wanted if name not in table]
    if lacking:
        raise RecipeError(f"{options.truth} has no column {lacking[0]}", where="emission.truth",
                          expected=", ".join(wanted))  # fmt: skip
    out = table[list(wanted)].set_axis(["region", "period", "truth"], axis=1)
    return out.assign(falsified=table["falsified"].astype(bool) if "falsified" in table else False)


def _write(made: Assessment, folder: Path) -> list[Path]:
    paths = []
    for name, table in made.tables().items():
        suffixes = (".csv", ".parquet") if name in ("estimates", "opinion") else (".csv",)
        paths += [write(table, folder / f"{name}{suffix}") for suffix in suffixes]
    return paths


def _shown_year(made: Assessment) -> int:
    """Give the last year of the panel; of gaps the last one with a filled gap, else with any estimate."""
    table = made.estimates
    if made.evaluation.question == "infill":
        there = table[table["estimate"].notna()]
        filled = there[there["reported"].isna()]
        table = filled if len(filled) else there
    return int(table["period"].max())


def _skipped(made: Assessment, step: str) -> list[dict[str, str]]:
    variable = "city_estimate" if step == CITY_STEP else "estimate"
    said = [{"variable": "second_opinion", "code": "too_few", "reason": note} for note in made.notes]
    if made.unasked:
        why = f"{made.unasked} reported rows: {UNASKED[made.evaluation.question]}"
        said.append({"variable": variable, "code": "known", "reason": why})
    if made.bare:
        why = f"{made.bare} rows without report: {BARE[made.evaluation.question]}"
        said.append({"variable": variable, "code": "unknown", "reason": why})
    return said


def _facts(made: Assessment, panel: Panel, year: int, options: EmissionOptions) -> dict[str, Any]:
    warned = made.health[made.health["severity"] == "warning"]
    known, card = panel.observed(), getattr(made.model, "card_", {})
    return {
        "question": made.model.question,
        "protocol": made.evaluation.protocol,
        "folds": len(made.evaluation.choices),
        "lag": options.lag,
        "year": year,
        "years": [int(panel.table["period"].min()), int(panel.table["period"].max())],
        "unit": made.unit,
        "target": panel.target.name,
        "scope": panel.target.scope,
        "level": made.level,
        "statistic": made.model.statistic,
        "chosen": made.model.chosen_,
        "configurations": int(made.model.configurations_),
        "regions": int(panel.table["region"].nunique()),
        "reporting": int(known.table["region"].nunique()),
        "features": list(made.model.schema_.names),
        "model": str(card.get("title", "")),
        "left_out": {reason: count for reason, count in made.evaluation.left_out.items() if count},
        "health": {str(name): int(count) for name, count in warned["finding"].value_counts().items()},
        "opinion": {key: float(value) for key, value in made.opinion.attrs.items()},
    }


def load_emission(finished: Finished) -> EmissionResult | None:
    """Read the emissions of a finished run; None when the study did not ask for them."""
    found = finished.step(STEP)
    if found is None:
        return None
    files, summary = found
    nodes, years, told = load_reconciled(finished)
    cities = finished.step(CITY_STEP)
    if cities is not None:
        scores = read_table(cities[0]["scores.csv"])
        own = scores.loc[scores["of"] == "model", "wmape"].to_numpy(float)
        told |= {"cities": {**cities[1]["facts"], "wmape": float(own[0])}}
    opinion = read_parquet(files["opinion.parquet"]) if "opinion.parquet" in files else pd.DataFrame()
    estimates = read_parquet(files["estimates.parquet"])
    return EmissionResult(
        estimates=estimates.astype({"inside": object}).where(estimates.notna(), np.nan),
        scores=read_table(files["scores.csv"]),
        skill=read_table(files["skill.csv"]),
        intervals=read_table(files["intervals.csv"]),
        opinion=opinion,
        truth=read_table(files["truth.csv"]) if "truth.csv" in files else None,
        nodes=nodes,
        balanced=years,
        facts=summary["facts"] | {"reconcile": told},
    )

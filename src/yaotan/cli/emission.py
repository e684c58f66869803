"""The commands on regional emissions: open the panel, train or load, write, say what came out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from yaotan.emission.admission import admit_panel
from yaotan.emission.archive import find_model, load_model, save_model
from yaotan.emission.assessment import BARE, QUESTIONS, UNASKED, Assessment, assess
from yaotan.emission.balance import balance_levels
from yaotan.emission.domain import model_numbers
from yaotan.emission.evaluation import Evaluation, evaluate
from yaotan.emission.level_table import open_estimates, open_hierarchy
from yaotan.emission.model import ONE_SIGMA, ProvincialEmission
from yaotan.emission.opening import open_panel
from yaotan.emission.panel import Panel
from yaotan.emission.split import splits
from yaotan.errors import OutputError, PanelError
from yaotan.io.write import write

if TYPE_CHECKING:
    import pandas as pd

#: figures that are shown of the second opinion
_SHOWN = 5


def _open(panel: str, description: str | None) -> Panel:
    if description is None:
        raise PanelError(
            "no description of the columns is given", where="emission", expected="--description FILE.yaml",
            fix="write down role and unit of each column (docs/emission.md)",
        )  # fmt: skip
    return open_panel(panel, description)


def train_model(
    panel: str, folder: str, description: str | None, title: str, licence: str, **options: Any
) -> None:
    """Train a model on every reported row, score its like on rows held out, save it.

    Parameters
    ----------
    panel, folder : str
    description : str, optional
    title, licence : str
        For the card.
    **options
        Of `ProvincialEmission`.
    """
    if options["question"] not in QUESTIONS:
        raise PanelError(f"question {options['question']!r} is unknown", where="emission train",
                         expected=", ".join(QUESTIONS))  # fmt: skip
    opened = _open(panel, description)
    options["families"] = tuple(options["families"])
    model = ProvincialEmission(**options)
    _say_health(admit_panel(opened, model.question, level=0.5, lag=model.lag))
    made = splits(opened, model.question, lag=model.lag)
    scored = evaluate(model, opened, made, seed=model.seed)
    digest = save_model(
        model.fit(opened), folder, panel=opened, evaluations={scored.protocol: scored}, title=title,
        licence=licence,
    )  # fmt: skip
    _say_scores(scored)
    print(f"{folder}: {model.chosen_}; digest {digest}")


def predict_panel(
    model: str, panel: str, target: str, description: str | None, level: float, digest: str | None
) -> None:
    """Estimate every row of a panel, with interval, range and domain; write the table.

    Parameters
    ----------
    model, panel, target : str
    description : str, optional
    level : float
        Of the intervals.
    digest : str, optional
        That the model must have.
    """
    opened, known = _open(panel, description), load_model(find_model(model), digest=digest)
    table = _predict(known, opened, level)
    write(table, target)
    if "inside" in table:
        print(f"outside the domain of the model: {int((~table['inside']).sum())} of {len(table)} rows")
    if "known" in table:
        print(f"known to the model and given back as they are: {int(table['known'].sum())} rows")
    bare = int(table["estimate"].isna().sum())
    print(f"{target}: {len(table) - bare} estimates [{known.target_.unit}], intervals of {100 * level:g} %")
    if bare:
        print(f"without an estimate: {bare} rows")
    beyond = known.schema_.outside(opened)
    if len(beyond):
        names = ", ".join(beyond["feature"].unique())
        print(f"beyond the range that was learned from: {beyond['row'].nunique()} rows ({names})")


def _predict(known: ProvincialEmission, opened: Panel, level: float) -> pd.DataFrame:
    """Estimates with interval, 1 sigma, sectors, domain, range, and whether the model knew the figure."""
    table = known.predict_interval(opened, level=level)
    beyond = known.schema_.outside(opened)
    table["beyond"] = np.bincount(beyond["row"].astype(int), minlength=len(table))
    domain = getattr(known, "domain_", None)
    if domain is not None:
        seen = domain.assess(model_numbers(known, opened))
        table["dissimilarity"], table["inside"] = seen["dissimilarity"], seen["inside"]
    if known.shares_ is not None:
        parts = known.predict_parts(opened)
        table = table.join(parts[list(known.shares_.names_)].add_prefix("sector_"))
    low, high = known.predict_bounds(opened, level=ONE_SIGMA)
    table["uncertainty"] = (high - low) / 2.0
    table["unit"], table["statistic"] = known.target_.unit, known.statistic
    history = getattr(known.engine_, "history_", None)
    if history is not None:
        table["known"] = np.isfinite(history.find(table["region"], table["period"]))
    return table


def evaluate_panel(
    panel: str, folder: str, description: str | None, model: str | None, **options: Any
) -> None:
    """Score on rows held out, estimate, judge the reported figures; write the tables.

    Parameters
    ----------
    panel, folder : str
    description, model : str, optional
    **options
        Of `assess`.
    """
    opened, place = _open(panel, description), Path(folder)
    known = None if model is None else load_model(find_model(model))
    options["families"] = tuple(options["families"])
    made = assess(opened, model=known, **options)
    if place.exists() and not place.is_dir():
        raise OutputError("is a file", where=place, expected="a folder", fix="give another name")
    place.mkdir(parents=True, exist_ok=True)
    for name, table in made.tables().items():
        if name == "estimates":
            table = table.assign(unit=made.unit, statistic=made.model.statistic)
        write(table, place / f"{name}.csv")
    _say_health(made.health)
    _say_scores(made.evaluation)
    if made.unasked:
        print(f"reported rows without an estimate: {made.unasked}, {UNASKED[made.evaluation.question]}")
    if made.bare:
        print(f"rows without report and without an estimate: {made.bare}, {BARE[made.evaluation.question]}")
    _say_opinion(made)
    print(f"{place}: {', '.join(made.tables())}")


def reconcile_levels(target: str, estimates: Sequence[str], hierarchy: str | None, unit: str | None) -> None:
    """Make estimates of several levels add up; write every node, say who moved.

    Parameters
    ----------
    target : str
    estimates : sequence of str
    hierarchy : str, optional
        Without it the command says what it needs.
    unit : str, optional
    """
    if hierarchy is None:
        raise PanelError(
            "it is not said which region is part of which", where="emission reconcile",
            expected="--hierarchy FILE", fix="write a table with the columns region and parent",
        )  # fmt: skip
    tree, table = open_hierarchy(hierarchy), open_estimates(estimates, unit=unit)
    made = balance_levels(table, tree, unit=str(table.attrs["unit"]))
    write(made.nodes.assign(unit=made.unit), target)
    for _, row in made.years.iterrows():
        moved = f"{row['moved_most']} moved most, by {row['moved']:+.2f} sigma" if row["moved_most"] else ""
        print(
            f"{row['period']}: {row['regions']} regions, chi square {row['chi_square']:.1f} of "
            f"{row['degrees']} degrees; {moved}"
        )
    for year, reason in made.skipped.items():
        print(f"not balanced, {year}: {reason}")
    print(f"{target}: wholes and sums of parts agree to {made.years['gap'].max():.0e} [{made.unit}]")


def _say_health(found: pd.DataFrame) -> None:
    warned = found[found["severity"] == "warning"]
    if len(warned):
        counts = warned["finding"].value_counts()
        said = ", ".join(f"{count} {str(name).replace('_', ' ')}" for name, count in counts.items())
        print(f"warnings of the panel's health: {said}")


def _say_scores(scored: Evaluation) -> None:
    own = scored.metrics.loc["model"]
    rivals = scored.metrics.drop(index="model")["wmape"]
    print(f"{scored.question}, {scored.protocol}: {len(scored.predictions)} rows held out")
    print(f"error: {100 * own['wmape']:.1f} % of the emissions (wmape), rmse {own['rmse']:.4g}")
    if len(rivals):
        best = str(rivals.idxmin())
        row = scored.skill[(scored.skill["against"] == best) & (scored.skill["measure"] == "wmape")].iloc[0]
        print(
            f"best baseline {best}: {100 * rivals[best]:.1f} %; skill {100 * row['skill']:.0f} % "
            f"({100 * row['lower']:.0f} to {100 * row['upper']:.0f} %): {row['verdict']}"
        )
    for _, row in scored.intervals[scored.intervals["level"] == 0.9].iterrows():
        print(
            f"intervals of 90 % held in {100 * row['province_coverage']:.0f} % "
            f"of {row['provinces']:.0f} provinces, factor {row['factor']:.2f}"
        )
    for reason, count in scored.left_out.items():
        if count:
            print(f"not scored, {reason}: {count}")
    print(f"configurations tried inside the folds: {scored.configurations}")


def _say_opinion(made: Assessment) -> None:
    for note in made.notes:
        print(f"second opinion: {note}")
    if made.opinion.empty:
        return
    facts = made.opinion.attrs
    print(
        f"look here first ({facts['flagged']} flagged, about {facts['expected_by_chance']:.0f} by chance; "
        f"{made.unit}):"
    )
    names = dict(zip(made.estimates["region"], made.estimates["region_name"], strict=True))
    for _, row in made.opinion.head(_SHOWN).iterrows():
        name = "" if names[row["region"]] == row["region"] else f" {names[row['region']]}"
        print(
            f"  {row['region']}{name} {row['period']}: reported {row['reported']:.4g}, "
            f"expected {row['expected']:.4g} ({row['lower']:.4g} to {row['upper']:.4g}), z {row['z']:+.1f}"
        )

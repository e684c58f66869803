"""The main job: a study file in; grids, tables, a report and its provenance out."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from yaotan.errors import OutputError, RecipeError, TooFewSoundingsError, YaotanError
from yaotan.io.write import write
from yaotan.recipes.analysis.plan import do_analyses
from yaotan.recipes.analysis.skip import notes_of
from yaotan.recipes.check import check_inputs
from yaotan.recipes.column import grid_step, join_losses_step, loss_step
from yaotan.recipes.context import Context, read_regions
from yaotan.recipes.inventory import Inventory, KnownDigests, Progress, take_inventory
from yaotan.recipes.opening import MonthFiles
from yaotan.recipes.product import ProductGrids
from yaotan.recipes.provenance import describe_run, sum_reasons
from yaotan.recipes.result import load_results
from yaotan.recipes.stac import STEPS, describe_in_stac
from yaotan.recipes.step import Ledger, Made, Step
from yaotan.recipes.study import Study, load_study
from yaotan.recipes.table import comparison_step, contrast_step, zonal_step
from yaotan.recipes.truth import truth_step
from yaotan.typing import PathLike

#: folders of monthly pieces that a later step joins
PIECES: Final = ("losses", "hotspots", "pairs", "boxes", "plumes")


@dataclass(frozen=True)
class RunResult:
    """What a run left.

    Attributes
    ----------
    folder : pathlib.Path
        The output folder.
    report : pathlib.Path or None
        The report in the study's language; None after a check.
    inventory : Inventory
        Files identified, and files skipped because they cannot be.
    executed : list of str
        Steps that really ran; the others were done already.
    skipped : list of (str, str)
        Every file that was passed over (``on_error: skip``), and why: those that cannot be identified, and
        those that turned out to be damaged when they were read.
    products : dict
        Per product the counts of ``provenance.json``: read, kept, dropped by reason.
    notes : list of str
        Analyses that were asked for and could not be done, and why.
    """

    folder: Path
    report: Path | None
    inventory: Inventory
    executed: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    products: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def run(
    recipe: PathLike,
    *,
    output: PathLike | None = None,
    check: bool = False,
    trust_layout: bool = False,
    progress: Progress | None = None,
) -> RunResult:
    """Run a study: identify, read, screen, grid, average over regions, compare, report.

    Parameters
    ----------
    recipe : path-like
        Study file (docs/recipe.md describes every key).
    output : path-like, optional
        Output folder; default is the study's ``output``, relative to the study file.
    check : bool
        Check the study file, regions, rules and every input file, and write nothing.
    trust_layout : bool
        As ``trust_layout: true`` at every input of the study: no warning about layouts that the catalog has
        from documents only.
    progress : callable, optional
        Called with (what, number done, number in all).

    Returns
    -------
    RunResult
        Folder, report, inventory, executed steps.

    Raises
    ------
    RecipeError
        The study file is wrong.
    TooFewSoundingsError
        Nothing is left after screening; the message counts the reasons.
    YaotanError
        A file or a region cannot be used.

    Notes
    -----
    A step is skipped when its record, its untouched outputs, its inputs (by content hash), its
    parameters and the code are the same as last time; so a killed run goes on where it was.
    """
    recipe = Path(recipe).resolve()
    study = load_study(recipe)
    if trust_layout:
        study = study.trusting()
    folder = Path(output).resolve() if output else recipe.parent / study.output
    existed = folder.exists()
    if existed and not folder.is_dir():
        raise OutputError("the output folder is a file", where=folder, fix="give another output")
    try:
        return _run(study, recipe, folder, check, progress)
    except YaotanError:
        # without one finished grid or table of carbon, what a first run wrote has no value and would look
        # like a result; with one, the next run can go on from there
        if (
            not existed
            and folder.exists()
            and not any(
                (
                    *folder.glob("columns/*.nc"),
                    *folder.glob("carbon/*"),
                    *folder.glob("plumes/*"),
                    *folder.glob("emission/*"),
                )
            )
        ):
            shutil.rmtree(folder)
        raise


def _run(study: Study, recipe: Path, folder: Path, check: bool, progress: Progress | None) -> RunResult:
    base = recipe.parent
    regions = read_regions(study, base)
    if study.truth and not (base / study.truth).is_file():
        raise RecipeError(f"the truth file {study.truth!r} is missing", where=recipe)
    digest = KnownDigests(folder / ".steps" / "digests.cache")
    inventory = take_inventory(study, base, digest, progress, output=folder)
    context = Context(study, base, folder, Ledger(folder), inventory, regions, progress)
    check_inputs(context)
    if study.inputs:
        _ = context.spec  # an impossible grid is refused here, before anything is written
    if check:
        return RunResult(folder, None, inventory, skipped=list(inventory.skipped))
    try:
        for name in ("columns", "figures", *(f".steps/{piece}" for piece in PIECES)):
            (folder / name).mkdir(parents=True, exist_ok=True)
        digest.save()
    except OSError as error:
        raise OutputError(
            f"the output folder cannot be written ({error.strerror or error})",
            where=folder,
            fix="give a folder of your own with --output, or as output in the study file",
        ) from error
    records = _column_records(context)
    if study.inputs:
        _require_data(context, records)
    products = _products(context, records)
    tables = _table_records(context, records, products)
    analyses = do_analyses(context, products, _outputs(tables, "zonal-"))
    context.close_products()
    # files of steps that left the study must be gone before the report looks at the folder
    context.ledger.forget_others(keep=["report", *STEPS])
    provenance = describe_run(context, recipe, {**records, **tables}, analyses)
    report = _report_record(context, provenance)
    describe_in_stac(context, {**records, **tables}, analyses)
    skipped = [(item["file"], item["reason"]) for item in provenance["skipped"]]
    return RunResult(
        folder,
        report,
        inventory,
        context.ledger.executed,
        skipped,
        provenance["products"],
        notes_of(provenance["analyses"]),
    )


def _column_records(context: Context) -> dict[str, dict[str, Any]]:
    """Grid every product and month, and count what was lost."""
    records = {}
    total = len(context.months) * len(context.inventory.products())
    for number, product in enumerate(context.inventory.products()):
        for place, month in enumerate(context.months):
            context.announce("grid", number * len(context.months) + place, total)
            files = MonthFiles.of(context, product, month)
            if files.granules:
                for make in (loss_step, grid_step):
                    step = make(files)
                    records[step.name] = context.ledger.do(step)
    return records


def _require_data(context: Context, records: Mapping[str, Mapping[str, Any]]) -> None:
    """Stop, with the reasons counted, when no product has a grid."""
    if _outputs(records, "grid-"):
        return
    reasons: Counter[str] = Counter()
    for product in context.inventory.products():
        total = sum_reasons(records, product)
        reasons.update(total["dropped"])
        reasons.update({f"rule {name}": count for name, count in total["screening"].items()})
    counted = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()) if count)
    raise TooFewSoundingsError(
        "no sounding is left in the study's region and period "
        f"(lost: {counted or 'no file covers the period'})",
        fix="widen period or region, or relax quality and rules in the study file",
    )


def _products(context: Context, records: Mapping[str, Mapping[str, Any]]) -> dict[str, ProductGrids]:
    """Give the grids of every product that has any."""
    found = {}
    for product in context.inventory.products():
        grids = {
            month.name: context.folder / name
            for month in context.months
            for name in records.get(f"grid-{product}-{month.name}", {}).get("outputs", {})
        }
        if grids:
            found[product] = ProductGrids(context, product, grids, _outputs(records, f"grid-{product}-"))
    return found


def _outputs(records: Mapping[str, Mapping[str, Any]], prefix: str) -> dict[str, str]:
    """Give the outputs (path: sha256) of all steps whose name starts with `prefix`."""
    return {
        name: digest
        for step, record in records.items()
        if step.startswith(prefix)
        for name, digest in record["outputs"].items()
    }


def _table_records(
    context: Context, records: Mapping[str, Mapping[str, Any]], products: Mapping[str, ProductGrids]
) -> dict[str, dict[str, Any]]:
    """Average over regions, contrast, compare, and set beside the truth."""
    steps: list[Step] = [zonal_step(given) for given in products.values()]
    if context.study.inputs:
        steps.append(join_losses_step(context, _outputs(records, "losses-")))
        steps += [contrast_step(context, products), comparison_step(context, products)]
    steps.append(_regions_step(context))
    done = {}
    for number, step in enumerate(steps):
        context.announce("tables", number, len(steps))
        done[step.name] = context.ledger.do(step)
    if context.study.truth:
        done["truth"] = context.ledger.do(truth_step(context, _outputs(done, "zonal-")))
    return done


def _regions_step(context: Context) -> Step:
    """Make the step that keeps the regions beside the results, so that a report can be drawn anew."""

    def work() -> Made:
        target = context.folder / "columns" / "regions.geojson"
        return [write(context.regions, target)], {"source": context.regions.attrs.get("source", "")}

    return Step("regions", {"regions": context.regions_digest}, {}, work)


def _report_record(context: Context, provenance: Mapping[str, Any]) -> Path:
    """Write provenance and report; the report is a step like the others.

    It shows counts, words and files of the provenance beside the tables, so it stands on all of it but
    the date; the hashes of the tables are in there.
    """
    # these draw: matplotlib loads here and not for a check
    from yaotan.report.export import write_figures
    from yaotan.report.page import report

    context.announce("report", 0, 1)
    context.ledger.write_json(context.folder / "provenance.json", provenance)
    target = context.folder / "report.html"

    def work() -> Made:
        results = load_results(context.folder)
        report(results, target)
        pages = [target, *target.parent.glob("report.??.html")]
        return [*sorted(pages), *write_figures(results, context.folder / "figures")], {}

    lasting = {key: value for key, value in provenance.items() if key != "run"}
    digest = hashlib.sha256(json.dumps(lasting, sort_keys=True, default=str).encode()).hexdigest()
    context.ledger.do(Step("report", {"provenance": digest}, {}, work))
    context.announce("report", 1, 1)
    return target

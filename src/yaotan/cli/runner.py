"""What each command does: open, call the public function, write, and say in a few lines what came out."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from yaotan.cli.describe import describe_kind, describe_match
from yaotan.errors import NotAGranuleError, TooFewSoundingsError, YaotanError
from yaotan.recipes.inventory import Progress

#: errors that are shown one by one
_ERRORS_SHOWN = 5


@contextmanager
def shown_progress() -> Iterator[Progress | None]:
    """Give a progress callback that draws on a terminal and is silent in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def announce(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield announce


def run_info(files: list[str], **options: Any) -> None:
    """Describe each file; a bad one does not stop the others, but makes the exit status 2."""
    failures = []
    for name in files:
        try:
            print(_describe(name, options))
        except YaotanError as error:
            if len(files) == 1:
                raise
            failures.append(name)
            print(f"yaotan: error: {error}", file=sys.stderr)
    if failures:
        raise NotAGranuleError(f"{len(failures)} of {len(files)} files could not be identified")


def _describe(name: str, options: dict[str, Any]) -> str:
    """Describe a granule; else whatever another function opens, unless a product was named."""
    from yaotan.io.identify import identify
    from yaotan.io.kind import find_kind

    try:
        return describe_match(identify(name, **options))
    except NotAGranuleError:
        found = None if options.get("product") or options.get("aliases") else find_kind(name)
        if found is None:
            raise
        return describe_kind(found)


def run_grid(files: list[str], target: str, **options: Any) -> None:
    """Read, grid and write."""
    from yaotan.grid.bin import grid_soundings
    from yaotan.grid.spec import GridSpec
    from yaotan.io.soundings import open_soundings
    from yaotan.io.write import write
    from yaotan.schema import column_variables

    spec = GridSpec.regular(options.pop("resolution"), options.pop("bounds"))
    names = ("product", "region", "quality", "on_error", "aliases", "trust_layout")
    reading = {name: options.pop(name) for name in names}
    soundings = open_soundings(files, **reading)
    grid = grid_soundings(soundings, spec, **options)
    counts = json.loads(soundings.attrs["reading"])
    for entry in counts:
        if "error" in entry:
            print(f"skipped {entry['error']}", file=sys.stderr)
    lost = Counter[str]()
    for entry in counts:
        lost.update(entry.get("dropped", {}))
    rejected = json.loads(grid.attrs["rejected"])
    for reasons in (rejected["reasons"], *rejected["variables"].values()):
        lost.update(reasons)
    read = sum(entry.get("read", 0) for entry in counts)
    words = ", ".join(f"{reason} {count}" for reason, count in sorted(lost.items()))
    gases = column_variables(grid)
    if not any(bool((grid[f"{name}_count"] > 0).any()) for name in gases):
        raise TooFewSoundingsError(
            f"no cell has a value: {read} soundings were read (lost: {words or 'none; all lie elsewhere'})",
            expected="soundings within the bounds of the grid",
            fix="widen --bounds or --region, or relax --quality",
        )
    write(grid, target)
    print(f"{target}: {read} soundings read, {soundings.sizes['sounding']} kept")
    if words:
        print(f"lost: {words}")


def run_catalog(folder: str, stac: str | None, **options: Any) -> None:
    """Index a folder, say what is in it, and write the STAC catalog when asked for."""
    from yaotan.cli.describe import describe_index
    from yaotan.io.index.scan import index_granules

    if stac is not None:
        from yaotan.io.stac.catalog import check_target

        check_target(Path(stac))
    with shown_progress() as progress:
        summary = index_granules(folder, progress=progress, **options)
    print(describe_index(summary))
    for path, reason in summary.errors[:_ERRORS_SHOWN]:
        print(f"error {path}: {reason}", file=sys.stderr)
    if len(summary.errors) > _ERRORS_SHOWN:
        print(
            f"... and {len(summary.errors) - _ERRORS_SHOWN} more: see the column error of the index",
            file=sys.stderr,
        )
    if summary.rows and not summary.products:
        raise NotAGranuleError(f"none of the {summary.rows} files can be read", where=folder)
    if stac is not None:
        from yaotan.io.stac.granule import write_stac

        written = write_stac(summary.path, stac)
        left = "".join(f", {count} left out ({reason})" for reason, count in sorted(written.left_out.items()))
        print(f"STAC: {written.path}: {sum(written.items.values())} items{left}")


def run_zonal(grid: str, regions: str, target: str, **options: Any) -> None:
    """Average over regions and write the table."""
    from yaotan.grid.zonal import zonal_statistics
    from yaotan.io.netcdf import open_grid
    from yaotan.io.region import open_regions
    from yaotan.io.write import write

    naming = {name: options.pop(name) for name in ("region_id", "name", "name_zh")}
    reading = {name: options.pop(name) for name in ("product", "trust_layout")}
    opened = open_regions(regions, **naming)
    write(zonal_statistics(open_grid(grid, **reading), opened, **options), target)
    print(f"{target}: {len(opened)} regions")


def run_carbon(files: list[str], target: str, **options: Any) -> None:
    """Stock of one raster, or change between two."""
    from yaotan.cli.carbon import account_files

    account_files(files, target, **options)


def run_plume(files: list[str], sources: str | None, wind: list[str] | None, **options: Any) -> None:
    """Quantify point sources in images and overpasses."""
    from yaotan.cli.plume import quantify_scenes

    with shown_progress() as progress:
        quantify_scenes(files, sources, wind, progress, **options)


def run_plume_annual(estimates: str, target: str, **options: Any) -> None:
    """Average estimates over a year."""
    from yaotan.cli.plume import average_year

    average_year(estimates, target, **options)


def run_plume_observe(sources: str, target: str, **options: Any) -> None:
    """Say what sensors could see of sources."""
    from yaotan.cli.plume import observe

    observe(sources, target, **options)


def run_emission_train(panel: str, folder: str, **options: Any) -> None:
    """Train, score and save a model of emissions."""
    from yaotan.cli.emission import train_model

    train_model(panel, folder, **options)


def run_emission_predict(model: str, panel: str, target: str, **options: Any) -> None:
    """Estimate the rows of a panel with a saved model."""
    from yaotan.cli.emission import predict_panel

    predict_panel(model, panel, target, **options)


def run_emission_evaluate(panel: str, folder: str, **options: Any) -> None:
    """Score, estimate and judge the figures of a panel."""
    from yaotan.cli.emission import evaluate_panel

    evaluate_panel(panel, folder, **options)


def run_emission_reconcile(target: str, estimates: list[str], **options: Any) -> None:
    """Make estimates of several levels add up."""
    from yaotan.cli.emission import reconcile_levels

    reconcile_levels(target, estimates, **options)


def run_fill(files: list[str], target: str, **options: Any) -> None:
    """Fill the gaps of soundings or of a grid."""
    from yaotan.cli.fill import fill_files

    fill_files(files, target, **options)


def run_trend(file: str, target: str, **options: Any) -> None:
    """Fit the series of a file, and write table and curves."""
    from yaotan.cli.trend import fit_file

    fit_file(file, target, **options)


def run_check_claim(table: str, a: str | None, b: str | None, **options: Any) -> None:
    """Say in both languages whether a claim about two regions holds."""
    from yaotan.column.claim import check_claim
    from yaotan.io.tabular import read_table

    if a is None or b is None:
        raise YaotanError("two regions are needed", where="check-claim", expected="--a REGION --b REGION")
    claim = check_claim(read_table(table), a=a, b=b, **options)
    print(claim.sentences["en"])
    print(claim.sentences["zh"])


def run_validate(files: list[str], target: str, **options: Any) -> None:
    """Compare granules with stations, and write pairs and scores."""
    from yaotan.cli.validation import compare_files

    compare_files(files, target, **options)


def run_fetch(product: str, **options: Any) -> None:
    """List what there is, bring it in, and say what became of each file that failed."""
    from yaotan.cli.describe import describe_listing
    from yaotan.errors import FetchError
    from yaotan.io.fetch import fetch

    whole = bool(options["list_only"])
    with shown_progress() as progress:
        result = fetch(
            product,
            **options,
            found=lambda listing: print(describe_listing(listing, each=whole), flush=True),
            progress=progress,
        )
    if whole:
        return
    for file in result.of("failed"):
        advice = f". To do: {file.fix}" if file.fix else ""
        print(f"failed {file.name}: {file.reason}{advice}", file=sys.stderr)
    counts = ", ".join(
        f"{len(result.of(status))} {status}" for status in ("fetched", "already good", "failed")
    )
    print(f"{options['target']}: {counts}; record: {result.record}")
    if result.of("failed"):
        raise FetchError(
            f"{len(result.of('failed'))} of {len(result.files)} files could not be fetched",
            where=product,
            fix="mend what is said above and run the same command again; good files are not fetched twice",
        )


def run_run(recipe: str, output: str | None, check: bool, trust_layout: bool = False) -> None:
    """Run a study or only check it."""
    from yaotan.recipes.run import run

    with shown_progress() as progress:
        result = run(recipe, output=output, check=check, trust_layout=trust_layout, progress=progress)
    inventory = result.inventory
    for path, reason in result.skipped:
        print(f"skipped {path}: {reason.removeprefix(f'{path}: ')}", file=sys.stderr)
    counts = ", ".join(f"{product} {len(inventory.of(product))}" for product in inventory.products())
    files = f"{counts} files" if counts else "no soundings"
    if check:
        print(f"the study is good: {files}")
    else:
        print(f"read: {files}; {len(result.executed)} steps run")
        for product, count in result.products.items():
            print(f"{product}: {count['read']} soundings read, {count['kept']} kept")
        for note in result.notes:
            print(note, file=sys.stderr)
        print(f"report: {result.report}")


def run_report(folder: str, path: str, language: str | None) -> None:
    """Draw the report of a finished run again."""
    from yaotan.recipes.result import load_results
    from yaotan.report.page import report

    print(f"report: {report(load_results(folder), path, language=language)}")


def run_demo(folder: str, seed: int) -> None:
    """Simulate a study and run it."""
    from yaotan.simulate.study import simulate_study

    study = simulate_study(folder, seed=seed)
    print(f"simulated study: {Path(study)}")
    run_run(str(study), output=None, check=False)

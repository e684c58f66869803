"""Maps without gaps: steps by product, results read back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from yaotan.column.fill.extraction import gather, join_observations
from yaotan.column.fill.filling import fill_gaps, options_of
from yaotan.column.fill.mean import MeanModel
from yaotan.column.fill.observation import Observations
from yaotan.errors import TooFewSoundingsError, YaotanError
from yaotan.io.netcdf import open_grid
from yaotan.io.write import write
from yaotan.recipes.analysis.finished import Finished
from yaotan.recipes.analysis.place import take_places
from yaotan.recipes.analysis.skip import skip
from yaotan.recipes.context import Context, Month, digest_regions
from yaotan.recipes.monthly import hide_sparse
from yaotan.recipes.opening import MonthFiles
from yaotan.recipes.product import ProductGrids
from yaotan.recipes.step import Made, Step
from yaotan.report.analysis import FilledResult
from yaotan.schema import column_variables

#: months with data from which the mean has a season by default
_YEAR: Final = 12
#: harmonics of the year that such a mean has
_HARMONICS: Final = 4


def fill_step(given: ProductGrids) -> Step:
    """Make the step that fills the gaps of one product.

    Outputs ``columns/<product>_<variable>_filled.nc``; the summary says which variables could not be filled,
    and why.
    """
    context, study, options = given.context, given.context.study, given.context.study.fill
    assert options is not None
    region = None if options.regions is None else take_places(context, options.regions, "fill.regions")
    months = [month for month in context.months if month.name in given.grids]
    wanted = [month for month in months if options.months is None or month.name in options.months]
    # without `average` the monthly grids are filled, and no sounding is read
    files = (
        [MonthFiles.of(context, given.product, month) for month in months]
        if options.average is not None
        else []
    )

    def work() -> Made:
        grid = given.open()
        paths: list[Path] = []
        made, skipped = [], []
        names = column_variables(grid)
        for variable in names if wanted else []:
            try:
                data: Any = (
                    gather_months(files, variable)
                    if files
                    else hide_sparse(grid, variable, study.minimum_count)
                )
                filled = fill_gaps(
                    data,
                    context.spec,
                    [month.interval for month in wanted],
                    method=options.method,
                    variable=variable,
                    region=region,
                    validation=options.validation,
                    **filler_options(context, months),
                )
            except YaotanError as error:  # what the method asks of data is known only when it has them
                skipped.append(skip(variable, error))
                continue
            filled = filled.assign_attrs(product=given.product)
            paths.append(write(filled, Path(f"{given.stem(variable, 'filled')}.nc")))
            made.append(variable)
        if not wanted:
            reason = {"code": "no_month", "reason": "none of the months wanted has data"}
            skipped = [{"variable": name, **reason} for name in names]
        return paths, {"variables": made, "skipped": skipped}

    parameters = {
        **options.model_dump(exclude={"products"}),
        "mean": vars(choose_mean(context, months)),
        "overpass_correlation": study.grid.overpass_correlation,
        "minimum_count": study.minimum_count,
        "soundings": {one.month.name: one.parameters for one in files},
    }
    inputs = {name: digest for one in files for name, digest in one.digests.items()}
    if region is not None:
        inputs["regions"] = digest_regions(region)
    return given.step("fill", work, parameters, inputs)


def choose_mean(context: Context, months: Sequence[Month]) -> MeanModel:
    """Give the mean of the study; harmonics that it leaves open follow from the months with data."""
    options = context.study.fill
    assert options is not None
    given = options.mean.model_dump()
    if given["harmonics"] is None:
        span = pd.Period(months[-1].name, "M") - pd.Period(months[0].name, "M")
        given["harmonics"] = _HARMONICS if span.n + 1 >= _YEAR else 0
    return MeanModel(**given)


def filler_options(context: Context, months: Sequence[Month]) -> dict[str, Any]:
    """Give the keywords of the filler."""
    options = context.study.fill
    assert options is not None
    known = options_of(options.method)
    common = {
        "mean": choose_mean(context, months),
        "overpass_correlation": context.study.grid.overpass_correlation,
    }
    return {**{name: value for name, value in common.items() if name in known}, **options.options}


def gather_months(files: Sequence[MonthFiles], variable: str) -> Observations:
    """Average the soundings of a product along their tracks, one month in memory at a time.

    Raises
    ------
    TooFewSoundingsError
        No month has any.
    """
    parts = []
    for one in files:
        study = one.context.study
        assert study.fill is not None
        kept, _ = one.open()
        if kept is None or variable not in kept:
            continue
        try:
            parts.append(
                gather(
                    kept,
                    variable=variable,
                    average=study.fill.average,
                    overpass_correlation=study.grid.overpass_correlation,
                )
            )
        except TooFewSoundingsError:  # no value in this month; the table of losses counts them
            continue
    if not parts:
        raise TooFewSoundingsError(f"no month has soundings of {variable}")
    return join_observations(parts)


def load_filled(finished: Finished) -> tuple[FilledResult, ...]:
    """Read the filled maps of a finished run."""
    found = []
    for product, files, summary in finished.steps("fill"):
        for variable in summary["variables"]:
            with open_grid(files[f"{product}_{variable}_filled.nc"]) as opened:
                grid = opened.load()
            schemes = json.loads(grid.attrs.get("validation", "[]"))
            found.append(
                FilledResult(
                    **finished.head(product, variable),
                    grid=grid,
                    method=finished.provenance["study"]["fill"]["method"],
                    validation=pd.DataFrame(schemes),
                )
            )
    return tuple(found)

"""Months of regions against the same months of other years: the step, and its results read back."""

from __future__ import annotations

from pathlib import Path

from yaotan.column.anomaly.anomaly import anomaly
from yaotan.column.anomaly.table import anomaly_table
from yaotan.column.trend.region import region_series
from yaotan.errors import SeriesError
from yaotan.recipes.analysis.finished import Finished, read_rows
from yaotan.recipes.analysis.place import take_places
from yaotan.recipes.analysis.skip import skip
from yaotan.recipes.context import digest_regions
from yaotan.recipes.monthly import hide_sparse, write_table
from yaotan.recipes.product import ProductGrids
from yaotan.recipes.step import Made, Step
from yaotan.report.analysis import AnomalyResult
from yaotan.schema import column_variables


def anomaly_step(given: ProductGrids) -> Step:
    """Make the step that judges the months of one product.

    Outputs ``columns/<product>_<variable>_anomaly`` (region by month) as CSV and Parquet; the summary says
    which variables could not be judged, and why.
    """
    study, options = given.context.study, given.context.study.anomaly
    assert options is not None
    regions = take_places(given.context, options.regions, "anomaly.regions")

    def work() -> Made:
        grid = given.open()
        paths: list[Path] = []
        made, skipped = {}, []
        for variable in column_variables(grid):
            try:
                series = region_series(
                    hide_sparse(grid, variable, study.minimum_count),
                    regions,
                    variable=variable,
                    pattern=options.pattern,
                    fewest=options.fewest,
                    correlation_length=study.correlation_length * 1e3,
                ).load()
                found = anomaly(
                    series,
                    variable=variable,
                    base=options.base,
                    growth=options.growth,
                    terms=options.terms,
                    min_years=options.min_years,
                    level=options.level,
                )
            except SeriesError as error:
                expected = f"; expected: {error.expected}" if error.expected else ""
                note = skip(variable, error)
                skipped.append(note | {"reason": note["reason"] + expected})
                continue
            table = anomaly_table(found, variable=variable)
            paths += write_table(table, given.stem(variable, "anomaly"))
            made[variable] = dict(table.attrs)
        return paths, {"variables": made, "skipped": skipped}

    parameters = {**options.model_dump(exclude={"products"}), **given.averaging}
    return given.step("anomaly", work, parameters, {"regions": digest_regions(regions)})


def load_anomalies(finished: Finished) -> tuple[AnomalyResult, ...]:
    """Read the anomalies of a finished run."""
    found = []
    for product, files, summary in finished.steps("anomaly"):
        for variable, about in summary["variables"].items():
            table = read_rows(files[f"{product}_{variable}_anomaly.csv"])
            head = finished.head(product, variable)
            found.append(AnomalyResult(**head, table=table, level=float(about["level"])))
    return tuple(found)

"""Columns against ground stations: pairs by month, their scores, results read back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import xarray as xr

from yaotan.catalog.product import load_products
from yaotan.column.validation.collocation import collocate
from yaotan.column.validation.validation import score_table, validate
from yaotan.errors import TooFewSoundingsError
from yaotan.io.paths import find_files
from yaotan.io.station import open_stations
from yaotan.io.tabular import read_parquet, read_table
from yaotan.io.write import write
from yaotan.recipes.analysis.finished import Finished
from yaotan.recipes.analysis.skip import skip
from yaotan.recipes.context import Context
from yaotan.recipes.monthly import write_table
from yaotan.recipes.opening import MonthFiles
from yaotan.recipes.product import MonthRecords
from yaotan.recipes.step import Made, Step
from yaotan.report.analysis import ValidationResult
from yaotan.schema import column_variables

#: options of the study that are not those of `collocate`
_OTHER: Final = frozenset(
    {"products", "stations", "name", "station_product", "trust_layout", "minimum_pairs", "level"}
)
#: what of the pairs' attributes tells how they were found
_ATTRS: Final = ("variable", "units", "kernel", "method", "product", "prior", "reference_product", "options")
#: kind of count in ``lost`` -> unit of the table
_UNITS: Final = {"soundings": "sounding", "overpasses": "overpass", "stations": "measurement"}


def station_files(context: Context) -> list[str]:
    """List the files of the stations of a study.

    Raises
    ------
    NotAGranuleError
        Nothing matches.
    """
    options = context.study.validation
    assert options is not None
    wanted = [options.stations] if isinstance(options.stations, str) else options.stations
    return find_files([str(context.base / text) for text in wanted])


def open_references(context: Context) -> dict[str, xr.Dataset]:
    """Open the stations of a study, all of their time, lazily."""
    options = context.study.validation
    assert options is not None
    return context.remember(
        "stations",
        lambda: open_stations(
            station_files(context), product=options.station_product, trust_layout=options.trust_layout
        ),
    )


def pair_options(context: Context) -> dict[str, Any]:
    """Give the keywords of `collocate`."""
    options = context.study.validation
    assert options is not None
    given = options.model_dump(exclude=set(_OTHER))
    correlation = context.study.grid.overpass_correlation
    return {**given, "radius": options.radius * 1e3, "overpass_correlation": correlation}


def pair_step(files: MonthFiles, stations: Mapping[str, str]) -> Step:
    """Make the step that pairs one product and month with the stations.

    Outputs ``.steps/pairs/<product>_<variable>_<YYYYMM>.parquet``, which `validation_step` joins; an
    overpass at midnight of the turn of a month counts in both. The summary has the attributes of the pairs by
    variable.

    Parameters
    ----------
    files : MonthFiles
        Of the product.
    stations : mapping
        Name of each file of the stations to its content hash.
    """
    context, options = files.context, files.context.study.validation
    assert options is not None

    def work() -> Made:
        kept, _ = files.open(also=None)
        paths: list[Path] = []
        about: dict[str, Any] = {}
        if kept is None:
            return paths, {"pairs": about}
        references = open_references(context)
        for variable in column_variables(kept):
            tables = {name: table for name, table in references.items() if variable in table}
            if not tables:
                continue
            pairs = collocate(kept, tables, column=variable, allow_empty=True, **pair_options(context))
            about[variable] = {name: pairs.attrs[name] for name in _ATTRS}
            about[variable]["lost"] = json.loads(pairs.attrs["lost"])
            target = files.path(".steps/pairs", ".parquet", variable)
            paths.append(write(pairs.to_dataframe().reset_index(drop=True), target))
        return paths, {"pairs": about}

    parameters = {**pair_options(context), "station_product": options.station_product}
    return files.step("pairs", work, parameters, stations)


def validation_step(months: MonthRecords) -> Step:
    """Make the step that scores a product by the pairs of all months.

    Outputs ``columns/<product>_<variable>_validation_pairs`` and ``_validation`` (a row for each station and
    one, ``*``, over all), each as CSV and Parquet, and ``_validation_lost.csv``.
    """
    options = months.context.study.validation
    assert options is not None
    told = months.told("pairs")

    def work() -> Made:
        paths: list[Path] = []
        made, skipped = {}, []
        for variable in dict.fromkeys(name for month in told.values() for name in month):
            stem = months.stem(variable, "validation")
            about = [month[variable] for month in told.values() if variable in month]
            parts = [read_parquet(file) for file in months.files(variable)]
            table = pd.concat(parts, ignore_index=True)
            table = table.sort_values(["station", "time"], kind="stable", ignore_index=True)
            paths += write_table(table, months.stem(variable, "validation_pairs"))
            paths.append(write(sum_lost([one["lost"] for one in about]), Path(f"{stem}_lost.csv")))
            try:
                pairs = pairs_of(table, about[0])
                scores = validate(pairs, level=options.level, minimum_pairs=options.minimum_pairs)
            except TooFewSoundingsError as error:
                skipped.append(skip(variable, error))
                continue
            paths += write_table(score_table(scores), stem)
            made[variable] = {
                "reference": options.name or name_reference(about[0]["reference_product"]),
                "kernel": about[0]["kernel"],
                "left_out": json.loads(scores.attrs["left_out"]),
            }
        return paths, {"variables": made, "skipped": skipped}

    parameters = {"about": told, "level": options.level, "minimum_pairs": options.minimum_pairs}
    return months.step("validation", work, {**parameters, "name": options.name})


def name_reference(products: str) -> str:
    """Name products as people do.

    Examples
    --------
    >>> name_reference("tccon_ggg2020")
    'TCCON GGG2020'
    """
    known = load_products()
    return ", ".join(known[name].title["en"] if name in known else name for name in products.split(", "))


def pairs_of(table: pd.DataFrame, attrs: Mapping[str, Any]) -> xr.Dataset:
    """Turn a table of pairs back into what `collocate` gave."""
    columns = {str(name): ("pair", table[name].to_numpy()) for name in table.columns if name != "station"}
    station = table["station"].to_numpy().astype(str)
    known = {name: attrs[name] for name in _ATTRS if name in attrs}
    return xr.Dataset(columns, coords={"station": ("pair", station)}).assign_attrs(known)


def sum_lost(months: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Add up over months what had no partner, by unit and reason.

    Measurements of stations are the same in every month; they count once.
    """
    total: Counter[tuple[str, str]] = Counter()
    for lost in months:
        for kind in ("soundings", "overpasses"):
            for reason, count in lost.get(kind, {}).items():
                total[_UNITS[kind], reason] += int(count)
    for station in (months[0].get("stations", {}) if months else {}).values():
        for reason, count in station.items():
            if reason != "given":
                total[_UNITS["stations"], reason] += int(count)
    rows = [(unit, reason, count) for (unit, reason), count in sorted(total.items()) if count]
    return pd.DataFrame(rows, columns=["unit", "reason", "count"])


def load_validations(finished: Finished) -> tuple[ValidationResult, ...]:
    """Read the validations of a finished run."""
    found = []
    for product, files, summary in finished.steps("validation"):
        for variable, about in summary["variables"].items():
            stem = f"{product}_{variable}_validation"
            scores = read_parquet(files[f"{stem}.parquet"])
            whole = scores[scores["station"] == "*"].iloc[0].drop("station").dropna()
            found.append(
                ValidationResult(
                    **finished.head(product, variable),
                    reference=about["reference"],
                    kernel=about["kernel"],
                    pairs=read_parquet(files[f"{stem}_pairs.parquet"]),
                    sites=scores[scores["station"] != "*"].reset_index(drop=True),
                    overall={str(name): float(value) for name, value in whole.items()},
                    lost=read_table(files[f"{stem}_lost.csv"]),
                )
            )
    return tuple(found)

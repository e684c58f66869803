"""The static STAC catalog of a run: what it read, what it made, and what was made from what."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from yaotan.io.container import MEMBER
from yaotan.io.index.folder import Found
from yaotan.io.index.pool import read_all
from yaotan.io.index.table import make_rows, read_table, sort_rows, to_table, write_table
from yaotan.io.stac.catalog import write_catalog
from yaotan.io.stac.extent import area_of
from yaotan.io.stac.granule import granule_group
from yaotan.io.stac.record import File, Group, Record, make_key
from yaotan.recipes.context import Context, Month
from yaotan.recipes.inventory import Granule
from yaotan.recipes.step import Made, Step

#: steps that come after the report
STEPS: Final = ("footprints", "stac")
_FOOTPRINTS: Final = ".steps/footprints.parquet"

Records = Mapping[str, Mapping[str, Any]]


def describe_in_stac(context: Context, records: Records, analyses: Records) -> None:
    """Write ``stac/``: collections of inputs by product, of grids, tables, analyses, of the report.

    Parameters
    ----------
    context : Context
        Facts of the run, which has come to its report.
    records : mapping
        Records of the steps up to the tables, by name.
    analyses : mapping
        Records of the steps of the column analyses, by name.

    Notes
    -----
    ``provenance.json`` is linked without size and checksum: it holds the date of the run, and the catalog
    should be equal for equal results.
    """
    context.announce("stac", 0, 1)
    context.ledger.do(_footprint_step(context))
    made = {**records, "report": context.ledger.record("report") or {}}
    context.ledger.do(_stac_step(context, made, analyses))
    context.announce("stac", 1, 1)


def _digests(context: Context) -> dict[str, str]:
    return {_way(context, granule): granule.digest for granule in context.inventory.granules}


def _way(context: Context, granule: Granule) -> str:
    """Give the path of an input seen from the study; a member as ``package::member``."""
    name, mark, member = granule.path.partition(MEMBER)
    return f"{Path(os.path.relpath(name, context.base)).as_posix()}{mark}{member}"


def _footprint_step(context: Context) -> Step:
    """Make the step that reads where and when the soundings of each input lie."""

    def work() -> Made:
        target = context.folder / _FOOTPRINTS
        write_table(_read_inputs(context), target, {"folder": "", "made_with": ""})
        return [target], {}

    own = {
        granule.product: [
            Path(name).read_text(encoding="utf-8")
            for name in (granule.source, granule.options.aliases)
            if name and name != granule.product
        ]
        for granule in context.inventory.granules
    }
    return Step("footprints", _digests(context), {"own": own}, work)


def _read_inputs(context: Context) -> pa.Table:
    packages = {granule.path.partition(MEMBER)[0]: granule for granule in context.inventory.granules}
    tasks = [
        {
            "path": path,
            "checksum": False,
            "product": granule.source,
            "aliases": granule.options.aliases,
        }
        for path, granule in sorted(packages.items())
    ]
    wanted = {_way(context, granule): granule for granule in context.inventory.granules}
    rows = []
    for task, facts in zip(tasks, read_all(tasks), strict=True):
        path = Path(str(task["path"]))
        name = Path(os.path.relpath(path, context.base)).as_posix()
        for row in make_rows(Found(name, path.stat().st_size), facts):
            if row["path"] in wanted:
                rows.append({**row, "sha256": wanted[row["path"]].digest})
    return sort_rows(to_table(rows))


def _stac_step(context: Context, records: Records, analyses: Records) -> Step:
    outputs = {
        name: digest
        for record in (*records.values(), *analyses.values())
        for name, digest in record.get("outputs", {}).items()
        if not name.startswith(".steps/")
    }
    study = context.study
    title = study.title_in("en")

    def work() -> Made:
        groups = [
            *_input_groups(context),
            _grid_group(context, records),
            *_analysis_groups(context, analyses),
            *_other_groups(context, records),
        ]
        written = write_catalog(
            groups,
            context.folder / "stac",
            key=make_key(context.folder.name),
            title=title,
            description=f"Inputs and results of the study {title}.",
            ours=context.ledger.record("stac") is not None,
        )
        return sorted(written.path.parent.rglob("*.json")), {"items": written.items}

    parameters = {"title": title, "period": study.period, "bounds": context.bounds}
    return Step("stac", {**outputs, **_digests(context)}, parameters, work)


def _usable(context: Context) -> pa.Table:
    table = read_table(context.folder / _FOOTPRINTS)
    return table.filter(
        pc.and_(pc.is_null(table.column("error")), pc.is_valid(table.column("start")))
    ).replace_schema_metadata(None)


def _input_key(product: str) -> str:
    return f"input-{product}"


def _input_groups(context: Context) -> Iterator[Group]:
    table = _usable(context)
    for product in context.inventory.products():
        rows = table.filter(pc.equal(table.column("product"), product))
        entry = context.inventory.of(product)[0].entry
        yield granule_group(product, rows, context.base, key=_input_key(product), entry=entry)


def _file(context: Context, name: str, digest: str, title: str, role: str) -> File:
    path = context.folder / name
    return File(path, title, role, path.stat().st_size, digest)


def _grid_group(context: Context, records: Records) -> Group:
    usable = set(_usable(context).column("path").to_pylist())

    def items() -> Iterator[Record]:
        for product in context.inventory.products():
            for month in context.months:
                record = records.get(f"grid-{product}-{month.name}", {})
                for name, digest in record.get("outputs", {}).items():
                    yield _grid_record(
                        context, product, month, _file(context, name, digest, name, "data"), usable
                    )

    return Group(
        "columns", "Monthly grids", "Columns on a regular grid: mean, counts, uncertainty by term.", items()
    )


def _grid_record(context: Context, product: str, month: Month, file: File, usable: set[str]) -> Record:
    start, end = month.interval
    west, south, east, north = context.bounds
    rows, columns = context.spec.shape
    entry = context.inventory.of(product)[0].entry
    granules = [_way(context, granule) for granule in context.granules(product, month)]
    return Record(
        key=file.path.stem,
        start=start,
        end=end - np.timedelta64(1, "us"),
        geometry=area_of(context.bounds),
        files={"data": file},
        properties={
            "title": f"{entry.title['en']}, {month.name}",
            "platform": entry.platform,
            "instruments": [entry.instrument],
            "proj:code": "EPSG:4326",
            "proj:shape": [rows, columns],
            # the first row of the file is the southernmost
            "proj:transform": [(east - west) / columns, 0.0, west, 0.0, (north - south) / rows, south],
            "proj:bbox": [west, south, east, north],
        },
        derived_from=tuple((_input_key(product), make_key(way)) for way in granules if way in usable),
    )


def _analysis_groups(context: Context, analyses: Records) -> Iterator[Group]:
    """Give the collections of what the analyses left, if there is any."""
    made = {
        step: {name: digest for name, digest in record["outputs"].items() if not name.startswith(".steps/")}
        for step, record in analyses.items()
    }
    told = {
        "analyses": (
            "Column analyses",
            "Trends, filled maps, hot spots, validation, fusion, claims: grids and tables.",
        ),
        "carbon": (
            "Ecosystem carbon",
            "Stocks, change, maps, patches of change, published totals beside ours.",
        ),
        "plumes": (
            "Point sources",
            "Outlines of plumes, emissions by source and scene with members, means of scenes and years.",
        ),
    }
    told["emission"] = (
        "Regional emissions",
        "Estimates by region and year with intervals, how they were scored, a second opinion on reports.",
    )
    for key, (title, description) in told.items():
        items = [
            _whole_record(context, step, files, "data")
            for step, files in sorted(made.items())
            if files and _collection(step) == key
        ]
        if items:
            yield Group(key, title, description, items)


def _collection(step: str) -> str:
    """Give the collection of a step of the analyses."""
    own = {"carbon": "carbon", "plume": "plumes", "emission": "emission"}
    return own.get(step.partition("-")[0], "analyses")


def _other_groups(context: Context, records: Records) -> Iterator[Group]:
    """Give the collections of tables, of the report and of its figures."""
    tables = {
        step: dict(record["outputs"])
        for step, record in records.items()
        if not step.startswith(("grid-", "losses-")) and step != "report" and record.get("outputs")
    }
    pages: dict[str, dict[str, str]] = {}
    for name, digest in records["report"].get("outputs", {}).items():
        pages.setdefault("figures" if name.startswith("figures/") else "report", {})[name] = digest
    yield Group(
        "tables",
        "Tables",
        "Regional means, losses by reason, contrasts, comparison of products.",
        [_whole_record(context, step, files, "data") for step, files in sorted(tables.items())],
    )
    yield Group(
        "report",
        "Report",
        "Report in two languages, its figures, and the provenance of the run.",
        [_whole_record(context, step, files, "overview") for step, files in sorted(pages.items())],
    )


def _whole_record(context: Context, key: str, outputs: Mapping[str, str], role: str) -> Record:
    """Make the record of something that stands for the whole area and period of the study."""
    files = {
        make_key(Path(name).name): _file(context, name, digest, Path(name).name, role)
        for name, digest in sorted(outputs.items())
    }
    if key == "report":
        provenance = context.folder / "provenance.json"
        files["provenance.json"] = File(provenance, "Provenance", "metadata")
    first, last = context.months[0].interval[0], context.months[-1].interval[1]
    return Record(
        key,
        first,
        last - np.timedelta64(1, "us"),
        area_of(context.bounds),
        files,
        {"title": key.capitalize()},
    )

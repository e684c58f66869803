"""Section 7, data and provenance: inputs with version and hash, what was skipped, recipe, versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from yaotan.report.context import PageContext, Section
from yaotan.report.number import whole
from yaotan.report.table import Cell, Table, make_download, number_cell

#: more files than this are listed in the CSV alone
MOST_FILES = 60


def make_sources(page: PageContext) -> Section:
    """Build the section on data and provenance.

    ``inputs``, ``skipped``, ``recipe``, ``software``, ``references`` and ``boundaries`` parts.
    """
    text, given = page.text, page.results.provenance
    recipe = given.get("recipe")
    if isinstance(recipe, Mapping):
        recipe = yaml.safe_dump(dict(recipe), allow_unicode=True, sort_keys=False)
    boundaries = page.results.boundary_source(text.language)
    parts = {
        "inputs": _inputs(page, given.get("inputs") or []),
        "skipped": [
            (str(row.get("file", "")), str(row.get("error", ""))) for row in given.get("skipped") or []
        ],
        "recipe": str(recipe or "").strip(),
        "software": [(str(name), str(version)) for name, version in (given.get("software") or {}).items()],
        "references": [without_scheme(str(one)) for one in given.get("references") or []],
        "notes": [_note(page, one) for one in given.get("notes") or []],
        "boundaries": boundaries,
    }
    return Section("sources", text("source.title"), text("source.lead"), parts)


def _note(page: PageContext, item: Mapping[str, str]) -> tuple[str, str]:
    """Say what could not be done: a sentence in the page's language, and what the program said."""
    text, (kind, _, product) = page.text, item["step"].partition("-")
    # what follows the analysis is a product, or a part of it that the words of `variable` name
    known = {column.product for column in page.results.columns} | set(page.results.titles)
    named = [f"source.analysis.{kind}", f"source.part.{item['variable']}"]
    parts = [
        text(named[0]) if text.has(named[0]) else kind,
        page.results.product_title(product) if product in known else "",
        text(named[1]) if text.has(named[1]) else page.symbol(item["variable"]),
    ]
    why = f"source.why.{item['code']}"
    slots = {"what": text("claim.comma").join(part for part in parts if part)}
    return text("source.not_done", **slots, why=text(why if text.has(why) else "source.why.other")), item[
        "reason"
    ]


def _inputs(page: PageContext, inputs: list[Mapping[str, Any]]) -> Table | None:
    import pandas as pd

    text = page.text
    if not inputs:
        return None
    rows = []
    counted = [name for name in ("read", "kept") if any(row.get(name) is not None for row in inputs)]
    for row in inputs[:MOST_FILES]:
        counts = [row.get(name) for name in counted]
        rows.append(
            (
                Cell(str(row.get("file", "")), "source file"),
                Cell(page.results.product_title(str(row.get("product", ""))), "source"),
                Cell(str(row.get("version", "")), "source"),
                *(number_cell("–" if count is None else whole(count)) for count in counts),
                Cell(str(row.get("sha256", ""))[:12], "source hash"),
            )
        )
    names = ("file", "product", "version", *counted, "sha256")
    heads = [Cell(text(f"table.head.{name}"), "number" if name in ("read", "kept") else "") for name in names]
    note = text("source.hash_note")
    if len(inputs) > MOST_FILES:
        note += text("space") + text("source.first_files", n=MOST_FILES, total=whole(len(inputs)))
    download = make_download("inputs", pd.DataFrame([dict(row) for row in inputs]))
    return Table(
        "table-inputs",
        text("source.inputs", n=len(inputs), shown=whole(len(inputs))),
        heads,
        rows,
        note,
        download,
    )


def without_scheme(reference: str) -> str:
    """Write a reference without the scheme of an address: the page links to nothing outside itself.

    Examples
    --------
    >>> without_scheme("see https://doi.org/10.1/x and http://example.org/a")
    'see doi:10.1/x and example.org/a'
    """
    for scheme in ("https://", "http://"):
        reference = reference.replace(f"{scheme}doi.org/", "doi:").replace(f"{scheme}dx.doi.org/", "doi:")
        reference = reference.replace(scheme, "")
    return reference

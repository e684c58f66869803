"""Where every number came from: inputs, versions, recipe, steps, and what was dropped and why."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from yaotan.clock import now
from yaotan.io.digest import sha256
from yaotan.recipes.context import Context
from yaotan.recipes.inventory import Inventory
from yaotan.recipes.step import code_version

#: packages whose version may change a number
PACKAGES: Final = (
    *("yaotan", "numpy", "scipy", "pandas", "xarray", "dask", "h5py", "h5netcdf", "numba"),
    *("shapely", "pyproj", "geopandas", "exactextract", "matplotlib"),
)


def versions() -> dict[str, str]:
    """Give the versions of the interpreter and of every package that may change a number."""
    found = {"python": platform.python_version(), "system": sys.platform}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def sum_reasons(records: Mapping[str, Mapping[str, Any]], product: str) -> dict[str, Any]:
    """Add up, over the months of a product, what was read, dropped by reason, and kept.

    Parameters
    ----------
    records : mapping
        Records of the steps, by name.
    product : str
        Product name.

    Returns
    -------
    dict
        ``read``, ``kept``, and by reason ``dropped``, ``screening``, ``rejected``; ``sparse_cells`` by
        variable; ``skipped`` by file.
    """
    total: dict[str, Any] = {
        "read": 0,
        "kept": 0,
        "dropped": {},
        "screening": {},
        "rejected": {},
        "sparse_cells": records.get(f"zonal-{product}", {}).get("summary", {}).get("sparse_cells", {}),
        "skipped": {},
    }
    files: dict[str, dict[str, Any]] = {}

    def add(where: str, reason: str, count: int) -> None:
        total[where][reason] = total[where].get(reason, 0) + int(count)

    for name, record in records.items():
        if not name.startswith(f"grid-{product}-"):
            continue
        summary = record["summary"]
        total["kept"] += summary["kept"]
        for entry in summary["reading"]:
            if "error" in entry:
                total["skipped"][entry["file"]] = entry["error"]
                continue
            if "read" not in entry:
                continue  # a file of another product in the same folder
            one = files.setdefault(entry["file"], {"read": int(entry["read"]), "kept": 0, "dropped": {}})
            one["kept"] += int(entry["kept"])
            for reason, count in entry["dropped"].items():
                one["dropped"][reason] = one["dropped"].get(reason, 0) + int(count)
        for entry in summary["screening"]:
            add("screening", entry["rule"], entry["dropped"])
        rejected = summary.get("rejected", {})
        for reasons in (rejected.get("reasons", {}), *rejected.get("variables", {}).values()):
            for reason, count in reasons.items():
                add("rejected", reason, count)
    for one in files.values():
        total["read"] += one["read"]
        for reason, count in _once(one).items():
            add("dropped", reason, count)
    return total


def _once(file: Mapping[str, Any]) -> dict[str, int]:
    """Give the losses of one file, each sounding once.

    A file that spans two months is read for both, and each time what belongs to the other is dropped as
    outside the period; only those that belong to no month of the study were really lost to it. Nothing
    but position is looked at before the period, so soundings without any are met each time too.
    """
    dropped = dict(file["dropped"])
    surplus = file["kept"] + sum(dropped.values()) - file["read"]
    if surplus:
        times = 1 + surplus // file["read"]
        if "no_geolocation" in dropped:
            dropped["no_geolocation"] //= times
        others = sum(count for reason, count in dropped.items() if reason != "outside_period")
        dropped["outside_period"] = file["read"] - file["kept"] - others
    return {reason: count for reason, count in dropped.items() if count}


def _counts_of(records: Mapping[str, Mapping[str, Any]], file: str) -> dict[str, int]:
    """Give how many soundings of one file were read, and how many the reader kept in region and period."""
    entries = [
        entry
        for name, record in records.items()
        if name.startswith("grid-")
        for entry in record["summary"]["reading"]
        if entry["file"] == file and "read" in entry
    ]
    return {"read": max((e["read"] for e in entries), default=0), "kept": sum(e["kept"] for e in entries)}


def _own_entries(inventory: Inventory) -> dict[str, Any]:
    """Keep the entries of products that came in files of the user's own: the report is drawn from them."""
    own = {item.product: item.entry for item in inventory.granules if item.source != item.product}
    return {name: entry.model_dump(mode="json", by_alias=True) for name, entry in own.items()}


def _skipped(context: Context, records: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """List files that could not be identified, and those that proved damaged when they were read."""
    reasons = {context.relative(path): reason for path, reason in context.inventory.skipped}
    for name, record in records.items():
        if name.startswith("grid-"):
            for entry in record["summary"]["reading"]:
                if "error" in entry:
                    reasons.setdefault(entry["file"], entry["error"])
    return [{"file": file, "reason": reason} for file, reason in sorted(reasons.items())]


def further_inputs(analyses: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """List the files that steps of carbon, plumes, emissions stand on; their product is what they are for."""
    found: dict[str, str] = {}
    for name, record in analyses.items():
        if name.startswith(("carbon-", "plume-", "emission-")):
            found |= {key: digest for key, digest in record["inputs"].items() if ": " in key}
    rows = []
    for key, digest in found.items():
        use, _, file = key.partition(": ")
        rows.append({"file": file, "sha256": digest, "product": use, "version": ""})
    return rows


def describe_run(
    context: Context,
    recipe: Path,
    records: Mapping[str, Mapping[str, Any]],
    analyses: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Describe a run so that it can be done again and every number traced.

    Parameters
    ----------
    context : Context
        Facts of the run.
    recipe : pathlib.Path
        The study file.
    records : mapping
        Records of the steps up to the tables, by name.
    analyses : mapping
        Records of the steps of the column analyses, by name.

    Returns
    -------
    dict
        Content of ``provenance.json``: study, inputs (path relative to the study file, sha256, product,
        version, period), skipped files with reasons, software, counts by product, what each analysis says of
        itself, steps. Only ``run`` (date, wall seconds) differs between two runs of equal input.
    """
    inventory = context.inventory

    return {
        "study": context.study.model_dump(mode="json"),
        "recipe": {"file": recipe.name, "sha256": sha256(recipe), "text": recipe.read_text(encoding="utf-8")},
        "bounds": list(context.bounds),
        "months": [month.name for month in context.months],
        "code": code_version(),
        "software": versions(),
        "inputs": [
            {
                "file": context.relative(granule.path),
                "sha256": granule.digest,
                "product": granule.product,
                "version": granule.version,
                "period": [str(granule.start)[:19], str(granule.end)[:19]],
                **_counts_of(records, context.relative(granule.path)),
            }
            for granule in inventory.granules
        ]
        + further_inputs(analyses),
        "skipped": _skipped(context, records),
        "regions": {"source": context.regions.attrs.get("source", ""), "count": len(context.regions)},
        "catalog": _own_entries(inventory),
        "products": {product: sum_reasons(records, product) for product in inventory.products()},
        "analyses": {name: record["summary"] for name, record in sorted(analyses.items())},
        "steps": {
            name: {key: record[key] for key in ("inputs", "parameters", "code", "outputs")}
            for name, record in sorted({**records, **analyses}.items())
        },
        "run": {
            "date": now().isoformat(timespec="seconds"),
            "executed": context.ledger.executed,
            "seconds": {name: round(value, 2) for name, value in context.ledger.seconds.items()},
        },
    }

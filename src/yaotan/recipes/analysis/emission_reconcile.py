"""Cities, regions and nation of a study that add up: one step on estimates that other steps made."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import pandas as pd

from yaotan.emission.balance import balance_levels
from yaotan.emission.level_table import open_estimates, open_hierarchy
from yaotan.emission.panel import Panel
from yaotan.emission.tree import read_tree
from yaotan.errors import RecipeError, UnitsError
from yaotan.io.digest import sha256
from yaotan.io.tabular import read_parquet, read_table
from yaotan.io.write import write
from yaotan.recipes.analysis.finished import Finished
from yaotan.recipes.context import Context
from yaotan.recipes.emission_option import ReconcileOptions
from yaotan.recipes.step import Step
from yaotan.units import conversion

STEP: Final = "emission-reconcile"
_WHERE: Final = "emission.reconcile"
#: columns of estimates that take part
_TAKEN: Final = ("region", "region_name", "region_name_zh", "period", "estimate", "uncertainty")


def check_reconcile(context: Context, panel: Panel, cities: Panel | None) -> None:
    """Refuse levels that cannot add up, before anything is worked out.

    Parameters
    ----------
    context : Context
    panel : Panel
        Of the regions.
    cities : Panel, optional
        Of their parts.

    Raises
    ------
    RecipeError
        A file is not there, cities have no parents or those of other regions, totals name no or several
        wholes, a whole with a remainder is none.
    YaotanError
        A table cannot be read, or the hierarchy is none.
    """
    assert context.study.emission is not None
    options = context.study.emission.reconcile
    if options is None:
        return
    for file in options.files:
        if not (context.base / file).is_file():
            raise RecipeError(f"{file} is not there", where=_WHERE,
                              expected="a file, relative to the study file")  # fmt: skip
    regions, parts, parent = _regions(panel), [], {}
    if cities is not None:
        _check_cities(panel, cities)
        own = _of_others(cities.table)
        parts, parent = _regions_of(own), dict(zip(own["region"], own["parent"], strict=True))
    totals = _totals(context, options, panel.target.unit)
    tree = _hierarchy(context, options, regions, parent, totals)
    known = [name for name in (*parts, *regions, *_regions_of(totals)) if _is_in(tree, name, options)]
    read_tree(tree, list(dict.fromkeys(known)))


def _check_cities(panel: Panel, cities: Panel) -> None:
    where, regions = f"{_WHERE}.cities", set(panel.table["region"])
    if "parent" not in cities.table:
        raise RecipeError("the panel of cities does not say to which region each belongs", where=where,
                          expected="keys: parent in its description")  # fmt: skip
    for name in dict.fromkeys(cities.table["parent"]):
        if name not in regions:
            near = get_close_matches(name, regions, n=1, cutoff=0.0)
            raise RecipeError(f"{name!r}, the parent of a city, is no region of the panel", where=where,
                              expected=f"a region of the panel, such as {near[0]}")  # fmt: skip
    both = regions & set(_of_others(cities.table)["region"])
    if both:
        raise RecipeError(f"{min(both)!r} is a region and a city of another one", where=where,
                          expected="identifiers of their own for cities")  # fmt: skip
    try:
        conversion(cities.target.unit, panel.target.unit)
    except UnitsError as error:
        raise RecipeError(f"the target of cities is in {cities.target.unit!r}", where=where,
                          expected=f"what becomes {panel.target.unit!r}") from error  # fmt: skip


def _of_others(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of true parts: a municipality that is its own parent is the region, and stands there already."""
    return table[table["region"] != table["parent"]]


def _regions(panel: Panel) -> list[str]:
    return list(dict.fromkeys(panel.table["region"]))


def _regions_of(table: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(table["region"])) if len(table) else []


def _totals(context: Context, options: ReconcileOptions, unit: str) -> pd.DataFrame:
    if not options.totals:
        return pd.DataFrame()
    return open_estimates([context.base / file for file in options.totals], unit=unit)


def _hierarchy(
    context: Context,
    options: ReconcileOptions,
    regions: list[str],
    parent: Mapping[str, str],
    totals: pd.DataFrame,
) -> dict[str, str]:
    """Give part to whole: as the table says, or cities in their regions and these in the one whole."""
    if options.hierarchy is not None:
        table = open_hierarchy(context.base / options.hierarchy)
        read_tree(table, [])  # two parents of one region are refused there
        return {part: whole for part, whole in zip(table["region"], table["parent"], strict=True) if whole}
    tree, wholes = dict(parent), _regions_of(totals)
    if len(wholes) > 1:
        raise RecipeError(
            f"totals name {len(wholes)} wholes ({', '.join(wholes[:5])})", where=f"{_WHERE}.totals",
            expected="one, or a hierarchy that says what is part of which",
        )  # fmt: skip
    tree |= {name: whole for whole in wholes for name in regions if name != whole}
    for name in options.rest:
        if name not in tree.values():
            near = get_close_matches(name, set(tree.values()), n=1, cutoff=0.0)
            raise RecipeError(f"{name!r} has no parts", where=f"{_WHERE}.rest",
                              expected=f"a region with parts, such as {near[0]}")  # fmt: skip
        tree[f"rest of {name}"] = name
    return tree


def _is_in(tree: Mapping[str, str], name: str, options: ReconcileOptions) -> bool:
    """Whether a region takes part; with a hierarchy of the user every one must, and is refused if not."""
    return options.hierarchy is not None or name in tree or name in tree.values()


def reconcile_step(context: Context, unit: str, records: Mapping[str, Mapping[str, Any]]) -> Step:
    """Make the step after the estimates of regions and of their parts.

    Parameters
    ----------
    context : Context
    unit : str
        Of the regions; the result is in it.
    records : mapping
        Records of the steps ``regions`` and, where there are parts, ``cities``.

    Returns
    -------
    Step
        Outputs: ``emission/reconciled.csv``, ``.parquet`` (each region before and after, how far it moved)
        and ``emission/reconciled_years.csv``.
    """
    assert context.study.emission is not None
    options = context.study.emission.reconcile
    assert options is not None
    folder = context.folder / "emission"
    made = {
        level: next(name for name in record["outputs"] if name.endswith("estimates.parquet"))
        for level, record in records.items()
    }
    inputs = {name: records[level]["outputs"][name] for level, name in made.items()}
    for file in options.files:
        inputs[f"totals and hierarchy of emissions: {file}"] = sha256(context.base / file)

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        tables = {level: read_parquet(context.folder / name) for level, name in made.items()}
        parent: dict[str, str] = {}
        themselves: list[str] = []
        if "cities" in tables:
            given = tables["cities"]
            table = tables["cities"] = _of_others(given).copy()
            themselves = _regions_of(given[given["region"] == given["parent"]])
            parent = dict(zip(table["region"], table["parent"], strict=True))
            factor = conversion(records["cities"]["summary"]["facts"]["unit"], unit)[0]
            table[["estimate", "uncertainty"]] *= factor
        totals = _totals(context, options, unit)
        tree = _hierarchy(context, options, _regions_of(tables["regions"]), parent, totals)
        whole = pd.concat([totals, *(table[list(_TAKEN)] for table in tables.values())], ignore_index=True)
        inside = whole["region"].map(lambda name: _is_in(tree, name, options))
        alone = _regions_of(whole[~inside])
        done = balance_levels(whole[inside], tree, unit=unit)
        paths = [write(done.nodes, folder / f"reconciled{suffix}") for suffix in (".csv", ".parquet")]
        paths.append(write(done.years, folder / "reconciled_years.csv"))
        skipped = [
            {"variable": str(year), "code": "open", "reason": why} for year, why in done.skipped.items()
        ]
        if themselves:
            why = f"a city that is its own region, whose estimate as a region stands: {', '.join(themselves)}"
            skipped.append({"variable": "cities", "code": "itself", "reason": why})
        if alone:
            why = f"neither a part nor a whole of others: {', '.join(alone)}"
            skipped.append({"variable": "regions", "code": "alone", "reason": why})
        facts = {"unit": unit, "alone": len(alone), "years": len(done.years), "open": len(done.skipped)}
        return paths, {"facts": facts, "skipped": skipped}

    return Step(STEP, inputs, options.model_dump(mode="json"), work)


def load_reconciled(finished: Finished) -> tuple[pd.DataFrame | None, pd.DataFrame | None, dict[str, Any]]:
    """Read nodes, years and facts of a finished run; nothing where the study did not ask for them."""
    found = finished.step(STEP)
    if found is None:
        return None, None, {}
    files, summary = found
    nodes, years = read_parquet(files["reconciled.parquet"]), read_table(files["reconciled_years.csv"])
    return nodes, years, dict(summary["facts"])

"""The results of a finished run, read back from its folder for the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from yaotan.catalog.gas import gases
from yaotan.catalog.product import Product, load_products
from yaotan.catalog.screening import find_rules, general_rules
from yaotan.errors import RecipeError
from yaotan.io.netcdf import open_grid
from yaotan.io.region import open_regions
from yaotan.io.tabular import read_table
from yaotan.recipes.analysis.finished import Finished
from yaotan.recipes.analysis.plan import load_analyses
from yaotan.recipes.analysis.skip import skips_of
from yaotan.recipes.context import ALL_REGIONS
from yaotan.recipes.prior import PRIOR_WORDS
from yaotan.report.result import WHOLE, ColumnResult, StudyResults
from yaotan.schema import column_variables
from yaotan.typing import PathLike

#: what the report draws of a grid; sums and terms stay on disk
DRAWN = (
    "",
    "_count",
    "_uncertainty",
    "_uncertainty_random",
    "_uncertainty_overpass",
    "_uncertainty_systematic",
)


def load_results(folder: PathLike) -> StudyResults:
    """Read the files of a finished run into what `report` draws.

    Parameters
    ----------
    folder : path-like
        Output folder of `run`.

    Returns
    -------
    StudyResults
        Grids with value, count and uncertainty in memory; tables; provenance.

    Raises
    ------
    RecipeError
        The folder is not that of a finished run.
    """
    folder = Path(folder)
    try:
        provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(
            "is not the folder of a finished run (no readable provenance.json)",
            where=folder,
            fix="run `yaotan run study.yaml` first",
        ) from error
    study = provenance["study"]
    regions = open_regions(folder / "columns" / "regions.geojson")
    regions.attrs["source"] = provenance["regions"]["source"]
    # the product with most soundings comes first: the report opens with its map
    products = sorted(provenance["products"].items(), key=lambda item: (-item[1]["kept"], item[0]))
    columns = tuple(column for product, _ in products for column in _columns(folder, product, provenance))
    truth = folder / "columns" / "truth.csv"
    titles = {product: _title(product, provenance) for product, _ in products}
    return StudyResults(
        title=study["title"],
        language=study["language"],
        period=(study["period"][0], study["period"][1]),
        bounds=tuple(provenance["bounds"]),
        columns=columns,
        regions=regions,
        contrasts=_name_sides(_read(folder / "columns" / "contrasts.csv"), regions, study),
        comparison=_read(folder / "columns" / "comparison.csv"),
        losses=_whole(_read(folder / "columns" / "losses.csv")),
        truth=_whole(_read(truth)) if truth.is_file() else None,
        provenance=_for_readers(provenance),
        words=_words(study, provenance),
        titles=titles,
        **load_analyses(Finished(folder, provenance, titles)),
    )


def _read(path: Path) -> pd.DataFrame:
    return read_table(path) if path.is_file() else pd.DataFrame()


def _whole(table: pd.DataFrame) -> pd.DataFrame:
    """Give the union of all regions the id that the report knows."""
    if "region_id" in table:
        table = table.assign(region_id=table["region_id"].replace(ALL_REGIONS, WHOLE))
    return table


def _columns(folder: Path, product: str, provenance: Mapping[str, Any]) -> list[ColumnResult]:
    files = sorted((folder / "columns").glob(f"{product}_[0-9][0-9][0-9][0-9][0-9][0-9].nc"))
    if not files:
        return []
    grids = [open_grid(path) for path in files]
    found = []
    title = _title(product, provenance)
    least = provenance["study"]["minimum_count"]
    for variable in dict.fromkeys(name for one in grids for name in column_variables(one)):
        months = [one for one in grids if variable in one]
        names = [variable + suffix for suffix in DRAWN if variable + suffix in months[0]]
        grid = xr.concat(
            [one[names].load() for one in months], dim="time", join="override", combine_attrs="override"
        )
        # the maps show what the tables stand on
        grid = grid.where(grid[f"{variable}_count"] >= least) if least > 1 else grid
        table = _whole(_read(folder / "columns" / f"{product}_{variable}_regions.csv"))
        found.append(ColumnResult(product, title, variable, gases()[variable].units, grid, table))
    for one in grids:
        one.close()
    return found


def _entry(product: str, provenance: Mapping[str, Any]) -> Product:
    """Give the catalog entry of a product; one that was the user's own is kept in the provenance."""
    own = provenance.get("catalog", {}).get(product)
    return Product.model_validate(own) if own else load_products()[product]


def _title(product: str, provenance: Mapping[str, Any]) -> str:
    """Name a product as people do, with the versions that were read."""
    versions = {item["version"] for item in provenance["inputs"] if item["product"] == product}
    return " v".join(
        filter(None, [_entry(product, provenance).title["en"], ", v".join(sorted(versions - {""}))])
    )


def _degrees(value: float, letters: str) -> str:
    """Write a latitude or longitude with its letter."""
    value = (value + 180) % 360 - 180 if letters == "EW" else value
    return f"{abs(value):g}°{letters[value < 0]}" if value else "0°"


def _name_sides(contrasts: pd.DataFrame, regions: pd.DataFrame, study: Mapping[str, Any]) -> pd.DataFrame:
    """Give each contrast its name in both languages."""
    options = study["contrasts"]
    english = dict(zip(regions["region_id"], regions["name"], strict=True))
    chinese = dict(zip(regions["region_id"], regions["name_zh"], strict=True))
    names = []
    for row in contrasts.itertuples():
        if row.kind == "west_east":
            line = _degrees(options["west_east"], "EW")
            names.append((f"East of {line} minus west of it", f"{line} 以东减以西"))
        elif row.kind == "zonal":
            line = _degrees(options["zonal"], "NS")
            names.append((f"North of {line} minus south of it", f"{line} 以北减以南"))
        else:
            names.append(
                (
                    f"{english[row.side_a]} minus {english[row.side_b]}",
                    f"{chinese[row.side_a]}减{chinese[row.side_b]}",
                )
            )
    return contrasts.assign(name=[name[0] for name in names], name_zh=[name[1] for name in names])


def _for_readers(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Arrange provenance as the report lists it."""
    references = [
        text for product in provenance["products"] for text in _entry(product, provenance).references
    ]
    return {
        "inputs": provenance["inputs"],
        "skipped": [{"file": item["file"], "error": item["reason"]} for item in provenance["skipped"]],
        "recipe": provenance["recipe"]["text"],
        "software": provenance["software"],
        "references": list(dict.fromkeys(references)),
        "products": provenance["products"],
        "notes": list(skips_of(provenance.get("analyses", {}))),
        "code": provenance["code"],
    }


def _words(study: Mapping[str, Any], provenance: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Collect words for rules and flags, from the products' entries and the study's own rules."""
    words = {f"common_prior_{column}": PRIOR_WORDS for column in gases()} if study.get("prior") else {}
    for product in provenance["products"]:
        entry = _entry(product, provenance)
        named = [rule for item in study["inputs"] for rule in item["rules"] if isinstance(rule, str)]
        offered = {**general_rules(), **{rule.name: rule for rule in entry.rules}}
        chosen = [offered[name] for name in named if name in offered]
        words |= {rule.name: dict(rule.words) for rule in find_rules(chosen, entry)}
        words |= {name: dict(text) for name, text in entry.reasons.items()}
    for options in study["inputs"]:
        words |= {rule["name"]: rule["words"] for rule in options["rules"] if not isinstance(rule, str)}
    return {name: text for name, text in words.items() if text}

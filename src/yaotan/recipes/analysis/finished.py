"""The files of a finished run, by step: what the loaders of the analyses read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from yaotan.catalog.gas import gases
from yaotan.io.tabular import read_table
from yaotan.recipes.context import ALL_REGIONS
from yaotan.report.result import WHOLE


@dataclass(frozen=True)
class Finished:
    """A run that has come to its end.

    Attributes
    ----------
    folder : pathlib.Path
        Output folder.
    provenance : mapping
        Content of ``provenance.json``.
    titles : mapping
        Product -> name that people use, the product with most soundings first.
    """

    folder: Path
    provenance: Mapping[str, Any]
    titles: Mapping[str, str]

    def steps(self, kind: str) -> Iterator[tuple[str, dict[str, Path], dict[str, Any]]]:
        """Give product, files (name -> path) and summary of the steps ``<kind>-<product>``."""
        for product in self.titles:
            found = self.step(f"{kind}-{product}")
            if found is not None:
                yield product, *found

    def step(self, name: str) -> tuple[dict[str, Path], dict[str, Any]] | None:
        """Give files and summary of one step of an analysis; None when the study did not ask for it."""
        summary = self.provenance.get("analyses", {}).get(name)
        if summary is None:
            return None
        names = self.provenance["steps"][name]["outputs"]
        return {Path(file).name: self.folder / file for file in names}, summary

    def head(self, product: str, variable: str, *, ending: str = "") -> dict[str, str]:
        """Give product, title, variable and units of a result."""
        units = gases()[variable].units
        title = self.titles[product]
        return {"product": product, "title": title, "variable": variable + ending, "units": units}


def read_rows(path: Path) -> pd.DataFrame:
    """Read a table; the union of all regions gets the id that the report knows."""
    table = read_table(path)
    if "region_id" in table:
        table = table.assign(region_id=table["region_id"].replace(ALL_REGIONS, WHOLE))
    return table

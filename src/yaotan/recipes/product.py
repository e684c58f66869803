"""What steps of one product are given: its monthly grids, or the records of its months."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from yaotan.recipes.context import Context
from yaotan.recipes.step import Step, Work


@dataclass(frozen=True)
class _OfProduct:
    context: Context
    product: str

    def stem(self, variable: str, ending: str) -> Path:
        """Give the place of a result without its suffix: ``columns/<product>_<variable>_<ending>``."""
        return self.context.folder / "columns" / f"{self.product}_{variable}_{ending}"


@dataclass(frozen=True)
class ProductGrids(_OfProduct):
    """Monthly grids of one product.

    Attributes
    ----------
    context, product
        Facts of the run; name of the product.
    grids, digests : mapping of str
        Month to grid file; path of each, relative to the output folder, to its content hash.
    """

    grids: Mapping[str, Path]
    digests: Mapping[str, str]

    def open(self) -> xr.Dataset:
        """Open them as one grid, lazily."""
        return self.context.open_product(self.grids)

    @property
    def averaging(self) -> dict[str, Any]:
        """What of the study decides of every mean over a region."""
        study = self.context.study
        return {"correlation_length": study.correlation_length, "minimum_count": study.minimum_count}

    def step(
        self, kind: str, work: Work, parameters: Mapping[str, Any], inputs: Mapping[str, str] | None = None
    ) -> Step:
        """Make a step that stands on all of these grids, and on further inputs."""
        return Step(f"{kind}-{self.product}", {**self.digests, **(inputs or {})}, parameters, work)


@dataclass(frozen=True)
class MonthRecords(_OfProduct):
    """Records of the steps of one product by month, for the step that joins what they made.

    Attributes
    ----------
    context, product
        Facts of the run; name of the product.
    records : mapping of str to mapping
        Month to record, in order of the months.
    """

    records: Mapping[str, Mapping[str, Any]]

    @property
    def outputs(self) -> dict[str, str]:
        """Path of every output, relative to the output folder, to its content hash."""
        return {
            path: digest for record in self.records.values() for path, digest in record["outputs"].items()
        }

    def told(self, key: str) -> dict[str, Any]:
        """Give by month what the summaries hold under a key."""
        return {month: record["summary"][key] for month, record in self.records.items()}

    def files(self, variable: str) -> list[Path]:
        """List the outputs of one variable, in order of the months."""
        head = f"{self.product}_{variable}_"
        return [self.context.folder / path for path in self.outputs if Path(path).name.startswith(head)]

    def step(self, kind: str, work: Work, parameters: Mapping[str, Any]) -> Step:
        """Make a step that stands on all of these outputs."""
        return Step(f"{kind}-{self.product}", self.outputs, parameters, work)


def all_digests(products: Mapping[str, ProductGrids]) -> dict[str, str]:
    """Give path and content hash of every grid of several products."""
    return {path: digest for given in products.values() for path, digest in given.digests.items()}

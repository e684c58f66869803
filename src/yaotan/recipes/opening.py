"""How every step opens the soundings of one product and month: the same files, screening and prior."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import xarray as xr

from yaotan.catalog.product import Product
from yaotan.catalog.screening import ScreeningRule, find_rules
from yaotan.column.screening import screen, variables_of
from yaotan.errors import NotAGranuleError
from yaotan.io.soundings import open_soundings
from yaotan.recipes.context import Context, Month
from yaotan.recipes.inventory import Granule
from yaotan.recipes.prior import apply_prior, prior_parameters, prior_variables
from yaotan.recipes.step import Step, Work
from yaotan.recipes.study import Input
from yaotan.schema import REQUIRED_SOUNDING

CORNERS = ("latitude_corner", "longitude_corner")


@dataclass(frozen=True)
class MonthFiles:
    """Files of one product that may hold soundings of one month: what steps that read soundings are given.

    Attributes
    ----------
    context : Context
        Facts of the run.
    product : str
        Name of the product.
    month : Month
        Which month.
    granules : sequence of Granule
        The files; a step needs at least one.
    """

    context: Context
    product: str
    month: Month
    granules: Sequence[Granule]

    @classmethod
    def of(cls, context: Context, product: str, month: Month) -> MonthFiles:
        """Take the files that the inventory has."""
        return cls(context, product, month, context.granules(product, month))

    @property
    def options(self) -> Input:
        """What the study says of the product."""
        return self.granules[0].options

    @cached_property
    def entry(self) -> Product:
        """The product's entry."""
        return self.granules[0].entry

    @cached_property
    def rules(self) -> Sequence[ScreeningRule]:
        """Rules that soundings must keep."""
        return find_rules(self.options.rules, self.entry)

    @property
    def digests(self) -> dict[str, str]:
        """Name and content hash of each file; files of one name in two folders stay apart."""
        return {f"{granule.name}#{granule.digest[:8]}": granule.digest for granule in self.granules}

    @property
    def parameters(self) -> dict[str, Any]:
        """Everything but the files that decides what `open` gives."""
        return {
            "product": self.product,
            "period": [self.month.first, self.month.last],
            "bounds": self.context.bounds,
            "quality": self.options.quality,
            "rules": [rule.model_dump(exclude={"words"}) for rule in self.rules],
            "aliases": _text_of(self.options.aliases),
            # what changes in the user's own product file makes the step anew
            **({"entry": _text_of(self._source)} if self._source != self.granules[0].product else {}),
            "on_error": self.context.study.on_error,
            **prior_parameters(self.context, self.product),
        }

    @property
    def _source(self) -> str:
        return self.granules[0].source

    def path(self, folder: str, suffix: str, variable: str | None = None) -> Path:
        """Give the place of an output: ``<folder>/<product>[_<variable>]_<YYYYMM><suffix>``."""
        parts = (self.product, *([variable] if variable else []), self.month.name.replace("-", ""))
        return self.context.folder / folder / f"{'_'.join(parts)}{suffix}"

    def open_all(self, **how: Any) -> xr.Dataset:
        """Open the files lazily, nothing screened; `how`: further options of `open_soundings`."""
        return open_soundings(
            [granule.path for granule in self.granules],
            product=self._source,
            trust_layout=self.options.trust_layout,
            period=(self.month.first, self.month.last),
            aliases=self.options.aliases,
            on_error=self.context.study.on_error,
            **how,
        )

    def open(self, *, also: Iterable[str] | None = ()) -> tuple[xr.Dataset | None, dict[str, Any]]:
        """Open what the study keeps: of its quality, by its rules, on its prior.

        Parameters
        ----------
        also : iterable of str or None
            Variables wanted beside time, place, quality, columns and their errors; those that the product
            does not have are left out. None: all of the product.

        Returns
        -------
        soundings : xarray.Dataset or None
            None when nothing is left.
        summary : dict
            ``reading``, ``screening``, ``kept``: counts by file and rule.
        """
        context, entry = self.context, self.entry
        try:
            soundings = self.open_all(region=context.reach, quality=self.options.quality)
        except NotAGranuleError as error:
            if context.study.on_error == "raise":
                raise
            reading = [{"file": context.relative(one.path), "error": str(error)} for one in self.granules]
            return None, {"reading": reading, "screening": [], "kept": 0}
        if also is not None:
            errors = [f"{gas}{end}" for gas in entry.gases for end in ("", "_uncertainty")]
            profiles = prior_variables(context, soundings, self.product)
            wanted = needed(entry, self.rules, [*errors, *also, *profiles])
            soundings = soundings[[name for name in wanted if name in soundings]]
        reading = [
            {**item, "file": context.relative(item["file"])}
            for item in json.loads(soundings.attrs["reading"])
        ]
        soundings, first = apply_prior(context, soundings, self.product)
        kept = screen(soundings.assign_attrs(reading=json.dumps(reading)), [*first, *self.rules])
        summary = {
            "reading": reading,
            "screening": json.loads(kept.attrs["screening"]),
            "kept": kept.sizes["sounding"],
        }
        return (kept if kept.sizes["sounding"] else None), summary

    def step(
        self, kind: str, work: Work, parameters: Mapping[str, Any], inputs: Mapping[str, str] | None = None
    ) -> Step:
        """Make a step that stands on these files, how they are opened, and on further inputs."""
        name = f"{kind}-{self.product}-{self.month.name}"
        return Step(name, {**self.digests, **(inputs or {})}, {**self.parameters, **parameters}, work)


def _text_of(path: str | None) -> str | None:
    """Read a small file that decides of a step."""
    return Path(path).read_text(encoding="utf-8") if path else None


def needed(product: Product, rules: Sequence[ScreeningRule], also: Iterable[str]) -> list[str]:
    """List the variables that a step reads; dozens of others would only make the graph larger."""
    judged = [name for rule in rules for name in variables_of(rule)]
    names = [*REQUIRED_SOUNDING, *product.gases, *judged, *also]
    return list(dict.fromkeys(names))


def by_file(soundings: xr.Dataset, wanted: Sequence[str]) -> Iterator[xr.Dataset]:
    """Load a table piece by piece: the chunks of a table are its files."""
    soundings = soundings[[name for name in wanted if name in soundings]]
    stop = 0
    for size in soundings.chunksizes.get("sounding", ()):
        start, stop = stop, stop + size
        if size:
            # one small file: starting threads would cost more than reading it
            yield soundings.isel(sounding=slice(start, stop)).load(scheduler="synchronous")

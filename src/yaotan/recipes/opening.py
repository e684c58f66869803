"""How every step opens the soundings of one product and month: the same files, screening and prior."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from yaotan.schema import REQUIRED_SOUNDING

CORNERS = ("latitude_corner", "longitude_corner")


def digests_of(granules: Sequence[Granule]) -> dict[str, str]:
    """Give name and content hash of each file; files of one name in two folders stay apart."""
    return {f"{granule.name}#{granule.digest[:8]}": granule.digest for granule in granules}


def needed(product: Product, rules: Sequence[ScreeningRule], also: Iterable[str]) -> list[str]:
    """List the variables that a step reads; dozens of others would only make the graph larger."""
    judged = [name for rule in rules for name in variables_of(rule)]
    names = [*REQUIRED_SOUNDING, *product.gases, *judged, *also]
    return list(dict.fromkeys(names))


def open_month(context: Context, month: Month, granules: Sequence[Granule], **how: Any) -> xr.Dataset:
    """Open the files of one product and month, lazily.

    Parameters
    ----------
    context : Context
        Facts of the run.
    month : Month
        Which month.
    granules : sequence of Granule
        Files of one product that may hold soundings of the month; at least one.
    **how
        Further options of `open_soundings`.

    Returns
    -------
    xarray.Dataset
        Soundings.
    """
    first = granules[0]
    return open_soundings(
        [granule.path for granule in granules],
        product=first.source,
        trust_layout=first.options.trust_layout,
        period=(month.first, month.last),
        aliases=first.options.aliases,
        on_error=context.study.on_error,
        **how,
    )


def open_screened(
    context: Context, month: Month, granules: Sequence[Granule], *, also: Iterable[str] | None = ()
) -> tuple[xr.Dataset | None, dict[str, Any]]:
    """Open what a study keeps of one product and month: of its quality, by its rules, on its prior.

    Parameters
    ----------
    context : Context
        Facts of the run.
    month : Month
        Which month.
    granules : sequence of Granule
        Files of one product that may hold soundings of the month; at least one.
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
    options, entry = granules[0].options, granules[0].entry
    rules = find_rules(options.rules, entry)
    try:
        soundings = open_month(context, month, granules, region=context.reach, quality=options.quality)
    except NotAGranuleError as error:
        if context.study.on_error == "raise":
            raise
        reading = [{"file": context.relative(one.path), "error": str(error)} for one in granules]
        return None, {"reading": reading, "screening": [], "kept": 0}
    if also is not None:
        errors = [f"{gas}{end}" for gas in entry.gases for end in ("", "_uncertainty")]
        profiles = prior_variables(context, soundings, granules[0].product)
        wanted = needed(entry, rules, [*errors, *also, *profiles])
        soundings = soundings[[name for name in wanted if name in soundings]]
    reading = [
        {**item, "file": context.relative(item["file"])} for item in json.loads(soundings.attrs["reading"])
    ]
    soundings, first = apply_prior(context, soundings, granules[0].product)
    kept = screen(soundings.assign_attrs(reading=json.dumps(reading)), [*first, *rules])
    summary = {
        "reading": reading,
        "screening": json.loads(kept.attrs["screening"]),
        "kept": kept.sizes["sounding"],
    }
    return (kept if kept.sizes["sounding"] else None), summary


def opening_parameters(context: Context, month: Month, granules: Sequence[Granule]) -> dict[str, Any]:
    """Give everything but the files that decides what `open_screened` gives."""
    options, product = granules[0].options, granules[0].product
    return {
        "product": product,
        "period": [month.first, month.last],
        "bounds": context.bounds,
        "quality": options.quality,
        "rules": rule_parameters(find_rules(options.rules, granules[0].entry)),
        "aliases": text_of(options.aliases),
        **product_text(granules[0]),
        "on_error": context.study.on_error,
        **prior_parameters(context, product),
    }


def rule_parameters(rules: Sequence[ScreeningRule]) -> list[dict[str, Any]]:
    """Give what decides of rules, without their words."""
    return [rule.model_dump(exclude={"words"}) for rule in rules]


def text_of(path: str | None) -> str | None:
    """Read a small file that decides of a step."""
    return Path(path).read_text(encoding="utf-8") if path else None


def product_text(granule: Granule) -> Mapping[str, str | None]:
    """Give the user's own product file as a parameter: what changes in it makes the step anew."""
    return {"entry": text_of(granule.source)} if granule.source != granule.product else {}


def by_file(soundings: xr.Dataset, wanted: Sequence[str]) -> Iterator[xr.Dataset]:
    """Load a table piece by piece: the chunks of a table are its files."""
    soundings = soundings[[name for name in wanted if name in soundings]]
    stop = 0
    for size in soundings.chunksizes.get("sounding", ()):
        start, stop = stop, stop + size
        if size:
            # one small file: starting threads would cost more than reading it
            yield soundings.isel(sounding=slice(start, stop)).load(scheduler="synchronous")

"""Steps from granules to monthly grids, and the count of what was lost on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.catalog.product import Product
from yaotan.catalog.screening import ScreeningRule, find_rules
from yaotan.column.coverage import (
    COLUMNS,
    count_days,
    count_losses,
    crossing_days,
    soundings_by_region,
    track_points,
)
from yaotan.column.screening import screen, variables_of
from yaotan.errors import NotAGranuleError
from yaotan.grid.bin import grid_soundings
from yaotan.io.bound import Box
from yaotan.io.soundings import open_soundings
from yaotan.io.tabular import read_table
from yaotan.io.write import write
from yaotan.recipes.context import Context, Month
from yaotan.recipes.inventory import Granule
from yaotan.recipes.step import Step
from yaotan.schema import REQUIRED_SOUNDING

CORNERS = ("latitude_corner", "longitude_corner")


def _rule_parameters(rules: Sequence[ScreeningRule]) -> list[dict[str, Any]]:
    return [rule.model_dump(exclude={"words"}) for rule in rules]


def digests_of(granules: Sequence[Granule]) -> dict[str, str]:
    """Give name and content hash of each file; files of one name in two folders stay apart."""
    return {f"{granule.name}#{granule.digest[:8]}": granule.digest for granule in granules}


def needed(product: Product, rules: Sequence[ScreeningRule], also: Sequence[str]) -> list[str]:
    """List the variables that a step reads; dozens of others would only make the graph larger."""
    judged = [name for rule in rules for name in variables_of(rule)]
    names = [*REQUIRED_SOUNDING, *product.gases, *judged, *also]
    return list(dict.fromkeys(names))


def grid_step(context: Context, product: str, month: Month, granules: Sequence[Granule]) -> Step:
    """Make the step that grids one product and month.

    Parameters
    ----------
    context : Context
        Facts of the run.
    product : str
        Product name.
    month : Month
        Which month.
    granules : sequence of Granule
        Files that may hold soundings of the month.

    Returns
    -------
    Step
        Output ``columns/<product>_<YYYYMM>.nc``, or none when nothing was left; its summary says why.
    """
    options, grid, entry = granules[0].options, context.study.grid, granules[0].entry
    rules = find_rules(options.rules, entry)
    target = context.folder / "columns" / f"{product}_{month.name.replace('-', '')}.nc"

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        try:
            soundings = _open_month(
                context, product, month, granules, region=context.reach, quality=options.quality
            )
        except NotAGranuleError as error:
            if context.study.on_error == "raise":
                raise
            reading = [{"file": context.relative(one.path), "error": str(error)} for one in granules]
            return [], {"reading": reading, "screening": [], "kept": 0}
        wanted = needed(entry, rules, [f"{gas}{end}" for gas in entry.gases for end in ("", "_uncertainty")])
        soundings = soundings[[name for name in (*wanted, *CORNERS) if name in soundings]]
        reading = [
            {**item, "file": context.relative(item["file"])}
            for item in json.loads(soundings.attrs["reading"])
        ]
        kept = screen(soundings.assign_attrs(reading=json.dumps(reading)), rules)
        summary = {
            "reading": reading,
            "screening": json.loads(kept.attrs["screening"]),
            "kept": kept.sizes["sounding"],
        }
        if not kept.sizes["sounding"]:
            return [], summary
        gridded = grid_soundings(
            kept,
            context.spec,
            period="month",
            weight=grid.weight,
            overpass_correlation=grid.overpass_correlation,
            systematic=_known(options.systematic, kept),
        )
        write(gridded, target)
        return [target], {**summary, "rejected": json.loads(gridded.attrs["rejected"])}

    return Step(
        f"grid-{product}-{month.name}",
        digests_of(granules),
        {
            "product": product,
            "period": [month.first, month.last],
            "bounds": context.bounds,
            "grid": grid.model_dump(),
            "quality": options.quality,
            "rules": _rule_parameters(rules),
            "systematic": options.systematic,
            "aliases": _text_of(options.aliases),
            **_product_text(granules[0]),
            "on_error": context.study.on_error,
        },
        work,
    )


def _known(systematic: float | dict[str, float] | None, soundings: xr.Dataset) -> Any:
    """Leave out columns that the files of this month do not have."""
    if isinstance(systematic, dict):
        return {name: value for name, value in systematic.items() if name in soundings}
    return systematic


def _open_month(
    context: Context, product: str, month: Month, granules: Sequence[Granule], **how: Any
) -> xr.Dataset:
    return open_soundings(
        [granule.path for granule in granules],
        product=granules[0].source,
        trust_layout=granules[0].options.trust_layout,
        period=(month.first, month.last),
        aliases=granules[0].options.aliases,
        on_error=context.study.on_error,
        **how,
    )


def _text_of(path: str | None) -> str | None:
    return Path(path).read_text(encoding="utf-8") if path else None


def _product_text(granule: Granule) -> dict[str, str | None]:
    """Give the user's own product file as a parameter: what changes in it makes the step anew."""
    return {"entry": _text_of(granule.source)} if granule.source != granule.product else {}


def _by_file(soundings: xr.Dataset, wanted: Sequence[str]) -> Iterator[xr.Dataset]:
    """Load a table piece by piece: the chunks of a table are its files."""
    soundings = soundings[[name for name in wanted if name in soundings]]
    stop = 0
    for size in soundings.chunksizes.get("sounding", ()):
        start, stop = stop, stop + size
        if size:
            # one small file: starting threads would cost more than reading it
            yield soundings.isel(sounding=slice(start, stop)).load(scheduler="synchronous")


def _days(time: np.ndarray) -> set[np.datetime64]:
    return set(np.unique(np.asarray(time).astype("datetime64[D]")))


def loss_step(context: Context, product: str, month: Month, granules: Sequence[Granule]) -> Step:
    """Make the step that counts, for one product and month, why regions have no data.

    Parameters
    ----------
    context : Context
        Facts of the run.
    product : str
        Product name.
    month : Month
        Which month.
    granules : sequence of Granule
        Files that may hold soundings of the month; at least one.

    Returns
    -------
    Step
        Output ``.steps/losses/<product>_<YYYYMM>.csv``, which `join_losses_step` joins.
    """
    rules = find_rules(granules[0].options.rules, granules[0].entry)
    target = context.folder / ".steps" / "losses" / f"{product}_{month.name.replace('-', '')}.csv"
    regions, entry = context.regions_and_union, granules[0].entry
    half_swath, options = entry.swath_km / 2, granules[0].options

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        covered: set[np.datetime64] = set()
        crossed: list[set[np.datetime64]] = [set() for _ in range(len(regions))]
        sounded: list[set[np.datetime64]] = [set() for _ in range(len(regions))]
        tables = [pd.DataFrame(columns=list(COLUMNS))]
        # opened together, so that a sounding in two files counts once
        wanted = needed(entry, rules, [*entry.gases, "quality_bits"])
        try:
            whole = _open_month(context, product, month, granules, quality="all")
        except NotAGranuleError:  # the step that grids says why
            if context.study.on_error == "raise":
                raise
            whole = xr.Dataset()
        for every in _by_file(whole, wanted):
            time, lat, lon = (every[name].values for name in ("time", "latitude", "longitude"))
            covered |= _days(time)
            for near, days in zip(
                crossed,
                crossing_days(track_points(time, lat, lon), regions, half_swath=half_swath),
                strict=True,
            ):
                near |= days
            members = soundings_by_region(lat, lon, regions)
            for seen, rows in zip(sounded, members, strict=True):
                seen |= _days(time[rows])
            # an outlier is one among all that are gridded, not among those of the regions only
            reached = np.flatnonzero(Box(*context.reach).holds(lat, lon))
            inside = np.unique(np.concatenate([*members, reached]))
            if inside.size:
                part = every.isel(sounding=inside)
                tables.append(count_losses(part, regions, rules, quality=options.quality))
        counts = pd.concat(tables).groupby(list(COLUMNS[:-1]))["count"].sum().reset_index()
        by_day = count_days(covered, crossed, sounded, regions, (month.first, month.last))
        write(pd.concat([by_day, counts]).assign(product=product), target)
        return [target], {"days_with_file": len(covered)}

    return Step(
        f"losses-{product}-{month.name}",
        {**digests_of(granules), "regions": context.regions_digest},
        {
            "period": [month.first, month.last],
            "swath_km": 2 * half_swath,
            "quality": options.quality,
            "rules": _rule_parameters(rules),
            "aliases": _text_of(options.aliases),
            **_product_text(granules[0]),
            "on_error": context.study.on_error,
        },
        work,
    )


def join_losses_step(context: Context, pieces: Mapping[str, str]) -> Step:
    """Make the step that joins the counts of all products and months, those without any file included.

    Parameters
    ----------
    context : Context
        Facts of the run.
    pieces : mapping
        Path of each piece, relative to the output folder, to its content hash.

    Returns
    -------
    Step
        Output ``columns/losses.csv``.
    """
    target = context.folder / "columns" / "losses.csv"
    regions = context.regions_and_union
    nowhere: list[set[np.datetime64]] = [set() for _ in regions.index]

    def work() -> tuple[list[Path], Mapping[str, Any]]:
        tables = [read_table(context.folder / name) for name in sorted(pieces)]
        for product in context.inventory.products():
            for month in context.months:
                if not context.granules(product, month):
                    days = count_days(set(), nowhere, nowhere, regions, (month.first, month.last))
                    tables.append(days.assign(product=product))
        return [write(pd.concat(tables, ignore_index=True), target)], {}

    return Step(
        "losses",
        {**pieces, "regions": context.regions_digest},
        {"products": context.inventory.products(), "period": context.study.period},
        work,
    )

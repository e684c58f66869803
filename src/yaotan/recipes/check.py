"""What can be known to be wrong with a study before anything is gridded."""

from __future__ import annotations

import xarray as xr

from yaotan.catalog.screening import find_rules
from yaotan.column.screening import check_rule
from yaotan.errors import RecipeError, TooFewSoundingsError, YaotanError
from yaotan.io.soundings import open_soundings
from yaotan.recipes.analysis.check import check_analyses
from yaotan.recipes.context import Context
from yaotan.schema import column_variables


def check_inputs(context: Context) -> None:
    """Refuse a study whose files, rules or errors cannot fit together.

    Parameters
    ----------
    context : Context
        Facts of the run; every file is identified.

    Raises
    ------
    TooFewSoundingsError
        No file has a sounding in the period.
    RecipeError
        A rule judges what the product does not have, ``systematic`` does not say for which column, or an
        analysis asks for what is not there.
    """
    if context.study.inputs:
        _check_period(context)
    opened = {}
    for product in context.inventory.products():
        first = _open_first(context, product)
        if first is None:
            continue
        opened[product] = first
        options = context.inventory.of(product)[0].options
        _check_systematic(product, options.systematic, column_variables(first))
        for rule in find_rules(options.rules, context.inventory.of(product)[0].entry):
            check_rule(first, rule)
    check_analyses(context, opened)


def _check_period(context: Context) -> None:
    granules = context.inventory.granules
    if any(context.granules(granule.product, month) for granule in granules for month in context.months):
        return
    known = [granule for granule in granules if granule.start == granule.start]  # NaT: a file without any
    first, last = context.study.period
    if not known:
        raise TooFewSoundingsError(
            f"no sounding is left: none of the {len(granules)} input files holds any",
            fix="run `yaotan info` on one of them",
        )
    begin, end = min(granule.start for granule in known), max(granule.end for granule in known)
    raise TooFewSoundingsError(
        f"no sounding is left: none of the {len(granules)} input files lies in the period {first} to {last}",
        expected=f"a period within {str(begin)[:10]} to {str(end)[:10]}, which the files cover",
        fix="mend period in the study file, or name other files",
    )


def _open_first(context: Context, product: str) -> xr.Dataset | None:
    """Open the first file that can be; none when the study passes over those that cannot."""
    for granule in context.inventory.of(product):
        try:
            return open_soundings(
                granule.path,
                product=granule.source,
                quality="all",
                aliases=granule.options.aliases,
                trust_layout=granule.options.trust_layout,
            )
        except YaotanError:
            if context.study.on_error == "raise":
                raise
    return None


def _check_systematic(product: str, given: float | dict[str, float] | None, columns: list[str]) -> None:
    names = ", ".join(columns)
    if isinstance(given, dict):
        for name in given:
            if name not in columns:
                raise RecipeError(
                    f"inputs.systematic names {name!r}, which product {product} does not have",
                    expected=f"among {names}",
                )
    elif given is not None and len(columns) > 1:
        raise RecipeError(
            f"inputs.systematic is one number, but product {product} has the columns {names}",
            expected=f"one for each, such as {{{', '.join(f'{name}: {given:g}' for name in columns)}}}",
            fix="mend systematic in the study file; each is in the unit of its column",
        )

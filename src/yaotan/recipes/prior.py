"""The common prior of a study: which soundings are brought to it, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import xarray as xr

from yaotan.catalog.screening import ScreeningRule
from yaotan.column.kernel.harmonise import harmonise_prior
from yaotan.column.kernel.operator import operator_of
from yaotan.column.kernel.profile import Profile
from yaotan.errors import RecipeError, SchemaError
from yaotan.io.digest import sha256
from yaotan.io.netcdf import open_grid
from yaotan.recipes.context import Context
from yaotan.schema import column_variables

#: words of the rule that takes out what cannot be brought to the prior
PRIOR_WORDS: Final = {
    "en": "no common prior: kernel or profile missing, or the prior does not reach",
    "zh": "无法换用统一先验：缺平均核或廓线，或先验廓线未覆盖",
}


def _applies(context: Context, product: str) -> bool:
    options = context.study.prior
    return options is not None and (options.products is None or product in options.products)


def prior_parameters(context: Context, product: str) -> dict[str, Any]:
    """Give what of the study's prior decides the columns of a product; nothing where it has none."""
    options = context.study.prior
    if options is None or not _applies(context, product):
        return {}
    content = options.model_dump(exclude={"products", "file"})
    if options.file is not None:
        content["digest"] = sha256(context.base / options.file)
    return {"prior": content}


def has_kernel(soundings: xr.Dataset, column: str) -> bool:
    """Tell whether a column of soundings comes with all that a change of its prior needs."""
    try:
        operator_of(soundings, column)
    except SchemaError:
        return False
    return True


def _columns(context: Context, soundings: xr.Dataset, product: str) -> list[str]:
    """List the columns that are brought to the common prior."""
    if not _applies(context, product):
        return []
    return [name for name in column_variables(soundings) if has_kernel(soundings, name)]


def prior_variables(context: Context, soundings: xr.Dataset, product: str) -> list[str]:
    """List the variables that the change of the prior reads."""
    names = []
    for column in _columns(context, soundings, product):
        operator = operator_of(soundings, column)
        profiles = (operator.weight, operator.kernel, operator.prior, operator.pressure)
        names += [column, *(str(array.name) for array in profiles)]
    return list(dict.fromkeys(names))


def apply_prior(
    context: Context, soundings: xr.Dataset, product: str
) -> tuple[xr.Dataset, list[ScreeningRule]]:
    """Bring columns to the common prior of the study.

    Parameters
    ----------
    context : Context
        Facts of the run.
    soundings : xarray.Dataset
        Of one product, lazy or in memory.
    product : str
        Product name.

    Returns
    -------
    soundings : xarray.Dataset
        Columns with a kernel on the common prior; the others, and all soundings of a study without one, as
        they were. Where the prior cannot be changed the column keeps its value, and its status tells.
    rules : list of ScreeningRule
        What takes such soundings out, to be counted like other rules.
    """
    options = context.study.prior
    if options is None:
        return soundings, []
    rules = []
    for column in _columns(context, soundings, product):
        moved = harmonise_prior(
            soundings, open_prior(context), column=column, convert=options.convert, reach=options.reach
        )
        status = f"{column}_prior_status"
        own = soundings[column]
        # a sounding without any column is lost for that reason, not for its prior
        fine = (moved[status] == 0) | own.isnull()
        soundings = moved.assign(
            {
                column: moved[column].where(moved[status] == 0, own).assign_attrs(own.attrs),
                status: moved[status].where(~fine, 0).assign_attrs(moved[status].attrs),
            }
        )
        rules.append(ScreeningRule(name=f"common_prior_{column}", variable=status, max=0, words={}))
    return soundings, rules


def prior_name(context: Context) -> str:
    """Name the prior of the study, for the attributes of what is made with it."""
    options = context.study.prior
    assert options is not None
    return options.profile.name if options.profile is not None else str(options.file)


def open_prior(context: Context) -> Profile | xr.Dataset:
    """Give the prior that the study names."""
    options = context.study.prior
    assert options is not None
    file, profile = options.file, options.profile
    if file is not None:
        return context.remember(
            "prior", lambda: open_grid(context.base / file, trust_layout=options.trust_layout)
        )
    assert profile is not None
    return Profile(profile.values, profile.pressure, profile.kind, profile.units, profile.name)


def check_prior(context: Context, opened: Sequence[tuple[str, xr.Dataset]]) -> None:
    """Refuse a prior that cannot be had, or that no product can be brought to.

    Parameters
    ----------
    context : Context
        Facts of the run.
    opened : sequence of (product, xarray.Dataset)
        Some soundings of each product.

    Raises
    ------
    RecipeError
        No product, or not one that is named, has kernels; the file is missing.
    YaotanError
        The prior does not fit the soundings: vertical kind, unit.
    """
    options = context.study.prior
    if options is None:
        return
    if options.file is not None and not (context.base / options.file).is_file():
        raise RecipeError(f"the prior {options.file!r} is missing", where="prior.file")
    able = {product: _columns(context, soundings, product) for product, soundings in opened}
    for name in options.products or []:
        if name in able and not able[name]:
            raise RecipeError(
                f"product {name} has no averaging kernel and prior profile",
                where="prior.products",
                fix="take it out of the list",
            )
    if not any(able.values()):
        raise RecipeError(
            "no product of the study has averaging kernels and prior profiles",
            where="prior",
            fix="take prior out of the study file",
        )
    for product, soundings in opened:
        few = soundings.isel(sounding=slice(0, 1))
        if able[product] and few.sizes["sounding"]:
            names = [*prior_variables(context, few, product), "time", "latitude", "longitude"]
            apply_prior(context, few[names], product)

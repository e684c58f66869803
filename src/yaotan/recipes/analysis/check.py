"""What can be known to be wrong with the analyses of a study before anything is gridded."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import xarray as xr

from yaotan.catalog.gas import gases
from yaotan.column.kernel.operator import operator_of
from yaotan.errors import NotAGranuleError, RecipeError, SchemaError
from yaotan.recipes.analysis.carbon_check import check_carbon
from yaotan.recipes.analysis.emission import check_emission
from yaotan.recipes.analysis.fusion import fusion_products, fusion_spec
from yaotan.recipes.analysis.place import check_places, find_place
from yaotan.recipes.analysis.plume import check_plumes
from yaotan.recipes.analysis.validation import open_references, station_files
from yaotan.recipes.context import Context
from yaotan.recipes.option import Analysis
from yaotan.recipes.prior import check_prior, has_kernel
from yaotan.schema import column_variables

Opened = Mapping[str, xr.Dataset]


def check_analyses(context: Context, opened: Opened) -> None:
    """Refuse analyses that the inputs of the study cannot give.

    Parameters
    ----------
    context : Context
        Facts of the run.
    opened : mapping
        Product to some soundings of it.

    Raises
    ------
    RecipeError
        A product, region, variable or file is not there; a fusion has one product; what an analysis needs
        (kernels, wind) no product has. The message names the key.
    YaotanError
        The files of the stations cannot be read; boxes of the fusion are impossible.
    """
    study = context.study
    for key in ("prior", "fill", "trend", "anomaly", "validation", "hotspots", "fusion"):
        options = getattr(study, key)
        if options is not None:
            _check_products(context, options, key)
    for key in ("fill", "trend", "anomaly"):
        options = getattr(study, key)
        if options is not None:
            check_places(context, options.regions, f"{key}.regions")
    check_prior(context, list(opened.items()))
    _check_months(context)
    _check_claims(context, opened)
    _check_background(context, opened)
    _check_fusion(context, opened)
    _check_stations(context, opened)
    check_carbon(context)
    check_plumes(context)
    check_emission(context)


def _check_products(context: Context, options: Analysis, where: str) -> None:
    known = context.inventory.products()
    for name in options.products or []:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
            raise RecipeError(
                f"{name!r} is not a product of the inputs; did you mean {near[0]!r}?",
                where=f"{where}.products",
                expected=f"among {', '.join(known)}",
            )


def _of(opened: Opened, options: Analysis) -> dict[str, xr.Dataset]:
    return {name: table for name, table in opened.items() if name in (options.products or opened)}


def _check_months(context: Context) -> None:
    options = context.study.fill
    known = [month.name for month in context.months]
    for month in (options.months if options is not None else None) or []:
        if month not in known:
            raise RecipeError(
                f"{month} lies outside the period", where="fill.months", expected=f"{known[0]} to {known[-1]}"
            )


def _check_claims(context: Context, opened: Opened) -> None:
    for number, claim in enumerate(context.study.claims):
        where = f"claims.{number}"
        _check_products(context, claim, where)
        for side in ("a", "b"):
            check_places(context, [getattr(claim, side)], f"{where}.{side}")
        ids = {side: find_place(context, getattr(claim, side), f"{where}.{side}") for side in ("a", "b")}
        if ids["a"] == ids["b"]:
            raise RecipeError(f"{claim.a!r} and {claim.b!r} are the same region", where=where)
        start, end = claim.period or context.study.period
        if start < context.study.period[0] or end > context.study.period[1]:
            raise RecipeError(
                f"{start} to {end} lies not within the period of the study",
                where=f"{where}.period",
                expected=f"within {context.study.period[0]} to {context.study.period[1]}",
            )
        columns = {name for table in _of(opened, claim).values() for name in column_variables(table)}
        if claim.variable is not None and opened and claim.variable not in columns:
            raise RecipeError(
                f"no product of the claim has {claim.variable!r}",
                where=f"{where}.variable",
                expected=f"among {', '.join(sorted(columns))}",
            )


def _check_background(context: Context, opened: Opened) -> None:
    options = context.study.hotspots
    if options is None:
        return
    model = options.background.model
    if model is not None and not (context.base / model).is_file():
        raise RecipeError(f"the model {model!r} is missing", where="hotspots.background.model")
    if options.background.method != "upwind":
        return
    for product, table in _of(opened, options).items():
        if not {"wind_u", "wind_v"} <= set(table.variables):
            raise RecipeError(
                f"the soundings of {product} bring no wind, so upwind is not known",
                where="hotspots.background.method",
                fix="take another method, or leave the product out of hotspots.products",
            )


def _check_fusion(context: Context, opened: Opened) -> None:
    options = context.study.fusion
    if options is None:
        return
    products = fusion_products(context)
    if len(set(products)) < 2:
        raise RecipeError(
            f"there is one product to be fused, {products[0]}",
            where="fusion",
            expected="two products or more that share a column",
            fix="name more inputs, or take fusion out of the study file",
        )
    size = len(products)
    if options.correlation is not None and [len(row) for row in options.correlation] != [size] * size:
        raise RecipeError(
            "the rows do not fit the products",
            where="fusion.correlation",
            expected=f"{size} x {size} numbers",
        )
    fusion_spec(context)
    tables = {name: opened[name] for name in products if name in opened}
    columns = [name for table in tables.values() for name in column_variables(table)]
    shared = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
    if len(tables) > 1 and not shared:
        raise RecipeError(
            f"no two of {', '.join(products)} share a column",
            where="fusion.products",
            expected="products of one gas",
        )
    if not options.own_priors:
        for variable in shared:
            _check_one_prior(context, variable, tables)


def _check_one_prior(context: Context, variable: str, tables: Opened) -> None:
    """Refuse products whose priors differ: with profiles, unless all are brought to the study's one."""
    there = {name: table for name, table in tables.items() if variable in column_variables(table)}
    profile = f"{gases()[variable].gas}_prior_profile"
    prior = context.study.prior
    moved = [
        name
        for name, table in there.items()
        if prior is not None and name in (prior.products or there) and has_kernel(table, variable)
    ]
    own = [name for name in there if name not in moved]
    if own and (moved or any(profile in table for table in there.values())):
        raise RecipeError(
            f"the priors of {variable} differ ({', '.join(own)}: its own)",
            where="fusion",
            expected="one prior for all products",
            fix="give prior with kernels of all products, or own_priors: true to fuse them as they are",
        )


def _check_stations(context: Context, opened: Opened) -> None:
    options = context.study.validation
    if options is None:
        return
    try:
        station_files(context)
    except NotAGranuleError as error:
        raise RecipeError(
            error.what, where=error.where or "validation.stations", fix="mend validation.stations"
        ) from error
    references = open_references(context)
    there = {name for table in references.values() for name in column_variables(table)}
    tables = _of(opened, options)
    shared = {
        product: [name for name in column_variables(table) if name in there]
        for product, table in tables.items()
    }
    if tables and not any(shared.values()):
        raise RecipeError(
            f"the stations have {', '.join(sorted(there)) or 'no column'}, which no product has",
            where="validation.stations",
        )
    if options.kernel == "none":
        return
    for product, columns in shared.items():
        for variable in columns:
            try:
                operator_of(tables[product], variable)
            except SchemaError as error:
                raise RecipeError(
                    f"product {product}: {error.what}",
                    where="validation.kernel",
                    fix="kernel: none, or leave the product out of validation.products",
                ) from error
    for name, table in references.items():
        for variable in {v for columns in shared.values() for v in columns} & set(column_variables(table)):
            profile = f"{gases()[variable].gas}_prior_profile"
            if profile not in table:
                raise RecipeError(
                    f"station {name} has no {profile}, which kernel: {options.kernel} needs",
                    where="validation.kernel",
                    fix="kernel: none compares the columns as they are; or give files with priors",
                )

"""Which analyses a study asks for, in which order, and what each stands on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from yaotan.io.digest import sha256
from yaotan.recipes.analysis.anomaly import anomaly_step, load_anomalies
from yaotan.recipes.analysis.carbon import do_carbon
from yaotan.recipes.analysis.carbon_result import load_carbon
from yaotan.recipes.analysis.claim import claim_step, load_claims
from yaotan.recipes.analysis.emission import do_emission, load_emission
from yaotan.recipes.analysis.fill import fill_step, load_filled
from yaotan.recipes.analysis.finished import Finished
from yaotan.recipes.analysis.fusion import box_step, fusion_products, fusion_step, load_fused
from yaotan.recipes.analysis.hotspot import hotspot_step, join_hotspots_step, load_hotspots
from yaotan.recipes.analysis.place import key_places
from yaotan.recipes.analysis.plume import do_plumes
from yaotan.recipes.analysis.plume_result import load_point_sources
from yaotan.recipes.analysis.trend import load_trends, trend_step
from yaotan.recipes.analysis.validation import (
    load_validations,
    pair_step,
    station_files,
    validation_step,
)
from yaotan.recipes.context import Context
from yaotan.recipes.opening import MonthFiles
from yaotan.recipes.option import Analysis
from yaotan.recipes.product import MonthRecords, ProductGrids
from yaotan.recipes.step import Step
from yaotan.recipes.table import zonal_step

Records = dict[str, dict[str, Any]]

#: key of the study -> its step for the grids of one product, in the order in which they are done
_BY_PRODUCT: Final[Mapping[str, Callable[[ProductGrids], Step]]] = {
    "trend": trend_step,
    "anomaly": anomaly_step,
    "fill": fill_step,
}


def do_analyses(context: Context, products: Mapping[str, ProductGrids], tables: Mapping[str, str]) -> Records:
    """Do every analysis that the study asks for.

    Parameters
    ----------
    context : Context
        Facts of the run.
    products : mapping
        Grids of every product that has any.
    tables : mapping
        Path of each regional table, relative to the output folder, to its hash.

    Returns
    -------
    dict
        Records of the steps by name, in order.
    """
    study = context.study
    records: Records = {}
    for key, make in _BY_PRODUCT.items():
        if getattr(study, key) is not None:
            for product in _chosen(context, getattr(study, key), products):
                _do(context, records, make(products[product]))
    if study.hotspots is not None:
        for product in _chosen(context, study.hotspots, products):
            months = _by_month(context, records, product, hotspot_step)
            _do(context, records, join_hotspots_step(months))
    if study.validation is not None:
        _validate(context, records, _chosen(context, study.validation, products))
    if study.fusion is not None:
        fused = [product for product in fusion_products(context) if product in products]
        boxes = {product: _by_month(context, records, product, box_step) for product in fused}
        _do(context, records, fusion_step(context, boxes))
    if study.claims:
        _check_claims(context, records, products, tables)
    if study.carbon is not None:
        do_carbon(context, lambda step: _do(context, records, step))
    if study.plumes is not None:
        do_plumes(context, lambda step: _do(context, records, step))
    if study.emission is not None:
        do_emission(context, lambda step: _do(context, records, step))
    return records


def _do(context: Context, records: Records, step: Step) -> dict[str, Any]:
    context.announce("analyses", len(records), len(records) + 1)
    records[step.name] = context.ledger.do(step)
    return records[step.name]


def _chosen(context: Context, options: Analysis, products: Collection[str]) -> list[str]:
    """List the products of an analysis that have any grid, in the order of the inventory."""
    wanted = options.products or context.inventory.products()
    return [product for product in products if product in wanted]


def _by_month(
    context: Context, records: Records, product: str, make: Callable[[MonthFiles], Step]
) -> MonthRecords:
    """Do a step for every month of a product that has files."""
    found = {}
    for month in context.months:
        files = MonthFiles.of(context, product, month)
        if files.granules:
            found[month.name] = _do(context, records, make(files))
    return MonthRecords(context, product, found)


def _validate(context: Context, records: Records, products: Sequence[str]) -> None:
    files = station_files(context)
    stations = {
        f"station {Path(file).name}#{number}": sha256(Path(file)) for number, file in enumerate(files)
    }

    for product in products:
        months = _by_month(context, records, product, lambda files: pair_step(files, stations))
        _do(context, records, validation_step(months))


def _check_claims(
    context: Context, records: Records, products: Mapping[str, ProductGrids], tables: Mapping[str, str]
) -> None:
    """Average over the key regions that claims name, then check the claims."""
    claims = context.study.claims
    named = [(name, f"claims.{k}") for k, claim in enumerate(claims) for name in (claim.a, claim.b)]
    added = key_places(context, named)
    known = dict(tables)
    if added is not None:
        for given in products.values():
            known |= _do(context, records, zonal_step(given, key_regions=added))["outputs"]
    _do(context, records, claim_step(context, known))


def load_analyses(finished: Finished) -> dict[str, Any]:
    """Read the analyses of a finished run into the fields of `StudyResults`."""
    return {
        "trends": load_trends(finished),
        "anomalies": load_anomalies(finished),
        "filled": load_filled(finished),
        "hotspots": load_hotspots(finished),
        "validations": load_validations(finished),
        "fused": load_fused(finished),
        "claims": load_claims(finished),
        "carbon": load_carbon(finished),
        "emission": load_emission(finished),
        "point_sources": load_point_sources(finished),
    }

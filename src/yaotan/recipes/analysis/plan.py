"""Which analyses a study asks for, in which order, and what each stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

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
from yaotan.recipes.context import Context, Month
from yaotan.recipes.inventory import Granule
from yaotan.recipes.option import Analysis
from yaotan.recipes.step import Step
from yaotan.recipes.table import zonal_step

Records = dict[str, dict[str, Any]]
Monthly = Callable[[Context, str, Month, Sequence[Granule]], Step]


def do_analyses(
    context: Context,
    grids: Mapping[str, Mapping[str, Path]],
    digests: Mapping[str, Mapping[str, str]],
    tables: Mapping[str, str],
) -> Records:
    """Do every analysis that the study asks for.

    Parameters
    ----------
    context : Context
        Facts of the run.
    grids, digests : mapping
        Product to (month to grid file), and to the hashes of these files.
    tables : mapping
        Path of each regional table, relative to the output folder, to its hash.

    Returns
    -------
    dict
        Records of the steps by name, in order.
    """
    study = context.study
    records: Records = {}
    if study.trend is not None:
        for product in _chosen(context, study.trend, grids):
            _do(context, records, trend_step(context, product, grids[product], digests[product]))
    if study.anomaly is not None:
        for product in _chosen(context, study.anomaly, grids):
            _do(context, records, anomaly_step(context, product, grids[product], digests[product]))
    if study.fill is not None:
        for product in _chosen(context, study.fill, grids):
            _do(context, records, fill_step(context, product, grids[product], digests[product]))
    if study.hotspots is not None:
        for product in _chosen(context, study.hotspots, grids):
            months = _by_month(context, records, product, hotspot_step)
            _do(context, records, join_hotspots_step(context, product, months))
    if study.validation is not None:
        _validate(context, records, _chosen(context, study.validation, grids))
    if study.fusion is not None:
        products = [product for product in fusion_products(context) if product in grids]
        boxes = {product: _by_month(context, records, product, box_step) for product in products}
        _do(context, records, fusion_step(context, boxes))
    if study.claims:
        _check_claims(context, records, grids, digests, tables)
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


def _chosen(context: Context, options: Analysis, grids: Mapping[str, Mapping[str, Path]]) -> list[str]:
    """List the products of an analysis that have any grid, in the order of the inventory."""
    wanted = options.products or context.inventory.products()
    return [product for product in grids if product in wanted]


def _by_month(context: Context, records: Records, product: str, make: Monthly) -> Records:
    """Do a step for every month of a product that has files."""
    found = {}
    for month in context.months:
        granules = context.granules(product, month)
        if granules:
            found[month.name] = _do(context, records, make(context, product, month, granules))
    return found


def _validate(context: Context, records: Records, products: Sequence[str]) -> None:
    files = station_files(context)
    stations = {
        f"station {Path(file).name}#{number}": sha256(Path(file)) for number, file in enumerate(files)
    }

    def make(context: Context, product: str, month: Month, granules: Sequence[Granule]) -> Step:
        return pair_step(context, product, month, granules, stations)

    for product in products:
        months = _by_month(context, records, product, make)
        _do(context, records, validation_step(context, product, months))


def _check_claims(
    context: Context,
    records: Records,
    grids: Mapping[str, Mapping[str, Path]],
    digests: Mapping[str, Mapping[str, str]],
    tables: Mapping[str, str],
) -> None:
    """Average over the key regions that claims name, then check the claims."""
    claims = context.study.claims
    named = [(name, f"claims.{k}") for k, claim in enumerate(claims) for name in (claim.a, claim.b)]
    added = key_places(context, named)
    known = dict(tables)
    if added is not None:
        for product, files in grids.items():
            step = zonal_step(context, product, files, digests[product], key_regions=added)
            known |= _do(context, records, step)["outputs"]
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

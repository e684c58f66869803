"""From a file and its product to a reader: which of the catalog's sources, flags and rules it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yaotan.catalog.product import Product
from yaotan.catalog.rule import Source
from yaotan.errors import NotAGranuleError
from yaotan.io.alias import resolve_aliases
from yaotan.io.container import MEMBER, Container
from yaotan.io.granule import Granule, find_rule
from yaotan.io.teaching import AliasFile


def find_version(container: Container, product: Product, path: str) -> str:
    """Find the version: the first rule of the product that matches; empty when none does."""
    attributes = container.attributes
    for rule in product.version:
        if rule.attribute is not None:
            text = str(attributes.get(rule.attribute, ""))
        elif rule.path is not None:
            text = container.text(rule.path) if rule.path in container else ""
        else:
            text = Path(path.replace(MEMBER, "/")).name
        match = re.search(rule.pattern, text)
        if match:
            return ".".join(group for group in match.groups() if group) or match.group()
    return ""


def build_granule(
    container: Container, product: Product, path: str, taught: AliasFile | None = None
) -> Granule:
    """Choose, among the sources that the catalog offers, those that the file has.

    Parameters
    ----------
    container : Container
        The open file.
    product : Product
        What it is.
    path : str
        Its path.
    taught : AliasFile, optional
        What the user says, for products that are read by aliases.

    Returns
    -------
    Granule
        Ready to read.

    Raises
    ------
    NotAGranuleError
        Something that the product needs is missing, or has another shape.
    """
    notes: dict[str, str] = {}
    if product.reader == "alias":
        product, notes = resolve_aliases(container, product, path, taught)
    assert product.size_of is not None
    count = container.shape_of(product.size_of)[0] if container.shape_of(product.size_of) else 0
    sources = {
        name: source
        for name, rule in product.variables.items()
        if (source := _first_source(container, rule.sources)) is not None
    }
    time = next((rule for rule in product.time if rule.path in container), None)
    if time is None:
        tried = ", ".join(rule.path for rule in product.time)
        raise NotAGranuleError("has no time", where=path, expected=f"one of {tried}")
    granule = Granule(
        path=path,
        product=product,
        version=find_version(container, product, path),
        count=count,
        sources=sources,
        time=time,
        footprint=next(
            (rule for rule in product.footprint if rule.kind == "circle" or rule.latitude in container), None
        ),
        meanings={
            name: rule
            for name, rules in (("surface", product.surface), ("mode", product.mode))
            if (rule := next((item for item in rules if item.path in container), None)) is not None
        },
        flags=_present_flags(container, product, path),
        bits=_bit_names(container, product),
        vertical=_vertical_size(container, sources, product),
        notes=notes,
    )
    _check_shapes(container, granule)
    return granule


def _first_source(container: Container, sources: tuple[Source, ...]) -> Source | None:
    return next((s for s in sources if all(path in container for path in s.paths)), None)


def _present_flags(container: Container, product: Product, path: str) -> Any:
    flags = product.quality.flags if product.quality else ()
    for flag in flags:
        if flag.required and flag.path not in container:
            raise NotAGranuleError(f"quality flag {flag.path} is missing", where=path)
    return tuple(flag for flag in flags if flag.path in container)


def _bit_names(container: Container, product: Product) -> tuple[str, ...]:
    if product.quality is None:
        return ()
    rule = product.quality.bits
    if rule is None or rule.path not in container:
        flags = [flag for flag in product.quality.flags if flag.path in container]
        return tuple(flag.name for flag in flags) if len(flags) > 1 else ()
    if rule.names:
        return rule.names
    text = str(container.attributes_of(rule.path).get(rule.names_attribute or "", ""))
    return tuple(name for name in re.split(r"[,;\s]+", text.strip("[]'\"")) if name)


def _vertical_size(container: Container, sources: Mapping[str, Source], product: Product) -> int:
    for name, source in sources.items():
        rule = find_rule(name)
        if rule and "level" in rule.dims and source.compute != "equal_pressure_edges":
            shape = container.shape_of(source.paths[0])
            if len(shape) == 2:
                return shape[1]
    return 0


def _check_shapes(container: Container, granule: Granule) -> None:
    for name, source in granule.sources.items():
        wanted = granule.shape_of(name, granule.count)
        if source.compute == "equal_pressure_edges":
            wanted = wanted[:1]
        for path in source.paths:
            _check_shape(container, granule, path, wanted, granule.dims_of(name))
    corners = granule.footprint
    if corners is not None and corners.kind == "corners":
        for axis in (corners.latitude, corners.longitude):
            _check_shape(container, granule, str(axis), (granule.count, 4), ("sounding", "corner"))


def _check_shape(
    container: Container, granule: Granule, path: str, wanted: tuple[int, ...], dims: tuple[str, ...]
) -> None:
    shape = container.shape_of(path)
    if shape != wanted:
        raise NotAGranuleError(
            f"{path} has shape {shape}",
            where=granule.path,
            expected=f"{wanted} ({', '.join(dims[: len(wanted)])})",
            fix="the file was rewritten with other dimensions; use the original",
        )

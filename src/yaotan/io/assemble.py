"""From a file and its product to a reader: which of the catalog's sources, flags and rules it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from yaotan.catalog.product import Product
from yaotan.catalog.rule import Fact, FlagRule, Footprint
from yaotan.catalog.variable import Source
from yaotan.errors import NotAGranuleError
from yaotan.io.alias import resolve_aliases
from yaotan.io.container import MEMBER, Container
from yaotan.io.decode import to_text
from yaotan.io.frame import Frame
from yaotan.io.granule import Granule
from yaotan.io.teaching import AliasFile
from yaotan.io.vertical import rest_of, settle_vertical, vertical_size

#: computations that keep the shape of their terms
_SAME_SHAPE: Final = frozenset({"copy", "total", "quadrature", "normalise", "ratio", "where_good"})


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
    notes = dict(product.stated)
    if product.reader == "alias":
        product, found = resolve_aliases(container, product, path, taught)
        notes |= found
    notes |= _own_notes(container, product)
    frame = _find_frame(container, product)
    sources = {
        name: source
        for name, rule in product.variables.items()
        if (source := _first_source(container, rule.sources)) is not None
    }
    product, sources, said = settle_vertical(container, product, frame, sources)
    notes |= said
    _check_sources(product, sources, path, frame.count)
    times = tuple(rule for rule in product.time if all(p in container for p in rule.paths()))
    if not times:
        tried = ", ".join(rule.path for rule in product.time)
        raise NotAGranuleError("has no time", where=path, expected=f"one of {tried}")
    granule = Granule(
        path=path,
        product=product,
        version=find_version(container, product, path),
        frame=frame,
        sources=sources,
        times=times,
        footprint=next(
            (rule for rule in product.footprint if _is_placed(container, rule)),
            None,
        ),
        meanings={
            name: rule
            for name, rules in (("surface", product.surface), ("mode", product.mode))
            if (rule := next((item for item in rules if item.path in container), None)) is not None
        },
        flags=_present_flags(container, product),
        unflagged=_missing_flag(container, product),
        bits=_bit_names(container, product),
        vertical=vertical_size(container, product, frame, sources),
        notes=notes,
    )
    _check_shapes(container, granule)
    return granule


def _own_notes(container: Container, product: Product) -> dict[str, str]:
    """Give what the file says of itself; of a column of text all that stands in it."""
    notes: dict[str, str] = {}
    given = container.attributes if product.attributes else {}
    for name, own in product.attributes.items():
        if own in given:
            notes[name] = str(given[own])
        elif own in container and (texts := _column_of_text(container, own)) is not None:
            notes[name] = "; ".join(texts)
    return notes


def _column_of_text(container: Container, path: str) -> list[str] | None:
    """List the texts of a column of a text table, each once; None where it is no such column."""
    if container.format != "text":
        return None
    values = container.read(path)
    return [str(text) for text in np.unique(to_text(values))] if values.dtype.kind in "UO" else None


def _check_sources(product: Product, sources: Mapping[str, Source], path: str, count: int) -> None:
    """Refuse a file without position, or with soundings of no gas, before that shows as an empty result."""
    absent = [name for name in ("latitude", "longitude") if name not in sources]
    if absent:
        raise NotAGranuleError(f"has no {' and no '.join(absent)}", where=path, expected=product.product)
    if count and product.gases and not any(name in sources for name in product.gases):
        raise NotAGranuleError(
            f"holds none of {', '.join(product.gases)}, or does not say which it holds",
            where=path,
            expected=f"a file of {product.product} with one of them",
            fix="use the original file, with its name and its heading",
        )


def _find_frame(container: Container, product: Product) -> Frame:
    assert product.size_of is not None
    offered = (product.size_of,) if isinstance(product.size_of, str) else product.size_of
    size_of = next((path for path in offered if path in container), offered[0])
    shape = container.shape_of(size_of)
    if shape and len(shape) < product.sounding_axes:
        raise NotAGranuleError(
            f"{size_of} has shape {shape}",
            where=container.path,
            expected=f"{product.sounding_axes} axes of soundings",
        )
    # a retrieval that writes one sounding may leave the axis out
    return Frame(shape[: product.sounding_axes] or (1,))


def _first_source(container: Container, sources: tuple[Source, ...]) -> Source | None:
    return next((source for source in sources if _is_offered(container, source)), None)


def _is_offered(container: Container, source: Source) -> bool:
    attributes = container.attributes if any(p.startswith("@") for p in source.paths) else {}
    if any(path[1:] not in attributes if path[0] == "@" else path not in container for path in source.paths):
        return False
    return source.when is None or fact_holds(container, source.when) is True


def fact_holds(container: Container, fact: Fact) -> bool | None:
    """Tell whether a statement on the file's content is true; None when what it speaks of is not there."""
    if fact.dims is not None:
        path = str(fact.path)
        known = path in container
        return re.fullmatch(fact.dims, ",".join(container.dims_of(path))) is not None if known else None
    assert fact.pattern is not None
    texts = _texts_of(container, fact)
    if texts:
        return all(re.search(fact.pattern, text) is not None for text in texts)
    if fact.file_name is None:
        return None
    return re.search(fact.file_name, Path(container.path.replace(MEMBER, "/")).name) is not None


def _texts_of(container: Container, fact: Fact) -> list[str]:
    """Give what stands where a statement points to; nothing where that is not there."""
    path = fact.path
    if path is not None and path not in container:
        return []
    if fact.attribute is not None:
        given = (container.attributes if path is None else container.attributes_of(path)).get(fact.attribute)
        return [] if given is None else [str(given)]
    column = _column_of_text(container, str(path))
    return [container.text(str(path))] if column is None else column


def _is_placed(container: Container, rule: Footprint) -> bool:
    if rule.when is not None and fact_holds(container, rule.when) is not True:
        return False
    return rule.kind == "circle" or rule.latitude in container


def _flags(container: Container, product: Product) -> tuple[FlagRule, ...]:
    """Give the flags that concern this file: those of datasets that it lacks do not."""
    flags = product.quality.flags if product.quality else ()
    own = [flag for flag in flags if flag.of is None or flag.of in container]
    return tuple(flag for flag in own if flag.when is None or fact_holds(container, flag.when) is True)


def _present_flags(container: Container, product: Product) -> tuple[FlagRule, ...]:
    return tuple(flag for flag in _flags(container, product) if flag.path in container)


def _missing_flag(container: Container, product: Product) -> str:
    """Give what would tell the quality and is not there, or says something else."""
    quality = product.quality
    said = quality.assumed_when if quality else None
    if said is not None and fact_holds(container, said) is not True:
        return f"{said.attribute or said.path} that says {said.pattern!r}"
    if quality is not None and quality.unknown_without and not _present_flags(container, product):
        return quality.unknown_without
    flags = _flags(container, product)
    return next((flag.path for flag in flags if flag.required and flag.path not in container), "")


def _bit_names(container: Container, product: Product) -> tuple[str, ...]:
    if product.quality is None:
        return ()
    rule = product.quality.bits
    if rule is None or rule.path not in container:
        flags = _present_flags(container, product)
        return tuple(flag.name for flag in flags) if len(flags) > 1 else ()
    if rule.names:
        return rule.names
    text = str(container.attributes_of(rule.path).get(rule.names_attribute or "", ""))
    return tuple(name for name in re.split(r"[,;\s]+", text.strip("[]'\"")) if name)


def _check_shapes(container: Container, granule: Granule) -> None:
    for name, source in granule.sources.items():
        wanted = granule.shape_of(name, granule.count)[1:]
        for path in source.paths:
            rest = rest_of(container, granule.frame, source, path)
            if name == "sounding_id" and rest and container.entry(path).dtype == np.dtype("S1"):
                rest = rest[:-1]  # letters of a text are no axis
            if rest is None or (source.compute in _SAME_SHAPE and rest != wanted):
                _refuse_shape(container, granule, path, wanted, granule.dims_of(name))
    corners = granule.footprint
    if corners is not None and corners.kind == "corners":
        for axis in (corners.latitude, corners.longitude):
            rest = granule.frame.rest_of(container, str(axis))
            if rest is None or rest[len(corners.select) :] != (4,):
                _refuse_shape(container, granule, str(axis), (4,), ("sounding", "corner"))


def _refuse_shape(
    container: Container, granule: Granule, path: str, wanted: tuple[int, ...], dims: tuple[str, ...]
) -> None:
    raise NotAGranuleError(
        f"{path} has shape {container.shape_of(path)}",
        where=granule.path,
        expected=f"{(*granule.frame.shape, *wanted)} ({', '.join(dims)})",
        fix="the file was rewritten with other dimensions; use the original",
    )

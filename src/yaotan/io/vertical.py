"""Levels or layers: which of the two a file holds, where its product leaves that open, and how many."""

from __future__ import annotations

from collections.abc import Mapping

from yaotan.catalog.product import Product
from yaotan.catalog.variable import Source
from yaotan.io.container import Container
from yaotan.io.derive import COMPUTATIONS
from yaotan.io.frame import Frame
from yaotan.io.variable import native_dims


def settle_vertical(
    container: Container, product: Product, frame: Frame, sources: Mapping[str, Source]
) -> tuple[Product, dict[str, Source], dict[str, str]]:
    """Tell levels from layers.

    Parameters
    ----------
    container : Container
        The open file.
    product : Product
        What it is.
    frame : Frame
        Its soundings.
    sources : mapping
        Variables that it offers.

    Returns
    -------
    product : Product
        With a `vertical` that holds for this file; as it was where the product leaves nothing open.
    sources : dict
        Those that can be used.
    notes : dict
        ``not_used``: profiles that are left out, for nothing says at which pressure they are.
    """
    if product.vertical_choices:
        return _choose(container, product, sources)
    if product.vertical is not None and product.vertical.kind == "either":
        return *_count(container, product, frame, sources), {}
    return product, dict(sources), {}


def _count(
    container: Container, product: Product, frame: Frame, sources: Mapping[str, Source]
) -> tuple[Product, dict[str, Source]]:
    """Tell levels from layers, which differ between editions, by the number of pressures."""
    vertical = product.vertical
    assert vertical is not None
    assert vertical.test is not None
    kind, unused = "level", "pressure_edge"
    profiles = {name: source for name, source in sources.items() if name != "pressure_level"}
    values = vertical_size(container, product, frame, profiles)
    rest = frame.rest_of(container, vertical.test) if vertical.test in container else None
    if values and rest == (values + 1,):
        kind, unused = "layer", "pressure_level"
    concrete = {"vertical": vertical.model_copy(update={"kind": kind})}
    return product.model_copy(update=concrete), {n: s for n, s in sources.items() if n != unused}


def _choose(
    container: Container, product: Product, sources: Mapping[str, Source]
) -> tuple[Product, dict[str, Source], dict[str, str]]:
    chosen = next((rule for rule in product.vertical_choices if rule.test in container), None)
    kept, notes = dict(sources), {}
    if chosen is None:
        lost = [name for name in sources if _is_vertical(product, name)]
        kept = {name: source for name, source in sources.items() if name not in lost}
        if lost:
            notes["not_used"] = f"{', '.join(lost)}: no pressures or altitudes to tell their order from"
    return product.model_copy(update={"vertical": chosen}), kept, notes


def _is_vertical(product: Product, name: str) -> bool:
    return bool({"level", "layer", "edge"} & set(native_dims(product, name)))


def vertical_size(container: Container, product: Product, frame: Frame, sources: Mapping[str, Source]) -> int:
    """Give the number of levels or layers; 0 where the file has no profile."""
    for name, source in sources.items():
        if "level" in native_dims(product, name) and not COMPUTATIONS[source.compute].vertical:
            rest = rest_of(container, frame, source, source.paths[0])
            if rest is not None and len(rest) == 1:
                return rest[0]
    return 0


def rest_of(container: Container, frame: Frame, source: Source, path: str) -> tuple[int, ...] | None:
    """Give the shape of a dataset beyond soundings and selection; None where it lacks the axes of these."""
    if path in source.shared:
        return container.shape_of(path)
    rest = frame.rest_of(container, path, trailing=source.trailing)
    selects = path in (source.selected or source.paths)
    return rest[len(source.select) :] if rest and selects else rest

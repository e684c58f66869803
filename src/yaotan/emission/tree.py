"""Which region is part of which: cities, provinces, nation, and the matrix that sums them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import SchemaError

if TYPE_CHECKING:
    import pandas as pd

#: region -> the region that it is part of, or a table with the columns ``region`` and ``parent``
Hierarchy: TypeAlias = "Mapping[str, str] | pd.DataFrame"
_WHERE = "hierarchy"


@dataclass(frozen=True)
class RegionTree:
    """Nodes in one order, which of them are leaves, and what sums leaves to nodes.

    Attributes
    ----------
    nodes : tuple of str
        Every region, in the order asked for.
    leaves : tuple of str
        Regions that have no parts, in the order of `nodes`.
    summing : numpy.ndarray of float, shape (node, leaf)
        1 where a leaf is part of a node, or is it.
    parent : dict of str to str
        Region to the region that it is part of; the top has none.
    """

    nodes: tuple[str, ...]
    leaves: tuple[str, ...]
    summing: NDArray[np.float64]
    parent: dict[str, str]


def read_tree(hierarchy: Hierarchy, regions: Sequence[str]) -> RegionTree:
    """Read a hierarchy and put its nodes in order: known regions first, then those that only it names.

    Parameters
    ----------
    hierarchy : mapping or pandas.DataFrame
        Part to whole: ``{"370100": "370000", "370000": "CN"}``, or a table with the columns ``region`` and
        ``parent`` (an empty parent: the top).
    regions : sequence of str
        Regions that have an estimate.

    Returns
    -------
    RegionTree
        Of all regions.

    Raises
    ------
    SchemaError
        A region is part of itself or of two others, or has an estimate and no place in the hierarchy.

    Examples
    --------
    >>> tree = read_tree({"a": "all", "b": "all"}, ["all", "a", "b"])
    >>> tree.leaves, tree.summing.tolist()
    (('a', 'b'), [[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    """
    parent = _parents(hierarchy)
    named = dict.fromkeys([*parent, *parent.values()])
    doubled = sorted({name for name in regions if list(regions).count(name) > 1})
    if doubled:
        raise SchemaError(f"regions stand twice in the estimates: {_list(doubled)}", where=_WHERE)
    stray = [name for name in regions if name not in named]
    if stray:
        near = get_close_matches(stray[0], named, 1)
        hint = f" (near to {stray[0]!r}: {near[0]!r})" if near else ""
        raise SchemaError(
            f"{len(stray)} regions of the estimates are not in the hierarchy: {_list(stray)}{hint}",
            where=_WHERE, expected="every region with an estimate has its place in the hierarchy",
            fix="add the region with its parent, or leave its estimate out",
        )  # fmt: skip
    known = set(regions)
    nodes = (*regions, *(name for name in named if name not in known))
    return _build(nodes, parent)


def _build(nodes: tuple[str, ...], parent: dict[str, str]) -> RegionTree:
    wholes = set(parent.values())
    leaves = tuple(name for name in nodes if name not in wholes)
    row = {name: number for number, name in enumerate(nodes)}
    summing = np.zeros((len(nodes), len(leaves)))
    for number, leaf in enumerate(leaves):
        for node in _line(leaf, parent):
            summing[row[node], number] = 1.0
    idle = [name for name in nodes if not summing[row[name]].any()]
    if idle:
        raise SchemaError(f"{_list(idle)} are parts of themselves", where=_WHERE, fix="mend the parents")
    return RegionTree(nodes, leaves, summing, parent)


def _line(leaf: str, parent: dict[str, str]) -> list[str]:
    """A leaf and all that it is part of, up to the top."""
    line = [leaf]
    while line[-1] in parent:
        whole = parent[line[-1]]
        if whole in line:
            raise SchemaError(
                f"{whole!r} is part of itself ({' > '.join([*line, whole])})", where=_WHERE,
                fix="mend the parents",
            )  # fmt: skip
        line.append(whole)
    return line


def _parents(hierarchy: Hierarchy) -> dict[str, str]:
    pairs: list[tuple[Hashable, Any]]
    if isinstance(hierarchy, Mapping):
        pairs = list(hierarchy.items())
    else:
        missing = [name for name in ("region", "parent") if name not in hierarchy]
        if missing:
            raise SchemaError(
                f"the table has no column {missing[0]}", where=_WHERE, expected="columns region and parent"
            )
        pairs = list(zip(hierarchy["region"], hierarchy["parent"], strict=True))
    parent: dict[str, str] = {}
    for part, whole in pairs:
        if not isinstance(part, str) or not part:
            raise SchemaError(f"a region is {part!r}", where=_WHERE, expected="its name as a text")
        if not isinstance(whole, str) or not whole:
            continue
        if parent.setdefault(part, whole) != whole:
            raise SchemaError(
                f"{part!r} is part of both {parent[part]!r} and {whole!r}", where=_WHERE,
                expected="one parent for each region",
            )  # fmt: skip
    if not parent:
        raise SchemaError(
            "names no region that is part of another", where=_WHERE, expected="part: whole, ..."
        )
    return parent


def _list(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(map(str, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"

"""Which gridded product of others a file is, told by its content."""

from __future__ import annotations

import re
from pathlib import Path

from yaotan.catalog.grid import GridProduct, grid_products
from yaotan.errors import AmbiguousLayoutError
from yaotan.io.assemble import fact_holds
from yaotan.io.container import Container


def match_product(container: Container) -> GridProduct | None:
    """Tell which gridded product a file is, by its content; the name only adds evidence.

    Raises
    ------
    AmbiguousLayoutError
        Two products fit equally well.
    """
    scored = [
        (score, entry) for entry in grid_products().values() if (score := _score(container, entry)) >= 0
    ]
    if not scored:
        return None
    best = max(score for score, _ in scored)
    winners = [entry for score, entry in scored if score == best]
    if len(winners) > 1:
        raise AmbiguousLayoutError(
            f"may be {' or '.join(entry.product for entry in winners)}",
            where=container.path,
            fix="give product=",
        )
    return winners[0]


def _score(container: Container, entry: GridProduct) -> int:
    rule = entry.identify
    if not (rule.required or rule.any_of) or not all(path in container for path in rule.required):
        return -1
    if any(path in container for path in rule.forbidden):
        return -1
    if rule.any_of and not any(path in container for path in rule.any_of):
        return -1
    axes = (
        (*entry.axes.latitude, *entry.axes.latitude_bounds),
        (*entry.axes.longitude, *entry.axes.longitude_bounds),
    )
    if not all(any(path in container for path in paths) for paths in axes):
        return -1
    score = 0
    for fact in rule.facts:
        holds = fact_holds(container, fact)
        if holds is False:
            return -1
        score += 2 * bool(holds)
    if any(fact_holds(container, fact) is False for fact in rule.consistent):
        return -1
    score += sum(path in container for path in rule.evidence)
    if score < rule.minimum_evidence:
        return -1
    return (
        score
        + len(rule.required)
        + bool(rule.file_name and re.search(rule.file_name, Path(container.path).name))
    )

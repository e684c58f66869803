"""Places that were merged or parted, so that one code counts different areas over the years."""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import Field

from yaotan.catalog.problem import read_entry
from yaotan.catalog.rule import Entry
from yaotan.catalog.source import root


class BoundaryChange(Entry):
    """A place that was merged into `others`, or parted from them, in `year`."""

    name: str
    name_zh: str
    code: str
    kind: Literal["merged", "parted"]
    year: int
    others: tuple[str, ...] = Field(min_length=1)
    text: str
    source: str
    check: str


class BoundaryCatalog(Entry):
    """The whole of ``catalogs/boundary_changes.yaml``."""

    changes: dict[str, BoundaryChange]


@cache
def boundary_changes() -> dict[str, BoundaryChange]:
    """Give the known changes of boundaries.

    Returns
    -------
    dict
        Name to change.

    Raises
    ------
    CatalogError
        The packaged file is wrong.

    Examples
    --------
    >>> boundary_changes()["laiwu"].others
    ('370100',)
    """
    return read_entry(BoundaryCatalog, root() / "boundary_changes.yaml").changes

"""What targets must be before anything is learned from them."""

from __future__ import annotations

import numpy as np

from yaotan.emission.panel import Panel
from yaotan.errors import PanelError


def check_target(known: Panel) -> None:
    """Refuse targets whose logarithm cannot be learned.

    Parameters
    ----------
    known : Panel
        The rows to learn from.

    Raises
    ------
    PanelError
        There is none, an emission is 0, or all are equal.
    """
    values = known.values()
    if not len(values):
        raise PanelError("no row has a target that may be used", where="fit")
    if (values == 0).any():
        rows = known.table[values == 0]
        raise PanelError(
            f"{len(rows)} emissions are 0, the first of {rows['region'].iloc[0]} {rows['period'].iloc[0]}",
            where="fit",
            expected="emissions above 0, whose logarithm is learned",
            fix="flag these rows",
        )
    if np.ptp(values) <= 1e-12 * values.max():
        raise PanelError(
            f"all {len(values)} targets are {values[0]:g}", where="fit", fix="there is nothing to learn"
        )

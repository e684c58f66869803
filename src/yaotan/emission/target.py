"""What targets must be before anything is learned from them."""

from __future__ import annotations

from collections.abc import Iterable

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
        There is none, an emission is 0, all are equal, or all are of one region (or cities of one province).
    """
    values = known.values()
    if not len(values):
        raise PanelError(
            "no row has a target that may be used", where="fit",
            expected="a figure in some rows that is not flagged",
            fix="look whether the right column is the target, or estimate with a saved model",
        )  # fmt: skip
    if (values == 0).any():
        rows = known.table[values == 0]
        raise PanelError(
            f"{len(rows)} emissions are 0, the first of {rows['region'].iloc[0]} {rows['period'].iloc[0]}",
            where="fit",
            expected="emissions above 0, whose logarithm is learned",
            fix="flag these rows (a column of role flag), or leave them empty",
        )
    if np.ptp(values) <= 1e-12 * values.max():
        raise PanelError(
            f"all {len(values)} targets are {values[0]:g}", where="fit",
            expected="targets that differ between regions or years",
            fix="look whether the right column is the target: there is nothing to learn",
        )  # fmt: skip
    if known.group.nunique() < 2:
        raise PanelError(
            f"targets of one {known.level} only: {known.group.iloc[0]}", where="fit",
            expected="two provinces or more, so that errors for an unseen one can be known",
            fix="give a panel with further regions",
        )  # fmt: skip


def check_features(known: Panel, names: Iterable[str]) -> None:
    """Refuse features without any value.

    Parameters
    ----------
    known : Panel
        The rows to learn from.
    names : iterable of str
        Of features.

    Raises
    ------
    PanelError
        Names them.
    """
    empty = [name for name in names if known.table[name].isna().all()]
    if empty:
        raise PanelError(
            f"no value of {', '.join(empty)}", where="the rows that a model is to learn from",
            expected="a value in some of them",
            fix="leave the feature out: ignore it in the description, or panel.select(features=...)",
        )  # fmt: skip

"""Whether a question may be asked of a panel: said before anything is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from yaotan.emission.health import WHOLE, check_panel
from yaotan.emission.interval import least_units
from yaotan.emission.panel import Panel
from yaotan.emission.split import splits
from yaotan.emission.target import check_features, check_target
from yaotan.errors import PanelError

if TYPE_CHECKING:
    import pandas as pd

_WHERE: Final = "panel"
#: findings that a message names; `check_panel` lists all
_NAMED: Final = 5


def admit_panel(
    panel: Panel, question: str, *, level: float = 0.9, folds: int = 10, lag: int = 2, trained: bool = False
) -> pd.DataFrame:
    """Refuse a panel of which a question cannot be asked, or whose health forbids it.

    Parameters
    ----------
    panel : Panel
    question : str
        As in `yaotan.emission.splits`.
    level : float
        Of the intervals.
    folds, lag : int
        Of the validation.
    trained : bool
        A model is there, so that nothing is learned from this panel.

    Returns
    -------
    pandas.DataFrame
        Findings of `check_panel` that are no errors: warnings and notes.

    Raises
    ------
    PanelError
        No target, targets that are all equal or 0, one region only, too few regions for the level, a feature
        without any value, no fold, or a finding that is an error (an unknown code, a placeholder without a
        flag, a column that follows the target as only the target does, ...).
    """
    known = panel.observed()
    check_target(known)
    if not trained:
        _check_count(known, question, level)
        check_features(known, panel.scales if question != "no_inventory" else panel.features)
    found = check_panel(panel)
    errors = found[found["severity"] == "error"]
    if len(errors):
        named = "; ".join(_name(row) for _, row in errors.head(_NAMED).iterrows())
        more = f"; and {len(errors) - _NAMED} more" if len(errors) > _NAMED else ""
        raise PanelError(
            f"its health forbids it: {named}{more}", where=_WHERE,
            expected="no finding of check_panel that is an error",
            fix="mend the table; mark rows that are not to be used (a column of role flag); declare a column "
            "made from the target (derived_from_target) or ignore it",
        )  # fmt: skip
    splits(panel, question, folds=folds, lag=lag)
    return found


def _check_count(known: Panel, question: str, level: float) -> None:
    groups = int(known.group.nunique())
    # one is left out to be scored, and the others leave one out to choose
    least = max(3 if question == "no_inventory" else 2, least_units(level))
    if groups < least:
        raise PanelError(
            f"{groups} regions report, which cannot bear an interval of {100 * level:g} %", where="level",
            expected=f"{least} regions or more with a target",
            fix="ask for a lower level (90 % takes 9 regions, 80 % takes 4), or give more regions",
        )  # fmt: skip


def _name(row: pd.Series) -> str:
    import pandas as pd

    place = [] if row["region"] == WHOLE else [str(row["region"])]
    if not pd.isna(row["period"]):
        place.append(str(int(row["period"])))
    of = " of ".join(part for part in (str(row["column"]), " ".join(place)) if part)
    value = f" ({row['value']:.4g})" if np.isfinite(row["value"]) else ""
    return f"{str(row['finding']).replace('_', ' ')}: {of}{value}, expected {row['expected']}"

"""Splits: which rows may be learned from and which are estimated, for each of the three questions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yaotan.emission.panel import Panel
from yaotan.errors import PanelError

Rows = NDArray[np.intp]

#: question -> its protocols, the first one by default
PROTOCOLS: Final[dict[str, tuple[str, ...]]] = {
    "no_inventory": ("leave_province_out", "leave_region_out"),
    "nowcast": ("forward", "province_forward"),
    "infill": ("gaps",),
    "random": ("random_rows",),
}
#: years of targets that the first nowcast may learn from
FIRST_YEARS: Final = 4
#: why a protocol is no answer to anybody's question
LEAKY: Final = "rows of one region stand on both sides: the score says how well a model remembers regions"


@dataclass(frozen=True, eq=False)
class Fold:
    """One round: positions of the rows that are learned from and of those that are estimated.

    Attributes
    ----------
    train, test : numpy.ndarray of int
        Positions in the table of the panel.
    name : str
        Which region, zone or year is estimated.
    year : int, optional
        Of a nowcast: the year that is estimated, and the year in which it is made.
    """

    train: Rows
    test: Rows
    name: str
    year: int | None = None


@dataclass(frozen=True, eq=False)
class Splits:
    """The folds of one protocol.

    Attributes
    ----------
    question : str
        ``no_inventory``, ``nowcast``, ``infill`` or ``random``.
    protocol : str
        One of `PROTOCOLS` of the question.
    folds : tuple of Fold
    lag : int
        Of a nowcast: years until a target is known.
    """

    question: str
    protocol: str
    folds: tuple[Fold, ...]
    lag: int = 2

    @property
    def leaky(self) -> bool:
        """Whether the protocol is only a contrast."""
        return self.question == "random"

    def __iter__(self) -> Iterator[Fold]:
        """Go through the folds."""
        return iter(self.folds)

    def check(self, panel: Panel) -> None:
        """Refuse folds in which a model could see what it is asked for.

        Parameters
        ----------
        panel : Panel
            The one that the folds were made for.

        Raises
        ------
        PanelError
            A row is on both sides, or out of the panel; a province (zone) is on both sides of a fold that
            is to leave it out; a nowcast learns from targets that are not known yet.
        """
        for fold in self.folds:
            problem = _find_leak(self, fold, panel)
            if problem:
                raise PanelError(
                    problem,
                    where=f"splits {self.protocol}, fold {fold.name}",
                    expected="what is estimated is not learned from",
                    fix='make them with splits(panel, question); "random" is the labelled contrast',
                )


def _find_leak(made: Splits, fold: Fold, panel: Panel) -> str:
    if len(fold.train) == 0 or len(fold.test) == 0:
        return f"{len(fold.train)} rows to learn from and {len(fold.test)} to estimate"
    both = np.concatenate([fold.train, fold.test])
    if both.min() < 0 or both.max() >= len(panel):
        return f"a row is not among the {len(panel)} of the panel"
    if np.intersect1d(fold.train, fold.test).size:
        return "rows are learned from and estimated"
    if made.protocol in ("leave_province_out", "leave_region_out", "province_forward"):
        unit = panel.table["zone"] if made.protocol == "leave_region_out" else panel.group
        shared = set(unit.iloc[fold.train]) & set(unit.iloc[fold.test])
        if shared:
            return f"{', '.join(sorted(shared)[:5])} is learned from and estimated"
    if made.question == "nowcast":
        years = panel.table["period"].to_numpy()
        if fold.year is None or (years[fold.test] != fold.year).any():
            return "a fold of a nowcast estimates one year"
        if years[fold.train].max() > fold.year - made.lag:
            return f"targets of {years[fold.train].max()} are not known in {fold.year} (lag {made.lag})"
    return ""


def splits(
    panel: Panel,
    question: str,
    *,
    protocol: str | None = None,
    lag: int = 2,
    folds: int = 10,
    first: int | None = None,
    seed: int = 0,
) -> Splits:
    """Make the folds that answer one question; only rows with a target are in them.

    Parameters
    ----------
    panel : Panel
        With a target.
    question : str
        ``"no_inventory"``: a region of which no year is known. ``"nowcast"``: the years that an inventory
        lags behind; the year t is estimated from targets up to t - `lag` (expanding window).
        ``"infill"``: gaps between known years. ``"random"``: rows drawn at random, no question at all, only
        the contrast that shows what it hides.
    protocol : str, optional
        ``"leave_province_out"`` (default of no_inventory; all cities of a province leave together) or
        ``"leave_region_out"`` (by ``zone``); ``"forward"`` (default of nowcast) or ``"province_forward"``
        (no target of the province, and none after t - `lag`); ``"gaps"``; ``"random_rows"``.
    lag : int
        Years until a target is known. Two, as provincial inventories of China have been.
    folds : int
        Number of folds into which provinces, gaps or rows are put; at most one for each province.
    first : int, optional
        First year of a nowcast; by default the first with four years of targets before its lag.
    seed : int
        Of gaps and random rows. Provinces are put into folds by their number of rows, without chance.

    Returns
    -------
    Splits
        Already checked against the panel.

    Raises
    ------
    PanelError
        The question or protocol is unknown, the panel has one province only, no zone, or too few years.

    Examples
    --------
    >>> import pandas as pd
    >>> from yaotan.emission import PanelColumn
    >>> rows = [(r, y, 1.0) for r in "abc" for y in range(2001, 2009)]
    >>> panel = Panel(pd.DataFrame(rows, columns=["region", "period", "co2"]),
    ...               (PanelColumn("co2", "target", "Mt yr-1"),))
    >>> made = splits(panel, "nowcast")
    >>> [(fold.year, len(fold.train)) for fold in made]
    [(2006, 12), (2007, 15), (2008, 18)]
    """
    if question not in PROTOCOLS:
        raise PanelError(f"question {question!r} is unknown", where="splits", expected=", ".join(PROTOCOLS))
    known = PROTOCOLS[question]
    protocol = known[0] if protocol is None else protocol
    if protocol not in known:
        raise PanelError(
            f"{question} has no protocol {protocol!r}", where="splits", expected=", ".join(known)
        )
    least = 1 if question == "nowcast" else 0
    if lag < least or folds < 2:
        raise PanelError(
            f"lag {lag}, folds {folds}", where="splits",
            expected=f"a lag of {least} or more for {question}, 2 folds or more",
        )  # fmt: skip
    rows = np.flatnonzero(panel.has_target)
    if not len(rows):
        raise PanelError("no row has a target that may be used", where="splits")
    if protocol == "leave_province_out":
        made = _leave_out(rows, panel.group.to_numpy()[rows], folds, panel.level)
    elif protocol == "leave_region_out":
        made = _leave_out(rows, _zones(panel)[rows], None, "zone")
    elif protocol == "random_rows":
        made = _random_rows(rows, folds, seed)
    elif protocol == "gaps":
        made = _gaps(panel, rows, folds, seed)
    else:
        made = _forward(panel, rows, lag, first, folds if protocol == "province_forward" else None)
    result = Splits(question, protocol, tuple(made), lag)
    result.check(panel)
    return result


def _zones(panel: Panel) -> NDArray[np.object_]:
    if "zone" not in panel.table:
        raise PanelError(
            "the panel has no column zone", where="splits leave_region_out", fix="panel.with_columns"
        )
    zones: NDArray[np.object_] = panel.table["zone"].to_numpy()
    return zones


def _leave_out(rows: Rows, unit: NDArray[np.object_], folds: int | None, name: str) -> list[Fold]:
    from sklearn.model_selection import GroupKFold, LeaveOneGroupOut

    names = sorted(set(unit))
    if len(names) < 2:
        raise PanelError(
            f"only {len(names)} {name} has targets: {', '.join(map(str, names))}",
            where="splits",
            expected="two or more, so that one can be left out",
        )
    maker = LeaveOneGroupOut() if folds is None else GroupKFold(min(folds, len(names)))
    return [
        Fold(rows[train], rows[test], " ".join(sorted(set(unit[test]))))
        for train, test in maker.split(rows, groups=unit)
    ]


def _random_rows(rows: Rows, folds: int, seed: int) -> list[Fold]:
    from sklearn.model_selection import KFold

    maker = KFold(min(folds, len(rows)), shuffle=True, random_state=seed)
    return [
        Fold(rows[train], rows[test], f"{n}") for n, (train, test) in enumerate(maker.split(rows), start=1)
    ]


def _forward(panel: Panel, rows: Rows, lag: int, first: int | None, folds: int | None) -> list[Fold]:
    years = panel.table["period"].to_numpy()[rows]
    begin = int(years.min()) + FIRST_YEARS + lag - 1 if first is None else first
    wanted = [int(year) for year in np.unique(years) if year >= begin and (years <= year - lag).any()]
    if not wanted:
        raise PanelError(
            f"targets of {years.min()} to {years.max()} leave no year to be estimated from {begin} on",
            where="splits",
            expected=f"a year with targets {lag} years and more before it",
        )
    if folds is None:
        return [Fold(rows[years <= y - lag], rows[years == y], str(y), y) for y in wanted]
    outer = _leave_out(rows, panel.group.to_numpy()[rows], folds, panel.level)
    made = []
    for year in wanted:
        for fold in outer:
            train = np.intersect1d(fold.train, rows[years <= year - lag])
            test = np.intersect1d(fold.test, rows[years == year])
            if len(train) and len(test):
                made.append(Fold(train, test, f"{fold.name} {year}", year))
    return made


def _gaps(panel: Panel, rows: Rows, folds: int, seed: int) -> list[Fold]:
    """Give every region gaps of two to four years inside its record, spread over the folds."""
    rng = np.random.default_rng(seed)
    regions = panel.table["region"].to_numpy()[rows]
    label = np.full(len(rows), -1)
    for region in dict.fromkeys(regions):
        inside = np.flatnonzero(regions == region)[1:-1]
        at, fold = 0, int(rng.integers(folds))
        while at < len(inside):
            length = int(rng.integers(2, 5))
            label[inside[at : at + length]] = fold
            at, fold = at + length, (fold + 1) % folds
    made = [Fold(rows[label != n], rows[label == n], f"{n + 1}") for n in range(folds)]
    made = [fold for fold in made if len(fold.test)]
    if not made:
        raise PanelError("no region has three years with targets", where="splits gaps")
    return made

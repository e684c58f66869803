"""Paired bootstrap over provinces: what a difference of two scores is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from yaotan.errors import YaotanError


@dataclass(frozen=True)
class Skill:
    """Share of a baseline's error that a model takes away, with its interval.

    Attributes
    ----------
    value, lower, upper : float
        1 - error of the model / error of the baseline.
    measure : str
        ``rmse`` or ``wmape``.
    level : float
    groups, rows : int
        Provinces and rows that were compared.
    """

    value: float
    lower: float
    upper: float
    measure: str
    level: float
    groups: int
    rows: int

    @property
    def shown(self) -> bool:
        """Whether the model is shown to be better: the whole interval lies above zero."""
        return self.lower > 0.0

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``not shown to be better``."""
        return "better" if self.lower > 0 else "worse" if self.upper < 0 else "not shown to be better"


def skill(
    observed: ArrayLike,
    model: ArrayLike,
    baseline: ArrayLike,
    group: ArrayLike,
    *,
    measure: str = "rmse",
    level: float = 0.9,
    draws: int = 4000,
    seed: int = 0,
) -> Skill:
    """Compare two estimates of the same rows, with provinces drawn whole.

    Rows of one province share their errors, so provinces, not rows, are drawn with replacement, the same ones
    for both estimates (percentile interval, Efron and Tibshirani 1993, chapter 13).

    Parameters
    ----------
    observed, model, baseline : array_like
        ``(n,)`` in one unit, finite.
    group : array_like
        ``(n,)``: province of each row (of a city: its province).
    measure : str
        ``"rmse"`` or ``"wmape"``.
    level : float
        Probability of the interval.
    draws, seed : int
        Of the bootstrap.

    Returns
    -------
    Skill
        With one province the interval is infinite: there is nothing to draw.

    Raises
    ------
    YaotanError
        The measure is unknown.

    Notes
    -----
    With about 30 provinces the interval is itself uncertain, and it says nothing about years that differ
    from those scored.

    Examples
    --------
    >>> made = skill([1.0, 2.0, 3.0], [1.1, 2.1, 3.1], [1.2, 2.2, 3.2], ["a", "b", "c"])
    >>> round(made.value, 3), made.verdict
    (0.5, 'better')
    """
    y, p, b = (np.asarray(part, float) for part in (observed, model, baseline))
    power = {"rmse": 2, "wmape": 1}.get(measure)
    if power is None:
        raise YaotanError(f"measure {measure!r} is unknown", where="skill", expected="rmse, wmape")
    names, place = np.unique(np.asarray(group).astype(str), return_inverse=True)
    ours = np.bincount(place, np.abs(p - y) ** power)
    theirs = np.bincount(place, np.abs(b - y) ** power)

    def share(a: np.ndarray, c: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            made: np.ndarray = 1.0 - (a / c) ** (1.0 / power)
        return made

    value = float(share(ours.sum(), theirs.sum()))
    if len(names) < 2:
        return Skill(value, -np.inf, np.inf, measure, level, len(names), len(y))
    count = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), draws)
    drawn = share(count @ ours, count @ theirs)
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Skill(value, float(low), float(high), measure, level, len(names), len(y))

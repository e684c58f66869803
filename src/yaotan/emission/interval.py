"""Grouped conformal intervals: errors for provinces that were left out, one province as one unit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.errors import PanelError

if TYPE_CHECKING:
    import pandas as pd

Values = NDArray[np.float64]
#: draws of one row from each province
DRAWS: Final = 100
#: class of every row where none are told apart
ALL: Final = "all"


def least_units(level: float) -> int:
    """Give the number of provinces below which no interval of a level has an end: 1 / (1 - level) - 1.

    Raises
    ------
    PanelError
        The level is no probability between 0 and 1.

    Examples
    --------
    >>> least_units(0.9), least_units(0.95)
    (9, 19)
    """
    if not 0.0 < level < 1.0:
        raise PanelError(
            f"a level of {level:g}", where="level", expected="a probability between 0 and 1, such as 0.9"
        )
    return math.ceil(1.0 / (1.0 - level) - 1.0 - 1e-9)


def is_largest(units: int, level: float) -> bool:
    """Tell whether the bound rests on the largest error of all units: ceil((n + 1) level) = n.

    Examples
    --------
    >>> is_largest(30, 0.95), is_largest(30, 0.9)
    (True, False)
    """
    return math.ceil((units + 1) * level - 1e-9) == units


@dataclass
class GroupedConformal:
    r"""Half-widths, on the logarithm, that cover a row of a province not seen with a stated probability.

    Rows of one province share most of their error, so they are no exchangeable units. One row of each
    province is drawn, crepes' split conformal takes the :math:`\lceil (n+1)(1-a) \rceil`-th smallest of the n
    scores, and half-widths of `DRAWS` such draws are averaged (repeated subsampling, Dunn, Wasserman and
    Ramdas 2023, J. Am. Stat. Assoc. 118, 2491). Scores are absolute residuals, over `sigma` where rows are
    not equally hard (normalised), within each class where classes are given (Mondrian).

    Parameters
    ----------
    seed : int
        Of the draws.

    Notes
    -----
    The promise is for a province drawn like those seen, on average over provinces, and not for each one. It
    does not hold for a province outside the domain, nor for years unlike those seen.

    Examples
    --------
    >>> made = GroupedConformal().fit(np.linspace(-1, 1, 19), [f"p{n}" for n in range(19)])
    >>> float(made.half_width(0.9)[0])
    1.0
    """

    seed: int = 0
    scores_: dict[str, Values] = field(default_factory=dict, repr=False)
    signed_: dict[str, Values] = field(default_factory=dict, repr=False)

    def fit(
        self,
        residual: ArrayLike,
        group: ArrayLike,
        *,
        sigma: ArrayLike | None = None,
        label: ArrayLike | None = None,
        signed: bool = False,
    ) -> GroupedConformal:
        """Keep what each draw of one row from each province gives.

        Parameters
        ----------
        residual : array_like
            ``(n,)`` of rows whose province was left out of the fit.
        group, label : array_like, optional
            ``(n,)`` province and class of each row.
        sigma : array_like, optional
            ``(n,)`` difficulty of each row, above 0.
        signed : bool
            The residuals are scores as they are (of CQR: distance outside the band, negative inside).
        """
        r, of = np.asarray(residual, float), np.asarray(group).astype(str)
        s = np.ones(len(r)) if sigma is None else np.asarray(sigma, float)
        kind = np.full(len(r), ALL) if label is None else np.asarray(label).astype(str)
        rng = np.random.default_rng(self.seed)
        for name in np.unique(kind):
            at = np.flatnonzero(kind == name)
            units = [at[of[at] == one] for one in np.unique(of[at])]
            picks = np.array([rng.choice(rows, DRAWS) for rows in units])
            self.signed_[str(name)] = r[picks] / s[picks]
            self.scores_[str(name)] = self.signed_[str(name)] if signed else np.abs(self.signed_[str(name)])
        return self

    def units(self, label: str = ALL) -> int:
        """Count the provinces of a class, 0 for a class that was never seen."""
        return len(self.scores_.get(label, ()))

    def check(self, level: float, labels: ArrayLike | None = None) -> None:
        """Refuse a level for which a class is too small.

        Raises
        ------
        PanelError
            Names the class, its provinces and how many it would take.
        """
        for name in sorted(set(np.asarray([ALL] if labels is None else labels).astype(str))):
            if self.units(name) < least_units(level):
                raise PanelError(
                    f"{self.units(name)} provinces cannot bear an interval of {100 * level:g} %",
                    where=f"class {name}",
                    expected=f"{least_units(level)} provinces or more",
                    fix="ask for a lower level, or join classes",
                )

    def half_width(
        self, level: float, *, sigma: ArrayLike | None = None, label: ArrayLike | None = None
    ) -> Values:
        """Give the half-width for each row, infinite where its class is too small for the level.

        Parameters
        ----------
        level : float
        sigma, label : array_like, optional
            As in `fit`; one row without both.
        """
        kind = None if label is None else np.asarray(label).astype(str)
        count = 1 if kind is None and sigma is None else len(np.asarray(kind if kind is not None else sigma))
        made = np.full(count, np.inf)
        for name in self.scores_ if kind is not None else (ALL,):
            rows = slice(None) if kind is None else kind == name
            if self.units(name) >= least_units(level):
                made[rows] = self._average(name, level)
        return made if sigma is None else made * np.asarray(sigma, float)

    def prepare(self) -> None:
        """Load what the first half-width needs."""
        for name in self.scores_:
            self._average(name, 0.5)

    def _average(self, name: str, level: float) -> float:
        from crepes import ConformalRegressor

        # crepes takes absolute values: scores with a sign are lifted above 0 and put back
        least = min(float(self.scores_[name].min()), 0.0)
        # 1 - 0.9 is a little less than 0.1 in binary, and crepes rounds (1 - level) (n + 1) down
        wanted, one, widths = level - 1e-9, np.zeros(1), []
        for scores in self.scores_[name].T:
            bounds = ConformalRegressor().fit(scores - least).predict_int(one, confidence=wanted)
            widths.append(float(bounds[0, 1]) + least)
        return float(np.mean(widths))

    def draw(self, rows: int, *, label: ArrayLike | None = None, draws: int = DRAWS) -> Values:
        """Give signed residuals ``(row, draw)``, over their sigma, evenly spaced in those of its class.

        NaN for a class that was never seen.
        """
        kind = np.full(rows, ALL) if label is None else np.asarray(label).astype(str)
        made = np.full((rows, draws), np.nan)
        for name, signed in self.signed_.items():
            made[kind == name] = np.quantile(signed, (np.arange(draws) + 0.5) / draws)
        return made


def label_rows(table: pd.DataFrame, by: str | tuple[str, tuple[float, ...]] = "") -> NDArray[np.str_]:
    """Give the class of each row: one for all, the text of a column, or by a number and its bounds.

    Parameters
    ----------
    table : pandas.DataFrame
        Of a panel.
    by : str or tuple
        Empty; a column of text; or a column of numbers and rising bounds: class ``0`` below the first one,
        and so on, each bound in the class above it.

    Raises
    ------
    PanelError
        There is no such column, or a number is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> label_rows(pd.DataFrame({"people": [1.0, 5.0, 9.0]}), ("people", (5.0,))).tolist()
    ['people 0', 'people 1', 'people 1']
    """
    if not by:
        return np.full(len(table), ALL)
    name, bounds = (by, None) if isinstance(by, str) else by
    if name not in table:
        raise PanelError(f"the panel has no column {name!r}", where="classes")
    if bounds is None:
        return table[name].to_numpy().astype(str)
    values = table[name].to_numpy(float)
    if np.isnan(values).any():
        raise PanelError(f"{name} is missing in {np.isnan(values).sum()} rows", where="classes")
    return np.array([f"{name} {n}" for n in np.searchsorted(np.asarray(bounds), values, side="right")])

"""From the columns of a panel to the numbers that a model learns from, fitted on the rows learned from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yaotan.emission.panel import Panel
from yaotan.emission.panel_column import PanelColumn
from yaotan.emission.target import check_features
from yaotan.errors import PanelError, UnitsError
from yaotan.units import conversion

Values = NDArray[np.float64]
#: what grows with the size of a region: areas, masses, rates of mass, power, and counts above one
EXTENSIVE_UNITS: Final = ("m2", "kg", "kg s-1", "W")
#: median from which a column without dimension is taken for a count
LEAST_COUNT: Final = 100.0
#: share of the median of the positive values that is added before a logarithm where zeros occur
FLOOR_SHARE: Final = 0.01


def is_extensive(entry: PanelColumn, panel: Panel) -> bool:
    """Tell whether a feature grows with the size of its region.

    Scales do; so does what has the unit of a scale (lights of the urban cells where all lights are a scale),
    and what is an area, a mass, a rate of mass or a power. Without dimension only counts do: columns whose
    median is 100 or more. Means, shares and densities do not.

    Parameters
    ----------
    entry : PanelColumn
    panel : Panel
        Its scales are looked at.
    """
    if entry.role == "scale":
        return True
    if entry.unit == "1":
        return bool(panel.table[entry.name].median() >= LEAST_COUNT)
    if entry.unit in {panel.column(name).unit for name in panel.scales}:
        return True
    return _is_size(entry.unit)


@cache
def _is_size(unit: str) -> bool:
    for wanted in EXTENSIVE_UNITS:
        try:
            conversion(unit, wanted)
        except UnitsError:
            continue
        return True
    return False


@dataclass
class Design:
    """Numbers for a model: logarithms, sizes as ratios to one scale, the year, and what was missing.

    A feature that is never negative enters as its logarithm; where zeros occur, a hundredth of the median of
    its positive values is added first. A feature with negative values enters as it is. With a `scale`,
    features that grow with the region enter as ratios to it and the scale itself once. A missing value takes
    the median of the rows learned from, and a column of 0 and 1 says that it was missing. All is learned in
    `fit`.

    Parameters
    ----------
    scale : str
        Known size that others are divided by; none where empty.
    features : tuple of str
        Which to use; all of the panel where empty.

    Raises
    ------
    PanelError
        A feature has no value at all, or is not in the panel.

    Examples
    --------
    >>> from yaotan.emission import PanelColumn
    >>> table = pd.DataFrame({"region": list("ab"), "period": 2001, "people": [1.0, 10.0], "land": 2.0})
    >>> panel = Panel(table, (PanelColumn("people", "scale", "1"), PanelColumn("land", "feature", "km2")))
    >>> made = Design("people").fit(panel)
    >>> made.names_, np.round(made.transform(panel)[:, 1], 3)
    (('people', 'land / people', 'year'), array([ 0.693, -1.609]))
    """

    scale: str = ""
    features: tuple[str, ...] = ()
    used_: tuple[str, ...] = field(default=(), repr=False)
    ratio_: tuple[str, ...] = field(default=(), repr=False)
    floor_: dict[str, float] = field(default_factory=dict, repr=False)
    median_: dict[str, float] = field(default_factory=dict, repr=False)
    gaps_: tuple[str, ...] = field(default=(), repr=False)

    def fit(self, panel: Panel) -> Design:
        """Learn floors, medians and which columns have gaps."""
        matrix = panel.matrix(self.features or None)
        if self.scale and self.scale not in matrix:
            raise PanelError(
                f"{self.scale!r} is no feature of the panel",
                where="scale",
                expected=", ".join(panel.features),
            )
        if not len(matrix.columns):
            raise PanelError(
                "the panel has no feature", where="the rows that a model is to learn from",
                expected="a column of role feature or scale",
            )  # fmt: skip
        check_features(panel, map(str, matrix))
        self.used_ = tuple(str(name) for name in matrix)
        self.ratio_ = tuple(
            name
            for name in self.used_
            if self.scale and name != self.scale and is_extensive(panel.column(name), panel)
        )
        self.floor_ = {name: _find_floor(matrix[name].to_numpy(float)) for name in self.used_}
        self.gaps_ = tuple(name for name in self.used_ if matrix[name].isna().any())
        numbers = self._numbers(panel)
        self.median_ = {name: float(np.nanmedian(numbers[name])) for name in numbers}
        return self

    @property
    def names_(self) -> tuple[str, ...]:
        """What each column of `transform` is."""
        own = [f"{n} / {self.scale}" if n in self.ratio_ else n for n in self.used_]
        return (*own, *(f"{n} missing" for n in self.gaps_), "year")

    def _logarithm(self, values: pd.Series, name: str) -> Values:
        numbers = values.to_numpy(float)
        if not np.isfinite(self.floor_[name]):
            return numbers
        if (numbers < 0).any():
            raise PanelError(
                f"{name} is negative, in the rows learned from it never was",
                where="transform",
                expected="0 or more",
                fix="mend the table, or learn from rows that hold such values too",
            )
        with np.errstate(divide="ignore"):
            made: Values = np.log(numbers + self.floor_[name])
        # a zero where only positive values were learned from has no logarithm and counts as missing
        return np.where(np.isfinite(made), made, np.nan)

    def _numbers(self, panel: Panel) -> dict[str, Values]:
        matrix = panel.matrix(self.used_)
        made = {name: self._logarithm(matrix[name], name) for name in self.used_}
        for name in self.ratio_:
            made[name] = made[name] - made[self.scale] if np.isfinite(self.floor_[name]) else made[name]
        return made

    def transform(self, panel: Panel) -> Values:
        """Give the numbers of a panel's rows, ``(row, column)``, without missing values."""
        numbers = self._numbers(panel)
        columns = [np.where(np.isnan(v), self.median_[n], v) for n, v in numbers.items()]
        columns += [np.isnan(numbers[name]).astype(float) for name in self.gaps_]
        return np.column_stack([*columns, panel.table["period"].to_numpy(float)])

    def log_scale(self, panel: Panel) -> Values:
        """Give the logarithm of the scale, 0 without one: what a model has to add to its answer."""
        if not self.scale:
            return np.zeros(len(panel))
        values = panel.matrix([self.scale])[self.scale].to_numpy(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            made: Values = np.where(values > 0, np.log(values), np.nan)
        return made


def _find_floor(values: Values) -> float:
    """Give what is added before the logarithm; infinite where the feature has negative values."""
    known = values[np.isfinite(values)]
    if (known < 0).any():
        return float("inf")
    if (known > 0).all() or not (known > 0).any():
        return 0.0 if (known > 0).all() else 1.0
    return FLOOR_SHARE * float(np.median(known[known > 0]))

"""Columns that follow the target more closely than any honest column does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from yaotan.emission.panel import Panel

#: Correlations at which a column is taken for the target in disguise. Of the columns of real panels of
#: Chinese provinces and cities (lights, population, land cover, NPP) none is above 0.85 across, 0.43 within;
#: a county map spread from lights and the same statistics has 0.995 and 0.76, the power sector 0.97 and 0.80.
ACROSS: Final = 0.98
WITHIN: Final = 0.90
#: both together
ACROSS_BOTH: Final = 0.95
WITHIN_BOTH: Final = 0.60
#: of a column with the yearly change of the target
CHANGE: Final = 0.90
#: fewest regions for `ACROSS`, and fewest degrees of freedom for `WITHIN` and `CHANGE`
FEWEST_REGIONS: Final = 8
FEWEST_FREE: Final = 20
_ROUNDS: Final = 50


@dataclass(frozen=True)
class Likeness:
    """How closely one column follows the target; NaN where there is too little to say.

    Parameters
    ----------
    column : str
        Name.
    across : float
        Correlation of the means of regions.
    within : float
        Correlation of what is left when the means of regions and of years are taken away.
    change : float
        Correlation with the change of the logarithm of the target from the year before.
    """

    column: str
    across: float
    within: float
    change: float

    @property
    def checked(self) -> bool:
        """Whether any of the three could be worked out."""
        return not bool(np.isnan([self.across, self.within, self.change]).all())

    @property
    def leaks(self) -> bool:
        """Whether the column is taken for the target in disguise."""
        both = self.across >= ACROSS_BOTH and self.within >= WITHIN_BOTH
        return bool(both or self.across >= ACROSS or self.within >= WITHIN or self.change >= CHANGE)


def measure_leaks(panel: Panel) -> list[Likeness]:
    """Measure for each feature how closely it follows the target.

    Parameters
    ----------
    panel : Panel
        Rows without target, or with a flagged one, are not used.

    Returns
    -------
    list of Likeness
        One for each column with role feature or scale, also those declared as derived from the target.

    Notes
    -----
    Logarithms are compared where all values are positive; a column with others is compared with both the
    target and its logarithm, and the larger absolute correlation counts. Means of regions tell a copy of the
    level; what is left after means of regions and of years (removed in turn until nothing changes) a copy of
    the course in time: all emissions rise together, so a common rise is no proof. A product of the target and
    another column shows in time, a mean of the target over years across regions. A column that is only a part
    of the target, or carries much noise, may pass: at 50 % noise only the means tell.
    """
    rows = panel.observed()
    target = rows.table[rows.target.name].to_numpy(float)
    change = np.log(np.where(target > 0, target, np.nan)) - _year_before(rows, target)
    found = []
    for entry in rows.columns:
        if entry.role not in ("feature", "scale"):
            continue
        values = rows.table[entry.name].to_numpy(float)
        pairs = [_pair(rows, x, y) for x, y in _scales(values, target)]
        across = _largest(pair[0] for pair in pairs)
        within = _largest(pair[1] for pair in pairs)
        ok = np.isfinite(values) & np.isfinite(change)
        told = _correlation(values[ok], change[ok]) if ok.sum() >= FEWEST_FREE else np.nan
        found.append(Likeness(entry.name, across, within, abs(told)))
    return found


def _scales(values: Any, target: Any) -> list[tuple[Any, Any]]:
    """Logarithms where all are positive: plain values of large and small regions that grow alike go alike."""
    pairs = [(values, target)]
    if np.nanmin(target, initial=np.inf) > 0:
        if np.nanmin(values, initial=np.inf) > 0:
            return [(np.log(values), np.log(target))]
        pairs.append((values, np.log(target)))
    return pairs


def _year_before(rows: Panel, target: Any) -> Any:
    """Logarithm of the target of the year before, NaN where that year is not there."""
    keys = list(zip(rows.table["region"], rows.table["period"], strict=True))
    value = dict(zip(keys, target, strict=True))
    before = np.array([value.get((region, year - 1), np.nan) for region, year in keys], float)
    return np.log(np.where(before > 0, before, np.nan))


def _pair(rows: Panel, x: Any, y: Any) -> tuple[float, float]:
    ok = np.isfinite(x) & np.isfinite(y)
    table = rows.table[ok]
    regions, region = np.unique(table["region"].to_numpy(str), return_inverse=True)
    years, year = np.unique(table["period"].to_numpy(int), return_inverse=True)
    means = [_means(values[ok], region, len(regions)) for values in (x, y)]
    across = _correlation(*means) if len(regions) >= FEWEST_REGIONS else np.nan
    free = int(ok.sum()) - len(regions) - len(years) + 1
    if free < FEWEST_FREE:
        return across, np.nan
    rests = [_rest(values[ok], region, len(regions), year, len(years)) for values in (x, y)]
    return across, _correlation(*rests)


def _means(values: Any, group: Any, count: int) -> Any:
    return np.bincount(group, values, count) / np.bincount(group, minlength=count)


def _rest(values: Any, region: Any, regions: int, year: Any, years: int) -> Any:
    rest = values - values.mean()
    size = np.abs(rest).max()
    for _ in range(_ROUNDS):
        step = _means(rest, region, regions)[region]
        rest = rest - step
        other = _means(rest, year, years)[year]
        rest = rest - other
        if max(np.abs(step).max(), np.abs(other).max()) <= 1e-9 * size:
            break
    # what is the same in all years leaves nothing but rounding
    return rest if np.abs(rest).max() > 1e-7 * max(size, np.abs(values).max()) else np.zeros_like(rest)


def _correlation(x: Any, y: Any) -> float:
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return float((x * y).sum()) / size if size > 0 else np.nan


def _largest(values: Any) -> float:
    known = [abs(value) for value in values if not np.isnan(value)]
    return max(known) if known else np.nan

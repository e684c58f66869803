"""Known years of regions as one matrix of logarithms, year by region."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yaotan.emission.panel import Panel

Values = NDArray[np.float64]


@dataclass
class History:
    """Logarithms of a quantity, ``(year, region)``, NaN where not known; years without gaps.

    Attributes
    ----------
    years : numpy.ndarray of int
    regions : tuple of str
    logarithm : numpy.ndarray
    """

    years: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    regions: tuple[str, ...] = ()
    logarithm: Values = field(default_factory=lambda: np.zeros((0, 0)), repr=False)

    @classmethod
    def of(cls, panel: Panel, values: Values) -> History:
        """Make it of one value for each row of a panel; what is missing or 0 is not known."""
        years, period = panel.table["period"].to_numpy(), panel.table["period"]
        span = np.arange(years.min(), years.max() + 1)
        regions = tuple(dict.fromkeys(panel.table["region"]))
        made = np.full((len(span), len(regions)), np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithm = np.where(values > 0, np.log(values), np.nan)
        column = {region: n for n, region in enumerate(regions)}
        made[period - span[0], panel.table["region"].map(column)] = logarithm
        return cls(span, regions, made)

    def until(self, year: int) -> History:
        """Give the part up to a year."""
        return History(self.years[self.years <= year], self.regions, self.logarithm[self.years <= year])

    def find(self, regions: object, years: object) -> Values:
        """Give the value of each pair of region and year, NaN where there is none."""
        column = {region: n for n, region in enumerate(self.regions)}
        at = np.array([column.get(str(region), -1) for region in np.asarray(regions)], int)
        row = np.asarray(years, int) - int(self.years[0])
        inside = (at >= 0) & (row >= 0) & (row < len(self.years))
        made = np.full(len(at), np.nan)
        made[inside] = self.logarithm[row[inside], at[inside]]
        return made

    def last_year(self) -> NDArray[np.int64]:
        """Give the last known year of each region, one before the first where there is none."""
        known = np.isfinite(self.logarithm)
        last = len(self.years) - 1 - known[::-1].argmax(axis=0)
        return np.where(known.any(axis=0), self.years[np.clip(last, 0, None)], self.years[0] - 1)

    def growth(self, year: int, span: int) -> tuple[float, Values]:
        """Give yearly growth over `span` years to a year: of all regions together, and of each.

        Of the sum over the regions known in both years; NaN where there are none.
        """
        row = year - int(self.years[0])
        if span < 1 or row - span < 0 or row >= len(self.years):
            return float("nan"), np.full(len(self.regions), np.nan)
        before, after = self.logarithm[row - span], self.logarithm[row]
        both = np.isfinite(before) & np.isfinite(after)
        if not both.any():
            return float("nan"), after - before
        total = np.log(np.exp(after[both]).sum() / np.exp(before[both]).sum())
        return float(total) / span, (after - before) / span

"""Series of one column by region: placeholders, jumps and values carried forward."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Place = tuple[str, int]

#: a placeholder is below this share of the median of its neighbours
PLACEHOLDER: Final = 0.2
#: neighbours in time on each side that are asked
NEIGHBOURS: Final = 3
#: a jump is this many robust standard deviations, and at least this change of the logarithm
JUMP: Final = 6.0
SMALLEST_JUMP: Final = 0.25
#: median absolute deviation to standard deviation of a normal law
_MAD: Final = 1.4826
#: years that one value must stand
REPEATS: Final = 3


def find_placeholders(values: pd.Series) -> dict[Place, float]:
    """Find values far below their neighbours in time.

    Parameters
    ----------
    values : pandas.Series
        Index ``(region, period)``, nothing missing, any unit.

    Returns
    -------
    dict
        Place to the median of the neighbours: of the nearest three years on each side that are there.
        Less than three neighbours tell nothing.

    Notes
    -----
    A run of placeholders longer than the neighbours on one side hides itself where the series begins with it.
    """
    found = {}
    for region, part in values.groupby(level=0):
        years, numbers = part.index.get_level_values(1).to_numpy(int), part.to_numpy(float)
        for place, number in enumerate(numbers):
            near = np.r_[numbers[max(place - NEIGHBOURS, 0) : place], numbers[place + 1 :][:NEIGHBOURS]]
            if len(near) >= NEIGHBOURS and number < PLACEHOLDER * np.median(near):
                found[(str(region), int(years[place]))] = float(np.median(near))
    return found


def find_jumps(values: pd.Series) -> dict[Place, tuple[float, float]]:
    """Find changes from the year before that are far outside of what the column does.

    Parameters
    ----------
    values : pandas.Series
        Index ``(region, period)``, nothing missing. A column with values of zero or below has no logarithm:
        nothing is found in it.

    Returns
    -------
    dict
        Place to the range that would have passed, in the unit of the values.

    Notes
    -----
    With d the change of the logarithm between consecutive years and m its median over the regions of that
    year (over all years where fewer than 8 regions have one), a jump is ``|d - m| > max(6 s, 0.25)``, s the
    larger of 1.4826 median |d - m| over all rows and over those of the region. A level that jumps and returns
    shows twice.
    """
    if len(values) < 2 or values.min() <= 0:
        return {}
    frame = np.log(values).rename("log").reset_index()
    frame.columns = ["region", "period", "log"]
    before = frame.assign(period=frame["period"] + 1)
    pairs = frame.merge(before, on=["region", "period"], suffixes=("", "_before"))
    if pairs.empty:
        return {}
    pairs["change"] = pairs["log"] - pairs["log_before"]
    by_year = pairs.groupby("period")["change"]
    common = by_year.transform("median").where(by_year.transform("size") >= 8, pairs["change"].median())
    off = (pairs["change"] - common).abs()
    scale = np.maximum(off.median(), off.groupby(pairs["region"]).transform("median"))
    limit = np.maximum(JUMP * _MAD * scale, SMALLEST_JUMP)
    found = {}
    for place in pairs.index[off > limit]:
        middle = pairs.at[place, "log_before"] + common[place]
        key = (str(pairs.at[place, "region"]), int(pairs.at[place, "period"]))
        found[key] = (float(np.exp(middle - limit[place])), float(np.exp(middle + limit[place])))
    return found


def find_repeats(values: pd.Series) -> dict[Place, int]:
    """Find values that stand unchanged in consecutive years although the column varies.

    Parameters
    ----------
    values : pandas.Series
        Index ``(region, period)``, nothing missing.

    Returns
    -------
    dict
        First place of each run to its length. A region in which the column never changes has none (an area),
        nor has a column in which most runs of a region repeat (a count, a class), nor zero.
    """
    found: dict[Place, int] = {}
    changes = 0
    for region, part in values.groupby(level=0):
        years, numbers = part.index.get_level_values(1).to_numpy(int), part.to_numpy(float)
        changes += int((np.diff(numbers) != 0).sum())
        edges = np.flatnonzero(np.r_[True, (np.diff(numbers) != 0) | (np.diff(years) != 1), True])
        for first, last in pairwise(edges):
            if last - first >= REPEATS and last - first < len(numbers) and numbers[first] != 0:
                found[(str(region), int(years[first]))] = int(last - first)
    steps = sum(count - 1 for count in found.values())
    return found if steps <= changes else {}

"""Whether intervals hold: coverage with one province as one unit, width, and the interval score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yaotan.emission.metric import coverage_by_group, exact_interval, interval_score

if TYPE_CHECKING:
    import pandas as pd


def score_intervals(table: pd.DataFrame, levels: tuple[float, ...]) -> pd.DataFrame:
    """Score intervals at each level.

    Parameters
    ----------
    table : pandas.DataFrame
        ``observed``, ``group`` and for each level such as 0.9 ``lower_90`` and ``upper_90``.
    levels : tuple of float
        Nominal probabilities.

    Returns
    -------
    pandas.DataFrame
        One row for each level: ``coverage`` of rows; ``province_coverage``, the mean over provinces of their
        share of rows inside, with its 90 % Clopper-Pearson interval (``exact_lower``, ``exact_upper``) and
        whether that contains the level (``holds``); ``factor``, the geometric mean of sqrt(upper / lower);
        ``width`` and ``interval_score``, means [unit of the target]; ``unbounded``, rows whose interval has
        no end, which are in the coverage and in no other figure.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"observed": [4.0, 9.0], "group": ["a", "b"], "lower_90": [2.0, 4.0],
    ...                       "upper_90": [8.0, 16.0]})
    >>> score_intervals(table, (0.9,)).loc[0, ["coverage", "factor", "interval_score"]].tolist()
    [1.0, 2.0, 9.0]
    """
    import pandas as pd

    rows = []
    for level in levels:
        if f"lower_{100 * level:g}" not in table:
            continue
        part = table.dropna(subset=[f"lower_{100 * level:g}", f"upper_{100 * level:g}"])
        low, high = (part[f"{side}_{100 * level:g}"].to_numpy(float) for side in ("lower", "upper"))
        y = part["observed"].to_numpy(float)
        inside, ends = (y >= low) & (y <= high), np.isfinite(high)
        share, hits, trials = coverage_by_group(inside, part["group"])
        exact = exact_interval(hits, trials)
        rows.append(
            {
                "level": level,
                "coverage": float(inside.mean()),
                "province_coverage": share,
                "hits": hits,
                "provinces": trials,
                "exact_lower": exact[0],
                "exact_upper": exact[1],
                "holds": exact[0] <= level <= exact[1],
                "factor": _factor(low[ends], high[ends]),
                "width": _mean((high - low)[ends]),
                "interval_score": _mean(interval_score(y[ends], low[ends], high[ends], level=level)),
                "unbounded": int((~ends).sum()),
            }
        )
    return pd.DataFrame(rows)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _factor(low: np.ndarray, high: np.ndarray) -> float:
    use = low > 0
    return float(np.exp(np.mean(np.log(high[use] / low[use]) / 2.0))) if use.any() else float("nan")

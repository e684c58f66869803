"""Totals over regions: errors that years have in common stay in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import PanelError

if TYPE_CHECKING:
    import pandas as pd

    from yaotan.emission.panel import Panel

Values = NDArray[np.float64]
#: regions below which the errors of one year cannot stand for those of another
LEAST_REGIONS: Final = 5


def estimate_total(
    model: Any, panel: Panel, *, level: float = 0.9, draws: int = 2000, seed: int = 0
) -> pd.DataFrame:
    r"""Sum the estimates of all regions, year by year, with an interval of the sum.

    Half-widths of regions must not be added (errors partly cancel) nor their squares (errors of one year have
    a part in common). Each draw takes one year of the errors of provinces left out and deals them to the
    regions at random, each error once before any is used again:
    :math:`T = \sum_i \hat E_i \exp(r_{q(i), y})` (block bootstrap by year; drawn with replacement, the
    errors of one year would have their mean varied twice). Rows whose target is known and may be used enter
    as they are, without error.

    Parameters
    ----------
    model : ProvincialEmission
        Fitted; its errors of provinces left out are drawn.
    panel : Panel
        The rows to be summed.
    level : float
        Probability of the interval.
    draws, seed : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        Index ``period``: ``total`` (mean of the draws), ``lower``, ``upper`` [unit of the target],
        ``independent_lower``, ``independent_upper`` (years mixed, for comparison), ``estimated`` and
        ``known`` (numbers of regions) and ``missing`` (regions without an estimate, not in the total).

    Raises
    ------
    PanelError
        No year has errors of five provinces.

    Notes
    -----
    An error that is the same in all years (a bias of the model as a whole) is not in the interval.
    """
    import pandas as pd

    median, known = model.predict_values(panel) / _factor(model), panel.has_target
    rng = np.random.default_rng(seed)
    blocks = _blocks(model.engine_.residuals_)
    rows = []
    for year, at in panel.table.groupby("period").indices.items():
        fixed = float(panel.values()[at][known[at]].sum())
        free = median[at][~known[at]]
        there = free[np.isfinite(free)]
        together, apart = _draw(there, blocks, draws, rng)
        tail = (1.0 - level) / 2.0
        bounds = [np.quantile(one, [tail, 1.0 - tail]) + fixed for one in (together, apart)]
        rows.append(
            {
                "period": year,
                "total": together.mean() + fixed,
                "lower": bounds[0][0],
                "upper": bounds[0][1],
                "independent_lower": bounds[1][0],
                "independent_upper": bounds[1][1],
                "estimated": len(there),
                "known": int(known[at].sum()),
                "missing": len(free) - len(there),
            }
        )
    table = pd.DataFrame(rows).set_index("period")
    table.attrs |= {"unit": model.target_.unit, "level": level}
    return table


def _factor(model: Any) -> float:
    return float(model.smearing_) if model.statistic == "mean" else 1.0


def _blocks(residuals: pd.DataFrame) -> list[Values]:
    made = [part["residual"].to_numpy(float) for _, part in residuals.groupby("period")]
    large = [block for block in made if len(block) >= LEAST_REGIONS]
    if not large:
        raise PanelError(
            f"no year has errors of {LEAST_REGIONS} regions that were left out",
            where="total",
            fix="learn from more regions",
        )
    return large


def _draw(
    median: Values, blocks: list[Values], draws: int, rng: np.random.Generator
) -> tuple[Values, Values]:
    """Give sums with the errors of one year for all regions, and with years mixed."""
    together, apart, pool = np.empty(draws), np.empty(draws), np.concatenate(blocks)
    for n in range(draws):
        block = blocks[rng.integers(len(blocks))]
        together[n] = median @ np.exp(_deal(block, len(median), rng))
        apart[n] = median @ np.exp(rng.choice(pool, len(median)))
    return together, apart


def _deal(block: Values, count: int, rng: np.random.Generator) -> Values:
    rounds = -(-count // len(block))
    return np.concatenate([rng.permutation(block) for _ in range(max(rounds, 1))])[:count]

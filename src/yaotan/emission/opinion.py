"""A second opinion on reported figures: how far each is from what lights, satellites and the past expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.emission.opinion_error import LEAST_PROVINCES, ErrorPool, smallest_variance
from yaotan.errors import PanelError

if TYPE_CHECKING:
    import pandas as pd

Array: TypeAlias = NDArray[np.float64]
_WHERE: Final = "second_opinion"
_NEEDED: Final = ("region", "period", "group", "observed", "model")
#: probability with which a figure that is wrong by the factor ``findable`` is flagged
POWER: Final = 0.9


def second_opinion(
    opinions: Mapping[str, Any],
    *,
    level: float = 0.95,
    own: bool = True,
    reported: pd.DataFrame | None = None,
) -> pd.DataFrame:
    r"""Give each reported figure a z-score against estimates that did not know it, the strangest first.

    Opinion k has the log residual :math:`r_k = \ln(reported / estimate_k)`. The errors of the opinions are
    those that they made in the other provinces: with their mean :math:`\mu` and covariance :math:`\Sigma`,
    and weights w that are not negative and give the smallest variance,

    .. math:: \delta = w' (r - \mu), \quad \sigma^2 = w' \Sigma w, \quad z = \delta / \sigma,
        \quad \sum w_k = 1

    so one strange province cannot hide itself by widening the scale (externally studentised residual). z is
    held against Student's t with one degree of freedom for each other province less one.

    Parameters
    ----------
    opinions : mapping of str to Evaluation or pandas.DataFrame
        Name, such as ``"satellite"``, ``"lights"``, ``"lag"``, to estimates made without the figure: an
        `Evaluation`, or its table ``predictions`` (``region``, ``period``, ``group``, ``observed``,
        ``model``).
    level : float
        Probability that a figure with nothing wrong is not flagged, and of `lower` and `upper`.
    own : bool
        Whether each opinion is also asked how the figure departs from the region's own usual residual (the
        median of its other years, three or more): named ``<name>_own``. It is the sharper one for a single
        year, and blind to what is wrong in all years alike.
    reported : pandas.DataFrame, optional
        ``region``, ``period``, ``reported`` to be judged in place of the figures in `opinions`.

    Returns
    -------
    pandas.DataFrame
        Sorted by the size of z: ``rank``, ``region``, ``period``, ``reported``, ``expected``, ``lower``,
        ``upper`` [unit of the target], ``ratio`` (reported over expected), ``z``, ``flagged``, ``factor``
        (the honest factor: expected times and divided by it holds `level`), ``findable`` (a figure too high,
        or too low, by this factor would be flagged nine times in ten; a smaller wrong is not excluded),
        ``opinions`` (number), ``z_<name>`` of each, ``reason`` why a row is not judged. Attributes ``level``,
        ``flagged``, ``judged``, ``expected_by_chance``.

    Raises
    ------
    PanelError
        No opinion, a table without a column, a leaky evaluation, fewer than 5 other provinces.

    Notes
    -----
    A z-score says that figure and opinions disagree, not who is right: a province whose industry differs from
    its lights is strange in every year. A wrong that the opinion learned from is not seen: one that is the
    same in all provinces, or that stands in the years from which the lag model goes on.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"region": list("abcdefghij"), "period": 2016, "group": list("abcdefghij"),
    ...                       "observed": 100.0, "model": 100 * np.exp(0.1 * rng.normal(size=10))})
    >>> table.loc[3, "observed"] = 50.0
    >>> found = second_opinion({"lights": table})
    >>> found.region[0], bool(found.flagged[0]), bool(found.ratio[0] < 0.6), int(found.flagged.sum())
    ('d', True, True, 1)
    """
    if not 0.5 < level < 1.0:
        raise PanelError(f"level is {level!r}", where=_WHERE, expected="between 0.5 and 1")
    table, names = _join(opinions, reported)
    residual = _residuals(table, names)
    if own:
        residual, names = _add_own(table, residual, names)
    pool = ErrorPool(table, residual)
    rows = [_judge(pool, row, level) for row in range(len(table))]
    return _rank(table, names, rows, level)


@dataclass(frozen=True)
class _Verdict:
    """Departure of one figure, its scale, threshold and power, all of the logarithm."""

    shift: float = float("nan")
    sigma: float = float("nan")
    limit: float = float("nan")
    power: float = float("nan")
    count: int = 0
    scores: tuple[float, ...] = ()
    reason: str = ""


def _join(opinions: Mapping[str, Any], reported: pd.DataFrame | None) -> tuple[pd.DataFrame, list[str]]:
    """One row for each figure, one column of estimates for each opinion."""
    if not opinions:
        raise PanelError("there is no opinion", where=_WHERE, expected="name: evaluation")
    table: pd.DataFrame | None = None
    for name, opinion in opinions.items():
        if getattr(opinion, "leaky", False):
            raise PanelError(
                f"the opinion {name!r} comes from leaky folds: it has seen what it is asked about",
                where=_WHERE, fix="use splits(panel, 'no_inventory') or 'nowcast'",
            )  # fmt: skip
        given = getattr(opinion, "predictions", opinion)
        lacking = [column for column in _NEEDED if column not in given]
        if lacking:
            raise PanelError(f"the opinion {name!r} has no column {lacking[0]}", where=_WHERE,
                             expected=", ".join(_NEEDED))  # fmt: skip
        if given.duplicated(["region", "period"]).any():
            raise PanelError(f"the opinion {name!r} has two estimates of one figure", where=_WHERE)
        part = given[list(_NEEDED)].rename(columns={"model": name})
        table = part if table is None else _merge(table, part, name)
    assert table is not None
    if reported is not None:
        table = table.drop(columns="observed").merge(reported, on=["region", "period"], how="left")
        table = table.rename(columns={"reported": "observed"})
    return table.sort_values(["region", "period"], ignore_index=True), list(opinions)


def _merge(table: pd.DataFrame, part: pd.DataFrame, name: str) -> pd.DataFrame:
    both = table.merge(part, on=["region", "period"], how="outer", suffixes=("", "_new"))
    differ = both["observed"].notna() & both["observed_new"].notna()
    differ &= ~np.isclose(both["observed"], both["observed_new"], rtol=1e-9)
    if differ.any():
        row = both[differ].iloc[0]
        raise PanelError(
            f"the opinion {name!r} was asked about another figure for {row['region']} {row['period']}",
            where=_WHERE, expected="evaluations of one panel",
        )  # fmt: skip
    for column in ("observed", "group"):
        both[column] = both[column].where(both[column].notna(), both[f"{column}_new"])
    return both.drop(columns=["observed_new", "group_new"])


def _residuals(table: pd.DataFrame, names: list[str]) -> Array:
    figure = table["observed"].to_numpy(dtype=float)[:, None]
    estimate = table[names].to_numpy(dtype=float)
    good = (figure > 0) & (estimate > 0)
    return np.log(np.divide(figure, estimate, out=np.full(estimate.shape, np.nan), where=good),
                  out=np.full(estimate.shape, np.nan), where=good)  # fmt: skip


def _add_own(table: pd.DataFrame, residual: Array, names: list[str]) -> tuple[Array, list[str]]:
    """Residual less the median of the region's other years."""
    departure = np.full_like(residual, np.nan)
    for rows in table.groupby("region").indices.values():
        for row in rows:
            others = residual[[other for other in rows if other != row]]
            enough = np.isfinite(others).sum(axis=0) >= 3
            if enough.any():
                departure[row, enough] = residual[row, enough] - np.nanmedian(others[:, enough], axis=0)
    return np.hstack([residual, departure]), [*names, *(f"{name}_own" for name in names)]


@cache
def _quantile(probability: float, degrees: int) -> float:
    from scipy.stats import t as student

    return float(student.ppf(probability, degrees))


def _judge(pool: ErrorPool, row: int, level: float) -> _Verdict:
    there = np.flatnonzero(np.isfinite(pool.residual[row]))
    if not there.size:
        figure = pool.table["observed"].iloc[row]
        if figure > 0:
            return _Verdict(reason="no opinion has an estimate")
        return _Verdict(reason="the figure is not above 0" if figure <= 0 else "no figure is reported")
    centre, spread, provinces = pool.errors(row, there)
    if provinces < LEAST_PROVINCES:
        raise PanelError(
            f"{provinces} other provinces have an estimate beside {pool.table['region'].iloc[row]}",
            where=_WHERE, expected=f"{LEAST_PROVINCES} or more, from whose errors the scale is known",
        )  # fmt: skip
    offset = pool.residual[row, there] - centre
    covariance = np.outer(spread, spread) * pool.correlation(row, there)
    weight = smallest_variance(covariance)
    limit = _quantile(0.5 + level / 2, provinces - 1)
    scores = np.full(pool.residual.shape[1], np.nan)
    scores[there] = offset / spread
    return _Verdict(
        shift=float(weight @ offset), sigma=float(np.sqrt(weight @ covariance @ weight)), limit=limit,
        power=limit + _quantile(POWER, provinces - 1), count=len(there), scores=tuple(scores),
    )  # fmt: skip


def _rank(table: pd.DataFrame, names: list[str], rows: list[_Verdict], level: float) -> pd.DataFrame:
    shift, sigma, limit, power = (
        np.array([getattr(row, name) for row in rows]) for name in ("shift", "sigma", "limit", "power")
    )
    out = table[["region", "period"]].copy()
    out["reported"] = table["observed"]
    out["expected"] = out["reported"] / np.exp(shift)
    out["lower"], out["upper"] = (out["expected"] * np.exp(sign * limit * sigma) for sign in (-1, 1))
    out["ratio"], out["z"] = np.exp(shift), shift / sigma
    out["flagged"] = np.abs(out["z"]) > limit
    out["factor"], out["findable"] = np.exp(limit * sigma), np.exp(power * sigma)
    out["opinions"] = [row.count for row in rows]
    for number, name in enumerate(names):
        out[f"z_{name}"] = [row.scores[number] if row.scores else np.nan for row in rows]
    out["reason"] = [row.reason for row in rows]
    order = np.argsort(-np.nan_to_num(np.abs(out["z"].to_numpy()), nan=-1.0), kind="stable")
    out = out.iloc[order].reset_index(drop=True)
    out.insert(0, "rank", np.arange(1, len(out) + 1))
    judged = int(out["z"].notna().sum())
    out.attrs = {
        "level": level, "flagged": int(out["flagged"].sum()), "judged": judged,
        "expected_by_chance": (1 - level) * judged,
    }  # fmt: skip
    return out

"""Scores of estimates, of changes and of intervals; all by name, so that tables of them line up."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.errors import YaotanError

Values = NDArray[np.float64]
#: levels at which intervals are scored
LEVELS: Final = (0.5, 0.8, 0.9, 0.95)


def _pair(observed: ArrayLike, estimated: ArrayLike) -> tuple[Values, Values]:
    y, p = np.asarray(observed, float), np.asarray(estimated, float)
    if y.shape != p.shape or y.ndim != 1 or not len(y):
        raise YaotanError(f"observed {y.shape}, estimated {p.shape}", where="metric", expected="equal, (n,)")
    if not (np.isfinite(y).all() and np.isfinite(p).all()):
        raise YaotanError("a value is missing", where="metric", fix="score the rows that have both")
    return y, p


def rmse(observed: ArrayLike, estimated: ArrayLike) -> float:
    """Root mean square error."""
    y, p = _pair(observed, estimated)
    return float(np.sqrt(np.mean((p - y) ** 2)))


def wmape(observed: ArrayLike, estimated: ArrayLike) -> float:
    """Sum of absolute errors over the sum of the observed values."""
    y, p = _pair(observed, estimated)
    return float(np.abs(p - y).sum() / y.sum()) if y.sum() > 0 else float("nan")


def score(observed: ArrayLike, estimated: ArrayLike) -> dict[str, float]:
    r"""Score estimates of a positive quantity.

    Parameters
    ----------
    observed, estimated : array_like
        ``(n,)``, finite, in one unit.

    Returns
    -------
    dict of str to float
        ``n``; ``r2`` :math:`1 - \sum e^2 / \sum (y - \bar y)^2`; ``rmse``, ``mae``, ``bias`` [the unit];
        ``mape``, ``median_ape`` over the rows with y > 0 (``n_ape`` of them); ``wmape``
        :math:`\sum |e| / \sum y`; ``bias_of_total`` :math:`\sum p / \sum y - 1`; ``rank_correlation``
        (Spearman); ``log_rmse`` over rows where both are positive. Shares, not per cent. NaN where not
        defined, such as r2 of equal values.

    Raises
    ------
    YaotanError
        Shapes differ, nothing is given, or a value is missing.

    Examples
    --------
    >>> made = score([100.0, 300.0], [110.0, 270.0])
    >>> round(made["wmape"], 3), round(made["mape"], 3), round(made["bias_of_total"], 3)
    (0.1, 0.1, -0.05)
    """
    y, p = _pair(observed, estimated)
    error, spread, positive = p - y, float(((y - y.mean()) ** 2).sum()), y > 0
    ape = np.abs(error[positive]) / y[positive]
    both = positive & (p > 0)
    nan = float("nan")
    return {
        "n": float(len(y)),
        "r2": 1.0 - float((error**2).sum()) / spread if spread > 0 else nan,
        "rmse": rmse(y, p),
        "mae": float(np.abs(error).mean()),
        "bias": float(error.mean()),
        "mape": float(ape.mean()) if len(ape) else nan,
        "median_ape": float(np.median(ape)) if len(ape) else nan,
        "n_ape": float(len(ape)),
        "wmape": wmape(y, p),
        "bias_of_total": float(p.sum() / y.sum() - 1.0) if y.sum() > 0 else nan,
        "rank_correlation": _rank_correlation(y, p),
        "log_rmse": float(np.sqrt(np.mean(np.log(p[both] / y[both]) ** 2))) if both.any() else nan,
    }


def _rank_correlation(y: Values, p: Values) -> float:
    from scipy.stats import rankdata

    if len(y) < 2 or np.ptp(y) == 0 or np.ptp(p) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(y), rankdata(p))[0, 1])


def score_change(before: ArrayLike, observed: ArrayLike, estimated: ArrayLike) -> dict[str, float]:
    r"""Score the change since a known earlier value.

    Parameters
    ----------
    before, observed, estimated : array_like
        ``(n,)``: the last known value, the true one and the estimate.

    Returns
    -------
    dict of str to float
        ``change_r2``: R2 of :math:`p - b` against :math:`y - b`; ``sign_hits``: share of rows whose change
        has the sign that was estimated (an estimate of no change is no hit); ``sign_majority``: share that
        the more frequent sign would have hit, known only afterwards; ``n_change``: rows with a change.

    Examples
    --------
    >>> score_change([10.0, 10.0, 10.0], [12.0, 11.0, 9.0], [11.0, 12.0, 11.0])["sign_hits"]
    0.6666666666666666
    """
    y, p = _pair(observed, estimated)
    b = _pair(observed, before)[1]
    truth, made = y - b, p - b
    moved = truth != 0
    spread = float(((truth - truth.mean()) ** 2).sum())
    up = float((truth[moved] > 0).mean()) if moved.any() else float("nan")
    return {
        "change_r2": 1.0 - float(((made - truth) ** 2).sum()) / spread if spread > 0 else float("nan"),
        "sign_hits": float((np.sign(made) == np.sign(truth))[moved].mean()) if moved.any() else float("nan"),
        "sign_majority": max(up, 1.0 - up),
        "n_change": float(moved.sum()),
    }


def interval_score(observed: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, level: float) -> Values:
    r"""Score intervals, row by row: :math:`(u-l) + \frac{2}{a}(l-y)_+ + \frac{2}{a}(y-u)_+`, a = 1 - level.

    Gneiting and Raftery 2007, J. Am. Stat. Assoc. 102, 359, equation 43. Smaller is better.

    Parameters
    ----------
    observed, lower, upper : array_like
        ``(n,)`` in one unit.
    level : float
        Nominal probability.

    Examples
    --------
    >>> interval_score([5.0], [0.0], [4.0], level=0.9)
    array([24.])
    """
    y, l, u = (np.asarray(part, float) for part in (observed, lower, upper))  # noqa: E741
    a = 1.0 - level
    made: Values = (u - l) + 2.0 / a * np.maximum(l - y, 0.0) + 2.0 / a * np.maximum(y - u, 0.0)
    return made


def coverage_by_group(inside: ArrayLike, group: ArrayLike) -> tuple[float, int, int]:
    """Count coverage with one province as one unit.

    Parameters
    ----------
    inside : array_like of bool
        ``(n,)``: whether the truth lies in the interval.
    group : array_like
        ``(n,)``: province of each row.

    Returns
    -------
    tuple of float, int, int
        Mean over the provinces of the share of rows inside; that mean in whole provinces (rounded), and
        the number of provinces. Rows of one province are no independent trials, so its share counts once.

    Examples
    --------
    >>> coverage_by_group([True, True, False, True], ["a", "a", "b", "b"])
    (0.75, 2, 2)
    """
    hit, of = np.asarray(inside, float), np.asarray(group)
    names, place = np.unique(of, return_inverse=True)
    share = np.bincount(place, hit) / np.bincount(place)
    return float(share.mean()), round(float(share.sum())), len(names)


def exact_interval(hits: int, trials: int, *, level: float = 0.9) -> tuple[float, float]:
    """Clopper and Pearson 1934 interval of a probability from `hits` of `trials`.

    Examples
    --------
    >>> [round(bound, 3) for bound in exact_interval(27, 30)]
    [0.761, 0.972]
    """
    from scipy.stats import beta

    a = (1.0 - level) / 2.0
    low = 0.0 if hits == 0 else float(beta.ppf(a, hits, trials - hits + 1))
    high = 1.0 if hits == trials else float(beta.ppf(1.0 - a, hits + 1, trials - hits))
    return low, high


def crps(observed: ArrayLike, draws: ArrayLike) -> Values:
    r"""Continuous ranked probability score of draws: :math:`E|X - y| - \frac12 E|X - X'|`.

    Gneiting and Raftery 2007, equation 21. Smaller is better; of one draw it is the absolute error.

    Parameters
    ----------
    observed : array_like
        ``(n,)``.
    draws : array_like
        ``(n, draw)``.

    Examples
    --------
    >>> crps([2.0], [[1.0, 3.0]])
    array([0.5])
    """
    y, x = np.asarray(observed, float), np.sort(np.asarray(draws, float), axis=1)
    m = x.shape[1]
    weight = (2.0 * np.arange(1, m + 1) - m - 1.0) / m**2
    made: Values = np.abs(x - y[:, None]).mean(axis=1) - x @ weight
    return made


def probability_transform(observed: ArrayLike, draws: ArrayLike) -> Values:
    """Give the share of draws below each observed value, ties at one half: uniform where draws are right.

    Examples
    --------
    >>> probability_transform([2.0], [[1.0, 2.0, 3.0, 4.0]])
    array([0.375])
    """
    y, x = np.asarray(observed, float)[:, None], np.asarray(draws, float)
    made: Values = (x < y).mean(axis=1) + 0.5 * (x == y).mean(axis=1)
    return made

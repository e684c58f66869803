"""Mann-Kendall statistics and Theil-Sen slopes of numbers in order of time."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: rounds of the iterative pre-whitening; five are enough in practice
_ROUNDS: Final = 50
#: greatest autocorrelation that is taken out: beyond it nothing is left to test
_MOST: Final = 0.95


def pair_slopes(time: Floats, value: Floats) -> Floats:
    """Give the slopes of all pairs, sorted."""
    later, earlier = np.tril_indices(value.size, -1)
    return np.sort((value[later] - value[earlier]) / (time[later] - time[earlier]))


def kendall_sum(value: Floats) -> float:
    """Give S: pairs that rise minus pairs that fall."""
    return float(np.sign(value[None, :] - value[:, None])[np.triu_indices(value.size, 1)].sum())


def kendall_variance(value: Floats) -> float:
    """Variance of S for values in random order, with ties (Kendall 1975, Rank Correlation Methods)."""
    n = value.size
    ties = np.unique(value, return_counts=True)[1].astype(float)
    return float((n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18.0)


def autocorrelation(value: Floats) -> float:
    """Lag-1 autocorrelation of equally spaced values with gaps (NaN), corrected for its bias.

    The residuals of a fitted straight line have an autocorrelation that is on average (2 + 4 rho) / n too low
    (1 + 4 rho for a fitted mean: Marriott and Pope 1954, doi:10.1093/biomet/41.3-4.390). The correction
    solves this for rho.

    Parameters
    ----------
    value : numpy.ndarray
        ``(n,)`` about their mean or line.

    Returns
    -------
    float
        From -0.95 to 0.95.
    """
    centred = value - np.nanmean(value)
    both = np.isfinite(centred[1:]) & np.isfinite(centred[:-1])
    count = int(np.isfinite(centred).sum())
    if both.sum() < 3 or not np.nansum(centred**2) > 0.0:
        return 0.0
    product = (centred[1:] * centred[:-1])[both].mean()
    raw = product / np.nanmean(centred**2)
    return float(np.clip((count * raw + 2.0) / max(count - 4.0, 1.0), -_MOST, _MOST))


def whiten_iteratively(time: Floats, value: Floats) -> tuple[Floats, Floats, float]:
    """Take the autocorrelation out of values with a trend (Wang and Swail 2001).

    Slope and autocorrelation are estimated in turn: r of the values less the slope, then the slope of
    (x_k - r x_{k-1}) / (1 - r), which has the trend of x.

    Parameters
    ----------
    time, value : numpy.ndarray
        ``(n,)`` equal steps, NaN for gaps.

    Returns
    -------
    time, value : numpy.ndarray
        ``(m,)`` of the whitened series, gaps left out.
    autocorrelation : float
        What was taken out.
    """
    known = np.isfinite(value)
    slope = float(np.median(pair_slopes(time[known], value[known])))
    taken = 0.0
    when, white = time[known], value[known]
    for _ in range(_ROUNDS):
        new = max(autocorrelation(value - slope * time), 0.0)
        moved = (value[1:] - new * value[:-1]) / (1.0 - new)
        held = np.isfinite(moved)
        when, white = (time[1:][held], moved[held]) if new > 0.0 else (time[known], value[known])
        found = float(np.median(pair_slopes(when, white)))
        done = abs(new - taken) < 1e-3 and abs(found - slope) <= 1e-3 * abs(slope)
        taken, slope = new, found
        if done:
            break
    return when, white, taken


def whiten_trend_free(time: Floats, value: Floats) -> tuple[Floats, Floats, float]:
    """Take the autocorrelation out of what a trend leaves, and add the trend again (Yue et al. 2002).

    Parameters and results as in `whiten_iteratively`. An autocorrelation that is not significant at 5 per
    cent (1.96 / sqrt(n)) is left in.
    """
    known = np.isfinite(value)
    slope = float(np.median(pair_slopes(time[known], value[known])))
    left = value - slope * time
    taken = autocorrelation(left)
    if abs(taken) < 1.96 / np.sqrt(known.sum()):
        return time[known], value[known], 0.0
    moved = left[1:] - taken * left[:-1] + slope * time[1:]
    held = np.isfinite(moved)
    return time[1:][held], moved[held], taken


def seasonal_kendall(time: Floats, table: Floats) -> tuple[float, float, Floats]:
    """Seasonal Kendall test (Hirsch and Slack 1984, doi:10.1029/WR020i006p00727).

    Parameters
    ----------
    time : numpy.ndarray
        ``(years, seasons)`` decimal years.
    table : numpy.ndarray
        ``(years, seasons)``, NaN for gaps.

    Returns
    -------
    S, variance : float
        Sum over the seasons, and its variance with the covariance between seasons (Dietz and Killeen), so
        that serial correlation within a year does not count as trend.
    slopes : numpy.ndarray
        Of all pairs within a season, sorted.
    """
    years, seasons = table.shape
    sign = np.sign(table[None, :, :] - table[:, None, :])  # (earlier, later, season) above the diagonal
    sign = np.where(np.isfinite(sign), sign, 0.0)
    upper = np.triu_indices(years, 1)
    pairs = sign[upper]
    count = np.isfinite(table).sum(axis=0)
    # ranks about their mean; a missing value has the mean rank
    rank = (count + 1 - sign.sum(axis=1)) / 2.0
    concordant = pairs.T @ pairs
    covariance = (concordant + 4.0 * rank.T @ rank - years * np.outer(count + 1, count + 1)) / 3.0
    own = [kendall_variance(table[np.isfinite(table[:, s]), s]) for s in range(seasons)]
    covariance[np.diag_indices(seasons)] = own
    gap = (table[None, :, :] - table[:, None, :])[upper]
    span = (time[None, :, :] - time[:, None, :])[upper]
    slopes = gap / span
    return float(pairs.sum()), float(covariance.sum()), np.sort(slopes[np.isfinite(slopes)])

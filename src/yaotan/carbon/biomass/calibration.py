"""Uncertainty of predictions learned from what the model missed on blocks it had not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yaotan.carbon.budget.parameter import Floats

#: fewest plots in a step of the spread
_STEP = 20


@dataclass(frozen=True)
class Calibration:
    r"""Spread of out-of-fold errors as a function of the prediction, and quantiles of what is left.

    The root mean square of the errors is taken in steps of the prediction and interpolated; errors over that
    spread have quantiles :math:`q_-, q_+`, and the interval is :math:`\hat y + q s(\hat y)`.

    Attributes
    ----------
    at, spread : numpy.ndarray
        ``(step,)`` mean prediction and spread.
    low, high : float
        Quantiles of the scaled errors, in standard deviations.
    """

    at: Floats
    spread: Floats
    low: float
    high: float

    def sd(self, predicted: Floats) -> Floats:
        """Standard deviation of the error at a prediction; that of the last step beyond the ends."""
        return np.asarray(np.interp(predicted, self.at, self.spread))

    def interval(self, predicted: Floats) -> tuple[Floats, Floats]:
        """Ends of the interval; biomass is never negative, so neither is the lower one."""
        sd = self.sd(predicted)
        return np.maximum(predicted + self.low * sd, 0.0), predicted + self.high * sd


def find_calibration(observed: Floats, predicted: Floats, level: float) -> Calibration:
    """Learn spread and quantiles from out-of-fold predictions.

    Parameters
    ----------
    observed, predicted : numpy.ndarray
        ``(plot,)``.
    level : float
        Probability of the interval. The quantiles are those of split conformal prediction, (1 + 1/n) level.

    Returns
    -------
    Calibration
        With up to 10 steps of 20 plots or more.
    """
    steps = int(np.clip(observed.size // _STEP, 1, 10))
    order = np.argsort(predicted, kind="stable")
    parts = np.array_split(order, steps)
    at = np.array([predicted[part].mean() for part in parts])
    error = observed - predicted
    spread = np.array([np.sqrt((error[part] ** 2).mean()) for part in parts])
    spread = np.maximum(spread, 1e-9 + 1e-3 * float(np.sqrt((error**2).mean())))
    at, first = np.unique(at, return_index=True)
    spread = spread[first]
    scaled = error / np.interp(predicted, at, spread)
    wide = min((1.0 + 1.0 / observed.size) * level, 1.0)
    low, high = np.quantile(scaled, [(1.0 - wide) / 2.0, (1.0 + wide) / 2.0])
    return Calibration(at, spread, float(low), float(high))


def crossed_coverage(observed: Floats, predicted: Floats, fold: NDArray[np.int64], level: float) -> float:
    """Share of plots inside their interval, when each fold's interval is learned from the other folds.

    Parameters
    ----------
    observed, predicted, fold : numpy.ndarray
        ``(plot,)``, predictions out of fold.
    level : float
        Probability of the interval.
    """
    inside = np.zeros(observed.size, dtype=bool)
    for number in np.unique(fold):
        out = fold == number
        low, high = find_calibration(observed[~out], predicted[~out], level).interval(predicted[out])
        inside[out] = (observed[out] >= low) & (observed[out] <= high)
    return float(inside.mean())

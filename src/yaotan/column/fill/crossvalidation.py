"""Leave out and predict: single observations, whole overpasses, or blocks with their overpasses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yaotan.column.fill.filler import GapFiller
from yaotan.column.fill.observation import Floats, Observations
from yaotan.errors import TooFewSoundingsError, YaotanError

Scheme: TypeAlias = Literal["observation", "overpass", "block"]

#: Normal quantiles of the two-sided 68 and 95 per cent intervals.
_Z68: Final = 0.994457883
_Z95: Final = 1.959963985
#: Scheme -> what is predicted from what.
_WORDS: Final = {
    "observation": "each observation from all others",
    "overpass": "each observation from all other overpasses",
    "block": "each observation from those outside its block of space and time and of other overpasses",
}


@dataclass(frozen=True)
class CrossValidation:
    """What leaving out showed.

    Attributes
    ----------
    table : pandas.DataFrame
        One row an observation that could be predicted: ``time``, ``latitude``, ``longitude``, ``value``,
        ``predicted``, ``sigma`` (1 sigma of the difference: of the field and of the measurement),
        ``residual`` (value minus predicted), ``overpass``.
    scheme : str
        What was left out.
    unpredicted : int
        Observations that nothing was left to predict from.
    """

    table: pd.DataFrame
    scheme: str
    unpredicted: int

    @property
    def rmse(self) -> float:
        """Root mean square of the residuals."""
        return float(np.sqrt((self.table["residual"] ** 2).mean()))

    @property
    def bias(self) -> float:
        """Mean of the residuals: positive where predictions are too low."""
        return float(self.table["residual"].mean())

    @property
    def correlation(self) -> float:
        """Correlation of values and predictions."""
        return float(self.table["value"].corr(self.table["predicted"]))

    @property
    def coverage_68(self) -> float:
        """Part of the values inside the 68 per cent interval."""
        return self._coverage(_Z68)

    @property
    def coverage_95(self) -> float:
        """Part of the values inside the 95 per cent interval."""
        return self._coverage(_Z95)

    @property
    def chi_square(self) -> float:
        """Mean of squared residuals over their variance; 1 where the stated errors are right."""
        return float(((self.table["residual"] / self.table["sigma"]) ** 2).mean())

    def _coverage(self, quantile: float) -> float:
        return float((self.table["residual"].abs() <= quantile * self.table["sigma"]).mean())

    def summary(self) -> dict[str, Any]:
        """Give the figures as one row of a table."""
        return {
            "scheme": self.scheme,
            "observations": len(self.table),
            "unpredicted": self.unpredicted,
            "rmse": self.rmse,
            "bias": self.bias,
            "correlation": self.correlation,
            "coverage_68": self.coverage_68,
            "coverage_95": self.coverage_95,
            "chi_square": self.chi_square,
        }


def cross_validate(
    filler: GapFiller,
    *,
    scheme: Scheme = "overpass",
    block_degrees: float = 5.0,
    block_days: float = 16.0,
) -> CrossValidation:
    """Predict the observations of a fitted filler from others, its learned parameters kept.

    Leaving out single observations flatters: their neighbours on the same track, a few kilometres and seconds
    away and with the same error, stay in. Leaving out the whole overpass, or all within a block of space and
    time and every overpass of the observation, shows what the map is worth where there are no data.

    Parameters
    ----------
    filler : GapFiller
        Fitted.
    scheme : {"overpass", "observation", "block"}
        What goes with each observation.
    block_degrees, block_days : float
        Size of the blocks of scheme ``"block"``: so many degrees of latitude, of longitude as many as make
        about the same distance, and days.

    Returns
    -------
    CrossValidation

    Raises
    ------
    YaotanError
        Unknown scheme or sizes that are not positive.
    TooFewSoundingsError
        Nothing could be predicted: all observations are of one overpass or block.

    Notes
    -----
    The parameters were learned with the observations that are left out, so the figures are slightly better
    than for data never seen; with thousands of observations and a dozen parameters that is far below the
    differences that matter here.
    """
    if scheme not in _WORDS:
        raise YaotanError(f"scheme is {scheme!r}", expected=f"one of {', '.join(_WORDS)}")
    if not (block_degrees > 0.0 and block_days > 0.0):
        raise YaotanError("a block has no extent", expected="block_degrees and block_days above 0")
    observations = filler.observations_
    labels = {
        "observation": lambda: np.arange(len(observations))[:, None],
        "overpass": lambda: observations.overpass[:, None],
        "block": lambda: np.column_stack(
            [number_blocks(observations, block_degrees, block_days), observations.overpass]
        ),
    }[scheme]()
    value, sigma = filler.leave_out(labels.astype(np.intp))
    known = np.isfinite(value)
    if not known.any():
        raise TooFewSoundingsError(
            f"no observation can be predicted: {_WORDS[scheme]} leaves none",
            expected="several overpasses or blocks",
        )
    table = pd.DataFrame(
        {
            "time": observations.time,
            "latitude": observations.latitude,
            "longitude": observations.longitude,
            "value": observations.value,
            "predicted": value,
            "sigma": np.hypot(sigma, observations.sigma),
            "residual": observations.value - value,
            "overpass": observations.overpass,
        }
    )[known]
    return CrossValidation(table.reset_index(drop=True), scheme, int((~known).sum()))


def number_blocks(observations: Observations, degrees: float, days: float) -> NDArray[np.intp]:
    """Number the blocks of space and time that observations lie in: ``(n,)``, from 0."""
    row = np.floor(observations.latitude / degrees)
    width = degrees / np.maximum(np.cos(np.radians((row + 0.5) * degrees)), 1e-3)
    column = np.floor(observations.longitude / np.minimum(width, 360.0))
    step = np.floor((observations.days - observations.days.min()) / days)
    _, label = np.unique(np.stack([row, column, step]), axis=1, return_inverse=True)
    return np.asarray(label.ravel(), np.intp)


def leave_out_by_folds(
    predict: Callable[[Observations, Observations], tuple[Floats, Floats]],
    observations: Observations,
    labels: NDArray[np.intp],
    *,
    folds: int = 10,
) -> tuple[Floats, Floats]:
    """Leave out group by group, several groups at once, for fillers with no quicker way.

    Parameters
    ----------
    predict : callable
        ``(observations kept, observations wanted) -> (value, sigma)`` at the wanted ones.
    observations : Observations
        All.
    labels : numpy.ndarray
        ``(n, k)`` as in `GapFiller.leave_out`; the groups of the last column (overpasses, where blocks are
        left out with them) are dealt to the folds in turn, in order of time, so that those of one fold lie
        far apart and take little else with them.
    folds : int
        How often `predict` is called; more folds leave more data in each.

    Returns
    -------
    value, sigma : numpy.ndarray
        ``(n,)``; NaN where nothing was left.

    Notes
    -----
    In each fold everything is left out that shares a label with one of its observations: more than what each
    single one asks for. Errors and 1 sigma are a little larger than by leaving out one by one.
    """
    _, first, place = np.unique(labels[:, -1], return_index=True, return_inverse=True)
    number = min(folds, first.size)
    turn = np.empty(first.size, np.intp)
    turn[np.argsort(first)] = np.arange(first.size) % number
    fold = turn[place]
    value, sigma = np.full(len(observations), np.nan), np.full(len(observations), np.nan)
    for one in range(number):
        wanted = fold == one
        kept = ~wanted
        for column in labels.T:
            kept &= ~np.isin(column, column[wanted])
        if kept.any():
            value[wanted], sigma[wanted] = predict(observations.take(kept), observations.take(wanted))
    return value, sigma

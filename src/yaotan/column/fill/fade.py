"""How what a filler leaves fades in time, from its variogram."""

from __future__ import annotations

from typing import Final

from yaotan.column.fill.covariance import Family, ProductSum
from yaotan.column.fill.observation import Floats, Observations
from yaotan.column.fill.variogram import estimate_variogram, fit_product_sum
from yaotan.errors import TooFewSoundingsError

#: Time in steps where nothing can be measured.
_TIME: Final = 0.25
#: Longest lag of the variogram in steps.
_LAG: Final = 3.0
#: Families of which the one that fits better is taken.
_FAMILIES: Final[tuple[Family, ...]] = ("exponential", "matern32")


def assume_fade(step: float) -> ProductSum:
    """Give the covariance that is taken where none can be measured: an e-folding time of a quarter step."""
    return ProductSum(0.0, 0.0, 1.0, 0.0, 1.0, _TIME * step)


def measure_fade(observations: Observations, left: Floats, step: float, seed: int) -> ProductSum | None:
    """Fit a covariance in space and time to what is left of observations.

    Overpasses of one place are days apart, so how quickly a field fades there is seen only from those nearby:
    hence a variogram in space and time, the known part of the errors taken off.

    Parameters
    ----------
    observations : Observations
        Places, times and errors.
    left : numpy.ndarray
        ``(n,)`` values less what the filler says.
    step : float
        Step of the filler [days]; lags reach to three of them.
    seed : int
        Of the sample of pairs.

    Returns
    -------
    ProductSum or None
        None where too few pairs, or no more than the errors, are seen.
    """
    try:
        variogram = estimate_variogram(observations, left, max_days=_LAG * step, seed=seed)
        fits = [fit_product_sum(variogram, space_family=one, time_family=one) for one in _FAMILIES]
    except TooFewSoundingsError:
        return None
    return min(fits, key=lambda fit: float(fit[1]["relative_misfit"]))[0]

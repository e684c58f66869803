"""Mean and covariance of a field from observations, each fitted given the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from yaotan.column.fill.covariance import Family, ProductSum
from yaotan.column.fill.mean import FittedMean, MeanModel
from yaotan.column.fill.observation import Observations
from yaotan.column.fill.refinement import refine_model
from yaotan.column.fill.variogram import Variogram, estimate_variogram, fit_product_sum
from yaotan.column.fill.vecchia import make_chain
from yaotan.geodesy import sphere_point

#: Observations of the generalised fit of the mean, at most.
_GENERALISED: Final = 100_000
#: Families that are tried where none is named.
_TRIED: Final[tuple[Family, ...]] = ("exponential", "matern32")
#: Rounds of mean and covariance.
_ROUNDS: Final = 2


@dataclass(frozen=True)
class Learned:
    """Mean, covariance, the variogram it was fitted to (None when it was given) and how well."""

    mean: FittedMean
    model: ProductSum
    variogram: Variogram | None
    diagnostics: dict[str, Any]


def learn(
    observations: Observations,
    mean: MeanModel,
    model: ProductSum | None,
    *,
    families: tuple[Family | None, Family | None],
    max_distance: float | None,
    max_days: float | None,
    robust: bool,
    refine: bool,
    wave: bool,
    track_share: float,
    error_length: float,
    seed: int,
) -> Learned:
    """Fit the mean by weighted least squares, the covariance to its residuals, then each given the other.

    Parameters
    ----------
    observations, mean, model
        Data, form of the mean, covariance (None: to be fitted).
    families, max_distance, max_days, robust, refine, wave, track_share, error_length, seed
        See `yaotan.column.fill.kriging.SpaceTimeKriging`.

    Returns
    -------
    Learned
    """
    fitted = mean.fit(observations)
    if model is not None:
        return Learned(fit_generalised(observations, mean, model, error_length, seed), model, None, {})
    for _ in range(_ROUNDS):
        variogram = estimate_variogram(
            observations,
            fitted.residual(observations),
            max_distance=max_distance,
            max_days=max_days,
            robust=robust,
            error_length=error_length,
            seed=seed,
        )
        found, diagnostics = fit_product_sum(
            variogram,
            space_family=families[0] or "exponential",
            time_family=families[1] or "exponential",
        )
        fitted = fit_generalised(observations, mean, found, error_length, seed)
    if refine:
        found, further = refine_model(
            observations,
            fitted.residual(observations),
            found,
            families=[(a, b) for a in _candidates(families[0]) for b in _candidates(families[1])],
            wave=wave,
            error_length=error_length,
            track_share=track_share,
            seed=seed,
        )
        diagnostics = diagnostics | {"variogram_at_bound": diagnostics["at_bound"]} | further
        fitted = fit_generalised(observations, mean, found, error_length, seed)
    return Learned(fitted, found, variogram, diagnostics)


def _candidates(family: Family | None) -> tuple[Family, ...]:
    return _TRIED if family is None else (family,)


def fit_generalised(
    observations: Observations, mean: MeanModel, model: ProductSum, error_length: float, seed: int
) -> FittedMean:
    """Fit the mean by generalised least squares; of more than 100,000 observations a seeded sample counts.

    Parameters
    ----------
    observations, mean, model
        Data, form of the mean, covariance of the field.
    error_length : float
        E-folding length of the common error along an overpass [m].
    seed : int
        Of the sample and of the order of the chain.

    Returns
    -------
    FittedMean
    """
    used = observations.sample(_GENERALISED, seed)
    links = make_chain(
        sphere_point(used.latitude, used.longitude),
        used.days,
        model,
        own=used.sigma**2,
        shared=used.shared,
        overpass=used.overpass,
        length=error_length,
        seed=seed,
    )
    return mean.fit(used, precision=links.precision)

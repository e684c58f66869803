"""Empirical variogram in space and time, and the product-sum model fitted to it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill.covariance import Family, ProductSum, correlation
from yaotan.column.fill.observation import Floats, Observations
from yaotan.column.fill.pair import count_pairs
from yaotan.errors import TooFewSoundingsError
from yaotan.geodesy import sphere_point

#: Longest lags that are looked at when none is given.
_FARTHEST: Final = 3000e3
_LATEST: Final = 120.0
#: Classes of distance and of time; edges grow with the square of their number.
_SPACE_CLASSES: Final = 14
_TIME_CLASSES: Final = 12
#: Width of the first class of time [days]: pairs of one overpass.
_TOGETHER: Final = 0.02
#: Pairs looked at, at most.
_PAIRS: Final = 20_000_000
#: Pairs below which a class says nothing.
_LEAST: Final = 30
#: Part of the sill that the joint term has at least: k must be above 0.
_JOINT: Final = 1e-6


@dataclass(frozen=True)
class Variogram:
    """Empirical variogram of the field: classes ``(i, j)`` of distance and time.

    Attributes
    ----------
    distance, lag : numpy.ndarray
        Mean distance [m] and time [days] of the pairs of each class; NaN where there is none.
    value : numpy.ndarray
        Half the mean squared difference less the part of the measurement errors.
    raw : numpy.ndarray
        The same with the errors in it.
    pairs : numpy.ndarray
        Number of pairs.
    """

    distance: Floats
    lag: Floats
    value: Floats
    raw: Floats
    pairs: NDArray[np.int64]

    @property
    def used(self) -> NDArray[np.bool_]:
        """Classes with enough pairs."""
        return self.pairs >= _LEAST


def estimate_variogram(
    observations: Observations,
    residual: Floats,
    *,
    max_distance: float | None = None,
    max_days: float | None = None,
    robust: bool = False,
    error_length: float = 100e3,
    seed: int = 0,
) -> Variogram:
    r"""Estimate the variogram of the noise-free field from residuals.

    Of the pairs of a class, with :math:`\Delta_{ij} = r_i - r_j`,

    .. math:: 2 \hat\gamma = \overline{\Delta_{ij}^2} - \overline{\sigma_i^2 + \sigma_j^2 - 2 c_{ij}},

    :math:`c_{ij}` the covariance of the errors of two observations of one overpass. Robust: the first term is
    :math:`(\overline{|\Delta_{ij}|^{1/2}})^4 / (0.457 + 0.494 / N)` (Cressie and Hawkins 1980). Where there
    are more than 20 million pairs, a seeded sample of first observations is paired with all later ones.

    Parameters
    ----------
    observations : Observations
        Places, times and errors, in order of time.
    residual : numpy.ndarray
        ``(n,)`` values less the mean.
    max_distance : float, optional
        Longest chord [m]; by default half the extent of the data, at most 3000 km.
    max_days : float, optional
        Longest lag; by default half the period of the data, at most 120 days.
    robust : bool
        Take the robust form, which a few outliers do not spoil; it assumes normal differences.
    error_length : float
        E-folding length of the common error along an overpass [m]; 0: errors are independent.
    seed : int
        Of the sample.

    Returns
    -------
    Variogram

    References
    ----------
    Cressie, N., Hawkins, D. M. (1980). Robust estimation of the variogram. Mathematical Geology 12, 115-125.
    """
    place, days = sphere_point(observations.latitude, observations.longitude), observations.days
    if max_distance is None:
        extent = float(np.linalg.norm(np.ptp(place, axis=0)))
        max_distance = min(extent / 2.0, _FARTHEST)
    if max_days is None:
        max_days = min(float(np.ptp(days)) / 2.0, _LATEST)
    far = max_distance * (np.arange(_SPACE_CLASSES + 1) / _SPACE_CLASSES) ** 2
    late = np.append(0.0, _TOGETHER + max(max_days - _TOGETHER, _TOGETHER) * _rise(_TIME_CLASSES - 1))
    end = np.searchsorted(days, days + late[-1], side="right")
    ahead = np.maximum(end - np.arange(len(observations)) - 1, 0)
    share = min(1.0, _PAIRS / max(int(ahead.sum()), 1))
    rng = np.random.default_rng(seed)
    first = np.flatnonzero(rng.random(len(observations)) < share) if share < 1.0 else np.arange(ahead.size)
    sums = np.zeros((_SPACE_CLASSES, _TIME_CLASSES, 6))
    count_pairs(
        first.astype(np.int64), end.astype(np.int64), place, days, residual, observations.sigma**2,
        observations.shared, observations.overpass, error_length, far, late, sums,
    )  # fmt: skip
    number = sums[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums / number[..., None]
        raw = mean[..., 3]
        if robust:
            raw = 0.5 * mean[..., 4] ** 4 / (0.457 + 0.494 / number)
    return Variogram(mean[..., 1], mean[..., 2], raw - mean[..., 5], raw, number.astype(np.int64))


def _rise(classes: int) -> Floats:
    return np.asarray((np.arange(classes + 1) / classes) ** 2)


def fit_product_sum(
    variogram: Variogram, *, space_family: Family = "exponential", time_family: Family = "exponential"
) -> tuple[ProductSum, dict[str, Any]]:
    r"""Fit the product-sum model by weighted least squares.

    Weights are :math:`N / \gamma^2` (Cressie 1985), :math:`\gamma` the model of the round before, until the
    parameters stand. For given ranges the model is linear in its variances, which are found by non-negative
    least squares, so that every result is a valid covariance; the two ranges are searched for.

    Parameters
    ----------
    variogram : Variogram
        From `estimate_variogram`.
    space_family, time_family : str
        Families of the margins.

    Returns
    -------
    model : ProductSum
        Its micro-scale variance is what is left of the nugget after the measurement errors.
    diagnostics : dict
        ``classes`` and ``pairs`` used, ``relative_misfit`` (root mean square of :math:`\hat\gamma / \gamma -
        1`, weighted by the pairs), ``rounds``, and ``at_bound``: ranges that ran into the limits of what the
        lags can tell.

    Raises
    ------
    TooFewSoundingsError
        Fewer than 8 classes have enough pairs, or the residuals scatter less than their stated errors at all
        lags: there is no field to be seen.

    References
    ----------
    Cressie, N. (1985). Fitting variogram models by weighted least squares. Mathematical Geology 17, 563-586.
    """
    used = variogram.used
    if used.sum() < 8:
        raise TooFewSoundingsError(
            f"{used.sum()} classes of distance and time have {_LEAST} pairs or more",
            where="variogram",
            expected="at least 8",
            fix="give more observations, or a model (model=) instead of fitting one",
        )
    fit = _Fit(variogram, used, space_family, time_family)
    found = fit.search()
    total = float(found.amplitude.sum())
    if not total > 0.0:
        raise TooFewSoundingsError(
            "the residuals differ by no more than their stated errors at all lags",
            where="variogram",
            fix="check the uncertainties of the observations; if they are right, the mean alone is the map",
        )
    space, time, joint, micro = found.amplitude
    model = ProductSum(
        float(space), float(time), max(float(joint), _JOINT * total), float(micro),
        float(found.ranges[0]), float(found.ranges[1]), space_family, time_family,
    )  # fmt: skip
    shape = model.variogram(fit.distance, fit.lag)
    misfit = np.sqrt(np.average((fit.value / shape - 1.0) ** 2, weights=fit.pairs))
    return model, {
        "classes": int(used.sum()),
        "pairs": int(variogram.pairs.sum()),
        "relative_misfit": float(misfit),
        "rounds": found.rounds,
        "at_bound": fit.at_bound(found.ranges),
    }


@dataclass(frozen=True)
class _Found:
    ranges: Floats
    amplitude: Floats
    rounds: int


class _Fit:
    """Search of ranges and variances."""

    def __init__(
        self, variogram: Variogram, used: NDArray[np.bool_], space_family: Family, time_family: Family
    ) -> None:
        self.distance, self.lag = variogram.distance[used], variogram.lag[used]
        self.value, self.pairs = variogram.value[used], variogram.pairs[used].astype(float)
        self.families = space_family, time_family
        self.bounds = np.log(
            [
                (max(self.distance.min(), 1e3) / 3.0, 3.0 * self.distance.max()),
                (max(self.lag[self.lag > 0.0].min(initial=np.inf), 0.05) / 3.0, 3.0 * self.lag.max()),
            ]
        )
        if not np.isfinite(self.bounds).all():
            raise TooFewSoundingsError(
                "all pairs are of one moment", where="variogram", expected="observations at several times"
            )

    def basis(self, ranges: Floats) -> Floats:
        """Columns of the variogram: space, time, joint, micro."""
        near = correlation(self.distance / ranges[0], self.families[0])
        soon = correlation(self.lag / ranges[1], self.families[1])
        return np.stack([1.0 - near, 1.0 - soon, 1.0 - near * soon, np.ones_like(near)], axis=1)

    def amplitude(self, ranges: Floats, weight: Floats) -> tuple[Floats, float]:
        """Best variances for given ranges, and the weighted sum of squares."""
        from scipy.optimize import nnls

        root = np.sqrt(weight)
        found, rest = nnls(self.basis(ranges) * root[:, None], self.value * root)
        return np.asarray(found), float(rest**2)

    def search(self, rounds: int = 20) -> _Found:
        """Alternate between weights and parameters until these stand."""
        from scipy.optimize import minimize

        level = max(float(np.average(np.abs(self.value), weights=self.pairs)), 1e-300)
        shape = np.full_like(self.value, level)
        best: Floats | None = None
        for number in range(1, rounds + 1):
            weight = self.pairs / shape**2

            def misfit(log_ranges: Floats, weight: Floats = weight) -> float:
                inside = np.clip(log_ranges, self.bounds[:, 0], self.bounds[:, 1])
                outside = float(np.abs(log_ranges - inside).sum())
                return self.amplitude(np.exp(inside), weight)[1] * (1.0 + outside)

            if best is None:
                grid = product(*(np.linspace(low, high, 9) for low, high in self.bounds))
                best = min((np.asarray(point) for point in grid), key=misfit)
            before = best
            done = minimize(misfit, before, method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 0.0})
            best = np.clip(np.asarray(done.x, float), self.bounds[:, 0], self.bounds[:, 1])
            amplitude, _ = self.amplitude(np.exp(best), weight)
            shape = np.maximum(self.basis(np.exp(best)) @ amplitude, 1e-3 * level)
            if number > 1 and np.abs(best - before).max() < 1e-3:
                break
        assert best is not None
        return _Found(np.exp(best), amplitude, number)

    def at_bound(self, ranges: Floats) -> list[str]:
        """Names of ranges that the lags do not tell."""
        near = np.abs(np.log(ranges)[:, None] - self.bounds).min(axis=1) < 1e-2
        return [name for name, one in zip(("space_range", "time_range"), near, strict=True) if one]

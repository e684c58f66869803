"""Mean of the field: a surface in space, a polynomial in time and harmonics of the year."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.column.fill.frame import Frame, powers
from yaotan.column.fill.observation import Floats, Observations
from yaotan.column.fill.scale import FittedScale
from yaotan.errors import TooFewSoundingsError, YaotanError

#: Condition number of the scaled design beyond which two terms cannot be told apart.
_CONDITION: Final = 1e6
#: Shortest period from which a season can be told from a trend [days]: a year, less a month at its ends.
_SEASON: Final = 335.0
#: Observations needed for each coefficient.
_PER_TERM: Final = 3


@dataclass(frozen=True)
class MeanModel:
    r"""What the mean of a field may depend on.

    .. math:: m(s, t) = \sum_{|p| \le P} \beta_p \phi_p(s) + \sum_{q=1}^{Q} \alpha_q t^q
              + \sum_{k=1}^{K} \sum_{|p| \le S} \left(b_{kp} \sin k \omega t + c_{kp} \cos k \omega t\right)
              \phi_p(s), \quad \omega = 2 \pi / 365.25\,\mathrm{d}

    :math:`\phi` are products of powers of latitude and longitude; where the data span more than 180 degrees
    of longitude, powers of the unit vector, which are continuous on the sphere (the same functions as
    spherical harmonics up to that degree).

    Parameters
    ----------
    space : int
        P, degree of the surface: 0, 1 or 2.
    time : int
        Q, degree in time: 0 to 3.
    harmonics : int
        K, harmonics of the year: 0 to 6.
    season_space : int
        S, degree of the surface by which the season varies in space: 0 or 1.
    bands : tuple of float, optional
        Edges of latitude bands [degrees], each with a fit of its own (the mean jumps at the edges).

    Examples
    --------
    >>> MeanModel(space=1, time=1, harmonics=2).terms()
    8
    """

    space: int = 1
    time: int = 1
    harmonics: int = 4
    season_space: int = 0
    bands: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name, most in (("space", 2), ("time", 3), ("harmonics", 6), ("season_space", 1)):
            if getattr(self, name) not in range(most + 1):
                raise YaotanError(f"{name} is {getattr(self, name)!r}", expected=f"0 to {most}")
        if self.bands is not None and (len(self.bands) < 2 or any(a >= b for a, b in pairwise(self.bands))):
            raise YaotanError(f"bands are {self.bands!r}", expected="rising edges of latitude, two or more")

    def terms(self, wide: bool = False) -> int:
        """Number of coefficients of one band."""
        surface, season = (len(powers(degree, wide)) for degree in (self.space, self.season_space))
        return surface + self.time + 2 * self.harmonics * season

    def fit(
        self, observations: Observations, *, precision: Callable[[Floats], Floats] | None = None
    ) -> FittedMean:
        r"""Fit the coefficients by least squares.

        Without `precision` the weights are :math:`1 / (s^2 + \sigma_i^2)`, :math:`s^2` what the residuals of
        an unweighted fit scatter beyond the errors; the covariance of the coefficients then takes no account
        of the correlation of residuals and is too small. With it the fit is generalised,
        :math:`\hat\beta = (X^T \Sigma^{-1} X)^{-1} X^T \Sigma^{-1} z`, with covariance
        :math:`(X^T \Sigma^{-1} X)^{-1}`.

        Parameters
        ----------
        observations : Observations
            All of them.
        precision : callable, optional
            Gives :math:`\Sigma^{-1} M` of a matrix ``(n, k)``, Sigma the covariance of the observations.

        Returns
        -------
        FittedMean

        Raises
        ------
        TooFewSoundingsError
            Fewer than three observations a coefficient, or a band without.
        YaotanError
            Terms cannot be told apart (a season from less than a year, say): which ones is said. An
            observation lies outside all bands.
        """
        frame = Frame.of(observations, self)
        observations.need(_PER_TERM * frame.size, f"a mean with {frame.size} coefficients")
        days = observations.days
        if self.harmonics and np.ptp(days) < _SEASON:
            raise YaotanError(
                f"{np.ptp(days):.0f} days of data cannot tell a season from a trend",
                where="harmonics",
                expected=f"at least {_SEASON:.0f} days for harmonics of the year",
                fix="take harmonics=0, or a longer period",
            )
        scale = observations.scale
        design = _divide(
            frame.design(observations.latitude, observations.longitude, days),
            scale, observations.latitude, days,
        )  # fmt: skip
        self._check(observations, frame, design)
        # what was divided by a scale has been centred before
        reference = float(observations.value.mean()) if scale is None else 0.0
        departure = observations.value - reference
        if precision is None:
            weight = _weights(design, departure, observations.sigma)
            solved = weight[:, None] * np.column_stack([design, departure])
        else:
            solved = precision(np.column_stack([design, departure]))
        normal = design.T @ solved[:, :-1]
        covariance = np.asarray(np.linalg.inv(0.5 * (normal + normal.T)), float)
        coefficients = covariance @ (design.T @ solved[:, -1])
        return FittedMean(self, frame, reference, coefficients, covariance, scale)

    def _check(self, observations: Observations, frame: Frame, design: Floats) -> None:
        scale = np.sqrt((design**2).mean(axis=0))
        if not scale.all():
            names = [name for name, size in zip(frame.names, scale, strict=True) if size == 0.0]
            raise TooFewSoundingsError(
                f"the observations say nothing of these terms of the mean: {', '.join(names)}",
                where="mean",
                fix="take fewer terms or wider bands, or more varied data",
            )
        _, size, turn = np.linalg.svd(design / scale, full_matrices=False)
        if size[-1] * _CONDITION < size[0]:
            weak = np.abs(turn[-1])
            names = [frame.names[k] for k in np.flatnonzero(weak > 0.2 * weak.max())]
            raise YaotanError(
                f"{len(observations)} observations cannot tell these terms of the mean apart: "
                f"{', '.join(names)}",
                where="mean",
                fix="take fewer terms (space, time, harmonics, season_space), or more varied data",
            )


def _weights(design: Floats, departure: Floats, sigma: Floats) -> Floats:
    plain, *_ = np.linalg.lstsq(design, departure, rcond=None)
    scatter = ((departure - design @ plain) ** 2).sum() / max(1, departure.size - design.shape[1])
    field = max(scatter - float((sigma**2).mean()), 0.0)
    total = field + sigma**2
    # errors of zero and a perfect fit leave nothing to weigh by
    return np.ones_like(total) if not total.min() > 0.0 else 1.0 / total


def _divide(design: Floats, scale: FittedScale | None, latitude: ArrayLike, days: ArrayLike) -> Floats:
    """Divide the terms of the mean at points by the scale there, as the values are."""
    return design if scale is None else design / np.ravel(scale.at(latitude, days))[:, None]


@dataclass(frozen=True)
class FittedMean:
    """A fitted mean: coefficients, their covariance, and the frame in which they count.

    Attributes
    ----------
    reference : float
        Value that was subtracted from the observations before the fit.
    coefficients : numpy.ndarray
        ``(p,)``.
    covariance : numpy.ndarray
        ``(p, p)``.
    scale : FittedScale or None
        What the observations were divided by; the mean is then one of divided values.
    """

    model: MeanModel
    frame: Frame
    reference: float
    coefficients: Floats
    covariance: Floats
    scale: FittedScale | None = None

    @property
    def names(self) -> list[str]:
        """What each coefficient belongs to."""
        return self.frame.names

    def design(self, latitude: ArrayLike, longitude: ArrayLike, days: ArrayLike) -> NDArray[np.float64]:
        """Rows of the design at points ``(n, p)``, divided by the scale; days since 1970-01-01."""
        return _divide(self.frame.design(latitude, longitude, days), self.scale, latitude, days)

    def value(self, latitude: ArrayLike, longitude: ArrayLike, days: ArrayLike) -> NDArray[np.float64]:
        """The mean at points ``(n,)`` in the unit of the observations, divided by the scale as they are."""
        return np.asarray(self.reference + self.design(latitude, longitude, days) @ self.coefficients)

    def residual(self, observations: Observations) -> NDArray[np.float64]:
        """Observations less the mean ``(n,)``."""
        return observations.value - self.value(
            observations.latitude, observations.longitude, observations.days
        )

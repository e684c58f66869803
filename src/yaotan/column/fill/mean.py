"""Mean of the field: a surface in space, a polynomial in time and harmonics of the year."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.column.fill.observation import Floats, Observations
from yaotan.column.fill.scale import FittedScale
from yaotan.constants import YEAR_DAYS
from yaotan.errors import TooFewSoundingsError, YaotanError
from yaotan.geodesy import AUTHALIC_RADIUS, sphere_point, wrap_longitude

#: Condition number of the scaled design beyond which two terms cannot be told apart.
_CONDITION: Final = 1e6
#: Shortest period from which a season can be told from a trend [days]: a year, less a month at its ends.
_SEASON: Final = 335.0
#: Span of longitudes beyond which the surface is one of the sphere [degrees].
_WIDE: Final = 180.0
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
        surface, season = (len(_powers(degree, wide)) for degree in (self.space, self.season_space))
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
        frame = _Frame.of(observations, self)
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

    def _check(self, observations: Observations, frame: _Frame, design: Floats) -> None:
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


def _powers(degree: int, wide: bool) -> list[tuple[int, ...]]:
    """Exponents of the surface; on the sphere z^2 is left out, since x^2 + y^2 + z^2 = 1."""
    if not wide:
        return [(total - j, j) for total in range(degree + 1) for j in range(total + 1)]
    every = [(i, j, k) for i in range(3) for j in range(3) for k in range(3) if i + j + k <= degree]
    return sorted((power for power in every if power[2] < 2), key=lambda power: (sum(power), power))


@dataclass(frozen=True)
class _Frame:
    """Where the terms are counted from, so that the design is well scaled."""

    model: MeanModel
    wide: bool
    centre: tuple[float, float, float]
    scale: tuple[float, float, float]

    @classmethod
    def of(cls, observations: Observations, model: MeanModel) -> _Frame:
        lon = np.sort(observations.longitude)
        gaps = np.diff(lon, append=lon[0] + 360.0)
        after = (int(gaps.argmax()) + 1) % lon.size
        span = 360.0 - float(gaps.max())
        lat, days = observations.latitude, observations.days
        return cls(
            model,
            span > _WIDE,
            (float(lat.min() + lat.max()) / 2.0, float(lon[after] + span / 2.0), float(days.mean())),
            (
                max(float(np.ptp(lat)) / 2.0, 1e-6),
                max(span / 2.0, 1e-6),
                max(float(np.ptp(days)) / 2.0, 1e-6),
            ),
        )

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return len(self.names)

    @property
    def names(self) -> list[str]:
        """What each column of the design is."""
        axes = ("x", "y", "z") if self.wide else ("latitude", "longitude")

        def word(power: tuple[int, ...]) -> str:
            parts = [f"{axis}^{k}" if k > 1 else axis for axis, k in zip(axes, power, strict=True) if k]
            return " ".join(parts)

        surface = [word(power) or "constant" for power in _powers(self.model.space, self.wide)]
        time = [f"time^{k}" if k > 1 else "time" for k in range(1, self.model.time + 1)]
        season = [
            f"{wave} of harmonic {k}" + (f" x {word(power)}" if any(power) else "")
            for k in range(1, self.model.harmonics + 1)
            for wave in ("sine", "cosine")
            for power in _powers(self.model.season_space, self.wide)
        ]
        one = surface + time + season
        if self.model.bands is None:
            return one
        return [f"{name} ({a:g} to {b:g})" for a, b in pairwise(self.model.bands) for name in one]

    def design(self, latitude: ArrayLike, longitude: ArrayLike, days: ArrayLike) -> Floats:
        """Columns of the design ``(n, size)``."""
        lat, lon, time = (np.ravel(np.asarray(array, float)) for array in (latitude, longitude, days))
        model = self.model
        t = (time - self.centre[2]) / self.scale[2]
        columns = [_surface(lat, lon, self, model.space), t[:, None] ** np.arange(1, model.time + 1)]
        if model.harmonics:
            pattern = _surface(lat, lon, self, model.season_space)
            angle = 2.0 * np.pi / YEAR_DAYS * np.outer(time, np.arange(1, model.harmonics + 1))
            waves = np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(t.size, -1)
            columns.append((waves[:, :, None] * pattern[:, None, :]).reshape(t.size, -1))
        one = np.concatenate(columns, axis=1)
        return one if model.bands is None else self._banded(lat, one)

    def _banded(self, latitude: Floats, one: Floats) -> Floats:
        bands = np.asarray(self.model.bands)
        place = np.searchsorted(bands, latitude, side="right") - 1
        place = np.where(latitude == bands[-1], bands.size - 2, place)
        if ((place < 0) | (place >= bands.size - 1)).any():
            raise YaotanError(
                f"latitudes from {latitude.min():g} to {latitude.max():g} are not all in a band",
                where="bands",
                expected=f"within {bands[0]:g} to {bands[-1]:g}",
            )
        return np.concatenate([np.where((place == k)[:, None], one, 0.0) for k in range(bands.size - 1)], 1)


def _surface(latitude: Floats, longitude: Floats, frame: _Frame, degree: int) -> Floats:
    if frame.wide:
        axes = np.moveaxis(sphere_point(latitude, longitude) / AUTHALIC_RADIUS, -1, 0)
    else:
        axes = np.stack(
            [
                (latitude - frame.centre[0]) / frame.scale[0],
                wrap_longitude(longitude - frame.centre[1]) / frame.scale[1],
            ]
        )
    columns = [
        np.prod([axis**k for axis, k in zip(axes, power, strict=True)], axis=0)
        for power in _powers(degree, frame.wide)
    ]
    return np.stack(columns, axis=-1)


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
    frame: _Frame
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

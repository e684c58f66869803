"""How lively the field is: a scale that changes with latitude and season."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.column.fill.observation import Floats, Mask, Observations
from yaotan.constants import YEAR_DAYS

#: Step by which the scale is averaged over a period [days], and parts of a period at least and at most.
_STEP, _LEAST, _MOST = 5.0, 3, 500
#: Half width of a band of latitude in the logarithm of the scale's course over a period.
_BAND: Final = 0.05


@dataclass(frozen=True)
class ScaleForm:
    """Terms of the logarithm of a scale: powers of the sine of latitude, harmonics of the year.

    Parameters
    ----------
    latitude : int
        Highest power of the sine of latitude.
    harmonics : int
        Harmonics of the year.
    crossed : bool
        Whether the first harmonic may vary with latitude (winter on one hemisphere is summer on the other).

    Examples
    --------
    >>> ScaleForm(2, 1).names
    ['latitude', 'latitude^2', 'sine of harmonic 1', 'cosine of harmonic 1']
    """

    latitude: int
    harmonics: int
    crossed: bool = False

    @property
    def names(self) -> list[str]:
        """What each column of the design is."""
        powers = [f"latitude^{k}" if k > 1 else "latitude" for k in range(1, self.latitude + 1)]
        waves = [f"{w} of harmonic {k}" for k in range(1, self.harmonics + 1) for w in ("sine", "cosine")]
        crossed = [f"{wave} x latitude" for wave in waves[:2]] if self.crossed else []
        return powers + waves + crossed

    def design(self, place: Floats, days: Floats) -> Floats:
        """Columns ``(n, p)`` at places (scaled sine of latitude) and days since 1970-01-01."""
        powers = place[:, None] ** np.arange(1, self.latitude + 1)
        angle = 2.0 * np.pi / YEAR_DAYS * np.outer(days, np.arange(1, self.harmonics + 1))
        waves = np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(days.size, -1)
        crossed = waves[:, :2] * place[:, None] if self.crossed else waves[:, :0]
        return np.concatenate([powers, waves, crossed], axis=1)


@dataclass(frozen=True)
class Frame:
    """Sine of latitude on -1 to 1 over the data; beyond their edge it stays."""

    middle: float
    half: float

    @classmethod
    def of(cls, latitude: Floats) -> Frame:
        """Give the frame of some latitudes."""
        sine = np.sin(np.radians(latitude))
        return cls(float(sine.min() + sine.max()) / 2.0, max(float(np.ptp(sine)) / 2.0, 1e-9))

    def place(self, latitude: ArrayLike) -> Floats:
        """Give the scaled sines of latitudes."""
        sine = np.sin(np.radians(np.ravel(np.asarray(latitude, float))))
        return np.clip((sine - self.middle) / self.half, -1.0, 1.0)


@dataclass(frozen=True)
class FittedScale:
    r"""Factor by which the field departs more from its mean here and now than elsewhere and at other times.

    .. math:: z = m + k(\varphi, t)\, w + e, \quad
              \log k = c_0 + \sum_p a_p x^p + \sum_h \left(b_h \sin h \omega t + c_h \cos h \omega t\right)
              + x \left(b' \sin \omega t + c' \cos \omega t\right)

    x is the sine of latitude, scaled to -1 to 1 over the data; w has the same variance everywhere. The mean
    square of k over the data is 1.

    Attributes
    ----------
    form, frame
        Terms, and the frame of latitudes.
    coefficients : numpy.ndarray
        ``(p,)``.
    constant : float
        :math:`c_0`.
    centre : float
        Value that is subtracted before values are divided [unit of the observations].
    """

    form: ScaleForm
    frame: Frame
    coefficients: Floats
    constant: float
    centre: float

    def at(self, latitude: ArrayLike, days: ArrayLike) -> NDArray[np.float64]:
        """Give k at latitudes [degrees] and days since 1970-01-01 ``(n,)``; they broadcast."""
        lat, time = np.broadcast_arrays(*(np.asarray(a, float) for a in (latitude, days)))
        design = self.form.design(self.frame.place(lat), time.ravel())
        return np.exp(self.constant + design @ self.coefficients).reshape(lat.shape)

    def average(self, latitude: Floats, middle: float, half: float) -> NDArray[np.float64]:
        """Give the mean of k over a period [days] at latitudes ``(m,)``."""
        if not half > 0.0:
            return self.at(latitude, middle)
        parts = int(np.clip(math.ceil(2.0 * half / _STEP), _LEAST, _MOST))
        days = middle + half * (2.0 * np.arange(parts) + 1.0 - parts) / parts
        found, back = np.unique(latitude, return_inverse=True)
        return np.asarray(self.at(found[:, None], days).mean(axis=1)[back.ravel()])

    def divide(self, observations: Observations) -> Observations:
        """Give observations as those of w: departures from the centre and errors, divided by k."""
        scale = self.at(observations.latitude, observations.days)
        return replace(
            observations,
            value=(observations.value - self.centre) / scale,
            sigma=observations.sigma / scale,
            shared=observations.shared / scale,
            scale=self,
        )

    def restore(self, value: Floats, sigma: Floats, factor: Floats) -> tuple[Floats, Floats]:
        """Turn value and 1 sigma of w back, `factor` being k there."""
        return self.centre + factor * value, factor * sigma

    def bands(self, latitude: Floats, wanted: Mask, half: float) -> Iterator[tuple[Mask, float]]:
        """Split wanted cells into bands in which k takes one course over a period, to within 5 per cent.

        Parameters
        ----------
        latitude, wanted : numpy.ndarray
            Of the cells ``(ny, nx)``.
        half : float
            Half of the period [days].

        Yields
        ------
        mask, latitude
            Cells of a band ``(ny, nx)``, and the latitude whose course is taken for it [degrees].
        """
        place = self.frame.place(latitude).reshape(latitude.shape)
        swing = float(np.hypot(*self.coefficients[-2:])) if self.form.crossed and half > 0.0 else 0.0
        low, high = float(place[wanted].min()), float(place[wanted].max())
        # a projected cell off the globe has no latitude
        place = np.where(wanted, place, low)
        number = max(1, math.ceil(swing * (high - low) / (2.0 * _BAND)))
        band = np.minimum(((place - low) / max(high - low, 1e-12) * number).astype(int), number - 1)
        for one in range(number):
            mask = wanted & (band == one)
            if mask.any():
                yield mask, float(np.median(latitude[mask]))

    def course(self, latitude: float) -> Callable[[Floats], Floats]:
        """Give k as a function of the day at one latitude."""
        return lambda days: self.at(latitude, days)

    def describe(self) -> dict[str, Any]:
        """Give the terms by name, for attributes of a map."""
        return {
            "scale_terms": ", ".join(self.form.names),
            "scale_coefficients": np.round(self.coefficients, 4).tolist(),
            "scale_constant": self.constant,
        }

"""Covariance in space and time: the product-sum model on chords through the sphere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from yaotan.column.fill.observation import Floats
from yaotan.errors import YaotanError

Family: TypeAlias = Literal["exponential", "matern32", "spherical"]

#: Family -> (number in the compiled loops, distance in ranges where the correlation has fallen to 5 %).
FAMILIES: Final[dict[str, tuple[int, float]]] = {
    "exponential": (0, 2.995732273553991),
    "matern32": (1, 2.7388),
    "spherical": (2, 0.8110),
}


def correlation(distance: ArrayLike, family: Family) -> Floats:
    r"""Correlation at a distance in ranges.

    ``exponential`` :math:`e^{-x}`, ``matern32`` :math:`(1 + \sqrt 3 x) e^{-\sqrt 3 x}`, ``spherical``
    :math:`1 - 1.5 x + 0.5 x^3` up to 1. All are positive definite in three dimensions, so on chords of the
    sphere too.

    Examples
    --------
    >>> correlation([0.0, 1.0], "exponential").round(3).tolist()
    [1.0, 0.368]
    """
    x = np.asarray(distance, float)
    if family == "exponential":
        return np.exp(-x)
    if family == "matern32":
        return (1.0 + np.sqrt(3.0) * x) * np.exp(-np.sqrt(3.0) * x)
    inside = np.minimum(x, 1.0)
    return np.asarray(1.0 - inside * (1.5 - 0.5 * inside**2))


@dataclass(frozen=True)
class ProductSum:
    r"""Product-sum model of covariance (De Iaco, Myers and Posa 2001), and micro-scale variance.

    .. math:: C(h, u) = A \rho_s(h) + B \rho_t(u) + D \rho_s(h) \rho_t(u) + m\, 1_{h = u = 0}

    In the form of its variogram, :math:`\gamma = \gamma_s + \gamma_t - k \gamma_s \gamma_t`, the sills of the
    margins are :math:`c_s = A + D`, :math:`c_t = B + D`, and :math:`k = D / (c_s c_t)`; that A, B are not
    negative and D is positive is the condition :math:`0 < k \le 1 / \max(c_s, c_t)`.

    Parameters
    ----------
    space, time, joint : float
        A, B, D in squared units of the field.
    micro : float
        m, variance of what changes from place to place and moment to moment within the closest observations.
    space_range : float
        Distance at which :math:`\rho_s` has its argument 1 [m].
    time_range : float
        Time at which :math:`\rho_t` has its argument 1 [days].
    space_family, time_family : str
        See `correlation`.
    time_wave : float
        :math:`\omega` [rad/day]: :math:`\rho_t` is the family's correlation times :math:`\cos \omega u`, so
        that it can swing below zero (weather that comes and goes; the damped cosine where the family is
        exponential). A product of two correlations in one dimension is one; 0: none.

    Raises
    ------
    YaotanError
        A variance or the wave is negative, the joint part or a range is not positive, or a family is unknown.

    References
    ----------
    De Iaco, S., Myers, D. E., Posa, D. (2001). Space-time analysis using a general product-sum model.
    Statistics and Probability Letters 52, 21-28.

    Examples
    --------
    >>> model = ProductSum(0.5, 0.3, 1.0, 0.1, 500e3, 20.0)
    >>> round(model.sill, 6)
    1.9
    >>> round(model.k * max(model.space_sill, model.time_sill), 3)
    0.769
    """

    space: float
    time: float
    joint: float
    micro: float
    space_range: float
    time_range: float
    space_family: Family = "exponential"
    time_family: Family = "exponential"
    time_wave: float = 0.0

    def __post_init__(self) -> None:
        for name in ("space", "time", "micro"):
            if not getattr(self, name) >= 0.0:
                raise YaotanError(f"{name} is {getattr(self, name)!r}", expected="a variance, 0 or more")
        if not self.time_wave >= 0.0:
            raise YaotanError(f"time_wave is {self.time_wave!r}", expected="0 or more")
        for name in ("joint", "space_range", "time_range"):
            if not getattr(self, name) > 0.0:
                raise YaotanError(f"{name} is {getattr(self, name)!r}", expected="above 0")
        for family in (self.space_family, self.time_family):
            if family not in FAMILIES:
                raise YaotanError(f"family {family!r} is unknown", expected=", ".join(FAMILIES))

    @classmethod
    def from_sills(
        cls,
        space_sill: float,
        time_sill: float,
        k: float,
        *,
        micro: float = 0.0,
        space_range: float,
        time_range: float,
        space_family: Family = "exponential",
        time_family: Family = "exponential",
    ) -> ProductSum:
        """Make the model from the sills of its margins and k.

        Raises
        ------
        YaotanError
            k is not above 0 and at most 1 / max(space_sill, time_sill): the model would be no covariance.

        Examples
        --------
        >>> model = ProductSum.from_sills(1.5, 1.25, 0.5, space_range=5e5, time_range=20.0)
        >>> model.space, model.time, model.joint
        (0.5625, 0.3125, 0.9375)
        """
        if not (min(space_sill, time_sill) > 0.0 and 0.0 < k * max(space_sill, time_sill) <= 1.0 + 1e-12):
            raise YaotanError(
                f"k is {k:g} with sills {space_sill:g} and {time_sill:g}",
                where="ProductSum",
                expected="0 < k <= 1 / max(space_sill, time_sill)",
            )
        joint = k * space_sill * time_sill
        parts = max(space_sill - joint, 0.0), max(time_sill - joint, 0.0), joint
        return cls(*parts, micro, space_range, time_range, space_family, time_family)

    @property
    def space_sill(self) -> float:
        """Sill of the margin in space."""
        return self.space + self.joint

    @property
    def time_sill(self) -> float:
        """Sill of the margin in time."""
        return self.time + self.joint

    @property
    def k(self) -> float:
        """Coefficient of the product in the variogram."""
        return self.joint / (self.space_sill * self.time_sill)

    @property
    def sill(self) -> float:
        """Variance of the field, micro-scale part included."""
        return self.space + self.time + self.joint + self.micro

    @property
    def practical_ranges(self) -> tuple[float, float]:
        """Distance [m] and time [days] at which the correlations of the margins have fallen to 5 per cent."""
        return (
            self.space_range * FAMILIES[self.space_family][1],
            self.time_range * FAMILIES[self.time_family][1],
        )

    @property
    def time_scale(self) -> float:
        """Time within which the correlation in time changes [days]: its range, or the wave's 1 / omega."""
        return min(self.time_range, 1.0 / self.time_wave) if self.time_wave else self.time_range

    def in_time(self, lag: ArrayLike) -> Floats:
        """Correlation of the margin in time at lags [days]."""
        late = np.abs(np.asarray(lag, float))
        fade = correlation(late / self.time_range, self.time_family)
        return fade * np.cos(self.time_wave * late) if self.time_wave else fade

    def covariance(self, distance: ArrayLike, lag: ArrayLike) -> Floats:
        """Covariance of the field without its micro-scale part, at distances [m] and lags [days]."""
        near = correlation(np.asarray(distance, float) / self.space_range, self.space_family)
        soon = self.in_time(lag)
        return np.asarray(self.space * near + (self.time + self.joint * near) * soon)

    def variogram(self, distance: ArrayLike, lag: ArrayLike) -> Floats:
        """Half the mean squared difference of two values of the field, micro-scale part included."""
        apart = (np.asarray(distance, float) > 0.0) | (np.asarray(lag, float) != 0.0)
        smooth = self.sill - self.micro - self.covariance(distance, lag)
        return np.asarray(smooth + self.micro * apart)

    def parameters(self) -> Floats:
        """The model as the compiled loops take it."""
        families = (FAMILIES[self.space_family][0], FAMILIES[self.time_family][0])
        values = (self.space, self.time, self.joint, self.micro, self.space_range, self.time_range)
        return np.array([*values, self.time_wave, *families], float)

    def describe(self) -> dict[str, Any]:
        """Give the parameters by name, for attributes."""
        return {f"covariance_{name}": value for name, value in asdict(self).items()}

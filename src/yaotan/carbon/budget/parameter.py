"""Uncertain parameters, and draws of them: each once per realisation, for all the land it holds for."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import YaotanError

Floats: TypeAlias = NDArray[np.float64]

#: Draws of a parameter that cannot be negative are cut off at 0: normal ones are drawn from the normal
#: distribution above it. Beyond this relative sd the mean of what is left is off by more than 1 per cent.
WIDE: Final = 0.6


@dataclass(frozen=True)
class Parameter:
    """One uncertain number.

    Attributes
    ----------
    name : str
        Also the seed of its draws: they do not depend on what other parameters there are.
    mean, sd : float
        `sd` NaN: not known, and then not varied (results name it).
    term : str
        Term of the budget that it belongs to: density, common, fraction, root_shoot, biomass, ...
    distribution : {"normal", "lognormal", "triangular", "fixed"}
        Normal is cut off at 0.
    lower, upper : float
        Ends of a triangular distribution, whose mode is `mean`.
    group : str
        Parameters of one group are correlated, where a correlation is given.
    """

    name: str
    mean: float
    sd: float
    term: str
    distribution: str = "normal"
    lower: float = math.nan
    upper: float = math.nan
    group: str = ""

    @property
    def varies(self) -> bool:
        """Whether it is drawn."""
        return self.distribution != "fixed" and self.sd > 0.0

    @property
    def unknown(self) -> bool:
        """Whether nobody says how uncertain it is."""
        return self.distribution != "fixed" and math.isnan(self.sd)


@dataclass(frozen=True)
class Parameters:
    """A list of parameters with a common correlation inside groups.

    Attributes
    ----------
    items : tuple of Parameter
        In the order of the columns of draws.
    correlation : float
        Correlation of any two parameters of one group, 0 to 1 (equicorrelation: one shared Gaussian part).
    """

    items: tuple[Parameter, ...]
    correlation: float = 0.0
    _place: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0.0 <= self.correlation <= 1.0:
            raise YaotanError(
                f"correlation={self.correlation!r}", expected="0 (independent) to 1 (all err together)"
            )
        object.__setattr__(self, "_place", {item.name: place for place, item in enumerate(self.items)})

    def place(self, name: str) -> int:
        """Column of a parameter."""
        return self._place[name]

    @property
    def means(self) -> Floats:
        """Means ``(parameter,)``."""
        return np.array([item.mean for item in self.items], dtype=float)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of those whose uncertainty is not known."""
        return tuple(item.name for item in self.items if item.unknown)

    def covariance(self, term: str | None = None) -> Floats:
        """Covariance ``(parameter, parameter)``, of one term or of all; unknown ones count as 0."""
        sd = np.array([
            item.sd if item.varies and term in (None, item.term) else 0.0 for item in self.items
        ])  # fmt: skip
        groups = np.array([item.group for item in self.items], dtype=object)
        alike = (groups[:, None] == groups[None, :]) & (groups[:, None] != "")
        shape = np.where(alike, self.correlation, 0.0)
        np.fill_diagonal(shape, 1.0)
        return np.asarray(sd[:, None] * shape * sd[None, :])

    def draw(self, count: int, seed: int, *, terms: Iterable[str] | None = None) -> Floats:
        """Draw realisations ``(count, parameter)``.

        Parameters
        ----------
        count : int
            Realisations.
        seed : int
            Same seed, same draws; the draws of a parameter depend on its name alone.
        terms : iterable of str, optional
            Terms to vary; the others stay at their means.

        Returns
        -------
        numpy.ndarray
            Draws.
        """
        kept = None if terms is None else set(terms)
        out = np.tile(self.means, (count, 1))
        shared: dict[str, Floats] = {}
        for column, item in enumerate(self.items):
            if not item.varies or (kept is not None and item.term not in kept):
                continue
            z = normals(seed, item.name, count)
            if item.group and self.correlation > 0.0:
                if item.group not in shared:
                    shared[item.group] = normals(seed, f"group {item.group}", count)
                z = math.sqrt(self.correlation) * shared[item.group] + math.sqrt(1.0 - self.correlation) * z
            out[:, column] = _shape(item, z)
        return out


def normals(seed: int, name: str, count: int) -> Floats:
    """Give standard normal draws that depend on seed and name alone."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())]).standard_normal(count)


def _shape(item: Parameter, z: Floats) -> Floats:
    """Turn standard normal draws into draws of a parameter, quantile by quantile."""
    if item.distribution == "lognormal":
        log_variance = math.log1p((item.sd / item.mean) ** 2)
        return np.asarray(item.mean * np.exp(math.sqrt(log_variance) * z - 0.5 * log_variance))
    from scipy.special import ndtr, ndtri

    if item.distribution == "triangular":
        share, width = ndtr(z), item.upper - item.lower
        turn = (item.mean - item.lower) / width
        rising = item.lower + np.sqrt(share * width * (item.mean - item.lower))
        falling = item.upper - np.sqrt((1.0 - share) * width * (item.upper - item.mean))
        return np.asarray(np.where(share < turn, rising, falling))
    if item.sd < 0.2 * item.mean:  # 5 sd from 0: nothing to cut
        return np.asarray(item.mean + item.sd * z)
    below = ndtr(-item.mean / item.sd)
    return np.asarray(item.mean + item.sd * ndtri(below + (1.0 - below) * ndtr(z)))

"""The terms of a mean at points: where they are counted from, what they are called, their design."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike

from yaotan.column.fill.observation import Floats, Observations
from yaotan.constants import YEAR_DAYS
from yaotan.errors import YaotanError
from yaotan.geodesy import AUTHALIC_RADIUS, sphere_point, wrap_longitude
from yaotan.grid.edges import cells_of

if TYPE_CHECKING:
    from yaotan.column.fill.mean import MeanModel

#: Span of longitudes beyond which the surface is one of the sphere [degrees].
_WIDE: Final = 180.0


def powers(degree: int, wide: bool) -> list[tuple[int, ...]]:
    """Exponents of the surface; on the sphere z^2 is left out, since x^2 + y^2 + z^2 = 1."""
    if not wide:
        return [(total - j, j) for total in range(degree + 1) for j in range(total + 1)]
    every = [(i, j, k) for i in range(3) for j in range(3) for k in range(3) if i + j + k <= degree]
    return sorted((power for power in every if power[2] < 2), key=lambda power: (sum(power), power))


@dataclass(frozen=True)
class Frame:
    """Where the terms are counted from, so that the design is well scaled."""

    model: MeanModel
    wide: bool
    centre: tuple[float, float, float]
    scale: tuple[float, float, float]

    @classmethod
    def of(cls, observations: Observations, model: MeanModel) -> Frame:
        """Take the middle and the half extent of the observations."""
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

        surface = [word(power) or "constant" for power in powers(self.model.space, self.wide)]
        time = [f"time^{k}" if k > 1 else "time" for k in range(1, self.model.time + 1)]
        season = [
            f"{wave} of harmonic {k}" + (f" x {word(power)}" if any(power) else "")
            for k in range(1, self.model.harmonics + 1)
            for wave in ("sine", "cosine")
            for power in powers(self.model.season_space, self.wide)
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
        place = cells_of(bands, latitude)
        if (place < 0).any():
            raise YaotanError(
                f"latitudes from {latitude.min():g} to {latitude.max():g} are not all in a band",
                where="bands",
                expected=f"within {bands[0]:g} to {bands[-1]:g}",
            )
        return np.concatenate([np.where((place == k)[:, None], one, 0.0) for k in range(bands.size - 1)], 1)


def _surface(latitude: Floats, longitude: Floats, frame: Frame, degree: int) -> Floats:
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
        for power in powers(degree, frame.wide)
    ]
    return np.stack(columns, axis=-1)

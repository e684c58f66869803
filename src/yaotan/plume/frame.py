"""The frame of a plume: its centre line, and the distance of pixels along and across it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.effective import EffectiveWind
from yaotan.plume.image import PixelSet

Floats: TypeAlias = NDArray[np.float64]

#: how much a wind may turn in 100 km, 1 sigma [radian]: a prior for the bend of a centre line
BEND: Final = 0.35


@dataclass(frozen=True)
class CentreLine:
    """A line from the source whose azimuth changes linearly with the distance from the source.

    Parameters
    ----------
    azimuth : float
        Mathematical angle at the source [radian, 0 eastward, counter-clockwise].
    bend : float
        Change of the angle with distance [radian m-1]: the line is ``r (cos, sin)(azimuth + bend r)``.
    length : float
        Up to where it bends [m]; beyond it goes on straight.

    Examples
    --------
    >>> along, across, _ = CentreLine(0.0, 0.0, 1e5).coordinates(np.array([3e4]), np.array([1e3]))
    >>> float(along[0].round(6)), float(across[0].round(6))
    (30000.0, 1000.0)
    """

    azimuth: float
    bend: float
    length: float

    def points(self, count: int = 200) -> tuple[Floats, Floats, Floats]:
        """Give points of the line: ``x, y`` and the way from the source [m]."""
        r = np.linspace(0.0, self.length, count)
        angle = self.azimuth + self.bend * r
        x, y = r * np.cos(angle), r * np.sin(angle)
        way = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        return x, y, way

    def coordinates(self, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
        """Distance along the line and across it, and the direction of the line there.

        Parameters
        ----------
        x, y : numpy.ndarray
            Eastward and northward distance from the source [m].

        Returns
        -------
        along, across, angle : numpy.ndarray
            [m, m, radian]; ``across`` is positive to the left of the plume; upwind of the source ``along`` is
            negative.
        """
        if abs(self.bend) * self.length < 1e-6:
            c, s = math.cos(self.azimuth), math.sin(self.azimuth)
            return x * c + y * s, -x * s + y * c, np.full(x.shape, self.azimuth)
        px, py, way = self.points(max(20, int(self.length / 2e3)))
        # the ends go on straight: segments far beyond them catch every pixel
        ends = ((px[0] - px[1], py[0] - py[1]), (px[-1] - px[-2], py[-1] - py[-2]))
        steps = [math.hypot(*end) for end in ends]
        far = 10.0 * self.length
        px = np.concatenate(
            [[px[0] + ends[0][0] / steps[0] * far], px, [px[-1] + ends[1][0] / steps[1] * far]]
        )
        py = np.concatenate(
            [[py[0] + ends[0][1] / steps[0] * far], py, [py[-1] + ends[1][1] / steps[1] * far]]
        )
        way = np.concatenate([[-far], way, [way[-1] + far]])
        return _nearest(x, y, px, py, way)


def _nearest(x: Floats, y: Floats, px: Floats, py: Floats, way: Floats) -> tuple[Floats, Floats, Floats]:
    """Project points on the nearest segment of a line of points."""
    dx, dy = np.diff(px), np.diff(py)
    size = np.hypot(dx, dy)
    tx, ty = dx / size, dy / size
    shape, x, y = x.shape, x.ravel(), y.ravel()
    best, which = np.full(x.size, np.inf), np.zeros(x.size, np.int64)
    for k in range(size.size):
        _, away = _project(x - px[k], y - py[k], tx[k], ty[k], size[k])
        near = away < best
        np.copyto(best, away, where=near)
        np.copyto(which, k, where=near)
    tx, ty, size = tx[which], ty[which], size[which]
    ox, oy = x - px[which], y - py[which]
    t, away = _project(ox, oy, tx, ty, size)
    across = np.sign(tx * oy - ty * ox) * np.sqrt(away)
    along, angle = way[which] + t, np.arctan2(ty, tx)
    return along.reshape(shape), across.reshape(shape), angle.reshape(shape)


def _project(ox: Floats, oy: Floats, tx: Any, ty: Any, size: Any) -> tuple[Floats, Floats]:
    """Way along a segment to the point that is nearest, and the square of the distance from it."""
    t = np.minimum(np.maximum(ox * tx + oy * ty, 0.0), size)
    return t, (ox - t * tx) ** 2 + (oy - t * ty) ** 2


def wind_line(wind: EffectiveWind, length: float) -> CentreLine:
    """Straight line down the wind."""
    return CentreLine(math.atan2(wind.v, wind.u), 0.0, length)


def fit_line(pixels: PixelSet, strength: Floats, wind: EffectiveWind, length: float) -> CentreLine:
    """Centre line through the pixels of a plume, held by the wind where they say little.

    The azimuth of the pixels, seen from the source, is fitted as a line in distance, with weight
    ``strength x distance^2`` (the azimuth of a pixel off the line by a fixed width is the surer the farther
    it is), the wind's direction with its error as prior of the azimuth at the source, `BEND` as that of the
    bend.

    Parameters
    ----------
    pixels : PixelSet
        Those of the plume.
    strength : numpy.ndarray
        Their weight, such as the signal to noise ratio; what is not above 0 takes no part.
    wind : EffectiveWind
        Wind of the source.
    length : float
        Length of the line [m].

    Returns
    -------
    CentreLine
        The line.
    """
    start = math.atan2(wind.v, wind.u)
    r = np.hypot(pixels.x, pixels.y)
    weight = np.where(r > pixels.width, np.clip(strength, 0.0, None), 0.0)
    turn = np.angle(np.exp(1j * (np.arctan2(pixels.y, pixels.x) - start)))
    # pixels behind the source are noise, or the width of the source
    weight = np.where(np.abs(turn) < np.pi / 2.0, weight, 0.0)
    if weight.sum() <= 0.0:
        return CentreLine(start, 0.0, length)
    # a pixel with signal to noise 1 knows the place of the line to about its own width or the plume's
    wide = np.maximum(pixels.width, 0.1 * r)
    precision = np.minimum(weight, 10.0) * (r / wide) ** 2 / 4.0
    far = 1e5
    design = np.stack([np.ones_like(r), r / far], -1)
    prior = np.diag([1.0 / max(math.radians(wind.direction_uncertainty), 0.02) ** 2, 1.0 / BEND**2])
    normal = design.T @ (design * precision[:, None]) + prior
    found = np.linalg.solve(normal, design.T @ (precision * turn))
    return CentreLine(start + float(found[0]), float(found[1]) / far, length)

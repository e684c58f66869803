"""The linear part of a plume's fit: line densities and other plumes beside a background fitted once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.background import damped
from yaotan.plume.layout import Layout
from yaotan.plume.profile import REACH, Spread, pixel_profile

Floats: TypeAlias = NDArray[np.float64]

#: a column with less than this share of the weight of its neighbours has no data
_EMPTY: Final = 1e-10


def _reached(frame: Any, across: Floats, shape: Floats, layout: Layout, down: Any) -> NDArray[np.int64]:
    """Pixels that a plume reaches, and would if width or place changed by as much as a step of a slope."""
    wide = 1.01 * REACH * _spread(shape, layout).width(frame.along) + frame.half_1 + frame.half_2
    return np.flatnonzero(down & (np.abs(across) < wide + 0.01 * layout.pixels.width))


def _spread(shape: Floats, layout: Layout) -> Spread:
    return Spread(math.exp(shape[0]), float(shape[1]), layout.options.source_width)


def _profile_at(
    frame: Any, across: Floats, place: NDArray[np.int64], shape: Floats, layout: Layout
) -> Floats:
    """What one kilogram per metre gives in some pixels [m-1], whose distances across the plume are given."""
    along = frame.along[place]
    width = _spread(shape, layout).width(along)
    made = pixel_profile(across, width, frame.half_1[place], frame.half_2[place])
    if math.isfinite(layout.options.decay):
        made *= np.exp(-along / layout.options.decay)
    return made


def _seen(frame: Any, ways: Floats, shape: Floats, layout: Layout, down: Any, shift: float = 0.0) -> Floats:
    """What one kilogram per metre gives in each pixel [m-1], zero where the plume is not."""
    across = frame.across - ways @ shape[2:] + shift
    place = _reached(frame, across, shape, layout, down)
    out = np.zeros(frame.along.shape)
    out[place] = _profile_at(frame, across[place], place, shape, layout)
    return out


def plume_profile(layout: Layout, shape: Floats, shift: float = 0.0) -> Floats:
    """What one kilogram per metre of the plume gives in each pixel [m-1], zero upwind."""
    return _seen(layout, layout.ways, shape, layout, layout.bin >= 0, shift)


def profile_slopes(layout: Layout, shape: Floats, free: Any) -> Floats:
    """Derivative of the profile by the parameters that are fitted ``(pixel, parameter)``."""
    step, small = 1e-3, 1e-3 * layout.pixels.width
    across = layout.across - layout.ways @ shape[2:]
    place = _reached(layout, across, shape, layout, layout.bin >= 0)
    across = across[place]

    def at(moved: Floats, shift: float = 0.0) -> Floats:
        return _profile_at(layout, across + shift, place, moved, layout)

    slopes = np.zeros((layout.along.size, len(free)))
    sideways = None
    for column, k in enumerate(free):
        if k < 2:
            move = np.where(np.arange(shape.size) == k, step, 0.0)
            slopes[place, column] = (at(shape + move) - at(shape - move)) / (2.0 * step)
            continue
        if sideways is None:
            sideways = -(at(shape, small) - at(shape, -small)) / (2.0 * small)
        slopes[place, column] = sideways * layout.ways[place, k - 2]
    return slopes


@dataclass(frozen=True)
class LinearFit:
    """Amplitudes for one shape, and the blocks of the normal equations.

    ``density`` of each line [kg m-1], ``rest`` the amplitudes of other plumes and background terms;
    ``profile`` the lines' column over sigma, ``near`` the pixels that the plume touches, ``beside`` the
    columns of other plumes over sigma; ``diagonal`` and ``cross`` the products of lines with themselves and
    with what ``rest`` belongs to. What the background explains is taken out of lines and other plumes first:
    ``whitened`` is their part in it, ``matrix`` what is left of their products.
    """

    layout: Layout
    density: Floats
    rest: Floats
    profile: Floats
    near: NDArray[np.int64]
    beside: Floats
    diagonal: Floats
    cross: Floats
    whitened: Floats
    matrix: Floats
    cost: float

    @cached_property
    def residual(self) -> Floats:
        """What the fit leaves of the data, over sigma."""
        left = self.layout.mass / self.layout.sigma - self.columns @ self.rest
        left[self.near] -= self.profile[self.near] * self.density[self.layout.bin[self.near]]
        return np.asarray(left)

    @property
    def columns(self) -> Floats:
        """Columns of other plumes and of the background, over sigma."""
        own = self.layout.background.columns
        return np.concatenate([self.beside, own], axis=1) if self.beside.shape[1] else own

    def reduced(self, extra: Floats) -> Floats:
        """Products of columns (over sigma, zero off the plume) without what amplitudes can explain."""
        background = self.layout.background
        part = extra.take(self.near, axis=0)
        lines = _by_line(self.layout, self.near, self.profile[self.near], part)
        lines[~_with_data(self.diagonal)] = 0.0
        shared = background.whitening @ (background.columns.take(self.near, axis=0).T @ part)
        left = np.concatenate([lines, self.beside[self.near].T @ part]) - self.whitened @ shared
        return np.asarray(part.T @ part - shared.T @ shared - left.T @ np.linalg.solve(self.matrix, left))

    @cached_property
    def covariance(self) -> Floats:
        """Inverse of the normal equations, lines first."""
        return np.asarray(np.linalg.inv(self.normal()), float)

    def normal(self, extra: Floats | None = None) -> Floats:
        """Matrix of the normal equations, with further columns where there are some."""
        weight = self.diagonal
        # a line without a pixel gets a huge variance instead of none
        floor = _EMPTY * float(np.median(weight[weight > 0.0])) if (weight > 0.0).any() else 1.0
        blocks = [[np.diag(np.maximum(weight, floor)), self.cross], [self.cross.T, self._gram()]]
        if extra is not None:
            lines = _by_line(self.layout, self.near, self.profile[self.near], extra[self.near])
            rest = self.columns.T @ extra
            blocks = [[*blocks[0], lines], [*blocks[1], rest], [lines.T, rest.T, extra.T @ extra]]
        return np.block(blocks)

    def _gram(self) -> Floats:
        """Products of the background, with those of the plumes that stand before it."""
        gram, count = self.layout.background.gram, self.beside.shape[1]
        if count == 0:
            return gram
        beside = self.beside.T @ self.columns
        return np.block([[beside[:, :count], beside[:, count:]], [beside[:, count:].T, gram]])

    @property
    def background(self) -> Floats:
        """Background and other plumes in each pixel [kg m-2]."""
        return np.asarray((self.columns @ self.rest) * self.layout.sigma)

    def background_weights(self, of: Floats) -> Floats:
        """How much each pixel counts in a sum over the amplitudes of the background with these weights."""
        return self._in_data((of @ self.covariance[self.density.size :])[None, :])[0]

    def effective_terms(self) -> float:
        """How many free terms the background is worth: of the field what its prior leaves free."""
        background = self.layout.background
        modes = background.modes.shape[1] if background.fits_field else 0
        return (
            self.rest.size - float(np.trace(self.covariance[-modes:, -modes:]))
            if modes
            else float(self.rest.size)
        )

    def field_response(self) -> Floats:
        """What each mode of the field, at one standard error, adds to the line densities ``(line, mode)``."""
        count, background = self.density.size, self.layout.background
        if background.fits_field:
            # the fit takes up a mode but for what its prior holds back
            return -self.covariance[:count, len(self.covariance) - background.modes.shape[1] :]
        return self._in_data(self.covariance[:count]) @ background.modes

    def _in_data(self, rows: Floats) -> Floats:
        """Rows of the inverse normal matrix, times columns and profile: weights of pixels."""
        count = self.density.size
        made = rows[:, count:] @ self.columns.T
        which = self.layout.bin[self.near]
        made[:, self.near] += rows[:, :count][:, which] * self.profile[self.near]
        return np.asarray(made / self.layout.sigma)


def _by_line(layout: Layout, near: NDArray[np.int64], profile: Floats, columns: Floats) -> Floats:
    """Sum of profile times columns over the pixels of each line."""
    count = layout.centre.size
    if count == 1:
        return (profile @ columns)[None, :]
    held = np.zeros((count, near.size))
    held[layout.bin[near], np.arange(near.size)] = profile
    return np.asarray(held @ columns)


def _with_data(diagonal: Floats) -> NDArray[np.bool_]:
    """Which lines have pixels at all."""
    return np.asarray(diagonal > _EMPTY * float(diagonal.max(initial=0.0)))


def solve_linear(layout: Layout, shape: Floats, shift: float = 0.0) -> LinearFit:
    """Find all amplitudes for one shape of the plume.

    The background is the same for every shape: it was fitted once (`Layout.bare`), and lines and other plumes
    are fitted to what it leaves.

    Parameters
    ----------
    layout : Layout
        Pixels in the frame.
    shape : numpy.ndarray
        Logarithm of a, b, turn, bend.
    shift : float
        How far the pixels are moved to the left of the plume [m].

    Returns
    -------
    LinearFit
        Amplitudes.
    """
    profile = plume_profile(layout, shape, shift) / layout.sigma
    near = np.flatnonzero(profile)
    seen = [
        _seen(frame, layout.options.moves(frame.along), shape, layout, frame.along > 0.0) / layout.sigma
        for frame in layout.others
    ]
    beside = np.stack(seen, -1) if seen else np.zeros((profile.size, 0))
    background, bare, part = layout.background, layout.bare, profile[near]
    among = _by_line(layout, near, part, background.columns.take(near, axis=0))
    diagonal, own = (
        np.asarray(np.bincount(layout.bin[near], part * values, minlength=layout.centre.size), float)
        for values in (part, bare.residual[near])
    )
    others = _by_line(layout, near, part, beside[near])
    held = _with_data(diagonal)
    plumes = np.concatenate([np.where(held[:, None], among, 0.0), beside.T @ background.columns])
    whitened = plumes @ background.whitening.T
    matrix = -whitened @ whitened.T
    lines, plume = np.arange(diagonal.size), np.arange(diagonal.size, len(matrix))
    matrix[lines, lines] += np.where(held, diagonal, 1.0)
    if seen:
        matrix[np.ix_(lines, plume)] += others * held[:, None]
        matrix[np.ix_(plume, lines)] += (others * held[:, None]).T
        matrix[np.ix_(plume, plume)] += damped(beside.T @ beside)
    target = np.concatenate([np.where(held, own, 0.0), beside.T @ bare.residual])
    found: Floats = np.asarray(np.linalg.solve(matrix, target), float)
    density, amplitudes = np.split(found, [diagonal.size])
    rest = np.concatenate([amplitudes, bare.amplitude - background.whitening.T @ (found @ whitened)])
    # what the fit is at its least, the prior of the amplitudes with it
    cost = bare.cost - float(target @ found)
    cross = np.concatenate([others, among], axis=1)
    return LinearFit(layout, density, rest, profile, near, beside, diagonal, cross, whitened, matrix, cost)

"""The linear part of a plume's fit: line densities, other plumes, background, solved block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.layout import Layout
from yaotan.plume.profile import Spread, pixel_profile

Floats: TypeAlias = NDArray[np.float64]

#: a column with less than this share of the weight of its neighbours has no data
_EMPTY: Final = 1e-10


def _seen(frame: Any, ways: Floats, shape: Floats, layout: Layout, down: Any, shift: float = 0.0) -> Floats:
    """What one kilogram per metre gives in each pixel [m-1], zero where the plume is not."""
    spread = Spread(math.exp(shape[0]), float(shape[1]), layout.options.source_width)
    along = frame.along[down]
    across = (frame.across - ways @ shape[2:])[down] + shift
    out = np.zeros(frame.along.shape)
    out[down] = pixel_profile(across, spread.width(along), frame.half_1[down], frame.half_2[down])
    if math.isfinite(layout.options.decay):
        out[down] *= np.exp(-along / layout.options.decay)
    return out


def plume_profile(layout: Layout, shape: Floats, shift: float = 0.0) -> Floats:
    """What one kilogram per metre of the plume gives in each pixel [m-1], zero upwind."""
    return _seen(layout, layout.ways, shape, layout, layout.bin >= 0, shift)


def profile_slopes(layout: Layout, shape: Floats, free: Any) -> Floats:
    """Derivative of the profile by the parameters that are fitted ``(pixel, parameter)``."""
    step = 1e-3
    columns = []
    sideways = None
    for k in free:
        if k < 2:
            up, down = shape.copy(), shape.copy()
            up[k] += step
            down[k] -= step
            columns.append((plume_profile(layout, up) - plume_profile(layout, down)) / (2.0 * step))
            continue
        if sideways is None:
            small = 1e-3 * layout.pixels.width
            pair = [plume_profile(layout, shape, shift) for shift in (small, -small)]
            sideways = -(pair[0] - pair[1]) / (2.0 * small)
        columns.append(sideways * layout.ways[:, k - 2])
    return np.stack(columns, axis=-1)


@dataclass(frozen=True)
class LinearFit:
    """Amplitudes for one shape, and the blocks of the normal equations.

    ``density`` of each line [kg m-1], ``rest`` the amplitudes of other plumes and background terms;
    ``profile`` and ``columns`` their columns over sigma, ``near`` the pixels that the plume touches.
    """

    layout: Layout
    density: Floats
    rest: Floats
    residual: Floats
    profile: Floats
    near: NDArray[np.int64]
    columns: Floats
    diagonal: Floats
    cross: Floats
    gram: Floats
    inverse: Floats
    matrix: Floats
    cost: float

    def reduced(self, extra: Floats) -> Floats:
        """Products of columns (over sigma, zero off the plume) without what amplitudes can explain."""
        part = extra[self.near]
        lines = _by_line(self.layout, self.near, self.profile[self.near], part)
        weighted = self.inverse[:, None] * lines
        target = self.columns[self.near].T @ part - self.cross.T @ weighted
        return np.asarray(
            part.T @ part - lines.T @ weighted - target.T @ np.linalg.solve(self.matrix, target)
        )

    @cached_property
    def covariance(self) -> Floats:
        """Inverse of the normal equations, lines first."""
        return np.asarray(np.linalg.inv(self.normal()), float)

    def normal(self, extra: Floats | None = None) -> Floats:
        """Matrix of the normal equations, with further columns where there are some."""
        weight = self.diagonal
        # a line without a pixel gets a huge variance instead of none
        floor = _EMPTY * float(np.median(weight[weight > 0.0])) if (weight > 0.0).any() else 1.0
        blocks = [[np.diag(np.maximum(weight, floor)), self.cross], [self.cross.T, self.gram]]
        if extra is not None:
            lines = _by_line(self.layout, self.near, self.profile[self.near], extra[self.near])
            rest = self.columns.T @ extra
            blocks = [[*blocks[0], lines], [*blocks[1], rest], [lines.T, rest.T, extra.T @ extra]]
        return np.block(blocks)

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


def _with_others(gram: Floats, columns: Floats, count: int) -> Floats:
    """Products of the background, with those of the plumes that stand before it."""
    beside = columns[:, :count].T @ columns
    return np.block([[beside[:, :count], beside[:, count:]], [beside[:, count:].T, gram]])


def solve_linear(layout: Layout, shape: Floats) -> LinearFit:
    """Find all amplitudes for one shape of the plume.

    Lines share no pixel, so that their block of the normal equations is diagonal and is eliminated first.

    Parameters
    ----------
    layout : Layout
        Pixels in the frame.
    shape : numpy.ndarray
        Logarithm of a, b, turn, bend.

    Returns
    -------
    LinearFit
        Amplitudes.
    """
    profile = plume_profile(layout, shape) / layout.sigma
    near = np.flatnonzero(profile)
    columns, gram = layout.background.columns, layout.background.gram
    data = layout.mass / layout.sigma
    if layout.others:
        seen = [
            _seen(frame, layout.options.moves(frame.along), shape, layout, frame.along > 0.0) / layout.sigma
            for frame in layout.others
        ]
        columns = np.concatenate([np.stack(seen, -1), columns], axis=1)
        gram = _with_others(gram, columns, len(seen))
    target = columns.T @ data
    part = profile[near]
    both = _by_line(
        layout, near, part, np.concatenate([columns[near], data[near, None], part[:, None]], axis=1)
    )
    cross, own, diagonal = both[:, :-2], both[:, -2], both[:, -1]
    least = _EMPTY * float(diagonal.max(initial=0.0))
    inverse = np.divide(1.0, diagonal, out=np.zeros_like(diagonal), where=diagonal > least)
    matrix = gram - cross.T @ (inverse[:, None] * cross)
    matrix[np.diag_indices_from(matrix)] += 1e-10 * np.maximum(np.diag(gram), 1e-30)
    rest: Floats = np.asarray(np.linalg.solve(matrix, target - cross.T @ (inverse * own)), float)
    density = inverse * (own - cross @ rest)
    residual = data - columns @ rest
    residual[near] -= part * density[layout.bin[near]]
    # what the fit is at its least, the prior of the amplitudes with it
    blocks = (diagonal, cross, gram, inverse, matrix, float(data @ residual))
    return LinearFit(layout, density, rest, residual, profile, near, columns, *blocks)

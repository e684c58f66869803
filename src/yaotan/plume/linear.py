"""The linear part of a plume's fit: line densities, other plumes, background, solved block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.layout import FAR, MEANDER_STEP, Layout
from yaotan.plume.profile import Spread, pixel_profile

Floats: TypeAlias = NDArray[np.float64]

#: a column with less than this share of the weight of its neighbours has no data
_EMPTY: Final = 1e-10


def moves(along: Floats, layout: Layout) -> Floats:
    """How much each parameter of the centre line moves it at a distance ``(pixel, parameter)`` [m]."""
    down = np.maximum(along, 0.0)
    further = [np.clip(down - node, 0.0, MEANDER_STEP) for node in layout.options.nodes]
    return np.stack([down, down**2 / FAR, *further], axis=-1)


def moved(along: Floats, across: Floats, shape: Floats, layout: Layout) -> Floats:
    """Distance from the centre line after its turn, bend and meanders [m]."""
    return np.asarray(across - moves(along, layout) @ shape[2:])


def _seen(frame: Any, shape: Floats, layout: Layout, down: Any, shift: float = 0.0) -> Floats:
    """What one kilogram per metre gives in each pixel [m-1], zero where the plume is not."""
    spread = Spread(math.exp(shape[0]), float(shape[1]), layout.options.source_width)
    along = frame.along[down]
    across = moved(along, frame.across[down], shape, layout) + shift
    out = np.zeros(frame.along.shape)
    out[down] = pixel_profile(across, spread.width(along), frame.half_1[down], frame.half_2[down])
    if math.isfinite(layout.options.decay):
        out[down] *= np.exp(-along / layout.options.decay)
    return out


def plume_profile(layout: Layout, shape: Floats, shift: float = 0.0) -> Floats:
    """What one kilogram per metre of the plume gives in each pixel [m-1], zero upwind."""
    return _seen(layout, shape, layout, layout.bin >= 0, shift)


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
            ways = moves(layout.along, layout)
        columns.append(sideways * ways[:, k - 2])
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

    def project(self, extra: Floats) -> Floats:
        """Take from columns (over sigma) what amplitudes can explain."""
        part = self.profile[self.near]
        lines = _by_line(self.layout, self.near, part, extra[self.near])
        target = self.columns.T @ extra - self.cross.T @ (self.inverse[:, None] * lines)
        rest = np.linalg.solve(self.matrix, target)
        found = self.inverse[:, None] * (lines - self.cross @ rest)
        made = extra - self.columns @ rest
        made[self.near] -= part[:, None] * found[self.layout.bin[self.near]]
        return np.asarray(made)

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

    def background_weights(self) -> Floats:
        """How much each pixel counts in each amplitude of the background: ``(term, pixel)``."""
        inverse = np.linalg.inv(self.normal())
        count = self.density.size
        made = inverse[count:, count:] @ self.columns.T
        which = self.layout.bin[self.near]
        made[:, self.near] += inverse[count:, :count][:, which] * self.profile[self.near]
        return np.asarray(made / self.layout.sigma)


def _by_line(layout: Layout, near: NDArray[np.int64], profile: Floats, columns: Floats) -> Floats:
    """Sum of profile times columns over the pixels of each line."""
    count = layout.centre.size
    if count == 1:
        return (profile @ columns)[None, :]
    which = layout.bin[near]
    sums = [np.bincount(which, profile * columns[:, k], minlength=count) for k in range(columns.shape[1])]
    # without any pixel bincount gives integers
    return np.stack(sums, axis=-1).astype(float)


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
    columns, gram, data, target = layout.weighted
    if layout.others:
        seen = [_seen(frame, shape, layout, frame.along > 0.0) / layout.sigma for frame in layout.others]
        columns = np.concatenate([np.stack(seen, -1), columns], axis=1)
        gram, target = columns.T @ columns, columns.T @ data
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
    blocks = (diagonal, cross, gram, inverse, matrix)
    return LinearFit(layout, density, rest, residual, profile, near, columns, *blocks)

"""The plume in an image: line densities, spread, centre line and background, fitted together."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.layout import Layout
from yaotan.plume.linear import LinearFit, plume_profile, profile_slopes, solve_linear
from yaotan.plume.profile import Spread
from yaotan.plume.residual import correlation_factor

Floats: TypeAlias = NDArray[np.float64]

#: bounds of the logarithm of a, of b, of the turn [radian] and of the bend [radian in 100 km]
LOWER: Final = np.array([math.log(10.0), 0.3, -0.8, -1.5])
UPPER: Final = np.array([math.log(5000.0), 1.6, 0.8, 1.5])


@dataclass(frozen=True)
class Known:
    """What a fit with its shape held takes over from the fit of the shape.

    Noise, relative bias of the densities, and relative error and covariance of the shape.
    """

    noise_scale: float
    relative_bias: float
    shape_error: float
    shape_covariance: Floats = field(repr=False)


@dataclass(frozen=True)
class PlumeModel:
    """A fitted plume.

    ``linear`` its amplitudes, ``shape`` the parameters log a, b, turn, bend; ``covariance`` of the line
    densities with the shape held, ``field_covariance`` the part of it that the smooth field of the background
    has, ``full_covariance`` with the error of the shape; ``noise_scale`` what the variance of residuals is
    larger than stated, with their correlation; ``relative_bias`` what fitting the shape has added to the
    densities, ``shape_error`` its relative standard error, ``shape_covariance`` that of its parameters.
    """

    layout: Layout
    linear: LinearFit = field(repr=False)
    shape: Floats
    covariance: Floats = field(repr=False)
    field_covariance: Floats = field(repr=False)
    full_covariance: Floats = field(repr=False)
    shape_covariance: Floats = field(repr=False)
    noise_scale: float = 1.0
    relative_bias: float = 0.0
    shape_error: float = 0.0
    at_bound: bool = False

    @property
    def density(self) -> Floats:
        """Mass in a metre of the plume at each line, without the bias of a fitted shape [kg m-1]."""
        return self.linear.density * (1.0 - self.relative_bias)

    @property
    def cost(self) -> float:
        """What a fit of the shape makes least: squares of residuals, field and shape under their priors."""
        mean, error = self.layout.options.prior
        return _total(self.linear, self.shape, mean, error, np.flatnonzero(error > 0.0))

    @property
    def known(self) -> Known:
        """What a fit with this shape held takes over."""
        return Known(self.noise_scale, self.relative_bias, self.shape_error, self.shape_covariance)

    def line_covariance(self) -> Floats:
        """Covariance of the place of the centre line across the plume, at each line [m2]."""
        ways = self.layout.options.moves(self.layout.centre)
        return np.asarray(ways @ self.shape_covariance[2:, 2:] @ ways.T)

    @property
    def spread(self) -> Spread:
        """Width of the plume."""
        return Spread(math.exp(self.shape[0]), float(self.shape[1]), self.layout.options.source_width)

    @property
    def across(self) -> Floats:
        """Distance from the fitted centre line [m]."""
        return np.asarray(self.layout.across - self.layout.ways @ self.shape[2:])


def fit_plume(
    layout: Layout,
    *,
    shape: Floats | None = None,
    start: Floats | None = None,
    search: bool = False,
    known: Known | None = None,
    shape_covariance: Floats | None = None,
) -> PlumeModel:
    """Fit line densities, background and shape; amplitudes enter linearly and need no first guess.

    Parameters
    ----------
    layout : Layout
        Pixels in the frame.
    shape : numpy.ndarray, optional
        Shape to hold, such as that of a second gas; else it is fitted under its prior.
    start : numpy.ndarray, optional
        Shape with which the fit begins; default: the mean of its prior.
    search : bool
        Try centre lines over 2.5 standard errors of the turn first: for lines that only the wind gives.
    known : Known, optional
        `PlumeModel.known` of another fit, for one with its shape held.
    shape_covariance : numpy.ndarray, optional
        Covariance of a shape that is held and comes of another gas.

    Returns
    -------
    PlumeModel
        The fit.

    Raises
    ------
    NoEstimateError
        No line has enough pixels.
    """
    mean, error = layout.options.prior
    free = np.flatnonzero(error > 0.0) if shape is None else np.zeros(0, int)
    first = shape if shape is not None else mean if start is None else start
    current = np.array(first, float)
    if search and 2 in free:
        current = _search(layout, current, mean, error, free)
    # a straight or bent plume first: meanders that begin on a wrong line end on a wrong one
    plain = free[free < LOWER.size]
    if plain.size and plain.size < free.size:
        current = _descend(layout, current, mean, error, plain)
    if free.size:
        current = _descend(layout, current, mean, error, free)
        linear = solve_linear(layout, current)
        if float(linear.diagonal @ linear.density) < 0.0:
            # the deepest trough around is no plume: of the shape nothing is known but its prior
            current, free, shape_covariance = mean, np.zeros(0, int), np.diag(error**2)
    made = _finish(layout, current, mean, error, free, known)
    return made if shape_covariance is None else replace(made, shape_covariance=shape_covariance)


def _search(layout: Layout, current: Floats, mean: Floats, error: Floats, free: Any) -> Floats:
    trials = []
    for turn in np.linspace(-2.5, 2.5, 21) * error[2]:
        trial = current.copy()
        trial[2] = np.clip(turn, LOWER[2], UPPER[2])
        trials.append((_total(solve_linear(layout, trial), trial, mean, error, free), turn, trial))
    return min(trials, key=lambda one: one[:2])[2]


def _descend(layout: Layout, current: Floats, mean: Floats, error: Floats, free: Any) -> Floats:
    """Levenberg-Marquardt on the projected residual (variable projection; Kaufman 1975)."""
    damping = 1e-3
    low, high = _bounds(mean.size)
    linear = solve_linear(layout, current)
    cost = _total(linear, current, mean, error, free)
    for _ in range(30):
        raw = _shape_columns(layout, linear, current, free)
        behind = ((current - mean) / np.where(error > 0.0, error, 1.0) ** 2)[free]
        normal = linear.reduced(raw) + np.diag(1.0 / error[free] ** 2)
        slope = raw.T @ linear.residual - behind
        better = False
        for _ in range(6):
            move = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), slope)
            trial = current.copy()
            trial[free] = np.clip(current[free] + move, low[free], high[free])
            then = solve_linear(layout, trial)
            after = _total(then, trial, mean, error, free)
            if after < cost:
                better = True
                break
            damping *= 10.0
        if not better:
            break
        gain, current, linear, cost = cost - after, trial, then, after
        damping = max(damping / 10.0, 1e-9)
        if gain < 1e-7 * cost:
            break
    return current


def _total(linear: LinearFit, shape: Floats, mean: Floats, error: Floats, free: Any) -> float:
    return float(linear.cost + np.sum(((shape - mean)[free] / error[free]) ** 2))


def _bounds(count: int) -> tuple[Floats, Floats]:
    """Bounds of all parameters; of the meanders 0.6 radian."""
    more = np.full(count - LOWER.size, 0.6)
    return np.concatenate([LOWER, -more]), np.concatenate([UPPER, more])


def _shape_columns(layout: Layout, linear: LinearFit, shape: Floats, free: Any) -> Floats:
    """Derivative of the plume by its shape over sigma ``(pixel, parameter)``."""
    strength = np.where(layout.bin >= 0, linear.density[layout.bin], 0.0) / layout.sigma
    return np.asarray(profile_slopes(layout, shape, free) * strength[:, None])


def _finish(
    layout: Layout,
    shape: Floats,
    mean: Floats,
    error: Floats,
    free: Any,
    known: Known | None,
) -> PlumeModel:
    linear = solve_linear(layout, shape)
    count, residual = layout.centre.size, linear.residual
    whole = linear.covariance
    noise, bias, shape_error = 0.0, 0.0, 0.0
    by_shape = np.zeros((shape.size, shape.size))
    if known is not None:
        noise, bias, shape_error = known.noise_scale, known.relative_bias, known.shape_error
        by_shape = known.shape_covariance
    else:
        freedom = max(residual.size - count - linear.effective_terms() - free.size, 1.0)
        noise = float(residual @ residual) / freedom * correlation_factor(layout.pixels, residual)
    seen = linear.field_response()
    by_field = seen @ seen.T * noise
    held = whole[:count, :count] * noise + (0.0 if layout.background.fits_field else by_field)
    full = held
    if free.size:
        columns = _shape_columns(layout, linear, shape, free)
        normal = linear.normal(columns)
        place = np.arange(normal.shape[0] - free.size, normal.shape[0])
        normal[place, place] += noise / error[free] ** 2
        inverse: Floats = np.asarray(np.linalg.inv(normal), float)
        full = held + (inverse[:count, :count] - whole[:count, :count]) * noise
        by_shape[np.ix_(free, free)] = inverse[np.ix_(place, place)] * noise
        bias = _relative_bias(linear, shape, free, columns, inverse, noise, held)
        weight = _precision(held)
        more = max(float(weight @ (full - held) @ weight), 0.0)
        shape_error = math.sqrt(more) / max(abs(float(weight @ linear.density)), 1e-30)
    low, high = _bounds(mean.size)
    bound = bool(np.any((shape[free] <= low[free]) | (shape[free] >= high[free])))
    return PlumeModel(layout, linear, shape, held, by_field, full, by_shape, noise, bias, shape_error, bound)


def _precision(covariance: Floats) -> Floats:
    """Inverse variances; 0 for lines without pixels."""
    size = np.diag(covariance)
    return np.where(size < 1e6 * np.median(size), 1.0 / size, 0.0)


def _relative_bias(
    linear: LinearFit, shape: Floats, free: Any, columns: Floats, inverse: Floats, noise: float, held: Floats
) -> float:
    """Bias of line densities because the shape is fitted to the same noise, relative (Box 1971).

    A centre line or a width that follows noise finds more of it: to second order
    ``-C J^T (tr(C H) / 2)`` with the curvature H of the model in each pixel. Below a signal of three standard
    errors the expansion means nothing and none is taken.
    """
    layout = linear.layout
    count = layout.centre.size
    weight = _precision(held)
    signal = float(weight @ linear.density)
    if signal < 3.0 * math.sqrt(float(weight @ held @ weight)):
        return 0.0
    place = slice(inverse.shape[0] - free.size, inverse.shape[0])
    roots = np.linalg.cholesky(inverse[place, place] * noise)
    plain = linear.profile * layout.sigma
    curved = np.zeros(plain.size)
    for k in range(free.size):
        up, down = shape.copy(), shape.copy()
        up[free] += roots[:, k]
        down[free] -= roots[:, k]
        curved += plume_profile(layout, up) + plume_profile(layout, down) - 2.0 * plain
    bins = layout.bin
    strength = np.where(bins >= 0, linear.density[bins], 0.0)
    both = (inverse[:count, place] * noise)[bins]
    slopes = np.divide(
        columns,
        (strength / layout.sigma)[:, None],
        out=np.zeros_like(columns),
        where=strength[:, None] != 0.0,
    )
    half = (0.5 * strength * curved + np.sum(both * slopes, axis=1) * (bins >= 0)) / layout.sigma
    lines = np.bincount(bins[linear.near], (linear.profile * half)[linear.near], minlength=count)
    target = np.concatenate([lines, linear.columns.T @ half, columns.T @ half])
    bias = -(inverse @ target)[:count]
    return float(weight @ bias) / signal

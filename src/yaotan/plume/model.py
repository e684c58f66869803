"""The plume in an image: line densities, spread, centre line and background, fitted together."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from yaotan.plume.image import PixelSet
from yaotan.plume.layout import Layout
from yaotan.plume.linear import LinearFit, moved, plume_profile, solve_linear
from yaotan.plume.profile import Spread

Floats: TypeAlias = NDArray[np.float64]

#: bounds of the logarithm of a, of b, of the turn [radian] and of the bend [radian in 100 km]
LOWER: Final = np.array([math.log(10.0), 0.3, -0.8, -1.5])
UPPER: Final = np.array([math.log(5000.0), 1.6, 0.8, 1.5])


@dataclass(frozen=True)
class PlumeModel:
    """A fitted plume.

    ``linear`` its amplitudes, ``shape`` the parameters log a, b, turn, bend; ``covariance`` of the line
    densities with the shape held, ``full_covariance`` with the error of the shape; ``noise_scale`` what the
    variance of residuals is larger than stated, with their correlation.
    """

    layout: Layout
    linear: LinearFit = field(repr=False)
    shape: Floats
    covariance: Floats = field(repr=False)
    full_covariance: Floats = field(repr=False)
    noise_scale: float = 1.0
    at_bound: bool = False

    @property
    def density(self) -> Floats:
        """Mass in a metre of the plume at each line [kg m-1]."""
        return self.linear.density

    @property
    def spread(self) -> Spread:
        """Width of the plume."""
        return Spread(math.exp(self.shape[0]), float(self.shape[1]), self.layout.options.source_width)

    @property
    def across(self) -> Floats:
        """Distance from the fitted centre line [m]."""
        return moved(self.layout.along, self.layout.across, self.shape)


def fit_plume(
    layout: Layout,
    *,
    shape: Floats | None = None,
    start: Floats | None = None,
    search: bool = False,
    noise_scale: float | None = None,
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
    noise_scale : float, optional
        Factor of the stated variance, where another fit has it already.

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
    if free.size:
        current = _descend(layout, current, mean, error, free)
    return _finish(layout, current, mean, error, free, noise_scale)


def _cost(layout: Layout, shape: Floats, mean: Floats, error: Floats, free: Any) -> float:
    residual = solve_linear(layout, shape).residual
    return float(residual @ residual + np.sum(((shape - mean)[free] / error[free]) ** 2))


def _search(layout: Layout, current: Floats, mean: Floats, error: Floats, free: Any) -> Floats:
    trials = []
    for turn in np.linspace(-2.5, 2.5, 21) * error[2]:
        trial = current.copy()
        trial[2] = np.clip(turn, LOWER[2], UPPER[2])
        trials.append((_cost(layout, trial, mean, error, free), turn, trial))
    return min(trials, key=lambda one: one[:2])[2]


def _descend(layout: Layout, current: Floats, mean: Floats, error: Floats, free: Any) -> Floats:
    """Levenberg-Marquardt on the projected residual (variable projection, numeric derivative)."""
    damping = 1e-3
    steps = np.array([1e-3, 1e-3, 1e-4, 1e-4])

    def full(shape: Floats) -> Floats:
        residual = solve_linear(layout, shape).residual
        return np.concatenate([residual, (shape - mean)[free] / error[free]])

    now = full(current)
    for _ in range(25):
        columns = []
        for k in free:
            trial = current.copy()
            trial[k] += steps[k]
            columns.append((full(trial) - now) / steps[k])
        jacobian = np.stack(columns, -1)
        normal, slope = jacobian.T @ jacobian, jacobian.T @ now
        better = False
        for _ in range(6):
            move = -np.linalg.solve(normal + damping * np.diag(np.diag(normal)), slope)
            trial = current.copy()
            trial[free] = np.clip(current[free] + move, LOWER[free], UPPER[free])
            then = full(trial)
            if then @ then < now @ now:
                better = True
                break
            damping *= 10.0
        if not better:
            break
        gain = now @ now - then @ then
        current, now, damping = trial, then, damping / 10.0
        if gain < 1e-8 * (now @ now):
            break
    return current


def _finish(
    layout: Layout, shape: Floats, mean: Floats, error: Floats, free: Any, noise: float | None
) -> PlumeModel:
    linear = solve_linear(layout, shape)
    count, residual = layout.centre.size, linear.residual
    if noise is None:
        freedom = max(residual.size - count - linear.rest.size - free.size, 1)
        noise = float(residual @ residual) / freedom * correlation_factor(layout.pixels, residual)
    held = np.linalg.inv(linear.normal())[:count, :count] * noise
    full = held
    if free.size:
        columns = []
        for k in free:
            trial = shape.copy()
            trial[k] += 1e-4
            change = (plume_profile(layout, trial) / layout.sigma - linear.profile) / 1e-4
            columns.append(np.where(layout.bin >= 0, linear.density[layout.bin], 0.0) * change)
        normal = linear.normal(np.stack(columns, -1))
        place = np.arange(normal.shape[0] - free.size, normal.shape[0])
        normal[place, place] += noise / error[free] ** 2
        full = np.linalg.inv(normal)[:count, :count] * noise
    bound = bool(np.any((shape[free] <= LOWER[free]) | (shape[free] >= UPPER[free])))
    return PlumeModel(layout, linear, shape, held, full, noise, bound)


def correlation_factor(pixels: PixelSet, residual: Floats, lags: int = 3) -> float:
    """Factor of variances of means by the correlation of neighbouring residuals, at least 1.

    The sum of the autocorrelation over lags up to three pixels in each direction: what the variance of a
    mean over many pixels is larger than without correlation. Beyond three pixels a background polynomial has
    taken most.

    Parameters
    ----------
    pixels : PixelSet
        Their place in the image.
    residual : numpy.ndarray
        Residual / standard error.
    lags : int
        Largest lag [pixels].

    Returns
    -------
    float
        1 for independent noise.
    """
    rows, columns = pixels.row - pixels.row.min(), pixels.column - pixels.column.min()
    image = np.full((rows.max() + 1, columns.max() + 1), np.nan)
    # strong residuals near the source are misfit of the plume, not noise
    image[rows, columns] = np.clip(residual, -4.0 * residual.std(), 4.0 * residual.std())
    variance = float(np.nanmean(image**2))
    total = 1.0
    for dy in range(lags + 1):
        for dx in range(-lags, lags + 1):
            if (dy == 0 and dx <= 0) or dy >= image.shape[0] or abs(dx) >= image.shape[1]:
                continue
            one = image[: image.shape[0] - dy, max(0, -dx) : image.shape[1] - max(0, dx)]
            two = image[dy:, max(0, dx) : image.shape[1] + min(0, dx)]
            product = one * two
            if np.isfinite(product).sum() > 30:
                correlation = float(np.nanmean(product)) / variance
                total += 2.0 * correlation
    return max(1.0, total)


def choose_order(layouts: dict[int, Layout], shape: Floats) -> int:
    """Choose the degree of the background polynomial by the criterion of Schwarz (1978).

    Noise is that of the highest degree, with its correlation; what a term gains must exceed the logarithm of
    the number of independent pixels.

    Parameters
    ----------
    layouts : dict of int to Layout
        The same pixels by degree, with line densities.
    shape : numpy.ndarray
        Shape of the plume.

    Returns
    -------
    int
        The degree.
    """
    found = {}
    for order, layout in layouts.items():
        residual = solve_linear(layout, shape).residual
        found[order] = (residual, layout.background.shape[1])
    last = found[max(found)][0]
    factor = correlation_factor(next(iter(layouts.values())).pixels, last)
    variance = float(last @ last) / max(last.size - 10, 1) * factor
    price = math.log(max(last.size / factor, 2.0))
    return min(
        found, key=lambda order: float(found[order][0] @ found[order][0]) / variance + price * found[order][1]
    )
